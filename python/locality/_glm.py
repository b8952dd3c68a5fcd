"""Local generalized linear models as estimators."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin, Prepared, RegressorMixin, check_is_fitted, validate_data
from ._classes import classes_of
from ._core import Kernel, Neighborhood
from ._local import LocalPolynomialRegressor


class _LocalGLM(BaseEstimator):
    """What regressor and classifier share: the kernel, its bandwidth, and models made of columns on one scale."""

    kernel: Kernel | str
    bandwidth: str | float
    neighborhood: Neighborhood | str | None
    n_jobs: int | None

    def _lay(self, X: npt.ArrayLike, sites: Array, means: Array, sample_weight: npt.ArrayLike | None) -> None:
        kernel, neighborhood = _arrays.kernel_of(self.kernel, X), _arrays.neighborhood_of(self.neighborhood, X)
        if isinstance(self.bandwidth, str) and self.bandwidth != "auto":
            raise ValueError(f"bandwidth={self.bandwidth!r} must be 'auto' or a number")
        self.X_fit_: Array = sites
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        if isinstance(self.bandwidth, str):
            # The bandwidth of a local line through the responses, which is as smooth as the model is.
            found = LocalPolynomialRegressor(kernel, degree=1, neighborhood=neighborhood, n_jobs=self.n_jobs)
            found.fit(sites, means, self.sample_weight_fit_)
            self.kernel_: Kernel = found.kernel_
            self.scales_: Array = found.scales_
        else:
            text = _core.kernel_with_bandwidth(kernel, _arrays.number(self.bandwidth, "bandwidth"))
            self.kernel_, self.scales_ = Kernel(text), np.ones(sites.shape[1])
        self.neighborhood_: Neighborhood = neighborhood

    def _model(self, responses: Array, family: str, theta: float, penalty: float) -> _core.LocalGlmModel:
        return _core.LocalGlmModel(
            self.X_fit_ / self.scales_,
            np.ascontiguousarray(responses, dtype=np.float64)[:, None],
            self.kernel_,
            family,
            theta=theta,
            penalty=penalty,
            neighborhood=self.neighborhood_,
            sample_weight=self.sample_weight_fit_,
            threads=_arrays.threads(self.n_jobs),
        )

    def _targets(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        queries: Array = validate_data(self, X, reset=False, dtype=np.float64)
        return queries / self.scales_


class LocalGLMRegressor(RegressorMixin, _LocalGLM):
    """A generalized linear model fitted around each target.

    Parameters
    ----------
    family : {"poisson", "gamma", "negative_binomial", "binomial"}, default "poisson"
        Counts, positive numbers, counts with a variance of ``mean + mean^2 / theta`` (all with logarithmic link), shares between 0
        and 1 (logistic link).
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. ``"auto"`` is the kernel's own if it has one, else that under which a local line
        predicts the responses best without each sample; columns are then divided by their standard deviations first.
    alpha : float, default 1e-3
        Penalty on squared slopes, half of it beside a sum of losses in which a sample at the target counts 1.
    theta : float, default 1.0
        Size of the negative binomial.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default.
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
        bandwidth: Literal["auto"] | float = "auto",
        alpha: float = 1e-3,
        theta: float = 1.0,
        neighborhood: Neighborhood | str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.family = family
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.alpha = alpha
        self.theta = theta
        self.neighborhood = neighborhood
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> LocalGLMRegressor:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Responses, within the family's range.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalGLMRegressor
            Itself.
        """
        sites, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        self._lay(X, sites, self.y_fit_, sample_weight)
        self._prepared = Prepared(self._make())
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The mean of the response at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._at(X)[0]

    def slopes(self, X: npt.ArrayLike) -> Array:
        """Coefficients of the linear predictor at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, d)
        """
        return self._at(X)[2] / self.scales_

    def _at(self, X: npt.ArrayLike) -> tuple[Array, ...]:
        queries = self._targets(X)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        found: tuple[Array, ...] = self._prepared.made.at(queries, _arrays.threads(self.n_jobs))
        return found

    def _make(self) -> _core.LocalGlmModel:
        alpha, theta = _arrays.number(self.alpha, "alpha"), _arrays.number(self.theta, "theta")
        return self._model(self.y_fit_, self.family, theta, alpha)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        # Responses outside the family are refused.
        tags.target_tags.positive_only = True
        return tags


class LocalLogisticRegression(ClassifierMixin, _LocalGLM):
    """Logistic regression fitted around each target: a classifier whose boundary is straight only nearby.

    More than two classes are told apart one against the rest, and the probabilities divided by their sum.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty on squared slopes, as in scikit-learn's `LogisticRegression`.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. ``"auto"`` is the kernel's own if it has one, else that under which a local line
        predicts the classes' indicators best without each sample; columns are then divided by their standard deviations first.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default.
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
        bandwidth: Literal["auto"] | float = "auto",
        neighborhood: Neighborhood | str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.neighborhood = neighborhood
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
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalLogisticRegression
            Itself.
        """
        sites, self.classes_, codes = classes_of(self, X, y, [np.float64])
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}; a classifier needs at least 2")
        self.y_fit_: Array = codes
        self._lay(X, sites, np.eye(len(self.classes_))[codes], sample_weight)
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
        queries = self._targets(X)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        ones = [model.at(queries, _arrays.threads(self.n_jobs))[0] for model in self._prepared.made]
        if len(ones) == 1:
            return np.column_stack([1.0 - ones[0], ones[0]])
        shares = np.column_stack(ones)
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0.0, shares / np.where(total > 0.0, total, 1.0), 1.0 / len(ones))

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
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        found: Array = self.classes_[likeliest]
        return found

    def _make(self) -> list[_core.LocalGlmModel]:
        c = _arrays.number(self.C, "C")
        if not c > 0.0:
            raise ValueError(f"C={c} must be positive")
        classes = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        return [self._model(self.y_fit_ == k, "binomial", 1.0, 1.0 / c) for k in classes]
