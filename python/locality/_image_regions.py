"""Superpixels and hierarchies of regions."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import ImageRegionTree, image_partition, image_superpixels
from ._pictures import Color, Progress, Segmentation, compared, segmentation, stack, unit, white

MergeCost = Literal["ward", "mumford-shah", "color"]


def superpixels(
    image: npt.ArrayLike,
    ratio: float = 1.0,
    kernel_size: float = 5,
    max_dist: float = 10,
    *,
    sigma: float = 0,
    convert2lab: bool | None = None,
    depth: float = 1.0,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Superpixels by quick shift in position and colour, with the parameters and labels of ``skimage.segmentation.quickshift``.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        uint8, uint16 or float32 (float64 is read as float32; floats are from 0 to 1, or to `data_range`). Any number of channels. With
        frames, a video or a volume, divided in whole.
    ratio : float, default 1.0
        How many pixels a unit of colour is worth.
    kernel_size : float, default 5
        Standard deviation of the density's Gaussian, in pixels. Greater: fewer superpixels.
    max_dist : float, default 10
        Longest link, in pixels. Greater: fewer superpixels.
    sigma : float, default 0
        Standard deviation of a Gaussian that smooths the colours first, in pixels.
    convert2lab : bool, optional
        Whether colours are compared in L*a*b*; by default, for three colour channels. Without, all pictures are read as 0 to 1.
    depth : float, default 1.0
        How many pixels apart the frames of a stack are. Pictures leave it aside.
    data_range, alpha, n_jobs, progress
        As in `mean_shift_filter`.

    Returns
    -------
    Segmentation

    References
    ----------
    Vedaldi and Soatto (2008), Quick shift and kernel methods for mode seeking.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10, 14, 200, 204]], 3, axis=0).astype(np.uint8)
    >>> lc.image.superpixels(step, ratio=255, kernel_size=1, max_dist=8).labels[0]
    array([0, 0, 1, 1], dtype=int32)
    """
    pixels, shape, alpha, frames = stack(image, alpha)
    ratio = _arrays.number(ratio, "ratio")
    colors = pixels.shape[2] - alpha
    lab = colors == 3 if convert2lab is None else convert2lab
    full = 1.0
    if pixels.dtype.kind == "f":
        pixels, full = unit(pixels, alpha, white(pixels, alpha, data_range, "data_range (255 for the range of 8 bits)"))
    elif lab:
        pixels, full = compared(pixels, alpha, "lab", data_range)
    else:
        # The core reads integers as 0 to 255.
        ratio /= white(pixels, alpha, data_range, "data_range") / (257 if pixels.dtype == np.uint16 else 1)
    found = image_superpixels(
        pixels,
        _arrays.number(kernel_size, "kernel_size"),
        _arrays.number(max_dist, "max_dist"),
        ratio,
        _arrays.number(sigma, "sigma"),
        "lab" if lab else "raw",
        alpha,
        _arrays.threads(n_jobs),
        progress,
        frames,
        _arrays.number(depth, "depth"),
    )
    return segmentation(found, shape, alpha, full)


class RegionTree:
    """Regions of a picture merged, the cheapest pair of neighbours first: the result of `region_tree`.

    Attributes
    ----------
    children : ndarray of int, shape (merges, 2)
        The two regions of each merge. Labels are the first regions; merge ``i`` makes region ``n_leaves + i``.
    heights : ndarray, shape (merges,)
        The cost of each merge, or of one below it if that was greater.
    sizes : ndarray of int, shape (merges,)
        Pixels of each merged region.
    """

    def __init__(
        self, tree: ImageRegionTree, picture: tuple[Array, tuple[int, ...], bool, int], color: Color, full: float = 1.0
    ) -> None:
        self._tree = tree
        self._picture = picture
        self._full = full
        self._color = color
        self.children, self.heights, self.sizes = tree.merges()

    @property
    def n_leaves(self) -> int:
        """Number of regions that the tree starts from."""
        return len(self.heights) + 1

    def cut(self, n_regions: int | None = None, *, height: float | None = None) -> Segmentation:
        """The regions where `n_regions` are left, or after all merges up to `height`."""
        if (n_regions is None) == (height is None):
            raise ValueError("give either n_regions or height")
        if n_regions is not None:
            labels = self._tree.cut_regions(_arrays.count(n_regions, "n_regions"))
        else:
            labels = self._tree.cut_height(_arrays.number(height, "height"))
        pixels, shape, alpha, frames = self._picture
        flat = np.ascontiguousarray(labels, dtype=np.uint32).ravel()
        return segmentation(image_partition(pixels, flat, self._color, alpha, frames), shape, alpha, self._full)

    def __repr__(self) -> str:
        return f"RegionTree({self.n_leaves} regions)"


def region_tree(
    image: npt.ArrayLike,
    regions: Segmentation | npt.ArrayLike,
    *,
    cost: MergeCost = "ward",
    color: Color | None = None,
    connectivity: Literal[4, 8] = 8,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> RegionTree:
    """Hierarchical segmentation: merges neighbouring regions, the cheapest pair first, until one is left.

    Parameters
    ----------
    image : array_like
        As in `mean_shift_filter`.
    regions : Segmentation or array_like of int, shape (height, width)
        Superpixels, a segmentation, or any labels of the pixels.
    cost : {"ward", "mumford-shah", "color"}, default "ward"
        For regions of a and b pixels whose mean colours are d apart: ``d**2 * a * b / (a + b)``; the same by the length of the
        common boundary; or d.
    color : {"luv", "lab", "raw"}, optional
        Where colours are compared; "lab" for three colour channels, else "raw".
    connectivity, data_range, alpha, n_jobs, progress
        As in `mean_shift_segment`.

    Returns
    -------
    RegionTree

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> grey = np.array([[10, 14, 90, 98, 30]], dtype=np.uint8)
    >>> tree = lc.image.region_tree(grey, [[0, 1, 2, 3, 4]])
    >>> tree.cut(3).labels
    array([[0, 0, 1, 1, 2]], dtype=int32)
    >>> tree.cut(height=10).n_regions
    4
    """
    pixels, shape, alpha, frames = stack(image, alpha)
    labels = regions.labels if isinstance(regions, Segmentation) else np.asarray(regions)
    wanted = shape[:3] if len(shape) == 4 else shape[:2]
    if labels.shape != wanted:
        raise ValueError(f"regions has shape {labels.shape}, but the pixels {wanted}; give one label a pixel")
    if not np.issubdtype(labels.dtype, np.integer) and labels.dtype != bool:
        raise TypeError(f"regions holds {labels.dtype}; give whole numbers, one label a pixel")
    numbers = np.unique(labels, return_inverse=True)[1].astype(np.uint32).ravel()
    if color is None:
        color = "lab" if pixels.shape[2] - alpha == 3 else "raw"
    pixels, full = compared(pixels, alpha, color, data_range)
    neighbors = _arrays.count(connectivity, "connectivity")
    tree = ImageRegionTree(
        pixels, numbers, cost, color, neighbors, alpha, frames, _arrays.threads(n_jobs), progress
    )
    return RegionTree(tree, (pixels, shape, alpha, frames), color, full)
