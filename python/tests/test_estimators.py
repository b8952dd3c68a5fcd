"""scikit-learn's own checks on every estimator, and what they do not look at."""

from __future__ import annotations

import pickle
import subprocess
import sys

import locality as lc
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks


def squared(theta, X, y):
    off = theta[0] + X @ theta[1:] - y
    return 0.5 * off**2, off[:, None] * np.column_stack([np.ones(len(X)), X])


def not_met(estimator):
    """Checks of weights that an estimator is not meant to pass, and why."""
    found = {}
    name = type(estimator).__name__
    if name in {"QuickShift", "MedoidShift"} or getattr(estimator, "bandwidth", None) == "auto" and name == "MeanShift":
        found["check_sample_weight_equivalence_on_dense_data"] = "rows of weight 0 are places that others go to, and draws are of rows"
    if name in {"QuickShift", "MedoidShift"} or name == "MeanShift" and estimator.compression:
        found["check_sample_weights_shape"] = "most of its rows are at one place: the estimated bandwidth is 0, which is refused"
    if name == "OptimalDenoiser" and estimator.nearest is not None:
        found["check_sample_weight_equivalence_on_dense_data"] = "a repeated row takes several of the nearest places, a heavy one takes one"
    if name in {"FuzzyRegressor", "FuzzyClassifier"}:
        found["check_sample_weight_equivalence_on_dense_data"] = "rows are drawn for folds and held out, a heavy one as a whole"
    if name == "LocalGLMRegressor":
        found["check_regressor_multioutput"] = "its responses are negative, which counts are not"
    if name in {"MetricLearner", "AdaptiveKernelRegressor", "AdaptiveKernelClassifier"}:
        found["check_sample_weight_equivalence_on_dense_data"] = "a repeated row is told by its copies, a heavy one is not; rows are held out as a whole"
    if name == "RelaxationLabeling":
        # The check knows scikit-learn's own label propagation by name.
        found["check_classifiers_classes"] = "-1 is no class, but says that a class is unknown"
    return found


@parametrize_with_checks(
    [
        lc.DenoisingAutoencoder(max_epochs=20),
        lc.HierarchicalAutoencoder((1, 1), max_epochs=5),
        lc.HierarchicalRegressor(1, max_epochs=80),
        lc.HierarchicalClassifier(training="greedy", max_epochs=30),
        lc.MetricLearner(max_iter=20),
        lc.MetricLearner(1, task="regression", max_iter=20),
        lc.AdaptiveKernelRegressor(max_iter=10),
        lc.AdaptiveKernelClassifier(max_iter=10),
        lc.AdaptiveKernelRegressor(max_iter=10, kernels=["laplace(h=2)", "gaussian(h=0.3)"]),
        lc.FuzzyCMeans(),
        lc.FuzzyRegressor(),
        lc.FuzzyRegressor(radius=0.5, order=0, consequents="local"),
        lc.FuzzyRegressor(bandwidth=0.2),
        lc.FuzzyClassifier(),
        lc.KernelClassifier(),
        lc.KernelDensity(),
        lc.LocalMeanRegressor(),
        lc.LocalPolynomialRegressor(),
        lc.LocalGLMRegressor(),
        lc.LocalLogisticRegression(),
        lc.LocalQuantileRegressor(),
        lc.LocalModeRegressor(),
        lc.LocalGaussianRegressor(),
        lc.LocalDiscriminantAnalysis(),
        lc.LocalDiscriminantAnalysis("qda"),
        lc.Localized(LinearRegression()),
        lc.Localized(LogisticRegression()),
        lc.NonLocalRegressor(),
        lc.NonLocalRegressor(range=0.5),
        lc.OptimalDenoiser(),
        lc.OptimalDenoiser(0.3, smoothing=0.5, nearest=3),
        lc.HopfieldClassifier(),
        lc.HopfieldClassifier(max_steps=1),
        lc.HopfieldImputer(),
        lc.HopfieldImputer(0.5, n_steps=3),
        lc.LabelPropagation(),
        lc.LabelSpreading("knn"),
        lc.RelaxationLabeling(),
        lc.LocallyLinearEmbedding(),
        lc.LaplacianEigenmaps(),
        lc.LaplacianEigenmaps(affinity="rbf"),
        lc.DiffusionMap(),
        lc.DiffusionMap(alpha=0.5, n_neighbors=None),
        lc.LazyAutoencoder(),
        lc.LazyAutoencoder(1, degree=0, max_iter=5),
        lc.LocalPCA(),
        lc.LocalPCA(1, kernel="gaussian(h=1)"),
        lc.LocalOutlierFactor(),
        lc.LocalOutlierFactor(novelty=True),
        lc.MeanShift(),
        lc.MeanShift(bandwidth="auto"),
        lc.MeanShift(kernel="gaussian", min_persistence="auto", compression=0.1),
        lc.QuickShift(),
        lc.QuickShift(min_persistence="auto"),
        lc.MedoidShift(),
        lc.Tomato(),
        lc.NearestNeighbors(),
        lc.KNeighborsRegressor(),
        lc.KNeighborsRegressor(weights="tricube"),
        lc.KNeighborsClassifier(),
        lc.RadiusNeighborsRegressor(radius=20.0, weights="distance"),
        lc.RadiusNeighborsClassifier(radius=20.0, weights="distance", outlier_label="most_frequent"),
        lc.NearestCentroid(),
        lc.KernelRidge(),
        lc.KernelLogisticRegression(),
        lc.KernelPCA(),
        lc.KernelPCA(2, fit_inverse_transform=True),
        lc.Nystroem(),
        lc.LocalRisk(squared),
        lc.TableEncoder(),
        lc.TableEncoder(missing="mean"),
        lc.GaussianProcessRegressor(),
        lc.GaussianProcessRegressor("laplace", n_landmarks=20, normalize_y=True),
    ],
    expected_failed_checks=not_met,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_a_local_mean_finds_its_bandwidth():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    model = lc.LocalMeanRegressor().fit(x, y)
    off = y - model.loo_predict()
    assert 1.0 - off @ off / ((y - y.mean()) ** 2).sum() > 0.4
    peer = lc.LocalPolynomialRegressor(degree=0).fit(x, y)
    assert model.kernel_ == peer.kernel_
    np.testing.assert_array_equal(model.scales_, peer.scales_)
    np.testing.assert_allclose(model.predict(x[:9] + 0.1), peer.predict(x[:9] + 0.1), rtol=1e-9)
    # A bandwidth of its own is kept, a number is taken, and where there is no distance there is nothing to find.
    kept = lc.LocalMeanRegressor("gaussian(h=20)").fit(x, y)
    given = lc.LocalMeanRegressor("gaussian", bandwidth=20.0).fit(x, y)
    assert kept.kernel_ == given.kernel_ == lc.Kernel("gaussian(h=20)") and (kept.scales_ == 1.0).all()
    assert lc.LocalMeanRegressor("softmax(beta=0.01)").fit(x, y).kernel_ == lc.Kernel("softmax(beta=0.01)")
    single = lc.LocalMeanRegressor().fit(x.astype(np.float32), y)
    assert single.predict(x[:3].astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(single.predict(x[:9].astype(np.float32)), model.predict(x[:9]), rtol=1e-3)


def test_a_regressor_is_the_local_mean():
    rng = np.random.default_rng(0)
    x, y, q = rng.normal(size=(50, 2)), rng.normal(size=(50, 3)), rng.normal(size=(7, 2))
    c = rng.uniform(size=50)
    model = lc.LocalMeanRegressor("tricube(knn=9)").fit(x, y, sample_weight=c)
    expected = lc.local_mean(q, x, y, kernel="tricube(knn=9)", sample_weight=c)
    np.testing.assert_array_equal(model.predict(q), expected)


def test_a_loaded_regressor_predicts_the_same_bits():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 3)).astype(np.float32), rng.normal(size=80).astype(np.float32)
    model = lc.LocalMeanRegressor(lc.kernels.cauchy(h=0.5) * lc.kernels.gaussian(h=1)).fit(x, y)
    loaded = pickle.loads(pickle.dumps(model))
    assert model.predict(x).dtype == np.float32
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert clone(model).kernel == model.kernel


