"""A subscription mends itself: gaps, wrong checksums, lost connections, slow readers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from market_depth.client import (
    ClientError,
    DepthClient,
    EventKind,
    ReaderTooSlowError,
    RequestRefusedError,
    SlowReaderPolicy,
    UpdateKind,
    connect,
)
from market_depth.client.errors import StreamBrokenError
from market_depth.protocol.checksum import level_checksum
from support.scripted_client import SOON, Events, Reader, begun, tops
from support.scripted_server import Message, Peer, ScriptedServer

_MANY = 40


async def _flood(peer: Peer, request: Message, first: int = 1) -> None:
    """Send a first delta after *first*, and many more; the quantity is the sequence."""
    for sequence in range(first + 1, first + 1 + _MANY):
        await peer.delta(request, sequence - 1, sequence, {1.0: sequence}, {})


async def _has_read_all(peer: Peer, depth: DepthClient) -> None:
    """Wait until the client has read what was sent to it: answers come in order."""
    asking = asyncio.create_task(depth.ping())
    request = await peer.receive("Ping")
    await peer.send("HeartBeat", timestamp="", id=request["id"])
    await asking


async def test_a_gap_has_the_stream_asked_for_anew(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD")
        reader = Reader(subscription)
        request, _ = await begun(peer, reader)
        await peer.delta(request, 3, 4, {1.0: 9}, {})

        reader.start()
        assert await peer.receive("Unsubscribe") == {"type": "Unsubscribe", "stream_id": "mbp-1"}
        again = await peer.receive("Subscribe")
        assert again == request
        await peer.delta(request, 4, 5, {1.0: 10}, {})  # was on its way
        await peer.send("Unsubscribed", stream_id="mbp-1")
        await peer.open(again)
        await peer.whole(again, 7, {1.0: 7}, {})

        update = await reader.next()
        assert (update.kind, update.sequence) == (UpdateKind.SNAPSHOT, 7)
        assert tops(update.book) == ([(1.0, 7)], [])
        assert subscription.counters.gaps == 1
        assert (await events.of(EventKind.GAP)).stream_id == "mbp-1"
        await reader.leave()


async def test_a_wrong_checksum_has_the_stream_asked_for_anew(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD", checksum=True)
        reader = Reader(subscription)
        request, _ = await begun(peer, reader)
        assert request["checksum"] is True
        await peer.delta(request, 1, 2, {1.0: 6}, {}, checksum=1)
        await peer.delta(request, 2, 3, {1.0: 7}, {}, checksum=1)

        reader.start()
        await peer.receive("Unsubscribe")
        again = await peer.receive("Subscribe")
        await peer.open(again)
        await peer.whole(
            again, 4, {1.0: 8}, {2.0: 5}, checksum=level_checksum([(100, 8)], [(200, 5)])
        )

        assert tops((await reader.next()).book) == ([(1.0, 8)], [(2.0, 5)])
        assert subscription.counters.checksum_failures == 1
        assert (await events.of(EventKind.CHECKSUM)).symbol == "BTCUSD"
        await reader.leave()


async def test_a_server_that_is_always_wrong_is_not_asked_for_ever(
    server: ScriptedServer,
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", checksum=True))
        reader.start()
        for _ in range(6):
            request = await peer.receive("Subscribe")
            await peer.open(request)
            await peer.whole(request, 1, {1.0: 5}, {}, checksum=1)
            if _ < 5:
                await peer.receive("Unsubscribe")
        with pytest.raises(StreamBrokenError, match="checksum at sequence 1 is 1"):
            await reader.next()


async def test_a_delta_stream_is_resumed_and_its_book_is_exact(server: ScriptedServer) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD")
        reader = Reader(subscription)
        request, update = await begun(peer, reader, sequence=8)
        peer.cut()

        peer = await server.accepted()
        again = await peer.receive("Subscribe")
        assert again == {**request, "resume": {"epoch": "first", "sequence": 8}}
        await peer.open(again, resumed=True)
        await peer.delta(again, 8, 9, {1.0: 0, 0.5: 3}, {})

        update = await reader.next()
        assert (update.kind, tops(update.book)) == (UpdateKind.DELTA, ([(0.5, 3)], [(2.0, 5)]))
        assert subscription.counters.resumed == 1
        await reader.leave()


async def test_a_stream_that_is_not_resumed_begins_with_a_whole_view(
    server: ScriptedServer,
) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        await begun(peer, reader, sequence=8)
        peer.cut()

        peer = await server.accepted()
        again = await peer.receive("Subscribe")
        await peer.open(again, epoch="second", resumed=False)
        await peer.whole(again, 2, {3.0: 1}, {})
        assert tops((await reader.next()).book) == ([(3.0, 1)], [])
        peer.cut()

        again = await (await server.accepted()).receive("Subscribe")
        assert again["resume"] == {"epoch": "second", "sequence": 2}
        await reader.leave()


@pytest.mark.parametrize(("what", "options"), [("MBP", {"mode": "snapshot"}), ("TRADES", {})])
async def test_streams_without_deltas_are_asked_for_as_before(
    server: ScriptedServer, what: Any, options: dict[str, Any]
) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", what, **options))
        reader.start()
        request = await peer.receive("Subscribe")
        await peer.open(request)
        if what == "TRADES":
            await peer.trades(request, 1)
        else:
            await peer.whole(request, 1, {1.0: 5}, {})
        await reader.next()
        peer.cut()

        assert await (await server.accepted()).receive("Subscribe") == request
        await reader.leave()


async def test_trades_made_while_there_was_no_connection_are_told(
    server: ScriptedServer,
) -> None:
    events = Events()

    def gaps() -> list[str]:
        return [event.text for event in events.all if event.kind is EventKind.GAP]

    async with connect(server.url, reconnect=SOON, on_event=events.tell) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD", "TRADES")
        reader = Reader(subscription)
        reader.start()
        request = await peer.receive("Subscribe")
        await peer.open(request)
        await peer.trades(request, 1, 1, 2)
        assert [one.trade_number for one in (await reader.next()).trades] == [1, 2]
        peer.cut()

        peer = await server.accepted()
        await peer.open(await peer.receive("Subscribe"))
        await peer.trades(request, 9)
        await peer.trades(request, 9, 6)
        await peer.trades(request, 10, 7, 9)
        await peer.trades(request, 11, 12)
        await _has_read_all(peer, depth)
        # They are told with the update that they lie before, not when its message comes.
        assert (subscription.counters.trades_missed, gaps()) == (0, [])
        assert (await reader.next()).trades == []
        told = []
        for number in (6, 7, 12):
            update = await reader.next()
            assert update.trades[0].trade_number == number
            told.append((update.trades_missed, subscription.counters.trades_missed))
        assert told == [(3, 3), (0, 3), (2, 5)]
        assert gaps() == [
            "trades-1: 3 trades missed",
            "trades-1: 2 trades missed",
        ]
        await reader.leave()


async def test_of_several_symbols_all_come_back_also_those_that_wait(
    server: ScriptedServer,
) -> None:
    """Of four, one is open, one is refused, one waits for its feed, one has not been answered."""
    events = Events()
    async with connect(server.url, reconnect=SOON, on_event=events.tell) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe(symbols=["A", "B", "C", "D:1"], stream_id="all")
        reader = Reader(subscription)
        reader.start()
        request = await peer.receive("Subscribe")
        a = {**request, "symbol": "A", "stream_id": "all:A"}
        await peer.open(a)
        await peer.send("Error", code=404, message="unknown symbol 'B'", stream_id="all:B")
        await peer.send("Error", code=503, message="C is down", stream_id="all:C")
        await peer.whole(a, 1, {1.0: 5}, {})
        assert (await reader.next()).symbol == "A"
        assert (await events.of(EventKind.REFUSED)).stream_id == "all:B"
        status = await events.of(EventKind.STATUS)
        assert (status.stream_id, status.symbol) == ("all:C", "C")
        assert (status.status, status.reason) == ("Stale", "C is down")
        assert list(subscription.books) == ["A"]
        peer.cut()

        peer = await server.accepted()
        asked = [await peer.receive("Subscribe") for _ in range(3)]
        assert [(one["stream_id"], one["symbol"]) for one in asked] == [
            ("all:A", "A"),
            ("all:C", "C"),
            ("all:D:1", "D:1"),
        ]
        await peer.open(asked[2])
        await peer.whole(asked[2], 4, {2.0: 1}, {})
        update = await reader.next()
        assert (update.symbol, update.stream_id) == ("D:1", "all:D:1")
        await reader.leave()
        left = [(await peer.receive("Unsubscribe"))["stream_id"] for _ in range(3)]
        assert sorted(left) == ["all:A", "all:C", "all:D:1"]


async def test_an_error_is_raised_with_its_code_and_stream(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        for symbols in (None, ["A", "B"]):
            symbol = None if symbols else "BTCUSD"
            reader = Reader(depth.subscribe(symbol, symbols=symbols, stream_id="s"))
            reader.start()
            await peer.receive("Subscribe")
            names = [f"s:{one}" for one in symbols] if symbols else ["s"]
            for name in names:
                await peer.send("Error", code=404, message="unknown symbol", stream_id=name)
            with pytest.raises(RequestRefusedError, match="404: unknown symbol") as caught:
                await reader.next()
            assert (caught.value.code, caught.value.stream_id) == (404, names[-1])
        await _has_read_all(peer, depth)  # and there was nothing to unsubscribe from


async def test_a_symbol_whose_feed_is_down_is_waited_for(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD"))
        reader.start()
        request = await peer.receive("Subscribe")
        await peer.send("Error", code=503, message="down", stream_id=request["stream_id"])
        assert (await events.of(EventKind.STATUS)).status == "Stale"
        await peer.send("Status", symbol="BTCUSD", status="Live", reason=None, timestamp="")
        await peer.open(request)
        await peer.whole(request, 1, {1.0: 5}, {})
        assert (await reader.next()).sequence == 1
        assert [event.status for event in events.all] == ["Stale", "Live"]
        await reader.leave()


async def test_what_the_server_has_skipped_is_counted(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe("BTCUSD")
        reader = Reader(subscription)
        request, _ = await begun(peer, reader)
        await peer.send("Lagged", stream_id=request["stream_id"], skipped=12)
        await peer.whole(request, 30, {1.0: 9}, {}, resync="slow_consumer")
        assert tops((await reader.next()).book) == ([(1.0, 9)], [])
        assert subscription.counters.lagged == 12
        assert (await events.of(EventKind.LAGGED)).stream_id == request["stream_id"]
        await reader.leave()


async def test_block_loses_nothing(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", queue_size=3))
        request, _ = await begun(peer, reader)
        await _flood(peer, request)
        assert [(await reader.next()).sequence for _ in range(_MANY)] == [*range(2, 2 + _MANY)]
        await reader.leave()


async def test_who_leaves_a_full_queue_does_not_hold_up_the_connection(
    server: ScriptedServer,
) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", queue_size=_MANY))
        request, _ = await begun(peer, reader)
        await _flood(peer, request)
        await peer.send("Lagged", stream_id=request["stream_id"], skipped=0)
        await peer.delta(request, 1 + _MANY, 2 + _MANY, {1.0: 1}, {})
        await events.of(EventKind.LAGGED)  # the queue is full
        await asyncio.sleep(0.01)  # and the next message likely waits for room
        await reader.leave()
        await peer.receive("Unsubscribe")
        await _has_read_all(peer, depth)


async def test_conflate_hands_out_the_newest(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe(
            "BTCUSD", queue_size=1, slow_reader=SlowReaderPolicy.CONFLATE
        )
        reader = Reader(subscription)
        request, _ = await begun(peer, reader)
        await _flood(peer, request)
        await _has_read_all(peer, depth)

        update = await reader.next()
        assert (update.sequence, update.conflated) == (1 + _MANY, _MANY - 1)
        assert tops(update.book) == ([(1.0, 1 + _MANY)], [(2.0, 5)])
        assert (subscription.counters.updates, subscription.counters.conflated) == (2, _MANY - 1)
        await reader.leave()


async def test_trades_can_not_be_conflated(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        with pytest.raises(ClientError, match="trades can't be conflated"):
            depth.subscribe("BTCUSD", "TRADES", slow_reader=SlowReaderPolicy.CONFLATE)


async def test_raise_ends_the_stream_and_keeps_no_more_than_the_queue(
    server: ScriptedServer,
) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        reader = Reader(depth.subscribe("BTCUSD", queue_size=3, slow_reader=SlowReaderPolicy.RAISE))
        request, _ = await begun(peer, reader)
        await _flood(peer, request)
        await _has_read_all(peer, depth)

        assert [(await reader.next()).sequence for _ in range(3)] == [2, 3, 4]
        with pytest.raises(ReaderTooSlowError, match="3 updates wait") as caught:
            await reader.next()
        assert caught.value.stream_id == request["stream_id"]
        await peer.receive("Unsubscribe")
