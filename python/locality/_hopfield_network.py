"""Hopfield networks of units that are -1 or 1."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, check_is_fitted
from ._hopfield import table_of
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
    random_state : int, default 0
        Of the orders.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    couplings_ : ndarray, shape (d, d), or None
        Symmetric, with a zero diagonal; None for dense memories.
    n_features_in_ : int
        Number of units.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> patterns = np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1, 1, -1, 1, -1, 1, -1]])
    >>> network = lc.HopfieldNetwork().fit(patterns)
    >>> network.recall([[1, 1, 1, 1, -1, 1, -1, -1]]).states
    array([[ 1.,  1.,  1.,  1., -1., -1., -1., -1.]])
    """

    def __init__(
        self,
        rule: Literal["hebbian", "pseudo_inverse", "storkey", "polynomial", "rectified", "exponential"] = "hebbian",
        *,
        degree: int = 3,
        update: Literal["asynchronous", "synchronous"] = "asynchronous",
        bias: npt.ArrayLike | None = None,
        max_iter: int = 100,
        random_state: int = 0,
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
            Patterns of -1 and 1.
        y : ignored

        Returns
        -------
        HopfieldNetwork
            Itself.
        """
        rows = table_of(X, "X").astype(np.float64, copy=False)
        self._network = Prepared(self._learn(rows))
        # A copy: the caller's array may change, and what is kept must not.
        self._patterns = rows.copy()
        self.n_features_in_ = rows.shape[1]
        return self

    def partial_fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Learns more patterns: the same as learning all at once, in this order.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Patterns of -1 and 1.
        y : ignored

        Returns
        -------
        HopfieldNetwork
            Itself.
        """
        if "_network" not in vars(self):
            return self.fit(X)
        rows = table_of(X, "X").astype(np.float64, copy=False)
        self._core().add(rows, _arrays.threads(self.n_jobs))
        self._patterns = np.concatenate([self._patterns, rows])
        return self

    def recall(self, states: npt.ArrayLike, *, progress: Progress | None = None) -> NetworkRecall:
        """Updates states until they rest.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States of -1 and 1.
        progress : callable, optional
            Called with states done and states.

        Returns
        -------
        NetworkRecall
        """
        check_is_fitted(self)
        rows = table_of(states, "states").astype(np.float64, copy=False)
        ends, sweeps, settled, energies = self._core().recall(rows, _arrays.threads(self.n_jobs), progress)
        return NetworkRecall(ends, np.array(sweeps), np.array(settled), [np.array(e) for e in energies])

    def energies(self, states: npt.ArrayLike) -> Array:
        """The energy of each state.

        Parameters
        ----------
        states : array_like, shape (m, d)
            States of -1 and 1.

        Returns
        -------
        ndarray, shape (m,)
        """
        check_is_fitted(self)
        rows = table_of(states, "states").astype(np.float64, copy=False)
        return np.array(self._core().energies(rows, _arrays.threads(self.n_jobs)))

    @property
    def couplings_(self) -> Array | None:
        check_is_fitted(self)
        return self._core().couplings()

    def __sklearn_is_fitted__(self) -> bool:
        return "_network" in vars(self)

    def _learn(self, rows: Array) -> _core.HopfieldNetwork:
        if self.update not in ("asynchronous", "synchronous"):
            raise ValueError(f"update={self.update!r} is neither 'asynchronous' nor 'synchronous'")
        bias = None
        if self.bias is not None:
            bias = [float(b) for b in _arrays.numbers(self.bias, "bias").ravel()]
        return _core.HopfieldNetwork(
            rows,
            self.rule,
            _arrays.count(self.degree, "degree"),
            bias,
            _arrays.count(self.random_state, "random_state") if self.update == "asynchronous" else None,
            _arrays.count(self.max_iter, "max_iter"),
            _arrays.threads(self.n_jobs),
        )

    def _core(self) -> _core.HopfieldNetwork:
        if self._network.made is None:
            self._network = Prepared(self._learn(self._patterns))
        made: _core.HopfieldNetwork = self._network.made
        return made
