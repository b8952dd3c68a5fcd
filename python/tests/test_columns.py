"""Tables of numbers and words."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import locality as lc

RNG = np.random.default_rng(0)
N = 60
NUMBERS = RNG.normal(size=N)
WORDS = RNG.choice(["ash", "elm", "oak"], size=N)
TABLE = np.column_stack([NUMBERS.astype(object), WORDS])


def frame(**columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def test_words_are_what_scikit_learn_makes_of_them():
    expected = np.column_stack([NUMBERS, OneHotEncoder(sparse_output=False).fit_transform(WORDS[:, None])])
    np.testing.assert_array_equal(lc.TableEncoder().fit_transform(TABLE), expected)
    for some in ([1], [False, True]):
        np.testing.assert_array_equal(lc.TableEncoder(some).fit_transform(TABLE), expected)
    np.testing.assert_array_equal(lc.TableEncoder(scale=0.5).fit_transform(TABLE)[:, 1:], 0.5 * expected[:, 1:])


def test_it_stands_before_a_local_model():
    y = NUMBERS + (WORDS == "oak")
    model = make_pipeline(lc.TableEncoder(), lc.LocalPolynomialRegressor()).fit(TABLE, y)
    plain = lc.LocalPolynomialRegressor().fit(np.column_stack([NUMBERS, *(WORDS == w for w in ("ash", "elm", "oak"))]), y)
    at = np.array([[0.3, "oak"]], dtype=object)
    np.testing.assert_array_equal(model.predict(at), plain.predict([[0.3, 0.0, 0.0, 1.0]]))


def test_missing_values():
    table = TABLE.copy()
    table[0, 0], table[5, 1] = None, np.nan
    with pytest.raises(ValueError, match="column 0 .*missing value in row 0.*missing='mean'"):
        lc.TableEncoder().fit(table)
    mean = lc.TableEncoder(missing="mean").fit_transform(table)
    assert mean[0, 0] == pytest.approx(NUMBERS[1:].mean())
    known = np.delete(WORDS, 5)
    np.testing.assert_allclose(mean[5, 1:], [(known == w).mean() for w in ("ash", "elm", "oak")])
    encoder = lc.TableEncoder(missing="indicator").fit(table)
    assert list(encoder.get_feature_names_out()) == ["x0", "x0=missing", "x1=ash", "x1=elm", "x1=oak", "x1=missing"]
    marked = encoder.transform(table)
    assert marked[0, 1] == 1.0 and marked[:, 1].sum() == 1.0
    np.testing.assert_array_equal(marked[5, 2:], [0.0, 0.0, 0.0, 1.0])
    # Complete rows are the same under every policy.
    np.testing.assert_array_equal(marked[6:, [0, 2, 3, 4]], mean[6:])


def test_words_by_number():
    table = TABLE.copy()
    table[0, 0], table[5, 1] = None, np.nan
    encoder = lc.TableEncoder(output="codes", missing="indicator", handle_unknown="ignore").fit(table)
    assert list(encoder.get_feature_names_out()) == ["x0", "x1", "x0=missing"]
    codes = encoder.transform(table)
    expected = np.searchsorted(["ash", "elm", "oak"], WORDS).astype(float)
    # A missing word is a kind of its own, and needs no mark beside it.
    expected[5] = 3.0
    np.testing.assert_array_equal(codes[:, 1], expected)
    np.testing.assert_array_equal(codes[:, 2], np.arange(N) == 0)
    assert encoder.transform(np.array([[0.0, "fir"]], dtype=object))[0, 1] == -1.0
    with pytest.raises(ValueError, match="output='words' must be one of one-hot, codes"):
        lc.TableEncoder(output="words").fit(TABLE)


def test_what_is_wrong_is_told():
    encoder = lc.TableEncoder().fit(TABLE)
    new = np.array([[0.0, "fir"]], dtype=object)
    with pytest.raises(ValueError, match="column 1, row 0: the word 'fir' was not in training, only ash, elm, oak"):
        encoder.transform(new)
    assert (encoder.set_params(handle_unknown="ignore").transform(new)[0, 1:] == 0.0).all()
    with pytest.raises(ValueError, match="60 different words in 60 rows, too many"):
        lc.TableEncoder().fit(np.array([[f"row {i}"] for i in range(N)], dtype=object))
    with pytest.raises(ValueError, match="column 1, row 0 holds '.*' instead of a number; name the column"):
        lc.TableEncoder(None).fit(TABLE)
    for bad in ({"missing": "drop"}, {"handle_unknown": 3}, {"scale": 0.0}, {"categorical_features": ["z"]}, {"categorical_features": [2]}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            lc.TableEncoder(**bad).fit(TABLE)


def test_frames_by_type_and_name():
    pd = pytest.importorskip("pandas")
    table = frame(a=NUMBERS, kind=pd.Categorical(WORDS), rank=RNG.integers(0, 3, N), text=pd.array(WORDS, dtype="string"))
    encoder = lc.TableEncoder().fit(table)
    assert list(encoder.get_feature_names_out())[:5] == ["a", "kind=ash", "kind=elm", "kind=oak", "rank"]
    ranks = lc.TableEncoder(["rank", "kind", "text"]).fit(table)
    assert list(ranks.get_feature_names_out())[4:7] == ["rank=0", "rank=1", "rank=2"]
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(table[["kind", "a", "rank", "text"]])
    # Whole numbers turn into reals where some are missing, and stay the same words.
    table.loc[3, "rank"] = np.nan
    assert list(lc.TableEncoder(["rank", "kind", "text"], missing="mean").fit(table).get_feature_names_out()) == list(
        ranks.get_feature_names_out()
    )


def test_columns_of_queries_are_found_by_name():
    keys = frame(a=[1.0, 2.0, 4.0], b=[0.0, 5.0, 1.0])
    queries, swapped = frame(a=[1.0, 2.5], b=[0.5, 3.0]), frame(b=[0.5, 3.0], a=[1.0, 2.5])
    values = [1.0, 2.0, 3.0]
    calls = [
        lambda q: lc.local_mean(q, keys, values, kernel="gaussian(h=1,cols=a)"),
        lambda q: lc.log_sum(q, keys, kernel="gaussian(h=1,cols=b)"),
        lambda q: lc.local_weights(q, keys),
        lambda q: lc.nearest(q, keys, 2).distances,
        lambda q: lc.within_radius(q, keys, 3.0).distances,
    ]
    for call in calls:
        np.testing.assert_array_equal(call(swapped), call(queries))
        with pytest.raises(ValueError, match="queries has the columns x, b, but keys has a, b"):
            call(frame(x=[1.0], b=[0.5]))
    # Gradients are returned in the order of what they are of.
    with pytest.raises(ValueError, match="in the same order"):
        lc.local_mean_vjp(swapped, keys, values, [1.0, 1.0])


def test_masked_numbers_are_refused():
    masked = np.ma.array([[1.0], [1e6]], mask=[[False], [True]])
    for call in (
        lambda: lc.local_mean([0.0], [0.0, 1.0], masked[:, 0]),
        lambda: lc.nearest([[1.0]], masked),
        lambda: lc.LocalMeanRegressor().fit(masked, [1.0, 2.0]),
        lambda: lc.local_mean([0.0], [0.0, 1.0], [1.0, 2.0], bias=masked.T),
        lambda: lc.image.denoise(np.ma.array(np.ones((8, 8)), mask=np.eye(8))),
        lambda: lc.image.patches(np.ma.array(np.ones((8, 8)), mask=np.eye(8)), 3),
    ):
        with pytest.raises(TypeError, match="masked"):
            call()
    whole = np.ma.array([0.0, 1.0], mask=[False, False])
    assert lc.local_mean([0.0], whole, [2.0, 2.0]) == [2.0]
