"""Score biases, as the extension reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array


class Biases:
    """A bias for each pair, or by relative position, of every head; or none."""

    def __init__(
        self, bias: Any, relative: Any, rows: tuple[int, int], lead: tuple[int, ...], dtype: npt.DTypeLike
    ) -> None:
        m, n = rows
        self.given: tuple[int, ...] | None = None
        """The shape of what was given."""
        if bias is not None and relative is not None:
            raise ValueError("bias and relative_bias are both given; add them up in one bias")
        if bias is None and relative is None:
            return
        name, last = ("bias", (m, n)) if relative is None else ("relative_bias", (m + n - 1,))
        array = np.asarray(bias if relative is None else relative)
        if array.dtype == np.bool_:
            # As in other libraries: true takes part.
            array = np.where(array, 0.0, -np.inf)
        array = _arrays.numbers(array, name).astype(dtype, copy=False)
        self.given = array.shape
        if relative is None and array.shape[-1:] == (n,) and array.shape[-2:-1] in ((), (1,)):
            # The same for all queries, as a padding mask: no need for a copy for each.
            last = (1, n)
        whole = (*array.shape[: -len(last)], *last)
        try:
            if relative is not None and array.shape[-1:] != last:
                raise ValueError
            self.own: Array = np.ascontiguousarray(np.broadcast_to(array, whole))
            self.all: Array = np.broadcast_to(self.own, (*lead, *last))
        except ValueError:
            last = (m, n) if relative is None else last
            wanted = ", ".join(str(x) for x in (*lead, *last)) + ("," if len(lead) + len(last) == 1 else "")
            raise ValueError(
                f"{name} has shape {array.shape}, which does not broadcast to ({wanted}): {m} queries and {n} keys"
            ) from None

    def one(self) -> Array | None:
        """That of the only head."""
        return None if self.given is None else self.all

    def each(self, lead: tuple[int, ...]) -> list[Array] | None:
        """Those of all heads."""
        return None if self.given is None else [self.all[i] for i in np.ndindex(lead)]

    def gather(self, lead: tuple[int, ...], parts: list[Array]) -> Array | None:
        """Derivatives by each head's own in the shape of what was given: what was broadcast gets the sum."""
        if self.given is None:
            return None
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
