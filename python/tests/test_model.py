"""Models in files: the same bits after loading, and the same bytes as Rust writes."""

from __future__ import annotations

import json
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

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
    lc.LocalGLMRegressor("poisson", "gaussian(cols=1)", bandwidth=9.0, columns=[0], guard=False),
    lc.LocalPolynomialRegressor("gaussian(cols=1)", bandwidth=9.0, columns=[0]),
    lc.LocalMeanRegressor("gaussian(h=2)"),
    lc.LocalMeanRegressor(),
    lc.LocalPolynomialRegressor(robust="huber"),
    lc.KNeighborsRegressor(4, weights="tricube"),
    lc.KNeighborsRegressor(4, metric="mahalanobis", metric_params={"V": [[1.0, 0.2], [0.2, 9.0]]}),
    lc.RadiusNeighborsRegressor(20.0, weights="gaussian(h=3)"),
]
CLASSIFIERS = [
    lc.LocalLogisticRegression(),
    lc.LocalLogisticRegression(C=3.0, bandwidth=2.0),
    lc.LocalLogisticRegression(C=np.inf, bandwidth=3.0, multi_class="multinomial"),
    lc.LocalLogisticRegression(bandwidth=3.0, guard=False, columns=[0]),
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


PLACES = RNG.uniform(size=(80, 2))
EXPOSURE = RNG.uniform(1.0, 5.0, size=80)
COUNTS = RNG.poisson(EXPOSURE * np.exp(X[:, 0])).astype(float)
COLUMNS = np.column_stack([np.sin(9.0 * X[:, 0]), X[:, 1] / 30.0])
SOME = [0, 3, 17, 40, 41, 60]
SIGNS = np.where(RNG.uniform(size=(9, 2)) < 0.5, -1.0, 1.0)
GAPS = np.where(RNG.uniform(size=X.shape) < 0.2, np.nan, X)
FEW = np.where(np.arange(80) % 4 == 0, (3.0 * X[:, 0]).astype(int), -1)
TABLE = np.column_stack([X[:, 0].astype(object), np.where(X[:, 1] > 3.0, WORDS, None)])
TEXTS = ["".join(RNG.choice(list("abc"), RNG.integers(1, 6))) for _ in range(40)]
LISTS = [[int(n) for n in RNG.integers(0, 4, RNG.integers(1, 5))] for _ in range(40)]

# Every estimator at least once, with what its fit takes and what is compared; `test_none_is_forgotten` looks.
OTHERS = [
    (lc.KernelDensity("silverman"), (X,), "score_samples score_function leave_one_out"),
    (lc.KernelDensity([0.1, 2.0], kernel="epanechnikov", metric="manhattan"), (X,), "score_samples"),
    (lc.KernelDensity(0.7, kernel="gaussian(cols=a) * cauchy(h=4, cols=b)"), ("frame",), "score_samples"),
    (lc.KernelDensity("auto", adaptive=0.5, rtol=1e-3), (X.astype(np.float32),), "score_samples"),
    (lc.KernelClassifier(), (X, WORDS), "predict predict_proba"),
    (lc.KernelClassifier("epanechnikov", bandwidth=[0.2, 3.0], priors=[0.2, 0.3, 0.5], on_empty="global"), (X, WORDS), "predict_proba"),
    (lc.KernelClassifier(priors="uniform", bandwidth=0.5, tolerance=1e-4), (X.astype(np.float32), X[:, 0] > 0.5), "predict predict_proba"),
    (lc.LocalModeRegressor(response_bandwidth=0.3), (X, Y, 1.0 + PLACES[:, 0]), "predict"),
    (lc.LocalGaussianRegressor(), (X, Y, 1.0 + PLACES[:, 0]), "predict predict_interval sample_y"),
    (lc.LocalQuantileRegressor([0.1, 0.5], degree=1), (X, Y, 1.0 + PLACES[:, 0]), "predict"),
    (lc.LocalQuantileRegressor(degree=1, bandwidth=2.0, columns=[1], guard=False), (X, Y), "predict"),
    (lc.LocalQuantileRegressor(np.float64(0.3), "tricube(knn=20)"), (X, Y), "predict"),
    (lc.LocalDiscriminantAnalysis(), (X, WORDS), "predict predict_proba"),
    (lc.LocalDiscriminantAnalysis("qda", bandwidth=0.5, shrinkage=0.1), (X, X[:, 0] > 0.5), "predict predict_proba"),
    (lc.KernelRidge(), (X, Y), "predict"),
    (lc.KernelRidge("matern32", alpha=0.1, n_landmarks=20, landmarks="kmeans++"), (X, np.column_stack([Y, -Y])), "predict"),
    (lc.KernelRidge("gaussian(h=1, cols=b)", landmarks=np.array(SOME)), ("frame", Y), "predict"),
    (lc.KernelLogisticRegression(), (X, WORDS), "predict predict_proba"),
    (lc.KernelLogisticRegression(3.0, n_landmarks=30, random_state=np.random.RandomState(1)), (X, WORDS == "low"), "predict predict_proba"),
    (lc.KernelPCA(3, fit_inverse_transform=True), (X,), "transform inverse_transform"),
    (lc.KernelPCA(n_landmarks=10), (X,), "transform"),
    (lc.Nystroem(n_components=12), (X,), "transform"),
    (lc.GaussianProcessRegressor(), (X, Y), "predict sample_y"),
    (lc.GaussianProcessRegressor("gaussian(h=[1, 1])", normalize_y=True, n_landmarks=20), (X, np.column_stack([Y, -Y])), "predict sample_y"),
    (lc.GWR(), (COLUMNS, Y, PLACES), "predict surface"),
    (lc.GWR(40, family="poisson", fit_intercept=False), (COLUMNS, COUNTS, PLACES, EXPOSURE), "predict predict_std"),
    (lc.GWR(np.inf, kernel="gaussian", adaptive=False), (COLUMNS, Y, PLACES), "predict predict_interval"),
    (lc.MGWR(tol=1e-3, max_iter=20), (COLUMNS, Y, PLACES), "predict surface"),
    (lc.MGWR([50, 60, 70], tol=1e-3, inference=False, rest=2), (COLUMNS, Y, PLACES), "predict"),
    (lc.MeanShift(bandwidth=1.5), (X,), "predict"),
    (lc.MeanShift(seeds=X[:3], kernel="gaussian(h=2)"), (X,), "predict"),
    (lc.MeanShift(compression=0.5, over_relaxation=1.5), (X,), "predict"),
    (lc.MeanShift(bandwidth=0.7, kernel="gaussian", min_persistence="auto", adaptive=0.5), (X,), "predict"),
    (lc.MeanShift(bandwidth="auto", metric="cosine"), (X.astype(np.float32),), "predict"),
    (lc.QuickShift(max_dist=np.inf), (X,), "predict"),
    (lc.QuickShift(bandwidth=1.0, metric="manhattan", min_persistence=0.5), (X.astype(np.float32),), "predict"),
    (lc.MedoidShift(bandwidth=2.0), (X,), "predict"),
    (lc.Tomato(), (X,), "predict"),
    (lc.Tomato(2, kernel="cauchy"), (X,), "predict"),
    (lc.NearestCentroid(shrink_threshold=0.1, priors=[0.2, 0.3, 0.5]), (X, WORDS), "predict predict_proba"),
    (lc.LocallyLinearEmbedding(n_neighbors=8), (X,), "transform"),
    (lc.DiffusionMap(n_neighbors=30), (X,), "transform"),
    (lc.DiffusionMap(1, kernel="epanechnikov(h=2)", n_neighbors=None), (np.concatenate([X, X + 90.0]),), "transform"),
    (lc.LocalPCA(1), (X,), "transform score_samples"),
    (lc.LocalPCA(0.9, kernel="gaussian(h=3)"), (X,), "transform"),
    (lc.LazyAutoencoder(1, max_iter=3), (X,), "transform reconstruct score"),
    (lc.LazyAutoencoder(1, degree=0, bandwidth=0.3, encoder_neighbors=5, init=X[:, :1], max_iter=3), (X,), "transform"),
    (lc.LocalOutlierFactor(novelty=True, p=1), (X,), "score_samples predict"),
    (lc.TableEncoder(missing="indicator"), (TABLE,), "transform"),
    (lc.DenoisingAutoencoder(1, max_epochs=3), (X,), "transform reconstruct"),
    (lc.DenoisingAutoencoder(hidden_layer_sizes=(), corruption="none", validation_fraction=0.0, max_epochs=2), (X,), "transform score"),
    (lc.HierarchicalAutoencoder((1, 1), max_epochs=3), (X,), "transform reconstruct"),
    (lc.HierarchicalRegressor(1, max_epochs=3), (X, Y), "predict"),
    (lc.HierarchicalRegressor(2, kernel=["gaussian", "laplace"], training="greedy", max_epochs=2), (X, np.column_stack([Y, -Y])), "predict"),
    (lc.HierarchicalClassifier(1, activation="swiglu", max_epochs=3), (X, WORDS), "predict predict_proba"),
    (lc.EncoderDecoder(1, width=8, n_heads=2, max_epochs=2), (TEXTS, [text[::-1] for text in TEXTS]), "predict generate"),
    (lc.EncoderDecoder(1, width=8, n_heads=2, positions="alibi", max_epochs=2), (LISTS, [one[1:] for one in LISTS]), "predict"),
    (lc.MetricLearner(1, max_iter=5), (X, Y), "transform"),
    (lc.MetricLearner(per_feature=True, max_iter=5), (X, WORDS), "transform"),
    (lc.AdaptiveKernelRegressor(max_iter=5, random_state=0), (X, Y), "predict"),
    (lc.AdaptiveKernelRegressor(degree=1, max_iter=5, random_state=0), (TABLE, np.column_stack([Y, -Y])), "predict"),
    (lc.AdaptiveKernelRegressor(validation_fraction=0.0, max_iter=5), ("frame", Y), "predict"),
    (lc.AdaptiveKernelRegressor(kernels=["laplace(h=2)", "gaussian(h=0.3)"], max_iter=5, random_state=0), (X, Y), "predict"),
    (lc.AdaptiveKernelClassifier(max_iter=5, random_state=0), (X, WORDS), "predict predict_proba"),
    (lc.FuzzyCMeans(4), (X,), "predict predict_proba"),
    (lc.FuzzyRegressor(4), (X, Y), "predict"),
    (lc.FuzzyRegressor(3, order=0, consequents="local", epochs=0), ("frame", np.column_stack([Y, -Y])), "predict"),
    (lc.FuzzyClassifier(3, epochs=2), (X, WORDS), "predict predict_proba"),
    (lc.HopfieldClassifier(), (X, WORDS), "predict predict_proba"),
    (lc.HopfieldClassifier("epanechnikov(h=0.5)", max_steps=1), (X.astype(np.float32), X[:, 0] > 0.5), "predict predict_proba"),
    (lc.HopfieldImputer(), (GAPS,), "transform"),
    (lc.HopfieldImputer(0.5, n_steps=3, standardize=False), (GAPS.astype(np.float32),), "transform"),
    (lc.HopfieldMemory("gaussian(h=0.4)", trace=True), (X,), "recall complete energies"),
    (lc.HopfieldMemory("epanechnikov(h=2)"), (X.astype(np.float32), Y), "recall participation"),
    (lc.HopfieldMemory(lc.Kernel("softmax(beta=0.5)"), max_iter=1, tol=0.1), (X, np.column_stack([Y, -Y])), "recall"),
    (lc.HopfieldNetwork("storkey", bias=[0.1, -0.1], random_state=3), (SIGNS,), "recall energies"),
    (lc.HopfieldNetwork("polynomial", degree=4, update="synchronous"), (SIGNS,), "recall energies"),
    (lc.LabelPropagation(gamma=3.0), (X, FEW), "predict predict_proba"),
    (lc.LabelPropagation("knn", n_neighbors=4), (X, FEW), "predict predict_proba"),
    (lc.LabelSpreading(lc.Kernel("laplace(h=0.3)"), alpha=0.5), (X.astype(np.float32), FEW), "predict_proba"),
    (lc.RelaxationLabeling(compatibility="learned", step="gradient"), (X, FEW), "predict predict_proba"),
    (lc.RelaxationLabeling(5, kernel="gaussian(h=2)", compatibility=np.eye(3) + 0.1, seed_strength=2.0), (X, FEW), "predict"),
    (lc.NearestNeighbors(n_neighbors=3, radius=2.0), (X,), "kneighbors radius_neighbors"),
    (lc.NearestNeighbors(metric="mahalanobis", metric_params={"V": [[1.0, 0.2], [0.2, 9.0]]}), (X,), "kneighbors"),
]
# Functions of other people, and what is quick to fit again.
NOT_KEPT = {"LanguageModel", "LaplacianEigenmaps", "LocalRisk", "Localized", "NonLocalRegressor", "OptimalDenoiser"}


RUST = {type(m).__name__ for m in [*REGRESSORS, *CLASSIFIERS]}
RESOLVED = {"KernelClassifier", "KernelDensity", "NearestNeighbors"}


def fitted(model, data):
    if isinstance(data[0], str):
        data = (pytest.importorskip("pandas").DataFrame(X, columns=["a", "b"]), *data[1:])
    return model.fit(*data)


def answers(model, data, method):
    if method == "leave_one_out":
        return model.leave_one_out()
    if isinstance(data[0], str):
        return getattr(model, method)(pytest.importorskip("pandas").DataFrame(AT, columns=["a", "b"]))
    if method == "transform" and data[0] is TABLE:
        return model.transform(TABLE[:9])
    if method == "surface":
        return model.surface(AT / 30.0)
    if method == "inverse_transform":
        return model.inverse_transform(AT[:, [0, 1, 1]])
    if data[0] is TEXTS or data[0] is LISTS:
        return getattr(model, method)(data[0][:9])
    if data[0] is SIGNS:
        return getattr(model, method)(np.where(AT > AT.mean(axis=0), 1.0, -1.0))
    if data[0] is GAPS or method == "complete":
        return getattr(model, method)(np.where(np.eye(9, 2, dtype=bool), np.nan, AT))
    if len(data) > 2 and data[2] is PLACES:
        return getattr(model, method)(AT, AT / 30.0, *([AT[:, 0]] if len(data) > 3 else []))
    return getattr(model, method)(AT)


def same(a, b):
    if isinstance(a, (tuple, list)):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            same(one, other)
    elif isinstance(a, np.ndarray) and a.dtype == object:
        same(list(a), list(b))
    elif isinstance(a, (lc.Kernel, lc.Neighborhood)):
        assert a == b
    elif type(a).__name__ not in ("Prepared", "Memory"):
        np.testing.assert_array_equal(a, b)
        assert np.asarray(a).dtype.kind == np.asarray(b).dtype.kind


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "data", "methods"), OTHERS, ids=lambda x: str(x)[:60] if isinstance(x, BaseEstimator) else "")
def test_others_come_back(model, data, methods, tmp_path):
    fitted(model, data)
    lc.save(model, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    assert type(back) is type(model)
    for method in methods.split():
        same(answers(back, data, method), answers(model, data, method))
    for name, value in vars(model).items():
        if name.endswith("_"):
            same(value, getattr(back, name))
    for name, value in model.get_params(deep=False).items():
        # Threads are the machine's, draws begin anew, texts of kernels may number the columns that frames name, and models that Rust
        # knows come back with what their words stood for.
        kept = ("rtol", "tolerance", "n_neighbors", "radius", "p") if type(model).__name__ in RESOLVED else model.get_params()
        if name in kept and name not in ("n_jobs", "random_state", "kernel"):
            assert np.array_equal(np.asarray(value, dtype=object), np.asarray(back.get_params()[name], dtype=object)), name
    lc.save(back, tmp_path / "again.loc")
    assert (tmp_path / "again.loc").read_bytes() == (tmp_path / "m.loc").read_bytes()
    fitted(back, data)


def test_none_is_forgotten():
    own = {name for name in lc.__all__ if isinstance(getattr(lc, name), type) and issubclass(getattr(lc, name), BaseEstimator)}
    tested = {type(m).__name__ for m in [*REGRESSORS, *CLASSIFIERS, *(o[0] for o in OTHERS)]}
    assert own - NOT_KEPT == tested
    for name in NOT_KEPT:
        with pytest.raises(TypeError, match="cannot be saved"):
            lc.save(getattr(lc, name)(), "nowhere.loc")


PLAIN = [(m, (X, np.exp(Y) if isinstance(m, lc.LocalGLMRegressor) else Y)) for m in REGRESSORS] + [(m, (X, WORDS)) for m in CLASSIFIERS]
KINDS = {type(m).__name__: (m, data) for m, data in reversed([*PLAIN, *((o[0], o[1]) for o in OTHERS)])}


def hostile(kind):
    """The parts of a sound file of a kind, each spoilt in turn, with the right checksum."""
    model, data = KINDS[kind]
    folder = Path(tempfile.mkdtemp())
    lc.save(fitted(model, data), folder / "m.loc")
    kind, parameters, about, _, arrays = _core.model_from_bytes((folder / "m.loc").read_bytes())
    p = json.loads(parameters)
    about = json.dumps({"features": [], "classes": json.loads(about)["classes"]})
    spoilt = [None, "x", -1, 0, 10**18, [], {"number": "7"}, {}, True, 0.5, ["a"]]
    for group in [p, *(p[part] for part in ("given", "found") if part in p)]:
        for name in list(group):
            kept = group.pop(name)
            yield kind, json.dumps(p), about, arrays
            for value in spoilt:
                group[name] = value
                yield kind, json.dumps(p), about, arrays
            group[name] = kept
    for name in list(arrays):
        kept = arrays.pop(name)
        yield kind, parameters, about, arrays
        for array in (kept[:0], kept[:-1], kept[None], kept.ravel(), -kept, kept.astype(np.int64), kept.astype(np.float32)):
            yield kind, parameters, about, arrays | {name: np.ascontiguousarray(array)}
        arrays[name] = kept
    for classes in ([], ["a"], list(range(500)), [1, "a"], [True, 0.5]):
        yield kind, parameters, json.dumps({"features": [], "classes": classes}), arrays
    yield kind, parameters, json.dumps({"features": [{"name": "x"}], "classes": []}), arrays


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_files_are_told_in_a_sentence(kind, tmp_path):
    refused = 0
    for parts in hostile(kind):
        (tmp_path / "m.loc").write_bytes(_core.model_to_bytes(*parts))
        try:
            back = lc.load(tmp_path / "m.loc")
        except ValueError as e:
            assert "m.loc" in str(e) and len(str(e)) < 600
            refused += 1
            continue
        assert type(back).__name__ == kind
        if kind in RUST:
            # What was not refused answers, or says in a sentence why it cannot.
            try:
                back.predict(AT)
            except ValueError:
                continue
    assert refused > 20


def test_a_field_of_another_type_is_named(tmp_path):
    lc.save(lc.LocalLogisticRegression(bandwidth=2.0).fit(X, WORDS), tmp_path / "m.loc")
    kind, parameters, about, _, arrays = _core.model_from_bytes((tmp_path / "m.loc").read_bytes())
    p = json.loads(parameters)
    about = json.dumps({"features": [], "classes": json.loads(about)["classes"]})
    for name in p:
        for value in ({"number": "7"}, [{}]):
            (tmp_path / "m.loc").write_bytes(_core.model_to_bytes(kind, json.dumps(p | {name: value}), about, arrays))
            if name == "tried" and isinstance(value, list):
                continue
            with pytest.raises(ValueError, match=f"'{name}'"):
                lc.load(tmp_path / "m.loc")
    for name, array in arrays.items():
        (tmp_path / "m.loc").write_bytes(_core.model_to_bytes(kind, parameters, about, arrays | {name: array[None]}))
        with pytest.raises(ValueError, match=f"'{name}'"):
            lc.load(tmp_path / "m.loc")


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


def test_geographic_files_are_those_that_rust_reads(tmp_path):
    # The figures are in the tests of Rust, too.
    figures = {"gwr": 2.53358267, "mgwr": 2.47045964}
    for name, figure in figures.items():
        back = lc.load(SHARED.with_name(f"{name}.loc"))
        np.testing.assert_allclose(back.predict([[1.0, 2.0]], [[3.0, 4.0]]), [figure], atol=1e-8)
        lc.save(back, tmp_path / "m.loc")
        own, known = (_core.model_from_bytes(p.read_bytes()) for p in (tmp_path / "m.loc", SHARED.with_name(f"{name}.loc")))
        assert own[:4] == known[:4]
        for array, same in zip(own[4].items(), known[4].items(), strict=True):
            np.testing.assert_equal(array, same)


def test_memories_in_parts_come_back_to_the_bit(tmp_path):
    memory = lc.HopfieldMemory("gaussian(h=0.7)", trace=True).store(X[:40], Y[:40]).store(1e6 * X[40:41], Y[:1]).store(X[41:60], Y[41:60])
    memory.forget([40, 7]).store(X[60:63], Y[60:63])
    lc.save(memory, tmp_path / "m.loc")
    back = lc.load(tmp_path / "m.loc")
    for twin in (back, pickle.loads(pickle.dumps(memory))):
        same(twin.recall(AT), memory.recall(AT))
        same(twin.values_, memory.values_)
        assert twin.store(X[:1], Y[:1]).ids_.tolist() == [*memory.ids_.tolist(), 63]
    everything = lc.HopfieldMemory("gaussian(h=0.7)").store(X[:5]).forget(range(5))
    lc.save(everything, tmp_path / "m.loc")
    assert lc.load(tmp_path / "m.loc").store(X[:1]).ids_.tolist() == [5]


def test_a_network_that_learnt_in_parts_and_edited_rules_are_kept(tmp_path):
    network = lc.HopfieldNetwork().fit(SIGNS[:4]).partial_fit(SIGNS[4:])
    lc.save(network, tmp_path / "m.loc")
    same(lc.load(tmp_path / "m.loc").couplings_, network.couplings_)
    rules = lc.FuzzyRegressor(3, epochs=0).fit(X, Y)
    rules.system_.add(rules.system_.rules[0] + " WITH 0.5")
    lc.save(rules, tmp_path / "m.loc")
    assert lc.load(tmp_path / "m.loc").system_ == rules.system_
    assert len(lc.load(tmp_path / "m.loc").system_.rules) == len(rules.system_.rules)


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
    with pytest.raises(TypeError, match="Localized cannot be saved"):
        lc.save(lc.Localized(LinearRegression()).fit(X, Y), path)
    with pytest.raises(TypeError, match="int cannot be saved"):
        lc.save(3, path)
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


@pytest.mark.parametrize(
    ("model", "target", "names"),
    [
        (lc.KernelRidge(), Y, ["dual_coef"]),
        (lc.KernelLogisticRegression(), WORDS, ["dual_coef", "intercept"]),
        (lc.KernelPCA(2, fit_inverse_transform=True), None, ["dual_coef", "eigenvalues", "shift", "back_centres", "back_coef"]),
        (lc.Nystroem(n_components=5), None, ["normalization"]),
        (lc.LocalPolynomialRegressor(), Y, ["scales"]),
        (lc.LocalQuantileRegressor(), Y, ["scales"]),
        (lc.NearestCentroid(), WORDS, ["class_prior"]),
    ],
    ids=lambda x: type(x).__name__,
)
def test_numbers_that_are_none_are_refused_at_loading(model, target, names, tmp_path):
    path = tmp_path / "m.loc"
    lc.save(model.fit(X, target) if target is not None else model.fit(X), path)
    kind, parameters, about, _, arrays = _core.model_from_bytes(path.read_bytes())
    for name in names:
        for bad in (np.nan, np.inf):
            array = np.array(arrays[name])
            array.flat[array.size // 2] = bad
            path.write_bytes(_core.model_to_bytes(kind, parameters, about, arrays | {name: array}))
            with pytest.raises(ValueError, match=f"{name}.*(NaN or infinite numbers|positive numbers).*damaged"):
                lc.load(path)
