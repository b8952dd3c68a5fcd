"""What the adaptive estimators average and choose, where they begin, and rows that count by weights."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NeighborhoodComponentsAnalysis

import locality as lc
from locality import _adaptive_network as network
from locality import _adaptive_search as search

DATA = Path(__file__).parents[2] / "data"


def table(name):
    with open(DATA / f"{name}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([row[:-1] for row in rows], dtype=float)
    y = np.array([row[-1] for row in rows])
    return x, y.astype(float) if name == "diabetes" else y


def cells(seed):
    """Two classes by turns in the cells of a cube, a tenth of the rows of the other class: all columns say as much."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(size=(600, 3))
    y = (np.floor(3 * x).sum(axis=1) % 2).astype(int)
    return x, np.where(rng.random(600) < 0.1, 1 - y, y)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_bandwidth_for_all_columns_is_among_what_is_chosen(seed):
    x, y = cells(seed)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    ours = cross_val_score(lc.AdaptiveKernelClassifier(random_state=0), x, y, cv=folds).mean()
    one = cross_val_score(lc.KernelClassifier(), x, y, cv=folds).mean()
    assert ours > one - 0.03, (ours, one)
    alone = lc.AdaptiveKernelClassifier(n_members=1, random_state=0).fit(x, y)
    # In which these classes are as wide along all columns.
    assert alone.metric_ in ("isotropic", "within-class") and alone.members_ == []
    np.testing.assert_allclose(alone.column_weights_, alone.column_weights_.mean(), rtol=0.05)
    # Values, too: a wave along each column.
    told = np.sin(9.0 * x).sum(axis=1)
    single = lc.AdaptiveKernelRegressor(degree=0, random_state=0).fit(x, told)
    plain = lc.LocalPolynomialRegressor(degree=0, bandwidth="fixed")
    rng = np.random.default_rng(9)
    at = rng.uniform(size=(400, 3))
    wanted = np.sin(9.0 * at).sum(axis=1)
    assert single.score(at, wanted) > plain.fit(x, told).score(at, wanted) - 0.02


@pytest.mark.parametrize("name", ["diabetes", "wine", "iris"])
def test_an_average_tells_held_out_rows_no_worse_than_its_best_member(name, tmp_path):
    x, y = table(name)
    kind = lc.AdaptiveKernelRegressor if name == "diabetes" else lc.AdaptiveKernelClassifier
    how = {"max_iter": 20, "random_state": 0}
    model, alone = kind(**how).fit(x[::2], y[::2]), kind(n_members=1, **how).fit(x[::2], y[::2])
    assert model.validation_loss_ <= alone.validation_loss_ + 1e-12
    assert len(model.members_) >= 5 and sum(m.weight for m in model.members_) == pytest.approx(1.0)
    # One after the other they tell what the model does.
    whole = 0.0
    for member in model.members_:
        z = [rows @ member.map.T for rows in (x[1::2], x[::2])]
        setting = member.setting
        values = y[::2] if name == "diabetes" else (y[::2, None] == model.classes_).astype(float)
        if setting.degree == 0:
            found = lc.local_mean(*z, values, kernel=setting.kernel, on_empty="nearest")
        else:
            line = lc.LocalPolynomialRegressor(setting.kernel, ridge=setting.ridge, standardize=False, guard="ignore")
            found = line.fit(z[1], values).predict(z[0])
        if name != "diabetes":
            found = np.clip(found, 0.0, None)
            found = found / found.sum(axis=1, keepdims=True)
        whole = whole + member.weight * found
    answer = model.predict if name == "diabetes" else model.predict_proba
    np.testing.assert_allclose(answer(x[1::2]), whole, rtol=1e-6, atol=1e-9)
    # It comes back from a file.
    lc.save(model, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    np.testing.assert_array_equal(back.predict(x), model.predict(x))
    assert [m.setting for m in back.members_] == [m.setting for m in model.members_]


def test_explanations_of_averages_are_shares():
    x, y = table("diabetes")
    model = lc.AdaptiveKernelRegressor(max_iter=10, random_state=0).fit(x, y)
    found = model.explain(x[:7], len(x))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0)
    assert (np.diff(found.weights, axis=1) <= 0.0).all()
    few = model.explain(x[:7], 3)
    np.testing.assert_array_equal(few.indices, found.indices[:, :3])
    first = model.members_[0]
    assert lc.AdaptiveKernelRegressor(degree=0, max_iter=10, random_state=0).fit(x, y).members_ == []
    assert first.map.shape[1] == 10 and model.components_.shape[1] == 10
    with pytest.raises(ValueError, match="n_members=0"):
        lc.AdaptiveKernelRegressor(n_members=0).fit(x, y)


