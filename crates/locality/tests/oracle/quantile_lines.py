"""Writes quantile_lines.txt: local quantile lines and parabolas as linear programs, solved by SciPy's HiGHS.

Each row: the seed of the table, degree, level, target, the program's optimal loss, and the value at the target where no other minimiser has
another (found by minimising and maximising it over the optimal face), else an empty field.
"""

import csv
from pathlib import Path

import numpy as np
from scipy.optimize import linprog

MASK = (1 << 64) - 1


class Rng:
    """The generator of the Rust tests (SplitMix64)."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) / float(1 << 53)


def table(seed):
    """Columns in [-2, 2], some of them whole numbers; responses with heavy tails, some of them rounded."""
    rng = Rng(seed)
    n, d = 40 + 10 * (seed % 4), 1 + seed % 3
    x = np.array([[4.0 * rng.uniform() - 2.0 for _ in range(d)] for _ in range(n)])
    if seed % 5 == 1:
        x[:, 0] = np.round(x[:, 0])
    y = np.array([row[0] * row[0] - row[-1] + 0.3 / (0.05 + rng.uniform()) for row in x])
    if seed % 5 == 2:
        y = np.round(y)
    return x, y


def features(x, target, degree):
    z = x - target
    columns = [np.ones(len(z)), *z.T]
    if degree == 2:
        d = z.shape[1]
        columns += [z[:, a] * z[:, b] for a in range(d) for b in range(a, d)]
    return np.column_stack(columns)


def solve(z, y, w, level):
    """min sum w (level u + (1 - level) v), z b + u - v = y."""
    n, q = z.shape
    cost = np.concatenate([np.zeros(q), w * level, w * (1.0 - level)])
    equal = np.hstack([z, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * q + [(0.0, None)] * (2 * n)
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    best = linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs", options=options)
    ends = []
    for sign in (1.0, -1.0):
        aim = np.zeros(q + 2 * n)
        aim[0] = sign
        face = linprog(
            aim, A_ub=cost[None], b_ub=[best.fun * (1.0 + 1e-9)], A_eq=equal, b_eq=y, bounds=bounds, method="highs", options=options
        )
        ends.append(face.x[0] if face.status == 0 else np.nan)
    unique = abs(ends[1] - ends[0]) < 1e-5
    return best.fun, best.x[0] if unique else None


def main():
    rows = []
    for seed in range(12):
        x, y = table(seed)
        rng = Rng(1000 + seed)
        for _ in range(3):
            target = np.array([3.0 * rng.uniform() - 1.5 for _ in range(x.shape[1])])
            w = np.exp(-0.5 * ((x - target) ** 2).sum(axis=1) / 0.9**2)
            for degree in (1, 2):
                for level in (0.1, 0.5, 0.8):
                    loss, value = solve(features(x, target, degree), y, w, level)
                    found = "" if value is None else repr(float(value))
                    rows.append([seed, degree, level, *(repr(float(t)) for t in np.pad(target, (0, 3 - len(target)))), repr(float(loss)), found])
    path = Path(__file__).with_name("quantile_lines.txt")
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["seed", "degree", "level", "t0", "t1", "t2", "loss", "value"])
        out.writerows(rows)
    print(len(rows), "rows,", sum(r[-1] != "" for r in rows), "with a unique value")


main()
