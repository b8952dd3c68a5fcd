"""Mean shift on pictures: the real photographs, and small ones whose answer is known."""

from __future__ import annotations

from pathlib import Path

import locality as lc
import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).parents[2] / "data"


def photo(name="astronaut.png", size=None):
    picture = Image.open(DATA / name).convert("RGB")
    return np.asarray(picture if size is None else picture.crop((100, 50, 100 + size, 50 + size)))


def slow_filter(image, sp, sr):
    """OpenCV's rule, one pixel at a time: square window, at most 5 steps, rounded positions and colours."""
    image = image.astype(int)
    height, width, _ = image.shape
    out = image.copy()
    for y in range(height):
        for x in range(width):
            px, py, color = x, y, image[y, x].copy()
            for _ in range(5):
                x0, x1 = max(px - sp, 0), min(px + sp, width - 1)
                y0, y1 = max(py - sp, 0), min(py + sp, height - 1)
                window = image[y0 : y1 + 1, x0 : x1 + 1]
                near = ((window - color) ** 2).sum(-1) <= sr * sr
                ys, xs = np.nonzero(near)
                n = len(ys)
                if n == 0:
                    break
                total = window[near].sum(0)
                nx, ny = round_half_even((xs + x0).sum(), n), round_half_even((ys + y0).sum(), n)
                new = np.array([round_half_even(t, n) for t in total])
                rests = (nx == px and ny == py) or abs(nx - px) + abs(ny - py) + ((new - color) ** 2).sum() <= 1
                px, py, color = nx, ny, new
                if rests:
                    break
            out[y, x] = color
    return out.astype(np.uint8)


def round_half_even(total, n):
    return int(np.rint(total * (1.0 / n)))


