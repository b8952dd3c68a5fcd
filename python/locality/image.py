"""Mean shift on pictures, in position and colour: filtering and segmentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import ImageMeanShift

Falloff = Literal["flat", "disk", "epanechnikov", "gaussian"]
Color = Literal["auto", "luv", "lab", "raw"]
Progress = Callable[[int, int], object]

__all__ = ["Segmentation", "mean_shift_filter", "mean_shift_segment"]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The regions of a picture.

    Attributes
    ----------
    labels : ndarray of int32, shape (height, width)
        The region of each pixel, counted from 0.
    sizes : ndarray of int, shape (regions,)
        Pixels of each region.
    colors : ndarray, shape (regions, channels)
        Mean colour of each region, in the picture's own numbers; opacity is left out.
    picture : ndarray, shape and type of the picture
        Each pixel in its region's colour.
    boundaries : ndarray of bool, shape (height, width)
        Pixels that lie on a region's edge.
    """

    labels: Array
    sizes: Array
    colors: Array
    picture: Array
    boundaries: Array

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return len(self.sizes)

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return f"Segmentation({self.n_regions} regions of {height} x {width} pixels)"


def mean_shift_filter(
    image: npt.ArrayLike,
    spatial: float = 10,
    range: float = 20,
    *,
    kernel: Falloff = "flat",
    color: Color = "auto",
    max_iter: int = 100,
    tol: float = 0.01,
    like_opencv: bool = False,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """Smooths a picture and keeps its edges: each pixel takes the colour of its mode.

    Each pixel moves to the mean of the pixels that are near in position and in colour until it rests; no pyramid.

    Parameters
    ----------
    image : array_like, shape (height, width) or (height, width, channels)
        uint8, uint16 or float32 (float64 is read as float32). Any number of channels.
    spatial : float, default 10
        Bandwidth in pixels.
    range : float, default 20
        Bandwidth in colour: in units of L*u*v*, or for ``color="raw"`` on the scale 0 to 255 of 8-bit pictures (16-bit
        pictures are read on the same scale; floats on their own).
    kernel : {"flat", "disk", "epanechnikov", "gaussian"}, default "flat"
        How weight falls off; "flat" is OpenCV's square window.
    color : {"auto", "luv", "lab", "raw"}, default "auto"
        Where colours are compared; "auto" is CIE L*u*v* for RGB pictures of integers, else the raw channels.
    max_iter : int, default 100
        Most steps of a pixel.
    tol : float, default 0.01
        A pixel rests where it moves by less than this share of the bandwidths.
    like_opencv : bool, default False
        The stop rule and rounding of OpenCV: with ``color="raw"`` the result is that of
        ``cv2.pyrMeanShiftFiltering(image, spatial, range, maxLevel=0)``, bit for bit. Leaves `max_iter` and `tol` aside.
    alpha : bool, optional
        Whether the last channel is opacity, which is carried through; by default, in integer pictures of 2 or 4 channels.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    ndarray
        Of the picture's shape and number type.

    References
    ----------
    Comaniciu and Meer (2002), Mean shift: a robust approach toward feature space analysis.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10, 14, 200, 204]], 3, axis=0).astype(np.uint8)
    >>> lc.image.mean_shift_filter(step, spatial=2, range=8)[0]
    array([ 12,  12, 202, 202], dtype=uint8)
    """
    pixels, shape, alpha = _picture(image, alpha)
    shift = ImageMeanShift(
        _arrays.number(spatial, "spatial"),
        _arrays.number(range, "range"),
        kernel,
        color,
        _arrays.count(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        like_opencv,
    )
    return shift.filter(pixels, alpha, _arrays.threads(n_jobs), progress).reshape(shape)


def mean_shift_segment(
    image: npt.ArrayLike,
    spatial: float = 10,
    range: float = 10,
    min_region: int = 100,
    *,
    kernel: Falloff = "flat",
    color: Color = "auto",
    max_iter: int = 100,
    tol: float = 0.01,
    like_opencv: bool = False,
    fusion: float | None = None,
    connectivity: Literal[4, 8] = 8,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Cuts a picture into regions: pixels whose modes lie within the bandwidths, then small regions into a neighbour.

    Parameters
    ----------
    image, spatial, kernel, color, max_iter, tol, like_opencv, alpha, n_jobs, progress
        As in `mean_shift_filter`.
    range : float, default 10
        Bandwidth in colour.
    min_region : int, default 100
        Regions of fewer pixels are merged into the neighbour that is nearest in colour.
    fusion : float, optional
        How near the modes of neighbouring pixels must be to make one region, in bandwidths.
    connectivity : {4, 8}, default 8
        Whether pixels that touch at a corner are neighbours.

    Returns
    -------
    Segmentation
        Labels, sizes, colours, the picture in its regions' colours, and the boundaries.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10, 14, 200, 204]], 3, axis=0).astype(np.uint8)
    >>> found = lc.image.mean_shift_segment(step, spatial=2, range=8, min_region=1)
    >>> found
    Segmentation(2 regions of 3 x 4 pixels)
    >>> found.labels[0]
    array([0, 0, 1, 1], dtype=int32)
    """
    pixels, shape, alpha = _picture(image, alpha)
    shift = ImageMeanShift(
        _arrays.number(spatial, "spatial"),
        _arrays.number(range, "range"),
        kernel,
        color,
        _arrays.count(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        like_opencv,
    )
    found = shift.segment(
        pixels,
        _arrays.count(min_region, "min_region"),
        None if fusion is None else _arrays.number(fusion, "fusion"),
        _arrays.count(connectivity, "connectivity"),
        alpha,
        _arrays.threads(n_jobs),
        progress,
    )
    found["picture"] = found["picture"].reshape(shape)
    return Segmentation(**found)


def _picture(image: npt.ArrayLike, alpha: bool | None) -> tuple[Array, tuple[int, ...], bool]:
    """Pixels ``[height, width, channels]`` in one piece, the shape that came in, and whether the last channel is opacity."""
    array = np.asarray(image)
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.dtype not in (np.uint8, np.uint16, np.float32):
        raise TypeError(
            f"image holds {array.dtype}; a picture is uint8, uint16 or float32: convert it with image.astype(..)"
        )
    if array.ndim not in (2, 3):
        raise ValueError(f"image has shape {array.shape}; a picture is [height, width] or [height, width, channels]")
    shape = array.shape
    pixels = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    pixels = pixels if array.ndim == 3 else pixels[:, :, None]
    if alpha is None:
        alpha = pixels.shape[2] in (2, 4) and pixels.dtype.kind == "u"
    return pixels, shape, bool(alpha)
