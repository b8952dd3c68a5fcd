"""LOWESS against statsmodels and fastlowess: 5% of the rows in a window, with and without robust iterations and `delta`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import locality as lc
import numpy as np
from common import Report, Row, race

FRAC = 0.05


def rows(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A noisy wave with some outliers, and the wave."""
    rng = np.random.default_rng(n)
    x = np.sort(rng.uniform(0.0, 10.0, n))
    truth = np.sin(x)
    y = truth + 0.3 * rng.normal(size=n)
    y[rng.integers(n, size=n // 50)] += 5.0
    return x, y, truth


def peers(x: np.ndarray, y: np.ndarray, it: int, delta: float, threads: int) -> dict[str, Callable[[], np.ndarray]]:
    """What is installed."""
    found: dict[str, Callable[[], np.ndarray]] = {}
    if importlib.util.find_spec("fastlowess"):
        from fastlowess import Lowess

        model = Lowess(fraction=FRAC, iterations=it, delta=delta, boundary_policy="noboundary", parallel=threads > 1)
        found["fastlowess"] = lambda: np.asarray(model.fit(x, y).y)
    if importlib.util.find_spec("statsmodels"):
        from statsmodels.nonparametric.smoothers_lowess import lowess

        found["statsmodels"] = lambda: lowess(y, x, frac=FRAC, it=it, delta=delta, return_sorted=False)
    return found


def error(a: np.ndarray, b: np.ndarray) -> str:
    """Root mean square of the difference."""
    return f"{np.sqrt(np.mean((a - b) ** 2)):.4f}"


def run(report: Report) -> None:
    """Each peer by turns with ours."""
    for n in (1000,) if report.quick else (10_000, 100_000):
        x, y, truth = rows(n)
        for it in (0, 3):
            for delta in (0.0, 0.1):
                for name, peer in peers(x, y, it, delta, report.threads).items():
                    ours, theirs, mine, other = race(
                        lambda it=it, delta=delta: lc.lowess(
                            y, x, FRAC, it, delta, return_sorted=False, n_jobs=report.threads
                        ),
                        peer,
                        report.rounds(1 if n > 50_000 and delta == 0.0 else 3),
                        our_rounds=5,
                    )
                    notes = {
                        "curves differ by at most": f"{np.abs(mine - other).max():.1e}",
                        "root mean square from the truth, ours": error(mine, truth),
                        f"{name}'s": error(other, truth),
                    }
                    case = f"n={n}, frac={FRAC}, it={it}, delta={delta}"
                    report.add(Row("lowess", case, ours, name, theirs, notes))
