"""Label propagation and spreading beside scikit-learn's, relaxation labeling, local modes."""

from __future__ import annotations

import copy
import pickle
import warnings

import locality as lc
import numpy as np
import pytest
from sklearn import semi_supervised
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_moons

X, Y = make_moons(220, noise=0.1, random_state=0)
KNOWN = np.where(np.random.default_rng(0).uniform(size=len(Y)) < 0.1, Y, -1)
DIGITS, DIGIT = load_digits(return_X_y=True)


def few(labels, each, seed=0):
    """So many labels of each class are known."""
    rng = np.random.default_rng(seed)
    known = np.full(len(labels), -1)
    for c in np.unique(labels):
        known[rng.choice(np.flatnonzero(labels == c), each, replace=False)] = c
    return known


@pytest.mark.parametrize("name", ["LabelPropagation", "LabelSpreading"])
@pytest.mark.parametrize(
    "given", [{}, {"gamma": 5.0}, {"kernel": "knn"}, {"kernel": "knn", "n_neighbors": 12, "tol": 1e-6}, {"tol": 0.0, "max_iter": 9}]
)
def test_results_are_those_of_scikit_learn(name, given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = getattr(lc, name)(**given).fit(X, KNOWN)
        peer = getattr(semi_supervised, name)(**given).fit(X, KNOWN)
    np.testing.assert_allclose(own.label_distributions_, peer.label_distributions_, atol=1e-6)
    np.testing.assert_array_equal(own.transduction_, peer.transduction_)
    np.testing.assert_array_equal(own.classes_, peer.classes_)
    assert own.n_iter_ == peer.n_iter_
    np.testing.assert_array_equal(own.X_, peer.X_)
    new = np.random.default_rng(1).uniform(-1, 2, size=(40, 2))
    np.testing.assert_allclose(own.predict_proba(new), peer.predict_proba(new), atol=1e-6)
    np.testing.assert_array_equal(own.predict(new), peer.predict(new))


@pytest.mark.parametrize("name", ["LabelPropagation", "LabelSpreading"])
def test_other_kernels_are_scikit_learns_callables(name):
    def laplace(a, b):
        return np.exp(-np.linalg.norm(a[:, None] - b[None], axis=2) / 0.2)

    own = getattr(lc, name)("laplace(h=0.2)", max_iter=20).fit(X, KNOWN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = getattr(semi_supervised, name)(laplace, max_iter=20).fit(X, KNOWN)
    np.testing.assert_allclose(own.label_distributions_, peer.label_distributions_, atol=1e-6)
    same = getattr(lc, name)(lc.kernels.laplace(h=0.2), max_iter=20).fit(X, KNOWN)
    np.testing.assert_array_equal(own.label_distributions_, same.label_distributions_)


def test_rounds_that_do_not_rest_are_told():
    with pytest.warns(UserWarning, match="max_iter=2 was reached"):
        model = lc.LabelSpreading(max_iter=2).fit(X, KNOWN)
    assert model.n_iter_ == 2


def test_ten_labels_a_class_are_enough_for_digits():
    known = few(DIGIT, 10)
    hidden = known < 0
    for model in (
        lc.LabelSpreading("knn", alpha=0.8),
        lc.RelaxationLabeling(),
        lc.RelaxationLabeling(seed_strength=20.0),
        lc.RelaxationLabeling(step="gradient"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(DIGITS, known)
        score = (model.transduction_ == DIGIT)[hidden].mean()
        assert score > 0.93, (model, score)
        if model.get_params().get("seed_strength") == np.inf:
            np.testing.assert_array_equal(model.transduction_[~hidden], DIGIT[~hidden])


def drawn(labels, share, seed):
    """Labels drawn at random, by no means equally many of each class."""
    known = np.where(np.random.default_rng(seed).uniform(size=len(labels)) < share, labels, -1)
    assert len(np.unique(known)) == 1 + len(np.unique(labels)) and len(set(np.bincount(known[known >= 0]))) > 1
    return known


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"step": "gradient"},
        {"compatibility": "learned"},
        {"compatibility": "learned", "step": "gradient"},
        {"kernel": "gaussian"},
        {"kernel": "gaussian", "compatibility": "learned"},
        {"seed_strength": 5.0},
        {"seed_strength": 5.0, "step": "gradient"},
        {"seed_strength": 20.0, "compatibility": "learned"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("load", "share", "h", "least"), [(load_digits, 0.055, 1.0, 0.91), (load_iris, 0.1, 0.5, 0.85), (load_wine, 0.1, 1.5, 0.9), (load_breast_cancer, 0.1, 2.0, 0.92)]
)
def test_labels_drawn_at_random_are_enough(load, share, h, least, given):
    # From the shares of the known classes these were .31, .42, .55 and .63.
    samples, truth = load(return_X_y=True)
    samples = samples / 16.0 if load is load_digits else (samples - samples.mean(axis=0)) / samples.std(axis=0)
    given = {**given, "kernel": f"gaussian(h={h})"} if "kernel" in given else given
    scores, peers = [], []
    for seed in (0, 1, 2):
        known = drawn(truth, share, seed)
        hidden = known < 0
        model = lc.RelaxationLabeling(**given).fit(samples, known)
        scores.append((model.transduction_ == truth)[hidden].mean())
        peers.append((lc.LabelSpreading("knn").fit(samples, known).transduction_ == truth)[hidden].mean())
    assert np.mean(scores) > max(least, np.mean(peers) - 0.02), (scores, peers)


def test_soft_seeds_correct_labels_that_are_wrong():
    rng = np.random.default_rng(0)
    given = np.where(rng.uniform(size=len(DIGIT)) < 0.2, rng.integers(0, 10, size=len(DIGIT)), DIGIT)
    known = np.where(rng.uniform(size=len(DIGIT)) < 0.3, given, -1)
    seeded = known >= 0
    for step in ("product", "gradient"):
        fast = lc.RelaxationLabeling(step=step).fit(DIGITS, known)
        soft = lc.RelaxationLabeling(step=step, seed_strength=1.0).fit(DIGITS, known)
        np.testing.assert_array_equal(fast.transduction_[seeded], known[seeded])
        right = (soft.transduction_ == DIGIT)[seeded].mean()
        assert right > 0.97 > 0.85 > (known == DIGIT)[seeded].mean()
        assert (np.diff(soft.consistency_) >= -1e-9).all()


def test_samples_that_no_label_reaches_get_the_commonest_class():
    x = np.concatenate([np.arange(12.0), 100.0 + np.arange(12.0)])[:, None]
    known = np.full(24, -1)
    known[[0, 9, 11]] = [3, 7, 7]
    for given in ({}, {"step": "gradient"}, {"kernel": "gaussian(h=2)"}, {"compatibility": [[1.0, 0.2], [0.2, 0.4]]}):
        model = lc.RelaxationLabeling(2, **given).fit(x, known)
        reached = lc.LabelGraph.nearest(x, 2).reached(known != -1)
        assert reached.tolist() == [True] * 12 + [False] * 12
        np.testing.assert_allclose(model.label_distributions_[~reached], [[1 / 3, 2 / 3]] * 12, atol=1e-12)
        assert (model.transduction_[~reached] == 7).all() and model.transduction_[1] == 3
        assert model.predict([[105.0]]).tolist() == [7]


def test_learned_compatibilities_do_not_count_how_common_labels_are():
    samples, truth = load_breast_cancer(return_X_y=True)
    graph = lc.LabelGraph.nearest((samples - samples.mean(axis=0)) / samples.std(axis=0), 7)
    known = drawn(truth, 0.2, 0)
    r = lc.label_compatibility(known, graph)
    np.testing.assert_allclose(r.sum(axis=1), [2.0, 2.0], atol=1e-12)
    np.testing.assert_allclose(r, r.T, atol=1e-12)
    plain = lc.label_compatibility(known, graph, balanced=False)
    assert abs(plain.sum(axis=1) - 2.0).max() > 0.05
    np.testing.assert_allclose(r[0, 1] ** 2 / (r[0, 0] * r[1, 1]), plain[0, 1] ** 2 / (plain[0, 0] * plain[1, 1]), rtol=1e-9)


def test_edges_of_several_kinds():
    rng = np.random.default_rng(5)
    shape, k = (4, 5), 3
    p = rng.dirichlet(np.ones(k), size=20)
    right, down = lc.LabelGraph.grid(shape, step=(0, 1)), lc.LabelGraph.grid(shape, step=(1, 0))
    graphs = [right, right.transposed(), down, down.transposed()]
    r, s = rng.uniform(size=(2, k, k))
    found = lc.relaxation_labeling(p, graphs, [r, r.T, s, s.T], max_iter=30)
    assert (np.diff(found.consistency) >= -1e-12).all()
    one = lc.relaxation_labeling(p, graphs, [r, r.T, s, s.T], max_iter=1).distributions.reshape(*shape, k)
    at = p.reshape(*shape, k)
    q = r @ at[1, 3] + r.T @ at[1, 1] + s @ at[2, 2] + s.T @ at[0, 2]
    np.testing.assert_allclose(one[1, 2], at[1, 2] * q / (at[1, 2] * q).sum(), atol=1e-14)
    plain = lc.relaxation_labeling(p, lc.LabelGraph.grid(shape))
    np.testing.assert_allclose(lc.relaxation_labeling(p, graphs).distributions, plain.distributions, atol=1e-12)
    # Stripes: labels alternate along rows and agree along columns, which no single matrix can say.
    truth = np.tile(np.arange(10) % 2, (10, 1))
    noisy = np.where(rng.uniform(size=truth.shape) < 0.2, 1 - truth, truth).ravel()
    blurred = 0.2 + 0.6 * np.eye(2)[noisy]
    rows, columns = (lc.LabelGraph.grid((10, 10), step=step).symmetric() for step in ((0, 1), (1, 0)))
    cleaned = lc.relaxation_labeling(blurred, [rows, columns], [1.0 - np.eye(2), np.eye(2)])
    assert (cleaned.labels == truth.ravel()).mean() > 0.98
    begun = lc.relaxation_labeling(p, right, start=np.full((20, k), 1 / k), seeds=np.arange(20) == 3, max_iter=0).distributions
    np.testing.assert_array_equal(begun[3], p[3])
    np.testing.assert_array_equal(begun[4], [1 / k] * k)


def test_sparse_matrices_are_graphs():
    sparse = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(6)
    dense = np.triu(rng.uniform(size=(9, 9)) * (rng.uniform(size=(9, 9)) < 0.5), 1)
    dense += dense.T
    p = rng.dirichlet(np.ones(3), size=9)
    matrices = [getattr(sparse, name)(dense) for name in ("csr_matrix", "csc_array", "coo_array", "csr_array")]
    graph = lc.LabelGraph(matrices[0])
    want = lc.relaxation_labeling(p, graph).distributions
    weights = np.zeros((9, 9))
    weights[np.repeat(np.arange(9), np.diff(graph.indptr)), graph.indices] = graph.weights
    np.testing.assert_array_equal(weights, dense)
    for matrix in matrices:
        np.testing.assert_array_equal(lc.relaxation_labeling(p, matrix).distributions, want)
        np.testing.assert_array_equal(lc.label_compatibility(np.arange(9) % 3, matrix), lc.label_compatibility(np.arange(9) % 3, graph))
        np.testing.assert_array_equal(lc.local_modes(matrix).labels, lc.local_modes(graph).labels)
    for bad, kind, message in (
        (sparse.csr_matrix(-dense), ValueError, "graph has -0.* in row"),
        (sparse.csr_matrix(dense[:4]), ValueError, r"shape \(4, 9\)"),
        (dense, TypeError, "graph is ndarray; give a LabelGraph"),
    ):
        with pytest.raises(kind, match=message):
            lc.relaxation_labeling(p, bad)
    with pytest.raises(TypeError, match="weights is ndarray"):
        lc.LabelGraph(dense)


def test_relaxation_among_samples():
    model = lc.RelaxationLabeling(8, kernel="gaussian(h=0.3)").fit(X, KNOWN)
    # It rests where labels agree with one another first, which is not always along the whole moon.
    assert (model.transduction_ == Y).mean() > 0.8
    assert (np.diff(model.consistency_) >= -1e-12).all()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X[:9]), model.predict_proba(X[:9]))
    learned = lc.RelaxationLabeling(compatibility="learned").fit(X, KNOWN)
    graph = lc.LabelGraph.nearest(X, 7)
    np.testing.assert_array_equal(learned.compatibility_, lc.label_compatibility(KNOWN, graph, agreement=40))
    names = np.array(["a", "b"])[Y]
    assert set(lc.LabelSpreading().fit(X, names).predict(X)) == {"a", "b"}


def test_compatibilities_are_learned_where_labelled_samples_are_neighbours():
    known = np.where(np.random.default_rng(0).uniform(size=len(DIGIT)) < 0.5, DIGIT, -1)
    hidden = known < 0
    model = lc.RelaxationLabeling(compatibility="learned").fit(DIGITS, known)
    assert (model.transduction_ == DIGIT)[hidden].mean() > 0.98
    assert (np.diag(model.compatibility_) > 0).all()


@pytest.mark.parametrize("labels", [2, 10, 30, 60])
def test_learned_compatibilities_are_never_clearly_worse(labels):
    graph = lc.LabelGraph.nearest(DIGITS, 7)
    scores = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        known = np.full(len(DIGIT), -1)
        for digit in range(10):
            known[rng.choice(np.flatnonzero(DIGIT == digit), labels, replace=False)] = digit
        hidden = known < 0
        # One of them, a prior of a tenth put all into one class.
        for compatibility in (None, "learned", lc.label_compatibility(known, graph, prior=0.1, agreement=1000)):
            model = lc.RelaxationLabeling(compatibility=compatibility).fit(DIGITS, known)
            scores.append((model.transduction_ == DIGIT)[hidden].mean())
    plain, learned, told = np.mean(np.reshape(scores, (3, 3)), axis=0)
    assert learned > plain - 0.005 and told > plain - 0.005, (plain, learned, told)


def test_relaxation_on_a_graph():
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(3), size=12)
    graph = lc.LabelGraph.grid((3, 4), diagonal=True)
    assert len(graph) == 12 and repr(graph) == "LabelGraph(12 objects, 58 edges)"
    weights = np.zeros((12, 12))
    for i in range(12):
        row = slice(graph.indptr[i], graph.indptr[i + 1])
        weights[i, graph.indices[row]] = graph.weights[row]
    r = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 1.5]])
    seeds = rng.uniform(size=12)
    q = weights @ p @ r.T + seeds[:, None] * p
    one = lc.relaxation_labeling(p, graph, r, seeds=seeds, max_iter=1)
    np.testing.assert_allclose(one.distributions, p * q / (p * q).sum(axis=1, keepdims=True), atol=1e-13)
    short = lc.relaxation_labeling(p, graph, r, step="gradient", length=1e-4, max_iter=1).distributions
    moved = weights @ p @ r.T
    inside = (p > 0.05).all(axis=1)
    np.testing.assert_allclose(short[inside], (p + 1e-4 * (moved - moved.mean(axis=1, keepdims=True)))[inside], atol=1e-12)
    held = lc.relaxation_labeling(p, graph, r, seeds=np.arange(12) == 4)
    np.testing.assert_array_equal(held.distributions[4], p[4])
    assert held.settled and (np.diff(held.consistency) >= -1e-12).all()


