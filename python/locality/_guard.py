"""What estimators with guarded local fits share: a word where evidence is thin, and predictions of training rows by the others."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._tables import Tabular, table_data

if TYPE_CHECKING:
    from ._core import Kernel, Neighborhood


class Explanation(NamedTuple):
    """The training samples that weigh most at some targets."""

    indices: Array
    """Heaviest first, ``[m, k]``; -1 where fewer weigh anything."""
    weights: Array
    """Their shares of all weight, ``[m, k]``."""


def warn_thin(thin: Array | None, level: int) -> None:
    """Warns once of all targets where evidence is thin."""
    if thin is None:
        return
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
    y_fit_: Array
    kernel_: Kernel
    scales_: Array
    sample_weight_fit_: Array | None
    neighborhood_: Neighborhood
    n_jobs: int | None
    _prepared: Prepared

    def loo_predict(self) -> Array:
        """Predictions at the training rows, each by a model without its own row: leave-one-out, under the kernel that was found.

        Bandwidths of keys (``site_knn=``) are those among all rows, so that the row left out counts among its neighbours' neighbours.

        `predict` never leaves a row out, whatever `neighborhood` says: the same numbers may be another row's.

        Returns
        -------
        ndarray
            As `predict` of the training rows.
        """
        check_is_fitted(self)
        if hasattr(self, "estimators_"):
            return np.stack([one.loo_predict() for one in self.estimators_], axis=1)
        found: Array = self._without()._predict_at(self.X_fit_)[0]
        return found

    def explain(self, X: npt.ArrayLike, n_samples: int = 5) -> Explanation:
        """The training samples that weigh most in the predictions at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        n_samples : int, default 5
            How many for each target.

        Returns
        -------
        Explanation
            Indices and weights, ``[m, n_samples]`` each.
        """
        check_is_fitted(self)
        if hasattr(self, "estimators_"):
            raise ValueError(f"there are {len(self.estimators_)} models, one for each target; ask one of estimators_")
        queries = table_data(self, X, reset=False, dtype=np.float64)
        weights = self.sample_weight_fit_
        scales = self.scales_.astype(np.float64)
        made = _core.LocalRegressor(
            self.X_fit_ / scales,
            np.zeros((len(self.X_fit_), 1)),
            [self.kernel_],
            search="given",
            degrees=[0],
            neighborhood=self.neighborhood_,
            sample_weight=None if weights is None else weights.astype(np.float64),
            threads=_arrays.threads(self.n_jobs),
        )
        count, threads = _arrays.count(n_samples, "n_samples"), _arrays.threads(self.n_jobs)
        return Explanation(*made.explain(queries / scales, count, threads))

    def _without(self) -> Any:
        """The same model, where each training row does not see itself."""
        other = copy.copy(self)
        other.neighborhood_ = self.neighborhood_ & "hollow"
        other._prepared = Prepared()
        return other

    @abstractmethod
    def _predict_at(self, queries: Array) -> tuple[Array, Array | None]:
        """Predictions at rows that were checked, and whether evidence is thin where that is known."""


class EachOutput(Tabular, LeaveOneOut):
    """Several targets, each with a model and a bandwidth of its own."""

    def _fit_each(self, X: Any, sites: Array, targets: Array, sample_weight: Any) -> None:
        """Fits one model for each column of targets ``[n, p]``: `estimators_`."""
        given = self.get_params(deep=False)  # type: ignore[attr-defined]
        given["kernel"] = self._kernel_for(given["kernel"], X)
        given["neighborhood"] = self._neighborhood_for(given["neighborhood"], X)
        if "columns" in given:
            flat = given.get("degree", 1) == 0 and given["columns"] is None
            given["columns"] = None if flat else self._columns_for(given["columns"], X)
        # Rows are numbers without gaps by now.
        given |= {"categorical_features": None, "missing": "error"}
        self.X_fit_, self.y_fit_ = sites, targets
        self.estimators_: list[Any] = [type(self)(**given).fit(sites, y, sample_weight) for y in targets.T]  # type: ignore[attr-defined]

    def _answers(self, queries: Array) -> tuple[Array, Array | None]:
        """Predictions ``[m]`` or ``[m, p]``, and whether evidence is thin for any of them."""
        if not hasattr(self, "estimators_"):
            return self._predict_at(queries)
        each = [one._predict_at(queries) for one in self.estimators_]
        thin = [few for _, few in each if few is not None]
        return np.stack([values for values, _ in each], axis=1), np.any(thin, axis=0) if thin else None
