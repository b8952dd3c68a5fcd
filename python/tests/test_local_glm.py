"""Local generalized linear models, and any estimator made local."""

from __future__ import annotations

import math
import warnings
import pickle

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import cross_val_score


def moons(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    p = 1.0 / (1.0 + np.exp(-4.0 * (x[:, 1] - np.sin(2.0 * x[:, 0]))))
    return x, np.where(rng.uniform(size=n) < p, "up", "down"), p


def test_local_logistic_regression_is_scikit_learns_under_kernel_weights():
    x, y, _ = moons(300)
    targets = moons(8, seed=1)[0]
    c = np.random.default_rng(2).uniform(0.3, 1.0, size=300)
    for C in (1.0, 30.0):
        model = lc.LocalLogisticRegression(C, bandwidth=0.8).fit(x, y, sample_weight=c)
        for i, t in enumerate(targets):
            w = c * np.exp(-0.5 * ((x - t) ** 2).sum(1) / 0.8**2)
            peer = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(x, y, sample_weight=w)
            np.testing.assert_allclose(model.predict_proba(targets)[i], peer.predict_proba(t[None])[0], atol=1e-5)


def test_local_poisson_regression_is_scikit_learns_under_kernel_weights():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 2))
    y = rng.poisson(np.exp(0.5 * x[:, 0] + np.sin(x[:, 1])))
    t = np.array([[0.3, -0.4]])
    w = np.exp(-0.5 * ((x - t) ** 2).sum(1) / 0.7**2)
    model = lc.LocalGLMRegressor("poisson", bandwidth=0.7, alpha=0.5).fit(x, y)
    # Its loss is divided by the sum of the weights.
    peer = PoissonRegressor(alpha=0.5 / w.sum(), tol=1e-10, max_iter=10000).fit(x, y, sample_weight=w)
    np.testing.assert_allclose(model.predict(t), peer.predict(t), rtol=1e-4)
    np.testing.assert_allclose(model.slopes(t)[0], peer.coef_, atol=1e-4)


def test_localizing_lifts_accuracy():
    x, y, p = moons(800)
    fresh, truth, _ = moons(2000, seed=9)
    local = lc.LocalLogisticRegression().fit(x, y)
    line = LogisticRegression().fit(x, y)
    best = np.mean(np.where(moons(2000, seed=9)[2] > 0.5, "up", "down") == truth)
    assert local.score(fresh, truth) > line.score(fresh, truth) + 0.05
    assert local.score(fresh, truth) > best - 0.02
    shares = local.predict_proba(fresh)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_three_classes_on_a_real_table():
    x, y = load_iris(return_X_y=True)
    assert cross_val_score(lc.LocalLogisticRegression(), x, y, cv=5).mean() > 0.94


def test_families_refuse_what_they_cannot_explain():
    x = np.arange(6.0)[:, None]
    for family, y, message in (
        ("poisson", -np.ones(6), "-1 in row 0"),
        ("gamma", np.zeros(6), "0 in row 0"),
        ("binomial", np.full(6, 2.0), "2 in row 0"),
        ("normal", np.ones(6), "family 'normal' is none of"),
    ):
        with pytest.raises(ValueError, match=message):
            lc.LocalGLMRegressor(family, bandwidth=1.0).fit(x, y)
    with pytest.raises(ValueError, match="C=0"):
        lc.LocalLogisticRegression(0.0, bandwidth=1.0).fit(x, [0, 0, 0, 1, 1, 1])


def test_loaded_models_predict_the_same_bits():
    x, y, _ = moons(100)
    for model in (lc.LocalLogisticRegression(), lc.LocalLogisticRegression(bandwidth=0.7)):
        model.fit(x, y)
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))


def test_any_estimator_is_fitted_under_kernel_weights():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(120, 2))
    y = np.sin(2.0 * x[:, 0]) + 0.1 * rng.normal(size=120)
    c = rng.uniform(0.5, 1.0, size=120)
    model = lc.Localized(Ridge(alpha=0.1), bandwidth=0.5, least_weight=0.0).fit(x, y, sample_weight=c)
    for t in x[:5]:
        w = c * np.exp(-0.5 * ((x - t) ** 2).sum(1) / 0.5**2)
        peer = Ridge(alpha=0.1).fit(x, y, sample_weight=w)
        np.testing.assert_allclose(model.predict(t[None]), peer.predict(t[None]), rtol=1e-9)


def test_localized_and_built_in_logistic_regression_agree():
    x, y, _ = moons(200)
    targets = moons(20, seed=5)[0]
    outer = lc.Localized(LogisticRegression(tol=1e-10, max_iter=1000), bandwidth=0.8, least_weight=0.0).fit(x, y)
    inner = lc.LocalLogisticRegression(bandwidth=0.8).fit(x, y)
    np.testing.assert_allclose(outer.predict_proba(targets), inner.predict_proba(targets), atol=1e-4)


