"""Mean-shift filtering of a photograph against OpenCV, superpixels and segments against scikit-image, tracking against OpenCV."""

from __future__ import annotations

import cv2
import locality as lc
import numpy as np
from common import ROOT, Report, Row, race, seconds
from segments import boundary_recall, undersegmentation, variation_of_information


def run(report: Report) -> None:
    """Raw colours, five steps at most: the same picture comes out."""
    cv2.setNumThreads(report.threads)
    image = cv2.cvtColor(cv2.imread(str(ROOT / "data" / "astronaut.png")), cv2.COLOR_BGR2RGB)
    if report.quick:
        image = np.ascontiguousarray(image[:128, :128])
    height, width, _ = image.shape
    for sp, sr in ((10, 20), (10, 40), (20, 40)):
        ours, theirs, mine, other = race(
            lambda: lc.image.mean_shift_filter(image, sp, sr, color="raw", like_opencv=True, n_jobs=report.threads),
            lambda: cv2.pyrMeanShiftFiltering(image, sp, sr, maxLevel=0),
            report.rounds(5),
        )
        differ = f"{(mine != other).any(-1).mean():.2%}"
        case = f"{width} x {height} RGB, sp={sp}, sr={sr}, 5 steps"
        report.add(Row("image", case, ours, "cv2, maxLevel=0", theirs, {"pixels that differ": differ}))
        alone = [
            seconds(lambda: lc.image.mean_shift_filter(image, sp, sr, n_jobs=report.threads))[0]
            for _ in range(report.rounds(3))
        ]
        report.add(Row("image", "the same, L*u*v*, until every pixel rests", alone))
    segment = [seconds(lambda: lc.image.mean_shift_segment(image, 10, 10, 100, n_jobs=report.threads)) for _ in range(3)]
    regions = {"regions": segment[0][1].n_regions}
    report.add(Row("image", "segment, sp=10, sr=10, min_region=100, L*u*v*", [t for t, _ in segment], notes=regions))
    superpixels(report, image)
    divisions(report, image)
    tracking(report, image)


def superpixels(report: Report, image: np.ndarray) -> None:
    """Quick shift against scikit-image's, with the same parameters."""
    from skimage.segmentation import quickshift

    for kernel_size, max_dist, ratio in ((5, 10, 1.0), (3, 6, 1.0), (2, 8, 0.5)):
        ours, theirs, mine, other = race(
            lambda: lc.image.superpixels(image, ratio, kernel_size, max_dist, n_jobs=report.threads),
            lambda: quickshift(image, ratio=ratio, kernel_size=kernel_size, max_dist=max_dist),
            report.rounds(3),
        )
        notes = {
            "superpixels": mine.n_regions,
            "theirs": int(other.max()) + 1,
            "pixels with the same label": f"{(mine.labels == other).mean():.4%}",
            "variation of information": f"{variation_of_information(mine.labels, other):.4f}",
        }
        case = f"{image.shape[1]} x {image.shape[0]}, kernel_size={kernel_size}, max_dist={max_dist}, ratio={ratio}"
        report.add(Row("superpixels", case, ours, "skimage quickshift", theirs, notes))


def mosaic(photo: np.ndarray, stones: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """A picture whose regions are known: Voronoi cells in colours of the photo, under uneven light and with noise."""
    rng = np.random.default_rng(0)
    height, width, _ = photo.shape
    at = rng.uniform(size=(stones, 2)) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    truth = np.full((height, width), 0)
    best = np.full((height, width), np.inf)
    for i, (y, x) in enumerate(at):
        square = (rows - y) ** 2 + (columns - x) ** 2
        truth = np.where(square < best, i, truth)
        best = np.minimum(best, square)
    colors = photo[at[:, 0].astype(int), at[:, 1].astype(int)].astype(float)
    light = 0.9 + 0.2 * columns / width
    picture = colors[truth] * light[..., None] + rng.normal(scale=12, size=photo.shape)
    return picture.clip(0, 255).astype(np.uint8), truth


def divisions(report: Report, photo: np.ndarray) -> None:
    """Ways to divide a mosaic whose regions are known: time, and how each agrees with them."""
    from skimage.measure import label
    from skimage.segmentation import felzenszwalb, slic

    def hierarchy(n: int) -> np.ndarray:
        fine = lc.image.superpixels(image, kernel_size=2, max_dist=6, n_jobs=report.threads)
        return lc.image.region_tree(image, fine, n_jobs=report.threads).cut(n).labels

    def pyramid() -> np.ndarray:
        flat = cv2.pyrMeanShiftFiltering(image, 10, 20).astype(int)
        return label((flat[..., 0] // 8 * 1024 + flat[..., 1] // 8 * 32 + flat[..., 2] // 8) + 1, connectivity=2)

    image, reference = mosaic(photo)
    wanted = len(np.unique(reference))
    ways = {
        "ours: superpixels merged": lambda: hierarchy(wanted),
        "ours: mean shift": lambda: lc.image.mean_shift_segment(image, 10, 10, 100, n_jobs=report.threads).labels,
        "ours: mean shift with edges": lambda: lc.image.mean_shift_segment(
            image, 10, 10, 100, edges=True, n_jobs=report.threads
        ).labels,
        "skimage felzenszwalb": lambda: felzenszwalb(image, scale=200, sigma=0.8, min_size=100),
        "skimage slic": lambda: slic(image, n_segments=wanted, compactness=10, start_label=0),
        "cv2 pyrMeanShiftFiltering, levels of 8": pyramid,
    }
    for name, way in ways.items():
        runs = [seconds(way) for _ in range(report.rounds(3))]
        found = runs[0][1]
        notes = {
            "regions": len(np.unique(found)),
            "boundary recall": f"{boundary_recall(found, reference):.3f}",
            "variation of information": f"{variation_of_information(found, reference):.3f}",
            "undersegmentation": f"{undersegmentation(found, reference):.3f}",
        }
        report.add(Row("divisions", name, [t for t, _ in runs], notes=notes))


def tracking(report: Report, image: np.ndarray) -> None:
    """CamShift over the same back-projection, and in whole."""
    height, width, _ = image.shape
    rng = np.random.default_rng(0)
    ys, xs = np.mgrid[:height, :width]
    box = (width // 3, height // 3, width // 4, height // 4)
    x, y = width // 2, height // 2
    blob = np.exp(-(((xs - x) / (width / 9)) ** 2) - ((ys - y) / (height / 14)) ** 2)
    prob = np.clip(220 * blob + rng.integers(0, 12, blob.shape), 0, 255).astype(np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1)
    ours, theirs, mine, other = race(
        lambda: [lc.image.cam_shift(prob, box, max_iter=20) for _ in range(100)],
        lambda: [cv2.CamShift(prob, box, criteria) for _ in range(100)],
        report.rounds(5),
    )
    same = mine[0][0] == tuple(other[0][1])
    report.add(Row("tracking", "CamShift, 100 windows", ours, "cv2 CamShift", theirs, {"same window": str(same)}))
