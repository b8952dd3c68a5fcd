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
    robust = lc.image.estimate_sigma(noisy, average_sigmas=True, robust=True)
    assert robust == pytest.approx(20, rel=0.05)
    assert lc.image.denoise(noisy).sigma == pytest.approx(robust)
    cut = noisy.round().clip(0, 255) / 255
    unit = lc.image.estimate_sigma(cut, True, robust=True, data_range=1.0)
    assert unit == pytest.approx(lc.image.estimate_sigma((255 * cut).round().astype(np.uint8), True, robust=True) / 255, rel=1e-5)
    assert lc.image.denoise(cut, data_range=1).sigma == pytest.approx(unit)
    with pytest.raises(ValueError, match="data_range is for robust=True"):
        lc.image.estimate_sigma(noisy, data_range=255)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "camera", "coins"])
def test_the_plain_estimate_is_scikit_images_and_the_robust_one_is_right(name):
    data, restoration = pytest.importorskip("skimage.data"), pytest.importorskip("skimage.restoration")
    pytest.importorskip("pywt")
    clean = getattr(data, name)()
    axis = -1 if clean.ndim == 3 else None
    for sigma, most in ((5, 0.07), (10, 0.05), (15, 0.05), (25, 0.05), (50, 0.05)):
        for seed in (1, 2):
            noisy = clean + np.random.default_rng(seed).normal(0, sigma, clean.shape)
            noisy = noisy.round().clip(0, 255).astype(np.uint8)
            theirs = restoration.estimate_sigma(noisy, average_sigmas=True, channel_axis=axis)
            # Which coefficients are exactly 0, and so left aside, is a matter of rounding.
            assert lc.image.estimate_sigma(noisy, average_sigmas=True) == pytest.approx(theirs, rel=1e-4)
            assert lc.image.estimate_sigma(noisy, True, robust=True) == pytest.approx(sigma, rel=most), (sigma, seed)


@pytest.mark.parametrize("name", ["astronaut", "camera"])
def test_an_estimated_noise_serves_as_well_as_a_known_one(name):
    clean = getattr(pytest.importorskip("skimage.data"), name)()
    for sigma in (25, 50):
        noisy = clean + np.random.default_rng(1).normal(0, sigma, clean.shape)
        noisy = noisy.round().clip(0, 255).astype(np.uint8)
        known, found = lc.image.denoise(noisy, sigma).picture, lc.image.denoise(noisy).picture
        assert lc.image.psnr(clean, found) > lc.image.psnr(clean, known) - 0.15


def test_channels_by_themselves():
    noisy = picture(3, np.uint8)[1]
    for call in (
        lambda x, **more: lc.image.denoise_nl_means(x, 5, 4, h=20, **more),
        lambda x, **more: lc.image.denoise(x, 20, **more).picture,
        lambda x, **more: lc.image.denoise(x, method="nlm", **more).picture,
    ):
        each = call(noisy, per_channel=True)
        assert (each != call(noisy)).any()
        np.testing.assert_array_equal(each, np.stack([call(noisy[..., k]) for k in range(3)], axis=-1))


def test_floats_are_read_as_0_to_1():
    clean, noisy = picture(3)
    unit = (noisy / 255).astype(np.float32)
    default = lc.image.denoise_nl_means(unit)
    np.testing.assert_allclose(default, lc.image.denoise_nl_means(unit, h=0.1), atol=1e-6)
    np.testing.assert_allclose(lc.image.denoise_nl_means(noisy, data_range=255), lc.image.denoise_nl_means(noisy, h=25.5))
    assert np.abs(default - clean / 255).mean() < 0.5 * np.abs(unit - clean / 255).mean()
    np.testing.assert_allclose(lc.image.denoise_bilateral(unit), lc.image.denoise_bilateral(unit, sigma_color=30 / 255), atol=1e-6)
    eight, sixteen = picture(3, np.uint8)[1], picture(3, np.uint8)[1].astype(np.uint16) * 257
    for call in (lc.image.denoise_nl_means, lc.image.denoise_bilateral):
        far = np.abs(call(eight) - call(sixteen) / 257.0)
        assert far.max() < 0.51
        np.testing.assert_array_equal(call(eight), call(eight, data_range=255))
        with pytest.raises(ValueError, match="floats are read as 0 to 1; give (h|sigma_color), or data_range"):
            call(noisy)
        with pytest.raises(ValueError, match="data_range is 0; give the distance of black from white"):
            call(unit, data_range=0)
    with pytest.raises(ValueError, match="reference holds values .* floats are read as 0 to 1; give data_range"):
        lc.image.psnr(clean, noisy)
    for wrong in (0, -1, float("nan")):
        for quality in (lc.image.psnr, lc.image.ssim):
            with pytest.raises(ValueError, match="^data_range is"):
                quality(eight, eight, data_range=wrong)


