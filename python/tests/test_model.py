"""Models in files: the same bits after loading, and the same bytes as Rust writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import locality as lc
from locality import _core

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(80, 2)) * [1.0, 30.0]
Y = np.sin(4.0 * X[:, 0]) + 0.03 * X[:, 1]
WORDS = np.array(["low", "mid", "top"])[(3.0 * X[:, 0]).astype(int)]
AT = RNG.uniform(size=(9, 2)) * [1.0, 30.0]
SHARED = Path(__file__).parents[2] / "crates/locality/tests/oracle/shared.loc"

REGRESSORS = [
    lc.LocalPolynomialRegressor(degree=[0, 1, 2]),
    lc.LocalPolynomialRegressor("tricube", bandwidth=4.0, standardize=True),
    lc.LocalGLMRegressor("gamma"),
    lc.LocalGLMRegressor("negative_binomial", bandwidth=3.0, theta=2.5),
    lc.LocalMeanRegressor("gaussian(h=2)"),
    lc.KNeighborsRegressor(4, weights="tricube"),
    lc.KNeighborsRegressor(4, metric="mahalanobis", metric_params={"V": [[1.0, 0.2], [0.2, 9.0]]}),
    lc.RadiusNeighborsRegressor(20.0, weights="gaussian(h=3)"),
]
CLASSIFIERS = [
    lc.LocalLogisticRegression(),
    lc.LocalLogisticRegression(C=3.0, bandwidth=2.0),
    lc.KNeighborsClassifier(5, weights="distance"),
    lc.RadiusNeighborsClassifier(0.5, outlier_label="mid"),
    lc.RadiusNeighborsClassifier(0.5, outlier_label="most_frequent"),
]


@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_regressors_come_back(model, tmp_path):
    y = np.exp(Y) if isinstance(model, lc.LocalGLMRegressor) else Y
    model.fit(X, y)
    lc.save(model, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    assert type(back) is type(model)
    np.testing.assert_array_equal(back.predict(AT), model.predict(AT))
    # What comes back is saved as the same bytes, and can be fitted again.
    lc.save(back, tmp_path / "again.loc")
    assert (tmp_path / "again.loc").read_bytes() == (tmp_path / "m.loc").read_bytes()
    back.fit(X, y).predict(AT)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("labels", [WORDS, (WORDS == "low").astype(int)], ids=["words", "numbers"])
def test_classifiers_come_back(model, labels, tmp_path):
    if getattr(model, "outlier_label", None) == "mid" and labels.dtype.kind != "U":
        return
    model.fit(X, labels)
    lc.save(model, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    np.testing.assert_array_equal(back.predict_proba(AT), model.predict_proba(AT))
    np.testing.assert_array_equal(back.predict(AT), model.predict(AT))
    assert back.classes_.dtype.kind == model.classes_.dtype.kind
    back.fit(X, labels).predict(AT)


def test_rust_and_python_write_the_same(tmp_path):
    x, i = np.arange(20)[:, None] / 4.0, np.arange(20)
    model = lc.LocalPolynomialRegressor(bandwidth=1.5).fit(x, i * i / 8.0)
    back = lc.load(SHARED)
    np.testing.assert_array_equal(back.predict([[1.1], [7.0]]), model.predict([[1.1], [7.0]]))
    lc.save(model, tmp_path / "m.loc")
    own, known = (_core.model_from_bytes(p.read_bytes()) for p in (tmp_path / "m.loc", SHARED))
    assert own[:4] == known[:4]
    assert list(own[4]) == list(known[4])
    for name, array in own[4].items():
        np.testing.assert_array_equal(array, known[4][name])
    if json.loads(known[1]) and SHARED.read_bytes().find(lc.__version__.encode()) >= 0:
        assert (tmp_path / "m.loc").read_bytes() == SHARED.read_bytes()


def test_weights_and_names_are_kept(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = lc.LocalPolynomialRegressor("gaussian(h=0.3, cols=a)").fit(frame, Y, sample_weight=1.0 + X[:, 0])
    lc.save(model, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    assert list(back.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(back.predict(frame), model.predict(frame))


def test_bad_files_and_models_are_told(tmp_path):
    path = tmp_path / "m.loc"
    with pytest.raises(TypeError, match="MeanShift cannot be saved"):
        lc.save(lc.MeanShift().fit(X), path)
    with pytest.raises(Exception, match="not fitted"):
        lc.save(lc.LocalPolynomialRegressor(), path)
    with pytest.raises(TypeError, match="weights is a function"):
        lc.save(lc.KNeighborsRegressor(3, weights=lambda d: 1.0 / (1.0 + d)).fit(X, Y), path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        lc.load(path)
    data = bytearray(SHARED.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="m.loc.*checksum"):
        lc.load(path)
    path.write_bytes(data[:100])
    with pytest.raises(ValueError, match="cut short or damaged"):
        lc.load(path)
    with pytest.raises(FileNotFoundError):
        lc.save(lc.KNeighborsRegressor(3).fit(X, Y), tmp_path / "none" / "m.loc")
