"""A connection that is lost is made anew, or is not, as the server and the policy have it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from market_depth.client import (
    ConnectionFailedError,
    EventKind,
    ReconnectPolicy,
    connect,
)
from support.scripted_client import SOON, Events, Reader, begun, tops
from support.scripted_server import ScriptedServer


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(ConnectionFailedError, match=r"can't connect to ws://127\.0\.0\.1:1: "):
        async with connect("ws://127.0.0.1:1"):
            pass


async def test_credentials_are_sent_and_a_refusal_is_an_error(server: ScriptedServer) -> None:
    async with connect(server.url, token="secret"):
        pass
    assert server.requests[0].headers["Authorization"] == "Bearer secret"
    server.refusal = 401
    with pytest.raises(ConnectionFailedError, match="401"):
        async with connect(server.url):
            pass


async def test_compression_is_offered_if_it_is_wanted(server: ScriptedServer) -> None:
    for compression in (False, True):
        async with connect(server.url, compression=compression):
            pass
    offers = [request.headers.get("Sec-WebSocket-Extensions") for request in server.requests]
    assert offers[0] is None
    assert "permessage-deflate" in (offers[1] or "")


async def test_messagepack_is_spoken_if_it_is_wanted(server: ScriptedServer) -> None:
    async with connect(server.url, encoding="msgpack") as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        _, update = await begun(peer, reader)

        assert tops(update.book) == ([(1.0, 5)], [(2.0, 5)])
        assert isinstance(update.raw, bytes)
        await reader.leave()


@pytest.mark.parametrize("code", [1001, 1011, 4400, 4408, 4429, 4499])
async def test_after_these_codes_it_connects_again(server: ScriptedServer, code: int) -> None:
    events = Events()
    async with connect(server.url, reconnect=SOON, on_event=events.tell):
        await (await server.accepted()).close(code)
        await server.accepted()
        assert str(code) in (await events.of(EventKind.DISCONNECTED)).text
        await events.of(EventKind.RECONNECTED)


@pytest.mark.parametrize("code", [4500, 4501, 4503, 4599])
async def test_after_these_it_does_not_and_whoever_waits_hears_of_it(
    server: ScriptedServer, code: int
) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        reader.start()
        await peer.receive("Subscribe")
        await peer.close(code, "not you")

        with pytest.raises(ConnectionFailedError, match="closed: not you") as caught:
            await reader.next()
        assert caught.value.code == code
        with pytest.raises(ConnectionFailedError):
            await depth.ping()
    assert not server.has_more


async def test_it_gives_up_after_as_many_attempts_as_the_policy_has(
    server: ScriptedServer,
) -> None:
    policy = ReconnectPolicy(attempts=3, first_pause_s=0.001)
    async with connect(server.url, reconnect=policy) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(peer, reader)
        server.refusal = 500
        peer.cut()
        with pytest.raises(ConnectionFailedError, match="lost for good"):
            await reader.next()
    assert len(server.requests) == 1 + 3


async def test_a_connection_that_does_not_last_was_in_vain(server: ScriptedServer) -> None:
    """A server that takes connections just to close them is left alone for longer and longer."""
    policy = ReconnectPolicy(attempts=3, first_pause_s=0.001)
    async with connect(server.url, reconnect=policy) as depth:
        reader = Reader(depth.subscribe("BTCUSD"))
        reader.start()
        for _ in range(1 + 3):
            await (await server.accepted()).close(4429)
        with pytest.raises(ConnectionFailedError, match="lost for good"):
            await reader.next()
    assert not server.has_more


async def test_it_gives_up_when_its_credentials_are_no_longer_good(
    server: ScriptedServer,
) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(peer, reader)
        server.refusal = 403
        peer.cut()
        with pytest.raises(ConnectionFailedError, match="refused with 403"):
            await reader.next()


async def test_a_server_that_stops_is_left_alone_for_as_long_as_it_asks(
    server: ScriptedServer,
) -> None:
    events = Events()
    loop = asyncio.get_running_loop()
    async with connect(server.url, reconnect=SOON, on_event=events.tell):
        peer = await server.accepted()
        await peer.send("Shutdown", reason="upgrade", reconnect_after_ms=300)
        begun_s = loop.time()
        await peer.close(1001)
        await server.accepted()
        assert loop.time() - begun_s >= 0.3
    assert (await events.of(EventKind.SHUTDOWN)).text == "upgrade"
    wait_s = (await events.of(EventKind.RECONNECTING)).wait_s
    assert wait_s is not None
    assert 0.3 <= wait_s <= 0.302
    kinds = [event.kind for event in events.all]
    assert kinds[:3] == [EventKind.SHUTDOWN, EventKind.DISCONNECTED, EventKind.RECONNECTING]


async def test_each_attempt_is_told_with_how_long_until_then(server: ScriptedServer) -> None:
    """What the server has asked for counts once."""
    events = Events()
    policy = ReconnectPolicy(attempts=3, first_pause_s=0.001, longest_pause_s=1000)
    async with connect(server.url, reconnect=policy, on_event=events.tell) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(peer, reader)
        server.refusal = 500
        await peer.send("Shutdown", reason="upgrade", reconnect_after_ms=100)
        await peer.close(1001)
        with pytest.raises(ConnectionFailedError, match="lost for good"):
            await reader.next()
    told = [event for event in events.all if event.kind is EventKind.RECONNECTING]
    assert len(told) == 3
    for event, least_s, most_s in zip(told, (0.1, 0, 0), (0.101, 0.002, 0.004), strict=True):
        assert event.wait_s is not None
        assert least_s <= event.wait_s <= most_s
    assert told[0].text == "next attempt in 0.1 s"


async def test_what_can_not_be_read_is_told_and_left_out(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, reconnect=SOON, on_event=events.tell) as depth:
        peer = await server.accepted()
        await peer.send("Novelty", of="a later server")
        await peer.connection.send("{")
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(peer, reader)
        await reader.leave()
    assert [event.kind for event in events.all] == [EventKind.UNREADABLE] * 2


async def test_leaving_closes_the_connection_at_once_even_with_much_unread(
    server: ScriptedServer,
) -> None:
    async with connect(server.url, timeout_s=1000) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", queue_size=1))
        request, _ = await begun(peer, reader)
        for sequence in range(1, 300):
            await peer.delta(request, sequence, sequence + 1, {1.0: sequence}, {})
        async with asyncio.timeout(30):
            await depth.stop()
    assert await peer.closed() == 1000


async def test_a_cancellation_is_never_swallowed(server: ScriptedServer) -> None:
    """Whenever it comes while the block is left."""

    async def stay(leave: asyncio.Event) -> None:
        async with connect(server.url):
            await leave.wait()

    for turns in range(25):
        leave = asyncio.Event()
        task = asyncio.create_task(stay(leave))
        await server.accepted()
        await asyncio.sleep(0.002)
        leave.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        was_running = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == was_running


async def test_a_server_without_the_encoding_is_told(server: ScriptedServer) -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.send(msgspec.json.encode({"type": "HeartBeat", "timestamp": ""}))
        await connection.wait_closed()

    async with serve(handle, "127.0.0.1", 0) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        with pytest.raises(ConnectionFailedError, match=r"does not speak market-depth\.msgpack"):
            async with connect(f"ws://127.0.0.1:{port}", encoding="msgpack"):
                pass
