"""The dialogue of the interface's original client, and what it draws.

`OriginalClient` does what that client does, and fails at a message that it was not written for.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest
import pytest_asyncio

from support import raw
from support.exact import merged, parse_time
from support.logs import serving_quietly
from support.original_client import (
    LEVELS,
    TIMEOUT_S,
    Message,
    OriginalClient,
    Said,
    drawn_by_order,
    drawn_by_price,
    original_client,
)
from support.pages import fetch
from support.process import ServerProcess, serving
from support.proxy import proxied

pytestmark = pytest.mark.asyncio(loop_scope="module")

INTERVAL_S = 0.3


async def depth(server: ServerProcess, symbol: str, data_type: str) -> Message:
    page = await fetch(
        server.port, f"/api/depth/{symbol}?data_type={data_type}&max_levels={LEVELS}"
    )
    found = json.loads(page.body, parse_float=Decimal)
    assert isinstance(found, dict)
    return found


async def with_pages(
    server: ServerProcess, client: OriginalClient
) -> tuple[Message, Message, Message]:
    """Return an update, and /api/depth by price and by order at its sequence."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            (update,) = await client.take(1)
            by_price = await depth(server, client.symbol, "MBP")
            by_order = await depth(server, client.symbol, "MBO")
            if update["sequence"] == by_price["sequence"] == by_order["sequence"]:
                return update, by_price, by_order


def assert_flows(updates: Iterable[Message]) -> None:
    """Check that updates show new states, one an interval and no more."""
    updates = list(updates)
    sequences = [update["sequence"] for update in updates]
    assert sequences == sorted(set(sequences))
    times = [parse_time(update["timestamp"]) for update in updates]
    gaps_s = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert sum(gaps_s) > INTERVAL_S * (len(gaps_s) - 1), "more often, if the first was not late"
    assert median(gaps_s) < 2 * INTERVAL_S


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=3") as running:
        yield running


async def test_the_first_book_comes_at_once_and_then_one_every_300_ms(
    server: ServerProcess,
) -> None:
    for data_type in ("MBP", "MBO"):
        async with original_client(server.url, data_type=data_type) as client:
            (first,) = await client.take(1)
            assert first["sequence"] > 0
            assert_flows(await client.take(8))
            assert client.said == []


@pytest.mark.parametrize("symbol", ["BTCUSD", "ETHUSD", "ADAUSD"])
async def test_what_is_drawn_by_price_is_the_book(server: ServerProcess, symbol: str) -> None:
    async with original_client(server.url, symbol=symbol) as client:
        update, by_price, by_order = await with_pages(server, client)
    drawn = drawn_by_price(update["data"])
    assert drawn == drawn_by_price(by_price["data"])
    orders = by_order["data"]
    made = {side: merged(orders[side]) for side in ("bids", "asks")}
    assert drawn == drawn_by_price(made)
    assert drawn.spread > 0
    assert max(bar.share for bar in drawn.bids + drawn.asks) == 1
    for side in (drawn.bids, drawn.asks):
        shares = [bar.share for bar in side]
        assert shares == sorted(shares)
        assert len(side) == LEVELS


@pytest.mark.parametrize("symbol", ["BTCUSD", "ETHUSD", "ADAUSD"])
async def test_what_is_drawn_by_order_is_the_book(server: ServerProcess, symbol: str) -> None:
    async with original_client(server.url, symbol=symbol, data_type="MBO") as client:
        update, by_price, by_order = await with_pages(server, client)
    moved = parse_time(by_order["timestamp"]) - parse_time(update["timestamp"])
    drawn = drawn_by_order(update["data"], moved)
    wanted = drawn_by_order(by_order["data"])
    assert drawn.keys() == wanted.keys()
    for price, queue in wanted.items():
        for order, same in zip(drawn[price], queue, strict=True):
            assert abs(order.pop("age_ms") - same.pop("age_ms")) <= 1
            assert order == same
    levels = by_price["data"]["bids"] + by_price["data"]["asks"]
    assert {level["price"]: (level["quantity"], level["order_count"]) for level in levels} == {
        price: (sum(order["quantity"] for order in queue), len(queue))
        for price, queue in drawn.items()
    }


async def test_orders_grow_older_as_they_are_drawn_again(server: ServerProcess) -> None:
    async with original_client(server.url, data_type="MBO") as client:
        earlier, later = await client.take(2)
    passed = parse_time(later["timestamp"]) - parse_time(earlier["timestamp"])
    ages = [
        {
            row["order_id"]: (row["timestamp"], row["age_ms"])
            for row in message["data"]["bids"] + message["data"]["asks"]
        }
        for message in (earlier, later)
    ]
    both = [
        order_id
        for order_id in ages[0].keys() & ages[1].keys()
        if ages[0][order_id][0] == ages[1][order_id][0]  # has kept its place in the queue
    ]
    assert len(both) > LEVELS
    for order_id in both:
        grown = ages[1][order_id][1] - ages[0][order_id][1]
        assert abs(grown - passed / timedelta(milliseconds=1)) <= 1


async def test_switching_leaves_the_old_stream_and_begins_the_new_one(
    server: ServerProcess,
) -> None:
    async with original_client(server.url) as client:
        for shown in (
            {"symbol": "ETHUSD"},
            {"data_type": "MBO"},
            {"symbol": "ADAUSD"},
            {"symbol": "BTCUSD", "data_type": "MBP"},
        ):
            old = client.stream_id
            await client.take(1)
            await client.switch(**shown)
            await client.until_said(("Unsubscribed", old), ("Subscribed", client.stream_id))
            await client.take(2)
            assert client.said == []


