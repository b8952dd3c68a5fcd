"""Lazy learning against scikit-learn on real data, and adding and forgetting against a fresh fit."""

from __future__ import annotations

import copy
import pickle
import warnings

import locality as lc
import numpy as np
import pytest
from sklearn import datasets, neighbors
from sklearn.model_selection import GridSearchCV, LeaveOneOut, cross_val_predict

CLASSES = {"iris": datasets.load_iris, "digits": datasets.load_digits, "wine": datasets.load_wine}


def halves(name):
    """Two halves of a data set in random order, with a little noise so that no two distances tie."""
    load = CLASSES.get(name, datasets.load_diabetes)
    x, y = load(return_X_y=True)
    rng = np.random.default_rng(0)
    x = x + rng.normal(scale=1e-3 * x.std(), size=x.shape)
    order = rng.permutation(len(x))
    middle = 2 * len(x) // 3
    a, b = order[:middle], order[middle:]
    return x[a], y[a], x[b], y[b]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [*CLASSES, "diabetes"])
@pytest.mark.parametrize("how", [{}, {"p": 1}, {"metric": "chebyshev"}, {"metric": "cosine"}])
def test_neighbors_are_scikit_learns(name, how, dtype):
    x, _, q, _ = (a.astype(dtype) for a in halves(name))
    ours = lc.NearestNeighbors(n_neighbors=7, **how).fit(x)
    theirs = neighbors.NearestNeighbors(n_neighbors=7, algorithm="brute", **how).fit(x.astype(np.float64))
    for asked in (q, None):
        (d, i), (e, j) = ours.kneighbors(asked), theirs.kneighbors(asked if asked is None else asked.astype(np.float64))
        assert d.dtype == dtype
        rough = 1e-9 if dtype == np.float64 else 1e-4
        np.testing.assert_allclose(d, e, rtol=rough, atol=rough * (1 if how.get("metric") == "cosine" else e.max()))
        if dtype == np.float64:
            np.testing.assert_array_equal(i, j)
    # Not a distance itself, which may be rounded to either side of the edge.
    radius = 1.0001 * float(np.median(e))
    for asked in (q, None):
        d, i = ours.radius_neighbors(asked, radius, sort_results=True)
        e, j = theirs.radius_neighbors(asked if asked is None else asked.astype(np.float64), radius, sort_results=True)
        if dtype == np.float64:
            for a, b in zip(i, j, strict=True):
                np.testing.assert_array_equal(a, b)
        assert abs(sum(map(len, d)) - sum(map(len, e))) <= (0 if dtype == np.float64 else 2)


def test_neighbors_by_a_covariance():
    x, _, q, _ = halves("wine")
    how = {"metric": "mahalanobis", "metric_params": {"V": np.cov(x.T)}}
    ours = lc.NearestNeighbors(n_neighbors=3, **how).fit(x).kneighbors(q)
    how["metric_params"] = {"VI": np.linalg.inv(np.cov(x.T))}
    theirs = neighbors.NearestNeighbors(n_neighbors=3, algorithm="brute", **how).fit(x).kneighbors(q)
    np.testing.assert_array_equal(lc.NearestNeighbors(n_neighbors=3, **how).fit(x).kneighbors(q)[1], ours[1])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9)
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_graphs_are_scikit_learns():
    x, _, q, _ = halves("wine")
    ours, theirs = lc.NearestNeighbors(n_neighbors=4).fit(x), neighbors.NearestNeighbors(n_neighbors=4).fit(x)
    for asked in (q, None):
        for mode in ("connectivity", "distance"):
            a, b = ours.kneighbors_graph(asked, mode=mode), theirs.kneighbors_graph(asked, mode=mode)
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-12)
            a = ours.radius_neighbors_graph(asked, 30.0, mode=mode)
            b = theirs.radius_neighbors_graph(asked, 30.0, mode=mode)
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-12)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: np.exp(-d)])
@pytest.mark.parametrize("k", [1, 4, 15])
def test_votes_are_scikit_learns(name, weights, k):
    x, y, q, z = halves(name)
    names = np.array([f"class {c}" for c in range(10)])
    ours = lc.KNeighborsClassifier(k, weights=weights).fit(x, names[y])
    theirs = neighbors.KNeighborsClassifier(k, weights=weights).fit(x, names[y])
    if callable(weights) and name == "wine":
        # Far neighbours have hardly a weight there: compare what is left of it.
        q = x[:20] + 1e-3
        z = y[:20]
    assert (ours.predict(q) == theirs.predict(q)).all()
    np.testing.assert_allclose(ours.predict_proba(q), theirs.predict_proba(q), rtol=1e-7, atol=1e-12)
    assert ours.score(q, names[z]) == theirs.score(q, names[z])


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: np.exp(-10 * d)])
def test_means_are_scikit_learns(weights):
    x, y, q, z = halves("diabetes")
    both = np.stack([y, -2 * y], axis=1)
    ours = lc.KNeighborsRegressor(9, weights=weights).fit(x, both)
    theirs = neighbors.KNeighborsRegressor(9, weights=weights).fit(x, both)
    np.testing.assert_allclose(ours.predict(q), theirs.predict(q), rtol=1e-10)
    ours, theirs = ours.fit(x, y), theirs.fit(x, y)
    assert ours.predict(q).shape == (len(q),)
    assert abs(ours.score(q, z) - theirs.score(q, z)) < 1e-12
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-10)


