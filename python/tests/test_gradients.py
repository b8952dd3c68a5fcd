"""The vector-Jacobian product of the local mean."""

import numpy as np
import pytest

import locality as lc


def number(q, k, v, w, kernel, by_means, by_logs):
    means, logs = lc.local_mean(
        q, k, v, kernel=kernel, sample_weight=w, on_empty="nan", return_log_normalizer=True
    )
    return np.nansum(means * by_means) + np.sum(np.where(np.isfinite(logs), logs, 0.0) * by_logs)


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    return {
        "q": rng.normal(size=(11, 3)),
        "k": rng.normal(size=(40, 3)),
        "v": rng.normal(size=(40, 2)),
        "w": rng.uniform(0.5, 2, size=40),
        "by_means": rng.normal(size=(11, 2)),
        "by_logs": rng.normal(size=11),
    }


@pytest.mark.parametrize(
    "kernel",
    [
        "gaussian(h=0.7)",
        "0.4*gaussian(h=[1, 2, 0.5]) + laplace(h=1)^0.5",
        "softmax(beta=0.6)",
        "tricube(knn=12)",
        "epanechnikov(h=1.5, cols=0) * matern52(h=1, cols=[1, 2])",
    ],
)
def test_against_differences(case, kernel):
    kernel = lc.Kernel(kernel)
    g = lc.local_mean_vjp(
        case["q"],
        case["k"],
        case["v"],
        case["by_means"],
        grad_log_normalizer=case["by_logs"],
        kernel=kernel,
        sample_weight=case["w"],
        on_empty="nan",
    )
    found = {"q": g.q, "k": g.k, "v": g.v, "w": g.sample_weight}
    rng = np.random.default_rng(0)
    step = 1e-6
    for name, by in found.items():
        assert by.shape == case[name].shape
        direction = rng.normal(size=by.shape)
        up, down = ({**case, name: case[name] + s * step * direction} for s in (1, -1))
        expected = (number(kernel=kernel, **up) - number(kernel=kernel, **down)) / (2 * step)
        assert np.sum(by * direction) == pytest.approx(expected, rel=1e-5, abs=1e-6), name
    own = np.array([x for _, x in kernel.parameters()])
    assert g.kernel.shape == own.shape
    for i in range(len(own)):
        up, down = (kernel.with_parameters(own + s * step * np.eye(len(own))[i]) for s in (1, -1))
        expected = (number(kernel=up, **case) - number(kernel=down, **case)) / (2 * step)
        assert g.kernel[i] == pytest.approx(expected, rel=1e-5, abs=1e-6), kernel.parameters()[i]


def test_shapes_types_and_a_forward_pass_that_is_reused(case):
    q, k, v = case["q"][:, 0], case["k"][:, 0], case["v"][:, 0]
    g = lc.local_mean_vjp(q, k, v, np.ones(11))
    assert (g.q.shape, g.k.shape, g.v.shape) == (q.shape, k.shape, v.shape)
    forward = lc.local_mean(q, k, v, return_log_normalizer=True)
    again = lc.local_mean_vjp(q, k, v, np.ones(11), forward=forward)
    for a, b in zip(g, again, strict=True):
        assert np.array_equal(a, b)
    narrow = lc.local_mean_vjp(*(x.astype(np.float32) for x in (q, k, v)), np.ones(11))
    assert narrow.q.dtype == np.float32
    assert np.allclose(narrow.q, g.q, atol=1e-5)
    # A constant that is added to all values moves the means with it.
    assert g.v.sum() == pytest.approx(11)


def test_gradient_descent_finds_a_bandwidth():
    x = np.linspace(0, 6, 200)
    y = np.sin(2 * x) + np.random.default_rng(1).normal(scale=0.3, size=200)
    kernel = lc.Kernel("gaussian(h=2)")

    def loss(kernel):
        # Left-one-out error: the query's own key is not seen.
        return np.mean((lc.local_mean(x, x, y, kernel=kernel, neighborhood="hollow") - y) ** 2)

    start = loss(kernel)
    for _ in range(60):
        means = lc.local_mean(x, x, y, kernel=kernel, neighborhood="hollow")
        g = lc.local_mean_vjp(x, x, y, 2 * (means - y) / len(x), kernel=kernel, neighborhood="hollow")
        (h,) = (value for _, value in kernel.parameters())
        kernel = kernel.with_parameters([h * np.exp(-2 * g.kernel[0] * h)])
    (h,) = (value for _, value in kernel.parameters())
    assert 0.1 < h < 0.4
    grid = min(loss(lc.kernels.gaussian(h=h)) for h in np.geomspace(0.05, 2, 60))
    assert loss(kernel) < start / 3
    assert loss(kernel) == pytest.approx(grid, rel=1e-3)


