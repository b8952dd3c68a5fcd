"""Autoencoders that are networks: denoising, and hierarchical from coarse to fine."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._base import BaseEstimator, Prepared, TransformerMixin, check_is_fitted, validate_data
from ._mean import Progress

Activation = Literal["gelu", "gelu_erf", "silu", "relu"]
Corruption = Literal["none", "gaussian", "masking", "salt_and_pepper"]
_ACTIVATIONS = ("gelu", "gelu_erf", "silu", "relu")
_CORRUPTIONS = ("none", "gaussian", "masking", "salt_and_pepper")


class ExcessRisk(NamedTuple):
    """How far a denoiser is from the best there is.

    Attributes
    ----------
    model : float
        Its mean squared error, by number, in variances of the columns.
    optimum : float
        That of the Gaussian local mean of the clean rows, below which no denoiser of these rows gets.
    excess : float
        The difference.
    """

    model: float
    optimum: float
    excess: float


def sizes(given: int | Sequence[int], name: str, least: int = 1) -> list[int]:
    """Whole numbers of at least 1, one or several."""
    found = [given] if np.ndim(given) == 0 else list(given)  # type: ignore[arg-type]
    counts = [_arrays.count(n, name) for n in found]
    if len(counts) < least:
        raise ValueError(f"{name}={given!r} is empty; give at least one whole number of at least 1")
    if 0 in counts:
        several = "a whole number of at least 1" if np.ndim(given) == 0 else "whole numbers of at least 1 each"
        raise ValueError(f"{name}={given!r} must be {several}")
    return counts


def fit_options(model: Any) -> dict[str, Any]:
    """What an estimator says of its training."""
    epochs, batch = _arrays.count(model.max_epochs, "max_epochs"), _arrays.count(model.batch_size, "batch_size")
    rate, decay = _arrays.number(model.learning_rate, "learning_rate"), _arrays.number(model.weight_decay, "weight_decay")
    share = _arrays.number(model.validation_fraction, "validation_fraction")
    patience = None if model.n_iter_no_change is None else _arrays.count(model.n_iter_no_change, "n_iter_no_change")
    for name, n in (("max_epochs", epochs), ("batch_size", batch), ("n_iter_no_change", 1 if patience is None else patience)):
        if n == 0:
            raise ValueError(f"{name}=0 must be at least 1")
    if not (np.isfinite(rate) and rate > 0):
        raise ValueError(f"learning_rate={rate} must be a positive number")
    if not (np.isfinite(decay) and decay >= 0):
        raise ValueError(f"weight_decay={decay} must be a finite number of at least 0")
    if not 0 <= share < 1:
        raise ValueError(f"validation_fraction={share} must be at least 0 and below 1")
    return {
        "epochs": epochs,
        "batch": batch,
        "rate": rate,
        "decay": decay,
        "validation": share,
        "patience": patience,
        "seed": _arrays.seed(model.random_state),
    }


def one_of(given: Any, name: str, choices: Sequence[str]) -> str:
    """A word among some."""
    if given not in choices:
        raise ValueError(f"{name}={given!r} is none of {', '.join(map(repr, choices))}")
    return str(given)


class _Autoencoder(TransformerMixin, BaseEstimator):
    """What the two share."""

    hidden_layer_sizes: int | Sequence[int]
    activation: Activation
    corruption: Corruption
    noise: float
    n_jobs: int | None

    @abstractmethod
    def _levels(self) -> list[int]:
        """Columns of the codes, from coarse to fine."""

    def _training(self) -> str:
        return "joint"

    def _network(self) -> tuple[list[int], list[int], str, tuple[str, float]]:
        """Codes, hidden layers, activation and corruption."""
        corruption = one_of(self.corruption, "corruption", _CORRUPTIONS)
        noise = _arrays.number(self.noise, "noise")
        if corruption != "none" and not (0 < noise < (np.inf if corruption == "gaussian" else 1)):
            most = "a positive number" if corruption == "gaussian" else "a probability above 0 and below 1"
            raise ValueError(f"noise={noise} must be {most} for corruption={corruption!r}")
        hidden = sizes(self.hidden_layer_sizes, "hidden_layer_sizes", 0)
        return self._levels(), hidden, one_of(self.activation, "activation", _ACTIVATIONS), (corruption, noise)

    def fit(self, X: npt.ArrayLike, y: Any = None, *, progress: Progress | None = None) -> Self:
        """Learns from clean rows.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows.
        y : ignored
        progress : callable, optional
            Called now and then with the epochs that are done and the most that there will be.

        Returns
        -------
        estimator
            Itself.
        """
        codes, hidden, activation, corruption = self._network()
        training, options = self._training(), fit_options(self)
        rows = validate_data(self, X, dtype=np.float64)
        threads = _arrays.threads(self.n_jobs)
        made = _core.AutoencoderNet.fit(
            rows, codes, hidden, activation, corruption, training, options, threads, progress
        )
        self.mean_, self.scale_, self.coef_ = made.numbers()
        stages = made.histories()
        self.loss_curve_: Array = np.concatenate([stage[0] for stage in stages])
        self.validation_loss_curve_: Array = np.concatenate([stage[1][1:] for stage in stages])
        self.n_iter_ = len(self.loss_curve_)
        # Held-out rows are looked at before the first epoch, too.
        self.stage_losses_: Array = np.array([h[b] if len(h) else c[max(b, 1) - 1] for c, h, b in stages])
        self.best_loss_ = float(self.stage_losses_[-1])
        self._prepared = Prepared(made)
        return self

    @property
    def _n_features_out(self) -> int:
        return sum(self._levels())

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
        name = type(self).__name__.lower()
        return np.asarray([f"{name}{i}" for i in range(self._n_features_out)], dtype=object)

    def _make(self) -> _core.AutoencoderNet:
        codes, hidden, activation, corruption = self._network()
        return _core.AutoencoderNet.of(
            codes, hidden, activation, corruption, self.mean_, self.scale_, np.asarray(self.coef_, dtype=np.float32)
        )

    def _net(self) -> _core.AutoencoderNet:
        check_is_fitted(self)
        if self._prepared.made is None:
            self._prepared.made = self._make()
        made: _core.AutoencoderNet = self._prepared.made
        return made

    def _rows(self, X: npt.ArrayLike) -> tuple[_core.AutoencoderNet, Array, int]:
        net = self._net()
        return net, validate_data(self, X, reset=False, dtype=np.float64), _arrays.threads(self.n_jobs)

    def transform(self, X: npt.ArrayLike) -> Array:
        """Codes of rows.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, k)
        """
        net, rows, threads = self._rows(X)
        return net.encode(rows, threads)

    def _decode(self, X: npt.ArrayLike, levels: int | None) -> Array:
        net = self._net()
        return net.decode(_arrays.sites(X, "X").astype(np.float64, copy=False), levels, _arrays.threads(self.n_jobs))

    def reconstruct(self, X: npt.ArrayLike) -> Array:
        """What comes out for rows: noisy rows come back cleaner.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.

        Returns
        -------
        ndarray, shape (m, d)
        """
        net, rows, threads = self._rows(X)
        return net.reconstruct(rows, threads)

    denoise = reconstruct

    def score(self, X: npt.ArrayLike, y: Any = None) -> float:
        """Minus the mean squared error of the reconstruction, by number, in variances of the training rows' columns: 0 is the best there is,
        -1 what the columns' means reach.

        Parameters
        ----------
        X : array_like, shape (m, d)
            Rows.
        y : ignored

        Returns
        -------
        float
        """
        net, rows, threads = self._rows(X)
        return -net.error(rows, threads)

    def excess_risk(self, X: npt.ArrayLike, n_draws: int = 10, random_state: int = 0) -> ExcessRisk:
        """How far it is from the best denoiser of clean rows under its own Gaussian noise, which is their Gaussian local mean.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Clean rows. Of the rows it was trained on the excess is not negative, but for the chance of the draws.
        n_draws : int, default 10
            Noisy copies of each row.
        random_state : int, default 0
            Seed of the noise.

        Returns
        -------
        ExcessRisk
        """
        net, rows, threads = self._rows(X)
        if self.corruption != "gaussian":
            raise ValueError(f"corruption={self.corruption!r}: the Gaussian local mean is the best denoiser under Gaussian noise only")
        draws = _arrays.count(n_draws, "n_draws")
        if draws == 0:
            raise ValueError("n_draws=0 must be at least 1")
        model, optimum = net.excess_risk(rows, draws, _arrays.count(random_state, "random_state"), threads)
        return ExcessRisk(model, optimum, model - optimum)


class DenoisingAutoencoder(_Autoencoder):
    """A network that maps rows to a code of few numbers and back, trained to undo corruption.

    Parameters
    ----------
    n_components : int, default 2
        Numbers of a code; more than there are columns make a denoiser without a bottleneck.
    hidden_layer_sizes : int or sequence of int, default (64,)
        Layers between rows and code; the way back has the same in reverse. None at all is a linear map.
    activation : {"gelu", "gelu_erf", "silu", "relu"}, default "gelu"
        The curve between layers.
    corruption : {"gaussian", "masking", "salt_and_pepper", "none"}, default "gaussian"
        What rows are corrupted by in training: normal noise, numbers replaced by their column's mean, or by its least or largest value.
    noise : float, default 0.2
        Standard deviation of the noise in deviations of the columns, or the probability of a number's being replaced.
    max_epochs : int, default 200
        Most passes over the rows.
    batch_size : int, default 128
        Rows of a step.
    learning_rate : float, default 2e-3
        Of AdamW at the start; it falls by half a cosine.
    weight_decay : float, default 1e-4
        Of AdamW.
    validation_fraction : float, default 0.1
        Share of the rows that is held out; the parameters that do best there are kept. 0 keeps those of the best epoch in training.
    n_iter_no_change : int or None, default 20
        Training ends after so many epochs without a better loss.
    random_state : int, RandomState, Generator or None, default 0
        First weights, order, held-out rows and corruption. The same number gives the same model, whatever the number of threads.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    loss_curve_ : ndarray, shape (n_iter_,)
        Mean loss of each epoch, in variances of the columns.
    validation_loss_curve_ : ndarray, shape (n_iter_,)
        Loss of the held-out rows after each epoch.
    best_loss_ : float
        That of the parameters that were kept.
    stage_losses_ : ndarray
        The same of each stage of the training.
    n_iter_ : int
        Epochs of training.
    mean_, scale_ : ndarray, shape (d,)
        Units of the columns.
    coef_ : ndarray of float32
        All parameters.
    n_features_in_ : int
        Number of columns.

    References
    ----------
    Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), Stacked denoising autoencoders; Alain and Bengio (2014), What regularized auto-encoders
    learn from the data-generating distribution.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> t = np.linspace(0, 6, 300)
    >>> X = np.column_stack([np.sin(t), np.cos(t), t])
    >>> model = lc.DenoisingAutoencoder(2, noise=0.1, max_epochs=100, batch_size=32).fit(X)
    >>> model.transform(X).shape
    (300, 2)
    >>> model.score(X) > -0.1
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        hidden_layer_sizes: int | Sequence[int] = (64,),
        activation: Activation = "gelu",
        corruption: Corruption = "gaussian",
        noise: float = 0.2,
        max_epochs: int = 200,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = 20,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.corruption = corruption
        self.noise = noise
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _levels(self) -> list[int]:
        return sizes(_arrays.count(self.n_components, "n_components"), "n_components")

    def inverse_transform(self, X: npt.ArrayLike) -> Array:
        """Rows from codes.

        Parameters
        ----------
        X : array_like, shape (m, k)
            Codes.

        Returns
        -------
        ndarray, shape (m, d)
        """
        return self._decode(X, None)


