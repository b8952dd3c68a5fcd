"""Denoising: pictures against scikit-image where it is installed, rows, series and new rows by their laws."""

from __future__ import annotations

import locality as lc
import numpy as np
import pytest


def picture(channels, dtype=np.float64, sigma=20.0):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:60, :70]
    clean = 90 + 50 * np.sin(x / 9)[..., None] + 40 * (y > 30)[..., None] * np.ones(channels)
    noisy = clean + rng.normal(0, sigma, clean.shape)
    if np.dtype(dtype).kind == "u":
        noisy = noisy.round().clip(0, 255)
    return clean, noisy.astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("sigma", [0.0, 12.0])
def test_non_local_means_are_scikit_images(channels, fast, sigma):
    restoration = pytest.importorskip("skimage.restoration")
    _, noisy = picture(channels)
    ours = lc.image.denoise_nl_means(noisy, 5, 4, 15.0, fast, sigma)
    theirs = restoration.denoise_nl_means(noisy, 5, 4, 15.0, fast, sigma, preserve_range=True, channel_axis=-1)
    # Its exponential is off by up to 4 %.
    assert np.abs(ours - theirs.reshape(ours.shape)).max() < 1.0
    assert ours.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("method", ["nlm", "nlm-linear", "nl-bayes", "bilateral", "auto"])
def test_every_type_comes_out_cleaner(dtype, method):
    clean, noisy = picture(3, dtype)
    out = lc.image.denoise(noisy, 20.0 / (257 if dtype == np.uint16 else 1), method=method)
    assert out.picture.dtype == dtype and out.picture.shape == noisy.shape
    assert out.method == ("nl-bayes" if method == "auto" else method)
    if dtype != np.uint16:
        assert np.abs(out.picture - clean).mean() < 0.5 * np.abs(noisy - clean).mean()
    same = lc.image.denoise(noisy, 20.0 / (257 if dtype == np.uint16 else 1), method=method, n_jobs=1)
    np.testing.assert_array_equal(out.picture, same.picture)


def test_noise_is_estimated():
    _, noisy = picture(3)
    assert np.allclose(lc.image.estimate_sigma(noisy), 20, rtol=0.15)
    assert lc.image.estimate_sigma(noisy, average_sigmas=True) == pytest.approx(np.mean(lc.image.estimate_sigma(noisy)))
    assert isinstance(lc.image.estimate_sigma(noisy[..., 0]), float)
    assert lc.image.denoise(noisy).sigma == pytest.approx(lc.image.estimate_sigma(noisy, average_sigmas=True))


def test_quality_is_the_textbooks():
    clean, noisy = picture(3)
    assert lc.image.psnr(clean, noisy, data_range=255) == pytest.approx(10 * np.log10(255**2 / ((clean - noisy) ** 2).mean()))
    assert lc.image.ssim(clean, clean, data_range=255) == 1.0
    metrics = pytest.importorskip("skimage.metrics")
    theirs = metrics.structural_similarity(clean, noisy, data_range=255, channel_axis=-1)
    assert lc.image.ssim(clean, noisy, data_range=255) == pytest.approx(theirs, abs=2e-3)


def test_a_volume_and_a_guide():
    rng = np.random.default_rng(0)
    volume = 100 + rng.normal(0, 10, (5, 20, 22, 1))
    out = lc.image.denoise_nl_means(volume, 3, 2, 8.0, sigma=10.0)
    assert out.shape == volume.shape and out.std() < 0.6 * volume.std()
    guide = np.zeros((20, 22), np.uint8)
    guide[:, 11:] = 255
    step = volume[0, ..., 0] + guide
    out = lc.image.denoise_bilateral(step, sigma_color=5, sigma_spatial=3, guide=guide)
    assert out[:, :11].std() < 0.5 * step[:, :11].std() and np.abs(out[:, 11:].mean() - out[:, :11].mean() - 255) < 5
    with pytest.raises(ValueError, match="guide has shape"):
        lc.image.denoise_bilateral(step, guide=guide[:4])
    with pytest.raises(ValueError, match='mode="wrap" is unknown'):
        lc.image.denoise_bilateral(step, mode="wrap")
    with pytest.raises(ValueError, match="h is 0"):
        lc.image.denoise_nl_means(step, h=0)
    with pytest.raises(ValueError, match="did you mean 'nlm'"):
        lc.image.denoise(step, method="nml")


