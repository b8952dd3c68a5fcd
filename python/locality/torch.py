"""The local mean as an operation of PyTorch, with derivatives.

>>> import locality.torch as lt  # doctest: +SKIP
>>> means = lt.local_mean(q, k, v, kernel="gaussian(h=0.5)")  # doctest: +SKIP
>>> means.sum().backward()  # doctest: +SKIP

PyTorch is not installed with this package. Tensors lie in the processor's memory, float32 or float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _arrays, _gradients, _mean
from ._core import Kernel, Neighborhood
from ._mean import OnEmpty

try:
    import torch
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
    def forward(options: dict[str, Any], *tensors: Any) -> tuple[Tensor, Tensor]:
        means, logs = _mean.local_mean(**_arguments(options, tensors), return_log_normalizer=True)
        return torch.from_numpy(means), torch.from_numpy(logs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        options, *tensors = inputs
        ctx.options = options
        ctx.save_for_backward(*tensors, *output)

    @staticmethod
    def backward(ctx: Any, by_means: Tensor, by_logs: Tensor) -> tuple[Any, ...]:
        wanted = ctx.needs_input_grad[1:]
        found = iter(_PullBack.apply(ctx.options, wanted, *ctx.saved_tensors, by_means, by_logs))
        return (None, *(next(found) if need else None for need in wanted))

    @staticmethod
    def jvp(ctx: Any, *along: Any) -> Any:
        raise NotImplementedError("locality.torch.local_mean has no derivatives in forward mode; take torch.func.jacrev or vjp")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *given: Any) -> tuple[Any, Any]:
        return _each(_LocalMean, info, in_dims, given)


class _PullBack(torch.autograd.Function):  # type: ignore[misc]
    """First derivatives by all that is wanted, which have none themselves: as constants, a penalty on them would vanish without a word."""

    @staticmethod
    def forward(options: dict[str, Any], wanted: tuple[bool, ...], *given: Any) -> tuple[Tensor, ...]:
        *tensors, means, logs, by_means, by_logs = given
        arguments = _arguments(options, tensors)
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
        return tuple(
            torch.as_tensor(g, dtype=t.dtype).reshape(t.shape) for need, g, t in zip(wanted, by, tensors, strict=True) if need
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *by: Tensor) -> tuple[Any, ...]:
        raise NotImplementedError(
            "locality.torch.local_mean has first derivatives only; leave out create_graph=True, or write the penalty with PyTorch's own functions"
        )

    @staticmethod
    def jvp(ctx: Any, *along: Any) -> Any:
        raise NotImplementedError("locality.torch.local_mean has no derivatives in forward mode; take torch.func.jacrev or vjp")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *given: Any) -> tuple[Any, Any]:
        return _each(_PullBack, info, in_dims, given)


def _each(function: Any, info: Any, in_dims: tuple[Any, ...], given: tuple[Any, ...]) -> tuple[Any, Any]:
    """A function of tensors at each place of the dimension that ``torch.func.vmap`` goes over, one after the other."""
    at = [
        [x.select(dim, i) if isinstance(dim, int) else x for x, dim in zip(given, in_dims, strict=True)] for i in range(info.batch_size)
    ]
    found = zip(*(function.apply(*one) for one in at), strict=True)
    out = tuple(torch.stack(each) for each in found)
    return out, (0,) * len(out)


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
    if x.layout != torch.strided:
        raise TypeError(f"{name} is a sparse tensor; make it dense with .to_dense()")
    if x.dtype == torch.bool and name == "bias":
        return x
    if name == "bias" and not x.dtype.is_floating_point:
        raise TypeError(f"bias holds {x.dtype}; make a mask of it with .bool(), or numbers that are added to scores with .float()")
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
    computed anew in ``backward``, so that memory is linear in the rows. There are first derivatives only: to derive them again (as under
    ``create_graph=True``) is an error. ``torch.func.grad``, ``vjp`` and ``jacrev`` take it; ``vmap`` goes through its batch one by one, where
    leading dimensions of `q`, `k` and `v` go side by side.

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
        Weight of a value of zero that every query has beside its keys. At 0 it is not there, and has no derivative: a weight that is learned starts
        above 0, best as the exponential of what is learned.
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
    _checked("kernel_parameters", kernel_parameters)
    if kernel_parameters is not None:
        wanted = [name for name, _ in made.parameters()]
        shape = tuple(kernel_parameters.shape)
        if shape != (len(wanted),):
            told = ", ".join(wanted) or "none is written out; to learn a bandwidth write it, as in 'gaussian(h=1)'"
            raise ValueError(f"kernel_parameters has shape {shape}, but kernel='{made}' has {len(wanted)} numbers: {told}")
    if not isinstance(null_weight, torch.Tensor):
        null = torch.tensor(_arrays.number(null_weight, "null_weight"), dtype=torch.float64)
    elif null_weight.numel() == 1:
        null = null_weight
    else:
        raise ValueError(f"null_weight has shape {tuple(null_weight.shape)}; it is one number for all queries")
    given = (q, k, v, sample_weight, bias, relative_bias, kernel_parameters, null)
    tensors = [_checked(name, x) for name, x in zip(_NAMES, given, strict=True)]
    options = {"kernel": made, "neighborhood": neighborhood, "tolerance": tolerance, "on_empty": on_empty, "n_jobs": n_jobs}
    means, logs = _LocalMean.apply(options, *tensors)
    return (means, logs) if return_log_normalizer else means
