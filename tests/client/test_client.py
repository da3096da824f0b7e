"""Requests and their answers, several streams at once, and leaving."""

from __future__ import annotations

import asyncio

import pytest

from market_depth.client import (
    ClientError,
    ConnectionFailedError,
    EventKind,
    RequestRefusedError,
    SlowReaderPolicy,
    connect,
)
from support.scripted_client import SOON, Events, Reader, begun
from support.scripted_server import Message, Peer, ScriptedServer


async def _ping_answered(peer: Peer) -> None:
    request = await peer.receive("Ping")
    await peer.send("HeartBeat", timestamp="", id=request["id"])


async def test_answers_find_their_requests_whatever_their_order(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        symbols = asyncio.create_task(depth.list_symbols())
        streams = asyncio.create_task(depth.list_subscriptions())
        first, second = await peer.receive("ListSymbols"), await peer.receive("ListSubscriptions")
        await peer.send("HeartBeat", timestamp="")
        await peer.send("Subscriptions", subscriptions=[], id=second["id"])
        info = {
            "symbol": "BTCUSD",
            "tick_size": 0.01,
            "price_decimals": 2,
            "quantity_decimals": 0,
            "data_types": ["MBP", "BBO"],
            "status": "Live",
        }
        await peer.send("Symbols", symbols=[info], id=first["id"])

        assert await streams == []
        assert [(one.symbol, str(one.tick_size)) for one in await symbols] == [("BTCUSD", "0.01")]


async def test_a_refused_request_raises(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        asking = asyncio.create_task(depth.list_symbols())
        request = await peer.receive()
        await peer.send("Error", code=429, message="too many", stream_id=None, id=request["id"])
        with pytest.raises(RequestRefusedError, match="429: too many"):
            await asking


async def test_an_answer_that_does_not_come_is_not_waited_for(server: ScriptedServer) -> None:
    async with connect(server.url, timeout_s=0.05) as depth:
        with pytest.raises(ConnectionFailedError, match=r"no answer within 0\.05 s"):
            await depth.ping()


async def test_answers_are_lost_with_the_connection(server: ScriptedServer) -> None:
    async with connect(server.url, reconnect=SOON, timeout_s=1000) as depth:
        peer = await server.accepted()
        asking = asyncio.create_task(depth.ping())
        await peer.receive("Ping")
        peer.cut()
        with pytest.raises(ConnectionFailedError, match="closed with 1006"):
            await asking


async def test_a_round_trip_is_timed(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        answering = asyncio.create_task(_ping_answered(await server.accepted()))
        assert 0 < await depth.ping() < 30
        await answering


async def test_leaving_the_loop_closes_the_stream(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()

        async def take_one() -> None:
            async for _ in depth.subscribe("BTCUSD"):
                break

        taking = asyncio.create_task(take_one())
        request = await peer.receive("Subscribe")
        await peer.open(request)
        await peer.whole(request, 1, {1.0: 5}, {})
        await taking
        assert (await peer.receive("Unsubscribe"))["stream_id"] == request["stream_id"]


@pytest.mark.parametrize("has_begun", [False, True])
async def test_cancelling_the_task_closes_the_stream(
    server: ScriptedServer, has_begun: bool
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        taken = asyncio.Event()

        async def take() -> None:
            async for _ in depth.subscribe("BTCUSD"):
                taken.set()

        taking = asyncio.create_task(take())
        request = await peer.receive("Subscribe")
        if has_begun:
            await peer.open(request)
            await peer.whole(request, 1, {1.0: 5}, {})
            await taken.wait()
        taking.cancel()
        await asyncio.wait([taking])
        assert taking.cancelled()
        await peer.receive("Unsubscribe")


async def test_a_subscription_can_be_used_again(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD")
        for sequence in (1, 7):
            async with subscription:
                reader = Reader(subscription)
                _, update = await begun(peer, reader, sequence)
                assert update.sequence == sequence
            await peer.receive("Unsubscribe")
            await reader.leave()


async def test_a_loop_in_another_task_ends_when_the_subscription_is_closed(
    server: ScriptedServer,
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD")
        reader = Reader(subscription)
        await begun(peer, reader)
        reader.start()
        await subscription.close()
        with pytest.raises(StopAsyncIteration):
            await reader.next()


async def test_loops_end_when_the_client_is_closed(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(await server.accepted(), reader)
        reader.start()
        await depth.stop()
        with pytest.raises(StopAsyncIteration):
            await reader.next()


async def test_a_stream_id_is_used_once(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        async with depth.subscribe("BTCUSD", stream_id="s"):
            with pytest.raises(ClientError, match="'s' is open already"):
                await depth.subscribe("ETHUSD", stream_id="s").open()
        assert (await peer.receive())["symbol"] == "BTCUSD"
        assert await peer.receive() == {"type": "Unsubscribe", "stream_id": "s"}


async def test_a_stream_opened_as_the_connection_returns_is_asked_for_once(
    server: ScriptedServer,
) -> None:
    events = Events()
    async with connect(server.url, reconnect=SOON, on_event=events.tell) as depth:
        (await server.accepted()).cut()
        await events.of(EventKind.RECONNECTED)
        async with depth.subscribe("BTCUSD"):
            peer = await server.accepted()
            await peer.receive("Subscribe")
            asking = asyncio.create_task(depth.ping())
            await _ping_answered(peer)
            await asking


async def test_a_stream_opened_while_there_is_no_connection_is_asked_for_later(
    server: ScriptedServer,
) -> None:
    events = Events()
    async with connect(server.url, reconnect=SOON, on_event=events.tell) as depth:
        server.refusal = 500
        (await server.accepted()).cut()
        await events.of(EventKind.DISCONNECTED)
        reader = Reader(depth.subscribe("BTCUSD"))
        reader.start()
        await asyncio.sleep(0)
        server.refusal = None
        await (await server.accepted()).receive("Subscribe")
        await reader.leave()


async def test_many_streams_come_back_a_few_at_a_time(server: ScriptedServer) -> None:
    """Of hundreds at once, a server refuses some without saying which."""
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        subscriptions = [depth.subscribe("BTCUSD") for _ in range(45)]
        for subscription in subscriptions:
            await subscription.open()
        peer.cut()

        peer = await server.accepted()
        asked: list[Message] = []
        at_once = 0
        while len(asked) < len(subscriptions):
            request = await peer.receive()
            if request["type"] == "Ping":
                at_once = 0
                await peer.send("HeartBeat", timestamp="", id=request["id"])
            else:
                asked.append(request)
                at_once += 1
                assert at_once <= 20
        assert len({one["stream_id"] for one in asked}) == len(subscriptions)


async def test_a_stream_that_is_still_to_come_back_is_not_asked_for_twice(
    server: ScriptedServer,
) -> None:
    """It turns out to be wrong while those before it are asked for again."""
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        for _ in range(20):
            await depth.subscribe("BTCUSD").open()
            await peer.receive("Subscribe")
        reader = Reader(depth.subscribe("ETHUSD", checksum=True))
        request, _ = await begun(peer, reader)
        await peer.delta(request, 1, 2, {1.0: 6}, {}, checksum=1)
        asking = asyncio.create_task(depth.ping())
        await _ping_answered(peer)
        await asking
        peer.cut()

        peer = await server.accepted()
        for _ in range(20):
            await peer.receive("Subscribe")
        waiting = await peer.receive("Ping")
        reader.start()
        await asyncio.sleep(0)
        await peer.send("HeartBeat", timestamp="", id=waiting["id"])
        assert await peer.receive() == request  # it does not go on: it was wrong
        await reader.leave()
        assert (await peer.receive())["type"] == "Unsubscribe"


async def test_a_stream_that_nobody_wants_any_more_is_closed(server: ScriptedServer) -> None:
    """All symbols were asked for, and left before the server had said which there are."""
    async with connect(server.url) as depth:
        peer = await server.accepted()
        async with depth.subscribe(symbols="*", stream_id="all"):
            request = await peer.receive("Subscribe")
            assert request["symbols"] == ["*"]
        await peer.open({**request, "stream_id": "all:A", "symbol": "A"})
        assert (await peer.receive("Unsubscribe"))["stream_id"] == "all:A"


async def test_merged_streams_come_in_the_order_of_the_connection(
    server: ScriptedServer,
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        merged = depth.merged(
            depth.subscribe("A", stream_id="a"), depth.subscribe("B", stream_id="b")
        )
        first = asyncio.ensure_future(anext(merged))
        a, b = await peer.receive("Subscribe"), await peer.receive("Subscribe")
        await peer.open(a)
        await peer.open(b)
        await peer.whole(b, 1, {1.0: 1}, {})
        await peer.whole(a, 2, {1.0: 2}, {})
        await peer.delta(b, 1, 3, {1.0: 3}, {})

        updates = [await first, await anext(merged), await anext(merged)]
        assert [(one.stream_id, one.sequence) for one in updates] == [("b", 1), ("a", 2), ("b", 3)]
        await merged.aclose()
        assert {(await peer.receive("Unsubscribe"))["stream_id"] for _ in "ab"} == {"a", "b"}


async def test_in_a_merged_queue_only_those_are_conflated_that_want_it(
    server: ScriptedServer,
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        books = depth.subscribe(
            "A", stream_id="a", queue_size=4, slow_reader=SlowReaderPolicy.CONFLATE
        )
        merged = depth.merged(books, depth.subscribe("A", "TRADES", stream_id="t"))
        first = asyncio.ensure_future(anext(merged))
        a, t = await peer.receive("Subscribe"), await peer.receive("Subscribe")
        await peer.open(a)
        await peer.open(t)
        await peer.trades(t, 0)
        await first
        await peer.trades(t, 1, 1)
        await peer.trades(t, 1, 2)
        await peer.whole(a, 1, {1.0: 1}, {})
        for sequence in range(2, 20):
            await peer.delta(a, sequence - 1, sequence, {1.0: sequence}, {})
        await peer.trades(t, 20, 3)

        trades: list[int] = []
        async for update in merged:
            trades += [one.trade_number for one in update.trades]
            if 3 in trades:
                break
        assert trades == [1, 2, 3]
        assert [level.quantity for level in books.book.bids()] == [19]
        await merged.aclose()
