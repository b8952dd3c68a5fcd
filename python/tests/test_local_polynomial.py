"""Local polynomial regression from Python."""

from __future__ import annotations

import pickle
import warnings

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def wavy(n, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 2.0, size=(n, 2))
    truth = np.sin(2.0 * x[:, 0]) + x[:, 1] ** 2
    return x, truth + noise * rng.normal(size=n), truth


def test_it_is_weighted_least_squares():
    x, y, _ = wavy(200)
    targets = wavy(9, seed=1)[0]
    c = np.random.default_rng(2).uniform(0.2, 1.0, size=200)
    model = lc.LocalPolynomialRegressor(bandwidth=0.7, guard=False).fit(x, y, sample_weight=c)
    slopes = model.slopes(targets)
    for i, target in enumerate(targets):
        w = c * np.exp(-0.5 * ((x - target) ** 2).sum(1) / 0.7**2)
        a = np.column_stack([np.ones(200), x - target])
        b = np.linalg.solve(a.T @ (w[:, None] * a), a.T @ (w * y))
        np.testing.assert_allclose(model.predict(targets)[i], b[0], rtol=1e-9)
        np.testing.assert_allclose(slopes[i], b[1:], rtol=1e-9)


def test_standard_errors_are_those_of_a_global_fit_under_a_wide_kernel():
    x, y, _ = wavy(80, noise=0.5)
    model = lc.LocalPolynomialRegressor(bandwidth=1e6).fit(x, y)
    a = np.column_stack([np.ones(80), x])
    b, rss = np.linalg.lstsq(a, y)[:2]
    noise = rss[0] / (80 - 3)
    target = np.array([[0.3, -1.0]])
    row = np.array([1.0, 0.3, -1.0])
    error = np.sqrt(noise * row @ np.linalg.solve(a.T @ a, row))
    values, errors = model.predict_std(target)
    np.testing.assert_allclose(values, row @ b, rtol=1e-7)
    np.testing.assert_allclose(errors, error, rtol=1e-6)


def test_the_default_beats_a_line_and_tuned_neighbours():
    x, y, truth = wavy(600, noise=0.3)
    model = lc.LocalPolynomialRegressor().fit(x, y)
    grid = GridSearchCV(KNeighborsRegressor(), {"n_neighbors": [3, 5, 10, 20, 40]}).fit(x, y)
    off = {name: np.mean((m.predict(x) - truth) ** 2) for name, m in (("ours", model), ("knn", grid))}
    off["line"] = np.mean((LinearRegression().fit(x, y).predict(x) - truth) ** 2)
    assert off["ours"] < 0.7 * off["knn"] < off["line"], off


def test_on_a_real_table_it_is_not_worse_than_a_line():
    x, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(lc.LocalPolynomialRegressor(), x, y, cv=5).mean()
    line = cross_val_score(LinearRegression(), x, y, cv=5).mean()
    assert ours > line - 0.02, (ours, line)


def test_intervals_cover():
    x, y, _ = wavy(800, noise=0.3)
    fresh, new, _ = wavy(2000, seed=5, noise=0.3)
    values, lower, upper = lc.LocalPolynomialRegressor().fit(x, y).predict_interval(fresh, 0.8)
    assert np.all((lower <= values) & (values <= upper))
    assert abs(np.mean((lower <= new) & (new <= upper)) - 0.8) < 0.04


def test_explanations_are_the_kernel_weights():
    x, y, _ = wavy(50)
    model = lc.LocalPolynomialRegressor("epanechnikov(h=0.8)").fit(x, y)
    found = model.explain(x[:4], 60)
    weights = lc.local_weights(x[:4], x, kernel="epanechnikov(h=0.8)")
    for i in range(4):
        some = found.indices[i] >= 0
        assert found.indices[i, 0] == i
        np.testing.assert_allclose(found.weights[i, some], weights[i, found.indices[i, some]], rtol=1e-12)
        assert np.all(np.diff(found.weights[i]) <= 0.0)
        np.testing.assert_allclose(found.weights[i].sum(), 1.0)
        assert some.sum() == (weights[i] > 0.0).sum()