def test_bilateral_filters_are_opencvs():
    cv2 = pytest.importorskip("cv2")
    noisy = picture(3, np.uint8)[1]
    for spatial in range(1, 13):
        for d in (-1, 0, 5, 9):
            ours = lc.image.denoise_bilateral(noisy, sigma_color=50, sigma_spatial=spatial, like_opencv=d)
            theirs = cv2.bilateralFilter(noisy, d, 50, spatial)
            far = np.abs(ours.astype(int) - theirs.astype(int))
            assert far.max() <= 1 and (far > 0).mean() < 0.002, (spatial, d)


def test_mistakes_of_filters_are_named():
    noisy = picture(1, np.uint8)[1]
    for more, text in (
        ({"sigma_color": 0}, "sigma_color is 0"),
        ({"sigma_spatial": 0}, "sigma_spatial is 0"),
        ({"win_size": 0}, "win_size is 0"),
        ({"guide": np.full(noisy.shape[:2], np.nan), "sigma_color": 5}, "guide holds NaN"),
        ({"guide": noisy[..., 0] > 3}, "guide holds bool"),
    ):
        with pytest.raises((ValueError, TypeError), match=text):
            lc.image.denoise_bilateral(noisy, **more)


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
    # Opacity is no colour to be compared.
    rng = np.random.default_rng(5)
    veiled = np.dstack([guide, guide, guide, rng.integers(1, 255, guide.shape, np.uint8)])
    plain = lc.image.denoise_bilateral(step, sigma_color=5, sigma_spatial=3, guide=veiled[..., :3])
    assert np.array_equal(lc.image.denoise_bilateral(step, sigma_color=5, sigma_spatial=3, guide=veiled), plain)
    with pytest.raises(ValueError, match='mode="mirror" is unknown'):
        lc.image.denoise_bilateral(step, mode="mirror")
    with pytest.raises(ValueError, match="h is 0"):
        lc.image.denoise_nl_means(step, h=0)
    with pytest.raises(ValueError, match="did you mean 'nlm'"):
        lc.image.denoise(step, method="nml")


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "wrap", "edge"])
def test_borders_are_those_of_numpy(mode):
    _, noisy = picture(1)
    image = noisy[:20, :25, 0]
    padded = np.pad(image, 9, mode)
    whole = lc.image.denoise_bilateral(padded, sigma_color=30, sigma_spatial=3)[9:-9, 9:-9]
    assert np.allclose(lc.image.denoise_bilateral(image, sigma_color=30, sigma_spatial=3, mode=mode), whole, rtol=1e-12)


def test_a_volume_is_not_a_picture_of_many_channels_without_a_word():
    volume = np.zeros((4, 5, 40), np.uint8)
    with pytest.warns(UserWarning, match="picture of 40 channels"):
        lc.image.denoise_nl_means(volume, 3, 2, h=5.0)


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
    assert list(model.get_feature_names_out()) == ["x0", "x1", "x2"]
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


