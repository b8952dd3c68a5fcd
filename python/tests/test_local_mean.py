"""The local mean against float64 loops in numpy, and how arrays go in and come out."""

from __future__ import annotations

import os

import locality as lc
import numpy as np
import pytest
from locality import _arrays, _core


def loop(q, k, v, log_weight, c=None):
    """The definition, one query at a time in float64."""
    q, k, v = (np.asarray(a, dtype=np.float64) for a in (q, k, v))
    c = np.ones(len(k)) if c is None else np.asarray(c, dtype=np.float64)
    means, sums = [], []
    for x in q:
        with np.errstate(divide="ignore"):
            logs = log_weight(x, k) + np.log(c)
        top = logs.max()
        w = np.exp(logs - top)
        means.append(w @ v / w.sum())
        sums.append(top + np.log(w.sum()))
    return np.array(means), np.array(sums)


def data(m=40, n=300, d=3, p=2, dtype=np.float64):
    rng = np.random.default_rng(m + n + d)
    q, k, v = rng.normal(size=(m, d)), rng.normal(size=(n, d)), rng.normal(size=(n, p))
    return q.astype(dtype), k.astype(dtype), v.astype(dtype)


def euclidean(x, k):
    return np.sqrt(((k - x) ** 2).sum(1))


KERNELS = {
    "gaussian(h=0.7)": lambda x, k: -(euclidean(x, k) ** 2) / (2 * 0.49),
    "gaussian(h=[0.5, 1, 2])": lambda x, k: -(((k - x) / [0.5, 1, 2]) ** 2).sum(1) / 2,
    "laplace(h=0.5, metric=manhattan)": lambda x, k: -np.abs(k - x).sum(1) / 0.5,
    "cauchy(h=0.3)^2": lambda x, k: -2 * np.log1p((euclidean(x, k) / 0.3) ** 2),
    "softmax(beta=1.5)": lambda x, k: 1.5 * k @ x,
    "gaussian(h=1, cols=[0, 1]) * laplace(h=2, cols=2)": lambda x, k: (
        -((k[:, :2] - x[:2]) ** 2).sum(1) / 2 - np.abs(k[:, 2] - x[2]) / 2
    ),
    "0.5 * gaussian(h=1) + 2 * gaussian(h=3)": lambda x, k: np.log(
        0.5 * np.exp(-(euclidean(x, k) ** 2) / 2) + 2 * np.exp(-(euclidean(x, k) ** 2) / 18)
    ),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_agrees_with_a_loop(kernel, dtype, bound):
    q, k, v = data(dtype=dtype)
    c = np.random.default_rng(5).uniform(size=len(k)).astype(dtype)
    means, log_sum = lc.local_mean(q, k, v, kernel=kernel, sample_weight=c, return_log_normalizer=True)
    expected, expected_log = loop(q, k, v, KERNELS[kernel], c)
    assert means.dtype == log_sum.dtype == dtype
    np.testing.assert_allclose(means, expected, rtol=0, atol=bound)
    np.testing.assert_allclose(log_sum, expected_log, rtol=0, atol=10 * bound)
    np.testing.assert_array_equal(lc.log_sum(q, k, kernel=kernel, sample_weight=c), log_sum)


def test_softmax_is_scaled_dot_product_attention():
    rng = np.random.default_rng(7)
    q, k, v = rng.normal(size=(20, 16)), rng.normal(size=(50, 16)), rng.normal(size=(50, 8))
    scores = q @ k.T / np.sqrt(16)
    scores = np.exp(scores - scores.max(1, keepdims=True))
    expected = scores / scores.sum(1, keepdims=True) @ v
    found = lc.local_mean(q, k, v, kernel=lc.kernels.softmax(beta=1 / np.sqrt(16)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    causal = lc.local_mean(q, k[:20], v[:20], kernel="softmax(beta=0.25)", neighborhood="causal")
    masked = np.exp(np.where(np.tri(20, dtype=bool), q @ k[:20].T / 4, -np.inf))
    np.testing.assert_allclose(causal, masked / masked.sum(1, keepdims=True) @ v[:20], rtol=0, atol=1e-13)


def test_neighborhoods():
    q, k, v = data()
    distance = np.array([euclidean(x, k) for x in q])
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :7]
    found = lc.local_mean(q, k, v, kernel="uniform(h=1e9)", neighborhood="nearest(k=7)")
    np.testing.assert_allclose(found, v[nearest].mean(1), rtol=0, atol=1e-13)
    hollow = lc.local_mean(k, k, v, kernel="gaussian(h=1e-3)", neighborhood=lc.Neighborhood("hollow"))
    pairs = np.array([euclidean(x, k) for x in k])
    np.fill_diagonal(pairs, np.inf)
    np.testing.assert_array_equal(hollow, v[pairs.argmin(1)])


@pytest.mark.parametrize("kernel", ["gaussian(h=0.5)", "tricube(knn=20)", "uniform(h=1)"])
def test_threads_do_not_change_a_bit(kernel):
    q, k, v = data(m=500, n=3000, dtype=np.float32)
    one = lc.local_mean(q, k, v, kernel=kernel, n_jobs=1, on_empty="nan")
    for n_jobs in (2, 3, None, -1):
        np.testing.assert_array_equal(lc.local_mean(q, k, v, kernel=kernel, n_jobs=n_jobs, on_empty="nan"), one)


def test_tolerance_keeps_its_promise():
    q, k, v = data(m=200, n=5000, d=2, p=1)
    exact = lc.local_mean(q, k, v, kernel="gaussian(h=0.05)")
    loose = lc.local_mean(q, k, v, kernel="gaussian(h=0.05)", tolerance=1e-3)
    assert np.abs(loose - exact).max() <= 1e-3 * np.ptp(v)


def test_empty_regions():
    where, k, v = [0.1, 5.0], [0.0, 1.0], [1.0, 4.0]
    kernel = "epanechnikov(h=0.5)"
    with pytest.raises(ValueError, match="query 1"):
        lc.local_mean(where, k, v, kernel=kernel)
    for policy, expected in {"nan": np.nan, "nearest": 4.0, "global": 2.5}.items():
        found = lc.local_mean(where, k, v, kernel=kernel, on_empty=policy)
        np.testing.assert_array_equal(found, [1.0, expected])
    with pytest.raises(ValueError, match="on_empty policy.*'nearest'"):
        lc.local_mean(where, k, v, kernel=kernel, on_empty="neerest")


def test_one_dimension_is_one_column():
    k = np.linspace(0, 1, 9)
    v = np.cos(k)
    q = np.array([0.2, 0.7])
    flat = lc.local_mean(q, k, v)
    assert flat.shape == (2,)
    deep = lc.local_mean(q[:, None], k[:, None], v[:, None])
    assert deep.shape == (2, 1)
    np.testing.assert_array_equal(deep[:, 0], flat)
    assert lc.local_mean(0.2, k, v).shape == (1,)
    assert lc.local_mean(q[:0], k, v).shape == (0,)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float16, bool, object, ">f8"])
