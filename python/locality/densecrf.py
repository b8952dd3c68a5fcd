"""Fully connected conditional random fields with Gaussian pairwise terms, under the names of ``pydensecrf``.

``import locality.densecrf as dcrf`` stands in for ``import pydensecrf.densecrf as dcrf``, and its `unary_from_softmax`, `unary_from_labels`,
`compute_unary`, `softmax_to_unary`, `create_pairwise_gaussian` and `create_pairwise_bilateral` for those of ``pydensecrf.utils``. Messages are sums with a stated
tolerance instead of a permutohedral lattice, so probabilities are nearer to the formula's. `locality.image.dense_crf` does the same in one
call.

References
----------
Krähenbühl and Koltun (2011), Efficient inference in fully connected CRFs with Gaussian edge potentials.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import DenseCrfField
from ._crf import FieldTerm, centred, compat_of, learned_compat, lengths

__all__ = [
    "CONST_KERNEL",
    "DIAG_KERNEL",
    "FULL_KERNEL",
    "NORMALIZE_AFTER",
    "NORMALIZE_BEFORE",
    "NORMALIZE_SYMMETRIC",
    "NO_NORMALIZATION",
    "DenseCRF",
    "DenseCRF2D",
    "compute_unary",
    "create_pairwise_bilateral",
    "create_pairwise_gaussian",
    "learned_compat",
    "softmax_to_unary",
    "unary_from_labels",
    "unary_from_softmax",
]


class KernelType(IntEnum):
    """Which of a kernel's numbers could be learnt; inference is the same under all."""

    CONST_KERNEL = 0
    DIAG_KERNEL = 1
    FULL_KERNEL = 2


class NormalizationType(IntEnum):
    """How the weights of pairs are scaled by the sums of an object's weights."""

    NO_NORMALIZATION = 0
    NORMALIZE_BEFORE = 1
    NORMALIZE_AFTER = 2
    NORMALIZE_SYMMETRIC = 3


CONST_KERNEL, DIAG_KERNEL, FULL_KERNEL = KernelType
NO_NORMALIZATION, NORMALIZE_BEFORE, NORMALIZE_AFTER, NORMALIZE_SYMMETRIC = NormalizationType
_NAMES = ("none", "before", "after", "symmetric")

Compat = float | npt.ArrayLike


