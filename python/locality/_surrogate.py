"""Local surrogates: what a black box does around one point, as a sparse line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._columns import _has_text, _missing

# Widths that are tried, in units of the columns' deviations.
_WIDTHS = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A line through a black box around one point: ``intercept + coefficients @ (x' - x)``."""

    intercept: float
    """The line's value at the point."""
    coefficients: Array
    """Slopes per unit of each column, ``[d]``; 0 for columns that were not taken. Of a column of words, what the point's word adds to the prediction
    beside another one drawn from the table."""
    standard_errors: Array
    """Their standard errors over draws of the perturbations, ``[d]``; for columns that were not taken, of the slopes in a line of all columns."""
    features: list[int]
    """The columns that were taken, those that move the prediction most first."""
    bandwidth: float
    """Width of the perturbations, in units of the columns' deviations."""
    fidelity: float
    """Share of the black box's variance under the perturbations that the line explains, each perturbation left out of its own line."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surrogate) and all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        return hash((self.intercept, self.bandwidth, self.fidelity, *self.features))


class LocalSurrogate:
    """Explains single predictions of any model by a line fitted around each: the localization trick on perturbed samples.

    Perturbations are drawn from a Gaussian kernel around the point, so that every one of them counts alike; their width is the one at which
    a line explains the model best. Words are kept in one perturbation of each pair and replaced in the other, by another of the column's words as
    often as the table has it.

    Parameters
    ----------
    predict : callable
        Takes an array ``[m, d]``, or where `X` has columns of words a table of the same kind as `X` (a data frame, an array of objects), returns
        ``[m]`` numbers: `model.predict`, or one column of `model.predict_proba`.
    X : array_like or data frame, shape (n, d)
        A table, such as the training samples, whose standard deviations are the units of the perturbations. Columns may hold words.
    n_samples : int, default 1000
        Perturbations of each width, drawn in pairs on either side of the point.
    bandwidth : {"auto"} or float, default "auto"
        Width of the perturbations, in units of the columns' deviations.
    n_features : int, optional
        Most columns that a line may have, from 1 to all of them; by default as many as the corrected criterion of Akaike allows.
    random_state : int, default 0
        Seed of the perturbations: the same point is always explained alike.

    References
    ----------
    Ribeiro, Singh and Guestrin (2016), Why should I trust you? Hurvich and Tsai (1989), Regression and time series model selection in
    small samples.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> surrogate = lc.LocalSurrogate(lambda x: np.sin(x[:, 0]) + 2.0 * x[:, 2], X)
    >>> found = surrogate.explain([0.0, 1.0, 2.0])
    >>> found.features, found.coefficients.round(1)
    ([2, 0], array([1., 0., 2.]))
    """

    def __init__(
        self,
        predict: Callable[[Array], npt.ArrayLike],
        X: npt.ArrayLike,
        *,
        n_samples: int = 1000,
        bandwidth: Literal["auto"] | float = "auto",
        n_features: int | None = None,
        random_state: int = 0,
    ) -> None:
        self._table = _Table(X)
        if not callable(predict):
            raise TypeError(f"predict={predict!r} cannot be called; pass a function such as model.predict")
        self.predict = predict
        self.scales = self._table.scales
        d = len(self.scales)
        self.n_samples = _arrays.count(n_samples, "n_samples")
        if self.n_samples < 2 * (d + 2):
            raise ValueError(f"n_samples={n_samples} is too few for {d} columns; take at least {2 * (d + 2)}")
        if isinstance(bandwidth, str):
            if bandwidth != "auto":
                raise ValueError(f"bandwidth={bandwidth!r} must be 'auto' or a positive number")
            self.widths: Sequence[float] = _WIDTHS
        else:
            width = _arrays.number(bandwidth, "bandwidth")
            if not (width > 0.0 and np.isfinite(width)):
                raise ValueError(f"bandwidth={bandwidth} must be positive and finite")
            self.widths = (width,)
        self.n_features = d if n_features is None else _arrays.count(n_features, "n_features")
        if not 1 <= self.n_features <= d:
            raise ValueError(f"n_features={n_features} must be from 1 to {d}, the columns of X")
        rng = np.random.default_rng(random_state)
        half = rng.standard_normal(((self.n_samples + 1) // 2, d))
        self._draws = np.concatenate([half, -half])
        # Ranks of the words that replace others.
        self._picks = rng.uniform(size=self._draws.shape) if self._table.words else None

    def explain(self, x: npt.ArrayLike) -> Surrogate:
        """A sparse line through the predictions around a point.

        Parameters
        ----------
        x : array_like, shape (d,)
            The point.

        Returns
        -------
        Surrogate
        """
        point = self._table.point(x)
        best: Surrogate | None = None
        for width in self.widths:
            found = self._line(point, width)
            # Of widths that do alike the widest says most.
            if best is None or found.fidelity >= best.fidelity - 1e-9:
                best = found
        assert best is not None
        return best

    def _line(self, point: Array, width: float) -> Surrogate:
        steps = self._draws * width
        if self._picks is None:
            rows: Any = point + steps * self.scales
        else:
            rows = self._table.around(point, steps, self._picks)
        y = np.asarray(self.predict(rows), dtype=np.float64)
        if y.shape != (len(steps),) or not np.isfinite(y).all():
            raise ValueError(f"predict returned {y.shape} for {len(steps)} rows; it must return one finite number for each")
        z = steps[:, self.scales > 0.0]
        taken = _select(z, y, self.n_features)
        b, without, spread = _fit(z[:, taken], y)
        # Whether a column is taken hangs on the draws, too.
        errors = np.zeros(len(self.scales))
        errors[self.scales > 0.0] = _fit(z, y)[2][1:]
        total = ((y - y.mean()) ** 2).sum()
        fidelity = 1.0 - float((without**2).sum() / total) if total > 0.0 else 0.0
        columns = np.flatnonzero(self.scales > 0.0)[taken]
        coefficients = np.zeros(len(self.scales))
        coefficients[columns] = b[1:] / self.scales[columns]
        errors[columns] = spread[1:]
        errors /= np.where(self.scales > 0.0, self.scales, 1.0)
        order = np.argsort(-np.abs(b[1:]), kind="stable")
        return Surrogate(float(b[0]), coefficients, errors, [int(c) for c in columns[order]], width, fidelity)


class _Table:
    """What points are like: deviations of numbers, and words by how often they are there."""

    def __init__(self, X: Any) -> None:
        names = getattr(X, "columns", None)
        self.names = None if names is None or not hasattr(X, "dtypes") else list(names)
        self.kind, self.types = type(X), {}
        columns: list[Array] = []
        if self.names is not None:
            columns = [np.asarray(X[name]) for name in self.names]
            types = [X[name].dtype for name in self.names]
            wordy = [_has_text(c) or str(t) == "category" or str(t).startswith(("Categorical", "Enum")) for c, t in zip(columns, types, strict=True)]
            self.types = {name: t for name, t, is_word in zip(self.names, types, wordy, strict=True) if is_word and str(t) == "category"}
        else:
            columns = _objects(X)
            wordy = [_has_text(column) for column in columns]
        # Words of each column of words, and their shares summed up.
        self.words: dict[int, tuple[Array, Array]] = {}
        if not any(wordy):
            table = _arrays.sites(X, "X").astype(np.float64)
            self._check(table, table.shape)
            self.scales: Array = table.std(axis=0)
            return
        self.scales = np.ones(len(columns))
        for j, (column, is_word) in enumerate(zip(columns, wordy, strict=True)):
            if not is_word:
                numbers = _arrays.numbers(column, f"X, column {self._name(j)}").astype(np.float64)
                self._check(numbers, (len(column), len(columns)))
                self.scales[j] = numbers.std()
                continue
            gone = [_missing(word) for word in column]
            if any(gone):
                raise ValueError(f"X, column {self._name(j)} has no word in row {gone.index(True)} (counted from 0); fill it in, or remove the row")
            kinds, counts = np.unique(column.astype(str), return_counts=True)
            firsts = {str(word): word for word in column[::-1]}
            self.words[j] = (np.array([firsts[kind] for kind in kinds], dtype=object), counts / counts.sum())
            # A word that is alone cannot be replaced.
            self.scales[j] = float(len(kinds) > 1)

    def _name(self, j: int) -> str:
        return str(j) if self.names is None else repr(str(self.names[j]))

    def _check(self, numbers: Array, shape: tuple[int, ...]) -> None:
        if shape[0] < 2 or not np.isfinite(numbers).all():
            raise ValueError(f"X has shape {shape}; give at least 2 rows of finite numbers")

    def point(self, x: Any) -> Array:
        """A row as numbers, or where there are words as objects."""
        if not self.words:
            point = _arrays.like(x, "x", self.scales.shape).astype(np.float64)
            if not np.isfinite(point).all():
                raise ValueError(f"x has NaN or infinite numbers {point}; give finite ones")
            return point
        row = np.asarray(x, dtype=object)
        if row.shape != self.scales.shape:
            raise ValueError(f"x has shape {row.shape}, but must have {self.scales.shape}")
        row = row.copy()
        for j, value in enumerate(row):
            if j in self.words:
                kinds, _ = self.words[j]
                if str(value) not in {str(kind) for kind in kinds}:
                    raise ValueError(f"x, column {self._name(j)} has {value!r}, which is none of the table's words, {', '.join(map(str, kinds[:20]))}")
                continue
            row[j] = _arrays.number(value, f"x, column {self._name(j)}")
            if not np.isfinite(row[j]):
                raise ValueError(f"x has {value} in column {self._name(j)}; give finite numbers")
        return row

    def around(self, point: Array, steps: Array, picks: Array) -> Any:
        """A table of perturbed rows; `steps` of words become 0 where they are kept and -1 where they are replaced."""
        columns: list[Array] = []
        for j, value in enumerate(point):
            if j not in self.words:
                columns.append(float(value) + steps[:, j] * self.scales[j])
                continue
            kinds, shares = self.words[j]
            other = np.array([str(kind) != str(value) for kind in kinds])
            kept = (steps[:, j] > 0.0) | ~other.any()
            column = np.full(len(steps), value, dtype=object)
            if other.any():
                ranks = np.cumsum(shares[other]) / shares[other].sum()
                column[~kept] = kinds[other][np.minimum(np.searchsorted(ranks, picks[~kept, j]), len(ranks) - 1)]
            columns.append(column)
            steps[:, j] = np.where(kept, 0.0, -1.0)
        if self.names is None:
            rows = np.empty(steps.shape, dtype=object)
            for j, column in enumerate(columns):
                rows[:, j] = column
            return rows
        made: Any = self.kind(dict(zip(self.names, columns, strict=True)))
        return made.astype(self.types) if self.types else made


def _objects(X: Any) -> list[Array]:
    """Columns of an array or of lists, where they may hold words."""
    try:
        array = X if isinstance(X, np.ndarray) else np.asarray(X, dtype=object)
    except ValueError:
        return []
    return list(array.T) if array.ndim == 2 and array.dtype.kind in "OUS" else []


def _fit(z: Array, y: Array) -> tuple[Array, Array, Array]:
    """A line's coefficients, the constant first, the residuals of a line without each row, and standard errors of the coefficients."""
    a = np.column_stack([np.ones(len(z)), z])
    inverse = np.linalg.pinv(a.T @ a)
    b = inverse @ (a.T @ y)
    leverage = np.einsum("ij,jk,ik->i", a, inverse, a)
    # Errors of a line through what is no line: the sandwich, with leave-one-out residuals. Draws are of pairs, one on either side.
    without = (y - a @ b) / np.maximum(1.0 - leverage, 1e-12)
    scores = (a * without[:, None]).reshape(2, -1, a.shape[1]).sum(axis=0)
    spread = np.sqrt(np.maximum(np.diag(inverse @ (scores.T @ scores) @ inverse), 0.0))
    return b, without, spread


