"""Fuzzy systems, fuzzy c-means, and rules from data."""

from __future__ import annotations

import pickle
import re

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_diabetes

TIP = """
name = "tipping"
[[input]]
name = "quality"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[input]]
name = "service"
range = [0, 10]
terms = { poor = "triangle(0, 0, 5)", average = "triangle(0, 5, 10)", good = "triangle(5, 10, 10)" }
[[output]]
name = "tip"
range = [0, 25]
terms = { low = "triangle(0, 0, 13)", medium = "triangle(0, 13, 25)", high = "triangle(13, 25, 25)" }
[rules]
text = '''
IF quality IS poor OR service IS poor THEN tip IS low
IF service IS average THEN tip IS medium
IF service IS good OR quality IS good THEN tip IS high
'''
"""


def test_a_system_is_read_evaluated_explained_and_kept(tmp_path):
    system = lc.FuzzySystem(TIP)
    # What scikit-fuzzy's gallery gives for its example.
    assert system.evaluate([[6.5, 9.8]])[0] == pytest.approx(19.8578, abs=0.01)
    table = {"service": [9.8, 1.0], "quality": [6.5, 2.0]}
    np.testing.assert_array_equal(system.evaluate(table), system.evaluate([[6.5, 9.8], [2.0, 1.0]]))
    why = system.explain({"quality": 6.5, "service": 9.8})
    assert [f["rule"] for f in why["fired"]] == [3, 2]
    with pytest.raises(ValueError, match="x has no value of 'quality'"):
        system.explain({"service": 9.8})
    assert why["inputs"]["quality"] == pytest.approx({"poor": 0.0, "average": 0.7, "good": 0.3})
    assert "IF service IS good OR quality IS good THEN tip IS high" in why["text"]
    np.testing.assert_allclose(system.firing([[6.5, 9.8]]), [[0.0, 0.04, 0.96]], atol=1e-12)
    x, y, z = system.surface("quality", "service", points=11)
    assert z.shape == (11, 11)
    assert z[8, 3] == system.evaluate([[x[3], y[8]]])[0]
    system.save(tmp_path / "tip.toml")
    assert lc.FuzzySystem.load(tmp_path / "tip.toml") == system == pickle.loads(pickle.dumps(system))
    assert len(system.add("IF quality IS very good THEN tip IS high WITH 0.5").rules) == 4


def test_faults_are_named():
    system = lc.FuzzySystem(TIP)
    with pytest.raises(ValueError, match="did you mean 'good'"):
        system.add("IF service IS god THEN tip IS low")
    with pytest.raises(ValueError, match="no column 'service'"):
        system.evaluate({"quality": [1.0]})
    with pytest.raises(ValueError, match="3 columns, but the system has 2 inputs"):
        system.evaluate([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="NaN in row 0, column 1"):
        system.evaluate([[1.0, np.nan]])
    with pytest.raises(ValueError, match="unknown format"):
        lc.FuzzySystem(TIP, "tom")
    with pytest.raises(ValueError, match="unknown input 'price'"):
        system.surface("price", "service")


def test_c_means_holds_its_own_equations():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(c, 0.5, (60, 2)) for c in ((0, 0), (4, 0), (0, 5))])
    model = lc.FuzzyCMeans(3, tol=1e-10).fit(X)
    u, c = model.memberships_, model.cluster_centers_
    np.testing.assert_allclose(u.sum(axis=1), 1.0)
    np.testing.assert_allclose((u**2).T @ X / (u**2).sum(axis=0)[:, None], c, atol=1e-6)
    d = ((X[:, None] - c) ** 2).sum(axis=2)
    np.testing.assert_allclose(u, (1 / d) / (1 / d).sum(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X), u, atol=1e-9)
    assert sorted(np.bincount(model.labels_)) == [60, 60, 60]


