"""Estimators and losses made local: what thin evidence leaves of them, their widths, rows left out, and what is refused."""

from __future__ import annotations

import warnings

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

RNG = np.random.default_rng(5)
X = RNG.uniform(0.0, 3.0, size=(60, 2))
Y = np.sin(2.0 * X[:, 0]) + 0.3 * X[:, 1] + 0.1 * RNG.normal(size=60)
CLASSES = np.where(Y > 0.6, "up", np.where(Y > 0.0, "middle", "down"))


def squared(theta, X, y):
    a = np.column_stack([np.ones(len(X)), X])
    off = a @ theta - y
    return 0.5 * off**2, off[:, None] * a


def local_mean(x, h, X=X, Y=Y):
    w = np.exp(-0.5 * ((X - x) ** 2).sum(axis=1) / h**2)
    return w @ Y / w.sum()


def quiet(call, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args)


@pytest.mark.parametrize("model", [lc.Localized(LinearRegression(), bandwidth=0.02, least_weight=0.0), lc.LocalRisk(squared, bandwidth=0.02)], ids=str)
def test_hardly_any_sample_leaves_the_local_mean(model):
    model.fit(X, Y)
    at = X[:9] + 0.01
    with pytest.warns(UserWarning, match="9 of 9 targets have too little evidence"):
        found = model.predict(at)
    np.testing.assert_allclose(found, [local_mean(x, 0.02) for x in at], atol=1e-5)


@pytest.mark.parametrize("kind", [lambda h: lc.Localized(Ridge(1e-6), bandwidth=h, least_weight=0.0), lambda h: lc.LocalRisk(squared, bandwidth=h)])
def test_a_fit_turns_smoothly_into_the_mean(kind):
    """From one width to the next a hundredth wider no prediction jumps, and the share that is believed grows from none to all."""
    at = np.array([[1.0, 1.5]])
    widths = 0.08 * 1.01 ** np.arange(180)
    found = np.array([quiet(kind(h).fit(X, Y).predict, at)[0] for h in widths])
    mean = np.array([local_mean(at[0], h) for h in widths])
    line = np.array([lc.LocalPolynomialRegressor(bandwidth=h, guard=False).fit(X, Y).predict(at)[0] for h in widths])
    assert np.abs(np.diff(found)).max() < 0.03
    share = (found - mean) / (line - mean)
    np.testing.assert_allclose(found[-20:], line[-20:], atol=1e-5)
    # None of it where there are as many effective samples as coefficients.
    w = np.exp(-0.5 * ((X - at[0]) ** 2).sum(axis=1) / widths[:, None] ** 2)
    effective = w.sum(axis=1) ** 2 / (w**2).sum(axis=1)
    few, enough = effective <= 3.0, effective >= 6.0
    assert few.sum() > 5 and enough.sum() > 20
    np.testing.assert_allclose(found[few], mean[few], atol=1e-6)
    np.testing.assert_allclose(share[enough], 1.0, atol=1e-3)
    between = share[~few & ~enough]
    assert (between > -1e-6).all() and (between < 1.0 + 1e-6).all() and np.ptp(between) > 0.5


def test_predictions_stay_near_the_responses_that_weigh():
    y = np.r_[np.zeros(58), [5.0, 900.0]]
    at = RNG.normal(size=(200, 2)) * 30.0
    model = lc.Localized(LinearRegression(), bandwidth=3.0).fit(X, y)
    found = quiet(model.predict, at)
    assert -450.0 <= found.min() and found.max() <= 1350.0 and model.thin(at).mean() > 0.9
    wild = quiet(lc.Localized(LinearRegression(), bandwidth=3.0, guard=False).fit(X, y).predict, at)
    assert np.abs(wild).max() > 1500.0


