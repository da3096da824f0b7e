"""The load generator: thousands of clients in one process, reading as fast as they can.

Raw non-blocking sockets under epoll; frames are counted by their headers and not decoded, but
for the timestamp of some. Run as a process of its own; it talks to its parent in lines:
`ready` when every client is subscribed; then, for each line `measure SECONDS` on its standard
input, a line of JSON. It ends with its input.

A thousand clients that are woken for every message would take more time than the server that is
to be measured: with `--reading=sampled` about fifty of them, evenly spread, are read at once and
timed, message by message; the others are read every 20 ms, a few at a time in between. With
`--reading=none` clients subscribe and read nothing any more.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Iterator

__all__ = ["Load", "main"]

_KEY = base64.b64encode(bytes(16)).decode()
_HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n"
)
_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
_SYMBOLS = ("BTCUSD", "ETHUSD", "ADAUSD")
_MARK = b'"timestamp":"'
_TIME_AT = len(_MARK) + len("2025-09-16T")
_DAY_S = 86_400.0
_SAMPLE_EVERY = 7
_READ_BYTES = 1 << 20
_DRAIN_EVERY_S = 0.02
_DRAINED_A_TURN = 4
"""Clients that are read between two looks at those that are timed: about 40 µs."""
_TIMED = 50
_IDLE_S = 0.02
_SILENT_BUFFER_BYTES = 4096
"""Receive buffer of a client that reads nothing: so much the kernel keeps for it."""


def masked(text: bytes) -> bytes:
    """Return a client's text frame, masked with zeros."""
    length = len(text)
    assert length < 0x10000
    head = bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2)
    return head + bytes(4) + text


class _Client:
    __slots__ = ("head", "is_prompt", "is_timed", "last_s", "rest", "socket")

    def __init__(self, sock: socket.socket, *, is_prompt: bool, is_timed: bool) -> None:
        self.socket = sock
        self.is_prompt = is_prompt
        """Whether it is read at once, so that its messages tell how old they are."""
        self.is_timed = is_timed
        """Whether the time between its messages is measured."""
        self.last_s: float | None = None
        """When its last message began to come."""
        self.rest = 0
        """Bytes of the frame at hand that are still to come."""
        self.head = b""
        """A frame header that is not complete yet."""