def test_learned_rules_beat_one_plane_and_are_readable():
    rng = np.random.default_rng(1)
    X = rng.uniform(-3, 3, (400, 2))
    y = np.sin(2 * X[:, 0]) + 0.2 * X[:, 1] ** 2
    model = lc.FuzzyRegressor().fit(X[:300], y[:300])
    assert model.score(X[300:], y[300:]) > 0.95
    again = lc.FuzzySystem(model.system_.to_toml())
    np.testing.assert_array_equal(again.evaluate(X), model.predict(X))
    assert all(rule.startswith("IF x0 IS ") or rule.startswith("IF x1 IS ") for rule in again.rules)
    held = [h[1] for h in model.history_]
    assert min(held) < 0.9 * held[0]
    one, two = (lc.FuzzyRegressor(6, n_jobs=j).fit(X, y).predict(X) for j in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_constant_columns_and_few_samples_are_no_trouble():
    X = np.column_stack([np.linspace(0, 1, 30), np.ones(30)])
    for order in (0, 1):
        model = lc.FuzzyRegressor(3, order=order).fit(X, X[:, 0] ** 2)
        assert np.isfinite(model.predict(X)).all()
        assert model.score(X, X[:, 0] ** 2) > 0.8
    model = lc.FuzzyRegressor().fit(np.ones((5, 2)), [1.0, 2.0, 3.0, 4.0, 5.0])
    np.testing.assert_allclose(model.predict(np.ones((1, 2))), 3.0)
    with pytest.raises(ValueError, match="n_samples"):
        lc.FuzzyRegressor(9).fit(X[:5], X[:5, 0])


def test_mean_shift_finds_how_many_rules_there_are():
    rng = np.random.default_rng(3)
    centers = np.array([[0.0, 0.0], [8.0, 2.0], [3.0, 9.0]])
    which = rng.integers(0, 3, 600)
    X = centers[which] + rng.normal(0, 0.5, (600, 2))
    slopes = np.array([[1.0, -2.0], [-3.0, 0.5], [0.0, 4.0]])
    y = 10.0 * which + (slopes[which] * X).sum(axis=1)
    model = lc.FuzzyRegressor(bandwidth=0.08, epochs=0).fit(X, y)
    assert len(model.system_.rules) == 3 and model.n_pruned_ == 0
    assert model.score(X, y) > 0.999
    # Few rows by themselves are no rule.
    stray = np.concatenate([X, [[20.0, 20.0], [20.0, -20.0]]])
    assert len(lc.FuzzyRegressor(bandwidth=0.05, epochs=0, prune=-1.0).fit(stray, np.append(y, [0.0, 0.0])).system_.rules) == 3
    with pytest.raises(ValueError, match="give one of them"):
        lc.FuzzyRegressor(bandwidth=0.1, radius=0.5).fit(X, y)
    with pytest.raises(ValueError, match="bandwidth=-1"):
        lc.FuzzyRegressor(bandwidth=-1.0).fit(X, y)
    with pytest.raises(ValueError, match="bandwidth=-3"):
        lc.FuzzyRegressor(2, bandwidth=-3).fit(X, y)
    with pytest.raises(ValueError, match="radius=0"):
        lc.FuzzyRegressor(2, radius=0.0).fit(X, y)


@pytest.mark.parametrize("names", [["a", "A"], ['5"', "5'"], ['5"', "5''"], ["x\ny", "x y"], ["", " "], ["'''", "b"], ["a (2)", "a", "A"]])
def test_classes_may_have_any_names(names):
    X = np.linspace(0.0, 6.0, 60)[:, None]
    y = np.array(names, dtype=object)[np.minimum(X[:, 0] * len(names) / 6.0, len(names) - 1).astype(int)]
    model = lc.FuzzyClassifier(4).fit(X, y)
    assert set(model.classes_) == set(names)
    assert (model.predict(X) == y).mean() > 0.8
    again = lc.FuzzySystem(model.system_.to_toml())
    np.testing.assert_array_equal(again.evaluate(X), model.system_.evaluate(X))


def test_columns_may_have_any_names():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.uniform(size=(80, 4)), columns=["x", "X", 'in "', "two\nlines"])
    y = X["x"] - 2.0 * X["X"]
    model = lc.FuzzyRegressor(2).fit(X, y)
    assert model.score(X, y) > 0.99
    assert lc.FuzzySystem(model.system_.to_toml()).evaluate(X.to_numpy()).shape == (80,)


