"""`python -m benchmarks [NAME …] [--quick]`: run benchmarks, print tables, write JSON."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from benchmarks.harness import RESULTS, write_results

__all__ = ["main"]

NAMES = (
    "startup",
    "book",
    "encode",
    "simulator",
    "recordings",
    "itch",
    "fanout",
    "connections",
    "bytes",
    "ticks",
    "compression",
    "stalled",
    "client",
    "viewer",
)


def main() -> None:
    """Run what was asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="small: to see that they run")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON")
    options = parser.parse_args()
    reports = []
    for name in options.names:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        module = importlib.import_module(f"benchmarks.bench_{name}")
        print(f"\n== {name}", flush=True)
        reports.append(module.run(quick=options.quick))
    print(f"\nwritten to {write_results(reports, options.results)}")


if __name__ == "__main__":
    main()
