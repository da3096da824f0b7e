"""Baseline servers: what the same messages cost without any of our own code.

    bare        a loop of `transport.write(frame)` over all transports, one prebuilt frame
    broadcast   `websockets.broadcast` of one message to all connections

Both run on uvloop, send a message of a given size on a given beat to every client that has sent
anything, and print their port.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import suppress
from typing import cast

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.server import ServerProtocol

from market_depth.protocol.frames import frame_header
from market_depth.protocol.times import format_timestamp

__all__ = ["main"]


def _payload(size: int) -> str:
    head = f'{{"timestamp":"{format_timestamp(time.time_ns())}","data":"'
    return head + "x" * max(size - len(head) - 2, 0) + '"}'


class _Bare(asyncio.Protocol):
    """Shakes hands, and is in the list of transports from its first frame on."""

    transports: list[asyncio.Transport] = []  # noqa: RUF012

    def __init__(self) -> None:
        self._protocol = ServerProtocol()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            else:
                self.transports.append(self._transport)
        self._transport.writelines(self._protocol.data_to_send())

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport in self.transports:
            self.transports.remove(self._transport)


async def _serve_bare(size: int, interval_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Bare, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    due = loop.time()
    while True:
        due += interval_s
        await asyncio.sleep(due - loop.time())
        frame = text_frame(_payload(size).encode())
        for transport in _Bare.transports:
            transport.write(frame)


async def _serve_broadcast(size: int, interval_s: float) -> None:
    connections: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.recv()
            connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    loop = asyncio.get_running_loop()
    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        due = loop.time()
        while True:
            due += interval_s
            await asyncio.sleep(due - loop.time())
            broadcast(connections, _payload(size))


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("bare", "broadcast"))
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--interval-s", type=float, required=True)
    options = parser.parse_args()
    run = _serve_bare if options.kind == "bare" else _serve_broadcast
    uvloop.run(run(options.size, options.interval_s))


if __name__ == "__main__":
    main()
