"""A network that fails when told to: a TCP proxy between a client and a server of this machine.

Everything is told to the proxy from the event loop that it runs in, holds for connections that are
open as well as for those to come, and is taken back by `go_on`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import Enum

__all__ = ["Proxy", "Way", "proxied"]

TIMEOUT_S = 30.0
_CHUNK_BYTES = 16 * 1024
_MAX_CHUNKS = 4
"""What a connection holds a way, besides what is in sockets: what a delay lets be on the way."""
_SLICES_HZ = 50
"""Into how many pieces a throttled second is cut."""
_LINGER_NOT = struct.pack("ii", 1, 0)
"""With it a closed socket sends a RST."""


class Way(Enum):
    """Where bytes go."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


BOTH = (Way.TO_SERVER, Way.TO_CLIENT)


class _End(Enum):
    """How a connection is ended."""

    CUT = "FIN"
    RESET = "RST"


class _Link:
    """One connection of a client, and the one to the server that it is joined to."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._ends = {
            Way.TO_SERVER: (client, server),
            Way.TO_CLIENT: (server, client),
        }
        """Where the bytes of a way come from, and where they go."""
        self._queues: dict[Way, asyncio.Queue[tuple[float, bytes]]] = {
            way: asyncio.Queue(_MAX_CHUNKS) for way in Way
        }
        self._how: _End | None = None
        self._pumps: asyncio.Task[None] | None = None

    def end(self, how: _End) -> None:
        """End the connection on both sides; what has not been passed on is lost."""
        self._how = self._how or how
        if self._pumps is not None:
            self._pumps.cancel()

    async def join(self, server_port: int) -> None:
        """Connect to the server; a client that cannot be joined to it is reset."""
        _, server = self._ends[Way.TO_SERVER]
        try:
            await asyncio.get_running_loop().sock_connect(server, ("127.0.0.1", server_port))
        except OSError:
            self.end(_End.RESET)

    async def run(self) -> None:
        """Pass on what comes until both sides have closed, or the connection is ended."""
        if self._how is None:
            self._pumps = asyncio.create_task(self._pump())
            try:
                await asyncio.wait([self._pumps])
            finally:
                self._pumps.cancel()
                await asyncio.wait([self._pumps])
        if self._how is _End.CUT:
            await asyncio.gather(*(self._hang_up(way) for way in Way))

    def close(self) -> None:
        """Close the sockets."""
        for _, sink in self._ends.values():
            if self._how is _End.RESET:
                sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            sink.close()

    async def _pump(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for way in Way:
                    group.create_task(self._take(way))
                    group.create_task(self._pass_on(way))
        except* OSError:  # a side was reset: the other gets to know it
            self._how = _End.RESET

    async def _take(self, way: Way) -> None:
        loop = asyncio.get_running_loop()
        source, _ = self._ends[way]
        data = b"to begin with"
        while data:
            await self._proxy.until_flowing(way)
            data = await loop.sock_recv(source, _CHUNK_BYTES)
            await self._queues[way].put((loop.time(), data))

    async def _pass_on(self, way: Way) -> None:
        loop = asyncio.get_running_loop()
        _, sink = self._ends[way]
        while True:
            came_at, data = await self._queues[way].get()
            await asyncio.sleep(came_at + self._proxy.delay_s[way] - loop.time())
            if not data:
                await self._proxy.until_flowing(way)
                sink.shutdown(socket.SHUT_WR)
                return
            while data:
                await self._proxy.until_flowing(way)
                rate = self._proxy.bytes_per_s[way]
                most = len(data) if rate is None else max(1, rate // _SLICES_HZ)
                part, how = self._proxy.allow(way, data[:most])
                await loop.sock_sendall(sink, part)
                self._proxy.count(way, len(part))
                if how is not None:
                    self.end(how)
                    return
                data = data[len(part) :]
                if rate is not None:
                    await asyncio.sleep(len(part) / rate)

    async def _hang_up(self, way: Way) -> None:
        """Send a FIN, and read until the other side has closed too: unread bytes make a RST."""
        source, sink = self._ends[way]
        try:
            sink.shutdown(socket.SHUT_WR)
            while await asyncio.get_running_loop().sock_recv(source, _CHUNK_BYTES):
                pass
        except OSError:
            return


class Proxy:
    """What a test says to the network, and what it can wait for.

    Args:
        server_port: where connections are passed on to; may be changed for those to come.
        buffer_bytes: of every socket, so that little can be on the way; the system's if `None`.
    """

    def __init__(self, server_port: int, buffer_bytes: int | None = None) -> None:
        self.server_port = server_port
        self.connections = 0
        """How many have come, all in all."""
        self.forwarded = dict.fromkeys(Way, 0)
        """How many bytes have been passed on each way, all in all."""
        self.delay_s = dict.fromkeys(Way, 0.0)
        self.bytes_per_s: dict[Way, int | None] = dict.fromkeys(Way)
        self._buffer_bytes = buffer_bytes
        self._flowing = {way: asyncio.Event() for way in Way}
        self._allowed: dict[Way, tuple[int, _End]] = {}
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._place = self._socket()
        self._place.bind(("127.0.0.1", 0))
        self.port: int = self._place.getsockname()[1]
        self._listener: socket.socket | None = None
        self.go_on()

    @property
    def url(self) -> str:
        """Where the server is to be found through the proxy."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def open_connections(self) -> int:
        """How many there are."""
        return len(self._links)

    # What is to go wrong

    def cut(self) -> None:
        """Close every connection on both sides, with a FIN."""
        for link in self._links:
            link.end(_End.CUT)

    def reset(self) -> None:
        """Reset every connection on both sides, with a RST."""
        for link in self._links:
            link.end(_End.RESET)

    def cut_after(self, length: int, way: Way = Way.TO_CLIENT, *, with_reset: bool = False) -> None:
        """Pass on so many more bytes, to the byte, and cut the connection that the last is of.

        A reset may overtake the last of them.
        """
        self._allowed[way] = (length, _End.RESET if with_reset else _End.CUT)

    def stall(self, *ways: Way) -> None:
        """Pass nothing on, both ways unless some are named: the peers' sockets fill up."""
        for way in ways or BOTH:
            self._flowing[way].clear()

    def delay(self, delay_ms: int, *ways: Way) -> None:
        """Pass on what comes from now on so much later."""
        for way in ways or BOTH:
            self.delay_s[way] = delay_ms / 1000

    def throttle(self, bytes_per_s: int, *ways: Way) -> None:
        """Pass on so much a second and connection."""
        for way in ways or BOTH:
            self.bytes_per_s[way] = bytes_per_s

    def refuse(self) -> None:
        """Refuse new connections; those that are open stay so."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def go_on(self) -> None:
        """Let everything through again, at once, and take new connections."""
        for way in Way:
            self._flowing[way].set()
            self.delay_s[way] = 0.0
            self.bytes_per_s[way] = None
        self._allowed.clear()
        if self._listener is None:  # `_place` has kept the port
            self._listener = self._socket()
            self._listener.bind(("127.0.0.1", self.port))
            self._listener.listen()
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    # What can be waited for

    async def until_connected(self, times: int) -> None:
        """Wait until so many connections have come, all in all."""
        await self._until(lambda: self.connections >= times)

    async def until_open(self, count: int) -> None:
        """Wait until so many connections are open."""
        await self._until(lambda: len(self._links) == count)

    async def until_forwarded(self, length: int, way: Way = Way.TO_CLIENT) -> None:
        """Wait until so many bytes have been passed on, all in all."""
        await self._until(lambda: self.forwarded[way] >= length)

    # For its connections

    async def until_flowing(self, way: Way) -> None:
        """Wait while a way is stalled."""
        await self._flowing[way].wait()

    def allow(self, way: Way, data: bytes) -> tuple[bytes, _End | None]:
        """Return what of *data* may be passed on, and how the connection ends behind it."""
        if way not in self._allowed:
            return data, None
        left, how = self._allowed[way]
        if len(data) < left:
            self._allowed[way] = (left - len(data), how)
            return data, None
        del self._allowed[way]
        return data[:left], how

    def count(self, way: Way, length: int) -> None:
        """Note that so much has been passed on."""
        self.forwarded[way] += length
        self._tell()

    # Inside

    async def stop(self) -> None:
        """End everything."""
        self.refuse()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for link in self._links:
            link.close()
        self._place.close()

    def _socket(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._buffer_bytes is not None:
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                made.setsockopt(socket.SOL_SOCKET, buffer, self._buffer_bytes)
        return made

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            return
        client.setblocking(False)
        self.connections += 1
        link = _Link(self, client, self._socket())
        self._links.add(link)
        task = asyncio.create_task(self._run(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._tell()

    async def _run(self, link: _Link) -> None:
        await link.join(self.server_port)
        await link.run()
        link.close()
        self._links.discard(link)
        self._tell()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        if is_so():
            return
        waiting = (is_so, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await waiting[1]
        finally:
            self._waiting.remove(waiting)

    def _tell(self) -> None:
        for is_so, future in self._waiting:
            if is_so() and not future.done():
                future.set_result(None)


@asynccontextmanager
async def proxied(server_port: int, *, buffer_bytes: int | None = None) -> AsyncIterator[Proxy]:
    """Run a proxy before a server."""
    proxy = Proxy(server_port, buffer_bytes)
    try:
        yield proxy
    finally:
        await proxy.stop()
