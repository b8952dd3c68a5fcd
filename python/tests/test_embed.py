"""Embeddings and outlier factors against scikit-learn's, and what it does not do."""

from __future__ import annotations

import pickle
import warnings

import locality as lc
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn import manifold, neighbors
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_wine, make_blobs, make_swiss_roll
from sklearn.metrics import normalized_mutual_info_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

ROLL = make_swiss_roll(600, random_state=0)[0]
# Whole numbers lie at equal distances, and whose neighbours are taken then is anybody's choice: a little noise tells them apart.
DIGITS = load_digits().data[:500] + 1e-2 * np.random.default_rng(0).normal(size=(500, 64))


def apart(ours, theirs):
    """The part of each column that the other side's columns do not have."""
    theirs = theirs / np.linalg.norm(theirs, axis=0)
    return np.linalg.norm(ours - theirs @ (theirs.T @ ours), axis=0) / np.linalg.norm(ours, axis=0)


@pytest.mark.parametrize("data", ["roll", "digits"])
@pytest.mark.parametrize("method", ["standard", "modified", "ltsa"])
def test_coordinates_are_scikit_learns(data, method):
    # Of 10 neighbours' patches two digits are in none: a piece each here, and a mixture of null vectors there.
    x, k = (ROLL, 12) if data == "roll" else (DIGITS, 25 if method == "ltsa" else 10)
    ours = lc.LocallyLinearEmbedding(n_neighbors=k, method=method).fit(x)
    theirs = manifold.LocallyLinearEmbedding(n_neighbors=k, method=method, eigen_solver="dense").fit(x)
    assert apart(ours.embedding_, theirs.embedding_).max() < 1e-5
    np.testing.assert_allclose(ours.reconstruction_error_, theirs.reconstruction_error_, rtol=1e-5)
    assert np.abs(ours.embedding_).max(axis=0) == pytest.approx(ours.embedding_.max(axis=0))
    np.testing.assert_allclose(ours.embedding_.T @ ours.embedding_, np.eye(2), atol=1e-9)


def test_new_rows_are_scikit_learns():
    ours = lc.LocallyLinearEmbedding(n_neighbors=12).fit(ROLL[:500])
    theirs = manifold.LocallyLinearEmbedding(n_neighbors=12, eigen_solver="dense").fit(ROLL[:500])
    signs = np.sign((ours.embedding_ * theirs.embedding_).sum(axis=0))
    np.testing.assert_allclose(ours.transform(ROLL[500:]), signs * theirs.transform(ROLL[500:]), atol=1e-6)


def test_the_search_is_an_attribute_as_in_scikit_learn():
    ours = lc.LocallyLinearEmbedding(n_neighbors=9).fit(ROLL).nbrs_
    theirs = manifold.LocallyLinearEmbedding(n_neighbors=9).fit(ROLL).nbrs_
    np.testing.assert_array_equal(ours.kneighbors(ROLL[:20], return_distance=False), theirs.kneighbors(ROLL[:20], 9, return_distance=False))
    with pytest.raises(AttributeError):
        lc.LocallyLinearEmbedding().nbrs_  # noqa: B018


def test_hessian_coordinates_are_those_of_the_paper():
    x, k, n = ROLL[:300], 12, 300
    near = neighbors.NearestNeighbors(n_neighbors=k).fit(x).kneighbors(return_distance=False)
    form = np.zeros((n, n))
    for i in range(n):
        u = np.linalg.svd(x[near[i]] - x[near[i]].mean(axis=0))[0][:, :2]
        columns = np.column_stack([np.ones(k), u, u[:, 0] ** 2, u[:, 0] * u[:, 1], u[:, 1] ** 2])
        hessian = np.linalg.qr(columns)[0][:, 3:]
        form[np.ix_(near[i], near[i])] += hessian @ hessian.T
    expected = np.linalg.eigh(form)[1][:, 1:3]
    ours = lc.LocallyLinearEmbedding(n_neighbors=k, method="hessian").fit_transform(x)
    assert apart(ours, expected).max() < 1e-5


def test_pieces_are_embedded_by_themselves_with_a_warning():
    x = np.concatenate([ROLL[:250], ROLL[250:500] + 1000.0])
    with pytest.warns(UserWarning, match="2 pieces of 250, 250"):
        both = lc.LocallyLinearEmbedding(n_neighbors=12).fit(x)
    alone = lc.LocallyLinearEmbedding(n_neighbors=12).fit(x[:250])
    np.testing.assert_allclose(both.embedding_[:250], np.sqrt(0.5) * alone.embedding_, atol=1e-7)
    np.testing.assert_allclose(both.transform(x[:5]), np.sqrt(0.5) * alone.transform(x[:5]), atol=1e-7)


