"""Geographically weighted regression against figures of the package mgwr 2.2.1 on its Georgia data."""

from __future__ import annotations

import csv
import pickle
from pathlib import Path

import locality as lc
import numpy as np
import pytest
from locality._geographic import t_quantile, t_tails
from sklearn.base import clone

DATA = Path(__file__).resolve().parents[2] / "data" / "georgia.csv"


def georgia():
    with DATA.open() as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    x = np.column_stack([column[name] for name in ("PctRural", "PctPov", "PctBlack")])
    return x, column["PctBach"], np.column_stack([column["X"], column["Y"]]), column


@pytest.fixture(scope="module")
def model():
    x, y, coords, _ = georgia()
    return lc.GWR().fit(x, y, coords)


def test_figures_are_mgwrs(model):
    assert model.bandwidth_ == 93.0
    wanted = {
        "tr_S_": 14.364156029825626,
        "tr_STS_": 9.81885125674139,
        "sigma2_": 14.56756406935113,
        "aic_": 892.8246338042071,
        "aicc_": 896.3499951655663,
        "bic_": 939.9757568077064,
        "r2_": 0.5891262472061318,
        "adj_r2_": 0.548037236757482,
    }
    for name, value in wanted.items():
        assert getattr(model, name) == pytest.approx(value, rel=1e-6), name
    np.testing.assert_allclose(
        model.t_values_[0], [7.873856244219797, -4.3014088570086315, -1.9610621946616185, 1.46427487679684], rtol=1e-6
    )
    assert model.standardized_residuals_[100] == pytest.approx(-0.6990198458720889, rel=1e-6)
    assert model.cooks_distance_[100] == pytest.approx(0.001930883252391843, rel=1e-6)
    assert model.cooks_distance_.sum() == pytest.approx(2.591528022803202, rel=1e-6)
    assert model.critical_t() == pytest.approx(2.486946530319766, rel=1e-6)
    assert model.local_r2_.sum() == pytest.approx(90.3338534799793, rel=1e-6)


def test_the_search_is_the_same_by_every_criterion():
    x, y, coords, _ = georgia()
    for criterion, bandwidth in (("aic", 50.0), ("bic", 62.0), ("cv", 68.0)):
        assert lc.GWR(kernel="gaussian", criterion=criterion).fit(x, y, coords).bandwidth_ == bandwidth
    fixed = lc.GWR(adaptive=False, interval=2, bandwidth_range=(211001, 211035)).fit(x, y, coords)
    assert fixed.bandwidth_ == 211025.0


def test_predictions_with_intervals(model):
    x, y, coords, _ = georgia()
    np.testing.assert_array_equal(model.predict(x, coords), model.fitted_values_)
    values, lower, upper = model.predict_interval(x, coords, level=0.9)
    share = np.mean((lower < y) & (y < upper))
    assert 0.85 < share < 0.99
    _, errors = model.predict_std(x, coords)
    # The variance of a fitted value is the variance of responses times the squared norm of its hat row.
    assert (errors**2).sum() == pytest.approx(model.sigma2_ * model.tr_STS_, rel=1e-9)
    np.testing.assert_allclose(upper - values, values - lower)
    assert model.score(x, y, coords) == pytest.approx(model.r2_)
    for k in (1, 200):
        at = model.predict(np.full((k, 3), 20.0), np.full((k, 2), [900000.0, 3600000.0]))
        assert at.shape == (k,)
    surface = model.surface(coords)
    np.testing.assert_array_equal(surface.params, model.params_)
    np.testing.assert_array_equal(surface.t_values, model.t_values_)


def test_clone_pickle_and_frames(model):
    x, y, coords, _ = georgia()
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(x[:5], coords[:5]), model.predict(x[:5], coords[:5]))
    assert clone(lc.GWR(50, kernel="tricube")).get_params()["bandwidth"] == 50
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(x, columns=["rural", "poor", "black"])
    named = lc.GWR(93).fit(frame, pandas.Series(y), pandas.DataFrame(coords))
    assert named.param_names_ == ["intercept", "rural", "poor", "black"]
    np.testing.assert_array_equal(named.params_, model.params_)


def test_exposures_and_classes():
    x, y, coords, column = georgia()
    people = column["TotPop90"]
    counts = np.round(people * y / 100.0)
    x = (x - x.mean(0)) / x.std(0)
    model = lc.GWR(100, family="poisson").fit(x, counts, coords, people)
    assert model.aicc_ == pytest.approx(65330.39024300661, rel=1e-6)
    np.testing.assert_allclose(model.predict(x, coords, people), model.fitted_values_, rtol=1e-12)
    with pytest.raises(ValueError, match="exposure is missing"):
        model.predict(x, coords)
    values, lower, upper = model.predict_interval(x, coords, people)
    assert (lower < values).all() and (values < upper).all()
    classes = lc.GWR(130, family="binomial").fit(x, (y > np.median(y)) * 1.0, coords)
    assert ((classes.fitted_values_ > 0) & (classes.fitted_values_ < 1)).all()


