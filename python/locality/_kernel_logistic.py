"""Kernel logistic regression as an estimator."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClassifierMixin
from ._classes import classes_of
from ._core import Kernel
from ._expansion import Choice, Expanded, Landmarks, RandomState, kernel_and_width
from ._tables import Tabular


class KernelLogisticRegression(Tabular, ClassifierMixin, Expanded, BaseEstimator):
    """Logistic regression in the feature space of a kernel: a classifier with curved boundaries and honest probabilities.

    Each class has a function ``f(x) = b + sum_i c_i k(x, x_i)`` (two classes have one between them); together they minimise
    ``C sum_i w_i loss_i + sum |f|**2 / 2``, the multinomial logistic loss and the kernel's norm: scikit-learn's `LogisticRegression` on the
    kernel's features.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty.
    kernel : Kernel or str, default "gaussian"
        The kernel, symmetric and positive definite; see `KernelRidge`. Columns of a data frame may be named in it.
    bandwidth : {"scale"} or float, optional, default "scale"
        A number is the kernel's ``h``. ``"scale"`` is the kernel's own if it has one, else ``sqrt(v / 2)`` for a sum ``v`` of the columns'
        variances, as ``gamma="scale"`` of scikit-learn's `SVC`; None leaves the kernel as it is.
    tol : float, default 1e-10
        How far coefficients may be from what the probabilities imply, relative to `C`.
    max_iter : int, default 200
        The most steps.
    n_landmarks : int, optional
        How many training samples stand for all, for tables of more than some thousand rows. All by default.
    landmarks : {"random", "kmeans++"} or sequence of int, default "random"
        How they are chosen: evenly, spread out in the kernel's feature space, or by number.
    random_state : int, RandomState, Generator or None, default 0
        Of the choice of landmarks.
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
    dual_coef_ : ndarray, shape (n, functions)
        Coefficients, of the landmarks where there are any.
    intercept_ : ndarray, shape (functions,)
        Intercepts.
    X_fit_ : ndarray, shape (n, d)
        Training samples, or landmarks.
    kernel_ : Kernel
        The kernel in force.
    landmark_indices_ : ndarray or None
        Which training samples are landmarks.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Zhu and Hastie (2005), Kernel logistic regression and the import vector machine; Boehning (1992), Multinomial logistic regression
    algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> y = np.where(np.abs(X[:, 0] - 3.0) < 1.0, "in", "out")
    >>> lc.KernelLogisticRegression(10.0).fit(X, y).predict([[1.0], [3.0], [5.0]])
    array(['out', 'in', 'out'], dtype='<U3')
    """

    def __init__(
        self,
        C: float = 1.0,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["scale"] | float | None = "scale",
        tol: float = 1e-10,
        max_iter: int = 200,
        n_landmarks: int | None = None,
        landmarks: Landmarks = "random",
        random_state: RandomState = 0,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.tol = tol
        self.max_iter = max_iter
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.random_state = random_state
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> KernelLogisticRegression:
        """Solves for the coefficients.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Classes.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        KernelLogisticRegression
            Itself.
        """
        sites, self.classes_, codes = classes_of(self, X, y, [np.float64])
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]}; a classifier needs at least 2")
        weights = _arrays.weights(sample_weight, len(sites), np.float64)
        self.kernel_ = kernel_and_width(self.kernel, self.bandwidth, self._named(X), sites, ("scale",), weights)
        chosen = Choice(self.n_landmarks, self.landmarks, self.random_state)
        self.dual_coef_, self.intercept_, landmarks, self.n_iter_, converged = _core.kernel_logistic(
            sites,
            codes.tolist(),
            len(self.classes_),
            self.kernel_,
            _arrays.number(self.C, "C"),
            _arrays.number(self.tol, "tol"),
            _arrays.count(self.max_iter, "max_iter"),
            landmarks=chosen.which,
            spread=chosen.spread,
            seed=chosen.seed,
            sample_weight=weights,
            threads=_arrays.threads(self.n_jobs),
        )
        if not converged:
            message = f"the coefficients had not settled after max_iter={self.max_iter} steps; raise max_iter or tol, or lower C"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        self._keep(sites, landmarks)
        return self

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """Values of the classes' functions at the rows of X; for two classes, of the second one's.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,) or (m, classes)
        """
        values = self._sums(X) + self.intercept_
        return values[:, 0] if len(self.classes_) == 2 else values

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probabilities of the classes at the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, classes)
        """
        values = self.decision_function(X)
        if values.ndim == 1:
            # The functions of two classes are each other's negative; half of it each gives the same shares.
            values = np.column_stack([-0.5 * values, 0.5 * values])
        shares: Array = np.exp(values - values.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def predict_log_proba(self, X: npt.ArrayLike) -> Array:
        """Logarithms of the probabilities.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m, classes)
        """
        with np.errstate(divide="ignore"):
            logs: Array = np.log(self.predict_proba(X))
        return logs

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
        values = self.decision_function(X)
        best = (values > 0.0).astype(np.intp) if values.ndim == 1 else np.argmax(values, axis=1)
        found: Array = self.classes_[best]
        return found
