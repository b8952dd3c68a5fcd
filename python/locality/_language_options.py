"""What a language model says of its sizes, its training and its tokens, as the extension reads it."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _arrays
from ._autoencoders import one_of, sizes
from ._levels import ACTIVATIONS, dropout_of, width_of
from ._tokenizers import Tokenizer

_POSITIONS = ("learned", "sinusoidal", "rotary", "alibi", "unknown")
_KINDS = ("char", "byte", "bpe", "number")


def config_of(model: Any) -> dict[str, Any]:
    """The sizes, as the extension reads them."""
    width, heads, hidden = width_of(model)
    if not isinstance(model.kernel, str):
        raise TypeError(f"kernel={model.kernel!r} must be a text")
    groups = None if model.n_kv_heads is None else sizes(model.n_kv_heads, "n_kv_heads")[0]
    if groups is not None and heads % groups:
        raise ValueError(f"n_kv_heads={groups} must divide n_heads={heads}")
    return {
        "layers": sizes(model.n_layers, "n_layers")[0],
        "heads": heads,
        "groups": groups,
        "width": width,
        "hidden": None if model.hidden_width is None else hidden,
        "context": sizes(model.context, "context")[0],
        "kernel": model.kernel,
        "window": None if model.window is None else sizes(model.window, "window")[0],
        "positions": one_of(model.positions, "positions", _POSITIONS),
        "activation": one_of(model.activation, "activation", ACTIVATIONS),
        "norm": one_of(model.norm, "norm", ("layer", "rms")),
        "norm_first": bool(model.norm_first),
        "bias": bool(model.bias),
        "tied": bool(model.tied),
        "dropout": dropout_of(model),
    }


def training_of(model: Any) -> dict[str, Any]:
    """How it is trained, as the extension reads it."""
    steps = sizes(model.max_steps, "max_steps")[0]
    warmup = min(100, steps // 10) if model.warmup is None else _arrays.count(model.warmup, "warmup")
    if warmup >= steps:
        raise ValueError(f"warmup={warmup} must be below max_steps={steps}")
    rate, decay = _positive(model.learning_rate, "learning_rate"), _arrays.number(model.weight_decay, "weight_decay")
    last = rate / 10.0
    if one_of(model.schedule, "schedule", ("cosine", "constant")) == "constant":
        if model.last_learning_rate is not None:
            raise ValueError("last_learning_rate is where the cosine ends; leave it out with schedule='constant'")
        last = rate
    elif model.last_learning_rate is not None:
        last = _arrays.number(model.last_learning_rate, "last_learning_rate")
        if not (np.isfinite(last) and last >= 0):
            raise ValueError(f"last_learning_rate={last} must be a finite number of at least 0")
    if not (np.isfinite(decay) and decay >= 0):
        raise ValueError(f"weight_decay={decay} must be a finite number of at least 0")
    return {
        "first": rate,
        "last": last,
        "warmup": warmup,
        "steps": steps,
        "batch": sizes(model.batch_size, "batch_size")[0],
        "accumulate": sizes(model.accumulate, "accumulate")[0],
        "decay": decay,
        "clip": None if model.clip is None else _positive(model.clip, "clip"),
        "seed": _arrays.seed(model.random_state),
    }


def tokenizer_for(given: Any, most: int, X: Any, text: bytes) -> Tokenizer:
    """The tokenizer that was given, or one of that kind for a text."""
    if isinstance(given, Tokenizer):
        return given
    kind = one_of(given, "tokenizer", _KINDS)
    if not text:
        raise ValueError("X has no tokens; give a text")
    if not isinstance(X, (str, bytes, bytearray)) or kind == "number":
        return Tokenizer.number(text.decode() if isinstance(X, (str, bytes, bytearray)) else X)
    if kind == "byte":
        return Tokenizer.byte()
    try:
        known = text.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"X is not UTF-8 at byte {error.start}; convert it, or take tokenizer='byte'") from None
    if kind == "char":
        return Tokenizer.char(known)
    # What is held out teaches nothing.
    cut = len(text) - len(text) // 10
    while cut < len(text) and text[cut] & 0xC0 == 0x80:
        cut += 1
    return Tokenizer.bpe(text[:cut].decode(), most)


def _positive(x: Any, name: str) -> float:
    found = _arrays.number(x, name)
    if not (np.isfinite(found) and found > 0):
        raise ValueError(f"{name}={found} must be a positive number")
    return found


def chosen(given: Any, name: str) -> list[int]:
    """Layers or heads by number; none named is all."""
    if given is None:
        return []
    found = [_arrays.count(one, name) for one in ([given] if np.ndim(given) == 0 else given)]
    if not found:
        raise ValueError(f"{name} is empty; name at least one, or leave it out for all")
    return found
