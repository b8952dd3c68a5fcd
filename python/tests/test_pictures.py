"""Superpixels, hierarchies of regions, edges, stacks of frames and tracking in Python."""

from __future__ import annotations

from pathlib import Path

import locality as lc
import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).parents[2] / "data"
ORACLE = Path(__file__).parents[2] / "crates" / "locality" / "tests" / "oracle"


def piece(name, grey=False):
    picture = Image.open(DATA / f"{name}.png").convert("L" if grey else "RGB").crop((180, 20, 300, 120))
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("case", "image", "parameters"),
    [
        ("lab", piece("coffee"), {}),
        ("smooth", piece("astronaut"), {"ratio": 0.5, "kernel_size": 2, "max_dist": 8, "sigma": 1}),
        ("raw", piece("astronaut"), {"ratio": 100, "kernel_size": 3, "max_dist": 6, "convert2lab": False}),
    ],
)
def test_labels_are_those_of_scikit_image(case, image, parameters):
    theirs = np.asarray(Image.open(ORACLE / f"quickshift_{case}.png"))
    found = lc.image.superpixels(image, **parameters)
    assert found.n_regions == theirs.max() + 1
    assert (found.labels == theirs).mean() > 0.999
    same = lc.image.superpixels(image, **parameters, n_jobs=1)
    np.testing.assert_array_equal(found.labels, same.labels)


def test_superpixels_of_a_stack():
    image = piece("coffee")
    alone = lc.image.superpixels(image, kernel_size=2, max_dist=6)
    far = lc.image.superpixels(np.stack([image, image]), kernel_size=2, max_dist=6, depth=100)
    assert far.labels.shape == (2, *image.shape[:2]) and far.picture.shape == (2, *image.shape)
    np.testing.assert_array_equal(far.labels[0], alone.labels)
    np.testing.assert_array_equal(far.labels[1], alone.labels + alone.n_regions)
    near = lc.image.superpixels(np.stack([image] * 3), kernel_size=2, max_dist=6)
    # What stands still hangs together across frames.
    assert near.n_regions < 1.5 * alone.n_regions
    assert (near.labels[0] == near.labels[1]).mean() > 0.5
    with pytest.raises(ValueError, match="depth is 0"):
        lc.image.superpixels(image, depth=0)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_regions_that_touch(connectivity):
    image = piece("astronaut")
    found = lc.image.superpixels(image, kernel_size=2, max_dist=6)
    steps = [(0, 1), (1, 0)] + ([(1, 1), (1, -1)] if connectivity == 8 else [])
    lengths: dict[tuple[int, int], int] = {}
    height, width = found.labels.shape
    for dy, dx in steps:
        a = found.labels[: height - dy, max(0, -dx) : width - max(0, dx)]
        b = found.labels[dy:, max(0, dx) : width + min(0, dx)]
        for pair in zip(a[a != b].tolist(), b[a != b].tolist(), strict=True):
            key = (min(pair), max(pair))
            lengths[key] = lengths.get(key, 0) + 1
    pairs, counts = found.adjacency(connectivity)
    assert {tuple(p): c for p, c in zip(pairs.tolist(), counts.tolist(), strict=True)} == lengths
    assert sorted(map(tuple, pairs.tolist())) == list(map(tuple, pairs.tolist()))
    video = lc.image.superpixels(np.stack([image[:30, :30]] * 2), kernel_size=2, max_dist=6)
    assert len(video.adjacency()[0]) > 0


def test_a_tree_of_regions():
    image = piece("coffee")
    start = lc.image.superpixels(image, kernel_size=2, max_dist=5)
    tree = lc.image.region_tree(image, start)
    assert tree.n_leaves == start.n_regions
    assert tree.children.shape == (start.n_regions - 1, 2)
    cut = tree.cut(12)
    assert cut.n_regions == 12
    assert cut.sizes.sum() == image.shape[0] * image.shape[1]
    for label in range(12):
        mean = image[cut.labels == label].mean(0)
        assert np.abs(cut.colors[label] - mean).max() < 25
    # By labels of one's own, in whatever numbers.
    again = lc.image.region_tree(image, start.labels * 3 + 5).cut(12)
    np.testing.assert_array_equal(again.labels, cut.labels)
    high = tree.cut(height=float(tree.heights.max()))
    assert high.n_regions == 1
    with pytest.raises(ValueError, match="either n_regions or height"):
        tree.cut()
    with pytest.raises(ValueError, match="one label a pixel"):
        lc.image.region_tree(image, [[0, 1]])
    with pytest.raises(ValueError, match="regions has shape"):
        lc.image.region_tree(image[:, :4], start.labels[:, :4].T)
    with pytest.raises(TypeError, match="whole numbers"):
        lc.image.region_tree(image, start.labels * 1.0)


