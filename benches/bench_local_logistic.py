"""A thousand local logistic regressions: against scikit-learn's, fitted with the kernel's weights one after the other."""

from __future__ import annotations

import locality as lc
import numpy as np
from common import Report, Row, race
from sklearn.linear_model import LogisticRegression


def run(report: Report) -> None:
    """5,000 samples of ten columns, 1,000 targets."""
    n, m, d, h = (500, 20, 10, 1.2) if report.quick else (5000, 1000, 10, 1.2)
    rng = np.random.default_rng(0)
    x, q = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    eta = 2.0 * np.sin(2.0 * x[:, 0]) + x[:, 1] * x[:, 2]
    y = (rng.uniform(size=n) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
    weights = [np.exp(-((x - t) ** 2).sum(1) / (2 * h * h)) for t in q]

    def ours() -> np.ndarray:
        return lc.LocalLogisticRegression(bandwidth=h, guard=False, n_jobs=report.threads).fit(x, y).predict_proba(q)

    def peer() -> np.ndarray:
        model = LogisticRegression(solver="newton-cholesky", tol=1e-6)
        each = (model.fit(x, y, sample_weight=w).predict_proba(t[None])[0] for t, w in zip(q, weights, strict=True))
        return np.array(list(each))

    seconds, theirs, a, b = race(ours, peer, report.rounds(3))
    notes = {"probabilities differ by": f"{np.abs(a - b).max():.1e}"}
    case = f"{n} samples, {m} targets, d={d}, Gaussian, h={h}"
    report.add(Row("local_logistic", case, seconds, "scikit-learn newton-cholesky", theirs, notes))
