"""Learned features for the adaptive estimators: a network on top of the metric that was learned."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import _adaptive_search as _search
from . import _core
from ._adaptive_search import Choice, Plan, Search, Setting, Told
from ._arrays import Array
from ._core import Kernel

# Rows that a batch is predicted from.
_CANDIDATES = 4096
_BATCH = 128
_RATE = 5e-3
_DECAY = 0.1
# Of the rows that are learned from this share says when to stop.
_STOP = 0.15
# A network's held-out loss goes up and down for longer than a metric's.
_PATIENCE = 20


class Network(NamedTuple):
    """Features, and what tells held-out rows best with them."""

    net: _core.DeepKernelNet
    choice: Choice
    linear: Choice
    """What tells the same rows best under a linear map, from the same others."""
    keys: tuple[Array, Told]
    queries: tuple[Array, Told]
    """Features of the rows that were learned from, and of those that were held out."""


def learn(
    x: Array, told: Told, hidden: list[int], epochs: int, search: Search, rng: np.random.Generator, plan: Plan, most: int | None
) -> Network | None:
    """Features of rows ``[n, d]`` from a linear map on; none where too few rows are there to hold some out.

    The map and the network learn from the same rows. Some of these say when each is done; those that neither saw judge both."""
    parts = _search.splits(rng, told, plan.fraction, 1) if plan.fraction > 0.0 and len(x) >= 2 * _search.FEWEST else []
    if not parts:
        return None
    train, held = parts[0]
    some = train[_search.some_rows(rng, len(train), most)]
    stops = _search.splits(rng, told.of(some), _STOP, 1)
    if not stops:
        return None
    inside, outside = (np.ascontiguousarray(x[train]), told.of(train)), (np.ascontiguousarray(x[held]), told.of(held))
    within, stop = some[stops[0][0]], some[stops[0][1]]
    until = (np.ascontiguousarray(x[stop]), told.of(stop))
    maps = _search.split_of(x, told, within, held, search, plan, until).learned
    # All rows that may be learned from predict.
    linear = _search.Split(inside, outside, maps)
    tried = _search.tried([linear], plan, search.threads)
    best = min(Choice(_search.loss_of(one, [linear]), setting) for setting, one in tried.items())
    start = np.ascontiguousarray(maps[best.setting.name].map)
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
        start,
        {
            "epochs": epochs,
            "batch": _BATCH,
            "rate": _RATE,
            "decay": _DECAY,
            "validation": _STOP,
            "patience": max(search.patience, _PATIENCE),
            "seed": int(rng.integers(2**31)),
        },
        search.threads,
        search.progress,
    )
    keys = (net.transform(inside[0], search.threads), inside[1])
    queries = (net.transform(outside[0], search.threads), outside[1])

    def one(setting: Setting) -> Choice:
        return Choice(_loss(keys, queries, setting, setting.kernel, search.threads), setting)

    choices = []
    if plan.degree != 1:
        choices += [one(Setting("network", 0, h, 0.0)) for h in _search.FACTORS]
    if plan.degree == 1 or plan.degree is None and len(start) <= _search.MOST_OF_A_LINE:
        choices += [one(Setting("network", 1, h, _search.RIDGES[1])) for h in _search.LINE_FACTORS]
    return Network(net, min(choices), best, keys, queries)


def _loss(keys: tuple[Array, Told], queries: tuple[Array, Told], setting: Setting, kernel: Kernel, threads: int) -> float:
    fit = _search.local_fit(*keys, kernel, setting.degree, setting.ridge, threads)
    return queries[1].loss(_search.local_means(fit, setting.degree, queries[0], threads))


def mixture_of(found: Network, kernels: list[Kernel | str], search: Search) -> tuple[Kernel, Array, float] | None:
    """A mixture over features in the bandwidths of the choice, and its loss; none where it tells held-out rows no better."""
    setting = found.choice.setting
    keys = (np.ascontiguousarray(found.keys[0] / setting.h), found.keys[1])
    queries = (np.ascontiguousarray(found.queries[0] / setting.h), found.queries[1])
    mixed = _search.mixture(*keys, kernels, search)
    loss = _loss(keys, queries, setting, mixed.kernel, search.threads)
    return (mixed.kernel, mixed.weights, loss) if loss < found.choice.loss else None


def remade(hidden: Any, width: int, numbers: tuple[Any, Any, Any]) -> _core.DeepKernelNet:
    """The network of its numbers."""
    means, deviations, parameters = numbers
    return _core.DeepKernelNet.of(list(hidden), width, "gelu", means, deviations, np.asarray(parameters, dtype=np.float32))