@pytest.mark.parametrize("method", ["flow", "draw"])
def test_new_rows_of_heavy_tails(method):
    rng = np.random.default_rng(2)
    for X in (np.exp(2 * rng.normal(size=500)), np.append(rng.normal(size=200), 1e4)):
        new = lc.sample_rows(X[:, None], 2000, method=method, random_state=0).samples[:, 0]
        for q in (0.1, 0.5, 0.9):
            assert abs((new < np.quantile(X, q)).mean() - q) < 0.03
    # Repeated rows come back as they are.
    zeros = np.where(rng.random(400) < 0.7, 0.0, np.exp(rng.normal(size=400)))
    new = lc.sample_rows(zeros[:, None], 1000, method=method, random_state=0)
    assert abs((new.samples == 0).mean() - (zeros == 0).mean()) < 0.06 and new.copies > 0.6
    # In any unit.
    a, b = (lc.sample_rows(X[:, None] * unit, 50, random_state=1).samples for unit in (1.0, 2.0**-700))
    np.testing.assert_allclose(b * 2.0**700, a, rtol=1e-9)


def test_new_rows_keep_what_is_constant_and_straight():
    rng = np.random.default_rng(5)
    t = rng.normal(size=300)
    X = np.column_stack([t + 0.01 * rng.normal(size=300), 2 * t, np.full(300, 0.001)])
    for method in ["flow", "langevin", "draw"]:
        new = lc.sample_rows(X, 400, method=method, random_state=0)
        assert (new.samples[:, 2] == 0.001).all() and new.manifold == 15 and new.smoothing == 1.0
        off = new.samples[:, 0] - new.samples[:, 1] / 2
        assert 0.007 < off.std() < 0.013
    wide = lc.sample_rows(X, 4000, manifold=None, method="draw", random_state=0)
    assert wide.manifold is None and wide.smoothing < 1
    np.testing.assert_allclose(np.cov(wide.samples[:, :2].T), np.cov(X[:, :2].T), rtol=0.08)
    rows = lc.sample_rows(X, 100, smoothing=0, random_state=0).samples
    assert {tuple(r) for r in rows} <= {tuple(r) for r in X}
    same = dict(random_state=0, levels=15)
    plain = lc.sample_rows(X, 20, **same).samples
    for more in [{"noise": (10, 0.01)}, {"nearest": 3}, {"manifold": 5}, {"tolerance": 0.5}]:
        assert (lc.sample_rows(X, 20, **same, **more).samples != plain).any()
    with pytest.raises(ValueError, match="manifold is 0"):
        lc.sample_rows(X, 5, manifold=0)
    with pytest.raises(ValueError, match="noise is 3; give two numbers"):
        lc.sample_rows(X, 5, noise=3)
    with pytest.raises(ValueError, match="nearest is 301"):
        lc.sample_rows(X, 5, nearest=301)


def test_each_row_is_told_by_the_others():
    X = np.array([[1.0], [1.2], [5.0], [5.4]])
    model = lc.OptimalDenoiser(0.3, hollow=True).fit(X)
    np.testing.assert_allclose(model.transform(X)[[0, 3], 0], [1.2, 5.0], atol=1e-6)
    assert model.variance(X).shape == (4, 1)
    with pytest.raises(ValueError, match="as many"):
        model.transform(X[:2])
    with pytest.raises(ValueError, match="hollow tells each clean sample by the others"):
        lc.OptimalDenoiser(hollow=True).fit(X[:1])


def test_far_clusters_leave_their_own_variance():
    rng = np.random.default_rng(0)
    for kind, rounding in [(np.float32, 1e-5), (np.float64, 1e-9)]:
        X = (np.repeat([0.0, 1e5], 20)[:, None] + rng.normal(size=(40, 2))).astype(kind)
        y = X[[0, 39]] + kind(0.2)
        model = lc.OptimalDenoiser(0.5).fit(X)
        wide, at = X.astype(float), y.astype(float)
        log = -((wide - at[:, None]) ** 2).sum(-1) / 0.5
        p = np.exp(log - log.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        off = wide - (p @ wide)[:, None]
        np.testing.assert_allclose(model.variance(y), (p[..., None] * off**2).sum(1), rtol=rounding)


def test_patches_are_rows_for_any_kernel():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(7, 8, 2))
    keys = lc.image.patches(image, 3, positions=True)
    assert keys.shape == (56, 20)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(keys[2 * 8 + 5, :18], padded[2:5, 5:8].ravel())
    assert keys[2 * 8 + 5, 18:].tolist() == [2, 5]
    kernel = lc.kernels.gaussian(h=2, cols=list(range(18))) * lc.kernels.epanechnikov(h=3, cols=[18, 19])
    found = lc.local_mean(keys, keys, image.reshape(56, 2), kernel=kernel)
    d2 = ((keys[:, None, :18] - keys[None, :, :18]) ** 2).sum(-1)
    near = 1 - ((keys[:, None, 18:] - keys[None, :, 18:]) ** 2).sum(-1) / 9
    weights = np.exp(-d2 / 8) * near.clip(0)
    np.testing.assert_allclose(found, weights @ image.reshape(56, 2) / weights.sum(1, keepdims=True), atol=1e-12)
    assert lc.patches(image[:, 0, 0], 5).shape == (7, 5)
    assert lc.patches(image.astype(np.float32), 3).dtype == np.float32 and lc.patches(image, 3).shape == (112, 27)
    with pytest.raises(ValueError, match="size is 4"):
        lc.image.patches(image, 4)
    with pytest.raises(ValueError, match=r"image has shape \(3,\)"):
        lc.image.patches([1, 2, 3], 3)