def test_what_does_not_fit_is_named(case):
    with pytest.raises(ValueError, match=r"grad_means has shape \(3,\)"):
        lc.local_mean_vjp(case["q"], case["k"], case["v"], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"grad_log_normalizer has shape \(2,\)"):
        lc.local_mean_vjp(case["q"], case["k"], case["v"], case["by_means"], grad_log_normalizer=[1.0, 2.0])
    with pytest.raises(ValueError, match="2 values are given for the 1 parameters"):
        lc.Kernel("gaussian(h=1)").with_parameters([1, 2])
    with pytest.raises(ValueError, match="must be a positive"):
        lc.Kernel("gaussian(h=1)").with_parameters([-1])


def test_batches_and_heads_broadcast():
    rng = np.random.default_rng(5)
    q, k, v = rng.normal(size=(2, 4, 7, 3)), rng.normal(size=(2, 1, 9, 3)), rng.normal(size=(4, 9, 2))
    means, logs = lc.local_mean(q, k, v, kernel="softmax(beta=0.5)", neighborhood="causal", return_log_normalizer=True)
    assert (means.shape, logs.shape) == ((2, 4, 7, 2), (2, 4, 7))
    by = rng.normal(size=means.shape)
    g = lc.local_mean_vjp(q, k, v, by, kernel="softmax(beta=0.5)", neighborhood="causal")
    assert (g.q.shape, g.k.shape, g.v.shape) == (q.shape, k.shape, v.shape)
    k_sum, v_sum, beta = np.zeros_like(k), np.zeros_like(v), 0.0
    for b in range(2):
        for h in range(4):
            same = {"kernel": "softmax(beta=0.5)", "neighborhood": "causal"}
            assert np.array_equal(means[b, h], lc.local_mean(q[b, h], k[b, 0], v[h], **same))
            one = lc.local_mean_vjp(q[b, h], k[b, 0], v[h], by[b, h], **same)
            assert np.array_equal(g.q[b, h], one.q)
            k_sum[b, 0] += one.k
            v_sum[h] += one.v
            beta += one.kernel[0]
    assert np.allclose(g.k, k_sum) and np.allclose(g.v, v_sum) and np.isclose(g.kernel[0], beta)


def test_batches_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="do not broadcast"):
        lc.local_mean(np.zeros((2, 3, 1)), np.zeros((3, 3, 1)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="values has shape"):
        lc.local_mean(np.zeros((2, 3, 1)), np.zeros((3, 1)), np.zeros(3))


def test_a_null_weight_is_softmax_plus_one():
    rng = np.random.default_rng(3)
    q, k, v, by = (rng.normal(size=(2, 5, 3)) for _ in range(4))
    same = {"kernel": "softmax(beta=0.5)", "null_weight": 1.0}
    means = lc.local_mean(q, k, v, **same)
    scores = np.exp(0.5 * q @ k.swapaxes(-1, -2))
    np.testing.assert_allclose(means, scores @ v / (1 + scores.sum(-1, keepdims=True)), rtol=1e-12)
    for b in range(2):
        np.testing.assert_allclose(lc.local_weights(q[b], k[b], **same) @ v[b], means[b], rtol=1e-12)
    step = 1e-6
    up, down = (lc.local_mean(q, k, v, **(same | {"null_weight": 1 + s})) for s in (step, -step))
    got = lc.local_mean_vjp(q, k, v, by, **same).null_weight
    np.testing.assert_allclose(got, ((up - down) * by).sum() / (2 * step), rtol=1e-6)
    with pytest.raises(ValueError, match="null_weight=-1"):
        lc.local_mean(q, k, v, null_weight=-1)


@pytest.mark.parametrize("lead", [(), (2,)])
def test_what_is_not_finite_is_named_as_the_caller_named_it(lead):
    q, k, v = (np.broadcast_to(np.arange(3.0)[:, None], (*lead, 3, 1)) for _ in range(3))
    means, logs = lc.local_mean(q, k, v, return_log_normalizer=True)
    good, bad = np.ones_like(means), np.ones_like(means)
    bad[..., 1, 0] = np.nan
    wrong = np.where(np.arange(3) == 1, np.inf, logs)
    with pytest.raises(ValueError, match="^grad_means has nan at"):
        lc.local_mean_vjp(q, k, v, bad)
    with pytest.raises(ValueError, match="^grad_log_normalizer has inf at"):
        lc.local_mean_vjp(q, k, v, good, grad_log_normalizer=wrong)
    with pytest.raises(ValueError, match=r"^forward\[0\] has NaN"):
        lc.local_mean_vjp(q, k, v, good, forward=(bad, logs))
    with pytest.raises(ValueError, match=r"^forward\[1\] has NaN"):
        lc.local_mean_vjp(q, k, v, good, forward=(means, wrong))
    for forward in (1, means, "no"):
        with pytest.raises(ValueError, match="forward is a"):
            lc.local_mean_vjp(q, k, v, good, forward=forward)
    with pytest.raises(ValueError, match="forward has 1 parts"):
        lc.local_mean_vjp(q, k, v, good, forward=(means,))
    # An empty region has no mean.
    found = lc.local_mean(q, k + 100, v, kernel="uniform(h=1)", on_empty="nan", return_log_normalizer=True)
    lc.local_mean_vjp(q, k + 100, v, good, kernel="uniform(h=1)", on_empty="nan", forward=found)
