"""How the adaptive estimators find their metric: what is learned, what is held out, what is chosen by it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import Array
from ._core import Kernel
from ._mean import Progress

# Bandwidths that a learned metric is tried at, as multiples of its own: it was learned from fewer rows than predict, and by the local mean.
FACTORS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0)
# A local line needs more samples than a mean does, and costs the square of its columns.
LINE_FACTORS = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 6.0)
RIDGES = (0.01, 0.1, 0.5)
MOST_OF_A_LINE = 40
# Above so many columns no full map is tried unless it is asked for: its entries are the square.
_MOST_OF_A_MAP = 100
# Fewer rows than these leave nothing to hold out.
FEWEST = 10
# Tables of at most so many rows are split several times: one split says little of them.
_SMALL = 1000
_SPLITS = 5
# What no class is believed to be less probable than, when probabilities are compared.
_DOUBT = 1e-3


class Told(NamedTuple):
    """What is to be told of some rows."""

    values: Array
    """Responses, or ones at classes, ``[n, p]``."""
    codes: Array | None
    """Classes by number."""

    @classmethod
    def classes(cls, codes: Array, count: int) -> Told:
        """Of classes by number."""
        return cls(np.eye(count)[codes], codes)

    def of(self, rows: Array) -> Told:
        """Of some of the rows."""
        return Told(np.ascontiguousarray(self.values[rows]), None if self.codes is None else self.codes[rows])

    def loss(self, means: Array) -> float:
        """How badly means tell it: the mean of squares, or of minus the logarithms of the right classes' probabilities."""
        if self.codes is None:
            return float(np.mean((means - self.values) ** 2))
        right = probabilities(means)[np.arange(len(means)), self.codes]
        return float(-np.log((right + _DOUBT) / (1.0 + _DOUBT * means.shape[1])).mean())


class Learned(NamedTuple):
    """A metric, and how it came about."""

    map: Array
    losses: Array
    held_losses: Array
    n_iter: int
    converged: bool


class Search(NamedTuple):
    """How metrics are learned."""

    max_iter: int
    tol: float
    patience: int
    threads: int
    progress: Progress | None

    def learn(
        self,
        x: Array,
        told: Told,
        *,
        rank: int | None = None,
        per_feature: bool = False,
        start: Array | None = None,
        held: tuple[Array, Told] | None = None,
    ) -> Learned:
        """A metric of rows ``[n, d]``."""

        def named(told: Told, prefix: str) -> dict[str, Any]:
            if told.codes is None:
                return {f"{prefix}responses": told.values}
            return {f"{prefix}classes": told.codes.tolist()}

        elsewhere: dict[str, Any] = {} if held is None else {"held_out": held[0]} | named(held[1], "held_")
        found = _core.learn_metric(
            x,
            **named(told, ""),
            **elsewhere,
            n_classes=0 if told.codes is None else told.values.shape[1],
            rank=rank,
            per_feature=per_feature,
            max_iter=self.max_iter,
            tolerance=self.tol,
            start=start,
            patience=self.patience,
            threads=self.threads,
            progress=self.progress,
        )
        return Learned(*found)


class Choice(NamedTuple):
    """What did best."""

    loss: float
    """Of held-out rows, or of each row by the others."""
    name: str
    degree: int
    h: float
    ridge: float


class Split(NamedTuple):
    """Rows to learn from, rows that were held out, and what was learned."""

    inside: tuple[Array, Told]
    outside: tuple[Array, Told]
    learned: dict[str, Learned]

    def loss(self, name: str, degree: int, h: float, ridge: float, threads: int) -> float:
        """How badly held-out rows are told."""
        components = self.learned[name].map
        fit = local_fit(mapped(self.inside[0], components), self.inside[1].values, h, degree, ridge, threads)
        return self.outside[1].loss(local_means(fit, degree, mapped(self.outside[0], components), threads))


def probabilities(means: Array) -> Array:
    """Means of ones at classes as probabilities: those of a local line may be beyond 0 and 1."""
    inside = np.clip(means, 0.0, None)
    whole = inside.sum(axis=1, keepdims=True)
    # Where a line leaves nothing above 0, no class is more likely.
    found: Array = np.where(whole > 0.0, inside / np.where(whole > 0.0, whole, 1.0), 1.0 / means.shape[1])
    return found


def mapped(x: Array, components: Array) -> Array:
    """Rows under a map."""
    return np.ascontiguousarray(x @ components.T)


class Mixture(NamedTuple):
    """A sum of kernels over mapped rows."""

    kernel: Kernel
    weights: Array
    """How much each of those that were given adds, the learned Gaussian first."""
    losses: Array


def mixture(z: Array, told: Told, kernels: list[Kernel | str], search: Search) -> Mixture:
    """How much each kernel counts beside the learned Gaussian: by how well each row is told by the others."""
    goal: dict[str, Any] = {"responses": told.values}
    if told.codes is not None:
        goal = {"classes": told.codes.tolist(), "n_classes": told.values.shape[1]}
    found = _core.learn_mixture(z, [_gaussian(1.0), *kernels], **goal, max_iter=search.max_iter, threads=search.threads, progress=search.progress)
    return Mixture(found[0], found[2], found[3])


def local_fit(z: Array, values: Array, h: float | Kernel, degree: int, ridge: float, threads: int) -> Any:
    """Mapped rows laid out for a local mean, or for a local line."""
    if degree == 0:
        return _core.LocalMeanFit(z, values, _kernel(h), on_empty="nearest", threads=threads)
    return local_polynomial(z, values, h, degree, ridge, threads)


