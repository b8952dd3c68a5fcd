"""Writes denoise.txt: pictures filtered by scikit-image and OpenCV, some samples of each, and levels of noise.

Needs scikit-image (0.26.0 wrote the file), opencv-python-headless (5.0.0) and PyWavelets. Run it in this folder.

OpenCV cuts off decimals where the window has at most 5 rows and the picture is grey, so that windows are larger here.

The pictures are pieces of data/coffee.png with noise by integer arithmetic. Of scikit-image's bilateral filter the compiled part is called
with the table of spatial weights that its formula means: the one that `denoise_bilateral` makes for an odd window has a row and a column too
many, so that the weights are read at the wrong places.
"""

import pathlib

import cv2
import numpy as np
from skimage.restoration import denoise_nl_means, estimate_sigma
from skimage.restoration._denoise import _denoise_bilateral, _gaussian_weight

here = pathlib.Path(__file__).resolve().parent
data = here.parents[3] / "data"
HEIGHT, WIDTH, STEP = 40, 48, 61


def piece(channels: int) -> np.ndarray:
    """Rows 100.., columns 200.. of the photo, plus noise from -30 to 30."""
    rgb = cv2.imread(str(data / "coffee.png"))[100 : 100 + HEIGHT, 200 : 200 + WIDTH, ::-1].astype(np.int64)
    clean = rgb[..., :channels]
    i = np.arange(clean.size, dtype=np.uint64)
    noise = ((i * 2654435761 % 2**32) * 2246822519 % 2**32 >> 16) % 61
    return np.clip(clean + noise.astype(np.int64).reshape(clean.shape) - 30, 0, 255).astype(np.uint8)


def volume() -> np.ndarray:
    """Three pieces, one a frame."""
    grey = piece(1)[..., 0]
    return np.stack([grey[:24, :30], grey[2:26, 1:31], grey[4:28, 2:32]])


def write(out, name: str, values: np.ndarray) -> None:
    some = " ".join(f"{v:.6f}" for v in np.asarray(values, dtype=float).ravel()[::STEP])
    print(name, some, sep=": ", file=out)


def bilateral(image: np.ndarray, radius: int, spatial: float, color: float, mode: str) -> np.ndarray:
    """scikit-image's filter of samples from 0 to 255, with the spatial weights of its formula."""
    window, bins = 2 * radius + 1, 100_000
    image = np.ascontiguousarray(image.astype(float))
    top = image.max()
    colors = _gaussian_weight(np.linspace(0, top, bins, endpoint=False), color**2)
    offsets = np.arange(-radius, radius + 1)
    space = _gaussian_weight(np.hypot(*np.meshgrid(offsets, offsets, indexing="ij")), spatial**2).ravel()
    empty, result = np.empty(image.shape[2]), np.empty_like(image)
    return _denoise_bilateral(image, top, window, color, spatial, bins, mode, 0.0, colors, space, empty, result)


with open(here / "denoise.txt", "w") as out:
    for channels in (1, 3):
        image = piece(channels)
        floats = image.astype(float)
        for fast in (1, 0):
            for size, distance, h, sigma in ((5, 6, 18.0, 0.0), (7, 4, 12.0, 15.0), (3, 5, 10.0, 17.0)):
                filtered = denoise_nl_means(
                    floats, size, distance, h, fast_mode=bool(fast), sigma=sigma, channel_axis=-1
                )
                write(out, f"nlm {channels} {fast} {size} {distance} {h} {sigma}", filtered)
        for radius, spatial, color, mode in ((3, 1.5, 40.0, "constant"), (2, 1.0, 25.0, "edge")):
            # It divides distances by the number of channels.
            filtered = bilateral(image, radius, spatial, color / channels, mode)
            write(out, f"skimage {channels} {radius} {spatial} {color} {mode}", filtered)
        for d, color, spatial in ((9, 60.0, 2.0), (7, 100.0, 1.5), (0, 50.0, 2.0)):
            filtered = cv2.bilateralFilter(image if channels == 3 else image[..., 0], d, color, spatial)
            write(out, f"opencv {channels} {d} {color} {spatial}", filtered)
        sigmas = estimate_sigma(floats, channel_axis=-1)
        print(f"sigma {channels}", " ".join(f"{s:.9f}" for s in sigmas), sep=": ", file=out)
    frames = volume().astype(float)
    write(out, "volume 3 2 20.0 0.0", denoise_nl_means(frames, 3, 2, 20.0))
    write(out, "volume 3 2 12.0 15.0", denoise_nl_means(frames, 3, 2, 12.0, sigma=15.0))
