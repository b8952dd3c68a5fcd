"""Mean-shift clustering (flat kernel, every point a seed) against scikit-learn; and 50,000 points alone."""

from __future__ import annotations

import locality as lc
import numpy as np
from common import Report, Row, race, seconds
from sklearn.cluster import MeanShift
from sklearn.metrics import adjusted_rand_score


def blobs(n: int, d: int, k: int = 8) -> np.ndarray:
    """Normal clouds around random centres."""
    rng = np.random.default_rng(d)
    centers = rng.uniform(-10, 10, size=(k, d))
    return centers[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def run(report: Report) -> None:
    """Both sides at the same bandwidth."""
    n = 500 if report.quick else 2000
    for d in (2, 3):
        x = blobs(n, d)
        bandwidth = lc.estimate_bandwidth(x, quantile=0.1, n_samples=min(n, 1000), random_state=0)
        ours, theirs, mine, other = race(
            lambda: lc.MeanShift(bandwidth=bandwidth, n_jobs=report.threads).fit(x),
            lambda: MeanShift(bandwidth=bandwidth, n_jobs=report.threads).fit(x),
            report.rounds(3),
            our_rounds=5,
        )
        off = "different numbers of clusters"
        if mine.cluster_centers_.shape == other.cluster_centers_.shape:
            off = f"{np.abs(mine.cluster_centers_ - other.cluster_centers_).max() / bandwidth:.1e} bandwidths"
        notes = {
            "clusters": len(mine.cluster_centers_),
            "adjusted Rand index": adjusted_rand_score(other.labels_, mine.labels_),
            "centres differ by": off,
        }
        report.add(Row("mean_shift", f"n={n}, d={d}, no bin seeding", ours, "scikit-learn", theirs, notes))
    n = 5000 if report.quick else 50_000
    for d in (2, 3):
        x = blobs(n, d)
        bandwidth = lc.estimate_bandwidth(x, quantile=0.1, n_samples=1000, random_state=0)
        once = [
            seconds(lambda: lc.MeanShift(bandwidth=bandwidth, n_jobs=report.threads).fit(x))
            for _ in range(report.rounds(2))
        ]
        found = once[0][1]
        notes = {"clusters": len(found.cluster_centers_), "bandwidth": round(bandwidth, 3)}
        report.add(Row("mean_shift", f"n={n}, d={d}, no bin seeding", [t for t, _ in once], notes=notes))
