"""Outliers by local density."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, OutlierMixin, available_if, check_is_fitted, validate_data
from ._lazy import NearestNeighbors

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _for_new_rows(name: str) -> Callable[[_Method], _Method]:
    def check(model: LocalOutlierFactor) -> bool:
        if not model.novelty:
            raise AttributeError(f"{name} looks at new rows: set novelty=True, or use fit_predict for the training samples")
        return True

    wrap: Callable[[_Method], _Method] = available_if(check)
    return wrap


def _for_training_samples() -> Callable[[_Method], _Method]:
    def check(model: LocalOutlierFactor) -> bool:
        if model.novelty:
            raise AttributeError("fit_predict looks at the training samples: set novelty=False, or use predict for new rows")
        return True

    wrap: Callable[[_Method], _Method] = available_if(check)
    return wrap


class LocalOutlierFactor(OutlierMixin, BaseEstimator):
    """Outliers by the density around a sample against that around its neighbours.

    Parameters, defaults, attributes and results are scikit-learn's.

    Parameters
    ----------
    n_neighbors : int, default 20
        Number of neighbours, at least 1; at most one less than there are samples.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default "auto"
        Without effect: search is exact, and chooses its way itself.
    leaf_size : int, default 30
        Without effect.
    metric : str, default "minkowski"
        As in `NearestNeighbors`; or "precomputed": X holds the distances between the samples, shape (n, n), and for new rows those to
        each sample, shape (m, n).
    p : float, default 2
        Of "minkowski": 1, 2 or infinity.
    metric_params : dict, optional
        For "mahalanobis".
    contamination : "auto" or float, default "auto"
        Share of the training samples that are outliers, 0 to 0.5; "auto" takes factors above 1.5 as such.
    novelty : bool, default False
        Whether new rows are looked at (`predict`, `score_samples`, `decision_function`) instead of the training samples (`fit_predict`).
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    negative_outlier_factor_ : ndarray, shape (n,)
        Minus the factor of each training sample: about -1 inside, far below outside.
    n_neighbors_ : int
        Number of neighbours in force.
    offset_ : float
        Below this, a sample is an outlier.
    n_samples_fit_ : int
        Number of training samples.
    effective_metric_ : str
        The metric in force.
    effective_metric_params_ : dict
        Its parameters, but for `p`, which is in its name.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Breunig, Kriegel, Ng and Sander (2000), LOF: identifying density-based local outliers.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.LocalOutlierFactor(n_neighbors=2)
    >>> model.fit_predict([[-1.1], [0.2], [101.1], [0.3]])
    array([ 1,  1, -1,  1])
    >>> model.negative_outlier_factor_.round(2)
    array([ -0.98,  -1.04, -73.37,  -0.98])
    """

    def __init__(
        self,
        n_neighbors: int = 20,
        *,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        contamination: Literal["auto"] | float = "auto",
        novelty: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.contamination = contamination
        self.novelty = novelty
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> LocalOutlierFactor:
        """Learns the density around the samples.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples, or the distances between them, shape (n, n).
        y : ignored

        Returns
        -------
        LocalOutlierFactor
            Itself.
        """
        samples = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        wanted = _arrays.count(self.n_neighbors, "n_neighbors")
        if wanted == 0:
            raise ValueError("n_neighbors=0 leaves a sample nothing to be compared with; give at least 1")
        self.n_samples_fit_ = n = len(samples)
        if wanted > n:
            warnings.warn(f"n_neighbors={wanted} is more than the {n} samples; {n - 1} are taken", stacklevel=2)
        self.n_neighbors_ = max(1, min(wanted, n - 1))
        share = None
        if self.contamination != "auto":
            share = _arrays.number(self.contamination, "contamination")
            if not 0 < share <= 0.5:
                raise ValueError(f"contamination={share} must be 'auto' or above 0 and at most 0.5")
        self._metric = self._how(X)
        self.effective_metric_ = self._metric[0]
        self._samples = samples
        self.negative_outlier_factor_: Array = -self._factors()
        self.offset_ = -1.5 if share is None else float(np.percentile(self.negative_outlier_factor_, 100.0 * share))
        if self.negative_outlier_factor_.min() < -1e7 and not self.novelty:
            warnings.warn("samples that are alike make others look like outliers; raise n_neighbors", stacklevel=2)
        return self

    def _how(self, X: Any) -> tuple[str, Any]:
        """The metric as the extension knows it."""
        if isinstance(self.metric, str) and self.metric == "precomputed":
            return "precomputed", None
        search = NearestNeighbors(
            algorithm=self.algorithm,
            leaf_size=self.leaf_size,
            metric=self.metric,
            p=self.p,
            metric_params=self.metric_params,
        )
        search._check_parameters()
        return search._how(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.pairwise = isinstance(self.metric, str) and self.metric == "precomputed"
        return tags

    def _factors(self, queries: Array | None = None) -> Array:
        threads = _arrays.threads(self.n_jobs)
        return _core.local_outlier_factor(self._samples, self.n_neighbors_, *self._metric, queries, threads)

    def _search(self) -> NearestNeighbors:
        check_is_fitted(self)
        if self._metric[0] == "precomputed":
            raise ValueError("kneighbors needs the samples, and metric='precomputed' has distances; NearestNeighbors takes those")
        search = NearestNeighbors(
            n_neighbors=self.n_neighbors_, metric=self.metric, p=self.p, metric_params=self.metric_params, n_jobs=self.n_jobs
        )
        return search.fit(self._samples)

    @property
    def effective_metric_params_(self) -> dict[str, Any]:
        """The metric's own parameters."""
        check_is_fitted(self)
        return dict(self.metric_params or {})

    def kneighbors(self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """The nearest training samples of each row; of each training sample the nearest others where there are no rows.

        Parameters
        ----------
        X : array_like, shape (m, d), optional
            Rows.
        n_neighbors : int, optional
            How many; those of the model by default.
        return_distance : bool, default True
            Whether the distances are returned, too.

        Returns
        -------
        distances : ndarray, shape (m, k)
            Only where `return_distance` is set.
        indices : ndarray of int, shape (m, k)
        """
        return self._search().kneighbors(X, n_neighbors, return_distance)

    def kneighbors_graph(self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """The nearest training samples of each row as a sparse matrix.

        Parameters
        ----------
        X : array_like, shape (m, d), optional
            Rows; without them the training samples, of each of which the nearest others count.
        n_neighbors : int, optional
            How many; those of the model by default.
        mode : {"connectivity", "distance"}, default "connectivity"
            Whether entries are 1 or the distances.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (m, n)
        """
        return self._search().kneighbors_graph(X, n_neighbors, mode)

    @_for_training_samples()
    def fit_predict(self, X: npt.ArrayLike, y: Any = None) -> Array:
        """1 for each training sample that is no outlier, -1 for one that is.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : ignored

        Returns
        -------
        ndarray of int, shape (n,)
        """
        self.fit(X)
        return np.where(self.negative_outlier_factor_ < self.offset_, -1, 1)

    @_for_new_rows("score_samples")
    def score_samples(self, X: npt.ArrayLike) -> Array:
        """Minus the factor of each new row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            New rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        check_is_fitted(self)
        return -self._factors(validate_data(self, X, reset=False, dtype=np.float64))

    @_for_new_rows("decision_function")
    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Minus the factor less `offset_`: negative for outliers.

        Parameters
        ----------
        X : array_like, shape (m, d)
            New rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        return np.asarray(self.score_samples(X)) - self.offset_

    @_for_new_rows("predict")
    def predict(self, X: npt.ArrayLike) -> Array:
        """1 for each new row that is no outlier, -1 for one that is.

        Parameters
        ----------
        X : array_like, shape (m, d)
            New rows.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        return np.where(np.asarray(self.decision_function(X)) < 0, -1, 1)
