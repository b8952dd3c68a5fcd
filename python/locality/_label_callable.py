"""Label propagation and spreading under weights that a function tells: a dense matrix of all pairs, as in scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import Array

#: Weights ``(n, m)`` of the rows of two tables.
Weigh = Callable[[Any, Any], Any]


def spread(
    weigh: Weigh, samples: Array, known: Array, classes: int, alpha: float | None, max_iter: int, tol: float
) -> tuple[Array, int, bool]:
    """Distributions ``(n, k)``, the number of rounds, and whether they came to rest; ``alpha`` is None for propagation.

    Labels ``known`` are -1 where they are not.
    """
    if alpha is not None and not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha={alpha} must be above 0 and below 1")
    w = weights(weigh, samples, samples)
    graph = _shares(w) if alpha is None else _normalized(w)
    held = (known >= 0)[:, None]
    first = np.zeros((len(samples), classes))
    first[held[:, 0], known[held[:, 0]]] = 1.0
    q, before, rounds, converged = first, np.zeros_like(first), 0, False
    for rounds in range(max_iter + 1):
        converged = bool(np.abs(q - before).sum() < tol)
        if converged or rounds == max_iter:
            break
        before, q = q, graph @ q
        q = np.where(held, first, _distributions(q)) if alpha is None else alpha * q + (1.0 - alpha) * first
    return _distributions(q), max(rounds, 1), converged


def averaged(weigh: Weigh, samples: Array, rows: Array, distributions: Array) -> Array:
    """The mean of the samples' distributions at new rows, ``(m, k)``; zeros where nothing weighs anything."""
    return _distributions(weights(weigh, samples, rows).T @ distributions)


def weights(weigh: Weigh, a: Array, b: Array) -> Array:
    """What the function says of all pairs."""
    found = weigh(a, b)
    found = np.array(found.toarray() if hasattr(found, "toarray") else found, dtype=np.float64)
    if found.shape != (len(a), len(b)):
        raise ValueError(f"kernel returns an array of shape {found.shape} for {len(a)} and {len(b)} rows; it must be ({len(a)}, {len(b)})")
    if not (np.isfinite(found).all() and (found >= 0.0).all()):
        raise ValueError("kernel returns weights that are negative, infinite or NaN; weights must be finite and not negative")
    return found


def _distributions(q: Array) -> Array:
    total = q.sum(axis=1, keepdims=True)
    found: Array = q / np.where(total == 0.0, 1.0, total)
    return found


def _shares(w: Array) -> Array:
    """Each row over the sum of its column, which for weights of pairs is that of the row."""
    total = w.sum(axis=0)[:, None]
    found: Array = w / np.where(total == 0.0, 1.0, total)
    return found


def _normalized(w: Array) -> Array:
    """``D^-1/2 W D^-1/2`` without the diagonal."""
    np.fill_diagonal(w, 0.0)
    degree = w.sum(axis=0)
    scale = np.sqrt(np.where(degree == 0.0, 1.0, degree))
    found: Array = w / scale / scale[:, None]
    return found
