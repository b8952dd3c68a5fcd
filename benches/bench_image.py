"""Mean-shift filtering of a photograph against OpenCV without its pyramid, under the same stop rule."""

from __future__ import annotations

import cv2
import locality as lc
import numpy as np
from common import ROOT, Report, Row, race, seconds


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
