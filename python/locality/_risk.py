"""Any differentiable loss made local: parameters of its own at every target."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays, _around
from ._around import Width
from ._arrays import Array
from ._base import BaseEstimator, Prepared, RegressorMixin, check_is_fitted, validate_data
from ._core import Kernel, Neighborhood
from ._guard import LeaveOneOut

Loss = Callable[[Array, Array, Array], tuple[Any, Any]]


class LocalParameters(NamedTuple):
    """What `LocalRisk` found at some targets."""

    parameters: Array
    """``[m, q]``."""
    thin: Array
    """Whether evidence is too thin for all of the parameters, which are shrunk there, ``[m]``."""
    converged: Array
    """Whether the minimum was found, ``[m]``."""


class LocalRisk(LeaveOneOut, RegressorMixin, BaseEstimator):
    """Minimises a loss of one's own around each target: the localized risk of any parametric model.

    At a target ``x`` the parameters minimise ``sum_i w_i K(x, x_i) loss_i + pull / 2 |theta - theta_global|**2`` over the training samples, by
    quasi-Newton steps from the global minimum; the loss is evaluated at those samples alone that weigh.

    Parameters
    ----------
    loss : callable
        ``loss(theta, X, y)`` returns the samples' losses ``[n]`` and their gradients by the parameters ``[n, q]``, for parameters ``theta`` ``[q]``,
        rows ``X`` ``[n, d]`` and responses ``y`` ``[n]``.
    n_parameters : int, optional
        Number of parameters; one more than columns by default.
    readout : callable, optional
        ``readout(theta, x)`` is the prediction at ``x`` ``[d]``, as `X` of the loss; the first parameter by default.
    kernel : Kernel or str, default "gaussian"
        How much a training sample counts at a target. Columns of a data frame may be named in it.
    bandwidth : {"auto", "line", "mean"} or float, default "auto"
        A number is the kernel's ``h``, in the columns' units. The others are the kernel's own if it has one. Else, over columns divided by their
        standard deviations, ``"line"`` and ``"mean"`` are what local lines or means predict `y` best under without each sample, and ``"auto"``
        goes on from the better of them to where the loss of samples without which the parameters are found is least, at two hundred rows.
    centered : bool, default True
        Whether the loss and `readout` see rows as differences from the target, so that the first parameter of a line is its value there.
    pull : float, default 0.0
        Penalty on the squared distance from the global parameters; needs ``centered=False``.
    initial : array_like, shape (q,), optional
        Where minimising starts for all samples; zeros by default.
    neighborhood : Neighborhood or str, optional
        Which training samples a target may see at all; every one by default. ``hollow`` has no part in `predict`; see `loo_predict`.
    guard : bool, default True
        Whether parameters are shrunk where evidence is thin: few effective samples beside as many parameters, a target far outside, columns that
        are combinations of others there. Of centred rows they turn smoothly into those of which the first alone is local and the others are as in
        `initial` (of a line, the local mean under this loss), else into the global ones; `predict` warns where more than a tenth is taken.
    least_weight : float, default 1e-12
        Samples that weigh less than this share of the heaviest one are left out.
    least_samples : float, default 2.0
        Effective number of samples, ``(sum w)^2 / sum w^2``, below which nothing is fitted: what a guarded fit is shrunk to answers, without a
        guard, or where nothing weighs, the global parameters.
    tol : float, default 1e-9
        Steps end where no derivative of the mean loss is larger.
    max_iter : int, default 500
        Most steps at a target.
    n_jobs : int, optional
        Threads of the weights; every core by default.

    Attributes
    ----------
    parameters_ : ndarray, shape (q,)
        The global parameters: those of all samples alike, with rows as differences from their mean where they are centred.
    X_fit_, y_fit_ : ndarray
        Training samples and responses.
    kernel_ : Kernel
        The kernel in force, over columns divided by `scales_`.
    scales_ : ndarray, shape (d,)
        What each column is divided by before the kernel sees it.
    n_iter_ : int
        Steps to the global parameters.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    Where rows are centred the global parameters belong to the mean of the rows. They are where every target's steps start, and what answers where
    no sample weighs. A loss with corners, such as that of quantiles, has no derivative of 0 at its minimum: steps
    then end where none leads down any more, which counts as found.

    References
    ----------
    Song (2026), The General Theory of Localization Methods; Lewis and Overton (2013), Nonsmooth optimization via quasi-Newton methods.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> def huber(theta, X, y):
    ...     off = theta[0] + X @ theta[1:] - y
    ...     near = np.abs(off) < 0.1
    ...     slope = np.where(near, off, 0.1 * np.sign(off))
    ...     values = np.where(near, off**2 / 2, 0.1 * np.abs(off) - 0.005)
    ...     return values, slope[:, None] * np.column_stack([np.ones(len(X)), X])
    >>> X = np.linspace(0.0, 6.0, 61)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> y[::7] += 5.0
    >>> lc.LocalRisk(huber, bandwidth=0.3).fit(X, y).predict([[1.0], [2.0]]).round(1)
    array([0.8, 0.9])
    """

    def __init__(
        self,
        loss: Loss | None = None,
        n_parameters: int | None = None,
        *,
        readout: Callable[[Array, Array], Any] | None = None,
        kernel: Kernel | str = "gaussian",
        bandwidth: Literal["auto", "line", "mean"] | float = "auto",
        centered: bool = True,
        pull: float = 0.0,
        initial: npt.ArrayLike | None = None,
        neighborhood: Neighborhood | str | None = None,
        guard: bool = True,
        least_weight: float = 1e-12,
        least_samples: float = 2.0,
        tol: float = 1e-9,
        max_iter: int = 500,
        n_jobs: int | None = None,
    ) -> None:
        self.loss = loss
        self.n_parameters = n_parameters
        self.readout = readout
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.centered = centered
        self.pull = pull
        self.initial = initial
        self.neighborhood = neighborhood
        self.guard = guard
        self.least_weight = least_weight
        self.least_samples = least_samples
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> LocalRisk:
        """Keeps the training samples, finds the bandwidth if it is to be found, and the global parameters.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : array_like, shape (n,)
            Responses.
        sample_weight : array_like, shape (n,), optional
            Weights, not negative; they multiply the kernel's. They say how reliable rows are, not how many there are: where evidence is thin, repeated
            rows are more of it than one row of a larger weight.

        Returns
        -------
        LocalRisk
            Itself.
        """
        if not callable(self.loss):
            raise TypeError(f"loss={self.loss!r} is no function; pass one of (theta, X, y) that returns losses and gradients")
        pull = _arrays.number(self.pull, "pull")
        if not pull >= 0.0 or (pull > 0.0 and self.centered):
            raise ValueError(f"pull={pull} must not be negative, and be 0 where rows are centred; choose centered=False")
        _around.share_of(self.least_weight, "least_weight")
        _around.least_of(self.least_samples, "least_samples")
        kernel = _arrays.kernel_of(self.kernel, X)
        neighborhood = _arrays.elsewhere(_arrays.neighborhood_of(self.neighborhood, X))
        _around.check_table(X, "LocalRisk")
        sites, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.X_fit_: Array = sites
        self.y_fit_: Array = np.asarray(targets, dtype=np.float64)
        self.sample_weight_fit_ = _arrays.weights(sample_weight, len(sites), np.float64)
        self.neighborhood_: Neighborhood = neighborhood
        self._prepared = Prepared()
        count = sites.shape[1] + 1 if self.n_parameters is None else _arrays.count(self.n_parameters, "n_parameters")
        start = self._initial(count)
        weights = np.ones(len(sites)) if self.sample_weight_fit_ is None else self.sample_weight_fit_
        rows = sites - np.average(sites, axis=0, weights=weights) if self.centered else sites
        self.parameters_, steps = self._minimum(start, rows, self.y_fit_, weights, None)
        self.n_iter_: int = steps if steps >= 0 else int(self.max_iter)
        if steps < 0:
            self._warn("the global parameters were not found", 2)
        table = (sites, self.y_fit_[:, None], self.sample_weight_fit_)
        found, _ = _around.width_of(self.bandwidth, kernel, neighborhood, table, self.n_jobs, None, self._cost)
        self._keep(found)
        return self

    def parameters(self, X: npt.ArrayLike) -> LocalParameters:
        """The parameters at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        LocalParameters
            Parameters ``[m, q]``, and where they are not those of a minimum of its own.
        """
        check_is_fitted(self)
        return self._at(self._targets(X))

    def predict(self, X: npt.ArrayLike) -> Array:
        """What `readout` says of the parameters at each row of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Targets.

        Returns
        -------
        ndarray, shape (m,), or (m, ...) where `readout` returns several numbers
        """
        check_is_fitted(self)
        queries: Array = self._targets(X)
        found = self._at(queries)
        if found.thin.any():
            warnings.warn(
                f"{int(found.thin.sum())} of {len(queries)} targets have too little evidence for all parameters, which are shrunk towards "
                f"{'the local mean' if self.centered and self.guard else 'the global ones'} there (parameters(X).thin says where); widen the "
                "bandwidth",
                stacklevel=2,
            )
        if not found.converged.all():
            self._warn(f"at {int((~found.converged).sum())} of {len(queries)} targets no minimum was found", 2)
        return self._read(found.parameters, queries)

    def loo_predict(self) -> Array:
        """Predictions at the training rows, each by parameters found without its own row: leave-one-out, under the kernel that was found.

        `predict` never leaves a row out, whatever `neighborhood` says: the same numbers may be another row's.

        Returns
        -------
        ndarray
            As `predict` of the training rows.
        """
        check_is_fitted(self)
        left = [np.array([i]) for i in range(len(self.X_fit_))]
        return self._read(self._at(self.X_fit_, left).parameters, self.X_fit_)

    def _targets(self, X: npt.ArrayLike) -> Array:
        _around.check_table(X, "LocalRisk")
        queries: Array = validate_data(self, X, reset=False, dtype=np.float64)
        return queries

    def _predict_at(self, queries: Array) -> tuple[Array, Array]:
        found = self._at(queries)
        return self._read(found.parameters, queries), found.thin

    def _read(self, parameters: Array, queries: Array) -> Array:
        if self.readout is None:
            return parameters[:, 0].copy()
        seen = np.zeros_like(queries) if self.centered else queries
        return np.array([self.readout(theta, x) for theta, x in zip(parameters, seen, strict=True)])

    def _keep(self, width: Width) -> None:
        self.kernel_: Kernel = width.kernel
        self.scales_: Array = width.scales

    def _cost(self, width: Width, most: float, rows: int) -> _around.Cost:
        """Mean loss of rows that are left out."""
        self._keep(width)
        trials = _around.trials(self.X_fit_, self.sample_weight_fit_, rows)
        x = self.X_fit_[trials.rows]
        found = self._at(x, trials.leave).parameters
        seen = np.zeros_like(x) if self.centered else x
        assert self.loss is not None
        losses = [
            np.asarray(self.loss(theta, seen[i : i + 1], self.y_fit_[[row]])[0], dtype=np.float64)[0]
            for i, (theta, row) in enumerate(zip(found, trials.rows, strict=True))
        ]
        error = float(trials.weights @ np.array(losses))
        return _around.Cost(error if np.isfinite(error) else np.inf, 1.0)

    def _at(self, queries: Array, leave: list[Array] | None = None) -> LocalParameters:
        out = np.tile(self.parameters_, (len(queries), 1))
        thin, converged = np.zeros(len(queries), dtype=bool), np.ones(len(queries), dtype=bool)
        pull = (self.parameters_, float(self.pull)) if self.pull > 0.0 else None
        for i, sample in enumerate(_around.weighed(self, queries, leave)):
            few = sample.effective < self.least_samples
            if not len(sample.some) or (few and not self.guard):
                thin[i] = True
                continue
            some, weights = sample
            near, y = self.X_fit_[some], self.y_fit_[some]
            share = _around.believed(near, queries[i], sample, self.parameters_.size) if self.guard and not few else float(not few)
            rows = near - queries[i] if self.centered else near
            thin[i] = _around.is_thin(share)
            if not _around.none_of(share):
                out[i], steps = self._minimum(self.parameters_, rows, y, weights, pull)
                converged[i] = steps >= 0
            if share < 1.0:
                simple, steps = self._simple(rows, y, weights)
                converged[i] &= steps >= 0
                out[i] = simple if _around.none_of(share) else simple + share * (out[i] - simple)
        return LocalParameters(out, thin, converged)

    def _simple(self, rows: Array, y: Array, weights: Array) -> tuple[Array, int]:
        """What parameters are shrunk to at a target: of centred rows those of which the first alone is local."""
        if not self.centered:
            return self.parameters_, 0
        theta = self._initial(self.parameters_.size)
        shares = weights / weights.sum()

        def risk(first: Array) -> tuple[float, Array]:
            assert self.loss is not None
            theta[0] = first[0]
            losses, gradients = self.loss(theta, rows, y)
            return float(shares @ np.asarray(losses)), shares @ np.asarray(gradients)[:, :1]

        found, steps = minimize(risk, self.parameters_[:1], _arrays.number(self.tol, "tol"), _arrays.count(self.max_iter, "max_iter"))
        return np.concatenate([found, theta[1:]]), steps

    def _initial(self, count: int) -> Array:
        return np.zeros(count) if self.initial is None else _arrays.like(self.initial, "initial", (count,)).astype(np.float64)

    def _minimum(
        self, start: Array, rows: Array, y: Array, weights: Array, pull: tuple[Array, float] | None
    ) -> tuple[Array, int]:
        total = float(weights.sum())
        if not total > 0.0:
            raise ValueError("sample_weight is zero for every sample; give some of them a positive weight")
        shares = weights / total

        def risk(theta: Array) -> tuple[float, Array]:
            assert self.loss is not None
            losses, gradients = (np.asarray(part, dtype=np.float64) for part in self.loss(theta, rows, y))
            if losses.shape != (len(rows),) or gradients.shape != (len(rows), len(theta)):
                raise ValueError(
                    f"loss returned shapes {losses.shape} and {gradients.shape}, but {(len(rows),)} and {(len(rows), len(theta))} are needed: a "
                    "value and a gradient for each sample"
                )
            value, gradient = float(shares @ losses), shares @ gradients
            if pull is not None:
                off = theta - pull[0]
                value += 0.5 * pull[1] / total * float(off @ off)
                gradient = gradient + pull[1] / total * off
            return value, gradient

        return minimize(risk, start, _arrays.number(self.tol, "tol"), _arrays.count(self.max_iter, "max_iter"))

    def _warn(self, what: str, level: int) -> None:
        message = f"{what} in max_iter={self.max_iter} steps to tol={self.tol}; raise either, or see to the gradients of the loss"
        warnings.warn(message, RuntimeWarning, stacklevel=level + 1)


def minimize(
    risk: Callable[[Array], tuple[float, Array]], start: Array, tol: float, max_iter: int
) -> tuple[Array, int]:
    """The minimum by quasi-Newton steps (BFGS) with the weak conditions of Wolfe, which corners do not stop; after how many, -1 if not found."""
    theta = np.array(start, dtype=np.float64)
    value, gradient = risk(theta)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        raise ValueError("loss returned NaN or infinity where minimising starts; choose another initial, or see to the loss")
    inverse: Array | None = None
    fresh = False
    for done in range(max_iter + 1):
        if np.abs(gradient).max(initial=0.0) <= tol:
            return theta, done
        if done == max_iter:
            break
        if inverse is None:
            inverse, fresh = np.eye(len(theta)) / max(1.0, float(np.linalg.norm(gradient))), True
        step = -inverse @ gradient
        slope = float(gradient @ step)
        moved = _line(risk, theta, value, step, slope) if slope < 0.0 else None
        if moved is None:
            if fresh:
                # Not even the steepest way leads down.
                return theta, done
            inverse = None
            continue
        rate, next_value, next_gradient = moved
        change, turn = rate * step, next_gradient - gradient
        curved = float(change @ turn)
        if curved > 0.0:
            if fresh:
                inverse = np.eye(len(theta)) * (curved / float(turn @ turn))
            left = np.eye(len(theta)) - np.outer(change, turn) / curved
            inverse = left @ inverse @ left.T + np.outer(change, change) / curved
            fresh = False
        theta, value, gradient = theta + change, next_value, next_gradient
    return theta, -1


def _line(
    risk: Callable[[Array], tuple[float, Array]], theta: Array, value: float, step: Array, slope: float
) -> tuple[float, float, Array] | None:
    """How far to go: enough down, and past the steep part; by doubling and bisection."""
    low, high, rate = 0.0, np.inf, 1.0
    best: tuple[float, float, Array] | None = None
    for _ in range(60):
        found, gradient = risk(theta + rate * step)
        if not (found < value + 1e-4 * rate * slope and np.isfinite(gradient).all()):
            high = rate
        elif float(gradient @ step) < 0.9 * slope:
            low, best = rate, (rate, found, gradient)
        else:
            return rate, found, gradient
        rate = 2.0 * low if np.isinf(high) else 0.5 * (low + high)
    return best
