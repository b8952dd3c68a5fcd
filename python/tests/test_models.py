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