def test_opencvs_rule_on_a_piece_of_the_photo():
    piece = photo(size=24)
    found = lc.image.mean_shift_filter(piece, 4, 30, color="raw", like_opencv=True)
    np.testing.assert_array_equal(found, slow_filter(piece, 4, 30))


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
def test_a_photo_is_flattened_and_its_labels_do_not_depend_on_threads(name):
    image = photo(name)
    filtered = lc.image.mean_shift_filter(image, 8, 16)
    assert filtered.shape == image.shape and filtered.dtype == np.uint8
    step = lambda a: np.abs(np.diff(a.astype(int), axis=1)).sum(-1)  # noqa: E731
    assert np.median(step(filtered)) < np.median(step(image))
    assert np.abs(filtered.astype(int) - image).mean() < 12
    one, two = (lc.image.mean_shift_segment(image, 8, 10, 100, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_array_equal(one.picture, two.picture)


def test_what_a_segmentation_says_of_itself_agrees():
    image = photo(size=120)
    found = lc.image.mean_shift_segment(image, 7, 9, min_region=40)
    n = found.n_regions
    assert found.labels.shape == (120, 120) and found.labels.dtype == np.int32
    np.testing.assert_array_equal(np.unique(found.labels), np.arange(n))
    np.testing.assert_array_equal(np.bincount(found.labels.ravel()), found.sizes)
    assert 1 < n and found.sizes.min() >= 40
    assert found.colors.shape == (n, 3)
    np.testing.assert_array_equal(found.colors[found.labels], found.picture)
    # The mean of the pixels themselves, to the nearest whole number, whatever space colours were compared in.
    for color in ("luv", "raw"):
        own = lc.image.mean_shift_segment(image, 7, 9, min_region=40, color=color)
        means = np.stack([image[own.labels == i].mean(axis=0) for i in range(own.n_regions)])
        assert np.abs(own.colors - means).max() <= 0.5 + 1e-9
    assert found.boundaries.dtype == bool and 0 < found.boundaries.mean() < 0.5
    inner = found.labels[1:-1, 1:-1]
    alone = np.ones_like(inner, dtype=bool)
    for dy in (0, 1, 2):
        for dx in (0, 1, 2):
            alone &= found.labels[dy : dy + 118, dx : dx + 118] == inner
    assert not (alone & found.boundaries[1:-1, 1:-1]).any()
    coarse = lc.image.mean_shift_segment(image, 7, 9, min_region=400)
    assert coarse.n_regions < n
    assert repr(found) == f"Segmentation({n} regions of 120 x 120 pixels)"


def test_number_types_and_channels():
    piece = photo(size=40)
    eight = lc.image.mean_shift_filter(piece, 5, 20, color="raw")
    sixteen = lc.image.mean_shift_filter(piece.astype(np.uint16) * 257, 5, 20, color="raw")
    assert sixteen.dtype == np.uint16
    assert np.abs(sixteen / 257 - eight).max() <= 1
    floats = lc.image.mean_shift_filter(piece.astype(np.float32), 5, 20, color="raw")
    assert floats.dtype == np.float32
    assert np.abs(floats - eight).max() <= 1
    assert lc.image.mean_shift_filter(piece / 255.0, 5, 0.08).dtype == np.float32
    grey = piece[..., 0]
    assert lc.image.mean_shift_filter(grey, 5, 20).shape == grey.shape
    np.testing.assert_array_equal(
        lc.image.mean_shift_filter(grey, 5, 20), lc.image.mean_shift_filter(grey[..., None], 5, 20)[..., 0]
    )
    many = np.concatenate([piece, piece[..., :2]], axis=2)
    assert lc.image.mean_shift_segment(many, 5, 20).colors.shape[1] == 5


def test_opacity_is_carried_through():
    piece = photo(size=30)
    opacity = np.full((30, 30, 1), 200, np.uint8)
    opacity[:, :4] = 0
    rgba = np.concatenate([piece, opacity], axis=2)
    found = lc.image.mean_shift_filter(rgba, 5, 20)
    np.testing.assert_array_equal(found[..., 3:], opacity)
    np.testing.assert_array_equal(found[:, :4], rgba[:, :4])
    assert lc.image.mean_shift_segment(rgba, 5, 20).colors.shape[1] == 3
    four_bands = lc.image.mean_shift_filter(rgba, 5, 20, alpha=False)
    assert (four_bands != found).any()


def test_views_of_pictures():
    image = photo(size=60)
    for view in (image[::2], image[:, ::-1], image.transpose(1, 0, 2), image[5:20, 7:30]):
        expected = lc.image.mean_shift_filter(np.ascontiguousarray(view), 4, 20)
        np.testing.assert_array_equal(lc.image.mean_shift_filter(view, 4, 20), expected)


def test_one_pixel():
    one = np.array([[[7, 8, 9]]], np.uint8)
    np.testing.assert_array_equal(lc.image.mean_shift_filter(one), one)
    assert lc.image.mean_shift_segment(one).n_regions == 1


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: lc.image.mean_shift_filter(np.zeros((0, 4, 3), np.uint8)), ValueError, "0"),
        (lambda: lc.image.mean_shift_filter(np.zeros((4, 4, 3), np.uint8), spatial=-1), ValueError, "spatial.*-1"),
        (lambda: lc.image.mean_shift_filter(np.zeros((4, 4, 3), np.uint8), range=np.nan), ValueError, "range.*NaN"),
        (lambda: lc.image.mean_shift_filter(np.zeros((4, 4, 3), np.uint8), kernel="flatt"), ValueError, "'flatt'; did you mean 'flat'"),
        (lambda: lc.image.mean_shift_filter(np.zeros((4, 4, 3), np.uint8), color="hsv"), ValueError, "hsv"),
        (lambda: lc.image.mean_shift_filter(np.full((4, 4), np.nan, np.float32)), ValueError, "NaN"),
        (lambda: lc.image.mean_shift_filter(np.zeros(4, np.uint8)), ValueError, r"image has shape \(4,\)"),
        (lambda: lc.image.mean_shift_filter(np.zeros((4, 4), int)), TypeError, "image holds int64"),
        (lambda: lc.image.mean_shift_filter("photo.png"), TypeError, "image holds <U9"),
        (lambda: lc.image.mean_shift_segment(np.zeros((4, 4), np.uint8), connectivity=6), ValueError, "connectivity=6"),
        (lambda: lc.image.mean_shift_segment(np.zeros((4, 4), np.uint8), min_region=-1), ValueError, "min_region=-1"),
        (lambda: lc.image.mean_shift_segment(np.zeros((4, 4), np.uint8), min_region=0.5), TypeError, "whole number"),
    ],
)
def test_mistakes(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_filtering_tells_its_progress_and_stops():
    seen = []
    lc.image.mean_shift_filter(photo(), 10, 20, progress=lambda done, total: seen.append((done, total)))
    assert seen and seen[-1][0] == seen[-1][1]

    def stop(done, total):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        lc.image.mean_shift_filter(photo(), 20, 40, progress=stop)
