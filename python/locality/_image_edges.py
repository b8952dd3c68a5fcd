"""Edges of pictures: gradient and confidence maps, and the weights made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from . import _arrays
from ._arrays import Array
from ._core import image_edges
from ._pictures import Progress, stack


@dataclass(frozen=True)
class EdgeWeights:
    """How edges weigh pixels and keep regions apart, with EDISON's names (Christoudias, Georgescu and Meer 2002).

    The edge strength of a pixel is ``mixture * rho + (1 - mixture) * eta``: `rho` is the rank of its gradient's size in the
    picture and `eta` the likeness of the window around it to an ideal step edge (Meer and Georgescu 2001). A pixel counts with 1
    minus its edge strength; regions are not fused where their boundary's mean strength reaches the threshold.

    Parameters
    ----------
    gradient_window_radius : int, default 2
        Windows have twice as many rows and columns, and one.
    mixture : float, default 0.3
        The gradient's share, from 0 to 1 (EDISON's a_ij).
    edge_strength_threshold : float, default 0.3
        From 0 to 1.
    """

    gradient_window_radius: int = 2
    mixture: float = 0.3
    edge_strength_threshold: float = 0.3

    def _numbers(self) -> tuple[int, float, float]:
        return (
            _arrays.count(self.gradient_window_radius, "gradient_window_radius"),
            _arrays.number(self.mixture, "mixture"),
            _arrays.number(self.edge_strength_threshold, "edge_strength_threshold"),
        )


@dataclass(frozen=True, eq=False)
class EdgeMaps:
    """What `edge_maps` finds at each pixel, all from 0 to 1 and high at edges.

    Attributes
    ----------
    gradient : ndarray
        The rank of the gradient's size.
    confidence : ndarray
        The likeness of the window to an ideal step edge.
    weight : ndarray
        The edge strength, mixed of both: EDISON's weight map. It is the weight of the edge, not of the pixel, which counts with 1 minus it.
    """

    gradient: Array
    confidence: Array
    weight: Array


def edge_maps(
    image: npt.ArrayLike,
    weights: EdgeWeights | None = None,
    *,
    alpha: bool | None = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> EdgeMaps:
    """The gradient, confidence and edge strength of each pixel, as in EDISON; see `EdgeWeights`.

    Parameters
    ----------
    image, alpha, n_jobs, progress
        As in `mean_shift_filter`.
    weights : EdgeWeights, optional
        Its threshold is of no effect here.

    Returns
    -------
    EdgeMaps
    """
    pixels, shape, alpha, frames = stack(image, alpha)
    radius, mixture, _ = (weights or EdgeWeights())._numbers()
    maps = image_edges(pixels, radius, mixture, alpha, frames, _arrays.threads(n_jobs), progress)
    plane = shape[:3] if len(shape) == 4 else shape[:2]
    return EdgeMaps(*(m.reshape(plane) for m in maps))


def edge_numbers(edges: EdgeWeights | bool) -> tuple[int, float, float] | None:
    """The numbers of edge weights, if there are to be any."""
    if isinstance(edges, EdgeWeights):
        return edges._numbers()
    return EdgeWeights()._numbers() if edges else None
