"""The local mean as an operation of PyTorch, with derivatives.

>>> import locality.torch as lt  # doctest: +SKIP
>>> means = lt.local_mean(q, k, v, kernel="gaussian(h=0.5)")  # doctest: +SKIP
>>> means.sum().backward()  # doctest: +SKIP

PyTorch is not installed with this package. Tensors lie in the processor's memory, float32 or float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _gradients, _mean
from ._core import Kernel, Neighborhood
from ._mean import OnEmpty

try:
    import torch
    from torch.autograd.function import once_differentiable
except ImportError as error:
    raise ImportError("locality.torch needs PyTorch, which is not installed; install the package 'torch'") from error

if TYPE_CHECKING:
    from torch import Tensor
else:
    Tensor = torch.Tensor

__all__ = ["local_mean"]

_NAMES = ("q", "k", "v", "sample_weight", "bias", "relative_bias", "kernel_parameters", "null_weight")


class _LocalMean(torch.autograd.Function):  # type: ignore[misc]
    """Keeps what it was given and what it found; weights are computed anew on the way back."""

    @staticmethod
    def forward(ctx: Any, options: dict[str, Any], *tensors: Any) -> tuple[Tensor, Tensor]:
        arguments = _arguments(options, tensors)
        means, logs = _mean.local_mean(**arguments, return_log_normalizer=True)
        found = torch.from_numpy(means), torch.from_numpy(logs)
        ctx.options = options
        ctx.save_for_backward(*tensors, *found)
        return found

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, by_means: Tensor, by_logs: Tensor) -> tuple[Any, ...]:
        *tensors, means, logs = ctx.saved_tensors
        arguments = _arguments(ctx.options, tensors)
        wanted = ctx.needs_input_grad[1:]
        found = _gradients.local_mean_vjp(
            arguments.pop("q"),
            arguments.pop("k"),
            arguments.pop("v"),
            _plain(by_means),
            grad_log_normalizer=_plain(by_logs),
            forward=(_plain(means), _plain(logs)),
            bias_gradient=any(need for name, need in zip(_NAMES, wanted, strict=True) if name.endswith("bias")),
            **arguments,
        )
        by = [
            found.q,
            found.k,
            found.v,
            found.sample_weight,
            found.bias,
            found.relative_bias,
            found.kernel,
            found.null_weight,
        ]
        grads = [
            torch.as_tensor(g, dtype=t.dtype).reshape(t.shape) if need else None
            for need, g, t in zip(wanted, by, tensors, strict=True)
        ]
        return (None, *grads)


def _plain(x: Any) -> Any:
    """A tensor as an array, in place."""
    return x.detach().contiguous().numpy() if isinstance(x, torch.Tensor) else x


def _arguments(options: dict[str, Any], tensors: Any) -> dict[str, Any]:
    """What the functions on arrays are called with."""
    arguments = options | {name: _plain(x) for name, x in zip(_NAMES, tensors, strict=True)}
    numbers, null = arguments.pop("kernel_parameters"), arguments["null_weight"]
    if numbers is not None:
        arguments["kernel"] = arguments["kernel"].with_parameters([float(x) for x in numbers])
    arguments["null_weight"] = 0.0 if null is None else float(null)
    return arguments


def _checked(name: str, x: Any) -> Any:
    if x is None:
        return None
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, not {type(x).__name__}; locality.local_mean takes arrays")
    if x.device.type != "cpu":
        raise ValueError(f"{name} lies on {x.device}; move it to the processor's memory with .cpu()")
    if x.dtype == torch.bool and name == "bias":
        return x
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} holds {x.dtype}; make it float32 or float64 with .float() or .double()")
    return x


def local_mean(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    kernel: Kernel | str = "gaussian(h=1)",
    kernel_parameters: Tensor | None = None,
    neighborhood: Neighborhood | str | None = None,
    sample_weight: Tensor | None = None,
    tolerance: float = 0.0,
    on_empty: OnEmpty = "error",
    null_weight: float | Tensor = 0.0,
    bias: Tensor | None = None,
    relative_bias: Tensor | None = None,
    return_log_normalizer: bool = False,
    n_jobs: int | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """`locality.local_mean` on tensors, differentiable by each of them under every kernel.

    Attention is ``kernel="softmax(beta=1/sqrt(d))"`` over queries, keys and values of shape ``(batch, heads, n, d)``. Weights are not kept but
    computed anew in ``backward``, so that memory is linear in the rows. Derivatives are once differentiable.

    Parameters
    ----------
    q, k, v : Tensor
        Queries, keys and values, shaped as in `locality.local_mean`; float32 or float64.
    kernel : Kernel or str, default "gaussian(h=1)"
        How much a key counts at a query.
    kernel_parameters : Tensor, shape (number of the kernel's numbers,), optional
        Numbers in place of the kernel's own, in the order of ``Kernel.parameters()``: bandwidths and temperatures that are learned. What must be
        positive stays so as the exponential of what is learned.
    neighborhood : Neighborhood or str, optional
        Which keys a query may see at all.
    sample_weight : Tensor, shape (n,), optional
        Weights of the keys.
    tolerance : float, default 0.0
        What the sum of the weights may be off by, relative.
    on_empty : {"error", "nan", "nearest", "global"}, default "error"
        What to return at a query that no key weighs at.
    null_weight : float or Tensor, shape (), default 0.0
        Weight of a value of zero that every query has beside its keys.
    bias : Tensor, optional
        Added to the logarithm of each pair's weight; of a Boolean mask the true pairs take part. Broadcasts.
    relative_bias : Tensor, optional
        The same by relative position.
    return_log_normalizer : bool, default False
        Whether to return the logarithm of the weight sum too.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    means : Tensor
        As `locality.local_mean` returns them.
    log_normalizer : Tensor
        Only with ``return_log_normalizer=True``.

    Raises
    ------
    ValueError, TypeError
        As `locality.local_mean`, and for tensors elsewhere than in the processor's memory or of other types.
    """
    made = kernel if isinstance(kernel, Kernel) else Kernel(kernel)
    if kernel_parameters is not None:
        wanted = [name for name, _ in made.parameters()]
        shape = tuple(kernel_parameters.shape)
        if shape != (len(wanted),):
            told = ", ".join(wanted) or "none is written out; to learn a bandwidth write it, as in 'gaussian(h=1)'"
            raise ValueError(f"kernel_parameters has shape {shape}, but kernel='{made}' has {len(wanted)} numbers: {told}")
    null = null_weight if isinstance(null_weight, torch.Tensor) else torch.tensor(float(null_weight), dtype=torch.float64)
    given = (q, k, v, sample_weight, bias, relative_bias, kernel_parameters, null)
    tensors = [_checked(name, x) for name, x in zip(_NAMES, given, strict=True)]
    options = {"kernel": made, "neighborhood": neighborhood, "tolerance": tolerance, "on_empty": on_empty, "n_jobs": n_jobs}
    means, logs = _LocalMean.apply(options, *tensors)
    return (means, logs) if return_log_normalizer else means
