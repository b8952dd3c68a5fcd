"""Local fits where evidence is thin, training rows predicted by the others, hat rows, and kernels apart from models."""

from __future__ import annotations

import locality as lc
import numpy as np
import pytest

RNG = np.random.default_rng(17)
X = RNG.normal(size=(30, 8))
Y = np.r_[np.zeros(28), [5.0, 900.0]]
FAR = RNG.normal(size=(500, 8))


@pytest.mark.parametrize("family", ["poisson", "gamma", "negative_binomial"])
def test_means_stay_near_the_responses(family):
    model = lc.LocalGLMRegressor(family, bandwidth=1.5).fit(X, Y + (family == "gamma"))
    with pytest.warns(UserWarning, match="of 500 targets have too little evidence"):
        found = model.predict(FAR)
    assert found.max() < 1.5 * 901.0 and found.min() >= 0.0
    assert model.thin(FAR).mean() > 0.9
    if family == "poisson":
        with np.errstate(over="ignore"):
            assert model.set_params(guard=False).fit(X, Y).predict(FAR).max() > 1e6


def test_a_plain_table_is_not_warned_about(recwarn):
    x = np.linspace(0.0, 6.0, 200)[:, None]
    y = np.exp(np.sin(x[:, 0]))
    classes = x[:, 0] > 3.0
    for model, target in [
        (lc.LocalGLMRegressor("gamma", bandwidth=0.5), y),
        (lc.LocalLogisticRegression(bandwidth=0.5), classes),
        (lc.LocalPolynomialRegressor(bandwidth=0.5), y),
        (lc.LocalQuantileRegressor(bandwidth=0.5, degree=1), y),
    ]:
        model.fit(x, target).predict(x)
        assert not model.thin(x).any()
    assert not recwarn.list


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (lc.LocalPolynomialRegressor(bandwidth=0.5), Y),
        (lc.LocalLogisticRegression(bandwidth=0.5), Y > 0.0),
        (lc.LocalLogisticRegression(bandwidth=0.5, multi_class="multinomial"), np.arange(30) % 3),
        (lc.LocalQuantileRegressor(bandwidth=0.5, degree=1), Y),
    ],
    ids=str,
)
def test_thin_targets_are_told_once(model, target):
    model.fit(X, target)
    with pytest.warns(UserWarning) as told:
        model.predict(FAR)
    assert len(told) == 1 and "thin(X)" in str(told[0].message) and told[0].filename == __file__
    assert model.thin(FAR).sum() == int(str(told[0].message).split()[0])


def test_quantile_lines_stay_near_the_responses():
    model = lc.LocalQuantileRegressor([0.1, 0.9], bandwidth=1.5, degree=1).fit(X, Y)
    with pytest.warns(UserWarning):
        found = model.predict(100.0 * FAR)
    assert np.abs(found).max() < 1.5 * 900.0
    with pytest.raises(ValueError, match="quantile is empty"):
        lc.LocalQuantileRegressor([]).fit(X, Y)


SITES = np.random.default_rng(3).uniform(size=(40, 2))
WAVE = np.sin(5.0 * SITES[:, 0]) + SITES[:, 1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "target"),
    [
        (lc.LocalMeanRegressor("gaussian(h=0.2)"), WAVE),
        (lc.LocalPolynomialRegressor(bandwidth=0.3), WAVE),
        (lc.LocalGLMRegressor("gamma", bandwidth=0.4), np.exp(WAVE)),
        (lc.LocalQuantileRegressor(bandwidth=0.3), WAVE),
        (lc.LocalModeRegressor(bandwidth=0.3, response_bandwidth=0.2), WAVE),
        (lc.LocalGaussianRegressor(bandwidth=0.3), WAVE),
        (lc.LocalLogisticRegression(bandwidth=0.4), WAVE > 0.8),
        (lc.LocalDiscriminantAnalysis(bandwidth=0.5), WAVE > 0.8),
    ],
    ids=lambda x: type(x).__name__,
)
def test_training_rows_are_predicted_by_the_others(model, target):
    found = model.fit(SITES, target).loo_predict()
    for i in (0, 7, 39):
        rest = np.delete(np.arange(40), i)
        alone = type(model)(**model.get_params()).fit(SITES[rest], target[rest]).predict(SITES[[i]])
        np.testing.assert_allclose(found[[i]].astype(float), alone.astype(float), rtol=1e-6, atol=1e-9)
    # A row that is predicted is no training row, though the neighbourhood be hollow.
    everywhere = model.predict(SITES[:5] + 0.01)
    hollow = type(model)(**(model.get_params() | {"neighborhood": "hollow"})).fit(SITES, target)
    np.testing.assert_array_equal(hollow.predict(SITES[:5] + 0.01), everywhere)
    np.testing.assert_array_equal(hollow.predict(SITES + 0.01)[:5], everywhere)


def test_a_bandwidth_is_found_for_a_hollow_neighborhood_as_well():
    plain = lc.LocalPolynomialRegressor().fit(SITES, WAVE)
    assert lc.LocalPolynomialRegressor(neighborhood="hollow").fit(SITES, WAVE).kernel_ == plain.kernel_


