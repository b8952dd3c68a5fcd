"""Tracking by mean shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import ImageTracker
from ._core import cam_shift as _cam_shift
from ._core import shift_window as _shift_window
from ._pictures import picture, white

Box = tuple[int, int, int, int]
RotatedBox = tuple[tuple[float, float], tuple[float, float], float]


def mean_shift_window(
    prob_image: npt.ArrayLike, box: Box, *, max_iter: int = 10, epsilon: float = 1.0
) -> tuple[Box, int]:
    """Moves a window to the mean of the probabilities in it until it rests: the results of ``cv2.meanShift``.

    Parameters
    ----------
    prob_image : array_like, shape (height, width)
        How probable it is that each pixel is part of the object, on any scale.
    box : (x, y, width, height)
        The window to start from.
    max_iter : int, default 10
        Most steps.
    epsilon : float, default 1.0
        A step of fewer pixels is the last one.

    Returns
    -------
    box : (x, y, width, height)
    steps : int
        Steps before the last.
    """
    pixels, _, _ = picture(prob_image, False)
    found = _shift_window(pixels, _box(box), _arrays.count(max_iter, "max_iter"), _arrays.number(epsilon, "epsilon"))
    return found[0], found[2]


def cam_shift(
    prob_image: npt.ArrayLike, box: Box, *, max_iter: int = 10, epsilon: float = 1.0
) -> tuple[Box, RotatedBox | None]:
    """Continuously adaptive mean shift (Bradski 1998): the results of ``cv2.CamShift``.

    Parameters
    ----------
    prob_image, box, max_iter, epsilon
        As in `mean_shift_window`.

    Returns
    -------
    box : (x, y, width, height)
        The window for the next picture.
    rotated : ((x, y), (width, height), angle) or None
        Centre, sides and angle in degrees of the box along the object's axes; None without any probability in the window.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> p = np.zeros((60, 80), np.uint8)
    >>> p[20:30, 30:50] = 200
    >>> lc.image.cam_shift(p, (25, 15, 20, 20))[0]
    (28, 18, 25, 13)
    """
    pixels, _, _ = picture(prob_image, False)
    found = _cam_shift(pixels, _box(box), _arrays.count(max_iter, "max_iter"), _arrays.number(epsilon, "epsilon"))
    return found[0], found[1]


@dataclass(frozen=True)
class Tracked:
    """Where a `Tracker` found its object.

    Attributes
    ----------
    box : (x, y, width, height)
        Upright.
    rotated : ((x, y), (width, height), angle)
        Centre, sides and angle in degrees of the box along the object's axes.
    confidence : float
        The Bhattacharyya coefficient of the colours there and the object's, from 0 to 1.
    """

    box: Box
    rotated: RotatedBox
    confidence: float


class Tracker:
    """Follows an object from picture to picture by mean shift.

    Parameters
    ----------
    method : {"camshift", "mean-shift"}, default "camshift"
        CamShift over the back-projection of the object's histogram, with size and angle by moments (Bradski 1998); or mean shift to
        the place whose histogram is most like the object's (Comaniciu, Ramesh and Meer 2003).
    color : {"hue", "raw", "luv", "lab"}, default "hue"
        The colours of the histogram.
    bins : int, default 16
        Bins on each axis of colour.
    min_saturation, min_value : float, default 0.12 and 0.04
        Below, a pixel has no hue.
    background : bool, default True
        Whether colours that are common around the object in the first picture count less.
    max_iter : int, default 20
        Most steps in a picture.
    epsilon : float, default 1.0
        A step of fewer pixels is the last one.
    scale_rate : float, default 0.5
        What part of a change of size by a tenth "mean-shift" follows in each picture; 0 keeps the size. Without `background` the
        size of the greatest likeness is followed, and of an object of one colour any part is as like as the whole.
    n_jobs : int, optional
        Number of threads; every core by default.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> def frame(left):
    ...     picture = np.full((40, 60, 3), (90, 100, 95), np.uint8)
    ...     picture[12:22, left : left + 10] = (220, 30, 20)
    ...     return picture
    >>> tracker = lc.image.Tracker().init(frame(14), (14, 12, 10, 10))
    >>> found = tracker.update(frame(19))
    >>> found.box
    (18, 10, 13, 13)
    """

    def __init__(
        self,
        method: Literal["camshift", "mean-shift"] = "camshift",
        *,
        color: Literal["hue", "raw", "luv", "lab"] = "hue",
        bins: int = 16,
        min_saturation: float = 0.12,
        min_value: float = 0.04,
        background: bool = True,
        max_iter: int = 20,
        epsilon: float = 1.0,
        scale_rate: float = 0.5,
        n_jobs: int | None = None,
    ) -> None:
        self._tracker = ImageTracker(
            method,
            color,
            _arrays.count(bins, "bins"),
            _arrays.number(min_saturation, "min_saturation"),
            _arrays.number(min_value, "min_value"),
            bool(background),
            _arrays.count(max_iter, "max_iter"),
            _arrays.number(epsilon, "epsilon"),
            _arrays.number(scale_rate, "scale_rate"),
        )
        self._threads = _arrays.threads(n_jobs)

    def init(self, frame: npt.ArrayLike, box: Box) -> Tracker:
        """Learns the object in ``box = (x, y, width, height)`` of the first picture."""
        pixels, alpha = _frame(frame)
        self._tracker.start(pixels, _box(box), alpha, self._threads)
        return self

    def update(self, frame: npt.ArrayLike) -> Tracked:
        """Finds the object in the next picture."""
        pixels, alpha = _frame(frame)
        return Tracked(*self._tracker.update(pixels, alpha, self._threads))

    def back_projection(self, frame: npt.ArrayLike) -> Array:
        """How probable it is that each pixel is part of the object, from 0 to 1, shape (height, width)."""
        pixels, alpha = _frame(frame)
        return self._tracker.back_projection(pixels, alpha, self._threads)


def _frame(frame: npt.ArrayLike) -> tuple[Array, bool]:
    """A picture whose floats are from 0 to 1, and whether the last channel is opacity."""
    pixels, _, alpha = picture(frame, None, name="frame")
    white(pixels, alpha, None, "frame / 255, or whatever white is", "frame")
    return pixels, alpha


def _box(box: Box) -> Box:
    """Four whole numbers."""
    numbers = np.asarray(box)
    if numbers.shape != (4,) or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"box={box!r} must be four whole numbers: x, y, width, height")
    x, y, width, height = (int(n) for n in numbers)
    if max(abs(n) for n in (x, y, width, height)) >= 1 << 31:
        raise ValueError(f"box={box!r} is larger than any picture; give x, y, width and height in pixels")
    return x, y, width, height
