"""Memories of real patterns: modern Hopfield networks."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, NotFittedError, Prepared, validate_data
from ._core import Kernel
from ._mean import Progress


class Recall(NamedTuple):
    """What `HopfieldMemory` recalled."""

    #: Where each state ended, ``(m, d)``.
    states: Array
    #: The values that were read in the last step, ``(m, p)`` or ``(m,)``: at states that rest, theirs; after one step what attention reads. The
    #: states themselves where patterns have no values. NaN where no pattern has a weight.
    values: Array
    #: Steps of each state.
    steps: Array
    #: Whether each state rests.
    settled: Array
    #: The states that no pattern has a weight at: they stay where they are.
    lost: Array
    #: With ``trace=True``: the energy of each state before its first step and after each; else empty.
    energies: list[Array]


class HopfieldMemory(BaseEstimator):
    """A memory of real patterns: the modern continuous Hopfield network, under any kernel.

    A state moves to the local mean of the stored patterns, ``x <- sum_i K(x, x_i) x_i / sum_i K(x, x_i)``, until it rests. Under
    ``softmax(beta=b)``, the default, one step is attention: the pattern of the largest inner product counts most. That is the nearest one where all
    patterns have one length, as those of -1 and 1 or rows divided by their norms do; of others the longest win, so that an ordinary table goes to
    a row or two of it, of which `recall` and `complete` warn. Under kernels of the distance (``gaussian(h=..)``) the nearest patterns count whatever
    their lengths; ``h`` well below the distance between neighbours keeps them apart. Kernels that end (``epanechnikov``, ``triweight``) recall a
    pattern alone within their bandwidth exactly.

    Parameters
    ----------
    kernel : Kernel or str, default "softmax(beta=1)"
        How much a stored pattern counts at a state.
    max_iter : int, default 100
        Most steps of a state; 1 is one read of attention.
    tol : float, default 1e-6
        A state rests once no column moves by more than this share of the largest absolute number stored.
    trace : bool, default False
        Whether energies are kept.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    patterns_ : ndarray, shape (n, d)
        The stored patterns, in the order of their ids.
    values_ : ndarray, shape (n, p), or None
        Their values.
    ids_ : ndarray of int, shape (n,)
        Their ids.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str, shape (d,)
        Names of the columns, where the first patterns were a data frame; frames of later calls must have the same ones in this order.

    References
    ----------
    Ramsauer et al. (2021), Hopfield networks is all you need; Hoover et al. (2025), Dense associative memory with Epanechnikov energy.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> patterns = np.array([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]])
    >>> memory = lc.HopfieldMemory("softmax(beta=4)").store(patterns)
    >>> memory.recall([[0.9, 0.4, -0.2, -1.0]]).states.round(2)
    array([[ 1.,  1., -1., -1.]])
    >>> memory.complete([[np.nan, -1.0, 1.0, np.nan]]).states.round(2)
    array([[ 1., -1.,  1., -1.]])
    >>> memory.store([[-1.0, -1.0, -1.0, -1.0]]).forget([0]).ids_
    array([1, 2])
    """

    def __init__(
        self,
        kernel: Kernel | str = "softmax(beta=1)",
        *,
        max_iter: int = 100,
        tol: float = 1e-6,
        trace: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.max_iter = max_iter
        self.tol = tol
        self.trace = trace
        self.n_jobs = n_jobs

    def store(self, patterns: npt.ArrayLike, values: npt.ArrayLike | None = None) -> Self:
        """Stores patterns beside those stored already. Ids count up from 0. The parameters of the first call stay in force until `fit`.

        Parameters
        ----------
        patterns : array_like, shape (n, d)
            Patterns, or keys.
        values : array_like, shape (n, p) or (n,), optional
            What comes with each (hetero-association). Either all stored patterns have values or none.

        Returns
        -------
        HopfieldMemory
            Itself.
        """
        keys, answers = table_of(patterns, "patterns"), None
        if values is not None:
            answers = _arrays.numbers(values, "values")
            if answers.ndim not in (1, 2):
                raise ValueError(f"values has shape {answers.shape}; give one number or one row for each pattern")
        known = getattr(self, "_memory", None)
        if known is None or known.made is None and "_state" not in vars(self):
            dtype = keys.dtype
            rows = self._values(keys, answers, dtype)
            # What is in force from here on, whatever becomes of the parameters: copies and files must recall the same.
            self._kernel = _arrays.kernel_of(self.kernel, None)
            self._max_iter = _arrays.count(self.max_iter, "max_iter")
            self._tol = _arrays.number(self.tol, "tol")
            self._trace = bool(self.trace)
            self._make(keys, rows)
            columns_of(self, patterns, reset=True)
            self._flat = answers is not None and answers.ndim == 1
            self._paired = answers is not None
            return self
        if self._paired != (answers is not None):
            raise ValueError(
                "values must be given for all patterns or for none; those stored " + ("have some" if self._paired else "have none")
            )
        columns_of(self, patterns, reset=False)
        vars(self).pop("_judged", None)
        self._core().add(_within(keys, self._dtype, "patterns"), self._values(keys, answers, self._dtype))
        return self

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Forgets everything and stores these patterns, with values `y` if given.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Patterns.
        y : array_like, shape (n, p) or (n,), optional
            Values.

        Returns
        -------
        HopfieldMemory
            Itself.
        """
        for name in ("_memory", "_state", "_judged"):
            vars(self).pop(name, None)
        return self.store(X, y)

    def forget(self, ids: npt.ArrayLike) -> Self:
        """Forgets patterns, as if they had never been stored.

        Parameters
        ----------
        ids : array_like of int
            Their ids.

        Returns
        -------
        HopfieldMemory
            Itself.
        """
        vars(self).pop("_judged", None)
        self._core().forget([_arrays.count(i, "ids") for i in np.atleast_1d(np.asarray(ids)).tolist()])
        return self

    def recall(self, states: npt.ArrayLike, *, progress: Progress | None = None) -> Recall:
        """Moves states until they rest.

        Parameters
        ----------
        states : array_like, shape (m, d)
            Where to start.
        progress : callable, optional
            Called with steps done and steps at most.

        Returns
        -------
        Recall
        """
        rows = self._rows(states)
        self._judge()
        return self._told(self._core().recall(rows, None, _arrays.threads(self.n_jobs), progress))

    def complete(
        self, states: npt.ArrayLike, known: npt.ArrayLike | None = None, *, progress: Progress | None = None
    ) -> Recall:
        """Recalls from some known cells: the first step weighs patterns by these alone, and they keep their values.

        Parameters
        ----------
        states : array_like, shape (m, d)
            Where to start.
        known : array_like of bool, shape (m, d) or (d,), optional
            Which cells are known; by default those that are not NaN, nor pandas' NA.
        progress : callable, optional
            As in `recall`.

        Returns
        -------
        Recall
        """
        rows = self._rows(states)
        mask = known_cells(rows, known)
        self._judge()
        return self._told(self._core().recall(rows, mask, _arrays.threads(self.n_jobs), progress))

    def energies(self, states: npt.ArrayLike) -> Array | None:
        """The energy of each state, which no step raises.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States.

        Returns
        -------
        ndarray, shape (m,), or None
            None where the kernel has no energy that is known: it has one where it is one profile on all columns, ``softmax``, ``gaussian``,
            ``uniform``, ``epanechnikov``, ``biweight``, ``triweight``, ``student_t`` (``nu > 1``) or ``rational_quadratic`` (``alpha > 1``).
        """
        found = self._core().energies(self._rows(states), _arrays.threads(self.n_jobs))
        return None if found is None else np.array(found)

    def participation(self, states: npt.ArrayLike) -> Array:
        """Over how many patterns the weight at each state is spread, ``1 / sum_i w_i^2``. A state at rest with clearly more than 1 is metastable:
        a mean of similar patterns.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States.

        Returns
        -------
        ndarray, shape (m,)
            From 1 to n; 0 where no pattern has a weight.
        """
        return np.array(self._core().participation(self._rows(states), _arrays.threads(self.n_jobs)))

    def holders(self, states: npt.ArrayLike, least: float = 0.01) -> list[dict[int, float]]:
        """The patterns behind each state.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States.
        least : float, default 0.01
            Least share of the weight.

        Returns
        -------
        list of dict
            For each state, ids and shares, heaviest first.
        """
        least = _arrays.number(least, "least")
        return [dict(row) for row in self._core().holders(self._rows(states), least, _arrays.threads(self.n_jobs))]

    @property
    def patterns_(self) -> Array:
        return self._core().state()[0]

    @property
    def values_(self) -> Array | None:
        values = self._core().state()[1]
        return None if not self._paired else values[:, 0] if self._flat else values

    @property
    def ids_(self) -> Array:
        return np.array(self._core().state()[2], dtype=np.intp)

    def __len__(self) -> int:
        return len(self._core()) if "_memory" in vars(self) else 0

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if state.get("_memory") is not None:
            state["_state"] = self._core().state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def __sklearn_is_fitted__(self) -> bool:
        return "_memory" in vars(self)

    def _make(
        self, keys: Array, values: Array, ids: list[int] | None = None, next_id: int = 0, parts: list[int] | None = None
    ) -> None:
        self._dtype = keys.dtype
        self.n_features_in_ = keys.shape[1]
        self._memory = Prepared(
            _core.HopfieldMemory(
                keys,
                values,
                self._kernel,
                self._max_iter,
                self._tol,
                self._trace,
                ids,
                next_id,
                parts,
            )
        )

    def _core(self) -> _core.HopfieldMemory:
        if "_memory" not in vars(self):
            raise NotFittedError("this HopfieldMemory holds nothing; call store first")
        if self._memory.made is None:
            self._make(*vars(self).pop("_state"))
        made: _core.HopfieldMemory = self._memory.made
        return made

    def _values(self, keys: Array, values: Array | None, dtype: npt.DTypeLike) -> Array:
        if values is None:
            return np.empty((len(keys), 0), dtype)
        rows = values[:, None] if values.ndim == 1 else values
        return np.ascontiguousarray(_within(rows, dtype, "values"))

    def _rows(self, states: npt.ArrayLike) -> Array:
        self._core()
        rows = _within(table_of(states, "states"), self._dtype, "states")
        columns_of(self, states, reset=False)
        return rows

    def _judge(self) -> None:
        """Warns once where lengths of patterns decide instead of nearness. Keys of attention, one read of values, may have any."""
        if "_judged" in vars(self) or self._max_iter == 1 and self._paired:
            return
        self._judged = self._core().outscored()
        if self._judged > _MANY:
            warnings.warn(
                f"at {self._judged:.0%} of the stored patterns a longer one has the larger inner product, so that {self._kernel} cannot recall them; "
                "patterns of so different lengths need a kernel of the distance, such as HopfieldMemory('gaussian(h=..)') with an h below the distance "
                "between neighbours, or rows divided by their norms",
                stacklevel=3,
            )

    def _told(self, found: tuple[Any, ...]) -> Recall:
        states, values, steps, settled, lost, energies = found
        if not self._paired:
            values = states
        elif self._flat:
            values = values[:, 0]
        return Recall(
            states,
            values,
            np.array(steps, dtype=np.intp),
            np.array(settled, dtype=bool),
            np.array(lost, dtype=np.intp),
            [np.array(e) for e in energies],
        )


