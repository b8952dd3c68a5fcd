"""The samples that weigh around a target, how much of a model they are evidence for, and the width at which it predicts best."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from . import _arrays
from ._arrays import Array
from ._columns import _has_text, _missing
from ._core import Kernel, Neighborhood
from ._local import LocalPolynomialRegressor
from ._mean import local_weights, log_sum

# Targets whose weights are held at once.
_BLOCK = 64
# Rows that are left out, one after the other, to compare widths: all of them, and the best ones.
_FEW, _MANY, _FINALISTS = 50, 200, 3
# As the guard of the built-in models has them (crates/locality/src/local/solve.rs).
_STRENGTH, _SHARE, _WIDER, _PIVOT = 0.1, 0.1, 4.0, 1e-7
_THIN = 0.1
# What a share of a model must lower the error to, at least.
_WORTH = 0.98
# Less than this share of the error is no gain of a wider or narrower kernel.
_GAIN = 1e-3
# A smaller share of a fit is none.
_NONE = 1e-6
# Predictions are not further than so many deviations of the responses from their mean, nor than this share of their range outside them.
_DEVIATIONS, _MARGIN = 4.0, 0.5
_WIDTH = re.compile(r"(?<![A-Za-z_])(h|knn)=([-+.\deE]+)")
SEARCHES = ("auto", "line", "mean")


class Sample(NamedTuple):
    """What counts at a target."""

    some: Array
    """Positions of training samples."""
    weights: Array
    """Sample weights times kernel."""

    @property
    def effective(self) -> float:
        """Effective number of samples, ``(sum w)^2 / sum w^2``."""
        if not len(self.some):
            return 0.0
        shares = self.weights / self.weights.max()
        return float(shares.sum() ** 2 / (shares @ shares))


def weighed(model: Any, queries: Array, leave: list[Array] | None = None) -> Iterator[Sample]:
    """The training samples that count at each query, for a model with a kernel over divided columns; without those of `leave`, by position."""
    given: dict[str, Any] = {"kernel": model.kernel_, "neighborhood": model.neighborhood_, "n_jobs": model.n_jobs}
    k = model.X_fit_ / model.scales_
    c = np.ones(len(k)) if model.sample_weight_fit_ is None else model.sample_weight_fit_
    # Which key stands beside which query is the order of all of them.
    positional = any(word in str(model.neighborhood_) for word in ("causal", "window"))
    block = max(len(queries), 1) if positional else _BLOCK
    for start in range(0, len(queries), block):
        q = queries[start : start + block] / model.scales_
        if leave is not None:
            # Left out of the neighbours that are counted, too.
            given["bias"] = np.zeros((len(q), len(k)))
            for row, own in zip(given["bias"], leave[start : start + block], strict=True):
                row[own] = -np.inf
        # Not divided by their sum: a penalty of the estimator's stands beside them.
        logs = np.maximum(log_sum(q, k, **given), -700.0)
        for w in local_weights(q, k, **given) * np.exp(logs)[:, None]:
            w[c == 0.0] = 0.0
            some = np.flatnonzero(w > model.least_weight * w.max(initial=0.0))
            yield Sample(some, c[some] * w[some])


def believed(rows: Array, target: Array, sample: Sample, coefficients: int) -> float:
    """Share of a fit of so many coefficients to rows ``[s, d]`` that is believed at a target, by the rules of the guard of the built-in models.

    Few effective samples take from it smoothly, all of it where there are as many as coefficients and nothing from twice as many on; so does a
    target that is further from the sample's centre than its edges, or lies where columns are combinations of others in the sample only.
    """
    enough = min(max((sample.effective - coefficients) / coefficients, 1e-9), 1.0)
    scarce = _STRENGTH * (1.0 - enough) ** 2 / enough
    shares = sample.weights / sample.weights.sum()
    center = shares @ rows
    off = rows - center
    deviations = np.sqrt(shares @ off**2)
    varies = deviations > 1e-7 * np.sqrt(shares @ rows**2)
    if not varies.any():
        return 1.0 / (1.0 + scarce)
    z = off[:, varies] / deviations[varies]
    values, axes = np.linalg.eigh(z.T @ (shares[:, None] * z))
    along = axes.T @ ((target - center)[varies] / deviations[varies])
    # Along an axis that the sample lacks a target is compared with the rounding of the sample's own.
    leverage = float((along**2 / np.maximum(values + scarce, _PIVOT)).sum())
    edge = 4.0 * (rows.shape[1] + 1)
    limit = min(max(_SHARE * sample.effective, edge), _WIDER * edge)
    return float(min(1.0, limit / max(leverage, 1e-300)) / (1.0 + scarce))


def one_thread() -> AbstractContextManager[Any]:
    """Keeps the threads of linear algebra from waiting for one another over many small fits, where there is a way to."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits


