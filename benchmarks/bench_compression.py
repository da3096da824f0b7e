"""Compression: the server's CPU per message where every client has agreed to permessage-deflate.

The server compresses a view once for all; the baseline is `websockets.broadcast` of the same JSON,
as uncompressed and as compressed by each connection for itself.
"""

from __future__ import annotations

from benchmarks.harness import Report, Row
from benchmarks.playing import INTERVAL_MS, stream_messages
from benchmarks.processes import Measured, Server, baseline_server, load, market_depth_server
from benchmarks.rounds import Rounds
from market_depth.protocol.messages import DataType

__all__ = ["run"]

_RATE_HZ = 15
_LEVELS = 20
_INTERVAL_S = INTERVAL_MS / 1000


def run(*, quick: bool) -> Report:
    """Measure every case; medians over interleaved rounds."""
    report = Report("compression")
    clients, rounds, seconds = (50, 1, 0.5) if quick else (500, 5, 5.0)
    # The first one is no view: Subscribed.
    messages = stream_messages(_RATE_HZ, 10 if quick else 200, DataType.MBP, _LEVELS)[1:]
    plain, library, ours, ours_plain = Rounds(), Rounds(), Rounds(), Rounds()
    for _ in range(rounds):
        with baseline_server("broadcast", messages, _INTERVAL_S) as server:
            plain.add(_measure(server, clients, seconds))
        with baseline_server("deflate", messages, _INTERVAL_S) as server:
            library.add(_measure(server, clients, seconds))
        options = ("--seed=1", f"--rate={_RATE_HZ}", "--compression")
        with market_depth_server(*options) as server:
            ours_plain.add(_measure(server, clients, seconds, is_compressed=False))
            ours.add(_measure(server, clients, seconds))
    name = f"MBP-{_LEVELS} each {INTERVAL_MS} ms, {clients} clients"
    for label, measured, baseline, base in (
        ("websockets.broadcast, uncompressed", plain, "", None),
        ("websockets.broadcast, each compressed", library, "uncompressed", plain),
        ("market-depth, uncompressed", ours_plain, "websockets uncompressed", plain),
        ("market-depth, compressed once", ours, "websockets compressed", library),
    ):
        row = Row(f"{name}: {label}", measured.cpu_us, "µs CPU/msg", baseline)
        row.ratio = None if base is None else measured.cpu_ratio(base)
        row.note = measured.note()
        report.add(row)
    return report


def _measure(
    server: Server, clients: int, seconds: float, *, is_compressed: bool = True
) -> Measured:
    with load(server, clients, levels=_LEVELS, is_compressed=is_compressed) as connected:
        return connected.measure(seconds)
