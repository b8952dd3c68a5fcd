"""Principal components around each row, intrinsic dimension, and denoising along tangent planes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, TransformerMixin, check_is_fitted, validate_data
from ._core import Kernel, Neighborhood

_METHODS = ("mle", "twonn", "participation", "pca")


class TangentSpaces(NamedTuple):
    """Principal components around each of m rows.

    Attributes
    ----------
    means : ndarray, shape (m, d)
        Where each plane passes.
    components : ndarray, shape (m, c, d)
        Unit vectors that span it, the largest variance first; zeros where a row has fewer than others.
    explained_variance : ndarray, shape (m, c)
        Variances along them.
    n_components : ndarray of int, shape (m,)
        How many there are.
    total_variance : ndarray, shape (m,)
        The variance along all directions.
    """

    means: Array
    components: Array
    explained_variance: Array
    n_components: Array
    total_variance: Array

    @property
    def explained_variance_ratio(self) -> Array:
        """Shares of the variance along all directions, shape (m, c); 0 where there is none."""
        whole = self.total_variance[:, None]
        return np.divide(self.explained_variance, whole, out=np.zeros_like(self.explained_variance), where=whole > 0)

    @property
    def noise_variance(self) -> Array:
        """The mean variance along the directions that are left out, shape (m,); 0 where there are none."""
        left = self.components.shape[2] - self.n_components
        rest = np.maximum(self.total_variance - self.explained_variance.sum(axis=1), 0.0)
        return np.where(left > 0, rest / np.maximum(left, 1), 0.0)


class LocalPCA(TransformerMixin, BaseEstimator):
    """Principal component analysis of the samples around each row: tangent spaces, and what is off them.

    Under a kernel so wide that all samples count alike it is scikit-learn's `PCA`.

    Parameters
    ----------
    n_components : int or float, optional
        How many components are kept: so many, or the fewest that have this share of the variance around each row, or all.
    n_neighbors : int, optional
        Only so many nearest samples count, a row's own among them; 20 where neither kernel nor neighborhood is given.
    kernel : Kernel or str, optional
        How much samples count; all alike by default.
    neighborhood : Neighborhood or str, optional
        Which samples count at all, instead of `n_neighbors`; ``"mutual(k=20)"`` are those of the row's 20 nearest
        that would have it among their own 20 nearest.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_fit_ : ndarray, shape (n, d)
        The samples.
    kernel_ : Kernel or None
        The kernel in force.
    neighborhood_ : Neighborhood
        The neighbourhood in force.
    mean_ : ndarray, shape (d,)
        Of all samples, as `PCA` has it.
    components_ : ndarray, shape (c, d)
        Of all samples, as `PCA` has it; they answer where fewer than two samples count.
    explained_variance_ : ndarray, shape (c,)
        Of all samples.
    explained_variance_ratio_ : ndarray, shape (c,)
        Their shares of the variance of all samples.
    n_components_ : int
        Number of components of all samples; around a row there may be others where a share was asked for.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Fukunaga and Olsen (1971), An algorithm for finding intrinsic dimensionality of data; Kambhatla and Leen (1997), Dimension reduction by local
    principal component analysis.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    >>> circle = np.column_stack([np.cos(t), np.sin(t)])
    >>> model = lc.LocalPCA(1, n_neighbors=9).fit(circle)
    >>> np.abs(model.tangent_spaces([[1.0, 0.0]]).components).round(2)
    array([[[0., 1.]]])
    >>> model.score_samples([[1.0, 0.0], [1.5, 0.0]]).round(1)
    array([-0. , -0.5])
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        n_neighbors: int | None = None,
        kernel: Kernel | str | None = None,
        neighborhood: Neighborhood | str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.kernel = kernel
        self.neighborhood = neighborhood
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Lays out the samples.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        LocalPCA
            Itself.
        """
        self.X_fit_: Array = validate_data(self, X, dtype=np.float64)
        self.kernel_ = None if self.kernel is None else _arrays.kernel_of(self.kernel, X)
        if self.neighborhood is not None:
            if self.n_neighbors is not None:
                raise ValueError(f"n_neighbors={self.n_neighbors} and neighborhood={self.neighborhood} both say which samples count; give one")
            region: Neighborhood | str | None = self.neighborhood
        elif self.n_neighbors is not None:
            k = _arrays.count(self.n_neighbors, "n_neighbors")
            if k > len(self.X_fit_) or k == 0:
                raise ValueError(f"n_neighbors={k} must be from 1 to n_samples = {len(self.X_fit_)}; the sample itself counts")
            region = f"nearest(k={k})"
        else:
            region = f"nearest(k={min(20, len(self.X_fit_))})" if self.kernel is None else None
        self.neighborhood_: Neighborhood = _arrays.neighborhood_of(region, X)
        made = self._make()
        self._prepared = Prepared(made)
        means, components, variances, _, _ = made.whole()
        self.mean_: Array = means[0]
        self.components_: Array = components[0]
        self.explained_variance_: Array = variances[0]
        return self

    def _make(self) -> _core.LocalPcaModel:
        count, share = None, None
        if self.n_components is not None:
            if isinstance(self.n_components, float | np.floating):
                share = float(self.n_components)
            else:
                count = _arrays.count(self.n_components, "n_components")
        threads = _arrays.threads(self.n_jobs)
        return _core.LocalPcaModel(self.X_fit_, self.kernel_, self.neighborhood_, count, share, threads=threads)

    def _rows(self, X: npt.ArrayLike) -> tuple[_core.LocalPcaModel, Array, int]:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        return self._prepared.made, rows, _arrays.threads(self.n_jobs)

    @property
    def explained_variance_ratio_(self) -> Array:
        """Shares of the variance of all samples."""
        check_is_fitted(self)
        whole = float(self.X_fit_.var(axis=0, ddof=min(1, len(self.X_fit_) - 1)).sum())
        own = self.explained_variance_
        return own / whole if whole > 0 else np.zeros_like(own)

    @property
    def n_components_(self) -> int:
        """Number of components of all samples."""
        check_is_fitted(self)
        return len(self.components_)

    def transform(self, X: npt.ArrayLike) -> Array:
        """Rows projected onto the plane of the components around them, ``mean + P (x - mean)``: what is off the plane is taken as noise.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        model, rows, threads = self._rows(X)
        return model.project(rows, threads)

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """Minus how far each row is from its projection: far below 0 for outliers.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m,)
        """
        model, rows, threads = self._rows(X)
        return -model.errors(rows, threads)

    def tangent_spaces(self, X: npt.ArrayLike) -> TangentSpaces:
        """The principal components around each row.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        TangentSpaces
        """
        model, rows, threads = self._rows(X)
        return TangentSpaces(*model.at(rows, threads))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the columns that `transform` returns: those of the samples.

        Parameters
        ----------
        input_features : sequence of str, optional
            The samples' own where they have none.

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        d = self.X_fit_.shape[1]
        if input_features is None:
            input_features = getattr(self, "feature_names_in_", [f"x{i}" for i in range(d)])
        if len(input_features) != d:
            raise ValueError(f"input_features should have length equal to number of features ({d}), got {len(input_features)}")
        return np.asarray(input_features, dtype=object)


