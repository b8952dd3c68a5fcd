"""Score biases: masks, position biases and learned ones, with their derivatives."""

import numpy as np
import pytest

import locality as lc

SOFTMAX = "softmax(beta=0.5)"


def plain(q, k, v, bias):
    scores = 0.5 * q @ np.swapaxes(k, -1, -2) + bias
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - top)
    total = weights.sum(-1, keepdims=True)
    return weights / total @ v, (top + np.log(total))[..., 0]


def toeplitz(table, m, n):
    return table[..., np.arange(n)[None, :] - np.arange(m)[:, None] + m - 1]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def heads(rng, lead=(2, 3), m=9, n=14, d=12, p=4):
    return (rng.normal(size=(*lead, *s)) for s in ((m, d), (n, d), (n, p)))


@pytest.mark.parametrize("shape", [(9, 14), (14,), (9, 1), (3, 9, 14), (3, 1, 14), (2, 1, 9, 14), (2, 3, 9, 14), ()])
def test_biases_broadcast(rng, shape):
    q, k, v = heads(rng)
    bias = rng.normal(size=shape)
    means, logs = lc.local_mean(q, k, v, kernel=SOFTMAX, bias=bias, return_log_normalizer=True)
    expected = plain(q, k, v, bias)
    np.testing.assert_allclose(means, expected[0], rtol=1e-11)
    np.testing.assert_allclose(logs, expected[1], rtol=1e-11)
    by_means, by_logs = rng.normal(size=means.shape), rng.normal(size=logs.shape)
    found = lc.local_mean_vjp(q, k, v, by_means, grad_log_normalizer=by_logs, kernel=SOFTMAX, bias=bias)
    assert found.bias.shape == shape
    step = rng.normal(size=shape)

    def number(x):
        means, logs = plain(q, k, v, bias + x * step)
        return (means * by_means).sum() + (logs * by_logs).sum()

    slope = (number(1e-6) - number(-1e-6)) / 2e-6
    np.testing.assert_allclose((found.bias * step).sum(), slope, rtol=1e-6)