NARROW = '''
[[input]]
name = "x"
range = [0, 1]
terms = { on = "triangle(0, 1, 1)" }
[[output]]
name = "y"
range = [0, 1000]
default = 700
terms = { term = "TERM" }
[rules]
text = "IF x IS on THEN y IS term"
'''


@pytest.mark.parametrize(
    ("term", "centroid"),
    [("triangle(10.6, 11, 11.4)", 11.0), ("triangle(9.9, 11.5, 12.1)", 33.5 / 3), ("gaussian(11, 0.2)", 11.0), ("singleton(11.3)", 11.3)],
)
def test_sets_narrower_than_a_step_have_their_centroids(term, centroid):
    system = lc.FuzzySystem(NARROW.replace("TERM", term))
    found = system.evaluate([[1.0], [0.0]])
    np.testing.assert_allclose(found, [centroid, 700.0], atol=1e-3)


def test_a_surface_needs_two_inputs():
    with pytest.raises(ValueError, match="x and y are both 'x'.*two different"):
        lc.FuzzySystem(NARROW.replace("TERM", "gaussian(11, 0.2)")).surface("x", "x")


def test_learned_terms_are_no_two_of_one_curve():
    X, y = load_diabetes(return_X_y=True)
    system = lc.FuzzyRegressor(4, epochs=0, prune=-1.0).fit(X, y).system_
    for column, block in zip(X.T, system.to_toml().split("[[input]]")[1:], strict=True):
        terms = re.findall(r"gaussian\(([^,]+), ([^)]+)\)", block.split("[[output]]")[0])
        places = np.linspace(column.min(), column.max(), 201)
        curves = [np.exp(-0.5 * ((places - float(c)) / float(s)) ** 2) for c, s in terms]
        for i, one in enumerate(curves):
            assert all(abs(one - other).max() > 0.09 for other in curves[:i]), terms


def test_rows_that_repeat_keep_predictions_near():
    rng = np.random.default_rng(0)
    places = rng.random((5, 3))
    X = np.repeat(places, 20, axis=0)
    y = np.repeat([0, 1, 0, 1, 0], 20)
    model = lc.FuzzyClassifier().fit(X, y)
    assert model.score(X, y) == 1.0
    targets = np.repeat(rng.normal(size=5), 20)
    model = lc.FuzzyRegressor().fit(X, targets)
    between = rng.random((2000, 3))
    assert np.abs(model.predict(between)).max() < 5 * np.abs(targets).max()
    levels = np.array(np.meshgrid(*3 * [[-1.0, 0.0, 1.0]])).reshape(3, -1).T
    D = np.repeat(levels, 6, axis=0)
    t = D[:, 0] * D[:, 1] + D[:, 2] + 0.1 * rng.normal(size=len(D))
    for rules in (8, 20, 27):
        model = lc.FuzzyRegressor(rules).fit(D, t)
        error = np.sqrt(np.mean((model.predict(D) - t) ** 2))
        assert error == pytest.approx(model.training_error_, rel=1e-9)
        assert error < 0.15
        assert np.abs(model.predict(D + 1e-3 * rng.normal(size=D.shape))).max() < 2 * np.abs(t).max()


