"""Hierarchical local models: layers of local means under learned kernels, over the rows of sets, series or tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._autoencoders import fit_options, one_of, sizes
from ._base import BaseEstimator, ClassifierMixin, Prepared, RegressorMixin, check_is_fitted, validate_data
from ._classes import classes_of
from ._mean import Progress

ACTIVATIONS = ("gelu", "gelu_erf", "silu", "relu", "swiglu")
_POSITIONS = ("unknown", "rotary", "alibi")
_TRAININGS = ("joint", "greedy", "greedy_then_joint")


class _Sets(NamedTuple):
    """How rows form sets."""

    order: npt.NDArray[np.intp] | None
    """Which row comes where, sets side by side; None leaves them where they are."""
    lengths: list[int]

    @classmethod
    def of(cls, groups: Any, n: int) -> _Sets:
        """Sets by the names of each row's set; without any, every row is one."""
        if groups is None:
            return cls(None, [1] * n)
        names = np.asarray(groups)
        if names.shape != (n,):
            raise ValueError(f"groups has shape {names.shape}, but there are {n} rows; give the name of its set for each")
        _, codes, counts = np.unique(names, return_inverse=True, return_counts=True)
        return cls(np.argsort(codes, kind="stable"), counts.tolist())

    def laid(self, rows: Array) -> Array:
        """Rows in that order."""
        return np.ascontiguousarray(rows if self.order is None else rows[self.order])

    def back(self, rows: Array) -> Array:
        """Rows in the order they were given in."""
        if self.order is None:
            return rows
        out = np.empty_like(rows)
        out[self.order] = rows
        return out


def width_of(model: Any) -> tuple[int, int, int]:
    """Columns, heads, and columns inside the maps of each site."""
    width, heads = sizes(model.width, "width")[0], sizes(model.n_heads, "n_heads")[0]
    if width % heads:
        raise ValueError(f"n_heads={heads} must divide width={width}")
    hidden = 4 * width if model.hidden_width is None else sizes(model.hidden_width, "hidden_width")[0]
    return width, heads, hidden


def dropout_of(model: Any) -> float:
    """A probability below 1."""
    dropout = _arrays.number(model.dropout, "dropout")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout={dropout} must be at least 0 and below 1")
    return dropout


class _Hierarchical(BaseEstimator):
    """What the two estimators share."""

    def __init__(
        self,
        n_layers: int = 2,
        *,
        kernel: str | Sequence[str] = "softmax",
        width: int = 32,
        n_heads: int = 4,
        hidden_width: int | None = None,
        activation: Literal["gelu", "gelu_erf", "silu", "relu", "swiglu"] = "gelu",
        positions: Literal["unknown", "rotary", "alibi"] = "unknown",
        causal: bool = False,
        window: int | None = None,
        dropout: float = 0.0,
        training: Literal["joint", "greedy", "greedy_then_joint"] = "joint",
        max_epochs: int = 200,
        batch_size: int = 32,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = 20,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_layers = n_layers
        self.kernel = kernel
        self.width = width
        self.n_heads = n_heads
        self.hidden_width = hidden_width
        self.activation = activation
        self.positions = positions
        self.causal = causal
        self.window = window
        self.dropout = dropout
        self.training = training
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _layers(self) -> dict[str, Any]:
        """The layers, as the extension reads them."""
        width, heads, hidden = width_of(self)
        count = sizes(self.n_layers, "n_layers")[0]
        kernels = [self.kernel] * count if isinstance(self.kernel, str) else list(self.kernel)
        if len(kernels) != count or not all(isinstance(kernel, str) for kernel in kernels):
            raise ValueError(f"kernel={self.kernel!r} must be a text, or one for each of n_layers={count}")
        window = None if self.window is None else sizes(self.window, "window")[0]
        unit = float(1.0 / np.sqrt(width))
        return {
            "kernels": kernels,
            "width": width,
            "heads": heads,
            "hidden": hidden,
            "activation": one_of(self.activation, "activation", ACTIVATIONS),
            "positions": one_of(self.positions, "positions", _POSITIONS),
            "causal": bool(self.causal),
            "window": window,
            "dropout": dropout_of(self),
            # Sums of many layers begin no larger than those of one.
            "deviations": (unit, float(unit / np.sqrt(2.0 * count))),
        }

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, *, groups: Any = None, progress: Progress | None = None) -> Self:
        """Learns from rows, and what is to be told of each.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows.
        y : array_like, shape (n,) or (n, p)
            Responses, or one class for each row.
        groups : array_like, shape (n,), optional
            The name of each row's set: sets of points, series, sequences. Rows of a set see one another, in their order. By default every row
            is a set of its own, as those of a plain table are, and each layer a map of the row alone.
        progress : callable, optional
            Called now and then with the epochs that are done, of one stage after the other, and the most that there will be of it.

        Returns
        -------
        estimator
            Itself.
        """
        layers, options = self._layers(), fit_options(self)
        training = one_of(self.training, "training", _TRAININGS)
        rows, responses, codes, count = self._read(X, y)
        sets = _Sets.of(groups, len(rows))
        made = _core.HierarchicalNet.fit(
            sets.laid(rows),
            sets.lengths,
            None if responses is None else sets.laid(responses),
            None if codes is None else sets.laid(codes).tolist(),
            count,
            layers,
            training,
            options,
            _arrays.threads(self.n_jobs),
            progress,
        )
        (self.mean_, self.scale_), told, self.coef_ = made.numbers()
        if told is not None:
            self.y_mean_, self.y_scale_ = told
        stages = made.histories()
        self.loss_curve_: Array = np.concatenate([stage[0] for stage in stages])
        self.validation_loss_curve_: Array = np.concatenate([stage[1][1:] for stage in stages])
        self.n_iter_ = len(self.loss_curve_)
        self.level_losses_: Array = made.losses()
        self._prepared = Prepared(made)
        return self

    @abstractmethod
    def _read(self, X: Any, y: Any) -> tuple[Array, Array | None, Array | None, int]:
        """Rows, responses or classes by number, and how many classes there are."""

    @abstractmethod
    def _told(self) -> tuple[tuple[Array, Array] | None, int]:
        """Units of the responses, or how many classes there are."""

    def _out(self, X: npt.ArrayLike, groups: Any) -> Array:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        if self._prepared.made is None:
            coefficients = np.asarray(self.coef_, dtype=np.float32)
            self._prepared.made = _core.HierarchicalNet.of(self._layers(), (self.mean_, self.scale_), *self._told(), coefficients)
        sets = _Sets.of(groups, len(rows))
        net: _core.HierarchicalNet = self._prepared.made
        return sets.back(net.predict(sets.laid(rows), sets.lengths, _arrays.threads(self.n_jobs)))


