"""Readers that are slow or do not read at all: what they cost, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import pairwise

import pytest

from support import raw
from support.client import Client, connected
from support.exact import parse_time
from support.logs import serving_quietly
from support.memory import MIB, resident_bytes
from support.process import ServerProcess
from support.raw import Opcode, RawClient

SMALL_BUFFER_BYTES = 4096
BUSY = ("--seed=1", "--rate=1000", "--interval-ms=5")
PATIENT = "--stall-s=600"
"""BTCUSD has about 900 orders: an MBO update of the whole book has over 100 KB."""


@asynccontextmanager
async def slow_client(server: ServerProcess, streams: int) -> AsyncIterator[RawClient]:
    """A client with some MBO streams of the whole book, of which it has read the beginning."""
    async with raw.open_client(server.port, SMALL_BUFFER_BYTES) as client:
        for number in range(streams):
            await client.send(raw.subscribe(f"{number}", data_type="MBO", max_levels=1000))
            while (await client.message_of("MarketData"))["stream_id"] != f"{number}":
                pass
        yield client


async def until_skipped(server: ServerProcess, client: Client, count: int) -> None:
    """Read a good client's updates until so many of the slow ones' have been skipped."""
    enough = await server.metric("skipped_updates_total") + count
    async with asyncio.timeout(60):
        while await server.metric("skipped_updates_total") < enough:
            await client.receive_type("MarketData")


async def test_readers_that_do_not_read_cost_little_and_disturb_nobody() -> None:
    async with (
        serving_quietly(*BUSY, PATIENT) as server,
        connected(server.url, max_queue=None) as good,
        AsyncExitStack() as slow,
    ):
        await good.subscribe("good")
        await good.receive_type("MarketData")
        before = resident_bytes(server.pid)
        for _ in range(10):
            await slow.enter_async_context(slow_client(server, streams=4))
        assert await server.metric("subscriptions") == 41
        await until_skipped(server, good, 5000)
        assert resident_bytes(server.pid) - before < 64 * MIB, "5,000 updates have 500 MB"
        assert await server.metric("sessions") == 11


async def test_a_burst_of_subscriptions_without_reading_is_not_served_into_memory() -> None:
    """Views that nobody reads pile up no higher than a few; the requests wait in the socket."""
    async with (
        serving_quietly(*BUSY, PATIENT) as server,
        connected(server.url, max_queue=None) as good,
        AsyncExitStack() as slow,
    ):
        await good.subscribe("good")
        await good.receive_type("MarketData")
        before = resident_bytes(server.pid)
        request = raw.subscribe("s", data_type="MBO", max_levels=1000)
        both = request + raw.text(type="Unsubscribe", stream_id="s")
        for _ in range(5):
            client = await slow.enter_async_context(
                raw.open_client(server.port, SMALL_BUFFER_BYTES)
            )
            await client.send(both * 200)
        for _ in range(20):
            await good.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
            await good.receive_type("HeartBeat")
        assert resident_bytes(server.pid) - before < 24 * MIB, "1,000 views have 100 MB"


async def test_a_reader_that_stalls_too_long_is_closed_with_4408_and_no_other_is() -> None:
    async with (
        serving_quietly(*BUSY, "--stall-s=0.5") as server,
        connected(server.url, max_queue=None) as good,
    ):
        await good.subscribe("good")
        async with slow_client(server, streams=8) as late, slow_client(server, streams=8):
            async with asyncio.timeout(30):
                while await server.metric("stalled_clients_total") < 2:
                    await good.receive_type("MarketData")
            await assert_closed_as_slow(late)
            await server.until_metric("sessions", 1)
            await server.until_metric("subscriptions", 1)
            await server.until_metric("connections", 2)
        reasons = [line["reason"] for line in server.logs if line["event"] == "client gone"]
        assert len(reasons) == 2
        assert all(reason.startswith("close 4408") for reason in reasons)
        await good.receive_type("MarketData")


async def assert_closed_as_slow(client: RawClient) -> None:
    """Read what is left: at its end is the Close, unless the server has given up sending."""
    try:
        code, reason = await client.closed()
    except ConnectionError:
        return
    assert code == 4408
    assert "stalled" in reason


async def test_a_reader_that_catches_up_is_not_closed() -> None:
    """It has been slow once, and is there long after a stalled reader would have been closed."""
    options = ("--seed=1", "--rate=1000", "--interval-ms=50", "--stall-s=2")
    async with (
        serving_quietly(*options) as server,
        connected(server.url, max_queue=None) as good,
        slow_client(server, streams=4) as slow,
    ):
        await good.subscribe("good", max_levels=1)
        await until_skipped(server, good, 1)
        begin = parse_time((await slow.message_of("MarketData"))["timestamp"])
        now = begin
        while now < begin + timedelta(seconds=3):
            now = parse_time((await slow.message_of("MarketData"))["timestamp"])
        assert await server.metric("sessions") == 2
        assert await server.metric("stalled_clients_total") == 0


async def test_a_slow_reader_that_resumes_gets_the_newest_state() -> None:
    async with (
        serving_quietly(*BUSY, PATIENT) as server,
        connected(server.url, max_queue=None) as good,
        slow_client(server, streams=4) as slow,
    ):
        await good.subscribe("good")
        sequences: dict[str, list[int]] = {f"{number}": [] for number in range(4)}

        async def read_until_all_have(least: int) -> None:
            while min(seen[-1] if seen else 0 for seen in sequences.values()) < least:
                message = await slow.message_of("MarketData")
                sequences[message["stream_id"]].append(message["sequence"])

        await read_until_all_have(1)
        await until_skipped(server, good, 1000)
        newest = (await good.receive_type("MarketData", "good"))["sequence"]
        await read_until_all_have(newest)
    for seen in sequences.values():
        assert all(earlier < later for earlier, later in pairwise(seen))
        jump = max(later - earlier for earlier, later in pairwise(seen))
        assert jump > (newest - seen[0]) / 2, "what was missed comes late, not never"


@pytest.mark.parametrize(
    "request_frame",
    [
        pytest.param(raw.frame(Opcode.PING, b"x" * 125), id="WebSocket pings"),
        pytest.param(raw.text(type="Ping", timestamp="2025-09-16T04:18:26Z"), id="Ping requests"),
        pytest.param(raw.text(type="Unsubscribe", stream_id="x" * 128), id="errors"),
    ],
)
async def test_a_client_that_asks_without_reading_does_not_make_the_server_grow(
    request_frame: bytes,
) -> None:
    async with (
        serving_quietly("--message-rate=0", PATIENT) as server,
        connected(server.url) as good,
        raw.open_client(server.port, SMALL_BUFFER_BYTES) as client,
    ):
        before = resident_bytes(server.pid)
        flood = request_frame * (24 * MIB // len(request_frame))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await client.send(flood)
        assert resident_bytes(server.pid) - before < 16 * MIB
        await good.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
        assert (await good.receive())["type"] == "HeartBeat"
        for _ in range(5000):
            assert (await client.frame()).opcode in (Opcode.PONG, Opcode.TEXT)