class HierarchicalAutoencoder(_Autoencoder):
    """Codes from coarse to fine: a small code first, then codes of what the reconstruction so far leaves.

    Level by level, no level loses on the held-out rows what those before it reached.

    Parameters
    ----------
    n_components : sequence of int, default (2, 4, 8)
        Numbers of each level's code, the coarsest first.
    training : {"greedy_then_joint", "greedy", "joint"}, default "greedy_then_joint"
        Level by level, all at once, or one after the other.
    hidden_layer_sizes, activation, corruption, noise, max_epochs, batch_size, learning_rate, weight_decay, validation_fraction, \
n_iter_no_change, random_state, n_jobs
        As for `DenoisingAutoencoder`; each stage of the training has `max_epochs`.

    Attributes
    ----------
    loss_curve_, validation_loss_curve_, best_loss_, n_iter_, mean_, scale_, coef_, n_features_in_
        As of `DenoisingAutoencoder`, the stages one after another.
    stage_losses_ : ndarray
        The loss that each stage ends with: of one level, of two, .., of all together.

    References
    ----------
    Song (2026), The general theory of localization methods; Hinton and Salakhutdinov (2006), Reducing the dimensionality of data with neural networks.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 6))
    >>> model = lc.HierarchicalAutoencoder((1, 1, 1), noise=0.05, max_epochs=60, batch_size=32).fit(X)
    >>> bool(np.all(np.diff(model.stage_losses_) <= 0))
    True
    >>> model.inverse_transform(model.transform(X), levels=1).shape
    (300, 6)
    """

    def __init__(
        self,
        n_components: Sequence[int] = (2, 4, 8),
        *,
        training: Literal["greedy_then_joint", "greedy", "joint"] = "greedy_then_joint",
        hidden_layer_sizes: int | Sequence[int] = (64,),
        activation: Activation = "gelu",
        corruption: Corruption = "gaussian",
        noise: float = 0.2,
        max_epochs: int = 200,
        batch_size: int = 128,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-4,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = 20,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.training = training
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.corruption = corruption
        self.noise = noise
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _levels(self) -> list[int]:
        return sizes(self.n_components, "n_components")

    def _training(self) -> str:
        return one_of(self.training, "training", ("greedy_then_joint", "greedy", "joint"))

    def inverse_transform(self, X: npt.ArrayLike, levels: int | None = None) -> Array:
        """Rows from codes.

        Parameters
        ----------
        X : array_like, shape (m, k)
            Codes of all levels, or of the first ones.
        levels : int, optional
            Only so many levels; as many as the codes have by default.

        Returns
        -------
        ndarray, shape (m, d)
        """
        if levels is None:
            widths = np.cumsum(self._levels())
            with contextlib.suppress(ValueError, TypeError):
                found = np.flatnonzero(widths == np.shape(X)[1])
                levels = int(found[0]) + 1 if len(found) else None
        return self._decode(X, levels)
