"""A server that says what a test has it say, over a real socket: for what the real one seldom does.

A test takes each connection as it comes and speaks the server's part itself:

    async with scripted() as server, connect(server.url) as depth:
        peer = await server.accepted()
        request = await peer.receive("Subscribe")
        await peer.open(request)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Message = dict[str, Any]

TIMEOUT_S = 30.0
TIMESTAMP = "2025-09-16T04:18:26.806069Z"
EPOCH = "first"
_MSGPACK = "market-depth.msgpack"
_SUBPROTOCOLS = [Subprotocol("market-depth.json"), Subprotocol(_MSGPACK)]


def symbol_info(symbol: str) -> Message:
    """Return what Symbols says of a symbol, with the decimals that `Peer.open` tells."""
    return {
        "symbol": symbol,
        "tick_size": 0.01,
        "price_decimals": 2,
        "quantity_decimals": 0,
        "data_types": ["MBP", "MBO", "BBO", "TRADES"],
        "status": "Live",
    }


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def receive(self, kind: str | None = None) -> Message:
        """Return the next request, which must be of that type if one is said."""
        async with asyncio.timeout(TIMEOUT_S):
            payload = await self.connection.recv()
        message = (
            json.loads(payload) if isinstance(payload, str) else msgspec.msgpack.decode(payload)
        )
        assert isinstance(message, dict)
        assert kind is None or message["type"] == kind, message
        return message

    async def send(self, kind: str, **fields: Any) -> None:
        message = {"type": kind, **fields}
        if self.connection.subprotocol == _MSGPACK:
            await self.connection.send(msgspec.msgpack.encode(message))
        else:
            await self.connection.send(json.dumps(message))

    async def open(self, request: Message, *, epoch: str = EPOCH, **more: Any) -> None:
        """Answer a Subscribe, of an instrument with two decimals and whole lots."""
        await self.send(
            "Subscribed",
            **{name: request[name] for name in ("stream_id", "symbol", "data_type", "mode")},
            interval_ms=300,
            epoch=epoch,
            price_decimals=2,
            quantity_decimals=0,
            tick_size=0.01,
            **more,
        )

    async def whole(
        self,
        request: Message,
        sequence: int,
        bids: dict[float, int],
        asks: dict[float, int],
        **more: Any,
    ) -> None:
        """Send a MarketData by price: {price: quantity}, best first."""
        data = {"bids": _levels("Bid", bids), "asks": _levels("Ask", asks)}
        await self._data("MarketData", request, sequence, data, **more)

    async def delta(
        self,
        request: Message,
        prev_sequence: int,
        sequence: int,
        bids: dict[float, int],
        asks: dict[float, int],
        **more: Any,
    ) -> None:
        """Send a MarketDelta by price; quantity 0 removes a level."""
        data = {"bids": _changes(bids), "asks": _changes(asks)}
        await self._data(
            "MarketDelta", request, sequence, data, prev_sequence=prev_sequence, **more
        )

    async def trades(self, request: Message, sequence: int, *numbers: int) -> None:
        """Send a MarketData with trades of these numbers."""
        trades = [
            {
                "price": 100.0,
                "quantity": number,
                "side": None,
                "timestamp": None,
                "trade_number": number,
            }
            for number in numbers
        ]
        await self._data("MarketData", request, sequence, {"trades": trades})

    async def closed(self) -> int | None:
        """Read until the client has closed the connection, and return its code."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.connection.wait_closed()
        return self.connection.close_code

    async def close(self, code: int = 1001, reason: str = "") -> None:
        await self.connection.close(code, reason)

    def cut(self) -> None:
        """Let the connection end without a word."""
        self.connection.transport.abort()

    async def _data(
        self, kind: str, request: Message, sequence: int, data: Message, **more: Any
    ) -> None:
        await self.send(
            kind,
            stream_id=request["stream_id"],
            symbol=request["symbol"],
            sequence=sequence,
            timestamp=TIMESTAMP,
            event_timestamp=None,
            data={"format": request["data_type"], **data},
            **more,
        )


class ScriptedServer:
    """Listens; hands each connection to the test."""

    def __init__(self) -> None:
        self.url = ""
        self.refusal: int | None = None
        """HTTP status that handshakes are refused with."""
        self.requests: list[Request] = []
        """Every handshake's."""
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def accepted(self) -> Peer:
        """Return the next connection."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._peers.get()

    @property
    def has_more(self) -> bool:
        """Whether there are connections that have not been taken."""
        return not self._peers.empty()

    async def handle(self, connection: ServerConnection) -> None:
        self._peers.put_nowait(Peer(connection))
        await connection.wait_closed()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return None if self.refusal is None else connection.respond(self.refusal, "refused\n")


@asynccontextmanager
async def scripted(*, with_subprotocols: bool = True) -> AsyncIterator[ScriptedServer]:
    """Listen on a free port.

    Args:
        with_subprotocols: whether clients must name one of the subprotocols, or else none.
    """
    server = ScriptedServer()
    async with serve(
        server.handle,
        "127.0.0.1",
        0,
        process_request=server.admit,
        subprotocols=_SUBPROTOCOLS if with_subprotocols else None,
        close_timeout=1,
    ) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}"
        yield server


def _levels(side: str, levels: dict[float, int]) -> list[Message]:
    rows, total = [], 0
    for price, quantity in levels.items():
        total += quantity
        rows.append(
            {
                "price": price,
                "quantity": quantity,
                "order_count": 1,
                "side": side,
                "total_quantity": total,
                "avg_age_ms": 0,
            }
        )
    return rows


def _changes(levels: dict[float, int]) -> list[Message]:
    return [
        {"price": price, "quantity": quantity, **({"order_count": 1} if quantity else {})}
        for price, quantity in levels.items()
    ]