def intrinsic_dimension(
    X: npt.ArrayLike,
    method: Literal["mle", "twonn", "participation", "pca"] = "mle",
    *,
    n_neighbors: int = 20,
    threshold: float = 0.95,
    return_local: bool = False,
    n_jobs: int | None = None,
) -> Any:
    """How many dimensions samples have.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Samples.
    method : {"mle", "twonn", "participation", "pca"}, default "mle"
        "mle": maximum likelihood of the distances to the nearest neighbours; over all samples, one over the mean of the inverses. "twonn": the
        ratio of the two nearest distances, the largest tenth left out. "participation": ``(sum v)**2 / sum v**2`` of the variances ``v``
        along the principal components of neighbourhoods. "pca": the fewest of these components that have `threshold` of the variance.
    n_neighbors : int, default 20
        Number of neighbours of each sample, itself not counted; without effect for "twonn".
    threshold : float, default 0.95
        For "pca".
    return_local : bool, default False
        Whether the estimates around each sample are returned, too; "twonn" has none.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    float
        The dimension of all samples.
    local : ndarray, shape (n,)
        Around each; only where `return_local` is set. NaN where all neighbours are duplicates.

    References
    ----------
    Levina and Bickel (2004), Maximum likelihood estimation of intrinsic dimension; MacKay and Ghahramani (2005), comments on it; Facco, d'Errico,
    Rodriguez and Laio (2017), Estimating the intrinsic dimension of datasets by a minimal neighborhood information.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> sphere = X / np.linalg.norm(X, axis=1, keepdims=True)
    >>> [round(lc.intrinsic_dimension(sphere, method)) for method in ("mle", "twonn", "participation")]
    [2, 2, 2]
    """
    samples = _arrays.sites(X, "X").astype(np.float64, copy=False)
    if method not in _METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(map(repr, _METHODS))}")
    if return_local and method == "twonn":
        raise ValueError("method='twonn' has no estimate for single samples; leave out return_local, or choose 'mle'")
    whole, local = _core.intrinsic_dimension(
        samples,
        method,
        _arrays.count(n_neighbors, "n_neighbors"),
        _arrays.number(threshold, "threshold"),
        _arrays.threads(n_jobs),
    )
    return (whole, local) if return_local else whole


