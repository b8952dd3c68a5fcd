"""Nadaraya-Watson regression as an estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted
from ._core import Kernel, LocalMeanFit, Neighborhood
from ._guard import LeaveOneOut
from ._mean import OnEmpty
from ._tables import Tabular, table_data


class LocalMeanRegressor(Tabular, LeaveOneOut, RegressorMixin, BaseEstimator):
    """Regression by the local mean of the targets (Nadaraya-Watson).

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        How much a training site counts at a query. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        As of `LocalPolynomialRegressor`: a number is the kernel's ``h``; otherwise that under which each site's targets are best predicted by the
        others, over columns divided by their standard deviations. ``"auto"`` leaves a kernel as it is that has a bandwidth, or no distance.
    neighborhood : Neighborhood or str, optional
        Which training sites a query may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
    tolerance : float, default 0.0
        What the sum of the weights may be off by at each query, relative, with proof; 0 is exact to rounding.
    on_empty : {"error", "nan", "nearest", "global"}, default "nearest"
        What to predict where no training site weighs.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones. Words that training did not have are as far
        from each of its words.
    categorical_similarity : {"one-hot", "hamming"}, default "one-hot"
        ``"hamming"`` leaves columns of words whole, keeps them out of slopes, and multiplies a kernel that names no columns by
        ``laplace(metric=hamming)`` of them, whose width is found as that of numbers is.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_fit_ : ndarray, shape (n, d)
        Training sites.
    y_fit_ : ndarray, shape (n,) or (n, p)
        Training targets.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`, its columns by number.
    scales_ : ndarray, shape (d,)
        What each column is divided by: 1 unless a bandwidth was searched.
    neighborhood_ : Neighborhood
        The neighbourhood, its columns by number.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Nadaraya (1964), On estimating regression; Watson (1964), Smooth regression analysis.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.LocalMeanRegressor("gaussian(h=0.2)").fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.0], [2.0]]).round(2)
    array([0.82, 0.89])
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["auto", "fixed", "nearest", "per-column"] | float = "auto",
        neighborhood: Neighborhood | str | None = None,
        tolerance: float = 0.0,
        on_empty: OnEmpty = "nearest",
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.neighborhood = neighborhood
        self.tolerance = tolerance
        self.on_empty = on_empty
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> LocalMeanRegressor:
        """Keeps the training sites, laid out for queries, and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training sites.
        y : array_like, shape (n,) or (n, p)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        LocalMeanRegressor
            Itself.
        """
        sites, targets = table_data(self, X, y, dtype=[np.float64, np.float32], multi_output=True, y_numeric=True)
        kernel = self._kernel_for(self.kernel, X)
        neighborhood = _arrays.elsewhere(self._neighborhood_for(self.neighborhood, X))
        self.X_fit_: Array = sites
        self.y_fit_: Array = np.asarray(targets, dtype=sites.dtype)
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), sites.dtype)
        self.neighborhood_: Neighborhood = neighborhood
        tried = self._find(kernel)
        self._prepared = Prepared(self._prepare())
        self._prepared.kept = {"tried": tried}
        return self

    def _find(self, kernel: Kernel) -> list[list[Any]]:
        """Sets the kernel and the scales in force, and returns what was tried."""
        search, dtype = _arrays.search_of(self.bandwidth), self.X_fit_.dtype
        self.scales_: Array = np.ones(self.X_fit_.shape[1], dtype)
        self.kernel_: Kernel = kernel
        if not isinstance(self.bandwidth, str):
            self.kernel_ = Kernel(_core.kernel_with_bandwidth(kernel, _arrays.number(self.bandwidth, "bandwidth")))
            return []
        if search == "auto" and _has_width(kernel):
            return []
        y, weights = self.y_fit_.astype(np.float64), self.sample_weight_fit_
        found = _core.LocalRegressor(
            self.X_fit_.astype(np.float64),
            y[:, None] if y.ndim == 1 else y,
            [kernel],
            search=search,
            degrees=[0],
            neighborhood=self.neighborhood_,
            on_empty=self.on_empty,
            sample_weight=None if weights is None else weights.astype(np.float64),
            threads=_arrays.threads(self.n_jobs),
        )
        self.kernel_, self.scales_ = found.kernel, found.scales.astype(dtype)
        return [[degree, text, score if np.isfinite(score) else None] for degree, text, score in found.tried]

    def predict(self, X: npt.ArrayLike) -> Array:
        """The local mean of the training targets at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        check_is_fitted(self)
        return self._predict_at(table_data(self, X, reset=False, dtype=self.X_fit_.dtype))[0]

    def _predict_at(self, queries: Array) -> tuple[Array, None]:
        if self._prepared.made is None:
            self._prepared.made = self._prepare()
        means: Array = self._prepared.made.at(queries / self.scales_, _arrays.threads(self.n_jobs))[0]
        return (means[:, 0] if self.y_fit_.ndim == 1 else means), None

    def _prepare(self) -> LocalMeanFit:
        y = self.y_fit_
        return LocalMeanFit(
            self.X_fit_ / self.scales_,
            y[:, None] if y.ndim == 1 else y,
            self.kernel_,
            self.neighborhood_,
            self.sample_weight_fit_,
            _arrays.number(self.tolerance, "tolerance"),
            self.on_empty,
            _arrays.threads(self.n_jobs),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags


def _has_width(kernel: Kernel) -> bool:
    """Whether a kernel has a bandwidth of its own, or nothing that could have one."""
    if "h=" in str(kernel) or "knn=" in str(kernel):
        return True
    try:
        _core.kernel_with_bandwidth(kernel, 1.0)
    except ValueError:
        return True
    return False
