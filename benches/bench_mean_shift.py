"""Mean-shift clustering with the flat kernel against scikit-learn, with every point a seed and seeded by bins."""

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
        large(report, n, d)


def large(report: Report, n: int, d: int) -> None:
    """Seeded by bins both sides do all of it; with every point a seed, scikit-learn does some of them, and the rest is extrapolated."""
    x = blobs(n, d)
    bandwidth = lc.estimate_bandwidth(x, quantile=0.1, n_samples=1000, random_state=0)
    ours, theirs, mine, other = race(
        lambda: lc.MeanShift(bandwidth=bandwidth, bin_seeding=True, n_jobs=report.threads).fit(x),
        lambda: MeanShift(bandwidth=bandwidth, bin_seeding=True, n_jobs=report.threads).fit(x),
        report.rounds(8),
        our_rounds=3,
    )
    notes = {
        "clusters": len(mine.cluster_centers_),
        "seeds": len(lc.get_bin_seeds(x, bandwidth)),
        "adjusted Rand index": adjusted_rand_score(other.labels_, mine.labels_),
    }
    report.add(Row("mean_shift", f"n={n}, d={d}, bin seeding", ours, "scikit-learn", theirs, notes))
    seeds = x[:: max(1, n // 100)]
    once = [
        seconds(lambda: lc.MeanShift(bandwidth=bandwidth, n_jobs=report.threads).fit(x))
        for _ in range(report.rounds(2))
    ]
    some = seconds(lambda: MeanShift(bandwidth=bandwidth, seeds=seeds, n_jobs=report.threads).fit(x))
    same = lc.MeanShift(bandwidth=bandwidth, seeds=seeds, n_jobs=report.threads).fit(x)
    found = once[0][1]
    notes = {
        "clusters": len(found.cluster_centers_),
        "bandwidth": round(float(bandwidth), 3),
        "scikit-learn": f"EXTRAPOLATED: {len(seeds)} seeds took {some[0]:.3g} s, taken {n / len(seeds):.0f} times",
        "adjusted Rand index at these seeds": adjusted_rand_score(some[1].labels_, same.labels_),
    }
    ours = [t for t, _ in once]
    report.add(
        Row("mean_shift", f"n={n}, d={d}, no bin seeding", ours, "scikit-learn (extrapolated)", [some[0] * n / len(seeds)], notes)
    )
