"""How the adaptive estimators find their metric: what is learned, what is held out, what is chosen by it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core, kernels
from ._arrays import Array
from ._core import Kernel
from ._mean import Progress

# Bandwidths that a learned metric is tried at, as multiples of its own: it was learned from fewer rows than predict, and by the local mean.
FACTORS = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0)
# A local line needs more samples than a mean does, and costs the square of its columns.
LINE_FACTORS = (0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0, 4.0, 6.0)
RIDGES = (0.01, 0.1, 0.5)
# Neighbours of which the farthest is the bandwidth of a local mean over columns as they are.
NEIGHBORS = (3, 5, 8, 12, 18, 27, 40, 60)
MOST_OF_A_LINE = 40
# Above so many columns no full map is tried unless it is asked for: its entries are the square.
_MOST_OF_A_MAP = 100
# Fewer rows than these leave nothing to hold out.
FEWEST = 10
# Tables of at most so many rows are split more often: one split says little of them.
_SMALL = 1000
_SPLITS, _SPLITS_OF_MANY = 5, 3
# Maps that nothing is searched for: one bandwidth for all columns, and columns in which classes are round.
ISOTROPIC, WITHIN = "isotropic", "within-class"
# Their unit, as a share of the distance that standard deviations make: factors go from a little under an eighth of it to six fifths.
_UNIT = 0.3
# Powers of rows' spacings, and multiples of the best bandwidth of all rows; no row's own is farther from it than this, as a logarithm.
SITES = (0.5, 1.0)
SITE_FACTORS = (0.7, 1.0, 1.4, 2.0)
_WIDEST = 2.0
# Of covariances within classes so much is left to the single columns.
_SHRINKAGE = 0.05


class Told(NamedTuple):
    """What is to be told of some rows."""

    values: Array
    """Responses, or ones at classes, ``[n, p]``."""
    codes: Array | None
    """Classes by number."""
    weights: Array | None = None
    """How much each row counts, where they do not all count the same."""

    @classmethod
    def classes(cls, codes: Array, count: int, weights: Array | None = None) -> Told:
        """Of classes by number."""
        return cls(np.eye(count)[codes], codes, weights)

    def of(self, rows: Array) -> Told:
        """Of some of the rows."""
        weights = None if self.weights is None else np.ascontiguousarray(self.weights[rows])
        return Told(np.ascontiguousarray(self.values[rows]), None if self.codes is None else self.codes[rows], weights)

    def from_means(self, means: Array) -> Array:
        """What local means or lines tell: themselves, or probabilities."""
        return means if self.codes is None else probabilities(means)

    def loss(self, means: Array) -> float:
        """How badly means tell it: the mean of squares, for classes of probabilities summed over them (Brier 1950)."""
        return self.loss_of(self.from_means(means))

    def loss_of(self, told: Array) -> float:
        """The same of what means tell."""
        squares = ((told - self.values) ** 2).mean(axis=1) if self.codes is None else ((told - self.values) ** 2).sum(axis=1)
        return float(np.average(squares, weights=self.weights))


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
            goal: dict[str, Any] = {f"{prefix}responses": told.values} if told.codes is None else {f"{prefix}classes": told.codes.tolist()}
            if told.weights is not None:
                goal[f"{prefix or 'sample_'}weight"] = told.weights.tolist()
            return goal

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


class Setting(NamedTuple):
    """A local model under one of the maps that were learned."""

    name: str
    """Of the map."""
    degree: int
    h: float
    """The bandwidth under the map; where neighbours say it, how many."""
    ridge: float
    nearest: bool = False
    """In averages alone: one model has a kernel of the columns."""
    site: float = 0.0
    """The power of rows' spacing that their own bandwidths go with; 0 is one bandwidth for all."""

    @property
    def kernel(self) -> Kernel:
        """Over mapped rows, where these have no bandwidths of their own."""
        return Kernel(f"gaussian(knn={int(self.h)})") if self.nearest else gaussian(self.h)

    def kernel_over(self, z: Array, weights: Array | None, threads: int) -> Kernel:
        """Over mapped rows that predict."""
        if self.site == 0.0:
            return self.kernel
        return kernels.gaussian(site_h=site_bandwidths(z, weights, self.h, self.site, threads))


