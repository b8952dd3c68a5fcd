"""Writes cam_shift.txt: windows and boxes of OpenCV's meanShift and CamShift on blobs with noise.

Needs opencv-python-headless (5.0.0 wrote the file) and numpy. Run it in this folder. Each line: the picture's seed, the first
window, the most steps and the epsilon; then meanShift's count and window; then CamShift's window and box (centre, size, angle).
"""

import pathlib

import cv2
import numpy as np

here = pathlib.Path(__file__).resolve().parent
HEIGHT, WIDTH = 90, 120


def picture(seed):
    """An ellipse at an angle with noise, of whole numbers alone."""
    state = seed * 7919 + 13
    p = np.zeros((HEIGHT, WIDTH), np.uint8)
    cx, cy = 30 + seed * 17 % 60, 25 + seed * 11 % 40
    a, b = 8 + seed * 5 % 13, 5 + seed * 3 % 7
    tilt = seed * 29 % 17 - 8
    for y in range(HEIGHT):
        for x in range(WIDTH):
            state = (state * 1103515245 + 12345) % 2**31
            noise = state >> 16
            dx, dy = x - cx, y - cy
            u, v = 8 * dx + tilt * dy, 8 * dy - tilt * dx
            inside = u * u * b * b + v * v * a * a <= a * a * b * b * (64 + tilt * tilt)
            p[y, x] = 120 + noise % 130 if inside else (noise % 40 if noise % 23 == 0 else 0)
    return p


with open(here / "cam_shift.txt", "w") as out:
    for seed in range(24):
        p = picture(seed)
        cx, cy = 30 + seed * 17 % 60, 25 + seed * 11 % 40
        w, h = 14 + seed % 5 * 6, 12 + seed % 3 * 9
        window = (cx - w // 2 - seed % 7 + 3, cy - h // 2 + seed % 5 - 4, w, h)
        steps, epsilon = 1 + seed % 11, [1, 0.5, 3][seed % 3]
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, epsilon)
        count, mean = cv2.meanShift(p, window, criteria)
        box, cam = cv2.CamShift(p, window, criteria)
        (bx, by), (bw, bh), angle = box
        numbers = [seed, *window, steps, epsilon, count, *mean, *cam, bx, by, bw, bh, angle]
        print(*(f"{n:.7g}" for n in numbers), file=out)
