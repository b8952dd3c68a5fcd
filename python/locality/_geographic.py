"""What geographically weighted models share."""

from __future__ import annotations

import math
import statistics
import warnings
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted, validate_data

Family = Literal["gaussian", "binomial", "poisson"]
Criterion = Literal["aicc", "aic", "bic", "cv"]
Progress = Callable[[int, int], object]


class Surface(NamedTuple):
    """Coefficients at some places, that of the constant first: what a map shows."""

    params: Array
    """Coefficients, ``[m, q]``."""
    standard_errors: Array
    """Their standard errors, ``[m, q]``."""
    t_values: Array
    """The first over the second, ``[m, q]``."""

    @classmethod
    def of(cls, params: Array, errors: Array) -> Surface:
        """With t-values, which are not finite where an error is 0 or unknown."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return cls(params, errors, params / errors)


class Geographic(RegressorMixin, BaseEstimator):
    """What models of one and of several bandwidths share."""

    kernel: str
    adaptive: bool
    family: Family
    metric: str
    fit_intercept: bool
    criterion: Criterion
    bandwidth_range: tuple[float | None, float | None] | None
    n_jobs: int | None

    def _keep(self, X: Any, y: Any, coords: Any, exposure: Any) -> None:
        sites, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        targets = np.asarray(targets, dtype=np.float64)
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]
        if targets.ndim != 1:
            raise ValueError(f"y has shape {targets.shape}, but must have one dimension; pass a single column")
        self.X_fit_: Array = np.ascontiguousarray(sites)
        self.y_fit_: Array = np.ascontiguousarray(targets)
        self.coords_fit_: Array = places_of(coords)
        self.exposure_fit_: Array | None = exposure_of(exposure)
        names = getattr(self, "feature_names_in_", None)
        columns = [f"x{j}" for j in range(sites.shape[1])] if names is None else [str(name) for name in names]
        self.param_names_: list[str] = [*(["intercept"] if self.fit_intercept else []), *columns]

    def _common(self) -> dict[str, Any]:
        low, high = (None, None) if self.bandwidth_range is None else self.bandwidth_range
        criterion = self.criterion
        return {
            "family": self.family,
            "kernel": self.kernel,
            "adaptive": bool(self.adaptive),
            "metric": self.metric,
            "criterion": criterion,
            "range": (bound_of(low), bound_of(high)),
            "intercept": bool(self.fit_intercept),
            "threads": _arrays.threads(self.n_jobs),
        }

    def _set(self, found: dict[str, Any]) -> None:
        self.params_: Array = found["params"]
        self.standard_errors_: Array = found["standard_errors"]
        self.fitted_values_: Array = found["fitted_values"]
        self.leverage_: Array = found["leverage"]
        for name in ("rss", "sigma2", "scale", "deviance", "null_deviance", "r2", "adj_r2", "aic", "aicc", "bic", "cv", "tr_S"):
            setattr(self, f"{name}_", found[name])
        self._derive()

    tr_S_: float
    scale_: float
    sigma2_: float

    def _derive(self) -> None:
        """What follows from the rest, and is in no file."""
        self.residuals_: Array = self.y_fit_ - self.fitted_values_
        first = int(self.fit_intercept)
        self.intercept_: Array = self.params_[:, 0] if first else np.zeros(len(self.params_))
        self.coef_: Array = self.params_[:, first:]
        with np.errstate(divide="ignore", invalid="ignore"):
            self.t_values_: Array = self.params_ / self.standard_errors_
            room = 1.0 - self.leverage_
            self.standardized_residuals_: Array = self.residuals_ / np.sqrt(self.scale_ * room)
            self.cooks_distance_: Array = self.standardized_residuals_**2 * self.leverage_ / (self.tr_S_ * room)

    def _queries(self, X: Any, coords: Any, exposure: Any) -> tuple[Array, Array, Array | None]:
        check_is_fitted(self)
        sites: Array = validate_data(self, X, reset=False, dtype=np.float64)
        given = exposure_of(exposure)
        if self.exposure_fit_ is not None and given is None:
            raise ValueError("exposure is missing, but the model was fitted with it; pass the exposures of the new rows")
        return np.ascontiguousarray(sites), places_of(coords), given

    def _at(self, X: Any, coords: Any, exposure: Any) -> dict[str, Any]:
        sites, places, given = self._queries(X, coords, exposure)
        found: dict[str, Any] = self._model().at(sites, places, given, _arrays.threads(self.n_jobs))
        return found

    def _model(self) -> Any:
        check_is_fitted(self)
        if self._prepared.made is None:
            # What was found is not searched again.
            self._prepared.made = self._make(found=True)
        return self._prepared.made

    @abstractmethod
    def _make(self, found: bool = False, progress: Progress | None = None) -> Any:
        """The model; of what was found, without a search."""

    _prepared: Prepared

    def predict(self, X: npt.ArrayLike, coords: npt.ArrayLike, exposure: npt.ArrayLike | None = None) -> Array:
        """The mean of the response for rows of X at their places.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Columns.
        coords : array_like, shape (m, 2)
            Places.
        exposure : array_like, shape (m,), optional
            Exposures, for counts that were fitted with them.

        Returns
        -------
        ndarray, shape (m,)
        """
        values: Array = self._at(X, coords, exposure)["values"]
        return values

    def predict_interval(
        self, X: npt.ArrayLike, coords: npt.ArrayLike, exposure: npt.ArrayLike | None = None, level: float = 0.9
    ) -> tuple[Array, Array, Array]:
        """Predictions and intervals: for Gaussian responses of a new observation, else of the mean.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Columns.
        coords : array_like, shape (m, 2)
            Places.
        exposure : array_like, shape (m,), optional
            Exposures.
        level : float, default 0.9
            Probability that an interval covers.

        Returns
        -------
        values, lower, upper : ndarray, shape (m,)
        """
        level = _arrays.number(level, "level")
        if not 0.0 < level < 1.0:
            raise ValueError(f"level={level} must be between 0 and 1")
        values, linear, error = self._linear(X, coords, exposure)
        quantile = t_quantile(0.5 + level / 2.0, max(len(self.y_fit_) - self.tr_S_, 1.0))
        if self.family == "gaussian":
            wide = quantile * np.sqrt(error**2 + self.sigma2_)
            return values, linear - wide, linear + wide
        low, high = linear - quantile * error, linear + quantile * error
        if self.family == "poisson":
            return values, np.exp(low), np.exp(high)
        return values, 1.0 / (1.0 + np.exp(-low)), 1.0 / (1.0 + np.exp(-high))

    def predict_std(
        self, X: npt.ArrayLike, coords: npt.ArrayLike, exposure: npt.ArrayLike | None = None
    ) -> tuple[Array, Array]:
        """Predictions and standard errors of the means, for binomial and Poisson by the slope of the link.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Columns.
        coords : array_like, shape (m, 2)
            Places.
        exposure : array_like, shape (m,), optional
            Exposures.

        Returns
        -------
        values, errors : ndarray, shape (m,)
        """
        values, _, error = self._linear(X, coords, exposure)
        slope = {"gaussian": 1.0, "poisson": values, "binomial": values * (1.0 - values)}[self.family]
        return values, slope * error

    @abstractmethod
    def _linear(self, X: Any, coords: Any, exposure: Any) -> tuple[Array, Array, Array]:
        """Means, linear predictors and the standard errors of these."""

    def score(  # type: ignore[override]
        self, X: npt.ArrayLike, y: npt.ArrayLike, coords: npt.ArrayLike, exposure: npt.ArrayLike | None = None
    ) -> float:
        """R2 of the predictions at X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Columns.
        y : array_like, shape (m,)
            True responses.
        coords : array_like, shape (m, 2)
            Places.
        exposure : array_like, shape (m,), optional
            Exposures.

        Returns
        -------
        float
        """
        truth = _arrays.numbers(y, "y").astype(np.float64).ravel()
        values = self.predict(X, coords, exposure)
        if truth.shape != values.shape:
            raise ValueError(f"y has {len(truth)} numbers, but X has {len(values)} rows; give one for each")
        off = truth - values
        if len(truth) < 2:
            warnings.warn("R2 is of two rows at least; that of one is NaN", stacklevel=2)
            return math.nan
        total = float(((truth - truth.mean()) ** 2).sum())
        if total == 0.0:
            return float(not off.any())
        return float(1.0 - off @ off / total)

    t_values_: Array
    param_names_: list[str]

    @property
    def p_values_(self) -> Array:
        """Two-sided probabilities of the t-values where a coefficient is 0, ``[n, q]``, by Student's t of ``n - 1`` degrees of freedom as
        `critical_t` has it; each for itself, not for all places together."""
        check_is_fitted(self)
        return t_tails(np.abs(self.t_values_), len(self.y_fit_) - 1.0)

    @abstractmethod
    def critical_t(self, alpha: float = 0.05) -> Any:
        """What t-values must exceed for a family-wise error of `alpha` over all places."""

    def filter_tvals(self, critical_t: npt.ArrayLike | None = None, *, alpha: float = 0.05) -> Array:
        """The t-values, with 0 in place of those that do not tell a coefficient from 0.

        Parameters
        ----------
        critical_t : float or array_like, shape (q,), optional
            What they must exceed; by default `critical_t` of `alpha`.
        alpha : float, default 0.05
            Probability of any false alarm over all places.

        Returns
        -------
        ndarray, shape (n, q)
        """
        check_is_fitted(self)
        least = self.critical_t(alpha) if critical_t is None else _arrays.numbers(critical_t, "critical_t")
        kept: Array = np.where(np.abs(self.t_values_) < least, 0.0, self.t_values_)
        return kept

    def summary(self) -> str:
        """Figures of the whole and of each coefficient, as text.

        Returns
        -------
        str
        """
        check_is_fitted(self)
        n, q = self.params_.shape
        kind = "R2" if self.family == "gaussian" else "deviance explained"
        figures = {
            "rows": n,
            "coefficients": q,
            "effective parameters": self.tr_S_,
            "residual sum of squares": self.rss_,
            "AIC": self.aic_,
            "AICc": self.aicc_,
            "BIC": self.bic_,
            kind: self.r2_,
            f"adjusted {kind}": self.adj_r2_,
        }
        lines = [f"{type(self).__name__}, {self.family}, {self.kernel}, {'adaptive' if self.adaptive else 'fixed'} bandwidth"]
        lines += [f"{name + ':':30}{value:.6g}" for name, value in figures.items()]
        width = max(12, *(len(name) for name in self.param_names_)) + 2
        own = self._own_figures()
        names = [*own, "mean", "std", "min", "median", "max"]
        b = self.params_
        columns = [*own.values(), b.mean(axis=0), b.std(axis=0), b.min(axis=0), np.median(b, axis=0), b.max(axis=0)]
        lines.append(" " * width + "".join(f"{name:>12}" for name in names))
        for j, name in enumerate(self.param_names_):
            lines.append(f"{name:{width}}" + "".join(f"{column[j]:>12.5g}" for column in columns))
        return "\n".join(lines)

    @abstractmethod
    def _own_figures(self) -> dict[str, Array]:
        """Figures of each coefficient beside those of its surface."""

    rss_: float
    aic_: float
    aicc_: float
    bic_: float
    r2_: float
    adj_r2_: float

    def _critical(self, share: float) -> float:
        if not 0.0 < share < math.inf:
            return math.nan
        return t_quantile(1.0 - min(share, 1.0) / 2.0, len(self.y_fit_) - 1)

    def _warn_thin(self, thin: Array) -> None:
        if thin.any():
            warnings.warn(
                f"around {int(thin.sum())} of {len(thin)} places a column is a combination of others or classes are told apart "
                "without end: coefficients there are 0 or uncertain (see thin_); widen the bandwidth or leave out columns",
                stacklevel=3,
            )


def akaike_interval(history: Any, criterion: str, level: float) -> tuple[float, float]:
    """The bandwidths of a search whose Akaike weights add up to `level`, from the smallest to the largest of them (Li et al. 2020)."""
    level = _arrays.number(level, "level")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level={level} must be between 0 and 1, such as 0.95")
    if criterion == "cv":
        raise ValueError("criterion='cv' is no likelihood, so that bandwidths have no Akaike weights; choose 'aicc', 'aic' or 'bic'")
    tried = np.array(history, dtype=np.float64).reshape(-1, 2)
    if not len(tried):
        raise ValueError("no bandwidth was searched, so that there is nothing to compare; choose bandwidth='auto' and fit it again")
    tried = tried[np.argsort(tried[:, 1], kind="stable")]
    weights = np.exp(-0.5 * (tried[:, 1] - tried[0, 1]))
    inside = tried[: int(np.count_nonzero(np.cumsum(weights / weights.sum()) < level)) + 1, 0]
    return float(inside.min()), float(inside.max())


def places_of(coords: Any) -> Array:
    places = _arrays.numbers(coords, "coords")
    if places.ndim != 2:
        raise ValueError(f"coords has shape {places.shape}; places are the rows of two dimensions, one for each row of X")
    return np.ascontiguousarray(places, dtype=np.float64)


def exposure_of(exposure: Any) -> Array | None:
    if exposure is None:
        return None
    return np.ascontiguousarray(_arrays.numbers(exposure, "exposure"), dtype=np.float64).ravel()


def bound_of(x: Any) -> float | None:
    return None if x is None else _arrays.number(x, "bandwidth_range")


def width_of(bandwidth: Any) -> float | None:
    if isinstance(bandwidth, str):
        if bandwidth != "auto":
            raise ValueError(f"bandwidth={bandwidth!r} must be 'auto' or a number")
        return None
    return _arrays.number(bandwidth, "bandwidth")


def t_quantile(p: float, df: float) -> float:
    """The quantile of Student's t at p >= 1/2: by bisection on its integral, by Cornish and Fisher's series where that is exact."""
    if df > 1000.0:
        z = statistics.NormalDist().inv_cdf(p)
        first = (z**3 + z) / 4.0
        second = (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / 96.0
        third = (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / 384.0
        return z + first / df + second / df**2 + third / df**3
    nodes, weights = np.polynomial.legendre.leggauss(64)
    log_top = math.lgamma(0.5 * (df + 1.0)) - math.lgamma(0.5 * df) - 0.5 * math.log(df * math.pi)

    def density(x: Any) -> Any:
        return np.exp(log_top - 0.5 * (df + 1.0) * np.log1p(np.square(x) / df))

    # In the angle the tail has an end.
    low, high = 0.0, 0.5 * math.pi
    for _ in range(60):
        middle = 0.5 * (low + high)
        angles = 0.5 * middle * (nodes + 1.0)
        x = np.tan(angles) * math.sqrt(df)
        area = 0.5 * middle * float(weights @ (density(x) * math.sqrt(df) / np.cos(angles) ** 2))
        low, high = (middle, high) if area < p - 0.5 else (low, middle)
    return math.tan(0.5 * (low + high)) * math.sqrt(df)


def t_tails(t: Array, df: float) -> Array:
    """Probabilities of Student's t beyond numbers that are not negative, on both sides."""
    if df > 1000.0:
        # Close to normal: Wallace's transformation.
        z = np.sqrt(df * np.log1p(np.square(t) / df)) * (8.0 * df + 1.0) / (8.0 * df + 3.0)
        return np.asarray([math.erfc(x / math.sqrt(2.0)) if math.isfinite(x) else 0.0 * x for x in np.ravel(z)]).reshape(np.shape(t))
    nodes, weights = np.polynomial.legendre.leggauss(64)
    # In the angle the tail has an end.
    low = np.arctan(t / math.sqrt(df))[..., None]
    half = 0.5 * (0.5 * math.pi - low)
    angles = low + half * (nodes + 1.0)
    top = math.exp(math.lgamma(0.5 * (df + 1.0)) - math.lgamma(0.5 * df)) / math.sqrt(math.pi)
    found: Array = 2.0 * top * (half[..., 0] * (np.cos(angles) ** (df - 1.0) @ weights))
    return found
