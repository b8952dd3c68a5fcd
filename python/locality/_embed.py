"""Local linear embedding."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, TransformerMixin, check_is_fitted, validate_data
from ._core import Kernel
from ._lazy import NearestNeighbors, metric_of

Method = Literal["standard", "modified", "hessian", "ltsa"]
METHODS = ("standard", "modified", "hessian", "ltsa")


class LocallyLinearEmbedding(TransformerMixin, BaseEstimator):
    """Coordinates of few columns in which every neighbourhood looks as it did.

    The parameters, defaults and attributes are scikit-learn's, but for the default of `tol`, which is 1e-9 here and 1e-6 there. Eigenvectors
    come from a sparse factor, exact to `tol` and always the same; where the neighbours' graph is not connected, a warning says so, and `pieces`
    how they are laid.

    Parameters
    ----------
    n_neighbors : int, default 5
        Number of neighbours of each sample, itself not counted.
    n_components : int, default 2
        Number of coordinates.
    reg : float, default 1e-3
        Penalty on the squares of reconstruction weights, over the sum of the neighbours' squared distances. The other methods need such weights
        for samples that are nobody's neighbour, and in `transform`.
    eigen_solver : {"auto", "arpack", "dense"}, default "auto"
        "dense" computes all eigenvalues; the others only those that are asked for, if there are more than 200 samples.
    tol : float, default 1e-9
        Residual at which an eigenvector counts as found; 1e-6 in scikit-learn.
    max_iter : int, default 100
        Without effect: the number of rounds is bounded by the number of samples.
    method : {"standard", "modified", "hessian", "ltsa"}, default "standard"
        What a neighbourhood asks of the coordinates: that the sample stays the same mixture of its neighbours; several such mixtures; no
        curvature along the tangent plane; or to be affine in the coordinates of the tangent plane.
    hessian_tol : float, default 1e-4
        "hessian": columns of a local Hessian whose sum is at least this are divided by it.
    modified_tol : float, default 1e-12
        "modified": how small the constants' part in a neighbourhood's flat directions may be before it is left alone.
    neighbors_algorithm : {"auto", "brute", "kd_tree", "ball_tree"}, default "auto"
        Without effect: search is exact, and chooses its way itself.
    random_state : int, RandomState or None, default None
        Without effect: nothing is random.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    kernel : Kernel or str, optional
        "standard": how much each neighbour may take part, by its kernel value over the largest of the neighbourhood, both in `fit` and in
        `transform`. All alike by default.
    pieces : {"centred", "apart"}, default "centred"
        How the pieces of a graph that is not connected are laid. "centred": each piece by itself, in all coordinates, around 0, so that they lie
        upon one another. "apart": by the eigenvectors of the whole. The first coordinates, one less than there are pieces, are constant on
        each and tell them apart, the largest first, so that clusters are found in them; those that are left unfold single pieces.

    Attributes
    ----------
    embedding_ : ndarray, shape (n, n_components)
        Coordinates. In each the entry of the largest magnitude is positive.
    reconstruction_error_ : float
        Sum of the coordinates' eigenvalues.
    pieces_ : ndarray of int, shape (n,)
        The connected piece of the neighbours' graph that each sample is in.
    nbrs_ : NearestNeighbors
        The search among the samples.
    kernel_ : Kernel or None
        The kernel in force.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    "hessian" takes the products of tangent coordinates alone, as Donoho and Grimes do. scikit-learn's takes all that is orthogonal to the
    constants and the tangent coordinates, and so gives the result of "ltsa". What has no curvature along the plane of the first
    `n_components` directions may bend across it: with fewer components than the samples have dimensions, many coordinates fit, and those of
    "hessian" keep neighbourhoods badly (a roll in one coordinate: trustworthiness 0.62, and 0.87 by "ltsa"). `intrinsic_dimension` tells how
    many there are.

    The standard method leaves coordinates open where groups of samples have all their neighbours in the group and others lead to several of
    them, even in a graph that is connected, as small `n_neighbors` do. A warning tells how many groups there are.

    References
    ----------
    Roweis and Saul (2000), Nonlinear dimensionality reduction by locally linear embedding; Saul and Roweis (2003), Think globally, fit
    locally; Donoho and Grimes (2003), Hessian eigenmaps; Zhang and Zha (2004), Principal manifolds and nonlinear dimensionality reduction
    via tangent space alignment; Zhang and Wang (2007), MLLE.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(2, 8, 100)
    >>> spiral = np.column_stack([t * np.cos(t), t * np.sin(t)])
    >>> y = lc.LocallyLinearEmbedding(n_neighbors=6, n_components=1).fit_transform(spiral)
    >>> bool(abs(np.corrcoef(y[:, 0], t)[0, 1]) > 0.95)
    True
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        n_components: int = 2,
        reg: float = 1e-3,
        eigen_solver: Literal["auto", "arpack", "dense"] = "auto",
        tol: float = 1e-9,
        max_iter: int = 100,
        method: Method = "standard",
        hessian_tol: float = 1e-4,
        modified_tol: float = 1e-12,
        neighbors_algorithm: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        kernel: Kernel | str | None = None,
        pieces: Literal["centred", "apart"] = "centred",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.n_components = n_components
        self.reg = reg
        self.eigen_solver = eigen_solver
        self.tol = tol
        self.max_iter = max_iter
        self.method = method
        self.hessian_tol = hessian_tol
        self.modified_tol = modified_tol
        self.neighbors_algorithm = neighbors_algorithm
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.kernel = kernel
        self.pieces = pieces

    def fit(self, X: npt.ArrayLike, y: Any = None) -> LocallyLinearEmbedding:
        """Finds the coordinates.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        LocallyLinearEmbedding
            Itself.
        """
        samples = validate_data(self, X, dtype=np.float64)
        if self.eigen_solver not in ("auto", "arpack", "dense"):
            raise ValueError(f"eigen_solver={self.eigen_solver!r} is none of 'auto', 'arpack' and 'dense'")
        if self.method not in METHODS:
            raise ValueError(f"method={self.method!r} is none of {', '.join(map(repr, METHODS))}")
        self.embedding_: Array
        self.pieces_: Array
        self.kernel_ = None if self.kernel is None else _arrays.kernel_of(self.kernel, X)
        self.embedding_, self.reconstruction_error_, self.pieces_, warning = _core.locally_linear_embedding(
            samples,
            n_neighbors=_arrays.count(self.n_neighbors, "n_neighbors"),
            n_components=_arrays.count(self.n_components, "n_components"),
            method=self.method,
            reg=_arrays.number(self.reg, "reg"),
            modified_tol=_arrays.number(self.modified_tol, "modified_tol"),
            hessian_tol=_arrays.number(self.hessian_tol, "hessian_tol"),
            tol=_arrays.number(self.tol, "tol"),
            dense=self.eigen_solver == "dense",
            kernel=self.kernel_,
            pieces=self.pieces,
            threads=_arrays.threads(self.n_jobs),
        )
        self.pieces_ = self.pieces_.astype(np.intp)
        if warning is not None:
            warnings.warn(warning, stacklevel=2)
        self._samples = samples
        return self

    def fit_transform(self, X: npt.ArrayLike, y: Any = None) -> Array:
        """The coordinates of X.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        ndarray, shape (n, n_components)
        """
        return self.fit(X).embedding_

    def transform(self, X: npt.ArrayLike) -> Array:
        """Coordinates of new rows: the mixture of their nearest samples' coordinates that reconstructs them.

        A training sample is nearest to itself, so that it keeps its place up to the regularisation `reg`. Neighbours take part by their
        kernel values at the row, where there is a `kernel`, the nearest alone where all are 0; and only those in the piece of the one that
        counts most.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, n_components)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        jobs = _arrays.threads(self.n_jobs)
        near = _core.Nearest(self._samples, threads=jobs).k_nearest(rows, self.n_neighbors, jobs)[0]
        own = None
        if self.kernel_ is not None or self.pieces_.max() > 0:
            own = _core.mixture_shares(rows, self._samples, near, self.pieces_.astype(np.int64), self.kernel_, jobs)
        weights = _core.reconstruction_weights(rows, self._samples, near, own, float(self.reg), jobs)
        mixed: Array = np.einsum("ik,ikc->ic", weights, self.embedding_[near])
        return mixed

    @property
    def nbrs_(self) -> NearestNeighbors:
        """The search among the samples."""
        check_is_fitted(self)
        return NearestNeighbors(n_neighbors=self.n_neighbors, n_jobs=self.n_jobs).fit(self._samples)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.asarray([f"locallylinearembedding{i}" for i in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])


def trustworthiness(
    X: npt.ArrayLike, X_embedded: npt.ArrayLike, *, n_neighbors: int = 5, metric: str = "euclidean", n_jobs: int | None = None
) -> float:
    """How far neighbours in an embedding can be trusted to be neighbours among the samples: 1 where all are.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Samples; for ``metric="precomputed"`` the distances between them, shape (n, n).
    X_embedded : array_like, shape (n, c)
        Their coordinates.
    n_neighbors : int, default 5
        How many neighbours are looked at; less than half the samples.
    metric : str, default "euclidean"
        How far apart samples are: a name as for `NearestNeighbors`, but for "mahalanobis", or "precomputed". Distances of the embedding are
        Euclidean.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    float

    References
    ----------
    Venna and Kaski (2001), Neighborhood preservation in nonlinear projection methods.

    Examples
    --------
    >>> import locality as lc
    >>> lc.trustworthiness([[0.0], [1.0], [2.1], [3.3], [4.6]], [[0.0], [1.0], [2.1], [3.3], [4.6]], n_neighbors=2)
    1.0
    """
    return _score(X, X_embedded, n_neighbors, metric, n_jobs, continuity=False)


def _score(
    X: npt.ArrayLike, X_embedded: npt.ArrayLike, n_neighbors: int, metric: str, n_jobs: int | None, *, continuity: bool
) -> float:
    if isinstance(metric, str) and metric == "minkowski":
        # Of p = 2, as in scikit-learn where nothing else is said.
        metric = "euclidean"
    samples, coordinates = (_arrays.sites(a, name).astype(np.float64) for a, name in ((X, "X"), (X_embedded, "X_embedded")))
    return _core.trustworthiness(
        samples,
        coordinates,
        _arrays.count(n_neighbors, "n_neighbors"),
        _arrays.threads(n_jobs),
        metric="precomputed" if metric == "precomputed" else metric_of(metric),
        continuity=continuity,
    )


def continuity(
    X: npt.ArrayLike, X_embedded: npt.ArrayLike, *, n_neighbors: int = 5, metric: str = "euclidean", n_jobs: int | None = None
) -> float:
    """How well neighbours among the samples are still neighbours in an embedding: `trustworthiness` with the two changed about.

    Parameters
    ----------
    X, X_embedded, n_neighbors, metric, n_jobs
        As in `trustworthiness`.

    Returns
    -------
    float

    Examples
    --------
    >>> import locality as lc
    >>> lc.continuity([[0.0], [1.0], [2.1], [3.3], [4.6]], [[0.0], [1.0], [2.1], [3.3], [4.6]], n_neighbors=2)
    1.0
    """
    return _score(X, X_embedded, n_neighbors, metric, n_jobs, continuity=True)
