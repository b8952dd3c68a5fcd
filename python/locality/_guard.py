"""What estimators with guarded local fits share: a word where evidence is thin, and predictions of training rows by the others."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array
from ._base import Prepared, check_is_fitted

if TYPE_CHECKING:
    from ._core import Neighborhood


def warn_thin(thin: Array, level: int) -> None:
    """Warns once of all targets where evidence is thin."""
    few = int(np.count_nonzero(thin))
    if few:
        warnings.warn(
            f"{few} of {len(thin)} targets have too little evidence for all of the model, which is shrunk towards the local mean there "
            "(thin(X) says where); widen the bandwidth, or choose a simpler model",
            stacklevel=level + 1,
        )


class LeaveOneOut:
    """Training rows predicted by the others."""

    X_fit_: Array
    neighborhood_: Neighborhood
    _prepared: Prepared

    def loo_predict(self) -> Array:
        """Predictions at the training rows, each by a model without its own row: leave-one-out, under the kernel that was found.

        `predict` never leaves a row out, whatever `neighborhood` says: the same numbers may be another row's.

        Returns
        -------
        ndarray
            As `predict` of the training rows.
        """
        check_is_fitted(self)
        found: Array = self._without()._predict_at(self.X_fit_)[0]
        return found

    def _without(self) -> Any:
        """The same model, where each training row does not see itself."""
        other = copy.copy(self)
        other.neighborhood_ = self.neighborhood_ & "hollow"
        other._prepared = Prepared()
        return other

    @abstractmethod
    def _predict_at(self, queries: Array) -> tuple[Array, Array | None]:
        """Predictions at rows that were checked, and whether evidence is thin where that is known."""
