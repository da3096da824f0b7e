"""Connections: memory for each, and how many one process serves in time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from benchmarks.baselines import filler
from benchmarks.harness import Report, Row
from benchmarks.processes import Server, baseline_server, load, market_depth_server
from benchmarks.rounds import Rounds

__all__ = ["run"]

_BUSY_RATE_HZ = 200
"""So many that no stream ever skips a beat because its book has not changed."""


def run(*, quick: bool) -> Report:
    """Measure memory, then delivery delay at growing numbers of connections."""
    report = Report("connections")
    connections = 500 if quick else 5000
    rounds, settle_s = (1, 0.3) if quick else (3, 2.0)
    memory = _Memory(connections, rounds, settle_s)
    library = _row("websockets' server, idle", memory.of_baseline("broadcast"))
    report.add(library)
    report.add(_row("uvloop and sans-I/O, idle", memory.of_baseline("bare")))
    for name, streams, goal in (("idle", 0, "≤ 8"), ("subscribed to MBP-20", 1, "")):
        row = _row(f"market-depth, {name}", memory.of_server(streams))
        row.baseline, row.ratio, row.goal = "websockets' server", row.value / library.value, goal
        row.note = f"{connections} connections"
        report.add(row)
    for count in (500,) if quick else (1000, 5000, 10_000, 15_000):
        _delay(report, count, 2.0 if quick else 15.0, rounds)
    return report


def _row(name: str, kib: float) -> Row:
    return Row(f"memory of a connection, {name}", kib, "KiB RSS")


class _Memory(NamedTuple):
    """How memory is measured: the KiB that a connection takes, the median of some rounds."""

    connections: int
    rounds: int
    settle_s: float

    def of_server(self, streams: int) -> float:
        """Return what a connection with so many streams takes."""
        return self._median(lambda: market_depth_server("--seed=1"), streams)

    def of_baseline(self, kind: str) -> float:
        """Return what an idle connection of a baseline server takes."""
        return self._median(lambda: baseline_server(kind, [filler(100)], interval_s=3600.0), 0)

    def _median(self, run: Callable[[], AbstractContextManager[Server]], streams: int) -> float:
        kib = []
        for _ in range(self.rounds):
            with run() as server:
                kib.append(self._growth_kib(server, streams))
        return statistics.median(kib)

    def _growth_kib(self, server: Server, streams: int) -> float:
        """Return what each connection adds, behind a hundred that have warmed the server up."""
        with load(server, 100, streams=streams):
            time.sleep(self.settle_s)
        before = self._settled_rss(server)
        with load(server, self.connections, streams=streams) as clients:
            clients.measure(self.settle_s)
            return (self._settled_rss(server) - before) / self.connections / 1024

    def _settled_rss(self, server: Server) -> int:
        time.sleep(self.settle_s)
        return server.rss_bytes()


def _delay(report: Report, connections: int, seconds: float, rounds: int) -> None:
    measured = Rounds()
    for _ in range(rounds):
        server_run = market_depth_server("--seed=1", f"--rate={_BUSY_RATE_HZ}")
        with server_run as server, load(server, connections) as clients:
            measured.add(clients.measure(seconds))
    gap_ms = measured.median(lambda one: one.gap_p99_s or 0.0) * 1000
    name = f"delivery delay p99 at {connections:,} connections"
    row = Row(name, measured.delay_ms("p99"), "ms")
    row.goal = "< 150" if connections == 15_000 else ""
    p50_ms = measured.delay_ms("p50")
    row.note = f"p50 {p50_ms:.2f} ms, gap of updates p99 {gap_ms:.0f} ms, {measured.note()}"
    report.add(row)
