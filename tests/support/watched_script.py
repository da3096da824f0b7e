"""A scripted server for the viewer: it answers what is asked once, and leaves books to the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.scripted_server import TIMEOUT_S, Message, Peer, ScriptedServer, scripted, symbol_info

SYMBOLS = [symbol_info("AAA"), symbol_info("BBB")]


class Script:
    """The connection that is there now, and the Subscribes that have come by data type."""

    def __init__(self, server: ScriptedServer, *, lists: bool) -> None:
        self._server = server
        self._lists = lists
        self.url = server.url
        self.peer: Peer
        self._subscribes: dict[str, asyncio.Queue[Message]] = {}

    async def subscribed(self, data_type: str) -> Message:
        """Return the next Subscribe of a type."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self._of(data_type).get()

    async def run(self) -> None:
        while True:
            self.peer = await self._server.accepted()
            await self._serve(self.peer)

    async def _serve(self, peer: Peer) -> None:
        async for payload in peer.connection:
            message = _parsed(payload)
            match message["type"]:
                case "ListSymbols" if self._lists:
                    await peer.send("Symbols", symbols=SYMBOLS, id=message["id"])
                case "Ping":
                    await peer.send("HeartBeat", timestamp="", id=message.get("id"))
                case "Unsubscribe":
                    await peer.send("Unsubscribed", stream_id=message["stream_id"])
                case "Subscribe":
                    self._of(message["data_type"]).put_nowait(message)
                case kind:
                    problem = f"unknown type {kind!r}"
                    await peer.send("Error", code=400, message=problem, stream_id=None)

    def _of(self, data_type: str) -> asyncio.Queue[Message]:
        return self._subscribes.setdefault(data_type, asyncio.Queue())


@asynccontextmanager
async def script(*, lists: bool = True) -> AsyncIterator[Script]:
    """Run it; *lists* is whether it knows ListSymbols."""
    async with scripted() as server:
        running = Script(server, lists=lists)
        task = asyncio.create_task(running.run())
        try:
            yield running
        finally:
            task.cancel()
            await asyncio.wait([task])


def _parsed(payload: str | bytes) -> Message:
    message = json.loads(payload)
    assert isinstance(message, dict)
    return message
