"""Kernel methods against scikit-learn, and what it does not have."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn import decomposition, gaussian_process, kernel_approximation, kernel_ridge
from sklearn.base import clone
from sklearn.gaussian_process import kernels as gpk
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import pairwise
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

RNG = np.random.default_rng(7)
X, Q = RNG.normal(size=(90, 3)), RNG.normal(size=(25, 3))
Y = np.column_stack([np.sin(X[:, 0]) + 0.1 * X[:, 1], X[:, 2] ** 2])
W = RNG.uniform(0.2, 2.0, size=90)

# Our text, and the kernel of scikit-learn with its parameters.
PAIRS = [
    ("gaussian(h=0.8)", "rbf", {"gamma": 0.5 / 0.8**2}),
    ("laplace(h=2, metric=manhattan)", "laplacian", {"gamma": 0.5}),
    ("polynomial(degree=3, gamma=0.5, c=1)", "polynomial", {"degree": 3, "gamma": 0.5, "coef0": 1.0}),
    ("polynomial(degree=1, gamma=1, c=0)", "linear", {}),
    ("polynomial(degree=1, gamma=1, c=0, metric=dot) * gaussian(h=1)", None, {}),
]


def gram(pair, a, b):
    text, name, how = pair
    if name is None:
        return (a @ b.T) * pairwise.rbf_kernel(a, b, gamma=0.5)
    return pairwise.pairwise_kernels(a, b, metric=name, **how)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p[0])
@pytest.mark.parametrize("weight", [None, W], ids=["even", "weighted"])
def test_ridge_is_that_of_scikit_learn(pair, weight):
    peer = kernel_ridge.KernelRidge(alpha=0.3, kernel="precomputed").fit(gram(pair, X, X), Y, sample_weight=weight)
    ours = lc.KernelRidge(pair[0], alpha=0.3, bandwidth=None).fit(X, Y, sample_weight=weight)
    np.testing.assert_allclose(ours.dual_coef_, peer.dual_coef_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.predict(Q), peer.predict(gram(pair, Q, X)), rtol=1e-8, atol=1e-8)


def test_found_numbers_of_ridge_are_good():
    found = lc.KernelRidge().fit(X, Y[:, 0])
    loo = np.mean((found.predict_loo(X, Y[:, 0]) - Y[:, 0]) ** 2)
    others = [
        np.mean((lc.KernelRidge(alpha=a, bandwidth=h).fit(X, Y[:, 0]).predict_loo(X, Y[:, 0]) - Y[:, 0]) ** 2)
        for a in (1e-4, 1e-2, 1.0)
        for h in (0.5, 1.0, 2.0, 5.0)
    ]
    assert loo < 1.02 * min(others)
    assert lc.KernelRidge("gaussian(h=0.7)").fit(X, Y).kernel_ == lc.Kernel("gaussian(h=0.7)")


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weight", [None, W], ids=["even", "weighted"])
def test_logistic_regression_is_that_of_features(classes, weight):
    labels = np.digitize(Y[:, 0] + 0.4 * RNG.normal(size=90), [0.0] if classes == 2 else [-0.5, 0.5])
    kernel = pairwise.rbf_kernel(X, gamma=0.5)
    features = np.linalg.cholesky(kernel + 1e-10 * np.eye(90))
    at = np.linalg.solve(features, pairwise.rbf_kernel(X, Q, gamma=0.5)).T
    peer = LogisticRegression(C=2.0, tol=1e-10, max_iter=20_000).fit(features, labels, sample_weight=weight)
    ours = lc.KernelLogisticRegression(2.0, "gaussian(h=1)").fit(X, labels, sample_weight=weight)
    np.testing.assert_allclose(ours.predict_proba(Q), peer.predict_proba(at), atol=2e-5)
    np.testing.assert_array_equal(ours.predict(X), peer.predict(features))
    some = lc.KernelLogisticRegression(2.0, "gaussian(h=1)", n_landmarks=90).fit(X, labels, sample_weight=weight)
    np.testing.assert_allclose(some.predict_proba(Q), ours.predict_proba(Q), atol=1e-5)


@pytest.mark.parametrize("pair", PAIRS[:4], ids=lambda p: p[0])
def test_components_are_those_of_scikit_learn(pair):
    text, name, how = pair
    how = {("coef0" if k == "coef0" else k): v for k, v in how.items()}
    if name in ("laplacian",):
        peer = decomposition.KernelPCA(3, kernel="precomputed").fit(gram(pair, X, X))
        expected = peer.transform(gram(pair, Q, X))
    else:
        peer = decomposition.KernelPCA(3, kernel=name.replace("polynomial", "poly"), **how).fit(X)
        expected = peer.transform(Q)
    ours = lc.KernelPCA(3, text, bandwidth=None).fit(X)
    np.testing.assert_allclose(ours.eigenvalues_, peer.eigenvalues_, rtol=1e-8)
    found = ours.transform(Q)
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-7 * np.abs(expected).max())


def test_the_way_back_is_that_of_scikit_learn():
    peer = decomposition.KernelPCA(4, kernel="rbf", gamma=0.5, fit_inverse_transform=True, alpha=0.1).fit(X)
    ours = lc.KernelPCA(4, "gaussian(h=1)", fit_inverse_transform=True, alpha=0.1).fit(X)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(Q)), peer.inverse_transform(peer.transform(Q)), atol=1e-8
    )
    with pytest.raises(ValueError, match="fit_inverse_transform=True"):
        lc.KernelPCA(4).fit(X).inverse_transform(np.zeros((1, 4)))


def test_a_process_is_that_of_scikit_learn():
    kernel = gpk.ConstantKernel(1.7) * gpk.RBF(0.9) + gpk.WhiteKernel(0.05)
    peer = gaussian_process.GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None).fit(X, Y)
    ours = lc.GaussianProcessRegressor("gaussian(h=0.9)", amplitude=1.7, alpha=0.05).fit(X, Y)
    mean, std = ours.predict(Q, return_std=True)
    expected, spread = peer.predict(Q, return_std=True)
    np.testing.assert_allclose(mean, expected, atol=1e-9)
    # There the noise of a new target is part of the kernel.
    np.testing.assert_allclose(std**2 + 0.05, spread**2, atol=1e-9)
    _, covariance = ours.predict(Q, return_cov=True)
    np.testing.assert_allclose(covariance[:, :, 0] + 0.05 * np.eye(25), peer.predict(Q, return_cov=True)[1][:, :, 0], atol=1e-9)
    value, gradient = peer.log_marginal_likelihood(kernel.theta, eval_gradient=True)
    assert abs(ours.log_marginal_likelihood_value_ - value) < 1e-8 * abs(value)
    np.testing.assert_allclose(ours.log_marginal_likelihood_gradient(), gradient[[1, 0, 2]], rtol=1e-6)


@pytest.mark.parametrize("normalize", [False, True])
def test_learned_numbers_are_those_of_scikit_learn(normalize):
    y = Y[:, 0] + 5.0 + 0.1 * RNG.normal(size=90)
    if not normalize:
        y = y - y.mean()
    kernel = gpk.ConstantKernel(1.0) * gpk.RBF(1.0) + gpk.WhiteKernel(0.1)
    peer = gaussian_process.GaussianProcessRegressor(
        kernel, alpha=0.0, normalize_y=normalize, n_restarts_optimizer=3, random_state=0
    ).fit(X, y)
    ours = lc.GaussianProcessRegressor(normalize_y=normalize, n_restarts_optimizer=2).fit(X, y)
    assert ours.log_marginal_likelihood_value_ > peer.log_marginal_likelihood_value_ - 1e-5
    learned = [ours.amplitude_, dict(ours.kernel_.parameters())["gaussian.h"], ours.alpha_]
    np.testing.assert_allclose(np.log(learned), peer.kernel_.theta, atol=5e-3)
    np.testing.assert_allclose(ours.predict(Q), peer.predict(Q), atol=1e-3)


def test_draws_have_the_mean_and_the_covariance():
    model = lc.GaussianProcessRegressor("matern52(h=1)", amplitude=2.0, alpha=0.1, normalize_y=True).fit(X, Y[:, 1])
    mean, covariance = model.predict(Q[:5], return_cov=True)
    draws = model.sample_y(Q[:5], 40_000, random_state=3)
    assert draws.shape == (5, 40_000)
    np.testing.assert_allclose(draws.mean(axis=1), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(draws), covariance, atol=0.08)
    np.testing.assert_array_equal(draws[:, :3], model.sample_y(Q[:5], 40_000, random_state=3)[:, :3])


def test_features_are_those_of_scikit_learn():
    peer = kernel_approximation.Nystroem(gamma=0.5, n_components=20, random_state=4).fit(X)
    ours = lc.Nystroem("gaussian(h=1)", n_components=20, random_state=4).fit(X)
    np.testing.assert_array_equal(ours.component_indices_, peer.component_indices_)
    np.testing.assert_allclose(ours.transform(Q), peer.transform(Q), atol=1e-8)
    spread = lc.Nystroem("gaussian(h=1)", n_components=20, landmarks="kmeans++").fit(X).transform(X)
    even = ours.transform(X)
    kernel = pairwise.rbf_kernel(X, gamma=0.5)
    assert np.abs(spread @ spread.T - kernel).mean() < 1.2 * np.abs(even @ even.T - kernel).mean()
    assert list(ours.get_feature_names_out()[:2]) == ["nystroem0", "nystroem1"]
    # A linear ridge regression on the features is the ridge regression of landmarks.
    z = ours.transform(X)
    linear = np.linalg.solve(z.T @ z + 0.2 * np.eye(20), z.T @ Y)
    ridge = lc.KernelRidge("gaussian(h=1)", alpha=0.2, bandwidth=None, landmarks=ours.component_indices_).fit(X, Y)
    np.testing.assert_allclose(ours.transform(Q) @ linear, ridge.predict(Q), atol=1e-7)


def test_many_samples_with_landmarks():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, size=(100_000, 2))
    y = np.sin(2 * x[:, 0]) * x[:, 1] + 0.1 * rng.normal(size=len(x))
    for model in (
        lc.KernelRidge("gaussian(h=1)", alpha=0.01, n_landmarks=200, landmarks="kmeans++"),
        lc.GaussianProcessRegressor(n_landmarks=200),
    ):
        assert model.fit(x, y).score(x[:2000], y[:2000]) > 0.98
    with pytest.raises(ValueError, match="set n_landmarks"):
        lc.KernelRidge("gaussian(h=1)", alpha=0.01).fit(x, y)


def test_columns_by_name_and_mixtures():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"east": X[:, 0], "north": X[:, 1], "site": (X[:, 2] > 0).astype(float)})
    text = "gaussian(h=1, cols=[east, north]) * uniform(cols=site) + 0.1 * polynomial(degree=1, c=1, cols=east)"
    model = lc.KernelRidge(text, alpha=0.1).fit(frame, Y[:, 0])
    a = frame.to_numpy()
    k = pairwise.rbf_kernel(a[:, :2], gamma=0.5) * (a[:, 2:] == a[:, 2]) + 0.1 * (np.outer(a[:, 0], a[:, 0]) + 1)
    expected = k @ np.linalg.solve(k + 0.1 * np.eye(90), Y[:, 0])
    np.testing.assert_allclose(model.predict(frame), expected, atol=1e-9)
    names = model.feature_names_in_
    assert list(names) == list(frame.columns)


@pytest.mark.parametrize(
    "model",
    [
        lc.KernelRidge(),
        lc.KernelRidge(n_landmarks=10),
        lc.KernelLogisticRegression(),
        lc.KernelPCA(2, fit_inverse_transform=True),
        lc.Nystroem(n_components=5),
        lc.GaussianProcessRegressor(),
        lc.GaussianProcessRegressor(n_landmarks=15, approximation="dtc"),
    ],
    ids=str,
)
def test_loaded_estimators_answer_the_same_bits(model):
    y = (Y[:, 0] > 0).astype(int)
    fitted = clone(model).fit(X, y)
    loaded = pickle.loads(pickle.dumps(fitted))
    name = "transform" if hasattr(model, "transform") else "predict"
    np.testing.assert_array_equal(getattr(loaded, name)(Q), getattr(fitted, name)(Q))
    again = clone(model).set_params(n_jobs=1).fit(X, y)
    np.testing.assert_array_equal(getattr(again, name)(Q), getattr(fitted, name)(Q))


def test_in_pipelines_and_searches():
    pipeline = make_pipeline(lc.Nystroem(n_components=30), RidgeCV()).fit(X, Y[:, 0])
    assert pipeline.score(X, Y[:, 0]) > 0.9
    search = GridSearchCV(lc.KernelRidge(alpha=0.1), {"kernel": ["gaussian(h=1)", "laplace(h=3)"]}).fit(X, Y[:, 0])
    assert search.best_score_ > 0.8


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: lc.KernelRidge(alpha=-1.0).fit(X, Y), "alpha=-1 must be"),
        (lambda: lc.KernelRidge(alpha="best").fit(X, Y), "alpha='best' must be 'auto'"),
        (lambda: lc.KernelRidge(bandwidth="best").fit(X, Y), "bandwidth='best' must be 'auto' or 'scale'"),
        (lambda: lc.KernelRidge(bandwidth=0.0).fit(X, Y), "h=0"),
        (lambda: lc.KernelRidge("gaussian(knn=5)").fit(X, Y), "unsymmetric"),
        (lambda: lc.KernelRidge("tricube(h=3)", alpha=1e-6).fit(X, Y), "not positive definite"),
        (lambda: lc.KernelRidge(alpha=1.0, n_landmarks=0).fit(X, Y), "n_landmarks=0"),
        (lambda: lc.KernelRidge(alpha=1.0, landmarks="best", n_landmarks=3).fit(X, Y), "landmarks='best'"),
        (lambda: lc.KernelRidge(alpha=1.0, landmarks=[500]).fit(X, Y), "landmark 500 is none of the 90"),
        (lambda: lc.KernelLogisticRegression(0.0).fit(X, X[:, 0] > 0), "C=0 must be"),
        (lambda: lc.KernelLogisticRegression().fit(X, np.zeros(90)), "at least 2"),
        (lambda: lc.KernelPCA(0).fit(X), "n_components=0"),
        (lambda: lc.KernelPCA(None, "uniform(h=1)", bandwidth=None).fit(X), "not positive semidefinite"),
        (lambda: lc.Nystroem(n_components=0).fit(X), "n_landmarks=0|n_components=0"),
        (lambda: lc.GaussianProcessRegressor(alpha=-0.1).fit(X, Y), "alpha=-0.1 must be"),
        (lambda: lc.GaussianProcessRegressor(approximation="vfe", n_landmarks=5).fit(X, Y), "none of dtc, fitc"),
    ],
)
def test_bad_parameters_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_wall_between_classes_does_not_stop_newton():
    x = np.linspace(-1, 1, 40)[:, None]
    for c in (1e-3, 1.0, 1e6):
        model = lc.KernelLogisticRegression(c, "gaussian(h=0.3)").fit(x, x[:, 0] > 0)
        assert model.score(x, x[:, 0] > 0) == 1.0
        assert np.isfinite(model.predict_proba(x)).all()


@pytest.mark.parametrize("name", ["linear", "Laplacian", "cosine"])
def test_names_that_mean_another_kernel_elsewhere_are_refused(name):
    x = np.random.default_rng(0).normal(size=(30, 2))
    for model in (lc.KernelRidge(kernel=name), lc.KernelPCA(kernel=name), lc.GaussianProcessRegressor(kernel=name)):
        with pytest.raises(ValueError, match=f"kernel='{name}' is in other libraries"):
            model.fit(x, x[:, 0])
    with pytest.raises(ValueError, match="write 'laplace"):
        lc.KernelLogisticRegression(kernel="laplacian").fit(x, x[:, 0] > 0)
    # Spelled out they are what the kernel language says.
    assert str(lc.KernelRidge(kernel="laplace(metric=manhattan)").fit(x, x[:, 0]).kernel_).startswith("laplace")