def test_edges():
    image = piece("coffee")
    maps = lc.image.edge_maps(image)
    assert maps.weight.shape == image.shape[:2]
    strong = maps.gradient > 0.02
    expected = np.where(strong, 0.3 * maps.gradient + 0.7 * maps.confidence, 0)
    np.testing.assert_allclose(maps.weight, expected, atol=1e-6)
    plain = lc.image.mean_shift_segment(image, 5, 8, 20)
    edged = lc.image.mean_shift_segment(image, 5, 8, 20, edges=True)
    stricter = lc.image.mean_shift_segment(
        image, 5, 8, 20, edges=lc.image.EdgeWeights(edge_strength_threshold=0.05)
    )
    assert stricter.n_regions >= edged.n_regions
    assert (plain.labels != edged.labels).any()
    with pytest.raises(ValueError, match="mixture"):
        lc.image.edge_maps(image, lc.image.EdgeWeights(mixture=2))


def test_stacks_have_frames_first():
    film = np.full((5, 16, 18, 1), 40, np.uint8)
    for t in range(5):
        film[t, 4:10, 3 + t : 9 + t] = 200
    found = lc.image.mean_shift_segment(film, 3, 20, 10, depth=1)
    assert found.n_regions == 2
    assert found.labels.shape == film.shape[:3]
    assert found.picture.shape == film.shape
    np.testing.assert_array_equal(found.labels, (film[..., 0] == 200).astype(int))
    assert repr(found) == "Segmentation(2 regions of 5 x 16 x 18 pixels)"
    # Frames that do not see one another are pictures.
    image = piece("astronaut")
    stack = np.stack([image, image[::-1]])
    apart = lc.image.mean_shift_filter(stack, 3, 10, depth=0.5)
    np.testing.assert_array_equal(apart[1], lc.image.mean_shift_filter(image[::-1], 3, 10))


def test_windows_are_opencvs():
    p = np.zeros((90, 120), np.uint8)
    ys, xs = np.mgrid[:90, :120]
    p[((xs - 60) / 18) ** 2 + ((ys - 40) / 9) ** 2 <= 1] = 180
    box, steps = lc.image.mean_shift_window(p, (40, 25, 30, 20), max_iter=20)
    assert box == (43, 30, 30, 20)
    assert steps >= 1
    box, rotated = lc.image.cam_shift(p, (40, 25, 30, 20), max_iter=20)
    (x, y), (width, height), angle = rotated
    assert abs(x - 60) < 1 and abs(y - 40) < 1
    assert abs(height - 36) < 1.5 and abs(width - 18) < 1.5 and abs(angle - 90) < 1
    assert lc.image.cam_shift(np.zeros((20, 20)), (2, 2, 4, 4))[1] is None
    with pytest.raises(ValueError, match="four whole numbers"):
        lc.image.cam_shift(p, (1.5, 2, 3, 4))
    with pytest.raises(ValueError, match="overlaps"):
        lc.image.cam_shift(p, (200, 2, 3, 4))


@pytest.mark.parametrize(("method", "color"), [("camshift", "hue"), ("mean-shift", "raw"), ("mean-shift", "lab")])
def test_an_object_is_followed(method, color):
    background = np.asarray(Image.open(DATA / "astronaut.png").convert("RGB"))
    cup = np.asarray(Image.open(DATA / "coffee.png").convert("RGB"))[100:180, 280:360, ::-1]
    tracker = lc.image.Tracker(method, color=color)
    with pytest.raises(RuntimeError, match="call init"):
        tracker.update(background)
    for t in range(12):
        left, top = 40 + 9 * t, 60 + 6 * t
        frame = background.copy()
        frame[top : top + 80, left : left + 80] = cup
        if t == 0:
            assert tracker.init(frame, (left, top, 80, 80)) is tracker
            continue
        found = tracker.update(frame)
        x, y, w, h = found.box
        wide = max(0, min(x + w, left + 80) - max(x, left))
        high = max(0, min(y + h, top + 80) - max(y, top))
        assert wide * high / (w * h + 6400 - wide * high) > 0.6, (t, found)
        assert found.confidence > 0.8
    assert tracker.back_projection(frame).shape == frame.shape[:2]


def scene(kind):
    """A photo as integers, as floats from 0 to 1, or from 0 to 255."""
    picture = piece("coffee")
    return {"unit": picture / np.float32(255), "wide": picture.astype(np.float32)}.get(kind, picture)


@pytest.mark.parametrize("color", ["auto", "luv", "lab", "raw"])
def test_floats_are_segmented_as_integers(color):
    eight, unit, wide = scene("eight"), scene("unit"), scene("wide")
    found = lc.image.mean_shift_segment(eight, color=color, min_region=20)
    same = lc.image.mean_shift_segment(unit, color=color, min_region=20)
    other = lc.image.mean_shift_segment(wide, color=color, min_region=20, data_range=255)
    assert found.n_regions > 5
    for segments, scale in ((same, 255), (other, 1)):
        # Floats are not rounded on the way.
        assert abs(segments.n_regions - found.n_regions) <= 0.1 * found.n_regions
        assert np.abs(scale * segments.picture - found.picture).mean() < 2
        np.testing.assert_allclose(segments.colors[segments.labels], segments.picture, rtol=1e-5)
    smooth = lc.image.mean_shift_filter(eight, 5, color=color)
    for image, scale, more in ((unit, 255, {}), (wide, 1, {"data_range": 255})):
        assert np.abs(scale * lc.image.mean_shift_filter(image, 5, color=color, **more) - smooth).mean() < 1
    with pytest.raises(ValueError, match="floats are read as 0 to 1; give (range, or )?data_range"):
        lc.image.mean_shift_segment(wide, color=color)
    with pytest.raises(ValueError, match="floats are read as 0 to 1; give (range, or )?data_range"):
        lc.image.mean_shift_filter(wide, color=color)


