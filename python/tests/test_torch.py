"""The operation of PyTorch, where that is installed."""

import locality as lc
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import locality.torch as lt  # noqa: E402

KERNELS = [
    "gaussian(h=1.3)",
    "softmax(beta=0.4)",
    "laplace(h=2)",
    "student_t(h=1, nu=3)",
    "softcap(beta=0.5, cap=2)",
    "gaussian(h=2, cols=[0, 1]) * cauchy(h=3, cols=2)",
]


def tensors(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]


@pytest.mark.parametrize("kernel", KERNELS)
def test_derivatives_are_those_of_differences(kernel):
    q, k, v, weight = tensors((4, 3), (7, 3), (7, 2), (7,))
    weight = (weight.detach().abs() + 0.5).requires_grad_()
    numbers = torch.tensor([x for _, x in lc.Kernel(kernel).parameters()], dtype=torch.float64, requires_grad=True)
    null = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    (bias,) = tensors((4, 7), seed=1)

    def call(q, k, v, weight, numbers, null, bias):
        return lt.local_mean(
            q, k, v, kernel=kernel, kernel_parameters=numbers, sample_weight=weight, null_weight=null, bias=bias, return_log_normalizer=True
        )

    assert torch.autograd.gradcheck(call, (q, k, v, weight, numbers, null, bias), eps=1e-6, atol=1e-6)


def test_attention_is_torchs():
    q, k, v = tensors((2, 3, 20, 8), (2, 3, 20, 8), (2, 3, 20, 8))
    ours = lt.local_mean(q, k, v, kernel=f"softmax(beta={8**-0.5})", neighborhood="causal")
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-12)
    flow = torch.randn(ours.shape, dtype=ours.dtype)
    for a, b in zip(torch.autograd.grad(ours, (q, k, v), flow), torch.autograd.grad(theirs, (q, k, v), flow), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    shared = tensors((2, 1, 20, 8), (2, 1, 20, 8))
    loss = lt.local_mean(q, *shared, kernel="softmax(beta=0.3)").square().sum()
    loss.backward()
    assert shared[0].grad.shape == (2, 1, 20, 8) and q.grad is not None


def test_masks_and_positions():
    q, k, v = tensors((5, 4), (5, 4), (5, 2))
    mask = torch.ones(5, 5, dtype=torch.bool).tril()
    torch.testing.assert_close(lt.local_mean(q, k, v, bias=mask), lt.local_mean(q, k, v, neighborhood="causal"))
    (table,) = tensors((9,), seed=3)
    lt.local_mean(q, k, v, relative_bias=table).sum().backward()
    assert table.grad.shape == (9,) and table.grad.abs().sum() > 0


def test_a_padding_mask_beside_a_position_bias():
    q, k, v, table = tensors((2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 2), (3, 9))
    padding = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:, None, None]

    def call(q, k, v, table):
        return lt.local_mean(q, k, v, kernel="softmax(beta=0.5)", bias=padding, relative_bias=table)

    places = torch.arange(5)[None, :] - torch.arange(5)[:, None] + 4
    mask = table[:, places] + torch.where(padding, 0.0, -torch.inf)
    torch.testing.assert_close(call(q, k, v, table), torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, scale=0.5))
    assert torch.autograd.gradcheck(call, (q, k, v, table), eps=1e-6, atol=1e-6)


def test_a_bandwidth_is_learned():
    x = torch.linspace(0, 1, 60, dtype=torch.float32)[:, None]
    y = torch.sin(9 * x)
    log_width = torch.tensor([0.0], requires_grad=True)
    optimizer = torch.optim.Adam([log_width], lr=0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        out = lt.local_mean(x, x, y, kernel="gaussian(h=1)", kernel_parameters=log_width.exp(), neighborhood="hollow")
        loss = (out - y).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0] and float(log_width.detach().exp()) < 0.2


