"""Kernel ridge regression as an estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, RegressorMixin, check_is_fitted
from ._core import Kernel
from ._expansion import Choice, Expanded, Landmarks, RandomState, kernel_and_width
from ._tables import Tabular, table_data


class KernelRidge(Tabular, RegressorMixin, Expanded, BaseEstimator):
    """Ridge regression in the feature space of a kernel.

    The function ``f(x) = sum_i c_i k(x, x_i)`` minimises ``sum_i w_i (y_i - f(x_i))**2 + alpha |f|**2``. Any symmetric positive
    definite kernel of the kernel language will do: gaussian, laplace, matern32, matern52, cauchy, rational_quadratic, student_t of Euclidean
    distances, softmax, polynomial, and sums and products of these, each on columns of its own.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        The kernel. Columns of a data frame may be named in it.
    alpha : {"auto"} or float, default "auto"
        Penalty; ``"auto"`` is that of least leave-one-out error.
    bandwidth : {"auto", "scale"} or float, optional, default "auto"
        A number is the kernel's ``h``. ``"auto"`` is the kernel's own if it has one, else that of least leave-one-out error; ``"scale"``
        is ``sqrt(v / 2)`` for a sum ``v`` of the columns' variances; None leaves the kernel as it is.
    n_landmarks : int, optional
        How many training samples stand for all (subset of regressors), for tables of more than some thousand rows. All by default.
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
    dual_coef_ : ndarray, shape (n,) or (n, p)
        Coefficients, of the landmarks where there are any.
    X_fit_ : ndarray, shape (n, d)
        Training samples, or landmarks.
    kernel_ : Kernel
        The kernel in force.
    alpha_ : float
        The penalty in force.
    jitter_ : float
        What was added to the diagonal of the kernel matrix for rounding's sake; mostly 0.
    landmark_indices_ : ndarray or None
        Which training samples are landmarks.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    ``"auto"`` is judged on training samples that are evenly drawn, each predicted by the others: at most 500 of them for the bandwidth, 1000
    for the penalty.

    References
    ----------
    Saunders, Gammerman and Vovk (1998), Ridge regression learning algorithm in dual variables.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> model = lc.KernelRidge().fit(X, np.sin(X[:, 0]))
    >>> model.predict([[1.05], [2.05]]).round(3)
    array([0.867, 0.887])
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        alpha: Literal["auto"] | float = "auto",
        bandwidth: Literal["auto", "scale"] | float | None = "auto",
        n_landmarks: int | None = None,
        landmarks: Landmarks = "random",
        random_state: RandomState = 0,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.alpha = alpha
        self.bandwidth = bandwidth
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.random_state = random_state
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> KernelRidge:
        """Solves for the coefficients, and searches what is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        KernelRidge
            Itself.
        """
        sites, targets = table_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        weights = _arrays.weights(sample_weight, len(sites), np.float64)
        kernel = kernel_and_width(self.kernel, self.bandwidth, self._named(X), sites, ("auto", "scale"), weights)
        if isinstance(self.alpha, str) and self.alpha != "auto":
            raise ValueError(f"alpha={self.alpha!r} must be 'auto' or a number")
        chosen = Choice(self.n_landmarks, self.landmarks, self.random_state)
        self.kernel_, self.alpha_, self.jitter_, coefficients, landmarks = _core.kernel_ridge(
            sites,
            targets[:, None] if targets.ndim == 1 else targets,
            kernel,
            None if isinstance(self.alpha, str) else _arrays.number(self.alpha, "alpha"),
            self.bandwidth == "auto",
            landmarks=chosen.which,
            spread=chosen.spread,
            seed=chosen.seed,
            sample_weight=weights,
            threads=_arrays.threads(self.n_jobs),
        )
        self.dual_coef_ = coefficients[:, 0] if targets.ndim == 1 else coefficients
        self._keep(sites, landmarks)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """Values at the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        values = self._sums(X)
        return values[:, 0] if self.dual_coef_.ndim == 1 else values

    def predict_loo(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Array:
        """Values at the training samples, each predicted by all others, by the exact shortcut; kernel, penalty and landmarks stay.

        Parameters
        ----------
        X : array_like, shape (n, d)
            The training samples.
        y : array_like, shape (n,) or (n, p)
            Their targets.
        sample_weight : array_like, shape (n,), optional
            Their weights.

        Returns
        -------
        ndarray, shape (n,) or (n, p)
        """
        check_is_fitted(self)
        rows, targets = table_data(self, X, y, reset=False, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        found: Array = _core.kernel_ridge_loo(
            rows,
            targets[:, None] if targets.ndim == 1 else targets,
            self.kernel_,
            self.alpha_,
            None if self.landmark_indices_ is None else self.landmark_indices_.tolist(),
            _arrays.weights(sample_weight, len(rows), np.float64),
            _arrays.threads(self.n_jobs),
        )
        return found[:, 0] if targets.ndim == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
