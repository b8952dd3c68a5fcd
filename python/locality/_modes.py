"""Clusters around samples: quick shift, medoid shift, and modes merged by persistence."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClusterMixin, check_is_fitted, validate_data
from ._core import Kernel
from ._lazy import metric_of
from ._shift import given


class _Modes(ClusterMixin, BaseEstimator):
    """What they share: fitting, and prediction by the nearest sample."""

    _method: str
    bandwidth: float | None
    min_persistence: float | str | None
    n_neighbors: int
    kernel: Kernel | str
    n_jobs: int | None
    labels_: Array

    def fit(self, X: npt.ArrayLike, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Finds the clusters.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Points.
        y : ignored
        sample_weight : array_like, shape (n,), optional
            A point of weight 2 counts as two in the density; one of weight 0 is still a place that others may go to.

        Returns
        -------
        Itself.
        """
        points = validate_data(self, X, dtype=[np.float64, np.float32])
        found = _core.cluster_modes(
            points,
            self._method,
            kernel=self.kernel,
            bandwidth=None if self.bandwidth is None else _arrays.number(self.bandwidth, "bandwidth"),
            merging=given(self.min_persistence, "min_persistence"),
            n_neighbors=_arrays.count(self.n_neighbors, "n_neighbors"),
            sample_weight=_arrays.weights(sample_weight, len(points), points.dtype),
            threads=_arrays.threads(self.n_jobs),
            **self._more(),
        )
        for name, value in found.items():
            setattr(self, name, value)
        self.X_fit_: Array = points
        return self

    def _more(self) -> dict[str, Any]:
        return {}

    def _distance(self) -> str:
        return "euclidean"

    def predict(self, X: npt.ArrayLike) -> Array:
        """The cluster of the nearest of the points that were fitted.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Points.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        check_is_fitted(self)
        points = validate_data(self, X, reset=False, dtype=self.X_fit_.dtype)
        jobs = _arrays.threads(self.n_jobs)
        near = _core.Nearest(self.X_fit_, self._distance(), threads=jobs).k_nearest(points, 1, jobs)[0][:, 0]
        return self.labels_[near]

    @property
    def persistence_(self) -> Array:
        """``diagram_[:, 0] - diagram_[:, 1]``: the persistence of each mode."""
        check_is_fitted(self)
        diagram: Array = self.diagram_  # type: ignore[attr-defined]
        return diagram[:, 0] - diagram[:, 1]


class QuickShift(_Modes):
    """Clusters by links to the nearest point of higher density.

    Every point is linked to the nearest point where the density is higher, and links longer than `max_dist` are cut. The
    tree is exact, and found by searches for neighbours instead of all pairs.

    Parameters
    ----------
    bandwidth : float, optional
        Bandwidth ``h`` of the kernel; where neither this nor the kernel says it, estimated as by `estimate_bandwidth`, under the metric.
    max_dist : float, optional
        The longest link that is kept; one bandwidth by default. Infinite: one cluster.
    kernel : Kernel or str, default "epanechnikov"
        The kernel of the density: any. The default's density is the one that flat mean shift climbs.
    metric : str, default "euclidean"
        How far apart points are, for the links, the estimate of the bandwidth, and a kernel that has no metric of its own.
    min_persistence : float or "auto", optional
        Clusters whose mode rises less than this above the saddle to a denser one are merged into it, in units of log
        density: ``log(2)`` asks for a peak of twice the saddle. The density is asked for along the way between points, so that
        clusters with nothing in between are never merged. "auto" takes the largest gap. None merges nothing, and seeks no saddles.
    n_neighbors : int, default 10
        Saddles are sought between each point and so many nearest others.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        The cluster of each point, the one of the densest mode first.
    cluster_centers_indices_ : ndarray of int, shape (k,)
        The point at the mode of each cluster.
    cluster_centers_ : ndarray, shape (k, d)
        These points.
    parents_ : ndarray of int, shape (n,)
        The point that each is linked to, before any cut; the densest of all is linked to itself.
    distances_ : ndarray, shape (n,)
        The length of each link; infinite for the densest point.
    log_density_ : ndarray, shape (n,)
        The logarithm of the sum of the kernel's weights at each point.
    diagram_ : ndarray, shape (modes, 2)
        Log density at which each mode appears and at which it meets a denser one, before merging.
    mode_indices_ : ndarray of int, shape (modes,)
        The points at these modes.
    basins_ : ndarray of int, shape (n,)
        The mode of each point before merging.
    min_persistence_ : float
        The persistence below which clusters were merged.
    bandwidth_ : float
        The bandwidth in force.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Vedaldi and Soatto (2008), Quick shift and kernel methods for mode seeking. Chazal et al. (2013), Persistence-based
    clustering in Riemannian manifolds.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[1.0, 1.0], [2.0, 1.0], [1.0, 0.0], [4.0, 7.0], [3.0, 5.0], [3.0, 6.0]]
    >>> model = lc.QuickShift(bandwidth=2).fit(X)
    >>> model.labels_
    array([0, 0, 0, 1, 1, 1])
    >>> model.parents_
    array([0, 0, 0, 5, 5, 1])
    """

    _method = "quick-shift"
    parents_: Array
    distances_: Array

    def __init__(
        self,
        *,
        bandwidth: float | None = None,
        max_dist: float | None = None,
        kernel: Kernel | str = "epanechnikov",
        metric: str = "euclidean",
        min_persistence: float | str | None = None,
        n_neighbors: int = 10,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.max_dist = max_dist
        self.kernel = kernel
        self.metric = metric
        self.min_persistence = min_persistence
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def _distance(self) -> str:
        return metric_of(self.metric)

    def _more(self) -> dict[str, Any]:
        max_dist = None if self.max_dist is None else _arrays.number(self.max_dist, "max_dist")
        return {"metric": self._distance(), "max_dist": max_dist}

    def cut(self, max_dist: float) -> Array:
        """The clusters under another longest link, without merging; nothing is computed anew but the labels.

        Parameters
        ----------
        max_dist : float
            The longest link that is kept.

        Returns
        -------
        ndarray of int, shape (n,)
            Numbered from the densest mode down.
        """
        check_is_fitted(self)
        longest = _arrays.number(max_dist, "max_dist")
        if math.isnan(longest) or longest < 0:
            raise ValueError(f"max_dist={longest} must be at least 0, in the points' units")
        kept = np.isfinite(self.distances_) & (self.distances_ <= longest)
        root = np.where(kept, self.parents_, np.arange(len(self.parents_)))
        while not np.array_equal(above := root[root], root):
            root = above
        modes = np.unique(root)
        modes = modes[np.argsort(-self.log_density_[modes], kind="stable")]  # type: ignore[attr-defined]
        number = np.empty(len(root), dtype=np.int64)
        number[modes] = np.arange(len(modes))
        return number[root]


class MedoidShift(_Modes):
    """Mean shift whose every step ends at a point of the data.

    Each point goes to the point with the least sum of squared distances to all, weighted by the kernel around it, which is
    the point nearest to its local mean; and so on until it stays.

    Parameters
    ----------
    bandwidth : float, optional
        Radius of the flat kernel, ``h`` of the others; where neither this nor the kernel says it, estimated as by `estimate_bandwidth`,
        under the metric.
    kernel : Kernel or str, default "flat"
        The kernel of the step: any of distances. Without ``h`` it takes the bandwidth.
    metric : str, default "euclidean"
        How far apart points are: whose squares are summed (for "cosine" 1 less the cosine itself), and among which saddles are sought.
        A kernel without a metric of its own, as ``"flat(h=1, metric=manhattan)"`` has, follows it. Under "manhattan", "chebyshev", "hamming" and "haversine" time grows
        with the square of the number of points that the kernel reaches from one.
    min_persistence : float or "auto", optional
        Clusters whose medoid rises less than this above the saddle to a denser one are merged into it, in units of
        log density. Medoids stop where mean shift would pass, so that there are many without.
    n_neighbors : int, default 10
        Saddles are sought between each point and so many nearest others.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        The cluster of each point, the one of the densest medoid first.
    cluster_centers_indices_ : ndarray of int, shape (k,)
        The medoid of each cluster.
    cluster_centers_ : ndarray, shape (k, d)
        These points.
    parents_ : ndarray of int, shape (n,)
        The point that each goes to; a medoid goes to itself.
    log_density_ : ndarray, shape (n,)
        The logarithm of the sum of the kernel's weights at each point.
    n_iter_ : int
        Steps of the point that took most.
    diagram_, mode_indices_, basins_, min_persistence_, bandwidth_, n_features_in_
        As in `QuickShift`.

    References
    ----------
    Sheikh, Khan and Kanade (2007), Mode-seeking by medoidshifts.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]]
    >>> lc.MedoidShift(bandwidth=0.5).fit(X).cluster_centers_indices_
    array([1, 4])
    """

    _method = "medoid-shift"

    def __init__(
        self,
        *,
        bandwidth: float | None = None,
        kernel: Kernel | str = "flat",
        metric: str = "euclidean",
        min_persistence: float | str | None = None,
        n_neighbors: int = 10,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.metric = metric
        self.min_persistence = min_persistence
        self.n_neighbors = n_neighbors
        self.n_jobs = n_jobs

    def _distance(self) -> str:
        return metric_of(self.metric)

    def _more(self) -> dict[str, Any]:
        return {"metric": self._distance()}


class Tomato(_Modes):
    """Clusters by persistence on a graph of neighbours (ToMATo).

    Each point climbs to the densest of its neighbours, and modes that rise little above a saddle are merged. Clusters of
    any shape; the persistence diagram says how many there are.

    It is for clusters that are bent or long (rings, moons, filaments), which mean shift and quick shift cut into pieces of a bandwidth or so,
    and for data whose number of clusters is not known: in `persistence_` modes that are clusters stand apart from those of noise by a gap,
    which ``min_persistence="auto"`` takes. Parts of the graph that no edge joins are clusters of endless persistence. There is no label for
    noise: every point is in a cluster.

    Parameters
    ----------
    n_clusters : int, optional
        Merge until so many are left; else `min_persistence` says when to stop.
    min_persistence : float or "auto", default "auto"
        Modes that rise less than this above the saddle to a denser one are merged, in units of log density: ``log(2)`` asks
        for a peak of twice the saddle. "auto" takes the largest gap of the persistences; None merges nothing.
    n_neighbors : int, default 10
        Each point is a neighbour of so many nearest others, and they of it; copies are one.
    bandwidth : float, optional
        Bandwidth ``h`` of the kernel; by default the mean distance to as many neighbours as the square root of the number
        of points, but at least that from a place to the nearest other.
    kernel : Kernel or str, default "gaussian"
        The kernel of the density: any.
    metric : str, default "euclidean"
        How far apart points are, for the graph, the bandwidth, and a kernel that has no metric of its own.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    labels_ : ndarray of int, shape (n,)
        The cluster of each point, the one of the densest mode first.
    n_clusters_ : int
        Number of clusters.
    diagram_ : ndarray, shape (modes, 2)
        Log density at which each mode appears and at which it meets a denser one; minus infinity for never.
    min_persistence_ : float
        The persistence below which modes were merged.
    cluster_centers_indices_, cluster_centers_, log_density_, mode_indices_, basins_, bandwidth_, n_features_in_
        As in `QuickShift`.

    References
    ----------
    Chazal, Guibas, Oudot and Skraba (2013), Persistence-based clustering in Riemannian manifolds.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[0.0], [0.1], [0.2], [0.3], [5.0], [5.1], [5.2], [5.3]]
    >>> model = lc.Tomato(bandwidth=0.5, n_neighbors=3).fit(X)
    >>> model.labels_
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """

    _method = "tomato"

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        min_persistence: float | str | None = "auto",
        n_neighbors: int = 10,
        bandwidth: float | None = None,
        kernel: Kernel | str = "gaussian",
        metric: str = "euclidean",
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.min_persistence = min_persistence
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.metric = metric
        self.n_jobs = n_jobs

    def _distance(self) -> str:
        return metric_of(self.metric)

    def _more(self) -> dict[str, Any]:
        k = None if self.n_clusters is None else _arrays.count(self.n_clusters, "n_clusters")
        return {"metric": self._distance(), "n_clusters": k}

    @property
    def n_clusters_(self) -> int:
        """Number of clusters."""
        check_is_fitted(self)
        return len(self.cluster_centers_indices_)  # type: ignore[attr-defined]
