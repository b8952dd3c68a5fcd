"""Local quantiles and local discriminant analysis, and bandwidths that differ by column."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB

WIDE = 1e6


def test_wide_kernels_give_scikit_learns_discriminant_analysis():
    x, y = load_wine(return_X_y=True)
    x = x[:, :4]
    for method, peer in (
        ("lda", LinearDiscriminantAnalysis(solver="lsqr")),
        ("qda", QuadraticDiscriminantAnalysis()),
        ("naive-bayes", GaussianNB()),
    ):
        ours = lc.LocalDiscriminantAnalysis(method, bandwidth=WIDE, shrinkage=0.0).fit(x, y).predict_proba(x)
        theirs = peer.fit(x, y).predict_proba(x)
        # Theirs divides by n - 1 for the covariances of quadratic discriminants.
        np.testing.assert_allclose(ours, theirs, atol=0.02 if method == "qda" else 1e-5)


def test_local_discriminants_follow_bent_boundaries():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    y = np.where(x[:, 0] * x[:, 1] > 0.0, "same", "apart")
    for method in ("lda", "qda", "naive-bayes"):
        assert cross_val_score(lc.LocalDiscriminantAnalysis(method), x, y, cv=5).mean() > 0.92
    assert cross_val_score(LinearDiscriminantAnalysis(), x, y, cv=5).mean() < 0.6
    x, y = load_iris(return_X_y=True)
    assert cross_val_score(lc.LocalDiscriminantAnalysis(), x, y, cv=5).mean() > 0.95


def test_quantiles_hold_their_share_where_the_noise_changes():
    rng = np.random.default_rng(1)
    x = rng.uniform(0.0, 1.0, (4000, 1))
    y = (0.1 + x[:, 0]) * rng.standard_normal(4000)
    for degree in (0, 1):
        model = lc.LocalQuantileRegressor([0.1, 0.9], bandwidth=0.05, degree=degree).fit(x[:3000], y[:3000])
        low, high = model.predict(x[3000:]).T
        for part in (x[3000:, 0] < 0.5, x[3000:, 0] >= 0.5):
            inside = ((low <= y[3000:]) & (y[3000:] <= high))[part]
            assert abs(inside.mean() - 0.8) < 0.05, (degree, inside.mean())
        # Normal quantiles at the middle.
        np.testing.assert_allclose(model.predict([[0.5]]), [[-0.769, 0.769]], atol=0.12)


def test_the_median_is_numpys_where_all_weigh_the_same():
    rng = np.random.default_rng(2)
    y = rng.normal(size=20)
    model = lc.LocalQuantileRegressor(kernel="boxcar(h=1)").fit(np.zeros((20, 1)), y)
    np.testing.assert_allclose(model.predict([[0.0]]), [np.median(y)])
    weights = np.r_[np.zeros(10), np.ones(10)]
    model.fit(np.zeros((20, 1)), y, sample_weight=weights)
    np.testing.assert_allclose(model.predict([[0.0]]), [np.median(y[10:])])


def test_modes_keep_to_the_branches_of_the_noise():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1.0, 1.0, (1500, 1))
    side = np.where(rng.uniform(size=1500) < 0.7, 1.0, -1.0)
    y = side * (1.0 + x[:, 0]) + 0.05 * rng.standard_normal(1500)
    model = lc.LocalModeRegressor(bandwidth=0.1).fit(x, y)
    at = np.array([[-0.2], [0.5], [0.9]])
    np.testing.assert_allclose(model.predict(at), 1.0 + at[:, 0], atol=0.1)
    assert 0.01 < model.response_bandwidth_ < 0.2
    for place, (modes, densities) in zip(at[:, 0], model.modes(at), strict=True):
        assert (np.diff(densities) <= 0).all()
        assert np.abs(modes + 1.0 + place).min() < 0.1, (place, modes)
    # The conditional density by its formula.
    modes, densities = model.modes(at)[1]
    w = np.exp(-0.5 * (((x[:, 0] - 0.5) / model.scales_[0]) / 0.1) ** 2)
    b = model.response_bandwidth_
    each = np.exp(-0.5 * ((modes[:, None] - y) / b) ** 2) / (b * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(densities, (each * w).sum(1) / w.sum(), rtol=1e-9)


def test_columns_that_say_nothing_stop_counting():
    rng = np.random.default_rng(3)
    x = rng.uniform(-1.0, 1.0, (500, 6))
    y = np.sin(4.0 * x[:, 0]) + 0.1 * rng.standard_normal(500)
    fresh = rng.uniform(-1.0, 1.0, (500, 6))
    error = {}
    for bandwidth in ("fixed", "auto", "per-column"):
        model = lc.LocalPolynomialRegressor(bandwidth=bandwidth).fit(x, y)
        error[bandwidth] = np.mean((model.predict(fresh) - np.sin(4.0 * fresh[:, 0])) ** 2)
    assert error["auto"] < 0.2 * error["fixed"]
    assert error["per-column"] == error["auto"]
    relevance = 1.0 / model.scales_
    assert relevance[0] > 5.0 * relevance[1:].max()
    labels = np.where(np.sin(4.0 * x[:, 0]) > 0.0, "up", "down")
    classifier = lc.LocalLogisticRegression().fit(x, labels)
    assert np.mean(classifier.predict(fresh) == np.where(np.sin(4.0 * fresh[:, 0]) > 0.0, "up", "down")) > 0.93


def test_learned_widths_do_no_harm_on_a_real_table_and_survive_pickling():
    x, y = load_diabetes(return_X_y=True)
    scores = {
        bandwidth: cross_val_score(lc.LocalPolynomialRegressor(bandwidth=bandwidth), x, y, cv=5).mean()
        for bandwidth in ("fixed", "auto")
    }
    assert scores["auto"] > scores["fixed"] - 0.01
    for model in (
        lc.LocalPolynomialRegressor(bandwidth="per-column"),
        lc.LocalLogisticRegression(bandwidth="per-column"),
        lc.LocalQuantileRegressor(),
    ):
        target = y > 140 if isinstance(model, lc.LocalLogisticRegression) else y
        model.fit(x, target)
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lc.LocalQuantileRegressor(1.5, bandwidth=1.0), "level=1.5"),
        (lc.LocalQuantileRegressor(bandwidth="widest"), "widest"),
        (lc.LocalModeRegressor(bandwidth=1.0, response_bandwidth=0.0), "response_bandwidth=0"),
        (lc.LocalDiscriminantAnalysis("quadratic", bandwidth=1.0), "'quadratic' is none of lda"),
        (lc.LocalDiscriminantAnalysis(bandwidth=1.0, shrinkage=2.0), "shrinkage=2"),
        (lc.LocalLogisticRegression(bandwidth="widest"), "bandwidth='widest' must be a number or one of"),
    ],
)
def test_bad_parameters_are_named(model, message):
    x = np.arange(6.0)[:, None]
    with pytest.raises(ValueError, match=message):
        model.fit(x, [0, 0, 0, 1, 1, 1])


def test_a_word_is_no_bandwidth_of_the_responses():
    with pytest.raises(TypeError, match="response_bandwidth must be a number, not 'wide'"):
        lc.LocalModeRegressor(bandwidth=1.0, response_bandwidth="wide").fit(np.arange(6.0)[:, None], np.arange(6.0))


def uneven(n, seed):
    """Noise that grows to the right."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.0, 6.0, size=(n, 1))
    deviation = 0.1 + 0.1 * x[:, 0]
    return x, np.sin(x[:, 0]) + deviation * rng.normal(size=n), deviation