def test_where_nothing_weighs_the_nearest_sample_answers_and_says_so():
    x, y, _ = moons(50)
    model = lc.Localized(LogisticRegression(), "epanechnikov", bandwidth=0.5).fit(x, y)
    far = np.array([[30.0, 30.0]])
    with pytest.warns(UserWarning, match="1 of 1 targets"):
        found = model.predict(far)
    assert found[0] == y[np.argmin(((x - far) ** 2).sum(1))]
    assert model.thin(far).tolist() == [True]


def test_kernel_and_estimator_may_see_different_columns():
    rng = np.random.default_rng(6)
    place, z = rng.uniform(0.0, 10.0, size=300), rng.normal(size=300)
    # The slope of z changes from place to place.
    y = np.sin(place) * z
    x = np.column_stack([place, z])
    model = lc.Localized(Ridge(alpha=1e-6), "gaussian(h=0.3, cols=0)", columns=[1]).fit(x, y)
    assert model.score(x, y) > 0.95


def test_multinomial_is_scikit_learns_where_the_kernel_is_wide() -> None:
    from sklearn.datasets import load_wine
    from sklearn.linear_model import LogisticRegression

    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    other = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y)
    for guard in (True, False):
        model = lc.LocalLogisticRegression(kernel="gaussian(h=1e6)", multi_class="multinomial", guard=guard).fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            off = np.abs(model.predict_proba(X) - other.predict_proba(X)).max(axis=1)
        # One wine is so far out that a guarded line does not reach it.
        far = model.thin(X) if guard else np.zeros(len(X), dtype=bool)
        assert far.sum() == (1 if guard else 0)
        assert off[~far].max() < 1e-5
    near = lc.LocalLogisticRegression(kernel="gaussian(h=3)", multi_class="multinomial", guard=False).fit(X, y)
    weights = np.exp(-0.5 * ((X - X[7]) ** 2).sum(1) / 9)
    other = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=weights)
    assert np.abs(near.predict_proba(X[7:8]) - other.predict_proba(X[7:8])).max() < 1e-5
    with pytest.raises(ValueError, match="multi_class='many' must be 'ovr' or 'multinomial'"):
        lc.LocalLogisticRegression(multi_class="many").fit(X, y)


LINKS = {
    # Mean, its derivative and the variance, by the linear predictor and the mean.
    ("poisson", "identity"): (lambda e: e, lambda e, m: np.ones_like(e), lambda m: m),
    ("negative_binomial", "identity"): (lambda e: e, lambda e, m: np.ones_like(e), lambda m: m + m**2),
    ("gamma", "identity"): (lambda e: e, lambda e, m: np.ones_like(e), lambda m: m**2),
    ("gamma", "inverse"): (lambda e: 1.0 / e, lambda e, m: -(m**2), lambda m: m**2),
    ("binomial", "probit"): (
        lambda e: np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in e]),
        lambda e, m: np.exp(-0.5 * e**2) / math.sqrt(2.0 * math.pi),
        lambda m: m * (1.0 - m),
    ),
}


@pytest.mark.parametrize(("family", "link"), LINKS)
@pytest.mark.parametrize("guard", [False, True])
def test_links_satisfy_the_likelihood_equations(family, link, guard):
    rng = np.random.default_rng(11)
    x = rng.uniform(-1.0, 1.0, size=(300, 2))
    base = 3.0 + x[:, 0] - 0.5 * x[:, 1]
    y = {"gamma": base * rng.gamma(4.0, 0.25, 300), "binomial": (base > rng.normal(3.0, 1.0, 300)).astype(float)}.get(
        family, rng.poisson(base).astype(float)
    )
    model = lc.LocalGLMRegressor(family, bandwidth=0.8, alpha=0.0, link=link, guard=guard).fit(x, y)
    mean_of, derivative, variance = LINKS[family, link]
    at = np.array([[0.0, 0.0], [0.4, -0.3]])
    means, slopes = model.predict(at), model.slopes(at)
    for t, mean, slope in zip(at, means, slopes, strict=True):
        # The predictor at the target, by bisection of its mean.
        low, high = (1e-3, 50.0) if link != "probit" else (-8.0, 8.0)
        for _ in range(80):
            middle = 0.5 * (low + high)
            above = mean_of(np.array([middle]))[0] > mean
            low, high = (low, middle) if above == (link != "inverse") else (middle, high)
        eta = low + (x - t) @ slope
        fitted = mean_of(eta)
        pull = np.exp(-0.5 * ((x - t) ** 2).sum(1) / 0.64) * derivative(eta, fitted) * (fitted - y) / variance(fitted)
        scores = np.array([pull.sum(), *(pull @ (x - t))])
        np.testing.assert_allclose(scores, 0.0, atol=2e-3 if not guard else 5e-2)
    assert (model.predict(100.0 * x) > 0.0).all() or not guard


def test_links_that_a_family_has_not_are_named():
    for family, link, message in [("poisson", "probit", "log, identity"), ("binomial", "log", "logit, probit"), ("gamma", "cloglog", "none of")]:
        with pytest.raises(ValueError, match=message):
            lc.LocalGLMRegressor(family, link=link).fit([[0.0], [1.0], [2.0]], [1.0, 1.0, 1.0])


