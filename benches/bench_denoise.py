"""Denoising of photographs against scikit-image and OpenCV: time, PSNR and SSIM at three strengths of noise."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import locality as lc
import numpy as np
from common import ROOT, Report, Row, race, seconds


def photos() -> dict[str, np.ndarray]:
    """Two colour photos and a grey one."""
    from skimage import data

    found = {n: cv2.imread(str(ROOT / "data" / f"{n}.png"))[..., ::-1] for n in ("astronaut", "coffee")}
    return {n: np.ascontiguousarray(p) for n, p in found.items()} | {"camera": data.camera()}


def run(report: Report) -> None:
    """The same specification by turns; then every method's quality."""
    cv2.setNumThreads(report.threads)
    for name, clean in photos().items():
        if report.quick:
            clean = np.ascontiguousarray(clean[:96, :96])
        for sigma in (25,) if report.quick else (15, 25, 50):
            rng = np.random.default_rng(sigma)
            noisy = (clean + rng.normal(0, sigma, clean.shape)).round().clip(0, 255).astype(np.uint8)
            strengths = {w: best_strength(clean, noisy, sigma, w) for w in ((7, 21), (5, 13))}
            same(report, name, clean, noisy, sigma, strengths)
            quality(report, name, clean, noisy, sigma, strengths)


def opencv(noisy: np.ndarray, h: float, windows: tuple[int, int]) -> np.ndarray:
    """OpenCV's non-local means, with the sides of its patches and windows."""
    if noisy.ndim == 3:
        return cv2.fastNlMeansDenoisingColored(noisy, None, h, h, *windows)
    return cv2.fastNlMeansDenoising(noisy, None, h, *windows)


def best_strength(clean: np.ndarray, noisy: np.ndarray, sigma: float, windows: tuple[int, int]) -> float:
    """The ``h`` by which OpenCV comes nearest to the clean picture: it takes no strength of the noise."""
    tried = [round(share * sigma, 2) for share in np.arange(0.4, 1.35, 0.1)]
    return max(tried, key=lambda h: lc.image.psnr(clean, opencv(noisy, h, windows)))


def figures(clean: np.ndarray, out: np.ndarray) -> str:
    """PSNR and SSIM."""
    out = np.asarray(out).round().clip(0, 255).astype(np.uint8).reshape(clean.shape)
    return f"{lc.image.psnr(clean, out):.2f} / {lc.image.ssim(clean, out):.4f}"


Strengths = dict[tuple[int, int], float]


def same(report: Report, name: str, clean: np.ndarray, noisy: np.ndarray, sigma: float, strengths: Strengths) -> None:
    """One specification on both sides."""
    from skimage.restoration import denoise_nl_means

    axis = -1 if clean.ndim == 3 else None
    n = report.threads
    floats = noisy.astype(np.float32)
    for fast in (True, False):
        args = (5, 6, 0.6 * sigma, fast, sigma)
        ours, theirs, mine, other = race(
            lambda args=args: lc.image.denoise_nl_means(floats, *args, n_jobs=n),
            lambda args=args: denoise_nl_means(floats, *args, preserve_range=True, channel_axis=axis),
            report.rounds(3 if fast else 1),
        )
        notes = {
            "PSNR / SSIM": figures(clean, mine),
            "theirs": figures(clean, other),
            "largest difference": f"{np.abs(mine - other.reshape(mine.shape)).max():.2f}",
        }
        case = f"{name}, sigma {sigma}, non-local means, 5, 6, fast_mode={fast}"
        report.add(Row("denoise", case, ours, "skimage denoise_nl_means", theirs, notes))
    # OpenCV at its most accurate: its own windows, and those of ours.
    for windows, h in strengths.items():
        ours, theirs, mine, other = race(
            lambda: lc.image.denoise(noisy, sigma, method="nlm", n_jobs=n).picture,
            lambda h=h, windows=windows: opencv(noisy, h, windows),
            report.rounds(3),
        )
        notes = {"PSNR / SSIM": figures(clean, mine), "theirs": figures(clean, other)}
        case = f"{name}, sigma {sigma}, non-local means, ours 5, 13, theirs {windows[0]}, {windows[1]}, their best h={h}"
        report.add(Row("denoise", case, ours, "cv2 fastNlMeans", theirs, notes))
    ours, theirs, mine, other = race(
        lambda: lc.image.denoise_bilateral(noisy, sigma_color=3 * sigma, sigma_spatial=2, like_opencv=9, n_jobs=n),
        lambda: cv2.bilateralFilter(noisy, 9, 3 * sigma, 2),
        report.rounds(5),
    )
    notes = {
        "PSNR / SSIM": figures(clean, mine),
        "theirs": figures(clean, other),
        "samples that differ": f"{(mine != other).mean():.2%}",
    }
    report.add(Row("denoise", f"{name}, sigma {sigma}, bilateral, d=9", ours, "cv2 bilateralFilter", theirs, notes))


def quality(
    report: Report, name: str, clean: np.ndarray, noisy: np.ndarray, sigma: float, strengths: Strengths
) -> None:
    """Ways to denoise, the strength given and, for ours, estimated."""
    from skimage.restoration import denoise_bilateral, denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

    color = clean.ndim == 3
    axis = -1 if color else None
    unit, s = noisy.astype(np.float32) / 255, sigma / 255
    n = report.threads

    ways: dict[str, Callable[[], np.ndarray]] = {
        "ours: auto": lambda: lc.image.denoise(noisy, sigma, n_jobs=n).picture,
        "ours: auto, sigma estimated": lambda: lc.image.denoise(noisy, n_jobs=n).picture,
        "ours: nlm": lambda: lc.image.denoise(noisy, sigma, method="nlm", n_jobs=n).picture,
        "ours: nlm-linear": lambda: lc.image.denoise(noisy, sigma, method="nlm-linear", n_jobs=n).picture,
        "ours: bilateral": lambda: lc.image.denoise(noisy, sigma, method="bilateral", n_jobs=n).picture,
        "skimage non-local means, 5, 6, h=0.6 sigma": lambda: 255
        * denoise_nl_means(unit, 5, 6, 0.6 * s, True, s, channel_axis=axis),
        "skimage non-local means, 7, 10, h=0.6 sigma": lambda: 255
        * denoise_nl_means(unit, 7, 10, 0.6 * s, True, s, channel_axis=axis),
        "skimage bilateral": lambda: 255 * denoise_bilateral(unit, sigma_color=2 * s, sigma_spatial=2, channel_axis=axis),
        "skimage total variation": lambda: 255 * denoise_tv_chambolle(unit, 1.2 * s, channel_axis=axis),
        "skimage wavelets, BayesShrink": lambda: 255
        * denoise_wavelet(unit, sigma=s, channel_axis=axis, convert2ycbcr=color, rescale_sigma=True),
        "cv2 fastNlMeans, 7, 21, its best h": lambda: opencv(noisy, strengths[7, 21], (7, 21)),
        "cv2 bilateral, d=9": lambda: cv2.bilateralFilter(noisy, 9, 4 * sigma, 2),
    }
    try:
        # Optional: its licence is for work without profit, so that it is no requirement of the bench.
        import bm3d
    except ImportError:
        pass
    else:
        ways["bm3d"] = lambda: 255 * (bm3d.bm3d_rgb if color else bm3d.bm3d)(unit, s)
    for way, call in ways.items():
        time, out = seconds(call)
        report.add(Row("denoise", f"{name}, sigma {sigma}: {way}", [time], notes={"PSNR / SSIM": figures(clean, out)}))
