"""Mean shift against scikit-learn's, on blobs and on measured tables."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn import cluster
from sklearn.datasets import load_iris, load_wine, make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler


def blobs(d):
    centers = np.random.default_rng(d).uniform(-10, 10, size=(6, d))
    return make_blobs(2000, d, centers=centers, cluster_std=1.0, random_state=d)[0]


DATA = {
    "blobs d=2": (lambda: blobs(2), 0.1),
    "blobs d=3": (lambda: blobs(3), 0.1),
    "iris": (lambda: load_iris().data, 0.2),
    "wine": (lambda: StandardScaler().fit_transform(load_wine().data), 0.1),
}


def compare(x, bandwidth, **parameters):
    ours = lc.MeanShift(bandwidth=bandwidth, **parameters).fit(x)
    theirs = cluster.MeanShift(bandwidth=bandwidth, **parameters).fit(x)
    assert len(ours.cluster_centers_) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels_) == 1.0
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=0, atol=1e-3 * bandwidth)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    return ours


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("bin_seeding", [False, True])
@pytest.mark.parametrize("cluster_all", [False, True])
def test_labels_and_centers_are_scikit_learns(name, bin_seeding, cluster_all):
    make, quantile = DATA[name]
    x = make()
    bandwidth = cluster.estimate_bandwidth(x, quantile=quantile)
    found = compare(x, bandwidth, bin_seeding=bin_seeding, cluster_all=cluster_all, min_bin_freq=3 if bin_seeding else 1)
    assert len(found.cluster_centers_) > 1


def test_orphans():
    x = np.concatenate([blobs(2), [[100.0, 100.0]]])
    found = compare(x, 1.2, bin_seeding=True, cluster_all=False, min_bin_freq=5)
    assert found.labels_[-1] == -1


def test_given_seeds_and_few_iterations():
    x = blobs(3)
    compare(x, 2.0, seeds=x[::50])
    compare(x, 2.0, seeds=x[:3], max_iter=2)


@pytest.mark.parametrize("name", DATA)
def test_bandwidths_are_scikit_learns(name):
    x = DATA[name][0]()
    for how in ({}, {"quantile": 0.1}, {"quantile": 0.5, "n_samples": 100, "random_state": 3}):
        expected = cluster.estimate_bandwidth(x, **how)
        assert lc.estimate_bandwidth(x, **how) == pytest.approx(expected, rel=1e-6)
    assert lc.MeanShift().fit(x).bandwidth_ == pytest.approx(cluster.estimate_bandwidth(x), rel=1e-6)


def test_bin_seeds_are_scikit_learns():
    x = blobs(2)
    for size, least in ((1.5, 1), (0.7, 4)):
        expected = cluster.get_bin_seeds(x, size, least)
        found = lc.get_bin_seeds(x, size, least)
        assert {tuple(r) for r in found.round(5)} == {tuple(r) for r in expected.astype(float).round(5)}


def test_number_types_threads_and_pickle():
    x = blobs(2)
    wide = lc.MeanShift(bandwidth=2, n_jobs=1).fit(x)
    for n_jobs in (2, None):
        again = lc.MeanShift(bandwidth=2, n_jobs=n_jobs).fit(x)
        np.testing.assert_array_equal(again.labels_, wide.labels_)
        np.testing.assert_array_equal(again.cluster_centers_, wide.cluster_centers_)
    narrow = lc.MeanShift(bandwidth=2).fit(x.astype(np.float32))
    assert narrow.cluster_centers_.dtype == np.float32
    assert adjusted_rand_score(narrow.labels_, wide.labels_) > 0.999
    loaded = pickle.loads(pickle.dumps(wide))
    np.testing.assert_array_equal(loaded.predict(x), wide.labels_)


def test_a_gaussian_kernel_finds_the_density_modes():
    x = blobs(2)
    found = lc.MeanShift(kernel=lc.kernels.gaussian(h=1.0)).fit(x)
    # A mode is a fixed point of the local mean.
    again = lc.local_mean(found.cluster_centers_, x, x, kernel="gaussian(h=1)")
    np.testing.assert_allclose(again, found.cluster_centers_, rtol=0, atol=5e-3)
    assert found.bandwidth_ == 1.0
    same = lc.MeanShift(kernel="gaussian", bandwidth=1.0).fit(x)
    np.testing.assert_array_equal(same.labels_, found.labels_)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"bandwidth": 0}, "bandwidth"),
        ({"bandwidth": -1}, "-1"),
        ({"bandwidth": float("nan")}, "(?i)nan"),
        ({"kernel": "softmax"}, "softmax"),
        ({"kernel": "flatt"}, "'flat"),
        ({"max_iter": -1}, "max_iter=-1"),
        ({"seeds": [[1.0, 2.0, 3.0]]}, "seeds"),
        ({"n_jobs": 0}, "n_jobs=0"),
    ],
)
def test_mistakes(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        lc.MeanShift(**parameters).fit(blobs(2)[:50])


def test_mistakes_of_type_and_of_the_estimate():
    with pytest.raises(TypeError, match="min_bin_freq must be a whole number"):
        lc.MeanShift(bandwidth=1, bin_seeding=True, min_bin_freq=1.5).fit(blobs(2)[:9])
    with pytest.raises(ValueError, match="bandwidth"):
        lc.MeanShift().fit(np.zeros((20, 2)))
    with pytest.raises(ValueError, match="quantile=2"):
        lc.estimate_bandwidth(blobs(2), quantile=2)
