"""Readers of opted-in streams that are slow: what is said to them, and when they are given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from support import raw
from support.client import Client, connected
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import RawClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALL_BUFFER_BYTES = 4096
WHOLE_BOOKS = (1000, 999, 998, 997)
"""Levels of views of about 100 KB each."""
TIME = "2025-09-16T04:18:26Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    options = ("--seed=1", "--rate=1000", "--interval-ms=20", "--stall-s=600", "--message-rate=0")
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def good(server: ServerProcess) -> AsyncIterator[Client]:
    """A client that reads, and by whose updates time is told."""
    async with connected(server.url, max_queue=None) as client:
        await client.subscribe("good", max_levels=1)
        yield client


@asynccontextmanager
async def small_client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port, SMALL_BUFFER_BYTES) as client:
        yield client


def opted_in(stream_id: str, data_type: str, **fields: Any) -> bytes:
    request = {"stream_id": stream_id, "symbol": "BTCUSD", "data_type": data_type, **fields}
    return raw.text(type="Subscribe", **request)


async def ask_for_whole_books(client: RawClient) -> None:
    for levels in WHOLE_BOOKS:
        await client.send(opted_in(f"m{levels}", "MBO", max_levels=levels, mode="delta"))


async def after_updates(good: Client, count: int) -> None:
    """Let time go by: so many updates of the good client's."""
    for _ in range(count):
        await good.receive_type("MarketData")


async def test_a_delta_stream_of_a_slow_reader_lags_is_told_and_begins_anew(
    server: ServerProcess, good: Client
) -> None:
    async with small_client(server) as slow:
        await ask_for_whole_books(slow)
        skipped = await server.metric("skipped_updates_total")
        async with asyncio.timeout(30):
            while await server.metric("skipped_updates_total") < skipped + 50:
                await after_updates(good, 1)
        sequences: dict[str, int] = {}
        lagged: set[str] = set()
        resyncs = deltas_behind = 0
        while not (resyncs and deltas_behind > 20):
            message = (await slow.frame_of(raw.Opcode.TEXT)).message()
            stream_id = message.get("stream_id", "")
            if message["type"] == "Lagged":
                assert message["skipped"] > 0
                lagged.add(stream_id)
            elif message["type"] == "MarketData":
                assert ("resync" in message) is (stream_id in lagged)
                resyncs += "resync" in message
                lagged.discard(stream_id)
                sequences[stream_id] = message["sequence"]
            elif message["type"] == "MarketDelta":
                assert message["prev_sequence"] == sequences[stream_id]
                assert stream_id not in lagged
                deltas_behind += resyncs > 0
                sequences[stream_id] = message["sequence"]


async def test_requests_of_a_slow_reader_are_answered_while_there_is_room(
    server: ServerProcess, good: Client
) -> None:
    async with small_client(server) as slow:
        before = await server.metric("subscriptions")
        await slow.send(opted_in("m", "MBO", max_levels=1000, mode="delta"))
        await server.until_metric("subscriptions", before + 1)
        await slow.send(opted_in("b", "BBO") + raw.text(type="Ping", timestamp=TIME, id="a"))
        await server.until_metric("subscriptions", before + 2)
        for stream_id in ("m", "b"):
            await slow.send(raw.text(type="Unsubscribe", stream_id=stream_id, id=stream_id))
        await server.until_metric("subscriptions", before)
        seen = []
        while "b" not in seen:
            message = (await slow.frame_of(raw.Opcode.TEXT)).message()
            seen += [message["id"]] if "id" in message else []
        assert seen == ["a", "m", "b"]


async def test_large_views_are_no_reason_to_give_up_a_reader_of_trades(
    server: ServerProcess, good: Client
) -> None:
    async with small_client(server) as late:
        await late.send(opted_in("t", "TRADES"))
        await ask_for_whole_books(late)
        await after_updates(good, 25)
        numbers: list[int] = []
        while len(numbers) < 100:
            message = await late.message_of("MarketData")
            if message["stream_id"] == "t":
                numbers += [trade["trade_number"] for trade in message["data"]["trades"]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_a_reader_of_trades_that_does_not_read_is_closed_with_4408(
    server: ServerProcess, good: Client
) -> None:
    async with small_client(server) as slow:
        sessions = await server.metric("sessions")
        for number in range(250):
            await slow.send(opted_in(f"{number}", "TRADES"))
        async with asyncio.timeout(60):
            while await server.metric("sessions") == sessions:
                await after_updates(good, 5)
        last: dict[str, int] = {}
        frame = await slow.frame()
        while frame.opcode != raw.Opcode.CLOSE:
            message = frame.message()
            if message["type"] == "MarketData":
                for trade in message["data"]["trades"]:
                    number = trade["trade_number"]
                    assert number == 1 + last.get(message["stream_id"], number - 1)
                    last[message["stream_id"]] = number
            frame = await slow.frame()
        assert int.from_bytes(frame.payload[:2]) == 4408
        assert b"trades" in frame.payload
        assert last, "what was written comes before the Close, without a gap"
