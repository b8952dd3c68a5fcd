"""Pictures and videos: denoising, mean shift in position and colour, superpixels, hierarchies of regions, edges, tracking, and labels
cleaned by a conditional random field.

Pictures are uint8 from 0 to 255, uint16 from 0 to 65535, or floats, which are from 0 to 1, as in scikit-image, wherever a function has to know
what is white: for bandwidths in colour that are not given, and for colours in L*u*v* and L*a*b*. Floats of another range need `data_range` there,
and are refused without it. Three colour channels are red, green and blue in sRGB unless ``color="raw"`` says otherwise, so that a picture is
divided alike as integers and as floats. Bandwidths in raw colour that are given count on the scale of 0 to 255 for integers, and in the
picture's own numbers for floats."""

from __future__ import annotations

from typing import Literal

import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import ImageMeanShift
from ._crf import Relabeled, dense_crf, learned_compat
from ._image_denoise import Denoised, denoise, denoise_bilateral, denoise_nl_means, estimate_sigma, psnr, ssim
from ._image_edges import EdgeMaps, EdgeWeights, edge_maps, edge_numbers
from ._image_regions import RegionTree, region_tree, superpixels
from ._patches import denoise_by_patches
from ._patches import image_patches as patches
from ._pictures import Color, Falloff, Progress, Segmentation, bandwidth, compared, rescaled, segmentation, space, stack
from ._track import Tracked, Tracker, cam_shift, mean_shift_window

__all__ = [
    "Denoised",
    "EdgeMaps",
    "EdgeWeights",
    "RegionTree",
    "Relabeled",
    "Segmentation",
    "Tracked",
    "Tracker",
    "cam_shift",
    "dense_crf",
    "denoise",
    "denoise_bilateral",
    "denoise_by_patches",
    "denoise_nl_means",
    "edge_maps",
    "estimate_sigma",
    "learned_compat",
    "mean_shift_filter",
    "mean_shift_segment",
    "mean_shift_window",
    "patches",
    "psnr",
    "region_tree",
    "ssim",
    "superpixels",
]


def mean_shift_filter(
    image: npt.ArrayLike,
    spatial: float = 10,
    range: float | None = None,
    *,
    kernel: Falloff = "flat",
    color: Color = "auto",
    max_iter: int = 100,
    tol: float = 0.01,
    like_opencv: bool = False,
    depth: float | None = None,
    edges: EdgeWeights | bool = False,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """Smooths a picture and keeps its edges: each pixel takes the colour of its mode.

    Each pixel moves to the mean of the pixels that are near in position and in colour until it rests; no pyramid.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        uint8, uint16 or float32 (float64 is read as float32). Any number of channels. With frames, a video or a volume, whose
        third axis counts in `depth`.
    spatial : float, default 10
        Bandwidth in pixels.
    range : float, optional
        Bandwidth in colour: in units of L*u*v* (or L*a*b*), of raw channels on the scale 0 to 255 of 8-bit pictures (16-bit
        pictures are read on the same scale; floats on their own). By default 20, for raw floats 20 / 255 of `data_range`.
    kernel : {"flat", "disk", "epanechnikov", "gaussian"}, default "flat"
        How weight falls off; "flat" is OpenCV's square window.
    color : {"auto", "luv", "lab", "raw"}, default "auto"
        Where colours are compared; "auto" is CIE L*u*v* for three colour channels, which are read as sRGB whatever their number type,
        else the raw channels. Three channels that are no red, green and blue need "raw".
    max_iter : int, default 100
        Most steps of a pixel.
    tol : float, default 0.01
        A pixel rests where it moves by less than this share of the bandwidths.
    like_opencv : bool, default False
        The stop rule and rounding of OpenCV: with ``color="raw"`` the result is that of
        ``cv2.pyrMeanShiftFiltering(image, spatial, range, maxLevel=0)``, bit for bit. Leaves `max_iter` and `tol` aside.
    depth : float, optional
        Bandwidth across frames; without it, `spatial`. Pictures leave it aside.
    edges : EdgeWeights or bool, default False
        Whether pixels on edges count less in every mean, and how.
    data_range : float, optional
        White of a picture of floats, 1 by default, where black is 0; floats beyond twice that are refused where white matters: in
        L*u*v* and L*a*b*, and for a `range` that is not given.
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
    pixels, shape, alpha, frames = stack(image, alpha)
    color = space(pixels, alpha, color)
    width = color_bandwidth(pixels, alpha, color, range, data_range, 20)
    pixels, full = compared(pixels, alpha, color, data_range)
    shift = ImageMeanShift(
        _arrays.number(spatial, "spatial"),
        width,
        kernel,
        color,
        _arrays.count(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        like_opencv,
        None if depth is None else _arrays.number(depth, "depth"),
        edge_numbers(edges),
    )
    out = shift.filter(pixels, alpha, frames, _arrays.threads(n_jobs), progress)
    return rescaled(out, alpha, full).reshape(shape)


def mean_shift_segment(
    image: npt.ArrayLike,
    spatial: float = 10,
    range: float | None = None,
    min_region: int = 100,
    *,
    kernel: Falloff = "flat",
    color: Color = "auto",
    max_iter: int = 100,
    tol: float = 0.01,
    like_opencv: bool = False,
    depth: float | None = None,
    edges: EdgeWeights | bool = False,
    fusion: float | None = None,
    connectivity: Literal[4, 8] = 8,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Cuts a picture into regions: pixels whose modes lie within the bandwidths, then small regions into a neighbour.

    Parameters
    ----------
    image, spatial, kernel, color, max_iter, tol, like_opencv, depth, data_range, alpha, n_jobs, progress
        As in `mean_shift_filter`.
    edges : EdgeWeights or bool, default False
        Whether pixels on edges count less, and regions with a strong edge between them are kept apart, as in EDISON.
    range : float, optional
        Bandwidth in colour; by default 10, for raw floats 10 / 255 of `data_range`.
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
    pixels, shape, alpha, frames = stack(image, alpha)
    color = space(pixels, alpha, color)
    width = color_bandwidth(pixels, alpha, color, range, data_range, 10)
    pixels, full = compared(pixels, alpha, color, data_range)
    shift = ImageMeanShift(
        _arrays.number(spatial, "spatial"),
        width,
        kernel,
        color,
        _arrays.count(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        like_opencv,
        None if depth is None else _arrays.number(depth, "depth"),
        edge_numbers(edges),
    )
    found = shift.segment(
        pixels,
        _arrays.count(min_region, "min_region"),
        None if fusion is None else _arrays.number(fusion, "fusion"),
        _arrays.count(connectivity, "connectivity"),
        alpha,
        frames,
        _arrays.threads(n_jobs),
        progress,
    )
    return segmentation(found, shape, alpha, full)


def color_bandwidth(
    pixels: Array, alpha: bool, color: str, given: float | None, data_range: float | None, usual: float
) -> float:
    """The bandwidth in colour: as given, or the usual one where white is 255, as many units in L*u*v*."""
    if given is None and color in ("luv", "lab"):
        return usual
    return bandwidth(pixels, alpha, data_range, given, usual / 255, "range")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