class Load:
    """Connected clients and what they have received.

    Args:
        options: see `main`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.messages = 0
        self.size_bytes = 0
        self.delays_s: list[float] = []
        self.gaps_s: list[float] = []
        self._options = options
        offers = _DEFLATE if options.deflate else ""
        self._handshake = f"{_HANDSHAKE}{offers}\r\n".encode()
        self._sample_every = _SAMPLE_EVERY if options.reading == "all" else 1
        self._prompt_every = 1
        if options.reading == "sampled":
            self._prompt_every = max(options.connections // _TIMED, 1)
        self._clients: dict[int, _Client] = {}
        self._drained: list[_Client] = []
        """Those that are not read at once."""
        self._drains = 0
        self._poll = select.epoll()
        self._buffer = bytearray(_READ_BYTES)

    def connect(self, subscriptions: list[dict[str, object]]) -> None:
        """Connect one client, and subscribe."""
        is_silent = self._options.reading == "none"
        sock = socket.socket()
        sock.settimeout(60)
        if is_silent:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SILENT_BUFFER_BYTES)
        sock.connect(("127.0.0.1", self._options.port))
        sock.sendall(self._handshake)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += sock.recv(1)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        requests = (json.dumps({"type": "Subscribe", **wish}) for wish in subscriptions)
        sock.sendall(b"".join(masked(request.encode()) for request in requests))
        sock.setblocking(False)
        number = len(self._clients)
        client = _Client(
            sock,
            is_prompt=number % self._prompt_every == self._prompt_every // 2,
            is_timed=len(subscriptions) == 1 and number % _SAMPLE_EVERY == 0,
        )
        self._clients[sock.fileno()] = client
        if is_silent:
            return
        if client.is_prompt:
            self._poll.register(sock.fileno(), select.EPOLLIN)
        else:
            self._drained.append(client)

    def read_for(self, seconds: float) -> None:
        """Read whatever comes, for so long."""
        begun = time.perf_counter()
        self._drains = 0
        has_more = False
        while (left := begun + seconds - time.perf_counter()) > 0:
            wait_s = 0.0 if has_more else min(left, 0.001 if self._drained else 0.05)
            for number, _ in self._poll.poll(wait_s, 512):
                self._read(self._clients[number])
            has_more = self._drain(time.perf_counter() - begun)

    def _drain(self, elapsed_s: float) -> bool:
        """Read a few of those that can wait; return whether more of them are due."""
        most = len(self._drained)
        due = int(most * elapsed_s / _DRAIN_EVERY_S) - self._drains
        for _ in range(min(due, _DRAINED_A_TURN)):
            self._read(self._drained[self._drains % most])
            self._drains += 1
        return due > _DRAINED_A_TURN

    def reset(self) -> None:
        """Count from zero again."""
        self.messages = self.size_bytes = 0
        self.delays_s = []
        self.gaps_s = []
        for client in self._clients.values():
            client.last_s = None

    def close(self) -> None:
        """Drop every connection."""
        for client in self._clients.values():
            client.socket.close()
        self._clients.clear()

    def _read(self, client: _Client) -> None:
        with contextlib.suppress(BlockingIOError):
            length = client.socket.recv_into(self._buffer)
            now_s = time.time()
            if length == 0:
                raise ConnectionError("the server has closed a connection")
            self.size_bytes += length
            self._count(client, length, now_s)

    def _count(self, client: _Client, length: int, now_s: float) -> None:
        """Go from frame to frame through what has been read."""
        at = client.rest
        buffer = self._buffer
        if client.head:
            buffer = bytearray(client.head) + self._buffer[:length]
            length += len(client.head)
            client.head = b""
        while at < length:
            if length - at < 10 and not _is_whole_header(buffer, at, length):
                client.head = bytes(buffer[at:length])
                client.rest = 0
                return
            size, header = _frame_size(buffer, at)
            self.messages += 1
            if client.is_timed:
                self._time(client)
            if client.is_prompt and self.messages % self._sample_every == 0:
                self._sample(buffer, at + header, min(length, at + header + 300), now_s)
            at += header + size
        client.rest = at - length

    def _time(self, client: _Client) -> None:
        """Note how long a client has waited for its next message."""
        now_s = time.perf_counter()
        if client.last_s is not None:
            self.gaps_s.append(now_s - client.last_s)
        client.last_s = now_s

    def _sample(self, buffer: bytearray, start: int, end: int, now_s: float) -> None:
        """Note how old a message is, if it tells."""
        mark = buffer.find(_MARK, start, end)
        at = mark + _TIME_AT
        if mark < 0 or at + 15 > end:
            return
        clock = buffer[at : at + 15]
        sent = int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + float(clock[6:])
        self.delays_s.append((now_s % _DAY_S - sent) % _DAY_S)


def _is_whole_header(buffer: bytearray, at: int, length: int) -> bool:
    left = length - at
    if left < 2:
        return False
    return left >= {126: 4, 127: 10}.get(buffer[at + 1], 2)


def _frame_size(buffer: bytearray, at: int) -> tuple[int, int]:
    """Return (payload bytes, header bytes) of the frame at *at*."""
    size = buffer[at + 1]
    if size == 126:
        return int.from_bytes(buffer[at + 2 : at + 4]), 4
    if size == 127:
        return int.from_bytes(buffer[at + 2 : at + 10]), 10
    return size, 2


def _subscriptions(options: argparse.Namespace, client: int) -> list[dict[str, object]]:
    """Return a client's different wishes: over the symbols, then with a level less."""
    name = f"c{client}-" if options.own_ids else ""
    return [
        {
            "stream_id": f"{name}s{number}",
            "symbol": _SYMBOLS[number % len(_SYMBOLS)],
            "data_type": options.data_type,
            "max_levels": options.levels - number // len(_SYMBOLS),
            **options.fields,
        }
        for number in range(options.streams)
    ]


def _lines(load: Load) -> Iterator[str]:
    """Yield what the parent says; whatever comes meanwhile is read."""
    while True:
        while not select.select([sys.stdin], [], [], 0)[0]:
            load.read_for(_IDLE_S)
        line = sys.stdin.readline()
        if not line:
            return
        yield line


def _quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> None:
    """Connect, say so, and measure as often as asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--data-type", default="MBP")
    parser.add_argument("--levels", type=int, default=20)
    parser.add_argument("--fields", type=json.loads, default={}, help="more of each Subscribe")
    parser.add_argument("--own-ids", action="store_true", help="no two clients use one stream_id")
    parser.add_argument("--deflate", action="store_true", help="offer permessage-deflate")
    parser.add_argument("--reading", choices=("all", "sampled", "none"), default="all")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    load = Load(options)
    for number in range(options.connections):
        load.connect(_subscriptions(options, number))
        if number % 100 == 99:
            load.read_for(0.001)
    load.read_for(min(0.1 + options.connections / 500, 1.0))
    print("ready", flush=True)
    for line in _lines(load):
        load.reset()
        begun_cpu = time.process_time()
        begun = time.perf_counter()
        load.read_for(float(line.split()[1]))
        elapsed = time.perf_counter() - begun
        result = {
            "messages": load.messages,
            "size_bytes": load.size_bytes,
            "seconds": elapsed,
            "cpu_share": (time.process_time() - begun_cpu) / elapsed,
            "delay_p50_s": _quantile(load.delays_s, 0.5),
            "delay_p99_s": _quantile(load.delays_s, 0.99),
            "gap_p99_s": _quantile(load.gaps_s, 0.99),
            "pid": os.getpid(),
        }
        print(json.dumps(result), flush=True)
    load.close()


if __name__ == "__main__":
    main()
