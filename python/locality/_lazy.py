"""Nearest neighbours as an estimator, and what all lazy learners share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._base import BaseEstimator, check_is_fitted, validate_data
from ._core import Kernel, NeighborMemory
from ._tables import table_data

Weights = str | Kernel | Callable[[Array], Any] | None

_ALGORITHMS = ("auto", "ball_tree", "kd_tree", "brute")
_MINKOWSKI = {1.0: "manhattan", 2.0: "euclidean", math.inf: "chebyshev"}
_METRICS = {
    "euclidean": "euclidean",
    "l2": "euclidean",
    "manhattan": "manhattan",
    "l1": "manhattan",
    "cityblock": "manhattan",
    "chebyshev": "chebyshev",
    "infinity": "chebyshev",
    "cosine": "cosine",
    "haversine": "haversine",
    "haversine_km": "haversine_km",
    "hamming": "hamming",
    "mahalanobis": "mahalanobis",
}

_INSTEAD = {
    "sqeuclidean": "; its nearest are those of 'euclidean', whose distances you can square",
    "dot": "; nearest by inner product are found by locality.nearest(.., metric='dot')",
    "precomputed": "; neighbours of known distances are numpy.argpartition's work",
}


def metric_of(metric: str) -> str:
    """The extension's name of a metric without parameters."""
    if metric not in _METRICS or metric == "mahalanobis":
        known = ", ".join(sorted(set(_METRICS) - {"mahalanobis"}))
        raise ValueError(f"metric={metric!r} is not known here; choose one of {known}")
    return _METRICS[metric]


class Memory:
    """The extension's samples with targets; a copy or a loaded one is laid out anew."""

    def __init__(self, made: NeighborMemory, dtype: npt.DTypeLike, how: tuple[str, list[list[float]] | None]) -> None:
        self.made = made
        self.dtype = np.dtype(dtype)
        self.how = how

    @classmethod
    def of(cls, X: Array, targets: Array, how: tuple[str, list[list[float]] | None], jobs: int) -> Memory:
        """Samples and targets laid out."""
        return cls(NeighborMemory(X, targets, how[0], how[1], threads=jobs), X.dtype, how)

    def __reduce__(self) -> tuple[Any, ...]:
        samples, targets, ids, next_id = self.made.state()
        return _restored, (samples, targets, ids, next_id, self.how)


def _restored(samples: Array, targets: Array, ids: Array, next_id: int, how: Any) -> Memory:
    made = NeighborMemory(samples, targets, how[0], how[1], ids.tolist(), next_id)
    return Memory(made, samples.dtype, how)


