"""From one sequence to another: encoder and decoder of local means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._autoencoders import fit_options, one_of, sizes
from ._base import BaseEstimator, Prepared, check_is_fitted
from ._levels import ACTIVATIONS, dropout_of, width_of
from ._mean import Progress

_POSITIONS = ("learned", "sinusoidal", "rotary", "alibi", "unknown")
Token = str | int


def _sequences(given: Any, name: str) -> list[list[Token]]:
    """Sequences of tokens: texts of characters, or lists of texts and whole numbers."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(f"{name} must be a list of sequences, not {type(given).__name__}; put a single one into a list")
    out: list[list[Token]] = []
    for i, one in enumerate(given):
        if isinstance(one, bytes) or not isinstance(one, Iterable):
            raise TypeError(f"{name}[{i}] is {one!r}, but must be a text, or a list of texts or whole numbers")
        tokens = [t.item() if isinstance(t, np.generic) else t for t in one]
        for token in tokens:
            if isinstance(token, bool) or not isinstance(token, (str, int)):
                raise TypeError(f"{name}[{i}] has the token {token!r}, but tokens are texts or whole numbers")
        out.append(tokens)
    return out


def _vocabulary(sequences: list[list[Token]], name: str) -> list[Token]:
    """All tokens, numbers before texts, each in order."""
    found = sorted({token for one in sequences for token in one}, key=lambda t: (isinstance(t, str), t))
    if not found:
        raise ValueError(f"{name} has no tokens; give at least one sequence that is not empty")
    return found


def _codes(sequences: list[list[Token]], vocabulary: list[Token], name: str) -> list[list[int]]:
    """Tokens by number."""
    place = {token: code for code, token in enumerate(vocabulary)}
    out = []
    for i, one in enumerate(sequences):
        try:
            out.append([place[token] for token in one])
        except KeyError as error:
            raise ValueError(f"{name}[{i}] has the token {error.args[0]!r}, which no sequence of the training had") from None
    return out