@pytest.mark.parametrize("how", [{"rules": 4}, {"radius": 0.5}])
def test_whole_weights_are_repeated_rows(how):
    rng = np.random.default_rng(5)
    X = rng.random((90, 2))
    y = np.sin(5 * X[:, 0]) + X[:, 1]
    w = rng.integers(0, 4, 90)
    times = np.repeat(np.arange(90), w)
    for made, target in ((lc.FuzzyRegressor, y), (lc.FuzzyClassifier, y > 1)):
        plain = made(**how, epochs=0, prune=-1.0)
        heavy = made(**how, epochs=0, prune=-1.0).fit(X, target, sample_weight=w)
        often = made(**how, epochs=0, prune=-1.0).fit(X[times], target[times])
        np.testing.assert_allclose(heavy.system_.evaluate(X), often.system_.evaluate(X), atol=1e-6)
        assert np.abs(heavy.system_.evaluate(X) - plain.fit(X, target).system_.evaluate(X)).max() > 1e-3
    with pytest.raises(ValueError, match="sample_weight"):
        lc.FuzzyRegressor(2).fit(X, y, sample_weight=[1.0, 2.0])
    with pytest.raises(ValueError, match="not negative"):
        lc.FuzzyRegressor(2).fit(X, y, sample_weight=-np.ones(90))


def test_a_radius_too_small_for_the_rows_is_told():
    rng = np.random.default_rng(1)
    X = rng.random((100, 3))
    with pytest.warns(UserWarning, match="radius=0.1 finds .* more clusters than 100 rows"):
        model = lc.FuzzyRegressor(radius=0.1, epochs=0).fit(X, X[:, 0])
    assert len(model.system_.rules) <= 12


def test_terms_and_ranges_are_read_back():
    system = lc.FuzzySystem(TIP)
    assert system.input_terms["service"]["average"] == "triangle(0, 5, 10)"
    assert system.output_terms == {"tip": {"low": "triangle(0, 0, 13)", "medium": "triangle(0, 13, 25)", "high": "triangle(13, 25, 25)"}}
    assert system.input_ranges == {"quality": (0.0, 10.0), "service": (0.0, 10.0)}
    assert system.output_ranges == {"tip": (0.0, 25.0)}
    degrees = system.memberships({"service": [9.8, 1.0], "quality": [6.5, 2.0]})
    assert list(degrees) == ["quality", "service"]
    np.testing.assert_allclose(degrees["quality"]["average"], [0.7, 0.4])
    np.testing.assert_allclose(degrees["service"]["poor"], [0.0, 0.8])
    linear = lc.FuzzySystem(LINEAR)
    assert linear.output_terms == {"y": {"up": "2 + 2 * x", "half": "0 + 0.5 * x"}}


LINEAR = """
[[input]]
name = "x"
range = [0, 1]
terms = { low = "triangle(0, 0, 1)", high = "triangle(0, c=1, b=1)" }
[[output]]
name = "y"
range = [0, 4]
inference = "sugeno"
terms = { up = "(x + 1) * 2", half = "x / 2" }
[rules]
text = '''
IF x IS low THEN (y IS up)
IF x IS high THEN (y IS half)
'''
"""


def test_one_input_is_explained_by_its_number_and_systems_have_files_of_their_own(tmp_path):
    system = lc.FuzzySystem(LINEAR)
    assert system.explain(0.25) == system.explain([0.25]) == system.explain({"x": 0.25})
    assert system.explain(0.25)["outputs"]["y"] == pytest.approx(0.75 * 2.5 + 0.25 * 0.125)
    with pytest.raises(ValueError, match="2 inputs"):
        lc.FuzzySystem(TIP).explain(1.0)
    with pytest.raises(TypeError, match="must be a number"):
        system.explain("a")
    with pytest.raises(TypeError, match=r"system\.save\('rules.toml'\)"):
        lc.save(system, tmp_path / "rules.loc")


def test_names_of_parameters_count():
    text = LINEAR.replace("triangle(0, 0, 1)", "gaussian(sigma=1, mean=5)")
    assert lc.FuzzySystem(text).input_terms["x"]["low"] == "gaussian(5, 1)"
    with pytest.raises(ValueError, match="unknown parameter of gaussian 'mu'"):
        lc.FuzzySystem(text.replace("mean=5", "mu=5"))
    with pytest.raises(ValueError, match="multiplies inputs"):
        lc.FuzzySystem(LINEAR.replace("x / 2", "x * x"))


