"""Fan-out: the server's CPU per message at hundreds of clients, everything included.

The server under test simulates three symbols, keeps their books and encodes their views; the
baselines send one prebuilt message of the same size on the same beat. One load generator reads
for all; its own CPU is shown and must stay well below one core.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

from benchmarks.baselines import filler
from benchmarks.harness import Report, Row
from benchmarks.processes import Measured, Server, baseline_server, load, market_depth_server
from benchmarks.rounds import Rounds

__all__ = ["run"]

_CLIENTS = 500
_RATE_HZ = {0.3: 15, 0.05: 200}
"""Simulated activities a second: enough that a view changes on nearly every beat."""


def _measure(
    server: Server, seconds: float, *, streams: int = 1, data_type: str = "MBP"
) -> Measured:
    with load(server, _CLIENTS, streams=streams, data_type=data_type) as clients:
        return clients.measure(seconds)


def _message_bytes(interval_s: float, data_type: str) -> int:
    """Return about how large a message of the server under test is."""
    with _server_under_test(interval_s) as server:
        return len(_depth_text(server, data_type)) + 120


def _depth_text(server: Server, data_type: str) -> str:
    body = server.get_json(f"/api/depth/BTCUSD?data_type={data_type}&max_levels=20")
    return json.dumps(body["data"], separators=(",", ":"))


def _server_under_test(interval_s: float) -> AbstractContextManager[Server]:
    return market_depth_server(
        f"--interval-ms={round(interval_s * 1000)}", f"--rate={_RATE_HZ[interval_s]}", "--seed=1"
    )


def run(*, quick: bool) -> Report:
    """Measure every case; medians over interleaved rounds."""
    report = Report("fan-out")
    if quick:
        _compare(report, "MBP", 0.05, 1, 1.0)
        return report
    for data_type in ("MBP", "MBO"):
        for interval_s in (0.3, 0.05):
            _compare(report, data_type, interval_s, 5, 5.0)
    return report


def _compare(
    report: Report, data_type: str, interval_s: float, rounds: int, seconds: float
) -> None:
    messages = [filler(_message_bytes(interval_s, data_type))]
    name = f"{data_type}-20 each {round(interval_s * 1000)} ms, {_CLIENTS} clients"
    ours, six, bare, broadcast = Rounds(), Rounds(), Rounds(), Rounds()
    for _ in range(rounds):
        with baseline_server("bare", messages, interval_s) as server:
            bare.add(_measure(server, seconds))
        with _server_under_test(interval_s) as server:
            ours.add(_measure(server, seconds, data_type=data_type))
        with _server_under_test(interval_s) as server:
            six.add(_measure(server, seconds, data_type=data_type, streams=6))
        with baseline_server("broadcast", messages, interval_s) as server:
            broadcast.add(_measure(server, seconds))
    report.add(Row(f"{name}: bare transport.write", bare.cpu_us, "µs CPU/msg", note=bare.note()))
    for label, measured, baseline, base, goal in (
        ("market-depth", ours, "bare transport.write", bare, "≤ 1.25"),
        ("websockets.broadcast", broadcast, "bare transport.write", bare, ""),
        ("six streams each", six, "one stream", ours, "≤ 0.8"),
    ):
        row = Row(f"{name}: {label}", measured.cpu_us, "µs CPU/msg", baseline)
        row.ratio, row.goal, row.note = measured.cpu_ratio(base), goal, measured.note()
        report.add(row)