class Choice(NamedTuple):
    """What did best."""

    loss: float
    """Of held-out rows, or of each row by the others."""
    setting: Setting


class Split(NamedTuple):
    """Rows to learn from, rows that were held out, and what was learned."""

    inside: tuple[Array, Told]
    outside: tuple[Array, Told]
    learned: dict[str, Learned]

    def told(self, setting: Setting, threads: int) -> Array:
        """What is told of held-out rows."""
        components = self.learned[setting.name].map
        keys, queries = mapped(self.inside[0], components), mapped(self.outside[0], components)
        kernel = setting.kernel_over(keys, self.inside[1].weights, threads)
        fit = local_fit(keys, self.inside[1], kernel, setting.degree, setting.ridge, threads)
        return self.inside[1].from_means(local_means(fit, setting.degree, queries, threads))


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


def mixture(z: Array, told: Told, parts: list[Kernel | str], search: Search) -> Mixture:
    """How much each kernel counts beside the learned Gaussian: by how well each row is told by the others."""
    goal: dict[str, Any] = {"responses": told.values}
    if told.codes is not None:
        goal = {"classes": told.codes.tolist(), "n_classes": told.values.shape[1]}
    if told.weights is not None:
        goal["sample_weight"] = told.weights.tolist()
    found = _core.learn_mixture(z, [gaussian(1.0), *parts], **goal, max_iter=search.max_iter, threads=search.threads, progress=search.progress)
    return Mixture(found[0], found[2], found[3])


def mixture_of(
    x: Array, told: Told, parts: list[Kernel | str], found: Found, search: Search
) -> tuple[Kernel, Array, float] | None:
    """A mixture in the bandwidths of what was found, its shares and its loss; none where it tells held-out rows no better. Of held-out rows
    each split's mixture is learned without them."""
    setting = found.choice.setting
    scale = 1.0 if setting.nearest else setting.h
    losses = []
    for split in found.splits:
        components = split.learned[setting.name].map / scale
        keys, queries = mapped(split.inside[0], components), mapped(split.outside[0], components)
        mixed = mixture(keys, split.inside[1], parts, search)
        fit = local_fit(keys, split.inside[1], mixed.kernel, setting.degree, setting.ridge, search.threads)
        losses.append(split.outside[1].loss(local_means(fit, setting.degree, queries, search.threads)))
    if losses and np.mean(losses) >= found.choice.loss:
        return None
    whole = mixture(mapped(x, found.learned.map / scale), told, parts, search)
    # Where no rows are held out, each is told by the others.
    return whole.kernel, whole.weights, float(np.mean(losses) if losses else whole.losses[-1])


def local_fit(z: Array, told: Told, kernel: Kernel, degree: int, ridge: float, threads: int) -> Any:
    """Mapped rows laid out for a local mean, or for a local line."""
    if degree == 0:
        return _core.LocalMeanFit(z, told.values, kernel, sample_weight=told.weights, on_empty="nearest", threads=threads)
    return local_polynomial(z, told, kernel, degree, ridge, threads)


def local_polynomial(z: Array, told: Told, kernel: Kernel, degree: int, ridge: float, threads: int) -> _core.LocalRegressor:
    """Mapped rows laid out for a local polynomial, which also says which rows weigh most."""
    return _core.LocalRegressor(
        z,
        told.values,
        [kernel],
        search="given",
        degrees=[degree],
        standardize=False,
        ridge=ridge,
        sample_weight=told.weights,
        threads=threads,
    )


def gaussian(h: float) -> Kernel:
    """The Gaussian of a bandwidth."""
    return Kernel(f"gaussian(h={float(h)!r})")