def test_graphs():
    x = np.array([[0.0], [1.0], [1.5], [4.0]])
    near = lc.LabelGraph.nearest(x, 1, "gaussian(h=0.5)", symmetric=False)
    assert near.indices.tolist() == [1, 2, 1, 2]
    np.testing.assert_allclose(near.weights, np.exp(-0.5 * (np.array([1.0, 0.5, 0.5, 2.5]) / 0.5) ** 2))
    around = lc.LabelGraph.within(x.astype(np.float32), 1.0)
    assert np.diff(around.indptr).tolist() == [1, 2, 1, 0]
    given = lc.LabelGraph.edges(3, [[0, 1], [1, 2], [0, 1]], [1.0, 2.0, 0.5])
    assert given.weights.tolist() == [1.5, 2.0]
    for twin in (pickle.loads(pickle.dumps(given)), copy.deepcopy(given)):
        assert twin.weights.tolist() == [1.5, 2.0] and twin.indices.tolist() == [1, 2]
    both = given.symmetric()
    assert both.indices.tolist() == [1, 0, 2, 1] and both.weights.tolist() == [0.75, 0.75, 1.0, 1.0]


def test_local_modes_cluster_a_graph():
    graph = lc.LabelGraph.nearest(np.concatenate([X[:50], X[:50] + 50.0]), 10)
    found = lc.local_modes(graph)
    assert found.settled and (np.diff(found.agreement) >= 0).all()
    assert not set(found.clusters[:50]) & set(found.clusters[50:])
    assert found.clusters[0] == 0 and set(found.clusters) == set(range(found.clusters.max() + 1))
    drawn = lc.local_modes(lc.LabelGraph.grid((1, 4)), [0, 0, 1, 1], [[0.0, 9.0]] * 4)
    assert drawn.labels.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: lc.LabelPropagation().fit(X, np.full(len(X), -1)), "-1 everywhere"),
        (lambda: lc.LabelPropagation(gamma=-1.0).fit(X, KNOWN), "gamma=-1"),
        (lambda: lc.LabelPropagation("knn", n_neighbors=0).fit(X, KNOWN), "n_neighbors=0"),
        (lambda: lc.LabelPropagation("nonsense").fit(X, KNOWN), "nonsense"),
        (lambda: lc.LabelSpreading(alpha=1.5).fit(X, KNOWN), "alpha=1.5"),
        (lambda: lc.LabelSpreading().fit(X, KNOWN[:9]), "9 rows"),
        (lambda: lc.RelaxationLabeling(compatibility="some").fit(X, KNOWN), "nor 'learned'"),
        (lambda: lc.RelaxationLabeling(kernel="gaussian(h=1) * gaussian(h=2)").fit(X, KNOWN), "one profile with one bandwidth"),
        (lambda: lc.RelaxationLabeling(step="leap").fit(X, KNOWN), "step='leap'"),
        (lambda: lc.RelaxationLabeling(seed_strength=0.0).fit(X, KNOWN), "seed_strength=0 must be positive"),
        (lambda: lc.LabelGraph.grid((2, 2), step=(0, 0)), "no other place"),
        (lambda: lc.LabelGraph.grid((2, 2), True, step=(0, 1)), "diagonal=True and step"),
        (lambda: lc.LabelGraph.grid((2, 2)).reached([True]), r"must be \(4,\) booleans"),
        (lambda: lc.relaxation_labeling([[1.0]], []), "at least one LabelGraph"),
        (lambda: lc.relaxation_labeling([[1.0]], [lc.LabelGraph.grid((1, 1))] * 2, [[1.0]]), "2 matrices"),
        (lambda: lc.relaxation_labeling([[1.0]], lc.LabelGraph.grid((1, 1)), start=[[0.5]]), "row 0 of start"),
        (lambda: lc.relaxation_labeling([[0.5, 0.6]], lc.LabelGraph.grid((1, 1))), "sum up to 1"),
        (lambda: lc.relaxation_labeling([[1.0]], lc.LabelGraph.grid((1, 1)), seeds=[-1.0]), "seeds has -1"),
        (lambda: lc.LabelGraph.grid((0, 3)), "no objects"),
        (lambda: lc.LabelGraph.edges(2, [[0, 2]]), "there are 2 objects"),
        (lambda: lc.LabelGraph.within(X, -1.0), "radius -1"),
        (lambda: lc.local_modes(lc.LabelGraph.grid((1, 2)), [0]), r"must be \(2,\)"),
        (lambda: lc.label_compatibility([0, 1], lc.LabelGraph.grid((1, 2)), n_labels=1), "not below 1"),
    ],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        bad()