def test_threads_and_solvers_change_nothing():
    one = lc.LocallyLinearEmbedding(n_neighbors=12, n_jobs=1).fit(ROLL)
    two = lc.LocallyLinearEmbedding(n_neighbors=12, n_jobs=2).fit(ROLL)
    np.testing.assert_array_equal(one.embedding_, two.embedding_)
    dense = lc.LocallyLinearEmbedding(n_neighbors=12, eigen_solver="dense").fit(ROLL)
    np.testing.assert_allclose(dense.embedding_, one.embedding_, atol=1e-6)


def test_a_kernel_that_leaves_all_alike_changes_nothing():
    plain = lc.LocallyLinearEmbedding(n_neighbors=12).fit(ROLL)
    flat = lc.LocallyLinearEmbedding(n_neighbors=12, kernel="gaussian(h=1e6)").fit(ROLL)
    near = lc.LocallyLinearEmbedding(n_neighbors=12, kernel="gaussian(h=2)").fit(ROLL)
    np.testing.assert_allclose(flat.embedding_, plain.embedding_, atol=1e-6)
    assert np.abs(near.embedding_ - plain.embedding_).max() > 1e-4
    # On a roll of few samples the farthest neighbours are across the gap: they should count for less.
    assert lc.trustworthiness(ROLL, near.embedding_) > 0.05 + lc.trustworthiness(ROLL, plain.embedding_)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_neighbors": 600}, "n_neighbors=600"),
        ({"n_neighbors": 0}, "n_neighbors=0"),
        ({"n_components": 4}, "n_components=4"),
        ({"method": "hessian"}, "give at least 6"),
        ({"method": "isomap"}, "isomap"),
        ({"reg": -1.0}, "reg=-1"),
        ({"method": "ltsa", "kernel": "gaussian"}, "method='standard'"),
    ],
)
def test_bad_parameters_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        lc.LocallyLinearEmbedding(**parameters).fit(ROLL)


def test_scores_are_scikit_learns():
    y = lc.LocallyLinearEmbedding(n_neighbors=10).fit_transform(DIGITS)
    for k in (1, 5, 40):
        assert lc.trustworthiness(DIGITS, y, n_neighbors=k) == pytest.approx(
            manifold.trustworthiness(DIGITS, y, n_neighbors=k), abs=1e-5
        )
        assert lc.continuity(y, DIGITS, n_neighbors=k) == lc.trustworthiness(DIGITS, y, n_neighbors=k)
    with pytest.raises(ValueError, match="n_neighbors=250"):
        lc.trustworthiness(DIGITS, y, n_neighbors=250)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "cosine", "precomputed"])
def test_scores_under_a_metric_are_scikit_learns(metric):
    from sklearn.metrics import pairwise_distances

    y = lc.LocallyLinearEmbedding(n_neighbors=10).fit_transform(DIGITS)
    x = pairwise_distances(DIGITS) if metric == "precomputed" else DIGITS
    for k in (1, 5, 40):
        expected = manifold.trustworthiness(x, y, n_neighbors=k, metric=metric)
        assert lc.trustworthiness(x, y, n_neighbors=k, metric=metric) == pytest.approx(expected, abs=1e-5)
    # Continuity is trustworthiness the other way: the embedding's distances for the samples', and neighbours by these.
    if metric == "precomputed":
        assert lc.continuity(x, y, metric=metric) == pytest.approx(lc.continuity(DIGITS, y), abs=1e-12)
    with pytest.raises(ValueError, match="metric='mahalanobis'"):
        lc.trustworthiness(x, y, metric="mahalanobis")


def test_embeddings_are_as_trustworthy_as_scikit_learns():
    for data, k in ((ROLL, 12), (DIGITS, 25)):
        for method in ("standard", "modified", "ltsa"):
            ours = lc.LocallyLinearEmbedding(n_neighbors=k, method=method).fit_transform(data)
            theirs = manifold.LocallyLinearEmbedding(n_neighbors=k, method=method, eigen_solver="dense").fit_transform(data)
            scores = [lc.trustworthiness(data, y) for y in (ours, theirs)]
            assert scores[0] >= scores[1] - 1e-4, (method, scores)


@pytest.mark.parametrize("metric", ["minkowski", "manhattan", "chebyshev"])
@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_outlier_factors_are_scikit_learns(metric, contamination):
    x = StandardScaler().fit_transform(load_wine().data)
    x += 1e-4 * np.random.default_rng(0).normal(size=x.shape)
    given = {"n_neighbors": 15, "metric": metric, "contamination": contamination}
    ours, theirs = lc.LocalOutlierFactor(**given), neighbors.LocalOutlierFactor(**given)
    np.testing.assert_array_equal(ours.fit_predict(x), theirs.fit_predict(x))
    np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-10)
    assert ours.offset_ == pytest.approx(theirs.offset_)
    ours, theirs = lc.LocalOutlierFactor(novelty=True, **given), neighbors.LocalOutlierFactor(novelty=True, **given)
    ours.fit(x[:120]), theirs.fit(x[:120])
    np.testing.assert_allclose(ours.score_samples(x[120:]), theirs.score_samples(x[120:]), rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(x[120:]), theirs.predict(x[120:]))


