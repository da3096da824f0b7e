"""Bytes: what a stream costs a client's line, as whole views and as what changes, in every
encoding.

The recording of a real market is played from its first record to its last, at its own times, and
looked at every 300 ms; so is the simulator. Frames are counted with their headers. What is JSON is
measured over a real socket as well, to see that both agree.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.harness import Report, Row
from benchmarks.playing import INTERVAL_MS, Player, Sink, es_recording, simulated
from benchmarks.processes import load, market_depth_server
from market_depth.feeds.base import Source
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import wire_of

__all__ = ["run"]

_LEVELS = 20
_RATE_HZ = 15
"""Simulated activities a second: a view changes on nearly every beat."""
_SPEED = 10
"""How many times as fast the market is played over the socket, and looked at."""
_DELTA: dict[str, Any] = {"mode": Mode.DELTA, "interval_ms": INTERVAL_MS}
_SIDES = b'"bids":['
_BASELINE = "plain JSON snapshots"


class _Case(NamedTuple):
    name: str
    encoding: str
    is_compressed: bool
    fields: dict[str, Any]
    goal: str = ""
    """Share of plain JSON snapshots, on MBP of the recording."""

    @property
    def is_plain_delta(self) -> bool:
        """Whether its messages can be looked into."""
        return self.name == "delta, JSON"


_CASES = (
    _Case("snapshot, JSON", "json", False, {}),
    _Case("snapshot, JSON and deflate", "json", True, {}),
    _Case("snapshot, MessagePack", "msgpack", False, {}),
    _Case("snapshot, MessagePack and deflate", "msgpack", True, {}),
    _Case("delta, JSON", "json", False, _DELTA, "≤ 0.03"),
    _Case("delta, JSON and deflate", "json", True, _DELTA, "≤ 0.015"),
    _Case("delta, MessagePack", "msgpack", False, _DELTA),
    _Case("delta, MessagePack and deflate", "msgpack", True, _DELTA),
)
"""The first is what the others are compared with."""


def run(*, quick: bool) -> Report:
    """Count what every kind of stream is sent."""
    report = Report("bytes")
    beats = 40 if quick else None
    recording = es_recording()
    if recording is None:
        print("the ES recording is not there (MARKET_DEPTH_DATA names its folder): left out")
    else:
        for data_type in (DataType.MBP, DataType.MBO):
            _count(report, "ES", recording, data_type, beats)
    for data_type in (DataType.MBP, DataType.MBO):
        _count(report, "simulator", simulated(_RATE_HZ), data_type, beats or 3000)
    compared = [case for case in _CASES if case.encoding == "json"]
    _compare_with_socket(report, compared[-1:] if quick else compared, 0.4 if quick else 30.0)
    return report


def _count(
    report: Report, market: str, source: Source, data_type: DataType, beats: int | None
) -> None:
    player, sinks = _played(source, data_type, beats)
    plain = sinks[0].size_bytes
    for case, sink in zip(_CASES, sinks, strict=True):
        name = f"{market} {data_type.value}-{_LEVELS}: {case.name}"
        row = Row(name, sink.size_bytes / player.seconds, "B/s per client", _BASELINE)
        row.ratio = sink.size_bytes / plain
        if market == "ES" and data_type is DataType.MBP:
            row.goal = case.goal
        row.note = f"{sink.message_bytes:,.0f} B/msg"
        if case.is_plain_delta:
            row.note += f", {_envelope_bytes(sink):,.0f} B of which are no change"
        if sink is sinks[0]:
            row.note += (
                f", {sink.messages:,} messages in {player.seconds:,.0f} s, {player.events:,} events"
            )
        report.add(row)


def _envelope_bytes(sink: Sink) -> float:
    """Return what messages would have on the average if nothing had changed: the names and the
    times that the wire contract has in each."""
    without = [len(payload) - len(payload.partition(_SIDES)[2]) for payload in sink.payloads()]
    return statistics.mean(without) + len(b'],"asks":[]}}')


def _played(source: Source, data_type: DataType, beats: int | None) -> tuple[Player, list[Sink]]:
    """Play a source for a subscriber of each case; first answers are not counted."""
    player = Player(source)
    sinks = []
    for case in _CASES:
        wire = wire_of(case.encoding, is_compressed=case.is_compressed)
        sink = Sink(wire, keeps=case.is_plain_delta)
        player.subscribe(sink, data_type, _LEVELS, **case.fields)
        sink.reset()
        sinks.append(sink)
    player.play(beats)
    return player, sinks


def _compare_with_socket(report: Report, cases: Sequence[_Case], seconds: float) -> None:
    """Hold the size of messages against what arrives from a server that plays the same market."""
    beats = round(seconds * _SPEED * 1000 / INTERVAL_MS)
    _, sinks = _played(simulated(_RATE_HZ), DataType.MBP, beats)
    played = {case.name: sink for case, sink in zip(_CASES, sinks, strict=True)}
    options = (f"--rate={_RATE_HZ}", f"--speed={_SPEED}", f"--interval-ms={INTERVAL_MS // _SPEED}")
    with market_depth_server("--symbols=BTCUSD", "--seed=1", "--compression", *options) as server:
        for case in cases:
            fields = {**case.fields, "interval_ms": None}
            with load(server, 1, fields=fields, is_compressed=case.is_compressed) as client:
                measured = client.measure(seconds)
            row = Row(f"over a socket: {case.name}", measured.message_bytes, "B/msg", "as played")
            row.ratio = measured.message_bytes / played[case.name].message_bytes
            report.add(row)
