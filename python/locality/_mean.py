"""The local mean and the log of the weight sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._bias import Biases
from ._core import Kernel, LocalMeanFit, Neighborhood

OnEmpty = Literal["error", "nan", "nearest", "global"]
Progress = Callable[[int, int], object]


@overload
def local_mean(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    kernel: Kernel | str = ...,
    neighborhood: Neighborhood | str | None = ...,
    sample_weight: npt.ArrayLike | None = ...,
    tolerance: float = ...,
    on_empty: OnEmpty = ...,
    null_weight: float = ...,
    bias: npt.ArrayLike | None = ...,
    relative_bias: npt.ArrayLike | None = ...,
    return_log_normalizer: Literal[False] = ...,
    return_visited: Literal[False] = ...,
    n_jobs: int | None = ...,
    progress: Progress | None = ...,
) -> Array: ...
@overload
def local_mean(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    kernel: Kernel | str = ...,
    neighborhood: Neighborhood | str | None = ...,
    sample_weight: npt.ArrayLike | None = ...,
    tolerance: float = ...,
    on_empty: OnEmpty = ...,
    null_weight: float = ...,
    bias: npt.ArrayLike | None = ...,
    relative_bias: npt.ArrayLike | None = ...,
    return_log_normalizer: Literal[True],
    return_visited: Literal[False] = ...,
    n_jobs: int | None = ...,
    progress: Progress | None = ...,
) -> tuple[Array, Array]: ...
@overload
def local_mean(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    kernel: Kernel | str = ...,
    neighborhood: Neighborhood | str | None = ...,
    sample_weight: npt.ArrayLike | None = ...,
    tolerance: float = ...,
    on_empty: OnEmpty = ...,
    null_weight: float = ...,
    bias: npt.ArrayLike | None = ...,
    relative_bias: npt.ArrayLike | None = ...,
    return_log_normalizer: Literal[False] = ...,
    return_visited: Literal[True],
    n_jobs: int | None = ...,
    progress: Progress | None = ...,
) -> tuple[Array, float]: ...
@overload
def local_mean(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    kernel: Kernel | str = ...,
    neighborhood: Neighborhood | str | None = ...,
    sample_weight: npt.ArrayLike | None = ...,
    tolerance: float = ...,
    on_empty: OnEmpty = ...,
    null_weight: float = ...,
    bias: npt.ArrayLike | None = ...,
    relative_bias: npt.ArrayLike | None = ...,
    return_log_normalizer: Literal[True],
    return_visited: Literal[True],
    n_jobs: int | None = ...,
    progress: Progress | None = ...,
) -> tuple[Array, Array, float]: ...
def local_mean(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    v: npt.ArrayLike,
    *,
    kernel: Kernel | str = "gaussian(h=1)",
    neighborhood: Neighborhood | str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    tolerance: float = 0.0,
    on_empty: OnEmpty = "error",
    null_weight: float = 0.0,
    bias: npt.ArrayLike | None = None,
    relative_bias: npt.ArrayLike | None = None,
    return_log_normalizer: bool = False,
    return_visited: bool = False,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array | tuple[Array, Array] | tuple[Array, float] | tuple[Array, Array, float]:
    """Mean of the values around each query, ``sum_i c_i K(q, k_i) v_i / sum_i c_i K(q, k_i)``.

    Nadaraya-Watson regression, attention, kernel smoothing: the primitive under all of them.

    Parameters
    ----------
    q : array_like, shape (m, d) or (m,), or (..., m, d)
        Queries. One dimension is ``m`` sites of one number each; more than two are batches and heads, which broadcast: several query
        heads that share one head of keys are ``q`` of shape (b, heads, group, m, d) and ``k[:, :, None]``, ``v[:, :, None]``.
    k : array_like, shape (n, d) or (n,), or (..., n, d)
        Keys: where the values are. The columns of a data frame lend their names to the kernel.
    v : array_like, shape (n, p) or (n,), or (..., n, p)
        Values.
    kernel : Kernel or str, default "gaussian(h=1)"
        How much a key counts at a query.
    neighborhood : Neighborhood or str, optional
        Which keys a query may see at all; every key by default.
    sample_weight : array_like, shape (n,), optional
        Weights ``c`` of the keys, not negative. Where neighbours are counted (``knn=``, ``nearest(k)``) keys of weight 0 count, too: leave
        them out, or mask them.
    tolerance : float, default 0.0
        What the sum of the weights may be off by at each query, relative, with proof. 0 is exact to rounding; with values in
        ``[a, b]`` a mean is then off by less than ``tolerance * (b - a)``. It spares work where a tree serves (4,096 keys and more,
        up to 24 columns, no causal or window range, no k nearest, no bias); elsewhere all is exact.
    on_empty : {"error", "nan", "nearest", "global"}, default "error"
        What to return at a query that no key weighs at: nothing but an error, NaN, the nearest key's value, or the mean
        of all values.
    null_weight : float, default 0.0
        Weight of a value of zero that every query has beside its keys. Under a softmax kernel 1 is "softmax plus one", by
        which a query may attend to nothing. No region is empty then. It is part of the log normaliser.
    bias : array_like, shape (m, n) or (..., m, n), optional
        Added to the logarithm of each pair's weight (to the scores of attention); minus infinity leaves a pair out. Of a Boolean
        mask the true pairs take part. Broadcasts; what is the same for all queries, a padding mask of shape (n,) or (..., 1, n), is
        kept as it is. Where the neighbourhood takes the k nearest, these are the nearest of the pairs that
        take part; other biases do not change which are near.
    relative_bias : array_like, shape (m + n - 1,) or (..., m + n - 1), optional
        The same by relative position: entry ``j - i + m - 1`` is for key ``j`` at query ``i``. Beside it `bias` may have one number for each
        key: a padding mask. A bias that is a function of the data
        needs neither: it is a factor of the kernel. ALiBi, of positions in column 0 and content in
        columns 1 and 2, is of one slope for all heads ``softmax(beta=0.71, cols=[1, 2]) * laplace(h=8, metric=manhattan, cols=0)``: beta is
        ``1/sqrt(2)``, one over the root of the number of columns of content, and h one over the slope. A slope for each head is
        ``relative_bias=-slopes[:, None] * abs(numpy.arange(1 - m, n))``.
    return_log_normalizer : bool, default False
        Whether to return the logarithm of the weight sum too.
    return_visited : bool, default False
        Whether to return, last, the share of all pairs of a query and a key that were looked at.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``; an exception that it raises stops the work.

    Returns
    -------
    means : ndarray, shape (m, p), or (m,) where `v` has one dimension, or (..., m, p)
        float32 where `q`, `k` and `v` all are, else float64.
    log_normalizer : ndarray, shape (m,), or (..., m)
        Only with ``return_log_normalizer=True``: ``log sum_i c_i K(q, k_i)``, minus infinity at an empty region.
    visited : float
        Only with ``return_visited=True``: 1 where every key was weighed for every query, less where a kernel that ends, a mask or
        `tolerance` spared some of them.

    Raises
    ------
    ValueError
        Shapes that do not fit, NaN or infinite numbers, a parameter out of range, an empty region.
    TypeError
        What is no dense array of real numbers.

    Examples
    --------
    >>> import locality as lc
    >>> lc.local_mean([0.5], [0.0, 1.0], [1.0, 3.0])
    array([2.])
    >>> keys = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    >>> mean, log_sum = lc.local_mean([[0.0, 0.0]], keys, [1.0, 2.0, 3.0],
    ...                               kernel="uniform(h=0.5)", return_log_normalizer=True)
    >>> mean, log_sum
    (array([1.]), array([0.]))
    """
    batch = _arrays.batched(q, k, v)
    if batch is not None:
        return _chosen(*_batched(batch, locals()), return_log_normalizer, return_visited)
    keys, queries = _arrays.sites(k, "keys"), _arrays.queries_of(q, k)
    values = _arrays.numbers(v, "values")
    if values.ndim not in (1, 2):
        raise ValueError(f"values has {values.ndim} dimensions {values.shape}; give one number or one row for each key")
    flat = values.ndim == 1
    keys, queries, values = _arrays.one_type(keys, queries, values[:, None] if flat else values)
    biases = Biases(bias, relative_bias, (len(queries), len(keys)), (), keys.dtype)
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
    means, logs, visited = fit.at(queries, _arrays.threads(n_jobs), progress, biases.one())
    if flat:
        means = means[:, 0]
    share = visited / max(1, len(queries) * len(keys))
    return _chosen(means, logs, share, return_log_normalizer, return_visited)


def _chosen(
    means: Array, logs: Array, visited: float, with_logs: bool, with_visited: bool
) -> Array | tuple[Array, Array] | tuple[Array, float] | tuple[Array, Array, float]:
    """What was asked for."""
    if with_logs:
        return (means, logs, visited) if with_visited else (means, logs)
    return (means, visited) if with_visited else means


def _batched(batch: _arrays.Batch, given: dict[str, Any]) -> tuple[Array, Array, float]:
    """All batches and heads side by side: means, log normalisers, share of the pairs visited."""
    means = np.empty((*batch.shape, batch.q.shape[-2], batch.v.shape[-1]), batch.q.dtype)
    logs = np.empty(means.shape[:-1], batch.q.dtype)
    heads, weights, n_jobs = _arrays.heads(batch, given)
    biases = Biases(given["bias"], given["relative_bias"], batch.rows(), batch.shape, batch.q.dtype)
    found = heads.at(*batch.lists(), weights, n_jobs, given["progress"], biases.each(batch.shape))
    visited = 0
    for i, (own, log, pairs) in zip(np.ndindex(batch.shape), found, strict=True):
        means[i], logs[i] = own, log
        visited += pairs
    return means, logs, visited / max(1, logs.size * batch.k.shape[-2])


def log_sum(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    *,
    kernel: Kernel | str = "gaussian(h=1)",
    neighborhood: Neighborhood | str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    tolerance: float = 0.0,
    bias: npt.ArrayLike | None = None,
    relative_bias: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """Logarithm of the weight sum at each query, ``log sum_i c_i K(q, k_i)``: the log-density up to a constant.

    Parameters
    ----------
    q, k, kernel, neighborhood, sample_weight, tolerance, bias, relative_bias, n_jobs, progress
        As in `local_mean`, batches and heads included.

    Returns
    -------
    ndarray, shape (m,), or (..., m)
        Minus infinity where no key weighs.

    Examples
    --------
    >>> import locality as lc
    >>> lc.log_sum([0.0, 9.0], [0.0, 0.0, 3.0], kernel="uniform(h=1)").round(3)
    array([0.693,  -inf])
    """
    # A mean of no columns. Keys lend their number of rows.
    shape = _arrays.numbers(k, "keys").shape
    none: Array = np.empty((*(shape[:-1] if len(shape) > 1 else shape), 0), np.float32)
    found = local_mean(
        q,
        k,
        none,
        kernel=kernel,
        neighborhood=neighborhood,
        sample_weight=sample_weight,
        tolerance=tolerance,
        on_empty="nan",
        bias=bias,
        relative_bias=relative_bias,
        return_log_normalizer=True,
        n_jobs=n_jobs,
        progress=progress,
    )
    return found[1]


def local_weights(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    *,
    kernel: Kernel | str = "gaussian(h=1)",
    neighborhood: Neighborhood | str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    null_weight: float = 0.0,
    bias: npt.ArrayLike | None = None,
    relative_bias: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """The weights behind `local_mean`: an attention map, or which samples made a prediction, and how much.

    Parameters
    ----------
    q, k, kernel, neighborhood, sample_weight, null_weight, bias, relative_bias, n_jobs, progress
        As in `local_mean`, batches and heads included. There is a row of ``n`` numbers for each query: meant for chosen queries.

    Returns
    -------
    ndarray, shape (m, n), or (..., m, n)
        Rows that sum up to one, or to what `null_weight` leaves; a row of zeros where no key weighs. Their product with
        the values is the mean.

    Examples
    --------
    >>> import locality as lc
    >>> lc.local_weights([1.0], [0.0, 1.0, 3.0], kernel="triangular(h=2)").round(3)
    array([[0.333, 0.667, 0.   ]])
    """
    batch = _arrays.batched(q, k, np.empty((1, 0), np.float32))
    if batch is None:
        keys, queries = _arrays.one_type(_arrays.sites(k, "keys"), _arrays.queries_of(q, k))
        batch = _arrays.Batch(queries, keys, keys[:, :0], ())
    dtype, (m, n) = batch.q.dtype, batch.rows()
    kernel, neighborhood = _arrays.kernel_of(kernel, k), _arrays.neighborhood_of(neighborhood, k)
    sample, null = _arrays.weights(sample_weight, n, dtype), _arrays.number(null_weight, "null_weight")
    threads = _arrays.threads(n_jobs)
    biases = Biases(bias, relative_bias, (m, n), batch.shape, dtype).each(batch.shape)
    out: Array = np.empty((*batch.shape, m, n), dtype)
    none: Array = np.empty((n, 0), dtype)
    for j, i in enumerate(np.ndindex(batch.shape)):
        fit = LocalMeanFit(batch.k[i], none, kernel, neighborhood, sample, 0.0, "nan", threads, null)
        out[i] = fit.weights(batch.q[i], threads, progress, None if biases is None else biases[j])
    return out
