"""Start-up: seconds from the command to a server that listens, its kernels compiled before."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.harness import Report, Row
from benchmarks.processes import market_depth_server

__all__ = ["run"]


def run(*, quick: bool) -> Report:
    """Start the server again and again."""
    report = Report("start-up")
    rounds = 2 if quick else 9
    _start_server()  # compiles what has not been compiled yet
    ours_s = _median(_start_server, rounds)
    base_s = _median(_import_numba, rounds)
    report.add(Row("python -c 'import numba'", base_s, "s"))
    row = Row("market-depth serve, until it listens", ours_s, "s", "import numba", ours_s / base_s)
    row.goal = "< 3 s"
    report.add(row)
    return report


def _median(start: Callable[[], float], rounds: int) -> float:
    return statistics.median(start() for _ in range(rounds))


def _start_server() -> float:
    begun = time.perf_counter()
    with market_depth_server("--seed=1"):
        return time.perf_counter() - begun


def _import_numba() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numba"], check=True)
    return time.perf_counter() - begun
