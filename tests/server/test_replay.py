"""A recording that is watched and controlled while it is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from market_depth.protocol.times import format_timestamp, parse_timestamp
from support.client import Message, connected
from support.dbn_files import TIME_NS, dbn
from support.logs import serving_quietly
from support.made_up_day import book_at, events_up_to, rows_of, rows_on
from support.pages import fetch
from support.process import ServerProcess
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

module_loop = pytest.mark.asyncio(loop_scope="module")

FIELDS = ["position", "speed", "paused", "ended", "events", "events_per_s", "share"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    path: Path = tmp_path_factory.mktemp("recording") / "day.dbn"
    path.write_bytes(dbn(*DAY))
    async with serving_quietly(f"--feed={path}", "--replay-control", "--interval-ms=10") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def paused(server: ServerProcess) -> AsyncIterator[ServerProcess]:
    """The server, standing still in the middle of the recording."""
    await post(server, "pause")
    await go_to(server, DAY_S / 2)
    yield server
    await post(server, "speed", "1")


# Watching


@module_loop
async def test_the_state_is_told_to_anyone_who_asks(server: ServerProcess) -> None:
    await post(server, "resume")
    page = await fetch(server.port, "/api/replay")
    assert (page.status, page.headers["content-type"]) == (200, "application/json")
    state = page.json()
    assert list(state) == FIELDS
    assert TIME_NS <= parse_timestamp(state["position"]) <= LAST_NS
    assert (state["speed"], state["paused"], state["ended"]) == (1.0, False, False)
    assert state["events"] >= 1
    assert state["events_per_s"] >= 0
    assert 0 <= state["share"] < 1
    head = await fetch(server.port, "/api/replay", "HEAD")
    assert (head.status, head.body) == (200, "")


@module_loop
async def test_the_share_is_how_much_has_been_played(paused: ServerProcess) -> None:
    for second in (10, 60, 150):
        book = await go_to(paused, second)
        assert book.sequence > 0
        played = events_up_to(DAY, time_at(second))
        state = await state_of(paused)
        assert state["share"] == pytest.approx(played / len(DAY), abs=0.01)
        assert state["position"] == format_timestamp(time_at(second))


# Control


@module_loop
async def test_a_paused_market_stands_still_while_its_streams_live_on(
    paused: ServerProcess,
) -> None:
    async with connected(paused.url) as client:
        await client.subscribe("s", "ESH4")
        first = await client.receive_type("MarketData")
        await post(paused, "speed", "1000")
        assert (await state_of(paused))["paused"] is True
        for _ in range(10):  # a paused market that went on would go on by seconds in each of them
            await client.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
            assert (await client.receive())["type"] == "HeartBeat"
            assert (await depth(paused)).json()["sequence"] == first["sequence"]
        await post(paused, "speed", "10")
        state = await post(paused, "resume")
        assert (state["paused"], state["speed"]) == (False, 10.0)
        sequence = first["sequence"]
        for _ in range(3):
            sequence, before = (await client.receive_type("MarketData"))["sequence"], sequence
            assert sequence > before
        await post(paused, "pause")


@module_loop
async def test_another_speed_holds_from_where_the_market_is(paused: ServerProcess) -> None:
    begun = asyncio.get_running_loop().time()
    position_ns = time_at(DAY_S / 2)
    assert (await post(paused, "speed", "20"))["speed"] == 20.0
    await post(paused, "resume")
    async with asyncio.timeout(30):
        while (state := await state_of(paused))["position"] < format_timestamp(
            position_ns + 4 * SECOND
        ):
            await asyncio.sleep(0.01)
    elapsed_s = asyncio.get_running_loop().time() - begun
    passed_s = (parse_timestamp(state["position"]) - position_ns) / SECOND
    assert 4 <= passed_s <= 20 * elapsed_s


@module_loop
async def test_at_full_speed_it_is_over_at_once_and_can_be_played_again(
    paused: ServerProcess,
) -> None:
    await post(paused, "speed", "max")
    assert (await state_of(paused))["speed"] == "max"
    await post(paused, "resume")
    await until_ended(paused)
    state = await state_of(paused)
    assert (state["share"], state["position"]) == (1.0, format_timestamp(LAST_NS))
    assert rows_on(await depth(paused)) == rows_of(book_at(DAY, LAST_NS), "MBP")
    await post(paused, "pause")
    book = await go_to(paused, 30)
    assert rows_on(await depth(paused)) == rows_of(book, "MBP")
    assert (await state_of(paused))["ended"] is False


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_after_a_seek_the_book_is_that_of_the_time(
    paused: ServerProcess, data_type: str
) -> None:
    for second in (100.025, 140, 140.05, 3, 199.9, 199.9, 0, 77.7, 20):
        book = await go_to(paused, second)
        page = await depth(paused, data_type)
        assert rows_on(page) == rows_of(book, data_type)
        assert page.json()["sequence"] == (await depth(paused)).json()["sequence"]


@module_loop
async def test_streams_are_carried_along_and_their_sequences_never_go_back(
    paused: ServerProcess,
) -> None:
    async with connected(paused.url) as client:
        await client.subscribe("s", "ESH4", max_levels=1000)
        sequences = [(await client.receive_type("MarketData"))["sequence"]]
        for second in (150, 40, 90, 10):
            await go_to(paused, second)
            wanted = (await depth(paused)).json()
            message = await client.receive_until(partial(has_sequence, wanted["sequence"]))
            for side in ("bids", "asks"):
                prices = [row["price"] for row in wanted["data"][side]]
                assert [row["price"] for row in message["data"][side]] == prices
            sequences.append(message["sequence"])
        assert all(early < late for early, late in pairwise(sequences))


def has_sequence(sequence: int, message: Message) -> bool:
    return message.get("sequence") == sequence


@module_loop
async def test_a_market_that_runs_goes_on_from_where_it_was_sent(paused: ServerProcess) -> None:
    await post(paused, "speed", "0.001")
    await post(paused, "resume")
    for second in (150.01, 12.01):
        before = (await state_of(paused))["events"]
        at_ns = time_at(second)
        events = events_up_to(DAY, at_ns)
        if second > DAY_S / 2:
            events -= events_up_to(DAY, time_at(DAY_S / 2))
        await post(paused, "seek", format_timestamp(at_ns))
        await until_events(paused, before + events)
        assert rows_on(await depth(paused)) == rows_of(book_at(DAY, at_ns), "MBP")
        position = (await state_of(paused))["position"]
        assert format_timestamp(at_ns) <= position < format_timestamp(at_ns + SECOND)


@module_loop
@pytest.mark.parametrize(("to", "second"), [("2000-01-01", 0.0), ("2023-12-26T01:00%2B01:00", 1.0)])
async def test_a_time_may_be_before_the_recording_and_in_any_zone(
    paused: ServerProcess, to: str, second: float
) -> None:
    page = await fetch(paused.port, f"/api/replay/seek?to={to}", "POST")
    assert page.status == 200
    async with asyncio.timeout(30):
        while (await state_of(paused))["position"] != format_timestamp(time_at(second)):
            await asyncio.sleep(0.01)


@module_loop
async def test_a_plus_in_a_time_is_a_plus(paused: ServerProcess) -> None:
    page = await fetch(paused.port, "/api/replay/seek?to=2023-12-26T01:01+01:00", "POST")
    assert page.json()["position"] == "2023-12-26T00:01:00.000000Z"
