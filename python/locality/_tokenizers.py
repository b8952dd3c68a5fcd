"""From text to tokens by number, and back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from . import _arrays, _core


def ids_of(given: Any, name: str) -> list[int]:
    """Token numbers as the extension takes them."""
    array = np.asarray(given)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(f"{name} must be a text, or whole numbers in one dimension, not {given!r:.60}")
    if array.size and (array.min() < 0 or array.max() >= 1 << 24):
        raise ValueError(f"{name} has the number {array.min() if array.min() < 0 else array.max()}; tokens are from 0 to 16777215")
    ids: list[int] = array.tolist()
    return ids


def text_of(given: Any, name: str) -> bytes:
    """A text, or token numbers as the text of these."""
    if isinstance(given, str):
        return given.encode()
    if isinstance(given, (bytes, bytearray)):
        return bytes(given)
    if isinstance(given, Iterable):
        if isinstance(given, Sequence) and any(isinstance(one, str) for one in given):
            raise TypeError(f"{name} must be one text, not a list of them; join it")
        return " ".join(map(str, ids_of(given, name))).encode()
    raise TypeError(f"{name} must be a text, or the numbers of tokens, not {type(given).__name__}")


class Tokenizer:
    """How text becomes tokens by number: characters, bytes, merges of bytes (BPE), or numbers as they are.

    Make one by `char`, `byte`, `bpe`, `number` or `from_file`; a `LanguageModel` makes its own from the text that it learns.

    Examples
    --------
    >>> import locality as lc
    >>> tokenizer = lc.learn.Tokenizer.char("to be or not")
    >>> tokenizer.encode("not").tolist()
    [3, 4, 6]
    >>> tokenizer.decode([3, 4, 6])
    'not'
    >>> len(tokenizer)
    7
    """

    def __init__(self, made: _core.TextTokenizer) -> None:
        if not isinstance(made, _core.TextTokenizer):
            raise TypeError("make a Tokenizer by Tokenizer.char, byte, bpe, number or from_file")
        self._made = made

    @classmethod
    def char(cls, text: str) -> Self:
        """The characters that a text has, in the order of Unicode. Others are refused later.

        Parameters
        ----------
        text : str
            The text.

        Returns
        -------
        Tokenizer
        """
        return cls(_core.TextTokenizer.of("char", _string(text, "text"), 0))

    @classmethod
    def byte(cls) -> Self:
        """The 256 bytes of UTF-8: no text is unknown.

        Returns
        -------
        Tokenizer
        """
        return cls(_core.TextTokenizer.of("byte", "", 0))

    @classmethod
    def bpe(cls, text: str, vocabulary_size: int = 1024) -> Self:
        """Byte-pair encoding of the GPT-2 kind, its merges learned from a text: no text is unknown.

        Parameters
        ----------
        text : str
            What merges are learned from: the commonest pair of neighbours first.
        vocabulary_size : int, default 1024
            Most tokens, the 256 bytes included.

        Returns
        -------
        Tokenizer
        """
        return cls(_core.TextTokenizer.of("bpe", _string(text, "text"), _arrays.count(vocabulary_size, "vocabulary_size")))

    @classmethod
    def number(cls, ids: Any) -> Self:
        """Tokens that someone else numbered: texts are whole numbers with blanks between, up to the largest of those given.

        Parameters
        ----------
        ids : array_like of int, or str
            Numbers that say how many tokens there are.

        Returns
        -------
        Tokenizer
        """
        return cls(_core.TextTokenizer.of("number", text_of(ids, "ids").decode(), 0))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a tokenizer.

        Parameters
        ----------
        path : str or path
            What `save` wrote, a ``tokenizer.json`` of the byte-level BPE kind (GPT-2), a ``vocab.json`` with its ``merges.txt`` beside it, the folder of
            one of these, or a model of `LanguageModel` or ``locality lm train``.

        Returns
        -------
        Tokenizer
        """
        path = Path(path)
        if path.is_dir():
            found = [path / name for name in ("tokenizer.json", "vocab.json") if (path / name).exists()]
            if not found:
                raise ValueError(f"{path} has no tokenizer.json, nor a vocab.json; name the folder of a tokenizer")
            path = found[0]
        path.stat()  # What is not there is the system's own error.
        if path.suffix == ".safetensors":
            return cls(_core.LanguageNet.load(path).tokenizer())
        try:
            if path.name == "vocab.json":
                return cls(_core.TextTokenizer.vocabulary(path.read_bytes(), path.with_name("merges.txt").read_bytes()))
            return cls(_core.TextTokenizer.parse(path.read_bytes()))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @property
    def kind(self) -> str:
        """``"char"``, ``"byte"``, ``"bpe"`` or ``"number"``."""
        return self._made.kind()

    def __len__(self) -> int:
        return self._made.count()

    def __repr__(self) -> str:
        return f"Tokenizer({self.kind!r}, {len(self)} tokens)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._made.text() == other._made.text()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _tokenizer, (self._made.text(),)

    def encode(self, text: str | bytes) -> npt.NDArray[np.uint32]:
        """The tokens of a text by number.

        Parameters
        ----------
        text : str or bytes
            The text.

        Returns
        -------
        ndarray of uint32
        """
        return self._made.encode(text_of(text, "text"))

    def decode(self, ids: Any) -> str:
        """The text of tokens; bytes that are no UTF-8 become the replacement character.

        Parameters
        ----------
        ids : array_like of int
            Numbers of tokens.

        Returns
        -------
        str
        """
        return self._made.decode(ids_of(ids, "ids"))

    def tokens(self, text: str | bytes) -> list[str]:
        """The texts of a text's tokens one by one, for the axes of a picture.

        Parameters
        ----------
        text : str or bytes
            The text.

        Returns
        -------
        list of str
        """
        return [self._made.decode([one]) for one in self.encode(text).tolist()]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a file that `from_file` reads.

        Parameters
        ----------
        path : str or path
            The file, JSON.
        """
        Path(path).write_text(self._made.text(), encoding="utf-8")


def _tokenizer(text: str) -> Tokenizer:
    return Tokenizer(_core.TextTokenizer.parse(text.encode()))


def _string(text: Any, name: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text, not {type(text).__name__}")
    return text
