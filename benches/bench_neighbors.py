"""Exact nearest neighbours, against SciPy's tree, faiss and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from common import Report, Row, race

K = 10


def run(report: Report) -> None:
    """Three columns (trees win), sixteen (nobody's tree wins) and 784 (matrix products)."""
    import locality as lc

    small = report.quick
    for n, m, d, k in ((100_000, 10_000, 3, K), (100_000, 10_000, 16, K), (60_000, 10_000, 784, 5)):
        n, m = (n // 50, m // 50) if small else (n, m)
        rng = np.random.default_rng(d)
        keys = rng.standard_normal((n, d), dtype=np.float32)
        queries = rng.standard_normal((m, d), dtype=np.float32)
        if d > 100:
            # Pictures lie near a surface of few dimensions; noise alone would not.
            mix = rng.standard_normal((20, d), dtype=np.float32)
            keys = keys * 0.3 + rng.standard_normal((n, 20), dtype=np.float32) @ mix
            queries = queries * 0.3 + rng.standard_normal((m, 20), dtype=np.float32) @ mix

        def ours() -> Any:
            return lc.nearest(queries, keys, k, n_jobs=report.threads)

        for name, peer in peers(keys, queries, k, report.threads):
            seconds, theirs, a, b = race(ours, peer, report.rounds(3 if d > 100 else 5))
            # Distances, since ties may come in any order.
            gap = np.abs(a[1] - b) / np.maximum(a[1], 1e-6)
            notes = {"distances differ by": f"{gap.max():.1e}"}
            case = f"{n} keys x {m} queries, d={d}, k={k}, build and query"
            report.add(Row("neighbors", case, seconds, name, theirs, notes))


def peers(keys: np.ndarray, queries: np.ndarray, k: int, threads: int) -> list[tuple[str, Callable[[], np.ndarray]]]:
    """Whoever is fast at this number of columns; each returns the distances."""
    d = keys.shape[1]
    out: list[tuple[str, Callable[[], np.ndarray]]] = []
    if d <= 8:
        from scipy.spatial import cKDTree

        out.append(("SciPy cKDTree", lambda: cKDTree(keys).query(queries, k=k, workers=threads)[0]))
    if d > 3:
        try:
            import faiss
        except ImportError:
            print("neighbors: faiss is not installed")
        else:
            faiss.omp_set_num_threads(threads)

            def flat() -> np.ndarray:
                index = faiss.IndexFlatL2(d)
                index.add(keys)
                return np.sqrt(np.maximum(index.search(queries, k)[0], 0.0))

            out.append(("faiss IndexFlatL2", flat))
    if d > 100:
        from sklearn.neighbors import NearestNeighbors

        brute = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=threads).fit(keys)
        out.append(("scikit-learn brute", lambda: brute.kneighbors(queries)[0]))
    return out
