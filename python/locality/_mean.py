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
    n_jobs: int | None = ...,
    progress: Progress | None = ...,
) -> tuple[Array, Array]: ...
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
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array | tuple[Array, Array]:
    """Mean of the values around each query, ``sum_i c_i K(q, k_i) v_i / sum_i c_i K(q, k_i)``.

    Nadaraya-Watson regression, attention, kernel smoothing: the primitive under all of them.

    Parameters
    ----------
    q : array_like, shape (m, d) or (m,), or (..., m, d)
        Queries. One dimension is ``m`` sites of one number each; more than two are batches and heads, which broadcast.
    k : array_like, shape (n, d) or (n,), or (..., n, d)
        Keys: where the values are. The columns of a data frame lend their names to the kernel.
    v : array_like, shape (n, p) or (n,), or (..., n, p)
        Values.
    kernel : Kernel or str, default "gaussian(h=1)"
        How much a key counts at a query.
    neighborhood : Neighborhood or str, optional
        Which keys a query may see at all; every key by default.
    sample_weight : array_like, shape (n,), optional
        Weights ``c`` of the keys, not negative.
    tolerance : float, default 0.0
        What the sum of the weights may be off by at each query, relative, with proof. 0 is exact to rounding; with values in
        ``[a, b]`` a mean is then off by less than ``tolerance * (b - a)``.
    on_empty : {"error", "nan", "nearest", "global"}, default "error"
        What to return at a query that no key weighs at: nothing but an error, NaN, the nearest key's value, or the mean
        of all values.
    null_weight : float, default 0.0
        Weight of a value of zero that every query has beside its keys. Under a softmax kernel 1 is "softmax plus one", by
        which a query may attend to nothing. No region is empty then.
    bias : array_like, shape (m, n) or (..., m, n), optional
        Added to the logarithm of each pair's weight (to the scores of attention); minus infinity leaves a pair out. Of a Boolean
        mask the true pairs take part. Broadcasts.
    relative_bias : array_like, shape (m + n - 1,) or (..., m + n - 1), optional
        The same by relative position: entry ``j - i + m - 1`` is for key ``j`` at query ``i``. A bias that is a function of the data
        needs neither: it is a factor of the kernel. ALiBi, of positions in column 0 and content in
        columns 1 and 2, is ``softmax(cols=[1, 2]) * laplace(h=1/slope, metric=manhattan, cols=0)``.
    return_log_normalizer : bool, default False
        Whether to return the logarithm of the weight sum too.
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
        means, logs = _batched(batch, locals())
        return (means, logs) if return_log_normalizer else means
    keys, queries = _arrays.sites(k, "keys"), _arrays.sites(q, "queries")
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
    means, log_normalizer = fit.at(queries, _arrays.threads(n_jobs), progress, biases.one())
    if flat:
        means = means[:, 0]
    return (means, log_normalizer) if return_log_normalizer else means


def _batched(batch: _arrays.Batch, given: dict[str, Any]) -> tuple[Array, Array]:
    """All batches and heads side by side."""
    means = np.empty((*batch.shape, batch.q.shape[-2], batch.v.shape[-1]), batch.q.dtype)
    logs = np.empty(means.shape[:-1], batch.q.dtype)
    heads, weights, n_jobs = _arrays.heads(batch, given)
    biases = Biases(given["bias"], given["relative_bias"], batch.rows(), batch.shape, batch.q.dtype)
    found = heads.at(*batch.lists(), weights, n_jobs, given["progress"], biases.each(batch.shape))
    for i, (own, log) in zip(np.ndindex(batch.shape), found, strict=True):
        means[i], logs[i] = own, log
    return means, logs


def log_sum(
    q: npt.ArrayLike,
    k: npt.ArrayLike,
    *,
    kernel: Kernel | str = "gaussian(h=1)",
    neighborhood: Neighborhood | str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    tolerance: float = 0.0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """Logarithm of the weight sum at each query, ``log sum_i c_i K(q, k_i)``: the log-density up to a constant.

    Parameters
    ----------
    q, k, kernel, neighborhood, sample_weight, tolerance, n_jobs, progress
        As in `local_mean`.

    Returns
    -------
    ndarray, shape (m,)
        Minus infinity where no key weighs.

    Examples
    --------
    >>> import locality as lc
    >>> lc.log_sum([0.0, 9.0], [0.0, 0.0, 3.0], kernel="uniform(h=1)").round(3)
    array([0.693,  -inf])
    """
    keys, queries = _arrays.one_type(_arrays.sites(k, "keys"), _arrays.sites(q, "queries"))
    fit = LocalMeanFit(
        keys,
        np.empty((len(keys), 0), keys.dtype),
        _arrays.kernel_of(kernel, k),
        _arrays.neighborhood_of(neighborhood, k),
        _arrays.weights(sample_weight, len(keys), keys.dtype),
        _arrays.number(tolerance, "tolerance"),
        "nan",
        _arrays.threads(n_jobs),
    )
    return fit.at(queries, _arrays.threads(n_jobs), progress)[1]


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
        As in `local_mean`, without batches. There is a row of ``n`` numbers for each query: meant for chosen queries.

    Returns
    -------
    ndarray, shape (m, n)
        Rows that sum up to one, or to what `null_weight` leaves; a row of zeros where no key weighs. Their product with
        the values is the mean.

    Examples
    --------
    >>> import locality as lc
    >>> lc.local_weights([1.0], [0.0, 1.0, 3.0], kernel="triangular(h=2)").round(3)
    array([[0.333, 0.667, 0.   ]])
    """
    keys, queries = _arrays.one_type(_arrays.sites(k, "keys"), _arrays.sites(q, "queries"))
    fit = LocalMeanFit(
        keys,
        np.empty((len(keys), 0), keys.dtype),
        _arrays.kernel_of(kernel, k),
        _arrays.neighborhood_of(neighborhood, k),
        _arrays.weights(sample_weight, len(keys), keys.dtype),
        0.0,
        "nan",
        _arrays.threads(n_jobs),
        _arrays.number(null_weight, "null_weight"),
    )
    biases = Biases(bias, relative_bias, (len(queries), len(keys)), (), keys.dtype)
    return fit.weights(queries, _arrays.threads(n_jobs), progress, biases.one())
