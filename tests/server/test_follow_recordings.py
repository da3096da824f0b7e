"""Real markets over a real socket: every stream's view is the book's, at every message."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect

from support.follower import Follower
from support.logs import serving_quietly
from support.pages import fetch
from support.process import ServerProcess
from support.recordings import recording
from support.replay import post, until_ended

TIMEOUT_S = 120.0

MBP: dict[str, Any] = {"data_type": "MBP", "mode": "delta", "interval_ms": 50, "max_levels": 5}
BY_PRICE: list[dict[str, Any]] = [
    {"data_type": "MBP", "mode": "delta", "interval_ms": 0, "checksum": True},
    {"data_type": "MBP", "mode": "delta", "interval_ms": 20, "max_levels": 3, "checksum": True},
    {"data_type": "MBP", "mode": "snapshot", "interval_ms": 10, "checksum": True},
    {"data_type": "BBO", "mode": "delta", "interval_ms": 0, "checksum": True},
    {"data_type": "TRADES"},
    {"data_type": "MBP"},
]
BY_ORDER: list[dict[str, Any]] = [
    {"data_type": "MBO", "mode": "delta", "interval_ms": 20, "max_levels": 2, "checksum": True},
    {"data_type": "MBO", "mode": "delta", "interval_ms": 50, "checksum": True},
]
BINANCE_SYMBOLS = ("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR")
MARKETS = {
    "ES by order": (
        "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
        ("--start=2023-12-25T23:50:18Z", "--speed=150"),
        [{"symbol": "ESH4", **stream} for stream in (*BY_PRICE, {"group": "5", **MBP}, *BY_ORDER)],
    ),
    "Binance by price": (
        "cryptofeed/BINANCE.ws.1.0",
        ("--speed=8",),
        [{"symbol": symbol, **stream} for symbol in BINANCE_SYMBOLS for stream in BY_PRICE],
    ),
}
LINES = [("json", None), ("json", "deflate"), ("msgpack", None), ("msgpack", "deflate")]


@dataclass
class Reader:
    """One connection that follows streams, and holds those of one view against each other."""

    connection: ClientConnection
    streams: list[dict[str, Any]]
    decimals: dict[str, tuple[int, int]]
    followers: dict[str, Follower] = field(default_factory=dict)
    lagged: int = 0
    seen: dict[tuple[str, str, int, int], tuple[list[Any], list[Any]]] = field(default_factory=dict)

    async def send(self, **request: Any) -> None:
        is_binary = str(self.connection.subprotocol).endswith("msgpack")
        await self.connection.send(
            msgspec.msgpack.encode(request) if is_binary else json.dumps(request)
        )

    async def subscribe(self) -> None:
        """Open every stream, and read up to there."""
        for number, fields in enumerate(self.streams):
            await self.send(type="Subscribe", stream_id=str(number), **fields)
        await self.send(type="Ping", timestamp="2025-09-16T04:18:26Z", id="open")
        await self.read_until("open")

    async def read_until(self, request_id: str) -> None:
        """Take messages until a request is answered."""
        async for payload in self.connection:
            message = (
                msgspec.msgpack.decode(payload)
                if isinstance(payload, bytes)
                else json.loads(payload, parse_float=Decimal)
            )
            if message.get("id") == request_id:
                return
            self.take(message)
        raise AssertionError(f"closed: {self.connection.close_code}")

    def take(self, message: dict[str, Any]) -> None:
        kind: str = message["type"]
        stream_id: str = message.get("stream_id", "")
        if kind == "Subscribed":
            self.followers[stream_id] = Follower(
                *self.decimals[message["symbol"]], message["data_type"]
            )
        elif kind in ("MarketData", "MarketDelta"):
            self.followers[stream_id].take(message)
            self.compare(stream_id)
        elif kind == "Lagged":
            self.lagged += 1
        else:
            assert kind in ("HeartBeat", "Status"), message

    def compare(self, stream_id: str) -> None:
        """Streams of one view show the same at one sequence, however they came to it."""
        fields, follower = self.streams[int(stream_id)], self.followers[stream_id]
        if fields["data_type"] == "TRADES" or "group" in fields:
            return
        assert follower.sequence is not None
        key = (fields["symbol"], follower.data_type, levels_of(fields), follower.sequence)
        rows = (list(follower.bids), list(follower.asks))
        assert self.seen.setdefault(key, rows) == rows


def levels_of(fields: dict[str, Any]) -> int:
    return 1 if fields["data_type"] == "BBO" else int(fields.get("max_levels", 20))


async def decimals_of(server: ServerProcess) -> dict[str, tuple[int, int]]:
    symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
    return {one["symbol"]: (one["price_decimals"], one["quantity_decimals"]) for one in symbols}


async def book_at_the_end(
    server: ServerProcess, fields: dict[str, Any], decimals: dict[str, tuple[int, int]]
) -> Follower:
    """Return the view as the page has it."""
    query = f"data_type={fields['data_type']}&max_levels={levels_of(fields)}"
    page = await fetch(server.port, f"/api/depth/{fields['symbol']}?{query}")
    follower = Follower(*decimals[fields["symbol"]], fields["data_type"])
    message = json.loads(page.body, parse_float=Decimal)
    follower.take({**message, "type": "MarketData"})
    return follower


@pytest.mark.parametrize("market", MARKETS)
async def test_streams_of_a_recording_show_its_book_at_every_message(market: str) -> None:
    name, pace, streams = MARKETS[market]
    options = (f"--feed={recording(name)}", *pace, "--replay-control", "--compression")
    async with serving_quietly(*options) as server, AsyncExitStack() as stack:
        await post(server, "pause")
        decimals = await decimals_of(server)
        readers = []
        for encoding, compression in LINES:
            connecting = connect(
                server.url,
                subprotocols=[f"market-depth.{encoding}"],  # type: ignore[list-item]
                compression=compression,
                max_size=None,
                max_queue=None,
            )
            reader = Reader(await stack.enter_async_context(connecting), streams, decimals)
            await reader.subscribe()
            readers.append(reader)
        async with asyncio.timeout(TIMEOUT_S):
            reading = [asyncio.create_task(reader.read_until("end")) for reader in readers]
            await post(server, "resume")
            await until_ended(server)
            await asyncio.sleep(0.4)  # the longest interval, so that nothing is due any more
            for reader in readers:
                await reader.send(type="Ping", timestamp="2025-09-16T04:18:26Z", id="end")
            await asyncio.gather(*reading)
        for number, fields in enumerate(streams):
            followers = [reader.followers[str(number)] for reader in readers]
            if fields["data_type"] == "TRADES":
                assert len({tuple(follower.trades[-1:]) for follower in followers}) == 1
                continue
            newest = await book_at_the_end(server, fields, decimals)
            for follower in followers:
                check(follower, fields, newest)


def check(follower: Follower, fields: dict[str, Any], newest: Follower) -> None:
    """See that a stream has been lively, and has come to the book as it is at the end."""
    if "group" not in fields:
        assert (follower.bids, follower.asks) == (newest.bids, newest.asks)
    if fields.get("mode") == "delta":
        assert follower.deltas > 0
    assert (follower.checksums > 1) is bool(fields.get("checksum"))