def test_far_shares_of_classes_are_the_local_ones():
    model = lc.Localized(LogisticRegression(C=1e6, max_iter=5000), bandwidth=0.1).fit(X, CLASSES)
    shares = quiet(model.predict_proba, X[:20])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    thin = model.thin(X[:20])
    assert thin.any()
    names = np.unique(CLASSES)
    for x, share, few in zip(X[:20], shares, thin, strict=True):
        w = np.exp(-0.5 * ((X - x) ** 2).sum(axis=1) / 0.01)
        if w.sum() ** 2 / (w @ w) < 3.0:
            assert few or np.isclose(share.max(), 1.0)
            np.testing.assert_allclose(share, [w[CLASSES == c].sum() / w.sum() for c in names], atol=2e-3)


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (lc.Localized(Ridge(), bandwidth=0.4), Y),
        (lc.Localized(Ridge(), "gaussian(knn=12)"), Y),
        (lc.Localized(Ridge(), "epanechnikov(h=0.15)", neighborhood="nearest(k=9)"), Y),
        (lc.Localized(LogisticRegression(), bandwidth=0.4), CLASSES),
        (lc.Localized(LinearSVC(), bandwidth=0.6), CLASSES),
        (lc.LocalRisk(squared, bandwidth=0.4), Y),
        (lc.LocalRisk(squared, kernel="gaussian(knn=12)"), Y),
    ],
    ids=str,
)
def test_training_rows_are_predicted_by_the_others(model, target):
    found = quiet(model.fit(X, target).loo_predict)
    for i in (0, 7, 59):
        rest = np.delete(np.arange(60), i)
        alone = quiet(type(model)(**model.get_params(deep=False)).fit(X[rest], target[rest]).predict, X[[i]])
        if target is Y:
            np.testing.assert_allclose(found[[i]], alone, rtol=1e-5, atol=1e-6)
        else:
            assert found[i] == alone[0]
    # A row that is predicted is no training row, though the neighbourhood be hollow.
    text = " & ".join(part for part in (str(model.get_params(deep=False)["neighborhood"] or ""), "hollow") if part)
    hollow = type(model)(**(model.get_params(deep=False) | {"neighborhood": text})).fit(X, target)
    np.testing.assert_array_equal(quiet(hollow.predict, X[:5] + 0.01), quiet(model.predict, X[:5] + 0.01))


@pytest.mark.parametrize("model", [lc.Localized(Ridge(), bandwidth=0.4), lc.LocalRisk(squared, bandwidth=0.4)], ids=str)
def test_what_weighs_most_is_told(model):
    weights = RNG.uniform(0.5, 2.0, size=60)
    told = model.fit(X, Y, weights).explain(X[:4] + 0.05, n_samples=3)
    for x, indices, shares in zip(X[:4] + 0.05, told.indices, told.weights, strict=True):
        w = weights * np.exp(-0.5 * ((X - x) ** 2).sum(axis=1) / 0.16)
        assert indices.tolist() == np.argsort(-w)[:3].tolist()
        np.testing.assert_allclose(shares, np.sort(w)[::-1][:3] / w.sum())


def errors(model, x, y):
    off = [
        quiet(model.fit(x[a], y[a]).predict, x[b]) - y[b]
        for a, b in KFold(5, shuffle=True, random_state=0).split(x)
    ]
    return float(np.sqrt(np.mean(np.concatenate(off) ** 2)))


def tables():
    x, y = load_diabetes(return_X_y=True)
    yield "diabetes", x, y
    w = load_wine().data
    yield "wine", (w[:, 1:] - w[:, 1:].mean(axis=0)) / w[:, 1:].std(axis=0), w[:, 0]
    i = load_iris().data
    yield "iris", i[:, :3], i[:, 3]


@pytest.mark.parametrize(("name", "x", "y"), list(tables()), ids=lambda t: t if isinstance(t, str) else "")
def test_a_width_of_the_models_own_is_better_than_mean_and_global_fit(name, x, y):
    mean = errors(lc.LocalPolynomialRegressor(degree=0), x, y)
    own = errors(lc.Localized(LinearRegression()), x, y)
    assert own < 1.03 * mean and own < errors(LinearRegression(), x, y), (own, mean)
    # A model that fits its rows too closely is believed in part.
    assert errors(lc.Localized(DecisionTreeRegressor(max_depth=3, random_state=0)), x, y) < 1.05 * mean


def test_a_loss_of_ones_own_finds_its_width():
    rng = np.random.default_rng(2)
    x = rng.uniform(-1.0, 1.0, size=(150, 1))
    y = x[:, 0] + 0.3 * rng.normal(size=150)
    wide = lc.LocalRisk(squared).fit(x, y)
    fresh = np.linspace(-1.0, 1.0, 41)[:, None]
    flat = np.polyfit(x[:, 0], y, 1)
    assert np.abs(wide.predict(fresh) - np.polyval(flat, fresh[:, 0])).max() < 0.1, "a line is a line, whatever the width"
    bent = np.sin(6.0 * x[:, 0]) + 0.1 * rng.normal(size=150)
    model = lc.LocalRisk(squared).fit(x, bent)
    assert np.sqrt(np.mean((model.predict(fresh) - np.sin(6.0 * fresh[:, 0])) ** 2)) < 0.1