def test_digits_are_denoised_by_the_patches_of_others():
    from sklearn.datasets import load_digits

    images = load_digits().images * 15.0
    clean = np.concatenate([lc.image.patches(image, 5) for image in images[:60]])
    rng = np.random.default_rng(1)
    before, after = [], []
    for image in images[900:910]:
        # Not clipped: the law is that of noise with a mean of nothing, which a black ground of bytes does not have.
        noisy = image + rng.normal(0, 40, image.shape)
        out = lc.image.denoise_by_patches(noisy, clean, 40)
        before.append(lc.image.psnr(image, noisy, data_range=255))
        after.append(lc.image.psnr(image, out, data_range=255))
    assert np.mean(after) > np.mean(before) + 3.5
    levels = noisy.clip(0, 255).round().astype(np.uint8)
    out = lc.image.denoise_by_patches(levels, clean, 40)
    assert out.dtype == np.uint8 and out.shape == image.shape
    assert np.abs(out - image).mean() < np.abs(levels - image).mean()
    with pytest.raises(ValueError, match="clean_patches has 24 columns"):
        lc.image.denoise_by_patches(images[0], clean[:, :24], 40)


def test_rows_of_no_weight_are_not_among_the_nearest_of_a_hollow_denoiser():
    weights = [1, 0, 0, 0, 0, 0, 1, 1]
    with pytest.raises(ValueError, match="5 of the clean samples have weight 0"):
        lc.OptimalDenoiser(1.0, hollow=True, nearest=2).fit(np.arange(8.0)[:, None], sample_weight=weights)


def test_heavy_samples_count_more():
    rng = np.random.default_rng(0)
    X, y, w = rng.uniform(size=(30, 2)), rng.normal(size=30), rng.integers(1, 4, 30)
    for range_ in [None, 0.5]:
        heavy = lc.NonLocalRegressor("gaussian(h=0.3)", range=range_).fit(X, y, sample_weight=w)
        many = lc.NonLocalRegressor("gaussian(h=0.3)", range=range_).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
        np.testing.assert_allclose(heavy.predict(X), many.predict(X), atol=1e-9)


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


def test_contexts_by_mask_number_and_slice():
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    found = lc.NonLocalRegressor(context=[0, 2]).fit(X, y).predict(X)
    for context in ([True, False, True], np.array([True, False, True]), slice(0, 3, 2), np.array([0, 2])):
        assert np.array_equal(lc.NonLocalRegressor(context=context).fit(X, y).predict(X), found)
    one = lc.NonLocalRegressor(context=[1]).fit(X, y).predict(X)
    assert np.array_equal(lc.NonLocalRegressor(context=1).fit(X, y).predict(X), one)
    for context, words in (([True, False], "as a mask it takes 3 values"), ([True, 2, 0], "as a mask"), ([], "context is empty")):
        with pytest.raises(ValueError, match=words):
            lc.NonLocalRegressor(context=context).fit(X, y)


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
    # A rough season is no noise.
    season = np.tile([0, 1, 5, 2, 0, 0, 3, 1.0], 30)
    np.testing.assert_allclose(lc.smooth_series(season, 4).values, season, atol=1e-12)