def test_outlier_factors_of_known_distances_are_scikit_learns():
    x = StandardScaler().fit_transform(load_wine().data)
    between = cdist(x, x, "canberra")
    given = {"n_neighbors": 15, "metric": "precomputed", "contamination": 0.1}
    ours, theirs = lc.LocalOutlierFactor(**given), neighbors.LocalOutlierFactor(**given)
    np.testing.assert_array_equal(ours.fit_predict(between), theirs.fit_predict(between))
    np.testing.assert_allclose(ours.negative_outlier_factor_, theirs.negative_outlier_factor_, rtol=1e-10)
    assert ours.effective_metric_ == "precomputed" and get_tags(ours).input_tags.pairwise
    ours, theirs = lc.LocalOutlierFactor(novelty=True, **given), neighbors.LocalOutlierFactor(novelty=True, **given)
    ours.fit(between[:120, :120]), theirs.fit(between[:120, :120])
    new = between[120:, :120]
    np.testing.assert_allclose(ours.score_samples(new), theirs.score_samples(new), rtol=1e-10)
    np.testing.assert_array_equal(ours.predict(new), theirs.predict(new))
    np.testing.assert_allclose(pickle.loads(pickle.dumps(ours)).score_samples(new), ours.score_samples(new))
    euclidean = lc.LocalOutlierFactor(15).fit(x).negative_outlier_factor_
    same = lc.LocalOutlierFactor(15, metric="precomputed").fit(cdist(x, x)).negative_outlier_factor_
    np.testing.assert_allclose(same, euclidean, rtol=1e-9)
    with pytest.raises(ValueError, match="178 rows of 13 columns; give one of each"):
        lc.LocalOutlierFactor(metric="precomputed").fit(x)
    with pytest.raises(ValueError, match="negative; give distances"):
        lc.LocalOutlierFactor(metric="precomputed").fit(-between)


def test_outlier_factors_have_scikit_learns_search():
    x = load_wine().data
    ours, theirs = (make(n_neighbors=7).fit(x) for make in (lc.LocalOutlierFactor, neighbors.LocalOutlierFactor))
    assert ours.effective_metric_params_ == theirs.effective_metric_params_ == {}
    for rows in (None, x[:5] + 0.1):
        for a, b in zip(ours.kneighbors(rows), theirs.kneighbors(rows), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)
        for mode in ("connectivity", "distance"):
            a, b = ours.kneighbors_graph(rows, mode=mode), theirs.kneighbors_graph(rows, mode=mode)
            np.testing.assert_allclose(a.toarray(), b.toarray(), rtol=1e-9)
    known = lc.LocalOutlierFactor(n_neighbors=7, metric="precomputed").fit(cdist(x, x))
    with pytest.raises(ValueError, match="NearestNeighbors takes those"):
        known.kneighbors()


def test_minkowski_is_euclidean_where_nothing_else_is_said():
    x, y = ROLL[:100], ROLL[:100, :2]
    assert lc.trustworthiness(x, y, metric="minkowski") == lc.trustworthiness(x, y)


@pytest.mark.parametrize("method", ["hessian", "ltsa"])
def test_samples_in_nobodys_neighbourhood_are_placed(method):
    # Wines of which some are in no other's neighbourhood.
    x = StandardScaler().fit_transform(load_wine().data)
    model = lc.LocallyLinearEmbedding(n_neighbors=12, method=method).fit(x)
    near = neighbors.NearestNeighbors(n_neighbors=12).fit(x).kneighbors(return_distance=False)
    lone = np.setdiff1d(np.arange(len(x)), near)
    assert len(lone) > 0
    assert (np.abs(model.embedding_[lone]).max(axis=1) > 1e-9).all()
    assert len(np.unique(model.pieces_)) == 1
    np.testing.assert_allclose(model.transform(x[lone]), model.embedding_[lone], atol=1e-2)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_tables_whose_squares_leave_the_number_type_are_named(scale):
    x = ROLL[:100] * scale
    models = [lc.LocallyLinearEmbedding(), lc.LaplacianEigenmaps(), lc.LocalOutlierFactor()]
    for fit in [*(model.fit for model in models), lc.intrinsic_dimension]:
        with pytest.raises(ValueError, match="scale X"):
            fit(x)


