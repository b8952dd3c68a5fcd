"""Runs the comparisons and writes their record: `cargo xtask bench [NAME ..] [--quick]`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

NAMES = (
    "local_mean",
    "scaling",
    "attention",
    "neighbors",
    "mean_shift",
    "image",
    "denoise",
    "density",
    "lowess",
    "local_linear",
    "local_logistic",
    "kernel_methods",
    "gwr",
    "embed",
    "hopfield",
    "fuzzy",
    "labeling",
    "accuracy",
)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}; all by default")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads of each side")
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn: to see that it runs")
    parser.add_argument("--models", nargs="+", metavar="MODEL", help="of the accuracies: these models alone")
    parser.add_argument("-o", "--output", type=Path, help="folder of the record")
    arguments = parser.parse_args()
    unknown = [n for n in arguments.names if n not in NAMES]
    if unknown:
        parser.error(f"unknown bench {unknown[0]!r}; known are {', '.join(NAMES)}")
    # Before numpy is loaded: its matrix library reads these once.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    sys.path.insert(0, str(Path(__file__).parent))
    from common import Report

    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy > 0.5:
        print(f"load average {busy:.1f}: other work runs here, the figures will be disturbed", file=sys.stderr)
    report = Report(arguments.threads, arguments.quick, arguments.models)
    for name in arguments.names or NAMES:
        import_module(f"bench_{name}").run(report)
    if not arguments.quick or arguments.output:
        print(f"written to {report.write(arguments.output)}")


if __name__ == "__main__":
    main()
