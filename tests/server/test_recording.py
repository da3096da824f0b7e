"""Recordings played through the whole server: the book that clients see at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from support import raw
from support.client import Client, Message, connected
from support.closing import close_code_of
from support.dbn_files import TIME_NS, Record, dbn, metadata
from support.exact import assert_is_a_view, exact_client
from support.logs import complaints, serving_quietly
from support.pages import fetch
from support.process import serving
from support.recordings import recording

ESH4 = "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
ESH4_EVENTS = 68_792
SECOND_NS = 1_000_000_000


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


async def until_not_ready(port: int) -> None:
    """Wait until the feed has failed; the server tells it only when asked."""
    async with asyncio.timeout(30):
        while (await fetch(port, "/readyz")).status != 503:
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


# A feed that fails


async def test_a_recording_that_is_cut_off_is_served_up_to_the_cut_and_then_503(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cut.dbn"
    path.write_bytes(dbn(*spread_over(seconds=2))[:-9])
    async with serving(f"--feed={path}", "--interval-ms=20") as server:
        async with exact_client(server.url) as client:
            data = await client.first_data("early", "ESH4", "MBP")
            assert data["data"]["bids"]
            assert (await server.get("/readyz"))[0] == 200
            await client.receive_type("MarketData", "early")
            await until_not_ready(server.port)

            await client.subscribe("late", "ESH4")
            error = await client.receive_type("Error")
            assert (error["code"], error["stream_id"]) == (503, "late")
            assert "ESH4" in error["message"]
            assert len(error["message"].splitlines()) == 1
            await client.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
            await client.receive_type("HeartBeat")

        page = await fetch(server.port, "/readyz")
        assert page.status == 503
        assert page.json() == {"ready": False, "symbols": {"Waiting": 0, "Live": 0, "Stale": 1}}
        assert (await fetch(server.port, "/api/depth/ESH4")).status == 503
        assert (await fetch(server.port, "/healthz")).status == 200
        symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
        assert [entry["status"] for entry in symbols] == ["Stale"]
    (complaint,) = complaints(server.logs)
    assert complaint["event"] == "feed failed"
    assert str(path) in complaint["error"]
    assert "cut off" in complaint["error"]


@pytest.mark.parametrize("at_end", ["hold", "loop", "exit"])
async def test_a_feed_that_fails_does_not_end_the_server(tmp_path: Path, at_end: str) -> None:
    path = tmp_path / "cut.dbn"
    path.write_bytes(dbn(*spread_over(seconds=0))[:-1])
    async with serving(f"--feed={path}", "--speed=max", f"--at-end={at_end}") as server:
        await until_not_ready(server.port)
        async with raw.open_client(server.port) as client:
            await client.send(raw.subscribe("s", "ESH4"))
            assert (await client.frame()).message()["code"] == 503
    assert [line["event"] for line in complaints(server.logs)] == ["feed failed"]
