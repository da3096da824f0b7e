"""The client library: messages and book updates a second, from memory and over a local socket.

Every change of a simulated market, one message each. From memory it is what the library does with
a message: decode it, apply it to the stream's book, hand out the update, on request verify the
book by the checksum. The baseline is `json.loads` and a book of plain dicts, floats, nothing
checked; over the socket, the same behind a client of `websockets`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import websockets
from websockets.typing import Subprotocol

from benchmarks.harness import Report, Row, median_seconds
from benchmarks.playing import stream_messages
from benchmarks.processes import Server, baseline_server
from market_depth.client import connect
from market_depth.client.gateway import GATEWAYS
from market_depth.client.streams import Received, Stream
from market_depth.protocol.messages import DataType, MarketData, MarketDelta, Subscribed
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import wire_of

__all__ = ["run"]

_RATE_HZ = 150
_LEVELS = 20


class _Flow(NamedTuple):
    """What a stream is sent, Subscribed and the whole view first."""

    data_type: DataType
    encoding: str
    has_checksum: bool
    messages: Sequence[bytes]
    changes: int
    """Levels or orders changed by all of them."""

    @property
    def name(self) -> str:
        """What it is, for a person to read."""
        title = {"json": "JSON", "msgpack": "MessagePack"}[self.encoding]
        checked = ", verified" if self.has_checksum else ""
        return f"{self.data_type.value}-{_LEVELS} delta, {title}{checked}"


def run(*, quick: bool) -> Report:
    """Feed the same market to the library and to the baseline."""
    report = Report("client")
    beats, repeats = (20, 1) if quick else (1000, 7)
    for data_type in (DataType.MBP, DataType.MBO):
        plain = _flow(data_type, "json", False, beats)
        _compare(report, plain, beats, repeats)
    return report


def _compare(report: Report, plain: _Flow, beats: int, repeats: int) -> None:
    """Measure one data type in every encoding, with and without checksums."""
    base_s = median_seconds(partial(_plain_book, plain), repeats)
    _add(report, plain, "plain dicts, from memory", base_s)
    for encoding in GATEWAYS:
        for has_checksum in (False, True):
            flow = _flow(plain.data_type, encoding, has_checksum, beats)
            seconds = median_seconds(partial(_library, flow), repeats)
            _add(report, flow, "from memory", seconds, "json.loads and plain dicts", base_s)
    with baseline_server("script", plain.messages) as server:
        base_s = median_seconds(partial(_read, _plain_client, server, plain), repeats)
        seconds = median_seconds(partial(_read, _library_client, server, plain), repeats)
    _add(report, plain, "websockets and plain dicts, socket", base_s)
    _add(report, plain, "socket", seconds, "websockets and plain dicts", base_s)


def _add(
    report: Report, flow: _Flow, how: str, seconds: float, baseline: str = "", base_s: float = 0.0
) -> None:
    rate = len(flow.messages) / seconds
    row = Row(f"{flow.name}: {how}", rate / 1000, "k messages/s", baseline)
    row.ratio = base_s / seconds if baseline else None
    row.note = f"{flow.changes / seconds / 1000:,.0f} k book updates/s"
    report.add(row)


def _flow(data_type: DataType, encoding: str, has_checksum: bool, beats: int) -> _Flow:
    messages = stream_messages(
        _RATE_HZ,
        beats,
        data_type,
        _LEVELS,
        wire=wire_of(encoding, is_compressed=False),
        mode=Mode.DELTA,
        interval_ms=0,
        checksum=has_checksum or None,
    )
    changes = 0
    for message in map(GATEWAYS[encoding].decode, messages):
        if isinstance(message, MarketData | MarketDelta):
            data: Any = message.data
            changes += len(data.bids) + len(data.asks)
    return _Flow(data_type, encoding, has_checksum, messages, changes)


def _library(flow: _Flow) -> None:
    """Do what the client does with each message, but for passing it from task to task."""
    decode = GATEWAYS[flow.encoding].decode
    stream = Stream("s", "BTCUSD", flow.data_type)
    for raw in flow.messages:
        message = decode(raw)
        if isinstance(message, Subscribed):
            stream.opened(message)
        elif isinstance(message, MarketData | MarketDelta) and stream.receive(message):
            stream.apply(Received(stream, message, raw))


def _plain_book(flow: _Flow) -> None:
    book = _PLAIN_BOOKS[flow.data_type]()
    for raw in flow.messages:
        book(json.loads(raw))


def _level_book() -> Callable[[Any], None]:
    """Return what keeps levels by price."""
    sides: dict[str, dict[float, tuple[float, int]]] = {"bids": {}, "asks": {}}

    def take(message: Any) -> None:
        if message["type"] == "Subscribed":
            return
        if message["type"] == "MarketData":
            for levels in sides.values():
                levels.clear()
        for side, levels in sides.items():
            for row in message["data"][side]:
                if row["quantity"]:
                    levels[row["price"]] = (row["quantity"], row["order_count"])
                else:
                    del levels[row["price"]]

    return take


def _order_book() -> Callable[[Any], None]:
    """Return what keeps orders by their ids."""
    sides: dict[str, dict[str, tuple[float, float]]] = {"bids": {}, "asks": {}}

    def take(message: Any) -> None:
        if message["type"] == "Subscribed":
            return
        if message["type"] == "MarketData":
            for orders in sides.values():
                orders.clear()
        for side, orders in sides.items():
            for row in message["data"][side]:
                if row.get("action") == "Cancel":
                    del orders[row["order_id"]]
                else:
                    orders[row["order_id"]] = (row["price"], row["quantity"])

    return take


_PLAIN_BOOKS = {DataType.MBP: _level_book, DataType.MBO: _order_book}


def _read(client: Callable[[str, _Flow], Any], server: Server, flow: _Flow) -> None:
    asyncio.run(client(f"ws://127.0.0.1:{server.port}", flow))


async def _plain_client(url: str, flow: _Flow) -> None:
    subprotocol = Subprotocol(GATEWAYS[flow.encoding].subprotocol)
    book = _PLAIN_BOOKS[flow.data_type]()
    async with websockets.connect(url, subprotocols=[subprotocol], compression=None) as socket:
        await socket.send("{}")
        left = len(flow.messages)
        async for message in socket:
            book(json.loads(message))
            left -= 1
            if not left:
                return


async def _library_client(url: str, flow: _Flow) -> None:
    async with connect(url) as depth:
        subscription = depth.subscribe("BTCUSD", flow.data_type, levels=_LEVELS, stream_id="s")
        left = len(flow.messages) - 1
        async for _ in subscription:
            left -= 1
            if not left:
                return
