"""Autoencoders: what they reach on real data, and what they refuse."""

from __future__ import annotations

import pickle

import locality as lc
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

X = load_digits().data[:600]
TRAIN, TEST = X[:500], X[500:]


def test_a_code_of_a_network_tells_more_than_as_many_components():
    model = lc.DenoisingAutoencoder(4, hidden_layer_sizes=(128,), noise=0.1, max_epochs=150, batch_size=32).fit(TRAIN)
    units = (TEST - model.mean_) / model.scale_
    pca = PCA(4).fit((TRAIN - model.mean_) / model.scale_)
    theirs = np.mean((pca.inverse_transform(pca.transform(units)) - units) ** 2)
    assert -model.score(TEST) < theirs
    codes = model.transform(TEST)
    assert codes.shape == (100, 4) and list(model.get_feature_names_out())[:2] == ["denoisingautoencoder0", "denoisingautoencoder1"]
    np.testing.assert_allclose(model.inverse_transform(codes), model.reconstruct(TEST), rtol=1e-5, atol=1e-4)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_loss_curve_)
    assert model.best_loss_ == pytest.approx(min(model.validation_loss_curve_))


def test_the_best_denoiser_is_never_beaten_on_its_own_rows():
    model = lc.DenoisingAutoencoder(32, noise=2.0, max_epochs=60, batch_size=32).fit(TRAIN)
    risk = model.excess_risk(TRAIN, n_draws=5)
    assert risk.excess > 0 and risk.model == pytest.approx(risk.optimum + risk.excess)
    # The optimum is the denoiser that has its own name.
    units = (TRAIN - model.mean_) / model.scale_
    rng = np.random.default_rng(0)
    best = lc.OptimalDenoiser(2.0).fit(units)
    found = np.mean([np.mean((best.transform(units + 2.0 * rng.normal(size=units.shape)) - units) ** 2) for _ in range(5)])
    assert risk.optimum == pytest.approx(found, rel=0.1)


def test_levels_go_from_coarse_to_fine():
    model = lc.HierarchicalAutoencoder((2, 6), max_epochs=25, batch_size=32).fit(TRAIN)
    assert len(model.stage_losses_) == 3 and np.all(np.diff(model.stage_losses_) <= 0)
    codes = model.transform(TEST)
    coarse, fine = model.inverse_transform(codes[:, :2]), model.inverse_transform(codes)
    np.testing.assert_array_equal(coarse, model.inverse_transform(codes, levels=1))
    assert np.mean((fine - TEST) ** 2) < np.mean((coarse - TEST) ** 2)


def test_seeds_threads_and_copies():
    def fit(**more):
        return lc.DenoisingAutoencoder(2, max_epochs=3, **more).fit(TRAIN).coef_

    np.testing.assert_array_equal(fit(), fit(n_jobs=1))
    assert not np.array_equal(fit(), fit(random_state=1))
    model = lc.DenoisingAutoencoder(2, max_epochs=3).fit(TRAIN)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(TEST), model.transform(TEST))
    told = []
    lc.DenoisingAutoencoder(2, max_epochs=3).fit(TRAIN, progress=lambda *now: told.append(now))
    assert told[-1] == (3, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes"),
        ({"activation": "tanh"}, "activation='tanh'"),
        ({"corruption": "blur"}, "corruption='blur'"),
        ({"corruption": "masking", "noise": 1.0}, "noise=1.0"),
        ({"noise": 0.0}, "noise=0.0"),
        ({"max_epochs": 0}, "max_epochs=0"),
        ({"learning_rate": -1.0}, "learning_rate=-1.0"),
        ({"validation_fraction": 1.0}, "validation_fraction=1.0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change=0"),
    ],
)
def test_what_does_not_fit_is_named(given, words):
    with pytest.raises(ValueError, match=words):
        lc.DenoisingAutoencoder(**given).fit(TRAIN)


def test_only_gaussian_noise_has_an_optimum():
    model = lc.DenoisingAutoencoder(corruption="masking", max_epochs=1).fit(TRAIN)
    with pytest.raises(ValueError, match="corruption='masking'"):
        model.excess_risk(TRAIN)
    with pytest.raises(ValueError, match="training='slow'"):
        lc.HierarchicalAutoencoder(training="slow").fit(TRAIN)