def none_of(share: float) -> bool:
    """Whether so little of a fit is believed that it need not be made."""
    return share < _NONE


def is_thin(share: float) -> bool:
    """Whether more than a tenth of a fit is taken."""
    return 1.0 - share > _THIN


def bounds(y: Array, weights: Array, mean: float) -> tuple[float, float]:
    """Between what a prediction from responses under weights may be."""
    deviation = math.sqrt(float(weights @ (y - mean) ** 2 / weights.sum()))
    margin = _MARGIN * float(np.ptp(y))
    return max(mean - _DEVIATIONS * deviation, float(y.min()) - margin), min(mean + _DEVIATIONS * deviation, float(y.max()) + margin)


class Width(NamedTuple):
    """A kernel over divided columns."""

    kernel: Kernel
    scales: Array


class Cost(NamedTuple):
    """What a width costs."""

    error: float
    trust: float
    """Share of the model's difference from the local mean with which it costs that."""


class Mixed:
    """Mean squared error of a local mean and a share of what a model differs in from it."""

    def __init__(self, may_mix: bool) -> None:
        self.may_mix = may_mix
        self.means = self.products = self.differences = 0.0

    def add(self, weight: float, off: Array, difference: Array) -> None:
        """A row that was left out: how far the mean is off, and the model from the mean."""
        self.means += weight * float(off @ off)
        self.products += weight * float(off @ difference)
        self.differences += weight * float(difference @ difference)

    def _at(self, trust: float) -> float:
        error = self.means + 2.0 * trust * self.products + trust * trust * self.differences
        return max(error, 0.0) if math.isfinite(error) else math.inf

    def least(self) -> float:
        """The error at the best share; it grows with every row."""
        return self.found().error if not self.may_mix else self._at(self._best())

    def _best(self) -> float:
        return min(max(-self.products / self.differences, 0.0), 1.0) if self.differences > 0.0 else 1.0

    def found(self) -> Cost:
        """The error, of all of the model unless a share of it is better by far."""
        whole, share = self._at(1.0), self._best()
        if self.may_mix and self._at(share) < _WORTH * whole:
            # Between widths as well.
            return Cost(self._at(share) / _WORTH, share)
        return Cost(whole, 1.0)


Score = Callable[[Width, float, int], Cost]


def width_of(
    bandwidth: Any,
    kernel: Kernel,
    neighborhood: Neighborhood,
    table: tuple[Array, Array, Array | None],
    n_jobs: int | None,
    columns: list[int] | None,
    score: Score,
) -> tuple[Width, float]:
    """The kernel in force, and the share of a model that is believed: at a width that is given, at that of the local mean or line of responses
    ``[n, p]``, or from there on at the best.

    `score` is what a width costs at so many rows; it may stop once that is more than its second argument.
    """
    if isinstance(bandwidth, str) and bandwidth not in SEARCHES:
        raise ValueError(f"bandwidth={bandwidth!r} must be a number or one of {', '.join(SEARCHES)}")
    x, y, weights = table

    def found(degree: int) -> Width:
        search: Any = "auto" if isinstance(bandwidth, str) else bandwidth
        model = LocalPolynomialRegressor(
            kernel,
            bandwidth=search,
            degree=degree,
            neighborhood=neighborhood,
            n_jobs=n_jobs,
            columns=columns if degree else None,
        ).fit(x, y, weights)
        return Width(model.kernel_, model.scales_)

    if not isinstance(bandwidth, str) or bandwidth == "mean":
        return found(0), 1.0
    line = found(1)
    if bandwidth == "line" or line.kernel == kernel:
        return line, 1.0
    return _best(score, [line, found(0)], len(x))