class HierarchicalRegressor(RegressorMixin, _Hierarchical):
    """Regression by a hierarchical local model: layers of local means over the rows of a set, under kernels that are learned.

    A linear map of the columns, layers of local means (softmax kernels make them a Transformer) with a map of each site between, and a
    linear map to the responses. The layers are learned at once, or level by level: there no level's loss is above that of the one below.

    Parameters
    ----------
    n_layers : int, default 2
        Levels.
    kernel : str or sequence of str, default "softmax"
        The kernel that weighs a set's rows, or one for each layer from the lowest up: a name such as "softmax", "gaussian" or
        "epanechnikov", at a scale that suits the heads, or the text of any kernel.
    width : int, default 32
        Columns between layers.
    n_heads : int, default 4
        Local means side by side in a layer; they must divide the width.
    hidden_width : int, optional
        Columns inside the map of each site; 4 times the width by default.
    activation : {"gelu", "gelu_erf", "silu", "relu", "swiglu"}, default "gelu"
        The curve in there.
    positions : {"unknown", "rotary", "alibi"}, default "unknown"
        How rows know where in their set they stand: not at all, by turns of queries and keys, or by weights that fall with the distance.
    causal : bool, default False
        Whether a row sees only itself and those before it.
    window : int, optional
        How far a row sees, itself included.
    dropout : float, default 0.0
        Probability of dropout in training.
    training : {"joint", "greedy", "greedy_then_joint"}, default "joint"
        All layers at once, one after the other, or first the one and then the other; each stage has `max_epochs`.
    max_epochs : int, default 200
        Most passes over the sets.
    batch_size : int, default 32
        Sets of a step.
    learning_rate : float, default 2e-3
        Of AdamW at the start; it falls by half a cosine.
    weight_decay : float, default 1e-4
        Of AdamW.
    validation_fraction : float, default 0.1
        Share of the sets that is held out; the parameters that do best there are kept. With 0 it is the loss of all sets that decides.
    n_iter_no_change : int or None, default 20
        A stage ends after so many epochs without a better loss.
    random_state : int, RandomState, Generator or None, default 0
        First weights, order, held-out sets and dropout. The same number gives the same model, whatever the number of threads.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    level_losses_ : ndarray
        The loss that each stage ends with on the sets that decide: of one level, of two, .., and of all together where they are learned
        together. Mean squares in variances of the responses.
    loss_curve_ : ndarray, shape (n_iter_,)
        Mean loss of each epoch, the stages one after another.
    validation_loss_curve_ : ndarray
        Loss of the held-out sets after each epoch.
    n_iter_ : int
        Epochs of training.
    mean_, scale_ : ndarray, shape (d,)
        Units of the columns.
    y_mean_, y_scale_ : ndarray, shape (p,)
        Units of the responses.
    coef_ : ndarray of float32
        All parameters.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Song (2026), The general theory of localization methods (arXiv 2605.20635); Vaswani and others (2017), Attention is all you need.

    Examples
    --------
    Each point of a series is told by the one before it.

    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 1))
    >>> y = np.r_[0.0, X[:-1, 0]] * (np.arange(600) % 10 > 0)
    >>> series = np.repeat(np.arange(60), 10)
    >>> model = lc.HierarchicalRegressor(1, kernel="gaussian", positions="rotary", causal=True, window=2, max_epochs=60, batch_size=8)
    >>> model.fit(X, y, groups=series).score(X, y, groups=series) > 0.9
    True
    """

    def _read(self, X: Any, y: Any) -> tuple[Array, Array | None, Array | None, int]:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        rows, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        values = np.asarray(targets, dtype=np.float64)
        self._flat = values.ndim == 1
        return rows, values[:, None] if self._flat else values, None, 0

    def _told(self) -> tuple[tuple[Array, Array] | None, int]:
        return (self.y_mean_, self.y_scale_), 0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags

    def predict(self, X: npt.ArrayLike, *, groups: Any = None) -> Array:
        """The responses of rows.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        groups : array_like, shape (m,), optional
            The name of each row's set; by default every row is one.

        Returns
        -------
        ndarray, shape (m,) or (m, p)
        """
        found = self._out(X, groups)
        return found[:, 0] if self._flat else found

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, *, groups: Any = None) -> float:
        """The share of the responses' variance that the predictions explain (R squared), the mean over responses.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : array_like, shape (m,) or (m, p)
            Their responses.
        sample_weight : array_like, shape (m,), optional
            Weights of the rows.
        groups : array_like, shape (m,), optional
            The name of each row's set.

        Returns
        -------
        float
        """
        found = self.predict(X, groups=groups)
        told = np.asarray(y, dtype=np.float64).reshape(found.shape)
        weights = np.ones(len(told)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        left = np.atleast_1d(weights @ (told - found) ** 2)
        around = np.atleast_1d(weights @ (told - np.average(told, axis=0, weights=weights)) ** 2)
        # Of a constant response there is nothing to explain.
        constant = around == 0.0
        shares = np.where(constant, left == 0.0, 1.0 - left / np.where(constant, 1.0, around))
        return float(shares.mean())


class HierarchicalClassifier(ClassifierMixin, _Hierarchical):
    """Classification by a hierarchical local model: layers of local means over the rows of a set, under kernels that are learned.

    A linear map of the columns, layers of local means (softmax kernels make them a Transformer) with a map of each site between, and a
    linear map to the scores of the classes. The layers are learned at once, or level by level: there no level's loss is above that of the
    one below.

    Parameters
    ----------
    n_layers, kernel, width, n_heads, hidden_width, activation, positions, causal, window, dropout, training, max_epochs, batch_size, \
learning_rate, weight_decay, validation_fraction, n_iter_no_change, random_state, n_jobs
        As for `HierarchicalRegressor`.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The classes.
    level_losses_ : ndarray
        The loss that each stage ends with on the sets that decide: minus the mean logarithm of the right classes' probabilities.
    loss_curve_, validation_loss_curve_, n_iter_, mean_, scale_, coef_, n_features_in_
        As of `HierarchicalRegressor`.

    References
    ----------
    Song (2026), The general theory of localization methods (arXiv 2605.20635); Vaswani and others (2017), Attention is all you need.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
    >>> model = lc.HierarchicalClassifier(training="greedy", max_epochs=40).fit(X, y)
    >>> bool(model.score(X, y) > 0.9 and model.level_losses_[1] <= model.level_losses_[0])
    True
    """

    def _read(self, X: Any, y: Any) -> tuple[Array, Array | None, Array | None, int]:
        rows, self.classes_, codes = classes_of(self, X, y, dtype=(np.float64,))
        return rows, None, codes, len(self.classes_)

    def _told(self) -> tuple[tuple[Array, Array] | None, int]:
        return None, len(self.classes_)

    def predict_proba(self, X: npt.ArrayLike, *, groups: Any = None) -> Array:
        """The probability of each class for each row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        groups : array_like, shape (m,), optional
            The name of each row's set; by default every row is one.

        Returns
        -------
        ndarray, shape (m, k)
            In the order of `classes_`.
        """
        return self._out(X, groups)

    def predict(self, X: npt.ArrayLike, *, groups: Any = None) -> Array:
        """The likeliest class of each row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        groups : array_like, shape (m,), optional
            The name of each row's set.

        Returns
        -------
        ndarray, shape (m,)
        """
        likeliest = self.predict_proba(X, groups=groups).argmax(axis=1)
        found: Array = self.classes_[likeliest]
        return found

    def score(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None, *, groups: Any = None) -> float:
        """The share of rows whose class is right.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : array_like, shape (m,)
            Their classes.
        sample_weight : array_like, shape (m,), optional
            Weights of the rows.
        groups : array_like, shape (m,), optional
            The name of each row's set.

        Returns
        -------
        float
        """
        right = self.predict(X, groups=groups) == np.asarray(y)
        return float(np.average(right, weights=None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)))

    classes_: Array