async def test_who_switches_faster_than_answers_come_ends_up_with_the_last(
    server: ServerProcess,
) -> None:
    async with original_client(server.url) as client:
        wanted: list[Said] = []
        for symbol in ("ETHUSD", "ADAUSD", "BTCUSD", "ETHUSD") * 5:
            wanted.append(("Unsubscribed", client.stream_id))
            await client.switch(symbol)
            wanted.append(("Subscribed", client.stream_id))
        await client.until_said(*wanted)
        await client.take(1)
        client.updates.clear()
        assert_flows(await client.take(4))
        assert client.updates.keys() == {"ETHUSD_MBP"}


async def test_a_view_that_unsubscribes_first_gets_its_404_and_its_stream(
    server: ServerProcess,
) -> None:
    async with original_client(server.url) as client:
        by_price = client.stream_id
        await client.mount("MBO")
        by_order = client.stream_id
        await client.until_said((404, by_order), ("Subscribed", by_order))
        await client.take(1)
        assert by_price in client.latest, "the other view's stream goes on"


async def test_leaving_what_one_never_had_disturbs_nothing(server: ServerProcess) -> None:
    never = ["BTCUSD_MBO", "ETHUSD_MBP", "DOGEUSD_MBP", "undefined_MBP", "BTCUSD_undefined"]
    async with original_client(server.url) as client:
        await client.take(1)
        for stream_id in never:
            await client.unsubscribe(stream_id)
            await client.take(1)
        await client.until_said(*((404, stream_id) for stream_id in never))
        assert_flows(client.shown[1:])
        assert client.updates.keys() == {client.stream_id}


async def test_strict_mode_mounts_twice_and_has_one_stream(server: ServerProcess) -> None:
    """React's StrictMode: every effect runs, is undone, and runs again."""
    async with original_client(server.url) as client:
        await client.unsubscribe()
        await client.until_said(("Unsubscribed", client.stream_id))
        client.updates.clear()
        await client.subscribe()
        await client.unsubscribe()
        await client.subscribe()
        subscribed = ("Subscribed", client.stream_id)
        await client.until_said(subscribed, ("Unsubscribed", client.stream_id), subscribed)
        await client.take(1)
        assert len(client.shown) == 2, "each has begun with a book of its own"
        assert_flows(await client.take(6))


async def test_strict_mode_gives_up_a_first_connection(server: ServerProcess) -> None:
    """Closed by the page while it opens: before the request, behind it, behind the answer."""
    for requests in (b"", raw.upgrade("/")[:40], raw.upgrade("/")):
        first = await raw.connect(server.port)
        await first.send(requests)
        first.close()
        async with original_client(server.url) as client:
            await client.take(1)
    await server.until_metric("subscriptions", 0)


async def test_a_second_subscribe_is_409_and_the_stream_goes_on(server: ServerProcess) -> None:
    async with original_client(server.url) as client:
        await client.take(1)
        await client.subscribe()
        await client.until_said((409, client.stream_id))
        assert_flows(await client.take(5))


async def test_both_views_of_one_connection_show_one_book(server: ServerProcess) -> None:
    async with original_client(server.url) as client:
        await client.mount("MBO")
        agreed = 0
        async with asyncio.timeout(TIMEOUT_S):
            while agreed < 3:
                await client.take(1)
                by_price, by_order = client.latest.get("BTCUSD_MBP"), client.latest["BTCUSD_MBO"]
                if by_price is None or by_price["sequence"] != by_order["sequence"]:
                    continue
                made = {side: merged(by_order["data"][side]) for side in ("bids", "asks")}
                assert drawn_by_price(by_price["data"]) == drawn_by_price(made)
                agreed += 1


async def test_a_ping_with_the_browsers_time_is_answered(server: ServerProcess) -> None:
    async with original_client(server.url) as client:
        for _ in range(3):
            await client.ping()
            await client.until_said(("HeartBeat", None))
        await client.take(1)


async def test_after_a_loss_the_same_ids_are_had_again(server: ServerProcess) -> None:
    async with proxied(server.port) as proxy, original_client(proxy.url) as client:
        before = (await client.take(2))[-1]
        for lose in (proxy.cut, proxy.reset):
            lose()
            await client.come_back()
            await client.until_said(("HeartBeat", None), ("Subscribed", client.stream_id))
            (after,) = await client.take(1)
            assert after["sequence"] >= before["sequence"]
            assert_flows(await client.take(4))


async def test_a_server_that_is_killed_and_started_again_is_found_again() -> None:
    async with AsyncExitStack() as stack:
        async with serving("--seed=3", exit_code=-signal.SIGKILL) as first:
            client = await stack.enter_async_context(original_client(first.url))
            await client.switch("ETHUSD", "MBO")
            await client.take(1)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        client.said.clear()
        second = await stack.enter_async_context(
            serving_quietly("--seed=4", f"--addr=127.0.0.1:{first.port}")
        )
        await client.come_back()
        await client.until_said(("HeartBeat", None), ("Subscribed", "ETHUSD_MBO"))
        update, _, by_order = await with_pages(second, client)
        assert drawn_by_order(update["data"]).keys() == drawn_by_order(by_order["data"]).keys()
