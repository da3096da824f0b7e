"""Whatever clients send, each request is answered or its connection closed, and nothing is kept.

`MARKET_DEPTH_FUZZ_REQUESTS=1000000 python -m pytest tests/server/test_fuzz_requests.py` looks
longer: so many requests, all in all.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any, Final

import pytest
import pytest_asyncio

from support import raw
from support.client import connected
from support.compressed import OFFER, RSV1, deflated, inflated
from support.logs import serving_quietly
from support.made_up_requests import ANSWERS, Encoding, MadeUp, Makers, Outcome
from support.memory import MIB, resident_bytes
from support.process import ServerProcess
from support.raw import Frame, Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUESTS: Final = int(os.environ.get("MARKET_DEPTH_FUZZ_REQUESTS", "10000"))
SEED: Final = int(os.environ.get("MARKET_DEPTH_FUZZ_SEED", "1"))
MOST_IN_A_ROW: Final = 60
MAX_MESSAGE_BYTES: Final = 4096
MAX_GROWTH_BYTES: Final = 40 * MIB
"""What a server may hold in the end beyond what it held after a tenth of the requests."""
OPTIONS: Final = (
    "--message-rate=0",
    "--compression",
    "--max-streams=12",
    f"--max-message-bytes={MAX_MESSAGE_BYTES}",
    "--heartbeat-s=86400",  # a HeartBeat is an answer
    "--ping-interval-s=0",
    "--resume-window-bytes=1048576",
    "--interval-ms=100",
    "--rate=5",
)
CODES: Final = {
    Outcome.RIGHT: (404, 409, 429),
    Outcome.WRONG: (400,),
    Outcome.REFUSED: (400, 409, 429),
}
"""The codes of the errors with which a request may be refused."""

FATAL: Final[tuple[tuple[bytes, tuple[int | None, ...]], ...]] = (
    (frame(Opcode.TEXT, b'{"type":"\xff"}'), (1007,)),
    (frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.CONTINUATION, b"\xc3\x28"), (1007,)),
    (raw.close(1000, b"\xff"), (1007,)),
    (frame(Opcode.TEXT, b"{}", masked=False), (1002,)),
    (frame(Opcode.TEXT, b"{}", reserved=2), (1002,)),
    (frame(Opcode.PING, b"", reserved=RSV1), (1002,)),
    (frame(Opcode.CONTINUATION, b"{}"), (1002,)),
    (frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.BINARY, b"{}"), (1002,)),
    (frame(Opcode.PING, b"x" * 126), (1002,)),
    (frame(Opcode.PING, b"x", fin=False), (1002,)),
    (frame(11, b"x"), (1002,)),
    (frame(Opcode.TEXT, b"\x07", reserved=RSV1), (1002, 1007)),
    (frame(Opcode.CLOSE, b"\x03"), (1002,)),
    (raw.close(1005), (1002,)),
    (raw.close(2999), (1002,)),
    (raw.close(1001, b"bye"), (1001,)),
    (raw.close(4999), (4999,)),
    (frame(Opcode.CLOSE), (None,)),
    (frame(Opcode.TEXT, b" " * (MAX_MESSAGE_BYTES + 1)), (1009,)),
    (frame(Opcode.BINARY, b" ", declared_length=2**62), (1009,)),
)
"""What ends a connection, and the codes that it may be closed with."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly(*OPTIONS) as running:
        yield running