def test_columns_of_a_frame_are_named_in_the_kernel():
    class Frame:
        columns = ("x", "site")

        def __init__(self, data):
            self.data = np.asarray(data, dtype=float)

        def __array__(self, dtype=None, copy=None):
            return self.data if dtype is None else self.data.astype(dtype)

        @property
        def shape(self):
            return self.data.shape

    keys = Frame([[0.0, 1.0], [0.1, 2.0], [0.2, 2.0]])
    kernel = "gaussian(h=1) * uniform(cols=site)"
    found = lc.local_mean([[0.0, 1.0]], keys, [5.0, 6.0, 7.0], kernel=kernel)
    assert found == [5.0]
    with pytest.raises(ValueError, match="unknown column 'sit'.*'site'"):
        lc.local_mean([[0.0, 1.0]], keys, [5.0, 6.0, 7.0], kernel="uniform(cols=sit)")


WITHOUT = """
import sys
sys.modules["sklearn"] = None
import numpy as np
import locality as lc
x = np.linspace(0, 1, 20)[:, None]
model = lc.LocalMeanRegressor("gaussian(h=0.05)", n_jobs=1).fit(x, x[:, 0])
assert model.score(x, x[:, 0]) > 0.98, model.score(x, x[:, 0])
assert repr(model) == "LocalMeanRegressor(kernel='gaussian(h=0.05)', n_jobs=1)", repr(model)
assert model.set_params(kernel="uniform(h=1)").get_params()["kernel"] == "uniform(h=1)"
density = lc.KernelDensity(0.1).fit(x)
assert abs(density.score(x[:1]) - density.score_samples(x)[0]) < 1e-12
classifier = lc.KernelClassifier().fit(x, np.where(x[:, 0] > 0.5, "b", "a"))
assert classifier.score(x, np.where(x[:, 0] > 0.5, "b", "a")) == 1.0
import pickle
assert (pickle.loads(pickle.dumps(model)).predict(x) == model.predict(x)).all()
names = np.where(x[:, 0] < 0.5, "low", "high")
votes = lc.KNeighborsClassifier(3).fit(x, names)
assert votes.score(x, names) == 1.0
assert votes.partial_fit([[2.0]], ["low"]).forget([0]).predict([[2.0]]) == ["high"]
assert lc.KNeighborsRegressor(1).fit(x, x[:, 0]).score(x, x[:, 0]) == 1.0
assert (lc.NearestCentroid().fit(x, names).predict(x) == names).all()
for bad in (lambda: lc.LocalMeanRegressor().predict(x), lambda: model.predict(np.ones((2, 3))),
            lambda: model.set_params(h=1), lambda: model.fit(x, [1.0])):
    try:
        bad()
    except ValueError:
        continue
    raise SystemExit("nothing was refused")
"""


def test_without_sklearn():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_importing_does_not_load_sklearn():
    code = "import locality, sys; raise SystemExit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
