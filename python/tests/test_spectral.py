"""Laplacian eigenmaps against scikit-learn's, and diffusion maps by their definition."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn import manifold
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs, make_swiss_roll
from sklearn.manifold import SpectralEmbedding
from sklearn.metrics import normalized_mutual_info_score

ROLL = make_swiss_roll(600, random_state=0)[0]
# Whole numbers lie at equal distances, and whose neighbours are taken then is anybody's choice: a little noise tells them apart.
DIGITS = load_digits().data[:500] + 1e-2 * np.random.default_rng(0).normal(size=(500, 64))


@pytest.mark.parametrize(
    ("data", "given"),
    [
        (ROLL, {"n_neighbors": 12}),
        (ROLL, {"n_components": 4}),
        (ROLL, {"affinity": "rbf"}),
        (DIGITS, {"n_neighbors": 10, "n_components": 3}),
        (DIGITS, {"affinity": "rbf", "gamma": 1e-3}),
    ],
)
def test_coordinates_are_scikit_learns(data, given):
    ours = lc.LaplacianEigenmaps(**given).fit(data)
    theirs = manifold.SpectralEmbedding(eigen_solver="arpack", eigen_tol=1e-12, **given).fit(data)
    signs = np.sign((ours.embedding_ * theirs.embedding_).sum(axis=0))
    scale = np.abs(theirs.embedding_).max()
    np.testing.assert_allclose(ours.embedding_, signs * theirs.embedding_, atol=1e-7 * scale)
    assert np.abs(ours.embedding_).max(axis=0) == pytest.approx(ours.embedding_.max(axis=0))
    assert ours.n_neighbors_ == (None if given.get("affinity") == "rbf" else theirs.n_neighbors_)
    assert list(ours.get_feature_names_out()[:2]) == ["laplacianeigenmaps0", "laplacianeigenmaps1"]


def test_heat_weights_and_ways_to_say_the_same():
    h = 3.0
    wide = lc.LaplacianEigenmaps(affinity="rbf", kernel=f"gaussian(h={h})").fit(ROLL).embedding_
    same = lc.LaplacianEigenmaps(affinity="rbf", gamma=0.5 / h**2).fit(ROLL).embedding_
    np.testing.assert_allclose(wide, same, atol=1e-9)
    flat = lc.LaplacianEigenmaps(n_neighbors=12, kernel="gaussian(h=1e6)").fit_transform(ROLL)
    plain = lc.LaplacianEigenmaps(n_neighbors=12).fit_transform(ROLL)
    np.testing.assert_allclose(flat, plain, atol=1e-7)
    heat = lc.LaplacianEigenmaps(n_neighbors=12, kernel="gaussian(h=1)").fit_transform(ROLL)
    assert np.abs(heat - plain).max() > 1e-4


def test_affinities_are_scikit_learns():
    for given in ({"n_neighbors": 12}, {"affinity": "rbf", "gamma": 0.1}):
        ours, theirs = lc.LaplacianEigenmaps(**given).fit(ROLL), manifold.SpectralEmbedding(**given).fit(ROLL)
        dense = [a if isinstance(a, np.ndarray) else a.toarray() for a in (ours.affinity_matrix_, theirs.affinity_matrix_)]
        np.testing.assert_allclose(dense[0], dense[1], atol=1e-12)
        assert isinstance(ours.affinity_matrix_, np.ndarray) == isinstance(theirs.affinity_matrix_, np.ndarray)


def test_known_weights_and_distances_give_the_same_coordinates():
    from scipy.sparse import csr_matrix

    plain = lc.LaplacianEigenmaps(n_neighbors=12).fit(ROLL)
    weights = plain.affinity_matrix_
    far = np.linalg.norm(ROLL[:, None] - ROLL, axis=2)
    # A graph that has more neighbours than are asked for; what is not in it is far.
    some = np.where(np.argsort(np.argsort(far, axis=1), axis=1) < 30, far, 0.0)
    for affinity, x in (
        ("precomputed", weights),
        ("precomputed", weights.toarray()),
        ("precomputed_nearest_neighbors", far),
        # Stored, though next to nothing.
        ("precomputed_nearest_neighbors", csr_matrix(some + 1e-300 * np.eye(len(ROLL)))),
    ):
        model = lc.LaplacianEigenmaps(affinity=affinity, n_neighbors=12).fit(x)
        np.testing.assert_allclose(model.embedding_, plain.embedding_, atol=1e-9)
        assert model.n_features_in_ == len(ROLL)
        dense = model.affinity_matrix_ if isinstance(model.affinity_matrix_, np.ndarray) else model.affinity_matrix_.toarray()
        np.testing.assert_allclose(dense, weights.toarray(), atol=1e-12)
        theirs = manifold.SpectralEmbedding(affinity=affinity, n_neighbors=12, eigen_solver="arpack", eigen_tol=1e-12).fit(x)
        signs = np.sign((model.embedding_ * theirs.embedding_).sum(axis=0))
        np.testing.assert_allclose(model.embedding_, signs * theirs.embedding_, atol=1e-7 * np.abs(theirs.embedding_).max())
    # Without a diagonal the neighbours are all others.
    graph = csr_matrix(some)
    model = lc.LaplacianEigenmaps(affinity="precomputed_nearest_neighbors", n_neighbors=12).fit(graph)
    theirs = manifold.SpectralEmbedding(affinity="precomputed_nearest_neighbors", n_neighbors=12).fit(graph)
    off = abs(model.affinity_matrix_ - theirs.affinity_matrix_).toarray()
    np.fill_diagonal(off, 0.0)
    assert off.max() < 1e-12
    heat = lc.LaplacianEigenmaps(affinity=lambda x: np.exp(-0.1 * ((x[:, None] - x) ** 2).sum(-1))).fit(ROLL)
    rbf = lc.LaplacianEigenmaps(affinity="rbf", gamma=0.1).fit(ROLL)
    np.testing.assert_allclose(heat.embedding_, rbf.embedding_, atol=1e-8)
    assert heat.n_features_in_ == 3
    with pytest.raises(ValueError, match="affinity is -1"):
        lc.LaplacianEigenmaps(affinity="precomputed").fit(-np.ones((5, 5)))
    with pytest.raises(ValueError, match="negative or not finite"):
        lc.LaplacianEigenmaps(affinity="precomputed_nearest_neighbors", n_neighbors=3).fit(-np.ones((5, 5)))
    with pytest.raises(ValueError, match="n_neighbors=40 asks for more"):
        lc.LaplacianEigenmaps(affinity="precomputed_nearest_neighbors", n_neighbors=40).fit(csr_matrix(some))


def test_pieces_have_eigenvalues_of_their_own():
    x = np.concatenate([ROLL[:250], ROLL[250:500] + 1000.0])
    with pytest.warns(UserWarning, match="2 pieces of 250, 250"):
        both = lc.LaplacianEigenmaps(n_neighbors=12, pieces="centred").fit(x)
    alone = lc.LaplacianEigenmaps(n_neighbors=12).fit(x[250:])
    assert both.eigenvalues_.shape == (2, 2) and alone.eigenvalues_.shape == (2,)
    np.testing.assert_allclose(both.eigenvalues_[1], alone.eigenvalues_, atol=1e-9)
    with pytest.warns(UserWarning, match="no weight between"):
        lc.DiffusionMap(kernel="epanechnikov(h=9)", n_neighbors=None).fit(x)


@pytest.mark.parametrize("model", [lc.LaplacianEigenmaps(3, n_neighbors=8), lc.DiffusionMap(3, n_neighbors=8)])
def test_clusters_are_found_in_pieces(model):
    x, y = make_blobs(300, centers=3, random_state=0, cluster_std=0.3)
    with pytest.warns(UserWarning, match="tell them apart"):
        found = model.fit_transform(x)
    labels = KMeans(3, n_init=5, random_state=0).fit_predict(found)
    assert normalized_mutual_info_score(labels, y) > 0.999
    if isinstance(model, lc.LaplacianEigenmaps):
        with pytest.warns(UserWarning):
            theirs = SpectralEmbedding(3, n_neighbors=8, random_state=0).fit(x)
        # Both leave out a direction of their own of three that are equally flat.
        a, b = np.column_stack([model.embedding_[:, :2], np.ones(300)]), theirs.embedding_[:, :2]
        turn, *_ = np.linalg.lstsq(a, b, rcond=None)
        np.testing.assert_allclose(a @ turn, b, atol=1e-6 * np.abs(b).max())


def test_pieces_and_tolerances_are_refused_by_name():
    x = ROLL[:60]
    with pytest.raises(ValueError, match="pieces='beside' is neither apart nor centred"):
        lc.LaplacianEigenmaps(pieces="beside").fit(x)
    with pytest.raises(ValueError, match="eigen_tol=-1"):
        lc.LaplacianEigenmaps(eigen_tol=-1).fit(x)
    weights = np.zeros((12, 12))
    weights[:6, :6] = weights[6:11, 6:11] = 1.0
    with pytest.warns(UserWarning, match="the weights leave 3 pieces of 6, 5, 1 samples without any between them"):
        lc.LaplacianEigenmaps(affinity="precomputed").fit(weights)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_diffusion_is_its_definition(alpha):
    x, h, t = ROLL[:200], 4.0, 2.0
    k = np.exp(-((x[:, None] - x) ** 2).sum(-1) / (2 * h * h))
    q = k.sum(axis=1)
    k /= np.outer(q, q) ** alpha
    d = k.sum(axis=1)
    values, vectors = np.linalg.eigh(k / np.sqrt(np.outer(d, d)))
    order = np.argsort(-values)[1:4]
    expected = values[order] ** t * vectors[:, order] / np.sqrt(d / d.sum())[:, None]
    model = lc.DiffusionMap(3, kernel="gaussian", bandwidth=h, n_neighbors=None, alpha=alpha, time=t).fit(x)
    signs = np.sign((model.embedding_ * expected).sum(axis=0))
    np.testing.assert_allclose(model.embedding_, signs * expected, atol=1e-8)
    np.testing.assert_allclose(model.eigenvalues_, values[order], atol=1e-10)
    np.testing.assert_allclose(model.transform(x), model.embedding_, atol=1e-7)
    assert str(model.kernel_) == "gaussian(h=4)"


def test_new_rows_go_where_their_neighbours_are():
    model = lc.DiffusionMap(n_neighbors=30).fit(ROLL[::2])
    new = model.transform(ROLL[1::2])
    near = lc.nearest(ROLL[1::2], ROLL[::2], 1)[0][:, 0]
    off = np.linalg.norm(new - model.embedding_[near], axis=1)
    assert np.median(off) < 0.2 * model.embedding_.std()
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.transform(ROLL[1::2]), new)
    one = lc.DiffusionMap(n_neighbors=30, n_jobs=1).fit(ROLL[::2])
    np.testing.assert_array_equal(one.embedding_, model.embedding_)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lc.LaplacianEigenmaps(n_neighbors=601), "n_neighbors=601"),
        (lc.LaplacianEigenmaps(600), "n_components=600"),
        (lc.LaplacianEigenmaps(affinity="precomputed"), "affinity='precomputed'"),
        (lc.LaplacianEigenmaps(affinity="rbf", gamma=0.0), "gamma=0"),
        (lc.LaplacianEigenmaps(eigen_solver="qr"), "eigen_solver='qr'"),
        (lc.DiffusionMap(kernel="gaussian(h=1)", bandwidth=2.0), "bandwidth=2"),
        (lc.DiffusionMap(alpha=-1.0), "alpha=-1"),
        (lc.DiffusionMap(time=np.nan), "time=NaN"),
    ],
)
def test_bad_parameters_are_named(model, words):
    with pytest.raises(ValueError, match=words):
        model.fit(ROLL)
