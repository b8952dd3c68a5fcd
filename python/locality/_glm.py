"""Local generalized linear models as estimators."""

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
from ._tables import table_data


class _LocalGLM(EachOutput, BaseEstimator):
    """What regressor and classifier share: the kernel, its bandwidth, and models made of columns on one scale."""

    kernel: Kernel | str
    bandwidth: str | float
    guard: bool
    columns: Sequence[int | str] | None
    neighborhood: Neighborhood | str | None
    n_jobs: int | None

    def _lay(self, X: npt.ArrayLike, sites: Array, responses: Array, sample_weight: npt.ArrayLike | None) -> None:
        kernel = self._kernel_for(self.kernel, X)
        self.neighborhood_ = _arrays.elsewhere(self._neighborhood_for(self.neighborhood, X))
        self.columns_ = self._columns_for(self.columns, X)
        search = _arrays.search_of(self.bandwidth)
        self.X_fit_: Array = sites
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        if isinstance(self.bandwidth, str):
            made = self._make(responses, kernel, search=search)
        else:
            made = self._make(responses, kernel, bandwidth=_arrays.number(self.bandwidth, "bandwidth"))
        self.kernel_: Kernel = made.kernel
        self.scales_: Array = made.scales
        self._prepared = Prepared(made)

    def _make(self, responses: Array, kernel: Kernel, **how: Any) -> _core.LocalGlmModel:
        family, theta, penalty = self._family()
        return _core.LocalGlmModel(
            self.X_fit_,
            np.ascontiguousarray(responses, dtype=np.float64),
            kernel,
            family,
            theta=theta,
            penalty=penalty,
            neighborhood=self.neighborhood_,
            sample_weight=self.sample_weight_fit_,
            classes=self._classes(),
            multinomial=self._multinomial(),
            guard=bool(self.guard),
            columns=self.columns_,
            link=self._link(),
            threads=_arrays.threads(self.n_jobs),
            **how,
        )

    def _model(self) -> _core.LocalGlmModel:
        if self._prepared.made is None:
            # What was found is not searched again.
            self._prepared.made = self._make(self._responses(), self.kernel_, search="given", scales=list(self.scales_))
        made: _core.LocalGlmModel = self._prepared.made
        return made

    def thin(self, X: npt.ArrayLike) -> Array:
        """Whether evidence was too thin for all of the slopes at each row of X, so that they were shrunk.

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
        return self._means_at(queries)[1]

    def _means(self, X: npt.ArrayLike) -> Array:
        means, thin = self._means_at(self._targets(X))
        warn_thin(thin, 3)
        return means

    def _means_at(self, queries: Array) -> tuple[Array, Array]:
        return self._model().means(queries, _arrays.threads(self.n_jobs))

    def _targets(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        queries: Array = table_data(self, X, reset=False, dtype=np.float64)
        return queries

    @abstractmethod
    def _family(self) -> tuple[str, float, float]:
        """Family, size and penalty."""

    @abstractmethod
    def _responses(self) -> Array:
        """Responses, or the positions of their classes, as a column."""

    def _link(self) -> str | None:
        """The link; none for the usual one."""
        return None

    def _classes(self) -> int | None:
        """Number of classes, of a classifier."""
        return None

    def _multinomial(self) -> bool:
        """Whether several classes share one model."""
        return False


class LocalGLMRegressor(RegressorMixin, _LocalGLM):
    """A generalized linear model fitted around each target.

    Parameters
    ----------
    family : {"poisson", "gamma", "negative_binomial", "binomial"}, default "poisson"
        Counts, positive numbers, counts with a variance of ``mean + mean^2 / theta`` (all with logarithmic link), shares between 0
        and 1 (logistic link).
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. ``"fixed"`` searches the best ``h``, ``"nearest"`` the best ``knn`` (the width is the
        distance to a k-th nearest sample), by the likelihood of each sample under a model fitted around it to the others, over columns divided
        by their standard deviations. ``"per-column"`` first finds a width for each column by the gradient of the leave-one-out error
        of the local mean. ``"auto"`` takes the best of these, or the kernel's own bandwidth if it has one.
    alpha : float, default 1e-3
        Penalty on squared slopes, half of it beside a sum of losses in which a sample at the target counts 1.
    theta : float, default 1.0
        Size of the negative binomial.
    link : {"log", "identity", "inverse", "logit", "probit"}, optional
        What of the mean is linear in the columns: the logarithm by default, of shares the logarithm of the odds. Counts may have the identity,
        positive numbers the identity and the inverse, shares the probit.
    guard : bool, default True
        Whether slopes are shrunk where evidence is thin (few effective samples, a target far outside), so that the prediction turns smoothly into
        the local mean; `predict` warns where they are.
    columns : sequence of int or str, optional
        Columns of the model, those of a data frame by name if you like; all by default. The kernel names its own.
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
        Training samples and responses.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Fan, Heckman and Wand (1995), Local polynomial kernel regression for generalized linear models and quasi-likelihood functions.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.LocalGLMRegressor("poisson", bandwidth=0.3).fit(X, np.exp(np.sin(X[:, 0])))
    >>> model.predict([[1.0], [4.0]]).round(1)
    array([2.2, 0.5])
    """

    def __init__(
        self,
        family: Literal["poisson", "gamma", "negative_binomial", "binomial"] = "poisson",
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["auto", "fixed", "nearest", "per-column"] | float = "auto",
        alpha: float = 1e-3,
        theta: float = 1.0,
        link: Literal["log", "identity", "inverse", "logit", "probit"] | None = None,
        guard: bool = True,
        columns: Sequence[int | str] | None = None,
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.family = family
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.alpha = alpha
        self.theta = theta
        self.link = link
        self.guard = guard
        self.columns = columns
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> LocalGLMRegressor:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Responses, within the family's range; several have a model and a bandwidth each, in `estimators_`.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's. They say how reliable rows are, not how many there are: where evidence is thin, repeated
            rows are more of it than one row of a larger weight.

        Returns
        -------
        LocalGLMRegressor
            Itself.
        """
        sites, targets = table_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        vars(self).pop("estimators_", None)
        if self.y_fit_.ndim == 2:
            self._fit_each(X, sites, self.y_fit_, sample_weight)
            return self
        self._lay(X, sites, self._responses(), sample_weight)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The mean of the response at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        values, thin = self._answers(self._targets(X))
        warn_thin(thin, 2)
        return values

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        means, thin = self._means_at(queries)
        return means[:, 0], thin

    def slopes(self, X: npt.ArrayLike) -> Array:
        """Coefficients of the linear predictor at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, columns) or (m, p, columns)
        """
        queries = self._targets(X)
        if hasattr(self, "estimators_"):
            return np.stack([one.slopes(queries) for one in self.estimators_], axis=1)
        return self._model().slopes(queries, _arrays.threads(self.n_jobs))

    def _family(self) -> tuple[str, float, float]:
        return self.family, _arrays.number(self.theta, "theta"), _arrays.number(self.alpha, "alpha")

    def _link(self) -> str | None:
        return self.link

    def _responses(self) -> Array:
        return self.y_fit_[:, None]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Responses outside the family are refused.
        tags.target_tags.positive_only = True
        tags.target_tags.multi_output = True
        return tags


