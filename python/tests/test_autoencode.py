"""Lazy autoencoders against principal components: rows held out, codes along curves, starts of one's own."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_digits, make_s_curve
from sklearn.decomposition import PCA

RNG = np.random.default_rng(0)
T = RNG.uniform(0, np.pi, size=300)
ARC = np.column_stack([np.cos(T), np.sin(T)]) + 0.05 * RNG.normal(size=(300, 2))


def left(rows, found, samples):
    return ((rows - found) ** 2).sum() / ((rows - samples.mean(axis=0)) ** 2).sum()


def by_pca(samples, rows, k):
    pca = PCA(k).fit(samples)
    return left(rows, pca.inverse_transform(pca.transform(rows)), samples)


@pytest.mark.parametrize("degree", [0, 1])
def test_the_code_of_an_arc_is_its_length(degree):
    model = lc.LazyAutoencoder(1, degree=degree).fit(ARC[:200])
    assert abs(spearmanr(model.codes_[:, 0], T[:200]).statistic) > 0.99
    assert abs(spearmanr(model.transform(ARC[200:])[:, 0], T[200:]).statistic) > 0.99
    held = left(ARC[200:], model.reconstruct(ARC[200:]), ARC[:200])
    assert held < 0.1 * by_pca(ARC[:200], ARC[200:], 1)
    assert model.score(ARC[200:]) == pytest.approx(1 - held)


@pytest.mark.parametrize("k", [2, 5])
def test_held_out_digits_are_told_better_than_by_principal_components(k):
    digits = load_digits().data
    digits = digits[np.random.default_rng(1).permutation(len(digits))]
    samples, rows = digits[:600], digits[600:800]
    model = lc.LazyAutoencoder(k, max_iter=10).fit(samples)
    held = left(rows, model.reconstruct(rows), samples)
    assert held < 0.7 * by_pca(samples, rows, k)
    assert model.loss_ == model.loss_curve_.min() < model.loss_curve_[0]


def test_the_plane_of_an_s_curve():
    x = make_s_curve(600, noise=0.05, random_state=0)[0]
    model = lc.LazyAutoencoder(2).fit(x[:400])
    assert left(x[400:], model.reconstruct(x[400:]), x[:400]) < 0.15 * by_pca(x[:400], x[400:], 2)
    found = model.inverse_transform(model.transform(x[400:]))
    np.testing.assert_array_equal(found, model.reconstruct(x[400:]))
    assert model.get_feature_names_out().tolist() == ["lazyautoencoder0", "lazyautoencoder1"]


def test_an_embedding_is_a_better_start_than_principal_components():
    t = np.random.default_rng(2).uniform(0, 4.7, size=300)
    x = np.column_stack([np.cos(t), np.sin(t)]) + 0.02 * np.random.default_rng(3).normal(size=(300, 2))
    # With fewer neighbours the graph falls into pieces.
    start = lc.LaplacianEigenmaps(1, n_neighbors=20).fit_transform(x)
    model = lc.LazyAutoencoder(1, init=start).fit(x)
    assert abs(spearmanr(model.codes_[:, 0], t).statistic) > 0.99
    assert abs(spearmanr(lc.LazyAutoencoder(1).fit(x).codes_[:, 0], t).statistic) < 0.99


def test_widths_are_as_given():
    model = lc.LazyAutoencoder(1, n_neighbors=20, encoder_bandwidth=0.1, max_iter=3).fit(ARC)
    assert (model.n_neighbors_, model.bandwidth_) == (20, None)
    model = lc.LazyAutoencoder(1, bandwidth=0.2, encoder_neighbors=6, max_iter=3).fit(ARC)
    assert (model.n_neighbors_, model.bandwidth_) == (None, 0.2)


def test_copies_and_threads_answer_alike():
    model = lc.LazyAutoencoder(1, max_iter=3, n_jobs=1).fit(ARC)
    codes = model.transform(ARC)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(ARC), codes)
    np.testing.assert_array_equal(lc.LazyAutoencoder(1, max_iter=3, n_jobs=2).fit(ARC).transform(ARC), codes)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_components": 3}, "n_components=3"),
        ({"degree": 2}, "degree=2"),
        ({"n_neighbors": 301}, "neighbours = 301"),
        ({"bandwidth": 0.0}, "bandwidth = 0"),
        ({"n_neighbors": 9, "bandwidth": 1.0}, "give one"),
        ({"encoder_neighbors": 9, "encoder_bandwidth": 1.0}, "give one"),
        ({"init": "random"}, "init='random'"),
        ({"init": ARC[:9, :1]}, "9 rows"),
        ({"tol": -1.0}, "tol=-1"),
    ],
)
def test_what_is_wrong_is_named(given, words):
    with pytest.raises(ValueError, match=words):
        lc.LazyAutoencoder(**{"n_components": 1} | given).fit(ARC)
