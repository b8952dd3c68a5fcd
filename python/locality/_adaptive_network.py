"""Learned features for the adaptive estimators: a network on top of the metric that was learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import _adaptive_search as _search
from . import _core
from ._adaptive_search import Choice, Plan, Search, Told
from ._arrays import Array

# Rows that a batch is predicted from.
_CANDIDATES = 4096
_BATCH = 128
_RATE = 5e-3
_DECAY = 0.1
# A network's held-out loss goes up and down for longer than a metric's.
_PATIENCE = 20


class Network(NamedTuple):
    """Features, and what tells held-out rows best with them."""

    net: _core.DeepKernelNet
    choice: Choice


def learn(
    x: Array, told: Told, start: Array, hidden: list[int], epochs: int, search: Search, rng: np.random.Generator, plan: Plan
) -> Network | None:
    """Features of rows ``[n, d]`` from a linear map on; none where too few rows are there to hold some out."""
    parts = _search.splits(rng, told, plan.fraction, 1) if plan.fraction > 0.0 and len(x) >= 2 * _search.FEWEST else []
    if not parts:
        return None
    train, held = parts[0]
    inside, outside = (np.ascontiguousarray(x[train]), told.of(train)), (np.ascontiguousarray(x[held]), told.of(held))
    classes = inside[1].codes
    net = _core.DeepKernelNet.fit(
        inside[0],
        inside[1].values if classes is None else None,
        None if classes is None else classes.astype(np.int64),
        0 if classes is None else told.values.shape[1],
        hidden,
        len(start),
        "gelu",
        _CANDIDATES,
        np.ascontiguousarray(start),
        {
            "epochs": epochs,
            "batch": _BATCH,
            "rate": _RATE,
            "decay": _DECAY,
            # Of these rows some tell when to stop; those that were held out before judge.
            "validation": 0.15,
            "patience": max(search.patience, _PATIENCE),
            "seed": int(rng.integers(2**31)),
        },
        search.threads,
        search.progress,
    )
    keys, queries = net.transform(inside[0], search.threads), net.transform(outside[0], search.threads)

    def tried(degree: int, h: float, ridge: float) -> Choice:
        fit = _search.local_fit(keys, inside[1].values, h, degree, ridge, search.threads)
        loss = outside[1].loss(_search.local_means(fit, degree, queries, search.threads))
        return Choice(loss, "network", degree, h, ridge)

    choices = []
    if plan.degree != 1:
        choices += [tried(0, h, 0.0) for h in _search.FACTORS]
    if plan.degree == 1 or plan.degree is None and len(start) <= _search.MOST_OF_A_LINE:
        choices += [tried(1, h, _search.RIDGES[1]) for h in _search.LINE_FACTORS]
    return Network(net, min(choices))


def remade(hidden: Any, width: int, numbers: tuple[Any, Any, Any]) -> _core.DeepKernelNet:
    """The network of its numbers."""
    means, deviations, parameters = numbers
    return _core.DeepKernelNet.of(list(hidden), width, "gelu", means, deviations, np.asarray(parameters, dtype=np.float32))