@pytest.mark.parametrize("weights", ["uniform", "distance", lambda d: [np.exp(-10 * x) for x in d]])
def test_means_within_a_radius_are_scikit_learns(weights):
    x, y, q, _ = halves("diabetes")
    ours = lc.RadiusNeighborsRegressor(0.08, weights=weights).fit(x, y)
    theirs = neighbors.RadiusNeighborsRegressor(0.08, weights=weights).fit(x, y)
    with pytest.warns(UserWarning, match="no neighbour of any weight"):
        a = ours.predict(q)
    if callable(weights):
        # scikit-learn's function gets the empty arrays, too.
        theirs.set_params(weights=lambda d: np.array([np.exp(-10 * x) for x in d], dtype=object))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        b = theirs.predict(q)
    assert 5 < np.isnan(b).sum() < len(b) - 5
    np.testing.assert_allclose(a, b, rtol=1e-10)


def test_votes_within_a_radius_are_scikit_learns():
    x, y, q, _ = halves("wine")
    q = np.concatenate([q, q[:3] + 1e6])
    for label in ("most_frequent", 1, 77):
        ours = lc.RadiusNeighborsClassifier(20.0, weights="distance", outlier_label=label).fit(x, y)
        theirs = neighbors.RadiusNeighborsClassifier(20.0, weights="distance", outlier_label=label).fit(x, y)
        assert ours.outlier_label_ == theirs.outlier_label_
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(ours.predict(q), theirs.predict(q))
            np.testing.assert_allclose(ours.predict_proba(q), theirs.predict_proba(q), atol=1e-12)
    with pytest.warns(UserWarning, match="77 is not among the classes"):
        ours.predict_proba(q)
    with pytest.raises(ValueError, match="have no neighbour.*outlier_label"):
        lc.RadiusNeighborsClassifier(20.0).fit(x, y).predict(q)
    with pytest.raises(TypeError, match="another type"):
        lc.RadiusNeighborsClassifier(20.0, outlier_label="a").fit(x, y)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("shrink", [None, 0.5])
