"""Accuracy on real tables by 5-fold cross-validation: local models with automatic bandwidths beside tuned and untuned peers."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import locality as lc
import numpy as np
from common import Report, Row, seconds
from tables import Table, tables

OURS = ("local linear or logistic", "local mean", "adaptive kernel")


def models(classes: bool, threads: int) -> dict[str, Callable[[], Any]]:
    """All that are compared, over columns of unit variance."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.svm import SVC, SVR

    knn = KNeighborsClassifier() if classes else KNeighborsRegressor()
    svm = SVC() if classes else SVR()
    grid = {"n_neighbors": [1, 3, 5, 9, 15, 25, 41], "weights": ["uniform", "distance"]}
    kernel = {"C": [1.0, 10.0, 100.0], "gamma": ["scale", 0.01, 0.03, 0.1]}
    mean = lc.KernelClassifier() if classes else lc.LocalPolynomialRegressor(degree=0, standardize=False)
    widths = {"bandwidth": [0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0]}
    found: dict[str, Callable[[], Any]] = {
        OURS[0]: lc.LocalLogisticRegression if classes else lambda: lc.LocalPolynomialRegressor(degree=(0, 1)),
        OURS[1]: lc.KernelClassifier if classes else lambda: lc.LocalPolynomialRegressor(degree=0, bandwidth="fixed"),
        OURS[2]: lambda: (lc.AdaptiveKernelClassifier if classes else lc.AdaptiveKernelRegressor)(random_state=0),
        "k nearest, tuned": lambda: GridSearchCV(knn, grid, cv=5),
        "Nadaraya-Watson, tuned": lambda: GridSearchCV(mean, widths, cv=5),
        "SVM, tuned": lambda: GridSearchCV(svm, kernel, cv=3),
        "linear": lambda: LogisticRegression(max_iter=2000) if classes else RidgeCV(np.logspace(-3, 3, 13)),
        "forest": lambda: (RandomForestClassifier if classes else RandomForestRegressor)(200, random_state=0),
        "boosting": lambda: (HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor)(random_state=0),
    }
    with contextlib.suppress(ImportError):
        import lightgbm

        quiet = {"verbose": -1, "n_jobs": threads, "random_state": 0}
        found["LightGBM"] = lambda: (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(**quiet)
    with contextlib.suppress(ImportError):
        import xgboost

        found["XGBoost"] = lambda: (xgboost.XGBClassifier if classes else xgboost.XGBRegressor)(n_jobs=threads, random_state=0)
    return found


def asked_for(report: Report, classes: bool) -> dict[str, Callable[[], Any]]:
    """Those that are to be measured."""
    every = models(classes, report.threads)
    wrong = [name for name in report.models or () if name not in every]
    if wrong:
        raise SystemExit(f"unknown model {wrong[0]!r}; known are {', '.join(every)}")
    return {name: make for name, make in every.items() if report.models is None or name in report.models}


def scores(table: Table, cap: int, report: Report) -> dict[str, tuple[float, float]]:
    """Mean accuracy, or R2, of each model over the folds, and the seconds it took."""
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import StandardScaler

    some = np.random.default_rng(0).permutation(len(table.x))[:cap]
    x, y = table.x[some], table.y[some]
    folds = (StratifiedKFold if table.classes else KFold)(5, shuffle=True, random_state=0)
    every = asked_for(report, table.classes)
    all_scores: dict[str, list[float]] = {name: [] for name in every}
    took = dict.fromkeys(every, 0.0)
    for train, test in folds.split(x, y):
        scaler = StandardScaler().fit(x[train])
        a, b = scaler.transform(x[train]), scaler.transform(x[test])
        for name, make in every.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                spent, predicted = seconds(lambda make=make: make().fit(a, y[train]).predict(b))  # type: ignore[misc]
            good = np.mean(predicted == y[test]) if table.classes else r2_score(y[test], predicted)
            all_scores[name].append(float(good))
            took[name] += spent
    return {name: (float(np.mean(values)), took[name]) for name, values in all_scores.items()}


def run(report: Report) -> None:
    """A table of accuracies and ranks, `accuracies.md`, beside the record (`accuracy.md` where this bench runs alone)."""
    cap = 300 if report.quick else 1500
    names = list(asked_for(report, True))
    left_out = [name for name in models(True, report.threads) if name not in names]
    lines = [
        f"# Accuracy (classes) or R2 (numbers) by 5-fold cross-validation, the same folds, at most {cap} rows of each table",
        "",
        "Columns of unit variance. Local models at their defaults; k nearest tuned over k and weights, Nadaraya-Watson over one bandwidth, SVM",
        "over C and gamma, each by inner cross-validation; forest of 200 trees, boosting (scikit-learn, LightGBM, XGBoost) at their defaults.",
        *(["", f"Left out: {', '.join(left_out)}."] if left_out else []),
        "",
        "| table | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    ranks: list[np.ndarray] = []
    for table in tables():
        found = scores(table, cap, report)
        values = np.array([found[name][0] for name in names])
        # Ties share their ranks.
        rounded = values.round(4)
        rank = np.array([(rounded > v).sum() + ((rounded == v).sum() + 1) / 2 for v in rounded])
        ranks.append(rank)
        rows, columns = min(cap, len(table.x)), table.x.shape[1]
        cells = [f"**{v:.3f}**" if v == values.max() else f"{v:.3f}" for v in values]
        lines.append(f"| {table.name} {rows} x {columns} | " + " | ".join(cells) + " |")
        ours = found[next(name for name in names if name in OURS or name == names[0])]
        peer = next((name for name in ("SVM, tuned", "LightGBM") if name in found), None)
        notes = {name: f"{score:.3f} ({spent:.1f} s)" for name, (score, spent) in found.items()}
        report.add(Row("accuracy", f"{table.name} {rows} x {columns}", [ours[1]], peer, [found[peer][1]] if peer else [], notes))
    lines.append("| mean rank | " + " | ".join(f"{r:.2f}" for r in np.mean(ranks, axis=0)) + " |")
    text = "\n".join(lines) + "\n"
    print(text)
    report.attach("accuracies.md", text)
