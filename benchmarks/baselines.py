"""Baseline servers: what the same messages cost without any of our own code.

    bare        a loop of `transport.write(frame)` over all transports, one frame for all
    broadcast   `websockets.broadcast` of one message to all connections
    deflate     the same, with the permessage-deflate of `websockets`: every client's own
    script      every message at once, to a client that has sent anything

All run on uvloop, take messages as lines of base64 on their standard input, print their port, and
send the next message on each beat, its `timestamp` that of the moment, to every client that has
sent anything.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from itertools import cycle
from typing import cast

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from market_depth.protocol.frames import BINARY, TEXT, frame_header
from market_depth.protocol.times import format_timestamp

__all__ = ["filler", "main"]

_MARK = b'"timestamp":"'
_TIMESTAMP_BYTES = len("2025-09-16T04:18:26.806069Z")


def filler(size: int) -> bytes:
    """Return a message of about that many bytes."""
    head = b'{"timestamp":"%b","data":"' % format_timestamp(0).encode()
    return head + b"x" * max(size - len(head) - 2, 0) + b'"}'


def _stamped(message: bytes) -> bytes:
    """Return a message as of now."""
    at = message.index(_MARK) + len(_MARK)
    now = format_timestamp(time.time_ns()).encode()
    return message[:at] + now + message[at + _TIMESTAMP_BYTES :]


def _frame(message: bytes) -> bytes:
    opcode = TEXT if message.startswith(b"{") else BINARY
    return frame_header(len(message), opcode) + message


async def _beats(options: argparse.Namespace, messages: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Yield the next message on each beat."""
    loop = asyncio.get_running_loop()
    chance = random.Random(1)
    due = loop.time()
    for message in cycle(messages):
        interval_s = options.interval_s
        due += chance.expovariate(1 / interval_s) if options.random else interval_s
        await asyncio.sleep(due - loop.time())
        yield _stamped(message)


class _Bare(asyncio.Protocol):
    """Shakes hands, and is in the list of transports from its first frame on."""

    transports: list[asyncio.Transport] = []  # noqa: RUF012

    def __init__(self) -> None:
        self._protocol = ServerProtocol(select_subprotocol=_first_offered)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                self.transport.writelines(self._protocol.data_to_send())
            elif self.transport not in self.transports:
                self.transports.append(self.transport)
                self.begin()
        self.transport.writelines(self._protocol.data_to_send())
        if self._protocol.close_expected():
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport in self.transports:
            self.transports.remove(self.transport)

    def begin(self) -> None:
        """The client has sent something for the first time."""


def _first_offered(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next(iter(offered), None)


async def _serve_bare(options: argparse.Namespace, messages: Sequence[bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    async for message in _beats(options, messages):
        frame = _frame(message)
        for transport in _Bare.transports:
            transport.write(frame)


async def _serve_script(_: argparse.Namespace, messages: Sequence[bytes]) -> None:
    script = b"".join(map(_frame, messages))

    class Scripted(_Bare):
        def begin(self) -> None:
            self.transport.write(script)

    server = await asyncio.get_running_loop().create_server(Scripted, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _serve_broadcast(options: argparse.Namespace, messages: Sequence[bytes]) -> None:
    connections: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.recv()
            connections.add(connection)
        await connection.wait_closed()
        connections.discard(connection)

    compression = "deflate" if options.kind == "deflate" else None
    async with serve(handle, "127.0.0.1", 0, compression=compression) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        async for message in _beats(options, messages):
            broadcast(connections, message, text=True)


_KINDS = {
    "bare": _serve_bare,
    "broadcast": _serve_broadcast,
    "deflate": _serve_broadcast,
    "script": _serve_script,
}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=_KINDS)
    parser.add_argument("--interval-s", type=float, default=0.0)
    parser.add_argument("--random", action="store_true", help="the interval is just the mean")
    options = parser.parse_args()
    messages = [base64.b64decode(line) for line in sys.stdin]
    uvloop.run(_KINDS[options.kind](options, messages))


if __name__ == "__main__":
    main()
