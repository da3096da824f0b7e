"""From when to when a recording is played, again and again, and beside others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from market_depth.protocol.times import format_timestamp, parse_timestamp
from support.dbn_files import TIME_NS, dbn
from support.logs import serving_quietly
from support.made_up_day import book_at, events_up_to, rows_of, rows_on
from support.pages import fetch
from support.replay import (
    DAY,
    DAY_S,
    LAST_NS,
    SECOND,
    depth,
    go_to,
    post,
    state_of,
    time_at,
    until_ended,
    until_events,
)

HEADER = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "day.dbn"
    path.write_bytes(dbn(*DAY))
    return path


async def test_it_begins_where_it_is_told_to_with_the_book_of_that_time(day: Path) -> None:
    start_ns = time_at(120.01)
    options = (f"--start={format_timestamp(start_ns)}", "--speed=0.001")
    async with serving_quietly(f"--feed={day}", *options) as server:
        await until_events(server, events_up_to(DAY, start_ns))
        for data_type in ("MBP", "MBO"):
            page = await depth(server, data_type)
            assert rows_on(page) == rows_of(book_at(DAY, start_ns), data_type)
            assert page.json()["sequence"] == book_at(DAY, start_ns).sequence
        position_ns = parse_timestamp((await state_of(server))["position"])
        assert start_ns <= position_ns < start_ns + SECOND


@pytest.mark.parametrize("start", [None, 50.0])
async def test_it_ends_where_it_is_told_to(day: Path, start: float | None) -> None:
    end_ns = time_at(99.95)
    options = [f"--end={format_timestamp(end_ns)}", "--speed=max"]
    if start is not None:
        options.append(f"--start={format_timestamp(time_at(start))}")
    async with serving_quietly(f"--feed={day}", *options) as server:
        await until_ended(server)
        state = await state_of(server)
        assert state["events"] == events_up_to(DAY, end_ns)
        assert (state["position"], state["share"]) == (format_timestamp(end_ns), 1.0)
        assert rows_on(await depth(server)) == rows_of(book_at(DAY, end_ns), "MBP")


async def test_a_start_before_the_recording_is_its_beginning(day: Path) -> None:
    options = ("--start=2000-01-01", "--end=2100-01-01", "--speed=0.001")
    async with serving_quietly(f"--feed={day}", *options) as server:
        await until_events(server, events_up_to(DAY, TIME_NS))
        assert (await depth(server)).json()["sequence"] == book_at(DAY, TIME_NS).sequence


async def test_an_end_before_the_recording_leaves_nothing_to_play(day: Path) -> None:
    async with serving_quietly(f"--feed={day}", "--end=2000-01-01") as server:
        await until_ended(server)
        assert (await state_of(server))["events"] == 0
        assert (await fetch(server.port, "/readyz")).status == 503


async def test_in_a_loop_it_begins_again_and_can_be_sought_in(day: Path) -> None:
    options = ("--at-end=loop", "--replay-control", f"--start={format_timestamp(time_at(20))}")
    async with serving_quietly(f"--feed={day}", *options) as server:
        await post(server, "pause")
        await go_to(server, DAY_S - 10)
        sequence = (await depth(server)).json()["sequence"]
        await post(server, "speed", "100")
        await post(server, "resume")
        async with asyncio.timeout(30):
            while (await state_of(server))["position"] > format_timestamp(time_at(DAY_S / 2)):
                await asyncio.sleep(0.01)
        await post(server, "pause")
        assert (await state_of(server))["ended"] is False
        for second in (150, 7):
            book = await go_to(server, second)
            page = await depth(server)
            assert rows_on(page) == rows_of(book, "MBP")
            assert page.json()["sequence"] > sequence


async def test_recordings_beside_each_other_are_paused_and_sought_in_together(
    day: Path, tmp_path: Path
) -> None:
    table = tmp_path / "levels.csv"
    first_us = TIME_NS // 1000
    rows = [
        f"x,BTC,{first_us + 10**6 * number},{first_us + 10**6 * number},true,bid,1,{number + 1}\n"
        for number in range(DAY_S)
    ]
    table.write_text(HEADER + "".join(rows))
    options = (f"--feed={table}", f"--feed={day}", "--replay-control")
    async with serving_quietly(*options) as server:
        await post(server, "pause")
        for second in (150, 149.5, 3, 77):
            await post(server, "seek", format_timestamp(time_at(second)))
            book = book_at(DAY, time_at(second))
            async with asyncio.timeout(30):
                while True:
                    btc = (await fetch(server.port, "/api/depth/BTC")).json()
                    if rows_on(await depth(server)) == rows_of(book, "MBP"):
                        break
            assert btc["data"]["bids"][0]["quantity"] == int(second) + 1


async def test_the_simulated_market_can_be_controlled_too() -> None:
    async with serving_quietly("--seed=1", "--replay-control") as server:
        state = await post(server, "pause")
        assert (state["paused"], state["share"]) == (True, None)
        now_ns = parse_timestamp(state["position"])
        later = format_timestamp(now_ns + 3600 * SECOND)
        assert (await post(server, "seek", later))["position"] == later
        page = await fetch(server.port, "/api/depth/BTCUSD")
        sequence = page.json()["sequence"]
        earlier = await post(server, "seek", "2000-01-01")
        assert earlier["paused"] is True
        await post(server, "resume")
        async with asyncio.timeout(30):
            while (await fetch(server.port, "/api/depth/BTCUSD")).json()["sequence"] <= sequence:
                await asyncio.sleep(0.01)
        await post(server, "seek", format_timestamp(2**63 - 1))
        assert (await fetch(server.port, "/api/depth/BTCUSD")).status == 200


def test_the_day_is_one_worth_playing() -> None:
    """The oracle has orders on both sides at all times that are compared."""
    book = book_at(DAY, LAST_NS)
    assert min(len(side) for side in rows_of(book, "MBO").values()) > 10
    assert min(len(side) for side in rows_of(book, "MBP").values()) > 5
    assert not any(book.counts.values())
