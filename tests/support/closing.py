"""How a connection ends, seen from a client."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from support.client import TIMEOUT_S, Client


async def close_code_of(client: Client) -> int | None:
    """Read until the connection is closed, and return the server's close code, whatever it is."""
    async with asyncio.timeout(TIMEOUT_S):
        with suppress(ConnectionClosed):
            while True:
                await client.connection.recv()
        await client.connection.wait_closed()
    received = client.connection.protocol.close_rcvd
    return received.code if received else None
