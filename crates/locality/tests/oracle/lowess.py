"""Writes lowess.json beside this file: curves by statsmodels 0.15 (`pip install statsmodels`) on rows that `case_rows` makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".json")


def case_rows(name: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictor and response of a case, by plain arithmetic: the same on every machine."""
    i = np.arange(n, dtype=np.float64)
    x = 10.0 * ((0.6180339887498949 * i + 0.137) % 1.0)
    noise = (0.7548776662466927 * i * i + 0.3 * i) % 1.0 - 0.5
    y = np.sin(x) + noise
    if name == "ties":
        x = np.round(x, 1)
    elif name == "outliers":
        y[::9] += 40.0 * noise[::9]
    elif name == "spikes":
        y = np.where(i % 11 == 4, 5.0, 0.0)
    elif name == "scaled":
        x, y = 1e5 * x, 1e-6 * y
    elif name == "gaps":
        x = x + 25.0 * np.floor(x / 3.0)
    elif name == "missing":
        x[5], y[7], y[8] = np.nan, np.inf, np.nan
    return x, y


def cases() -> list[dict]:
    """What is asked."""
    found = [
        {"name": "plain", "n": n, "frac": frac, "it": it, "delta": delta}
        for n in (2, 3, 5, 10, 100, 1000)
        for frac in (0.1, 0.3, 2 / 3, 1.0)
        for it in (0, 3)
        for delta in (0.0, 0.4)
    ]
    found += [
        {"name": "plain", "n": 10_000, "frac": 0.05, "it": it, "delta": delta} for it in (0, 3) for delta in (0.0, 0.1)
    ]
    found += [
        {"name": name, "n": 1000, "frac": frac, "it": it, "delta": delta}
        for name in ("ties", "outliers", "spikes", "scaled", "gaps", "missing")
        for frac in (0.07, 0.4)
        for it in (0, 2)
        for delta in (0.0, 0.3)
    ]
    places = [-4.0, -0.5, 0.0, 3.3, 3.3, 7.25, 9.99, 10.5, 14.0, 5.0]
    found += [
        {"name": name, "n": 1000, "frac": 0.07, "it": it, "delta": 0.0, "xvals": places}
        for name in ("plain", "ties", "outliers")
        for it in (0, 1, 3)
    ]
    return found


def kept(n: int) -> slice:
    """The rows whose values are stored."""
    return slice(None, None, max(1, n // 50))


def main() -> None:
    """Asks statsmodels."""
    import statsmodels
    from statsmodels.nonparametric.smoothers_lowess import lowess

    rows = []
    for case in cases():
        x, y = case_rows(case["name"], case["n"])
        how = {k: v for k, v in case.items() if k not in ("name", "n", "xvals")}
        if "xvals" in case:
            values = lowess(y, x, xvals=np.array(case["xvals"]), **how)
        else:
            values = lowess(y, x, return_sorted=False, **how)[kept(case["n"])]
        rows.append(case | {"values": [None if np.isnan(v) else v for v in values.tolist()]})
    text = ",\n".join(json.dumps(row) for row in rows)
    FILE.write_text(f'{{"statsmodels": "{statsmodels.__version__}", "cases": [\n{text}\n]}}\n')


if __name__ == "__main__":
    main()