class Neighbors(BaseEstimator):
    """Parameters, searches, adding and forgetting."""

    n_jobs: int | None
    _memory: Memory

    def _check_parameters(self) -> None:
        given = self.get_params(deep=False)
        if given["algorithm"] not in _ALGORITHMS:
            raise ValueError(f"algorithm={given['algorithm']!r} is not known; choose one of {', '.join(_ALGORITHMS)}")
        if _arrays.count(given["leaf_size"], "leaf_size") < 1:
            raise ValueError("leaf_size=0 must be a positive number")
        if given.get("n_neighbors", 1) is not None and _arrays.count(given.get("n_neighbors", 1), "n_neighbors") < 1:
            raise ValueError("n_neighbors=0 must be at least 1")
        if given.get("radius") is not None:
            radius = _arrays.number(given["radius"], "radius")
            if not (radius >= 0 and math.isfinite(radius)):
                raise ValueError(f"radius={radius} must be a finite number that is not negative")

    def _how(self, X: Any) -> tuple[str, list[list[float]] | None]:
        """The metric by our name, and its matrix."""
        given = self.get_params(deep=False)
        metric, more = given["metric"], dict(given["metric_params"] or {})
        if metric == "minkowski":
            p = _arrays.number(more.pop("p", given["p"]), "p")
            if p not in _MINKOWSKI:
                raise ValueError(f"p={p:g} is not supported; choose 1 (manhattan), 2 (euclidean) or infinity (chebyshev)")
            name = _MINKOWSKI[p]
        elif isinstance(metric, str) and metric in _METRICS:
            name = _METRICS[metric]
        else:
            known = ", ".join(["minkowski", *_METRICS])
            instead = _INSTEAD.get(metric, "") if isinstance(metric, str) else ""
            raise ValueError(f"metric={metric!r} is not supported{instead}; choose one of {known}")
        matrix = None
        if name == "mahalanobis":
            if "V" in more:
                more["VI"] = np.linalg.inv(np.asarray(more.pop("V"), dtype=np.float64))
            if "VI" not in more:
                raise ValueError("metric='mahalanobis' needs metric_params={'V': covariance} or {'VI': its inverse}")
            try:
                matrix = np.linalg.cholesky(np.asarray(more.pop("VI"), dtype=np.float64)).T.tolist()
            except np.linalg.LinAlgError:
                raise ValueError("the matrix of metric='mahalanobis' must be positive definite") from None
        if more:
            raise ValueError(f"metric_params has {sorted(more)}, which metric={metric!r} does not take; leave it out")
        return name, matrix

    def _rule(self) -> Any:
        weights = self.get_params(deep=False)["weights"]
        if weights is None:
            return "uniform"
        if not (isinstance(weights, (str, Kernel)) or callable(weights)):
            raise ValueError(
                f"weights={weights!r} must be 'uniform', 'distance', a kernel as 'tricube' or 'gaussian(h=0.3)', or a function"
            )
        return weights

    def _keep(self, X: Array, targets: Array) -> None:
        self._check_parameters()
        how = self._how(X)
        _arrays.latitudes(X, how[0], "X")
        self._memory = Memory.of(X, np.ascontiguousarray(targets, dtype=np.float64), how, _arrays.threads(self.n_jobs))
        self.effective_metric_ = how[0]
        self.n_samples_fit_ = len(X)

    def _more(self, X: Array, targets: Array) -> None:
        self._memory.made.insert(X, np.ascontiguousarray(targets, dtype=np.float64))
        self.n_samples_fit_ = len(self._memory.made)

    @property
    def ids_(self) -> Array:
        """The ids of the known samples, ascending: their numbers in the order of arrival. An id never changes."""
        check_is_fitted(self)
        return self._memory.made.state()[2]

    def forget(self, indices: npt.ArrayLike) -> Self:
        """Forgets samples; what is left predicts as if it had been fitted alone.

        Parameters
        ----------
        indices : array_like of int
            Ids of samples, as `kneighbors` tells them: numbers in the order of arrival, from 0. Other samples keep their ids.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        ids = np.atleast_1d(np.asarray(indices))
        if ids.size and (ids.ndim > 1 or ids.dtype.kind not in "iu"):
            raise TypeError(f"indices must be a list of whole numbers, not {indices!r}")
        if (ids < 0).any():
            raise ValueError(f"indices has {ids.min()}; ids are not negative")
        self._memory.made.forget([int(i) for i in ids])
        self.n_samples_fit_ = len(self._memory.made)
        return self

    def _queries(self, X: Any) -> Array | None:
        check_is_fitted(self)
        return None if X is None else table_data(self, X, reset=False, dtype=self._memory.dtype)

    def _found(self, X: Any, k: int | None, radius: float) -> tuple[Array, Array, Array]:
        return self._memory.made.neighbors(self._queries(X), k, radius, _arrays.threads(self.n_jobs))

    def _graph(self, found: tuple[Array, Array, Array], mode: str) -> Any:
        try:
            from scipy.sparse import csr_matrix
        except ImportError:
            raise ImportError("graphs are SciPy's sparse matrices; install scipy, or use the neighbours themselves") from None
        starts, ids, distances = found
        if mode not in ("connectivity", "distance"):
            raise ValueError(f"mode={mode!r} is not known; choose 'connectivity' or 'distance'")
        data = np.ones(len(ids)) if mode == "connectivity" else distances
        return csr_matrix((data, ids, starts), shape=(len(starts) - 1, self._memory.made.state()[3]))


class KNeighborsMixin(Neighbors):
    """Searches for the k nearest."""

    n_neighbors: int

    def _k(self, n_neighbors: int | None) -> int:
        return _arrays.count(self.n_neighbors if n_neighbors is None else n_neighbors, "n_neighbors")

    def kneighbors(
        self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Array | tuple[Array, Array]:
        """The nearest samples of each row, nearest first, ties in the order of arrival.

        Parameters
        ----------
        X : array_like, shape (m, d), optional
            Queries; without them, each sample looks for its neighbours among the others.
        n_neighbors : int, optional
            How many; the estimator's by default.
        return_distance : bool, default True
            Whether to return distances, too.

        Returns
        -------
        neigh_dist : ndarray, shape (m, n_neighbors)
            Only where `return_distance`.
        neigh_ind : ndarray of int, shape (m, n_neighbors)
            Ids of samples.
        """
        check_is_fitted(self)
        k = self._k(n_neighbors)
        _, ids, distances = self._found(X, k, 0.0)
        ids = ids.reshape(-1, k)
        return (distances.reshape(-1, k), ids) if return_distance else ids

    def kneighbors_graph(self, X: npt.ArrayLike | None = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """The same as a sparse matrix of ones, or of distances.

        Parameters
        ----------
        X, n_neighbors
            As in `kneighbors`.
        mode : {"connectivity", "distance"}, default "connectivity"
            What the matrix holds.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (m, n)
            Column ``i`` is the sample of id ``i``.
        """
        check_is_fitted(self)
        return self._graph(self._found(X, self._k(n_neighbors), 0.0), mode)


class RadiusNeighborsMixin(Neighbors):
    """Searches within a radius."""

    radius: float

    def _radius(self, radius: float | None) -> float:
        return _arrays.number(self.radius if radius is None else radius, "radius")

    def radius_neighbors(
        self,
        X: npt.ArrayLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Array | tuple[Array, Array]:
        """All samples within a radius of each row, the edge included.

        Parameters
        ----------
        X : array_like, shape (m, d), optional
            Queries; without them, each sample looks for its neighbours among the others.
        radius : float, optional
            The largest distance; the estimator's by default.
        return_distance : bool, default True
            Whether to return distances, too.
        sort_results : bool, default False
            Whether the nearest come first; else they are in the order of arrival.

        Returns
        -------
        neigh_dist : ndarray of arrays, shape (m,)
            Only where `return_distance`.
        neigh_ind : ndarray of arrays of int, shape (m,)
            Ids of samples.
        """
        check_is_fitted(self)
        if sort_results and not return_distance:
            raise ValueError("sort_results=True needs return_distance=True")
        starts, ids, distances = self._found(X, None, self._radius(radius))
        if sort_results:
            row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            order = np.lexsort((distances, row))
            ids, distances = ids[order], distances[order]
        split = _rows(ids, starts)
        return (_rows(distances, starts), split) if return_distance else split

    def radius_neighbors_graph(
        self,
        X: npt.ArrayLike | None = None,
        radius: float | None = None,
        mode: str = "connectivity",
        sort_results: bool = False,
    ) -> Any:
        """The same as a sparse matrix of ones, or of distances.

        Parameters
        ----------
        X, radius
            As in `radius_neighbors`.
        mode : {"connectivity", "distance"}, default "connectivity"
            What the matrix holds.
        sort_results : bool, default False
            Accepted for scikit-learn's sake; entries are in the order of columns.

        Returns
        -------
        scipy.sparse.csr_matrix, shape (m, n)
            Column ``i`` is the sample of id ``i``.
        """
        check_is_fitted(self)
        return self._graph(self._found(X, None, self._radius(radius)), mode)


def _rows(flat: Array, starts: Array) -> Array:
    out = np.empty(len(starts) - 1, dtype=object)
    for i in range(len(out)):
        out[i] = flat[starts[i] : starts[i + 1]]
    return out


def own_weights(weights: Callable[[Array], Any], k: int | None, found: tuple[Array, Array, Array]) -> Array:
    """What a function of the distances says, one after the other."""
    starts, _, distances = found
    if k is not None:
        made = np.asarray(weights(distances.reshape(-1, k)), dtype=np.float64).reshape(-1)
    else:
        rows = [np.asarray(w, dtype=np.float64).reshape(-1) for w in weights(_rows(distances, starts))]
        made = np.concatenate(rows) if rows else np.empty(0)
    if len(made) != len(distances):
        raise ValueError(f"weights returned {len(made)} numbers for {len(distances)} distances; it must return one for each")
    return np.ascontiguousarray(made)


class NearestNeighbors(KNeighborsMixin, RadiusNeighborsMixin):
    """Exact nearest-neighbour search among samples that may come and go.

    Parameters, methods and results are scikit-learn's; `partial_fit` and `forget` go beyond it.

    Parameters
    ----------
    n_neighbors : int, default 5
        How many neighbours `kneighbors` looks for.
    radius : float, default 1.0
        How far `radius_neighbors` looks.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default "auto"
        Without effect: the search chooses between tree and scan itself, and is exact either way.
    leaf_size : int, default 30
        Without effect.
    metric : str, default "minkowski"
        "minkowski" with `p`, "euclidean", "manhattan", "chebyshev" (and scikit-learn's other names of these), "cosine", "haversine"
        (radians), "haversine_km" (degrees and kilometres), "hamming" (the number of columns that differ, not their share), or "mahalanobis" with its matrix. No callables, nothing
        precomputed.
    p : float, default 2
        Of "minkowski": 1, 2 or infinity.
    metric_params : dict, optional
        ``{"V": covariance}`` or ``{"VI": its inverse}`` for "mahalanobis".
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    n_samples_fit_ : int
        Number of known samples.
    ids_ : ndarray of int
        Their ids: numbers in the order of arrival, which never change.
    effective_metric_ : str
        The metric in force.
    n_features_in_ : int
        Number of columns.

    Examples
    --------
    >>> import locality as lc
    >>> model = lc.NearestNeighbors(n_neighbors=2).fit([[0.0], [1.0], [2.0], [10.0]])
    >>> model.kneighbors([[1.25]])
    (array([[0.25, 0.75]]), array([[1, 2]]))
    >>> model.partial_fit([[1.5]]).forget([1]).kneighbors([[1.25]])
    (array([[0.25, 0.75]]), array([[4, 2]]))
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Keeps the samples, laid out for searching.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        NearestNeighbors
            Itself.
        """
        samples: Array = validate_data(self, X, dtype=[np.float64, np.float32])
        self._keep(samples, np.empty((len(samples), 0)))
        return self

    def partial_fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Adds samples to those there are.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Samples; their ids follow on those given so far.
        y : ignored

        Returns
        -------
        NearestNeighbors
            Itself.
        """
        if not hasattr(self, "_memory"):
            return self.fit(X)
        samples: Array = validate_data(self, X, reset=False, dtype=self._memory.dtype)
        self._more(samples, np.empty((len(samples), 0)))
        return self
