"""A planned stop: every client is told, then closed with 1001, and the process ends well."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import pytest

from support import raw
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import Opcode, RawClient

STOP_WITHIN_S = 5.0
CLIENTS = 300


async def last_words(client: RawClient) -> tuple[raw.Frame, int]:
    """Answer the server's Close, and close; return the frame before it and its code."""
    before = found = await client.frame()
    while found.opcode != Opcode.CLOSE:
        before, found = found, await client.frame()
    await client.send(raw.frame(Opcode.CLOSE, found.payload))
    assert await client.until_end() == b""
    client.close()
    return before, int.from_bytes(found.payload[:2])


def assert_told_to_come_back(frame: raw.Frame) -> None:
    message = frame.message()
    assert list(message) == ["type", "reason", "reconnect_after_ms"]
    assert message["type"] == "Shutdown"
    assert message["reason"]
    assert message["reconnect_after_ms"] >= 0


async def busy_client(server: ServerProcess) -> RawClient:
    client = await raw.connect(server.port)
    await client.open()
    for data_type in ("MBP", "MBO"):
        await client.send(raw.subscribe(data_type, data_type=data_type, max_levels=5))
    await client.message_of("MarketData")
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_under_load_tells_every_client_and_ends_the_process(
    number: signal.Signals,
) -> None:
    async with serving_quietly("--seed=1", "--rate=200", "--interval-ms=50") as server:
        clients = await asyncio.gather(*(busy_client(server) for _ in range(CLIENTS)))
        server.send_signal(number)
        async with asyncio.timeout(STOP_WITHIN_S):
            ends = await asyncio.gather(*(last_words(client) for client in clients))
            assert await server.wait() == 0
        for shutdown, code in ends:
            assert_told_to_come_back(shutdown)
            assert code == 1001


async def test_a_client_that_never_reads_does_not_keep_the_process_from_ending() -> None:
    options = ("--seed=1", "--rate=1000", "--interval-ms=5", "--stall-s=600")
    async with serving_quietly(*options) as server, AsyncExitStack() as stack:
        polite = await busy_client(server)
        stack.callback(polite.close)
        for _ in range(3):
            deaf = await stack.enter_async_context(raw.open_client(server.port, 4096))
            for stream_id in ("1", "2", "3", "4"):
                await deaf.send(raw.subscribe(stream_id, data_type="MBO", max_levels=1000))
        while await server.metric("skipped_updates_total") < 100:
            await polite.message_of("MarketData")
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_WITHIN_S):
            shutdown, code = await last_words(polite)
            assert await server.wait() == 0
        assert_told_to_come_back(shutdown)
        assert code == 1001


async def test_a_client_that_does_not_answer_the_close_does_not_either() -> None:
    async with (
        serving_quietly() as server,
        raw.open_client(server.port) as client,
        raw.raw_client(server.port) as mute,
    ):
        await mute.send(raw.upgrade()[:30])
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_WITHIN_S):
            assert (await client.frame()).message()["type"] == "Shutdown"
            assert (await client.frame()).opcode == Opcode.CLOSE
            assert await server.wait() == 0


async def test_clients_that_are_connecting_while_the_server_stops_are_told_or_not_let_in() -> None:
    """Whose handshake has been accepted is a client like any other, however late."""
    async with serving_quietly("--interval-ms=20") as server:
        been_there = asyncio.Semaphore(0)
        is_stopping = asyncio.Event()
        ends: list[int | None] = []

        async def come_again_and_again() -> None:
            """Connect until nobody listens any more; stay, once the server is to stop."""
            while True:
                try:
                    client = await raw.connect(server.port)
                except ConnectionError:
                    return
                try:
                    await client.open()
                except ConnectionError:
                    client.close()
                    continue
                try:
                    await client.send(raw.subscribe("s", max_levels=1))
                    if not is_stopping.is_set():
                        await client.message_of("MarketData")
                        been_there.release()
                    else:
                        ends.append(await end_of(client))
                except ConnectionError:
                    assert is_stopping.is_set()
                finally:
                    client.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(come_again_and_again())
            for _ in range(200):
                await been_there.acquire()
            is_stopping.set()
            server.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_WITHIN_S):
                assert await server.wait() == 0
        assert set(ends) <= {1001}


async def end_of(client: RawClient) -> int | None:
    """Return the code with which the server closes, `None` if it just goes."""
    try:
        found = await client.frame_of(Opcode.CLOSE)
    except ConnectionError:
        return None
    await client.send(raw.frame(Opcode.CLOSE, found.payload))
    return int.from_bytes(found.payload[:2])


async def test_a_second_signal_changes_nothing() -> None:
    async with serving_quietly() as server, raw.open_client(server.port) as client:
        server.send_signal(signal.SIGTERM)
        assert (await client.frame()).message()["type"] == "Shutdown"
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGINT)
        assert (await client.frame()).opcode == Opcode.CLOSE
        await client.send(raw.close(1001))
        assert await client.until_end() == b""
        client.close()
        assert await server.wait() == 0


async def test_the_last_state_of_the_book_is_sent_before_the_end() -> None:
    """An hour's interval has not passed, but what was due then is not kept from the client."""
    options = ("--seed=1", "--rate=1000", "--interval-ms=3600000")
    async with serving_quietly(*options) as server, raw.open_client(server.port) as client:
        await client.send(raw.subscribe("s"))
        first = await client.message_of("MarketData")
        applied = await server.metric("events_applied_total")
        async with asyncio.timeout(30):
            while await server.metric("events_applied_total") < applied + 500:
                await asyncio.sleep(0.02)
        server.send_signal(signal.SIGTERM)
        last = (await client.frame()).message()
        assert last["type"] == "MarketData"
        assert last["sequence"] > first["sequence"]
        assert (await client.frame()).message()["type"] == "Shutdown"