def site_bandwidths(z: Array, weights: Array | None, h: float, site: float, threads: int) -> Array:
    """A bandwidth for each mapped row, ``[n]``: `h` times its spacing, as a share of the median one, to the power `site` (Abramson 1982, On
    bandwidth variation in kernel estimates). Spacings are a density's by the others to minus one over the columns."""
    pilot = _core.LocalMeanFit(z, np.zeros((len(z), 1)), gaussian(h), "hollow", weights, on_empty="nearest", threads=threads)
    logs = np.asarray(pilot.at(z, threads)[1], dtype=np.float64)
    reached = np.isfinite(logs)
    if not reached.any():
        return np.full(len(z), h)
    # Rows that no other reaches are as far apart as the farthest of the rest.
    logs = np.where(reached, logs, logs[reached].min())
    power = np.clip(-site * (logs - np.median(logs)) / z.shape[1], -_WIDEST, _WIDEST)
    found: Array = h * np.exp(power)
    return found


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
    members: int = 1
    """The most settings that are averaged."""
    start: Array | None = None
    """The map to begin from."""
    sites: bool = False
    """Whether rows may have bandwidths of their own."""


Tried = dict[Setting, list[Array]]
"""What is told of the held-out rows of each split."""


class Found(NamedTuple):
    """What the search ends with."""

    choice: Choice
    learned: Learned
    """The metric of the choice, of all rows."""
    tried: Tried
    """What each setting tells of held-out rows; nothing where none were held out."""
    splits: list[Split]


def choose(x: Array, told: Told, search: Search, rng: np.random.Generator, plan: Plan) -> Found:
    """The metric, degree and bandwidth that tell held-out rows best; where none are held out, each row by the others."""
    count = plan.n_splits or (_SPLITS if len(x) <= _SMALL else _SPLITS_OF_MANY)
    parts = splits(rng, told, plan.fraction, count) if plan.fraction > 0.0 and len(x) >= FEWEST else []
    if not parts:
        learned = _maps(x, told, search, plan)
        name = min(learned, key=lambda name: learned[name].losses[-1])
        choice = Choice(float(learned[name].losses[-1]), Setting(name, plan.degree or 0, 1.0, RIDGES[1]))
        return Found(choice, learned[name], {}, [])
    done = [split_of(x, told, train, held, search, plan) for train, held in parts]
    found = tried(done, plan, search.threads)
    choices = sorted(Choice(loss_of(told, done), setting) for setting, told in found.items())
    if plan.members > 1:
        # Of an average that which was searched for says most.
        best = next(choice for choice in choices if choice.setting.name not in (ISOTROPIC, WITHIN))
        return Found(best, done[0].learned[best.setting.name], found, done)
    best, name = choices[0], choices[0].setting.name
    if len(done) == 1:
        return Found(best, done[0].learned[name], found, done)
    # All rows learn for as many rounds as did best for most of them.
    rounds = {name: int(np.median([split.learned[name].n_iter for split in done])) for name in done[0].learned}
    return Found(best, _maps(x, told, search, plan, rounds=rounds, only=name)[name], found, done)


def loss_of(told: list[Array], done: list[Split]) -> float:
    """How badly the held-out rows of splits are told, in the mean."""
    return float(np.mean([split.outside[1].loss_of(one) for one, split in zip(told, done, strict=True)]))


def split_of(
    x: Array, told: Told, train: Array, held: Array, search: Search, plan: Plan, stop: tuple[Array, Told] | None = None
) -> Split:
    """What is learned from some rows, for as long as held-out rows gain by it, or others."""
    inside, outside = (np.ascontiguousarray(x[train]), told.of(train)), (np.ascontiguousarray(x[held]), told.of(held))
    return Split(inside, outside, _maps(*inside, search, plan, stop or outside))