@pytest.mark.parametrize("priors", ["uniform", "empirical"])
def test_centroids_are_scikit_learns(name, metric, shrink, priors):
    x, y, q, _ = halves(name)
    how = {"metric": metric, "shrink_threshold": shrink, "priors": priors}
    ours, theirs = lc.NearestCentroid(**how).fit(x, y), neighbors.NearestCentroid(**how).fit(x, y)
    for what in ("centroids_", "deviations_", "within_class_std_dev_", "class_prior_"):
        np.testing.assert_allclose(getattr(ours, what), getattr(theirs, what), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(ours.predict(q), theirs.predict(q))
    if metric == "euclidean":
        np.testing.assert_allclose(ours.decision_function(q), theirs.decision_function(q), rtol=1e-9)
        np.testing.assert_allclose(ours.predict_proba(q), theirs.predict_proba(q), atol=1e-9)


def test_centroids_take_weights_as_repetitions():
    x, y, q, _ = halves("iris")
    weights = np.random.default_rng(0).integers(1, 4, size=len(x))
    a = lc.NearestCentroid("manhattan").fit(x, y, sample_weight=weights)
    b = lc.NearestCentroid("manhattan").fit(np.repeat(x, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(a.centroids_, b.centroids_, rtol=1e-12)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(a)).predict(q), b.predict(q))


def test_leaving_one_out_is_cross_validation():
    x, y, _, _ = halves("iris")
    model = lc.KNeighborsClassifier(5).fit(x, y)
    np.testing.assert_array_equal(model.predict(None), cross_val_predict(lc.KNeighborsClassifier(5), x, y, cv=LeaveOneOut()))
    assert model.score(None, y) == neighbors.KNeighborsClassifier(5).fit(x, y).score(None, y)
    model = lc.KNeighborsRegressor(5, weights="tricube").fit(x, y.astype(float))
    loo = cross_val_predict(lc.KNeighborsRegressor(5, weights="tricube"), x, y.astype(float), cv=LeaveOneOut())
    np.testing.assert_allclose(model.predict(None), loo, rtol=1e-12)


def test_kernels_weigh_the_distance():
    x, y, q, _ = halves("diabetes")
    d, i = lc.NearestNeighbors(n_neighbors=8).fit(x).kneighbors(q)

    def mean(w):
        return (w * y[i[:, : w.shape[1]]]).sum(axis=1) / w.sum(axis=1)

    tricube = lc.KNeighborsRegressor(7, weights="tricube").fit(x, y).predict(q)
    np.testing.assert_allclose(tricube, mean((1 - (d[:, :7] / d[:, 7:]) ** 3) ** 3), rtol=1e-9)
    gaussian = lc.KNeighborsRegressor(8, weights=lc.kernels.gaussian(h=0.05)).fit(x, y).predict(q)
    np.testing.assert_allclose(gaussian, mean(np.exp(-0.5 * (d / 0.05) ** 2)), rtol=1e-9)
    for bad in ("softmax", "tricube(knn=3)", "tricube * gaussian(h=1)", "tricubes"):
        with pytest.raises(ValueError, match="weights|tricube"):
            lc.KNeighborsRegressor(7, weights=bad).fit(x, y).predict(q)


def test_adding_and_forgetting_is_a_fresh_fit():
    x, y, q, _ = halves("digits")
    rng = np.random.default_rng(3)
    model = lc.KNeighborsClassifier(5, weights="distance")
    known, at = np.empty(0, dtype=int), 0
    while at < len(x):
        m = int(rng.integers(1, 300))
        model.partial_fit(x[at : at + m], y[at : at + m], classes=np.arange(10))
        known = np.append(known, np.arange(at, min(at + m, len(x))))
        at += m
        gone = rng.choice(known, size=len(known) // 3, replace=False)
        model.forget(gone)
        known = np.setdiff1d(known, gone)
        np.testing.assert_array_equal(model.ids_, known)
        if len(known) < 5:
            continue
        fresh = lc.KNeighborsClassifier(5, weights="distance").fit(x[known], y[known])
        np.testing.assert_array_equal(model.predict(q), fresh.predict(q))
        np.testing.assert_array_equal(model.kneighbors(q)[0], fresh.kneighbors(q)[0])
        np.testing.assert_array_equal(model.kneighbors(q)[1], known[fresh.kneighbors(q)[1]])
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict_proba(q), model.predict_proba(q))
        np.testing.assert_array_equal(other.ids_, known)
        # The ids go on where they were.
        assert other.partial_fit(x[:1], y[:1]).ids_[-1] == len(x)
    assert len(model.ids_) == len(known)


def test_several_outputs_and_a_grid_search():
    x, y, q, _ = halves("iris")
    both = np.stack([y, y % 2], axis=1)
    ours, theirs = lc.KNeighborsClassifier(3).fit(x, both), neighbors.KNeighborsClassifier(3).fit(x, both)
    np.testing.assert_array_equal(ours.predict(q), theirs.predict(q))
    for a, b in zip(ours.predict_proba(q), theirs.predict_proba(q), strict=True):
        np.testing.assert_allclose(a, b)
    grid = {"n_neighbors": [1, 5], "weights": ["uniform", "epanechnikov"]}
    assert GridSearchCV(lc.KNeighborsClassifier(), grid, cv=3).fit(x, y).best_score_ > 0.9


def test_mistakes_are_told():
    x, y, q, _ = halves("iris")
    for made, what in [
        (lambda: lc.KNeighborsClassifier(3).fit(x, y + 0.5), "Unknown label type"),
        (lambda: lc.KNeighborsClassifier(1000).fit(x, y).predict(q), "n_neighbors=1000.*100 samples"),
        (lambda: lc.KNeighborsClassifier(3, p=3).fit(x, y), "p=3 is not supported"),
        (lambda: lc.KNeighborsClassifier(3, metric="dot").fit(x, y), "metric='dot' is not supported"),
        (lambda: lc.NearestNeighbors(algorithm="tree").fit(x), "algorithm='tree'"),
        (lambda: lc.NearestNeighbors(radius=-1.0).fit(x), "radius=-1"),
        (lambda: lc.NearestNeighbors().fit(x).forget([500]), "no sample of id 500"),
        (lambda: lc.NearestNeighbors().fit(x).forget([3, 3]), "id 3 is to be forgotten twice"),
        (lambda: lc.NearestNeighbors().fit(x).forget([-1]), "indices has -1"),
        (lambda: lc.KNeighborsClassifier().fit(x, y).partial_fit(x, y + 5), "not among the classes"),
        (lambda: lc.NearestCentroid(metric="cosine").fit(x, y), "metric='cosine'"),
        (lambda: lc.NearestCentroid(shrink_threshold=-1).fit(x, y), "shrink_threshold=-1"),
        (lambda: lc.NearestCentroid(priors=[0.5, 0.5]).fit(x, y), "priors has 2"),
    ]:
        with pytest.raises(ValueError, match=what):
            made()


def test_neighbours_on_the_globe():
    places = np.array([[48.0, 2.0], [50.0, 8.0], [40.0, -74.0]])
    distances, order = lc.NearestNeighbors(n_neighbors=2, metric="haversine_km").fit(places).kneighbors([[49.0, 3.0]])
    assert order.tolist() == [[0, 1]] and np.allclose(distances, [[133.388, 377.725]], atol=1e-3)
    with pytest.raises(ValueError, match="latitude of 98"):
        lc.NearestNeighbors(metric="haversine_km").fit(places + 50)
    for metric, instead in (("sqeuclidean", "those of 'euclidean'"), ("dot", r"locality.nearest\(.., metric='dot'\)")):
        with pytest.raises(ValueError, match=instead):
            lc.NearestNeighbors(metric=metric).fit(places)
