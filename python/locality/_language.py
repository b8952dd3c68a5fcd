"""Language models: Transformers, and models of any other kernel in their place."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from . import _arrays, _core
from ._arrays import Array
from ._autoencoders import sizes
from ._base import BaseEstimator, check_is_fitted
from ._language_options import chosen, config_of, tokenizer_for, training_of
from ._mean import Progress
from ._tokenizers import Tokenizer, ids_of, text_of


class LanguageModel(BaseEstimator):
    """A language model of local means: under softmax kernels a decoder-only Transformer, under others what softmax cannot express.

    It learns to tell each token of a text from those before it, and writes on from a prompt. The last tenth of the text is held out. Files are those
    of ``locality lm``: what one wrote, the other resumes and asks. The defaults are that tool's, and the same seed gives the same bits.

    Parameters
    ----------
    n_layers : int, default 4
        Layers.
    n_heads : int, default 4
        Local means side by side in a layer; they must divide the width.
    width : int, default 128
        Numbers of a token's vector.
    context : int, default 64
        Tokens that the model sees at once.
    tokenizer : {"char", "byte", "bpe", "number"} or Tokenizer, default "char"
        What a token is. "bpe" learns merges of bytes from the first nine tenths of the text. Numbers of tokens in place of a text are taken as they are.
    vocabulary_size : int, default 1024
        Most tokens that "bpe" learns, the 256 bytes included.
    kernel : str, default "softmax"
        How tokens weigh one another: "softmax", "gaussian", "epanechnikov", .. at a scale that suits the heads, or the text of any kernel.
    positions : {"rotary", "learned", "sinusoidal", "alibi", "unknown"}, default "rotary"
        How tokens know where they stand.
    window : int, optional
        How many tokens back a token sees, itself included; all by default.
    n_kv_heads : int, optional
        Heads of keys and values, each shared by a group of heads; as many as heads by default.
    hidden_width : int, optional
        Columns inside the map of each token; 4 times the width by default.
    activation : {"gelu", "gelu_erf", "silu", "relu", "swiglu"}, default "gelu"
        The curve in there; "swiglu" is a gate.
    norm : {"layer", "rms"}, default "layer"
        What norms divide by.
    norm_first : bool, default True
        Norms before each half of a layer (pre-norm), or after it.
    bias : bool, default False
        Whether linear maps and norms have biases and shifts.
    tied : bool, default True
        Whether scores are products with the tokens' own vectors.
    dropout : float, default 0.0
        Probability of dropout in training.
    batch_size : int, default 12
        Pieces of text that go through the model at once.
    accumulate : int, default 1
        Batches whose derivatives are added up for a step.
    max_steps : int, default 2000
        Steps of training.
    learning_rate : float, default 2e-3
        Of AdamW after the warm-up.
    schedule : {"cosine", "constant"}, default "cosine"
        How it goes on from there: half a cosine down to ``last_learning_rate``, or as it is.
    last_learning_rate : float, optional
        Where the cosine ends; a tenth of ``learning_rate`` by default.
    warmup : int, optional
        Steps in which the rate rises from 0; 100, or a tenth of short trainings, by default.
    weight_decay : float, default 0.1
        Of AdamW.
    clip : float or None, default 1.0
        Largest norm of the derivatives; None does not clip.
    evaluate_every : int, default 250
        Steps between two looks at the held-out text, at which ``checkpoint`` is written, too.
    random_state : int, RandomState, Generator or None, default 1
        First weights, batches and dropout. The same number gives the same model, whatever the number of threads.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Attributes
    ----------
    tokenizer_ : Tokenizer
        How text becomes tokens.
    history_ : dict of ndarray
        ``"step"``, and ``"training"`` and ``"validation"``, the mean losses in nats a token, one entry for each look; it grows while training goes on.
    n_steps_ : int
        Steps that were taken.
    n_parameters_ : int
        Numbers of the model.

    References
    ----------
    Vaswani and others (2017), Attention is all you need; Radford and others (2019), Language models are unsupervised multitask learners; Song (2026), The
    general theory of localization methods (arXiv 2605.20635).

    Examples
    --------
    >>> import locality as lc
    >>> text = "to be or not to be, " * 60
    >>> model = lc.learn.LanguageModel(1, n_heads=2, width=16, context=16, batch_size=4, max_steps=400, learning_rate=1e-2)
    >>> model.fit(text).generate("or not", max_new_tokens=14, temperature=0.0)
    'or not to be, to be '
    """

    def __init__(
        self,
        n_layers: int = 4,
        *,
        n_heads: int = 4,
        width: int = 128,
        context: int = 64,
        tokenizer: Literal["char", "byte", "bpe", "number"] | Tokenizer = "char",
        vocabulary_size: int = 1024,
        kernel: str = "softmax",
        positions: Literal["learned", "sinusoidal", "rotary", "alibi", "unknown"] = "rotary",
        window: int | None = None,
        n_kv_heads: int | None = None,
        hidden_width: int | None = None,
        activation: Literal["gelu", "gelu_erf", "silu", "relu", "swiglu"] = "gelu",
        norm: Literal["layer", "rms"] = "layer",
        norm_first: bool = True,
        bias: bool = False,
        tied: bool = True,
        dropout: float = 0.0,
        batch_size: int = 12,
        accumulate: int = 1,
        max_steps: int = 2000,
        learning_rate: float = 2e-3,
        schedule: Literal["cosine", "constant"] = "cosine",
        last_learning_rate: float | None = None,
        warmup: int | None = None,
        weight_decay: float = 0.1,
        clip: float | None = 1.0,
        evaluate_every: int = 250,
        random_state: int | np.random.RandomState | np.random.Generator | None = 1,
        n_jobs: int | None = None,
    ) -> None:
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.width = width
        self.context = context
        self.tokenizer = tokenizer
        self.vocabulary_size = vocabulary_size
        self.kernel = kernel
        self.positions = positions
        self.window = window
        self.n_kv_heads = n_kv_heads
        self.hidden_width = hidden_width
        self.activation = activation
        self.norm = norm
        self.norm_first = norm_first
        self.bias = bias
        self.tied = tied
        self.dropout = dropout
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.max_steps = max_steps
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.last_learning_rate = last_learning_rate
        self.warmup = warmup
        self.weight_decay = weight_decay
        self.clip = clip
        self.evaluate_every = evaluate_every
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, *, progress: Progress | None = None, checkpoint: str | os.PathLike[str] | None = None) -> Self:
        """Learns a text.

        Ctrl-C raises ``KeyboardInterrupt`` between two steps; the model is then what it had become, ``checkpoint`` is written, and `resume` goes on.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            The text, or the numbers of its tokens.
        y : None
            Not used.
        progress : callable, optional
            Called now and then with the steps that are done and those that there will be; ``history_`` has the losses so far.
        checkpoint : str or path, optional
            A file that the model is written to at each look, at the end and at Ctrl-C.

        Returns
        -------
        LanguageModel
            Itself.
        """
        text, config, training = text_of(X, "X"), config_of(self), training_of(self)
        tokenizer = tokenizer_for(self.tokenizer, self.vocabulary_size, X, text)
        self._take(_core.LanguageNet.begin(text, tokenizer._made, config, training))
        return self._train(progress, checkpoint)

    def resume(self, X: Any, y: Any = None, *, progress: Progress | None = None, checkpoint: str | os.PathLike[str] | None = None) -> Self:
        """Goes on with a training that was interrupted, here or before `save`: the result is the same bits as if it had never stopped.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            The same text.
        y : None
            Not used.
        progress : callable, optional
            As for `fit`.
        checkpoint : str or path, optional
            As for `fit`.

        Returns
        -------
        LanguageModel
            Itself.
        """
        net = self._fitted()
        net.resume(text_of(X, "X"))
        return self._train(progress, checkpoint)

    def _train(self, progress: Progress | None, checkpoint: str | os.PathLike[str] | None) -> Self:
        net, every = self._net, sizes(self.evaluate_every, "evaluate_every")[0]
        threads = _arrays.threads(self.n_jobs)
        try:
            while True:
                done, goal = net.steps()
                if done and (done % every == 0 or done >= goal):
                    net.look(threads)
                    self._tell()
                    if checkpoint is not None:
                        net.save(Path(checkpoint))
                if done >= goal:
                    break
                net.run((done // every + 1) * every, threads, progress)
        except KeyboardInterrupt:
            if checkpoint is not None:
                net.save(Path(checkpoint))
            raise
        finally:
            self._tell()
        return self

    def _take(self, net: _core.LanguageNet) -> None:
        self._net = net
        self.tokenizer_ = Tokenizer(net.tokenizer())
        self.n_parameters_ = net.size()
        self._tell()

    def _tell(self) -> None:
        self.n_steps_ = self._net.steps()[0]
        names = ("step", "training", "validation")
        self.history_: dict[str, Array] = dict(zip(names, self._net.history(), strict=True))

    def _fitted(self) -> _core.LanguageNet:
        check_is_fitted(self)
        return self._net

    def _ids(self, X: Any, name: str) -> list[int]:
        """The tokens of a text, or those that were given."""
        text = text_of(X, name)
        if not isinstance(X, (str, bytes, bytearray)):
            return ids_of(X, name)
        ids: list[int] = self.tokenizer_.encode(text).tolist()
        return ids

    def loss(self, X: Any, *, progress: Progress | None = None) -> float:
        """The mean cross entropy of a text's tokens after the first, in nats, read in pieces of the context.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            The text, or the numbers of its tokens.
        progress : callable, optional
            Called now and then with the tokens that are done and all of them.

        Returns
        -------
        float
        """
        net = self._fitted()
        return net.loss(self._ids(X, "X"), _arrays.threads(self.n_jobs), progress)

    def perplexity(self, X: Any) -> float:
        """Among how many equally likely tokens the model wavers: the exponential of `loss`.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            The text, or the numbers of its tokens.

        Returns
        -------
        float
        """
        return float(np.exp(self.loss(X)))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-likelihood of a text's tokens, which is minus the `loss`: larger is better.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            The text, or the numbers of its tokens.
        y : None
            Not used.

        Returns
        -------
        float
        """
        return -self.loss(X)

    def generate(
        self,
        prompt: Any = "\n",
        *,
        max_new_tokens: int = 300,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        stop: str | list[str] | None = None,
        seed: int = 1,
        progress: Progress | None = None,
    ) -> Any:
        """Writes on from a prompt, token by token; what is older than the context is forgotten.

        Parameters
        ----------
        prompt : str or array_like of int, default a line's end
            What the text begins with, or the numbers of its tokens.
        max_new_tokens : int, default 300
            How many tokens to write after it.
        temperature : float, default 1.0
            Below 1 likely tokens get likelier; 0 takes the likeliest each time.
        top_k : int, optional
            Only so many of the likeliest tokens.
        top_p : float, optional
            Only the likeliest tokens that have this probability together.
        stop : str or list of str, optional
            Writes no more once one of these has been written.
        seed : int, default 1
            Where chance begins: the same seed writes the same text.
        progress : callable, optional
            Called now and then with the tokens that are done and the most that there will be.

        Returns
        -------
        str or ndarray
            The prompt and what follows it; numbers of tokens where the prompt was given so.
        """
        net = self._fitted()
        stops = [stop] if isinstance(stop, str) else list(stop or [])
        for one in stops:
            if not isinstance(one, str):
                raise TypeError(f"stop has {one!r}, but must be a text, or a list of texts")
        before: list[int] = []
        if isinstance(prompt, str):
            text = prompt
        else:
            before = ids_of(prompt, "prompt")
            text = self.tokenizer_.decode(before)
        how = (
            _arrays.number(temperature, "temperature"),
            None if top_k is None else _arrays.count(top_k, "top_k"),
            None if top_p is None else _arrays.number(top_p, "top_p"),
            _arrays.count(seed, "seed"),
        )
        count = _arrays.count(max_new_tokens, "max_new_tokens")
        written, ids, _ = net.write(text, count, how, stops, _arrays.threads(self.n_jobs), progress)
        if isinstance(prompt, str):
            return written
        return np.concatenate([np.asarray(before, dtype=np.int64), ids.astype(np.int64)])

    def attention(self, X: Any, layers: Any = None, heads: Any = None) -> Array:
        """Which tokens look at which: the weights of the local means of chosen layers and heads.

        Parameters
        ----------
        X : str, bytes, or array_like of int
            A text of n tokens (``tokenizer_.tokens`` has their texts), or the numbers of these.
        layers : int or sequence of int, optional
            Which layers, counted from 0; all by default.
        heads : int or sequence of int, optional
            Which heads of each, counted from 0; all by default.

        Returns
        -------
        ndarray of float32, shape (layers, heads, n, n)
            Row i is what token i sees; it sums up to one.
        """
        net = self._fitted()
        return net.attention(self._ids(X, "X"), chosen(layers, "layers"), chosen(heads, "heads"), _arrays.threads(self.n_jobs))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a safetensors file, which `load` and ``locality lm`` read, with all that training needs to go on.

        Parameters
        ----------
        path : str or path
            The file; it is written beside its place and renamed.
        """
        self._fitted().save(Path(path))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a model that `save` or ``locality lm train`` wrote, or the folder of a published one.

        Parameters
        ----------
        path : str or path
            The file, or a folder as for `from_pretrained`.

        Returns
        -------
        LanguageModel
        """
        path = Path(path)
        path.stat()  # What is not there is the system's own error.
        return cls()._loaded(_core.LanguageNet.load(path))

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads a published model of the GPT-2 kind.

        Parameters
        ----------
        folder : str or path
            ``config.json`` and ``model.safetensors`` (or ``model.onnx``) with ``tokenizer.json``, or ``vocab.json`` and ``merges.txt``; or a file of
            tensors among these.

        Returns
        -------
        LanguageModel
        """
        folder = Path(folder)
        return cls.load(folder.parent if folder.is_file() else folder)

    def _loaded(self, net: _core.LanguageNet) -> Self:
        """Parameters as the file has them."""
        text, training = net.config()
        config = json.loads(text)
        self.n_layers, self.n_heads, self.n_kv_heads = config["layers"], config["heads"], config["groups"]
        self.width, self.hidden_width, self.context = config["width"], config["hidden"], config["context"]
        self.activation = config["activation"] or "swiglu"
        for name in ("kernel", "positions", "window", "norm", "norm_first", "bias", "tied", "dropout"):
            setattr(self, name, config[name])
        if training is not None:
            self.batch_size, self.accumulate, self.max_steps = training["batch"], training["accumulate"], training["steps"]
            self.learning_rate, self.warmup, self.weight_decay = training["first"], training["warmup"], training["decay"]
            self.schedule = "constant" if training["first"] == training["last"] else "cosine"
            self.last_learning_rate = None if self.schedule == "constant" else training["last"]
            self.clip, self.random_state = training["clip"], training["seed"]
        self._take(net)
        self.tokenizer = self.tokenizer_
        return self
