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
    bandwidth : float, optional
        Radius of the flat kernel, bandwidth ``h`` of the others; estimated by `estimate_bandwidth` where neither this nor
        the kernel says it. Beside a kernel with an ``h`` of its own it is the unit of what remains: of the stop rule, of the
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
    kernel : Kernel or str, default "flat"
        A radial kernel: without ``h`` it takes the bandwidth.

    Attributes
    ----------
    cluster_centers_ : ndarray, shape (k, d)
        The modes, densest first.
    labels_ : ndarray of int, shape (n,)
        The cluster of each point, -1 for none.
    n_iter_ : int
        Steps of the seed that took most.
    bandwidth_ : float
        The bandwidth in force.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Comaniciu and Meer (2002), Mean shift: a robust approach toward feature space analysis.

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
        bandwidth: float | None = None,
        seeds: npt.ArrayLike | None = None,
        bin_seeding: bool = False,
        min_bin_freq: int = 1,
        cluster_all: bool = True,
        n_jobs: int | None = None,
        max_iter: int = 300,
        kernel: Kernel | str = "flat",
    ) -> None:
        self.bandwidth = bandwidth
        self.seeds = seeds
        self.bin_seeding = bin_seeding
        self.min_bin_freq = min_bin_freq
        self.cluster_all = cluster_all
        self.n_jobs = n_jobs
        self.max_iter = max_iter
        self.kernel = kernel

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Finds the modes and the points' clusters.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Points.
        y : ignored

        Returns
        -------
        MeanShift
            Itself.
        """
        points = validate_data(self, X, dtype=[np.float64, np.float32])
        seeds = None
        if self.seeds is not None:
            seeds = _arrays.sites(self.seeds, "seeds").astype(points.dtype, copy=False)
        self.cluster_centers_: Array
        self.labels_: Array
        self.cluster_centers_, self.labels_, self.n_iter_, self.bandwidth_ = _core.mean_shift(
            points,
            bandwidth=None if self.bandwidth is None else _arrays.number(self.bandwidth, "bandwidth"),
            kernel=self.kernel,
            seeds=seeds,
            bin_seeding=bool(self.bin_seeding),
            min_bin_freq=_arrays.count(self.min_bin_freq, "min_bin_freq"),
            cluster_all=bool(self.cluster_all),
            max_iter=_arrays.count(self.max_iter, "max_iter"),
            threads=_arrays.threads(self.n_jobs),
        )
        return self

    def predict(self, X: npt.ArrayLike) -> Array:
        """The cluster whose centre is nearest.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Points.

        Returns
        -------
        ndarray of int, shape (m,)
        """
        check_is_fitted(self)
        points = validate_data(self, X, reset=False, dtype=self.cluster_centers_.dtype)
        jobs = _arrays.threads(self.n_jobs)
        return _core.Nearest(self.cluster_centers_, threads=jobs).k_nearest(points, 1, jobs)[0][:, 0]


def estimate_bandwidth(
    X: npt.ArrayLike,
    *,
    quantile: float = 0.3,
    n_samples: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
) -> float:
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
    >>> lc.estimate_bandwidth([[1.0, 1.0], [2.0, 1.0], [1.0, 0.0], [4.0, 7.0], [3.0, 5.0], [3.0, 6.0]], quantile=0.5)
    1.61...
    """
    points = _arrays.sites(X, "X")
    if random_state is None:
        random_state = int(np.random.default_rng().integers(2**32))
    elif isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(2**31))
    return _core.estimate_bandwidth(
        points,
        _arrays.number(quantile, "quantile"),
        None if n_samples is None else _arrays.count(n_samples, "n_samples"),
        _arrays.count(random_state, "random_state"),
        _arrays.threads(n_jobs),
    )


def get_bin_seeds(X: npt.ArrayLike, bin_size: float, min_bin_freq: int = 1) -> Array:
    """Centres of the occupied bins of a grid, as seeds for mean shift.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Points.
    bin_size : float
        Width of a bin; mean shift takes its bandwidth.
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
    return _core.bin_seeds(_arrays.sites(X, "X"), _arrays.number(bin_size, "bin_size"), _arrays.count(min_bin_freq, "min_bin_freq"))
