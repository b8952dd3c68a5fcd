"""LOWESS against statsmodels' stored figures (and statsmodels itself where it is installed), and what goes beyond it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import locality as lc
import numpy as np
import pytest

ORACLE = Path(__file__).parents[2] / "crates" / "locality" / "tests" / "oracle" / "lowess.py"


def load(path):
    spec = importlib.util.spec_from_file_location("lowess_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


oracle = load(ORACLE)
CASES = json.loads(oracle.FILE.read_text())["cases"]


def rows(name="plain", n=1000):
    return oracle.case_rows(name, n)


def arguments(case):
    return {k: case[k] for k in ("frac", "it", "delta", "xvals") if k in case}


@pytest.mark.parametrize("case", CASES, ids=lambda c: "-".join(str(c[k]) for k in ("name", "n", "it", "delta")))
def test_curves_are_statsmodels(case):
    x, y = rows(case["name"], case["n"])
    found = lc.lowess(y, x, return_sorted=False, **arguments(case))
    if "xvals" not in case:
        found = found[oracle.kept(case["n"])]
    expected = np.array([np.nan if v is None else v for v in case["values"]])
    scale = np.nanmax(np.abs(y[np.isfinite(y)]))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11 * scale)


def test_the_stored_cases_are_those_of_the_script():
    assert [{k: v for k, v in case.items() if k != "values"} for case in CASES] == oracle.cases()


@pytest.mark.parametrize("seed", range(10))
def test_curves_are_statsmodels_where_it_is_installed(seed):
    smoothers = pytest.importorskip("statsmodels.nonparametric.smoothers_lowess")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 3000))
    x, y = rng.uniform(0, 5, n), rng.standard_t(2, n)
    if seed % 2:
        x = np.sort(np.round(x, 2))
    how = {"frac": rng.uniform(0.1, 1), "it": int(rng.integers(4)), "delta": [0.0, 0.2][seed % 2]}
    found = lc.lowess(y, x, **how)
    np.testing.assert_allclose(found, smoothers.lowess(y, x, **how), rtol=0, atol=1e-10)
    del how["delta"]
    places = rng.uniform(-1, 6, 50)
    np.testing.assert_allclose(
        lc.lowess(y, x, xvals=places, **how), smoothers.lowess(y, x, xvals=places, **how), rtol=0, atol=1e-9
    )


def test_shapes_and_order_of_the_result():
    x, y = rows("missing")
    whole = lc.lowess(y, x, return_sorted=False)
    assert whole.shape == (1000,)
    assert list(np.flatnonzero(np.isnan(whole))) == [5, 7, 8]
    table = lc.lowess(y, x)
    assert table.shape == (997, 2)
    assert (np.diff(table[:, 0]) >= 0).all()
    order = np.argsort(np.where(np.isnan(whole), np.inf, x))[:997]
    np.testing.assert_array_equal(table, np.stack([x[order], whole[order]], axis=1))
    places = [3.0, np.nan, -np.inf, 1.0]
    found = lc.lowess(y, x, xvals=places)
    assert list(np.isnan(found)) == [False, True, True, False]
    np.testing.assert_array_equal(lc.lowess(y, x, is_sorted=True), table)


def test_number_types_and_threads():
    x, y = rows()
    wide = lc.lowess(y, x, n_jobs=1)
    np.testing.assert_array_equal(lc.lowess(y, x, n_jobs=2), wide)
    np.testing.assert_array_equal(lc.lowess(list(y), list(x)), wide)
    np.testing.assert_array_equal(lc.lowess(np.repeat(y, 2)[::2], x), wide)
    narrow = lc.lowess(y.astype(np.float32), x.astype(np.float32))
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-4)
    whole = lc.lowess([0, 2, 4, 6], [0, 1, 2, 3], frac=1.0, return_sorted=False)
    np.testing.assert_allclose(whole, [0, 2, 4, 6], atol=1e-12)


def smoother(x, k, degree):
    """The matrix of the local polynomial smoother without robust iterations, by numpy's least squares."""
    out = np.zeros((len(x), len(x)))
    for i, x0 in enumerate(x):
        near = np.argsort(np.abs(x - x0), kind="stable")[:k]
        u = (x[near] - x0) / np.abs(x[near] - x0).max()
        w = np.sqrt((1 - np.abs(u) ** 3) ** 3)
        columns = u[:, None] ** np.arange(degree + 1)
        out[i, near] = np.linalg.pinv(columns * w[:, None])[0] * w
    return out


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_standard_errors_and_degrees_of_freedom(degree):
    x, y = rows(n=300)
    fit = lc.lowess_fit(y, x, frac=0.3, it=0, degree=degree, standard_errors=True)
    assert fit.n_neighbors == 90
    matrix = smoother(x, 90, degree)
    np.testing.assert_allclose(fit.fitted, matrix @ y, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit.residuals, y - matrix @ y, rtol=0, atol=1e-9)
    np.testing.assert_allclose(fit.leverages, np.diag(matrix), rtol=0, atol=1e-9)
    assert fit.equivalent_df == pytest.approx(np.trace(matrix), rel=1e-9)
    rest = np.eye(300) - matrix
    assert fit.residual_df == pytest.approx((rest**2).sum(), rel=1e-9)
    scale = np.sqrt(((rest @ y) ** 2).sum() / (rest**2).sum())
    assert fit.residual_scale == pytest.approx(scale, rel=1e-9)
    expected = scale * np.sqrt((matrix**2).sum(axis=1))
    np.testing.assert_allclose(fit.standard_errors, expected, rtol=1e-8)
    values, errors = fit.predict(x, return_std=True)
    np.testing.assert_allclose(values, fit.fitted, rtol=0, atol=1e-9)
    np.testing.assert_allclose(errors, expected, rtol=1e-8)
    assert (fit.robustness_weights == 1).all()


