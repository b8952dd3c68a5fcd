"""Laplacian eigenmaps and diffusion maps."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, TransformerMixin, check_is_fitted, validate_data
from ._core import Kernel

Affinity = Literal["nearest_neighbors", "rbf", "precomputed", "precomputed_nearest_neighbors"] | Callable[[Array], npt.ArrayLike]
Solver = Literal["auto", "arpack", "lobpcg", "amg", "dense"]
_SOLVERS = ("auto", "arpack", "lobpcg", "amg", "dense", None)


class _Map(BaseEstimator):
    """What they share."""

    embedding_: Array

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the coordinates.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{i}" for i in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])


def _dense(solver: str | None) -> bool:
    if solver not in _SOLVERS:
        raise ValueError(f"eigen_solver={solver!r} is none of {', '.join(map(repr, _SOLVERS))}")
    return solver == "dense"


Weights = tuple[Array, Array, Array]


def _sparse(X: Any, affinity: str) -> Weights:
    """Where rows start, columns and values of a square matrix, dense or SciPy's."""
    if type(X).__module__.startswith("scipy.sparse"):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()
        shape = rows.shape
        found = rows.indptr, rows.indices, rows.data
    else:
        dense = _arrays.sites(X, "X").astype(np.float64, copy=False)
        shape = dense.shape
        starts = np.concatenate([[0], np.cumsum((dense != 0).sum(axis=1))])
        found = starts, np.nonzero(dense)[1], dense[dense != 0]
    if shape[0] != shape[1]:
        raise ValueError(f"X has shape {shape}, but affinity={affinity!r} takes one row and one column for each sample")
    starts, columns, values = found
    return starts.astype(np.int64), columns.astype(np.int64), values.astype(np.float64)


def _of_distances(X: Any, k: int) -> Weights:
    """Ones between each sample and its `k` nearest, itself counted where its distance is stored, by their distances."""
    if type(X).__module__.startswith("scipy.sparse"):
        starts, columns, far = _sparse(X, "precomputed_nearest_neighbors")
        # What is not stored is far, the sample itself among it.
        rows = [(columns[a:b], far[a:b]) for a, b in zip(starts[:-1], starts[1:], strict=True)]
    else:
        dense = _arrays.sites(X, "X").astype(np.float64, copy=False)
        if dense.shape[0] != dense.shape[1]:
            raise ValueError(f"X has shape {dense.shape}, but distances have one row and one column for each sample")
        rows = [(np.arange(len(dense)), row) for row in dense]
    near = []
    for i, (columns, far) in enumerate(rows):
        if not (np.isfinite(far).all() and (far >= 0).all()):
            raise ValueError(f"row {i} of X (counted from 0) has a distance that is negative or not finite")
        if len(columns) < k:
            raise ValueError(
                f"row {i} of X (counted from 0) holds {len(columns)} distances, but n_neighbors={k} asks for more"
            )
        order = np.argsort(np.where(columns == i, -1.0, far), kind="stable")
        near.append(np.sort(columns[order[:k]]))
    return np.arange(len(rows) + 1, dtype=np.int64) * k, np.concatenate(near).astype(np.int64), np.ones(k * len(rows))


def _per_piece(values: Array) -> Array:
    """One row of values where there is one piece."""
    return values[0] if len(values) == 1 else values


def _matrix(weights: Weights, *, sparse: bool) -> Any:
    """SciPy's sparse matrix of weights, or a dense one."""
    starts, columns, values = weights
    starts, columns = starts.astype(np.intp), columns.astype(np.intp)
    n = len(starts) - 1
    if sparse:
        try:
            from scipy.sparse import csr_matrix

            return csr_matrix((values, columns, starts), shape=(n, n))
        except ImportError:
            pass
    dense = np.zeros((n, n))
    dense[np.repeat(np.arange(n), starts[1:] - starts[:-1]), columns] = values
    return dense