def hat(sites, at, columns, weights, h, on):
    """Rows that turn responses into the value of the local line, by least squares."""
    rows = []
    for x in at:
        w = weights * np.exp(-0.5 * ((sites[:, on] - x[on]) ** 2).sum(axis=1) / h**2)
        z = np.column_stack([np.ones(len(sites)), sites[:, columns] - x[columns]])
        rows.append(np.linalg.solve(z.T @ (w[:, None] * z), z.T * w)[0])
    return np.array(rows)


@pytest.mark.parametrize(("columns", "on"), [(None, [0, 1]), ([1], [0])])
def test_hat_rows_and_what_is_made_of_them(columns, on):
    weights = np.random.default_rng(4).uniform(0.5, 2.0, size=40)
    kernel = f"gaussian(cols={on[0]})" if len(on) == 1 else "gaussian"
    model = lc.LocalPolynomialRegressor(kernel, bandwidth=0.4, guard=False, columns=columns)
    model.fit(SITES, np.column_stack([WAVE, -(WAVE**2)]), sample_weight=weights)
    use = [0, 1] if columns is None else columns
    at = SITES[:6] + 0.05
    expected = hat(SITES, at, use, weights, 0.4, on)
    np.testing.assert_allclose(model.hat_matrix_rows(at), expected, atol=1e-9)
    np.testing.assert_allclose(model.predict(at)[:, 0], expected @ WAVE, atol=1e-9)
    own = hat(SITES, SITES, use, weights, 0.4, on)
    assert model.effective_df_ == pytest.approx(np.trace(own))
    np.testing.assert_allclose(model.leverage_, np.diag(own), atol=1e-9)
    without = (WAVE - own @ WAVE) / (1.0 - np.diag(own))
    np.testing.assert_allclose(model.loo_residuals_[:, 0], without, atol=1e-8)
    np.testing.assert_allclose(WAVE - model.loo_predict()[:, 0], without, atol=1e-8)
    guarded = lc.LocalPolynomialRegressor(bandwidth=0.1).fit(SITES, WAVE)
    np.testing.assert_allclose(guarded.hat_matrix_rows(at) @ WAVE, guarded.predict(at), atol=1e-9)
    assert not hasattr(lc.LocalPolynomialRegressor(), "effective_df_")


def test_kernels_see_other_columns_than_models():
    counts = np.random.default_rng(5).poisson(np.exp(WAVE)).astype(float)
    model = lc.LocalGLMRegressor("poisson", "gaussian(cols=0)", bandwidth=0.3, alpha=0.0, guard=False, columns=[1]).fit(SITES, counts)
    at = SITES[:4] + 0.02
    means, slopes = model.predict(at), model.slopes(at)
    assert slopes.shape == (4, 1)
    for x, mean, slope in zip(at, means, slopes[:, 0], strict=True):
        w = np.exp(-0.5 * ((SITES[:, 0] - x[0]) / 0.3) ** 2)
        fitted = mean * np.exp(slope * (SITES[:, 1] - x[1]))
        pull = w * (fitted - counts)
        np.testing.assert_allclose([pull.sum(), pull @ SITES[:, 1]], 0.0, atol=1e-5)
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(SITES, columns=["place", "size"])
    named = lc.LocalGLMRegressor("poisson", "gaussian(cols=place)", bandwidth=0.3, alpha=0.0, guard=False, columns=["size"]).fit(frame, counts)
    np.testing.assert_array_equal(named.predict(pd.DataFrame(at, columns=frame.columns)), means)
    with pytest.raises(ValueError, match="columns names 'weight'"):
        lc.LocalGLMRegressor(columns=["weight"]).fit(frame, counts)
    with pytest.raises(ValueError, match="columns has 7"):
        lc.LocalQuantileRegressor(columns=[7], degree=1).fit(SITES, WAVE)
    # A line in one column under a kernel of another: the line's slope is the same everywhere where its law is.
    line = lc.LocalQuantileRegressor(kernel="gaussian(cols=0)", bandwidth=0.5, degree=1, columns=[1])
    law = np.floor(4.0 * SITES[:, 0]) * 0.0 + 2.0 * SITES[:, 1]
    np.testing.assert_allclose(line.fit(SITES, law).predict(at), 2.0 * at[:, 1], atol=1e-9)


def test_categories_count_as_much_as_they_help():
    rng = np.random.default_rng(6)
    x = np.column_stack([rng.uniform(0.0, 6.0, 300), np.arange(300) % 3])
    y = np.sin(x[:, 0] + 2.0 * x[:, 1]) + 3.0 * x[:, 1] + 0.05 * rng.normal(size=300)
    kernel = "gaussian(cols=0) * laplace(metric=hamming, cols=1)"
    model = lc.LocalPolynomialRegressor(kernel).fit(x[:200], y[:200])
    assert model.score(x[200:], y[200:]) > 0.98
