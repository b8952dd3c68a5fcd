"""How alike two divisions of a picture into regions are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def boundaries(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Pixels whose right or lower neighbour is in another region."""
    out = np.zeros(labels.shape, bool)
    out[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    out[:-1] |= labels[:-1] != labels[1:]
    return out


def boundary_recall(labels: npt.NDArray[np.integer], other: npt.NDArray[np.integer], tolerance: int = 2) -> float:
    """The share of the other's boundary pixels with a boundary pixel of `labels` within so many rows and columns."""
    mine, theirs = boundaries(labels), boundaries(other)
    wide = np.pad(mine, tolerance)
    near = np.zeros_like(mine)
    height, width = mine.shape
    for dy in range(2 * tolerance + 1):
        for dx in range(2 * tolerance + 1):
            near |= wide[dy : dy + height, dx : dx + width]
    return float(near[theirs].mean()) if theirs.any() else 1.0


def table(labels: npt.NDArray[np.integer], other: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Shares of pixels by region of each division."""
    a, b = (np.unique(x, return_inverse=True)[1].ravel() for x in (labels, other))
    pairs, counts = np.unique(np.stack([a, b]), axis=1, return_counts=True)
    return np.vstack([pairs, counts / a.size])


def variation_of_information(labels: npt.NDArray[np.integer], other: npt.NDArray[np.integer]) -> float:
    """Entropy of either division given the other, together, in nats (Meila 2007); 0 where they are the same."""
    a, b, p = table(labels, other)
    pa, pb = np.bincount(a.astype(int), p), np.bincount(b.astype(int), p)
    entropy = [-(q[q > 0] * np.log(q[q > 0])).sum() for q in (p, pa, pb)]
    return float(max(0.0, 2 * entropy[0] - entropy[1] - entropy[2]))


def undersegmentation(labels: npt.NDArray[np.integer], other: npt.NDArray[np.integer]) -> float:
    """The share of pixels of `labels`' regions that leak out of the other's region they overlap most (Neubert and Protzel 2012)."""
    a, _, p = table(labels, other)
    best = np.zeros(int(a.max()) + 1)
    np.maximum.at(best, a.astype(int), p)
    return float(1 - best.sum())
