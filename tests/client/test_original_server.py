"""A server that has just the original messages: it ignores, or refuses, what it does not know."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from market_depth.client import (
    ConnectionFailedError,
    EventKind,
    OrderBook,
    RequestRefusedError,
    SlowReaderPolicy,
    Update,
    UpdateKind,
    connect,
)
from support.scripted_client import SOON, Events, Reader, tops
from support.scripted_server import TIMESTAMP, Message, Peer, ScriptedServer

Side = dict[float, float]


async def open_stream(peer: Peer, request: Message) -> None:
    fields = {name: request[name] for name in ("stream_id", "symbol", "data_type")}
    await peer.send("Subscribed", **fields)


async def send_book(peer: Peer, request: Message, sequence: int, bids: Side, asks: Side) -> None:
    def row(side: str, number: int, price: float, quantity: float) -> Message:
        if request["data_type"] == "MBO":
            own = {"order_id": f"order_{number}", "timestamp": TIMESTAMP, "age_ms": 5}
        else:
            own = {"order_count": 1, "total_quantity": quantity, "avg_age_ms": None}
        return {"price": price, "quantity": quantity, "side": side, **own}

    sides = {
        name: [row(side, number, *level) for number, level in enumerate(levels.items())]
        for name, side, levels in (("bids", "Bid", bids), ("asks", "Ask", asks))
    }
    await peer.send(
        "MarketData",
        stream_id=request["stream_id"],
        symbol=request["symbol"],
        sequence=sequence,
        timestamp=TIMESTAMP,
        data={"format": request["data_type"], **sides},
    )


async def begun(
    server: ScriptedServer, reader: Reader, bids: dict[float, float], asks: dict[float, float]
) -> tuple[Peer, Message]:
    """Open a reader's stream, and send its first book; return the server's end and the request."""
    peer = await server.accepted()
    reader.start()
    request = await peer.receive("Subscribe")
    await open_stream(peer, request)
    await send_book(peer, request, 7, bids, asks)
    return peer, request


def units(update: Update) -> list[tuple[int, int]]:
    levels = [*update.book.bids(), *update.book.asks()]
    return [(level.price_units, level.quantity_units) for level in levels]


@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
@pytest.mark.parametrize("mode", ["delta", "snapshot"])
async def test_the_decimals_are_learned_from_what_comes(
    server: ScriptedServer, data_type: Literal["MBP", "MBO"], mode: Literal["delta", "snapshot"]
) -> None:
    async with connect(server.url) as depth:
        reader = Reader(depth.subscribe("BTCUSD", data_type, mode=mode, checksum=True))
        peer, request = await begun(server, reader, {102.45: 0.5, 102.4: 12}, {102.5: 3})
        update = await reader.next()
        assert (update.kind, update.sequence) == (UpdateKind.SNAPSHOT, 7)
        assert tops(update.book) == ([(102.45, 0.5), (102.4, 12)], [(102.5, 3)])
        assert units(update) == [(10245, 5), (10240, 120), (10250, 30)]
        assert update.book.spread == 0.05
        assert isinstance(update.book, OrderBook) == (data_type == "MBO")

        # It ignores the mode: whole views go on. What has been learned stays.
        await send_book(peer, request, 8, {102: 1}, {103: 0.25})
        update = await reader.next()
        assert (update.kind, tops(update.book)) == (
            UpdateKind.SNAPSHOT,
            ([(102, 1)], [(103, 0.25)]),
        )
        assert units(update) == [(10200, 100), (10300, 25)]
        await reader.leave()


async def test_a_book_that_is_conflated_is_right_too(server: ScriptedServer) -> None:
    async with connect(server.url) as depth:
        peer = await server.accepted()
        subscription = depth.subscribe(
            "BTCUSD", queue_size=1, slow_reader=SlowReaderPolicy.CONFLATE
        )
        reader = Reader(subscription)
        reader.start()
        request = await peer.receive("Subscribe")
        await open_stream(peer, request)
        await send_book(peer, request, 1, {1.5: 1}, {2.5: 1})
        update = await reader.next()
        for sequence in (2, 3, 4):
            await send_book(peer, request, sequence, {1 + 10**-sequence: 1}, {2.5: 1})
        while update.sequence < 4:
            update = await reader.next()
        assert tops(update.book) == ([(1.0001, 1)], [(2.5, 1)])
        assert subscription.book.scale.price_decimals == 4
        await reader.leave()


async def test_after_a_lost_connection_the_stream_is_asked_for_as_before(
    server: ScriptedServer,
) -> None:
    async with connect(server.url, reconnect=SOON) as depth:
        reader = Reader(depth.subscribe("BTCUSD"))
        peer, request = await begun(server, reader, {102.45: 5}, {102.5: 3})
        await reader.next()
        peer.cut()

        peer = await server.accepted()
        again = await peer.receive("Subscribe")
        assert again == request, "there is nothing that could be resumed"
        await open_stream(peer, again)
        await send_book(peer, again, 2, {101.15: 5}, {102: 3})
        update = await reader.next()
        assert (update.sequence, tops(update.book)) == (2, ([(101.15, 5)], [(102, 3)]))
        await reader.leave()


async def test_one_that_tells_its_decimals_later_is_believed(server: ScriptedServer) -> None:
    """A newer server has taken its place."""
    async with connect(server.url, reconnect=SOON) as depth:
        reader = Reader(depth.subscribe("BTCUSD"))
        peer, _ = await begun(server, reader, {102.5: 5}, {103: 3})
        assert units(await reader.next()) == [(1025, 5), (1030, 3)]
        peer.cut()

        peer = await server.accepted()
        again = await peer.receive("Subscribe")
        await peer.open(again)
        await peer.whole(again, 1, {102.5: 5}, {103.0: 3})
        await peer.delta(again, 1, 2, {102.45: 6}, {})
        assert units(await reader.next()) == [(10250, 5), (10300, 3)]
        assert units(await reader.next()) == [(10250, 5), (10245, 6), (10300, 3)]
        await reader.leave()


async def refuse(peer: Peer, **fields: Any) -> None:
    await peer.send("Error", code=400, message="Invalid message format", stream_id=None, **fields)


async def test_a_list_that_is_refused_without_an_id_is_not_waited_for(
    server: ScriptedServer,
) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell) as depth:
        peer = await server.accepted()
        listing = asyncio.create_task(depth.list_symbols())
        await peer.receive("ListSymbols")
        await refuse(peer)
        with pytest.raises(RequestRefusedError, match="400: Invalid message format"):
            await listing
        assert events.all == []

        # If nobody waits for an answer it is told.
        await refuse(peer)
        assert "Invalid message format" in (await events.of(EventKind.REFUSED)).text


async def test_other_errors_are_nobody_s_answer(server: ScriptedServer) -> None:
    events = Events()
    async with connect(server.url, on_event=events.tell, timeout_s=0.5) as depth:
        peer = await server.accepted()
        listing = asyncio.create_task(depth.list_symbols())
        await peer.receive("ListSymbols")
        await peer.send("Error", code=429, message="too many messages", stream_id=None)
        await peer.send("Error", code=400, message="what is this", stream_id="x")
        await refuse(peer, id=99)
        with pytest.raises(ConnectionFailedError, match="no answer"):
            await listing
        assert [event.kind for event in events.all] == [EventKind.REFUSED] * 3