def _select(z: Array, y: Array, most: int) -> list[int]:
    """Columns taken one after the other, each time the one that leaves least, as long as the corrected criterion of Akaike falls."""
    n, d = z.shape
    left = y - y.mean()
    basis = z - z.mean(axis=0)
    floor = max(1e-24 * float(left @ left), 1e-300)

    def criterion(rss: float, k: int) -> float:
        return float(n * np.log(max(rss, floor) / n) + 2.0 * (k + 2) * n / (n - k - 3))

    taken: list[int] = []
    value: float = criterion(float(left @ left), 0)
    while len(taken) < min(most, d):
        norms = np.einsum("ij,ij->j", basis, basis)
        gains: Any = np.where(norms > 1e-12 * n, (basis.T @ left) ** 2 / np.maximum(norms, 1e-300), 0.0)
        gains[taken] = 0.0
        c = int(np.argmax(gains))
        if not gains[c] > 0.0:
            break
        # What remains of all columns, and of the predictions, beside the one that was taken.
        own = basis[:, c] / np.sqrt(norms[c])
        left = left - own * (own @ left)
        basis = basis - np.outer(own, own @ basis)
        after = criterion(float(left @ left), len(taken) + 1)
        if not after < value:
            break
        value = after
        taken.append(c)
    return taken
