"""Local surrogates of black boxes."""

from __future__ import annotations

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor


def table(n=300, d=5):
    return np.random.default_rng(0).normal(size=(n, d)) * np.array([1.0, 10.0, 0.1, 1.0, 5.0])[:d]


def test_a_line_is_explained_exactly():
    x = table()
    slopes = np.array([1.0, -0.2, 0.0, 0.0, 3.0])
    found = lc.LocalSurrogate(lambda z: 7.0 + z @ slopes, x).explain(x[3])
    np.testing.assert_allclose(found.coefficients, slopes, atol=1e-9)
    np.testing.assert_allclose(found.intercept, 7.0 + x[3] @ slopes)
    assert found.features == [4, 1, 0], "by how much a deviation of the column moves the prediction"
    assert found.fidelity > 1.0 - 1e-9 and np.all(found.standard_errors < 1e-6)


def test_slopes_are_those_of_a_smooth_model_at_the_point():
    x = table()
    model = lambda z: np.sin(z[:, 0]) * z[:, 3] + np.exp(z[:, 2])  # noqa: E731
    point = np.array([0.4, 3.0, 0.05, -1.2, 0.0])
    found = lc.LocalSurrogate(model, x, bandwidth=0.05).explain(point)
    truth = np.array([np.cos(0.4) * -1.2, 0.0, np.exp(0.05), np.sin(0.4), 0.0])
    np.testing.assert_allclose(found.coefficients, truth, atol=0.02)
    assert 1 not in found.features and 4 not in found.features


def test_errors_are_the_spread_over_seeds():
    x = table()
    model = lambda z: np.sin(3.0 * z[:, 0]) + z[:, 1] ** 2 / 100.0  # noqa: E731
    point = np.array([0.2, 3.0, 0.0, 0.0, 0.0])
    runs = [
        lc.LocalSurrogate(model, x, bandwidth=0.8, n_samples=400, random_state=s).explain(point) for s in range(60)
    ]
    spread = np.std([r.coefficients[0] for r in runs])
    told = np.mean([r.standard_errors[0] for r in runs])
    assert 0.5 < told / spread < 2.0, (told, spread)


@pytest.mark.parametrize(
    "model",
    [
        lambda z: np.sin(z[:, 0]) + z[:, 1] * z[:, 2],
        # What is even about the point leaves slopes as they are, whatever the draws.
        lambda z: (z[:, 0] - 0.5) ** 2 + z[:, 1],
        # No smooth function: columns are taken or not as the draws have it.
        lambda z: z[:, 0] + np.sin(1e4 * z[:, 1]),
    ],
)
def test_errors_know_that_draws_are_pairs(model):
    x = np.random.default_rng(0).normal(size=(200, 3))
    runs = [lc.LocalSurrogate(model, x, bandwidth=0.3, random_state=s).explain([0.5, 1.0, 2.0]) for s in range(150)]
    spread = np.std([r.coefficients for r in runs], axis=0)
    told = np.mean([r.standard_errors for r in runs], axis=0)
    np.testing.assert_allclose(told, spread, rtol=0.25, atol=1e-9)


def test_explanations_are_equal_or_not():
    explain = lc.LocalSurrogate(lambda z: z[:, 0], table()).explain
    first, other = explain(table()[0]), explain(table()[1])
    assert first == explain(table()[0]) and first != other and first != "line"
    assert len({first, explain(table()[0]), other}) == 2


def test_the_same_point_is_explained_alike_and_sparsely():
    data, y = load_diabetes(return_X_y=True)
    forest = RandomForestRegressor(50, random_state=0).fit(data, y)
    surrogate = lc.LocalSurrogate(forest.predict, data, n_features=3)
    first, again = surrogate.explain(data[7]), surrogate.explain(data[7])
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    assert 1 <= len(first.features) <= 3
    assert np.count_nonzero(first.coefficients) == len(first.features)
    # The two columns that matter most in this table: mass index and the last serum.
    assert {2, 8} & set(first.features)
    assert 0.2 < first.fidelity <= 1.0


def test_constant_columns_and_constant_models():
    x = table()
    x[:, 1] = 4.0
    found = lc.LocalSurrogate(lambda z: z[:, 0], x).explain(x[0])
    assert found.features == [0] and found.coefficients[1] == 0.0
    flat = lc.LocalSurrogate(lambda z: np.full(len(z), 2.0), x).explain(x[0])
    assert flat.features == [] and flat.intercept == 2.0 and flat.fidelity == 0.0


