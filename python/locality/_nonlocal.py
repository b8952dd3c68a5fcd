"""Models whose kernel compares contexts: columns of a table with the current output, and windows of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted, validate_data, warn_column
from ._core import Kernel
from ._pictures import Progress


class NonLocalRegressor(RegressorMixin, BaseEstimator):
    """Regression by the local mean of the targets in like contexts, where the kernel may also look at its own output.

    With `range`, outputs ``z`` are iterated from ``z = y``: each becomes the mean of the targets ``y``, weighted by how alike contexts are, and by
    how alike current outputs are, so that jumps of the target stay sharp. One iteration over positions is the bilateral filter. New rows
    begin at the output of the training row that counts most by its context.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian(h=1)"
        How much a training row counts at a query, by its context.
    context : sequence of int or str, slice or mask, optional
        The columns that make the context; all by default. Names for data frames.
    range : float, optional
        Standard deviation of a Gaussian kernel of the output; without it, this is Nadaraya-Watson regression.
    max_iter : int, default 10
        Most iterations.
    tol : float, default 1e-6
        Iterations end where no output moves by more than this many times `range`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_fit_ : ndarray, shape (n, c)
        The training rows' contexts.
    y_fit_ : ndarray, shape (n,)
        Training targets.
    sample_weight_fit_ : ndarray, shape (n,), or None
        Their weights.
    outputs_ : ndarray, shape (n,)
        The outputs at the training rows.
    kernel_ : Kernel
        The kernel, its columns by number among the context's.
    n_iter_ : int
        Iterations that were done.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Tomasi and Manduchi (1998), Bilateral filtering for gray and color images; Nadaraya (1964), On estimating regression.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 1.0, 50)[:, None]
    >>> y = (X[:, 0] > 0.5) + 0.1 * np.cos(50.0 * X[:, 0])
    >>> model = lc.NonLocalRegressor("gaussian(h=0.1)", range=0.3).fit(X, y)
    >>> model.predict([[0.4], [0.6]]).round(1) + 0.0
    array([0., 1.])
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian(h=1)",
        *,
        context: Sequence[int] | Sequence[str] | None = None,
        range: float | None = None,
        max_iter: int = 10,
        tol: float = 1e-6,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.context = context
        self.range = range
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fits the training rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows.
        y : array_like, shape (n,)
            Targets.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative.

        Returns
        -------
        NonLocalRegressor
            Itself.
        """
        names = [str(name) for name in getattr(X, "columns", [])]
        rows, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        shape = np.asarray(y).shape
        if len(shape) == 2 and shape[1] == 1:
            warn_column()
        self._context = _positions(self.context, names, rows.shape[1])
        within: Any = rows[:, self._context]
        kernel = _arrays.kernel_of(self.kernel, within)
        if names:
            kernel = kernel.with_columns([names[c] for c in self._context])
        self.kernel_: Kernel = kernel
        self.X_fit_: Array = np.ascontiguousarray(within)
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64).ravel()
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(rows), rows.dtype)
        made = self._make()
        self.outputs_: Array = made.outputs()
        self.n_iter_: int = made.iterations()
        self._prepared = Prepared(made)
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The outputs at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Queries.

        Returns
        -------
        ndarray, shape (m,)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        within = np.ascontiguousarray(rows[:, self._context])
        found: Array = self._prepared.made.predict(within, _arrays.threads(self.n_jobs))
        return found

    def _make(self) -> _core.SelfLocalRegressor:
        return _core.SelfLocalRegressor(
            self.X_fit_,
            self.y_fit_,
            self.kernel_,
            None if self.range is None else _arrays.number(self.range, "range"),
            _arrays.count(self.max_iter, "max_iter"),
            _arrays.number(self.tol, "tol"),
            self.sample_weight_fit_,
            _arrays.threads(self.n_jobs),
        )


def _positions(context: Any, names: list[str], d: int) -> list[int]:
    """The context's columns by number."""
    if context is None:
        return list(np.arange(d))
    if isinstance(context, slice):
        context = list(range(d))[context]
    elif isinstance(context, str) or np.ndim(context) == 0:
        context = [context]
    kinds = {isinstance(c, (bool, np.bool_)) for c in context}
    if True in kinds:
        if False in kinds or len(context) != d:
            raise ValueError(f"context is {list(context)}; as a mask it takes {d} values, one for each column, all True or False")
        context = [int(c) for c in np.flatnonzero(context)]
    found = []
    for column in context:
        if isinstance(column, str):
            if column not in names:
                raise ValueError(f"context names {column!r}, but the columns are {names or 'without names'}; choose among them")
            found.append(names.index(column))
        else:
            at = _arrays.count(column, "context")
            if at >= d:
                raise ValueError(f"context has column {at}, but there are {d}, counted from 0")
            found.append(at)
    if not found:
        raise ValueError("context is empty; name at least one column")
    return found


@dataclass(frozen=True, eq=False)
class SmoothedSeries:
    """A series without noise and gaps: the result of `smooth_series`.

    Attributes
    ----------
    values : ndarray, shape (n,)
        The values, none missing.
    filled : ndarray of int, shape (gaps,)
        The places that were missing.
    sigma : float
        The noise's standard deviation that was given or estimated.
    h : float
        The bandwidth in force.
    """

    values: Array
    filled: Array
    sigma: float
    h: float

    def __repr__(self) -> str:
        return f"SmoothedSeries({len(self.values)} values, {len(self.filled)} filled, sigma={self.sigma:.3g})"


def smooth_series(
    series: npt.ArrayLike,
    radius: int = 6,
    *,
    reach: int | None = None,
    sigma: float | None = None,
    h: float | None = None,
    gaps_only: bool = False,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> SmoothedSeries:
    """Non-local means of a series: each value becomes the mean of those in like windows; NaN is a gap, and filled likewise.

    Parameters
    ----------
    series : array_like, shape (n,)
        Values in the order of time, equally spaced.
    radius : int, default 6
        Places on each side that are compared.
    reach : int, optional
        Only places so near count; all by default.
    sigma : float, optional
        Standard deviation of the noise; by default the smaller of what second differences and what like contexts say.
    h : float, optional
        Bandwidth in units of the series; by default 0.8 of `sigma`.
    gaps_only : bool, default False
        Whether known values stay as they are.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    SmoothedSeries

    References
    ----------
    Buades, Coll and Morel (2005), A non-local algorithm for image denoising; Tracey and Miller (2012), Nonlocal means denoising of ECG
    signals.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> wave = np.sin(0.3 * np.arange(200))
    >>> series = wave.copy()
    >>> series[100] = np.nan
    >>> bool(abs(lc.smooth_series(series, 5).values[100] - wave[100]) < 0.05)
    True
    """
    values = _arrays.numbers(series, "series")
    if values.ndim != 1:
        raise ValueError(f"series has shape {values.shape}; give one number for each time")
    found = _core.smooth_series(
        np.ascontiguousarray(values, dtype=np.float64),
        _arrays.count(radius, "radius"),
        None if reach is None else _arrays.count(reach, "reach"),
        None if sigma is None else _arrays.number(sigma, "sigma"),
        None if h is None else _arrays.number(h, "h"),
        gaps_only,
        _arrays.threads(n_jobs),
        progress,
    )
    return SmoothedSeries(*found)
