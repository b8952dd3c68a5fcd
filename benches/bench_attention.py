"""Attention: softmax of scaled inner products, against torch's fused kernel."""

from __future__ import annotations

import numpy as np
from common import Report, Row, race

HEADS, COLUMNS = 8, 64


def run(report: Report) -> None:
    """Forward, and forward with backward; full and causal."""
    try:
        import torch
    except ImportError:
        print("attention: torch is not installed, nothing to compare with")
        return
    import locality as lc

    torch.set_num_threads(report.threads)
    fused = torch.nn.functional.scaled_dot_product_attention
    n = 512 if report.quick else 4096
    rng = np.random.default_rng(0)
    q, k, v, by = (rng.standard_normal((HEADS, n, COLUMNS)).astype(np.float32) for _ in range(4))
    tensors = [torch.from_numpy(x)[None] for x in (q, k, v)]
    upstream = torch.from_numpy(by)[None]
    kernel = lc.kernels.softmax(beta=COLUMNS**-0.5)
    for causal in (False, True):
        case = f"{HEADS} heads, n={n}, d={COLUMNS}" + (", causal" if causal else "")
        same = {"kernel": kernel, "neighborhood": "causal" if causal else None, "n_jobs": report.threads}

        def forward() -> np.ndarray:
            return lc.local_mean(q, k, v, **same)

        def torch_forward() -> np.ndarray:
            with torch.no_grad():
                return fused(*tensors, is_causal=causal)[0].numpy()

        ours, theirs, a, b = race(forward, torch_forward, report.rounds(7))
        truth = exact(q[0, -64:], k[0], v[0], n - 64 if causal else None)
        notes = {"worst error, ours": error(a[0, -64:], truth), "torch": error(b[0, -64:], truth)}
        report.add(Row("attention", f"{case}, forward", ours, "torch SDPA", theirs, notes))

        def both() -> tuple[np.ndarray, ...]:
            out = lc.local_mean(q, k, v, **same, return_log_normalizer=True)
            return tuple(lc.local_mean_vjp(q, k, v, by, **same, forward=out)[:3])

        def torch_both() -> tuple[np.ndarray, ...]:
            leaves = [t.detach().requires_grad_() for t in tensors]
            fused(*leaves, is_causal=causal).backward(upstream)
            return tuple(leaf.grad[0].numpy() for leaf in leaves)

        ours, theirs, a, b = race(both, torch_both, report.rounds(5))
        slopes = exact_gradients(q[0], k[0], v[0], by[0], causal)
        notes = {
            f"worst error of the gradients, of the largest, {side}": f"{worst(found, slopes):.1e}"
            for side, found in (("ours", a), ("torch", b))
        }
        report.add(Row("attention", f"{case}, forward and backward", ours, "torch SDPA", theirs, notes))


def exact(q: np.ndarray, k: np.ndarray, v: np.ndarray, first: int | None) -> np.ndarray:
    """In double precision; with `first`, query i is at first + i and sees no later key."""
    scores = q.astype(np.float64) @ k.astype(np.float64).T / np.sqrt(q.shape[1])
    if first is not None:
        scores[np.arange(len(k)) > first + np.arange(len(q))[:, None]] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights @ v / weights.sum(axis=1, keepdims=True)


def exact_gradients(q: np.ndarray, k: np.ndarray, v: np.ndarray, by: np.ndarray, causal: bool) -> list[np.ndarray]:
    """By queries, keys and values of one head, in double precision."""
    q, k, v, by = (x.astype(np.float64) for x in (q, k, v, by))
    scores = q @ k.T / np.sqrt(q.shape[1])
    if causal:
        scores[np.triu_indices(len(q), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    back = by @ v.T
    back = weights * (back - (weights * back).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    return [back @ k, back.T @ q, weights.T @ by]


def worst(found: tuple[np.ndarray, ...], truth: list[np.ndarray]) -> float:
    """Largest error of the first head's gradients, as a share of the largest of their kind."""
    pairs = zip(found, truth, strict=True)
    return max(float(np.abs(x[0] - y).max() / np.abs(y).max()) for x, y in pairs)


def error(found: np.ndarray, truth: np.ndarray) -> str:
    """Largest absolute error."""
    return f"{np.abs(found - truth).max():.2e}"