def test_mixtures_are_judged_by_rows_that_are_held_out():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 1))
    y = np.sin(3.0 * x[:, 0]) + 0.2 * rng.normal(size=300)
    plain = lc.AdaptiveKernelRegressor(degree=0, random_state=0).fit(x, y)
    # Each row's nearest others say more of its noise than the mean does: narrow kernels, at which a learned sum is not better.
    mixed = lc.AdaptiveKernelRegressor(degree=0, random_state=0, kernels=["gaussian(h=3)"]).fit(x, y)
    assert mixed.validation_loss_ <= plain.validation_loss_
    if mixed.mixture_ is None:
        assert mixed.mixture_weights_ is None
        np.testing.assert_array_equal(mixed.predict(x), plain.predict(x))
    # Where it is kept, its loss is that of held-out rows under it, once with the whole way by hand.
    waves = np.where(x[:, 0] < 0.0, np.sin(12.0 * x[:, 0]), 0.0) + 0.7 * rng.normal(size=300)
    how = {"degree": 0, "n_splits": 1, "random_state": 0, "kernels": ["gaussian(h=0.4)", "gaussian(h=8)"]}
    model = lc.AdaptiveKernelRegressor(**how).fit(x, waves)
    plain = lc.AdaptiveKernelRegressor(**how | {"kernels": None}).fit(x, waves)
    assert model.validation_loss_ <= plain.validation_loss_
    if model.mixture_ is not None:
        assert model.validation_loss_ < plain.validation_loss_


def test_a_network_and_a_linear_map_are_judged_by_the_same_rows(monkeypatch):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 4))
    # A line, which no network tells better; in half the rows noise, so that losses of different rows differ.
    y = x[:, 0] + (rng.random(400) < 0.5) * rng.normal(size=400)
    kept = []
    learn = network.learn

    def look(*args, **kwargs):
        kept.append(learn(*args, **kwargs))
        return kept[-1]

    monkeypatch.setattr(network, "learn", look)
    model = lc.AdaptiveKernelRegressor(max_iter=10, max_epochs=3, hidden_layer_sizes=8, random_state=0).fit(x, y)
    (found,) = kept
    assert (model.metric_ == "network") == (found.choice.loss < found.linear.loss)
    values = found.queries[1].values
    assert len(values) + len(found.keys[1].values) == 400
    # Both losses are of these rows, told by the same others.
    told = search.local_fit(*found.keys, found.choice.setting.kernel, found.choice.setting.degree, found.choice.setting.ridge, 1)
    means = search.local_means(told, found.choice.setting.degree, found.queries[0], 1)
    assert np.mean((means - values) ** 2) == pytest.approx(found.choice.loss)
    assert abs(found.linear.loss - np.mean(values**2)) < np.mean(values**2)


