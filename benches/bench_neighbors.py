"""Exact nearest neighbours, build and query apart, against SciPy's tree, faiss and scikit-learn; and votes of neighbours."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from common import Report, Row, race

K = 10
# Where Debian's package dataset-fashion-mnist puts the pictures.
PICTURES = Path(os.environ.get("FMNIST_DIR", "/usr/share/datasets/fashion-mnist"))


class Side(NamedTuple):
    """A peer: its build, and its query of what that built, which returns the distances."""

    name: str
    build: Callable[[], Any]
    query: Callable[[Any], np.ndarray]


def pictures() -> tuple[np.ndarray, np.ndarray] | None:
    """The 60,000 and 10,000 pictures of Fashion-MNIST in [0, 1], where they are installed."""
    files = [PICTURES / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k")]
    if not all(f.is_file() for f in files):
        print("neighbors: Fashion-MNIST is not installed; 784 columns near a surface instead")
        return None
    raw = [np.frombuffer(gzip.decompress(f.read_bytes()), np.uint8, offset=16) for f in files]
    keys, queries = (x.reshape(-1, 784).astype(np.float32) / 255 for x in raw)
    return keys, queries


def data(n: int, m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys and queries."""
    rng = np.random.default_rng(d)
    keys = rng.standard_normal((n, d), dtype=np.float32)
    queries = rng.standard_normal((m, d), dtype=np.float32)
    if d > 100:
        # Pictures lie near a surface of few dimensions; noise alone would not.
        mix = rng.standard_normal((20, d), dtype=np.float32)
        keys = keys * 0.3 + rng.standard_normal((n, 20), dtype=np.float32) @ mix
        queries = queries * 0.3 + rng.standard_normal((m, 20), dtype=np.float32) @ mix
    return keys, queries


def run(report: Report) -> None:
    """Three columns (trees win), sixteen (nobody's tree wins) and 784 (matrix products)."""
    import locality as lc

    small = report.quick
    for n, m, d, k in ((100_000, 10_000, 3, K), (100_000, 10_000, 16, K), (60_000, 10_000, 784, 5)):
        n, m = (n // 50, m // 50) if small else (n, m)
        real = pictures() if d == 784 else None
        keys, queries = data(n, m, d) if real is None else (real[0][:n], real[1][:m])
        model = lc.NearestNeighbors(n_neighbors=k, n_jobs=report.threads)
        fitted = lc.NearestNeighbors(n_neighbors=k, n_jobs=report.threads).fit(keys)
        rounds = report.rounds(2 if d > 100 else 7)
        for peer in peers(keys, queries, k, report.threads):
            case = f"{n} keys x {m} queries, {'d=' + str(d) if real is None else 'Fashion-MNIST'}, k={k}"
            seconds, theirs, _, built = race(lambda model=model, keys=keys: model.fit(keys), peer.build, rounds)
            report.add(Row("neighbors", f"{case}, build", seconds, peer.name, theirs))
            seconds, theirs, mine, other = race(
                lambda fitted=fitted, queries=queries: fitted.kneighbors(queries)[0],
                lambda peer=peer, built=built: peer.query(built),
                rounds,
            )
            # Distances, since ties may come in any order.
            truth = exact(keys, queries[:100], k)
            notes = {
                f"worst relative error of 100 queries' distances, {side}": f"{error(found[:100], truth):.1e}"
                for side, found in (("ours", mine), (peer.name, other))
            }
            report.add(Row("neighbors", f"{case}, query", seconds, peer.name, theirs, notes))
    votes(report)


def exact(keys: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Distances to the `k` nearest keys, by differences in double precision."""
    keys = keys.astype(np.float64)
    squares = (((keys - q) ** 2).sum(axis=1) for q in queries.astype(np.float64))
    return np.sqrt([np.sort(np.partition(x, k - 1)[:k]) for x in squares])


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """Largest relative error."""
    return float((np.abs(found - truth) / np.maximum(truth, 1e-6)).max())


def votes(report: Report) -> None:
    """Predictions of a classifier on pictures of digits, with as many columns as there are."""
    import locality as lc
    from sklearn.datasets import load_digits
    from sklearn.neighbors import KNeighborsClassifier

    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    # More digits of the same kind: each moved by a little noise.
    n, m = (2000, 500) if report.quick else (20_000, 5000)
    of, at = rng.integers(len(x), size=n), rng.integers(len(x), size=m)
    keys = x[of] + rng.normal(scale=2.0, size=(n, 64))
    queries = x[at] + rng.normal(scale=2.0, size=(m, 64))
    for weights in ("uniform", "distance"):
        mine = lc.KNeighborsClassifier(K, weights=weights, n_jobs=report.threads).fit(keys, y[of])
        other = KNeighborsClassifier(K, weights=weights, algorithm="brute", n_jobs=report.threads).fit(keys, y[of])
        ours, theirs, a, b = race(
            lambda mine=mine: mine.predict(queries), lambda other=other: other.predict(queries), report.rounds(5)
        )
        notes = {"predictions differ": int((a != b).sum()), "accuracy": f"{(a == y[at]).mean():.4f}"}
        report.add(
            Row("neighbors", f"vote, {weights}, {n} keys x {m} queries, d=64, float64", ours, "scikit-learn brute", theirs, notes)
        )


def peers(keys: np.ndarray, queries: np.ndarray, k: int, threads: int) -> list[Side]:
    """Whoever is fast at this number of columns."""
    from sklearn.neighbors import NearestNeighbors

    d = keys.shape[1]
    out: list[Side] = []
    if d <= 8:
        from scipy.spatial import cKDTree

        out.append(Side("SciPy cKDTree", lambda: cKDTree(keys), lambda tree: tree.query(queries, k=k, workers=threads)[0]))
        trees = NearestNeighbors(n_neighbors=k, algorithm="kd_tree", n_jobs=threads)
        out.append(Side("scikit-learn kd_tree", lambda: trees.fit(keys), lambda fit: fit.kneighbors(queries)[0]))
    if d > 3:
        try:
            import faiss
        except ImportError:
            print("neighbors: faiss is not installed")
        else:
            faiss.omp_set_num_threads(threads)

            def flat() -> Any:
                index = faiss.IndexFlatL2(d)
                index.add(keys)
                return index

            out.append(
                Side("faiss IndexFlatL2", flat, lambda index: np.sqrt(np.maximum(index.search(queries, k)[0], 0.0)))
            )
    if d > 100:
        brute = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=threads)
        out.append(Side("scikit-learn brute", lambda: brute.fit(keys), lambda fit: fit.kneighbors(queries)[0]))
    return out
