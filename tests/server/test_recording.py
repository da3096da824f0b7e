"""Recordings played through the whole server: the book that clients see at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from support.client import Client, Message, connected
from support.closing import close_code_of
from support.dbn_files import TIME_NS, LevelRecord, Record, dbn, levels_dbn, metadata
from support.exact import assert_is_a_view, exact_client
from support.logs import complaints, serving_quietly
from support.pages import fetch
from support.process import serving
from support.recordings import recording

ESH4 = "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
ESH4_EVENTS = 68_792
SECOND_NS = 1_000_000_000
HEADER = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"


def spread_over(seconds: float, changes: int = 20) -> list[Record]:
    """Return both sides of a small book, an order every so often."""
    step_ns = int(seconds * SECOND_NS / (changes - 1))
    return [
        Record(
            side="BA"[number % 2],
            order_id=number + 1,
            price=(10_000 + (1 if number % 2 else -1) * (1 + number // 2)) * 10_000_000,
            ts_event=TIME_NS + number * step_ns,
            ts_recv=TIME_NS + number * step_ns,
        )
        for number in range(changes)
    ]


async def messages_before_shutdown(client: Client) -> AsyncIterator[Message]:
    """Yield every MarketData until the server says that it stops."""
    while (message := await client.receive())["type"] != "Shutdown":
        if message["type"] == "MarketData":
            yield message


async def until_ended(port: int) -> None:
    """Wait until all has been played; the server tells it only when asked."""
    async with asyncio.timeout(30):
        while not (await fetch(port, "/api/replay")).json()["ended"]:
            await asyncio.sleep(0.02)


async def test_a_day_of_a_future_ends_with_the_book_that_it_is_known_to_end_with() -> None:
    options = (f"--feed={recording(ESH4)}", "--speed=max", "--at-end=hold")
    async with serving_quietly(*options) as server, exact_client(server.url) as client:
        await server.until_metric("events_applied_total", ESH4_EVENTS)
        data = (await client.first_data("s", "ESH4", "MBP"))["data"]
        assert_is_a_view(data, 20)
        bid, ask = data["bids"][0], data["asks"][0]
        assert (bid["price"], bid["quantity"], bid["order_count"]) == (Decimal("4810.00"), 22, 22)
        assert (ask["price"], ask["quantity"], ask["order_count"]) == (Decimal("4810.25"), 28, 18)
        page = await fetch(server.port, "/api/depth/ESH4?data_type=MBO&max_levels=1000")
        orders = page.json()["data"]
        assert len(orders["bids"]) + len(orders["asks"]) == 11_217
        assert await server.metric("events_applied_total") == ESH4_EVENTS


async def test_a_day_that_is_played_in_a_loop_goes_on_with_growing_sequences() -> None:
    options = (f"--feed={recording(ESH4)}", "--speed=max", "--at-end=loop", "--interval-ms=20")
    async with serving_quietly(*options) as server, connected(server.url) as client:
        await client.subscribe("s", "ESH4")
        sequences: list[int] = []
        while not sequences or await server.metric("events_applied_total") < 3 * ESH4_EVENTS:
            sequences.append((await client.receive_type("MarketData"))["sequence"])
        assert all(earlier < later for earlier, later in pairwise(sequences))


async def test_a_day_that_is_played_to_its_end_ends_the_server_with_it() -> None:
    """The hour in which something happens takes two seconds."""
    options = (f"--feed={recording(ESH4)}", "--speed=3600", "--at-end=exit", "--interval-ms=20")
    async with serving_quietly(*options) as server, exact_client(server.url) as client:
        await client.subscribe("s", "ESH4")
        last = None
        async for message in messages_before_shutdown(client):
            last = message
        assert await close_code_of(client) == 1001
        assert await server.wait() == 0
    assert last is not None
    assert last["data"]["bids"][0]["price"] == Decimal("4810.00")
    assert last["data"]["asks"][0]["price"] == Decimal("4810.25")


async def test_a_small_recording_is_played_at_its_own_pace_and_ends_the_server(
    tmp_path: Path,
) -> None:
    path = tmp_path / "small.dbn"
    path.write_bytes(dbn(*spread_over(seconds=2)))
    options = (f"--feed={path}", "--at-end=exit", "--interval-ms=20")
    async with serving_quietly(*options) as server, exact_client(server.url) as client:
        await client.subscribe("s", "ESH4")
        depths = [
            len(message["data"]["bids"]) async for message in messages_before_shutdown(client)
        ]
        assert await close_code_of(client) == 1001
        assert await server.wait() == 0
    assert depths == sorted(depths)
    assert len(set(depths)) > 3, "the book has been seen growing"
    assert depths[-1] == 10


async def test_a_small_recording_in_a_loop_begins_again_with_an_empty_book(
    tmp_path: Path,
) -> None:
    path = tmp_path / "small.dbn"
    path.write_bytes(dbn(*spread_over(seconds=0.5)))
    options = (f"--feed={path}", "--at-end=loop", "--interval-ms=10")
    async with serving_quietly(*options) as server, exact_client(server.url) as client:
        await client.subscribe("s", "ESH4")
        seen: list[tuple[int, int]] = []
        begun_again = 0
        while begun_again < 2:
            message = await client.receive_type("MarketData")
            seen.append((message["sequence"], len(message["data"]["bids"])))
            if len(seen) > 1 and seen[-1][1] < seen[-2][1]:
                begun_again += 1
        assert all(earlier[0] < later[0] for earlier, later in pairwise(seen))
        assert max(depth for _, depth in seen) == 10


async def test_only_the_symbols_that_are_asked_for_are_played(tmp_path: Path) -> None:
    path = tmp_path / "two.dbn"
    records = [
        record._replace(instrument_id=instrument_id, order_id=record.order_id + 100 * instrument_id)
        for record in spread_over(seconds=0)
        for instrument_id in (7, 8)
    ]
    path.write_bytes(dbn(*records, head=metadata({7: "ESH4", 8: "NQH4"})))
    options = (f"--feed={path}", "--symbols=NQH4", "--speed=max")
    async with serving_quietly(*options) as server, connected(server.url) as client:
        await client.subscribe("s", "ESH4")
        error = await client.receive()
        assert error["code"] == 404
        assert "NQH4" in error["message"]
        await client.subscribe("s", "NQH4")
        data = await client.receive_type("MarketData")
        assert len(data["data"]["bids"]) == 10


async def test_recordings_of_several_formats_are_one_market(tmp_path: Path) -> None:
    """Orders, levels of the same symbol, and a table whose times lie half a century before."""
    by_order, by_level = tmp_path / "orders.dbn", tmp_path / "levels.dbn"
    by_order.write_bytes(dbn(*spread_over(seconds=1)))
    cents = 10_000_000
    late_ns = TIME_NS + SECOND_NS // 2
    states = [
        LevelRecord([(9_999 * cents, 5, 2)], ts_event=TIME_NS, ts_recv=TIME_NS),
        LevelRecord([(9_998 * cents, 7, 3)], ts_event=late_ns, ts_recv=late_ns),
    ]
    by_level.write_bytes(levels_dbn(*states))
    table = tmp_path / "levels.csv"
    table.write_text(HEADER + "x,BTC,1000,1000,true,bid,100.5,2\n")
    options = [f"--feed={path}" for path in (by_order, by_level, table)]
    async with (
        serving_quietly(*options, "--speed=max") as server,
        exact_client(server.url) as client,
    ):
        await server.until_metric("events_applied_total", 21 + 3 + 2)
        symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
        names = ["ESH4", "ESH4@mbp-1", "BTC"]
        assert [entry["symbol"] for entry in symbols] == names
        data = [(await client.first_data(name, name, "MBP"))["data"]["bids"] for name in names]
        assert [len(bids) for bids in data] == [10, 1, 1]
        assert [str(bids[0]["price"]) for bids in data] == ["99.99", "99.98", "100.50"]


async def test_a_book_that_was_joined_in_mid_session_is_shown_only_on_demand(
    tmp_path: Path,
) -> None:
    path = tmp_path / "joined.dbn"
    path.write_bytes(dbn(*spread_over(seconds=0), joins=True))
    options = (f"--feed={path}", "--speed=max")
    async with serving_quietly(*options) as server:
        await server.until_metric('book_orders{symbol="ESH4"}', 20)
        page = await fetch(server.port, "/api/depth/ESH4")
        assert page.status == 503
        assert "mid-session" in page.json()["message"]
        async with connected(server.url) as client:
            await client.subscribe("s", "ESH4")
            assert (await client.receive_type("Error", "s"))["code"] == 503
    async with serving_quietly(*options, "--show-partial") as server:
        await server.until_metric('book_orders{symbol="ESH4"}', 20)
        assert len((await fetch(server.port, "/api/depth/ESH4")).json()["data"]["bids"]) == 10
        assert (await fetch(server.port, "/readyz")).status == 200


# Damage


LEFT_BYTES = 47
"""What is left of the last order of a recording that has been cut off."""


def cut_off(path: Path, seconds: float) -> None:
    """Write a recording without the end of its last order."""
    path.write_bytes(dbn(*spread_over(seconds))[:-9])


@pytest.mark.parametrize("at_end", ["hold", "loop", "exit"])
async def test_a_damaged_recording_ends_where_it_is_damaged_as_a_whole_one_does_at_its_end(
    tmp_path: Path, at_end: str
) -> None:
    path = tmp_path / "cut.dbn"
    cut_off(path, seconds=1)
    options = (f"--feed={path}", f"--at-end={at_end}", "--interval-ms=10")
    async with serving(*options) as server, connected(server.url) as client:
        await client.subscribe("s", "ESH4")
        assert (await client.receive())["type"] == "Subscribed"
        if at_end == "loop":
            for _ in range(3):
                deep = await client.receive_until(lambda one: len(asks_of(one)) >= 8)
                again = await client.receive_until(lambda one: len(asks_of(one)) < 5)
                assert again["sequence"] > deep["sequence"]
        else:
            deep = await client.receive_until(lambda one: one["sequence"] == 1 + 19)
            assert [len(deep["data"][side]) for side in ("bids", "asks")] == [10, 9]
        if at_end == "hold":
            await client.subscribe("late", "ESH4")
            late = await client.receive_type("MarketData", "late")
            assert late["sequence"] == deep["sequence"]
            await until_ended(server.port)
        elif at_end == "exit":
            assert await close_code_of(client) == 1001
            assert await server.wait() == 0
        if at_end != "exit":
            ready = await fetch(server.port, "/readyz")
            assert ready.json() == {
                "ready": True,
                "symbols": {"Waiting": 0, "Live": 1, "Recovered": 0, "Halted": 0, "Stale": 0},
            }
    (complaint,) = complaints(server.logs)
    assert complaint["event"] == "recording ends early"
    assert str(path) in complaint["error"]
    assert complaint["error"].endswith(f"at byte {path.stat().st_size - LEFT_BYTES}")


def asks_of(message: Message) -> list[Message]:
    asks: list[Message] = message.get("data", {}).get("asks", [])
    return asks


async def test_a_damaged_recording_stops_a_strict_server(tmp_path: Path) -> None:
    path = tmp_path / "cut.dbn"
    cut_off(path, seconds=1)
    options = (f"--feed={path}", "--at-end=loop", "--interval-ms=10", "--strict")
    async with serving(*options, exit_code=2) as server, connected(server.url) as client:
        await client.subscribe("s", "ESH4")
        await client.receive_until(lambda one: len(asks_of(one)) >= 8)
        await client.receive_type("Shutdown")
        assert await close_code_of(client) == 1001
        assert await server.wait() == 2
    (complaint,) = complaints(server.logs)
    assert complaint["event"].startswith(f"market-depth: error: {path} is cut off")
    assert complaint["event"].endswith(f"at byte {path.stat().st_size - LEFT_BYTES}")
    assert server.logs[-1] == complaint


async def test_a_strict_server_plays_what_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "whole.dbn"
    path.write_bytes(dbn(*spread_over(seconds=0)))
    async with serving_quietly(
        f"--feed={path}", "--speed=max", "--at-end=exit", "--strict"
    ) as server:
        assert await server.wait() == 0


async def test_a_damaged_recording_leaves_the_others_playing(tmp_path: Path) -> None:
    cut, whole = tmp_path / "cut.dbn", tmp_path / "whole.csv"
    cut_off(cut, seconds=0)
    whole.write_text(
        HEADER
        + "".join(
            f"x,BTC,{TIME_NS // 1000},{TIME_NS // 1000 + n},true,bid,1,{n}\n" for n in range(1, 100)
        )
    )
    async with serving(f"--feed={cut}", f"--feed={whole}", "--speed=max") as server:
        await until_ended(server.port)
        shown = (await fetch(server.port, "/api/depth/BTC")).json()
        assert shown["data"]["bids"][0]["quantity"] == 99
        assert len((await fetch(server.port, "/api/depth/ESH4")).json()["data"]["bids"]) == 10
    assert [line["event"] for line in complaints(server.logs)] == ["recording ends early"]