def local_polynomial(z: Array, values: Array, h: float | Kernel, degree: int, ridge: float, threads: int) -> _core.LocalRegressor:
    """Mapped rows laid out for a local polynomial, which also says which rows weigh most."""
    kernel = _kernel(h)
    return _core.LocalRegressor(
        z, values, [kernel], search="given", degrees=[degree], standardize=False, ridge=ridge, threads=threads
    )


def _kernel(h: float | Kernel) -> Kernel:
    return h if isinstance(h, Kernel) else _gaussian(h)


def _gaussian(h: float) -> Kernel:
    return Kernel(f"gaussian(h={float(h)!r})")


def local_means(fit: Any, degree: int, queries: Array, threads: int) -> Array:
    """What it predicts at mapped queries, ``[m, p]``."""
    found: Array = fit.at(queries, threads)[0] if degree == 0 else fit.at(queries, False, threads)[0]
    return found


def some_rows(rng: np.random.Generator, n: int, most: int | None) -> npt.NDArray[np.intp]:
    """So many rows at most, by chance."""
    return np.arange(n) if most is None or n <= most else np.sort(rng.permutation(n)[:most])


def splits(rng: np.random.Generator, told: Told, fraction: float, count: int) -> list[tuple[Array, Array]]:
    """Rows to learn from and rows to hold out, so many times, every class in its share in both. Rows are held out once until all were."""
    order = rng.permutation(len(told.values))
    if told.codes is not None:
        order = order[np.argsort(told.codes[order], kind="stable")]
    found = []
    for k in range(count):
        # Every so many-th row, a row later in each split; the half keeps rounding away from whole numbers.
        held = np.diff(np.floor(fraction * (np.arange(len(order) + 1) + k + 0.5))) > 0.0
        if held.any() and np.count_nonzero(~held) > 1:
            found.append((np.sort(order[~held]), np.sort(order[held])))
    return found


class Plan(NamedTuple):
    """What is asked for."""

    metric: str
    rank: int | None
    degree: int | None
    fraction: float
    n_splits: int | None


def choose(x: Array, told: Told, search: Search, rng: np.random.Generator, plan: Plan) -> tuple[Choice, Learned]:
    """The metric, degree and bandwidth that tell held-out rows best; where none are held out, each row by the others."""
    count = plan.n_splits or (_SPLITS if len(x) <= _SMALL else 1)
    parts = splits(rng, told, plan.fraction, count) if plan.fraction > 0.0 and len(x) >= FEWEST else []
    if not parts:
        learned = _maps(x, told, search, plan)
        name = min(learned, key=lambda name: learned[name].losses[-1])
        return Choice(float(learned[name].losses[-1]), name, plan.degree or 0, 1.0, RIDGES[1]), learned[name]
    done = []
    for train, held in parts:
        inside, outside = (np.ascontiguousarray(x[train]), told.of(train)), (np.ascontiguousarray(x[held]), told.of(held))
        done.append(Split(inside, outside, _maps(*inside, search, plan, outside)))

    def tried(name: str, degree: int, h: float, ridge: float) -> Choice:
        losses = [split.loss(name, degree, h, ridge, search.threads) for split in done]
        return Choice(float(np.mean(losses)), name, degree, h, ridge)

    choices = []
    for name, one in done[0].learned.items():
        if plan.degree != 1:
            choices += [tried(name, 0, h, 0.0) for h in FACTORS]
        if plan.degree == 1 or plan.degree is None and len(one.map) <= MOST_OF_A_LINE:
            line = min(tried(name, 1, h, RIDGES[1]) for h in LINE_FACTORS)
            choices += [line, *(tried(name, 1, line.h, ridge) for ridge in RIDGES if ridge != line.ridge)]
    best = min(choices)
    if len(done) == 1:
        return best, done[0].learned[best.name]
    # All rows learn for as many rounds as did best for most of them.
    rounds = {name: int(np.median([split.learned[name].n_iter for split in done])) for name in done[0].learned}
    return best, _maps(x, told, search, plan, rounds=rounds, only=best.name)[best.name]


def _maps(
    x: Array,
    told: Told,
    search: Search,
    plan: Plan,
    held: tuple[Array, Told] | None = None,
    rounds: dict[str, int] | None = None,
    only: str | None = None,
) -> dict[str, Learned]:
    """What is learned: one factor for each column, from there a map that mixes them, and for classes a map of few rows."""
    found: dict[str, Learned] = {}
    d, p = x.shape[1], told.values.shape[1]

    def learn(name: str, **how: Any) -> None:
        limited = search if rounds is None or name not in rounds else search._replace(max_iter=rounds[name])
        found[name] = limited.learn(x, told, held=held, **how)

    if plan.rank is not None and plan.rank < d:
        learn("full", rank=plan.rank)
        return found
    if only != "discriminant":
        learn("per-feature", per_feature=True)
    if d == 1 or plan.metric == "per-feature" or plan.metric == "auto" and d > _MOST_OF_A_MAP:
        return found
    if only in (None, "full"):
        learn("full", start=found["per-feature"].map)
    if told.codes is not None and 1 < p <= d and plan.metric == "auto" and only in (None, "discriminant"):
        learn("discriminant", rank=p - 1)
    if plan.metric == "full" and rounds is None:
        del found["per-feature"]
    return found
