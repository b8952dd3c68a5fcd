"""Gaussian local mean, 100,000 keys x 10,000 queries in float32, against chunked numpy; and the error of both."""

from __future__ import annotations

import locality as lc
import numpy as np
from common import Report, Row, race


def data(d: int, keys: int, queries: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standard normal sites; a sine of the first column with noise."""
    rng = np.random.default_rng(d)
    k = rng.standard_normal((keys, d)).astype(np.float32)
    q = rng.standard_normal((queries, d)).astype(np.float32)
    v = (np.sin(k[:, 0]) + 0.1 * rng.standard_normal(keys)).astype(np.float32)
    return q, k, v


def chunked(q: np.ndarray, k: np.ndarray, v: np.ndarray, h: float, chunk: int) -> np.ndarray:
    """The same in numpy, as fast as it gets: one matrix product for the distances, one for the sums, in place."""
    g = np.float32(1 / (2 * h * h))
    both = np.stack([v, np.ones_like(v)], axis=1)
    scaled = np.ascontiguousarray((2 * g * k).T)
    key_part, query_part = -g * (k * k).sum(1), -g * (q * q).sum(1)
    room = np.empty((chunk, len(k)), np.float32)
    out = np.empty(len(q), np.float32)
    for start in range(0, len(q), chunk):
        part = q[start : start + chunk]
        logs = room[: len(part)]
        np.dot(part, scaled, out=logs)
        logs += key_part
        logs += query_part[start : start + chunk, None]
        np.exp(logs, out=logs)
        sums = logs @ both
        out[start : start + chunk] = sums[:, 0] / sums[:, 1]
    return out


def exact(q: np.ndarray, k: np.ndarray, v: np.ndarray, h: float) -> np.ndarray:
    """The definition in float64."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    out = np.empty(len(q))
    for i, x in enumerate(q):
        w = np.exp(-((k - x) ** 2).sum(1) / (2 * h * h))
        out[i] = w @ v / w.sum()
    return out


def plain_loop(q: np.ndarray, k: np.ndarray, v: np.ndarray, h: float) -> np.ndarray:
    """A plain float32 loop: numpy's cumulative sum adds one number after the other."""
    g = np.float32(-1 / (2 * h * h))
    out = np.empty(len(q), np.float32)
    for i, x in enumerate(q):
        squared = np.zeros(len(k), np.float32)
        for c in range(k.shape[1]):
            squared += (k[:, c] - x[c]) ** 2
        w = np.exp(g * squared)
        out[i] = np.cumsum(w * v, dtype=np.float32)[-1] / np.cumsum(w, dtype=np.float32)[-1]
    return out


def run(report: Report) -> None:
    """Dense (tolerance 0) in 3 and 16 dimensions, then with a tolerance."""
    keys, queries = (20_000, 2_000) if report.quick else (100_000, 10_000)
    for d, h in ((3, 0.3), (16, 1.5)):
        q, k, v = data(d, keys, queries)
        kernel = lc.kernels.gaussian(h=h)
        chunk = min((64, 256), key=lambda c: _time(lambda: chunked(q[:1024], k, v, h, c)))
        ours, theirs, mine, other = race(
            lambda: lc.local_mean(q, k, v, kernel=kernel, n_jobs=report.threads),
            lambda: chunked(q, k, v, h, chunk),
            report.rounds(5),
        )
        some = slice(0, 64)
        reference = exact(q[some], k, v, h)
        loop = plain_loop(q[some], k, v, h)
        notes = {
            "worst error, ours": f"{np.abs(mine[some] - reference).max():.2e}",
            "numpy": f"{np.abs(other[some] - reference).max():.2e}",
            "plain float32 loop": f"{np.abs(loop - reference).max():.2e}",
        }
        case = f"{keys} keys x {queries} queries, d={d}, h={h}"
        report.add(Row("local_mean", case, ours, f"numpy, chunks of {chunk}", theirs, notes))
        times = [_time(lambda: lc.local_mean(q, k, v, kernel=kernel, tolerance=1e-6, n_jobs=report.threads))]
        times += [
            _time(lambda: lc.local_mean(q, k, v, kernel=kernel, tolerance=1e-6, n_jobs=report.threads))
            for _ in range(report.rounds(3))
        ]
        report.add(Row("local_mean", f"{case}, tolerance 1e-6", times, f"numpy, chunks of {chunk}", theirs))


def _time(call) -> float:
    from common import seconds

    return seconds(call)[0]
