"""What the functions on pictures have in common: their types, their input and the regions they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import image_adjacency

Falloff = Literal["flat", "disk", "epanechnikov", "gaussian"]
Color = Literal["auto", "luv", "lab", "raw"]
Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The regions of a picture, or of a stack of frames, whose arrays have frames first.

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

    def adjacency(self, connectivity: Literal[4, 8] = 8) -> tuple[Array, Array]:
        """Which regions touch, and how long their common boundary is.

        Parameters
        ----------
        connectivity : {4, 8}, default 8
            Whether pixels that touch at a corner are neighbours; in a stack, 6 or 26 in all.

        Returns
        -------
        pairs : ndarray of int, shape (pairs, 2)
            The two regions, the smaller number first, in ascending order.
        lengths : ndarray of int, shape (pairs,)
            Pairs of neighbouring pixels of which one is in each.

        Examples
        --------
        >>> import numpy as np
        >>> import locality as lc
        >>> step = np.repeat([[10, 14, 200, 204]], 3, axis=0).astype(np.uint8)
        >>> found = lc.image.mean_shift_segment(step, spatial=2, range=8, min_region=1)
        >>> found.adjacency(connectivity=4)
        (array([[0, 1]]), array([3]))
        """
        frames = self.labels.shape[0] if self.labels.ndim == 3 else 1
        flat = np.ascontiguousarray(self.labels, dtype=np.uint32).reshape(-1, self.labels.shape[-1])
        return image_adjacency(flat, _arrays.count(connectivity, "connectivity"), frames)

    def __repr__(self) -> str:
        shape = " x ".join(str(n) for n in self.labels.shape)
        return f"Segmentation({self.n_regions} regions of {shape} pixels)"


def segmentation(found: dict[str, Array], shape: tuple[int, ...]) -> Segmentation:
    """Regions in the shape of the picture or stack that came in."""
    plane = shape[:3] if len(shape) == 4 else shape[:2]
    for name in ("labels", "boundaries"):
        found[name] = found[name].reshape(plane)
    found["picture"] = found["picture"].reshape(shape)
    return Segmentation(**found)


def stack(image: npt.ArrayLike, alpha: bool | None, double: bool = False) -> tuple[Array, tuple[int, ...], bool, int]:
    """As `picture`, with the frames of ``[frames, height, width, channels]`` one below the other, and their number."""
    array = np.asarray(image)
    if array.ndim != 4:
        return (*picture(array, alpha, double), 1)
    frames, height, width, channels = array.shape
    pixels, _, alpha = picture(array.reshape(frames * height, width, channels), alpha, double)
    return pixels, array.shape, alpha, frames


def picture(image: npt.ArrayLike, alpha: bool | None, double: bool = False) -> tuple[Array, tuple[int, ...], bool]:
    """Pixels ``[height, width, channels]`` in one piece, the shape that came in, and whether the last channel is opacity.

    float64 becomes float32, unless it may stay (`double`)."""
    array = np.asarray(image)
    if array.dtype == np.float64 and not double:
        array = array.astype(np.float32)
    if array.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise TypeError(
            f"image holds {array.dtype}; a picture is uint8, uint16 or float32: convert it with image.astype(..)"
        )
    if array.ndim not in (2, 3):
        raise ValueError(
            f"image has shape {array.shape}; a picture is [height, width] or [height, width, channels] (a stack, where one is "
            "taken, [frames, height, width, channels])"
        )
    shape = array.shape
    pixels = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    pixels = pixels if array.ndim == 3 else pixels[:, :, None]
    if alpha is None:
        alpha = pixels.shape[2] in (2, 4) and pixels.dtype.kind == "u"
    return pixels, shape, bool(alpha)