def test_other_types_become_float64(dtype):
    k = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    found = lc.local_mean(k, k, k, kernel="gaussian(h=0.5)")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, lc.local_mean(k.astype(float), k.astype(float), k.astype(float), kernel="gaussian(h=0.5)"))
    mixed = lc.local_mean(k.astype(np.float32), k.astype(np.float32), k.astype(float))
    assert mixed.dtype == np.float64


def layouts():
    rng = np.random.default_rng(2)
    wide = rng.normal(size=(60, 7)).astype(np.float32)
    unaligned = np.frombuffer(b"x" + wide.tobytes(), dtype=np.uint8)[1:].view(np.float32).reshape(60, 7)
    return {
        "whole": (wide, True),
        "rows": (wide[10:40], True),
        "every third row": (wide[::3], True),
        "leading columns": (wide[:, :3], True),
        "inner columns of every second row": (wide[1::2, 2:5], True),
        "one column": (wide[:, 4:5], True),
        "part of three dimensions": (wide.reshape(5, 12, 7)[2, :, 1:], True),
        "read only": (np.broadcast_to(wide, wide.shape)[:, :2], True),
        "Fortran order": (np.asfortranarray(wide), False),
        "transposed": (wide[:7].T, False),
        "reversed rows": (wide[::-1], False),
        "every second column": (wide[:, ::2], False),
        "repeated rows": (np.broadcast_to(wide[0], (5, 7)), False),
        "unaligned": (unaligned, False),
    }