def test_searches_of_the_width_are_named():
    for bandwidth, degree in (("mean", 0), ("line", 1)):
        known = lc.LocalPolynomialRegressor(degree=degree).fit(X, Y)
        for model in (lc.Localized(Ridge(), bandwidth=bandwidth), lc.LocalRisk(squared, bandwidth=bandwidth)):
            assert model.fit(X, Y).kernel_ == known.kernel_
    kept = lc.Localized(Ridge(), "gaussian(h=0.7)").fit(X, Y)
    assert kept.kernel_ == lc.Kernel("gaussian(h=0.7)") and kept.trust_ == 1.0 and (kept.scales_ == 1.0).all()
    with pytest.raises(ValueError, match="bandwidth='widest' must be a number or one of auto, line, mean"):
        lc.Localized(Ridge(), bandwidth="widest").fit(X, Y)


def test_the_last_step_of_a_pipeline_is_weighted():
    pipe = make_pipeline(StandardScaler(), Ridge(1e-6))
    found = lc.Localized(pipe, bandwidth=0.6).fit(X, Y).predict(X[:3])
    np.testing.assert_allclose(found, lc.Localized(Ridge(1e-6), bandwidth=0.6).fit(X, Y).predict(X[:3]), atol=1e-4)
    with pytest.raises(TypeError, match="takes no sample_weight in fit"):
        lc.Localized(make_pipeline(StandardScaler(), KNeighborsRegressor())).fit(X, Y)


def test_columns_of_a_frame_have_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["place", "size"])
    named = lc.Localized(Ridge(), "gaussian(h=0.5, cols=place)", columns=["size"]).fit(frame, Y)
    number = lc.Localized(Ridge(), "gaussian(h=0.5, cols=0)", columns=[1]).fit(X, Y)
    np.testing.assert_array_equal(quiet(named.predict, frame[:5]), quiet(number.predict, X[:5]))
    with pytest.raises(ValueError, match="columns names 'weight', but the table has place, size"):
        lc.Localized(Ridge(), columns=["weight"]).fit(frame, Y)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"columns": [5]}, ValueError, "columns has 5, but X has 2 columns, counted from 0"),
        ({"columns": [-1]}, ValueError, "columns=-1 must not be negative"),
        ({"columns": ["size"]}, ValueError, "columns names 'size', but the table has no names"),
        ({"columns": []}, ValueError, "columns is empty"),
        ({"columns": [1, 1]}, ValueError, "names a column twice"),
        ({"least_weight": np.nan}, ValueError, "least_weight=nan must be at least 0 and below 1"),
        ({"least_weight": 2.0}, ValueError, "least_weight=2.0 must be at least 0 and below 1"),
        ({"least_weight": "little"}, TypeError, "least_weight must be a number, not 'little'"),
        ({"least_samples": -1.0}, ValueError, "least_samples=-1.0 must be finite and not negative"),
        ({"estimator": KNeighborsClassifier()}, TypeError, r"KNeighborsClassifier\(\) takes no sample_weight in fit"),
        ({"estimator": Ridge}, TypeError, "has no fit and predict; pass an estimator"),
        ({"estimator": None}, TypeError, "estimator=None has no fit and predict"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_at_fit(given, error, message):
    with pytest.raises(error, match=message) as told:
        lc.Localized(**({"estimator": Ridge()} | given)).fit(X, Y)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("model", [lc.Localized(Ridge()), lc.LocalRisk(squared)], ids=str)
def test_words_and_missing_values_are_told_at_fit(model):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"size": X[:, 0], "colour": ["red", "blue"] * 30})
    name = type(model).__name__
    with pytest.raises(ValueError, match=rf"X, column 'colour' holds words.*make_pipeline\(TableEncoder\(\), {name}"):
        model.fit(frame, Y)
    with pytest.raises(ValueError, match="X, column '1' holds words|X, column 1 holds words"):
        model.fit(frame.to_numpy(), Y)
    gaps = X.copy()
    gaps[7, 1] = np.nan
    for table in (gaps, pd.DataFrame(gaps)):
        with pytest.raises(ValueError, match=r"X, column '?1'? contains NaN or a missing value in row 7 \(counted from 0\)") as told:
            model.fit(table, Y)
        assert "\n" not in str(told.value)
    fitted = make_pipeline(lc.TableEncoder(), type(model)(**model.get_params(deep=False) | {"bandwidth": 2.0})).fit(frame, Y)
    assert np.isfinite(quiet(fitted.predict, frame)).all()