def manifold_blurring(
    X: npt.ArrayLike,
    n_components: int = 1,
    *,
    n_neighbors: int = 10,
    kernel: Kernel | str | None = None,
    all_samples: bool = False,
    max_iter: int = 3,
    tol: float = 0.0,
    n_jobs: int | None = None,
) -> Array:
    """Takes noise off samples that lie near a curve or surface of few dimensions.

    In each round every sample moves to the local mean of the samples around it, as in blurring mean shift, but for the part of the move along the
    plane of the principal components of its nearest samples; so that the surface neither shrinks nor breaks into clusters.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Samples.
    n_components : int, default 1
        Number of dimensions of the surface; 0 is blurring mean shift itself.
    n_neighbors : int, default 10
        Number of nearest samples, itself counted, of which the plane is the principal components', and between which samples move.
    kernel : Kernel or str, optional
        How much the nearest count for the mean that a sample moves to, with a bandwidth: ``"gaussian(h=..)"``. By default all count alike, and
        samples move straight onto the plane.
    all_samples : bool, default False
        Whether the mean is over all samples that the kernel reaches instead of over the nearest only.
    max_iter : int, default 3
        Number of rounds. Few are enough; more begin to straighten what is bent.
    tol : float, default 0
        The rounds end once the root of the mean squared move is at most this.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    ndarray, shape (n, d)

    References
    ----------
    Wang and Carreira-Perpinan (2010), Manifold blurring mean shift algorithms for manifold denoising.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(0, 2 * np.pi, size=500)
    >>> noisy = np.column_stack([np.cos(t), np.sin(t)]) + 0.1 * rng.normal(size=(500, 2))
    >>> clean = lc.manifold_blurring(noisy, n_neighbors=40)
    >>> off = lambda x: np.abs(np.linalg.norm(x, axis=1) - 1).mean()
    >>> bool(off(clean) < off(noisy) / 2)
    True
    """
    samples = _arrays.sites(X, "X").astype(np.float64, copy=False)
    points, _ = _core.manifold_blurring(
        samples,
        _arrays.count(n_components, "n_components"),
        n_neighbors=_arrays.count(n_neighbors, "n_neighbors"),
        kernel=None if kernel is None else _arrays.kernel_of(kernel, X),
        all_samples=bool(all_samples),
        max_iter=_arrays.count(max_iter, "max_iter"),
        tol=_arrays.number(tol, "tol"),
        threads=_arrays.threads(n_jobs),
    )
    return points
