"""Writes quickshift_*.png: labels of scikit-image's quickshift on pieces of the photos in data/, as 16-bit grey pictures.

Needs scikit-image (0.26.0 wrote the files) and pillow. Run it in this folder. Densities of equal pixels are told apart by random
noise there; it is silenced here, which changes none of these labels.
"""

import pathlib

import numpy as np
from PIL import Image
from skimage.segmentation import quickshift

here = pathlib.Path(__file__).resolve().parent
data = here.parents[3] / "data"


class Silent:
    """In the place of the generator: no noise."""

    def normal(self, *args, size=None, **kwargs):
        return np.zeros(size)


def silent_quickshift(image, **parameters):
    """The labels without noise."""
    known = np.random.default_rng
    np.random.default_rng = lambda *_: Silent()
    try:
        return quickshift(image, **parameters)
    finally:
        np.random.default_rng = known


def piece(name, grey=False):
    picture = Image.open(data / f"{name}.png").convert("L" if grey else "RGB").crop((180, 20, 300, 120))
    return np.asarray(picture)


cases = {
    "raw": (piece("astronaut"), dict(ratio=100, kernel_size=3, max_dist=6, convert2lab=False)),
    # Divided here: img_as_float rounds some levels otherwise, and many are equally far from one another.
    "grey": (piece("coffee", grey=True) / 255, dict(ratio=63.75, kernel_size=2, max_dist=12, convert2lab=False)),
    "lab": (piece("coffee"), dict()),
    "smooth": (piece("astronaut"), dict(ratio=0.5, kernel_size=2, max_dist=8, sigma=1)),
}
for name, (image, parameters) in cases.items():
    silent = silent_quickshift(image, **parameters)
    # Only pictures with areas of one colour feel the noise.
    assert (silent == quickshift(image, **parameters)).all()
    Image.fromarray(silent.astype(np.uint16)).save(here / f"quickshift_{name}.png")