class DenseCRF:
    """A fully connected conditional random field over any objects, with pydensecrf's methods.

    Parameters
    ----------
    nvar : int
        Number of objects.
    nlabels : int
        Number of labels.
    tolerance : float, default 0.01
        What the weight of a pair, at most 1, may be off by; 0 is exact and takes all pairs where features are more than places.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.

    Examples
    --------
    >>> import numpy as np
    >>> import locality.densecrf as dcrf
    >>> grey = np.array([[0.0, 2.0, 1.0, 90.0, 91.0]]) / 5.0
    >>> p = np.array([[0.9, 0.8, 0.4, 0.2, 0.1], [0.1, 0.2, 0.6, 0.8, 0.9]])
    >>> d = dcrf.DenseCRF(5, 2)
    >>> d.setUnaryEnergy(dcrf.unary_from_softmax(p))
    >>> d.addPairwiseEnergy(grey, compat=3)
    >>> d.inference(5).argmax(axis=0).tolist()
    [0, 0, 0, 1, 1]
    """

    def __init__(self, nvar: int, nlabels: int, *, tolerance: float = 0.01, n_jobs: int | None = None) -> None:
        self._n, self._k = _arrays.count(nvar, "nvar"), _arrays.count(nlabels, "nlabels")
        if self._n == 0 or self._k == 0:
            raise ValueError(f"nvar={nvar} and nlabels={nlabels} must be at least 1")
        self._tolerance, self._n_jobs = _arrays.number(tolerance, "tolerance"), n_jobs
        self._unary: Array | None = None
        self._terms: list[FieldTerm] = []
        self._made: DenseCrfField | None = None

    def setUnaryEnergy(self, u: npt.ArrayLike) -> None:
        """Sets the unary energies.

        Parameters
        ----------
        u : array_like, shape (nlabels, nvar)
            Such as ``-log`` of probabilities. float32 is computed in float32.
        """
        unary = self._of_objects(u, "u")
        if not np.isfinite(unary).all():
            raise ValueError(
                "u has energies that are infinite or NaN, such as -log(0); clip probabilities from below before the logarithm, as "
                "unary_from_softmax does"
            )
        self._unary, self._made = unary, None

    def addPairwiseEnergy(
        self,
        features: npt.ArrayLike,
        compat: Compat,
        kernel: int = DIAG_KERNEL,
        normalization: int = NORMALIZE_SYMMETRIC,
    ) -> None:
        """Adds a pairwise term ``exp(-|f_i - f_j|^2 / 2)``.

        Parameters
        ----------
        features : array_like, shape (d, nvar)
            Features in bandwidths.
        compat : float, array_like of shape (nlabels,) or (nlabels, nlabels)
            A Potts weight: equal labels are cheaper by so much. Or what equal labels cost, or any two labels, such as `learned_compat`
            learns from pictures that are labelled: ``addPairwiseGaussian(3, compat=learned_compat(labels))``. Of a matrix that is not
            symmetric the mean with its transpose counts: pairs of objects have no direction.
        kernel : int
            Taken and left aside.
        normalization : int
            ``NO_NORMALIZATION``, ``NORMALIZE_BEFORE``, ``NORMALIZE_AFTER`` or ``NORMALIZE_SYMMETRIC``.
        """
        rows = _arrays.numbers(features, "features")
        if rows.ndim != 2 or rows.shape[1] != self._n:
            raise ValueError(f"features has shape {rows.shape}; it must be (d, {self._n}), a column for each object")
        self._add((None, [], np.ascontiguousarray(rows.T), [1.0] * len(rows), compat_of(compat), _normal(normalization)))

    def inference(self, niter: int) -> Array:
        """Mean-field inference.

        Parameters
        ----------
        niter : int
            Number of steps.

        Returns
        -------
        ndarray, shape (nlabels, nvar)
            The probability of each label at each object.
        """
        found, _ = self._field().inference(_arrays.count(niter, "niter"), self._threads())
        return np.ascontiguousarray(found.T)

    def startInference(self) -> tuple[Array, Array, Array]:
        """The probabilities of the unary energies alone, ``(nlabels, nvar)``, and two arrays that pydensecrf's callers hand on."""
        start = np.ascontiguousarray(self._field().start().T)
        return start, np.zeros_like(start), np.zeros_like(start)

    def stepInference(self, Q: Array, tmp1: Array | None = None, tmp2: Array | None = None) -> None:
        """One step of inference, in place.

        Parameters
        ----------
        Q : ndarray, shape (nlabels, nvar)
            As `startInference` returns it.
        tmp1, tmp2 : ndarray, optional
            Taken and left aside.
        """
        Q[...] = self._field().step(self._rows(Q), self._threads()).T

    def klDivergence(self, Q: npt.ArrayLike) -> float:
        """The divergence of the field from `Q`, up to a constant.

        Parameters
        ----------
        Q : array_like, shape (nlabels, nvar)
            Probabilities.

        Returns
        -------
        float
            As pydensecrf counts: each pair of objects twice. `freeEnergy` counts it once.
        """
        entropy, unary, pairwise = self._field().free_energy(self._rows(Q), self._threads())
        return entropy + unary + pairwise

    def freeEnergy(self, Q: npt.ArrayLike) -> float:
        """The same with each pair counted once: what mean-field inference lowers."""
        entropy, unary, pairwise = self._field().free_energy(self._rows(Q), self._threads())
        return entropy + unary + 0.5 * pairwise

    def _add(self, term: FieldTerm) -> None:
        self._terms.append(term)
        self._made = None

    def _of_objects(self, values: npt.ArrayLike, name: str) -> Array:
        """Values ``(nlabels, nvar)`` as rows of objects."""
        array = _arrays.like(values, name, (self._k, self._n))
        return np.ascontiguousarray(array.T)

    def _rows(self, Q: npt.ArrayLike) -> Array:
        rows = self._of_objects(Q, "Q")
        return rows if self._unary is None else rows.astype(self._unary.dtype, copy=False)

    def _threads(self) -> int:
        return _arrays.threads(self._n_jobs)

    def _field(self) -> DenseCrfField:
        if self._made is None:
            unary = self._unary
            if unary is None:
                raise ValueError("there are no unary energies, without which every label is as good; call setUnaryEnergy first")
            terms = [(s, h, None if f is None else centred(f).astype(unary.dtype), r, c, z) for s, h, f, r, c, z in self._terms]
            self._made = DenseCrfField(unary, terms, self._tolerance, self._threads())
        return self._made