@pytest.mark.parametrize("name", layouts())
def test_layouts(name):
    array, in_place = layouts()[name]
    assert _core.reads_in_place(array) == in_place
    copy = np.array(array, order="C")
    values = np.arange(len(array), dtype=np.float32)
    expected = lc.local_mean(copy, copy, values, kernel="gaussian(h=0.4)")
    np.testing.assert_array_equal(lc.local_mean(array, array, values, kernel="gaussian(h=0.4)"), expected)


def test_input_is_not_changed():
    q, k, v = data()
    before = [a.copy() for a in (q, k, v)]
    for a in (q, k, v):
        a.flags.writeable = False
    lc.local_mean(q, k, v)
    for a, b in zip((q, k, v), before):
        np.testing.assert_array_equal(a, b)


def test_progress_is_told_and_may_stop():
    q, k, v = data(m=4000, n=20000, p=1)
    seen = []
    lc.local_mean(q, k, v, kernel="gaussian(h=1)", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4000, 4000)
    assert [d for d, _ in seen] == sorted({d for d, _ in seen})

    def stop(done, total):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        lc.local_mean(q, k, v, kernel="gaussian(h=1)", progress=stop)


def test_nearest():
    q, k, _ = data()
    distance = np.array([euclidean(x, k) for x in q])
    order = np.argsort(distance, axis=1, kind="stable")
    indices, found = lc.nearest(q, k, 5)
    np.testing.assert_array_equal(indices, order[:, :5])
    np.testing.assert_allclose(found, np.sort(distance, axis=1)[:, :5], rtol=1e-14)
    named = lc.nearest(q, k, 5)
    np.testing.assert_array_equal(named.indices, indices)
    np.testing.assert_array_equal(named.distances, found)
    within = lc.within_radius(q, k, 0.8)
    starts, indices, found = within
    assert within.starts is starts and within.indices is indices and within.distances is found
    expected = [np.flatnonzero(row <= 0.8) for row in distance]
    assert indices.dtype == np.intp
    np.testing.assert_array_equal(np.split(indices, starts[1:-1])[3], expected[3])
    np.testing.assert_array_equal(starts, np.cumsum([0] + [len(e) for e in expected]))
    by_dot, scores = lc.nearest(q, k, 2, metric="dot")
    np.testing.assert_array_equal(by_dot, np.argsort(-(q @ k.T), axis=1, kind="stable")[:, :2])
    stretched = lc.nearest(q, k, 3, metric="mahalanobis", map=[[2, 0, 0], [0, 1, 0], [0, 0, 0.5]])[0]
    np.testing.assert_array_equal(stretched, lc.nearest(q * [2, 1, 0.5], k * [2, 1, 0.5], 3)[0])


def test_nearest_ties_go_to_the_lower_index():
    keys = [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]]
    assert lc.nearest([[0.0, 0.0]], keys, 3).indices.tolist() == [[0, 1, 2]]
    assert lc.within_radius([[0.0, 2.0]], keys, 1.0, metric="dot").indices.tolist() == [0, 3]


def test_threads_counted_from_the_end_are_of_the_cores_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert [_arrays.threads(n) for n in (None, -1, -2, -3, -9, 2)] == [0, 0, 2, 1, 1, 2]
    monkeypatch.delattr(os, "sched_getaffinity")
    assert [_arrays.threads(n) for n in (None, -1, -2, -9)] == [0, 0, 63, 56]