def test_the_automatic_color_does_not_see_the_number_type():
    eight, unit, wide = scene("eight"), scene("unit"), scene("wide")
    found = lc.image.mean_shift_segment(eight, 7, 9, min_region=20)
    stack = lc.image.mean_shift_segment(np.stack([eight, eight[::-1]]), 4, 9, 40)
    assert found.n_regions > 5 and stack.n_regions > 5
    for image, more in (
        (unit, {}),
        (unit.astype(np.float64), {}),
        (wide, {"data_range": 255}),
        (eight.astype(np.uint16) * 257, {}),
        (np.dstack([unit, np.ones(unit.shape[:2], np.float32)]), {"alpha": True}),
    ):
        same = lc.image.mean_shift_segment(image, 7, 9, min_region=20, **more)
        np.testing.assert_array_equal(same.labels, found.labels)
    np.testing.assert_array_equal(lc.image.mean_shift_segment(np.stack([unit, unit[::-1]]), 4, 9, 40).labels, stack.labels)
    smooth = lc.image.mean_shift_filter(eight, 5, 12)
    assert np.abs(255 * lc.image.mean_shift_filter(unit, 5, 12) - smooth).max() < 0.51
    # Other numbers of channels are no colours, and bandwidths are in their own numbers; ties at the window's rim are rounded apart.
    grey = lc.image.mean_shift_segment(unit[..., 0], 7, 9.5 / 255, min_region=20).labels
    assert (grey == lc.image.mean_shift_segment(eight[..., 0], 7, 9.5, min_region=20).labels).mean() > 0.999
    # Three channels of another kind are not taken for colours of a range that they do not have.
    with pytest.raises(ValueError, match="floats are read as 0 to 1; give data_range .* or color='raw'"):
        lc.image.mean_shift_segment(wide, 7, 9)
    assert lc.image.mean_shift_segment(wide, 7, 9, color="raw").n_regions > 5


@pytest.mark.parametrize("lab", [True, False])
def test_floats_have_the_superpixels_of_integers(lab):
    eight, unit, wide = scene("eight"), scene("unit"), scene("wide")
    ratio = 1.0 if lab else 100.0
    found = lc.image.superpixels(eight, ratio, 3, convert2lab=lab)
    same = lc.image.superpixels(unit, ratio, 3, convert2lab=lab)
    other = lc.image.superpixels(wide, ratio, 3, convert2lab=lab, data_range=255)
    assert found.n_regions > 20
    for segments, scale in ((same, 255), (other, 1)):
        assert abs(segments.n_regions - found.n_regions) <= 2
        assert np.abs(scale * segments.picture - found.picture).mean() < 1
    with pytest.raises(ValueError, match="floats are read as 0 to 1; give data_range"):
        lc.image.superpixels(wide, convert2lab=lab)
    if lab:
        tree = lc.image.region_tree(eight, found).cut(6)
        for image, scale, more in ((unit, 255, {}), (wide, 1, {"data_range": 255})):
            cut = lc.image.region_tree(image, found, **more).cut(6)
            np.testing.assert_array_equal(cut.labels, tree.labels)
            assert np.abs(scale * cut.picture - tree.picture).max() <= 0.51
        with pytest.raises(ValueError, match="floats are read as 0 to 1"):
            lc.image.region_tree(wide, found)
        with pytest.raises(ValueError, match="uint8 is read as 0 to 255"):
            lc.image.superpixels(eight, data_range=100)


def test_labels_are_cleaned_and_objects_followed_in_floats():
    eight, unit, wide = scene("eight"), scene("unit"), scene("wide")
    labels = (eight[..., 0] > 120).astype(int)
    found = lc.image.dense_crf(eight, labels, spatial=10).probabilities
    for image, more in ((unit, {}), (wide, {"data_range": 255}), (wide, {"range": 13.0})):
        same = lc.image.dense_crf(image, labels, spatial=10, **more).probabilities
        np.testing.assert_allclose(same, found, atol=2e-3)
    with pytest.raises(ValueError, match="give range, or data_range"):
        lc.image.dense_crf(wide, labels)
    with pytest.raises(ValueError, match="frame holds values .* give frame / 255"):
        lc.image.Tracker().init(wide, (10, 10, 20, 20))
    maps = [lc.image.edge_maps(image).weight for image in (unit, wide)]
    np.testing.assert_allclose(*maps, atol=1e-3)
