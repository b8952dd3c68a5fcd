"""Estimators on tables: columns of words, missing values, and what files keep of them."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import locality as lc
from locality import _core

RNG = np.random.default_rng(0)
N = 120
NUMBERS = RNG.uniform(0.0, 6.0, N)
WORDS = RNG.choice(["ash", "elm", "oak"], N)
TABLE = np.column_stack([NUMBERS.astype(object), WORDS])
Y = np.sin(NUMBERS + 2.0 * (WORDS == "oak")) + 2.0 * (WORDS == "elm") + 0.05 * RNG.normal(size=N) + 3.0
CLASSES = np.where(np.median(Y) < Y, "high", "low")
GAPS = TABLE.copy()
GAPS[3, 0], GAPS[7, 1] = None, np.nan
# A known word, one that training does not have, and two gaps.
AT = np.array([[1.0, "oak"], [2.0, "fir"]], dtype=object)
AT_GAPS = np.array([[1.0, "oak"], [2.0, "fir"], [None, "elm"], [3.0, None]], dtype=object)

REGRESSORS = [
    lc.LocalPolynomialRegressor(),
    lc.LocalPolynomialRegressor(degree=0),
    lc.LocalGLMRegressor("gamma"),
    lc.LocalQuantileRegressor([0.2, 0.8]),
    lc.LocalQuantileRegressor(degree=1),
    lc.LocalModeRegressor(),
    lc.LocalMeanRegressor(),
    lc.LocalGaussianRegressor(),
    lc.KNeighborsRegressor(),
    lc.KNeighborsRegressor(weights="gaussian"),
    lc.RadiusNeighborsRegressor(1.5),
    lc.KernelRidge(),
    lc.GaussianProcessRegressor(n_landmarks=30, random_state=0),
]
CLASSIFIERS = [
    lc.LocalLogisticRegression(),
    lc.LocalDiscriminantAnalysis(),
    lc.KernelClassifier(),
    lc.KNeighborsClassifier(),
    lc.RadiusNeighborsClassifier(outlier_label="most_frequent"),
    lc.KernelLogisticRegression(),
]
HAMMING = [e for e in REGRESSORS + CLASSIFIERS if "categorical_similarity" in e.get_params()]


def target(model):
    return CLASSES if hasattr(model, "predict_proba") else Y


def of(models):
    return pytest.mark.parametrize("model", models, ids=repr)


pytestmark = pytest.mark.filterwarnings("ignore:.*too little evidence")


@of(REGRESSORS + CLASSIFIERS)
@pytest.mark.parametrize("missing", ["error", "mean", "indicator"])
def test_words_and_gaps_are_those_of_the_encoder(model, missing):
    table, at = (TABLE, AT) if missing == "error" else (GAPS, AT_GAPS)
    own = clone(model).set_params(missing=missing).fit(table, target(model))
    encoder = lc.TableEncoder(missing=missing, handle_unknown="ignore")
    piped = make_pipeline(encoder, clone(model)).fit(table, target(model))
    np.testing.assert_array_equal(own.predict(at), piped.predict(at))
    assert own.n_features_in_ == 2
    for some in ([1], [False, True]):
        named = clone(own).set_params(categorical_features=some).fit(table, target(model))
        np.testing.assert_array_equal(named.predict(at), own.predict(at))


@of(HAMMING)
def test_same_or_not_is_a_factor_of_the_kernel(model):
    codes = np.column_stack([NUMBERS, np.searchsorted(["ash", "elm", "oak"], WORDS)])
    own = clone(model).set_params(categorical_similarity="hamming").fit(TABLE, target(model))
    plain = clone(model).set_params(kernel="gaussian(cols=0) * laplace(metric=hamming, cols=1)", categorical_features=None)
    if model.get_params().get("degree", 1) > 0 and "columns" in model.get_params():
        plain.set_params(columns=[0])
    plain.fit(codes, target(model))
    assert str(own.kernel_) == str(plain.kernel_)
    np.testing.assert_array_equal(own.predict(AT), plain.predict([[1.0, 2.0], [2.0, -1.0]]))
    # A missing word is a kind of its own, and a missing number says so.
    gaps = clone(own).set_params(missing="indicator").fit(GAPS, target(model))
    assert "cols=[1, 2]" in str(gaps.kernel_)
    assert len(gaps.predict(AT_GAPS)) == 4


def test_a_kernel_that_names_columns_stays_as_it_is():
    kernel = "gaussian(h=0.5, cols=0) * uniform(metric=hamming, h=0.5, cols=1)"
    own = lc.LocalMeanRegressor(kernel, categorical_similarity="hamming").fit(TABLE, Y)
    assert own.kernel_ == lc.Kernel(kernel)
    # Every profile of a sum is over the numbers.
    own = lc.LocalMeanRegressor("(0.5 * gaussian(h=1) + laplace(h=2))^2", categorical_similarity="hamming").fit(TABLE, Y)
    assert own.kernel_ == lc.Kernel("(0.5 * gaussian(h=1, cols=[0]) + laplace(h=2, cols=[0]))^2 * laplace(metric=hamming, cols=[1])")
    words = lc.LocalMeanRegressor(categorical_similarity="hamming").fit(TABLE[:, 1:], Y)
    assert str(words.kernel_).startswith("laplace(h=") and "metric=hamming, cols=0" in str(words.kernel_)


def test_neighbours_by_how_many_columns_differ():
    kinds = np.column_stack([WORDS, np.roll(WORDS, 1), RNG.choice(["x", "y"], N)]).astype(object)
    model = lc.KNeighborsRegressor(3, metric="hamming").fit(kinds, Y)
    at = np.array([["oak", "fir", "x"]], dtype=object)
    distances, ids = model.kneighbors(at)
    differ = (kinds != at).sum(axis=1)
    np.testing.assert_array_equal(distances[0], np.sort(differ)[:3])
    np.testing.assert_array_equal(ids[0], np.argsort(differ, kind="stable")[:3])


def test_slopes_of_columns_by_name_or_number():
    model = lc.LocalPolynomialRegressor(columns=[1], bandwidth=2.0).fit(TABLE, Y)
    assert model.columns_ == [1, 2, 3]
    with pytest.raises(ValueError, match="columns has 2, but X has 2 columns"):
        lc.LocalPolynomialRegressor(columns=[2]).fit(TABLE, Y)


def test_several_targets_share_the_table():
    both = np.column_stack([Y, -Y])
    for model in (lc.LocalQuantileRegressor(), lc.LocalPolynomialRegressor(), lc.LocalQuantileRegressor(categorical_similarity="hamming")):
        found = clone(model).set_params(missing="mean", categorical_features=[1]).fit(GAPS, both).predict(AT_GAPS)
        assert found.shape == (4, 2)
        np.testing.assert_allclose(found[:, 0], -found[:, 1], rtol=1e-9)


def test_samples_that_come_later():
    first, later = slice(0, 80), slice(80, None)
    model = lc.KNeighborsRegressor(missing="mean").partial_fit(TABLE[first], Y[first]).partial_fit(TABLE[later], Y[later])
    np.testing.assert_array_equal(model.predict(AT), lc.KNeighborsRegressor().fit(TABLE, Y).predict(AT))
    classifier = lc.KNeighborsClassifier().partial_fit(TABLE[first], CLASSES[first]).partial_fit(TABLE[later], CLASSES[later])
    np.testing.assert_array_equal(classifier.predict(AT), lc.KNeighborsClassifier().fit(TABLE, CLASSES).predict(AT))
    with pytest.raises(ValueError, match="X has 3 features"):
        model.partial_fit(np.zeros((2, 3)), [0.0, 0.0])


def test_a_second_fit_forgets_the_first_table():
    model = lc.KNeighborsRegressor().fit(TABLE, Y).fit(NUMBERS[:, None], Y)
    assert model.n_features_in_ == 1
    np.testing.assert_array_equal(model.predict([[1.0]]), lc.KNeighborsRegressor().fit(NUMBERS[:, None], Y).predict([[1.0]]))


def test_what_is_wrong_is_told():
    model = lc.LocalPolynomialRegressor()
    with pytest.raises(ValueError, match="column 1 contains NaN or a missing value in row 7.*missing='mean'"):
        model.fit(np.vstack([TABLE[:7], GAPS[7:]]), Y)
    with pytest.raises(ValueError, match="missing='drop' must be one of error, mean, indicator"):
        clone(model).set_params(missing="drop").fit(TABLE, Y)
    with pytest.raises(ValueError, match="categorical_similarity='gower' must be one of one-hot, hamming"):
        clone(model).set_params(categorical_similarity="gower").fit(TABLE, Y)
    with pytest.raises(ValueError, match="categorical_features has 'z', which is no column of X"):
        clone(model).set_params(categorical_features=["z"]).fit(TABLE, Y)
    with pytest.raises(ValueError, match="column 1, row 0 holds '.*' instead of a number"):
        clone(model).set_params(categorical_features=None, missing="mean").fit(TABLE, Y)
    with pytest.raises(ValueError, match="leaves a table of words alone no column for slopes"):
        clone(model).set_params(categorical_similarity="hamming").fit(TABLE[:, 1:], Y)
    with pytest.raises(ValueError, match="X has 3 features"):
        clone(model).fit(TABLE, Y).predict(np.zeros((2, 3)))


@of(REGRESSORS + CLASSIFIERS)
def test_copies_and_files_keep_the_table(model, tmp_path):
    table, at = GAPS, AT_GAPS
    for how in ({}, {"categorical_similarity": "hamming"}, {"metric": "hamming"}):
        if not set(how) <= set(model.get_params()):
            continue
        own = clone(model).set_params(missing="indicator", **how).fit(table, target(model))
        found = own.predict(at)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(own)).predict(at), found)
        lc.save(own, tmp_path / "m.loc")
        again = lc.load(tmp_path / "m.loc")
        np.testing.assert_array_equal(again.predict(at), found)
        assert again.n_features_in_ == 2 and again.missing == "indicator"
        assert {name: again.get_params()[name] for name in how} == how
        lc.save(again, tmp_path / "n.loc")
        np.testing.assert_array_equal(lc.load(tmp_path / "n.loc").predict(at), found)


def test_parameters_are_kept_where_there_was_nothing_to_encode(tmp_path):
    model = lc.LocalPolynomialRegressor(categorical_features=None, categorical_similarity="hamming").fit(NUMBERS[:, None], Y)
    lc.save(model, tmp_path / "m.loc")
    again = lc.load(tmp_path / "m.loc")
    assert again.categorical_features is None and again.categorical_similarity == "hamming"
    # Nothing of it stands in a file of numbers, which is as it was before.
    lc.save(lc.LocalPolynomialRegressor().fit(NUMBERS[:, None], Y), tmp_path / "n.loc")
    assert "table" not in json.loads(_core.model_from_bytes((tmp_path / "n.loc").read_bytes())[1])


def test_files_name_words_as_the_tool_does_and_are_not_trusted(tmp_path):
    model = lc.LocalPolynomialRegressor(bandwidth=1.0).fit(TABLE, Y)
    lc.save(model, tmp_path / "m.loc")
    kind, text, about, names, arrays = _core.model_from_bytes((tmp_path / "m.loc").read_bytes())
    assert names == ["x0", "x1=ash", "x1=elm", "x1=oak"]
    assert json.loads(about)["features"] == [{"name": "x0"}, {"name": "x1", "levels": ["ash", "elm", "oak"]}]
    for change in (
        lambda t: t["found"]["categories"][1].reverse(),
        lambda t: t["found"]["categories"][1].append("yew"),
        lambda t: t["found"]["categories"].append(None),
        lambda t: t["found"].update(lacking=[0, 1]),
        lambda t: t["found"].update(output="words"),
        lambda t: t["given"].update(missing="drop"),
        lambda t: t["given"].update(bandwidth=3.0),
        lambda t: t.update(names=["a"]),
    ):
        p = json.loads(text)
        change(p["table"])
        (tmp_path / "bad.loc").write_bytes(_core.model_to_bytes(kind, json.dumps(p), about, arrays))
        with pytest.raises(ValueError, match="bad.loc"):
            lc.load(tmp_path / "bad.loc")


def test_searches_choose_how_words_are_compared():
    grid = {"categorical_similarity": ["one-hot", "hamming"], "missing": ["mean", "indicator"], "degree": [0, 1]}
    search = GridSearchCV(lc.LocalPolynomialRegressor(), grid, cv=3, error_score="raise").fit(GAPS, Y)
    assert search.best_score_ > 0.8


def test_frames_by_type_and_name(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"size": NUMBERS, "kind": pd.Categorical(WORDS), "text": WORDS})
    at = frame.iloc[:5].assign(text="fir")
    for model in REGRESSORS + CLASSIFIERS:
        own = clone(model).fit(frame, target(model))
        assert list(own.feature_names_in_) == ["size", "kind", "text"]
        by_name = clone(model).set_params(categorical_features=["kind", "text"]).fit(frame, target(model))
        np.testing.assert_array_equal(own.predict(at), by_name.predict(at))
        lc.save(own, tmp_path / "m.loc")
        again = lc.load(tmp_path / "m.loc")
        assert list(again.feature_names_in_) == ["size", "kind", "text"]
        np.testing.assert_array_equal(own.predict(at), again.predict(at))
    with pytest.raises(ValueError, match="feature names should match"):
        own.predict(at[["kind", "size", "text"]])
    named = lc.LocalPolynomialRegressor("gaussian(cols=size)", columns=["kind"]).fit(frame, Y)
    assert named.columns_ == [1, 2, 3] and "cols=0" in str(named.kernel_)


def test_polars_frames():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"size": NUMBERS, "kind": WORDS}, schema_overrides={"kind": pl.Categorical})
    np.testing.assert_array_equal(
        lc.KNeighborsRegressor().fit(frame, Y).predict(frame[:5]), lc.KNeighborsRegressor().fit(TABLE, Y).predict(TABLE[:5])
    )


def test_without_scikit_learn():
    code = """
import sys
sys.modules["sklearn"] = None
import numpy as np
import locality as lc
X = np.array([[1.0, "a"], [2.0, "b"], [3.0, "a"], [4.0, None]], dtype=object)
model = lc.KNeighborsRegressor(1, missing="mean").fit(X, [1.0, 2.0, 3.0, 4.0])
assert model.predict([[2.0, "b"]]).tolist() == [2.0]
model.partial_fit(X[:1], [9.0])
assert lc.LocalPolynomialRegressor(bandwidth=1.0).fit(X[:3], [1.0, 2.0, 3.0]).n_features_in_ == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)
