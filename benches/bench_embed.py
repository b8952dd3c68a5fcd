"""Local linear embedding and Laplacian eigenmaps of a swiss roll against scikit-learn's."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
from common import Report, Row, race


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """What an affine map of one embedding leaves of the other, of its spread."""
    ones = np.column_stack([ours, np.ones(len(ours))])
    left = theirs - ones @ np.linalg.lstsq(ones, theirs, rcond=None)[0]
    return float(np.sqrt((left**2).sum() / ((theirs - theirs.mean(0)) ** 2).sum()))


def run(report: Report) -> None:
    """Every method of local linear embedding, and Laplacian eigenmaps, at 2,000 and 10,000 rows; ours alone at 50,000."""
    import locality as lc
    from sklearn import manifold
    from sklearn.datasets import make_swiss_roll

    small, large = (200, 400) if report.quick else (2000, 10_000)
    methods = ("standard", "modified", "ltsa", "hessian")
    for n, method in [(n, method) for n in (small, large) for method in methods]:
        x = make_swiss_roll(n, random_state=0)[0]
        ours = lc.LocallyLinearEmbedding(n_neighbors=12, method=method, n_jobs=report.threads)
        theirs = manifold.LocallyLinearEmbedding(
            n_neighbors=12, method=method, n_jobs=report.threads, eigen_solver="arpack", random_state=0
        )
        rounds = report.rounds(5 if n == small or method == "standard" else 1)
        seconds, other, _, _ = race(lambda ours=ours, x=x: ours.fit(x), lambda theirs=theirs, x=x: theirs.fit(x), rounds)
        trust = (lc.trustworthiness(x, model.embedding_) for model in (ours, theirs))
        notes = {
            "trustworthiness of both": ", ".join(f"{t:.4f}" for t in trust),
            "apart, up to an affine map": f"{apart(ours.embedding_, theirs.embedding_):.1e}",
        }
        report.add(Row("embed", f"swiss roll, {n} rows, 12 neighbours, {method}", seconds, "scikit-learn", other, notes))
    for n in (small, large):
        x = make_swiss_roll(n, random_state=0)[0]
        ours = lc.LaplacianEigenmaps(n_neighbors=12, n_jobs=report.threads)
        theirs = manifold.SpectralEmbedding(n_neighbors=12, n_jobs=report.threads, eigen_solver="arpack", random_state=0)
        seconds, other, _, _ = race(lambda ours=ours, x=x: ours.fit(x), lambda theirs=theirs, x=x: theirs.fit(x), report.rounds(5))
        trust = (lc.trustworthiness(x, model.embedding_) for model in (ours, theirs))
        notes = {"trustworthiness of both": ", ".join(f"{t:.4f}" for t in trust)}
        report.add(Row("embed", f"swiss roll, {n} rows, 12 neighbours, Laplacian eigenmaps", seconds, "scikit-learn", other, notes))
    clothes(report)
    huge = 2000 if report.quick else 50_000
    for method in ("standard", "modified", "ltsa"):
        took, more = alone(huge, method, report.threads)
        notes = {"more memory at the most": f"{more / 1e6:.0f} MB"}
        report.add(Row("embed", f"swiss roll, {huge} rows, 12 neighbours, {method}", [took], notes=notes))


def clothes(report: Report) -> None:
    """5,000 pictures of Fashion-MNIST, where they are installed: 784 columns."""
    import locality as lc
    from bench_neighbors import PICTURES, pictures
    from sklearn import manifold

    found = pictures() if PICTURES.is_dir() else None
    if found is None:
        print("embed: Fashion-MNIST is not installed; its rows are left out")
        return
    x = np.asarray(found[0][: 500 if report.quick else 5000], dtype=np.float64)
    for method in ("standard", "modified", "ltsa"):
        ours = lc.LocallyLinearEmbedding(n_neighbors=12, method=method, n_jobs=report.threads)
        theirs = manifold.LocallyLinearEmbedding(
            n_neighbors=12, method=method, n_jobs=report.threads, eigen_solver="arpack", random_state=0
        )
        try:
            seconds, other, _, _ = race(lambda ours=ours: ours.fit(x), lambda theirs=theirs: theirs.fit(x), report.rounds(1))
        except ValueError:
            # Pictures that are in no other's neighbourhood make the matrix singular, and ARPACK's factors fail.
            theirs.set_params(eigen_solver="dense")
            seconds, other, _, _ = race(lambda ours=ours: ours.fit(x), lambda theirs=theirs: theirs.fit(x), report.rounds(1))
        trust = (lc.trustworthiness(x, model.embedding_, n_jobs=report.threads) for model in (ours, theirs))
        notes = {
            "its solver": theirs.eigen_solver,
            "pieces of ours": len(np.unique(ours.pieces_)),
            "trustworthiness of both": ", ".join(f"{t:.4f}" for t in trust),
            "apart, up to an affine map": f"{apart(ours.embedding_, theirs.embedding_):.1e}",
        }
        report.add(Row("embed", f"Fashion-MNIST, {len(x)} rows, 12 neighbours, {method}", seconds, "scikit-learn", other, notes))


# What a process has had at the most never falls, so that a process of its own measures each. `getrusage` tells a new process the most that
# the one that started it has had; the status file tells its own.
FRESH = """
import json, sys, time
import locality as lc
from sklearn.datasets import make_swiss_roll
n, method, threads = json.loads(sys.argv[1])
x = make_swiss_roll(n, random_state=0)[0]
peak = lambda: next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
lc.LocallyLinearEmbedding(n_neighbors=12, method=method, n_jobs=threads).fit(x[:100])
before, start = peak(), time.perf_counter()
lc.LocallyLinearEmbedding(n_neighbors=12, method=method, n_jobs=threads).fit(x)
print(json.dumps([time.perf_counter() - start, peak() - before]))
"""


def alone(n: int, method: str, threads: int | None) -> tuple[float, float]:
    """Seconds and bytes at the most, beyond those before, of one fit in a process of its own."""
    asked = json.dumps([n, method, threads])
    done = subprocess.run([sys.executable, "-c", FRESH, asked], capture_output=True, text=True, check=True)
    took, more = json.loads(done.stdout)
    return took, more
