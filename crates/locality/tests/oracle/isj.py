"""Prints the figures of the plug-in bandwidth that density_bandwidth.rs is tested against.

    pip install numpy==2.4.6 scipy==1.17.1
    python isj.py

Botev, Grotowski and Kroese (2010), algorithm 1, on a histogram of 2^14 cells that is twice as wide as the data. Of
1000 and 20000 standard normal numbers it finds 0.279 and 0.149, where 0.266 and 0.146 are optimal.
"""
import numpy as np
from scipy.fft import dct
from scipy.optimize import brentq



class Rng:  # SplitMix64, as in locality-testing
    M = (1 << 64) - 1

    def __init__(self, seed):
        self.s = seed

    def uniform(self):
        self.s = (self.s + 0x9E3779B97F4A7C15) & self.M
        z = self.s
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.M
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.M
        return ((z ^ (z >> 31)) >> 11) / (1 << 53)


def humps(seed, n):
    r = Rng(seed)
    out = []
    for i in range(n):
        tent = r.uniform() + r.uniform() + r.uniform() - 1.5
        out.append(6.0 + 0.5 * tent if i % 3 == 0 else 2.0 * tent)
    return np.array(out)


def isj(x, cells=2**14):
    spread = x.max() - x.min()
    start, width = x.min() - spread / 2, 2 * spread
    counts, _ = np.histogram(x, bins=cells, range=(start, start + width))
    n = len(np.unique(x))
    a2 = (dct(counts / counts.sum(), type=2)[1:] / 2) ** 2
    k2 = np.arange(1, cells, dtype=float) ** 2

    def norm(s, t):
        return 2 * np.pi ** (2 * s) * np.sum(k2**s * a2 * np.exp(-k2 * np.pi**2 * t))

    def gap(t):
        f = norm(7, t)
        for s in range(6, 1, -1):
            odd = np.prod(np.arange(1, 2 * s, 2, dtype=float)) / np.sqrt(2 * np.pi)
            f = norm(s, (2 * odd * (1 + 0.5 ** (s + 0.5)) / 3 / (n * f)) ** (2 / (3 + 2 * s)))
        return t - (2 * n * np.sqrt(np.pi) * f) ** -0.4

    grid = np.geomspace(1e-9, 0.1, 400)
    first = next(i for i in range(1, len(grid)) if gap(grid[i]) >= 0)
    return np.sqrt(brentq(gap, grid[first - 1], grid[first], xtol=1e-18, rtol=1e-14)) * width


for seed, n in [(21, 1000), (22, 300), (23, 20000)]:
    x = humps(seed, n)
    print(f"    ({seed}, {n}, {isj(x):.9f}),")