@pytest.mark.parametrize("kernel", ["epanechnikov(h=4)", "gaussian(h=1.5)"])
def test_new_rows_are_mixed_by_the_kernel(kernel, tmp_path):
    x, t = make_swiss_roll(1500, random_state=0)
    new, at = make_swiss_roll(200, random_state=1)
    model = lc.LocallyLinearEmbedding(n_neighbors=80, kernel=kernel).fit(x)
    found = model.transform(new)
    values = {"e": lambda d: np.maximum(0.0, 1 - (d / 4) ** 2), "g": lambda d: np.exp(-(d**2) / (2 * 1.5**2))}[kernel[0]]
    far = cdist(new, x)
    for i, near in enumerate(np.argsort(far, axis=1)[:, :80]):
        c = np.sqrt(values(far[i, near]) / values(far[i, near]).max())
        z = x[near] - new[i]
        gram = (z @ z.T) * np.outer(c, c) + 1e-3 * np.trace(z @ z.T) * np.eye(80)
        w = c * np.linalg.solve(gram, c)
        np.testing.assert_allclose(found[i], w / w.sum() @ model.embedding_[near], atol=1e-9)
    # As near to the samples beside them on the sheet as these are to one another.
    beside = cdist(np.c_[at, new[:, 1] / 3], np.c_[t, x[:, 1] / 3]).argmin(axis=1)
    error = np.sqrt(((found - model.embedding_[beside]) ** 2).mean()) / model.embedding_.std()
    assert error < 0.08
    # Where the kernel reaches nothing, the nearest answers.
    if kernel[0] == "e":
        np.testing.assert_array_equal(model.transform([[100.0, 0.0, 0.0]])[0], model.embedding_[cdist([[100.0, 0.0, 0.0]], x).argmin()])
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(new), found)
    lc.save(model, tmp_path / "roll.loc")
    np.testing.assert_allclose(lc.load(tmp_path / "roll.loc").transform(new), found)


def test_groups_that_mix_among_themselves_are_told():
    x = load_digits().data[:500] + np.random.default_rng(0).normal(size=(500, 64)) * 1e-3
    with pytest.warns(UserWarning, match=r"6 groups of .* samples have all their 5 neighbours among themselves.*Raise n_neighbors"):
        model = lc.LocallyLinearEmbedding().fit(x)
    assert model.pieces_.max() == 0
    # As many null vectors as groups, the constants among them: the coordinates are any of these.
    assert model.reconstruction_error_ < 1e-8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lc.LocallyLinearEmbedding(n_neighbors=30).fit(x)
        lc.LocallyLinearEmbedding(n_neighbors=12).fit(ROLL)


@pytest.mark.parametrize("method", ["standard", "modified", "hessian", "ltsa"])
def test_pieces_lie_apart_where_that_is_asked_for(method):
    x, y = make_blobs(450, n_features=3, centers=np.eye(3) * 50, random_state=0)
    models = {}
    for pieces in ("apart", "centred"):
        with pytest.warns(UserWarning, match=f"3 pieces of 150, 150, 150 samples; .*pieces='{'centred' if pieces == 'apart' else 'apart'}'"):
            models[pieces] = lc.LocallyLinearEmbedding(n_neighbors=12, n_components=2, method=method, pieces=pieces).fit(x)
    clusters = lambda model: KMeans(3, n_init=5, random_state=0).fit_predict(model.embedding_)  # noqa: E731
    assert normalized_mutual_info_score(y, clusters(models["apart"])) == pytest.approx(1.0)
    assert normalized_mutual_info_score(y, clusters(models["centred"])) < 0.3
    np.testing.assert_allclose(models["apart"].embedding_.T @ models["apart"].embedding_, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(models["apart"].transform(x), models["apart"].embedding_, atol=1e-9)
    with pytest.raises(ValueError, match="pieces='aside'"):
        lc.LocallyLinearEmbedding(pieces="aside").fit(x)


def test_hessian_coordinates_need_as_many_as_there_are_dimensions():
    t = np.sort(np.random.default_rng(1).uniform(2, 12, 600))
    curve = np.c_[t * np.cos(t), t * np.sin(t), 0.5 * t]
    score = lambda x, method: lc.trustworthiness(  # noqa: E731
        x, lc.LocallyLinearEmbedding(n_neighbors=12, n_components=1, method=method).fit_transform(x), n_neighbors=12
    )
    assert score(curve, "hessian") > 0.99
    assert score(ROLL, "ltsa") > score(ROLL, "hessian") + 0.1


def test_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="n_neighbors=0 leaves"):
        lc.LocalOutlierFactor(n_neighbors=0).fit(ROLL)
