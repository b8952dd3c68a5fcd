"""Multiscale geographically weighted regression."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import Prepared, check_is_fitted
from ._geographic import Criterion, Family, Geographic, Progress, Surface, akaike_interval, bound_of, places_of, width_of
from ._gwr import Collinearity


class MGWR(Geographic):
    """Multiscale geographically weighted regression: a bandwidth for every column.

    Columns are fitted in turn, each to what the others leave, starting from the model of one bandwidth; each bandwidth is searched anew
    in every round until they rest. Binomial and Poisson responses are fitted by the same rounds on the responses of iteratively
    reweighted least squares. Standardise columns to compare bandwidths.

    Parameters
    ----------
    bandwidths : {"auto"} or sequence of float, default "auto"
        One for each coefficient, that of the constant first; searched by default.
    initial_bandwidth : {"auto"} or float, default "auto"
        The one bandwidth of the model from which rounds start; searched by default.
    kernel, adaptive, family, metric, fit_intercept, criterion, bandwidth_range, n_jobs
        As of `GWR`; the range holds for every column.
    bandwidth_ranges : sequence of pairs, optional
        The smallest and the largest bandwidth of each coefficient's search, that of the constant first, either of them ``None`` for that of
        `bandwidth_range`, which the initial bandwidth keeps.
    tol : float, default 1e-5
        Rounds end where the fit changes by a smaller share: the root of the mean squared change over the sum of squares.
    max_iter : int, default 200
        Most rounds; with a warning where they run out.
    rest : int, default 5
        Bandwidths that were the same for so many rounds are searched no more.
    inference : bool, default True
        Whether standard errors and effective numbers of parameters are found, which takes a time that grows with the square of the rows.

    Attributes
    ----------
    bandwidths_ : ndarray, shape (q,)
        The bandwidth of each coefficient.
    initial_bandwidth_ : float
        The one bandwidth of the model from which rounds started.
    search_history_ : ndarray, shape (s, 3), or None
        The last search of each coefficient's bandwidth: which coefficient, bandwidth, criterion.
    bandwidth_history_ : ndarray, shape (rounds, q)
        Bandwidths after each round.
    changes_ : ndarray, shape (rounds,)
        By what share each round changed the fit.
    n_iter_ : int
        Number of rounds.
    converged_ : bool
        Whether the last one changed less than `tol`.
    enp_ : ndarray, shape (q,)
        Effective number of parameters of each coefficient's surface.
    params_, standard_errors_, t_values_, p_values_, intercept_, coef_, param_names_
        As of `GWR`.
    fitted_values_, residuals_, standardized_residuals_, leverage_, cooks_distance_
        As of `GWR`.
    tr_S_, sigma2_, scale_, rss_, deviance_, null_deviance_, r2_, adj_r2_, aic_, aicc_, bic_, cv_
        As of `GWR`; NaN without inference where they need the hat matrix.

    Notes
    -----
    Standard errors at new places (`predict_std`, `predict_interval`, ``surface(.., return_std=True)``) are exact for the fit as it went: each
    coefficient there is a linear function of the responses, which is followed through all rounds. They take the time of inference again, which
    grows with the square of the rows, and bounded memory. Bandwidths count as given, as they do in the errors at the rows.

    See Also
    --------
    GWR : one bandwidth for all columns.

    References
    ----------
    Fotheringham, Yang and Kang (2017), Multiscale geographically weighted regression; Yu et al. (2020), Inference in multiscale
    geographically weighted regression.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> coords = rng.uniform(0.0, 10.0, (300, 2))
    >>> X = rng.normal(size=(300, 2))
    >>> y = coords[:, 0] * X[:, 0] + X[:, 1] + 0.1 * rng.normal(size=300)
    >>> model = lc.MGWR(fit_intercept=False).fit(X, y, coords)
    >>> bool(model.bandwidths_[0] < model.bandwidths_[1])
    True
    >>> model.predict([[1.0, 0.0]], [[5.0, 5.0]]).round(1)
    array([5.2])
    """

    def __init__(
        self,
        bandwidths: Literal["auto"] | Sequence[float] = "auto",
        *,
        initial_bandwidth: Literal["auto"] | float = "auto",
        kernel: str = "bisquare",
        adaptive: bool = True,
        family: Family = "gaussian",
        metric: Literal["euclidean", "haversine"] = "euclidean",
        fit_intercept: bool = True,
        criterion: Criterion = "aicc",
        bandwidth_range: tuple[float | None, float | None] | None = None,
        bandwidth_ranges: Sequence[tuple[float | None, float | None]] | None = None,
        tol: float = 1e-5,
        max_iter: int = 200,
        rest: int = 5,
        inference: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidths = bandwidths
        self.initial_bandwidth = initial_bandwidth
        self.kernel = kernel
        self.adaptive = adaptive
        self.family = family
        self.metric = metric
        self.fit_intercept = fit_intercept
        self.criterion = criterion
        self.bandwidth_range = bandwidth_range
        self.bandwidth_ranges = bandwidth_ranges
        self.tol = tol
        self.max_iter = max_iter
        self.rest = rest
        self.inference = inference
        self.n_jobs = n_jobs

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        coords: npt.ArrayLike,
        exposure: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> MGWR:
        """Finds bandwidths, if they are to be found, and the surface of each coefficient.

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
        MGWR
            Itself.
        """
        self._keep(X, y, coords, exposure)
        self._warn_columns()
        made = self._make(progress=progress)
        found = made.results()
        self.bandwidths_: Array = found["bandwidths"]
        self.initial_bandwidth_: float = found["first_bandwidth"]
        self.bandwidth_history_: Array = found["history"]
        self.search_history_: Array | None = found["tried"]
        self.changes_: Array = found["changes"]
        self.n_iter_: int = len(self.changes_)
        self.converged_: bool = found["converged"]
        self.enp_: Array = found["enp"]
        self._set(found)
        self._prepared = Prepared(made)
        if not self.converged_:
            warnings.warn(
                f"back-fitting stopped after max_iter={self.n_iter_} rounds at a change of {self.changes_[-1]:.2g}, above "
                f"tol={self.tol}; raise max_iter or tol",
                stacklevel=2,
            )
        return self

    def surface(self, coords: npt.ArrayLike, *, return_std: bool = False) -> Array | Surface:
        """Coefficients at any places, such as a grid for a map.

        Parameters
        ----------
        coords : array_like, shape (m, 2)
            Places.
        return_std : bool, default False
            Whether to find standard errors and t-values, too, which takes the time of inference again, whatever the number of places.

        Returns
        -------
        ndarray, shape (m, q), or Surface
            The latter with `return_std`.
        """
        check_is_fitted(self)
        places = places_of(coords)
        columns = np.zeros((len(places), self.X_fit_.shape[1]))
        given = None if self.exposure_fit_ is None else np.ones(len(places))
        threads = _arrays.threads(self.n_jobs)
        found: Array = self._model().at(columns, places, given, threads)["params"]
        if not return_std:
            return found
        return Surface.of(found, self._errors_at(columns, places)[0])

    def _linear(self, X: Any, coords: Any, exposure: Any) -> tuple[Array, Array, Array]:
        values: Array = self._at(X, coords, exposure)["values"]
        sites, places, given = self._queries(X, coords, exposure)
        with np.errstate(divide="ignore"):
            if self.family == "poisson":
                linear = np.log(values)
            else:
                linear = values if self.family == "gaussian" else np.log(values / (1.0 - values))
        return values, linear, self._errors_at(sites, places)[1]

    def _errors_at(self, columns: Array, places: Array) -> tuple[Array, Array]:
        """Standard errors of coefficients and linear predictors, for which the rounds of back-fitting are gone through with unit vectors as responses."""
        if np.isnan(self.enp_).any():
            raise ValueError("standard errors need inference, which this model was fitted without; choose inference=True and fit it again")
        found = self._model().variances_at(columns, places, _arrays.threads(self.n_jobs))
        return np.sqrt(self.scale_ * found["variances"]), np.sqrt(self.scale_ * found["linear"])

    def critical_t(self, alpha: float = 0.05) -> Array:
        """What t-values of each coefficient must exceed for a family-wise error of `alpha` over all places.

        Parameters
        ----------
        alpha : float, default 0.05
            Probability of any false alarm.

        Returns
        -------
        ndarray, shape (q,)
        """
        check_is_fitted(self)
        alpha = _arrays.number(alpha, "alpha")
        return np.array([self._critical(alpha / enp) for enp in self.enp_])

    def collinearity(self) -> Collinearity:
        """How nearly columns, each under the weights of its own bandwidth, are combinations of one another around each place.

        Returns
        -------
        Collinearity
            Condition numbers ``[n]``, None, and shares of variances ``[n, q]``.
        """
        found = self._model().collinearity(_arrays.threads(self.n_jobs))
        return Collinearity(found["condition"], None, found["proportions"])

    def bandwidth_intervals(self, level: float = 0.95) -> list[tuple[float, float]]:
        """Between which bandwidths the best one of each coefficient lies, by the Akaike weights of those that its last search tried.

        Parameters
        ----------
        level : float, default 0.95
            The share of all weight that they have.

        Returns
        -------
        list of (float, float)

        References
        ----------
        Li, Fotheringham, Oshan and Wolf (2020), Measuring bandwidth uncertainty in multiscale geographically weighted regression.
        """
        check_is_fitted(self)
        history = self.search_history_
        if history is None:
            raise ValueError("the file of the model does not say what was searched; fit it again, or save it from Python")
        return [akaike_interval(history[history[:, 0] == j, 1:], self.criterion, level) for j in range(len(self.bandwidths_))]

    def stationarity_test(
        self, n_rounds: int = 99, *, search: bool = True, seed: int = 0, progress: Progress | None = None
    ) -> Array:
        """Monte-Carlo test of whether each coefficient differs from place to place by more than chance. Each round fits the whole model.

        Parameters
        ----------
        n_rounds : int, default 99
            How often places are dealt out anew.
        search : bool, default True
            Whether each round searches its own bandwidths, as the model did.
        seed : int, default 0
            Draws are the same for the same seed.
        progress : callable, optional
            Called with the rounds that are done and all rounds.

        Returns
        -------
        ndarray, shape (q,)
            The share of rounds, the data's own among them, in which the coefficient varies at least as much: small where it truly
            differs.
        """
        rounds, seed = _arrays.count(n_rounds, "n_rounds"), _arrays.count(seed, "seed")
        if rounds == 0:
            raise ValueError("n_rounds=0 test nothing; ask for at least 1, usually 99")
        check_is_fitted(self)
        given = self.get_params() | {"inference": False}
        if not search:
            given |= {"bandwidths": list(self.bandwidths_), "initial_bandwidth": self.initial_bandwidth_}
        seen, rng = self.params_.std(axis=0), np.random.default_rng(seed)
        more = np.zeros(len(seen))
        for done in range(rounds):
            with warnings.catch_warnings():
                # Of one round more or less.
                warnings.simplefilter("ignore")
                other = MGWR(**given).fit(self.X_fit_, self.y_fit_, rng.permutation(self.coords_fit_), self.exposure_fit_)
            more += other.params_.std(axis=0) > seen
            if progress is not None:
                progress(done + 1, rounds)
        found: Array = (1.0 + more) / (1.0 + rounds)
        return found

    def _own_figures(self) -> dict[str, Array]:
        return {"bandwidth": self.bandwidths_, "parameters": self.enp_}

    def _warn_columns(self) -> None:
        """Columns that others say as well have no surface of their own: back-fitting shares one out between them as it comes."""
        x = self.X_fit_
        names = self.param_names_[int(self.fit_intercept) :]
        basis = np.ones((len(x), 1)) if self.fit_intercept else np.empty((len(x), 0))
        same = []
        for name, column in zip(names, x.T, strict=True):
            length = np.linalg.norm(column)
            left = column - basis @ np.linalg.lstsq(basis, column, rcond=None)[0] if basis.shape[1] else column
            if np.linalg.norm(left) <= 1e-10 * length:
                same.append(name)
            else:
                basis = np.column_stack([basis, left / np.linalg.norm(left)])
        if same:
            warnings.warn(
                f"columns are constant or combinations of those before them: {', '.join(same)}; what is theirs is shared out at will, so leave them out",
                stacklevel=3,
            )

    def _make(self, found: bool = False, progress: Progress | None = None) -> _core.MgwrModel:
        if isinstance(self.bandwidths, str):
            if self.bandwidths != "auto":
                raise ValueError(f"bandwidths={self.bandwidths!r} must be 'auto' or a number for each coefficient")
            given = None
        else:
            given = [_arrays.number(b, "bandwidths") for b in self.bandwidths]
        return _core.MgwrModel(
            self.X_fit_,
            self.y_fit_,
            self.coords_fit_,
            self.exposure_fit_,
            bandwidths=given,
            first=self.initial_bandwidth_ if found else width_of(self.initial_bandwidth),
            tolerance=_arrays.number(self.tol, "tol"),
            rounds=_arrays.count(self.max_iter, "max_iter"),
            rest=_arrays.count(self.rest, "rest"),
            ranges=None if self.bandwidth_ranges is None else [_pair(pair) for pair in self.bandwidth_ranges],
            inference=bool(self.inference) and not found,
            progress=progress,
            **self._common(),
        )


def _pair(pair: Any) -> tuple[float | None, float | None]:
    try:
        low, high = pair
    except (TypeError, ValueError):
        raise ValueError(f"bandwidth_ranges has {pair!r}, which is no pair of a smallest and a largest bandwidth") from None
    return bound_of(low), bound_of(high)