class Fuzzer:
    """One client that sends requests in rows and checks that each has been answered.

    Args:
        server: to connect to.
        chosen: what it sends depends on this alone.
        encoding: of its messages.
        is_compressing: whether it asks for compression, and then uses it.
        makers: make its requests.
    """

    def __init__(
        self,
        server: ServerProcess,
        chosen: Random,
        encoding: Encoding,
        is_compressing: bool,
        makers: Makers,
    ) -> None:
        self._server = server
        self._chosen = chosen
        self._encoding = encoding
        self._is_compressing = is_compressing
        self._makers = makers
        self._client: RawClient | None = None
        self.sent = 0
        self.outcomes: Counter[str] = Counter()
        """How often each kind of answer has come for each outcome."""

    async def run(self, requests: int) -> None:
        """Send so many requests, over one connection after another."""
        while requests:
            count = min(requests, self._chosen.randint(1, MOST_IN_A_ROW))
            client = self._client or await self._connect()
            await self._exchange(client, [self._makers.make() for _ in range(count)])
            requests -= count
            self.sent += count
            if self._chosen.random() < 0.15:
                await self._end(client)

    async def close(self) -> None:
        """Close the connection properly."""
        if self._client is not None:
            await self._client.send(raw.close(1000))
            assert await self._client.closed() == (1000, "")
            self._drop(self._client)

    async def _connect(self) -> RawClient:
        client = await raw.connect(self._server.port)
        subprotocol = "market-depth.msgpack" if self._encoding is Encoding.MSGPACK else None
        extension = OFFER if self._is_compressing else None
        await client.send(
            raw.upgrade(Sec_WebSocket_Protocol=subprotocol, Sec_WebSocket_Extensions=extension)
        )
        head = await client.head()
        assert head.status == 101
        assert head.headers.get("sec-websocket-protocol") == subprotocol
        assert ("sec-websocket-extensions" in head.headers) is self._is_compressing
        assert self._message(await client.frame())["type"] == "HeartBeat"
        self._client = client
        return client

    def _drop(self, client: RawClient) -> None:
        client.close()
        self._client = None

    async def _end(self, client: RawClient) -> None:
        """End the connection by what must end it, or without a word."""
        if self._chosen.random() < 0.2:
            self._chosen.choice((client.reset, client.close))()
        else:
            data, codes = self._chosen.choice(FATAL)
            await client.send(data)
            code, _ = await client.closed()
            assert code in codes, (data, code)
        self._drop(client)

    async def _exchange(self, client: RawClient, row: list[MadeUp]) -> None:
        """Send requests in a row, and check what has been answered when a last one is.

        Answers come in the order of the requests.
        """
        last_id = f"last {self.sent}"
        last = self._encoding.encode({"type": "ListSubscriptions", "id": last_id})
        data, pings = [], 0
        for made in row:
            frames = self._frames(made)
            if len(frames) > 1 and self._chosen.random() < 0.3:
                frames.insert(1, frame(Opcode.PING, b"between"))
                pings += 1
            data.extend(frames)
        await client.send(b"".join(data) + frame(self._opcode(True), last))
        awaited = {made.request_id: made for made in row if made.request_id is not None}
        left = Counter({request_id: made.answers for request_id, made in awaited.items()})
        unnamed = len(row) - len(awaited)
        is_answered = False
        while pings or not is_answered:
            found = await client.frame()
            if found.opcode == Opcode.PONG:
                pings -= 1
                continue
            message = self._message(found)
            if message["type"] not in (*ANSWERS.values(), "Error"):
                continue
            request_id = message.get("id")
            if request_id == last_id:
                is_answered = True
            elif isinstance(request_id, int | str) and request_id in awaited:
                self._check(awaited[request_id], message)
                left[request_id] -= 1
            else:
                assert message.get("code") != 500, message
                self.outcomes["unnamed"] += 1
                unnamed -= 1
        assert not any(left.values()), [awaited[one] for one in left if left[one]]
        assert unnamed == 0, [made for made in row if made.request_id is None]

    def _check(self, made: MadeUp, message: dict[str, Any]) -> None:
        """Check an answer that repeats a request's id."""
        self.outcomes[f"{made.outcome.name} {message['type']} {message.get('code', '')}"] += 1
        if message["type"] == "Error":
            assert message["code"] in CODES[made.outcome], (made, message)
        else:
            assert made.outcome is Outcome.RIGHT, (made, message)
            assert message["type"] == ANSWERS[made.kind or ""], (made, message)

    def _opcode(self, is_of_its_encoding: bool) -> Opcode:
        is_binary = (self._encoding is Encoding.MSGPACK) is is_of_its_encoding
        return Opcode.BINARY if is_binary else Opcode.TEXT

    def _frames(self, made: MadeUp) -> list[bytes]:
        """Return a request in frames: one or several, compressed or not."""
        payload, reserved = made.payload, 0
        if self._is_compressing and self._chosen.random() < 0.5:
            payload, reserved = deflated(payload, self._chosen.randrange(10)), RSV1
        cuts: list[int] = []
        if self._chosen.random() < 0.3:
            count = self._chosen.randint(1, 4)
            cuts = sorted(self._chosen.randint(0, len(payload)) for _ in range(count))
        frames = []
        for place, (begin, end) in enumerate(pairwise([0, *cuts, len(payload)])):
            opcode = Opcode.CONTINUATION if place else self._opcode(made.is_of_its_encoding)
            bits = 0 if place else reserved
            frames.append(frame(opcode, payload[begin:end], fin=place == len(cuts), reserved=bits))
        return frames

    def _message(self, found: Frame) -> dict[str, Any]:
        assert found.opcode == self._opcode(True), found
        assert self._is_compressing or not found.reserved
        return self._encoding.decode(inflated(found))


async def fuzzers(server: ServerProcess) -> list[Fuzzer]:
    """Return a client of each kind."""
    async with connected(server.url) as client:
        await client.send(type="ListSymbols")
        symbols = (await client.receive_type("Symbols"))["symbols"]
        await client.subscribe("s", symbols[0]["symbol"], mode="delta")
        epoch = (await client.receive_type("Subscribed"))["epoch"]
    ticks = {one["symbol"]: Decimal(str(one["tick_size"])) for one in symbols}
    made = []
    for encoding in Encoding:
        for is_compressing in (False, True):
            chosen = Random(f"{SEED} {encoding.name} {is_compressing}")
            makers = Makers(chosen, encoding, ticks, epoch)
            made.append(Fuzzer(server, chosen, encoding, is_compressing, makers))
    return made


@pytest.mark.timeout(300 + REQUESTS // 200)
async def test_every_request_is_answered_and_nothing_is_kept(server: ServerProcess) -> None:
    clients = await fuzzers(server)
    share = REQUESTS // len(clients)
    await asyncio.gather(*(one.run(share // 10) for one in clients))
    before = resident_bytes(server.pid)
    await asyncio.gather(*(one.run(share - share // 10) for one in clients))
    await asyncio.gather(*(one.close() for one in clients))
    for gauge in ("sessions", "subscriptions"):
        await server.until_metric(gauge, 0)
    assert resident_bytes(server.pid) - before < MAX_GROWTH_BYTES
    outcomes = sum((one.outcomes for one in clients), Counter())
    for wanted in (*(f"RIGHT {answer} " for answer in ANSWERS.values()), "WRONG Error 400"):
        assert outcomes[wanted], outcomes
