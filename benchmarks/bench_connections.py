"""Connections: memory for each, and how many one process serves in time."""

from __future__ import annotations

import statistics
import time

from benchmarks.harness import Report, Row
from benchmarks.processes import Server, load, market_depth_server

__all__ = ["run"]

_SETTLE_S = 2.0


def run(*, quick: bool) -> Report:
    """Measure memory, then delivery delay at growing numbers of connections."""
    report = Report("connections")
    connections = 500 if quick else 5000
    rounds = 1 if quick else 3
    _memory(report, connections, rounds, streams=0, name="idle", goal="≤ 8")
    _memory(report, connections, rounds, streams=1, name="subscribed to MBP-20", goal="")
    for count in (500,) if quick else (1000, 5000, 10_000, 15_000):
        _delay(report, count, 2.0 if quick else 15.0, rounds)
    return report


def _memory(
    report: Report, connections: int, rounds: int, *, streams: int, name: str, goal: str
) -> None:
    kib = []
    for _ in range(rounds):
        with market_depth_server("--seed=1") as server:
            with load(server, 100, streams=streams):
                time.sleep(_SETTLE_S)
            before = _settled_rss(server)
            with load(server, connections, streams=streams) as clients:
                clients.measure(_SETTLE_S)
                kib.append((_settled_rss(server) - before) / connections / 1024)
    row = Row(f"memory of a connection, {name}", statistics.median(kib), "KiB RSS", goal=goal)
    row.note = f"{connections} connections"
    report.add(row)


def _settled_rss(server: Server) -> int:
    time.sleep(_SETTLE_S)
    return server.rss_bytes()


def _delay(report: Report, connections: int, seconds: float, rounds: int) -> None:
    measured = []
    for _ in range(rounds):
        with market_depth_server("--seed=1") as server, load(server, connections) as clients:
            measured.append(clients.measure(seconds))
    p99 = statistics.median(one.delay_p99_s or 0.0 for one in measured) * 1000
    p50 = statistics.median(one.delay_p50_s or 0.0 for one in measured) * 1000
    share = statistics.median(one.server_cpu_s / one.seconds for one in measured)
    rate = statistics.median(one.messages / one.seconds for one in measured)
    load_share = statistics.median(one.load_cpu_share for one in measured)
    row = Row(f"delivery delay p99 at {connections:,} connections", p99, "ms")
    row.goal = "< 150" if connections == 15_000 else ""
    row.note = (
        f"p50 {p50:.2f} ms, {rate:,.0f} msg/s, server {share:.0%} CPU, "
        f"load generator {load_share:.0%} CPU"
    )
    report.add(row)