def test_mistakes_are_named():
    x = table()
    for parameters, message in (({"n_samples": 5}, "n_samples=5"), ({"bandwidth": -1.0}, "bandwidth=-1")):
        with pytest.raises(ValueError, match=message):
            lc.LocalSurrogate(lambda z: z[:, 0], x, **parameters)
    with pytest.raises(ValueError, match="x has shape"):
        lc.LocalSurrogate(lambda z: z[:, 0], x).explain([1.0])
    with pytest.raises(ValueError, match="predict returned"):
        lc.LocalSurrogate(lambda z: z, x).explain(x[0])
    with pytest.raises(TypeError, match="cannot be called"):
        lc.LocalSurrogate(3, x)


def test_columns_of_words_are_kept_or_replaced():
    """What the point's word adds beside the others, weighed as the table has them."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(1)
    words = rng.choice(["red", "green", "blue"], p=[0.5, 0.4, 0.1], size=400)
    frame = pd.DataFrame({"size": rng.normal(size=400), "colour": words, "kind": "one"})
    adds = {"red": 3.0, "green": 1.0, "blue": -4.0}

    def model(table):
        assert list(table.columns) == ["size", "colour", "kind"]
        return 2.0 * table["size"].to_numpy() + table["colour"].map(adds).to_numpy(dtype=float)

    found = lc.LocalSurrogate(model, frame, n_samples=20000).explain(frame.iloc[0])
    shares = frame["colour"].value_counts(normalize=True)
    word = frame["colour"].iloc[0]
    others = {w: s for w, s in shares.items() if w != word}
    expected = adds[word] - sum(adds[w] * s for w, s in others.items()) / sum(others.values())
    np.testing.assert_allclose(found.coefficients[0], 2.0, atol=0.2)
    assert abs(found.coefficients[1] - expected) < 4.0 * found.standard_errors[1] + 1e-9
    assert found.coefficients[2] == 0.0 and set(found.features) == {0, 1}
    np.testing.assert_allclose(found.intercept, model(frame.iloc[:1])[0], atol=0.1)
    same = lc.LocalSurrogate(model, frame, n_samples=20000).explain(frame.iloc[0])
    assert same == found
    # The same table as an array of objects, and with a type of words.
    array = lc.LocalSurrogate(lambda t: 2.0 * t[:, 0].astype(float) + [adds[w] for w in t[:, 1]], frame.to_numpy(), n_samples=20000)
    np.testing.assert_allclose(array.explain(frame.to_numpy()[0]).coefficients, found.coefficients)
    typed = frame.astype({"colour": "category"})

    def of_category(table):
        assert str(table["colour"].dtype) == "category"
        return model(table.astype({"colour": object}))

    np.testing.assert_allclose(lc.LocalSurrogate(of_category, typed, n_samples=20000).explain(frame.iloc[0]).coefficients, found.coefficients)


def test_a_pipeline_over_words_is_explained():
    pd = pytest.importorskip("pandas")
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["x", "y"], size=200)})
    y = frame["a"] + 2.0 * (frame["b"] == "x")
    pipe = make_pipeline(lc.TableEncoder(), RandomForestRegressor(30, random_state=0)).fit(frame, y)
    found = lc.LocalSurrogate(pipe.predict, frame).explain([0.1, "x"])
    assert abs(found.coefficients[1] - 2.0) < 0.5 and 1 in found.features


@pytest.mark.parametrize("count", [0, 6, 99])
def test_no_columns_and_more_than_there_are_are_refused(count):
    with pytest.raises(ValueError, match=f"n_features={count} must be from 1 to 5, the columns of X"):
        lc.LocalSurrogate(lambda z: z[:, 0], table(), n_features=count)


def test_words_that_are_wrong_are_told():
    rows = np.array([[0.1, "x"], [0.5, "y"], [0.2, "x"]], dtype=object)
    surrogate = lc.LocalSurrogate(lambda t: t[:, 0].astype(float), rows)
    with pytest.raises(ValueError, match="x, column 1 has 'z', which is none of the table's words, x, y"):
        surrogate.explain([0.1, "z"])
    with pytest.raises(TypeError, match="x, column 0 must be a number, not 'much'"):
        surrogate.explain(["much", "x"])
    with pytest.raises(ValueError, match="x has nan in column 0"):
        surrogate.explain([np.nan, "x"])
    rows[1, 1] = None
    with pytest.raises(ValueError, match=r"X, column 1 has no word in row 1 \(counted from 0\)"):
        lc.LocalSurrogate(lambda t: t[:, 0].astype(float), rows)
