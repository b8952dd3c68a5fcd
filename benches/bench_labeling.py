"""Labels by agreement: label propagation and spreading beside scikit-learn's, digits with ten labels a class, a noisy segmentation."""

from __future__ import annotations

import itertools
import resource
import warnings
from typing import Any

import numpy as np
from common import ROOT, Report, Row, race, seconds


def run(report: Report) -> None:
    """Nearest neighbours at 20,000 samples, digits, and a dense CRF at the size of a photo."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blobs(report)
        digits(report)
    photo(report)


def few(labels: np.ndarray, each: int, seed: int) -> np.ndarray:
    """So many labels of each class are known."""
    rng = np.random.default_rng(seed)
    known = np.full(len(labels), -1)
    for c in np.unique(labels):
        known[rng.choice(np.flatnonzero(labels == c), each, replace=False)] = c
    return known


def drawn(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """About so many labels are known, drawn at random: classes have different numbers of them."""
    return np.where(np.random.default_rng(seed).uniform(size=len(labels)) < count / len(labels), labels, -1)


def blobs(report: Report) -> None:
    """20,000 samples of ten classes in eight columns, seven neighbours, a hundred labels each."""
    import locality as lc
    from sklearn import semi_supervised
    from sklearn.datasets import make_blobs

    n = 2000 if report.quick else 20_000
    X, y = make_blobs(n, n_features=8, centers=10, cluster_std=3.0, random_state=0)
    known = few(y, 100, 0)
    for name, given in (("LabelPropagation", {"max_iter": 100}), ("LabelSpreading", {})):
        own = getattr(lc, name)("knn", n_jobs=report.threads, **given)
        peer = getattr(semi_supervised, name)("knn", n_jobs=report.threads, **given)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        own.fit(X, known)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        mine, theirs, a, b = race(lambda own=own: own.fit(X, known), lambda peer=peer: peer.fit(X, known), report.rounds(3), 3)
        notes = {
            "largest difference": float(abs(a.label_distributions_ - b.label_distributions_).max()),
            "rounds": (a.n_iter_, b.n_iter_),
            "our peak memory grew by, MB": round(grown / 1024),
        }
        report.add(Row("labeling", f"{name}, knn, {n} samples", mine, "scikit-learn", theirs, notes))
    for size in ((1000, 2000) if report.quick else (25_000, 50_000, 100_000, 200_000)):
        X, y = make_blobs(size, n_features=8, centers=10, cluster_std=3.0, random_state=0)
        known = few(y, 100, 0)
        time, fit = seconds(lambda X=X, known=known: lc.LabelSpreading("knn", n_jobs=report.threads).fit(X, known))
        report.add(Row("labeling", f"LabelSpreading, knn, {size} samples", [time], notes={"accuracy": round(float((fit.transduction_ == y).mean()), 4)}))


def digits(report: Report) -> None:
    """scikit-learn's digits with ten labels a class, and with a hundred drawn at random: the accuracy on the others, over ten draws of the labels."""
    import locality as lc
    from sklearn import semi_supervised
    from sklearn.datasets import load_digits
    from sklearn.neighbors import KNeighborsClassifier

    X, y = load_digits(return_X_y=True)
    models: dict[str, Any] = {
        "LabelSpreading, knn": lc.LabelSpreading("knn", alpha=0.8),
        "LabelPropagation, knn": lc.LabelPropagation("knn"),
        "RelaxationLabeling": lc.RelaxationLabeling(),
        "RelaxationLabeling, gradient": lc.RelaxationLabeling(step="gradient"),
        "RelaxationLabeling, learned compatibility": lc.RelaxationLabeling(compatibility="learned"),
        "RelaxationLabeling, seeds of strength 5": lc.RelaxationLabeling(seed_strength=5.0),
        "scikit-learn LabelSpreading, knn": semi_supervised.LabelSpreading("knn", alpha=0.8),
        "scikit-learn LabelPropagation, knn": semi_supervised.LabelPropagation("knn"),
        "1 nearest of the labelled alone": KNeighborsClassifier(1),
    }
    ways = {"10 labels a class": lambda seed: few(y, 10, seed), "100 labels at random": lambda seed: drawn(y, 100, seed)}
    for (way, draw), (name, model) in itertools.product(ways.items(), models.items()):
        scores, times = [], []
        for seed in range(2 if report.quick else 10):
            known = draw(seed)
            hidden = known < 0
            if isinstance(model, KNeighborsClassifier):
                time, fit = seconds(lambda known=known, hidden=hidden, model=model: model.fit(X[~hidden], known[~hidden]))
                found = fit.predict(X)
            else:
                time, fit = seconds(lambda known=known, model=model: model.fit(X, known))
                found = fit.transduction_
            times.append(time)
            scores.append(float((found == y)[hidden].mean()))
        report.add(Row("labeling", f"digits, {way}: {name}", times, notes={"accuracy": round(float(np.mean(scores)), 4), "from": round(min(scores), 4), "to": round(max(scores), 4)}))


def photo(report: Report) -> None:
    """A photo of 320 x 213 pixels with 21 labels: five steps of a dense CRF, at several tolerances, beside all pairs of pixels."""
    import cv2
    import locality.densecrf as dcrf

    full = cv2.cvtColor(cv2.imread(str(ROOT / "data" / "coffee.png")), cv2.COLOR_BGR2RGB)
    picture = cv2.resize(full, (320, 213), interpolation=cv2.INTER_AREA)
    height, width, labels = (53, 80, 21) if report.quick else (213, 320, 21)
    picture = np.ascontiguousarray(picture[:height, :width])
    rng = np.random.default_rng(0)
    shade = picture.reshape(-1, 3).sum(axis=1).astype(np.int64) * labels // (3 * 256)
    noisy = np.where(rng.uniform(size=len(shade)) < 0.4, rng.integers(0, labels, size=len(shade)), shade)
    unary = dcrf.unary_from_labels(noisy, labels, 0.5, zero_unsure=False)

    def infer(tolerance: float, steps: int = 5) -> np.ndarray:
        d = dcrf.DenseCRF2D(width, height, labels, tolerance=tolerance, n_jobs=report.threads)
        d.setUnaryEnergy(unary)
        d.addPairwiseGaussian(sxy=3, compat=3)
        d.addPairwiseBilateral(sxy=80, srgb=13, rgbim=picture, compat=10)
        return d.inference(steps)

    all_pairs, exact = seconds(lambda: infer(0.0))
    report.add(Row("labeling", f"dense CRF, {width} x {height} pixels, {labels} labels, 5 steps, all pairs", [all_pairs]))
    for tolerance in (0.05, 0.01, 0.001):
        times = [seconds(lambda tolerance=tolerance: infer(tolerance))[0] for _ in range(report.rounds(3))]
        own = infer(tolerance)
        off = abs(own - exact)
        notes = {
            "largest error of a probability": float(off.max()),
            "mean error": float(off.mean()),
            "labels that differ": float((own.argmax(axis=0) != exact.argmax(axis=0)).mean()),
            "times as fast as all pairs": round(all_pairs / min(times), 1),
        }
        report.add(Row("labeling", f"dense CRF, the same, tolerance {tolerance:g}", times, notes=notes))
