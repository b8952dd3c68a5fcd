"""Kernel densities, against scikit-learn's tree and SciPy's direct sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from common import Report, Row, race


def run(report: Report) -> None:
    """Three columns, double precision: exact and within a tolerance, with and without sample weights."""
    import locality as lc
    from scipy.stats import gaussian_kde
    from sklearn.neighbors import KernelDensity

    n, m = (2_000, 50) if report.quick else (100_000, 1_000)
    rng = np.random.default_rng(0)
    keys, queries = rng.standard_normal((n, 3)), rng.standard_normal((m, 3))
    weight = rng.uniform(0.5, 1.5, n)
    cases: list[tuple[str, float, float, np.ndarray | None]] = [
        ("gaussian", 0.1, 0.0, None),
        ("gaussian", 0.1, 1e-4, None),
        ("gaussian", 0.1, 0.0, weight),
        ("gaussian", 0.1, 1e-4, weight),
        ("gaussian", 0.3, 0.0, None),
        ("gaussian", 0.3, 1e-4, None),
        ("epanechnikov", 0.3, 0.0, None),
        ("exponential", 0.1, 1e-4, None),
    ]
    for kernel, h, rtol, c in cases:
        # What is compared is the query: both sides are laid out beforehand.
        ours = lc.KernelDensity(h, kernel=kernel, rtol=rtol, n_jobs=report.threads).fit(keys, sample_weight=c)
        theirs = KernelDensity(bandwidth=h, kernel=kernel, rtol=rtol).fit(keys, sample_weight=c)
        exact = lc.KernelDensity(h, kernel=kernel).fit(keys, sample_weight=c).score_samples(queries)
        a, b, x, y = race(
            lambda: ours.score_samples(queries), lambda: theirs.score_samples(queries), report.rounds(3), our_rounds=3
        )
        notes = {"our error": gap(x, exact), "theirs": gap(y, exact)}
        weighted = "weighted" if c is not None else "unweighted"
        case = f"{n} samples x {m} queries, d=3, {kernel} h={h}, rtol {rtol:g}, {weighted}, query"
        report.add(Row("density", case, a, "scikit-learn KernelDensity", b, notes))

    covariance = np.cov(keys.T)
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    text = ", ".join(f"[{', '.join(repr(float(v)) for v in row)}]" for row in root)
    full = lc.Kernel(f"gaussian(h=0.3, metric=mahalanobis, map=[{text}])")

    def fit_and_query() -> Any:
        return lc.KernelDensity(kernel=full, n_jobs=report.threads).fit(keys).score_samples(queries)

    peer: Callable[[], Any] = lambda: gaussian_kde(keys.T, bw_method=0.3).logpdf(queries.T)  # noqa: E731
    a, b, x, y = race(fit_and_query, peer, report.rounds(3))
    case = f"{n} samples x {m} queries, d=3, gaussian of full covariance, 0.3, fit and query"
    report.add(Row("density", case, a, "SciPy gaussian_kde", b, {"densities differ by": gap(x, y)}))


def gap(a: np.ndarray, b: np.ndarray) -> str:
    """The worst relative difference of two densities, given their logarithms."""
    return f"{np.nanmax(np.abs(np.expm1(a - b))):.1e}"
