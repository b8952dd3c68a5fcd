"""What comes from outside, as arrays that the extension reads; what is no array is named."""

from __future__ import annotations

import operator
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._core import Kernel, LocalMeanHeads, Neighborhood

Array = npt.NDArray[Any]


def unmasked(x: Any, name: str) -> None:
    """Refuses arrays of which some entries are masked: the numbers behind the mask would count."""
    if np.ma.is_masked(x):
        raise TypeError(f"{name} is an array with masked entries, which would count as numbers; fill them, or leave their rows out")


DATES = "make a number of it, such as the days since a first one, or parts that matter, such as the month"
TIMES = "make a number of it, such as its total_seconds()"


def undated(x: Any, name: str) -> None:
    """Refuses dates and durations, of which numpy would make whole numbers of some unit, and of one that is missing the least of all."""
    columns = getattr(x, "columns", None) if hasattr(x, "__getitem__") else None
    parts = [(name, x)] if columns is None else [(f"{name}, column {str(c)!r}", x[c]) for c in columns]
    for where, part in parts:
        dtype = getattr(part, "dtype", None)
        kind, text = getattr(dtype, "kind", ""), str(dtype)
        if kind == "M" or text.startswith(("Date", "Time")):
            raise TypeError(f"{where} holds {text} instead of numbers; {DATES}")
        if kind == "m" or text.startswith("Duration"):
            raise TypeError(f"{where} holds {text} instead of numbers; {TIMES}")


def numbers(x: Any, name: str) -> Array:
    """An array of float32 or float64 of any shape, without a copy where it is one already."""
    if type(x).__module__.startswith("scipy.sparse"):
        raise TypeError(f"{name} is a sparse matrix; pass a dense array, {name}.toarray()")
    unmasked(x, name)
    undated(x, name)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} is no table: its rows differ in length; make them equally long") from error
    if array.dtype.kind == "c":
        raise TypeError(f"{name} holds complex numbers; pass its real and imaginary parts as columns")
    if array.dtype.kind not in "fiubO":
        raise TypeError(f"{name} holds {array.dtype} instead of numbers; encode text and dates as numbers first")
    if array.dtype not in (np.float32, np.float64):
        if array.dtype == object and array.ndim == 0 and array.item() is None:
            raise TypeError(f"{name} is None; give numbers")
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} holds something that is not a number ({error}); encode it as a number") from error
    if not array.dtype.isnative or not array.flags.aligned:
        array = np.array(array, dtype=array.dtype.newbyteorder("="))
    return array


def sites(x: Any, name: str) -> Array:
    """Sites as rows: a one-dimensional array is one column, a single number one site."""
    array = numbers(x, name)
    if array.ndim < 2:
        return array.reshape(1, 1) if array.ndim == 0 else array[:, None]
    if array.ndim > 2:
        raise ValueError(f"{name} has {array.ndim} dimensions {array.shape}; sites are the rows of two dimensions")
    return array


def one_type(*arrays: Array) -> list[Array]:
    """float32 where all are, else float64."""
    narrow = all(a.dtype == np.float32 for a in arrays)
    dtype = np.float32 if narrow else np.float64
    return [a.astype(dtype, copy=False) for a in arrays]


class Batch(NamedTuple):
    """Queries, keys and values with the same leading axes."""

    q: Array
    k: Array
    v: Array
    shape: tuple[int, ...]

    def rows(self) -> tuple[int, int]:
        """Queries and keys of each."""
        return self.q.shape[-2], self.k.shape[-2]

    def lists(self) -> tuple[list[Array], list[Array], list[Array]]:
        """Queries, keys and values of each."""
        each = list(np.ndindex(self.shape))
        return [self.q[i] for i in each], [self.k[i] for i in each], [self.v[i] for i in each]


def heads(batch: Batch, given: dict[str, Any]) -> tuple[LocalMeanHeads, Array | None, int]:
    """The extension's local mean of many heads under the arguments of `local_mean`, sample weights, threads."""
    made = LocalMeanHeads(
        kernel_of(given["kernel"], given["k"]),
        neighborhood_of(given["neighborhood"], given["k"]),
        number(given["tolerance"], "tolerance"),
        given["on_empty"],
        number(given["null_weight"], "null_weight"),
    )
    return made, weights(given["sample_weight"], batch.k.shape[-2], batch.k.dtype), threads(given["n_jobs"])