def test_intervals_outside_the_samples_are_honest():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 6, 300)[:, None]
    y = 2 * x[:, 0] + rng.normal(0, 1, 300)
    model = lc.LocalPolynomialRegressor().fit(x, y)
    targets = np.array([[3.0], [8.0], [20.0], [100.0]])
    with pytest.warns(UserWarning, match="too little evidence"):
        _, lower, upper = model.predict_interval(targets)
    assert np.all(np.diff(upper - lower) > 0.0)
    assert np.all((lower <= 2 * targets[:, 0]) & (2 * targets[:, 0] <= upper))


def test_kinds_as_columns_are_no_thin_evidence():
    rng = np.random.default_rng(0)
    kinds = np.eye(3)[rng.integers(3, size=300)]
    x = np.column_stack([kinds, rng.normal(size=300)])
    y = x @ [0.0, 1.0, 2.0, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.abs(lc.LocalPolynomialRegressor().fit(x, y).predict(x) - y).max() < 1e-4
        lc.LocalLogisticRegression(bandwidth=2.0).fit(x, y > 1.0).predict(x)


def test_thin_evidence_is_told():
    x, y, _ = wavy(200)
    model = lc.LocalPolynomialRegressor(bandwidth=0.4).fit(x, y)
    targets = np.array([[0.0, 0.0], [60.0, 60.0]])
    assert model.thin(targets).tolist() == [False, True]
    assert y.min() - 1.0 < model.predict(targets)[1] < y.max() + 1.0


def test_a_loaded_model_predicts_the_same_bits():
    x, y, _ = wavy(150)
    for model in (
        lc.LocalPolynomialRegressor(degree=[0, 1, 2]),
        lc.LocalPolynomialRegressor("tricube(knn=40)", neighborhood="nearest(k=50)"),
        lc.LocalPolynomialRegressor(bandwidth=1.0, standardize=True),
    ):
        model.fit(x, np.column_stack([y, -y]))
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
        assert loaded.predict(x).shape == (150, 2) and loaded.slopes(x).shape[:2] == (150, 2)


def test_it_works_in_pipelines_and_searches():
    x, y, _ = wavy(120)
    pipe = make_pipeline(StandardScaler(), lc.LocalPolynomialRegressor("gaussian", bandwidth=0.5))
    grid = GridSearchCV(pipe, {"localpolynomialregressor__bandwidth": [0.2, 0.5, 5.0]}, cv=3).fit(x, y)
    assert grid.best_params_["localpolynomialregressor__bandwidth"] < 5.0
    assert grid.best_score_ > 0.9


def test_mistakes_are_named():
    x, y, _ = wavy(20)
    for parameters, message in (
        ({"bandwidth": -1.0}, "h=-1"),
        ({"bandwidth": "best"}, "bandwidth='best' must be a number or one of"),
        ({"degree": -1}, "degree=-1"),
        ({"degree": []}, "degrees is empty"),
        ({"ridge": -1.0}, "ridge=-1"),
        ({"kernel": "gausian"}, "did you mean 'gaussian'"),
        ({"kernel": "uniform(cols=0)", "bandwidth": "fixed"}, "no distance"),
    ):
        with pytest.raises(ValueError, match=message):
            lc.LocalPolynomialRegressor(**parameters).fit(x, y)
    with pytest.raises(ValueError, match="level=2"):
        lc.LocalPolynomialRegressor(bandwidth=1.0).fit(x, y).predict_interval(x, 2.0)


def test_robust_fits_are_not_bent_and_survive_a_copy() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 4, (300, 2))
    truth = 2.0 * np.sin(X[:, 0]) + 0.5 * X[:, 1]
    y = truth + rng.normal(scale=0.1, size=300)
    y[::10] += 30.0
    plain = lc.LocalPolynomialRegressor(bandwidth=0.6).fit(X, y)
    assert np.abs(plain.predict(X) - truth).mean() > 1.0
    for loss in ("bisquare", "huber"):
        model = lc.LocalPolynomialRegressor(bandwidth=0.4, robust=loss, robust_iterations=6).fit(X, y)
        assert np.abs(model.predict(X) - truth).mean() < {"bisquare": 0.15, "huber": 0.4}[loss]
        assert model.sample_weight_fit_[0] < 0.2 < model.sample_weight_fit_[1]
        again = pickle.loads(pickle.dumps(model))
        assert np.array_equal(again.predict(X), model.predict(X))