def test_several_targets_have_a_model_each():
    rng = np.random.default_rng(12)
    x = rng.uniform(size=(60, 2))
    y = np.column_stack([np.exp(x[:, 0]), 1.0 + x[:, 1] ** 2])
    at = x[:5] + 0.01
    for model in [
        lc.LocalGLMRegressor("gamma", bandwidth=0.3),
        lc.LocalQuantileRegressor(bandwidth=0.3),
        lc.LocalQuantileRegressor([0.2, 0.8], bandwidth=0.3),
        lc.LocalModeRegressor(bandwidth=0.3, response_bandwidth=0.2),
    ]:
        found = model.fit(x, y).predict(at)
        each = [type(model)(**model.get_params()).fit(x, y[:, c]) for c in (0, 1)]
        np.testing.assert_array_equal(found, np.stack([one.predict(at) for one in each], axis=1))
        np.testing.assert_array_equal(model.loo_predict(), np.stack([one.loo_predict() for one in each], axis=1))
        with pytest.raises(TypeError, match="several targets cannot be saved"):
            lc.save(model, "nowhere.loc")
        # One target again leaves nothing of the others.
        np.testing.assert_array_equal(model.fit(x, y[:, 0]).predict(at), each[0].predict(at))


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_counts_under_the_identity_reach_the_constrained_optimum(family):
    """By sequential quadratic programming from the local mean, with means that must not be negative at any sample."""
    optimize = pytest.importorskip("scipy.optimize")
    rng, n, theta, h = np.random.default_rng(0), 200, 2.0, 0.6
    x = rng.uniform(-1.0, 1.0, size=(n, 2))
    y = rng.poisson(np.maximum(0.0, 2.0 * x[:, 0] + 0.3 * x[:, 1])).astype(float)
    model = lc.LocalGLMRegressor(family, bandwidth=h, theta=theta, alpha=0.0, link="identity", guard=False).fit(x, y)
    values, slopes = model.predict(x[:25]), model.slopes(x[:25])
    at_border = 0
    for q, value, slope in zip(x[:25], values, slopes, strict=True):
        w = np.exp(-0.5 * ((x - q) ** 2).sum(axis=1) / h**2)
        a = np.column_stack([np.ones(n), x - q])

        def loss(b, a=a, w=w):
            mean = np.maximum(a @ b, 0.0)
            log = np.where(y > 0.0, y * np.log(np.maximum(mean, 1e-300)), 0.0)
            rest = mean if family == "poisson" else (y + theta) * np.log(theta + mean)
            return w @ (rest - log)

        own = np.array([value, *slope])
        assert (a @ own).min() > -1e-9
        at_border += (a @ own).min() < 1e-6
        start = [np.average(y, weights=w), 0.0, 0.0]
        bounds = [{"type": "ineq", "fun": lambda b, a=a: a @ b}]
        best = optimize.minimize(loss, start, constraints=bounds, method="SLSQP", options={"maxiter": 2000, "ftol": 1e-13})
        assert loss(own) <= best.fun + 1e-7
        if family == "poisson" and best.success and best.fun <= loss(own) + 1e-9:
            np.testing.assert_allclose(own, best.x, atol=1e-3)
    assert at_border > 10


def test_means_under_the_identity_are_not_negative():
    x = np.linspace(0.0, 1.0, 60)
    y = np.floor(6.0 * x) * (x > 0.3)
    model = lc.LocalGLMRegressor("poisson", "gaussian(h=0.2)", link="identity", guard=False).fit(x[:, None], y)
    assert (model.predict([[-2.0], [0.0], [0.05], [0.4]]) >= 0.0).all()
    alone = lc.LocalGLMRegressor("poisson", "gaussian(h=0.2)", link="identity", guard=False)
    loo = model.loo_predict()
    for i in (0, 17, 40):
        rest = np.delete(np.arange(60), i)
        np.testing.assert_allclose(loo[i], alone.fit(x[rest, None], y[rest]).predict(x[[i], None])[0], atol=1e-6)


@pytest.mark.parametrize("multi_class", ["ovr", "multinomial"])
@pytest.mark.parametrize("k", [2, 3])
def test_slopes_of_classes_are_derivatives_of_their_log_odds(k, multi_class):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 2)) * [1.0, 10.0]
    y = np.digitize(x[:, 0] + 0.1 * x[:, 1] + rng.normal(size=200), [0.0] if k == 2 else [-0.7, 0.7])
    model = lc.LocalLogisticRegression(1e6, bandwidth=1e6, multi_class=multi_class).fit(x, y)
    at = np.array([[0.2, 1.0]])
    slopes = model.slopes(at)
    assert slopes.shape == ((1, 2) if k == 2 else (1, 3, 2))
    if k == 3 and multi_class == "ovr":
        return
    # Under so wide a kernel one model holds everywhere: slopes are differences of log-odds.
    for c, step in enumerate((1e-4, 1e-3)):
        moved = at.copy()
        moved[0, c] += step
        change = np.log(model.predict_proba(moved)) - np.log(model.predict_proba(at))
        own = slopes[0, c] if k == 2 else slopes[0, 2, c] - slopes[0, 0, c]
        np.testing.assert_allclose((change[0, -1] - change[0, 0]) / step, own, rtol=1e-4)