class DenseCRF2D(DenseCRF):
    """The same over the pixels of a picture, row after row.

    Parameters
    ----------
    w, h : int
        Width and height in pixels.
    nlabels : int
        Number of labels.
    tolerance, n_jobs
        As in `DenseCRF`.

    Examples
    --------
    >>> import numpy as np
    >>> import locality.densecrf as dcrf
    >>> picture = np.repeat([[[10], [12], [11], [200], [205]]], 3, axis=2).astype(np.uint8)
    >>> d = dcrf.DenseCRF2D(5, 1, 2)
    >>> d.setUnaryEnergy(dcrf.unary_from_labels(np.array([0, 0, 1, 1, 1]), 2, 0.7, zero_unsure=False))
    >>> d.addPairwiseGaussian(sxy=1, compat=0.5)
    >>> d.addPairwiseBilateral(sxy=5, srgb=13, rgbim=picture, compat=3)
    >>> d.inference(5).argmax(axis=0).tolist()
    [0, 0, 0, 1, 1]
    """

    def __init__(self, w: int, h: int, nlabels: int, *, tolerance: float = 0.01, n_jobs: int | None = None) -> None:
        self._shape = [_arrays.count(h, "h"), _arrays.count(w, "w")]
        super().__init__(self._shape[0] * self._shape[1], nlabels, tolerance=tolerance, n_jobs=n_jobs)

    def addPairwiseGaussian(
        self,
        sxy: float | Sequence[float],
        compat: Compat,
        kernel: int = DIAG_KERNEL,
        normalization: int = NORMALIZE_SYMMETRIC,
    ) -> None:
        """Adds a term of the pixels' places.

        Parameters
        ----------
        sxy : float or (float, float)
            Bandwidths along x and y, in pixels.
        compat, kernel, normalization
            As in `addPairwiseEnergy`.
        """
        x, y = lengths(sxy, "sxy", 2)
        self._add((self._shape, [y, x], None, [], compat_of(compat), _normal(normalization)))

    def addPairwiseBilateral(
        self,
        sxy: float | Sequence[float],
        srgb: float | Sequence[float],
        rgbim: npt.ArrayLike,
        compat: Compat,
        kernel: int = DIAG_KERNEL,
        normalization: int = NORMALIZE_SYMMETRIC,
    ) -> None:
        """Adds a term of the pixels' places and colours.

        Parameters
        ----------
        sxy : float or (float, float)
            Bandwidths along x and y, in pixels.
        srgb : float or one for each channel
            Bandwidths of the colours.
        rgbim : array_like, shape (h, w, channels)
            The picture; any number of channels.
        compat, kernel, normalization
            As in `addPairwiseEnergy`.
        """
        picture = _arrays.numbers(rgbim, "rgbim")
        if picture.ndim != 3 or list(picture.shape[:2]) != self._shape:
            raise ValueError(f"rgbim has shape {picture.shape}; it must be ({self._shape[0]}, {self._shape[1]}, channels)")
        x, y = lengths(sxy, "sxy", 2)
        colors = np.ascontiguousarray(picture.reshape(self._n, -1))
        ranges = lengths(srgb, "srgb", colors.shape[1])
        self._add((self._shape, [y, x], colors, ranges, compat_of(compat), _normal(normalization)))


def _normal(normalization: int) -> str:
    if normalization not in range(4):
        raise ValueError(f"normalization={normalization!r} is none of NO_NORMALIZATION, NORMALIZE_BEFORE, NORMALIZE_AFTER, NORMALIZE_SYMMETRIC")
    return _NAMES[normalization]


def unary_from_softmax(sm: npt.ArrayLike, scale: float | None = None, clip: float | None = 1e-5) -> Array:
    """Unary energies ``-log p`` from a classifier's probabilities.

    Parameters
    ----------
    sm : array_like, shape (nlabels, ...)
        Probabilities.
    scale : float, optional
        How far to trust them, above 0 and up to 1: ``p`` becomes ``scale p + (1 - scale) / nlabels``.
    clip : float, default 1e-5
        The least probability; with None a probability of 0 has an infinite energy, which no field takes.

    Returns
    -------
    ndarray of float32, shape (nlabels, nvar)
    """
    p = _arrays.numbers(sm, "sm")
    if scale is not None:
        if not 0.0 < scale <= 1.0:
            raise ValueError(f"scale={scale} must be above 0 and at most 1")
        p = scale * p + (1.0 - scale) / len(p)
    if clip is not None:
        p = np.clip(p, clip, 1.0)
    return np.asarray(-np.log(p).reshape(len(p), -1), dtype=np.float32)


