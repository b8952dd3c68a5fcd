"""Local quantiles and local discriminant analysis as estimators."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, Prepared, RegressorMixin, check_is_fitted
from ._classes import classes_of
from ._core import Kernel, Neighborhood
from ._guard import EachOutput, warn_thin
from ._local import LocalPolynomialRegressor
from ._tables import table_data

Bandwidth = Literal["auto", "fixed", "nearest", "per-column"] | float


class _Model(EachOutput, BaseEstimator):
    """A kernel whose bandwidth is that of a local polynomial through the responses, and samples over divided columns."""

    kernel: Kernel | str
    bandwidth: Bandwidth
    neighborhood: Neighborhood | str | None
    n_jobs: int | None
    _prepared: Prepared

    def _lay(self, X: npt.ArrayLike, sites: Array, means: Array, degree: int, sample_weight: npt.ArrayLike | None) -> None:
        kernel = self._kernel_for(self.kernel, X)
        self.neighborhood_ = _arrays.elsewhere(self._neighborhood_for(self.neighborhood, X))
        self.X_fit_: Array = sites
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        found = LocalPolynomialRegressor(
            kernel,
            bandwidth=self.bandwidth,
            degree=degree,
            columns=self._columns_for(getattr(self, "columns", None), X) if degree else None,
            neighborhood=self.neighborhood_,
            n_jobs=self.n_jobs,
        ).fit(sites, means, self.sample_weight_fit_)
        self.kernel_: Kernel = found.kernel_
        self.scales_: Array = found.scales_

    def _learn(self, X: npt.ArrayLike, y: npt.ArrayLike, degree: int, sample_weight: npt.ArrayLike | None) -> bool:
        """The same for numbers to predict: one, or several by a model each, which is told."""
        sites, targets = table_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        vars(self).pop("estimators_", None)
        if self.y_fit_.ndim == 2:
            self._fit_each(X, sites, self.y_fit_, sample_weight)
            return True
        self._lay(X, sites, self.y_fit_, degree, sample_weight)
        return False

    def _at(self, X: npt.ArrayLike) -> Any:
        return self._ask(self._targets(X))

    def _targets(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        queries: Array = table_data(self, X, reset=False, dtype=np.float64)
        return queries

    def _ask(self, queries: Array) -> Any:
        if self._prepared.made is None:
            self._prepared.made = self._make()
        return self._prepared.made.at(queries / self.scales_, _arrays.threads(self.n_jobs))

    def _given(self) -> dict[str, Any]:
        return {
            "neighborhood": self.neighborhood_,
            "sample_weight": self.sample_weight_fit_,
            "threads": _arrays.threads(self.n_jobs),
        }

    @abstractmethod
    def _make(self) -> Any:
        """The model at the kernel that was found."""


class LocalQuantileRegressor(RegressorMixin, _Model):
    """Quantiles of the target around each row, by default the local median.

    Parameters
    ----------
    quantile : float or sequence of float, default 0.5
        Levels, above 0 and below 1; of several, predictions have a column for each.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``; otherwise that under which a local polynomial of the same degree predicts best, as
        `LocalPolynomialRegressor` finds it.
    degree : int, default 0
        0 for the weighted quantile itself, 1 for a line through it, and so on.
    guard : bool, default True
        Whether polynomials are shrunk where evidence is thin (few effective samples, a target far outside), so that the prediction turns smoothly into
        the quantile of degree 0; `predict` warns where they are.
    columns : sequence of int or str, optional
        Columns of the polynomial, those of a data frame by name if you like; all by default. The kernel names its own.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
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
    X_fit_, y_fit_ : ndarray
        Training samples and targets.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Koenker and Bassett (1978), Regression quantiles; Fan, Hu and Truong (1994), Robust non-parametric function estimation.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.repeat([0.0, 5.0], 3)[:, None]
    >>> lc.LocalQuantileRegressor([0.5, 0.9], bandwidth=0.5).fit(X, [1, 2, 100, 6, 7, 8]).predict([[0.0], [5.0]])
    array([[  2., 100.],
           [  7.,   8.]])
    """

    def __init__(
        self,
        quantile: float | Sequence[float] = 0.5,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Bandwidth = "auto",
        degree: int = 0,
        guard: bool = True,
        columns: Sequence[int | str] | None = None,
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.quantile = quantile
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.degree = degree
        self.guard = guard
        self.columns = columns
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalQuantileRegressor:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets; several have a model and bandwidths each, in `estimators_`.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalQuantileRegressor
            Itself.
        """
        if np.size(self.quantile) == 0:
            raise ValueError("quantile is empty; name at least one level, such as 0.5")
        degree = _arrays.count(self.degree, "degree")
        if self._learn(X, y, degree, sample_weight):
            return self
        self.columns_ = self._columns_for(self.columns, X) if degree or self.columns is not None else None
        self._prepared = Prepared(self._make())
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The quantiles at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,), (m, levels), (m, p) or (m, p, levels)
        """
        found, thin = self._answers(self._targets(X))
        if _arrays.count(self.degree, "degree") > 0:
            warn_thin(thin, 2)
        return found

    def thin(self, X: npt.ArrayLike) -> Array:
        """Whether evidence was too thin for all of the polynomial at each row of X, so that it was shrunk.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        queries = self._targets(X)
        if hasattr(self, "estimators_"):
            each: Array = np.any([one.thin(queries) for one in self.estimators_], axis=0)
            return each
        thin: Array = self._ask(queries)[1]
        return thin

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        found, thin = self._ask(queries)
        return (found[:, 0] if np.ndim(self.quantile) == 0 else found), thin

    def _make(self) -> _core.LocalQuantileModel:
        levels = [_arrays.number(level, "quantile") for level in np.atleast_1d(self.quantile).tolist()]
        degree = _arrays.count(self.degree, "degree")
        how: dict[str, Any] = {"guard": bool(self.guard), "columns": self.columns_}
        return _core.LocalQuantileModel(
            self.X_fit_ / self.scales_, self.y_fit_[:, None], self.kernel_, levels, degree=degree, **how, **self._given()
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LocalModeRegressor(RegressorMixin, _Model):
    """Modal regression: the most likely target around each row, and all others that are likelier than those beside them.

    Where targets fall on several branches a mean or median lies between them, and modes lie on them.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``; otherwise that under which a local mean predicts best, as `LocalPolynomialRegressor` finds it.
    response_bandwidth : "auto" or float, default "auto"
        The bandwidth of the targets' density, in their units; ``"auto"`` is the one under which training targets are the most likely
        from the others, leave-one-out.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
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
    X_fit_, y_fit_ : ndarray
        Training samples and targets.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by.
    response_bandwidth_ : float
        The bandwidth of the targets.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Einbeck and Tutz (2006), Modelling beyond regression functions; Hall, Racine and Li (2004), Cross-validation and the
    estimation of conditional probability densities.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X, y = np.zeros((7, 1)), [1, 1.1, 0.9, 1, 5, 5.1, 4.9]
    >>> model = lc.LocalModeRegressor(bandwidth=1.0, response_bandwidth=0.2).fit(X, y)
    >>> model.predict([[0.0]]).round(3), model.modes([[0.0]])[0][0].round(3)
    (array([1.]), array([1., 5.]))
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Bandwidth = "auto",
        response_bandwidth: Literal["auto"] | float = "auto",
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.response_bandwidth = response_bandwidth
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalModeRegressor:
        """Keeps the training samples and finds the bandwidths, if they are to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets; several have a model and bandwidths each, in `estimators_`.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalModeRegressor
            Itself.
        """
        if self._learn(X, y, 0, sample_weight):
            return self
        given = self.response_bandwidth
        made = self._build(None if given == "auto" else _arrays.number(given, "response_bandwidth"))
        self.response_bandwidth_: float = made.response_bandwidth
        self._prepared = Prepared(made)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The most likely target at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        return self._answers(self._targets(X))[0]

    def _predict_at(self, queries: Array) -> tuple[Array, None]:
        starts, modes, _ = self._ask(queries)
        return modes[starts[:-1]], None

    def modes(self, X: npt.ArrayLike) -> list[tuple[Array, Array]]:
        """All modes at each row of X, with their densities, the densest first.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        list of (ndarray, ndarray)
            For each row the modes and the conditional density at them, per unit of the target.
        """
        if hasattr(self, "estimators_"):
            raise ValueError(f"modes are of one target, and there are {len(self.estimators_)}; ask one of estimators_")
        starts, modes, densities = self._at(X)
        cuts = starts[1:-1]
        return list(zip(np.split(modes, cuts), np.split(densities, cuts), strict=True))

    def _make(self) -> _core.LocalModeModel:
        return self._build(self.response_bandwidth_)

    def _build(self, response_bandwidth: float | None) -> _core.LocalModeModel:
        return _core.LocalModeModel(
            self.X_fit_ / self.scales_,
            self.y_fit_[:, None],
            self.kernel_,
            response_bandwidth=response_bandwidth,
            **self._given(),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class LocalDiscriminantAnalysis(ClassifierMixin, _Model):
    """Discriminant analysis around each target: classes as normal distributions with local shares, means and covariances.

    Parameters
    ----------
    method : {"lda", "qda", "naive-bayes"}, default "lda"
        One covariance for all classes, one for each, or one variance for each class and column.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``; otherwise that under which local lines predict the classes' indicators best.
    shrinkage : float, default 0.01
        Share of a covariance that is replaced by a multiple of the identity.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones. Words that training did not have are as far
        from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted.
    X_fit_, y_fit_ : ndarray
        Training samples and the positions of their classes.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Czogiel, Luebke, Zentgraf and Weihs (2007), Localized linear discriminant analysis.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> y = np.where(np.abs(X[:, 0] - 3.0) < 1.0, "in", "out")
    >>> lc.LocalDiscriminantAnalysis(bandwidth=1.0).fit(X, y).predict([[1.0], [3.0], [5.0]])
    array(['out', 'in', 'out'], dtype='<U3')
    """

    def __init__(
        self,
        method: Literal["lda", "qda", "naive-bayes"] = "lda",
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Bandwidth = "auto",
        shrinkage: float = 0.01,
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.method = method
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.shrinkage = shrinkage
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalDiscriminantAnalysis:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalDiscriminantAnalysis
            Itself.
        """
        sites, self.classes_, codes = classes_of(self, X, y, [np.float64])
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}; a classifier needs at least 2")
        self.y_fit_: Array = codes
        self._lay(X, sites, self._indicators(), 1, sample_weight)
        self._prepared = Prepared(self._make())
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probabilities of the classes at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, classes)
        """
        shares: Array = self._at(X)
        return shares

    def predict(self, X: npt.ArrayLike) -> Array:
        """The likeliest class at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._predict_at(self._targets(X))[0]

    def loo_predict_proba(self) -> Array:
        """Probabilities of the classes at the training rows, each by a model without its own row.

        Returns
        -------
        ndarray, shape (n, classes)
        """
        check_is_fitted(self)
        shares: Array = self._without()._ask(self.X_fit_)
        return shares

    def _predict_at(self, queries: Array) -> tuple[Array, None]:
        found: Array = self.classes_[np.argmax(self._ask(queries), axis=1)]
        return found, None

    def _indicators(self) -> Array:
        one_hot: Array = np.eye(len(self.classes_))[self.y_fit_]
        return one_hot

    def _make(self) -> _core.LocalDiscriminantModel:
        return _core.LocalDiscriminantModel(
            self.X_fit_ / self.scales_,
            self._indicators(),
            self.kernel_,
            self.method,
            shrinkage=_arrays.number(self.shrinkage, "shrinkage"),
            **self._given(),
        )
