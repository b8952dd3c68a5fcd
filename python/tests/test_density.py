"""Kernel densities and the kernel classifier: scikit-learn's and SciPy's results, plain loops, and errors."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity


@pytest.mark.parametrize("kernel", ["gaussian", "tophat", "epanechnikov", "exponential", "linear", "cosine"])
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_scikit_learns_densities(kernel, d, weighted):
    rng = np.random.default_rng(d)
    x, q = rng.normal(size=(300, d)), rng.normal(size=(60, d))
    c = rng.uniform(size=300) if weighted else None
    for h in (0.3, 1.7):
        ours = lc.KernelDensity(h, kernel=kernel).fit(x, sample_weight=c).score_samples(q)
        theirs = KernelDensity(bandwidth=h, kernel=kernel).fit(x, sample_weight=c).score_samples(q)
        if kernel == "cosine" and d == 2:
            # The integral of r cos(pi r / 2) is 2 / pi - 4 / pi^2; scikit-learn's series for even d leaves out its last term.
            theirs = theirs + np.log(2 / np.pi) - np.log(2 / np.pi - 4 / np.pi**2)
        # scikit-learn's tree subtracts bounds of its sums, which leaves some 1e-13 where nothing is.
        np.testing.assert_allclose(np.exp(ours), np.exp(theirs), rtol=1e-10, atol=1e-12)
    assert np.exp(ours).max() > 1e-5


def test_scipys_densities_of_full_covariance():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3))
    q, c = x[:40] + 0.1, rng.uniform(size=200)
    peer = stats.gaussian_kde(x.T, weights=c)
    root = np.linalg.inv(np.linalg.cholesky(peer.covariance))
    text = ", ".join(f"[{', '.join(map(repr, map(float, row)))}]" for row in root)
    model = lc.KernelDensity(kernel=f"gaussian(h=1, metric=mahalanobis, map=[{text}])").fit(x, sample_weight=c)
    np.testing.assert_allclose(model.score_samples(q), peer.logpdf(q.T), rtol=0, atol=1e-10)


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_scipys_rules_on_one_column(rule):
    rng = np.random.default_rng(8)
    x, c = rng.gamma(2.0, size=(150, 1)), rng.uniform(size=150)
    for weights in (None, c):
        peer = stats.gaussian_kde(x[:, 0], bw_method=rule, weights=weights)
        model = lc.KernelDensity(rule).fit(x, sample_weight=weights)
        assert model.bandwidth_ == pytest.approx(float(np.sqrt(peer.covariance[0, 0])), rel=1e-12)
        np.testing.assert_allclose(model.score_samples(x), peer.logpdf(x[:, 0]), atol=1e-10)


def test_scikit_learns_rules_on_standardised_columns():
    x = np.random.default_rng(9).normal(size=(120, 3))
    x = (x - x.mean(0)) / x.std(0, ddof=1)
    for rule in ("scott", "silverman"):
        theirs = KernelDensity(bandwidth=rule).fit(x)
        np.testing.assert_allclose(lc.KernelDensity(rule).fit(x).bandwidth_, theirs.bandwidth_, rtol=1e-12)


def test_plug_in_finds_two_modes_and_beats_the_rule():
    rng = np.random.default_rng(10)
    x = np.concatenate([rng.normal(0, 0.1, 500), rng.normal(5, 1, 500)])[:, None]
    test = np.concatenate([rng.normal(0, 0.1, 500), rng.normal(5, 1, 500)])[:, None]
    scores = {rule: lc.KernelDensity(rule).fit(x).score(test) for rule in ("silverman", "isj", "likelihood")}
    assert scores["isj"] > scores["silverman"] + 100
    assert scores["likelihood"] > scores["silverman"] + 100


def test_tolerances_are_kept():
    rng = np.random.default_rng(11)
    x, q = rng.normal(size=(5000, 2)), rng.normal(size=(300, 2))
    exact = np.exp(lc.KernelDensity(0.2).fit(x).score_samples(q))
    for atol, rtol in ((0, 1e-2), (0, 1e-6), (1e-4, 0), (1e-6, 1e-4)):
        rough = np.exp(lc.KernelDensity(0.2, atol=atol, rtol=rtol).fit(x).score_samples(q))
        assert (np.abs(rough - exact) <= atol + rtol * exact + 1e-13).all()


def test_draws_gradient_and_leave_one_out():
    rng = np.random.default_rng(12)
    x = rng.normal(size=(80, 2))
    model = lc.KernelDensity([0.4, 0.8], kernel="epanechnikov").fit(x)
    draws = model.sample(2000, random_state=3)
    assert draws.shape == (2000, 2) and np.isfinite(model.score_samples(draws)).all()
    np.testing.assert_array_equal(draws, model.sample(2000, random_state=3))
    assert not (draws == model.sample(2000, random_state=np.random.RandomState(3))).all()
    # Each coordinate of an Epanechnikov kernel in the plane has the variance h^2 / 6.
    expected = x.var(0) + np.array([0.4, 0.8]) ** 2 / 6
    np.testing.assert_allclose(draws.var(0), expected, rtol=0.15)
    smooth = lc.KernelDensity(0.5).fit(x)
    means = lc.local_mean(x, x, x, kernel="gaussian(h=0.5)")
    np.testing.assert_allclose(smooth.score_function(x), (means - x) / 0.25, atol=1e-10)
    loo = smooth.leave_one_out()
    for i in (0, 17, 79):
        rest = np.delete(x, i, axis=0)
        assert loo[i] == pytest.approx(lc.KernelDensity(0.5).fit(rest).score_samples(x[i : i + 1])[0], abs=1e-11)


def test_the_globe():
    rng = np.random.default_rng(13)
    places = np.column_stack([rng.uniform(50, 54, 100), rng.uniform(-2, 8, 100)])
    model = lc.KernelDensity(60, metric="haversine_km").fit(places)
    # Near the ground a degree of longitude is cos(latitude) degrees wide: the plane's density, within the curvature.
    at = np.array([[52.0, 3.0]])
    flat = (places - at) * 111.195 * np.array([1.0, np.cos(np.radians(52.0))])
    plane = np.exp(-0.5 * (flat**2).sum(1) / 3600).mean() / (2 * np.pi * 3600)
    assert np.exp(model.score_samples(at))[0] == pytest.approx(plane, rel=0.02)


def test_a_density_is_an_estimator():
    x = np.random.default_rng(14).normal(size=(90, 2)).astype(np.float32)
    search = GridSearchCV(lc.KernelDensity(), {"bandwidth": [0.05, 0.4, 5.0], "kernel": ["gaussian", "laplace"]}).fit(x)
    assert search.best_params_["bandwidth"] == 0.4
    for model in (lc.KernelDensity("auto", adaptive=0.5).fit(x), lc.KernelDensity([0.2, 0.3], kernel="cosine").fit(x)):
        loaded = pickle.loads(pickle.dumps(model))
        assert model.score_samples(x).dtype == np.float32
        np.testing.assert_array_equal(loaded.score_samples(x), model.score_samples(x))
        assert clone(model).get_params() == model.get_params()
    assert lc.KernelDensity("auto").fit(x).bandwidth_.shape == (2,)


@pytest.mark.parametrize(
    ("make", "say"),
    [
        (lambda: lc.KernelDensity(-1.0), "bandwidth=-1"),
        (lambda: lc.KernelDensity("scot"), "did you mean 'scott'"),
        (lambda: lc.KernelDensity([1.0]), "1 numbers"),
        (lambda: lc.KernelDensity("isj"), "one column"),
        (lambda: lc.KernelDensity(kernel="gausian"), "did you mean 'gaussian'"),
        (lambda: lc.KernelDensity(kernel="cauchy"), "too slowly"),
        (lambda: lc.KernelDensity(metric="cosine"), "metric=cosine"),
        (lambda: lc.KernelDensity(rtol=-1), "rtol=-1"),
        (lambda: lc.KernelDensity(kernel="gaussian(h=1)", metric="manhattan"), "write it into"),
        (lambda: lc.KernelClassifier(bandwidth=0.0), "bandwidth=0"),
        (lambda: lc.KernelClassifier(priors="equal"), "priors='equal'"),
        (lambda: lc.KernelClassifier(priors=[1.0]), "1 entries"),
    ],
)
def test_mistakes_are_named(make, say):
    x = np.random.default_rng(15).normal(size=(20, 2))
    with pytest.raises(ValueError, match=say):
        make().fit(x, np.arange(20) % 2)


def test_a_classifier_is_the_local_mean_of_its_classes():
    rng = np.random.default_rng(16)
    x, q = rng.normal(size=(100, 2)), rng.normal(size=(30, 2))
    y = np.where(x[:, 0] + 0.3 * rng.normal(size=100) > 0, "right", "left")
    c = rng.uniform(size=100)
    model = lc.KernelClassifier("tricube(knn=15)").fit(x, y, sample_weight=c)
    expected = lc.local_mean(q, x, (y[:, None] == model.classes_).astype(float), kernel="tricube(knn=15)", sample_weight=c)
    np.testing.assert_allclose(model.predict_proba(q), expected, atol=1e-14)
    assert (model.predict(q) == model.classes_[expected.argmax(1)]).all()
    auto = lc.KernelClassifier().fit(x, y)
    loaded = pickle.loads(pickle.dumps(auto))
    np.testing.assert_array_equal(loaded.predict_proba(q), auto.predict_proba(q))
    assert auto.score(x, y) > 0.85
    even = lc.KernelClassifier(bandwidth=0.5, priors="uniform").fit(x, y)
    far = even.predict_proba([[0.0, 0.0]])
    assert 0.2 < far[0, 0] < 0.8 and far.sum() == pytest.approx(1.0)
