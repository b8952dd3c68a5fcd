"""Patches of grids: what lies around each place, as rows that any kernel compares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._pictures import picture


def patches(values: npt.ArrayLike, size: int, *, channels: bool = False, positions: bool = False) -> Array:
    """The patch about each place of a series, a picture or a volume, as a row.

    Patch similarity is then a kernel like any other, on these columns, and may be multiplied with one of positions: the local mean under
    both is non-local means. Beyond the border the grid goes on as its mirror image, the border's places once.

    Parameters
    ----------
    values : array_like, shape (n,), (height, width), (depth, height, width), ..
        Numbers; float32 stays so, all else becomes float64.
    size : int
        Places of a patch in each direction, an odd number.
    channels : bool, default False
        Whether the last axis holds several numbers of the same place.
    positions : bool, default False
        Whether each row ends with the place itself, counted from 0 in every direction.

    Returns
    -------
    ndarray, shape (places, size ** directions * channels) or with one more column for each direction

    Examples
    --------
    >>> import locality as lc
    >>> lc.patches([1.0, 2.0, 4.0, 8.0], 3, positions=True)
    array([[2., 1., 2., 0.],
           [1., 2., 4., 1.],
           [2., 4., 8., 2.],
           [4., 8., 4., 3.]])
    """
    array = _arrays.numbers(values, "values")
    if array.dtype != np.float32:
        array = array.astype(np.float64)
    directions = array.ndim - 1 if channels else array.ndim
    if directions < 1:
        raise ValueError(f"values has shape {array.shape}; give at least one direction beside the channels")
    shape = array.shape[:directions]
    rows = np.ascontiguousarray(array).reshape(int(np.prod(shape)), -1) if array.size else array.reshape(0, 1)
    return _core.patches(rows, list(shape), _arrays.count(size, "size"), bool(positions))


def image_patches(image: npt.ArrayLike, size: int, *, positions: bool = False) -> Array:
    """The patch about each pixel of a picture, as a row: `patches` for pictures and stacks of them.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        Any number type and number of channels; with frames, patches reach over frames.
    size : int
        Side of a patch in pixels, an odd number.
    positions : bool, default False
        Whether each row ends with the pixel's row and column, and its frame before them.

    Returns
    -------
    ndarray, shape (pixels, size ** 2 * channels), or with two more columns; with frames size ** 3 and three

    Examples
    --------
    Non-local means as a local mean: alike patches, and not far.

    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10.0, 14.0, 10.0, 200.0, 204.0, 200.0]], 6, axis=0)
    >>> keys = lc.image.patches(step, 3, positions=True)
    >>> kernel = lc.kernels.gaussian(h=30, cols=list(range(9))) * lc.kernels.uniform(h=2, metric="chebyshev", cols=[9, 10])
    >>> out = lc.local_mean(keys, keys, step.ravel(), kernel=kernel)
    >>> out.reshape(6, 6)[3].round()
    array([ 12.,  12.,  10., 200., 202., 202.])
    """
    array = np.asanyarray(image)
    if array.ndim not in (2, 3, 4):
        raise ValueError(f"image has shape {array.shape}; give [height, width], [height, width, channels] or frames of these")
    return patches(array, size, channels=array.ndim > 2, positions=positions)


def denoise_by_patches(
    image: npt.ArrayLike,
    clean_patches: npt.ArrayLike,
    sigma: float,
    *,
    nearest: int | None = None,
    tolerance: float = 0.0,
    n_jobs: int | None = None,
) -> Array:
    """A picture without its noise, if its patches are like some clean ones: the best denoiser of patches, overlapping ones averaged.

    Each patch becomes the mean of the clean patches, weighted by a Gaussian of the noise's standard deviation (`OptimalDenoiser`), and each
    pixel the mean of what all patches that hold it say.

    Parameters
    ----------
    image : array_like, shape (height, width) or (height, width, channels)
        uint8, uint16, float32 or float64.
    clean_patches : array_like, shape (n, size ** 2 * channels)
        Rows of `image.patches` of clean pictures, on the same scale.
    sigma : float
        Standard deviation of the noise, on the picture's own scale.
    nearest : int, optional
        Only so many of the nearest clean patches count.
    tolerance : float, default 0.0
        What the sums of the weights may be off by, relative, with proof; 0 is exact to rounding.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Returns
    -------
    ndarray
        Of the picture's shape and number type.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> stripes = 100.0 + 50.0 * (np.arange(40) % 4 < 2) * np.ones((30, 1))
    >>> noisy = stripes + np.random.default_rng(0).normal(0, 20, stripes.shape)
    >>> out = lc.image.denoise_by_patches(noisy, lc.image.patches(stripes[:, :20], 5), 20)
    >>> [round(float(np.sqrt(np.mean((x - stripes) ** 2))), 1) for x in (noisy, out)]
    [19.6, 0.4]
    """
    pixels, shape, _ = picture(image, False, double=True)
    height, width, channels = pixels.shape
    kind = np.float32 if pixels.dtype == np.float32 else np.float64
    clean = np.ascontiguousarray(_arrays.sites(clean_patches, "clean_patches"), dtype=kind)
    size = round((clean.shape[1] / channels) ** 0.5)
    if size % 2 == 0 or size * size * channels != clean.shape[1]:
        raise ValueError(
            f"clean_patches has {clean.shape[1]} columns, which are no square patches of {channels} channels with an odd side; give rows "
            "of image.patches of pictures like this one"
        )
    model = _core.OptimalDenoiser(
        clean,
        _arrays.number(sigma, "sigma"),
        tolerance=_arrays.number(tolerance, "tolerance"),
        nearest=None if nearest is None else _arrays.count(nearest, "nearest"),
        threads=_arrays.threads(n_jobs),
    )
    values = pixels.reshape(height * width, channels).astype(kind)
    out = model.grid(values, [height, width], channels, size, _arrays.threads(n_jobs)).reshape(shape)
    if pixels.dtype.kind == "u":
        out = out.round().clip(0, np.iinfo(pixels.dtype).max)
    return out.astype(pixels.dtype)
