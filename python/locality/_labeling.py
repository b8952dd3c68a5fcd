"""Labels by agreement on a graph: relaxation labeling, learnt compatibilities, iterated local modes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from ._arrays import Array
from ._core import Kernel
from ._pictures import Progress


class LabelGraph:
    """Who hears of whom, and how much: a sparse matrix of weights that are not negative.

    Made by `grid`, `nearest`, `within` or `edges`, or from a sparse matrix.

    Parameters
    ----------
    weights : sparse matrix or array of SciPy, shape (n, n)
        The weight with which object ``i`` hears of object ``j`` in row ``i``, column ``j``; entries that are given several times add up.

    Attributes
    ----------
    indptr, indices : ndarray of int
        The neighbours of object ``i`` are ``indices[indptr[i]:indptr[i + 1]]``, ascending, as in SciPy's CSR matrices.
    weights : ndarray
        The weights of these neighbours.

    Examples
    --------
    >>> import locality as lc
    >>> graph = lc.LabelGraph.grid((2, 3))
    >>> graph
    LabelGraph(6 objects, 14 edges)
    >>> graph.indices[graph.indptr[4]:graph.indptr[5]].tolist()
    [1, 3, 5]
    """

    def __init__(self, weights: Any) -> None:
        made = weights if isinstance(weights, _core.LabelGraph) else _of_sparse(weights, "weights")
        self._made = made
        self.indptr, self.indices, self.weights = made.state()

    @classmethod
    def grid(cls, shape: Sequence[int], diagonal: bool = False, *, step: Sequence[int] | None = None) -> LabelGraph:
        """The places of a grid, the last axis fastest, each hearing of its neighbours with weight 1.

        Parameters
        ----------
        shape : sequence of int
            ``(height, width)`` for a picture, ``(depth, height, width)`` for a volume.
        diagonal : bool, default False
            Whether places that touch at a corner are neighbours: 8 instead of 4 in a picture.
        step : sequence of int, optional
            Hear only of the place that lies so many places on along each axis: ``(1, 0)`` is the pixel below. One kind of edges, for
            `relaxation_labeling`, which takes several; `transposed` are the edges the other way.

        Returns
        -------
        LabelGraph
        """
        if step is not None:
            if diagonal:
                raise ValueError("diagonal=True and step are two ways to choose neighbours; give one of them")
            steps = [operator.index(by) for by in step]
            return cls(_core.LabelGraph.stepped([_arrays.count(n, "shape") for n in shape], steps))
        return cls(_core.LabelGraph.grid([_arrays.count(n, "shape") for n in shape], bool(diagonal)))

    @classmethod
    def nearest(
        cls,
        X: npt.ArrayLike,
        n_neighbors: int = 7,
        kernel: Kernel | str | None = None,
        *,
        symmetric: bool = True,
        n_jobs: int | None = None,
    ) -> LabelGraph:
        """The nearest other samples of each.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        n_neighbors : int, default 7
            Number of neighbours.
        kernel : Kernel or str, optional
            Their weight by distance, such as ``"gaussian(h=0.5)"``; 1 without.
        symmetric : bool, default True
            Whether two samples hear each other alike, by the mean of their weights.
        n_jobs : int, optional
            Number of threads; every core by default.

        Returns
        -------
        LabelGraph
        """
        k, sites = _arrays.count(n_neighbors, "n_neighbors"), _arrays.sites(X, "X")
        if not 1 <= k < len(sites):
            raise ValueError(
                f"n_neighbors={k} must be at least 1 and below the number of samples, {len(sites)}: a sample is no neighbour of its own"
            )
        made = _core.LabelGraph.nearest(sites, k, kernel, _arrays.threads(n_jobs))
        return cls(made.symmetric() if symmetric else made)

    @classmethod
    def within(
        cls, X: npt.ArrayLike, radius: float, kernel: Kernel | str | None = None, *, n_jobs: int | None = None
    ) -> LabelGraph:
        """All other samples within a radius of each.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Samples.
        radius : float
            How far to look.
        kernel : Kernel or str, optional
            Their weight by distance; 1 without.
        n_jobs : int, optional
            Number of threads; every core by default.

        Returns
        -------
        LabelGraph
        """
        sites, radius = _arrays.sites(X, "X"), _arrays.number(radius, "radius")
        return cls(_core.LabelGraph.within(sites, radius, kernel, _arrays.threads(n_jobs)))

    @classmethod
    def edges(cls, n: int, edges: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> LabelGraph:
        """From a list of edges.

        Parameters
        ----------
        n : int
            Number of objects.
        edges : array_like of int, shape (e, 2)
            An empty list is no edge. Object ``edges[:, 0]`` hears of ``edges[:, 1]``.
        weights : array_like, shape (e,), optional
            Weights, 1 without; those of an edge that is given several times add up.

        Returns
        -------
        LabelGraph
        """
        pairs = np.asarray(edges)
        if pairs.size == 0:
            pairs = np.empty((0, 2), dtype=np.int64)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu" or (pairs < 0).any():
            raise ValueError(f"edges has shape {pairs.shape} and holds {pairs.dtype}; it must be (e, 2) whole numbers from 0")
        w = np.ones(len(pairs)) if weights is None else _arrays.like(weights, "weights", (len(pairs),))
        return cls(_core.LabelGraph.edges(_arrays.count(n, "n"), pairs[:, 0].tolist(), pairs[:, 1].tolist(), w.tolist()))

    def symmetric(self) -> LabelGraph:
        """The mean of the graph and its transpose."""
        return LabelGraph(self._made.symmetric())

    def transposed(self) -> LabelGraph:
        """The same edges the other way: who was heard now hears."""
        return LabelGraph(self._made.transposed())

    def reached(self, known: npt.ArrayLike) -> Array:
        """Which objects hear of some of the known ones, be it by way of others.

        Parameters
        ----------
        known : array_like of bool, shape (n,)
            Such as ``y >= 0`` for labels of which -1 is unknown.

        Returns
        -------
        ndarray of bool, shape (n,)
            The known ones are among them. Weights of zero do not count.

        Examples
        --------
        >>> import locality as lc
        >>> lc.LabelGraph.edges(4, [[0, 1], [1, 2], [3, 0]]).reached([False, True, False, False]).tolist()
        [True, True, False, True]
        """
        mask = np.asarray(known)
        if mask.dtype != np.bool_ or mask.shape != (len(self),):
            raise ValueError(f"known has shape {mask.shape} and holds {mask.dtype}; it must be ({len(self)},) booleans, one for each object")
        return np.array(self._made.reached(mask.tolist()), dtype=bool)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return f"LabelGraph({len(self)} objects, {len(self.indices)} edges)"

    def __reduce__(self) -> tuple[object, tuple[int, Array, Array]]:
        rows = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        return LabelGraph.edges, (len(self), np.column_stack([rows, self.indices]), self.weights)


def _is_sparse(x: Any) -> bool:
    return type(x).__module__.startswith("scipy.sparse")


def _of_sparse(x: Any, name: str) -> _core.LabelGraph:
    """The extension's graph of a sparse matrix of weights."""
    if not _is_sparse(x):
        raise TypeError(f"{name} is {type(x).__name__}; give a LabelGraph, such as LabelGraph.nearest(X), or a sparse matrix of weights of SciPy")
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise ValueError(f"{name} is a sparse matrix of shape {x.shape}; it must have a row and a column for each object")
    entries = x.tocoo()
    weights = _arrays.numbers(entries.data, name).astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if len(bad):
        at = bad[0]
        raise ValueError(f"{name} has {weights[at]} in row {entries.row[at]}, column {entries.col[at]}; weights must be finite and not negative")
    return _core.LabelGraph.edges(x.shape[0], entries.row.tolist(), entries.col.tolist(), weights.tolist())


