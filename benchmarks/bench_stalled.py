"""Readers that never read: what they cost the server's memory, and what the others notice.

They subscribe to the largest messages there are, each under its own stream_id, so that no two of
their frames are the same bytes, and read nothing any more. The others are served by the same
process, before the silent ones come and while they are there.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.harness import Report, Row
from benchmarks.processes import Server, load, market_depth_server
from benchmarks.rounds import Rounds

__all__ = ["run"]

_INTERVAL_MS = 100
_RATE_HZ = 100
_SETTLE_S = 0.5
_SETTLE_TIMEOUT_S = 60.0
_KIB_PER_MIB = 1024
_SKIPPED = "market_depth_skipped_updates_total"


def run(*, quick: bool) -> Report:
    """Measure memory, then the delay of good clients with and without silent ones."""
    report = Report("stalled")
    silent, good = (30, 20) if quick else (300, 500)
    rounds, seconds = (1, 0.5) if quick else (5, 10.0)
    for mode in ("snapshot", "delta"):
        growths = [_growth_mib(silent, mode) for _ in range(1 if quick else 3)]
        name = f"memory for {silent} that never read, MBO-20 {mode}"
        row = Row(name, statistics.median(growths), "MiB RSS", goal="< 40")
        row.note = f"{row.value * _KIB_PER_MIB / silent:,.0f} KiB each"
        report.add(row)
    _compare(report, silent, good, rounds, seconds)
    return report


def _server() -> Server: ...