class LocalLogisticRegression(ClassifierMixin, _LocalGLM):
    """Logistic regression fitted around each target: a classifier whose boundary is straight only nearby.

    More than two classes are told apart one against the rest, and the probabilities divided by their sum, or by one multinomial model.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty on squared slopes, as in scikit-learn's `LogisticRegression`.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. ``"fixed"`` searches the best ``h``, ``"nearest"`` the best ``knn`` (the width is the
        distance to a k-th nearest sample), by the probability of each sample's class under a model fitted around it to the others, over
        columns divided by their standard deviations. ``"per-column"`` first finds a width for each column by the gradient of the leave-one-out
        error of the local class shares. ``"auto"`` takes the best of these, or the kernel's own bandwidth if it has one.
    multi_class : {"ovr", "multinomial"}, default "ovr"
        How more than two classes are told apart: one against the rest each, or all by one model, which takes a time that grows with the
        square of their number. Bandwidths are compared by the former.
    guard : bool, default True
        Whether slopes are shrunk where evidence is thin (few effective samples, a target far outside), so that the prediction turns smoothly into
        the local mean; `predict` warns where they are.
    columns : sequence of int or str, optional
        Columns of the model, those of a data frame by name if you like; all by default. The kernel names its own.
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
    Fan, Heckman and Wand (1995), Local polynomial kernel regression for generalized linear models and quasi-likelihood functions.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> y = np.where(np.abs(X[:, 0] - 3.0) < 1.0, "in", "out")
    >>> lc.LocalLogisticRegression(bandwidth=0.5).fit(X, y).predict([[1.0], [3.0], [5.0]])
    array(['out', 'in', 'out'], dtype='<U3')
    """

    def __init__(
        self,
        C: float = 1.0,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["auto", "fixed", "nearest", "per-column"] | float = "auto",
        multi_class: Literal["ovr", "multinomial"] = "ovr",
        guard: bool = True,
        columns: Sequence[int | str] | None = None,
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.multi_class = multi_class
        self.guard = guard
        self.columns = columns
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalLogisticRegression:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's. They say how reliable rows are, not how many there are: where evidence is thin, repeated
            rows are more of it than one row of a larger weight.

        Returns
        -------
        LocalLogisticRegression
            Itself.
        """
        sites, self.classes_, codes = classes_of(self, X, y, [np.float64])
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}; a classifier needs at least 2")
        self.y_fit_: Array = codes
        self._lay(X, sites, self._responses(), sample_weight)
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
        return self._means(X)

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
        return self._likeliest(self._means(X))

    def _likeliest(self, shares: Array) -> Array:
        found: Array = self.classes_[np.argmax(shares, axis=1)]
        return found

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        shares, thin = self._means_at(queries)
        return self._likeliest(shares), thin

    def slopes(self, X: npt.ArrayLike) -> Array:
        """Coefficients of the linear predictors at each row of X: of two classes those of the second one's log-odds.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, columns) or (m, classes, columns)
            Of more than two classes, of the log-odds of each against the rest, or with ``multi_class="multinomial"`` of its share in one model.
        """
        found = self._model().slopes(self._targets(X), _arrays.threads(self.n_jobs))
        k = len(self.classes_)
        return found if k == 2 else found.reshape(len(found), k, -1)

    def loo_predict_proba(self) -> Array:
        """Probabilities of the classes at the training rows, each by a model without its own row.

        Returns
        -------
        ndarray, shape (n, classes)
        """
        check_is_fitted(self)
        shares: Array = self._without()._means_at(self.X_fit_)[0]
        return shares

    def _family(self) -> tuple[str, float, float]:
        c = _arrays.number(self.C, "C")
        if not c > 0.0:
            raise ValueError(f"C={c} must be positive")
        return "binomial", 1.0, 1.0 / c

    def _responses(self) -> Array:
        return self.y_fit_[:, None]

    def _multinomial(self) -> bool:
        if self.multi_class not in ("ovr", "multinomial"):
            raise ValueError(f"multi_class={self.multi_class!r} must be 'ovr' or 'multinomial'")
        return self.multi_class == "multinomial"

    def _classes(self) -> int | None:
        return len(self.classes_)