def _best(score: Score, starts: list[Width], n: int) -> tuple[Width, float]:
    """Widths by doubling and halving from the best of the starts, at few rows; then the best three of them and some more at many."""
    costs: dict[tuple[str, bytes], tuple[float, Width]] = {}

    def rough(width: Width) -> float:
        key = (str(width.kernel), width.scales.tobytes())
        if key not in costs:
            least = sorted(cost for cost, _ in costs.values())[:_FINALISTS]
            costs[key] = (score(width, least[-1] if len(least) == _FINALISTS else math.inf, _FEW).error, width)
        return costs[key][0]

    # Nearly all samples alike: the global model, from which a local one has to differ for the better.
    for width in [*starts, *(_scaled(one, 1e3, n) for one in starts)]:
        rough(width)
    for factor in (2.0, 0.5):
        best = min(costs.values(), key=lambda c: c[0])
        # Where hardly anything is gained any more, as beyond the global model, it ends.
        while rough(_scaled(best[1], factor, n)) < best[0] - _GAIN * abs(best[0]):
            best = min(costs.values(), key=lambda c: c[0])
    ranked = [width for _, width in sorted(costs.values(), key=lambda c: c[0])]
    chosen, least = ranked[0], Cost(math.inf, 1.0)
    beside = [_scaled(ranked[0], factor, n) for factor in (math.sqrt(2.0), math.sqrt(0.5))]
    # The starts are among them, so that a model is not far worse than the local mean.
    some = {(str(width.kernel), width.scales.tobytes()): width for width in [*ranked[:_FINALISTS], *beside, *starts]}
    for width in some.values():
        cost = score(width, least.error, _MANY)
        if cost.error < least.error:
            chosen, least = width, cost
    return chosen, least.trust


def _scaled(width: Width, factor: float, n: int) -> Width:
    """The kernel with all its widths that many times as large, as far as there are samples to count."""

    def times(found: re.Match[str]) -> str:
        name, value = found[1], float(found[2]) * factor
        return f"h={value!r}" if name == "h" else f"knn={min(max(round(value), 2), n)}"

    return Width(Kernel(_WIDTH.sub(times, str(width.kernel))), width.scales)


class Trials(NamedTuple):
    """Rows that are left out to compare widths."""

    rows: Array
    leave: list[Array]
    """Rows with the same columns are left out with each."""
    weights: Array
    """Sample weights, as shares."""


def trials(x: Array, weights: Array | None, most: int) -> Trials:
    """At most so many of the rows that weigh, evenly drawn so that repeated runs agree."""
    _, inverse = np.unique(x, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    rows = np.arange(len(x)) if weights is None else np.flatnonzero(weights > 0.0)
    count = min(len(rows), most)
    rows = rows[np.arange(count) * len(rows) // count]
    order = np.argsort(inverse, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)
    shares = np.ones(count) if weights is None else weights[rows]
    return Trials(rows, [groups[inverse[i]] for i in rows], shares / shares.sum())


def check_table(X: Any, estimator: str) -> None:
    """Refuses words and missing values, which kernels and models over numbers cannot weigh."""
    for name, column, words in _columns(X):
        if words or _has_text(column):
            raise ValueError(
                f"X, column {name} holds words, which {estimator} does not weigh; make numbers of them first, by "
                f"make_pipeline(TableEncoder(), {estimator}(...))"
            )
        kind = column.dtype.kind
        gone = np.isnan(column) if kind == "f" else np.array([kind == "O" and _missing(x) for x in column])
        if gone.any():
            raise ValueError(
                f"X, column {name} contains NaN or a missing value in row {int(np.argmax(gone))} (counted from 0); fill it in, remove the row, or "
                f"put TableEncoder(missing='mean') before {estimator}"
            )


def _columns(X: Any) -> Iterator[tuple[str, Array, bool]]:
    """Columns of a table with their names, and whether their type is of words; none of what is no table, about which others complain."""
    names = getattr(X, "columns", None)
    if names is not None and hasattr(X, "dtypes"):
        for name in names:
            kind = str(X[name].dtype)
            yield repr(str(name)), np.asarray(X[name]), kind == "category" or kind.startswith(("Categorical", "Enum"))
        return
    try:
        array = np.asarray(X)
    except ValueError:
        return
    if array.ndim == 2 and array.dtype.kind in "fOUS":
        for j, column in enumerate(array.T):
            yield str(j), column, False


def share_of(x: Any, name: str) -> float:
    """A number from 0 to below 1."""
    value = _arrays.number(x, name)
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name}={value} must be at least 0 and below 1: a share of the heaviest sample's weight")
    return value


def least_of(x: Any, name: str) -> float:
    """A number of samples."""
    value = _arrays.number(x, name)
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name}={value} must be finite and not negative: an effective number of samples")
    return value


def columns_of(columns: Any, table: Any, count: int) -> list[int] | None:
    """Columns of the model by number or, of a data frame, by name; None for all."""
    found = _arrays.columns_of(columns, table)
    if found is None:
        return None
    if not found:
        raise ValueError("columns is empty; name at least one column for the model, or leave it out for all")
    for j in found:
        if j >= count:
            raise ValueError(f"columns has {j}, but X has {count} columns, counted from 0")
    if len(set(found)) < len(found):
        raise ValueError(f"columns={list(columns)!r} names a column twice; name each once")
    return found
