"""The interface's original client: a React page that shows one stream at a time.

It knows the original messages only, calls a stream `{symbol}_{data_type}`, keeps the newest message
by `stream_id`, and draws from what is in it.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.exact import Row, assert_is_a_view, parse_time

Message = dict[str, Any]
Said = tuple[str | int, str | None]
"""An answer: (type, stream_id), or (code, stream_id) of an error."""

TIMEOUT_S = 30.0
LEVELS = 20
FIELDS = {
    "Subscribed": ["type", "stream_id", "symbol", "data_type"],
    "Unsubscribed": ["type", "stream_id"],
    "MarketData": ["type", "stream_id", "symbol", "sequence", "timestamp", "data"],
    "HeartBeat": ["type", "timestamp"],
    "Error": ["type", "code", "message", "stream_id"],
}
"""Every message that the client knows, and its fields in their order."""


class OriginalClient:
    """One page, on one connection at a time."""

    def __init__(self, url: str, symbol: str = "BTCUSD", data_type: str = "MBP") -> None:
        self._url = url
        self._connection: ClientConnection | None = None
        self._open_streams: set[str] = set()
        self.symbol = symbol
        self.data_type = data_type
        self.latest: dict[str, Message] = {}
        """The newest MarketData of each stream; what is drawn."""
        self.updates: dict[str, list[Message]] = defaultdict(list)
        """Every MarketData since the page was opened."""
        self.said: list[Said] = []
        """The answers: (type, stream_id), and (code, stream_id) of errors."""

    @property
    def stream_id(self) -> str:
        return f"{self.symbol}_{self.data_type}"

    @property
    def shown(self) -> list[Message]:
        """Every update of the stream that is shown now."""
        return self.updates[self.stream_id]

    # What the page does

    async def open(self) -> None:
        """Connect, and subscribe to what is shown."""
        self._connection = await connect(self._url, max_size=None, max_queue=None)
        self._open_streams.clear()
        await self.subscribe()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def subscribe(self) -> None:
        await self._send(
            type="Subscribe",
            stream_id=self.stream_id,
            symbol=self.symbol,
            data_type=self.data_type,
            max_levels=LEVELS,
        )

    async def unsubscribe(self, stream_id: str | None = None) -> None:
        await self._send(type="Unsubscribe", stream_id=stream_id or self.stream_id)

    async def switch(self, symbol: str | None = None, data_type: str | None = None) -> None:
        """Show something else: leave the old stream, then subscribe to the new one."""
        await self.unsubscribe()
        self.symbol, self.data_type = symbol or self.symbol, data_type or self.data_type
        await self.subscribe()

    async def mount(self, data_type: str) -> None:
        """Bring a view up: leave whatever it may have had, then subscribe."""
        self.data_type = data_type
        await self.unsubscribe()
        await self.subscribe()

    async def ping(self) -> str:
        """Send a Ping with the browser's time, which has milliseconds; return that time."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        await self._send(type="Ping", timestamp=now)
        return now

    async def come_back(self) -> None:
        """Notice the loss of the connection, and connect again until that succeeds."""
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionClosed):
                while True:
                    await self._receive()
            while True:
                try:
                    return await self.open()
                except (OSError, EOFError, ConnectionClosed):
                    await asyncio.sleep(0.05)

    # What comes in

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Handle messages until something is so."""
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so():
                await self._receive()

    async def until_said(self, *said: Said) -> None:
        """Handle messages until there are as many answers as named, and compare them."""
        await self.until(lambda: len(self.said) >= len(said))
        assert self.said == list(said)
        self.said.clear()

    async def take(self, count: int) -> list[Message]:
        """Return the next updates of the stream that is shown."""
        wanted = len(self.shown) + count
        await self.until(lambda: len(self.shown) >= wanted)
        return self.shown[-count:]

    async def _send(self, **fields: Any) -> None:
        assert self._connection is not None
        await self._connection.send(json.dumps(fields, separators=(",", ":")))

    async def _receive(self) -> None:
        assert self._connection is not None
        text = await self._connection.recv()
        assert isinstance(text, str)
        message = json.loads(text, parse_float=Decimal)
        assert list(message) == FIELDS[message["type"]], message
        self._handle(message)

    def _handle(self, message: Message) -> None:
        match message["type"]:
            case "MarketData":
                self._handle_data(message)
                return
            case "Subscribed":
                assert message["stream_id"] == f"{message['symbol']}_{message['data_type']}"
                self._open_streams.add(message["stream_id"])
            case "Unsubscribed":
                self._open_streams.remove(message["stream_id"])
            case "HeartBeat":
                parse_time(message["timestamp"])
                self.said.append(("HeartBeat", None))
                return
            case "Error":
                assert isinstance(message["message"], str)
                self.said.append((message["code"], message["stream_id"]))
                return
        self.said.append((message["type"], message["stream_id"]))

    def _handle_data(self, message: Message) -> None:
        stream_id = message["stream_id"]
        assert stream_id in self._open_streams, "data of a stream that is not there"
        data = message["data"]
        assert stream_id == f"{message['symbol']}_{data['format']}"
        assert_is_a_view(data, LEVELS)
        assert_types(data)
        parse_time(message["timestamp"])
        self.latest[stream_id] = message
        self.updates[stream_id].append(message)


def assert_types(data: Row) -> None:
    """Check that each field has the type that the page takes it for."""
    number, whole = (int, Decimal), (int,)
    types: dict[str, tuple[type, ...]] = {
        "price": number,
        "quantity": number,
        "total_quantity": number,
        "order_count": whole,
        "order_id": (str,),
        "age_ms": whole,
    }
    for row in data["bids"] + data["asks"]:
        for name in row.keys() & types.keys():
            assert type(row[name]) in types[name], (name, row)


@asynccontextmanager
async def original_client(url: str, **shown: str) -> AsyncIterator[OriginalClient]:
    """Open a page, and close it at the end."""
    client = OriginalClient(url, **shown)
    try:
        await client.open()
        await client.until_said(("HeartBeat", None), ("Subscribed", client.stream_id))
        yield client
    finally:
        await client.close()


class Bar(NamedTuple):
    """A price level as it is drawn."""

    price: Decimal
    quantity: Decimal
    order_count: int
    share: Decimal
    """The width of the cumulative bar, 0 to 1."""


class Drawn(NamedTuple):
    """What the view by price shows."""

    spread: Decimal
    max_total: Decimal
    bids: list[Bar]
    asks: list[Bar]


def drawn_by_price(data: Row) -> Drawn:
    """Draw a view by price, from what the page reads of it."""
    max_total = max(row["total_quantity"] for row in data["bids"] + data["asks"])
    spread = data["asks"][0]["price"] - data["bids"][0]["price"]
    bids, asks = (
        [
            Bar(
                row["price"],
                row["quantity"],
                row["order_count"],
                row["total_quantity"] / Decimal(max_total),
            )
            for row in data[side]
        ]
        for side in ("bids", "asks")
    )
    return Drawn(spread, max_total, bids, asks)


def drawn_by_order(data: Row, moved: timedelta = timedelta()) -> dict[Decimal, list[Row]]:
    """Draw a view by order: by price, the queue's orders as the page shows them.

    Args:
        data: of a message, or of a page.
        moved: how much older the orders are to be shown.
    """
    moved_ms = moved / timedelta(milliseconds=1)
    return {
        price: [
            {
                "order_id": row["order_id"],
                "quantity": row["quantity"],
                "age_ms": row["age_ms"] + moved_ms,
            }
            for row in rows
        ]
        for price, rows in groupby(data["bids"] + data["asks"], key=lambda row: row["price"])
    }
