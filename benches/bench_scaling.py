"""How the certified walk grows with the number of keys, against our own dense engine; with a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from common import Report, Row, seconds

QUERIES = 10_000
MANY_QUERIES = 100_000
TOLERANCE = 1e-4
# Per decade of keys from 1e4; the narrow one has about as many keys within reach at any size.
BANDWIDTHS = {"h=0.05": lambda n: 0.05, "h shrinks as n^(-1/3)": lambda n: 0.05 * (1e6 / n) ** (1 / 3)}


def run(report: Report) -> None:
    """Normal keys and queries in three columns, float32. The dense engine sees a part of the queries, scaled up."""
    import locality as lc

    sizes = (10_000, 100_000) if report.quick else (10_000, 100_000, 1_000_000, 10_000_000)
    rng = np.random.default_rng(0)
    many = rng.standard_normal((MANY_QUERIES, 3), dtype=np.float32)
    queries = many[:QUERIES]
    curves: dict[str, list[tuple[int, float]]] = {}
    for n in sizes:
        keys = rng.standard_normal((n, 3), dtype=np.float32)
        values = np.sin(keys[:, 0])
        part = queries[: max(64, min(QUERIES, int(4e8) // n))]
        dense, exact = min(
            (seconds(lambda p=part, k=keys, v=values: all_pairs(p, k, v, report.threads))
             for _ in range(2)),
            key=lambda run: run[0],
        )
        dense *= QUERIES / len(part)
        curves.setdefault("every pair", []).append((n, dense))
        for name, width in BANDWIDTHS.items():
            h = width(n)

            def ours(k: np.ndarray = keys, v: np.ndarray = values, h: float = h) -> np.ndarray:
                return lc.local_mean(queries, k, v, kernel=f"gaussian(h={h})", tolerance=TOLERANCE, n_jobs=report.threads)

            runs = [seconds(ours) for _ in range(report.rounds(3))]
            notes = {"build": "tree included"}
            if h == 0.05:
                off = np.abs(runs[0][1][: len(part)] - exact).max()
                notes["worst error of a mean"] = f"{off:.1e}"
            case = f"{n} keys x {QUERIES} queries, d=3, {name}, tolerance {TOLERANCE:g}"
            times = [s for s, _ in runs]
            report.add(Row("scaling", case, times, "our own dense engine", [dense], notes))
            curves.setdefault(name, []).append((n, min(times)))
        if n == 1_000_000:

            def most(k: np.ndarray = keys, v: np.ndarray = values) -> np.ndarray:
                return lc.local_mean(many, k, v, kernel="gaussian(h=0.05)", tolerance=TOLERANCE, n_jobs=report.threads)

            times = [seconds(most)[0] for _ in range(report.rounds(3))]
            case = f"{n} keys x {MANY_QUERIES} queries, d=3, h=0.05, tolerance {TOLERANCE:g}"
            dense *= MANY_QUERIES / QUERIES
            report.add(Row("scaling", case, times, "our own dense engine", [dense], {"build": "tree included"}))
    if not report.quick:
        report.attach("scaling.svg", plot(curves))


def all_pairs(queries: np.ndarray, keys: np.ndarray, values: np.ndarray, threads: int) -> np.ndarray:
    """The same by the dense engine: a window that hides nothing keeps the keys in their order, so no tree is made."""
    import locality as lc

    rule = f"window(before={len(keys)}, after={len(keys)})"
    return lc.local_mean(queries, keys, values, kernel="gaussian(h=0.05)", neighborhood=rule, n_jobs=threads)


def plot(curves: dict[str, Sequence[tuple[int, float]]]) -> str:
    """Seconds against keys, both by powers of ten."""
    width, height, left, bottom = 640, 420, 70, 50
    points = [p for c in curves.values() for p in c]
    x0, x1 = (math.log10(f(n for n, _ in points)) for f in (min, max))
    y0, y1 = (f(math.log10(s) for _, s in points) for f in (min, max))
    y0, y1 = math.floor(y0), math.ceil(y1)

    def place(n: float, s: float) -> tuple[float, float]:
        x = left + (math.log10(n) - x0) / (x1 - x0) * (width - left - 20)
        y = height - bottom - (math.log10(s) - y0) / (y1 - y0) * (height - bottom - 20)
        return x, y

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for e in range(y0, y1 + 1):
        x, y = place(10**x0, 10.0**e)
        out.append(f'<path d="M{x:.1f} {y:.1f}H{width - 20}" stroke="#ddd"/>')
        out.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**e:g} s</text>')
    for e in range(math.ceil(x0), math.floor(x1) + 1):
        x, y = place(10.0**e, 10.0**y0)
        out.append(f'<path d="M{x:.1f} {y:.1f}V20" stroke="#ddd"/>')
        anchor = "end" if e == math.floor(x1) else "middle"
        out.append(f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="{anchor}">1e{e} keys</text>')
    for i, ((name, curve), color) in enumerate(zip(curves.items(), ("#888", "#0072b2", "#d55e00"), strict=False)):
        xy = [place(n, s) for n, s in curve]
        out.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in xy)}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>' for x, y in xy]
        out.append(f'<text x="{left + 12}" y="{40 + 20 * i}" fill="{color}">{name}</text>')
    return "\n".join([*out, "</svg>", ""])