def test_fewer_samples_than_neighbours_are_enough_to_predict(tmp_path):
    model = lc.RelaxationLabeling().fit([[0.0], [1.0], [5.0]], [0, -1, 1])
    proba = model.predict_proba([[0.1], [4.9]])
    # All three samples are the nearest ones of any place.
    np.testing.assert_allclose(proba, np.tile(model.label_distributions_.mean(axis=0), (2, 1)), atol=1e-12)
    lc.save(model, tmp_path / "few.loc")
    for twin in (lc.load(tmp_path / "few.loc"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict_proba([[0.1], [4.9]]), proba)


@pytest.mark.parametrize("name", ["LabelPropagation", "LabelSpreading"])
def test_functions_are_kernels_and_no_gamma_weighs_alike(name):
    def laplace(a, b):
        return np.exp(-np.linalg.norm(a[:, None] - b[None], axis=2) / 0.2)

    new = np.random.default_rng(1).uniform(-1, 2, size=(40, 2))
    for given in ({"kernel": laplace, "max_iter": 12, "tol": 0.0}, {"kernel": laplace, "tol": 1e-2}, {"gamma": 0}, {"kernel": lambda a, b: a @ b.T + 9.0}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = getattr(lc, name)(**given).fit(X, KNOWN)
            peer = getattr(semi_supervised, name)(**given).fit(X, KNOWN)
        np.testing.assert_allclose(own.label_distributions_, peer.label_distributions_, atol=1e-9)
        np.testing.assert_allclose(own.predict_proba(new), peer.predict_proba(new), atol=1e-9)
        assert own.n_iter_ == peer.n_iter_
        np.testing.assert_array_equal(copy.deepcopy(own).predict_proba(new), own.predict_proba(new))
    narrow = getattr(lc, name)(gamma=0.0, max_iter=3, tol=np.inf).fit(X.astype(np.float32), KNOWN)
    assert np.ptp(narrow.predict_proba(new), axis=0).max() < 1e-6
    with pytest.raises(ValueError, match=r"kernel returns an array of shape \(2, 2\) for 220 and 220 rows"):
        getattr(lc, name)(lambda a, b: np.ones((2, 2))).fit(X, KNOWN)
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        getattr(lc, name)(lambda a, b: -(a @ b.T)).fit(X, KNOWN)


def test_samples_that_no_label_reaches_are_told():
    rows = [[0.0], [0.1], [9.0], [9.1]]
    with pytest.warns(UserWarning, match="no label reaches 2 of 4 samples, whose distribution is zero and whose class is the first one, 'a'"):
        model = lc.LabelPropagation("knn", n_neighbors=2).fit(rows, np.array(["a", -1, -1, -1], dtype=object))
    assert model.label_distributions_.any(axis=1).tolist() == [True, True, False, False]
    with pytest.warns(UserWarning, match="no label reaches 1 of 2"):
        model.predict([[0.0], [9.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict([[0.0]])


@pytest.mark.parametrize("gap", [None, np.nan, "NA"])
def test_labels_that_are_missing_are_named(gap):
    pd = pytest.importorskip("pandas")
    gap = pd.NA if gap == "NA" else gap
    labels = pd.Series(["a", gap, "b"], dtype=object)
    for model in (lc.LabelSpreading("knn", n_neighbors=2), lc.LabelPropagation(), lc.RelaxationLabeling(1)):
        with pytest.raises(ValueError, match=r"y has (None|nan|<NA>) in row 1 .*unknown by -1.*np.where\(pd.isna\(y\), -1, y\)"):
            model.fit([[0.0], [1.0], [2.0]], labels)
    marked = np.where(pd.isna(labels), -1, labels)
    assert lc.LabelSpreading("knn", n_neighbors=2).fit([[0.0], [0.2], [2.0]], marked).transduction_.tolist() == ["a", "a", "b"]
    with pytest.raises(ValueError, match="y has nan in row 0"):
        lc.LabelSpreading().fit([[0.0], [1.0]], [np.nan, 1.0])


def test_arguments_are_named_as_they_were_given():
    graph = lc.LabelGraph.grid((1, 2))
    p = [[0.5, 0.5], [0.9, 0.1]]
    for bad, message in [
        (lambda: lc.RelaxationLabeling(n_neighbors=0).fit(X, KNOWN), "n_neighbors=0 must be at least 1 and below the number of samples, 220"),
        (lambda: lc.LabelGraph.nearest(X, 0), "n_neighbors=0 must be at least 1"),
        (lambda: lc.LabelGraph.nearest(X[:3], 3), "n_neighbors=3 must be at least 1 and below the number of samples, 3"),
        (lambda: lc.relaxation_labeling(p, graph, step="gradient", length=0), "length=0 must be a positive finite number"),
        (lambda: lc.relaxation_labeling(p, graph, [[1.0, np.nan], [0.0, 1.0]]), "compatibility has nan in row 0, column 1"),
        (lambda: lc.relaxation_labeling(p, graph, [[1.0, 0.0], [-1.0, 1.0]]), "compatibility has -1.0 in row 1, column 0 .*step='gradient'"),
        (lambda: lc.RelaxationLabeling(compatibility=np.full((2, 2), np.nan)).fit(X, KNOWN), "compatibility has nan in row 0"),
        (lambda: lc.relaxation_labeling([[np.nan, 1.0], [1.0, 0.0]], graph), "probabilities must be numbers that are not negative"),
        (lambda: lc.relaxation_labeling(p, graph, tol=np.nan), "tol=NaN must be a number"),
        *((lambda m=m: m(tol=np.nan).fit(X, KNOWN), "tol=nan must be a number") for m in (lc.LabelPropagation, lc.LabelSpreading, lc.RelaxationLabeling)),
        (lambda: lc.LabelPropagation(gamma=np.nan).fit(X, KNOWN), "gamma=nan must be a finite number"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()
    assert lc.relaxation_labeling(p, graph, [[1.0, -1.0], [-1.0, 1.0]], step="gradient").settled


def test_an_empty_list_is_no_edges():
    graph = lc.LabelGraph.edges(3, [])
    assert len(graph) == 3 and len(graph.indices) == 0
    assert lc.local_modes(graph, [2, 0, 1]).labels.tolist() == [2, 0, 1]
    assert len(lc.LabelGraph.edges(3, np.empty((0, 2)), []).weights) == 0


def test_sparse_samples_are_told_what_to_do():
    sparse = pytest.importorskip("scipy.sparse").csr_array(X)
    for model in (lc.LabelPropagation(), lc.LabelSpreading("knn"), lc.RelaxationLabeling()):
        with pytest.raises(TypeError, match="toarray"):
            model.fit(sparse, KNOWN)
