"""Local principal components against scikit-learn's PCA, dimensions, and denoising."""

from __future__ import annotations

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.decomposition import PCA

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)) @ RNG.normal(size=(6, 6)) + 5.0


@pytest.mark.parametrize("n_components", [None, 2, 0.9])
def test_under_a_wide_kernel_it_is_scikit_learns_pca(n_components):
    theirs = PCA(n_components).fit(X)
    ours = lc.LocalPCA(n_components, kernel="gaussian(h=1e8)").fit(X)
    found = ours.tangent_spaces(X[:3])
    for mean, components, variances in (
        (ours.mean_, ours.components_, ours.explained_variance_),
        *zip(found.means, found.components, found.explained_variance, strict=True),
    ):
        signs = np.sign((components * theirs.components_).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(mean, theirs.mean_, atol=1e-9)
        np.testing.assert_allclose(components, signs * theirs.components_, atol=1e-9)
        np.testing.assert_allclose(variances, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.transform(X), theirs.inverse_transform(theirs.transform(X)), atol=1e-9)
    assert ours.get_feature_names_out().tolist() == [f"x{i}" for i in range(6)]


def test_around_a_row_it_is_the_pca_of_its_neighbours():
    model = lc.LocalPCA(n_neighbors=20).fit(X)
    found = model.tangent_spaces(X[:5])
    near = lc.nearest(X[:5], X, 20)[0]
    for i in range(5):
        theirs = PCA().fit(X[near[i]])
        np.testing.assert_allclose(found.explained_variance[i], theirs.explained_variance_, rtol=1e-8)
        np.testing.assert_allclose(np.abs(found.components[i] @ theirs.components_.T), np.eye(6), atol=1e-7)
        assert found.total_variance[i] == pytest.approx(theirs.explained_variance_.sum())


def test_directions_do_not_see_the_unit():
    expected = lc.LocalPCA(2, n_neighbors=20).fit(X).tangent_spaces(X[:5]).components
    for power in (-470, -300, 300, 490):
        scaled = np.ldexp(X, power)
        found = lc.LocalPCA(2, n_neighbors=20).fit(scaled).tangent_spaces(scaled[:5])
        np.testing.assert_array_equal(found.components, expected)
        assert np.isfinite(found.explained_variance).all()
    for scale, remedy in ((1e-160, "multiply its columns by 1e1(59|60)"), (1e-300, "multiply"), (1e160, "divide its columns by 1e16")):
        for refused in (lc.LocalPCA().fit, lc.manifold_blurring):
            with pytest.raises(ValueError, match=f"X is .* wide in its widest column, whose square f64 cannot hold; {remedy}"):
                refused(X * scale)


def test_shares_leave_a_number_for_each_row():
    found = lc.LocalPCA(0.8, n_neighbors=10).fit(X).tangent_spaces(X)
    shares = found.explained_variance.sum(axis=1) / found.total_variance
    assert shares.min() >= 0.8 and len(set(found.n_components)) > 1
    for count, components in zip(found.n_components, found.components, strict=True):
        assert not components[count:].any()
        np.testing.assert_allclose(components[:count] @ components[:count].T, np.eye(count), atol=1e-10)


def test_many_columns_take_the_way_of_few_samples():
    x = load_digits().data[:100]
    wide = np.column_stack([x, np.zeros((100, 400))])
    ours = lc.LocalPCA(3, n_neighbors=25).fit(wide)
    np.testing.assert_allclose(ours.transform(wide)[:, :64], lc.LocalPCA(3, n_neighbors=25).fit(x).transform(x), atol=1e-8)


def test_outliers_are_off_the_surface():
    roll = make_swiss_roll(1500, random_state=0)[0]
    off = np.array([[0.0, 10.0, 0.0], [1.0, 5.0, 1.0]])
    scores = lc.LocalPCA(2, n_neighbors=15).fit(roll).score_samples(np.concatenate([roll, off]))
    assert scores[-2:].max() < scores[:-2].min()


def test_dimensions():
    roll = make_swiss_roll(2000, random_state=0)[0]
    for method in ("mle", "twonn", "participation", "pca"):
        assert lc.intrinsic_dimension(roll, method) == pytest.approx(2.0, abs=0.2)
    whole, local = lc.intrinsic_dimension(roll, return_local=True)
    assert whole == pytest.approx(1.0 / np.mean(1.0 / local))
    # Of the digits' 64 columns few are free; papers on the full set find 8 to 13.
    assert 5.0 < lc.intrinsic_dimension(load_digits().data, "mle") < 12.0
    with pytest.raises(ValueError, match="method='isomap'"):
        lc.intrinsic_dimension(roll, "isomap")
    with pytest.raises(ValueError, match="twonn"):
        lc.intrinsic_dimension(roll, "twonn", return_local=True)
    with pytest.raises(ValueError, match="threshold=2"):
        lc.intrinsic_dimension(roll, "pca", threshold=2.0)
    # Copies and whole numbers say nothing to the two nearest.
    r = np.random.default_rng(0)
    for x in (np.repeat(r.normal(size=(100, 2)), 5, axis=0), r.integers(0, 20, size=(500, 2))):
        with pytest.raises(ValueError, match="of the 500 samples of X is a copy or no nearer"):
            lc.intrinsic_dimension(x, "twonn")
        assert lc.intrinsic_dimension(x, "mle", n_neighbors=60) == pytest.approx(2.0, abs=0.2)


def test_manifold_blurring_follows_the_paper():
    t = 3 + 12 * RNG.uniform(size=400)
    x = 0.3 * np.column_stack([t * np.cos(t), t * np.sin(t)]) + 0.1 * RNG.normal(size=(400, 2))
    h, k, expected = 0.3, 25, x.copy()
    for _ in range(2):
        near = np.argsort(((expected[:, None] - expected) ** 2).sum(-1), axis=1, kind="stable")[:, :k]
        moved = np.empty_like(expected)
        for i, row in enumerate(expected):
            some = expected[near[i]]
            w = np.exp(-((some - row) ** 2).sum(-1) / (2 * h * h))
            step = w @ some / w.sum() - row
            u = PCA(1).fit(some).components_[0]
            moved[i] = row + step - u * (u @ step)
        expected = moved
    found = lc.manifold_blurring(x, n_neighbors=k, kernel=f"gaussian(h={h})", max_iter=2)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_components": 7}, "n_components=7"),
        ({"n_components": 1.5}, "n_components=1.5"),
        ({"n_neighbors": 301}, "n_neighbors=301"),
        ({"n_neighbors": 5, "neighborhood": "mutual(k=5)"}, "give one"),
    ],
)
def test_bad_parameters_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        lc.LocalPCA(**given).fit(X)


