"""Regression by neighbours as estimators."""

from __future__ import annotations

import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import RegressorMixin
from ._lazy import KNeighborsMixin, Neighbors, RadiusNeighborsMixin, Weights, own_weights
from ._tables import Tabular, table_data


class _Regressor(Tabular, RegressorMixin, Neighbors):
    """What both estimators share."""

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Keeps the samples and their targets.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : array_like, shape (n,) or (n, p)
            Targets.

        Returns
        -------
        self
        """
        sites, targets = table_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True, y_numeric=True)
        self._rule()
        self._flat = targets.ndim == 1
        self._y_dtype = np.dtype(np.float32 if targets.dtype == np.float32 else np.float64)
        self._keep(sites, targets[:, None] if self._flat else targets)
        return self

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Adds samples and their targets to those there are.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples; their ids follow on those given so far.
        y : array_like, shape (m,) or (m, p)
            Targets.

        Returns
        -------
        self
        """
        if not hasattr(self, "_memory"):
            return self.fit(X, y)
        sites, targets = table_data(
            self, X, y, reset=False, dtype=self._memory.dtype, multi_output=True, y_numeric=True
        )
        self._more(sites, targets[:, None] if targets.ndim == 1 else targets)
        return self

    def predict(self, X: npt.ArrayLike | None) -> Array:
        """The weighted mean of the neighbours' targets at each row.

        Parameters
        ----------
        X : array_like, shape (m, d), or None
            Queries; None predicts each sample from the others (leave-one-out).

        Returns
        -------
        ndarray, shape (m,) or (m, p)
            NaN, with a warning, where there is no neighbour of any weight.
        """
        queries = self._queries(X)
        given = self.get_params(deep=False)
        k = given.get("n_neighbors")
        k = None if k is None else _arrays.count(k, "n_neighbors")
        radius = _arrays.number(given.get("radius", 0.0), "radius")
        jobs, rule = _arrays.threads(self.n_jobs), self._rule()
        memory = self._memory.made
        if callable(rule):
            found = memory.neighbors(queries, k, radius, jobs)
            means, empty = memory.means_of(found[0], found[1], own_weights(rule, k, found))
        else:
            means, empty = memory.means(queries, k, radius, rule, jobs)
        if len(empty):
            warnings.warn(
                f"{len(empty)} of {len(means)} queries have no neighbour of any weight; NaN is predicted there",
                UserWarning,
                stacklevel=2,
            )
        means = means.astype(self._y_dtype, copy=False)
        return means[:, 0] if self._flat else means

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination of the predictions.

        Parameters
        ----------
        X : array_like, shape (m, d), or None
            Queries; None scores leave-one-out predictions.
        y : array_like, shape (m,) or (m, p)
            Targets.
        sample_weight : array_like, shape (m,), optional
            Weights of the rows.

        Returns
        -------
        float
        """
        return super().score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KNeighborsRegressor(KNeighborsMixin, _Regressor):
    """Regression by the `n_neighbors` nearest samples.

    Parameters, methods and results are scikit-learn's; kernels as weights, `partial_fit` and `forget` go beyond it.

    Parameters
    ----------
    n_neighbors : int, default 5
        Number of neighbours.
    weights : {"uniform", "distance"}, kernel, callable or None, default "uniform"
        How much a neighbour counts: all alike (None is the same); by the inverse of its distance, where those at the query itself
        alone count; by a kernel's profile, ``"tricube"`` of the distance over that of the next neighbour that does not count, and
        ``"gaussian(h=0.3)"`` with a fixed bandwidth; or by a function that takes distances ``(m, k)`` and returns weights.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`; the first two are without effect.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones, or under ``metric="hamming"`` a number that is
        the same or not. Words that training did not have are as far from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.

    Attributes
    ----------
    n_samples_fit_, ids_, effective_metric_, n_features_in_
        As in `NearestNeighbors`.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.KNeighborsRegressor(n_neighbors=2).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0])
    >>> model.predict([[1.5]])
    array([0.5])
    >>> model.set_params(weights="triangular").predict([[1.25]])
    array([0.33...])
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: dict[str, Any] | None = None,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs


class RadiusNeighborsRegressor(RadiusNeighborsMixin, _Regressor):
    """Regression by all samples within a radius.

    Parameters, methods and results are scikit-learn's; kernels as weights, `partial_fit` and `forget` go beyond it. Where there is no
    sample within the radius the prediction is NaN, with a warning.

    Parameters
    ----------
    radius : float, default 1.0
        The largest distance, the edge included.
    weights : {"uniform", "distance"}, kernel, callable or None, default "uniform"
        As in `KNeighborsRegressor`; a kernel without ``h`` has the radius as its bandwidth, and a function takes an array of arrays of
        distances.
    algorithm, leaf_size, p, metric, metric_params, n_jobs
        As in `NearestNeighbors`; the first two are without effect.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones, or under ``metric="hamming"`` a number that is
        the same or not. Words that training did not have are as far from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.

    Attributes
    ----------
    n_samples_fit_, ids_, effective_metric_, n_features_in_
        As in `NearestNeighbors`.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.RadiusNeighborsRegressor(radius=1.0).fit([[0.0], [1.0], [2.0], [3.0]], [0.0, 0.0, 1.0, 1.0])
    >>> model.predict([[1.5], [2.0]])
    array([0.5       , 0.66666667])
    """

    def __init__(
        self,
        radius: float = 1.0,
        *,
        weights: Weights = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
        metric_params: dict[str, Any] | None = None,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric
        self.metric_params = metric_params
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs
