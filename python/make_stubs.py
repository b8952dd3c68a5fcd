"""Writes python/locality/kernels.pyi from the core's list of profiles. A test fails where the file is behind."""

from __future__ import annotations

import inspect
from pathlib import Path

from locality import kernels

FILE = Path(__file__).parent / "locality" / "kernels.pyi"

HEAD = '''"""One function for each profile of the core's list. Written by python/make_stubs.py."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from ._core import Kernel
from ._core import metrics as metrics
from ._core import neighborhoods as neighborhoods
from ._core import profiles as profiles

_Vector = Sequence[float] | npt.NDArray[Any]
_Matrix = Sequence[Sequence[float]] | npt.NDArray[Any]
_Columns = int | str | Sequence[int] | Sequence[str]

'''

TYPES = {
    "h": "float | _Vector | None",
    "knn": "int | None",
    "site_h": "_Vector | None",
    "site_knn": "int | None",
    "metric": "str | None",
    "map": "_Matrix | None",
    "cols": "_Columns | None",
}


def stub() -> str:
    """The file's text."""
    lines = []
    for info in kernels.profiles():
        signature = inspect.signature(getattr(kernels, info["name"]))
        parts, starred = [], False
        for p in signature.parameters.values():
            if p.kind is p.KEYWORD_ONLY and not starred:
                parts.append("*")
                starred = True
            parts.append(f"{p.name}: {TYPES.get(p.name, 'float')} = {p.default!r}")
        body = "".join(f"    {part},\n" for part in parts)
        lines.append(f"def {info['name']}(\n{body}) -> Kernel: ...\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    FILE.write_text(stub())
