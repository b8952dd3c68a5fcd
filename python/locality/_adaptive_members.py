"""Averages of several local models: which, how much each counts, and what they tell."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from . import _adaptive_search as _search
from . import _core
from ._adaptive_search import Found, Setting, Told
from ._arrays import Array
from ._guard import Explanation

# Weights of so many pairs are held at once.
_AT_ONCE = 1 << 22
_NAMES = ("per-feature", "full", "discriminant", _search.ISOTROPIC, _search.WITHIN)


class Member(NamedTuple):
    """One of the local models that are averaged."""

    weight: float
    """Its share of the average."""
    setting: Setting
    """Metric, degree, bandwidth and penalty."""
    map: Array
    """Of the encoder's columns, ``[r, e]``; the bandwidth is the setting's."""


def average(found: Found, most: int) -> tuple[list[Member], float]:
    """What is averaged, the heaviest first, and how badly it tells held-out rows: settings are added one by one, each that which helps most
    and any several times, for `most` rounds, and those up to the best round count (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, Ensemble
    selection from libraries of models). A setting brings the maps of all splits, each with its share."""
    settings, done = list(found.tried), found.splits
    told = [np.stack([found.tried[setting][k] for setting in settings]) for k in range(len(done))]
    sums = [np.zeros_like(one[0]) for one in told]
    picked: list[int] = []
    losses: list[float] = []
    for count in range(1, most + 1):
        tried = np.zeros(len(settings))
        for one, total, split in zip(told, sums, done, strict=True):
            goal = split.outside[1]
            off = (((total + one) / count - goal.values) ** 2).sum(axis=2)
            share = 1.0 if goal.codes is not None else 1.0 / goal.values.shape[1]
            tried += share * np.average(off, axis=1, weights=goal.weights) / len(done)
        best = int(np.argmin(tried))
        picked.append(best)
        losses.append(float(tried[best]))
        for one, total in zip(told, sums, strict=True):
            total += one[best]
    rounds = int(np.argmin(losses)) + 1
    parts = rounds * len(done)
    members = [
        Member(count / parts, settings[i], split.learned[settings[i].name].map)
        for i, count in Counter(picked[:rounds]).most_common()
        for split in done
    ]
    return members, losses[rounds - 1]


class Fits(NamedTuple):
    """Members laid out over the rows that predict."""

    members: list[Member]
    made: list[Any]
    told: Told

    @classmethod
    def of(cls, members: list[Member], rows: Array, told: Told, threads: int) -> Fits:
        """Over rows ``[n, e]``."""
        made = []
        for member in members:
            setting = member.setting
            z = _search.mapped(rows, member.map)
            kernel = setting.kernel_over(z, told.weights, threads)
            made.append(_search.local_fit(z, told, kernel, setting.degree, setting.ridge, threads))
        return cls(members, made, told)

    def at(self, queries: Array, threads: int) -> Array:
        """The average of what they tell, ``[m, p]``."""
        total = np.zeros((len(queries), self.told.values.shape[1]))
        for member, fit in zip(self.members, self.made, strict=True):
            means = _search.local_means(fit, member.setting.degree, _search.mapped(queries, member.map), threads)
            total += member.weight * self.told.from_means(means)
        return total


def explain(members: list[Member], rows: Array, weights: Array | None, queries: Array, count: int, threads: int) -> Explanation:
    """The rows that weigh most in the mean of all members' kernels."""
    count = min(count, len(rows))
    fits = []
    for member in members:
        z = _search.mapped(rows, member.map)
        nothing = np.zeros((len(rows), 1))
        kernel = member.setting.kernel_over(z, weights, threads)
        fits.append(_core.LocalMeanFit(z, nothing, kernel, sample_weight=weights, on_empty="nearest", threads=threads))
    indices, shares = np.empty((len(queries), count), dtype=np.intp), np.empty((len(queries), count))
    step = max(1, _AT_ONCE // max(1, len(rows)))
    for first in range(0, len(queries), step):
        part = slice(first, first + step)
        total = np.zeros((len(queries[part]), len(rows)))
        for member, fit in zip(members, fits, strict=True):
            total += member.weight * fit.weights(_search.mapped(queries[part], member.map), threads)
        order = np.argsort(-total, axis=1, kind="stable")[:, :count]
        heaviest = np.take_along_axis(total, order, axis=1)
        indices[part], shares[part] = np.where(heaviest > 0.0, order, -1), heaviest
    return Explanation(indices, shares)


def kept(members: list[Member]) -> tuple[Array | None, Array | None]:
    """What files keep of members: their maps one under the other, and the numbers of each."""
    if not members:
        return None, None
    numbers = [
        [m.weight, len(m.map), _NAMES.index(m.setting.name), m.setting.degree, m.setting.h, m.setting.ridge, float(m.setting.nearest), m.setting.site]
        for m in members
    ]
    return np.concatenate([m.map for m in members]), np.array(numbers, dtype=np.float64)


def remade(maps: Array | None, numbers: Array | None) -> list[Member]:
    """Members of what was kept.

    Raises
    ------
    ValueError
        Where one does not fit the other.
    """
    if maps is None and numbers is None:
        return []
    if maps is None or numbers is None or numbers.shape[1] != 8 or not np.isfinite(numbers).all():
        raise ValueError("there are maps without numbers, or numbers without maps")
    whole = numbers[:, [1, 2, 3, 6]]
    sound = (whole == np.floor(whole)).all() and (whole >= [1, 0, 0, 0]).all() and (whole[:, 1:] < [len(_NAMES), 2, 2]).all()
    if not sound or (numbers[:, [0, 4]] <= 0.0).any() or (numbers[:, [5, 7]] < 0.0).any() or whole[:, 0].sum() != len(maps):
        raise ValueError("its numbers are none of local models")
    found, first = [], 0
    for weight, rows, name, degree, h, ridge, nearest, site in numbers.tolist():
        setting = Setting(_NAMES[int(name)], int(degree), h, ridge, bool(nearest), site)
        found.append(Member(weight, setting, np.ascontiguousarray(maps[first : first + int(rows)])))
        first += int(rows)
    return found