def test_local_normal_distributions_are_weighted_moments():
    x, y, _ = uneven(200, 0)
    c = np.random.default_rng(1).uniform(0.2, 1.0, 200)
    model = lc.LocalGaussianRegressor(bandwidth=0.4).fit(x, y, sample_weight=c)
    for t, mean, std in zip([1.0, 5.0], *model.predict([[1.0], [5.0]], return_std=True), strict=True):
        w = c * np.exp(-0.5 * ((x[:, 0] - t) / 0.4) ** 2)
        n = w.sum() ** 2 / (w**2).sum()
        own = np.average(y, weights=w)
        variance = np.average((y - own) ** 2, weights=w) * n / (n - 1.0) * (1.0 + 1.0 / n)
        np.testing.assert_allclose([mean, std], [own, np.sqrt(variance)], rtol=1e-9)


def test_local_normal_distributions_follow_the_noise():
    x, y, _ = uneven(1500, 2)
    at, fresh, deviation = uneven(4000, 3)
    model = lc.LocalGaussianRegressor().fit(x, y)
    for level in (0.5, 0.9):
        _, lower, upper = model.predict_interval(at, level)
        inside = (lower <= fresh) & (fresh <= upper)
        for some in (at[:, 0] < 2.0, at[:, 0] > 4.0):
            # The slope inside the kernel's width counts as noise, and the width is one for both halves.
            assert abs(inside[some].mean() - level) < 0.08
    mean, std = model.predict(at, return_std=True)
    assert abs(np.log(std / deviation)).mean() < 0.15
    told = model.log_density(at, fresh)
    np.testing.assert_allclose(told, -0.5 * ((fresh - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2.0 * np.pi), rtol=1e-12)
    drawn = model.sample_y(at[:50], 4000, random_state=1)
    assert drawn.shape == (50, 4000)
    np.testing.assert_allclose(drawn.mean(axis=1), mean[:50], atol=0.06)
    np.testing.assert_allclose(drawn.std(axis=1), std[:50], rtol=0.06)
    np.testing.assert_array_equal(drawn, model.sample_y(at[:50], 4000, random_state=1))
    # A single sample tells no variance: that of all answers.
    alone = lc.LocalGaussianRegressor(bandwidth=1e-4).fit(x[:30], y[:30])
    np.testing.assert_allclose(alone.predict(x[:1], return_std=True)[1], y[:30].std() * np.sqrt(1.5), rtol=1e-6)
    both = lc.LocalGaussianRegressor(bandwidth=0.5).fit(x, np.column_stack([y, -y]))
    np.testing.assert_allclose(*(m[:, 0] for m in (both.predict(at), -both.predict(at)[:, ::-1])), rtol=1e-9)
    with pytest.raises(ValueError, match="level=1"):
        model.predict_interval(at, 1.0)


@pytest.mark.parametrize(
    "model",
    [
        lc.LocalMeanRegressor(bandwidth=0.5),
        lc.LocalGLMRegressor("gamma", bandwidth=0.5),
        lc.LocalLogisticRegression(bandwidth=0.5),
        lc.LocalQuantileRegressor(bandwidth=0.5),
        lc.LocalModeRegressor(bandwidth=0.5),
        lc.LocalGaussianRegressor(bandwidth=0.5),
        lc.LocalDiscriminantAnalysis(bandwidth=0.5),
    ],
    ids=lambda m: type(m).__name__,
)
def test_every_local_model_names_the_samples_behind_it(model):
    x, y, _ = uneven(100, 4)
    c = np.random.default_rng(5).uniform(0.5, 1.0, 100)
    target = y > 0.5 if hasattr(model, "predict_proba") else np.exp(y)
    found = model.fit(x, target, sample_weight=c).explain([[2.0]], 3)
    w = c * np.exp(-0.5 * ((x[:, 0] - 2.0) / 0.5) ** 2)
    order = np.argsort(-w)[:3]
    np.testing.assert_array_equal(found.indices[0], order)
    np.testing.assert_allclose(found.weights[0], w[order] / w.sum(), rtol=1e-9)


def test_shares_of_discriminants_without_each_row():
    x, y = load_iris(return_X_y=True)
    model = lc.LocalDiscriminantAnalysis(bandwidth=2.0).fit(x, y)
    shares = model.loo_predict_proba()
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.loo_predict())
    for i in (0, 70, 149):
        rest = np.delete(np.arange(150), i)
        alone = lc.LocalDiscriminantAnalysis(bandwidth=2.0).fit(x[rest], y[rest])
        np.testing.assert_allclose(shares[i], alone.predict_proba(x[[i]])[0], atol=1e-9)


@pytest.mark.parametrize("columns", [1, 3])
def test_rows_that_are_all_alike_have_the_shares_of_the_classes(columns):
    x = np.full((10, columns), 2.5)
    model = lc.KernelClassifier().fit(x, ["a"] * 7 + ["b"] * 3)
    for at in (x[:2], x[:2] + 4.0):
        np.testing.assert_allclose(model.predict_proba(at), [[0.7, 0.3]] * 2)
    assert model.predict(x[:1])[0] == "a"
    weighted = lc.KernelClassifier().fit(x, ["a"] * 7 + ["b"] * 3, np.r_[np.ones(7), np.full(3, 7.0)])
    np.testing.assert_allclose(weighted.predict_proba(x[:1]), [[0.25, 0.75]])