def test_what_is_wrong_is_named():
    q, k, v = tensors((4, 3), (7, 3), (7, 2))
    with pytest.raises(TypeError, match="v must be a tensor, not ndarray"):
        lt.local_mean(q, k, v.detach().numpy())
    with pytest.raises(TypeError, match="q holds torch.float16"):
        lt.local_mean(q.half(), k, v)
    with pytest.raises(ValueError, match="kernel_parameters has shape"):
        lt.local_mean(q, k, v, kernel_parameters=torch.ones(3))
    with pytest.raises(ValueError, match=r"kernel='gaussian\(\)' has 0 numbers: none is written out; .* write it, as in 'gaussian\(h=1\)'"):
        lt.local_mean(q, k, v, kernel="gaussian", kernel_parameters=torch.ones(1))
    with pytest.raises(ValueError, match="has 2 numbers: gaussian.h, .*alpha"):
        lt.local_mean(q, k, v, kernel="gaussian(h=1) * rational_quadratic(alpha=2)", kernel_parameters=torch.ones(1))
    with pytest.raises(ValueError, match="lies on meta"):
        lt.local_mean(q.to("meta"), k, v)
    with pytest.raises(TypeError, match=r"bias holds torch.int64; make a mask of it with .bool\(\)"):
        lt.local_mean(q, k, v, bias=torch.ones(7, dtype=torch.int64))
    with pytest.raises(TypeError, match="kernel_parameters must be a tensor, not list"):
        lt.local_mean(q, k, v, kernel_parameters=[1.0])
    with pytest.raises(TypeError, match="null_weight must be a number"):
        lt.local_mean(q, k, v, null_weight="a")
    with pytest.raises(ValueError, match=r"null_weight has shape \(2,\)"):
        lt.local_mean(q, k, v, null_weight=torch.ones(2))
    with pytest.raises(TypeError, match="q is a sparse tensor"):
        lt.local_mean(q.detach().to_sparse(), k, v)


def test_second_derivatives_are_refused():
    q, k, v = tensors((4, 3), (5, 3), (5, 2))
    means = lt.local_mean(q, k.detach(), v)
    by_q, by_v = torch.autograd.grad(means.sum(), (q, v), create_graph=True)
    assert by_q.requires_grad
    for again in (by_q.square().sum(), means.sum() + by_q.square().sum()):
        with pytest.raises(NotImplementedError, match="first derivatives only"):
            torch.autograd.grad(again, q, retain_graph=True)
    plain = torch.autograd.grad(lt.local_mean(q, k.detach(), v).sum(), (q, v))
    torch.testing.assert_close((by_q.detach(), by_v.detach()), plain)


def test_transforms_of_functions():
    q, k, v = (x.detach() for x in tensors((5, 4, 3), (7, 3), (7, 2)))
    call = lambda q, k, v: lt.local_mean(q, k, v, kernel="gaussian(h=0.8)")  # noqa: E731
    one, two, three = q[0].clone().requires_grad_(), k.clone().requires_grad_(), v.clone().requires_grad_()
    call(one, two, three).square().sum().backward()
    found = torch.func.grad(lambda *x: call(*x).square().sum(), argnums=(0, 1, 2))(q[0], k, v)
    for a, b in zip(found, (one.grad, two.grad, three.grad), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    each = torch.func.vmap(call, (0, None, None))(q, k, v)
    torch.testing.assert_close(each, torch.stack([call(x, k, v) for x in q]), rtol=0, atol=0)
    # Gradients of each sample, and a whole Jacobian.
    loss = lambda v, q: call(q, k, v).square().sum()  # noqa: E731
    by = torch.func.vmap(torch.func.grad(loss), (None, 0))(v, q)
    torch.testing.assert_close(by, torch.stack([torch.func.grad(loss)(v, x) for x in q]), rtol=0, atol=0)
    jacobian = torch.func.jacrev(lambda v: call(q[0], k, v))(v)
    weights = torch.as_tensor(lc.local_weights(q[0].numpy(), k.numpy(), kernel="gaussian(h=0.8)"))
    torch.testing.assert_close(jacobian[:, 0, :, 0], weights)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        torch.func.jacrev(torch.func.jacrev(lambda x: call(x, k, v).sum()))(q[0])
    with pytest.raises(NotImplementedError, match="forward mode; take torch.func.jacrev"):
        torch.func.jacfwd(lambda x: call(x, k, v))(q[0])
