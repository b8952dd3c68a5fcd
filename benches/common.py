"""Two sides timed alternately in one go, and the record of it."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Row:
    """One comparison: seconds of both sides, and what else was measured."""

    bench: str
    case: str
    ours: list[float]
    peer: str | None = None
    theirs: list[float] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """How many times as fast we are, by the best runs: those are the least disturbed."""
        return min(self.theirs) / min(self.ours) if self.theirs else None

    @property
    def median_ratio(self) -> float | None:
        """The same by the medians."""
        return statistics.median(self.theirs) / statistics.median(self.ours) if self.theirs else None


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of one call, and its result."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def race(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int, our_rounds: int | None = None
) -> tuple[list[float], list[float], Any, Any]:
    """One warm-up each, then both sides by turns. A fast side may run `our_rounds` times for each turn of a slow one."""
    our_result, their_result = ours(), None
    a: list[float] = []
    b: list[float] = []
    for turn in range(rounds):
        for _ in range(our_rounds or 1):
            a.append(seconds(ours)[0])
        if turn == 0:
            # The warm-up of a side that runs for seconds is worth a run of its own only when it is short.
            first, their_result = seconds(theirs)
            b.append(first if first > 2.0 else seconds(theirs)[0])
        else:
            b.append(seconds(theirs)[0])
    return a, b, our_result, their_result


class Report:
    """Rows as they come, printed at once."""

    def __init__(self, threads: int, quick: bool, models: list[str] | None = None) -> None:
        self.threads = threads
        self.quick = quick
        #: The only models whose accuracies are measured; all where it is None.
        self.models = models
        self.rows: list[Row] = []
        self.files: dict[str, str] = {}

    def rounds(self, n: int) -> int:
        """Turns of a race: one where a quick look is wanted."""
        return 1 if self.quick else n

    def add(self, row: Row) -> None:
        """Keeps and prints a row."""
        self.rows.append(row)
        line = f"{row.bench}: {row.case}: {min(row.ours):.4g} s"
        if row.ratio is not None:
            line += f", {row.peer} {min(row.theirs):.4g} s: ratio {row.ratio:.3g} (medians {row.median_ratio:.3g})"
        print(line, *(f"  {k}: {v}" for k, v in row.notes.items()), sep="\n", flush=True)

    def attach(self, name: str, text: str) -> None:
        """Keeps a file that goes beside the record."""
        self.files[name] = text

    def write(self, folder: Path | None) -> Path:
        """Markdown and JSON, under the day and the processor unless told where."""
        about = machine(self.threads)
        if folder is None:
            cpu = re.sub(r"[^a-z0-9]+", "-", about["cpu"].lower()).strip("-") or "cpu"
            folder = ROOT / "benches" / "runs" / f"{about['date']}-{cpu}"
        folder.mkdir(parents=True, exist_ok=True)
        names = "-".join(dict.fromkeys(r.bench for r in self.rows)) or "nothing"
        name = "all" if len({r.bench for r in self.rows}) > 2 else names
        rows = [asdict(r) | {"ratio": r.ratio, "median_ratio": r.median_ratio} for r in self.rows]
        (folder / f"{name}.json").write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")
        (folder / f"{name}.md").write_text(markdown(about, self.rows))
        for file, text in self.files.items():
            (folder / file).write_text(text)
        return folder / f"{name}.md"


def machine(threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text())
        cpu = found[1].strip() if found else cpu
    versions = {}
    for package in ("locality", "numpy", "scipy", "scikit-learn", "opencv-python-headless", "torch", "pykeops", "faiss-cpu", "statsmodels", "fastlowess", "mgwr", "scikit-image", "scikit-fuzzy", "simpful"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": threads,
        "load": [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "commit": commit(),
    }


def commit() -> str | None:
    """The commit that was measured, and whether files had changed since."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "crates", "python")
        return git("rev-parse", "--short=10", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def markdown(about: dict[str, Any], rows: list[Row]) -> str:
    """The record as a table."""
    versions = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
    lines = [
        f"# {about['date']}, {about['cpu']}, {about['cores']} cores, {about['threads']} threads a side",
        "",
        f"Python {about['python']}, {versions}. Commit {about['commit']}. Load average at the end (both sides included): {about['load']}.",
        "Seconds are the best of the runs; both sides ran by turns. Ratio: how many times as fast as the peer.",
        "",
        "| bench | case | ours, s | peer | peer, s | ratio | by medians | notes |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        notes = "; ".join(f"{k} {v}" for k, v in r.notes.items())
        theirs = f"{min(r.theirs):.4g}" if r.theirs else ""
        ratios = f"{r.ratio:.3g} | {r.median_ratio:.3g}" if r.ratio is not None else " | "
        lines.append(f"| {r.bench} | {r.case} | {min(r.ours):.4g} | {r.peer or ''} | {theirs} | {ratios} | {notes} |")
    return "\n".join(lines) + "\n"
