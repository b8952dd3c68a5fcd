"""Local polynomial regression as an estimator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted
from ._core import Kernel, Neighborhood
from ._guard import Explanation, LeaveOneOut, warn_thin
from ._mean import OnEmpty
from ._tables import Tabular, table_data


class LocalPolynomialRegressor(Tabular, LeaveOneOut, RegressorMixin, BaseEstimator):
    """Regression by a polynomial fitted around each target, by default a line.

    At each target a polynomial in ``x - target`` is fitted to the training samples by weighted least squares; the kernel says how
    much each sample counts. Where evidence is thin (few effective samples, columns that hardly differ from combinations of others,
    a target far outside) slopes are shrunk, so that the prediction turns smoothly into the local mean.

    Parameters
    ----------
    kernel : Kernel or str, or a sequence of them, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it. Of several the best is taken.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``. ``"fixed"`` searches the best ``h``, ``"nearest"`` the best ``knn`` (the width is the distance
        to a k-th nearest sample), by leave-one-out cross-validation. ``"per-column"`` first finds a width for each column by the gradient
        of the leave-one-out error of the local mean, so that columns that say nothing stop counting. ``"auto"`` takes the best of these, or
        the kernel's own bandwidth if it has one; ``"nearest"``, which counts rows, is left out where sample weights differ or more than a quarter
        of the rows repeat others.
    degree : int or sequence of int, default 1
        Degree of the polynomial, 0 for the local mean; of several the best is taken.
    criterion : {"loo", "gcv", "aicc", "5-fold", ...}, default "loo"
        What kernels, bandwidths and degrees are compared by: leave-one-out errors, generalised cross-validation, the corrected criterion of
        Akaike, or errors over any number of folds.
    robust : {"bisquare", "huber"}, optional
        Makes weights of the residuals and fits again, so that outliers do not bend the fit: with "bisquare", tricube and ``knn`` this is
        LOWESS in any number of columns.
    robust_iterations : int, default 3
        How often.
    standardize : bool, optional
        Whether columns are divided by their standard deviations first, which are then the units of bandwidths; by default where the
        bandwidth is searched.
    ridge : float, default 0.0
        Penalty on squared coefficients, in units in which each term has unit variance under the weights.
    guard : bool, default True
        Whether slopes are shrunk where evidence is thin; `predict` warns where more than a tenth of one is taken.
    columns : sequence of int or str, optional
        Columns of the polynomial, those of a data frame by name if you like; all by default. The kernel names its own.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
    on_empty : {"error", "nan", "nearest", "global"}, default "nearest"
        What to predict where no training sample weighs.
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
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights: the variance of a target is inverse to its weight. Of a robust fit, times what their residuals count for.
    given_weight_fit_ : ndarray, shape (n,), or None
        Of a robust fit the weights as they were given, which intervals count by.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    degree_ : int
        The degree in force.
    columns_ : list of int or None
        Columns of the polynomial by number.
    effective_df_ : float
        Effective number of parameters: the trace of the hat matrix of the training rows. Made when asked for, as the two below.
    loo_residuals_ : ndarray, shape (n,) or (n, p)
        Targets minus what is predicted without them, by the shortcut ``(y - fitted) / (1 - leverage)``, exact where nothing is shrunk. Where widths
        are distances to k-th samples, of which the sample itself is one, and at samples of leverage 1, which make their own value alone, targets
        minus `loo_predict`: what the others say there, and where none of them weighs what `on_empty` has.
    leverage_ : ndarray, shape (n,)
        Diagonal of the hat matrix.
    scales_ : ndarray, shape (d,)
        What each column is divided by.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Cleveland and Devlin (1988), Locally weighted regression; Fan and Gijbels (1996), Local polynomial modelling and its applications.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.LocalPolynomialRegressor().fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.0], [2.0]]).round(2)
    array([0.83, 0.9 ])
    >>> model.slopes([[1.0]]).round(1)
    array([[0.5]])
    """

    def __init__(
        self,
        kernel: Kernel | str | Sequence[Kernel | str] = "gaussian",
        *,
        bandwidth: Literal["auto", "fixed", "nearest", "per-column"] | float = "auto",
        degree: int | Sequence[int] = 1,
        criterion: str = "loo",
        robust: Literal["bisquare", "huber"] | None = None,
        robust_iterations: int = 3,
        standardize: bool | None = None,
        ridge: float = 0.0,
        guard: bool = True,
        columns: Sequence[int | str] | None = None,
        neighborhood: Neighborhood | str | None = None,
        on_empty: OnEmpty = "nearest",
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.degree = degree
        self.criterion = criterion
        self.robust = robust
        self.robust_iterations = robust_iterations
        self.standardize = standardize
        self.ridge = ridge
        self.guard = guard
        self.columns = columns
        self.neighborhood = neighborhood
        self.on_empty = on_empty
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalPolynomialRegressor:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative: the variance of a target is inverse to its weight. They stand for how reliable rows are, not for how many there
            are: a row of weight 2 is fitted as the same row twice is, but is one sample where the guard counts effective samples, so that where
            evidence is thin predictions may differ. Repeat rows that were observed more than once.

        Returns
        -------
        LocalPolynomialRegressor
            Itself.
        """
        sites, targets = table_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        given = [self.kernel] if isinstance(self.kernel, (str, Kernel)) else list(self.kernel)
        kernels = [self._kernel_for(kernel, X) for kernel in given]
        neighborhood = _arrays.elsewhere(self._neighborhood_for(self.neighborhood, X))
        self.X_fit_: Array = sites
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        self.given_weight_fit_: Array | None = None
        search = _arrays.search_of(self.bandwidth)
        width = None if isinstance(self.bandwidth, str) else _arrays.number(self.bandwidth, "bandwidth")
        degrees = [self.degree] if np.ndim(self.degree) == 0 else list(self.degree)  # type: ignore[arg-type]
        degrees = [_arrays.count(degree, "degree") for degree in degrees]
        self.columns_ = self._columns_for(self.columns, X) if max(degrees, default=0) or self.columns is not None else None
        made = self._make(kernels, neighborhood, search, width, degrees, self.standardize, None, self.robust)
        self.sample_weight_fit_ = made.weights
        if self.robust is not None:
            self.given_weight_fit_ = made.given_weights
        self.kernel_: Kernel = made.kernel
        self.neighborhood_: Neighborhood = neighborhood
        self.degree_: int = made.degree
        self.scales_: Array = made.scales
        self._prepared = Prepared(made)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The value at each row of X of the polynomial fitted around it.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        values, thin = self._predict_at(self._targets(X))
        warn_thin(thin, 2)
        return values

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        found = self._fit_at(queries, False)
        return self._flat(found[0]), found[4]

    def slopes(self, X: npt.ArrayLike) -> Array:
        """Coefficients of the polynomial at each row of X, without the constant: first the derivatives by the columns, then those of products of
        columns by degree.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, q) or (m, p, q)
        """
        slopes: Array = self._at(X)[1]
        return slopes[:, 0] if self.y_fit_.ndim == 1 else slopes

    def predict_std(self, X: npt.ArrayLike) -> tuple[Array, Array]:
        """Predictions and their standard errors: those of the fitted value, not of a new observation, bias left aside.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        values, errors : ndarray, shape (m,) or (m, p)
        """
        values, _, variances, _, _ = self._at(X, variances=True)
        noise = self._diagnostics()[5]
        return self._flat(values), self._flat(np.sqrt(variances[:, :1] * noise))

    def predict_interval(self, X: npt.ArrayLike, level: float = 0.9) -> tuple[Array, Array, Array]:
        """Predictions and intervals that hold a new observation of weight 1 with a probability of `level`, by localized conformal calibration.

        Outside the training samples intervals grow as the uncertainty of the slopes does, and also hold what the local polynomial itself says
        where it is not believed that far out (with a warning, as `predict` gives). Those of a robust fit hold observations far off as well, at
        their share.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        level : float, default 0.9
            The share of observations inside, on the average over targets like the training samples.

        Returns
        -------
        values, lower, upper : ndarray, shape (m,) or (m, p)

        References
        ----------
        Guan (2023), Localized conformal prediction.
        """
        queries = self._targets(X)
        *found, thin = self._fit().intervals(queries, _arrays.number(level, "level"), _arrays.threads(self.n_jobs))
        warn_thin(thin, 2)
        values, lower, upper = (self._flat(a) for a in found)
        return values, lower, upper

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
        queries = self._targets(X)
        return Explanation(
            *self._fit().explain(queries, _arrays.count(n_samples, "n_samples"), _arrays.threads(self.n_jobs))
        )

    def hat_matrix_rows(self, X: npt.ArrayLike) -> Array:
        """Rows of the hat matrix: predictions at the rows of X are their product with the training targets.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, n)
            NaN at a target where no training sample weighs.
        """
        queries = self._targets(X)
        return self._fit().hat_rows(queries, _arrays.threads(self.n_jobs))

    @property
    def effective_df_(self) -> float:
        return float(self._diagnostics()[3])

    @property
    def loo_residuals_(self) -> Array:
        return self._flat(self._diagnostics()[1])

    @property
    def leverage_(self) -> Array:
        leverage: Array = self._diagnostics()[2]
        return leverage

    def _diagnostics(self) -> tuple[Any, ...]:
        made = self._fit()
        if self._prepared.told is None:
            told: list[Any] = list(made.diagnostics(_arrays.threads(self.n_jobs)))
            alone = ~np.isfinite(told[1]).all(axis=1)
            if re.search(r"(?<!site_)knn=", str(self.kernel_)):
                alone[:] = True
            if alone.any():
                told[1] = told[1].copy()
                told[1][alone] = (self.y_fit_ - self.loo_predict()).reshape(told[1].shape)[alone]
            self._prepared.told = tuple(told)
        found: tuple[Any, ...] = self._prepared.told
        return found

    def thin(self, X: npt.ArrayLike) -> Array:
        """Whether evidence was too thin for all of the polynomial at each row of X, so that more than a tenth of a slope was taken.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray of bool, shape (m,)
        """
        thin: Array = self._at(X)[4]
        return thin

    def _targets(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        queries: Array = table_data(self, X, reset=False, dtype=np.float64)
        return queries

    def _at(self, X: npt.ArrayLike, variances: bool = False) -> tuple[Any, ...]:
        return self._fit_at(self._targets(X), variances)

    def _fit_at(self, queries: Array, variances: bool) -> tuple[Any, ...]:
        return self._fit().at(queries, variances, _arrays.threads(self.n_jobs))

    def _flat(self, values: Array) -> Array:
        return values[:, 0] if self.y_fit_.ndim == 1 else values

    def _fit(self) -> _core.LocalRegressor:
        check_is_fitted(self)
        if self._prepared.made is None:
            # What was found is not searched again.
            self._prepared.made = self._make(
                [self.kernel_], self.neighborhood_, "given", None, [self.degree_], None, list(self.scales_), None
            )
        made: _core.LocalRegressor = self._prepared.made
        return made

    def _make(
        self,
        kernels: list[Kernel],
        neighborhood: Neighborhood,
        search: str,
        bandwidth: float | None,
        degrees: list[int],
        standardize: bool | None,
        scales: list[float] | None,
        robust: str | None,
    ) -> _core.LocalRegressor:
        y = self.y_fit_
        return _core.LocalRegressor(
            self.X_fit_,
            y[:, None] if y.ndim == 1 else y,
            kernels,
            search=search,
            criterion=self.criterion,
            robust=robust,
            robust_iterations=_arrays.count(self.robust_iterations, "robust_iterations"),
            bandwidth=bandwidth,
            degrees=degrees,
            standardize=standardize,
            scales=scales,
            ridge=_arrays.number(self.ridge, "ridge"),
            guard=bool(self.guard),
            columns=self.columns_,
            neighborhood=neighborhood,
            on_empty=self.on_empty,
            sample_weight=self.sample_weight_fit_,
            threads=_arrays.threads(self.n_jobs),
            **({} if self.given_weight_fit_ is None else {"given_weight": list(self.given_weight_fit_)}),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
