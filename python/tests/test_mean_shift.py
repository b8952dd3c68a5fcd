"""Mean shift against scikit-learn's, on blobs and on measured tables."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import locality as lc
import numpy as np
import pytest
from sklearn import cluster
from sklearn.datasets import load_iris, load_wine, make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler


def blobs(d):
    centers = np.random.default_rng(d).uniform(-10, 10, size=(6, d))
    return make_blobs(2000, d, centers=centers, cluster_std=1.0, random_state=d)[0]


DATA = {
    "blobs d=2": (lambda: blobs(2), 0.1),
    "blobs d=3": (lambda: blobs(3), 0.1),
    "iris": (lambda: load_iris().data, 0.2),
    "wine": (lambda: StandardScaler().fit_transform(load_wine().data), 0.1),
}


def compare(x, bandwidth, **parameters):
    ours = lc.MeanShift(bandwidth=bandwidth, **parameters).fit(x)
    theirs = cluster.MeanShift(bandwidth=bandwidth, **parameters).fit(x)
    assert len(ours.cluster_centers_) == len(theirs.cluster_centers_)
    assert adjusted_rand_score(theirs.labels_, ours.labels_) == 1.0
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=0, atol=1e-3 * bandwidth)
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    return ours


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("bin_seeding", [False, True])
@pytest.mark.parametrize("cluster_all", [False, True])
def test_labels_and_centers_are_scikit_learns(name, bin_seeding, cluster_all):
    make, quantile = DATA[name]
    x = make()
    bandwidth = cluster.estimate_bandwidth(x, quantile=quantile)
    found = compare(x, bandwidth, bin_seeding=bin_seeding, cluster_all=cluster_all, min_bin_freq=3 if bin_seeding else 1)
    assert len(found.cluster_centers_) > 1


def test_orphans():
    x = np.concatenate([blobs(2), [[100.0, 100.0]]])
    found = compare(x, 1.2, bin_seeding=True, cluster_all=False, min_bin_freq=5)
    assert found.labels_[-1] == -1


def test_given_seeds_and_few_iterations():
    x = blobs(3)
    compare(x, 2.0, seeds=x[::50])
    compare(x, 2.0, seeds=x[:3], max_iter=2)


@pytest.mark.parametrize("name", DATA)
def test_bandwidths_are_scikit_learns(name):
    x = DATA[name][0]()
    for how in ({}, {"quantile": 0.1}, {"quantile": 0.5, "n_samples": 100, "random_state": 3}):
        expected = cluster.estimate_bandwidth(x, **how)
        assert lc.estimate_bandwidth(x, **how) == pytest.approx(expected, rel=1e-6)
    assert lc.MeanShift().fit(x).bandwidth_ == pytest.approx(cluster.estimate_bandwidth(x), rel=1e-6)


def test_bin_seeds_are_scikit_learns():
    x = blobs(2)
    for size, least in ((1.5, 1), (0.7, 4)):
        expected = cluster.get_bin_seeds(x, size, least)
        found = lc.get_bin_seeds(x, size, least)
        assert {tuple(r) for r in found.round(5)} == {tuple(r) for r in expected.astype(float).round(5)}


def test_number_types_threads_and_pickle():
    x = blobs(2)
    wide = lc.MeanShift(bandwidth=2, n_jobs=1).fit(x)
    for n_jobs in (2, None):
        again = lc.MeanShift(bandwidth=2, n_jobs=n_jobs).fit(x)
        np.testing.assert_array_equal(again.labels_, wide.labels_)
        np.testing.assert_array_equal(again.cluster_centers_, wide.cluster_centers_)
    narrow = lc.MeanShift(bandwidth=2).fit(x.astype(np.float32))
    assert narrow.cluster_centers_.dtype == np.float32
    assert adjusted_rand_score(narrow.labels_, wide.labels_) > 0.999
    loaded = pickle.loads(pickle.dumps(wide))
    np.testing.assert_array_equal(loaded.predict(x), wide.labels_)


def test_a_gaussian_kernel_finds_the_density_modes():
    x = blobs(2)
    found = lc.MeanShift(kernel=lc.kernels.gaussian(h=1.0)).fit(x)
    # A mode is a fixed point of the local mean.
    again = lc.local_mean(found.cluster_centers_, x, x, kernel="gaussian(h=1)")
    np.testing.assert_allclose(again, found.cluster_centers_, rtol=0, atol=5e-3)
    assert found.bandwidth_ == 1.0
    same = lc.MeanShift(kernel="gaussian", bandwidth=1.0).fit(x)
    np.testing.assert_array_equal(same.labels_, found.labels_)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"bandwidth": 0}, "bandwidth"),
        ({"bandwidth": -1}, "-1"),
        ({"bandwidth": float("nan")}, "(?i)nan"),
        ({"kernel": "softmax"}, "softmax"),
        ({"kernel": "flatt"}, "'flat"),
        ({"max_iter": -1}, "max_iter=-1"),
        ({"seeds": [[1.0, 2.0, 3.0]]}, "seeds"),
        ({"n_jobs": 0}, "n_jobs=0"),
        ({"over_relaxation": 2.0}, "over_relaxation=2"),
        ({"adaptive": -0.5}, "adaptive=-0.5"),
        ({"metric": "manhattan"}, "metric=manhattan"),
        ({"min_persistence": -1.0}, "min_persistence=-1"),
        ({"compression": 0.0}, "compression=0"),
        ({"blurring": True, "adaptive": 0.5}, "blurring"),
    ],
)
def test_mistakes(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        lc.MeanShift(**parameters).fit(blobs(2)[:50])


def test_a_bandwidth_that_is_none_says_what_one_is():
    x = blobs(2)[:50]
    for name, model in (("bandwidth", lc.MeanShift), ("min_persistence", lc.MeanShift), ("min_persistence", lc.Tomato)):
        for value in ("x", [1]):
            sentence = re.escape(f"{name} must be a number, not {value!r}; give a positive one, 'auto' or None")
            with pytest.raises(TypeError, match=sentence):
                model(**{name: value}).fit(x)


def test_estimates_have_the_unit_of_the_points():
    x = blobs(2)[:80]
    one = lc.estimate_bandwidth(x)
    for power in (-900, -550, 550, 900):
        assert lc.estimate_bandwidth(np.ldexp(x, power)) == np.ldexp(one, power)
    # What is estimated is told where it cannot be squared.
    for scale in (1e200, 1e-200):
        with pytest.raises(ValueError, match=r"bandwidth h=\d\S*e-?(199|200|201) is outside .* change the unit of the columns"):
            lc.MeanShift().fit(x * scale)
    with pytest.raises(ValueError, match="beyond what f64 can square; scale it down"):
        lc.MeanShift(kernel="gaussian").fit(x * 1e200)


def test_mistakes_of_type_and_of_the_estimate():
    with pytest.raises(TypeError, match="min_bin_freq must be a whole number"):
        lc.MeanShift(bandwidth=1, bin_seeding=True, min_bin_freq=1.5).fit(blobs(2)[:9])
    with pytest.raises(ValueError, match="bandwidth"):
        lc.MeanShift(kernel="gaussian").fit(np.zeros((20, 2)))
    with pytest.raises(ValueError, match="quantile=2"):
        lc.estimate_bandwidth(blobs(2), quantile=2)


THEIRS = Path(cluster.__file__).parent / "tests" / "test_mean_shift.py"

FIXTURES = """
import numpy as np
import pytest


