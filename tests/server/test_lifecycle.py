"""Connections that come, go and break, by the thousand: nothing of them is left behind."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from support import raw
from support.client import connected
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import Opcode, RawClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = 2000
SPARE_FILES = 200


@pytest.fixture
def open_files() -> Iterator[int]:
    """Let this process open as many files as the system allows, and tell how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=100", "--interval-ms=50") as running:
        yield running


async def until_nothing_is_left(server: ServerProcess) -> None:
    """Wait until only the connection that asks is there."""
    await server.until_metric("connections", 1)
    await server.until_metric("sessions", 0)
    await server.until_metric("subscriptions", 0)


async def subscribed(server: ServerProcess, buffer_bytes: int | None = None) -> RawClient:
    """Connect, subscribe and read the first MarketData."""
    client = await raw.connect(server.port, buffer_bytes)
    await client.open()
    await client.send(raw.subscribe("s", max_levels=5))
    await client.message_of("MarketData")
    return client


async def test_clients_whose_connection_is_reset_leave_nothing_behind(
    server: ServerProcess,
) -> None:
    clients = await asyncio.gather(*(subscribed(server) for _ in range(50)))
    assert await server.metric("subscriptions") == 50
    for client in clients:
        client.reset()
    await until_nothing_is_left(server)


async def test_clients_that_close_their_socket_without_a_word_leave_nothing_behind(
    server: ServerProcess,
) -> None:
    for client in await asyncio.gather(*(subscribed(server) for _ in range(50))):
        client.close()
    await until_nothing_is_left(server)


async def test_a_client_that_closes_its_sending_side_is_let_go(server: ServerProcess) -> None:
    client = await subscribed(server)
    client.half_close()
    await client.until_end()
    client.close()
    await until_nothing_is_left(server)


async def test_clients_that_neither_send_nor_read_any_more_are_let_go() -> None:
    """However much of what they have asked for is still unsent when their FIN comes."""
    options = ("--seed=1", "--rate=1", "--interval-ms=3600000", "--stall-s=0.5")
    async with (
        serving_quietly(*options, "--ping-interval-s=0.5") as server,
        AsyncExitStack() as stack,
    ):
        for streams in (1, 2, 3, 4, 5, 8):
            client = await stack.enter_async_context(
                raw.open_client(server.port, receive_buffer_bytes=4096)
            )
            requests = [
                raw.subscribe(f"{number}", data_type="MBO", max_levels=1000)
                for number in range(streams)
            ]
            await client.send(b"".join(requests))
            client.half_close()
        await server.until_metric("sessions", 0, timeout_s=10)
        await until_nothing_is_left(server)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="before the handshake"),
        pytest.param(raw.upgrade()[:40], id="within the handshake"),
        pytest.param(raw.upgrade(), id="before the answer"),
        pytest.param(raw.upgrade() + raw.subscribe("s")[:1], id="within a frame's head"),
        pytest.param(raw.upgrade() + raw.subscribe("s")[:20], id="within a frame"),
        pytest.param(
            raw.upgrade() + raw.frame(Opcode.TEXT, b"{", fin=False), id="within a message"
        ),
        pytest.param(
            raw.upgrade() + raw.subscribe("s") + raw.subscribe("t")[:9], id="behind a request"
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\n\r\n", id="before a page"),
    ],
)
async def test_a_connection_that_breaks_anywhere_leaves_nothing_behind(
    server: ServerProcess, begun: bytes
) -> None:
    for end in (RawClient.reset, RawClient.close, RawClient.half_close):
        clients = [await raw.connect(server.port) for _ in range(5)]
        for client in clients:
            if begun:
                await client.send(begun)
            end(client)
        if end is RawClient.half_close:
            for client in clients:
                await client.until_end()
                client.close()
        await until_nothing_is_left(server)


async def test_thousands_of_clients_come_at_once_get_their_data_and_go(
    server: ServerProcess, open_files: int
) -> None:
    count = min(CLIENTS, open_files - SPARE_FILES)
    clients = await asyncio.gather(*(subscribed(server) for _ in range(count)))
    assert await server.metric("sessions") == count
    assert await server.metric("subscriptions") == count
    for client in clients:
        await client.message_of("MarketData")
    await asyncio.gather(*(client.send(raw.close(1000)) for client in clients))
    for code, _ in await asyncio.gather(*(client.closed() for client in clients)):
        assert code == 1000
    for client in clients:
        client.close()
    await until_nothing_is_left(server)
    async with connected(server.url) as late:
        await late.subscribe("s")
        await late.receive_type("MarketData")


# Keep-alive


async def test_a_peer_that_answers_no_pings_is_closed_with_4408_and_one_that_does_stays() -> None:
    async with (
        serving_quietly("--ping-interval-s=1", "--interval-ms=20") as server,
        connected(server.url) as alive,
        raw.open_client(server.port) as silent,
    ):
        assert (await silent.frame()).opcode == Opcode.PING
        code, reason = await silent.closed()
        assert code == 4408
        assert "ping" in reason
        await server.until_metric("sessions", 1)
        assert await server.metric("silent_clients_total") == 1
        await alive.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
        await alive.receive_type("HeartBeat")


async def test_a_peer_that_sends_anything_is_alive_without_pongs() -> None:
    async with (
        serving_quietly("--ping-interval-s=0.5") as server,
        raw.open_client(server.port) as client,
    ):
        pings = 0
        while pings < 4:
            if (await client.frame()).opcode == Opcode.PING:
                pings += 1
                await client.send(raw.text(type="Unsubscribe", stream_id="never"))


async def test_a_client_that_only_listens_is_not_pinged_while_pings_are_off() -> None:
    async with (
        serving_quietly("--ping-interval-s=0", "--heartbeat-s=0.1") as server,
        raw.open_client(server.port) as client,
    ):
        for _ in range(10):
            assert (await client.frame()).message()["type"] == "HeartBeat"
