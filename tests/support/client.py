"""A client of the wire contract, as thin as can be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

Message = dict[str, Any]

TIMEOUT_S = 30.0


class Client:
    """One connection; messages are read in order, none is dropped."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **fields: Any) -> None:
        await self.connection.send(json.dumps(fields))

    async def subscribe(
        self, stream_id: str, symbol: str = "BTCUSD", data_type: str = "MBP", **fields: Any
    ) -> None:
        await self.send(
            type="Subscribe", stream_id=stream_id, symbol=symbol, data_type=data_type, **fields
        )

    async def receive(self) -> Message:
        """Return the next message."""
        async with asyncio.timeout(TIMEOUT_S):
            text = await self.connection.recv()
        message = json.loads(text)
        assert isinstance(message, dict)
        return message

    async def receive_until(self, wanted: Callable[[Message], bool]) -> Message:
        """Return the next message that is wanted, passing over others."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                message = await self.receive()
                if wanted(message):
                    return message

    async def receive_type(self, kind: str, stream_id: str | None = None) -> Message:
        """Return the next message of a type, and of a stream if one is named."""
        return await self.receive_until(
            lambda message: (
                message["type"] == kind
                and (stream_id is None or message.get("stream_id") == stream_id)
            )
        )

    async def close_code(self) -> int | None:
        """Read until the connection is closed, and return the server's close code."""
        async with asyncio.timeout(TIMEOUT_S):
            async for _ in self.connection:
                pass
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Client]:
    """Connect to a server, and read its first HeartBeat."""
    options.setdefault("max_size", None)
    options.setdefault("compression", None)
    async with connect(url, **options) as connection:
        client = Client(connection)
        first = await client.receive()
        assert first["type"] == "HeartBeat", first
        yield client