def like(x: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Numbers of a given shape."""
    array = numbers(x, name)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, but must have {shape}")
    return array


def batched(q: Any, k: Any, v: Any) -> Batch | None:
    """Batches, where one of the three has more than two dimensions."""
    try:
        deepest = max(np.ndim(x) for x in (q, k, v))
    except ValueError:
        # Rows of different length: named where they are read.
        return None
    if deepest <= 2:
        return None
    arrays = [numbers(x, name) for x, name in ((q, "queries"), (k, "keys"), (v, "values"))]
    for array, name in zip(arrays, ("queries", "keys", "values"), strict=True):
        if array.ndim < 2:
            raise ValueError(f"{name} has shape {array.shape}; among batches, give rows: (..., {name}, columns)")
    try:
        shape = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(
            f"the leading axes of queries, keys and values {shapes} do not broadcast; make them equal or 1"
        ) from None
    q, k, v = (np.broadcast_to(a, shape + a.shape[-2:]) for a in one_type(*arrays))
    return Batch(q, k, v, shape)


def weights(x: Any, n: int, dtype: npt.DTypeLike) -> Array | None:
    """Sample weights ``[n]`` in one piece, or none."""
    if x is None:
        return None
    array = numbers(x, "sample_weight")
    if array.shape != (n,):
        raise ValueError(f"sample_weight has shape {array.shape}, but there are {n} keys; give one number for each")
    if n > 0 and not array.any():
        raise ValueError("sample_weight is zero for every row; give some rows a weight above 0")
    narrow = np.ascontiguousarray(array, dtype=dtype)
    if n > 0 and not narrow.any():
        least = np.abs(array).max()
        raise ValueError(f"sample_weight={least:.3g} at the most is too small for {np.dtype(dtype)}; multiply all weights by a number, or give float64 data")
    return narrow


def seed(random_state: int | np.random.RandomState | np.random.Generator | None) -> int:
    """A seed: the number itself, one drawn from a generator, or by chance."""
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**63))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return count(random_state, "random_state")


def number(x: Any, name: str) -> float:
    """A real number."""
    # A text is no number here, though `float` would read one.
    if not isinstance(x, (str, bytes)):
        try:
            return float(x)
        except (TypeError, ValueError, OverflowError):
            pass
    raise TypeError(f"{name} must be a number, not {x!r}")


def count(x: Any, name: str) -> int:
    """A whole number that is not negative."""
    try:
        n = operator.index(x)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {x!r}") from None
    if n < 0:
        raise ValueError(f"{name}={n} must not be negative")
    return n


SEARCHES = ("auto", "fixed", "nearest", "per-column")


def search_of(bandwidth: Any) -> str:
    """How a local model's bandwidth is searched, ``"given"`` where it is a number."""
    if not isinstance(bandwidth, str):
        return "given"
    if bandwidth not in SEARCHES:
        raise ValueError(f"bandwidth={bandwidth!r} must be a number or one of {', '.join(SEARCHES)}")
    return bandwidth


def latitudes(sites: Array, metric: str, name: str) -> None:
    """Refuses sites (latitude, longitude) of great-circle distances whose latitude is beyond a pole."""
    degrees = _GREAT_CIRCLES.get(metric)
    if degrees is None or sites.shape[1] != 2:
        return
    most, unit = (90.0, "degrees") if degrees else (np.pi / 2.0, "radians")
    beyond = np.flatnonzero(np.abs(sites[:, 0]) > most * (1.0 + 1e-6))
    if len(beyond):
        row = int(beyond[0])
        raise ValueError(
            f"{name} has a latitude of {sites[row, 0]:g} in row {row} (counted from 0); metric={metric!r} takes (latitude, longitude) in {unit}"
        )


# Their names, and whether they count in degrees.
_GREAT_CIRCLES = {"haversine": False, "great_circle": False, "haversine_km": True, "geo": True}


def threads(n_jobs: int | None) -> int:
    """Number of threads as the extension counts them: 0 is every core that the process may use."""
    if n_jobs is None:
        return 0
    try:
        n = operator.index(n_jobs)
    except TypeError:
        raise TypeError(f"n_jobs must be a whole number or None, not {n_jobs!r}") from None
    if n == 0:
        raise ValueError("n_jobs=0 leaves no thread; give a positive number, or None for every core")
    if n == -1:
        return 0
    return n if n > 0 else max(1, _cores() + 1 + n)


def _cores() -> int:
    """Number of cores that this process may run on, where the platform tells; else of all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def names(x: Any) -> list[str] | None:
    """The column names of a data frame."""
    columns = getattr(x, "columns", None)
    return None if columns is None else [str(c) for c in columns]


def queries_of(q: Any, k: Any, *, ordered: bool = False) -> Array:
    """Queries as rows; columns of a data frame in the order of the keys' frame, in which they have to be where `ordered`."""
    queries, own, known = sites(q, "queries"), names(q), names(k)
    if own is None or known is None or own == known:
        return queries
    if ordered or sorted(own) != sorted(known) or len(set(own)) < len(own):
        how = "the same ones in the same order" if ordered else "the same ones"
        raise ValueError(f"queries has the columns {', '.join(own)}, but keys has {', '.join(known)}; give both {how}, or pass arrays")
    return np.ascontiguousarray(queries[:, [own.index(n) for n in known]])


def kernel_of(kernel: Kernel | str, keys: Any) -> Kernel:
    """A kernel whose column names are positions in the keys' columns."""
    known = names(keys)
    made = kernel if isinstance(kernel, Kernel) else Kernel(kernel)
    return made if known is None else made.with_columns(known)


def neighborhood_of(neighborhood: Neighborhood | str | None, keys: Any) -> Neighborhood:
    """The same for a neighbourhood."""
    known = names(keys)
    made = neighborhood if isinstance(neighborhood, Neighborhood) else Neighborhood(neighborhood)
    return made if known is None else made.with_columns(known)


def elsewhere(neighborhood: Neighborhood) -> Neighborhood:
    """A neighbourhood without the condition that leaves out the sample a target is: a target of a prediction is none."""
    parts = str(neighborhood).split(" & ")
    if "hollow" not in parts:
        return neighborhood
    return Neighborhood(" & ".join(part for part in parts if part != "hollow") or None)


def columns_of(columns: Any, table: Any) -> list[int] | None:
    """Columns by number or, of a data frame, by name; None for all."""
    if columns is None:
        return None
    known = names(table)
    out: list[int] = []
    for column in [columns] if isinstance(columns, str) or np.ndim(columns) == 0 else list(columns):
        if not isinstance(column, str):
            out.append(count(column, "columns"))
        elif known is None or column not in known:
            raise ValueError(f"columns names {column!r}, but the table has {'no names' if known is None else ', '.join(known)}")
        else:
            out.append(known.index(column))
    return out