def unary_from_labels(
    labels: npt.ArrayLike, n_labels: int, gt_prob: float, zero_unsure: bool = True, *, void: int | None = None
) -> Array:
    """Unary energies from labels that are right with a given probability.

    Parameters
    ----------
    labels : array_like of int
        Labels of any shape.
    n_labels : int
        Number of labels, without the 0 of `zero_unsure`.
    gt_prob : float
        The probability that a label is right, above 0 and below 1.
    zero_unsure : bool, default True
        Whether 0 says that nothing is known, and labels count from 1.
    void : int, optional
        One more label that says that nothing is known, such as 255.

    Returns
    -------
    ndarray of float32, shape (n_labels, nvar)
    """
    if not 0.0 < gt_prob < 1.0:
        raise ValueError(f"gt_prob={gt_prob} must be above 0 and below 1")
    if n_labels < 2:
        raise ValueError(f"n_labels={n_labels} must be at least 2")
    given, most = np.asarray(labels).ravel(), n_labels - 1 + int(zero_unsure)
    if given.dtype.kind not in "iu":
        raise TypeError(f"labels holds {given.dtype}, but labels must be whole numbers from 0 to {most}; labels.astype(int) makes such of them")
    # Unsigned numbers have nothing below 0 to stand for what is not known.
    own = given.astype(np.int64)
    unsure = np.zeros(len(own), dtype=bool) if void is None else own == void
    wrong = own[~unsure & ((own < 0) | (own > most))]
    if len(wrong):
        hint = f"; void={wrong[0]} says that nothing is known there" if void is None else ""
        raise ValueError(f"labels has {wrong[0]}, but labels must be whole numbers from 0 to {most}{hint}")
    own -= int(zero_unsure)
    unsure |= own < 0
    own[unsure] = 0
    unary = np.full((n_labels, len(own)), -np.log((1.0 - gt_prob) / (n_labels - 1)), dtype=np.float32)
    unary[own, np.arange(len(own))] = -np.log(gt_prob)
    unary[:, unsure] = np.log(n_labels)
    return unary


def compute_unary(labels: npt.ArrayLike, M: int, GT_PROB: float = 0.5) -> Array:
    """`unary_from_labels` under its first name.

    Parameters
    ----------
    labels : array_like of int
        Labels of any shape, counted from 1; 0 where nothing is known.
    M : int
        Number of labels, without the 0.
    GT_PROB : float, default 0.5
        The probability that a label is right.

    Returns
    -------
    ndarray of float32, shape (M, nvar)
    """
    return unary_from_labels(labels, M, GT_PROB)


def softmax_to_unary(sm: npt.ArrayLike, GT_PROB: float = 1.0) -> Array:
    """`unary_from_softmax` under its first name; probabilities of 0 count as 1e-5, so that energies stay finite.

    Parameters
    ----------
    sm : array_like, shape (nlabels, ...)
        Probabilities.
    GT_PROB : float, default 1
        How far to trust them.

    Returns
    -------
    ndarray of float32, shape (nlabels, nvar)
    """
    return unary_from_softmax(sm, None if GT_PROB == 1.0 else GT_PROB)


def create_pairwise_gaussian(sdims: Sequence[float], shape: Sequence[int]) -> Array:
    """Places of a grid in bandwidths, for `DenseCRF.addPairwiseEnergy`.

    Parameters
    ----------
    sdims : sequence of float
        A bandwidth for each axis.
    shape : sequence of int
        The grid.

    Returns
    -------
    ndarray of float32, shape (axes, nvar)
    """
    places = np.indices(tuple(shape), dtype=np.float32).reshape(len(shape), -1)
    return places / np.asarray(lengths(sdims, "sdims", len(shape)), dtype=np.float32)[:, None]


def create_pairwise_bilateral(sdims: Sequence[float], schan: float | Sequence[float], img: Any, chdim: int = -1) -> Array:
    """Places and colours in bandwidths, for `DenseCRF.addPairwiseEnergy`.

    Parameters
    ----------
    sdims : sequence of float
        A bandwidth for each axis.
    schan : float or sequence of float
        Bandwidths of the channels.
    img : array_like
        A picture or volume.
    chdim : int, default -1
        The axis of the channels; -1 says that there is none.

    Returns
    -------
    ndarray of float32, shape (axes + channels, nvar)
    """
    array = np.asarray(img, dtype=np.float64)
    channels = array[None] if chdim == -1 else np.moveaxis(array, chdim, 0)
    colors = channels.reshape(len(channels), -1)
    colors = colors / np.asarray(lengths(schan, "schan", len(colors)))[:, None]
    return np.concatenate([create_pairwise_gaussian(sdims, channels.shape[1:]), colors.astype(np.float32)])


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
