"""Local normal distributions as an estimator."""

from __future__ import annotations

import math
import statistics
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin
from ._core import Kernel, Neighborhood
from ._geographic import t_quantile
from ._models import Bandwidth, _Model

# Fewer effective samples tell no variance.
_LEAST = 2.0


class LocalGaussianRegressor(RegressorMixin, _Model, BaseEstimator):
    """The normal distribution of the target around each row: its mean and its variance, both local.

    The variance is that of the targets around the local mean, so it holds what the mean does not follow within a bandwidth; it is multiplied by
    ``n / (n - 1)`` for `n` effective samples. With fewer than two of them the variance of all targets answers.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "fixed", "nearest", "per-column"} or float, default "auto"
        A number is the kernel's ``h``; otherwise that under which a local mean predicts best, as `LocalPolynomialRegressor` finds it.
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

    See Also
    --------
    LocalPolynomialRegressor : intervals without a distribution, calibrated on the samples.
    LocalQuantileRegressor : quantiles of the target.

    References
    ----------
    Fan and Yao (1998), Efficient estimation of conditional variance functions in stochastic regression.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X, y = np.repeat([[0.0], [5.0]], 4, axis=0), [1.0, 3.0, 1.0, 3.0, 7.0, 7.5, 7.0, 7.5]
    >>> mean, std = lc.LocalGaussianRegressor(bandwidth=1.0).fit(X, y).predict([[0.0], [5.0]], return_std=True)
    >>> mean.round(2), std.round(2)
    (array([2.  , 7.25]), array([1.29, 0.32]))
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Bandwidth = "auto",
        neighborhood: Neighborhood | str | None = None,
        categorical_features: Any = "from_dtype",
        categorical_similarity: Literal["one-hot", "hamming"] = "one-hot",
        missing: Literal["error", "mean", "indicator"] = "error",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.neighborhood = neighborhood
        self.categorical_features = categorical_features
        self.categorical_similarity = categorical_similarity
        self.missing = missing
        self.n_jobs = n_jobs

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> LocalGaussianRegressor:
        """Keeps the training samples and finds the bandwidth, if it is to be found.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,) or (n, p)
            Targets; several have a model and a bandwidth each, in `estimators_`.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's.

        Returns
        -------
        LocalGaussianRegressor
            Itself.
        """
        if not self._learn(X, y, 0, sample_weight):
            self._prepared = Prepared(self._make())
        return self

    def predict(self, X: npt.ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """The mean of the target at each row of X and, if wanted, the standard deviation of a new observation.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        return_std : bool, default False
            Whether to return standard deviations as well: those of the target there and of its mean together.

        Returns
        -------
        means : ndarray, shape (m,) or (m, p)
        deviations : ndarray, shape (m,) or (m, p)
            Only with `return_std`.
        """
        means, deviations, _ = self._told(X)
        return (means, deviations) if return_std else means

    def predict_interval(self, X: npt.ArrayLike, level: float = 0.9) -> tuple[Array, Array, Array]:
        """Predictions and intervals that hold a new observation with a probability of `level` if targets are normal around each row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.
        level : float, default 0.9
            The share of observations inside.

        Returns
        -------
        values, lower, upper : ndarray, shape (m,) or (m, p)
        """
        level = _arrays.number(level, "level")
        if not 0.0 < level < 1.0:
            raise ValueError(f"level={level} must be between 0 and 1, such as 0.9")
        means, deviations, freedom = self._told(X)
        half = deviations * _quantiles(0.5 + 0.5 * level, freedom)
        return means, means - half, means + half

    def log_density(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Array:
        """Logarithm of the density of targets at rows of X, per unit of the target.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : array_like, shape (m,) or (m, p)
            A target for each.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        means, deviations, _ = self._told(X)
        off = _arrays.like(y, "y", means.shape) - means
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.where(off == 0.0, 0.0, np.square(off / deviations))
            density: Array = -0.5 * squares - np.log(deviations) - 0.5 * math.log(2.0 * math.pi)
        return density

    def sample_y(
        self, X: npt.ArrayLike, n_samples: int = 1, random_state: int | np.random.RandomState | np.random.Generator | None = 0
    ) -> Array:
        """Targets drawn at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        n_samples : int, default 1
            How many at each.
        random_state : int, generator or None, default 0
            Seed of the draws.

        Returns
        -------
        ndarray, shape (m, n_samples) or (m, p, n_samples)
        """
        means, deviations, _ = self._told(X)
        shape = (*means.shape, _arrays.count(n_samples, "n_samples"))
        draws = np.random.default_rng(_arrays.seed(random_state)).standard_normal(shape)
        return means[..., None] + deviations[..., None] * draws

    def _told(self, X: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Means, deviations of a new observation and degrees of freedom, ``[m]`` or ``[m, p]`` each."""
        queries = self._targets(X)
        if hasattr(self, "estimators_"):
            each = [one._told_at(queries) for one in self.estimators_]
            means, deviations, freedom = (np.stack(part, axis=1) for part in zip(*each, strict=True))
            return means, deviations, freedom
        return self._told_at(queries)

    def _told_at(self, queries: Array) -> tuple[Array, Array, Array]:
        found, effective = self._ask(queries)
        enough = effective >= _LEAST
        n = np.maximum(effective, _LEAST)
        variance = np.where(enough, found[:, 1] * n / (n - 1.0), self._spread()[1])
        freedom = np.where(enough, n, len(self.y_fit_)) - 1.0
        return found[:, 0] + self._spread()[0], np.sqrt(variance * (1.0 + 1.0 / n)), np.maximum(freedom, 1.0)

    def _predict_at(self, queries: Array) -> tuple[Array, None]:
        return self._told_at(queries)[0], None

    def _spread(self) -> tuple[float, float]:
        """Mean and variance of all targets."""
        mean = float(np.average(self.y_fit_, weights=self.sample_weight_fit_))
        return mean, float(np.average((self.y_fit_ - mean) ** 2, weights=self.sample_weight_fit_))

    def _make(self) -> _core.LocalNormalModel:
        # About their mean squares keep their digits.
        return _core.LocalNormalModel(
            self.X_fit_ / self.scales_,
            np.ascontiguousarray((self.y_fit_ - self._spread()[0])[:, None]),
            self.kernel_,
            **self._given(),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _quantiles(p: float, freedom: Array) -> Array:
    """Quantiles of Student's t, by interpolation over one over the degrees of freedom, in which they are smooth."""
    inverse = np.linspace(0.0, 1.0, 65) ** 2
    normal = statistics.NormalDist().inv_cdf(p)
    known = np.array([normal, *(t_quantile(p, 1.0 / x) for x in inverse[1:])])
    # Their logarithms bend less.
    found: Array = np.exp(np.interp(np.sqrt(1.0 / freedom), np.sqrt(inverse), np.log(known)))
    return found