class LaplacianEigenmaps(_Map):
    """Coordinates of few columns in which samples with much weight between them are near one another.

    Parameters, attributes and results are those of scikit-learn's `SpectralEmbedding`, up to signs; where the graph is not connected, a
    warning says so, and `pieces` how they are laid.

    Parameters
    ----------
    n_components : int, default 2
        Number of coordinates.
    affinity : {"nearest_neighbors", "rbf", "precomputed", "precomputed_nearest_neighbors"} or callable, default "nearest_neighbors"
        Which pairs weigh: those of which one is among the other's nearest, or all, by ``exp(-gamma |x - y|^2)``. "precomputed": X holds the
        weights themselves, "precomputed_nearest_neighbors": the distances that the nearest are found by; either may be one of SciPy's sparse
        matrices. A function makes the weights of all pairs from X.
    gamma : float, optional
        For "rbf"; one over the number of columns by default.
    random_state : int, RandomState or None, default None
        Without effect: nothing is random.
    eigen_solver : {"auto", "arpack", "lobpcg", "amg", "dense"}, default "auto"
        "dense" computes all eigenvalues; the others only those that are asked for, if there are more than 200 samples.
    eigen_tol : float or "auto", default "auto"
        Residual at which an eigenvector counts as found; "auto" is 1e-9.
    n_neighbors : int, optional
        For neighbours: how many, the sample itself counted; a tenth of the samples, but at least 6, by default.
    kernel : Kernel or str, optional
        How much pairs weigh instead: that of neighbours, or in place of "rbf" that of all pairs. The heat kernel of the paper is
        ``"gaussian(h=..)"``.
    pieces : {"apart", "centred"}, default "apart"
        How the pieces of a graph that is not connected are laid. "apart": by the eigenvectors of the whole graph, as in scikit-learn. The
        first coordinates, one less than there are pieces, are constant on each and tell them apart, the heaviest first, so that clusters are
        found in them; those that are left unfold single pieces. "centred": each piece by itself, in all coordinates, around 0, to see what
        is in it. A warning says that there are pieces.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    embedding_ : ndarray, shape (n, n_components)
        Coordinates. In each the entry of the largest magnitude is positive.
    eigenvalues_ : ndarray, shape (n_components,) or (pieces, n_components)
        Eigenvalues of the normalised Laplacian; where there are several pieces, of each, or with ``pieces="apart"`` of the whole in each row.
    affinity_matrix_ : scipy.sparse.csr_matrix or ndarray, shape (n, n)
        How much each two samples weigh for one another. Sparse where neighbours weigh, or the weights given were; without SciPy dense.
    pieces_ : ndarray of int, shape (n,)
        The connected piece of the graph that each sample is in.
    n_neighbors_ : int or None
        Number of neighbours in force, the sample itself counted.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Belkin and Niyogi (2003), Laplacian eigenmaps for dimensionality reduction and data representation.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(2, 8, 100)
    >>> spiral = np.column_stack([t * np.cos(t), t * np.sin(t)])
    >>> y = lc.LaplacianEigenmaps(n_neighbors=7, n_components=1).fit_transform(spiral)
    >>> bool(abs(np.corrcoef(y[:, 0], t)[0, 1]) > 0.95)
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        affinity: Affinity = "nearest_neighbors",
        gamma: float | None = None,
        random_state: Any = None,
        eigen_solver: Solver | None = "auto",
        eigen_tol: float | Literal["auto"] = "auto",
        n_neighbors: int | None = None,
        kernel: Kernel | str | None = None,
        pieces: Literal["apart", "centred"] = "apart",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.affinity = affinity
        self.gamma = gamma
        self.random_state = random_state
        self.eigen_solver = eigen_solver
        self.eigen_tol = eigen_tol
        self.n_neighbors = n_neighbors
        self.kernel = kernel
        self.pieces = pieces
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Finds the coordinates.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples; for "precomputed" their weights or distances, shape (n, n).
        y : ignored

        Returns
        -------
        LaplacianEigenmaps
            Itself.
        """
        if callable(self.affinity) or self.affinity in ("precomputed", "precomputed_nearest_neighbors"):
            return self._fit_weights(X)
        if self.affinity not in ("nearest_neighbors", "rbf"):
            raise ValueError(
                f"affinity={self.affinity!r} is none of 'nearest_neighbors', 'rbf', 'precomputed', 'precomputed_nearest_neighbors' and a "
                "function; other weights are given as kernel"
            )
        samples = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        everywhere = self.affinity == "rbf"
        kernel = None if self.kernel is None else _arrays.kernel_of(self.kernel, X)
        if everywhere and kernel is None:
            gamma = 1.0 / samples.shape[1] if self.gamma is None else _arrays.number(self.gamma, "gamma")
            if not (gamma > 0 and np.isfinite(gamma)):
                raise ValueError(f"gamma={gamma} must be a positive finite number")
            kernel = Kernel(f"gaussian(h={(2.0 * gamma) ** -0.5!r})")
        found = _core.laplacian_eigenmaps(
            samples,
            n_components=_arrays.count(self.n_components, "n_components"),
            n_neighbors=None if self.n_neighbors is None or everywhere else _arrays.count(self.n_neighbors, "n_neighbors"),
            kernel=kernel,
            everywhere=everywhere,
            tol=self._tol(),
            dense=_dense(self.eigen_solver),
            pieces=self.pieces,
            threads=_arrays.threads(self.n_jobs),
        )
        return self._keep(found, sparse=not everywhere)

    def _tol(self) -> float:
        if isinstance(self.eigen_tol, str) and self.eigen_tol == "auto":
            return 1e-9
        tol = _arrays.number(self.eigen_tol, "eigen_tol")
        if not (np.isfinite(tol) and tol >= 0):
            raise ValueError(f"eigen_tol={tol} must be a finite number of at least 0, or 'auto'")
        return tol

    def _fit_weights(self, X: Any) -> Self:
        sparse = type(X).__module__.startswith("scipy.sparse")
        neighbors = None
        if callable(self.affinity):
            X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
            weights = _sparse(self.affinity(X), "callable")
            if len(weights[0]) != len(X) + 1:
                raise ValueError(
                    f"affinity makes a matrix of {len(weights[0]) - 1} rows of X, which has {len(X)}; it must have one for each"
                )
        else:
            if not sparse:
                X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
            n = X.shape[0]
            if self.affinity == "precomputed":
                weights = _sparse(X, "precomputed")
            else:
                neighbors = min(max(n // 10, 6), n) if self.n_neighbors is None else _arrays.count(self.n_neighbors, "n_neighbors")
                if not 1 <= neighbors <= n:
                    raise ValueError(f"n_neighbors={neighbors} must be from 1 to n_samples = {n}; the sample itself counts")
                weights, sparse = _of_distances(X, neighbors), True
            if hasattr(self, "feature_names_in_"):
                del self.feature_names_in_
            self.n_features_in_ = n
        found = _core.laplacian_of_affinity(
            *weights,
            n_components=_arrays.count(self.n_components, "n_components"),
            tol=self._tol(),
            dense=_dense(self.eigen_solver),
            pieces=self.pieces,
            threads=_arrays.threads(self.n_jobs),
        )
        self._keep(found, sparse=sparse)
        self.n_neighbors_ = neighbors
        return self

    def _keep(self, found: tuple[Array, Array, Array, int | None, str | None, Weights], *, sparse: bool) -> Self:
        self.embedding_, values, pieces, self.n_neighbors_, warning, weights = found
        self.pieces_: Array = pieces.astype(np.intp)
        self.eigenvalues_: Array = _per_piece(values)
        self.affinity_matrix_: Any = _matrix(weights, sparse=sparse)
        if warning is not None:
            warnings.warn(warning, stacklevel=3)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        given = self.affinity in ("precomputed", "precomputed_nearest_neighbors")
        tags.input_tags.pairwise = given
        tags.input_tags.sparse = given
        return tags

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


class DiffusionMap(TransformerMixin, _Map):
    """Coordinates in which distances are those between where random walks from two samples go.

    A walk steps from sample i to j in proportion to ``K_ij / (q_i q_j)**alpha``, q being the row sums of the kernel. Coordinate l of a sample is
    ``eigenvalue_l**time * psi_l``, psi_l being the walk's right eigenvectors, of variance 1 under its stationary law.

    Parameters
    ----------
    n_components : int, default 2
        Number of coordinates.
    kernel : Kernel or str, default "gaussian"
        How much samples weigh for one another.
    bandwidth : float or "auto", default "auto"
        The ``h`` of the kernel's parts that have none. "auto" takes the bandwidth at which the sum of all weights grows fastest, both on
        logarithmic scales, and at least what half of the samples need to see their seventh neighbour.
    n_neighbors : int or None, default 64
        The kernel counts for so many nearest of each sample only, itself counted; None for all.
    alpha : float, default 1
        How far the density of the samples is taken out, any number of at least 0: with 1 coordinates do not depend on it, with 0 they are
        those of the plain normalised graph, with 0.5 those of a Fokker-Planck operator.
    time : float, default 1
        Number of steps of the walk; it need not be whole.
    eigen_solver : {"auto", "dense"}, default "auto"
        "dense" computes all eigenvalues; "auto" only those that are asked for, if there are more than 200 samples.
    tol : float, default 1e-9
        Residual at which an eigenvector counts as found.
    pieces : {"apart", "centred"}, default "apart"
        How the pieces of a graph that is not connected are laid. "apart": by the eigenvectors of the whole graph, as in scikit-learn. The
        first coordinates, one less than there are pieces, are constant on each and tell them apart, the heaviest first, so that clusters are
        found in them; those that are left unfold single pieces. "centred": each piece by itself, in all coordinates, around 0, to see what
        is in it. A warning says that there are pieces.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    embedding_ : ndarray, shape (n, n_components)
        Coordinates. In each the entry of the largest magnitude is positive.
    eigenvalues_ : ndarray, shape (n_components,) or (pieces, n_components)
        Eigenvalues of the walk but for the first, 1; where there are several pieces, of each, or with ``pieces="apart"`` of the whole in
        each row.
    kernel_ : Kernel
        The kernel in force, with its bandwidth.
    pieces_ : ndarray of int, shape (n,)
        The connected piece that each sample is in.
    X_fit_ : ndarray, shape (n, d)
        The samples.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Coifman and Lafon (2006), Diffusion maps; for "auto" Coifman, Shkolnisky, Sigworth and Singer (2008), Graph Laplacian tomography from unknown
    random projections; for new rows Bengio and others (2003), Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral clustering.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(2, 8, 100)
    >>> spiral = np.column_stack([t * np.cos(t), t * np.sin(t)])
    >>> model = lc.DiffusionMap(1, kernel="gaussian(h=0.5)").fit(spiral)
    >>> bool(abs(np.corrcoef(model.embedding_[:, 0], t)[0, 1]) > 0.95)
    True
    >>> bool(np.allclose(model.transform(spiral[10:12]), model.embedding_[10:12], atol=1e-3))
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        kernel: Kernel | str = "gaussian",
        bandwidth: float | Literal["auto"] = "auto",
        n_neighbors: int | None = 64,
        alpha: float = 1.0,
        time: float = 1.0,
        eigen_solver: Literal["auto", "dense"] = "auto",
        tol: float = 1e-9,
        pieces: Literal["apart", "centred"] = "apart",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.time = time
        self.eigen_solver = eigen_solver
        self.tol = tol
        self.pieces = pieces
        self.n_jobs = n_jobs

    def _neighbors(self) -> int | None:
        return None if self.n_neighbors is None else _arrays.count(self.n_neighbors, "n_neighbors")

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Finds the coordinates.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        DiffusionMap
            Itself.
        """
        samples = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        made = _core.DiffusionMapModel.fit(
            samples,
            _arrays.kernel_of(self.kernel, X),
            n_components=_arrays.count(self.n_components, "n_components"),
            n_neighbors=self._neighbors(),
            bandwidth=None if self.bandwidth == "auto" else _arrays.number(self.bandwidth, "bandwidth"),
            alpha=_arrays.number(self.alpha, "alpha"),
            time=_arrays.number(self.time, "time"),
            tol=_arrays.number(self.tol, "tol"),
            dense=_dense(self.eigen_solver),
            pieces=self.pieces,
            threads=_arrays.threads(self.n_jobs),
        )
        self.X_fit_: Array = samples
        self.embedding_: Array = made.embedding()
        self.eigenvalues_: Array = _per_piece(made.eigenvalues())
        self.pieces_: Array = made.pieces().astype(np.intp)
        self.kernel_: Kernel = made.kernel
        self._thinning: Array = made.thinning()
        self._prepared = Prepared(made)
        warning = made.warning()
        if warning is not None:
            warnings.warn(warning, stacklevel=2)
        return self

    def _make(self) -> _core.DiffusionMapModel:
        return _core.DiffusionMapModel(
            self.X_fit_,
            self.kernel_,
            self._neighbors(),
            self.embedding_,
            np.atleast_2d(self.eigenvalues_),
            self._thinning,
            self.pieces_.astype(np.int64),
            _arrays.threads(self.n_jobs),
        )

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
        """Coordinates of new rows: where a step of the walk leads from there, over the eigenvalue.

        A training sample keeps its place where the kernel is between all samples, and nearly so among the nearest. A row without any weight gets
        the coordinates of the nearest sample.

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
        if self._prepared.made is None:
            self._prepared.made = self._make()
        found: Array = self._prepared.made.transform(rows, _arrays.threads(self.n_jobs))
        return found
