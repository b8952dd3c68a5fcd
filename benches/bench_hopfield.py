"""Hopfield memories: capacity against load, half-hidden digits, and one recall against plain matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from common import Report, Row, race, seconds


def run(report: Report) -> None:
    """The knee of the classic network, completion beside two imputers, and softmax recall beside torch's or numpy's."""
    capacity(report)
    digits(report)
    recall(report)


def capacity(report: Report) -> None:
    """The share of patterns that stay within 5% of themselves, by load: Hebb's rule has its knee at 0.138."""
    import locality as lc

    d = 200 if report.quick else 1000
    for rule in ("hebbian", "storkey", "pseudo_inverse"):
        shares = {}
        taken = []
        for load in (0.05, 0.1, 0.12, 0.138, 0.15, 0.2, 0.4):
            patterns = np.random.default_rng(0).choice([-1.0, 1.0], size=(round(load * d), d))
            network = lc.HopfieldNetwork(rule, n_jobs=report.threads)
            one, found = seconds(lambda network=network, patterns=patterns: network.fit(patterns).recall(patterns))
            taken.append(one)
            overlap = (found.states * patterns).mean(axis=1)
            shares[f"{load:g} d"] = round(float((overlap >= 0.95).mean()), 2)
        report.add(Row("hopfield", f"{rule}, {d} units, share of patterns kept at each load", taken, notes=shares))


def digits(report: Report) -> None:
    """The lower half of scikit-learn's digits, hidden."""
    import locality as lc
    from sklearn.datasets import load_digits
    from sklearn.impute import KNNImputer, SimpleImputer
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(load_digits(return_X_y=True)[0], random_state=0)
    seen = test.copy()
    seen[:, 32:] = np.nan

    def error(filled: Any) -> float:
        return float(np.sqrt(np.mean((filled - test)[:, 32:] ** 2)))

    memory = lc.HopfieldMemory("gaussian(h=5)", max_iter=1, n_jobs=report.threads).store(train)
    imputed = error(lc.HopfieldImputer(standardize=False, n_jobs=report.threads).fit(train).transform(seen))
    knn = KNNImputer().fit(train)
    mine, theirs, own, near = race(lambda: memory.complete(seen).states, lambda: knn.transform(seen), report.rounds(5))
    mean = error(SimpleImputer().fit(train).transform(seen))
    notes = {"error": round(error(own), 3), "error of HopfieldImputer": round(imputed, 3), "error of KNNImputer": round(error(near), 3), "error of column means": round(mean, 3)}
    report.add(Row("hopfield", "digits, lower half hidden", mine, "KNNImputer", theirs, notes))


def recall(report: Report) -> None:
    """One step of softmax recall among many patterns."""
    import locality as lc

    n, m, d = (2000, 100, 64) if report.quick else (60_000, 500, 784)
    rng = np.random.default_rng(0)
    patterns, states = (rng.normal(size=(rows, d)).astype(np.float32) for rows in (n, m))
    beta = np.float32(1.0 / np.sqrt(d))
    memory = lc.HopfieldMemory(f"softmax(beta={beta})", max_iter=1, n_jobs=report.threads).store(patterns)
    try:
        import torch

        torch.set_num_threads(report.threads)
        x, q = torch.from_numpy(patterns), torch.from_numpy(states)

        def plain() -> Any:
            return (torch.softmax(beta * q @ x.T, dim=1) @ x).numpy()

        peer = "torch"
    except ImportError:

        def plain() -> Any:
            scores = beta * states @ patterns.T
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            return weights @ patterns / weights.sum(axis=1, keepdims=True)

        peer = "numpy"
    mine, theirs, own, other = race(lambda: memory.recall(states).states, plain, report.rounds(5))
    notes = {"largest difference": float(abs(own - other).max())}
    report.add(Row("hopfield", f"softmax recall, {n} patterns of {d} columns, {m} states", mine, peer, theirs, notes))
