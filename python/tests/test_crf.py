"""The fully connected conditional random field beside plain matrices, under pydensecrf's names and in one call."""

from __future__ import annotations

import locality as lc
import locality.densecrf as dcrf
import numpy as np
import pytest

H, W, K = 14, 18, 3
RNG = np.random.default_rng(0)
TRUTH = (np.arange(W)[None, :] > W // 3).astype(int) + (np.arange(H)[:, None] > H // 2)
PICTURE = (np.array([[40, 60, 50], [120, 80, 100], [200, 190, 90]])[TRUTH] + RNG.integers(-8, 9, size=(H, W, 3))).astype(np.uint8)
NOISY = np.where(RNG.uniform(size=(H, W)) < 0.4, RNG.integers(0, K, size=(H, W)), TRUTH)


def softmax(e):
    e = np.exp(e.min(axis=0) - e)
    return e / e.sum(axis=0)


def plain(unary, terms, steps):
    """Mean field by matrices of all pairs: terms are features in bandwidths, costs, normalization."""
    q = softmax(unary)
    weights = []
    for features, costs, normalization in terms:
        k = np.exp(-0.5 * ((features[:, :, None] - features[:, None, :]) ** 2).sum(axis=0))
        s = k.sum(axis=1)
        k = {0: k, 1: k / s[None, :], 2: k / s[:, None], 3: k / np.sqrt(s[:, None] * s[None, :])}[normalization]
        weights.append((k, costs))

    def energy(q):
        return sum(costs @ (q @ k.T) for k, costs in weights)

    for _ in range(steps):
        q = softmax(unary + energy(q))
    entropy = (q * np.log(np.maximum(q, 1e-20))).sum()
    return q, entropy + (unary * q).sum() + (q * energy(q)).sum()


@pytest.mark.parametrize("normalization", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["number", "vector", "matrix"])
def test_pydensecrfs_program_is_the_formula(kind, normalization):
    scale = 0.02 if normalization == 0 else 1.0
    matrix = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, -1.0]])
    compat = {"number": 4.0 * scale, "vector": np.array([-1.0, -4.0, -2.0]) * scale, "matrix": matrix * scale}[kind]
    costs = {"number": -4.0 * np.eye(3), "vector": np.diag([-1.0, -4.0, -2.0]), "matrix": matrix}[kind] * scale
    unary = dcrf.unary_from_labels(NOISY, K, 0.6, zero_unsure=False)
    places = dcrf.create_pairwise_gaussian((2, 1.5), (H, W))
    colors = dcrf.create_pairwise_bilateral((6, 5), (13, 14, 15), PICTURE, chdim=2)
    q, kl = plain(unary.astype(float), [(places.astype(float), -0.5 * scale * np.eye(3), normalization), (colors.astype(float), costs, normalization)], 5)
    for tolerance, off in ((0.0, 1e-5), (0.001, 0.01), (0.01, 0.05)):
        d = dcrf.DenseCRF2D(W, H, K, tolerance=tolerance)
        d.setUnaryEnergy(unary)
        d.addPairwiseGaussian(sxy=(1.5, 2), compat=0.5 * scale, normalization=normalization)
        d.addPairwiseBilateral(sxy=(5, 6), srgb=(13, 14, 15), rgbim=PICTURE, compat=compat, normalization=normalization)
        own = d.inference(5)
        assert own.shape == (K, H * W) and own.dtype == np.float32
        assert abs(own - q).max() < off, (tolerance, abs(own - q).max())
        assert abs(d.klDivergence(own) - kl) < max(1e-3, off) * abs(kl)
        # The same from features, and step by step.
        e = dcrf.DenseCRF(H * W, K, tolerance=tolerance)
        e.setUnaryEnergy(unary)
        e.addPairwiseEnergy(places, compat=0.5 * scale, kernel=dcrf.FULL_KERNEL, normalization=normalization)
        e.addPairwiseEnergy(colors, compat=compat, normalization=normalization)
        p, one, two = e.startInference()
        for _ in range(5):
            e.stepInference(p, one, two)
        assert abs(p - q).max() < off


def test_one_call_cleans_a_picture():
    found = lc.image.dense_crf(PICTURE, NOISY, spatial=20, confidence=0.6)
    before, after = (NOISY != TRUTH).mean(), (found.labels != TRUTH).mean()
    assert before > 0.2 and after < 0.01, (before, after)
    assert found.probabilities.shape == (H, W, K) and repr(found) == "Relabeled(3 labels of 14 x 18 pixels)"
    np.testing.assert_allclose(found.probabilities.sum(axis=2), 1.0, atol=1e-5)
    p = np.where(np.arange(K) == NOISY[..., None], 0.6, 0.2)
    same = lc.image.dense_crf(PICTURE, p, spatial=20)
    np.testing.assert_allclose(same.probabilities, found.probabilities, atol=1e-6)
    one = lc.image.dense_crf(PICTURE, NOISY, spatial=20, confidence=0.6, n_jobs=1)
    np.testing.assert_array_equal(one.probabilities, found.probabilities)
    unknown = np.where(RNG.uniform(size=(H, W)) < 0.5, -1, TRUTH)
    assert (lc.image.dense_crf(PICTURE, unknown, spatial=20, confidence=0.9).labels != TRUTH).mean() < 0.02
    volume = np.stack([PICTURE] * 3)
    cleaned = lc.image.dense_crf(volume, np.stack([NOISY] * 3), spatial=(5, 20, 20), confidence=0.6)
    assert cleaned.labels.shape == (3, H, W) and (cleaned.labels[1] != TRUTH).mean() < 0.02
    grey = lc.image.dense_crf(PICTURE[..., 0], NOISY, spatial=20, smooth_weight=0)
    assert (grey.labels != TRUTH).mean() < 0.05


