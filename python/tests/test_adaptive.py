"""Metrics that are learned, and local means and lines under them, on real tables."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import locality as lc

DATA = Path(__file__).parents[2] / "data"
BANDWIDTHS = [0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0]


def table(name):
    """Numbers of all columns but the last, and the last."""
    with open(DATA / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([row[:-1] for row in rows], dtype=float)
    y = np.array([row[-1] for row in rows])
    return x, y.astype(float) if name == "diabetes" else y


def with_noise(x, columns, seed=0):
    return np.hstack([x, x.std() * np.random.default_rng(seed).normal(size=(len(x), columns))])


def loo(kernel, x, y):
    """The loss of each row by the others, as the learner counts it."""
    values = y[:, None] if y.dtype.kind == "f" else (y[:, None] == np.unique(y)).astype(float)
    means = lc.local_mean(x, x, values, kernel=kernel, neighborhood="hollow", on_empty="nearest")
    if y.dtype.kind == "f":
        return float(((means - values) ** 2).sum() / ((values - values.mean(axis=0)) ** 2).sum())
    return float(1.0 - (means * values).sum(axis=1).mean())


@pytest.mark.parametrize("how", [{}, {"per_feature": True}], ids=["map", "factors"])
@pytest.mark.parametrize("name", ["diabetes", "iris", "wine"])
def test_the_loss_is_never_above_that_of_the_best_single_bandwidth(name, how):
    x, y = table(name)
    learner = lc.MetricLearner(max_iter=30, **how).fit(x, y)
    assert learner.task_ == ("regression" if name == "diabetes" else "classification")
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    single = [loo(f"gaussian(h={h * np.sqrt(x.shape[1])})", z, y) for h in BANDWIDTHS]
    assert learner.losses_[0] == pytest.approx(min(single), abs=1e-9)
    assert (np.diff(learner.losses_) <= 0.0).all()
    assert learner.losses_[-1] < 0.95 * learner.losses_[0]
    assert learner.n_iter_ == len(learner.losses_) - 1
    # The kernel is the metric, and so are distances of mapped rows.
    assert loo(learner.kernel_, x, y) == pytest.approx(learner.losses_[-1], abs=1e-8)
    assert loo("gaussian(h=1)", learner.transform(x), y) == pytest.approx(learner.losses_[-1], abs=1e-8)


def test_two_components_part_the_wines():
    x, y = table("wine")
    learner = lc.MetricLearner(2).fit(x, y)
    assert learner.components_.shape == (2, 13) and learner.losses_[-1] < 0.01
    assert learner.transform(x).shape == (178, 2)
    assert learner.get_feature_names_out().tolist() == ["metriclearner0", "metriclearner1"]
    # Whoever takes a kernel takes this one.
    assert lc.KernelClassifier("gaussian", bandwidth=1.0).fit(learner.transform(x), y).score(learner.transform(x), y) > 0.98
    assert lc.LocalMeanRegressor(learner.kernel_).fit(x, (y == "class_0").astype(float)).predict(x[:1])[0] > 0.99


def test_digits_are_told_better_by_few_directions():
    x, y = table("digits")
    some = slice(0, 600)
    learner = lc.MetricLearner(8, max_iter=40, max_samples=500, random_state=0).fit(x[some], y[some])
    near = KNeighborsClassifier(3).fit(learner.transform(x[some]), y[some])
    assert learner.losses_[-1] < 0.02
    assert near.score(learner.transform(x[600:1000]), y[600:1000]) > 0.85


def test_columns_that_say_nothing_get_small_factors():
    x, y = table("diabetes")
    wide = with_noise(x, 5)
    learner = lc.MetricLearner(per_feature=True).fit(wide, y)
    factors = learner.components_.diagonal() * wide.std(axis=0)
    model = lc.AdaptiveKernelRegressor(random_state=0, metric="per-feature").fit(wide, y)
    for found in (factors, model.column_weights_):
        # The body mass index and s5 say most, as every study of this table finds.
        assert sorted(np.argsort(-found)[:2]) == [2, 8]
        assert found[10:].mean() < 0.5 * found[[2, 8]].min()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 8))
    y = np.sin(2.0 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.normal(size=400)
    model = lc.AdaptiveKernelRegressor(random_state=0).fit(x, y)
    assert model.column_weights_[3:].max() < 0.3 * model.column_weights_[:3].min()
    test = rng.normal(size=(400, 8))
    assert model.score(test, np.sin(2.0 * test[:, 0]) + test[:, 1] * test[:, 2]) > 0.8


def test_wine_with_noise_columns_beats_plain_neighbours():
    x, y = table("wine")
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    wide = with_noise(x, 20)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    ours = cross_val_score(lc.AdaptiveKernelClassifier(max_iter=50, random_state=0), wide, y, cv=folds).mean()
    plain = cross_val_score(make_pipeline(StandardScaler(), KNeighborsClassifier()), wide, y, cv=folds).mean()
    assert ours > plain and ours > 0.94


def test_diabetes_is_told_better_than_by_plain_neighbours():
    x, y = table("diabetes")
    folds = KFold(4, shuffle=True, random_state=0)
    ours = cross_val_score(lc.AdaptiveKernelRegressor(max_iter=50, random_state=0), x, y, cv=folds).mean()
    plain = cross_val_score(make_pipeline(StandardScaler(), KNeighborsRegressor(15)), x, y, cv=folds).mean()
    assert ours > plain


@pytest.mark.parametrize("degree", ["auto", 0, 1])
@pytest.mark.parametrize("name", ["iris", "wine"])
def test_probabilities_sum_to_one(name, degree):
    x, y = table(name)
    model = lc.AdaptiveKernelClassifier(degree=degree, max_iter=20, random_state=0).fit(x[::2], y[::2])
    found = model.predict_proba(x)
    assert found.min() >= 0.0
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert found.shape == (len(x), 3) and model.classes_.tolist() == sorted(set(y))
    assert model.score(x[1::2], y[1::2]) > 0.9
    # Far outside, too.
    np.testing.assert_allclose(model.predict_proba(1e6 * x).sum(axis=1), 1.0, atol=1e-12)


def test_the_same_seed_finds_the_same():
    x, y = table("diabetes")
    how = {"max_iter": 10, "max_samples": 150, "validation_fraction": 0.3, "n_splits": 1}
    first, again, other = (lc.AdaptiveKernelRegressor(random_state=seed, **how).fit(x, y) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.predict(x), again.predict(x))
    assert not np.array_equal(first.components_, other.components_)
    threads = lc.AdaptiveKernelRegressor(random_state=1, n_jobs=1, **how).fit(x, y)
    np.testing.assert_array_equal(first.components_, threads.components_)
    # Few rows teach the metric; all of them predict.
    assert len(first.X_fit_) == len(x)


def test_predictions_are_the_local_mean_under_the_kernel():
    x, y = table("diabetes")
    train, test, told, _ = train_test_split(x, y, random_state=0)
    model = lc.AdaptiveKernelRegressor(degree=0, max_iter=10, random_state=0).fit(train, told)
    expected = lc.local_mean(test, train, told, kernel=model.kernel_, on_empty="nearest")
    np.testing.assert_allclose(model.predict(test), expected, rtol=1e-8)
    found = model.explain(test[:3], 4)
    weights = lc.local_weights(test[:3], train, kernel=model.kernel_)
    np.testing.assert_array_equal(found.indices, np.argsort(-weights, axis=1)[:, :4])
    np.testing.assert_allclose(found.weights, -np.sort(-weights, axis=1)[:, :4], rtol=1e-6)
    line = lc.AdaptiveKernelRegressor(degree=1, max_iter=10, random_state=0).fit(train, told)
    z = [x @ line.components_.T for x in (train, test)]
    expected = lc.LocalPolynomialRegressor("gaussian(h=1)", ridge=line.ridge_, standardize=False).fit(z[0], told)
    with pytest.warns(UserWarning) if expected.thin(z[1]).any() else nullcontext():
        np.testing.assert_allclose(line.predict(test), expected.predict(z[1]), rtol=1e-9)


def test_without_held_out_rows_each_is_told_by_the_others():
    x, y = table("diabetes")
    model = lc.AdaptiveKernelRegressor(validation_fraction=0.0, metric="per-feature", max_iter=15).fit(x, y)
    learner = lc.MetricLearner(per_feature=True, max_iter=15).fit(x, y)
    np.testing.assert_array_equal(model.components_, learner.components_)
    assert model.degree_ == 0 and model.validation_loss_ == learner.losses_[-1]
    assert lc.AdaptiveKernelRegressor(2, validation_fraction=0.0, max_iter=5).fit(x, y).components_.shape == (2, 10)


def test_words_and_missing_values():
    rng = np.random.default_rng(0)
    kind = rng.choice(["ash", "elm", "oak"], size=240)
    size = rng.uniform(size=240)
    y = np.where(kind == "oak", 3.0 * size, 1.0 - size)
    rows = np.column_stack([size.astype(object), kind, rng.normal(size=240).astype(object)])
    rows[::17, 2] = None
    model = lc.AdaptiveKernelRegressor(random_state=0).fit(rows[:200], y[:200])
    assert model.n_features_in_ == 3
    assert model.encoder_.get_feature_names_out().tolist() == ["x0", "x1=ash", "x1=elm", "x1=oak", "x2", "x2=missing"]
    assert model.column_weights_.shape == (6,)
    assert model.score(rows[200:], y[200:]) > 0.95
    new = np.array([[0.5, "fir", None]], dtype=object)
    assert np.isfinite(model.predict(new)).all()
    both = lc.AdaptiveKernelRegressor(max_iter=10, random_state=0).fit(rows, np.column_stack([y, -y]))
    found = both.predict(rows[:9])
    np.testing.assert_allclose(found[:, 0], -found[:, 1], rtol=1e-9)
    classes = lc.AdaptiveKernelClassifier(random_state=0).fit(rows[:200], y[:200] > 0.6)
    assert classes.score(rows[200:], y[200:] > 0.6) > 0.85


def test_columns_of_a_frame_are_named():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.uniform(size=90), "kind": pd.Categorical(rng.choice(["a", "b"], size=90))})
    model = lc.AdaptiveKernelRegressor(max_iter=10, random_state=0).fit(frame, frame["size"])
    assert model.encoder_.get_feature_names_out().tolist() == ["size", "kind=a", "kind=b"]
    assert list(model.feature_names_in_) == ["size", "kind"]
    assert model.column_weights_[0] == model.column_weights_.max()


def test_what_y_is():
    x = np.random.default_rng(0).normal(size=(60, 2))
    cases = [(x[:, 0] > 0, "classification"), (np.arange(60) % 3, "classification"), ((np.arange(60) % 3).astype(float), "classification")]
    cases += [(x[:, 0], "regression"), (np.arange(60), "regression"), (x, "regression"), (np.array(["a", "b"] * 30), "classification")]
    for y, task in cases:
        assert lc.MetricLearner(max_iter=1).fit(x, y).task_ == task
    assert lc.MetricLearner(max_iter=1, task="regression").fit(x, np.arange(60) % 3).task_ == "regression"


def test_progress_is_told_and_can_stop():
    x, y = table("diabetes")
    told = []
    lc.MetricLearner(max_iter=3).fit(x, y, progress=lambda done, most: told.append((done, most)))
    assert told and all(most == 3 for _, most in told)

    def stop(done, most):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        lc.MetricLearner(max_iter=200, tol=0.0).fit(x, y, progress=stop)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lc.MetricLearner(11), "n_components=11 must be from 1 to the number of columns, 10"),
        (lc.MetricLearner(task="ranking"), "task='ranking'"),
        (lc.MetricLearner(2, per_feature=True), "per_feature"),
        (lc.MetricLearner(tol=-1.0), "tolerance=-1"),
        (lc.MetricLearner(max_samples=1), "max_samples=1"),
        (lc.AdaptiveKernelRegressor(metric="cosine"), "metric='cosine'"),
        (lc.AdaptiveKernelRegressor(degree=2), "degree=2"),
        (lc.AdaptiveKernelRegressor(validation_fraction=1.0), "validation_fraction=1.0"),
        (lc.AdaptiveKernelRegressor(3, metric="per-feature"), "n_components"),
        (lc.AdaptiveKernelRegressor(11), "n_components=11"),
    ],
)
def test_bad_parameters_are_named(model, words):
    x, y = table("diabetes")
    with pytest.raises(ValueError, match=words):
        model.fit(x[:50], y[:50])


def test_a_network_finds_features_that_no_map_of_columns_is():
    # The radius in four of six columns.
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1500, 6))
    y = np.sin(2.0 * np.sqrt((X[:, :4] ** 2).sum(axis=1)))
    train, test = slice(0, 1200), slice(1200, None)
    plain = lc.AdaptiveKernelRegressor(max_iter=50, random_state=0).fit(X[train], y[train])
    deep = lc.AdaptiveKernelRegressor(max_iter=50, hidden_layer_sizes=64, random_state=0).fit(X[train], y[train])
    assert deep.metric_ == "network" and plain.metric_ != "network"
    assert 1.0 - deep.score(X[test], y[test]) < 0.3 * (1.0 - plain.score(X[test], y[test]))
    assert deep.explain(X[test][:3], 4).indices.shape == (3, 4)
    again = lc.AdaptiveKernelRegressor(max_iter=50, hidden_layer_sizes=64, random_state=0, n_jobs=1).fit(X[train], y[train])
    np.testing.assert_array_equal(again.predict(X[test]), deep.predict(X[test]))
    with pytest.raises(AttributeError, match="hidden_layer_sizes"):
        _ = deep.kernel_


def test_a_network_needs_rows_that_are_held_out():
    model = lc.AdaptiveKernelRegressor(hidden_layer_sizes=8, validation_fraction=0.0)
    with pytest.raises(ValueError, match="validation_fraction=0"):
        model.fit(np.eye(20), np.arange(20.0))


def dense_and_far_apart(rng, n, noise):
    """A fine wave where rows are dense, nothing where they are far apart."""
    x = rng.normal(size=n)
    x = np.where(x < 0.0, 0.5 * x, 4.0 * x)
    return x[:, None], np.where(x < 0.0, np.sin(12.0 * x), 0.0) + noise * rng.normal(size=n)


def test_a_mixture_is_better_where_one_width_does_not_fit_all():
    rng = np.random.default_rng(4)
    (x, y), (at, told) = dense_and_far_apart(rng, 500, 0.7), dense_and_far_apart(rng, 500, 0.0)
    plain = lc.AdaptiveKernelRegressor(degree=0, random_state=0).fit(x, y)
    kernels = ["gaussian(h=0.5)", lc.kernels.laplace(h=10), "gaussian(h=10)"]
    mixed = lc.AdaptiveKernelRegressor(degree=0, random_state=0, kernels=kernels).fit(x, y)
    left = [np.mean((model.predict(at) - told) ** 2) for model in (plain, mixed)]
    assert left[1] < 0.8 * left[0], left
    assert mixed.mixture_weights_.shape == (4,)
    np.testing.assert_allclose(mixed.mixture_weights_.sum(), 1.0)
    assert mixed.mixture_weights_.min() >= 0.0
    # It is the local mean under that sum.
    expected = lc.local_mean(at @ mixed.components_.T, x @ mixed.components_.T, y, kernel=mixed.mixture_)
    np.testing.assert_allclose(mixed.predict(at), expected, atol=1e-9)
    assert plain.mixture_ is None and plain.mixture_weights_ is None
    with pytest.raises(AttributeError, match="mixture_"):
        mixed.kernel_  # noqa: B018
    weights = mixed.explain(at[:3], 5).weights
    assert weights.shape == (3, 5) and (weights > 0.0).any()


def test_mixtures_of_classes_and_what_is_refused():
    x, y = table("iris")
    model = lc.AdaptiveKernelClassifier(random_state=0, kernels=["laplace(h=0.5)"]).fit(x, y)
    assert model.score(x, y) > 0.95
    with pytest.raises(TypeError, match="must be a list of kernels"):
        lc.AdaptiveKernelClassifier(kernels="laplace(h=0.5)").fit(x, y)
    with pytest.raises(ValueError, match="lapla"):
        lc.AdaptiveKernelClassifier(kernels=["lapla(h=0.5)"]).fit(x, y)