def test_collinear_places_warn_once_and_are_marked():
    x, y, coords, _ = georgia()
    x = np.column_stack([x, 2.0 * x[:, 0]])
    with pytest.warns(UserWarning, match="combination of others") as seen:
        model = lc.GWR(93).fit(x, y, coords)
    assert len(seen) == 1 and model.thin_.all() and np.isfinite(model.params_).all()
    assert np.isnan(model.standard_errors_[:, 4]).all()


def test_several_bandwidths_are_mgwrs():
    x, y, coords, _ = georgia()
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    model = lc.MGWR().fit(x, y, coords)
    np.testing.assert_array_equal(model.bandwidths_, [46.0, 87.0, 157.0, 153.0])
    assert model.aicc_ == pytest.approx(341.40118582288176, rel=1e-6)
    assert model.converged_ and model.n_iter_ == 18
    np.testing.assert_allclose(
        model.enp_, [8.739094196827468, 4.390164962017365, 1.4889777871926009, 1.6260768601280022], rtol=1e-6
    )
    np.testing.assert_allclose(model.critical_t(), [2.80157911, 2.56050272, 2.14378363, 2.17984779], rtol=1e-6)
    np.testing.assert_allclose(model.predict(x, coords), model.fitted_values_, rtol=1e-9, atol=1e-12)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.surface(coords[:3]), model.surface(coords[:3]))
    # Errors at new places are those of the rows there, and those of predictions have the parts of a sum.
    surface = model.surface(coords, return_std=True)
    np.testing.assert_allclose(surface.standard_errors, model.standard_errors_, rtol=1e-12)
    np.testing.assert_allclose(surface.t_values, model.t_values_, rtol=1e-9)
    at, places = np.zeros((4, 3)), coords[:4] + 1e4
    values, errors = model.predict_std(at, places)
    there = model.surface(places, return_std=True)
    np.testing.assert_allclose(values, there.params[:, 0], rtol=1e-12)
    np.testing.assert_allclose(errors, there.standard_errors[:, 0], rtol=1e-12)
    np.testing.assert_array_equal(loaded.predict_std(at, places)[1], errors)
    values, lower, upper = model.predict_interval(x, coords, level=0.9)
    assert 0.85 < np.mean((lower < y) & (y < upper)) < 0.99
    preset = lc.MGWR([46, 87, 157, 153], max_iter=2, inference=False)
    with pytest.warns(UserWarning, match="max_iter=2"):
        assert not preset.fit(x, y, coords).converged_
    with pytest.raises(ValueError, match="standard errors need inference"):
        preset.predict_std(at, places)


def test_stationarity_repeats_with_its_seed(model):
    seen = []
    one = model.stationarity_test(9, seed=3, progress=lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(one, model.stationarity_test(9, seed=3))
    assert one.shape == (4,) and ((one >= 0.1) & (one <= 1.0)).all() and seen[-1] == (9, 9)


def test_quantiles_of_student():
    stats = pytest.importorskip("scipy.stats")
    for df in (1.0, 3.5, 30.0, 158.0, 999.0, 1001.0, 1e5):
        for p in (0.5, 0.9, 0.975, 0.9999):
            assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bandwidth": 160}, "bandwidth=160"),
        ({"bandwidth": "best"}, "must be 'auto'"),
        ({"kernel": "bisqare"}, "kernel 'bisqare' is none .* bisquare"),
        ({"family": "gamma"}, "none of gaussian"),
        ({"metric": "haversine"}, "latitude"),
        ({"criterion": "r2"}, "criterion 'r2'"),
        ({"bandwidth_range": (100, 50)}, "no range"),
    ],
)
def test_mistakes_are_named(change, message):
    x, y, coords, _ = georgia()
    with pytest.raises(ValueError, match=message):
        lc.GWR(**change).fit(x, y, coords)


def test_wrong_arrays_are_named(model):
    x, y, coords, _ = georgia()
    with pytest.raises(ValueError, match="coords has 158"):
        lc.GWR().fit(x, y, coords[1:])
    with pytest.raises(ValueError, match="NaN"):
        lc.GWR().fit(x, y, np.where(coords > 941396, np.nan, coords))
    with pytest.raises(ValueError, match="coords has 2 rows, but X has 1"):
        model.predict(x[:1], coords[:2])
    with pytest.raises(ValueError, match="not fitted"):
        lc.GWR().predict(x, coords)