def test_a_search_begins_where_it_is_told_to():
    x, y = table("diabetes")
    first = lc.MetricLearner(per_feature=True, max_iter=8).fit(x, y)
    on = lc.MetricLearner(per_feature=True, max_iter=8, init=first.components_).fit(x, y)
    assert on.losses_[0] == pytest.approx(first.losses_[-1], abs=1e-12) and on.losses_[-1] < first.losses_[-1]
    warm = lc.MetricLearner(per_feature=True, max_iter=8, warm_start=True).fit(x, y)
    np.testing.assert_array_equal(warm.losses_, first.losses_)
    warm.fit(x, y)
    np.testing.assert_array_equal(warm.losses_, on.losses_)
    # A map of few rows, and classes.
    x, y = table("wine")
    flat = lc.MetricLearner(2, max_iter=3).fit(x, y)
    assert lc.MetricLearner(2, max_iter=0, init=flat.components_).fit(x, y).losses_[0] == pytest.approx(flat.losses_[-1], abs=1e-12)
    model = lc.AdaptiveKernelClassifier(metric="full", validation_fraction=0.0, max_iter=0, init=flat.components_).fit(x, y)
    np.testing.assert_allclose(model.components_, flat.components_, rtol=1e-12)
    again = lc.AdaptiveKernelClassifier(warm_start=True, degree=0, metric="full", validation_fraction=0.0, max_iter=5).fit(x, y)
    before = again.losses_[-1]
    assert again.fit(x, y).losses_[0] == pytest.approx(before, abs=1e-9)
    for model, words in [
        (lc.MetricLearner(init=np.eye(3)), "init has shape"),
        (lc.MetricLearner(2, init=np.eye(13)), "n_components=2"),
        (lc.MetricLearner(per_feature=True, init=np.ones((13, 13))), "zeros beside its diagonal"),
        (lc.AdaptiveKernelClassifier(init=np.full((2, 13), np.nan)), "NaN"),
    ]:
        with pytest.raises(ValueError, match=words):
            model.fit(x, y)


def test_classes_are_told_as_well_as_by_scikit_learn():
    tables = [table("wine"), load_breast_cancer(return_X_y=True), tuple(part[:400] for part in table("digits"))]
    for x, y in tables:
        x = x[:, x.std(axis=0) > 0.0]
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        theirs = NeighborhoodComponentsAnalysis(max_iter=200, tol=1e-6, random_state=0).fit(z, y).components_
        ours = lc.MetricLearner(max_iter=200, task="classification").fit(z, y)

        def loss(components, z=z, y=y):
            # The kernel there is exp(-d^2), without the half.
            q = np.sqrt(2.0) * z @ components.T
            values = (y[:, None] == np.unique(y)).astype(float)
            means = lc.local_mean(q, q, values, kernel="gaussian(h=1)", neighborhood="hollow", on_empty="nearest")
            return 1.0 - (means * values).sum(axis=1).mean()

        assert ours.losses_[-1] <= loss(theirs) + 1e-6
        assert loss(ours.components_ / np.sqrt(2.0)) == pytest.approx(ours.losses_[-1], abs=1e-8)


def test_rows_count_by_their_weights():
    x, y = table("diabetes")
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.2, 3.0, size=len(x))
    none = np.where(np.arange(len(x)) % 4 == 0, 0.0, weights)
    how = {"max_iter": 10, "random_state": 0}
    for kind, goal in ((lc.AdaptiveKernelRegressor, y), (lc.AdaptiveKernelClassifier, y > 140.0)):
        model = kind(**how).fit(x, goal, sample_weight=weights)
        # Only ratios count, and rows of weight 0 are not there.
        np.testing.assert_allclose(kind(**how).fit(x, goal, sample_weight=64.0 * weights).predict(x), model.predict(x), rtol=1e-7)
        some = kind(**how).fit(x, goal, sample_weight=none)
        left = none > 0.0
        np.testing.assert_array_equal(some.predict(x), kind(**how).fit(x[left], goal[left], sample_weight=none[left]).predict(x))
        assert len(some.X_fit_) == left.sum()
        assert not np.array_equal(model.predict(x), kind(**how).fit(x, goal).predict(x))
    model = lc.AdaptiveKernelRegressor(degree=0, **how).fit(x, y, sample_weight=weights)
    expected = lc.local_mean(x, x, y, kernel=model.kernel_, sample_weight=weights, on_empty="nearest")
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-8)
    learner = lc.MetricLearner(per_feature=True, max_iter=10).fit(x, y, sample_weight=weights)
    means = lc.local_mean(x, x, y, kernel=learner.kernel_, sample_weight=weights, neighborhood="hollow")
    middle = np.average(y, weights=weights)
    assert learner.losses_[-1] == pytest.approx((weights * (means - y) ** 2).sum() / (weights * (y - middle) ** 2).sum())
    mixed = lc.AdaptiveKernelRegressor(kernels=["laplace(h=2)"], **how).fit(x, y, sample_weight=weights)
    assert np.isfinite(mixed.predict(x)).all()
    for bad, words in [(weights[1:], "sample_weight has shape"), (-weights, "at least 0"), (0.0 * weights, "zero for every row"), (weights * (np.arange(len(x)) == 3), "at least 2 rows")]:
        with pytest.raises(ValueError, match=words):
            lc.AdaptiveKernelRegressor(**how).fit(x, y, sample_weight=bad)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        lc.AdaptiveKernelRegressor(hidden_layer_sizes=4, **how).fit(x, y, sample_weight=weights)


