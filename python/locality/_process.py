"""Gaussian process regression as an estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted
from ._core import Kernel
from ._expansion import Choice, Landmarks, RandomState, kernel_and_width, seed_of
from ._tables import Tabular, table_data


class GaussianProcessRegressor(Tabular, RegressorMixin, BaseEstimator):
    """Regression by a Gaussian process: targets have the covariance ``amplitude * kernel`` and noise of variance `alpha`.

    Numbers that are ``"auto"`` are those of the largest marginal likelihood.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        The kernel, symmetric and positive definite; see `KernelRidge`. Columns of a data frame may be named in it. Bandwidths for each column,
        ``"gaussian(h=[1, 1, 1])"``, are learned each for itself.
    alpha : {"auto"} or float, default "auto"
        Variance of the noise.
    amplitude : {"auto"} or float, default "auto"
        Factor on the kernel: the variance of the process where the kernel is 1 at a distance of 0.
    bandwidth : {"auto", "learn"} or float, optional, default "auto"
        A number is the kernel's ``h``. ``"learn"`` finds all bandwidths (and coefficients of sums) of the kernel, starting from its own, or
        from a usual one; ``"auto"`` does so where the kernel has none, and else leaves it as it is, as does None.
    normalize_y : bool, default False
        Whether targets are brought to mean 0 and variance 1 first; `alpha` and `amplitude` are then in units of their variance.
    n_restarts_optimizer : int, default 0
        Further starts of the search, at random.
    n_landmarks : int, optional
        How many training samples stand for all, for tables of more than some thousand rows; numbers are then learned from at most 1000 samples,
        evenly drawn. All by default.
    landmarks : {"random", "kmeans++"} or sequence of int, default "random"
        How they are chosen: evenly, spread out in the kernel's feature space, or by number.
    approximation : {"fitc", "dtc"}, default "fitc"
        Whether what landmarks do not explain counts as noise of each sample, or not at all.
    random_state : int, RandomState, Generator or None, default 0
        Of restarts and of the choice of landmarks.
    categorical_features : {"from_dtype"}, sequence of str, of int or of bool, or None, default "from_dtype"
        Which columns hold words, as of `TableEncoder`: each word becomes a column of zeros and ones. Words that training did not have are as far
        from each of its words.
    missing : {"error", "mean", "indicator"}, default "error"
        What becomes of missing values, as of `TableEncoder`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    kernel_ : Kernel
        The kernel in force, without the amplitude.
    alpha_, amplitude_ : float
        Variance of the noise and factor on the kernel in force.
    log_marginal_likelihood_value_ : float
        The logarithm of the marginal likelihood.
    X_fit_, y_fit_ : ndarray
        Training samples and targets.
    landmark_indices_ : ndarray or None
        Which training samples are landmarks.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Rasmussen and Williams (2006), Gaussian processes for machine learning; Quinonero-Candela and Rasmussen (2005), A unifying view of
    sparse approximate Gaussian process regression.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 6.0, 31)[:, None]
    >>> model = lc.GaussianProcessRegressor(alpha=1e-4).fit(X, np.sin(X[:, 0]))
    >>> mean, std = model.predict([[1.05], [12.0]], return_std=True)
    >>> mean.round(2)[0], bool(std[0] < 0.01), bool(std[1] > 0.3)
    (np.float64(0.87), True, True)
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        alpha: Literal["auto"] | float = "auto",
        amplitude: Literal["auto"] | float = "auto",
        bandwidth: Literal["auto", "learn"] | float | None = "auto",
        normalize_y: bool = False,
        n_restarts_optimizer: int = 0,
        n_landmarks: int | None = None,
        landmarks: Landmarks = "random",
        approximation: Literal["fitc", "dtc"] = "fitc",
        random_state: RandomState = 0,
        categorical_features: Any = "from_dtype",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.alpha = alpha
        self.amplitude = amplitude
        self.bandwidth = bandwidth
        self.normalize_y = normalize_y
        self.n_restarts_optimizer = n_restarts_optimizer
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.approximation = approximation
        self.random_state = random_state
        self.categorical_features = categorical_features
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> GaussianProcessRegressor:
        """Learns the numbers that are to be found, and conditions the process on the samples.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets; several share all numbers.

        Returns
        -------
        GaussianProcessRegressor
            Itself.
        """
        sites, targets = table_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        kernel = kernel_and_width(self.kernel, self.bandwidth, self._named(X), sites, ("auto", "learn"))
        self.X_fit_: Array = sites
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        numbers: list[float | None] = []
        for name in ("amplitude", "alpha"):
            given = getattr(self, name)
            if isinstance(given, str) and given != "auto":
                raise ValueError(f"{name}={given!r} must be 'auto' or a number")
            numbers.append(None if isinstance(given, str) else _arrays.number(given, name))
        learn = {"auto": None, "learn": True}.get(self.bandwidth, False) if isinstance(self.bandwidth, str) else False
        chosen = Choice(self.n_landmarks, self.landmarks, self.random_state)
        seed = chosen.seed if chosen.which is not None or not self.n_restarts_optimizer else seed_of(self.random_state)
        made = self._make(
            kernel,
            numbers[0],
            numbers[1],
            learn,
            chosen,
            seed,
            _arrays.count(self.n_restarts_optimizer, "n_restarts_optimizer"),
        )
        self.kernel_: Kernel = made.kernel
        self.amplitude_: float = made.amplitude
        self.alpha_: float = made.alpha
        self.log_marginal_likelihood_value_: float = made.log_marginal_likelihood
        landmarks = made.landmarks
        self.landmark_indices_ = None if landmarks is None else np.asarray(landmarks, dtype=np.intp)
        self._prepared = Prepared(made)
        return self

    def predict(
        self, X: npt.ArrayLike, return_std: bool = False, return_cov: bool = False
    ) -> Array | tuple[Array, Array]:
        """Means at the rows of X, and how far the process may be from them (the noise of a new target left aside).

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        return_std : bool, default False
            Whether standard deviations are returned, too.
        return_cov : bool, default False
            Whether the joint covariance is, instead.

        Returns
        -------
        mean : ndarray, shape (m,) or (m, p)
        std : ndarray, shape (m,) or (m, p), if `return_std`
        cov : ndarray, shape (m, m) or (m, m, p), if `return_cov`
        """
        if return_std and return_cov:
            raise ValueError("return_std and return_cov exclude one another; the diagonal of the covariance has the variances")
        rows, made, threads = self._rows(X)
        if return_std:
            mean, std = made.predict_std(rows, threads)
            return self._flat(mean), self._flat(std)
        mean = self._flat(made.predict(rows, threads))
        if return_cov:
            covariance = made.covariance(rows, threads)[:, :, None] * np.square(made.deviations)
            return mean, covariance[:, :, 0] if self.y_fit_.ndim == 1 else covariance
        return mean

    def sample_y(self, X: npt.ArrayLike, n_samples: int = 1, random_state: RandomState = 0) -> Array:
        """Draws of the process at the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        n_samples : int, default 1
            How many draws.
        random_state : int, RandomState, Generator or None, default 0
            A number draws the same again, on any machine (not what scikit-learn draws).

        Returns
        -------
        ndarray, shape (m, n_samples) or (m, p, n_samples)
        """
        rows, made, threads = self._rows(X)
        draws = made.sample(rows, _arrays.count(n_samples, "n_samples"), seed_of(random_state), threads)
        moved: Array = np.moveaxis(draws, 0, -1)
        return moved[:, 0] if self.y_fit_.ndim == 1 else moved

    def log_marginal_likelihood_gradient(self) -> Array:
        """Derivatives of the log marginal likelihood by the logarithms of the kernel's bandwidths (and coefficients of sums), of the amplitude
        and of the noise, in this order.

        Returns
        -------
        ndarray
        """
        gradient: Array = self._fitted().gradient(_arrays.threads(self.n_jobs))
        return gradient

    def _rows(self, X: npt.ArrayLike) -> tuple[Array, _core.Process, int]:
        check_is_fitted(self)
        rows = table_data(self, X, reset=False, dtype=np.float64)
        return rows, self._fitted(), _arrays.threads(self.n_jobs)

    def _flat(self, values: Array) -> Array:
        return values[:, 0] if self.y_fit_.ndim == 1 else values

    def _fitted(self) -> _core.Process:
        check_is_fitted(self)
        if self._prepared.made is None:
            # What was learned is not learned again.
            some = self.landmark_indices_
            chosen = Choice(None, "random" if some is None else some, 0)
            self._prepared.made = self._make(self.kernel_, self.amplitude_, self.alpha_, False, chosen, 0, 0)
        made: _core.Process = self._prepared.made
        return made

    def _make(
        self,
        kernel: Kernel,
        amplitude: float | None,
        alpha: float | None,
        learn: bool | None,
        chosen: Choice,
        seed: int,
        restarts: int,
    ) -> _core.Process:
        y = self.y_fit_
        return _core.Process(
            self.X_fit_,
            y[:, None] if y.ndim == 1 else y,
            kernel,
            amplitude=amplitude,
            alpha=alpha,
            learn=learn,
            normalize=bool(self.normalize_y),
            restarts=restarts,
            seed=seed,
            landmarks=chosen.which,
            spread=chosen.spread,
            approximation=self.approximation,
            threads=_arrays.threads(self.n_jobs),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
