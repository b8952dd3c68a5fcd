"""Hopfield memories, networks, the classifier and the imputer."""

from __future__ import annotations

import copy
import pickle
import warnings

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.model_selection import train_test_split

RNG = np.random.default_rng(0)


def signs(n, d, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=(n, d))


def test_one_step_is_attention():
    keys, values, queries = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 3)), RNG.normal(size=(5, 4))
    found = lc.HopfieldMemory("softmax(beta=0.8)", max_iter=1).store(keys, values).recall(queries)
    weights = np.exp(0.8 * queries @ keys.T)
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.states, weights @ keys, atol=1e-13)
    np.testing.assert_allclose(found.values, weights @ values, atol=1e-13)
    assert found.steps.tolist() == [1] * 5


def test_memories_store_forget_and_tell():
    patterns = signs(30, 40)
    memory = lc.HopfieldMemory("softmax(beta=1)", trace=True).store(patterns[:20]).store(patterns[20:])
    noisy = patterns * np.random.default_rng(1).choice([1.0, -1.0], p=[0.85, 0.15], size=patterns.shape)
    found = memory.recall(noisy)
    np.testing.assert_allclose(found.states, patterns, atol=1e-3)
    assert found.settled.all() and found.values is found.states
    assert all((np.diff(e) <= 1e-9).all() for e in found.energies)
    np.testing.assert_allclose(memory.energies(found.states), [e[-1] for e in found.energies])
    assert [next(iter(held)) for held in memory.holders(found.states)] == list(range(30))
    np.testing.assert_allclose(memory.participation(found.states), 1.0, atol=1e-3)
    memory.forget([0, 7])
    assert memory.ids_.tolist() == [i for i in range(30) if i not in (0, 7)]
    assert len(memory) == 28 and memory.values_ is None
    gone = memory.recall(patterns[[0, 7, 1]]).states
    assert abs(gone[:2] - patterns[[0, 7]]).max() > 0.5
    np.testing.assert_allclose(gone[2], patterns[1], atol=1e-3)
    for twin in (pickle.loads(pickle.dumps(memory)), copy.deepcopy(memory)):
        assert twin.ids_.tolist() == memory.ids_.tolist()
        np.testing.assert_allclose(twin.recall(noisy).states, memory.recall(noisy).states, atol=1e-12)
        assert twin.store(patterns[:1]).ids_[-1] == 30


def test_completion_takes_a_mask_or_nan():
    patterns = signs(15, 30)
    memory = lc.HopfieldMemory("gaussian(h=1)").store(patterns)
    half = patterns.copy()
    half[:, 15:] = np.nan
    np.testing.assert_allclose(memory.complete(half).states, patterns, atol=1e-3)
    mask = np.arange(30) < 15
    np.testing.assert_array_equal(memory.complete(patterns, mask).states[:, :15], patterns[:, :15])
    np.testing.assert_allclose(memory.complete(half, mask).states, memory.complete(half).states)


def test_copies_and_files_recall_under_the_parameters_in_force(tmp_path):
    patterns, states = RNG.normal(size=(12, 4)), RNG.normal(size=(5, 4))
    memory = lc.HopfieldMemory("gaussian(h=0.6)", max_iter=3, tol=0.0, trace=True).store(patterns)
    memory.set_params(kernel="softmax(beta=9)", max_iter=50, tol=0.5, trace=False)
    found = memory.recall(states)
    assert found.steps.max() == 3 and len(found.energies) == 5
    lc.save(memory, tmp_path / "m.loc")
    for twin in (lc.load(tmp_path / "m.loc"), pickle.loads(pickle.dumps(memory)), copy.deepcopy(memory)):
        assert twin.kernel == "softmax(beta=9)" and twin.max_iter == 50
        again = twin.recall(states)
        np.testing.assert_array_equal(again.states, found.states)
        np.testing.assert_array_equal(again.steps, found.steps)
        assert [e.tolist() for e in again.energies] == [e.tolist() for e in found.energies]
    # Stored anew, they are those that are set.
    assert memory.fit(patterns).recall(states).energies == []


def test_networks_keep_their_own_patterns():
    patterns = signs(4, 60)
    network = lc.HopfieldNetwork("exponential").fit(patterns)
    before = network.recall(signs(5, 60, 1)).states
    patterns[:] = 1.0
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(network)).recall(signs(5, 60, 1)).states, before)
    more = network.partial_fit(signs(1, 60, 2))
    np.testing.assert_array_equal(copy.deepcopy(more).energies(patterns), more.energies(patterns))


def test_float32_stays():
    patterns = signs(5, 8).astype(np.float32)
    assert lc.HopfieldMemory().store(patterns).recall(patterns).states.dtype == np.float32


