"""What the files of models that Rust knows must hold: each field's type, told by name where it is another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._arrays import Array
from ._core import Kernel, Neighborhood

_DAMAGED = "it is damaged, or of another program"

_FOUND = {
    "kernel": "kernel",
    "search": "text",
    "standardize": "flag?",
    "neighborhood": "neighborhood",
    "found_kernel": "kernel",
    "found_degree": "count",
    "tried": "list",
    "guard": "flag?",
    "columns": "counts?",
    "link": "text?",
}
_NEAR = {"metric": "text", "metric_map": "list?"}
_NEIGHBORS = _NEAR | {
    "k": "positive?",
    "radius": "real?",
    "weights": "text",
    "weights_kernel": "kernel?",
    "weights_scale": "text?",
}

# A question mark: it may be missing or null.
_PARAMETERS: dict[str, dict[str, str]] = {
    "local_regression": _FOUND | {"degrees": "counts", "ridge": "real", "guard": "flag", "on_empty": "text"},
    "local_glm": _FOUND | {"penalty": "real", "family": "text", "theta": "real"},
    "local_logistic": _FOUND | {"penalty": "real", "n_classes": "count", "multinomial": "flag?"},
    "local_mean": {
        "kernel": "kernel",
        "neighborhood": "neighborhood",
        "on_empty": "text",
        "tolerance": "real",
        "null_weight": "real",
    },
    "nearest_neighbors": _NEAR | {"k": "positive", "radius": "real"},
    "neighbors_regressor": _NEIGHBORS,
    "neighbors_classifier": _NEIGHBORS | {"outlier": "text", "outlier_labels": "counts"},
}
# Dimensions of arrays, and their numbers; "float" is of either precision.
_LOCAL = {"samples": (2, "float64"), "scales": (1, "float64"), "weights": (1, "float64")}
_MEMORY = {"samples": (2, "float"), "responses": (2, "float64"), "ids": (1, "int64"), "next_id": (1, "int64")}
_ARRAYS: dict[str, dict[str, tuple[int, str]]] = {
    "local_regression": _LOCAL | {"responses": (2, "float64")},
    "local_glm": _LOCAL | {"responses": (2, "float64")},
    "local_logistic": _LOCAL | {"classes": (1, "int64")},
    "local_mean": {"samples": (2, "float"), "responses": (2, "float"), "weights": (1, "float")},
    "nearest_neighbors": {name: kind for name, kind in _MEMORY.items() if name != "responses"},
    "neighbors_regressor": _MEMORY,
    "neighbors_classifier": _MEMORY | {"class_counts": (1, "int64"), "class_labels": (1, "int64")},
}
# What predictions are made of: one number that is none would make all of them none.
_FINITE = (
    "dual_coef", "intercept", "scales", "class_counts", "normalization", "eigenvalues", "shift", "back_centres", "back_coef", "class_prior",
    "table_shares",
)
_WORDS = {
    "text": "text",
    "kernel": "text of a kernel",
    "neighborhood": "text of a neighbourhood",
    "real": "number",
    "count": "whole number",
    "positive": "whole number above 0",
    "flag": "flag",
    "list": "list",
    "counts": "list of whole numbers",
}


def check(kind: str, p: Any, arrays: dict[str, Array]) -> None:
    """Refuses a file of a kind whose parameters or arrays are of other types, naming the first."""
    if not isinstance(p, dict):
        raise ValueError(f"the file's parameters are no object; {_DAMAGED}")
    for name, what in _PARAMETERS.get(kind, {}).items():
        value = p.get(name)
        if value is None and what.endswith("?"):
            continue
        if name not in p:
            raise ValueError(f"the file has no parameter '{name}'; {_DAMAGED}")
        own = what.removesuffix("?")
        if not _is(value, own):
            raise ValueError(f"the file's parameter '{name}' is {str(value)[:80]!r}, which is no {_WORDS[own]}; {_DAMAGED}")
    for name, (dimensions, numbers) in _ARRAYS.get(kind, {}).items():
        array = arrays.get(name)
        if array is None:
            if name == "weights":
                continue
            raise ValueError(f"the file has no array '{name}'; {_DAMAGED}")
        fits = array.dtype.kind == "f" if numbers == "float" else array.dtype == np.dtype(numbers)
        if array.ndim != dimensions or not fits:
            raise ValueError(
                f"the file's array '{name}' is {array.dtype} in {array.ndim} dimensions instead of {numbers} in {dimensions}; {_DAMAGED}"
            )
    for name in _FINITE:
        array = arrays.get(name)
        if array is not None and not np.isfinite(array).all():
            raise ValueError(f"the file's array '{name}' has NaN or infinite numbers; {_DAMAGED}")
    sizes = [len(arrays[name]) for name in ("samples", "responses", "classes", "weights", "ids") if name in arrays and kind in _ARRAYS]
    if len(set(sizes)) > 1:
        raise ValueError(f"the file's arrays have {sizes} rows, which do not fit each other; {_DAMAGED}")


def _is(value: Any, what: str) -> bool:
    if what in ("kernel", "neighborhood"):
        return isinstance(value, str) and _reads(value, what)
    if what == "text":
        return isinstance(value, str)
    if what == "real":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    if what in ("count", "positive"):
        return isinstance(value, int) and not isinstance(value, bool) and int(what == "positive") <= value < 2**63
    if what == "flag":
        return isinstance(value, bool)
    if not isinstance(value, list):
        return False
    return what == "list" or all(_is(part, "count") for part in value)


def _reads(text: str, what: str) -> bool:
    try:
        (Kernel if what == "kernel" else Neighborhood)(text)
    except ValueError:
        return False
    return True