def test_shares_of_the_variance_are_scikit_learns():
    x = np.random.default_rng(3).normal(size=(200, 4)) * [3.0, 2.0, 1.0, 0.5]
    ours, theirs = lc.LocalPCA(2, kernel="gaussian(h=1e8)").fit(x), PCA(2).fit(x)
    np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-9)
    assert ours.n_components_ == theirs.n_components_
    spaces = ours.tangent_spaces(x[:3])
    np.testing.assert_allclose(spaces.explained_variance_ratio, np.tile(theirs.explained_variance_ratio_, (3, 1)), rtol=1e-6)
    np.testing.assert_allclose(spaces.noise_variance, theirs.noise_variance_, rtol=1e-6)
    single = lc.LocalPCA(np.float32(0.75), kernel="gaussian(h=1e8)").fit(x)
    assert single.n_components_ == PCA(0.75).fit(x).n_components_


@pytest.mark.parametrize("method", ["mle", "twonn", "participation", "pca"])
def test_dimensions_at_any_scale(method):
    x = np.random.default_rng(4).normal(size=(200, 3))
    one = lc.intrinsic_dimension(x, method)
    for scale in (1e-100, 1e-90, 1e80, 1e100):
        assert lc.intrinsic_dimension(x * scale, method) == pytest.approx(one, rel=1e-9)