def test_rows_of_frames_are_explained_by_name():
    pd = pytest.importorskip("pandas")
    system = lc.FuzzySystem(TIP)
    frame = pd.DataFrame({"guest": [7.0, 8.0], "service": [9.0, 1.0], "quality": [2.0, 6.0]})
    for i, row in frame.iterrows():
        want = system.explain({"quality": row["quality"], "service": row["service"]})
        assert system.explain(row) == system.explain(frame.iloc[[i]]) == want
        assert want["outputs"]["tip"] == pytest.approx(system.evaluate(frame)[i], abs=1e-12)
    # Without names there is nothing but the order.
    assert system.explain(pd.Series([2.0, 9.0])) == system.explain([2.0, 9.0])
    with pytest.raises(ValueError, match="x has no value of 'service'; give one for each of quality, service"):
        system.explain(frame[["quality", "guest"]].iloc[0])
    with pytest.raises(ValueError, match="x is a table of 2 rows"):
        system.explain(frame)
    with pytest.raises(ValueError, match="a name twice"):
        system.explain(pd.Series([1.0, 2.0, 3.0], index=["quality", "service", "service"]))


def test_rules_have_one_number():
    system = lc.FuzzySystem(TIP)
    why = system.explain([2.0, 9.0])
    for fired in why["fired"]:
        assert f"rule {fired['rule']}: {fired['text']}\n" in why["text"]
        assert system.rules[fired["rule"] - 1] == fired["text"]
        assert system.firing([[2.0, 9.0]])[0, fired["rule"] - 1] == fired["degree"]


def test_bare_numbers_simpfuls_weights_and_sets_out_of_range():
    text = TIP.replace('"triangle(0, 0, 13)"', "3").replace('poor = "triangle(0, 0, 5)"', "poor = 2", 1)
    system = lc.FuzzySystem(text)
    assert system.input_terms["quality"]["poor"] == "singleton(2)"
    assert system.output_terms["tip"]["low"] == "singleton(3)"
    assert lc.FuzzySystem(system.to_toml()) == system
    weighted = lc.FuzzySystem(TIP).add("IF (quality IS poor) THEN (tip IS low) WEIGHT 0.5")
    assert weighted == lc.FuzzySystem(TIP).add("IF quality IS poor THEN tip IS low WITH 0.5")
    outside = TIP.replace("triangle(0, 0, 13)", "triangle(30, 35, 40)")
    with pytest.raises(ValueError, match=r"term 'low' of 'tip', triangle\(30, 35, 40\), is 0 on all of the output's range \[0, 25\]"):
        lc.FuzzySystem(outside)
    # With a default that is what comes of it.
    told = lc.FuzzySystem(outside.replace("range = [0, 25]", "range = [0, 25]\ndefault = 7"))
    assert told.evaluate([[0.0, 0.0]])[0] == 7.0
    with pytest.raises(ValueError, match="a number is missing between commas"):
        lc.FuzzySystem(TIP.replace("triangle(0, 0, 13)", "gaussian(1,,2)"))


def test_seeds_are_of_any_kind():
    X = np.random.default_rng(0).normal(size=(60, 2))
    models = (lc.FuzzyRegressor(2, epochs=1), lc.FuzzyCMeans(2), lc.HopfieldImputer())
    for model in models:
        model.set_params(random_state=None).fit(X, X[:, 0])
        for seed in (np.random.RandomState, np.random.default_rng):
            one, other = (model.set_params(random_state=seed(3)).fit(X, X[:, 0]) for _ in range(2))
            assert one is other
    with pytest.raises(ValueError, match=r"validation_fraction=0.95 must lie between 0 and 0.9"):
        lc.FuzzyRegressor(2, validation_fraction=0.95).fit(X, X[:, 0])
