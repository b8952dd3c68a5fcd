"""What the functions on pictures have in common: their types, their input and the regions they find."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import image_adjacency

MANY = 32
"""Pictures of more channels are probably volumes."""

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
        Mean of each region's pixels, in the picture's own numbers and type (integers are rounded), whatever space colours were compared
        in; opacity is left out, and pixels of opacity 0 do not count.
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


def rescaled(picture: Array, alpha: bool, full: float) -> Array:
    """A picture back in its own units, after `unit`."""
    if full != 1.0:
        colors = picture[..., :-1] if alpha else picture
        colors *= picture.dtype.type(full)
    return picture


def segmentation(found: dict[str, Array], shape: tuple[int, ...], alpha: bool = False, full: float = 1.0) -> Segmentation:
    """Regions in the shape of the picture or stack that came in, and in its units after `unit`."""
    if full != 1.0:
        found["colors"] = found["colors"] * full
        found["picture"] = rescaled(found["picture"].reshape(-1, found["picture"].shape[-1]), alpha, full)
    plane = shape[:3] if len(shape) == 4 else shape[:2]
    for name in ("labels", "boundaries"):
        found[name] = found[name].reshape(plane)
    found["picture"] = found["picture"].reshape(shape)
    return Segmentation(**found)


def white(pixels: Array, alpha: bool, data_range: float | None, instead: str, name: str = "image") -> float:
    """White in a picture's own units: that of its type, 1 for floats, or as it is given. Floats that are no numbers of that range are
    refused, with what to give `instead`."""
    if data_range is not None:
        full = _arrays.number(data_range, "data_range")
        if not 1e-150 <= full <= 1e150:
            raise ValueError(f"data_range is {data_range}; give the distance of black from white, a positive number")
    else:
        full = float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1.0
    if pixels.dtype.kind == "f":
        colors = pixels[..., :-1] if alpha else pixels
        # Noise may reach beyond black and white, but not so far.
        far = max(float(colors.max(initial=0)), -float(colors.min(initial=0)))
        if far > 2 * full:
            said = "floats are read as 0 to 1" if full == 1.0 else f"data_range is {full:g}"
            raise ValueError(f"{name} holds values as far from 0 as {far:g}, but {said}; give {instead}")
    return full


def bandwidth(pixels: Array, alpha: bool, data_range: float | None, given: float | None, share: float, name: str) -> float:
    """A bandwidth in colour on the scale of the core (0 to 255 for integers, floats as they are): as given, or a share of the way from
    black to white."""
    if given is not None:
        return _arrays.number(given, name)
    full = white(pixels, alpha, data_range, f"{name}, or data_range (255 for the range of 8 bits)")
    return share * full / (257.0 if pixels.dtype == np.uint16 else 1.0)


def space(pixels: Array, alpha: bool, color: Color) -> Color:
    """The space in which colours are compared: "auto" takes three colour channels, of whatever number type, as sRGB."""
    if color != "auto":
        return color
    return "luv" if pixels.shape[2] - alpha == 3 else "raw"


def compared(pixels: Array, alpha: bool, color: str, data_range: float | None) -> tuple[Array, float]:
    """Pixels of which colours in L*u*v* or L*a*b* can be made, those of floats from 0 to 1, and what they were divided by."""
    if color == "raw":
        return pixels, 1.0
    if pixels.dtype.kind == "u":
        if data_range is not None and data_range != np.iinfo(pixels.dtype).max:
            raise ValueError(
                f"data_range is {data_range}, but {pixels.dtype} is read as 0 to {np.iinfo(pixels.dtype).max}; give floats, "
                "image.astype(numpy.float32), with that range"
            )
        return pixels, 1.0
    instead = "data_range (255 for the range of 8 bits), or color='raw' where the channels are no red, green and blue"
    return unit(pixels, alpha, white(pixels, alpha, data_range, instead))


def unit(pixels: Array, alpha: bool, full: float) -> tuple[Array, float]:
    """Floats from 0 to 1 instead of 0 to `full`, and that number."""
    if full != 1.0:
        pixels = pixels.copy()
        colors = pixels[..., :-1] if alpha else pixels
        colors /= pixels.dtype.type(full)
    return pixels, full


def stack(
    image: npt.ArrayLike, alpha: bool | None, double: bool = False, name: str = "image"
) -> tuple[Array, tuple[int, ...], bool, int]:
    """As `picture`, with the frames of ``[frames, height, width, channels]`` one below the other, and their number."""
    array = np.asanyarray(image)
    if array.ndim != 4:
        return (*picture(array, alpha, double, name), 1)
    frames, height, width, channels = array.shape
    pixels, _, alpha = picture(array.reshape(frames * height, width, channels), alpha, double, name)
    return pixels, array.shape, alpha, frames


def picture(
    image: npt.ArrayLike, alpha: bool | None, double: bool = False, name: str = "image"
) -> tuple[Array, tuple[int, ...], bool]:
    """Pixels ``[height, width, channels]`` in one piece, the shape that came in, and whether the last channel is opacity.

    float64 becomes float32, unless it may stay (`double`)."""
    _arrays.unmasked(image, name)
    array = np.asarray(image)
    if array.dtype == np.float64 and not double:
        array = array.astype(np.float32)
    if array.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise TypeError(
            f"{name} holds {array.dtype}; a picture is uint8, uint16, float32 or float64: convert it with {name}.astype(..)"
        )
    if array.ndim not in (2, 3):
        raise ValueError(
            f"{name} has shape {array.shape}; a picture is [height, width] or [height, width, channels] (a stack, where one is "
            "taken, [frames, height, width, channels])"
        )
    shape = array.shape
    pixels = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    pixels = pixels if array.ndim == 3 else pixels[:, :, None]
    if pixels.shape[2] > MANY:
        warnings.warn(
            f"{name} of shape {array.shape} is taken for one picture of {array.shape[2]} channels; for a grey volume or video, where a "
            f"stack is taken, give {name}[..., None]",
            stacklevel=3,
        )
    if alpha is None:
        alpha = pixels.shape[2] in (2, 4) and pixels.dtype.kind == "u"
    return pixels, shape, bool(alpha)
