"""Nearest neighbours: exact, ties in index order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import Nearest


class Neighbors(NamedTuple):
    """The nearest keys of each query, nearest first: indices, then distances."""

    indices: Array
    """Numbers of the keys, shape (m, n_neighbors)."""
    distances: Array
    """Their distances (of a score, as the inner product, the scores), shape (m, n_neighbors)."""


class NeighborsWithin(NamedTuple):
    """The keys within a radius of each query, in index order: those of query ``i`` are the entries ``starts[i]`` to ``starts[i + 1]``."""

    starts: Array
    """Where each query's entries start, shape (m + 1,)."""
    indices: Array
    """Numbers of the keys, shape (starts[-1],)."""
    distances: Array
    """Their distances, shape (starts[-1],)."""


def nearest(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    n_neighbors: int = 1,
    *,
    metric: str = "euclidean",
    map: Sequence[Sequence[float]] | None = None,
    n_jobs: int | None = None,
) -> Neighbors:
    """The nearest keys of each query, exact, nearest first; of equally near keys the lower index first.

    Parameters
    ----------
    q : array_like, shape (m, d) or (m,)
        Queries.
    k : array_like, shape (n, d) or (n,)
        Keys.
    n_neighbors : int, default 1
        How many for each query, 1 to ``n``.
    metric : str, default "euclidean"
        A metric's name; with ``"dot"`` the nearest key has the largest inner product. ``"haversine"`` takes (latitude, longitude) in radians,
        ``"haversine_km"`` in degrees, and gives kilometres. `GWR` and `MGWR` take the other order, (longitude, latitude) in degrees.
    map : matrix, optional
        The matrix ``A`` of ``metric="mahalanobis"``.
    n_jobs : int, optional
        Number of threads; every core by default.

    Returns
    -------
    Neighbors
        A named tuple ``(indices, distances)``, both of shape (m, n_neighbors). Which key is nearer is decided before distances are rounded (by their
        squares, where the metric has them): two that are reported as equal may differ there. Indices come first, unlike in SciPy, scikit-learn, faiss
        and `NearestNeighbors.kneighbors`: take them by name.

    Examples
    --------
    >>> import locality as lc
    >>> found = lc.nearest([1.25], [0.0, 1.0, 2.0, 10.0], 2)
    >>> found.indices, found.distances
    (array([[1, 2]]), array([[0.25, 0.75]]))
    """
    keys, queries = _arrays.one_type(_arrays.sites(k, "keys"), _arrays.queries_of(q, k))
    _arrays.latitudes(keys, metric, "k")
    _arrays.latitudes(queries, metric, "q")
    jobs = _arrays.threads(n_jobs)
    fit = Nearest(keys, metric, None if map is None else [[_arrays.number(x, "map") for x in row] for row in map], jobs)
    count = _arrays.count(n_neighbors, "n_neighbors")
    if not 1 <= count <= len(keys):
        raise ValueError(f"n_neighbors={count} must be 1 to {len(keys)}, the number of keys")
    return Neighbors(*fit.k_nearest(queries, count, jobs))


def within_radius(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    radius: float,
    *,
    metric: str = "euclidean",
    map: Sequence[Sequence[float]] | None = None,
    n_jobs: int | None = None,
) -> NeighborsWithin:
    """All keys within a radius of each query, the edge included, in index order.

    Parameters
    ----------
    q, k, metric, map, n_jobs
        As in `nearest`.
    radius : float
        The largest distance; with ``metric="dot"`` the least inner product.

    Returns
    -------
    NeighborsWithin
        A named tuple ``(starts, indices, distances)``: the entries of query ``i`` are ``starts[i]`` to ``starts[i + 1]``.

    Examples
    --------
    >>> import locality as lc
    >>> found = lc.within_radius([0.5, 9.0], [0.0, 1.0, 2.0], 1.0)
    >>> found.starts, found.indices, found.distances
    (array([0, 2, 2]), array([0, 1]), array([0.5, 0.5]))
    """
    keys, queries = _arrays.one_type(_arrays.sites(k, "keys"), _arrays.queries_of(q, k))
    _arrays.latitudes(keys, metric, "k")
    _arrays.latitudes(queries, metric, "q")
    jobs = _arrays.threads(n_jobs)
    fit = Nearest(keys, metric, None if map is None else [[_arrays.number(x, "map") for x in row] for row in map], jobs)
    return NeighborsWithin(*fit.within(queries, _arrays.number(radius, "radius"), jobs))