def test_what_nobody_labelled_may_be_255():
    given = np.where(RNG.uniform(size=(H, W)) < 0.4, 255, TRUTH).astype(np.uint8)
    found = lc.image.dense_crf(PICTURE, given, spatial=20, confidence=0.9, void=255)
    assert found.probabilities.shape == (H, W, K) and (found.labels != TRUTH).mean() < 0.02
    same = lc.image.dense_crf(PICTURE, np.where(given == 255, -1, given.astype(int)), spatial=20, confidence=0.9)
    np.testing.assert_array_equal(found.probabilities, same.probabilities)
    unary = dcrf.unary_from_labels(np.array([0, 2, 255], dtype=np.uint8), 3, 0.7, zero_unsure=False, void=255)
    np.testing.assert_allclose(np.exp(-unary), [[0.7, 0.15, 1 / 3], [0.15, 0.15, 1 / 3], [0.15, 0.7, 1 / 3]], rtol=1e-5)
    both = dcrf.unary_from_labels([0, 2, 255], 3, 0.7, void=255)
    np.testing.assert_allclose(np.exp(-both), [[1 / 3, 0.15, 1 / 3], [1 / 3, 0.7, 1 / 3], [1 / 3, 0.15, 1 / 3]], rtol=1e-5)
    # A class of that number can be meant.
    assert lc.image.dense_crf(PICTURE, given, 1, void=-1, tolerance=0.1).probabilities.shape == (H, W, 256)


def test_hard_probabilities_are_finite_energies():
    hard = np.eye(K)[TRUTH.ravel()].T
    for unary in (dcrf.unary_from_softmax(hard), dcrf.softmax_to_unary(hard)):
        assert np.isfinite(unary).all()
        d = dcrf.DenseCRF2D(W, H, K)
        d.setUnaryEnergy(unary)
        d.addPairwiseGaussian(sxy=2, compat=3)
        assert (d.inference(3).argmax(axis=0) == TRUTH.ravel()).all()
    assert (lc.image.dense_crf(PICTURE, np.moveaxis(hard.reshape(K, H, W), 0, 2), spatial=20).labels == TRUTH).all()


def test_unaries_are_pydensecrfs():
    p = RNG.dirichlet(np.ones(3), size=4).T
    np.testing.assert_allclose(dcrf.unary_from_softmax(p), -np.log(p), rtol=1e-5)
    np.testing.assert_allclose(dcrf.unary_from_softmax(p, scale=0.5), -np.log(0.5 * p + 0.5 / 3), rtol=1e-5)
    unary = dcrf.unary_from_labels(np.array([0, 1, 2, 3]), 3, 0.7)
    np.testing.assert_allclose(np.exp(-unary), [[1 / 3, 0.7, 0.15, 0.15], [1 / 3, 0.15, 0.7, 0.15], [1 / 3, 0.15, 0.15, 0.7]], rtol=1e-5)
    for dtype in (np.uint8, np.uint64, np.int8):
        np.testing.assert_array_equal(dcrf.unary_from_labels(np.array([0, 1, 2, 3], dtype=dtype), 3, 0.7), unary)
    np.testing.assert_array_equal(dcrf.compute_unary(np.array([[0, 1], [2, 3]], dtype=np.uint8), 3, 0.7), unary)
    np.testing.assert_allclose(dcrf.softmax_to_unary(p), -np.log(p), rtol=1e-5)
    np.testing.assert_array_equal(dcrf.softmax_to_unary(p, 0.5), dcrf.unary_from_softmax(p, 0.5, None))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: dcrf.DenseCRF(0, 2), "nvar=0"),
        (lambda: dcrf.DenseCRF(3, 2).setUnaryEnergy(np.zeros((3, 2))), r"must have \(2, 3\)"),
        (lambda: dcrf.DenseCRF(3, 2).addPairwiseEnergy(np.zeros((1, 4)), 1.0), "a column for each object"),
        (lambda: dcrf.DenseCRF2D(3, 2, 2).addPairwiseGaussian((1, 2, 3), 1.0), "sxy has 3 numbers"),
        (lambda: dcrf.DenseCRF2D(3, 2, 2).addPairwiseGaussian(1, 1.0, normalization=4), "normalization=4"),
        (lambda: dcrf.DenseCRF2D(3, 2, 2).addPairwiseBilateral(1, 1, np.zeros((3, 2, 3)), 1.0), r"must be \(2, 3, channels\)"),
        (lambda: dcrf.unary_from_labels([0, 5], 2, 0.5), "whole numbers from 0 to 2"),
        (lambda: dcrf.unary_from_labels([-1, 1], 2, 0.5), "whole numbers from 0 to 2"),
        (lambda: dcrf.unary_from_labels([0.0, 1.0], 2, 0.5), "labels holds float64, but .* whole numbers from 0 to 2; labels.astype"),
        (lambda: dcrf.unary_from_labels([0, 255], 2, 0.5), "labels has 255.*void=255 says that nothing is known"),
        (lambda: dcrf.DenseCRF(3, 2).setUnaryEnergy([[0.0, 0.0, 0.0], [np.inf, 1.0, 1.0]]), "infinite or NaN.*clip"),
        (lambda: dcrf.DenseCRF(3, 2).inference(2), "no unary energies.*call setUnaryEnergy first"),
        (lambda: dcrf.DenseCRF2D(3, 2, 2).startInference(), "no unary energies"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY.astype(float)), r"labels holds float64 of shape \(14, 18\).*labels.astype"),
        (lambda: lc.image.dense_crf(PICTURE, np.where(NOISY == 2, 255, NOISY)), "pass void=255"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY[:5]), "the same pixels"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY * 0), "at least two labels"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY, confidence=1.0), "confidence=1"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY, confidence=1 / 3), "confidence=0.333.* must be above 1/3, the chance of a guess"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY.clip(max=1), confidence=0.5), "must be above 1/2"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY, spatial=-1.0), r"spatial=-1.0: bandwidths must be positive"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY, weight=[1.0, 2.0]), "2 numbers, but 3 labels need 3"),
        (lambda: lc.image.dense_crf(PICTURE, NOISY, tolerance=0.7), "tolerance=0.7"),
    ],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises((ValueError, TypeError), match=message):
        bad()


