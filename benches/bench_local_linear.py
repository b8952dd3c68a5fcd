"""Local linear regression of 5,000 samples at 2,000 targets: against batched numpy, statsmodels, loess and the Rust package fastloess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import locality as lc
import numpy as np
from common import Report, Row, race


def truth(x: np.ndarray) -> np.ndarray:
    """A wave, a parabola, and planes."""
    return np.sin(3.0 * x[:, 0]) + x[:, 1] ** 2 + 0.5 * x[:, 2:].sum(axis=1)


def data(d: int, n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uniform samples, targets a little inside."""
    rng = np.random.default_rng(d)
    x, q = rng.uniform(-1.0, 1.0, (n, d)), rng.uniform(-0.95, 0.95, (m, d))
    return x, truth(x) + 0.2 * rng.standard_normal(n), q


def batched(x: np.ndarray, y: np.ndarray, q: np.ndarray, h: float, chunk: int = 100) -> np.ndarray:
    """Normal equations of many targets at once, by matrix products: what numpy does best."""
    n, d = x.shape
    a = np.column_stack([np.ones(n), x])
    pairs = np.einsum("ij,ik->ijk", a, a).reshape(n, -1)
    both = np.column_stack([pairs, a * y[:, None]])
    norms = (x * x).sum(1)
    out = np.empty(len(q))
    for s in range(0, len(q), chunk):
        t = q[s : s + chunk]
        w = np.exp(-(norms - 2.0 * t @ x.T + (t * t).sum(1)[:, None]) / (2 * h * h))
        sums = w @ both
        k = (d + 1) ** 2
        b = np.linalg.solve(sums[:, :k].reshape(-1, d + 1, d + 1), sums[:, k:, None])[:, :, 0]
        out[s : s + chunk] = b[:, 0] + (b[:, 1:] * t).sum(1)
    return out


def exact(x: np.ndarray, y: np.ndarray, q: np.ndarray, h: float) -> np.ndarray:
    """The definition, about each target, by least squares on weighted rows."""
    out = np.empty(len(q))
    for i, t in enumerate(q):
        root = np.exp(-((x - t) ** 2).sum(1) / (4 * h * h))
        a = np.column_stack([np.ones(len(x)), x - t])
        out[i] = np.linalg.lstsq(a * root[:, None], y * root, rcond=None)[0][0]
    return out


def run(report: Report) -> None:
    """Two and five columns; loess takes the nearest share of the samples under tricube weights."""
    n, m = (500, 200) if report.quick else (5000, 2000)
    for d, h, span in ((2, 0.1, 0.03), (5, 0.3, 0.1)):
        x, y, q = data(d, n, m)
        reference = exact(x, y, q, h)

        def ours() -> np.ndarray:
            return lc.LocalPolynomialRegressor(bandwidth=h, guard=False, n_jobs=report.threads).fit(x, y).predict(q)

        def nearest() -> np.ndarray:
            kernel = f"tricube(knn={int(span * n)})"
            return lc.LocalPolynomialRegressor(kernel, guard=False, n_jobs=report.threads).fit(x, y).predict(q)

        same: list[tuple[str, Callable[[], Any]]] = [("numpy, batched", lambda: batched(x, y, q, h))]
        same += statsmodels(x, y, q, h)
        for name, peer in same:
            seconds, theirs, a, b = race(ours, peer, report.rounds(3))
            gap = [f"{np.abs(r - reference).max():.1e}" for r in (a, np.asarray(b))]
            notes = {"worst error, ours": gap[0], name: gap[1]}
            report.add(Row("local_linear", f"{n} samples, {m} targets, d={d}, Gaussian, h={h}", seconds, name, theirs, notes))
        for name, peer in loess(x, y, q, span):
            seconds, theirs, a, b = race(nearest, peer, report.rounds(3))
            errors = [f"{np.sqrt(np.mean((np.asarray(r) - truth(q)) ** 2)):.4f}" for r in (a, b)]
            notes = {"RMSE to the truth, ours": errors[0], name: errors[1]}
            report.add(Row("local_linear", f"{n} samples, {m} targets, d={d}, span {span}", seconds, name, theirs, notes))


def statsmodels(x: np.ndarray, y: np.ndarray, q: np.ndarray, h: float) -> list[tuple[str, Callable[[], Any]]]:
    """statsmodels' kernel regression, one target after the other."""
    try:
        from statsmodels.nonparametric.kernel_regression import KernelReg
    except ImportError:
        return []
    d = x.shape[1]
    return [("statsmodels KernelReg", lambda: KernelReg(y, x, "c" * d, reg_type="ll", bw=[h] * d).fit(q)[0])]


def loess(x: np.ndarray, y: np.ndarray, q: np.ndarray, span: float) -> list[tuple[str, Callable[[], Any]]]:
    """Cleveland's own code in scikit-misc, and the Rust package."""
    found: list[tuple[str, Callable[[], Any]]] = []
    try:
        from skmisc.loess import loess as cleveland
    except ImportError:
        pass
    else:
        # It reads tables column by column, whatever their layout.
        columns, targets = (np.ascontiguousarray(z.T).reshape(z.shape) for z in (x, q))

        def direct() -> np.ndarray:
            model = cleveland(columns, y, span=span, degree=1, surface="direct", statistics="approximate")
            model.fit()
            values: np.ndarray = model.predict(targets).values
            return values

        found.append(("scikit-misc loess, direct", direct))
    try:
        from fastloess import Loess
    except ImportError:
        return found
    d = x.shape[1]

    def rust() -> np.ndarray:
        model = Loess(fraction=span, iterations=0, dimensions=d, surface_mode="direct", retain_model=True)
        return np.asarray(model.fit(x.reshape(-1), y).predict(q.reshape(-1)).y)

    found.append(("fastloess, direct", rust))
    return found
