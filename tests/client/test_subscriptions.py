"""Subscriptions of the real server: opened, merged, refused, left, and read slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Literal

import pytest
import pytest_asyncio

from market_depth.client import (
    ClientError,
    ConnectionFailedError,
    Counters,
    DepthClient,
    Event,
    EventKind,
    ReaderTooSlowError,
    RequestRefusedError,
    SlowReaderPolicy,
    Subscription,
    UpdateKind,
    connect,
)
from market_depth.client.sync import connect as connect_sync
from support.logs import serving_quietly
from support.process import ServerProcess

TIMEOUT_S = 60.0
module_loop = pytest.mark.asyncio(loop_scope="module")
Encoding = Literal["json", "msgpack"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=200", "--compression") as running:
        yield running


async def take(subscription: Subscription, count: int) -> list[Any]:
    async with asyncio.timeout(TIMEOUT_S), aclosing(aiter(subscription)) as updates:
        return [await anext(updates) for _ in range(count)]


@module_loop
@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@pytest.mark.parametrize("compression", [False, True])
async def test_updates_follow_from_each_other(
    server: ServerProcess, encoding: Encoding, compression: bool
) -> None:
    async with connect(server.url, encoding=encoding, compression=compression) as depth:
        first, *rest = await take(depth.subscribe("BTCUSD", interval_ms=0, checksum=True), 20)
        assert first.kind is UpdateKind.SNAPSHOT
        sequence = first.sequence
        for update in rest:
            assert (update.kind, update.prev_sequence) == (UpdateKind.DELTA, sequence)
            assert update.event_timestamp is not None
            sequence = update.sequence


@module_loop
async def test_leaving_the_loop_closes_the_stream(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        async with depth.subscribe("BTCUSD") as stream:
            assert [one.symbol for one in await depth.list_subscriptions()] == ["BTCUSD"]
            assert stream.book.best_bid is None, "nothing has been taken yet"
        assert await depth.list_subscriptions() == []
        await take(depth.subscribe("ETHUSD"), 2)
        assert await depth.list_subscriptions() == []


@module_loop
async def test_a_cancelled_reader_leaves_nothing_behind(server: ServerProcess) -> None:
    async def read(depth: DepthClient, begun: asyncio.Event) -> None:
        async for _ in depth.subscribe("BTCUSD"):
            begun.set()

    before = asyncio.all_tasks()
    async with connect(server.url) as depth:
        begun = asyncio.Event()
        task = asyncio.create_task(read(depth, begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await depth.list_subscriptions() == []
    assert asyncio.all_tasks() == before


@module_loop
async def test_several_symbols_have_a_book_each(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        subscription = depth.subscribe(symbols="*", data_type="BBO", interval_ms=0)
        updates = await take(subscription, 20)
        assert {update.symbol for update in updates} == {"BTCUSD", "ETHUSD", "ADAUSD"}
        assert all(book.mid for book in subscription.books.values())
        with pytest.raises(ClientError, match="books"):
            _ = subscription.book


@module_loop
async def test_streams_are_merged(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        streams = (
            depth.subscribe("BTCUSD", interval_ms=0),
            depth.subscribe("BTCUSD", "TRADES"),
            depth.subscribe("ETHUSD", "MBO", interval_ms=0),
        )
        kinds = set()
        numbers = []
        async with (
            asyncio.timeout(TIMEOUT_S),
            aclosing(depth.merged(*streams)) as both,
        ):
            async for update in both:
                kinds.add((update.symbol, update.kind))
                numbers += [trade.trade_number for trade in update.trades]
                if len(kinds) == 5 and len(numbers) > 5:
                    break
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert await depth.list_subscriptions() == []


@module_loop
async def test_a_refusal_is_an_error_with_its_code(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        with pytest.raises(RequestRefusedError, match="unknown symbol 'DOGE'") as caught:
            await take(depth.subscribe("DOGE", stream_id="mine"), 1)
        assert (caught.value.code, caught.value.stream_id) == (404, "mine")
        assert len(await take(depth.subscribe("BTCUSD"), 1)) == 1, "the connection goes on"


@module_loop
async def test_of_several_symbols_those_that_are_known_go_on(server: ServerProcess) -> None:
    events: list[Event] = []
    async with connect(server.url, on_event=events.append) as depth:
        updates = await take(depth.subscribe(symbols=["DOGE", "BTCUSD"]), 2)
        assert {update.symbol for update in updates} == {"BTCUSD"}
    assert [event.kind for event in events] == [EventKind.REFUSED]
    assert "DOGE" in events[0].text


@module_loop
async def test_conflation_keeps_the_book_and_tells_how_much_was_left_out(
    server: ServerProcess,
) -> None:
    async with connect(server.url) as depth:
        subscription = depth.subscribe(
            "BTCUSD",
            interval_ms=0,
            checksum=True,
            queue_size=2,
            slow_reader=SlowReaderPolicy.CONFLATE,
        )
        conflated = 0
        async with asyncio.timeout(TIMEOUT_S), aclosing(aiter(subscription)) as updates:
            async for update in updates:
                conflated += update.conflated
                if conflated > 10:
                    break
                while not subscription.counters.conflated > conflated + 3:
                    await depth.ping()
        assert subscription.counters.conflated >= conflated
        assert subscription.counters.checksum_failures == 0


@module_loop
async def test_who_wants_to_be_told_is_told_that_he_is_too_slow(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        subscription = depth.subscribe(
            "BTCUSD", interval_ms=0, queue_size=2, slow_reader=SlowReaderPolicy.RAISE
        )

        async def read_slowly() -> None:
            async for _ in subscription:
                while not subscription.mailbox.has_ended:
                    await depth.ping()

        with pytest.raises(ReaderTooSlowError, match="wait to be taken"):
            async with asyncio.timeout(TIMEOUT_S):
                await read_slowly()


@module_loop
async def test_blocking_stops_the_reading_and_loses_nothing(server: ServerProcess) -> None:
    async with connect(server.url) as depth:
        subscription = depth.subscribe("BTCUSD", interval_ms=0, checksum=True, queue_size=2)
        async with asyncio.timeout(TIMEOUT_S), aclosing(aiter(subscription)) as updates:
            await anext(updates)
            while not subscription.mailbox.is_full:  # what comes then does not fit
                await asyncio.sleep(0)
            for _ in range(50):
                await anext(updates)
        assert subscription.counters.gaps == 0


async def test_where_no_server_is_the_connection_fails_at_once() -> None:
    with pytest.raises(ConnectionFailedError, match=r"can't connect to ws://127\.0\.0\.1:1/: "):
        async with connect("ws://127.0.0.1:1/?token=secret"):
            pass


async def test_bad_credentials_are_told_and_not_tried_again(tmp_path: Any) -> None:
    path = tmp_path / "clients.toml"
    path.write_text('[clients.desk]\ntoken = "the right one"\n')
    async with serving_quietly(f"--credentials={path}") as server:
        async with connect(server.url, token="the right one") as depth:
            assert len(await depth.list_symbols()) == 3
        async with connect(server.url, token="a wrong one") as depth:
            with pytest.raises(ConnectionFailedError) as caught:
                await take(depth.subscribe("BTCUSD"), 1)
            assert caught.value.code == 4501


@module_loop
async def test_scripts_do_without_await(server: ServerProcess) -> None:
    def script() -> tuple[list[str], int, float]:
        with connect_sync(server.url) as depth:
            symbols = [info.symbol for info in depth.list_symbols()]
            sequences = []
            for update in depth.subscribe("BTCUSD", interval_ms=0):
                sequences.append(update.sequence)
                if len(sequences) == 5:
                    break
            assert sequences == sorted(sequences)
            return symbols, len(depth.list_subscriptions()), depth.ping()

    symbols, subscriptions, seconds = await asyncio.to_thread(script)
    assert symbols == ["BTCUSD", "ETHUSD", "ADAUSD"]
    assert subscriptions == 0
    assert seconds > 0


def test_counters_of_several_are_added_one_by_one() -> None:
    total = sum((Counters(updates=2, lagged=3), Counters(lagged=4, resumed=1)), Counters())
    assert total == Counters(updates=2, lagged=7, resumed=1)