def test_only_differences_of_colours_count():
    given = lc.image.dense_crf(PICTURE, NOISY, spatial=20).probabilities
    for level in (1e4, 1e7, -3e9):
        moved = lc.image.dense_crf(PICTURE + level, NOISY, spatial=20, range=13).probabilities
        np.testing.assert_allclose(moved, given, atol=1e-4)
    unary = dcrf.unary_from_labels(NOISY, K, 0.7, zero_unsure=False)
    found = []
    for level in (0.0, 1e7):
        d = dcrf.DenseCRF2D(W, H, K)
        d.setUnaryEnergy(unary)
        d.addPairwiseBilateral(sxy=20, srgb=13, rgbim=PICTURE + level, compat=3)
        one = dcrf.DenseCRF(H * W, K)
        one.setUnaryEnergy(unary)
        one.addPairwiseEnergy(PICTURE.reshape(-1, 3).T / 13.0 + level, compat=3)
        found.append((d.inference(3), one.inference(3)))
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)
    with pytest.raises(ValueError, match="row 3"):
        lc.image.dense_crf(np.where(np.arange(H * W).reshape(H, W, 1) == 3, np.nan, PICTURE), NOISY, range=13)


def test_costs_are_learned_from_labelled_pictures():
    # Four layers, of which only neighbours touch, and colours that tell them badly.
    rng = np.random.default_rng(0)

    def scene():
        line = np.arange(40)[:, None] + 3 * np.sin(np.arange(50) / 9 + rng.uniform(0, 6))[None]
        return np.digitize(line, [14, 18, 29])

    costs = lc.image.learned_compat([scene(), scene()])
    assert costs.shape == (4, 4) and (costs == costs.T).all() and costs[0, 3] > costs[0, 1] > 0 > costs[0, 0]
    truth = scene()
    photo = np.array([100.0, 140.0, 150.0, 110.0])[truth] + 25 * rng.normal(size=truth.shape)
    noisy = np.where(rng.uniform(size=truth.shape) < 0.45, rng.integers(0, 4, truth.shape), truth)

    def right(**given):
        return (lc.image.dense_crf(photo, noisy, spatial=20, range=30.0, weight=3, confidence=0.66, **given).labels == truth).mean()

    assert right(smooth_weight=costs) > right() + 0.02
    # One name in both places, and ratios that are those of the graph.
    assert dcrf.learned_compat is lc.image.learned_compat
    ratios = lc.label_compatibility(truth.ravel(), lc.LabelGraph.grid(truth.shape, diagonal=True))
    np.testing.assert_allclose(lc.image.learned_compat(truth, 2.0), -2.0 * np.log(ratios))
    for bad, message in [
        (lambda: lc.image.learned_compat(truth, 0.0), "weight=0.0 must be a positive"),
        (lambda: lc.image.learned_compat(truth, prior=0), "prior=0 must be a positive"),
        (lambda: lc.image.learned_compat(truth / 2), "labels has shape .* holds float64"),
        (lambda: lc.image.learned_compat(truth * 0), "at least two labels"),
        (lambda: lc.image.dense_crf(photo, noisy, range=0, data_range=255), "range=0: bandwidths must be positive"),
        (lambda: lc.image.dense_crf(photo, noisy, range=9, smooth=[1, np.nan]), r"smooth=\[1, nan\]: bandwidths must be positive"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()