#: The share of patterns that cannot be recalled from which on that is told.
_MANY = 0.1


def columns_of(model: Any, x: Any, *, reset: bool) -> None:
    """Keeps the names of a frame's columns, or holds them against those kept, as scikit-learn does."""
    validate_data(model, x, reset=reset, skip_check_array=True, ensure_2d=False)


def table_of(x: npt.ArrayLike, name: str) -> Array:
    """Rows of numbers; pandas' NA is NaN."""
    array = _arrays.numbers(_with_nan(x), name)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; patterns are the rows of two dimensions, {name}.reshape(1, -1) for one")
    return array


def _with_nan(x: Any) -> Any:
    """Objects, as a frame of nullable numbers is, with NaN for NA; anything else as it is."""
    if not hasattr(x, "__array__"):
        return x
    _arrays.unmasked(x, "X")
    _arrays.undated(x, "X")
    array = np.asarray(x)
    if array.dtype != object:
        return x
    gaps = np.array([type(cell).__name__ == "NAType" for cell in array.ravel()], dtype=bool).reshape(array.shape)
    return np.where(gaps, np.nan, array) if gaps.any() else x


def _within(rows: Array, dtype: npt.DTypeLike, name: str) -> Array:
    """Rows in the numbers of a memory; what these cannot hold is named as it was given."""
    if rows.dtype == dtype:
        return rows
    if dtype == np.float32:
        beyond = np.argwhere((np.abs(rows) > np.finfo(np.float32).max) & np.isfinite(rows))
        if len(beyond):
            row, column = beyond[0]
            raise ValueError(
                f"{name} has {rows[row, column]:g} in row {row}, column {column} (counted from 0), beyond the range of this memory's float32; scale the "
                "numbers, or make the memory of float64, as its first patterns are"
            )
    return rows.astype(dtype)


def known_cells(rows: Array, known: npt.ArrayLike | None) -> Array:
    """A mask over rows: what is given, else the cells that are not NaN."""
    mask = ~np.isnan(rows) if known is None else np.asarray(known)
    if mask.dtype != np.bool_:
        raise TypeError(f"known holds {mask.dtype}; give True for known cells and False for the others")
    try:
        return np.ascontiguousarray(np.broadcast_to(mask, rows.shape))
    except ValueError:
        raise ValueError(f"known has shape {mask.shape}, but states has {rows.shape}; give one for each cell") from None
