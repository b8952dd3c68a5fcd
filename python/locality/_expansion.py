"""What the estimators of kernel methods share: sums of kernels over centres, landmarks and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._core import Kernel
from ._tables import table_data

RandomState = int | np.random.RandomState | np.random.Generator | None
Landmarks = Literal["random", "kmeans++"] | Sequence[int]


seed_of = _arrays.seed

# What bare names of kernels mean where kernel matrices come from scikit-learn, and what they mean in the kernel language.
_ELSEWHERE = {
    "linear": "the inner product, under which this is a linear model (no kernel here: weights are not negative); 'triangular' is the tent of distance",
    "laplacian": "of the Manhattan distance; write 'laplace(metric=manhattan)', or 'laplace' for the Euclidean one",
    "cosine": "the cosine of the angle; write 'polynomial(degree=1, c=0, metric=cosine)' for that where it is positive, or 'cos' for the arch of distance",
}


class Choice:
    """Landmarks as the extension takes them."""

    def __init__(self, n_landmarks: Any, landmarks: Any, random_state: Any) -> None:
        self.which: int | list[int] | None = None
        self.spread = False
        self.seed = 0
        if isinstance(landmarks, str):
            if landmarks not in ("random", "kmeans++"):
                raise ValueError(f"landmarks={landmarks!r} must be 'random', 'kmeans++' or the numbers of training samples")
            self.spread = landmarks == "kmeans++"
            if n_landmarks is not None:
                self.which = _arrays.count(n_landmarks, "n_landmarks")
                self.seed = seed_of(random_state)
        else:
            given = np.asarray(landmarks)
            if given.ndim != 1 or given.dtype.kind not in "iu" or (given < 0).any():
                raise ValueError(f"landmarks={landmarks!r} must be 'random', 'kmeans++' or the numbers of training samples")
            self.which = [int(i) for i in given]


def kernel_and_width(
    kernel: Kernel | str,
    bandwidth: Any,
    X: Any,
    sites: Array,
    words: tuple[str, ...],
    weights: Array | None = None,
) -> Kernel:
    """The kernel with the columns of X by number and a bandwidth; of texts, `words` are known and "scale" sets a usual width."""
    if isinstance(kernel, str) and kernel.strip().lower() in _ELSEWHERE:
        raise ValueError(f"kernel={kernel!r} is in other libraries {_ELSEWHERE[kernel.strip().lower()]}")
    made = _arrays.kernel_of(kernel, X)
    if isinstance(bandwidth, str):
        if bandwidth not in words:
            known = " or ".join(repr(word) for word in words)
            raise ValueError(f"bandwidth={bandwidth!r} must be {known}, a number or None")
        return _core.scaled_kernel(made, sites, weights) if bandwidth == "scale" else made
    if bandwidth is None:
        return made
    return Kernel(_core.kernel_with_bandwidth(made, _arrays.number(bandwidth, "bandwidth")))


class Expanded:
    """An estimator that is a sum of `kernel_` over the rows of `X_fit_`, with the coefficients `dual_coef_`."""

    n_jobs: int | None
    kernel_: Kernel
    X_fit_: Array
    dual_coef_: Array
    landmark_indices_: npt.NDArray[np.intp] | None
    _prepared: Prepared

    def _keep(self, sites: Array, landmarks: list[int] | None) -> None:
        """Keeps the centres: all samples or landmarks."""
        self.landmark_indices_ = None if landmarks is None else np.asarray(landmarks, dtype=np.intp)
        self.X_fit_ = sites if landmarks is None else sites[self.landmark_indices_]
        self._prepared = Prepared()

    def _sums(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        rows = table_data(self, X, reset=False, dtype=np.float64)
        if self._prepared.made is None:
            coefficients = self.dual_coef_
            columns = coefficients[:, None] if coefficients.ndim == 1 else coefficients
            self._prepared.made = _core.Expansion(
                np.ascontiguousarray(self.X_fit_), np.ascontiguousarray(columns), self.kernel_
            )
        found: Array = self._prepared.made.at(rows, _arrays.threads(self.n_jobs))
        return found
