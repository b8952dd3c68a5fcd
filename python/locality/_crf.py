"""Conditional random fields on pictures: one call, and what it shares with `locality.densecrf`."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import DenseCrfField
from ._labeling import LabelGraph, label_compatibility
from ._pictures import Progress, white

# The grid or none, its bandwidths, features of objects or none, their bandwidths, costs, normalization.
FieldTerm = tuple[list[int] | None, list[float], Array | None, list[float], Any, str]


@dataclass(frozen=True, eq=False)
class Relabeled:
    """Labels of a picture that agree with their neighbours and with the colours.

    Attributes
    ----------
    labels : ndarray of int, shape (height, width)
        The likeliest label of each pixel.
    probabilities : ndarray, shape (height, width, labels)
        The distribution of each pixel.
    change : float
        How much the last step moved any probability.
    """

    labels: Array
    probabilities: Array
    change: float

    def __repr__(self) -> str:
        shape = " x ".join(str(n) for n in self.labels.shape)
        return f"Relabeled({self.probabilities.shape[-1]} labels of {shape} pixels)"


def lengths(given: Any, name: str, count: int) -> list[float]:
    """One bandwidth for each of so many axes."""
    one = isinstance(given, numbers.Real)
    found = [float(given)] * count if one else [_arrays.number(x, name) for x in given]
    if len(found) != count:
        raise ValueError(f"{name} has {len(found)} numbers, but {count} are needed; give one for each axis or channel, or one for all")
    for h in found:
        if not 0.0 < h < np.inf:
            raise ValueError(f"{name}={given}: bandwidths must be positive finite numbers")
    return found


def centred(features: Array) -> Array:
    """Columns ``(n, d)`` in double precision about their means: only differences count, and single precision would lose them beside a level."""
    wide = features.astype(np.float64)
    known = np.isfinite(wide)
    # Means of what is finite, so that what is not is found where it stands.
    levels = np.where(known, wide, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    found: Array = wide - levels
    return found


def learned_compat(
    labels: npt.ArrayLike | Sequence[npt.ArrayLike],
    weight: float = 1.0,
    *,
    n_labels: int | None = None,
    prior: float = 1.0,
    balanced: bool = True,
) -> Array:
    """What any two labels cost, learned from pictures that are labelled: labels that meet more often than by chance are cheap.

    For `dense_crf`'s `smooth_weight`, and `compat` of ``addPairwiseGaussian`` in `locality.densecrf`, in place of one number, under which labels are only
    equal or not: a field then knows that some labels lie side by side and others never do. It is learned from neighbouring pixels, and holds
    for terms that reach a few of them; under a term that reaches far (`weight`, with its `spatial` of 80 pixels) it would forbid two labels in one region
    of the picture, and one number is right.

    Parameters
    ----------
    labels : array_like of int, shape (height, width), or a sequence of such pictures
        Labels from 0, -1 where there is none.
    weight : float, default 1
        How much it counts: costs are ``-weight * ln r`` of how many times as often two labels are neighbours (8 for each pixel) as by chance,
        `label_compatibility`. Begin with 1 or 2: ``ln r`` has few bounds, and much weight drowns what pixels say by themselves.
    n_labels : int, optional
        Number of labels; by default the largest and one.
    prior : float, default 1
        Meetings of each two labels that are added to those seen, above 0: labels that never met are then dear, not impossible.
    balanced : bool, default True
        Whether costs are as if all labels were equally common, so that none gains by being rare.

    Returns
    -------
    ndarray, shape (k, k)
        Costs; symmetric, negative where labels draw each other.

    References
    ----------
    Krähenbühl and Koltun (2011), Efficient inference in fully connected CRFs with Gaussian edge potentials, learn such a matrix, too, by likelihood.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc

    Sky (0) lies beside trees (1), and these beside ground (2), but sky hardly ever beside ground.

    >>> labelled = np.repeat([[0], [0], [1], [1], [2], [2]], 8, axis=1)
    >>> costs = lc.image.learned_compat(labelled)
    >>> costs.round(1)
    array([[-0.8,  0.5,  3.4],
           [ 0.5, -0.5,  0.5],
           [ 3.4,  0.5, -0.8]])
    >>> photo = np.repeat([[250], [240], [120], [110], [60], [50]], 8, axis=1).astype(np.uint8)
    >>> noisy = labelled.copy()
    >>> noisy[0, 2:4] = 2
    >>> clean = lc.image.dense_crf(photo, noisy, spatial=5, smooth=1, smooth_weight=costs)
    >>> (clean.labels == labelled).all().item()
    True
    """
    pictures = [np.asarray(x) for x in labels] if isinstance(labels, (list, tuple)) and np.ndim(labels[0]) == 2 else [np.asarray(labels)]
    for own in pictures:
        if own.ndim != 2 or own.dtype.kind not in "iu":
            raise ValueError(f"labels has shape {own.shape} and holds {own.dtype}; give whole numbers (height, width), or a list of such pictures")
    # One below the other, with a row of no label between.
    shape = (sum(len(own) + 1 for own in pictures), max(own.shape[1] for own in pictures))
    sheet, top = np.full(shape, -1, dtype=np.int64), 0
    for own in pictures:
        sheet[top : top + len(own), : own.shape[1]] = own
        top += len(own) + 1
    if sheet.max(initial=-1) < 1 and n_labels is None:
        raise ValueError("labels must be whole numbers from 0, with -1 for none, and at least two labels")
    for name, given in (("weight", weight), ("prior", prior)):
        if not 0.0 < _arrays.number(given, name) < np.inf:
            raise ValueError(f"{name}={given} must be a positive finite number")
    ratios = label_compatibility(sheet.ravel(), LabelGraph.grid(shape, diagonal=True), n_labels=n_labels, prior=prior, balanced=balanced)
    costs: Array = -weight * np.log(ratios)
    return costs


def compat_of(compat: Any) -> Any:
    """A Potts weight as a number, costs as a matrix: one row where only equal labels cost."""
    if isinstance(compat, numbers.Real):
        return float(compat)
    costs = np.atleast_2d(_arrays.numbers(compat, "compat")).astype(np.float64)
    if costs.ndim != 2 or len(costs) not in (1, costs.shape[1]):
        raise ValueError(f"compat has shape {costs.shape}; it must be one number, one for each label, or one for each two labels")
    return np.ascontiguousarray(costs)


def dense_crf(
    image: npt.ArrayLike,
    labels: npt.ArrayLike,
    n_iter: int = 5,
    *,
    spatial: float | Sequence[float] = 80.0,
    range: float | Sequence[float] | None = None,
    weight: float | npt.ArrayLike = 10.0,
    smooth: float | Sequence[float] = 3.0,
    smooth_weight: float | npt.ArrayLike = 3.0,
    confidence: float = 0.7,
    void: int | None = None,
    normalization: Literal["none", "before", "after", "symmetric"] = "symmetric",
    tolerance: float = 0.01,
    data_range: float | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Relabeled:
    """Cleans the labels of a picture's pixels: near pixels of like colour are to have one label.

    Mean-field inference in a fully connected conditional random field. Every pixel hears of every other: by distance alone
    within `smooth`, and by distance and colour within `spatial` and `range`.

    Parameters
    ----------
    image : array_like, shape (height, width), (height, width, channels) or (frames, height, width, channels)
        The picture, in the numbers that `range` counts.
    labels : array_like of int, shape (height, width), or of float, shape (height, width, k)
        Labels from 0, -1 (or `void`) where none is known; or the probabilities of k labels, of which those below 1e-5 count as that. With frames, (frames, height, width) and so on.
    n_iter : int, default 5
        Number of steps.
    spatial, range : float or sequence of float
        Bandwidths in pixels (one, or one for each axis of the labels: rows, columns) and in colour (one, or one for each channel), in the
        picture's numbers; by default 13 of 255 in colour.
    weight : float or array_like, default 10
        How much equal labels are drawn together there; or costs ``(k,)`` of equal labels, or ``(k, k)`` of any two. Of a matrix that is not
        symmetric the mean with its transpose counts: pairs of pixels have no direction.
    smooth : float or sequence of float, default 3
        Bandwidth of the term of places alone.
    smooth_weight : float or array_like, default 3
        Its weight; 0 leaves the term out. Or costs, as of `weight`, such as `learned_compat` learns from pictures that are labelled.
    confidence : float, default 0.7
        How likely a given label is right; the rest is shared by the others. For labels that are numbers. It must be above ``1 / k`` for k
        labels: there a label says nothing, and below it speaks against itself.
    void : int, optional
        A label beside -1 that says that none is known, such as 255 of many data sets. -1 says that 255 is a label as others are.
    normalization : {"symmetric", "after", "before", "none"}
        How the weights of pairs are scaled by their sums.
    tolerance : float, default 0.01
        What the weight of a pair, at most 1, may be off by; 0 is exact and takes all pairs of pixels.
    data_range : float, optional
        White in the picture's numbers: 65535 for uint16, 1 for floats, else 255 by default. Only the default of `range` depends on it.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    Relabeled
        Labels and probabilities.

    References
    ----------
    Krähenbühl and Koltun (2011), Efficient inference in fully connected CRFs with Gaussian edge potentials.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> picture = np.repeat([[10, 14, 12, 200, 204]], 3, axis=0).astype(np.uint8)
    >>> noisy = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 1, 1], [0, 1, 0, 0, 1]])
    >>> lc.image.dense_crf(picture, noisy, spatial=5, confidence=0.7).labels[2].tolist()
    [0, 0, 0, 1, 1]
    """
    p = probabilities(labels, confidence, void)
    shape = p.shape[:-1]
    pixels = _arrays.numbers(image, "image")
    if pixels.shape != shape and pixels.shape[:-1] != shape and p.shape in (pixels.shape, pixels.shape[:-1]):
        kind = np.asarray(labels).dtype
        raise ValueError(
            f"labels holds {kind} of shape {p.shape}, one for each pixel; give labels as whole numbers, labels.astype(int), "
            "or probabilities with one more axis, one for each label"
        )
    if pixels.shape == shape:
        pixels = pixels[..., None]
    if pixels.shape[:-1] != shape:
        raise ValueError(f"image has shape {pixels.shape}, but labels are of {shape} pixels; they must be the same pixels")
    channels = pixels.shape[-1]
    if range is None:
        kind = np.asarray(image).dtype
        if kind.kind == "f" or data_range is not None:
            full = white(pixels, False, 1.0 if data_range is None else data_range, "range, or data_range (255 for the range of 8 bits)")
        else:
            full = 65535.0 if kind == np.uint16 else 255.0
        range = 13 / 255 * full
    unary = -np.log(np.maximum(p, 1e-5)).astype(np.float32).reshape(-1, p.shape[-1])
    colors = np.ascontiguousarray(centred(pixels.reshape(-1, channels)), dtype=np.float32)
    grid, z = list(shape), normalization
    axes = len(shape)
    terms: list[FieldTerm] = [
        (grid, lengths(spatial, "spatial", axes), colors, lengths(range, "range", channels), compat_of(weight), z)
    ]
    if np.any(smooth_weight):
        terms.append((grid, lengths(smooth, "smooth", axes), None, [], compat_of(smooth_weight), z))
    threads = _arrays.threads(n_jobs)
    field = DenseCrfField(unary, terms, _arrays.number(tolerance, "tolerance"), threads)
    found, change = field.inference(_arrays.count(n_iter, "n_iter"), threads, progress)
    return Relabeled(found.argmax(axis=1).reshape(shape), found.reshape(p.shape), change)


#: What data sets call pixels that nobody has labelled.
_UNLABELLED = 255


def probabilities(labels: npt.ArrayLike, confidence: float, void: int | None = None) -> Array:
    """Probabilities ``[.., k]`` of labels that are numbers, or as they come."""
    given = np.asarray(labels)
    if given.dtype.kind == "f":
        if given.ndim < 2 or given.size == 0:
            raise ValueError(f"labels has shape {given.shape}; probabilities are (height, width, k)")
        if not (np.isfinite(given).all() and (given >= 0.0).all()):
            raise ValueError("labels has probabilities that are negative, NaN or infinite")
        return given
    if given.dtype.kind not in "iu":
        raise TypeError(f"labels holds {given.dtype}; give labels as whole numbers, or probabilities as floats")
    given = given.astype(np.int64)
    if void is not None:
        given[given == void] = -1
    elif given.size and given.max() == _UNLABELLED and len(np.unique(given)) < _UNLABELLED // 2:
        raise ValueError(
            "labels has 255, which mostly says that nothing is known, and few others; pass void=255 if it does, or void=-1 if it is "
            "the 256th label"
        )
    if given.size == 0 or given.min() < -1 or given.max() < 1:
        raise ValueError("labels must be whole numbers from 0, with -1 for none, and at least two labels")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence={confidence} must be above 0 and below 1")
    k = int(given.max()) + 1
    if confidence * k <= 1.0:
        raise ValueError(
            f"confidence={confidence} must be above 1/{k}, the chance of a guess among {k} labels; choose for instance 0.7"
        )
    p = np.full((*given.shape, k), (1.0 - confidence) / (k - 1))
    known = given >= 0
    p[known, given[known]] = confidence
    p[~known] = 1.0 / k
    return p
