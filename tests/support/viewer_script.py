"""A scripted server before the viewer's page: it answers what is not about books by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from playwright.async_api import Page
from websockets.exceptions import ConnectionClosed

from support.browser import viewer
from support.process import ServerProcess
from support.scripted_server import (
    TIMEOUT_S,
    TIMESTAMP,
    Message,
    Peer,
    ScriptedServer,
    scripted,
    symbol_info,
)
from support.viewer_page import read_ladder

__all__ = [
    "ASKS",
    "BIDS",
    "SYMBOL",
    "OriginalPeer",
    "PagePeer",
    "Streams",
    "sizes_of",
    "speaking",
    "status_of",
    "viewed",
]

SYMBOL = "BTCUSD"
BIDS = {100.00: 500, 99.99: 300, 99.98: 200}
ASKS = {100.01: 400, 100.02: 250, 100.05: 100}
_ORIGINAL = ("stream_id", "symbol", "data_type")


class Streams(NamedTuple):
    """The Subscribes of a panel."""

    book: Message
    """What the ladder shows."""
    wide: Message
    """What the history is recorded of."""
    trades: Message


class PagePeer:
    """The server's end of a page's connection; what a test does not see to is answered."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.left: list[str] = []
        """Stream ids that were unsubscribed."""
        self._subscribes: asyncio.Queue[Message] = asyncio.Queue()

    async def run(self) -> None:
        """Answer until the connection ends."""
        with suppress(ConnectionClosed):
            while True:
                try:
                    message = await self.peer.receive()
                except TimeoutError:
                    continue
                await self.answer(message)

    async def answer(self, message: Message) -> None:
        """Answer a request; a Subscribe is left to the test."""
        own = {"id": message.get("id")}
        if message["type"] == "Subscribe":
            self._subscribes.put_nowait(message)
        elif message["type"] == "Unsubscribe":
            self.left.append(message["stream_id"])
            await self.peer.send("Unsubscribed", stream_id=message["stream_id"])
        elif message["type"] == "Ping":
            await self.peer.send("HeartBeat", timestamp=message["timestamp"], **own)
        else:
            await self.peer.send("Symbols", symbols=[symbol_info(SYMBOL)], **own)

    async def subscribe(self) -> Message:
        """Return the next Subscribe."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._subscribes.get()

    async def streams(self) -> Streams:
        """Return what a panel asks for, which are three."""
        asked = [await self.subscribe() for _ in range(3)]
        (trades,) = (one for one in asked if one["data_type"] == "TRADES")
        views = [one for one in asked if one is not trades]
        book, wide = sorted(views, key=lambda one: int(one["max_levels"]))
        return Streams(book, wide, trades)

    async def begin(
        self,
        sequence: int = 1,
        bids: Mapping[float, int] = BIDS,
        asks: Mapping[float, int] = ASKS,
        **more: Any,
    ) -> Streams:
        """Open what a panel asks for, and send both views."""
        streams = await self.streams()
        for request in streams:
            await self.peer.open(request, **more)
        for request in (streams.book, streams.wide):
            await self.peer.whole(request, sequence, dict(bids), dict(asks))
        return streams


class OriginalPeer(PagePeer):
    """A server of the first part's messages alone, which answers in order.

    Args:
        peer: the connection.
        refuses: whether it refuses a Subscribe with fields that it does not know.
    """

    def __init__(self, peer: Peer, *, refuses: bool) -> None:
        super().__init__(peer)
        self._refuses = refuses

    async def answer(self, message: Message) -> None:
        """Answer a request; of a Subscribe that is met the test is told as well."""
        kind, name = message["type"], message.get("stream_id")
        if kind == "Ping":
            await self.peer.send("HeartBeat", timestamp=message["timestamp"])
        elif kind == "Unsubscribe":
            await super().answer(message)
        elif kind != "Subscribe":
            await self._refuse(f"unknown type {kind!r}", None)
        elif message["data_type"] not in ("MBP", "MBO"):
            await self._refuse("data_type must be MBP or MBO", name)
        elif self._refuses and "mode" in message:
            await self._refuse("unknown field 'mode'", name)
        else:
            await self.peer.send("Subscribed", **{field: message[field] for field in _ORIGINAL})
            await self.peer.whole(message, 1, BIDS, ASKS)
            await super().answer(message)

    async def _refuse(self, text: str, name: object) -> None:
        await self.peer.send("Error", code=400, message=text, stream_id=name)


Spoken = TypeVar("Spoken", bound=PagePeer)


@asynccontextmanager
async def speaking(spoken: Spoken) -> AsyncIterator[Spoken]:
    """Answer a page's connection beside a test."""
    task = asyncio.create_task(spoken.run())
    try:
        yield spoken
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def viewed(
    page: Page, server: ServerProcess, make: Callable[[Peer], Spoken], **state: object
) -> AsyncIterator[tuple[ScriptedServer, Spoken]]:
    """Open the viewer of a server, connected to a scripted one, and answer beside the test.

    `state` are more fields of the page's address.
    """
    async with scripted(with_subprotocols=False) as script:
        await viewer(page, server, symbol=SYMBOL, url=script.url, rows="levels", **state)
        async with speaking(make(await script.accepted())) as spoken:
            yield script, spoken


async def sizes_of(page: Page) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sizes of the bids and the asks on a page's ladder, by price, from the top."""
    rows = (await read_ladder(page)).priced
    bids = {row.price: row.bid_size for row in rows if row.bid_size}
    asks = {row.price: row.ask_size for row in rows if row.ask_size}
    return bids, asks


def status_of(status: str, reason: str | None = None) -> Message:
    """Return the fields of a Status."""
    return {"symbol": SYMBOL, "status": status, "reason": reason, "timestamp": TIMESTAMP}