def tried(done: list[Split], plan: Plan, threads: int) -> Tried:
    """All settings, and what they tell of held-out rows."""
    found: Tried = {}

    def one(setting: Setting) -> float:
        found[setting] = [split.told(setting, threads) for split in done]
        return loss_of(found[setting], done)

    fewest = min(len(split.inside[0]) for split in done)
    def wider(loss: float, best: Setting) -> None:
        """Around the best, too, with bandwidths of rows' own."""
        if plan.sites and np.isfinite(loss):
            for site in SITES:
                for factor in SITE_FACTORS:
                    one(best._replace(h=best.h * factor, site=site))

    for name, learned in done[0].learned.items():
        if plan.degree != 1:
            wider(*min((one(setting), setting) for setting in (Setting(name, 0, h, 0.0) for h in FACTORS)))
            for k in NEIGHBORS if name == ISOTROPIC and plan.members > 1 else ():
                if k < fewest:
                    one(Setting(name, 0, float(k), 0.0, nearest=True))
        if plan.degree == 1 or plan.degree is None and len(learned.map) <= MOST_OF_A_LINE:
            _, h = min((one(Setting(name, 1, h, RIDGES[1])), h) for h in LINE_FACTORS)
            for ridge in RIDGES:
                if ridge != RIDGES[1]:
                    one(Setting(name, 1, h, ridge))
            wider(0.0, Setting(name, 1, h, RIDGES[1]))
    return found


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
        learn("full", rank=plan.rank, start=plan.start)
        return found
    if plan.metric == "auto" and held is not None or only in (ISOTROPIC, WITHIN):
        for name, components in _plain(x, told, d <= _MOST_OF_A_MAP).items():
            if only in (None, name):
                found[name] = search._replace(max_iter=0).learn(x, told, start=components, per_feature=name == ISOTROPIC)
        if only in found:
            return found
    if only != "discriminant":
        learn("per-feature", per_feature=True, start=plan.start if plan.metric == "per-feature" else None)
    if d == 1 or plan.metric == "per-feature" or plan.metric == "auto" and d > _MOST_OF_A_MAP and plan.start is None:
        return found
    if only in (None, "full"):
        learn("full", start=found["per-feature"].map if plan.start is None else plan.start)
    if told.codes is not None and 1 < p <= d and plan.metric == "auto" and only in (None, "discriminant"):
        learn("discriminant", rank=p - 1)
    if plan.metric == "full" and rounds is None:
        del found["per-feature"]
    return found


def _plain(x: Array, told: Told, mixing: bool) -> dict[str, Array]:
    """Maps that nothing is searched for: one bandwidth of standardised columns; for classes columns in which these are round (Fukunaga 1990,
    the metric of Fisher's discriminants)."""
    n, d = x.shape
    unit = 1.0 / (_UNIT * np.sqrt(d))
    weights = np.full(n, 1.0 / n) if told.weights is None else told.weights / told.weights.sum()
    centred = x - weights @ x
    spread = np.sqrt(weights @ centred**2)
    # What is left of a constant by rounding is no spread.
    spread = np.where(spread > 1e-12 * np.abs(x).max(axis=0, initial=0.0), spread, 1.0)
    found = {ISOTROPIC: np.diag(unit / spread)}
    if told.codes is None or told.values.shape[1] < 2 or d == 1 or not mixing:
        return found
    shares = weights @ told.values
    middles = (told.values * weights[:, None]).T @ x / np.where(shares > 0.0, shares, 1.0)[:, None]
    off = (x - middles[told.codes]) / spread
    within = (off * weights[:, None]).T @ off
    within = (1.0 - _SHRINKAGE) * within + _SHRINKAGE * np.diag(np.diag(within))
    sizes, directions = np.linalg.eigh(within)
    sizes = np.maximum(sizes, 1e-3 * max(sizes[-1], 1e-12))
    found[WITHIN] = np.ascontiguousarray((directions * (unit / np.sqrt(sizes))).T / spread)
    return found
