"""Hierarchical local models: what sets add, levels that do not lose, and what is refused."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest

RNG = np.random.default_rng(0)
# Series of ten points, each told by the larger of its neighbours.
SERIES = np.repeat(np.arange(80), 10)
X = RNG.normal(size=(800, 2))
BESIDE = np.pad(X[:, 0].reshape(80, 10), ((0, 0), (1, 1)), mode="edge")
Y = np.maximum(BESIDE[:, :-2], BESIDE[:, 2:]).ravel()
TRAIN, TEST = SERIES < 60, SERIES >= 60


def fitted(model, **more):
    return model.fit(X[TRAIN], Y[TRAIN], groups=SERIES[TRAIN], **more)


def test_rows_of_a_set_see_one_another():
    model = fitted(
        lc.HierarchicalRegressor(2, kernel=["softmax", "gaussian"], positions="rotary", window=2, batch_size=8, max_epochs=80, learning_rate=5e-3)
    )
    assert model.score(X[TEST], Y[TEST], groups=SERIES[TEST]) > 0.9
    # Alone no row knows its neighbours.
    assert model.score(X[TEST], Y[TEST]) < 0.3
    # Names of sets, and where their rows lie, say nothing.
    names = np.array([f"set {g}" for g in SERIES[TEST]])
    expected = model.predict(X[TEST], groups=SERIES[TEST])
    np.testing.assert_allclose(model.predict(X[TEST], groups=names), expected, atol=1e-6)
    rows = np.argsort(np.tile(np.arange(10), 20), kind="stable")
    found = model.predict(X[TEST][rows], groups=names[rows])
    np.testing.assert_allclose(found, expected[rows], atol=1e-6)


def test_causal_rows_do_not_see_what_comes():
    model = lc.HierarchicalRegressor(2, causal=True, positions="alibi", batch_size=8, max_epochs=3)
    before = fitted(model).predict(X[:10], groups=SERIES[:10])
    later = X[:10].copy()
    later[7] += 1.0
    after = model.predict(later, groups=SERIES[:10])
    np.testing.assert_array_equal(before[:7], after[:7])
    assert (before[7:] != after[7:]).all()


@pytest.mark.parametrize("training", ["greedy", "greedy_then_joint"])
def test_no_level_loses(training):
    model = fitted(lc.HierarchicalRegressor(3, training=training, positions="rotary", window=2, batch_size=8, max_epochs=15))
    assert len(model.level_losses_) == (3 if training == "greedy" else 4)
    assert (np.diff(model.level_losses_) <= 1e-6).all()
    assert model.level_losses_[-1] < 0.9 * model.level_losses_[0]
    assert len(model.loss_curve_) == model.n_iter_ == len(model.validation_loss_curve_)


def test_tables_of_several_responses_and_classes():
    both = np.column_stack([X[:, 0] * X[:, 1], np.sin(2 * X[:, 0])])
    model = lc.HierarchicalRegressor(1, max_epochs=60).fit(X[TRAIN], both[TRAIN])
    found = model.predict(X[TEST])
    assert found.shape == both[TEST].shape
    left = ((found - both[TEST]) ** 2).mean(axis=0) / both[TEST].var(axis=0)
    assert (left < 0.1).all()
    np.testing.assert_allclose(model.score(X[TEST], both[TEST]), 1.0 - left.mean())
    one = lc.HierarchicalRegressor(1, max_epochs=3).fit(X[TRAIN], both[TRAIN, 0])
    from sklearn.metrics import r2_score

    weights = RNG.uniform(size=TEST.sum())
    expected = r2_score(both[TEST, 0], one.predict(X[TEST]), sample_weight=weights)
    np.testing.assert_allclose(one.score(X[TEST], both[TEST, 0], weights), expected)
    words = np.where(Y > 0.5, "high", "low")
    classifier = lc.HierarchicalClassifier(2, positions="rotary", window=2, batch_size=8, max_epochs=50, learning_rate=5e-3)
    fitted_ = classifier.fit(X[TRAIN], words[TRAIN], groups=SERIES[TRAIN])
    assert fitted_.score(X[TEST], words[TEST], groups=SERIES[TEST]) > 0.9
    np.testing.assert_allclose(classifier.predict_proba(X[TEST]).sum(axis=1), 1.0)


def test_the_same_again_on_any_threads():
    def coefficients(n_jobs):
        return fitted(lc.HierarchicalRegressor(1, dropout=0.1, batch_size=8, max_epochs=2, n_jobs=n_jobs)).coef_

    np.testing.assert_array_equal(coefficients(1), coefficients(2))
    model = fitted(lc.HierarchicalRegressor(1, max_epochs=2))
    back = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    told = []
    fitted(lc.HierarchicalRegressor(1, max_epochs=3), progress=lambda *now: told.append(now))
    assert told[-1] == (3, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_heads": 5}, "n_heads=5 must divide width=32"),
        ({"kernel": ["softmax"]}, "one for each of n_layers=2"),
        ({"kernel": "gausian"}, "gausian"),
        ({"positions": "learned"}, "positions='learned' is none of"),
        ({"training": "slow"}, "training='slow'"),
        ({"window": 0}, "window=0"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"n_layers": 0}, "n_layers=0"),
        ({"activation": "tanh"}, "activation='tanh'"),
        ({"max_epochs": 0}, "max_epochs=0"),
    ],
)
def test_what_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        lc.HierarchicalRegressor(**given).fit(X, Y)


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"groups has shape \(3,\), but there are 800 rows"):
        lc.HierarchicalRegressor().fit(X, Y, groups=[0, 0, 1])
    with pytest.raises(ValueError, match="n_features_in_|features"):
        fitted(lc.HierarchicalRegressor(1, max_epochs=1)).predict(X[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        lc.HierarchicalRegressor().fit(np.where(X > 2, np.nan, X), Y)
