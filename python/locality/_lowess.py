"""LOWESS: a robust smooth curve through a scatter of points."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array

Missing = Literal["drop", "raise", "none"]


class LowessFit:
    """A curve fitted by `lowess_fit`. Its arrays are in the order of the rows given.

    Attributes
    ----------
    fitted : ndarray, shape (n,)
        The curve at each row; NaN at rows that were dropped.
    residuals : ndarray, shape (n,)
        Response minus curve.
    robustness_weights : ndarray, shape (n,)
        The weights that the last pass used; 0 at dropped rows.
    order : ndarray of int, shape (kept,)
        The rows that took part, by ascending `exog`.
    n_neighbors : int
        Rows of a window.
    standard_errors : ndarray, shape (n,), or None
        Of the fitted values, the weights taken as given; ``fitted +- 1.96 * standard_errors`` is a pointwise 95% band for the mean of the
        smoother. Interpolated, and then an upper bound, between the fits that `delta` leaves.
    leverages : ndarray, shape (n,), or None
        How much each row counts in its own fitted value.
    residual_scale : float or None
        Standard deviation of a row of weight 1.
    equivalent_df : float or None
        Trace of the smoother's matrix.
    residual_df : float or None
        Degrees of freedom of the residuals (Cleveland and Devlin's delta 1).
    """

    def __init__(self, core: _core.LowessFit, dtype: npt.DTypeLike) -> None:
        self._core = core
        self._dtype = dtype
        self.fitted = core.fitted()
        self.residuals = core.residuals()
        self.robustness_weights = core.robustness_weights()
        self.order = core.order()
        self.n_neighbors = core.n_neighbors()
        self.standard_errors = core.standard_errors()
        self.leverages = core.leverages()
        summary = core.summary()
        self.residual_scale: float | None = summary[0] if summary else None
        self.equivalent_df: float | None = summary[1] if summary else None
        self.residual_df: float | None = summary[2] if summary else None

    def predict(
        self, xvals: npt.ArrayLike, *, return_std: bool = False, n_jobs: int | None = None
    ) -> Any:
        """The curve at new places: a fit at each, with the robustness weights of the last pass.

        Parameters
        ----------
        xvals : array_like, shape (m,)
            Places in any order.
        return_std : bool, default False
            Whether to return standard errors, too; the fit must have been made with them.
        n_jobs : int, optional
            Number of threads; every core by default.

        Returns
        -------
        ndarray, shape (m,), or a pair of them
            NaN where fewer than two rows of the window have weight.
        """
        values, errors = self._core.predict(
            _column(xvals, "xvals", self._dtype), bool(return_std), _arrays.threads(n_jobs)
        )
        return (values, errors) if return_std else values


def lowess_fit(
    endog: npt.ArrayLike,
    exog: npt.ArrayLike,
    frac: float = 2.0 / 3.0,
    it: int = 3,
    delta: float = 0.0,
    *,
    degree: int = 1,
    sample_weight: npt.ArrayLike | None = None,
    missing: Missing = "drop",
    standard_errors: bool = False,
    n_jobs: int | None = None,
) -> LowessFit:
    """Fits a LOWESS curve and keeps it: for residuals, weights, standard errors and values elsewhere.

    Parameters
    ----------
    endog, exog, frac, it, delta, degree, sample_weight, missing, n_jobs
        As in `lowess`.
    standard_errors : bool, default False
        Whether to work out standard errors and degrees of freedom.

    Returns
    -------
    LowessFit

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> x = np.linspace(0.0, 6.0, 61)
    >>> y = np.sin(x) + 0.1 * np.cos(37.0 * x)
    >>> fit = lc.lowess_fit(y, x, frac=0.2, standard_errors=True)
    >>> fit.predict([1.5, 4.5]).round(1)
    array([ 1. , -0.9])
    >>> round(fit.equivalent_df)
    10
    """
    kept = _kept(missing)
    y, x = _columns(endog, exog)
    weights = None
    if sample_weight is not None:
        weights = _column(sample_weight, "sample_weight", x.dtype)
        if weights.shape != x.shape:
            raise ValueError(f"sample_weight has shape {weights.shape}, but there are {len(x)} rows; give one number for each")
    core = _core.LowessFit(
        x,
        y,
        frac=_arrays.number(frac, "frac"),
        it=_arrays.count(it, "it"),
        delta=_arrays.number(delta, "delta"),
        degree=_arrays.count(degree, "degree"),
        drop=kept == "drop",
        errors=bool(standard_errors),
        sample_weight=weights,
        threads=_arrays.threads(n_jobs),
    )
    return LowessFit(core, x.dtype)


def lowess(
    endog: npt.ArrayLike,
    exog: npt.ArrayLike,
    frac: float = 2.0 / 3.0,
    it: int = 3,
    delta: float = 0.0,
    xvals: npt.ArrayLike | None = None,
    is_sorted: bool = False,
    missing: Missing = "drop",
    return_sorted: bool = True,
    *,
    degree: int = 1,
    sample_weight: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
) -> Array:
    """A robust smooth curve through points: at each place a line is fitted to the nearest rows (Cleveland's LOWESS).

    Parameters, defaults and results are those of statsmodels' function of the same name; the time for ``n`` rows grows as
    ``n log n``, whatever `frac` is.

    Parameters
    ----------
    endog : array_like, shape (n,)
        Responses.
    exog : array_like, shape (n,)
        Predictor, in any order.
    frac : float, default 2/3
        Share of the rows in each fit, 0 to 1.
    it : int, default 3
        Number of robust iterations, each of which takes weight from rows with large residuals; 0 for plain local regression.
    delta : float, default 0
        Rows within this distance of the last fit are interpolated between it and the next. A hundredth of the range of `exog` is
        usual for many rows elsewhere; it saves little here.
    xvals : array_like, shape (m,), optional
        Where to evaluate instead of at `exog`, in any order. A place that is not finite gets NaN, or is an error unless
        ``missing="drop"``. Not together with `delta`.
    is_sorted : bool, default False
        Accepted for statsmodels' sake: whether the rows are sorted is looked at in any case.
    missing : {"drop", "raise", "none"}, default "drop"
        What becomes of rows with NaN or infinite numbers: they take no part, or are an error. ``"none"`` is the promise that there are
        none, and is the same as ``"raise"``.
    return_sorted : bool, default True
        Whether to return `exog` and the curve as two columns in ascending order, without dropped rows; else the curve alone in the
        order given, NaN at dropped rows. Without effect beside `xvals`.
    degree : int, default 1
        Degree of the local polynomial, 0 to 2.
    sample_weight : array_like, shape (n,), optional
        Multiplies the rows' weights in every fit. A window's number of rows does not depend on it.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    ndarray, shape (kept, 2), (n,) or (m,)

    See Also
    --------
    lowess_fit : the same with standard errors, residuals and prediction.

    Notes
    -----
    A window whose rows all lie at one place gives their mean, and a row none of whose neighbours has weight the mean of the rows at its
    place, where statsmodels returns the response of one of them. At `xvals` such places are NaN.

    Ties: rows at the same place share one fitted value, and each of them counts as one of the rows of a window. Where only some of the rows at one
    place would fit into a window they lie at its edge, where rows weigh nothing, so that the order of tied rows does not matter; sorted results
    keep it.

    References
    ----------
    Cleveland (1979), Robust locally weighted regression and smoothing scatterplots, JASA 74.

    Examples
    --------
    >>> import locality as lc
    >>> lc.lowess([1.0, 3.0, 5.0, 70.0, 9.0, 11.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], frac=0.9, return_sorted=False).round(6)
    array([ 1.,  3.,  5.,  7.,  9., 11.])
    """
    places = None
    if xvals is not None:
        if delta != 0.0:
            raise ValueError(f"delta={delta} and xvals exclude one another: each of xvals gets a fit of its own; leave out delta")
        places = _column(xvals, "xvals", None)
        known = np.isfinite(places)
        if not known.all() and _kept(missing) != "drop":
            raise ValueError(
                f"xvals has {places[~known][0]} in row {int(np.argmin(known))} (counted from 0); "
                "remove NaN and infinite values first, or pass missing='drop' for NaN there"
            )
    fit = lowess_fit(
        endog, exog, frac, it, delta, degree=degree, sample_weight=sample_weight, missing=missing, n_jobs=n_jobs
    )
    if places is not None:
        out = np.full(places.shape, np.nan, dtype=fit.fitted.dtype)
        out[known] = fit.predict(places[known], n_jobs=n_jobs)
        return out
    if not return_sorted:
        return fit.fitted
    x = _arrays.numbers(exog, "exog")
    return np.stack([x[fit.order].astype(fit.fitted.dtype, copy=False), fit.fitted[fit.order]], axis=1)


def _kept(missing: Any) -> str:
    if missing not in ("drop", "raise", "none"):
        raise ValueError(f"missing={missing!r} is unknown; it is 'drop', 'raise' or 'none'")
    return str(missing)


def _column(x: Any, name: str, dtype: npt.DTypeLike | None) -> Array:
    array = _arrays.numbers(x, name)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, but must have one dimension; pass a single column")
    return np.ascontiguousarray(array, dtype=dtype)


def _columns(endog: Any, exog: Any) -> list[Array]:
    """Responses and predictor, float32 where both are."""
    y, x = _column(endog, "endog", None), _column(exog, "exog", None)
    if y.shape != x.shape:
        raise ValueError(f"endog has {len(y)} numbers, but exog has {len(x)}; give one response for each")
    return _arrays.one_type(y, x)
