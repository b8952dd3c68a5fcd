"""Score biases, as the extension reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array


class _Part:
    """A bias for each pair or key, or by relative position, of every head."""

    def __init__(self, name: str, x: Any, last: tuple[int, ...], shape: tuple[int, ...], text: str, dtype: npt.DTypeLike) -> None:
        _arrays.unmasked(x, name)
        array = np.asarray(x)
        if array.dtype == np.bool_:
            # As in other libraries: true takes part.
            array = np.where(array, 0.0, -np.inf)
        elif array.dtype.kind in "iu" and array.size and np.isin(array, (0, 1)).all() and (array == 0).any():
            raise ValueError(
                f"{name} has integers 0 and 1, as masks have; a mask must be Boolean, {name}.astype(bool), and a bias of floating-point numbers"
            )
        array = _arrays.numbers(array, name).astype(dtype, copy=False)
        self.given: tuple[int, ...] = array.shape
        """The shape of what was given."""
        lead = shape[: len(shape) - len(last)]
        if len(last) == 2 and array.shape[-1:] == last[1:] and array.shape[-2:-1] in ((), (1,)):
            # The same for all queries, as a padding mask: no need for a copy for each.
            last = (1, last[1])
        self.of_keys = last[:-1] == (1,)
        whole = (*array.shape[: -len(last)], *last)
        try:
            if len(last) == 1 and array.shape[-1:] != last:
                raise ValueError
            self.own: Array = np.ascontiguousarray(np.broadcast_to(array, whole))
            self.all: Array = np.broadcast_to(self.own, (*lead, *last))
        except ValueError:
            wanted = ", ".join(str(x) for x in shape) + ("," if len(shape) == 1 else "")
            raise ValueError(f"{name} has shape {array.shape}, which does not broadcast to ({wanted}): {text}") from None

    def gather(self, lead: tuple[int, ...], parts: list[Array]) -> Array:
        """Derivatives by each head's own in the shape of what was given: what was broadcast gets the sum."""
        total = np.zeros_like(self.own)
        last = self.all.shape[len(lead) :]
        for i, part in zip(np.ndindex(lead), parts, strict=True):
            own = total.shape[: total.ndim - len(last)]
            at = tuple(0 if n == 1 else j for j, n in zip(i[len(i) - len(own) :], own, strict=True))
            total[at] += part.reshape(last)
        missing = total.ndim - len(self.given)
        spread = tuple(a + missing for a, n in enumerate(self.given) if n == 1)
        total = np.sum(total, axis=(*range(missing), *spread), keepdims=True)
        return np.reshape(total, self.given)


class Biases:
    """A bias for each pair or key, one by relative position, both, or none."""

    def __init__(
        self, bias: Any, relative: Any, rows: tuple[int, int], lead: tuple[int, ...], dtype: npt.DTypeLike
    ) -> None:
        m, n = rows
        text = f"{m} queries and {n} keys"
        self.bias = self.relative = None
        if bias is not None:
            self.bias = _Part("bias", bias, (m, n), (*lead, m, n), text, dtype)
        if relative is not None:
            self.relative = _Part("relative_bias", relative, (m + n - 1,), (*lead, m + n - 1), text, dtype)
        if self.bias is not None and self.relative is not None and not self.bias.of_keys:
            raise ValueError(
                f"bias has shape {self.bias.given} and relative_bias is given; beside it bias may have one number for each key, shape ({n},) or "
                f"(..., 1, {n}); add them up in one bias otherwise"
            )

    def one(self) -> Array | tuple[Array, Array] | None:
        """Those of the only head: both as a pair, the relative ones first."""
        return self._of(())

    def each(self, lead: tuple[int, ...]) -> list[Array] | list[tuple[Array, Array]] | None:
        """Those of all heads."""
        if self.bias is None and self.relative is None:
            return None
        found: Any = [self._of(i) for i in np.ndindex(lead)]
        return list(found)

    def _of(self, head: tuple[int, ...]) -> Array | tuple[Array, Array] | None:
        if self.bias is not None and self.relative is not None:
            return self.relative.all[head], self.bias.all[head][0]
        part = self.bias or self.relative
        return None if part is None else part.all[head]

    def gather(self, lead: tuple[int, ...], parts: list[Array], wanted: bool) -> tuple[Array | None, Array | None]:
        """Derivatives by `bias` and by `relative_bias` from those of each head; none where they are not wanted."""
        if not wanted:
            return None, None
        if self.bias is None or self.relative is None:
            by = [None if part is None else part.gather(lead, parts) for part in (self.bias, self.relative)]
            return by[0], by[1]
        offsets = self.relative.all.shape[-1]
        return self.bias.gather(lead, [p[offsets:] for p in parts]), self.relative.gather(lead, [p[:offsets] for p in parts])
