"""Geographically weighted regression against mgwr: bandwidth search and fit on Georgia's counties and on a synthetic table, several
bandwidths on Georgia."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import locality as lc
import numpy as np
from common import ROOT, Report, Row, race


def georgia() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, responses and places of the counties."""
    with (ROOT / "data" / "georgia.csv").open() as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    x = np.column_stack([column[name] for name in ("PctRural", "PctPov", "PctBlack")])
    return x, column["PctBach"], np.column_stack([column["X"], column["Y"]])


def synthetic(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients that are waves of the place."""
    rng = np.random.default_rng(n)
    coords = rng.uniform(0.0, 10.0, (n, 2))
    x = rng.normal(size=(n, 3))
    slopes = np.column_stack([np.sin(coords[:, 0]), np.cos(coords[:, 1]), np.ones(n)])
    return x, 1.0 + (slopes * x).sum(axis=1) + 0.5 * rng.normal(size=n), coords


def far(a: Any, b: Any) -> str:
    """The largest difference in units of the largest number."""
    a, b = np.asarray(a), np.asarray(b)
    return f"{np.abs(a - b).max() / np.abs(b).max():.1e}"


def one_bandwidth(report: Report, name: str, table: tuple[np.ndarray, np.ndarray, np.ndarray], rounds: int) -> None:
    """Search, then fit."""
    from mgwr.gwr import GWR
    from mgwr.sel_bw import Sel_BW

    x, y, coords = table
    threads = report.threads
    ours, theirs, mine, other = race(
        lambda: lc.GWR(n_jobs=threads).fit(x, y, coords).bandwidth_,
        lambda: Sel_BW(coords, y[:, None], x, n_jobs=threads).search(),
        rounds,
        our_rounds=5,
    )
    notes = {"our bandwidth": mine, "mgwr's": other, "ours includes": "the fit"}
    report.add(Row("gwr", f"{name}: bandwidth by AICc, adaptive bisquare", ours, "mgwr", theirs, notes))
    ours, theirs, model, peer = race(
        lambda: lc.GWR(other, n_jobs=threads).fit(x, y, coords),
        lambda: GWR(coords, y[:, None], x, other, n_jobs=threads, hat_matrix=False).fit(),
        rounds,
        our_rounds=5,
    )
    notes = {
        "coefficients differ by": far(model.params_, peer.params),
        "standard errors": far(model.standard_errors_, peer.bse),
        "AICc": far(model.aicc_, peer.aicc),
    }
    report.add(Row("gwr", f"{name}: fit, bandwidth {other:g}", ours, "mgwr", theirs, notes))


def several(report: Report) -> None:
    """Bandwidths for each column, with inference."""
    from mgwr.gwr import MGWR
    from mgwr.sel_bw import Sel_BW

    x, y, coords = georgia()
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    threads = report.threads

    def theirs() -> Any:
        selector = Sel_BW(coords, y[:, None], x, multi=True, n_jobs=threads)
        selector.search()
        return MGWR(coords, y[:, None], x, selector, n_jobs=threads).fit()

    ours, other, model, peer = race(
        lambda: lc.MGWR(n_jobs=threads).fit(x, y, coords), theirs, report.rounds(2), our_rounds=5
    )
    notes = {
        "our bandwidths": model.bandwidths_.tolist(),
        "mgwr's": np.asarray(peer.model.bws).tolist(),
        "coefficients differ by": far(model.params_, peer.params),
        "standard errors": far(model.standard_errors_, peer.bse),
    }
    report.add(Row("gwr", "Georgia: a bandwidth for each column, with inference", ours, "mgwr", other, notes))


# Fits a table of so many rows in a process of its own, whose memory is measured.
LARGE = """
import json, resource, sys, time
sys.path.insert(0, {folder!r})
from bench_gwr import synthetic
import locality as lc
lc.GWR(100).fit(*synthetic(200))
x, y, coords = synthetic({n})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
model = lc.GWR({given}, n_jobs={threads}).fit(x, y, coords)
spent = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([spent, (after - before) / 1024, model.bandwidth_, len(model.search_history_), model.r2_]))
"""


def large(report: Report, n: int, what: str, given: str) -> None:
    """Time and memory of a table that no n x n matrix of it fits into; mgwr has no answer in the time of a bench."""
    code = LARGE.format(folder=str(Path(__file__).parent), n=n, given=given, threads=report.threads)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spent, memory, bandwidth, tried, r2 = json.loads(done.stdout.splitlines()[-1])
    notes = {"memory beside the table, MiB": round(memory), "bandwidth": bandwidth, "tried": tried, "R2": round(r2, 4)}
    report.add(Row("gwr", f"synthetic, n={n}, q=4: {what}", [spent], notes=notes))


def run(report: Report) -> None:
    """Each task by turns with mgwr, and large tables alone."""
    for n in (1000,) if report.quick else (5000, 100_000):
        large(report, n, "fit, adaptive, 200 places", "200")
        large(report, n, "fit, fixed", f"{10.0 * math.sqrt(200 / (math.pi * n)):.4g}, adaptive=False")
        large(report, n, "search over 50 to 1,000 places", "bandwidth_range=(50, min(1000, %d))" % n)
    if not importlib.util.find_spec("mgwr"):
        print("gwr: mgwr is not installed; nothing to compare with")
        return
    one_bandwidth(report, "Georgia, n=159", georgia(), report.rounds(3))
    n = 500 if report.quick else 2000
    one_bandwidth(report, f"synthetic, n={n}, q=4", synthetic(n), 1)
    several(report)
