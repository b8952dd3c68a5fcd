"""Writes opencv_mean_shift.txt: FNV-1a hashes (64 bits, over RGB bytes) of OpenCV's mean-shift pictures of the photos in data/.

Needs opencv-python-headless (5.0.0 wrote the file). Run it in this folder.
"""

import pathlib

import cv2
import numpy as np

here = pathlib.Path(__file__).resolve().parent
data = here.parents[3] / "data"


def fnv(octets: bytes) -> int:
    h = 0xCBF29CE484222325
    for octet in octets:
        h = ((h ^ octet) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


with open(here / "opencv_mean_shift.txt", "w") as out:
    for name in ["astronaut", "coffee"]:
        picture = cv2.imread(str(data / f"{name}.png"))
        for sp, sr in [(10, 20), (5, 12), (7, 40)]:
            filtered = cv2.pyrMeanShiftFiltering(picture, sp, sr, maxLevel=0)[:, :, ::-1]
            h = fnv(np.ascontiguousarray(filtered).tobytes())
            print(name, sp, sr, f"{h:016x}", file=out)
