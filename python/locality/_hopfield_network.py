"""Hopfield networks of units that are -1 or 1."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, check_is_fitted
from ._hopfield import columns_of, known_cells, table_of
from ._mean import Progress


class NetworkRecall(NamedTuple):
    """What `HopfieldNetwork` recalled."""

    #: Where each state ended, ``(m, d)``, of -1 and 1.
    states: Array
    #: Sweeps of each state, the last of which changed nothing where it rests.
    sweeps: Array
    #: Whether each state rests; else the sweeps ran out, or it goes to and fro.
    settled: Array
    #: The energy of each state before its first sweep and after each.
    energies: list[Array]


class HopfieldNetwork(BaseEstimator):
    """A Hopfield network of units that are -1 or 1, classic or dense.

    Parameters
    ----------
    rule : {"hebbian", "pseudo_inverse", "storkey", "polynomial", "rectified", "exponential"}, default "hebbian"
        "hebbian" (Hopfield 1982), "pseudo_inverse" (Personnaz et al. 1986) and "storkey" (1997) learn couplings of pairs of units. The dense
        memories keep the patterns ``x_k``: "polynomial" has the energy ``-(d / n) sum_k (x_k s / d)^n`` (Krotov and Hopfield 2016), "rectified"
        the same without negative overlaps, and "exponential" ``-ln sum_k exp(x_k s)`` (Demircigil et al. 2017).
    degree : int, default 3
        ``n`` of "polynomial" and "rectified", at least 2.
    update : {"asynchronous", "synchronous"}, default "asynchronous"
        Units one after the other in an order drawn anew for each sweep, with which the energy never rises; or all at once.
    bias : array_like, shape (d,), optional
        What each unit is drawn to by itself: minus its threshold.
    max_iter : int, default 100
        Most sweeps over all units.
    random_state : int, RandomState, Generator or None, default 0
        Of the orders; None draws a seed at `fit`.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    patterns_ : ndarray, shape (n, d)
        The patterns, in the order of their ids.
    ids_ : ndarray of int, shape (n,)
        Their ids, which count up from 0.
    couplings_ : ndarray, shape (d, d), or None
        Symmetric, with a zero diagonal; None for dense memories.
    n_features_in_ : int
        Number of units.
    feature_names_in_ : ndarray of str, shape (d,)
        Names of the columns, where the patterns were a data frame; frames of later calls must have the same ones in this order.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> patterns = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    >>> network = lc.HopfieldNetwork().fit(patterns)
    >>> network.recall([[1, 1, 1, 1, -1, 1, -1, -1]]).states
    array([[ 1.,  1.,  1.,  1., -1., -1., -1., -1.]])
    >>> network.complete([[np.nan, np.nan, 1, -1, 1, -1, np.nan, np.nan]]).states
    array([[ 1., -1.,  1., -1.,  1., -1.,  1., -1.]])
    >>> network.forget([0]).ids_
    array([1])
    """

    def __init__(
        self,
        rule: Literal["hebbian", "pseudo_inverse", "storkey", "polynomial", "rectified", "exponential"] = "hebbian",
        *,
        degree: int = 3,
        update: Literal["asynchronous", "synchronous"] = "asynchronous",
        bias: npt.ArrayLike | None = None,
        max_iter: int = 100,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.rule = rule
        self.degree = degree
        self.update = update
        self.bias = bias
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learns patterns.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Patterns of -1 and 1, or booleans, which count as such.
        y : ignored

        Returns
        -------
        HopfieldNetwork
            Itself.
        """
        rows = _signs(X, "X")
        # Drawn once: copies and files must recall the same.
        self._seed = _arrays.seed(self.random_state)
        self._network = Prepared(self._learn(rows))
        columns_of(self, X, reset=True)
        # A copy: the caller's array may change, and what is kept must not.
        self._patterns = rows.copy()
        # And the next one.
        self._ids = np.arange(len(rows) + 1, dtype=np.intp)
        self._held = list(range(len(rows)))
        self.n_features_in_ = rows.shape[1]
        return self

    def partial_fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learns more patterns: the same as learning all at once, in this order.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Patterns of -1 and 1, or booleans, which count as such.
        y : ignored

        Returns
        -------
        HopfieldNetwork
            Itself.
        """
        if "_network" not in vars(self):
            return self.fit(X)
        rows = _signs(X, "X")
        columns_of(self, X, reset=False)
        self._held = [*self._core_ids(), *self._core().add(rows, _arrays.threads(self.n_jobs))]
        self._patterns = np.concatenate([self._patterns, rows])
        self._ids = np.concatenate([self._ids, self._ids[-1] + np.arange(1, len(rows) + 1)])
        return self

    def forget(self, ids: npt.ArrayLike) -> Self:
        """Forgets patterns, as if they had never been learnt.

        "hebbian" takes their products away again and dense memories drop them; under "storkey" and "pseudo_inverse", where a pattern
        has left its mark on those after it, the couplings are learnt anew from the patterns that are kept.

        Parameters
        ----------
        ids : array_like of int
            Their ids.

        Returns
        -------
        HopfieldNetwork
            Itself.
        """
        check_is_fitted(self)
        wanted = [_arrays.count(i, "ids") for i in np.atleast_1d(np.asarray(ids)).tolist()]
        own = self._ids[:-1].tolist()
        for at, i in enumerate(wanted):
            if i not in own or i in wanted[:at]:
                raise ValueError(f"id {i} is not stored, or given twice; forget only ids that are stored")
        gone = np.isin(self._ids[:-1], wanted)
        core, held = self._core(), self._core_ids()
        core.forget([held[i] for i in np.flatnonzero(gone)], _arrays.threads(self.n_jobs))
        self._held = [held[i] for i in np.flatnonzero(~gone)]
        self._patterns = self._patterns[~gone]
        self._ids = self._ids[np.append(~gone, True)]
        return self

    def recall(self, states: npt.ArrayLike, *, progress: Progress | None = None) -> NetworkRecall:
        """Updates states until they rest.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States of -1 and 1, or booleans.
        progress : callable, optional
            Called with states done and states.

        Returns
        -------
        NetworkRecall
        """
        rows = self._rows(states)
        return self._told(self._core().recall(rows, None, _arrays.threads(self.n_jobs), progress))

    def complete(
        self, states: npt.ArrayLike, known: npt.ArrayLike | None = None, *, progress: Progress | None = None
    ) -> NetworkRecall:
        """Recalls from some known units, which keep their sign. Each other begins with the sign that the known ones draw it to.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States of -1 and 1, or booleans, of which only the known units mean anything.
        known : array_like of bool, shape (m, d) or (d,), optional
            Which units are known; by default those that are not NaN.
        progress : callable, optional
            As in `recall`.

        Returns
        -------
        NetworkRecall
        """
        rows = self._rows(states)
        mask = known_cells(rows, known)
        return self._told(self._core().recall(rows, mask, _arrays.threads(self.n_jobs), progress))

    def energies(self, states: npt.ArrayLike) -> Array:
        """The energy of each state.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States of -1 and 1, or booleans.

        Returns
        -------
        ndarray, shape (m,)
        """
        rows = self._rows(states)
        return np.array(self._core().energies(rows, _arrays.threads(self.n_jobs)))

    @property
    def patterns_(self) -> Array:
        check_is_fitted(self)
        return self._patterns.copy()

    @property
    def ids_(self) -> Array:
        check_is_fitted(self)
        return self._ids[:-1].copy()

    @property
    def couplings_(self) -> Array | None:
        check_is_fitted(self)
        return self._core().couplings()

    def __sklearn_is_fitted__(self) -> bool:
        return "_network" in vars(self)

    def _rows(self, states: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        rows = _signs(states, "states")
        columns_of(self, states, reset=False)
        return rows

    def _learn(self, rows: Array) -> _core.HopfieldNetwork:
        if not isinstance(self.rule, str):
            raise TypeError(f"rule must be the name of a rule, such as 'hebbian', not {self.rule!r}")
        if self.update not in ("asynchronous", "synchronous"):
            raise ValueError(f"update={self.update!r} is neither 'asynchronous' nor 'synchronous'")
        sweeps = _arrays.count(self.max_iter, "max_iter")
        if sweeps == 0:
            raise ValueError("max_iter=0 must be at least 1: a state that is never updated recalls nothing")
        bias = None
        if self.bias is not None:
            bias = [float(b) for b in _arrays.numbers(self.bias, "bias").ravel()]
        return _core.HopfieldNetwork(
            rows,
            self.rule,
            _arrays.count(self.degree, "degree"),
            bias,
            self._seed if self.update == "asynchronous" else None,
            sweeps,
            _arrays.threads(self.n_jobs),
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Copies from before seeds were kept.
        vars(self).update({"_seed": state.get("random_state")} | state)

    def _core(self) -> _core.HopfieldNetwork:
        if self._network.made is None:
            self._network = Prepared(self._learn(self._patterns))
            self._held = list(range(len(self._patterns)))
        made: _core.HopfieldNetwork = self._network.made
        return made

    def _core_ids(self) -> list[int]:
        """What the core calls the patterns: it counts anew where it is made anew."""
        self._core()
        return self._held

    def _told(self, found: tuple[Array, list[int], list[bool], list[list[float]]]) -> NetworkRecall:
        ends, sweeps, settled, energies = found
        return NetworkRecall(ends, np.array(sweeps), np.array(settled), [np.array(e) for e in energies])


def _signs(x: npt.ArrayLike, name: str) -> Array:
    """Rows of numbers, where booleans are -1 and 1."""
    _arrays.unmasked(x, name)
    if np.asarray(x).dtype == np.bool_:
        x = np.where(x, 1.0, -1.0)
    return table_of(x, name).astype(np.float64, copy=False)
