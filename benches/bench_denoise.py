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
            same(report, name, clean, noisy, sigma)
            quality(report, name, clean, noisy, sigma)


def figures(clean: np.ndarray, out: np.ndarray) -> str:
    """PSNR and SSIM."""
    out = np.asarray(out).round().clip(0, 255).astype(np.uint8).reshape(clean.shape)
    return f"{lc.image.psnr(clean, out):.2f} / {lc.image.ssim(clean, out):.4f}"


def same(report: Report, name: str, clean: np.ndarray, noisy: np.ndarray, sigma: float) -> None:
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
    # OpenCV's own h for this strength: the best of those that `quality` tries.
    h = (0.8 if clean.ndim == 3 else 0.9) * sigma
    ours, theirs, mine, other = race(
        lambda: lc.image.denoise(noisy, sigma, method="nlm", n_jobs=n).picture,
        lambda: (
            cv2.fastNlMeansDenoisingColored(noisy, None, h, h, 7, 21)
            if clean.ndim == 3
            else cv2.fastNlMeansDenoising(noisy, None, h, 7, 21)
        ),
        report.rounds(3),
    )
    notes = {"PSNR / SSIM": figures(clean, mine), "theirs": figures(clean, other)}
    case = f"{name}, sigma {sigma}, non-local means, ours at least as near"
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


def quality(report: Report, name: str, clean: np.ndarray, noisy: np.ndarray, sigma: float) -> None:
    """Ways to denoise, the strength given and, for ours, estimated."""
    from skimage.restoration import denoise_bilateral, denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

    color = clean.ndim == 3
    axis = -1 if color else None
    unit, s = noisy.astype(np.float32) / 255, sigma / 255
    n = report.threads

    def opencv() -> np.ndarray:
        """The best over h: it takes no strength."""
        if color:
            tried = [cv2.fastNlMeansDenoisingColored(noisy, None, h * sigma, h * sigma, 7, 21) for h in (0.4, 0.6, 0.8, 1.0)]
        else:
            tried = [cv2.fastNlMeansDenoising(noisy, None, h * sigma, 7, 21) for h in (0.6, 0.8, 1.0, 1.2)]
        return max(tried, key=lambda t: lc.image.psnr(clean, t))

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
        "cv2 fastNlMeans, the best of four h (time of all)": opencv,
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