def test_rows_are_denoised_by_the_definition():
    rng = np.random.default_rng(3)
    X, at, w = rng.normal(size=(40, 3)), rng.normal(size=(9, 3)), rng.uniform(0.5, 2, 40)
    model = lc.OptimalDenoiser(0.6).fit(X, sample_weight=w)
    p = w * np.exp(-((at[:, None] - X) ** 2).sum(-1) / (2 * 0.36))
    p /= p.sum(1, keepdims=True)
    mean = p @ X
    np.testing.assert_allclose(model.transform(at), mean, atol=1e-12)
    np.testing.assert_allclose(model.score_function(at), (mean - at) / 0.36, atol=1e-11)
    off = X - mean[:, None]
    covariance = np.einsum("mn,mni,mnj->mij", p, off, off)
    np.testing.assert_allclose(model.covariance(at), covariance, atol=1e-12)
    np.testing.assert_allclose(model.variance(at), np.diagonal(covariance, axis1=1, axis2=2), atol=1e-12)
    step = 1e-5 * np.eye(3)[0]
    slope = (model.score_samples(at + step) - model.score_samples(at - step)) / 2e-5
    np.testing.assert_allclose(slope, model.score_function(at)[:, 0], atol=1e-6)
    assert model.fit(X.astype(np.float32)).transform(at.astype(np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match="sigma is 0"):
        lc.OptimalDenoiser(0).fit(X)


def test_new_rows():
    rng = np.random.default_rng(3)
    X = np.concatenate([rng.normal(size=(80, 2)), rng.normal(size=(80, 2)) + [8, 100]])
    new = lc.sample_rows(X, 150, random_state=1)
    assert new.samples.shape == (150, 2) and new.energy_distance < 0.3 and new.copies < 0.2
    again = lc.sample_rows(X, 150, random_state=1, n_jobs=1)
    np.testing.assert_array_equal(new.samples, again.samples)
    assert lc.sample_rows(X, 50, smoothing=0, random_state=1).copies > 0.9
    assert lc.energy_distance(X, X) == 0.0
    with pytest.raises(ValueError, match="levels is 1"):
        lc.sample_rows(X, 5, levels=1)


def test_regression_in_contexts():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(300, 3))
    y = (X[:, 1] > 0.5) + rng.normal(0, 0.1, 300)
    model = lc.NonLocalRegressor("gaussian(h=0.1)", context=[1], range=0.3).fit(X, y)
    plain = lc.NonLocalRegressor("gaussian(h=0.1)", context=[1]).fit(X, y)
    truth = X[:, 1] > 0.5
    assert ((model.outputs_ - truth) ** 2).mean() < 0.5 * ((plain.outputs_ - truth) ** 2).mean()
    noise = X.copy()
    noise[:, [0, 2]] = 77
    np.testing.assert_array_equal(model.predict(X), model.predict(noise))
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    named = lc.NonLocalRegressor("gaussian(h=0.1, cols=b)", context=["b"], range=0.3).fit(frame, y)
    np.testing.assert_array_equal(named.predict(frame), model.predict(X))
    with pytest.raises(ValueError, match="context names 'd'"):
        lc.NonLocalRegressor(context=["d"]).fit(frame, y)


def test_series():
    wave = np.sin(0.4 * np.arange(300))
    series = wave + np.random.default_rng(0).normal(0, 0.2, 300)
    series[[0, 50, 51, 299]] = np.nan
    out = lc.smooth_series(series, 6)
    assert out.filled.tolist() == [0, 50, 51, 299]
    assert np.abs(out.values - wave).mean() < 0.6 * np.nanmean(np.abs(series - wave))
    kept = lc.smooth_series(series, 6, gaps_only=True).values
    np.testing.assert_array_equal(kept[1:50], series[1:50])
    with pytest.raises(ValueError, match="radius is 0"):
        lc.smooth_series(series, 0)