@pytest.mark.parametrize("rule", ["hebbian", "pseudo_inverse", "storkey", "polynomial", "rectified", "exponential"])
def test_networks_recall_and_learn_more(rule):
    patterns = signs(6, 100)
    network = lc.HopfieldNetwork(rule).fit(patterns[:3]).partial_fit(patterns[3:])
    noisy = patterns * np.random.default_rng(1).choice([1.0, -1.0], p=[0.9, 0.1], size=patterns.shape)
    found = network.recall(noisy)
    np.testing.assert_array_equal(found.states, patterns)
    assert found.settled.all() and (network.couplings_ is None) == (rule in ("polynomial", "rectified", "exponential"))
    assert all((np.diff(e) <= 1e-9).all() for e in found.energies)
    again = pickle.loads(pickle.dumps(network)).recall(noisy)
    np.testing.assert_array_equal(again.states, found.states)
    np.testing.assert_allclose(network.energies(patterns), [e[-1] for e in found.energies])
    if rule == "hebbian":
        expected = patterns.T @ patterns / 100
        np.fill_diagonal(expected, 0.0)
        np.testing.assert_allclose(network.couplings_, expected, atol=1e-14)
        together = lc.HopfieldNetwork(update="synchronous", bias=np.zeros(100)).fit(patterns)
        np.testing.assert_array_equal(together.recall(noisy).states, patterns)


@pytest.mark.parametrize("rule", ["hebbian", "pseudo_inverse", "storkey", "polynomial", "rectified", "exponential"])
def test_networks_complete_and_forget(rule, tmp_path):
    patterns = signs(8, 120)
    network = lc.HopfieldNetwork(rule).fit(patterns[:5]).partial_fit(patterns[5:])
    known = np.random.default_rng(2).uniform(size=patterns.shape) < 0.5
    found = network.complete(np.where(known, patterns, np.nan))
    np.testing.assert_array_equal(found.states, patterns)
    np.testing.assert_array_equal(network.complete(signs(8, 120, 9), known[0]).states[:, known[0]], signs(8, 120, 9)[:, known[0]])
    # Booleans are such patterns, too.
    flags = patterns > 0
    np.testing.assert_array_equal(network.recall(flags).states, network.recall(patterns).states)
    np.testing.assert_array_equal(network.energies(flags), network.energies(patterns))
    twin = lc.HopfieldNetwork(rule).fit(flags)
    np.testing.assert_array_equal(twin.patterns_, patterns)
    never = lc.HopfieldNetwork(rule).fit(patterns[[1, 2, 4, 5, 6]])
    states = signs(9, 120, 3)
    lc.save(network.forget([7, 0]), tmp_path / "n.loc")
    for own in (network, pickle.loads(pickle.dumps(network)), copy.deepcopy(network), lc.load(tmp_path / "n.loc")):
        assert own.ids_.tolist() == [1, 2, 3, 4, 5, 6]
        own.forget(3)
        assert own.ids_.tolist() == [1, 2, 4, 5, 6] and len(own.patterns_) == 5
        np.testing.assert_array_equal(own.recall(states).states, never.recall(states).states)
        np.testing.assert_array_equal(own.energies(states), never.energies(states))
        own.partial_fit(patterns[:1]).forget([8, 1])
        np.testing.assert_array_equal(own.patterns_, patterns[[2, 4, 5, 6]])
    for wrong in ([0], [2, 2], 9):
        with pytest.raises(ValueError, match="is not stored, or given twice"):
            network.forget(wrong)
    with pytest.raises(ValueError, match="no pattern would be left"):
        network.forget(network.ids_)
    with pytest.raises(ValueError, match="no known unit"):
        network.complete(np.full((1, 120), np.nan))
    with pytest.raises(TypeError, match="known holds float64"):
        network.complete(patterns, np.ones(120))


def test_the_classifier_is_as_good_as_its_neighbours():
    X, y = load_digits(return_X_y=True)
    train, test, a, b = train_test_split(X, y, random_state=0)
    score = lc.HopfieldClassifier().fit(train, a).score(test, b)
    assert score > 0.97, score


def test_half_hidden_digits_are_completed_better_than_by_neighbours():
    X, _ = load_digits(return_X_y=True)
    train, test = train_test_split(X, random_state=0)
    seen = test.copy()
    seen[:, 32:] = np.nan

    def error(filled):
        return np.sqrt(np.mean((filled - test)[:, 32:] ** 2))

    memory = lc.HopfieldMemory("gaussian(h=5)", max_iter=1).store(train)
    own = error(memory.complete(seen).states)
    mean = error(SimpleImputer().fit(train).transform(seen))
    knn = error(KNNImputer(n_neighbors=5).fit(train).transform(seen))
    assert own < 0.7 * mean and own < knn, (own, mean, knn)
    # The imputer chooses its bandwidth for gaps of a tenth, and standardizes columns.
    imputed = error(lc.HopfieldImputer().fit(train).transform(seen))
    assert imputed < 0.8 * mean, (imputed, mean)


