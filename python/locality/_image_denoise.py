"""Denoising of pictures, and how near a picture is to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._pictures import Progress, bandwidth, stack, white

Method = Literal["auto", "nlm", "nlm-linear", "nl-bayes", "bilateral"]
Mode = Literal["inside", "reflect", "symmetric", "wrap", "edge", "constant"]


def denoise_nl_means(
    image: npt.ArrayLike,
    patch_size: int = 7,
    patch_distance: int = 11,
    h: float | None = None,
    fast_mode: bool = True,
    sigma: float = 0.0,
    *,
    data_range: float | None = None,
    per_channel: bool = False,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """Non-local means: every pixel becomes the mean of those around it, weighted by how alike the patches about them are.

    The same picture as ``skimage.restoration.denoise_nl_means`` with ``channel_axis=-1`` and ``preserve_range=True``, but for its quick
    exponential, which is off by up to 4 %. Pictures of integers are not turned into floats from 0 to 1: there `h` and `sigma` are 255 times
    those of scikit-image.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        uint8, uint16, float32 or float64, any number of channels. With frames, a volume or a video: patches and steps reach over frames.
    patch_size : int, default 7
        Side of a patch in pixels; an even number counts as the next odd one.
    patch_distance : int, default 11
        Farthest row, column (and frame) that is averaged.
    h : float, optional
        Bandwidth in colour: on the scale 0 to 255 of 8-bit pictures (16-bit pictures are read on the same scale; floats on their own). By
        default a tenth of the way from black to white: 25.5 for integers, 0.1 for floats, which are then to be from 0 to 1, as in
        scikit-image, or from 0 to `data_range`.
    fast_mode : bool, default True
        Whether the pixels of a patch count alike; otherwise as a Gaussian about its centre, and nothing beyond the border is averaged.
    sigma : float, default 0
        Standard deviation of the noise, whose part in the distances is taken off; `h` is then best at about 0.6 of it.
    data_range : float, optional
        White in the picture's own units, where black is 0: 255, 65535, or 1 for floats by default. Only the default of `h` depends on it.
    per_channel : bool, default False
        Whether each colour channel is a picture of its own; by default patches are compared, and weights found, by all channels together.
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
    Buades, Coll and Morel (2005), A non-local algorithm for image denoising; Darbon et al. (2008), Fast nonlocal filtering applied to
    electron cryomicroscopy.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10, 14, 10, 200, 204, 200]], 6, axis=0).astype(np.uint8)
    >>> lc.image.denoise_nl_means(step, patch_size=3, patch_distance=2, h=10)[3]
    array([ 12,  13,  10, 201, 202, 202], dtype=uint8)
    """
    pixels, shape, alpha, frames = stack(image, alpha, double=True)
    out = _core.image_nl_means(
        pixels,
        _arrays.count(patch_size, "patch_size"),
        _arrays.count(patch_distance, "patch_distance"),
        bandwidth(pixels, alpha, data_range, h, 0.1, "h"),
        _arrays.number(sigma, "sigma"),
        bool(fast_mode),
        bool(per_channel),
        alpha,
        frames,
        _arrays.threads(n_jobs),
        progress,
    )
    return out.reshape(shape)


def denoise_bilateral(
    image: npt.ArrayLike,
    win_size: int | None = None,
    sigma_color: float | None = None,
    sigma_spatial: float = 1.5,
    *,
    data_range: float | None = None,
    mode: Mode = "inside",
    guide: npt.ArrayLike | None = None,
    like_opencv: int | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Array:
    """The bilateral filter: every pixel becomes the mean of those around it, weighted by position and by colour.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        As in `denoise_nl_means`.
    win_size : int, optional
        Side of the window; an even number counts as the next odd one. By default it reaches three `sigma_spatial`.
    sigma_color : float, optional
        Standard deviation of the weights in colour, on the scale of `h` in `denoise_nl_means`. By default 30 for integers, and for floats,
        from 0 to 1 or to `data_range`, the same share of the way from black to white (of the guide, where there is one). scikit-image
        divides distances by the number of channels, so that its ``sigma_color`` is this one by that number.
    sigma_spatial : float, default 1.5
        Standard deviation of the weights in pixels.
    data_range : float, optional
        As in `denoise_nl_means`.
    mode : {"inside", "reflect", "symmetric", "wrap", "edge", "constant"}, default "inside"
        What is averaged beyond the border: nothing; as in ``numpy.pad`` the mirror image, with the border's pixels once or twice, the
        picture again, or the border's pixels; or zeros (scikit-image's default).
    guide : array_like, optional
        Another picture of the same size, whose colours are compared instead (joint bilateral filter).
    like_opencv : int, optional
        OpenCV's ``cv2.bilateralFilter`` with this diameter: a round window, colours compared by the sum of the channels' differences, the
        mirror image beyond the border. 0 and below: a radius of 1.5 `sigma_spatial`, as there. Leaves `win_size` and `mode` aside.
    alpha, n_jobs, progress
        As in `denoise_nl_means`.

    Returns
    -------
    ndarray
        Of the picture's shape and number type.

    References
    ----------
    Tomasi and Manduchi (1998), Bilateral filtering for gray and color images.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> step = np.repeat([[10, 14, 10, 200, 204, 200]], 6, axis=0).astype(np.uint8)
    >>> lc.image.denoise_bilateral(step, sigma_color=10)[3]
    array([ 11,  12,  11, 201, 202, 201], dtype=uint8)
    """
    pixels, shape, alpha, frames = stack(image, alpha, double=True)
    if mode not in get_args(Mode):
        known = ", ".join(repr(m) for m in get_args(Mode)[:-1])
        raise ValueError(f'mode="{mode}" is unknown; give {known} or {get_args(Mode)[-1]!r}')
    if win_size is not None and _arrays.count(win_size, "win_size") == 0:
        raise ValueError("win_size is 0; give the window's side, 1 pixel or more")
    other = None
    if guide is not None:
        other, _, opaque, slices = stack(guide, None, double=True, name="guide")
        if opaque or (alpha and other.shape[2] in (2, 4)):
            # Colours are compared, and opacity is none.
            other = np.ascontiguousarray(other[:, :, :-1])
        if other.shape[:2] != pixels.shape[:2] or slices != frames:
            raise ValueError(f"guide has shape {np.shape(guide)}, but the picture {shape}; give a guide of the picture's size")
        if not np.isfinite(other).all():
            raise ValueError("guide holds NaN or infinite values; replace them first, e.g. with numpy.nan_to_num(guide)")
    compared, opacity = (pixels, alpha) if other is None else (other, False)
    color = bandwidth(compared, opacity, data_range, sigma_color, 30 / 255, "sigma_color")
    if other is not None:
        scale = 1 / 257 if other.dtype == np.uint16 else 1.0
        other = np.ascontiguousarray(other, dtype=np.float64) * scale
    space = _arrays.number(sigma_spatial, "sigma_spatial")
    for name, value, unit in (("sigma_spatial", space, "pixels"), ("sigma_color", color, "units of samples")):
        if not 1e-15 <= value <= 1e15:
            raise ValueError(f"{name} is {value:g}; give a positive number of {unit} (1e-15 to 1e15)")
    out = _core.image_bilateral(
        pixels,
        other,
        space,
        color,
        None if win_size is None else _arrays.count(win_size, "win_size") // 2,
        mode,
        None if like_opencv is None else _arrays.count(max(like_opencv, 0), "like_opencv"),
        alpha,
        frames,
        _arrays.threads(n_jobs),
        progress,
    )
    return out.reshape(shape)


@dataclass(frozen=True, eq=False)
class Denoised:
    """A picture without its noise: the result of `denoise`.

    Attributes
    ----------
    picture : ndarray, shape and type of the picture
        The picture.
    sigma : float
        The noise's standard deviation that was given or estimated.
    method : str
        The method that was used.
    """

    picture: Array
    sigma: float
    method: str

    def __repr__(self) -> str:
        shape = " x ".join(str(n) for n in self.picture.shape)
        return f"Denoised({shape}, method={self.method!r}, sigma={self.sigma:.3g})"


def denoise(
    image: npt.ArrayLike,
    sigma: float | None = None,
    *,
    method: Method = "auto",
    data_range: float | None = None,
    per_channel: bool = False,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Denoised:
    """Takes white noise away from a picture, its strength estimated where it is not given.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        As in `denoise_nl_means`.
    sigma : float, optional
        Standard deviation of the noise, on the scale of `h` in `denoise_nl_means`; by default that of `estimate_sigma` with
        ``robust=True``, averaged over the channels.
    method : {"auto", "nlm", "nlm-linear", "nl-bayes", "bilateral"}, default "auto"
        "nlm" is non-local means, the mean of alike patches; "nlm-linear" a linear model of them; "nl-bayes" their mean and
        covariance, in two steps (Lebrun, Buades and Morel 2013); "auto" takes "nl-bayes", which looks for alike
        patches in the two frames before and after, too.
    data_range : float, optional
        Noise was cut off at 0 and at this value, in the picture's own units: 1 for floats that were clipped to 0 and 1. By default it was
        at 255 and 65535 in integers, and not at all in floats.
    per_channel : bool, default False
        Whether each colour channel is a picture of its own, its noise as well; by default all are denoised together.
    alpha, n_jobs, progress
        As in `denoise_nl_means`.

    Returns
    -------
    Denoised

    References
    ----------
    Lebrun, Buades and Morel (2013), A nonlocal Bayesian image denoising algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> rng = np.random.default_rng(0)
    >>> clean = np.repeat(np.repeat([[50.0, 180.0]], 64, axis=0), 32, axis=1)
    >>> noisy = clean + rng.normal(0, 20, clean.shape)
    >>> out = lc.image.denoise(noisy)
    >>> out.method, bool(np.abs(out.picture - clean).mean() < 4)
    ('nl-bayes', True)
    """
    pixels, shape, alpha, frames = stack(image, alpha, double=True)
    found, strength, used = _core.image_denoise(
        pixels,
        method,
        None if sigma is None else _arrays.number(sigma, "sigma"),
        clipped_at(pixels, alpha, data_range),
        bool(per_channel),
        alpha,
        frames,
        _arrays.threads(n_jobs),
        progress,
    )
    return Denoised(found.reshape(shape), strength, used)


def clipped_at(pixels: Array, alpha: bool, data_range: float | None) -> float | None:
    """Where noise was cut off, if it is given."""
    return None if data_range is None else white(pixels, alpha, data_range, "the value of white")


def estimate_sigma(
    image: npt.ArrayLike,
    average_sigmas: bool = False,
    *,
    robust: bool = False,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
) -> float | list[float]:
    """The standard deviation of white noise in a picture, as ``skimage.restoration.estimate_sigma``.

    With ``robust=True`` from the quietest places alone, so that texture does not count as noise, and with what was cut off at black and
    white allowed for, which the plain estimate takes for weaker noise.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        As in `denoise_nl_means`; the frames of a stack are taken together.
    average_sigmas : bool, default False
        Whether the channels' estimates are averaged.
    robust : bool, default False
        Whether only the places count about which the picture's other fine wavelet coefficients are smallest, each by the strength that
        noise has left at its brightness; `denoise` does it so.
    data_range : float, optional
        As in `denoise`; with ``robust=True`` only.
    alpha, n_jobs
        As in `denoise_nl_means`.

    Returns
    -------
    float or list of float
        One number for pictures without channels and for averages, else one for each colour channel; on the scale of 8 bits (floats:
        their own).

    References
    ----------
    Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage; Foi (2009), Clipped noisy images.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> noise = np.random.default_rng(0).normal(0, 5, (200, 200))
    >>> round(lc.image.estimate_sigma(noise))
    5
    >>> dark = np.clip(15 + 5 * noise, 0, 255).round().astype(np.uint8)
    >>> plain, robust = lc.image.estimate_sigma(dark), lc.image.estimate_sigma(dark, robust=True)
    >>> bool(plain < 20), bool(22 < robust < 28)
    (True, True)
    """
    pixels, shape, alpha, frames = stack(image, alpha, double=True)
    if data_range is not None and not robust:
        raise ValueError("data_range is for robust=True; the plain estimate does not know where noise was cut off")
    full = clipped_at(pixels, alpha, data_range)
    found = _core.image_noise(pixels, bool(robust), full, alpha, frames, _arrays.threads(n_jobs))
    if average_sigmas or len(shape) == 2:
        return float(np.mean(found))
    return found


def psnr(reference: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float | None = None, alpha: bool | None = None) -> float:
    """The peak signal-to-noise ratio in decibels, over all colour samples.

    Parameters
    ----------
    reference, image : array_like
        Two pictures of one shape and number type, as in `denoise_nl_means`.
    data_range : float, optional
        Distance of black from white in the pictures' own units: 255, 65535 or 1 by default.
    alpha
        As in `denoise_nl_means`.

    Returns
    -------
    float
        Infinite for equal pictures.
    """
    return _quality(reference, image, False, data_range, alpha, None)


def ssim(
    reference: npt.ArrayLike,
    image: npt.ArrayLike,
    *,
    data_range: float | None = None,
    alpha: bool | None = None,
    n_jobs: int | None = None,
) -> float:
    """The structural similarity of two pictures, as ``skimage.metrics.structural_similarity``; the mean over channels.

    Parameters
    ----------
    reference, image, data_range, alpha
        As in `psnr`.
    n_jobs
        As in `denoise_nl_means`.

    Returns
    -------
    float

    References
    ----------
    Wang, Bovik, Sheikh and Simoncelli (2004), Image quality assessment: from error visibility to structural similarity.
    """
    return _quality(reference, image, True, data_range, alpha, n_jobs)


def _quality(
    reference: npt.ArrayLike,
    image: npt.ArrayLike,
    structure: bool,
    data_range: float | None,
    alpha: bool | None,
    n_jobs: int | None,
) -> float:
    a, shape, alpha, frames = stack(reference, alpha, double=True)
    b, other, _, _ = stack(image, alpha, double=True)
    if shape != other:
        raise ValueError(f"reference has shape {shape} and image {other}; give two pictures of one shape")
    full = white(a, alpha, data_range, "data_range (255 for the range of 8 bits)", "reference")
    return _core.image_quality(a, b, structure, full, alpha, frames, _arrays.threads(n_jobs))
