"""Kernel ridge, logistic regression, components, processes and Nystrom features: against scikit-learn's."""

from __future__ import annotations

import locality as lc
import numpy as np
from common import Report, Row, race
from sklearn import decomposition, gaussian_process, kernel_approximation, kernel_ridge
from sklearn.gaussian_process import kernels as gpk
from threadpoolctl import threadpool_limits


def run(report: Report) -> None:
    """Some thousand samples of eight columns under a Gaussian, 2,000 targets; scikit-learn on as many threads."""
    with threadpool_limits(report.threads):
        _run(report)


def _run(report: Report) -> None:
    d, m, h = 8, 200 if report.quick else 2000, 2.0
    rng = np.random.default_rng(0)
    q = rng.standard_normal((m, d))
    gamma, kernel, jobs = 0.5 / h**2, f"gaussian(h={h})", report.threads

    def data(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((n, d))
        return x, np.sin(x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(n)

    def add(case: str, ours, theirs, rounds: int) -> None:
        seconds, peers, a, b = race(ours, theirs, report.rounds(rounds))
        apart = np.abs(a - b * (np.sign((a * b).sum(axis=0)) if a.ndim == 2 else 1.0)).max()
        notes = {"largest difference": f"{apart:.1e}", "of values up to": f"{np.abs(b).max():.2g}"}
        report.add(Row("kernel_methods", case, seconds, "scikit-learn", peers, notes))

    for n in (300,) if report.quick else (2000, 5000):
        x, y = data(n)
        add(
            f"ridge, fit and predict, {n} samples",
            lambda: lc.KernelRidge(kernel, alpha=0.1, n_jobs=jobs).fit(x, y).predict(q),
            lambda: kernel_ridge.KernelRidge(alpha=0.1, kernel="rbf", gamma=gamma).fit(x, y).predict(q),
            3,
        )
    n = 300 if report.quick else 2000
    x, y = data(n)
    add(
        f"10 components, fit and transform, {n} samples",
        lambda: lc.KernelPCA(10, kernel, n_jobs=jobs).fit(x).transform(q),
        lambda: decomposition.KernelPCA(10, kernel="rbf", gamma=gamma, random_state=0).fit(x).transform(q),
        3,
    )
    add(
        f"Nystrom, 300 landmarks, {n} samples",
        lambda: lc.Nystroem(kernel, n_components=min(300, n), n_jobs=jobs).fit(x).transform(q),
        lambda: kernel_approximation.Nystroem(gamma=gamma, n_components=min(300, n), random_state=0).fit(x).transform(q),
        3,
    )

    def process() -> np.ndarray:
        model = lc.GaussianProcessRegressor(kernel, amplitude=1.5, alpha=0.01, n_jobs=jobs)
        return np.concatenate(model.fit(x, y).predict(q, return_std=True))

    def peer() -> np.ndarray:
        fixed = gpk.ConstantKernel(1.5) * gpk.RBF(h)
        model = gaussian_process.GaussianProcessRegressor(fixed, alpha=0.01, optimizer=None)
        return np.concatenate(model.fit(x, y).predict(q, return_std=True))

    add(f"process, fixed numbers, mean and deviation, {n} samples", process, peer, 3)
    n = 100 if report.quick else 1000
    x, y = data(n)

    def learned() -> np.ndarray:
        return lc.GaussianProcessRegressor(n_jobs=jobs).fit(x, y).predict(q)

    def learned_peer() -> np.ndarray:
        free = gpk.ConstantKernel(1.0) * gpk.RBF(1.0) + gpk.WhiteKernel(0.1)
        return gaussian_process.GaussianProcessRegressor(free, alpha=0.0).fit(x, y).predict(q)

    add(f"process, three numbers learned, {n} samples", learned, learned_peer, 2)