@pytest.fixture(params=[np.float32, np.float64])
def global_dtype(request):
    return request.param


@pytest.fixture(params=range(5))
def global_random_seed(request):
    return request.param
"""


def test_scikit_learns_own_tests_pass_with_our_names(tmp_path):
    if not THEIRS.exists():
        pytest.skip("scikit-learn was installed without its tests")
    text = THEIRS.read_text()
    names = "from sklearn.cluster import MeanShift, estimate_bandwidth, get_bin_seeds, mean_shift"
    assert names in text
    (tmp_path / "test_theirs.py").write_text(text.replace(names, names.replace("sklearn.cluster", "locality")))
    (tmp_path / "conftest.py").write_text(FIXTURES)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "--rootdir", ".", "test_theirs.py"]
    folder = str(Path(lc.__file__).parents[1])
    path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert int(ran.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 25, ran.stdout[-400:]
    assert "skipped" not in ran.stdout


def test_mean_shift_is_the_models():
    x = blobs(2)
    centers, labels = lc.mean_shift(x, bandwidth=2.0)
    expected, numbers = cluster.mean_shift(x, bandwidth=2.0)
    np.testing.assert_array_equal(labels, numbers)
    np.testing.assert_allclose(centers, expected, rtol=0, atol=2e-3)
    merged = lc.mean_shift(x, bandwidth=0.6, min_persistence=1.0, n_neighbors=20)[0]
    assert len(merged) < len(lc.mean_shift(x, bandwidth=0.6)[0])


def test_weights_count_as_copies():
    x = blobs(2)[:300]
    weights = np.arange(300) % 3
    copies = np.repeat(x, weights, axis=0)
    for parameters in ({}, {"bandwidth": 1.5, "kernel": "gaussian"}, {"bandwidth": 1.5, "bin_seeding": True, "min_bin_freq": 3}):
        heavy = lc.MeanShift(**parameters).fit(x, sample_weight=weights)
        many = lc.MeanShift(**parameters).fit(copies)
        assert heavy.bandwidth_ == pytest.approx(many.bandwidth_, rel=1e-9)
        np.testing.assert_allclose(heavy.cluster_centers_, many.cluster_centers_, atol=0.02)
        np.testing.assert_array_equal(heavy.labels_, many.predict(x))
    with pytest.raises(ValueError, match="sample_weight has shape"):
        lc.MeanShift(bandwidth=1).fit(x, sample_weight=[1.0])
    with pytest.raises(ValueError, match="not negative"):
        lc.MeanShift(bandwidth=1).fit(x, sample_weight=-np.ones(300))


def test_directions_of_mixtures():
    rng = np.random.default_rng(5)
    axes = np.array([[1.0, 0, 0], [0, 1, 0], [-0.6, -0.6, 0.5]])
    y = rng.integers(3, size=600)
    x = (axes[y] + 0.15 * rng.standard_normal((600, 3))) * rng.uniform(0.2, 5.0, size=(600, 1))
    model = lc.MeanShift(metric="cosine", kernel="gaussian", bandwidth=0.3).fit(x)
    assert adjusted_rand_score(y, model.labels_) == 1.0
    np.testing.assert_allclose(np.linalg.norm(model.cluster_centers_, axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(7.0 * x), model.labels_)
    # A centre is a fixed point of the von Mises-Fisher mean of concentration 1 / h^2.
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    for center in model.cluster_centers_:
        mean = np.exp((unit @ center - 1.0) / 0.3**2) @ unit
        np.testing.assert_allclose(mean / np.linalg.norm(mean), center, atol=2e-3)


def test_a_stable_bandwidth_tells_blobs_and_iris():
    x, y = make_blobs(1500, centers=[[0, 0], [6, 0], [0, 6], [6, 6]], cluster_std=0.9, random_state=2)
    found = [lc.MeanShift(bandwidth="auto", random_state=seed).fit(x[seed::2]) for seed in (0, 1)]
    for seed, model in enumerate(found):
        assert adjusted_rand_score(y[seed::2], model.labels_) > 0.98
    assert found[0].bandwidth_ == pytest.approx(found[1].bandwidth_, rel=0.25)
    # The estimate by a quantile leaves two clusters together.
    assert adjusted_rand_score(y, lc.MeanShift().fit(x).labels_) < 0.8
    iris = load_iris()
    assert len(lc.MeanShift(bandwidth="auto").fit(iris.data).cluster_centers_) >= 2


def test_merged_modes_predict_their_cluster():
    x, y = make_blobs(1500, centers=[[0, 0], [5, 0], [0, 5]], cluster_std=0.8, random_state=1)
    rough = lc.MeanShift(bandwidth=0.35, kernel="gaussian").fit(x)
    assert len(rough.cluster_centers_) > 3
    assert rough.diagram_ is None
    model = lc.MeanShift(bandwidth=0.35, kernel="gaussian", min_persistence="auto", n_neighbors=20).fit(x)
    assert len(model.cluster_centers_) == 3
    assert len(model.modes_) == len(rough.modes_)
    assert adjusted_rand_score(y, model.labels_) > 0.98
    np.testing.assert_array_equal(model.predict(x), model.labels_)


def test_basins_tell_which_mode_each_point_flows_to():
    x, _ = make_blobs(600, centers=[[0, 0], [5, 0], [0, 5]], cluster_std=0.8, random_state=1)
    model = lc.MeanShift(bandwidth=0.5, kernel="gaussian", min_persistence="auto", n_neighbors=20).fit(x)
    assert model.basins_.shape == (600,) and 0 <= model.basins_.min() and model.basins_.max() < len(model.modes_)
    # Followed by plain steps: the end is nearer to that mode than to any other.
    at = x.copy()
    for _ in range(200):
        at = lc.local_mean(at, x, x, kernel="gaussian(h=0.5)")
    far = np.linalg.norm(at[:, None] - model.modes_, axis=2)
    assert (far.argmin(axis=1) == model.basins_).mean() > 0.97
    np.testing.assert_allclose(model.persistence_, model.diagram_[:, 0] - model.diagram_[:, 1])
    # Points without weight flow, too.
    weights = np.arange(600) % 2
    heavy = lc.MeanShift(bandwidth=0.5, kernel="gaussian").fit(x, sample_weight=weights)
    only = lc.MeanShift(bandwidth=0.5, kernel="gaussian").fit(x[1::2])
    np.testing.assert_array_equal(heavy.basins_[1::2], only.basins_)
    assert heavy.basins_.shape == (600,) and heavy.persistence_ is None
    for given in ({"bin_seeding": True}, {"seeds": x[:5]}, {"compression": 0.2}):
        assert lc.MeanShift(bandwidth=1.0, **given).fit(x).basins_ is None


def test_a_stable_bandwidth_counts_weights():
    x, y = make_blobs(900, centers=[[0, 0], [8, 0], [4, 9]], cluster_std=0.8, random_state=3)
    weights = np.where(y == 2, 0.0, 1.0 + y)
    model = lc.MeanShift(bandwidth="auto").fit(x, sample_weight=weights)
    assert len(model.cluster_centers_) == 2
    assert len(lc.MeanShift(bandwidth="auto").fit(x).cluster_centers_) == 3


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_table_in_parts_is_the_whole(metric, dtype):
    x, y = make_blobs(6000, 3, centers=[[8, 0, 0], [0, 8, 0], [0, 0, 8]], random_state=4)
    x = x.astype(dtype)
    make = lambda: lc.MeanShift(bandwidth=0.4 if metric == "cosine" else 3.0, metric=metric, compression=0.2)  # noqa: E731
    whole = make().partial_fit(x)
    parts = make()
    for start in range(0, 6000, 700):
        parts.partial_fit(x[start : start + 700])
    np.testing.assert_array_equal(parts.cluster_centers_, whole.cluster_centers_)
    assert parts.displacement_ <= 0.2 * whole.bandwidth_ * np.sqrt(3.0)
    assert adjusted_rand_score(y, parts.predict(x)) > 0.99
    once = make().fit(x)
    assert adjusted_rand_score(once.labels_, parts.predict(x)) > 0.999
    assert len(once.labels_) == 6000
    # Copies go on with the cells of all parts.
    for again in (pickle.loads(pickle.dumps(parts)), copy.deepcopy(parts)):
        np.testing.assert_array_equal(again.predict(x), parts.predict(x))
        again.partial_fit(x[:99])
        both = make().partial_fit(x).partial_fit(x[:99])
        np.testing.assert_array_equal(again.cluster_centers_, both.cluster_centers_)
        np.testing.assert_array_equal(again.intensities_, both.intensities_)
        assert again.displacement_ == both.displacement_
    with pytest.raises(ValueError, match="features"):
        parts.partial_fit(x[:, :2])


def test_relaxed_steps_are_fewer_and_adaptive_bandwidths_differ():
    x = blobs(2)
    plain = lc.MeanShift(bandwidth=1.0, kernel="gaussian").fit(x)
    fast = lc.MeanShift(bandwidth=1.0, kernel="gaussian", over_relaxation=1.7).fit(x)
    assert adjusted_rand_score(plain.labels_, fast.labels_) > 0.98
    assert fast.n_iter_ < plain.n_iter_
    own = lc.MeanShift(bandwidth=1.0, kernel="gaussian", adaptive=0.5).fit(x)
    assert not np.array_equal(own.cluster_centers_[:2], plain.cluster_centers_[:2])
    moving = lc.MeanShift(bandwidth=2.0, blurring=True).fit(x)
    assert len(moving.labels_) == len(x)


def test_a_file_has_no_cells_to_go_on_with(tmp_path):
    x = blobs(3)
    model = lc.MeanShift(bandwidth=1.0).partial_fit(x[:300])
    lc.save(model, tmp_path / "parts.lcl")
    loaded = lc.load(tmp_path / "parts.lcl")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    with pytest.raises(ValueError, match="pickle the model"):
        loaded.partial_fit(x[300:])
    # A fit to all begins anew.
    whole = loaded.fit(x).partial_fit(x)
    np.testing.assert_array_equal(whole.cluster_centers_, lc.MeanShift(bandwidth=1.0).partial_fit(x).cluster_centers_)


def test_far_clusters_stay_apart_and_saddles_are_the_densitys():
    r = np.random.default_rng(0)
    x = np.r_[r.normal(size=(300, 2)), r.normal(size=(8, 2)) * 0.5 + [1000, 0]]
    model = lc.MeanShift(bandwidth=1, kernel="gaussian", min_persistence=np.log(2)).fit(x)
    np.testing.assert_array_equal(model.persistence_, [np.inf, np.inf])
    np.testing.assert_array_equal(model.labels_, np.repeat([0, 1], [300, 8]))
    tight = np.r_[r.normal(size=(5000, 2)) * 0.08 + 0.12, r.normal(size=(4000, 2)) * 0.08 + [100.12, 0.12]]
    parts = lc.MeanShift(bandwidth=1, kernel="gaussian", min_persistence=np.log(2)).partial_fit(tight)
    np.testing.assert_array_equal(np.bincount(parts.labels_), [5000, 4000])
    x = np.r_[r.normal(0, 1, 200), r.normal(3, 1, 150), r.normal(10, 1, 100)][:, None]
    model = lc.MeanShift(bandwidth=0.6, kernel="gaussian", min_persistence=0.0).fit(x)
    at = np.linspace(-5, 15, 20001)
    density = np.log(np.exp(-((at[:, None] - x[:, 0]) ** 2) / (2 * 0.6**2)).sum(axis=1))
    order = np.sort(model.modes_[:, 0])
    saddles = [density[(at > a) & (at < b)].min() for a, b in zip(order, order[1:], strict=False)]
    deaths = model.diagram_[np.isfinite(model.diagram_[:, 1]), 1]
    np.testing.assert_allclose(np.sort(deaths), np.sort(saddles), atol=0.05)


def test_the_search_for_a_bandwidth_does_not_depend_on_the_draws():
    wine = StandardScaler().fit_transform(load_wine().data)
    r = np.random.default_rng
    parts = [wine[r(s).choice(178, 120, replace=False)] for s in range(4)]
    found = [lc.MeanShift(bandwidth="auto", random_state=s).fit(wine) for s in range(4)]
    found += [lc.MeanShift(bandwidth="auto").fit(part) for part in parts]
    counts = [(np.bincount(model.labels_) > 0.02 * len(model.labels_)).sum() for model in found]
    assert counts == [1] * 8
    # Whole numbers, and a row far from all others.
    whole = np.round(np.r_[r(0).normal(0, 2, (300, 1)), r(1).normal(15, 2, (300, 1))])
    far = np.r_[r(0).normal(size=(300, 2)), r(9).normal(size=(300, 2)) + [8, 0], [[1e6, 0]]]
    assert len(lc.MeanShift(bandwidth="auto").fit(whole).cluster_centers_) == 2
    model = lc.MeanShift(bandwidth="auto").fit(far)
    np.testing.assert_array_equal(np.sort(np.bincount(model.labels_))[-2:], [300, 300])


def test_tables_of_whole_numbers_have_their_clusters():
    r = np.random.default_rng(0)
    x = np.round(np.r_[r.normal(0, 2, (3000, 2)), r.normal(12, 2, (3000, 2))])
    assert lc.Tomato().fit(x).n_clusters_ == 2
    counts = r.poisson(10, size=(2000, 1)).astype(float)
    # A lone count of 25, five from the next, rises more than twice above its saddle, as the density on a grid says, too.
    model = lc.MeanShift(bandwidth=1.0, kernel="gaussian", min_persistence=1.25).fit(counts)
    assert len(model.cluster_centers_) == 1 and np.isfinite(model.persistence_[1:]).all()
    places, _, rises = grid_rises(counts[:, 0], 1.0)
    np.testing.assert_allclose(model.modes_[:, 0], places, atol=1e-3)
    np.testing.assert_allclose(model.persistence_[1:], rises[1:], atol=0.03)


def grid_rises(x, h):
    """Places of the maxima of a Gaussian density on a line, their log densities, and how far each rises above its saddle."""
    at = np.linspace(x.min() - 3 * h, x.max() + 3 * h, 20001)
    density = np.log(np.exp(-((at[:, None] - x) ** 2) / (2 * h * h)).sum(axis=1) + 1e-300)
    tops = np.flatnonzero((density[1:-1] > density[:-2]) & (density[1:-1] >= density[2:])) + 1
    tops = tops[np.argsort(-density[tops])]
    saddle = lambda i, j: density[min(i, j) : max(i, j) + 1].min()  # noqa: E731
    deaths = [max((saddle(i, j) for j in tops[:r]), default=-np.inf) for r, i in enumerate(tops)]
    return at[tops], density[tops], density[tops] - deaths


def test_a_narrow_cluster_on_the_slope_of_a_wide_one_is_not_merged():
    r = np.random.default_rng(0)
    x = np.r_[r.normal(0, 1, 1000), r.normal(4, 0.2, 30)]
    model = lc.MeanShift(kernel="gaussian", bandwidth=0.3, min_persistence=np.log(2)).fit(x[:, None])
    assert len(model.cluster_centers_) == 2
    places, births, rises = grid_rises(x, 0.3)
    for place, birth, rise in zip(places, births, rises, strict=True):
        own = np.abs(model.modes_[:, 0] - place).argmin()
        assert model.modes_[own, 0] == pytest.approx(place, abs=1e-3)
        assert model.diagram_[own, 0] == pytest.approx(birth, abs=1e-5)
        assert rise == model.persistence_[own] or model.persistence_[own] == pytest.approx(rise, abs=0.03)
    wide = np.r_[r.normal(size=(1500, 2)), r.normal(size=(40, 2)) * 0.2 + [4, 0]]
    for more in ({}, {"bin_seeding": True}, {"seeds": [[0.0, 0.0], [4.0, 0.0]]}, {"compression": 0.2}):
        model = lc.MeanShift(kernel="gaussian", bandwidth=0.5, min_persistence=np.log(2), **more).fit(wide)
        assert len(model.cluster_centers_) == 2


def test_modes_are_the_maxima_of_the_density():
    r = np.random.default_rng(7)
    r.uniform(size=(400, 2)), r.normal(size=(400, 2)), r.normal(size=(400, 3))
    x = r.normal(size=400)
    places, _, _ = grid_rises(x, 0.15)
    # At steps of a thousandth of a bandwidth a way may rest where there is no maximum.
    rough = lc.MeanShift(kernel="gaussian", bandwidth=0.15, tol=1e-3).fit(x[:, None])
    assert len(rough.modes_) > len(places)
    model = lc.MeanShift(kernel="gaussian", bandwidth=0.15).fit(x[:, None])
    np.testing.assert_allclose(np.sort(model.modes_[:, 0]), np.sort(places), atol=1e-3)
    assert model.n_iter_ == rough.n_iter_
    for tol, sentence in ((-1.0, "tol=-1"), (np.nan, "tol=nan"), (np.inf, "tol=inf")):
        with pytest.raises(ValueError, match=sentence):
            lc.MeanShift(tol=tol).fit(x[:, None])
    # The flat kernel stops as scikit-learn's does, whatever is asked for.
    np.testing.assert_array_equal(
        lc.MeanShift(bandwidth=0.5, tol=1e-9).fit(x[:, None]).cluster_centers_, lc.MeanShift(bandwidth=0.5).fit(x[:, None]).cluster_centers_
    )


def test_draws_take_any_random_state():
    x, _ = make_blobs(200, centers=[[0, 0], [8, 0]], random_state=0)
    for state in (None, np.random.RandomState(3), 3):
        assert len(lc.MeanShift(bandwidth="auto", random_state=state).fit(x).cluster_centers_) == 2
    with pytest.raises(TypeError, match="random_state"):
        lc.MeanShift(bandwidth="auto", random_state="3").fit(x)
