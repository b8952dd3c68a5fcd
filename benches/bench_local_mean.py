"""Gaussian local mean, 100,000 keys x 10,000 queries in float32: against chunked numpy, torch's fused attention on augmented
columns and KeOps; and the errors."""

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
    """Dense (tolerance 0) in 3, 16 and 64 dimensions, then with a tolerance."""
    keys, queries = (20_000, 2_000) if report.quick else (100_000, 10_000)
    for d, h in ((3, 0.3), (16, 1.5), (64, 3.5)):
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
        for name, peer in others(q, k, v, h, report.threads):
            again, peers, _, other = race(
                lambda: lc.local_mean(q, k, v, kernel=kernel, n_jobs=report.threads), peer, report.rounds(3)
            )
            notes = {f"worst error, {name}": f"{np.abs(other[some] - reference).max():.2e}"}
            report.add(Row("local_mean", case, again, name, peers, notes))
        if d > 16:
            continue
        times = [_time(lambda: lc.local_mean(q, k, v, kernel=kernel, tolerance=1e-6, n_jobs=report.threads))]
        times += [
            _time(lambda: lc.local_mean(q, k, v, kernel=kernel, tolerance=1e-6, n_jobs=report.threads))
            for _ in range(report.rounds(3))
        ]
        report.add(Row("local_mean", f"{case}, tolerance 1e-6", times, f"numpy, chunks of {chunk}", theirs))


def others(q: np.ndarray, k: np.ndarray, v: np.ndarray, h: float, threads: int) -> list:
    """torch and KeOps, where they are installed."""
    out = []
    try:
        import torch
    except ImportError:
        return out
    torch.set_num_threads(threads)
    fused = torch.nn.functional.scaled_dot_product_attention
    # exp(<q, k> / h^2 - |k|^2 / (2 h^2)): one more column in queries (1) and keys; values are padded to as many columns.
    more = [torch.from_numpy(x) for x in (q, k, v)]
    queries = torch.cat([more[0] / h**2, torch.ones(len(q), 1)], 1)[None, None]
    keys = torch.cat([more[1], -(more[1] ** 2).sum(1, keepdim=True) / (2 * h * h)], 1)[None, None]
    values = torch.zeros(len(k), q.shape[1] + 1)
    values[:, 0] = more[2]
    out.append(("torch SDPA", lambda: fused(queries, keys, values[None, None], scale=1.0)[0, 0, :, 0].numpy()))
    try:
        from pykeops.torch import LazyTensor
    except Exception as problem:
        # It compiles itself on first use, which takes a compiler.
        print(f"local_mean: KeOps does not run here ({problem})")
        return out
    unit = float(1 / (2 * h * h) ** 0.5)
    x = LazyTensor((more[0] * unit)[:, None, :].contiguous())
    y = LazyTensor((more[1] * unit)[None].contiguous())
    both = torch.stack([more[2], torch.ones(len(k))], 1)

    def keops() -> np.ndarray:
        sums = (-((x - y) ** 2).sum(-1)).exp() @ both
        return (sums[:, 0] / sums[:, 1]).numpy()

    out.append(("KeOps", keops))
    return out


def _time(call) -> float:
    from common import seconds

    return seconds(call)[0]
