"""Features from kernels, as transformers: principal components, and Nystrom features."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, TransformerMixin, check_is_fitted, validate_data
from ._core import Kernel
from ._expansion import Choice, Expanded, Landmarks, RandomState, kernel_and_width


class _Features(TransformerMixin, Expanded, BaseEstimator):
    """A transformer that names its columns after itself."""

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
        name = type(self).__name__.lower()
        return np.asarray([f"{name}{i}" for i in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        return int(self.dual_coef_.shape[1])


class KernelPCA(_Features):
    """Principal components in the feature space of a kernel.

    Parameters
    ----------
    n_components : int, optional
        At most so many components; by default all of some variance.
    kernel : Kernel or str, default "gaussian"
        The kernel, symmetric and positive definite; see `KernelRidge`. Columns of a data frame may be named in it. One that is not is
        only noticed where all components are asked for.
    bandwidth : {"scale"} or float, optional, default "scale"
        A number is the kernel's ``h``. ``"scale"`` is the kernel's own if it has one, else ``sqrt(v / 2)`` for a sum ``v`` of the columns'
        variances; None leaves the kernel as it is.
    alpha : float, default 1.0
        Penalty of the ridge regression that learns the way back.
    fit_inverse_transform : bool, default False
        Whether the way back from components to columns is learned. The kernel must then look at all columns.
    n_landmarks : int, optional
        How many training samples stand for all, for tables of more than some thousand rows. All by default.
    landmarks : {"random", "kmeans++"} or sequence of int, default "random"
        How they are chosen: evenly, spread out in the kernel's feature space, or by number.
    random_state : int, RandomState, Generator or None, default 0
        Of the choice of landmarks.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    eigenvalues_ : ndarray, shape (c,)
        Of the centred kernel matrix, falling: the components' sums of squares.
    dual_coef_ : ndarray, shape (n, c)
        Coefficients, of the landmarks where there are any. Each component has the sign that makes the largest one positive before centring.
    X_fit_ : ndarray, shape (n, d)
        Training samples, or landmarks.
    kernel_ : Kernel
        The kernel in force.
    landmark_indices_ : ndarray or None
        Which training samples are landmarks.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Schoelkopf, Smola and Mueller (1998), Nonlinear component analysis as a kernel eigenvalue problem; Bakir, Weston and Schoelkopf
    (2004), Learning to find pre-images.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
    >>> lc.KernelPCA(1, bandwidth=1.0).fit(X).transform([[0.0], [5.0]]).round(1)
    array([[ 0.7],
           [-0.7]])
    """

    def __init__(
        self,
        n_components: int | None = None,
        kernel: Kernel | str = "gaussian",
        *,
        bandwidth: Literal["scale"] | float | None = "scale",
        alpha: float = 1.0,
        fit_inverse_transform: bool = False,
        n_landmarks: int | None = None,
        landmarks: Landmarks = "random",
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.alpha = alpha
        self.fit_inverse_transform = fit_inverse_transform
        self.n_landmarks = n_landmarks
        self.landmarks = landmarks
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> KernelPCA:
        """Finds the components.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : ignored

        Returns
        -------
        KernelPCA
            Itself.
        """
        sites = validate_data(self, X, dtype=np.float64)
        self.kernel_ = kernel_and_width(self.kernel, self.bandwidth, X, sites, ("scale",))
        chosen = Choice(self.n_landmarks, self.landmarks, self.random_state)
        components = None if self.n_components is None else _arrays.count(self.n_components, "n_components")
        self.eigenvalues_, self.dual_coef_, self._shift, landmarks, self._back = _core.kernel_pca(
            sites,
            self.kernel_,
            components,
            _arrays.number(self.alpha, "alpha") if self.fit_inverse_transform else None,
            landmarks=chosen.which,
            spread=chosen.spread,
            seed=chosen.seed,
            threads=_arrays.threads(self.n_jobs),
        )
        self._keep(sites, landmarks)
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """Components of the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, c)
        """
        return self._sums(X) - self._shift

    def inverse_transform(self, X: npt.ArrayLike) -> Array:
        """Columns of rows whose components are given.

        Parameters
        ----------
        X : array_like, shape (m, c)
            Components.

        Returns
        -------
        ndarray, shape (m, d)
        """
        check_is_fitted(self)
        if self._back is None:
            raise ValueError("the way back was not learned; fit with fit_inverse_transform=True")
        components = np.ascontiguousarray(_arrays.sites(X, "X"), dtype=np.float64)
        found: Array = _core.Expansion(*self._back, self.kernel_).at(components, _arrays.threads(self.n_jobs))
        return found


class Nystroem(_Features):
    """Features whose inner products approximate a kernel, from the kernel values at some training samples.

    A linear model on them is a kernel method in memory linear in the samples.

    Parameters
    ----------
    kernel : Kernel or str, default "gaussian"
        The kernel, symmetric and positive definite; see `KernelRidge`. Columns of a data frame may be named in it.
    n_components : int, default 100
        Number of landmarks, and of features; all training samples where there are fewer.
    bandwidth : {"scale"} or float, optional, default "scale"
        A number is the kernel's ``h``. ``"scale"`` is the kernel's own if it has one, else ``sqrt(v / 2)`` for a sum ``v`` of the columns'
        variances; None leaves the kernel as it is.
    landmarks : {"random", "kmeans++"} or sequence of int, default "random"
        How they are chosen: evenly (as scikit-learn does, the same ones for the same number as `random_state`), spread out in the kernel's
        feature space, or by number.
    random_state : int, RandomState, Generator or None, default 0
        Of the choice of landmarks.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    components_ : ndarray, shape (c, d)
        The landmarks.
    component_indices_ : ndarray, shape (c,)
        Which training samples they are.
    normalization_ : ndarray, shape (c, c)
        The inverse square root of their kernel matrix.
    kernel_ : Kernel
        The kernel in force.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Williams and Seeger (2000), Using the Nystrom method to speed up kernel machines.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> X = np.linspace(0.0, 1.0, 200)[:, None]
    >>> Z = lc.Nystroem("gaussian(h=0.5)", n_components=20).fit_transform(X)
    >>> bool(abs(Z[0] @ Z[100] - np.exp(-2.0 * (X[100, 0] - X[0, 0]) ** 2)) < 1e-3)
    True
    """

    def __init__(
        self,
        kernel: Kernel | str = "gaussian",
        *,
        n_components: int = 100,
        bandwidth: Literal["scale"] | float | None = "scale",
        landmarks: Landmarks = "random",
        random_state: RandomState = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.n_components = n_components
        self.bandwidth = bandwidth
        self.landmarks = landmarks
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Nystroem:
        """Chooses landmarks and solves for the map.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Training samples.
        y : ignored

        Returns
        -------
        Nystroem
            Itself.
        """
        sites = validate_data(self, X, dtype=np.float64)
        self.kernel_ = kernel_and_width(self.kernel, self.bandwidth, X, sites, ("scale",))
        which: int | list[int] = _arrays.count(self.n_components, "n_components")
        chosen = Choice(which, self.landmarks, self.random_state)
        if isinstance(self.landmarks, str) and self.landmarks == "random" and which != 0:
            # The draw of numpy, so that a seed means what it means in scikit-learn.
            state = self.random_state
            if not isinstance(state, np.random.RandomState):
                state = np.random.RandomState(state if isinstance(state, int) else chosen.seed % 2**32)
            chosen.which = [int(i) for i in state.permutation(len(sites))[:which]]
        self.normalization_, landmarks = _core.nystroem(
            sites,
            self.kernel_,
            chosen.which if chosen.which is not None else which,
            chosen.spread,
            chosen.seed,
            _arrays.threads(self.n_jobs),
        )
        self._keep(sites, landmarks)
        self.dual_coef_ = self.normalization_.T
        self.components_: Array = self.X_fit_
        self.component_indices_ = self.landmark_indices_
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """Features of the rows of X.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, c)
        """
        return self._sums(X)
