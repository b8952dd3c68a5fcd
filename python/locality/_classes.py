"""Classes of a classifier's training samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import Array
from ._base import warn_column
from ._tables import table_data


def classes_of(
    estimator: Any, X: Any, y: Any, dtype: Any = (np.float64, np.float32)
) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """Sites, the classes, and the class of each site by number."""
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warn_column()
        labels = labels[:, 0]
    if y is None or labels.ndim != 1:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None"
            if y is None
            else f"y has shape {labels.shape}; give one class for each row of X"
        )
    sites = table_data(estimator, X, dtype=list(dtype))
    if len(labels) != len(sites):
        raise ValueError(f"y has {len(labels)} rows, but X has {len(sites)}; they must be equally many")
    if labels.dtype.kind in "fc":
        if not np.isfinite(labels).all():
            raise ValueError("y has NaN or infinity; classes are numbers or texts: remove those rows first")
        if (labels != np.floor(labels)).any():
            raise ValueError("Unknown label type: continuous. y holds fractions; classes are whole numbers or texts")
    classes, numbers = np.unique(labels, return_inverse=True)
    return sites, classes, numbers.astype(np.intp, copy=False)