def _graph(x: Any, name: str = "graph") -> _core.LabelGraph:
    """The extension's graph of what a user calls one."""
    return x._made if isinstance(x, LabelGraph) else _of_sparse(x, name)


@dataclass(frozen=True, eq=False)
class Labeling:
    """What relaxation found.

    Attributes
    ----------
    distributions : ndarray, shape (n, k)
        The distribution of each object over the labels.
    labels : ndarray of int, shape (n,)
        The likeliest label of each.
    consistency : ndarray
        The average local consistency before the first round and after each.
    settled : bool
        Whether the last round moved no probability by more than the tolerance.
    """

    distributions: Array
    labels: Array
    consistency: Array
    settled: bool

    def __repr__(self) -> str:
        n, k = self.distributions.shape
        return f"Labeling({n} objects, {k} labels, {len(self.consistency) - 1} rounds)"


Step = Literal["product", "gradient"]


def relaxation_labeling(
    distributions: npt.ArrayLike,
    graph: LabelGraph | Sequence[LabelGraph],
    compatibility: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    *,
    seeds: npt.ArrayLike | None = None,
    start: npt.ArrayLike | None = None,
    step: Step = "product",
    length: float | None = None,
    max_iter: int = 100,
    tol: float = 1e-6,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Labeling:
    """Relaxes distributions over labels until neighbours agree.

    Parameters
    ----------
    distributions : array_like, shape (n, k)
        The first distribution of each object; rows sum up to 1. Where nothing is known of an object give ``1 / k`` rather than the shares of the
        labels: a common label would gain by its share alone in every round.
    graph : LabelGraph, sparse matrix of SciPy, or a sequence of these
        Who hears of whom. Several are edges of several kinds over the same objects, such as neighbours in a row and in a column.
    compatibility : array_like, shape (k, k), or one for each of several graphs, optional
        How well label a goes with a neighbour of label b, such as `label_compatibility` learns; by default equal labels go together and others
        do not.
    seeds : array_like, shape (n,), optional
        How much each object hears its own first distribution beside its neighbours: 0 is no seed, infinity holds it fast. A mask is
        0 and infinity.
    start : array_like, shape (n, k), optional
        Where the rounds begin, instead of at `distributions`; objects held fast stay at these all the same. Products never bring back a label whose
        probability is 0, however a soft seed draws.
    step : {"product", "gradient"}
        The update of Rosenfeld, Hummel and Zucker, which needs compatibilities that are not negative, or the projected gradient of Hummel and Zucker.
    length : float, optional
        The length of a gradient step; by default so short that consistency cannot fall on symmetric graphs.
    max_iter : int, default 100
        Most rounds.
    tol : float, default 1e-6
        Objects rest once no probability moves by more than this.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    Labeling

    Notes
    -----
    The average local consistency never falls where weights and compatibilities are symmetric: what ``i`` hears of ``j`` is what ``j`` hears of ``i``. With
    several graphs this may hold of them together, as of ``[g, g.transposed()]`` under ``[r, r.T]``. On other graphs, such as
    ``LabelGraph.nearest(X, symmetric=False)``, it may fall.

    References
    ----------
    Rosenfeld, Hummel and Zucker (1976), Scene labeling by relaxation operations. Hummel and Zucker (1983), On the foundations of
    relaxation labeling processes. Pelillo (1997), The dynamics of nonlinear relaxation labeling processes.

    Examples
    --------
    >>> import numpy as np
    >>> import locality as lc
    >>> p = [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.9, 0.1], [0.9, 0.1]]
    >>> lc.relaxation_labeling(p, lc.LabelGraph.grid((1, 5))).labels.tolist()
    [0, 0, 0, 0, 0]

    A column of pixels, the topmost certain; ground (1) does not lie above sky (0).

    >>> below = lc.LabelGraph.grid((3, 1), step=(1, 0))
    >>> r = np.array([[1.0, 1.0], [0.0, 1.0]])
    >>> p = [[0.0, 1.0], [0.5, 0.5], [0.6, 0.4]]
    >>> lc.relaxation_labeling(p, [below, below.transposed()], [r, r.T]).labels.tolist()
    [1, 1, 1]
    """
    p = np.ascontiguousarray(_arrays.sites(distributions, "distributions"), dtype=np.float64)
    n, k = p.shape
    graphs, compatibilities = _kinds(graph, compatibility, k, by_product(step))
    if length is not None and not 0.0 < _arrays.number(length, "length") < np.inf:
        raise ValueError(f"length={length} must be a positive finite number")
    begin = None if start is None else np.ascontiguousarray(_arrays.like(start, "start", (n, k)), dtype=np.float64)
    found, consistency, settled = _core.relaxation_labeling(
        graphs,
        compatibilities,
        p,
        begin,
        None if seeds is None else _strengths(seeds, n),
        by_product(step),
        None if length is None else float(length),
        _arrays.count(max_iter, "max_iter"),
        _arrays.number(tol, "tol"),
        _arrays.threads(n_jobs),
        progress,
    )
    return Labeling(found, found.argmax(axis=1), np.array(consistency), settled)


def by_product(step: str) -> bool:
    """Whether the update is the product."""
    if step not in ("product", "gradient"):
        raise ValueError(f"step={step!r} is neither 'product' nor 'gradient'")
    return step == "product"


def matrix_of(compatibility: Any, name: str, k: int, product: bool) -> Array:
    """How well labels go together, ``(k, k)``."""
    found = np.ascontiguousarray(_arrays.like(compatibility, name, (k, k)), dtype=np.float64)
    wrong = np.argwhere(~np.isfinite(found) | (found < 0.0 if product else False))
    if len(wrong):
        a, b = wrong[0]
        rest = "; give numbers that are not negative, or step='gradient', which takes any" if product else "; give finite numbers"
        raise ValueError(f"{name} has {found[a, b]} in row {a}, column {b} (counted from 0){rest}")
    return found


def _kinds(graph: Any, compatibility: Any, k: int, product: bool) -> tuple[list[_core.LabelGraph], list[Array]]:
    """Graphs and a matrix for each."""
    if not isinstance(graph, (list, tuple)):
        graphs, given, names = [_graph(graph)], [compatibility], ["compatibility"]
    else:
        graphs = [_graph(g, f"graph[{i}]") for i, g in enumerate(graph)]
        given = [None] * len(graphs) if compatibility is None else list(compatibility)
        if not graphs:
            raise ValueError("graph is an empty list; give at least one LabelGraph")
        if len(given) != len(graphs) or compatibility is not None and np.ndim(given[0]) != 2:
            raise ValueError(f"compatibility must be {len(graphs)} matrices ({k}, {k}), one for each graph, not {len(given)} of {np.shape(given[0])}")
        names = [f"compatibility[{i}]" for i in range(len(graphs))]
    return graphs, [np.eye(k) if r is None else matrix_of(r, name, k, product) for r, name in zip(given, names, strict=True)]


def _strengths(seeds: npt.ArrayLike, n: int) -> list[float]:
    array = np.asarray(seeds)
    if array.dtype == bool:
        array = np.where(array, np.inf, 0.0)
    strengths: list[float] = _arrays.like(array, "seeds", (n,)).tolist()
    return strengths


def label_compatibility(
    labels: npt.ArrayLike,
    graph: LabelGraph,
    *,
    n_labels: int | None = None,
    prior: float = 1.0,
    agreement: float = 0.0,
    balanced: bool = True,
) -> Array:
    """Learns from labelled neighbours how well labels go together.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Labels from 0; -1 is none.
    graph : LabelGraph or sparse matrix of SciPy
        Who hears of whom.
    n_labels : int, optional
        Number of labels; by default the largest and one.
    prior : float, default 1
        Meetings of each pair of labels that are added to those seen.
    agreement : float, default 0
        How many edges between labelled objects the belief is worth that equal labels go together and others do not (``k`` and 0 for `k` labels):
        the matrix is mixed with that in proportion, so that few labels cannot lead it astray. `RelaxationLabeling` takes ten for each pair of labels.
    balanced : bool, default True
        Whether the matrix is as if all labels were equally common: scaled by one factor for each label so that each row sums up to k, and no label gains by
        being rare where a relaxation begins with ``1 / k``. Without, rare labels have the larger rows, and the start for which these
        do not count is the shares of the labels.

    Returns
    -------
    ndarray, shape (k, k)
        How many times as often two labels meet as they would by chance: 1 for labels that do not care. Symmetric.

    Examples
    --------
    >>> import locality as lc
    >>> lc.label_compatibility([0, 0, 1, 1], lc.LabelGraph.grid((1, 4)), prior=0).round(2)
    array([[1.33, 0.67],
           [0.67, 1.33]])
    """
    made = _graph(graph)
    own = _whole(labels, len(made))
    k = int(own.max(initial=-1)) + 1 if n_labels is None else _arrays.count(n_labels, "n_labels")
    worth = _arrays.number(agreement, "agreement")
    found: Array = _core.label_compatibilities(made, own, k, _arrays.number(prior, "prior"), worth, bool(balanced))
    return found


@dataclass(frozen=True, eq=False)
class Modes:
    """What iterated local modes found.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        The label of each object.
    clusters : ndarray of int, shape (n,)
        The same, numbered from 0 as they first occur.
    agreement : ndarray
        The weight of edges between equal labels, and of evidence, before the first round and after each.
    settled : bool
        Whether no label changed in the last round.
    """

    labels: Array
    clusters: Array
    agreement: Array
    settled: bool

    def __repr__(self) -> str:
        return f"Modes({len(self.labels)} objects, {int(self.clusters.max()) + 1} labels, {len(self.agreement) - 1} rounds)"


def local_modes(
    graph: LabelGraph,
    labels: npt.ArrayLike | None = None,
    evidence: npt.ArrayLike | None = None,
    *,
    max_iter: int = 100,
    random_state: int | None = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Modes:
    """Moves labels to the mode of the neighbours' labels until all rest.

    Parameters
    ----------
    graph : LabelGraph or sparse matrix of SciPy
        Who hears of whom.
    labels : array_like of int, shape (n,), optional
        Labels from 0; by default each object has one of its own, so that the result is a clustering of the graph.
    evidence : array_like, shape (n, k), optional
        What is added to the support of each of the labels 0 to k - 1 at each object, such as log-probabilities.
    max_iter : int, default 100
        Most rounds.
    random_state : int or None, default 0
        Seed of the order of the objects; None goes through them as they come.
    n_jobs : int, optional
        Number of threads; every core by default. The result does not depend on it.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.

    Returns
    -------
    Modes

    References
    ----------
    Besag (1986), On the statistical analysis of dirty pictures. Raghavan, Albert and Kumara (2007), Near linear time algorithm to detect community
    structures in large-scale networks.

    Examples
    --------
    >>> import locality as lc
    >>> lc.local_modes(lc.LabelGraph.grid((1, 6)), [4, 4, 7, 4, 1, 1], random_state=None).labels.tolist()
    [4, 4, 4, 4, 1, 1]
    """
    made = _graph(graph)
    own = np.arange(len(made), dtype=np.int64) if labels is None else _whole(labels, len(made))
    if (own < 0).any():
        raise ValueError(f"labels has {int(own.min())}; every object needs a label from 0")
    rows = None
    if evidence is not None:
        rows = np.ascontiguousarray(_arrays.sites(evidence, "evidence"), dtype=np.float64)
    found, agreement, settled = _core.local_modes(
        made,
        own.tolist(),
        rows,
        _arrays.count(max_iter, "max_iter"),
        None if random_state is None else _arrays.count(random_state, "random_state"),
        _arrays.threads(n_jobs),
        progress,
    )
    _, first, numbers = np.unique(found, return_index=True, return_inverse=True)
    clusters = np.argsort(np.argsort(first))[numbers]
    return Modes(found, clusters, np.array(agreement), settled)


def _whole(labels: npt.ArrayLike, n: int) -> Array:
    own = np.asarray(labels)
    if own.dtype.kind not in "iu" or own.shape != (n,):
        raise ValueError(f"labels has shape {own.shape} and holds {own.dtype}; it must be ({n},) whole numbers, one for each object")
    return np.ascontiguousarray(own, dtype=np.int64)