def test_criteria_and_kernels_to_choose_from() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(0, 4, (200, 2))
    y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=200)
    for criterion in ("loo", "gcv", "aicc", "5-fold"):
        model = lc.LocalPolynomialRegressor(["gaussian", "tricube"], criterion=criterion).fit(X, y)
        assert np.abs(model.predict(X) - np.sin(X[:, 0])).mean() < 0.06, criterion
    with pytest.raises(ValueError, match="criterion 'magic' is none of loo, gcv, aicc, or folds"):
        lc.LocalPolynomialRegressor(criterion="magic").fit(X, y)
    with pytest.raises(ValueError, match="robust loss 'tukey' is none of"):
        lc.LocalPolynomialRegressor(robust="tukey").fit(X, y)


def outlying(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 2.0, size=(n, 1))
    far = (rng.uniform(size=n) < 0.1) * rng.normal(size=n) * 5.0
    return x, np.sin(2.0 * x[:, 0]) + 0.1 * rng.normal(size=n) + far


def test_intervals_of_robust_fits_hold_their_level(tmp_path):
    x, y = outlying(600, 0)
    targets, fresh = outlying(4000, 1)
    model = lc.LocalPolynomialRegressor(robust="bisquare").fit(x, y)
    for level in (0.8, 0.95):
        _, lower, upper = model.predict_interval(targets, level)
        assert abs(np.mean((lower <= fresh) & (fresh <= upper)) - level) < 0.025
    # Copies know the weights as they were given.
    lc.save(model, tmp_path / "m.loc")
    for copy in (pickle.loads(pickle.dumps(model)), lc.load(tmp_path / "m.loc")):
        np.testing.assert_array_equal(copy.predict_interval(targets, 0.95), model.predict_interval(targets, 0.95))


def test_intervals_are_of_a_response_of_weight_one():
    rng = np.random.default_rng(2)
    x, w = rng.uniform(-2.0, 2.0, size=(1000, 1)), rng.uniform(0.1, 4.0, 1000)
    y = np.sin(2.0 * x[:, 0]) + 0.3 * rng.normal(size=1000) / np.sqrt(w)
    targets = rng.uniform(-2.0, 2.0, size=(4000, 1))
    fresh = np.sin(2.0 * targets[:, 0]) + 0.3 * rng.normal(size=4000)
    model = lc.LocalPolynomialRegressor().fit(x, y, sample_weight=w)
    for level in (0.8, 0.95):
        _, lower, upper = model.predict_interval(targets, level)
        assert abs(np.mean((lower <= fresh) & (fresh <= upper)) - level) < 0.03


@pytest.mark.parametrize("kernel", ["tricube(knn=15)", "gaussian(knn=6)", "tricube(h=0.6)"])
@pytest.mark.parametrize("degree", [0, 1])
def test_residuals_are_those_without_the_sample(kernel, degree):
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-2.0, 2.0, 80))[:, None]
    y = np.column_stack([np.sin(x[:, 0]), x[:, 0]]) + 0.1 * rng.normal(size=(80, 2))
    model = lc.LocalPolynomialRegressor(kernel, degree=degree, guard=False)
    found = model.fit(x, y).loo_residuals_
    for i in (0, 13, 40, 79):
        rest = np.delete(np.arange(80), i)
        alone = lc.LocalPolynomialRegressor(kernel, degree=degree, guard=False).fit(x[rest], y[rest])
        np.testing.assert_allclose(found[i], y[i] - alone.predict(x[[i]])[0], rtol=1e-7, atol=1e-9)


