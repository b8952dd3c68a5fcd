"""Geographically weighted regression."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._geographic import Criterion, Family, Geographic, Progress, Surface, akaike_interval, places_of, width_of


class Collinearity(NamedTuple):
    """How nearly columns are combinations of one another around each place."""

    condition: Array
    """Condition numbers of the weighted columns, ``[n]``; above 30 coefficients are hard to tell apart."""
    inflation: Array | None
    """Variance inflation factors, ``[n, d]``; None for `MGWR`, since they are of one bandwidth."""
    proportions: Array
    """Shares of each coefficient's variance that the worst combination of columns makes, ``[n, q]``; NaN where it has no end."""


class GWR(Geographic):
    """Geographically weighted regression: a linear model at every place, fitted to the rows around it.

    Parameters
    ----------
    bandwidth : {"auto"} or float, default "auto"
        Number of nearest places that count, the place itself among them, or with ``adaptive=False`` the distance at which a bounded kernel
        ends. ``"auto"`` searches the one that minimises `criterion`; ``numpy.inf`` is the global model.
    kernel : str, default "bisquare"
        How weights fall with the distance over the bandwidth: ``"bisquare"``, ``"gaussian"``, ``"exponential"``, ``"tricube"`` or any other
        profile of a distance.
    adaptive : bool, default True
        Whether the bandwidth is a number of places.
    family : {"gaussian", "binomial", "poisson"}, default "gaussian"
        Distribution of the response, with the identity, logistic or logarithmic link.
    metric : {"euclidean", "haversine"}, default "euclidean"
        Straight lines, or great circles in kilometres between (longitude, latitude) in degrees. Kernels and `nearest` take the other order,
        (latitude, longitude).
    fit_intercept : bool, default True
        Whether there is a coefficient of the constant.
    criterion : {"aicc", "aic", "bic", "cv"}, default "aicc"
        What a bandwidth is chosen by.
    bandwidth_range : tuple of two numbers, optional
        The smallest and the largest bandwidth of a search, either of them ``None`` for the usual: 40 places and two for each coefficient, and
        all; or half the smallest and twice the largest distance between two places.
    interval : float, optional
        Search every so many instead of by golden sections.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    bandwidth_ : float
        The bandwidth in force.
    search_history_ : list of (float, float)
        Bandwidths that were tried, with their criterion.
    params_ : ndarray, shape (n, q)
        Coefficients at each place, that of the constant first; `intercept_` and `coef_` are its parts.
    standard_errors_, t_values_, p_values_ : ndarray, shape (n, q)
        Their standard errors, t-values, and two-sided probabilities of these where a coefficient is 0.
    param_names_ : list of str
        What each coefficient belongs to.
    fitted_values_, residuals_, standardized_residuals_, leverage_, cooks_distance_ : ndarray, shape (n,)
        Fitted means, responses minus these, the same over their standard deviations, the diagonal of the hat matrix, and the influence of
        each row on all fitted values.
    local_r2_ : ndarray, shape (n,)
        R2 around each place; for binomial and Poisson the share of the deviance that is explained there.
    thin_ : ndarray of bool, shape (n,)
        Where a column is a combination of those before it (its coefficient is 0 there), or classes are told apart without end.
    tr_S_, tr_STS_ : float
        Traces of the hat matrix (the effective number of parameters) and of its square.
    sigma2_, scale_, rss_, deviance_, null_deviance_, r2_, adj_r2_, aic_, aicc_, bic_, cv_ : float
        Residual variance, what variances are multiplied by (1 but for Gaussian), residual sum of squares, deviances, R2 (or its like
        for deviances), and criteria.

    See Also
    --------
    MGWR : a bandwidth for each column.

    Notes
    -----
    Bandwidths and figures are those of the package mgwr, with two differences: fixed bandwidths are not rounded to two decimals, and
    families with steps run until they rest.

    Memory grows with the rows and not with their square: 1e5 rows of 4 coefficients took less than 100 MiB beside the table. Time grows with the rows times those that
    weigh at each place, and the usual range of a search ends at all of them; with many rows give a `bandwidth_range` that ends sooner.

    References
    ----------
    Fotheringham, Brunsdon and Charlton (2002), Geographically Weighted Regression; Nakaya et al. (2005), Geographically weighted Poisson
    regression for disease association mapping.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> coords = rng.uniform(0.0, 10.0, (300, 2))
    >>> X = rng.normal(size=(300, 1))
    >>> y = 1.0 + coords[:, 0] * X[:, 0] + 0.1 * rng.normal(size=300)
    >>> model = lc.GWR().fit(X, y, coords)
    >>> model.predict([[1.0], [1.0]], [[2.0, 5.0], [8.0, 5.0]]).round(1)
    array([3.3, 8.8])
    >>> model.surface([[2.0, 5.0]]).params.round(1)
    array([[1.1, 2.2]])
    """

    def __init__(
        self,
        bandwidth: Literal["auto"] | float = "auto",
        *,
        kernel: str = "bisquare",
        adaptive: bool = True,
        family: Family = "gaussian",
        metric: Literal["euclidean", "haversine"] = "euclidean",
        fit_intercept: bool = True,
        criterion: Criterion = "aicc",
        bandwidth_range: tuple[float | None, float | None] | None = None,
        interval: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.adaptive = adaptive
        self.family = family
        self.metric = metric
        self.fit_intercept = fit_intercept
        self.criterion = criterion
        self.bandwidth_range = bandwidth_range
        self.interval = interval
        self.n_jobs = n_jobs

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        coords: npt.ArrayLike,
        exposure: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> GWR:
        """Finds the bandwidth, if it is to be found, and fits a model at the place of every row.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Columns, without a constant.
        y : array_like, shape (n,)
            Responses.
        coords : array_like, shape (n, 2)
            Places: projected coordinates (any number of them), or longitude and latitude in degrees.
        exposure : array_like, shape (n,), optional
            For counts: what expected counts are proportional to, such as populations.
        progress : callable, optional
            Called now and then with what is done and what there is to do.

        Returns
        -------
        GWR
            Itself.
        """
        self._keep(X, y, coords, exposure)
        made = self._make(progress=progress)
        found = made.results()
        self.bandwidth_: float = found["bandwidth"]
        self.search_history_: list[tuple[float, float]] = found["tried"]
        self._set(found)
        self.tr_STS_: float = found["tr_STS"]
        self.local_r2_: Array = found["local_r2"]
        self.thin_: Array = found["thin"]
        self._prepared = Prepared(made)
        self._warn_thin(self.thin_)
        return self

    def _linear(self, X: Any, coords: Any, exposure: Any) -> tuple[Array, Array, Array]:
        found = self._at(X, coords, exposure)
        return found["values"], found["linear"], found["linear_errors"]

    def surface(self, coords: npt.ArrayLike) -> Surface:
        """Coefficients at any places, such as a grid for a map.

        Parameters
        ----------
        coords : array_like, shape (m, 2)
            Places.

        Returns
        -------
        Surface
            Coefficients, standard errors and t-values, ``[m, q]`` each.
        """
        check_is_fitted(self)
        places = places_of(coords)
        columns = np.zeros((len(places), self.X_fit_.shape[1]))
        given = None if self.exposure_fit_ is None else np.ones(len(places))
        found = self._model().at(columns, places, given, _arrays.threads(self.n_jobs))
        return Surface.of(found["params"], found["standard_errors"])

    def critical_t(self, alpha: float = 0.05) -> float:
        """What t-values must exceed for a family-wise error of `alpha` over all places (da Silva and Fotheringham 2016).

        Parameters
        ----------
        alpha : float, default 0.05
            Probability of any false alarm.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return self._critical(_arrays.number(alpha, "alpha") * self.params_.shape[1] / self.tr_S_)

    def collinearity(self) -> Collinearity:
        """How nearly columns are combinations of one another around each place.

        Returns
        -------
        Collinearity
            Condition numbers ``[n]``, variance inflation factors ``[n, d]`` and shares of variances ``[n, q]``.
        """
        found = self._model().collinearity(_arrays.threads(self.n_jobs))
        return Collinearity(found["condition"], found["inflation"], found["proportions"])

    def bandwidth_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Between which bandwidths the best one lies, by the Akaike weights of those that were tried.

        Parameters
        ----------
        level : float, default 0.95
            The share of all weight that they have.

        Returns
        -------
        low, high : float

        References
        ----------
        Li, Fotheringham, Oshan and Wolf (2020), Measuring bandwidth uncertainty in multiscale geographically weighted regression.
        """
        check_is_fitted(self)
        return akaike_interval(self.search_history_, self.criterion, level)

    def _own_figures(self) -> dict[str, Array]:
        return {"bandwidth": np.full(self.params_.shape[1], self.bandwidth_)}

    def stationarity_test(
        self, n_rounds: int = 999, *, search: bool = True, seed: int = 0, progress: Progress | None = None
    ) -> Array:
        """Monte-Carlo test of whether each coefficient differs from place to place by more than chance.

        Parameters
        ----------
        n_rounds : int, default 999
            How often places are dealt out anew.
        search : bool, default True
            Whether each round searches its own bandwidth, as the model did.
        seed : int, default 0
            Draws are the same for the same seed.
        progress : callable, optional
            Called now and then with the rounds that are done and all rounds.

        Returns
        -------
        ndarray, shape (q,)
            The share of rounds, the data's own among them, in which the coefficient varies at least as much: small where it truly
            differs.
        """
        rounds, seed = _arrays.count(n_rounds, "n_rounds"), _arrays.count(seed, "seed")
        check_is_fitted(self)
        wanted = bool(search) and isinstance(self.bandwidth, str)
        # A model that was loaded has its bandwidth given.
        model = self._make() if wanted else self._model()
        found: Array = model.stationarity(rounds, seed, wanted, _arrays.threads(self.n_jobs), progress)
        return found

    def _make(self, found: bool = False, progress: Progress | None = None) -> _core.GwrModel:
        bandwidth = self.bandwidth_ if found else width_of(self.bandwidth)
        return _core.GwrModel(
            self.X_fit_,
            self.y_fit_,
            self.coords_fit_,
            self.exposure_fit_,
            bandwidth=bandwidth,
            interval=None if self.interval is None else _arrays.number(self.interval, "interval"),
            progress=progress,
            **self._common(),
        )