def test_outliers_lose_their_weight_and_rows_may_have_weights():
    x, y = rows("outliers")
    fit = lc.lowess_fit(y, x, frac=0.2)
    far = np.abs(fit.residuals) > 6
    assert far.any()
    assert (fit.robustness_weights[far] == 0).all()
    assert fit.standard_errors is None
    assert fit.equivalent_df is None
    # A weight of 0 is as good as no outlier.
    weights = 1.0 - far
    a = lc.lowess(y, x, frac=0.2, it=0, sample_weight=weights)
    b = lc.lowess(np.where(far, 1e6, y), x, frac=0.2, it=0, sample_weight=3.0 * weights)
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
    assert np.abs(a - lc.lowess(y, x, frac=0.2, it=0)).max() > 0.01


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda x, y: lc.lowess(y, x, frac=1.5), r"frac=1\.5"),
        (lambda x, y: lc.lowess(y, x, it=-1), "it=-1"),
        (lambda x, y: lc.lowess(y, x, delta=-1), "delta=-1"),
        (lambda x, y: lc.lowess(y, x, degree=3), "degree=3"),
        (lambda x, y: lc.lowess(y, x, missing="remove"), "missing='remove'.*'drop'"),
        (lambda x, y: lc.lowess(y, x, delta=1, xvals=[1.0]), "delta=1 and xvals"),
        (lambda x, y: lc.lowess(y[:-1], x), "endog has 8 numbers, but exog has 9"),
        (lambda x, y: lc.lowess(y[:, None], x), r"endog has shape \(9, 1\)"),
        (lambda x, y: lc.lowess([], []), "at least one"),
        (lambda x, y: lc.lowess(np.full(9, np.nan), x), "none of them complete"),
        (lambda x, y: lc.lowess([1.0, np.nan], [1.0, 2.0], missing="raise"), "y has NaN in row 1"),
        (lambda x, y: lc.lowess(y, x, xvals=[1.0, np.inf], missing="raise"), "xvals has inf in row 1"),
        (lambda x, y: lc.lowess(y, x, sample_weight=[1.0]), r"sample_weight has shape \(1,\)"),
        (lambda x, y: lc.lowess(y, x, sample_weight=-x - 1), "weights must be finite and not negative"),
        (lambda x, y: lc.lowess_fit(y, x).predict([1.0], return_std=True), "standard_errors"),
        (lambda x, y: lc.lowess(y, x, n_jobs=0), "n_jobs=0"),
    ],
)
def test_mistakes(call, sentence):
    x = np.arange(9.0)
    with pytest.raises(ValueError, match=sentence):
        call(x, x)


def test_mistakes_of_type():
    with pytest.raises(TypeError, match="exog holds"):
        lc.lowess([1.0], ["a"])
    with pytest.raises(TypeError, match=r"it must be a whole number, not 1\.5"):
        lc.lowess([1.0], [1.0], it=1.5)


@pytest.mark.parametrize("it", [0, 3])
def test_ties_share_a_value_whatever_their_order(it):
    rng = np.random.default_rng(11)
    x = np.sort(rng.integers(0, 25, size=120)).astype(float)
    y = np.sin(x / 4.0) + rng.normal(size=120)
    curve = lc.lowess(y, x, frac=0.2, it=it, return_sorted=False)
    for place in np.unique(x):
        assert np.ptp(curve[x == place]) == 0.0
    for _ in range(5):
        mixed = rng.permutation(120)
        np.testing.assert_allclose(lc.lowess(y[mixed], x[mixed], frac=0.2, it=it, return_sorted=False), curve[mixed], rtol=1e-9, atol=1e-12)
    # Sorted results keep the order of tied rows.
    assert lc.lowess_fit(y, x, frac=0.2, it=it).order.tolist() == list(range(120))