@pytest.mark.parametrize("shape", [(22,), (3, 22), (2, 1, 22)])
def test_relative_biases(rng, shape):
    q, k, v = heads(rng)
    table = rng.normal(size=shape)
    given = {"kernel": SOFTMAX, "relative_bias": table}
    means = lc.local_mean(q, k, v, **given)
    full = np.broadcast_to(toeplitz(table, 9, 14), (2, 3, 9, 14)) if len(shape) == 3 else toeplitz(table, 9, 14)
    np.testing.assert_allclose(means, plain(q, k, v, full)[0], rtol=1e-11)
    by_means = rng.normal(size=means.shape)
    both = lc.local_mean_vjp(q, k, v, by_means, **given)
    found = both.relative_bias
    assert both.bias is None
    pairs = lc.local_mean_vjp(q, k, v, by_means, kernel=SOFTMAX, bias=np.broadcast_to(full, (2, 3, 9, 14))).bias
    offsets = np.arange(14)[None, :] - np.arange(9)[:, None] + 8
    every = np.stack([pairs[..., offsets == o].sum(-1) for o in range(22)], axis=-1)
    while every.ndim > len(shape):
        every = every.sum(0)
    every = every.sum(axis=tuple(a for a, n in enumerate(shape) if n == 1), keepdims=True)
    assert found.shape == shape
    np.testing.assert_allclose(found, every, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_a_padding_mask_beside_a_position_bias(rng, lead):
    q, k, v = heads(rng, lead=lead)
    table = rng.normal(size=(3, 22) if lead else 22)
    mask = rng.random((2, 1, 1, 14) if lead else 14) < 0.7
    learned = rng.normal(size=mask.shape)
    for keys in (mask, np.where(mask, learned, -np.inf)):
        given = {"kernel": SOFTMAX, "bias": keys, "relative_bias": table}
        own = np.where(keys, 0.0, -np.inf) if keys.dtype == bool else keys
        full = own + toeplitz(table, 9, 14)
        expected = plain(q, k, v, full)
        means, logs = lc.local_mean(q, k, v, **given, return_log_normalizer=True)
        np.testing.assert_allclose(means, expected[0], rtol=1e-11)
        np.testing.assert_allclose(logs, expected[1], rtol=1e-11)
        weights = lc.local_weights(q, k, **given)
        np.testing.assert_allclose(weights @ v, means, rtol=1e-11)
        by_means = rng.normal(size=means.shape)
        found = lc.local_mean_vjp(q, k, v, by_means, **given)
        pairs = lc.local_mean_vjp(q, k, v, by_means, kernel=SOFTMAX, bias=np.broadcast_to(full, (*lead, 9, 14)))
        np.testing.assert_allclose(found.k, pairs.k, rtol=1e-9, atol=1e-12)
        by_keys = pairs.bias.sum(-2, keepdims=True).sum(1, keepdims=True) if lead else pairs.bias.sum(0)
        assert found.bias.shape == mask.shape
        np.testing.assert_allclose(found.bias, by_keys, rtol=1e-9, atol=1e-12)
        offsets = np.arange(14)[None, :] - np.arange(9)[:, None] + 8
        every = np.stack([pairs.bias[..., offsets == o].sum(-1) for o in range(22)], axis=-1)
        every = every.sum(0) if lead else every
        np.testing.assert_allclose(found.relative_bias, every, rtol=1e-9, atol=1e-12)


def test_derivatives_by_biases_are_left_out_where_none_are_wanted(rng):
    q, k, v = heads(rng)
    for given in ({"bias": rng.normal(size=(9, 14))}, {"relative_bias": rng.normal(size=22)}):
        by_means = rng.normal(size=(2, 3, 9, 4))
        whole = lc.local_mean_vjp(q, k, v, by_means, kernel=SOFTMAX, **given)
        found = lc.local_mean_vjp(q, k, v, by_means, kernel=SOFTMAX, bias_gradient=False, **given)
        assert found.bias is None and found.relative_bias is None
        for a, b in zip(whole[:3], found[:3], strict=True):
            np.testing.assert_array_equal(a, b)


def test_one_set_of_rows_and_single_precision(rng):
    q, k, v = (x.astype(np.float32) for x in heads(rng, lead=()))
    bias = rng.normal(size=(9, 14))
    means = lc.local_mean(q, k, v, kernel=SOFTMAX, bias=bias)
    assert means.dtype == np.float32
    np.testing.assert_allclose(means, plain(q, k, v, bias)[0], rtol=1e-5, atol=1e-6)
    weights = lc.local_weights(q, k, kernel=SOFTMAX, bias=bias)
    np.testing.assert_allclose(weights @ v, means, rtol=1e-5, atol=1e-6)
    found = lc.local_mean_vjp(q, k, v, np.ones_like(means), kernel=SOFTMAX, bias=bias)
    assert found.bias.shape == (9, 14) and found.bias.dtype == np.float32
    assert lc.local_mean_vjp(q, k, v, np.ones_like(means), kernel=SOFTMAX).bias is None


def test_a_boolean_mask_names_those_who_take_part(rng):
    x = rng.normal(size=(30, 5))
    seen = np.tri(30, dtype=bool)
    masked = lc.local_mean(x, x, x, bias=seen)
    np.testing.assert_allclose(masked, lc.local_mean(x, x, x, neighborhood="causal"), rtol=1e-12)
    seen[3] = False
    assert np.isnan(lc.local_mean(x, x, x, bias=seen, on_empty="nan")[3]).all()


def test_what_is_wrong_is_named(rng):
    x = rng.normal(size=(5, 2))
    with pytest.raises(ValueError, match=r"bias has shape \(4, 5\), which does not broadcast to \(5, 5\): 5 queries and 5 keys"):
        lc.local_mean(x, x, x, bias=np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"relative_bias has shape \(8,\), which does not broadcast to \(9,\)"):
        lc.local_mean(x, x, x, relative_bias=np.zeros(8))
    with pytest.raises(ValueError, match=r"bias has shape \(5, 5\) and relative_bias is given"):
        lc.local_weights(x, x, bias=np.zeros((5, 5)), relative_bias=np.zeros(9))
    with pytest.raises(ValueError, match="bias has NaN in row 0, column 0"):
        lc.local_mean(x, x, x, bias=np.nan)
    with pytest.raises(ValueError, match=r"integers 0 and 1, as masks have; a mask must be Boolean, bias.astype\(bool\)"):
        lc.local_mean(x, x, x, bias=np.tri(5, dtype=int))
    with pytest.raises(ValueError, match="give the columns in a larger unit"):
        lc.local_mean(x * 1e200, x, x, bias=np.zeros(5))
    with pytest.raises(TypeError, match="bias holds"):
        lc.local_mean(x, x, x, bias="alibi")


def test_batches_of_weights_and_log_sums(rng):
    q, k, v = heads(rng)
    bias = rng.normal(size=(3, 9, 14))
    means, logs = lc.local_mean(q, k, v, kernel=SOFTMAX, bias=bias, return_log_normalizer=True)
    np.testing.assert_array_equal(lc.log_sum(q, k, kernel=SOFTMAX, bias=bias), logs)
    weights = lc.local_weights(q, k, kernel=SOFTMAX, bias=bias)
    assert weights.shape == (2, 3, 9, 14)
    np.testing.assert_allclose(weights @ v, means, rtol=1e-11)
    # Grouped queries: three heads share the keys of each of two.
    shared = lc.local_weights(q, k[:, :1], kernel=SOFTMAX)
    np.testing.assert_allclose(shared[1, 2], lc.local_weights(q[1, 2], k[1, 0], kernel=SOFTMAX), rtol=0)
    assert lc.log_sum(q, k[:, :1], kernel=SOFTMAX).shape == (2, 3, 9)


def test_scores_are_capped_smoothly(rng):
    q, k, v = heads(rng, lead=(2,))
    scores = 3 * np.tanh(0.5 * q @ np.swapaxes(k, -1, -2) / 3)
    weights = np.exp(scores)
    expected = weights @ v / weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(lc.local_mean(q, k, v, kernel="softcap(beta=0.5, cap=3)"), expected, rtol=1e-11)
    assert lc.kernels.softcap(beta=0.5, cap=3) == lc.Kernel("softcap(beta=0.5, cap=3)")


def test_the_share_of_pairs_that_was_looked_at(rng):
    x = rng.normal(size=(1200, 12)).astype(np.float32)
    own = np.arange(1200) // 600
    mask = own[:, None] == own
    means, share = lc.local_mean(x, x, x, kernel=SOFTMAX, bias=mask, return_visited=True)
    np.testing.assert_array_equal(means[:600], lc.local_mean(x[:600], x[:600], x[:600], kernel=SOFTMAX))
    assert 0.5 <= share < 0.75
    assert lc.local_mean(x, x, x, kernel=SOFTMAX, return_visited=True)[1] == 1.0
    many = rng.normal(size=(20_000, 2))
    means, logs, share = lc.local_mean(
        many[:50], many, many, kernel="gaussian(h=0.05)", tolerance=1e-3, return_log_normalizer=True, return_visited=True
    )
    assert means.shape == (50, 2) and logs.shape == (50,) and 0 < share < 0.2
    deep = lc.local_mean(x[None], x[None], x[None], kernel=SOFTMAX, bias=mask, return_visited=True)
    assert 0.5 <= deep[1] < 0.75
