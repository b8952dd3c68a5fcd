"""One function for each profile of the core's list, which makes a `locality.Kernel`.

>>> from locality import kernels
>>> kernels.gaussian(h=0.3) * kernels.uniform(cols=["group"])
Kernel('gaussian(h=0.3) * uniform(cols=group)')
>>> kernels.student_t(0.5, nu=4)
Kernel('student_t(h=0.5, nu=4)')
>>> kernels.softmax(beta=0.125)
Kernel('softmax(beta=0.125)')
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ._core import Kernel
from ._core import metrics as metrics
from ._core import neighborhoods as neighborhoods
from ._core import profiles as profiles

_BANDWIDTHS = {
    "h": "float or list of float, optional\n    Bandwidth: one number, or one per column.",
    "knn": "int, optional\n    Instead of `h`: each query's distance to its k-th nearest key.",
    "site_h": "list of float, optional\n    Instead of `h`: one number per key.",
    "site_knn": "int, optional\n    Instead of `h`: each key's distance to its k-th nearest other key.",
}
_COMMON = {
    "metric": "str, optional\n    How sites are compared: {metrics}.",
    "map": "matrix, optional\n    The matrix of ``metric=\"mahalanobis\"``.",
    "cols": "list of int or str, optional\n    Columns that it looks at, by number from 0 or by name; all by default.",
}


def _text(value: Any) -> str:
    """A value as the kernels' language writes it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(v) for v in value) + "]"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"a kernel's parameter must be a number, a text or a list of them, not {value!r}")
    return repr(int(value)) if isinstance(value, (int, np.integer)) else repr(float(value))


def _function(info: dict[str, Any]) -> Callable[..., Kernel]:
    own = {p["name"]: p for p in info["parameters"]}
    scored = info["takes"] == "score"
    bandwidths = {} if scored else _BANDWIDTHS
    kind = inspect.Parameter
    first = list(own) if scored else ["h"]
    rest = [name for name in (*own, *bandwidths, *_COMMON) if name not in first]
    signature = inspect.Signature(
        [kind(n, kind.POSITIONAL_OR_KEYWORD, default=own[n]["default"] if n in own else None) for n in first]
        + [kind(n, kind.KEYWORD_ONLY, default=own[n]["default"] if n in own else None) for n in rest],
        return_annotation=Kernel,
    )

    def function(*args: Any, **kwargs: Any) -> Kernel:
        given = signature.bind(*args, **kwargs).arguments
        written = [f"{name}={_text(value)}" for name, value in given.items() if value is not None]
        return Kernel(f"{info['name']}({', '.join(written)})")

    lines = [f"{info['summary']}", "", f"Weight ``{info['formula']}``", "", "Parameters", "----------"]
    described = {n: f"float, default {p['default']:g}\n    {p['summary']}" for n, p in own.items()}
    described |= bandwidths | _COMMON
    known = ", ".join(m["name"] for m in metrics())
    for name in (*first, *rest):
        lines.append(f"{name} : {described[name].format(metrics=known)}")
    lines += ["", "Returns", "-------", "Kernel"]
    if info["aliases"]:
        lines += ["", "Notes", "-----", f"Also read as {', '.join(info['aliases'])} in a kernel's text."]
    function.__name__ = function.__qualname__ = info["name"]
    function.__module__ = __name__
    function.__doc__ = "\n".join(lines)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


_names = [info["name"] for info in profiles()]
globals().update({info["name"]: _function(info) for info in profiles()})

__all__ = [*_names, "metrics", "neighborhoods", "profiles"]  # noqa: PLE0604


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