class EncoderDecoder(BaseEstimator):
    """From one sequence of tokens to another: an encoder that sees all of the source, and a decoder that looks at it while it writes.

    Both are made of local means under any kernel; softmax kernels make them the Transformer. Tokens are the characters of texts, or the
    entries of lists: words, or whole numbers.

    Parameters
    ----------
    n_layers : int, default 2
        Layers of the encoder, and of the decoder.
    kernel : str, default "softmax"
        The kernel that weighs tokens: a name such as "softmax", "gaussian" or "epanechnikov", at a scale that suits the heads, or the text of
        any kernel.
    width : int, default 64
        Numbers of a token's vector.
    n_heads : int, default 4
        Local means side by side in a layer; they must divide the width.
    hidden_width : int, optional
        Columns inside the map of each token; 4 times the width by default.
    activation : {"gelu", "gelu_erf", "silu", "relu", "swiglu"}, default "gelu"
        The curve in there.
    positions : {"learned", "sinusoidal", "rotary", "alibi", "unknown"}, default "learned"
        How tokens know where they stand. Learned ones end with the longest sequence of the training.
    dropout : float, default 0.0
        Probability of dropout in training.
    max_epochs : int, default 20
        Most passes over the pairs.
    batch_size : int, default 32
        Pairs of a step.
    learning_rate : float, default 3e-3
        Of AdamW at the start; it falls by half a cosine.
    weight_decay : float, default 1e-4
        Of AdamW.
    validation_fraction : float, default 0.1
        Share of the pairs that is held out; the parameters that do best there are kept. 0 keeps those of the best epoch in training.
    n_iter_no_change : int or None, default None
        Training ends after so many epochs without a better loss.
    random_state : int, RandomState, Generator or None, default 0
        First weights, order, held-out pairs and dropout. The same number gives the same model, whatever the number of threads.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    source_tokens_, target_tokens_ : list
        The tokens of the sources and of the targets.
    source_length_, target_length_ : int
        How long they were at most.
    loss_curve_ : ndarray, shape (n_iter_,)
        Mean cross entropy of a target's token in each epoch, in nats.
    validation_loss_curve_ : ndarray
        That of the held-out pairs after each epoch.
    best_loss_ : float
        That of the parameters that were kept.
    n_iter_ : int
        Epochs of training.
    coef_ : ndarray of float32
        All parameters.

    References
    ----------
    Vaswani and others (2017), Attention is all you need; Song (2026), The general theory of localization methods (arXiv 2605.20635).

    Examples
    --------
    Texts and the same texts from behind.

    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> sources = ["".join(rng.choice(list("abc"), rng.integers(2, 5))) for _ in range(400)]
    >>> model = lc.EncoderDecoder(1, width=32, max_epochs=15).fit(sources, [text[::-1] for text in sources])
    >>> model.predict(["abc", "cab"])
    ['cba', 'bac']
    """

    def __init__(
        self,
        n_layers: int = 2,
        *,
        kernel: str = "softmax",
        width: int = 64,
        n_heads: int = 4,
        hidden_width: int | None = None,
        activation: Literal["gelu", "gelu_erf", "silu", "relu", "swiglu"] = "gelu",
        positions: Literal["learned", "sinusoidal", "rotary", "alibi", "unknown"] = "learned",
        dropout: float = 0.0,
        max_epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-4,
        validation_fraction: float = 0.1,
        n_iter_no_change: int | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_layers = n_layers
        self.kernel = kernel
        self.width = width
        self.n_heads = n_heads
        self.hidden_width = hidden_width
        self.activation = activation
        self.positions = positions
        self.dropout = dropout
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _config(self) -> dict[str, Any]:
        """The sizes, as the extension reads them; the codes after the target's tokens begin and end it."""
        width, heads, hidden = width_of(self)
        if not isinstance(self.kernel, str):
            raise TypeError(f"kernel={self.kernel!r} must be a text")
        count = len(self.target_tokens_)
        return {
            "layers": sizes(self.n_layers, "n_layers")[0],
            "heads": heads,
            "width": width,
            "hidden": hidden,
            "kernel": self.kernel,
            "activation": one_of(self.activation, "activation", ACTIVATIONS),
            "positions": one_of(self.positions, "positions", _POSITIONS),
            "dropout": dropout_of(self),
            "source_codes": len(self.source_tokens_),
            "target_codes": count + 2,
            "source_context": max(1, self.source_length_),
            # The decoder sees the beginning as well.
            "target_context": self.target_length_ + 1,
            "ends": (count, count + 1),
        }

    def fit(self, X: Any, y: Any, *, progress: Progress | None = None) -> Self:
        """Learns from pairs of sequences.

        Parameters
        ----------
        X : list of sequences
            Sources: texts, or lists of tokens; none may be empty.
        y : list of sequences
            A target for each, which may be empty.
        progress : callable, optional
            Called now and then with the epochs that are done and the most that there will be.

        Returns
        -------
        EncoderDecoder
            Itself.
        """
        options = fit_options(self)
        if y is None:
            raise ValueError("EncoderDecoder requires y to be passed, but the target y is None")
        sources, targets = _sequences(X, "X"), _sequences(y, "y")
        texts = all(isinstance(one, str) for one in y)
        if len(sources) != len(targets):
            raise ValueError(f"y has {len(targets)} sequences, but X has {len(sources)}; they must be equally many")
        self._refuse_empty(sources)
        self.source_tokens_, self.target_tokens_ = _vocabulary(sources, "X"), _vocabulary(targets, "y")
        self.source_length_, self.target_length_ = max(map(len, sources)), max(map(len, targets))
        self._texts = texts
        made = _core.EncoderDecoderNet.fit(
            _codes(sources, self.source_tokens_, "X"),
            _codes(targets, self.target_tokens_, "y"),
            self._config(),
            options,
            _arrays.threads(self.n_jobs),
            progress,
        )
        self.coef_: Array = made.numbers()
        self.loss_curve_, held, best = made.history()
        self.n_iter_ = len(self.loss_curve_)
        # Held-out pairs are looked at before the first epoch, too.
        self.validation_loss_curve_: Array = held[1:]
        self.best_loss_ = float(held[best] if len(held) else self.loss_curve_[max(best, 1) - 1])
        self._prepared = Prepared(made)
        return self

    @staticmethod
    def _refuse_empty(sources: list[list[Token]]) -> None:
        if [] in sources:
            raise ValueError(f"X[{sources.index([])}] is empty; leave it out: a source has at least one token")

    def _net(self) -> _core.EncoderDecoderNet:
        check_is_fitted(self)
        if self._prepared.made is None:
            self._prepared.made = _core.EncoderDecoderNet.of(self._config(), np.asarray(self.coef_, dtype=np.float32))
        made: _core.EncoderDecoderNet = self._prepared.made
        return made

    def _stops(self, stop: Token | list[Token] | None) -> list[int]:
        given = [] if stop is None else [stop] if isinstance(stop, (str, int, np.integer)) else list(stop)
        for token in given:
            if token not in self.target_tokens_:
                raise ValueError(f"stop has {token!r}, which is no token of the targets; leave it out, or name one of target_tokens_")
        return [self.target_tokens_.index(token) for token in given]

    def _sources(self, X: Any) -> list[list[int]]:
        sources = _sequences(X, "X")
        self._refuse_empty(sources)
        return _codes(sources, self.source_tokens_, "X")

    def predict(self, X: Any) -> list[Any]:
        """The target of each source: the likeliest token after those so far, up to the end or the longest target of the training.

        Parameters
        ----------
        X : list of sequences
            Sources.

        Returns
        -------
        list
            Texts where the targets of the training were texts, else lists of tokens.
        """
        return self.generate(X, temperature=0.0)

    def generate(
        self,
        X: Any,
        *,
        max_length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: Token | list[Token] | None = None,
        random_state: int = 0,
    ) -> list[Any]:
        """A target for each source, drawn token by token.

        Parameters
        ----------
        X : list of sequences
            Sources.
        max_length : int, optional
            Most tokens of a target; by default as many as the longest of the training had. Learned positions have no more.
        temperature : float, default 1.0
            Scores are divided by it; 0 takes the likeliest.
        top_k : int, optional
            Only so many of the likeliest tokens.
        top_p : float, optional
            Only the likeliest tokens that together have this probability.
        stop : token or list of tokens, optional
            Tokens that end a target, as its last; the end that was learned does so in any case.
        random_state : int, default 0
            Seed of the draws: the same number draws the same.

        Returns
        -------
        list
            Texts where the targets of the training were texts, else lists of tokens.
        """
        net = self._net()
        count = self.target_length_ if max_length is None else _arrays.count(max_length, "max_length")
        answers = net.answers(
            self._sources(X),
            count,
            _arrays.number(temperature, "temperature"),
            None if top_k is None else _arrays.count(top_k, "top_k"),
            None if top_p is None else _arrays.number(top_p, "top_p"),
            _arrays.count(random_state, "random_state"),
            self._stops(stop),
            _arrays.threads(self.n_jobs),
        )
        # The code that begins a target is no token, should it ever be drawn.
        known = self.target_tokens_
        found = [[known[code] for code in answer if code < len(known)] for answer in answers]
        return ["".join(map(str, one)) for one in found] if self._texts else found

    def loss(self, X: Any, y: Any) -> float:
        """The mean cross entropy of a target's token, its end included, in nats.

        Parameters
        ----------
        X : list of sequences
            Sources.
        y : list of sequences
            Their targets.

        Returns
        -------
        float
        """
        net = self._net()
        targets = _codes(_sequences(y, "y"), self.target_tokens_, "y")
        return net.loss(self._sources(X), targets, _arrays.threads(self.n_jobs))

    def score(self, X: Any, y: Any, sample_weight: npt.ArrayLike | None = None) -> float:
        """The share of sources whose target is predicted to the last token.

        Parameters
        ----------
        X : list of sequences
            Sources.
        y : list of sequences
            Their targets.
        sample_weight : array_like, optional
            Weights of the pairs.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        found, told = _sequences(self.predict(X), "X"), _sequences(y, "y")
        if len(found) != len(told):
            raise ValueError(f"y has {len(told)} sequences, but X has {len(found)}; they must be equally many")
        right = [a == b for a, b in zip(found, told, strict=True)]
        return float(np.average(right, weights=None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)))
