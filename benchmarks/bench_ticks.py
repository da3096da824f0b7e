"""Ticks: how old a change is when its subscribers have read it, with interval 0.

A message tells the server's time at which its change was applied; server and clients share a
machine and a clock. The baseline sends the same messages at the same rate, as irregularly, with
nothing but `transport.write`, and stamps each before the first write.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import Report, Row
from benchmarks.playing import stream_messages
from benchmarks.processes import Measured, Server, baseline_server, load, market_depth_server
from benchmarks.rounds import Rounds
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode

__all__ = ["run"]

_MESSAGES_HZ = 100
_RATE_HZ = 150
"""Simulated activities a second: so many that the view changes about that often."""
_FIELDS: dict[str, Any] = {"mode": Mode.DELTA, "interval_ms": 0}
_LEVELS = 20


def run(*, quick: bool) -> Report:
    """Measure delays at growing numbers of clients; medians over interleaved rounds."""
    report = Report("ticks")
    beats = 20 if quick else 1000
    # The first two are no changes: Subscribed, and the whole view.
    messages = stream_messages(_RATE_HZ, beats, DataType.MBP, _LEVELS, **_FIELDS)[2:]
    rounds, seconds = (1, 0.7) if quick else (5, 10.0)
    for clients in (50,) if quick else (1, 100, 1000):
        _compare(report, clients, messages, rounds, seconds)
    return report


def _compare(
    report: Report, clients: int, messages: list[bytes], rounds: int, seconds: float
) -> None:
    ours, bare = Rounds(), Rounds()
    for _ in range(rounds):
        with baseline_server("bare", messages, 1 / _MESSAGES_HZ, is_random=True) as server:
            bare.add(_measure(server, clients, seconds))
        options = ("--symbols=BTCUSD", "--seed=1", f"--rate={_RATE_HZ}")
        with market_depth_server(*options) as server:
            ours.add(_measure(server, clients, seconds))
    for label, measured in (("bare transport.write", bare), ("market-depth", ours)):
        for share, goal in (("p50", "< 1 ms"), ("p99", "< 5 ms")):
            row = Row(f"{clients:,} clients: {label}, {share}", measured.delay_ms(share), "ms")
            row.note = measured.note()
            if measured is ours:
                row.baseline = "bare transport.write"
                row.ratio = row.value / bare.delay_ms(share)
                row.goal = goal if clients == 1000 else ""
            report.add(row)


def _measure(server: Server, clients: int, seconds: float) -> Measured:
    with load(server, clients, levels=_LEVELS, fields=_FIELDS, reading="sampled") as connected:
        return connected.measure(seconds)
