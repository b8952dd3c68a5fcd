"""Writes mean_shift.txt: figures of scikit-learn's MeanShift for the tests beside it.

    pip install scikit-learn==1.9.1
    python mean_shift.py DATA_FOLDER > mean_shift.txt

DATA_FOLDER holds iris.csv and wine.csv (last column: target, left out).
The blobs are made by the same integer arithmetic as `locality_testing::blobs`, so that no table of numbers is stored.
"""
import sys
import numpy as np
import sklearn
from sklearn.cluster import MeanShift, estimate_bandwidth


class Rng:  # SplitMix64, as in locality-testing
    M = (1 << 64) - 1

    def __init__(self, seed):
        self.s = seed

    def bits(self):
        self.s = (self.s + 0x9E3779B97F4A7C15) & self.M
        z = self.s
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.M
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.M
        return z ^ (z >> 31)

    def uniform(self):
        return (self.bits() >> 11) / (1 << 53)


def cloud(seed, n, d, k, spread):
    """Clusters with tent-shaped sides: uniform numbers alone, so that every machine makes the same bits."""
    r = Rng(seed)
    centers = [20 * r.uniform() - 10 for _ in range(k * d)]
    x = [[centers[i % k * d + j] + spread * (r.uniform() + r.uniform() + r.uniform() - 1.5) for j in range(d)] for i in range(n)]
    return np.array(x)


def table(name):
    return np.genfromtxt(f"{sys.argv[1]}/{name}.csv", delimiter=",", skip_header=1)[:, :-1]


def case(name, x, rows, quantile, n_samples, seeding, every, **more):
    h = float(estimate_bandwidth(x, quantile=quantile, n_samples=n_samples, random_state=0))
    # A NumPy number keeps the bins' centres in double precision.
    m = MeanShift(bandwidth=np.float64(h), bin_seeding=seeding, cluster_all=every, **more).fit(x)
    return dict(name=name, **rows, quantile=quantile, n_samples=n_samples or 0, bandwidth=h, bin_seeding=seeding, cluster_all=every,
                min_bin_freq=more.get("min_bin_freq", 1), max_iter=more.get("max_iter", 300),
                n_iter=int(m.n_iter_), centers=[[float(v) for v in c] for c in m.cluster_centers_],
                labels=m.labels_.tolist(), predict=m.predict(x[:50] + 0.1).tolist())


cases = []
for name, x, rows, quantile, n_samples in [
    ("cloud2", cloud(1, 2000, 2, 8, 1.2), dict(seed=1, n=2000, d=2), 0.1, 1000),
    ("cloud3", cloud(2, 2000, 3, 8, 1.2), dict(seed=2, n=2000, d=3), 0.1, 1000),
    ("iris", table("iris"), dict(seed=0, n=150, d=4), 0.2, None),
    ("wine", table("wine"), dict(seed=0, n=178, d=13), 0.3, None),
]:
    for seeding in (False, True):
        for every in (True, False):
            cases.append(case(name, x, rows, quantile, n_samples, seeding, every))
    for limit in (0, 3):
        cases.append(case(name, x, rows, quantile, n_samples, False, True, max_iter=limit))
    cases.append(case(name, x, rows, quantile, n_samples, True, True, min_bin_freq=5))
print(f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by mean_shift.py")
tables = {"iris": table("iris"), "wine": table("wine")}
for name, x in tables.items():
    print("table", name, x.shape[1], *(f"{v:g}" for v in x.ravel()))
for c in cases:
    print("case", c.pop("name"))
    for key, value in c.items():
        print(key, *(repr(float(v)).removesuffix(".0") for v in np.ravel(value)))
