"""Published encoders of sentences, run as hierarchical local models."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from . import _arrays, _core
from ._arrays import Array
from ._autoencoders import one_of
from ._language_options import chosen
from ._mean import Progress


class SentenceEncoder:
    """Sentences as vectors, by a published encoder of the BERT kind, such as a MiniLM of ``sentence-transformers``.

    Its layers are local means under the softmax kernel; parameters are read by their published names. Make one by `from_pretrained`.

    Parameters
    ----------
    folder : str or path
        As for `from_pretrained`.
    pooling, normalize, max_length, n_jobs
        As for `from_pretrained`.

    Attributes
    ----------
    width_ : int
        Numbers of a vector.
    max_length_ : int
        Most tokens of a text, special ones included; what follows is left out.
    n_layers_, n_heads_ : int
        Layers, and heads of each.

    References
    ----------
    Devlin and others (2019), BERT; Reimers and Gurevych (2019), Sentence-BERT.

    Examples
    --------
    >>> import locality as lc
    >>> encoder = lc.learn.SentenceEncoder.from_pretrained("all-MiniLM-L6-v2")  # doctest: +SKIP
    >>> vectors = encoder.encode(["A man is eating food.", "Someone eats."])  # doctest: +SKIP
    >>> vectors.shape  # doctest: +SKIP
    (2, 384)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        pooling: Literal["mean", "cls"] | None = None,
        normalize: bool | None = None,
        max_length: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self._given = (os.fspath(folder), pooling, normalize, max_length, n_jobs)
        self._threads = _arrays.threads(n_jobs)
        path = Path(folder)
        path.stat()  # What is not there is the system's own error.
        self._net = _core.SentenceNet.load(
            path.parent if path.is_file() else path,
            None if pooling is None else one_of(pooling, "pooling", ("mean", "cls")),
            None if normalize is None else bool(normalize),
            None if max_length is None else _arrays.count(max_length, "max_length"),
        )
        self.width_, self.max_length_, self.n_layers_, self.n_heads_ = self._net.sizes()

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        *,
        pooling: Literal["mean", "cls"] | None = None,
        normalize: bool | None = None,
        max_length: int | None = None,
        n_jobs: int | None = None,
    ) -> Self:
        """Reads a published encoder.

        Parameters
        ----------
        folder : str or path
            A folder of ``config.json``, ``model.safetensors`` (or ``model.onnx``) and ``tokenizer.json``, or a file among these. What
            ``sentence-transformers`` noted beside them holds for what is not given here.
        pooling : {"mean", "cls"}, optional
            A text's vector is the mean of its tokens', or its first one's.
        normalize : bool, optional
            Whether vectors are made of unit length.
        max_length : int, optional
            Most tokens of a text, special ones included.
        n_jobs : int, optional
            Number of threads; every core by default. The result does not depend on it.

        Returns
        -------
        SentenceEncoder
        """
        return cls(folder, pooling=pooling, normalize=normalize, max_length=max_length, n_jobs=n_jobs)

    def __reduce__(self) -> tuple[Any, ...]:
        # The files are larger than a copy should be.
        return _made, (type(self), *self._given)

    def encode(self, texts: str | Iterable[str], *, progress: Progress | None = None) -> Array:
        """The vectors of texts.

        Parameters
        ----------
        texts : list of str, or str
            Texts; a single one has a vector without a row's axis.
        progress : callable, optional
            Called now and then with the texts that are done and all of them.

        Returns
        -------
        ndarray of float32, shape (n, width_)
        """
        found = self._net.encode(_texts(texts), self._threads, progress)
        return found[0] if isinstance(texts, str) else found

    def encode_tokens(self, texts: str | Iterable[str], *, progress: Progress | None = None) -> Any:
        """The vectors of every token in its text, special ones included.

        Parameters
        ----------
        texts : list of str, or str
            Texts.
        progress : callable, optional
            As for `encode`.

        Returns
        -------
        list of ndarray of float32, shape (tokens, width_)
            One for each text; the array itself for a single text.
        """
        found = self._net.tokens(_texts(texts), self._threads, progress)
        return found[0] if isinstance(texts, str) else found

    def tokens(self, text: str) -> list[str]:
        """The texts of a text's tokens, special ones included.

        Parameters
        ----------
        text : str
            The text.

        Returns
        -------
        list of str
        """
        return self._net.pieces(_texts([text])[0])

    def attention(self, text: str, layers: Any = None, heads: Any = None) -> Array:
        """Which tokens of a text look at which: the weights of the local means of chosen layers and heads.

        Parameters
        ----------
        text : str
            A text of n tokens (`tokens` has their texts).
        layers : int or sequence of int, optional
            Which layers, counted from 0; all by default.
        heads : int or sequence of int, optional
            Which heads of each, counted from 0; all by default.

        Returns
        -------
        ndarray of float32, shape (layers, heads, n, n)
            Row i is what token i sees; it sums up to one.
        """
        return self._net.attention(_texts([text])[0], chosen(layers, "layers"), chosen(heads, "heads"), self._threads)


def _texts(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise TypeError(f"texts must be a text or a list of texts, not {type(given).__name__}")
    out = []
    for i, one in enumerate(given):
        if not isinstance(one, str):
            raise TypeError(f"texts[{i}] is {one!r}, but must be a text")
        out.append(str(one))
    return out


def _made(cls: type[SentenceEncoder], folder: str, pooling: Any, normalize: Any, max_length: Any, n_jobs: Any) -> SentenceEncoder:
    return cls(folder, pooling=pooling, normalize=normalize, max_length=max_length, n_jobs=n_jobs)
