"""Losses of one's own, minimised around each target."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import locality as lc

RNG = np.random.default_rng(0)
X = RNG.uniform(0.0, 3.0, size=(120, 2))
Y = np.sin(2.0 * X[:, 0]) + 0.3 * X[:, 1] + 0.1 * RNG.normal(size=120)
AT = RNG.uniform(0.5, 2.5, size=(7, 2))


def ones(X):
    return np.column_stack([np.ones(len(X)), X])


def squared(theta, X, y):
    off = ones(X) @ theta - y
    return 0.5 * off**2, off[:, None] * ones(X)


def logistic(theta, X, y):
    u = ones(X) @ theta
    return np.logaddexp(0.0, u) - y * u, (1.0 / (1.0 + np.exp(-u)) - y)[:, None] * ones(X)


def pinball(theta, X, y):
    off = y - ones(X) @ theta
    return np.where(off > 0.0, 0.3 * off, -0.7 * off), np.where(off > 0.0, -0.3, 0.7)[:, None] * ones(X)


def huber(theta, X, y):
    off = ones(X) @ theta - y
    near = np.abs(off) < 0.05
    slope = np.where(near, off, 0.05 * np.sign(off))
    return np.where(near, 0.5 * off**2, 0.05 * np.abs(off) - 0.00125), slope[:, None] * ones(X)


def kernel_weights(x, h):
    return np.exp(-0.5 * ((X - x) ** 2).sum(axis=1) / h**2)


@pytest.mark.parametrize("weights", [None, RNG.uniform(size=120)], ids=["alike", "weighted"])
def test_squared_loss_is_the_local_line(weights):
    own = lc.LocalRisk(squared, bandwidth=0.4, least_weight=0.0).fit(X, Y, weights)
    line = lc.LocalPolynomialRegressor(bandwidth=0.4, guard=False).fit(X, Y, weights)
    np.testing.assert_allclose(own.predict(AT), line.predict(AT), atol=1e-8)
    np.testing.assert_allclose(own.parameters(AT).parameters[:, 1:], line.slopes(AT), atol=1e-7)


def test_logistic_loss_is_local_logistic_regression():
    classes = (Y > Y.mean()).astype(int)
    flat = lc.LocalLogisticRegression(C=1e9, bandwidth=1.0).fit(X, classes)
    own = lc.LocalRisk(logistic, bandwidth=1.0, readout=lambda theta, x: 1.0 / (1.0 + np.exp(-theta[0]))).fit(X, classes)
    np.testing.assert_allclose(own.predict(AT), flat.predict_proba(AT)[:, 1], atol=1e-6)


def test_huber_loss_is_what_scipy_finds():
    found = lc.LocalRisk(huber, bandwidth=0.5, least_weight=0.0).fit(X, Y).parameters(AT)
    assert found.converged.all() and not found.thin.any()
    for x, theta in zip(AT, found.parameters, strict=True):
        w = kernel_weights(x, 0.5)

        def total(t, w=w, x=x):
            losses, gradients = huber(t, X - x, Y)
            return w @ losses, w @ gradients

        best = minimize(total, theta * 0.0, jac=True, method="BFGS", options={"gtol": 1e-10})
        assert total(theta)[0] <= best.fun + 1e-9


def test_corners_do_not_stop_it():
    found = lc.LocalRisk(pinball, bandwidth=0.5, least_weight=0.0).fit(X, Y).parameters(AT)
    for x, theta in zip(AT, found.parameters, strict=True):
        w, a = kernel_weights(x, 0.5), ones(X - x)
        # Quantile regression as a linear program.
        n = len(X)
        best = linprog(
            np.concatenate([np.zeros(3), 0.3 * w, 0.7 * w]),
            A_eq=np.hstack([a, np.eye(n), -np.eye(n)]),
            b_eq=Y,
            bounds=[(None, None)] * 3 + [(0, None)] * (2 * n),
        )
        assert w @ pinball(theta, X - x, Y)[0] <= best.fun * (1.0 + 1e-3)


def test_the_pull_is_that_of_a_ridge_about_the_global_fit():
    h, pull = 0.5, 0.7
    model = lc.LocalRisk(squared, kernel=f"gaussian(h={h})", centered=False, pull=pull).fit(X, Y)
    at = X[5:6]
    w = np.exp(-0.5 * ((X - at) ** 2).sum(axis=1) / h**2)
    z = np.column_stack([np.ones(len(X)), X])
    g = model.parameters_
    expected = g + np.linalg.solve(z.T @ (w[:, None] * z) + pull * np.eye(z.shape[1]), z.T @ (w * (Y - z @ g)))
    np.testing.assert_allclose(model.parameters(at).parameters[0], expected, atol=1e-6)


def test_the_global_fit_pulls_and_answers():
    model = lc.LocalRisk(squared, bandwidth=0.4, centered=False, pull=1e9, readout=lambda t, x: t[0] + x @ t[1:]).fit(X, Y)
    a = ones(X)
    expected = np.linalg.lstsq(a, Y, rcond=None)[0]
    np.testing.assert_allclose(model.parameters_, expected, atol=1e-7)
    np.testing.assert_allclose(model.predict(AT), ones(AT) @ expected, atol=1e-6)
    far = lc.LocalRisk(squared, kernel="epanechnikov(h=0.1)", centered=False).fit(X, Y)
    with pytest.warns(UserWarning, match="1 of 1 targets.*global"):
        far.predict([[50.0, 50.0]])
    assert far.parameters([[50.0, 50.0]]).thin.all()
    np.testing.assert_array_equal(far.parameters([[50.0, 50.0]]).parameters[0], far.parameters_)


def test_what_is_wrong_is_told():
    with pytest.raises(TypeError, match="loss=None is no function"):
        lc.LocalRisk().fit(X, Y)
    with pytest.raises(ValueError, match=r"loss returned shapes \(\) and \(3,\)"):
        lc.LocalRisk(lambda t, X, y: (0.0, np.zeros(3))).fit(X, Y)
    with pytest.raises(ValueError, match="loss returned NaN"):
        lc.LocalRisk(lambda t, X, y: (np.full(len(y), np.nan), np.zeros((len(y), 3)))).fit(X, Y)
    with pytest.raises(ValueError, match="pull=1.0.*centered=False"):
        lc.LocalRisk(squared, pull=1.0).fit(X, Y)
    with pytest.warns(RuntimeWarning, match="max_iter=1 "):
        lc.LocalRisk(squared, bandwidth=0.5, max_iter=1).fit(X, Y)
