"""Quick shift, medoid shift and persistence, against plain numpy and on measured tables."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "cosine", "hamming"])
def test_medoids_have_the_least_sum_under_any_metric(metric):
    from sklearn.metrics import pairwise_distances

    rng = np.random.default_rng(3)
    x = rng.integers(1, 4, size=(120, 3)).astype(float) if metric == "hamming" else rng.normal(size=(120, 3))
    model = lc.MedoidShift(bandwidth=1.2, metric=metric).fit(x)
    # The window is one of the metric, too.
    near = pairwise_distances(x, metric=metric) * (3 if metric == "hamming" else 1) <= 1.2
    # Of cosines the distances themselves are summed, of the others their squares.
    far = pairwise_distances(x, metric=metric) ** (1 if metric == "cosine" else 2)
    sums = near @ far
    np.testing.assert_allclose(sums[np.arange(120), model.parents_], sums.min(axis=1), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(model.labels_[model.parents_], model.labels_)
    with pytest.raises(ValueError, match="metric='dot'"):
        lc.MedoidShift(metric="dot").fit(x)


def test_links_are_those_of_all_pairs():
    x = load_iris().data
    model = lc.QuickShift(bandwidth=0.7, kernel="gaussian").fit(x)
    distance = np.linalg.norm(x[:, None] - x, axis=2)
    density = np.exp(-0.5 * (distance / 0.7) ** 2).sum(axis=1)
    np.testing.assert_allclose(model.log_density_, np.log(density), rtol=1e-12)
    order = np.lexsort((np.arange(len(x)), -model.log_density_))
    rank = np.argsort(order)
    for i in range(len(x)):
        before = np.flatnonzero(rank < rank[i])
        if len(before) == 0:
            assert model.parents_[i] == i
            continue
        nearest = distance[i, before].min()
        assert model.distances_[i] == pytest.approx(nearest, rel=1e-12)
        ties = before[distance[i, before] <= nearest * (1 + 1e-12)]
        assert model.parents_[i] in ties
    np.testing.assert_array_equal(model.cut(0.7), model.labels_)
    assert len(set(model.cut(np.inf))) == 1
    assert len(set(model.cut(0.0))) > 100


def test_a_medoid_is_the_point_of_least_weighted_squares():
    x = load_iris().data
    model = lc.MedoidShift(bandwidth=0.8).fit(x)
    squares = ((x[:, None] - x) ** 2).sum(axis=2)
    cost = (squares <= 0.8**2).astype(float) @ squares
    np.testing.assert_allclose(cost[np.arange(len(x)), model.parents_], cost.min(axis=1), rtol=1e-9)
    assert (model.parents_[model.cluster_centers_indices_] == model.cluster_centers_indices_).all()
    assert model.n_iter_ >= 1


def test_persistence_finds_the_moons():
    x, y = make_moons(2000, noise=0.06, random_state=0)
    model = lc.Tomato().fit(x)
    assert model.n_clusters_ == 2
    assert adjusted_rand_score(y, model.labels_) > 0.99
    assert np.sort(model.persistence_)[::-1][1] > model.min_persistence_
    # The graph is in two parts, but there is a density between them.
    for k in (1, 2, 3, 4):
        assert lc.Tomato(n_clusters=k).fit(x).n_clusters_ == k


@pytest.mark.parametrize("make", [lc.QuickShift, lc.MedoidShift])
def test_merging_by_persistence_tells_blobs(make):
    x, y = make_blobs(1500, centers=[[0, 0], [5, 0], [0, 5]], cluster_std=0.8, random_state=1)
    rough = make(bandwidth=0.5, kernel="gaussian").fit(x)
    assert len(rough.cluster_centers_) > 3
    merged = make(bandwidth=0.5, kernel="gaussian", min_persistence="auto").fit(x)
    assert len(merged.cluster_centers_) == 3
    assert adjusted_rand_score(y, merged.labels_) > 0.98
    assert len(merged.diagram_) == len(rough.cluster_centers_)


@pytest.mark.parametrize("make", [lc.QuickShift, lc.MedoidShift, lc.Tomato])
def test_number_types_threads_pickle_and_prediction(make):
    x = make_blobs(700, 3, centers=4, random_state=3)[0]
    model = make(n_jobs=1).fit(x)
    np.testing.assert_array_equal(make(n_jobs=2).fit(x).labels_, model.labels_)
    np.testing.assert_array_equal(model.predict(x), model.labels_)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(x), model.labels_)
    narrow = make().fit(x.astype(np.float32))
    assert narrow.cluster_centers_.dtype == np.float32
    assert adjusted_rand_score(narrow.labels_, model.labels_) > 0.99
    np.testing.assert_array_equal(model.cluster_centers_, x[model.cluster_centers_indices_])


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (lc.QuickShift(bandwidth=0), "bandwidth=0"),
        (lc.QuickShift(max_dist=-1), "max_dist=-1"),
        (lc.QuickShift(metric="miles"), "metric='miles'"),
        (lc.QuickShift(n_neighbors=0), "n_neighbors=0"),
        (lc.Tomato(min_persistence=-1.0), "min_persistence=-1"),
        (lc.Tomato(n_clusters=0), "n_clusters=0"),
        (lc.MedoidShift(kernel="softmax"), "softmax"),
    ],
)
def test_mistakes(model, sentence):
    with pytest.raises(ValueError, match=sentence):
        model.fit(load_iris().data)


def test_mistakes_of_type():
    with pytest.raises(TypeError, match="min_persistence"):
        lc.Tomato(min_persistence="often").fit(load_iris().data)


@pytest.mark.parametrize("make", [lc.QuickShift, lc.MedoidShift, lc.Tomato])
def test_weights_count_in_the_density(make):
    x = make_blobs(400, 2, centers=3, random_state=5)[0]
    weights = 1.0 + np.arange(400) % 2
    model = make(bandwidth=1.5).fit(x, sample_weight=weights)
    kernel = str(model.kernel if make is not lc.MedoidShift else "flat")
    distance = np.linalg.norm(x[:, None] - x, axis=2) / 1.5
    u = {"epanechnikov": np.clip(1 - distance**2, 0, None), "flat": distance <= 1, "gaussian": np.exp(-(distance**2) / 2)}[kernel]
    np.testing.assert_allclose(model.log_density_, np.log(u @ weights), rtol=1e-9)
    assert not np.allclose(make(bandwidth=1.5).fit(x).log_density_, model.log_density_)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        make().fit(x, sample_weight=[1.0])


def test_estimated_bandwidths_count_weights():
    x = make_blobs(200, 2, centers=3, random_state=6)[0]
    weights = 1 + np.arange(200) % 3
    for make in (lc.QuickShift, lc.MedoidShift):
        heavy = make().fit(x, sample_weight=weights).bandwidth_
        assert heavy == pytest.approx(make().fit(np.repeat(x, weights, axis=0)).bandwidth_, rel=1e-9)
