"""The best denoiser of rows, its score, and new rows by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, OneToOneFeatureMixin, Prepared, TransformerMixin, check_is_fitted, validate_data
from ._pictures import Progress


class OptimalDenoiser(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """What is expected of clean rows behind noisy ones: the Gaussian local mean of the training rows.

    If clean rows are the training rows and the noise is white, no other denoiser has a smaller squared error; and
    ``(transform(X) - X) / sigma**2`` is the gradient of the noisy rows' log density (Tweedie's formula).

    Parameters
    ----------
    sigma : float, default 1.0
        Standard deviation of the noise in every column.
    smoothing : float, default 0.0
        Standard deviation of a Gaussian about each clean row: clean rows are then those of a kernel density.
    nearest : int, optional
        Only so many of the nearest clean rows count.
    tolerance : float, default 0.0
        What the sum of the weights may be off by, relative, with proof; 0 is exact to rounding.
    hollow : bool, default False
        Whether the noisy rows are the training rows themselves, in their order, and each is to be told by the others alone.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_fit_ : ndarray, shape (n, d)
        The clean rows.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Miyasawa (1961), An empirical Bayes estimator of the mean of a normal population; Efron (2011), Tweedie's formula and selection bias.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.OptimalDenoiser(0.5).fit([[0.0], [0.1], [5.0], [5.2]])
    >>> model.transform([[0.4], [4.0]]).round(2)
    array([[0.05],
           [5.06]])
    """

    def __init__(
        self,
        sigma: float = 1.0,
        *,
        smoothing: float = 0.0,
        nearest: int | None = None,
        tolerance: float = 0.0,
        hollow: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.sigma = sigma
        self.smoothing = smoothing
        self.nearest = nearest
        self.tolerance = tolerance
        self.hollow = hollow
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Takes the clean rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Clean rows.
        y : ignored
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        OptimalDenoiser
            Itself.
        """
        rows = validate_data(self, X, dtype=[np.float64, np.float32])
        weights = _arrays.weights(sample_weight, len(rows), rows.dtype)
        if weights is not None and (weights > 0).any() and not self.hollow:
            # A row of no weight is no neighbour either.
            rows, weights = rows[weights > 0], weights[weights > 0]
        if self.nearest is not None and _arrays.count(self.nearest, "nearest") > len(rows):
            raise ValueError(f"nearest={self.nearest} rows are asked for, but n_samples={len(rows)}; ask for fewer")
        self.X_fit_: Array = rows
        self.sample_weight_fit_ = weights
        self._prepared = Prepared(self._make())
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """The expected clean rows behind noisy ones.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Noisy rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        return self._at("mean", X)

    def score_function(self, X: npt.ArrayLike) -> Array:
        """The gradient of the log density of noisy rows.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Noisy rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        return self._at("score", X)

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """The log density of noisy rows: that of the clean rows with noise.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Noisy rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        return self._at("log_density", X)

    def variance(self, X: npt.ArrayLike) -> Array:
        """What is left uncertain: the variance of each column of the clean rows behind noisy ones.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Noisy rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        return self._at("variance", X)

    def covariance(self, X: npt.ArrayLike) -> Array:
        """The covariance of the clean rows behind noisy ones (Tweedie's second-order formula).

        Parameters
        ----------
        X : array_like, shape (m, d)
            Noisy rows.

        Returns
        -------
        ndarray, shape (m, d, d)
        """
        return self._at("covariance", X)

    def _at(self, what: str, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=self.X_fit_.dtype)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        found: Array = self._prepared.made.at(what, rows, _arrays.threads(self.n_jobs))
        return found

    def _make(self) -> _core.OptimalDenoiser:
        return _core.OptimalDenoiser(
            self.X_fit_,
            _arrays.number(self.sigma, "sigma"),
            _arrays.number(self.smoothing, "smoothing"),
            _arrays.number(self.tolerance, "tolerance"),
            None if self.nearest is None else _arrays.count(self.nearest, "nearest"),
            bool(self.hollow),
            self.sample_weight_fit_,
            _arrays.threads(self.n_jobs),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


@dataclass(frozen=True, eq=False)
class Generated:
    """New rows: the result of `sample_rows`.

    Attributes
    ----------
    samples : ndarray, shape (n_samples, d)
        The rows.
    smoothing : float
        The smoothing in force, in standard deviations of the rows nearby, or of the table where `manifold` is None.
    manifold : int or None
        How many rows shaped the noise about each; None where all did.
    energy_distance : float
        Energy distance of the rows from the table, columns scaled by the table's standard deviations.
    copies : float
        The share of rows that are as good as copies of a row of the table: nearer to it than a tenth of the median distance of the table's
        rows from their nearest neighbours.
    """

    samples: Array
    smoothing: float
    manifold: int | None
    energy_distance: float
    copies: float

    def __repr__(self) -> str:
        n, d = self.samples.shape
        return f"Generated({n} x {d}, smoothing={self.smoothing:.3g}, copies={self.copies:.3g})"


def sample_rows(
    X: npt.ArrayLike,
    n_samples: int,
    *,
    method: Literal["flow", "langevin", "draw"] = "flow",
    smoothing: float | None = None,
    manifold: int | None = 15,
    levels: int | None = None,
    steps: int = 10,
    noise: tuple[float, float] | None = None,
    nearest: int | None = None,
    tolerance: float = 0.0,
    random_state: int | np.random.RandomState | np.random.Generator | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Generated:
    """Draws new rows from the law that a table came from: noise, moved by the exact scores of the table's density at falling noise.

    The density has a Gaussian about each row, of the shape of the rows nearby. Rows are drawn towards those nearby by as much as the noise
    spreads them: means and covariances are the table's, and rows far off move nothing but themselves. Constant columns, and columns that
    follow from others, stay so, and rows that are repeated as often as `manifold` come back bit for bit. All columns count as continuous: numbers that stand for kinds or counts come back as numbers between them. Where columns have long tails, draw their logarithms:
    the 15 nearest rows in several such columns lie far apart, and some samples fall below a bound that the table keeps (a smaller
    `manifold` halves that).

    Parameters
    ----------
    X : array_like, shape (n, d)
        The table.
    n_samples : int
        How many rows to draw.
    method : {"flow", "langevin", "draw"}, default "flow"
        The probability-flow equation by Heun's method; annealed Langevin dynamics, with a step of the flow from level to level; or a row by
        chance and a point of the Gaussian about it, which is the law that the others flow to, at once.
    smoothing : float, optional
        How far new rows may lie from those of the table. 0 gives rows of the table, bit for bit. With `manifold` in standard deviations of the
        rows nearby, 1 by default: a sample lies about the place halfway from a row to the middle of those nearby, with half their
        covariance. Without, in standard deviations of the table in every direction, by default by Silverman's rule.
    manifold : int or None, default 15
        The noise about a row has the covariance of so many of its nearest rows, so that samples stay on the curves and surfaces on which rows
        lie. None takes the covariance of the whole table, which fills the space between them.
    levels : int, optional
        Levels of noise; by default 40, and more where noise falls below 0.002.
    steps : int, default 10
        Langevin's steps at each level.
    noise : tuple of float, optional
        The first and the last level of noise, in standard deviations of the table in every direction; by default 20 and 0.002, or a tenth
        of how wide all but a tenth of the Gaussians are, if that is less.
    nearest : int, optional
        For speed: of the rows beyond so many nearest, only those count in a step that weigh more than 0.01 of the largest weight together.
    tolerance : float, default 0.0
        What the sums of the weights may be off by, relative, for speed; 0 is exact to rounding.
    random_state : int, RandomState, Generator or None
        A number draws the same again, on any machine.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    Generated

    References
    ----------
    Song and Ermon (2019), Generative modeling by estimating gradients of the data distribution; Karras et al. (2022), Elucidating the design
    space of diffusion-based generative models; Vincent and Bengio (2003), Manifold Parzen windows.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.repeat([[0.0, 0.0], [9.0, 9.0]], 30, axis=0) + np.random.default_rng(0).normal(size=(60, 2))
    >>> new = lc.sample_rows(X, 200, random_state=0)
    >>> new.samples.shape, bool(abs((new.samples[:, 0] > 4.5).mean() - 0.5) < 0.15)
    ((200, 2), True)
    """
    table = np.ascontiguousarray(_arrays.sites(X, "X"), dtype=np.float64)
    found = _core.sample_rows(
        table,
        _arrays.count(n_samples, "n_samples"),
        method,
        None if smoothing is None else _arrays.number(smoothing, "smoothing"),
        None if manifold is None else _arrays.count(manifold, "manifold"),
        None if levels is None else _arrays.count(levels, "levels"),
        _arrays.count(steps, "steps"),
        None if noise is None else _pair(noise),
        None if nearest is None else _arrays.count(nearest, "nearest"),
        _arrays.number(tolerance, "tolerance"),
        _arrays.seed(random_state),
        _arrays.threads(n_jobs),
        progress,
    )
    return Generated(**found)


def _pair(noise: tuple[float, float]) -> tuple[float, float]:
    try:
        most, least = noise
    except (TypeError, ValueError):
        raise ValueError(f"noise is {noise!r}; give two numbers, the first and the last level") from None
    return _arrays.number(most, "noise"), _arrays.number(least, "noise")


def energy_distance(a: npt.ArrayLike, b: npt.ArrayLike, *, n_jobs: int | None = None) -> float:
    """The energy distance of two samples of rows, ``sqrt(2 E|a - b| - E|a - a'| - E|b - b'|)``: 0 for equal ones.

    Parameters
    ----------
    a : array_like, shape (n, d)
    b : array_like, shape (m, d)
        The samples.
    n_jobs : int, optional
        Number of threads; every core by default.

    Returns
    -------
    float

    References
    ----------
    Szekely and Rizzo (2013), Energy statistics: a class of statistics based on distances.

    Examples
    --------
    >>> import locality as lc
    >>> lc.energy_distance([0.0, 1.0], [1.0, 0.0])
    0.0
    """
    first = np.ascontiguousarray(_arrays.sites(a, "a"), dtype=np.float64)
    second = np.ascontiguousarray(_arrays.sites(b, "b"), dtype=np.float64)
    return _core.energy_distance(first, second, _arrays.threads(n_jobs))