@pytest.fixture(scope="module")
def several():
    x, y, coords, _ = georgia()
    return lc.MGWR().fit((x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std(), coords)


def test_collinearity_is_mgwrs(model, several):
    told = model.collinearity()
    np.testing.assert_allclose(told.condition[:3], [14.82988498, 16.75504891, 15.25793222], rtol=1e-8)
    shares = [[7.20853667e-01, 4.51904708e-06, 8.80413759e-01, 7.77129905e-02], [6.46031528e-01, 3.97523279e-05, 9.14209962e-01, 2.06281763e-01]]
    np.testing.assert_allclose(told.proportions[:2], shares, rtol=1e-6)
    told = several.collinearity()
    np.testing.assert_allclose(told.condition[:3], [2.72612326, 2.96280867, 2.82093761], rtol=1e-6)
    shares = [[0.44205004, 0.06082604, 0.86209528, 0.8034928], [0.47794487, 0.05789014, 0.87838295, 0.82748461]]
    np.testing.assert_allclose(told.proportions[:2], shares, rtol=1e-6)
    assert told.inflation is None


def test_values_that_tell_nothing_are_filtered_as_mgwr_does(model, several):
    assert np.count_nonzero(model.filter_tvals(), axis=0).tolist() == [159, 159, 63, 7]
    assert np.count_nonzero(several.filter_tvals(), axis=0).tolist() == [22, 159, 159, 0]
    kept = model.filter_tvals(3.0)
    assert (np.abs(kept[kept != 0.0]) >= 3.0).all() and (np.abs(model.t_values_[kept == 0.0]) < 3.0).all()
    stats = pytest.importorskip("scipy.stats")
    for one in (model, several):
        np.testing.assert_allclose(one.p_values_, 2.0 * stats.t.sf(np.abs(one.t_values_), 158), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(t_tails(np.array([0.0, 1.0, 4.0]), 5e3), 2.0 * stats.t.sf([0.0, 1.0, 4.0], 5e3), rtol=1e-6)


def test_summaries_name_coefficients(model, several):
    for one in (model, several):
        text = one.summary()
        for part in ("rows: ", "AICc", "intercept", "x2", "median"):
            assert part in text, text
    assert "93" in model.summary() and f"{several.enp_[0]:.5g}" in several.summary()


def test_each_coefficient_has_a_range_of_its_own(several):
    x, y, coords, _ = georgia()
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    ranges = [(100, None), (44, 120), (60, None), (44, None)]
    bounded = lc.MGWR(bandwidth_ranges=ranges).fit(x, y, coords)
    # Those of mgwr with multi_bw_min and multi_bw_max.
    assert bounded.bandwidths_.tolist() == [105.0, 91.0, 158.0, 56.0]
    with pytest.raises(ValueError, match="bandwidth_ranges has 1 pairs, but there are 4"):
        lc.MGWR(bandwidth_ranges=[(10, 20)]).fit(x, y, coords)
    with pytest.raises(ValueError, match="no pair of a smallest"):
        lc.MGWR(bandwidth_ranges=[3, 4, 5, 6]).fit(x, y, coords)


def test_bandwidths_have_intervals(model, several):
    low, high = model.bandwidth_interval()
    assert low <= 93.0 <= high and low < high
    each = several.bandwidth_intervals()
    assert len(each) == 4
    for (low, high), bandwidth in zip(each, several.bandwidths_, strict=True):
        assert low <= bandwidth <= high
    narrow = several.bandwidth_intervals(0.6)
    assert all(a[0] <= b[0] and b[1] <= a[1] for a, b in zip(each, narrow, strict=True))
    x, y, coords, _ = georgia()
    with pytest.raises(ValueError, match="no bandwidth was searched"):
        lc.GWR(90).fit(x, y, coords).bandwidth_interval()


def test_several_bandwidths_are_tested_for_stationarity():
    rng = np.random.default_rng(0)
    coords = rng.uniform(size=(120, 2))
    x = rng.normal(size=(120, 1))
    y = 4.0 * coords[:, 0] * x[:, 0] + 0.1 * rng.normal(size=120)
    model = lc.MGWR([60, 60]).fit(x, y, coords)
    found = model.stationarity_test(19, search=False)
    assert found[1] == 0.05 and found[0] > 0.05
    np.testing.assert_array_equal(found, model.stationarity_test(19, search=False))
    with pytest.raises(ValueError, match="n_rounds=0"):
        model.stationarity_test(0)


def test_columns_that_others_say_are_named():
    x, y, coords, _ = georgia()
    twice = np.column_stack([x, np.ones(len(x)), x[:, 0] - 2.0 * x[:, 1]])
    with pytest.warns(UserWarning, match="combinations of those before them: x3, x4;"):
        lc.MGWR([100] * 6, inference=False, max_iter=2, tol=1.0).fit(twice, y, coords)


def test_scores_are_of_as_many_rows(model):
    x, y, coords, _ = georgia()
    with pytest.raises(ValueError, match="y has 1 numbers, but X has 159 rows"):
        model.score(x, y[:1], coords)
    with pytest.warns(UserWarning, match="two rows"):
        assert np.isnan(model.score(x[:1], y[:1], coords[:1]))
    assert model.score(x[:5], np.full(5, 3.0), coords[:5]) == 0.0
