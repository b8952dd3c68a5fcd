"""Mean-shift clustering as an estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, ClusterMixin, check_is_fitted, validate_data
from ._core import Kernel


class MeanShift(ClusterMixin, BaseEstimator):
    """Clusters as basins of attraction of the modes of a kernel density.

    The parameters, defaults and attributes are scikit-learn's, and so are the labels under the flat kernel; any radial
    kernel can take its place, and points on the way to the same mode are merged early.

    Parameters
    ----------
    bandwidth : float or "auto", optional
        Radius of the flat kernel, bandwidth ``h`` of the others; where neither this nor the kernel says it, `estimate_bandwidth`,
        as sample weights count (where that is 0 and the kernel flat, points at one place are a cluster). "auto" searches for a bandwidth
        whose clusters do not depend on which points were drawn: the middle of the longest range in which random parts of the points
        agree on two or more clusters (Fukunaga 1990; Ben-Hur et al. 2002), else the smallest from which on there is one in each. Beside a kernel with an ``h`` of its own it is the unit of what remains: of the stop rule, of the
        seeding bins, and of the distance within which modes are one cluster and beyond which a point is an orphan.
    seeds : array_like, shape (s, d), optional
        Where to start; by default every point, or the bins' centres under `bin_seeding`.
    bin_seeding : bool, default False
        Whether to start from the centres of a grid's occupied bins instead of every point.
    min_bin_freq : int, default 1
        Least number of points of a bin that seeds.
    cluster_all : bool, default True
        Whether points outside every kernel join the nearest cluster; else their label is -1.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    max_iter : int, default 300
        Most steps of a seed.
    tol : float, default 1e-9
        Under kernels other than the flat one: the few places where points came to rest, at steps of 0.001 bandwidths, go on until a step is at
        most so many bandwidths, since on nearly flat ground steps are short far from any mode. 0.001 and more leaves them where they are. The
        flat kernel stops as scikit-learn's does.
    kernel : Kernel or str, default "flat"
        A radial kernel: without ``h`` it takes the bandwidth. ``site_knn=k`` gives every point a bandwidth of its own, the distance to
        its `k`-th neighbour, and ``knn=k`` every place on the way.
    metric : {"euclidean", "cosine"}, default "euclidean"
        "cosine" is for directions: points are divided by their lengths and means put back on the unit sphere. Distances are chords,
        ``|x - y|^2 = 2 (1 - cos(x, y))``, and ``gaussian`` is the von Mises-Fisher kernel of concentration ``1 / h^2``.
    adaptive : float, default 0
        Sensitivity, 0 to 1, of bandwidths that follow a pilot density: narrow where points are dense. 0.5 is Abramson's (1982), and that of
        Comaniciu, Ramesh and Meer (2001); 0 is one bandwidth for all.
    over_relaxation : float, default 1
        How many times the way to the mean a point goes, from 1 to below 2. No step lowers the density, and where steps are many, it takes
        about ``1 / over_relaxation`` of them: for large tables under smooth kernels 1.5 to 1.8 saves a third to a half of the time. A point
        may jump across a low saddle, and ways under the flat kernel no longer meet bit for bit, so that labels near borders may differ from
        those of 1, which are scikit-learn's.
    blurring : bool, default False
        Whether the points themselves move, all at once, until each has met all that are within a bandwidth.
    min_persistence : float or "auto", optional
        Clusters whose mode rises less than this above the saddle to a denser one are merged into it, in units of log density:
        ``log(2)`` asks for a peak of twice the saddle. The density is asked for along the way between points of the basins, so that clusters
        with nothing in between are never merged. "auto" takes the largest gap: where the rises fall
        by the largest factor, each taken 0.1 larger. None merges nothing. All points are followed for it, seeds or not.
    n_neighbors : int, default 10
        For `min_persistence`: saddles are sought between each point and so many nearest others.
    compression : float, optional
        Width, in bandwidths, of the cells of a grid in each of which the points are replaced by one weighted site, their mean: for tables
        too large to keep every point. `partial_fit` takes 0.25 where none is given.
    random_state : int, RandomState or None, default 0
        Of the draws of ``bandwidth="auto"``; with None they differ from call to call.

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (k, d)
        The modes, densest first; of merged ones the densest.
    labels_ : ndarray of int, shape (n,)
        The cluster of each point, whose mode is nearest, -1 for none; ``mode_labels_[basins_]`` is the one that it flows to, which on the slope
        of a wide cluster beside a narrow one is another.
    intensities_ : ndarray, shape (k,)
        The sum of the weights around each centre; for the flat kernel, how many points are within the bandwidth.
    modes_ : ndarray, shape (m, d)
        All modes, densest first: the centres, where none were merged.
    mode_labels_ : ndarray of int, shape (m,)
        The cluster of each mode.
    basins_ : ndarray of int, shape (n,), or None
        The mode that each point flows to, -1 for none; near a border it may be another than the nearest. None where the points were not
        the seeds: with `seeds`, `bin_seeding` or `compression`, and after `partial_fit`.
    diagram_ : ndarray, shape (m, 2), or None
        With `min_persistence`: log density at which each of `modes_` appears, its own, and at which it meets a denser one.
    persistence_ : ndarray, shape (m,), or None
        ``diagram_[:, 0] - diagram_[:, 1]``: how far each mode rises above its saddle.
    n_iter_ : int
        Steps of the seed that took most.
    bandwidth_ : float
        The bandwidth in force.
    displacement_ : float
        After `partial_fit`: no point is farther than this from the site that stands for it.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Comaniciu and Meer (2002), Mean shift: a robust approach toward feature space analysis. Comaniciu, Ramesh and Meer (2001), The variable
    bandwidth mean shift and data-driven scale selection. Chazal et al. (2013), Persistence-based clustering in Riemannian manifolds. Fashing and Tomasi
    (2005), Mean shift is a bound optimization, of which `over_relaxation` makes use.

    Examples
    --------
    >>> import locality as lc
    >>> X = [[1.0, 1.0], [2.0, 1.0], [1.0, 0.0], [4.0, 7.0], [3.0, 5.0], [3.0, 6.0]]
    >>> model = lc.MeanShift(bandwidth=2).fit(X)
    >>> model.labels_
    array([1, 1, 1, 0, 0, 0])
    >>> model.predict([[0.0, 0.0], [5.0, 5.0]])
    array([1, 0])
    """

    def __init__(
        self,
        *,
        bandwidth: float | str | None = None,
        seeds: npt.ArrayLike | None = None,
        bin_seeding: bool = False,
        min_bin_freq: int = 1,
        cluster_all: bool = True,
        n_jobs: int | None = None,
        max_iter: int = 300,
        tol: float = 1e-9,
        kernel: Kernel | str = "flat",
        metric: str = "euclidean",
        adaptive: float = 0.0,
        over_relaxation: float = 1.0,
        blurring: bool = False,
        min_persistence: float | str | None = None,
        n_neighbors: int = 10,
        compression: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.bandwidth = bandwidth
        self.seeds = seeds
        self.bin_seeding = bin_seeding
        self.min_bin_freq = min_bin_freq
        self.cluster_all = cluster_all
        self.n_jobs = n_jobs
        self.max_iter = max_iter
        self.tol = tol
        self.kernel = kernel
        self.metric = metric
        self.adaptive = adaptive
        self.over_relaxation = over_relaxation
        self.blurring = blurring
        self.min_persistence = min_persistence
        self.n_neighbors = n_neighbors
        self.compression = compression
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Finds the modes and the points' clusters.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Points.
        y : ignored
        sample_weight : array_like, shape (n,), optional
            A point of weight 2 counts as two at the same place, and one of weight 0 not at all, but gets a label. Bandwidths by neighbours
            (`knn=`, `site_knn=`) count points, whatever their weight.

        Returns
        -------
        MeanShift
            Itself.
        """
        points = validate_data(self, X, dtype=[np.float64, np.float32])
        weights = _arrays.weights(sample_weight, len(points), points.dtype)
        compression = None if self.compression is None else _arrays.number(self.compression, "compression")
        self._bins: _core.BinnedSites | None = None
        self.__dict__.pop("displacement_", None)
        self.__dict__.pop("_from_file", None)
        self._keep(self._find(points, weights, given(self.bandwidth, "bandwidth"), compression))
        return self

    def _find(self, points: Array, weights: Array | None, bandwidth: float | str | None, compression: float | None) -> dict[str, Any]:
        seeds = None
        if self.seeds is not None:
            seeds = _arrays.sites(self.seeds, "seeds").astype(points.dtype, copy=False)
        return _core.mean_shift(
            points,
            bandwidth=bandwidth,
            kernel=self.kernel,
            seeds=seeds,
            bin_seeding=bool(self.bin_seeding),
            min_bin_freq=_arrays.count(self.min_bin_freq, "min_bin_freq"),
            cluster_all=bool(self.cluster_all),
            max_iter=_arrays.count(self.max_iter, "max_iter"),
            tol=_tolerance(self.tol),
            blurring=bool(self.blurring),
            adaptive=_arrays.number(self.adaptive, "adaptive"),
            over_relaxation=_arrays.number(self.over_relaxation, "over_relaxation"),
            metric=self.metric,
            merging=given(self.min_persistence, "min_persistence"),
            n_neighbors=_arrays.count(self.n_neighbors, "n_neighbors"),
            compression=compression,
            random_state=_seed(self.random_state),
            sample_weight=weights,
            threads=_arrays.threads(self.n_jobs),
        )

    def _keep(self, found: dict[str, Any]) -> None:
        self.cluster_centers_: Array
        self.labels_: Array
        self.bandwidth_: float
        self.modes_: Array
        self.mode_labels_: Array
        for name, value in found.items():
            setattr(self, name, value)

    def partial_fit(self, X: npt.ArrayLike, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Adds points to those of earlier calls, and finds the modes of all of them anew.

        Points are kept as one weighted site in each occupied cell of a grid of `compression` bandwidths, so that memory and time grow with
        the ground that they cover and not with their number. Parts of any sizes give the same modes as one part of all, where the
        bandwidth is given; else it is estimated from the first part, and kept. Copies and pickles go on with the earlier parts; a model
        from a file (`save`) has its clusters only, and takes no further ones.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Points.
        y : ignored
        sample_weight : array_like, shape (n,), optional
            A point of weight 2 counts as two at the same place, and one of weight 0 not at all, but gets a label. Bandwidths by neighbours
            (`knn=`, `site_knn=`) count points, whatever their weight.

        Returns
        -------
        MeanShift
            Itself; `labels_` are those of this part.
        """
        bins: _core.BinnedSites | None = getattr(self, "_bins", None)
        first = bins is None
        points = validate_data(self, X, reset=first, dtype=[np.float64, np.float32])
        width = 0.25 if self.compression is None else _arrays.number(self.compression, "compression")
        weights = _arrays.weights(sample_weight, len(points), points.dtype)
        if bins is None:
            if hasattr(self, "_from_file"):
                raise ValueError(
                    "the cells of the earlier parts are not in a file, so that partial_fit cannot go on; pickle the model instead of saving "
                    "it, or give all parts to a new one"
                )
            self.bandwidth_ = self._find(points, weights, given(self.bandwidth, "bandwidth"), width)["bandwidth_"]
            self._width, self._dtype = width * self.bandwidth_, points.dtype
            self._bins = bins = self._empty(points.shape[1])
        points = points.astype(self._dtype, copy=False)
        bins.add(points, None if weights is None else weights.astype(self._dtype, copy=False))
        sites, totals = bins.sites()
        self._keep(self._find(sites, totals, self.bandwidth_, None))
        self.displacement_ = bins.displacement()
        self.labels_ = self.predict(X)
        self.basins_: Array | None = None
        return self

    @property
    def persistence_(self) -> Array | None:
        """How far each mode rises above the saddle to a denser one, in log density."""
        check_is_fitted(self)
        diagram: Array | None = self.diagram_  # type: ignore[attr-defined]
        return None if diagram is None else diagram[:, 0] - diagram[:, 1]

    def predict(self, X: npt.ArrayLike) -> Array:
        """The cluster whose mode is nearest.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Points.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        check_is_fitted(self)
        points = validate_data(self, X, reset=False, dtype=self.modes_.dtype)
        jobs = _arrays.threads(self.n_jobs)
        near = _core.Nearest(self.modes_, self.metric, threads=jobs).k_nearest(points, 1, jobs)[0][:, 0]
        return self.mode_labels_[near]

    def __getstate__(self) -> dict[str, Any]:
        # Cells of a table in parts as arrays, so that a copy goes on with them.
        state: dict[str, Any] = dict(super().__getstate__())
        bins: _core.BinnedSites | None = state.pop("_bins", None)
        return state if bins is None else state | {"_cells": (self._width, bins.parts())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        cells = state.pop("_cells", None)
        # scikit-learn's looks at versions.
        restore = getattr(super(), "__setstate__", self.__dict__.update)
        restore(state)
        if cells is not None:
            self._width, parts = cells
            self._bins = self._empty(len(parts[2]) // len(parts[1]))
            self._bins.resume(*parts)

    def _empty(self, columns: int) -> _core.BinnedSites:
        return _core.BinnedSites(columns, self._width, self._dtype == np.float32, self.metric == "cosine")


def given(x: Any, name: str) -> Any:
    """A number; or "auto", or nothing."""
    if x is None or (isinstance(x, str) and x == "auto"):
        return x
    try:
        return _arrays.number(x, name)
    except TypeError as error:
        raise TypeError(f"{error}; give a positive one, 'auto' or None") from None


def _tolerance(tol: float) -> float:
    share = _arrays.number(tol, "tol")
    if not 0 <= share < np.inf:
        raise ValueError(f"tol={share} must be a finite number of at least 0, in bandwidths")
    return share


def _seed(random_state: int | np.random.RandomState | None) -> int:
    """A number for draws."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return _arrays.count(random_state, "random_state")


def mean_shift(
    X: npt.ArrayLike,
    *,
    bandwidth: float | str | None = None,
    seeds: npt.ArrayLike | None = None,
    bin_seeding: bool = False,
    min_bin_freq: int = 1,
    cluster_all: bool = True,
    max_iter: int = 300,
    n_jobs: int | None = None,
    **more: Any,
) -> tuple[Array, Array]:
    """Centres and labels of mean shift, without a model.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points.
    bandwidth, seeds, bin_seeding, min_bin_freq, cluster_all, max_iter, n_jobs, **more
        Those of `MeanShift`.

    Returns
    -------
    cluster_centers : ndarray, shape (k, d)
        The modes, densest first.
    labels : ndarray of int, shape (n,)
        The cluster of each point, -1 for none.

    Examples
    --------
    >>> import locality as lc
    >>> centers, labels = lc.mean_shift([[0.0], [0.2], [5.0], [5.2], [5.1]], bandwidth=1)
    >>> centers.round(6)
    array([[5.1],
           [0.1]])
    >>> labels
    array([1, 1, 0, 0, 0])
    """
    model = MeanShift(
        bandwidth=bandwidth,
        seeds=seeds,
        bin_seeding=bin_seeding,
        min_bin_freq=min_bin_freq,
        cluster_all=cluster_all,
        max_iter=max_iter,
        n_jobs=n_jobs,
        **more,
    ).fit(X)
    return model.cluster_centers_, model.labels_


def estimate_bandwidth(
    X: npt.ArrayLike,
    *,
    quantile: float = 0.3,
    n_samples: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
) -> np.float64:
    """A bandwidth for mean shift: the mean distance to the neighbour that is this share of the points away.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points.
    quantile : float, default 0.3
        Share of the points, 0 to 1; 0.5 is the median of all distances.
    n_samples : int, optional
        Number of points to draw; all by default.
    random_state : int, RandomState or None, default 0
        Of the drawing. A number draws the same points as scikit-learn; None differs from call to call.
    n_jobs : int, optional
        Number of threads; every core by default.

    Returns
    -------
    float
        0 where most points coincide.

    Examples
    --------
    >>> import locality as lc
    >>> float(lc.estimate_bandwidth([[1.0, 1.0], [2.0, 1.0], [1.0, 0.0], [4.0, 7.0], [3.0, 5.0], [3.0, 6.0]], quantile=0.5))
    1.61...
    """
    points = _arrays.sites(X, "X")
    found = _core.estimate_bandwidth(
        points,
        _arrays.number(quantile, "quantile"),
        None if n_samples is None else _arrays.count(n_samples, "n_samples"),
        _seed(random_state),
        _arrays.threads(n_jobs),
    )
    return np.float64(found)


def get_bin_seeds(X: npt.ArrayLike, bin_size: float, min_bin_freq: int = 1) -> Any:
    """Centres of the occupied bins of a grid, as seeds for mean shift.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points.
    bin_size : float
        Width of a bin; mean shift takes its bandwidth. Of 0, as an estimate may be, the points themselves are returned.
    min_bin_freq : int, default 1
        Least number of points of a bin that seeds.

    Returns
    -------
    ndarray, shape (s, d)

    Examples
    --------
    >>> import locality as lc
    >>> lc.get_bin_seeds([[0.1], [0.2], [0.9]], bin_size=1.0)
    array([[0.],
           [1.]])
    """
    if bin_size == 0:
        return X
    return _core.bin_seeds(_arrays.sites(X, "X"), _arrays.number(bin_size, "bin_size"), _arrays.count(min_bin_freq, "min_bin_freq"))
