"""Derivatives of the local mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._bias import Biases
from ._core import Kernel, LocalMeanFit, Neighborhood
from ._mean import OnEmpty, Progress


class LocalMeanGradients(NamedTuple):
    """Derivatives of a number by everything that a local mean is made of."""

    q: Array
    """By the queries, in their shape."""
    k: Array
    """By the keys, in their shape."""
    v: Array
    """By the values, in their shape."""
    sample_weight: Array
    """By the sample weights, shape (n,)."""
    kernel: npt.NDArray[np.float64]
    """By the kernel's numbers, in the order of ``Kernel.parameters()``."""
    null_weight: float
    """By the weight beside the keys; 0 where there is none."""
    bias: Array | None = None
    """By `bias`, in its shape; none without one, or where that is not wanted."""
    relative_bias: Array | None = None
    """By `relative_bias`, likewise."""


def local_mean_vjp(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    grad_means: npt.ArrayLike,
    *,
    grad_log_normalizer: npt.ArrayLike | None = None,
    kernel: Kernel | str = "gaussian(h=1)",
    neighborhood: Neighborhood | str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    tolerance: float = 0.0,
    on_empty: OnEmpty = "error",
    null_weight: float = 0.0,
    bias: npt.ArrayLike | None = None,
    relative_bias: npt.ArrayLike | None = None,
    bias_gradient: bool = True,
    forward: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> LocalMeanGradients:
    """Pull derivatives by the means back to what they are made of: the vector-Jacobian product of `local_mean`.

    This is what a framework's ``backward`` needs. Weights are computed anew, so that memory is linear in the data.

    Parameters
    ----------
    q, k, v, kernel, neighborhood, sample_weight, tolerance, on_empty, null_weight, bias, relative_bias, n_jobs, progress
        As in `local_mean`. What `tolerance` promises is the weights' sum; derivatives by the kernel's numbers weigh pairs by their distance, and may
        be off by some ten times as much.
    grad_means : array_like, of the means' shape (batches and heads as in `local_mean`)
        Derivatives of the number in question by the means.
    grad_log_normalizer : array_like, shape (m,), optional
        Derivatives by the log normalisers; 0 by default.
    bias_gradient : bool, default True
        Whether derivatives by biases are wanted. For each pair they take as much memory as a bias of shape (m, n) for every head: pass False for
        masks and fixed position biases.
    forward : (means, log_normalizer), optional
        What ``local_mean(..., return_log_normalizer=True)`` returned for the same arguments; computed anew by default.

    Returns
    -------
    LocalMeanGradients
        A named tuple ``(q, k, v, sample_weight, kernel, null_weight, bias, relative_bias)``. Which keys a neighbourhood lets a query see is taken as fixed; a
        bandwidth by neighbours (``knn=``) is not. Where a derivative does not exist (an edge, a kink) it is 0. Those by sample weights are infinite
        (NaN where several cancel) at keys of hardly any weight beside which all that count are too far away for the number type.

    Raises
    ------
    ValueError
        As `local_mean`, and for derivatives of another shape.
    TypeError
        What is no dense array of real numbers.

    Examples
    --------
    The mean of two values is a logistic curve in the query, of slope 1/4 in the middle:

    >>> import locality as lc
    >>> lc.local_mean_vjp([0.5], [0.0, 1.0], [0.0, 1.0], [1.0]).q
    array([0.25])
    """
    shapes = [np.shape(q), np.shape(k), np.shape(v)]
    batch = _arrays.batched(q, k, v)
    if batch is not None:
        return _batched(batch, shapes, locals())
    keys, queries = _arrays.sites(k, "keys"), _arrays.queries_of(q, k, ordered=True)
    values = _arrays.numbers(v, "values")
    if values.ndim not in (1, 2):
        raise ValueError(f"values has {values.ndim} dimensions {values.shape}; give one number or one row for each key")
    flat = values.ndim == 1
    keys, queries, values = _arrays.one_type(keys, queries, values[:, None] if flat else values)
    m, p = len(queries), values.shape[1]

    def like_means(x: npt.ArrayLike, name: str) -> Array:
        array = _arrays.numbers(x, name)
        wanted = (m,) if flat else (m, p)
        if array.shape != wanted:
            raise ValueError(f"{name} has shape {array.shape}, but the means have {wanted}; give one number for each")
        return array.reshape(m, p).astype(keys.dtype, copy=False)

    def like_logs(x: npt.ArrayLike, name: str) -> Array:
        array = _arrays.numbers(x, name)
        if array.shape != (m,):
            raise ValueError(f"{name} has shape {array.shape}, but there are {m} queries; give one number for each")
        return array.astype(keys.dtype, copy=False)

    by_means = _finite(like_means(grad_means, "grad_means"), "grad_means")
    by_logs = None
    if grad_log_normalizer is not None:
        by_logs = _finite(like_logs(grad_log_normalizer, "grad_log_normalizer"), "grad_log_normalizer")
    biases = Biases(bias, relative_bias, (m, len(keys)), (), keys.dtype)
    fit = LocalMeanFit(
        keys,
        values,
        _arrays.kernel_of(kernel, k),
        _arrays.neighborhood_of(neighborhood, k),
        _arrays.weights(sample_weight, len(keys), keys.dtype),
        _arrays.number(tolerance, "tolerance"),
        on_empty,
        _arrays.threads(n_jobs),
        _arrays.number(null_weight, "null_weight"),
    )
    threads = _arrays.threads(n_jobs)
    _pair(forward)
    if forward is None:
        means, logs, _ = fit.at(queries, threads, progress, biases.one())
    else:
        means, logs = like_means(forward[0], "forward[0]"), like_logs(forward[1], "forward[1]")
        _found(means, logs)
    bias_of, wanted = biases.one(), bool(bias_gradient)
    found = fit.pull_back(queries, keys, means, logs, by_means, by_logs, threads, progress, bias_of, wanted)
    arrays = [g.reshape(shape) for g, shape in zip(found[:3], shapes, strict=True)]
    by_biases = biases.gather((), [found[6]], wanted)
    return LocalMeanGradients(arrays[0], arrays[1], arrays[2], found[3], np.array(found[4]), found[5], *by_biases)


def _finite(x: Array, name: str) -> Array:
    """What has no NaN and no infinite number."""
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        raise ValueError(f"{name} has {x[at]} at {at if len(at) > 1 else at[0]}; derivatives must be finite")
    return x


def _pair(forward: Any) -> None:
    if forward is None:
        return
    remedy = "give two arrays, the means and the log normalisers that local_mean returned with return_log_normalizer=True"
    if not isinstance(forward, tuple | list):
        raise ValueError(f"forward is a {type(forward).__name__}; {remedy}")
    if len(forward) != 2:
        raise ValueError(f"forward has {len(forward)} parts; {remedy}")


def _found(means: Array, logs: Array) -> None:
    """Refuses what no forward pass gives: only an empty region, whose log normaliser is minus infinity, may have a mean of NaN."""
    if not (logs < np.inf).all():
        raise ValueError("forward[1] has NaN or infinity; pass what local_mean returned with return_log_normalizer=True")
    if not np.isfinite(means[np.isfinite(logs)]).all():
        raise ValueError("forward[0] has NaN or infinity where a region is not empty; pass the means that local_mean returned")


def _batched(batch: _arrays.Batch, shapes: list[tuple[int, ...]], given: dict[str, Any]) -> LocalMeanGradients:
    """All side by side; what was broadcast gets the sum."""
    rows = (*batch.shape, batch.q.shape[-2])
    shaped = (*rows, batch.v.shape[-1])
    out = [np.zeros(shape, batch.q.dtype) for shape in shapes]
    weights: Array = np.zeros(batch.k.shape[-2], batch.q.dtype)
    by_kernel, by_null = None, 0.0
    heads, weight, n_jobs = _arrays.heads(batch, given)
    each = list(np.ndindex(batch.shape))

    def lists(x: npt.ArrayLike, name: str, shape: tuple[int, ...]) -> list[Array]:
        whole = _arrays.like(x, name, shape).astype(batch.q.dtype, copy=False)
        if not name.startswith("forward"):
            _finite(whole, name)
        return [whole[i] for i in each]

    by_means = lists(given["grad_means"], "grad_means", shaped)
    by_logs, forward = given["grad_log_normalizer"], given["forward"]
    if by_logs is not None:
        by_logs = lists(by_logs, "grad_log_normalizer", rows)
    _pair(forward)
    if forward is not None:
        means, logs = lists(forward[0], "forward[0]", shaped), lists(forward[1], "forward[1]", rows)
        _found(np.stack(means), np.stack(logs))
        forward = list(zip(means, logs, strict=True))
    biases = Biases(given["bias"], given["relative_bias"], batch.rows(), batch.shape, batch.q.dtype)
    bias, progress = biases.each(batch.shape), given["progress"]
    wanted = bool(given["bias_gradient"])
    found = heads.pull_back(*batch.lists(), by_means, by_logs, forward, weight, n_jobs, progress, bias, wanted)
    for i, g in zip(each, found, strict=True):
        for total, part in zip(out, g, strict=False):
            lead = total.ndim - 2
            at = tuple(0 if n == 1 else j for j, n in zip(i[len(i) - lead :], total.shape, strict=False))
            total[at] += part
        weights += g[3]
        by_kernel = np.array(g[4]) if by_kernel is None else by_kernel + g[4]
        by_null += g[5]
    if by_kernel is None:
        by_kernel = np.zeros(0)
    by_biases = biases.gather(batch.shape, [g[6] for g in found], wanted)
    return LocalMeanGradients(out[0], out[1], out[2], weights, by_kernel, by_null, *by_biases)