def test_the_imputer_keeps_what_is_known():
    X = RNG.normal(size=(60, 4)) @ RNG.normal(size=(4, 4))
    seen = np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X)
    imputer = lc.HopfieldImputer().fit(seen)
    filled = imputer.transform(seen)
    np.testing.assert_array_equal(filled[~np.isnan(seen)], seen[~np.isnan(seen)])
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(imputer)).transform(seen), filled)
    assert imputer.get_feature_names_out().tolist() == ["x0", "x1", "x2", "x3"]
    assert lc.HopfieldImputer(0.5).fit(seen).bandwidth_ == 0.5


def test_columns_without_a_known_cell_are_told_and_left_out():
    X = np.arange(12.0).reshape(4, 3)
    X[:, 1] = np.nan
    X[0, 0] = np.nan
    with pytest.warns(UserWarning, match=r"columns \[1\].*keep_empty_features=True"):
        imputer = lc.HopfieldImputer(1.0).fit(X)
    assert imputer.transform(X).shape == (4, 2)
    assert imputer.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "c"]
    kept = lc.HopfieldImputer(1.0, keep_empty_features=True).fit(X)
    filled = kept.transform(X)
    assert filled.shape == (4, 3) and (filled[:, 1] == 0).all()
    np.testing.assert_array_equal(filled[:, [0, 2]], imputer.transform(X))
    assert kept.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


def narrow():
    """A memory of single precision."""
    return lc.HopfieldMemory().store(np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: lc.HopfieldMemory().recall([[1.0]]), "call store first"),
        (lambda: lc.HopfieldMemory().store([1.0]), "patterns has shape"),
        (lambda: lc.HopfieldMemory().store([[1.0]], [[1.0], [2.0]]), "values has 2 rows"),
        (lambda: lc.HopfieldMemory().store([[1.0]], [1.0]).store([[1.0]]), "for all patterns or for none"),
        (lambda: lc.HopfieldMemory(max_iter=0).store([[1.0]]), "max_iter=0"),
        (lambda: lc.HopfieldMemory().store([[1.0]]).forget(3), "id 3"),
        (lambda: lc.HopfieldMemory().store([[1.0]]).complete([[1.0]], [[True, False]]), "known has shape"),
        (lambda: lc.HopfieldNetwork("hebb").fit([[1, -1]]), "rule=\"hebb\""),
        (lambda: lc.HopfieldNetwork().fit([[1, 0]]), "units are -1 or 1: take 2 x - 1 of patterns of 0 and 1"),
        (lambda: lc.HopfieldNetwork(update="now").fit([[1, -1]]), "update='now'"),
        (lambda: lc.HopfieldImputer(-1.0).fit([[1.0]]), "bandwidth=-1"),
        (lambda: lc.HopfieldImputer(n_steps=0).fit([[1.0]]), "n_steps=0 must be at least 1"),
        (lambda: lc.HopfieldNetwork(max_iter=0).fit([[1, -1]]), "max_iter=0 must be at least 1"),
        (lambda: narrow().store([[1.0, 1e300]], [0.0]), r"patterns has 1e\+300 in row 0, column 1 .* beyond the range of this memory's float32"),
        (lambda: narrow().store([[1.0, 1.0]], [-1e300]), r"values has -1e\+300 in row 0"),
        (lambda: narrow().recall([[1e300, 1.0]]), r"states has 1e\+300 in row 0"),
    ],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        bad()


def test_patterns_of_different_lengths_are_told():
    X = load_iris().data
    noisy = X + np.random.default_rng(0).normal(size=X.shape) * 0.1
    with pytest.warns(UserWarning, match=r"at \d+% of the stored patterns a longer one has .*'gaussian\(h=..\)'"):
        memory = lc.HopfieldMemory().store(X)
        gone = memory.recall(noisy).states
    assert len(np.unique(gone.round(1), axis=0)) < 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Told once.
        memory.recall(noisy)
        near = lc.HopfieldMemory("gaussian(h=0.1)").store(X).recall(noisy).states
        # Of one length, and keys of attention.
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
        lc.HopfieldMemory("softmax(beta=9)").store(unit).recall(unit)
        lc.HopfieldMemory(max_iter=1).store(X, X).recall(noisy)
        lc.HopfieldMemory("softmax(beta=9)").store(signs(30, 9)).recall(signs(4, 9))
    assert np.abs(near - X).mean() < 0.25
    masked = np.where(np.random.default_rng(1).uniform(size=X.shape) < 0.3, np.nan, X)
    masked[:, 0] = X[:, 0]
    with pytest.warns(UserWarning, match="a longer one"):
        memory.store(X[:1]).complete(masked)


