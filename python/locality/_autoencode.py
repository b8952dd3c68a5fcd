"""Autoencoders without a network."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, TransformerMixin, check_is_fitted, validate_data

_Reach = tuple[int | None, float | None]


class LazyAutoencoder(TransformerMixin, BaseEstimator):
    """Codes of few numbers from which rows are told, without a network: codes and rows as local models of each other.

    In each round the decoder, local lines of rows by codes, says what each row should be without having seen the row itself; the encoder puts
    each row's new code at the local mean of the codes of such reconstructions around it, or at the nearest one's, and goes on from there along the
    decoder's lines to where they come nearest to the row. Codes are whitened. It ends when reconstructions get no better, and keeps the best
    round.

    Parameters
    ----------
    n_components : int, default 2
        How many numbers a code has.
    degree : {1, 0}, default 1
        Degree of the decoder's local polynomials. With 0 rows are local means of rows, and codes local means of codes or the nearest one's.
    n_neighbors : int, optional
        How many samples the decoder looks at, a sample itself counted. By default, as many as reconstruct best, found anew in each round; few where
        rows have little noise. More make the surface smoother.
    bandwidth : float, optional
        The bandwidth of a Gaussian kernel for the decoder instead, in deviations of the codes.
    encoder_neighbors : int, optional
        How many reconstructions the encoder looks at; ``2 * (n_components + 1)`` by default.
    encoder_bandwidth : float, optional
        The bandwidth of a Gaussian kernel for the encoder instead, as a share of the square root of the samples' total variance.
    init : {"pca"} or array_like of shape (n, n_components), default "pca"
        The first codes. Where principal components fold the samples, those of an embedding are a better start.
    max_iter : int, default 50
        Most rounds after the first.
    tol : float, default 1e-3
        It ends after three rounds in a row of which none lowered the loss by more than this share.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    X_fit_ : ndarray, shape (n, d)
        The samples.
    codes_ : ndarray, shape (n, n_components)
        Their codes, of mean 0 and unit covariance. `transform` gives nearly the same for a sample, but there the decoder has seen it.
    loss_ : float
        The mean squared distance of samples from their reconstructions, each without its own row, as a share of the total variance.
    loss_curve_ : ndarray, shape (n_iter_,)
        The same in each round, the first of which is that of the first codes. None is below `loss_`.
    n_iter_ : int
        Number of rounds, the first included.
    converged_ : bool
        Whether it ended before `max_iter` rounds.
    n_neighbors_ : int or None
        How many samples the decoder looks at.
    bandwidth_ : float or None
        The decoder's bandwidth, where it was given. Where both are None, the decoder is a plane.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Hastie and Stuetzle (1989), Principal curves; Meinicke, Klanke, Memisevic and Ritter (2005), Principal surfaces from unsupervised kernel
    regression; Song (2026), The general theory of localization methods.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(0, np.pi, 200)
    >>> arc = np.column_stack([np.cos(t), np.sin(t)])
    >>> model = lc.LazyAutoencoder(1).fit(arc)
    >>> bool(model.loss_ < 1e-3)
    True
    >>> bool(abs(np.corrcoef(model.codes_[:, 0], t)[0, 1]) > 0.99)
    True
    >>> bool(np.allclose(model.reconstruct([[0.0, 1.2]]), [[0.0, 1.0]], atol=0.05))
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        degree: int = 1,
        n_neighbors: int | None = None,
        bandwidth: float | None = None,
        encoder_neighbors: int | None = None,
        encoder_bandwidth: float | None = None,
        init: Any = "pca",
        max_iter: int = 50,
        tol: float = 1e-3,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.degree = degree
        self.n_neighbors = n_neighbors
        self.bandwidth = bandwidth
        self.encoder_neighbors = encoder_neighbors
        self.encoder_bandwidth = encoder_bandwidth
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    def _reach(self, neighbors: str, bandwidth: str) -> _Reach:
        k, h = getattr(self, neighbors), getattr(self, bandwidth)
        if k is not None and h is not None:
            raise ValueError(f"{neighbors}={k} and {bandwidth}={h} both say how far is looked; give one")
        return None if k is None else _arrays.count(k, neighbors), None if h is None else _arrays.number(h, bandwidth)

    def fit(self, X: npt.ArrayLike, y: Any = None) -> Self:
        """Finds codes.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        y : ignored

        Returns
        -------
        LazyAutoencoder
            Itself.
        """
        samples = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if isinstance(self.init, str) and self.init != "pca":
            raise ValueError(f"init={self.init!r} is neither 'pca' nor a table of codes")
        init = None if isinstance(self.init, str) else np.ascontiguousarray(_arrays.sites(self.init, "init"), dtype=np.float64)
        made = _core.LazyAutoencoderModel.fit(
            samples,
            init,
            n_components=_arrays.count(self.n_components, "n_components"),
            degree=_arrays.count(self.degree, "degree"),
            decoder=self._reach("n_neighbors", "bandwidth"),
            encoder=self._reach("encoder_neighbors", "encoder_bandwidth"),
            max_iter=_arrays.count(self.max_iter, "max_iter"),
            tol=_arrays.number(self.tol, "tol"),
            threads=_arrays.threads(self.n_jobs),
        )
        self.X_fit_: Array = samples
        self.codes_: Array = made.codes()
        self.loss_ = made.loss
        self.loss_curve_: Array = made.losses()
        self.n_iter_ = len(self.loss_curve_)
        self.converged_ = made.converged
        self.n_neighbors_, self.bandwidth_ = made.decoder
        self._prepared = Prepared(made)
        return self

    def _make(self) -> _core.LazyAutoencoderModel:
        return _core.LazyAutoencoderModel(
            self.X_fit_,
            self.codes_,
            n_components=_arrays.count(self.n_components, "n_components"),
            degree=_arrays.count(self.degree, "degree"),
            decoder=(self.n_neighbors_, self.bandwidth_),
            encoder=self._reach("encoder_neighbors", "encoder_bandwidth"),
            threads=_arrays.threads(self.n_jobs),
        )

    def _model(self) -> _core.LazyAutoencoderModel:
        check_is_fitted(self)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        made: _core.LazyAutoencoderModel = self._prepared.made
        return made

    def transform(self, X: npt.ArrayLike) -> Array:
        """Codes of rows: where the decoder comes nearest to each.

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
        return self._model().encode(rows, _arrays.threads(self.n_jobs))

    def inverse_transform(self, X: npt.ArrayLike) -> Array:
        """Rows whose codes are given.

        Parameters
        ----------
        X : array_like, shape (m, n_components)
            Codes.

        Returns
        -------
        ndarray, shape (m, d)
        """
        model = self._model()
        codes = np.ascontiguousarray(_arrays.sites(X, "X"), dtype=np.float64)
        return model.decode(codes, _arrays.threads(self.n_jobs))

    def reconstruct(self, X: npt.ArrayLike) -> Array:
        """Rows as told from their codes: ``inverse_transform(transform(X))``.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        return self._model().reconstruct(rows, _arrays.threads(self.n_jobs))

    def score(self, X: npt.ArrayLike, y: Any = None) -> float:
        """The share of the rows' squared distance from the samples' mean that reconstructions keep: 1 where they are the rows themselves, 0
        where they are no better than the mean.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : ignored

        Returns
        -------
        float
        """
        found = self.reconstruct(X)
        rows = validate_data(self, X, reset=False, dtype=np.float64)
        off = float(((rows - found) ** 2).sum())
        whole = float(((rows - self.X_fit_.mean(axis=0)) ** 2).sum())
        return 1.0 - off / whole if whole > 0 else float(off == 0)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of the numbers of a code.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        ndarray of str
        """
        check_is_fitted(self)
        return np.asarray([f"lazyautoencoder{i}" for i in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        return int(self.codes_.shape[1])
