"""What is said where an argument is of another function's order, unit or kind; and what a module shows of itself."""

import datetime
import re

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import locality as lc
from locality import densecrf

X = np.linspace(0.0, 6.0, 30)[:, None]
Y = np.sin(X[:, 0])


def test_a_place_to_save_at_is_checked_and_named(tmp_path):
    model = lc.LocalPolynomialRegressor(bandwidth=1.0).fit(X, Y)
    with pytest.raises(FileNotFoundError, match=re.escape(f"there is no folder '{tmp_path / 'nodir'}'")) as e:
        lc.save(model, tmp_path / "nodir" / "x.loc")
    assert ".locality-" not in str(e.value)
    with pytest.raises(IsADirectoryError, match=r"it is a folder; name a file in it, such as '.*model\.loc'"):
        lc.save(model, tmp_path)
    with pytest.raises(TypeError, match=r"takes the model first, then the path, but was given 'x\.loc'"):
        lc.save("x.loc", model)
    with pytest.raises(TypeError, match="swap the two"):
        lc.save(tmp_path / "x.loc", model)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("estimator", [lc.LocalPolynomialRegressor, lc.LocalGLMRegressor, lc.LocalLogisticRegression])
def test_searches_of_a_bandwidth_are_listed(estimator):
    with pytest.raises(ValueError, match="bandwidth='cv' must be a number or one of auto, fixed, nearest, per-column"):
        estimator(bandwidth="cv").fit(X, (Y > 0).astype(float))


@pytest.mark.parametrize(
    "model",
    [
        lc.LocalPolynomialRegressor(),
        lc.LocalMeanRegressor(),
        lc.LocalLogisticRegression(),
        lc.KNeighborsRegressor(),
        lc.KernelRidge(),
        lc.KernelDensity(),
        lc.MeanShift(),
        lc.Localized(LinearRegression(), bandwidth=1.0),
        lc.TableEncoder(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_arrays_and_frames_of_dates_are_refused_alike(model):
    """numpy makes numbers of them, and the least of all of one that is missing."""
    pd = pytest.importorskip("pandas")
    days = np.arange("2025-01-01", "2025-02-10", dtype="datetime64[D]")
    days[3] = np.datetime64("NaT")
    y = np.arange(len(days)) % 2
    for column, remedy in ((days, "the days since a first one"), (days - days[0], "total_seconds")):
        with pytest.raises(TypeError, match=remedy):
            model.fit(column[:, None], y)
        with pytest.raises(TypeError, match=f"'when'.*{remedy}"):
            model.fit(pd.DataFrame({"x": y, "when": column}), y)
    sites = np.random.default_rng(0).uniform(size=(len(days), 2))
    with pytest.raises(TypeError, match="X holds datetime64"):
        lc.GWR(30).fit(days[:, None], y, sites)
    with pytest.raises(TypeError, match="y holds datetime64"):
        lc.LocalPolynomialRegressor().fit(sites, days)
    # Classes may be dates.
    days[3] = days[2]
    assert lc.KNeighborsClassifier(1).fit(sites, days).predict(sites[:1])[0] == days[0]


def test_dates_are_to_be_made_numbers():
    days = [datetime.date(2025, 1, 1 + i) for i in range(4)]
    table = np.array([[day, float(i)] for i, day in enumerate(days)], dtype=object)
    with pytest.raises(TypeError, match="column 0, row 0 holds .*date.* such as the days since a first one"):
        lc.TableEncoder().fit(table)
    with pytest.raises(TypeError, match="column 0, row 0 holds .*timedelta.* such as its total_seconds"):
        lc.TableEncoder().fit(np.array([[days[1] - days[0]]] * 3, dtype=object))
    with pytest.raises(TypeError, match="such as the days since a first one"):
        lc.LocalPolynomialRegressor(missing="mean").fit(table, [1.0, 2.0, 3.0, 4.0])


def test_latitudes_are_checked_in_their_unit():
    places = [[48.9, 2.4], [50.1, 8.7]]
    found = lc.nearest([[49.0, 2.0]], places, metric="haversine_km")
    assert found.indices[0, 0] == 0
    with pytest.raises(ValueError, match=r"k has a latitude of 200 in row 1 .* metric='haversine_km' takes \(latitude, longitude\) in degrees"):
        lc.nearest([[49.0, 2.0]], [[0.0, 0.0], [200.0, 0.0]], metric="haversine_km")
    with pytest.raises(ValueError, match=r"q has a latitude of 49 in row 0 .* metric='haversine' takes \(latitude, longitude\) in radians"):
        lc.within_radius([[49.0, 2.0]], np.radians(places), 0.1, metric="haversine")
    # The poles, as float32 has them, and other columns under other metrics.
    pole = np.array([[np.pi / 2.0, 0.0]], dtype=np.float32)
    assert lc.nearest(pole, np.radians(places).astype(np.float32), metric="haversine").distances[0, 0] > 0
    lc.nearest([[200.0, 0.0]], [[300.0, 0.0]])


@pytest.mark.parametrize("module", [lc, lc.image, lc.kernels, lc.learn, densecrf])
def test_a_module_shows_what_it_has_and_nothing_it_uses(module):
    shown = {name for name in dir(module) if not name.startswith("__")}
    assert shown == {name for name in module.__all__ if not name.startswith("__")}
    assert all(hasattr(module, name) for name in shown)