def test_columns_of_frames_are_held_against_those_stored(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(RNG.normal(size=(20, 3)), columns=["a", "b", "c"])
    memory = lc.HopfieldMemory("gaussian(h=0.3)").store(frame)
    network = lc.HopfieldNetwork().fit(np.sign(frame))
    for model, asked in ((memory, frame), (network, np.sign(frame))):
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        lc.save(model, tmp_path / "m.loc")
        for twin in (lc.load(tmp_path / "m.loc"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model):
            np.testing.assert_array_equal(twin.recall(asked).states, model.recall(asked).states)
            for method in (twin.recall, twin.complete, twin.energies):
                with pytest.raises(ValueError, match="same order"):
                    method(asked[["b", "a", "c"]])
                with pytest.raises(ValueError, match="unseen at fit time"):
                    method(asked.rename(columns={"a": "x"}))
            add = twin.store if isinstance(twin, lc.HopfieldMemory) else twin.partial_fit
            with pytest.raises(ValueError, match="same order"):
                add(asked[["b", "a", "c"]])
            assert len(add(asked[:2]).ids_) == 22
    for method in (memory.participation, memory.holders):
        with pytest.raises(ValueError, match="same order"):
            method(frame[["b", "a", "c"]])
    # What is stored anew has names of its own.
    assert not hasattr(memory.fit(frame.to_numpy()), "feature_names_in_")
    assert memory.fit(frame[["b", "a", "c"]]).feature_names_in_.tolist() == ["b", "a", "c"]


def test_gaps_of_pandas_are_gaps():
    pd = pytest.importorskip("pandas")
    patterns = RNG.normal(size=(20, 3))
    hidden = patterns[:5].copy()
    hidden[:, 1] = np.nan
    frame = pd.DataFrame(hidden).astype("Float64")
    assert frame[1].isna().all() and frame.dtypes.astype(str).eq("Float64").all()
    memory = lc.HopfieldMemory("gaussian(h=0.3)").store(patterns)
    want = memory.complete(hidden).states
    np.testing.assert_array_equal(memory.complete(frame).states, want)
    np.testing.assert_array_equal(memory.complete(frame.to_numpy()).states, want)
    with pytest.raises(TypeError, match="not a number"):
        memory.complete(np.array([["a", 1.0, pd.NA]], dtype=object))


def test_seeds_that_were_drawn_are_kept(tmp_path):
    patterns, states = signs(6, 12), signs(40, 12, 1)
    for seed in (None, np.random.RandomState(0), np.random.default_rng(0)):
        network = lc.HopfieldNetwork(random_state=seed).fit(patterns)
        found = network.recall(states)
        for twin in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
            np.testing.assert_array_equal(twin.recall(states).states, found.states)
            assert [e.tolist() for e in twin.recall(states).energies] == [e.tolist() for e in found.energies]
    network.set_params(random_state=None).fit(patterns)
    lc.save(network, tmp_path / "m.loc")
    again = lc.load(tmp_path / "m.loc").recall(states)
    assert [e.tolist() for e in again.energies] == [e.tolist() for e in network.recall(states).energies]


def test_the_imputers_bandwidth_is_of_all_columns():
    X, _ = load_digits(return_X_y=True)
    train, test = train_test_split(X, random_state=0)
    for share in (0.5, 0.75):
        hidden = np.random.default_rng(0).uniform(size=test.shape) < share
        seen = np.where(hidden, np.nan, test)

        def error(filled):
            return np.sqrt(np.mean((filled - test)[hidden] ** 2))  # noqa: B023

        own = error(lc.HopfieldImputer(standardize=False).fit(train).transform(seen))
        assert own < error(KNNImputer().fit(train).transform(seen)), share


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: lc.HopfieldClassifier(max_steps=0).fit([[0.0], [1.0]], [0, 1]), "max_steps=0 must be at least 1"),
        (lambda: lc.HopfieldNetwork(rule=None).fit([[1, -1]]), "rule must be the name of a rule, such as 'hebbian', not None"),
        (lambda: lc.HopfieldNetwork(random_state=-1).fit([[1, -1]]), "random_state=-1"),
    ],
)
def test_arguments_have_the_names_they_were_given_by(bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        bad()