def test_constant_weights_say_nothing():
    x, y, _ = wavy(120)
    plain = lc.LocalPolynomialRegressor().fit(x, y)
    weighted = lc.LocalPolynomialRegressor().fit(x, y, sample_weight=np.full(120, 4.0))
    assert plain.kernel_ == weighted.kernel_
    tried = [[t[1].partition("(")[2][:3] for t in m._prepared.made.tried] for m in (plain, weighted)]
    assert tried[0] == tried[1] and "knn" in tried[0]


@pytest.mark.parametrize("kernel", ["tricube(h=2.5)", "gaussian(h=0.02)", "boxcar(h=1.5)"])
def test_residuals_without_a_sample_that_is_alone_are_those_of_a_refit(kernel):
    """Leverage 1: no shortcut, and no infinity."""
    x = np.r_[np.arange(8.0), 100.0][:, None]
    y = np.r_[np.sin(np.arange(8.0)), 9.0]
    model = lc.LocalPolynomialRegressor(kernel).fit(x, y)
    assert model.leverage_[-1] > 1.0 - 1e-12
    off = model.loo_residuals_
    assert np.isfinite(off).all()
    alone = model.leverage_ > 1.0 - 1e-12
    np.testing.assert_array_equal(off[alone], (y - model.loo_predict())[alone])
    for i in np.flatnonzero(alone):
        rest = np.arange(9) != i
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = lc.LocalPolynomialRegressor(kernel).fit(x[rest], y[rest]).predict(x[[i]])
        np.testing.assert_allclose(y[i] - off[i], again[0], rtol=1e-9)
    both = lc.LocalPolynomialRegressor(kernel).fit(x, np.column_stack([y, 2.0 * y]))
    np.testing.assert_allclose(both.loo_residuals_, np.column_stack([off, 2.0 * off]), rtol=1e-9)


def test_weights_say_how_reliable_a_row_is_not_how_many_there_are():
    """A row of weight 2 is fitted as the same row twice is, but is one sample where evidence is counted."""
    rng = np.random.default_rng(8)
    x = rng.uniform(0.0, 6.0, size=(80, 1))
    y = np.sin(x[:, 0]) + 0.1 * rng.normal(size=80)
    times = rng.integers(1, 4, size=80)
    many, at = np.repeat(np.arange(80), times), np.linspace(0.2, 5.8, 30)[:, None]
    for kernel, guard in [("gaussian(h=0.4)", False), ("gaussian(h=0.2)", False), ("gaussian(h=0.4)", True)]:
        weighted = lc.LocalPolynomialRegressor(kernel, guard=guard).fit(x, y, times)
        repeated = lc.LocalPolynomialRegressor(kernel, guard=guard).fit(x[many], y[many])
        where = ~(weighted.thin(at) | repeated.thin(at)) if guard else np.isfinite(at[:, 0])
        assert where.sum() > 20
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_allclose(weighted.predict(at)[where], repeated.predict(at)[where], rtol=1e-6, atol=1e-8)
    # Two rows are as many samples as a line has coefficients, whatever they weigh; each of them thrice is enough.
    two, y2 = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])
    reliable = lc.LocalPolynomialRegressor("gaussian(h=10)").fit(two, y2, [3.0, 3.0])
    often = lc.LocalPolynomialRegressor("gaussian(h=10)").fit(np.repeat(two, 3, axis=0), np.repeat(y2, 3))
    assert reliable.thin([[0.0]])[0] and not often.thin([[0.0]])[0]