def test_small_units_large_answers_and_rounds():
    x, y = table("diabetes")
    learner = lc.MetricLearner(per_feature=True, max_iter=5).fit(x, y)
    tiny = lc.MetricLearner(per_feature=True, max_iter=5).fit(x * np.where(np.arange(10) == 8, 1e-170, 1.0), y)
    np.testing.assert_allclose(tiny.losses_, learner.losses_, rtol=1e-9)
    with pytest.raises(ValueError, match="divide them by their standard deviation"):
        lc.MetricLearner().fit(x, 1e200 * y)
    assert lc.MetricLearner(max_iter=0).fit(x, y).n_iter_ == 1
    with pytest.raises(ValueError, match="hidden_layer_sizes=0 must be a whole number of at least 1"):
        lc.AdaptiveKernelRegressor(hidden_layer_sizes=0).fit(x, y)
    with pytest.raises(ValueError, match="must be whole numbers of at least 1 each"):
        lc.AdaptiveKernelRegressor(hidden_layer_sizes=[4, 0]).fit(x, y)


def test_rows_may_have_bandwidths_of_their_own(tmp_path):
    # A fine wave where rows are dense, a coarse one where they are far apart.
    rng = np.random.default_rng(2)

    def draw(n):
        x = rng.normal(size=n)
        x = np.where(x < 0.0, 0.2 * x, 5.0 * x)
        return x[:, None], np.where(x < 0.0, np.sin(25.0 * x), np.sin(x))

    (x, y), (at, told) = draw(600), draw(600)
    y = y + 0.3 * rng.normal(size=600)
    how = {"degree": 0, "random_state": 0}
    plain = lc.AdaptiveKernelRegressor(**how).fit(x, y)
    model = lc.AdaptiveKernelRegressor(site_bandwidth=True, **how).fit(x, y)
    left = [np.mean((one.predict(at) - told) ** 2) for one in (plain, model)]
    assert left[1] < 0.7 * left[0], left
    assert model.validation_loss_ < plain.validation_loss_ and plain.site_bandwidth_ is None
    dense = x[:, 0] < 0.0
    assert np.median(model.site_bandwidth_[~dense]) > 3.0 * np.median(model.site_bandwidth_[dense])
    np.testing.assert_allclose(model.predict(at), lc.local_mean(at, x, y, kernel=model.kernel_, on_empty="nearest"), rtol=1e-8)
    assert model.explain(at[:3], 4).weights.shape == (3, 4)
    average = lc.AdaptiveKernelRegressor(site_bandwidth=True, random_state=0).fit(x, y)
    assert any(member.setting.site > 0.0 for member in average.members_)
    for one in (model, average):
        lc.save(one, tmp_path / "m.loc")
        np.testing.assert_array_equal(lc.load(tmp_path / "m.loc").predict(at), one.predict(at))
        assert np.isfinite(one.predict([[1e3]])).all()
    with pytest.raises(ValueError, match="site_bandwidth=True"):
        lc.AdaptiveKernelRegressor(site_bandwidth=True, kernels=["laplace(h=2)"]).fit(x, y)
