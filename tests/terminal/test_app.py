"""The viewer against the real server: what is on the screen is what the server has."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from market_depth.terminal.depth import View
from support.logs import serving_quietly
from support.process import ServerProcess, serving
from support.proxy import proxied
from support.watched_script import Script, script
from support.watching import TIMEOUT_S, Shown, watching

module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slow() -> AsyncIterator[ServerProcess]:
    """A server whose books are still most of the time."""
    async with serving_quietly("--seed=1", "--rate=1") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def busy() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=200") as running:
        yield running


def levels_of(side: list[dict[str, Any]]) -> list[Shown]:
    return [Shown(row["price"], row["order_count"], Decimal(row["quantity"])) for row in side]


@module_loop
@pytest.mark.parametrize("size", [(80, 24), (140, 50), (40, 10)])
async def test_the_numbers_are_those_of_the_server(
    slow: ServerProcess, size: tuple[int, int]
) -> None:
    async with watching(slow.url, size=size) as shown:
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        bids, asks = shown.levels
        assert len(bids) + len(asks) == size[1] - 6
        assert bids == levels_of(data["bids"])[: len(bids)]
        assert asks == levels_of(data["asks"])[: len(asks)]


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_each_price_has_a_line_until_levels_are_wanted(
    slow: ServerProcess, data_type: str
) -> None:
    view = View("BTCUSD", "MBO" if data_type == "MBO" else "MBP")
    async with watching(slow.url, view, size=(120, 60), rows="auto") as shown:
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        bids, asks = shown.levels
        assert bids == levels_of(data["bids"])[: len(bids)]
        assert asks == levels_of(data["asks"])[: len(asks)]
        assert min(len(bids), len(asks)) > 10
        prices = shown.prices
        assert {above - below for above, below in pairwise(prices)} == {Decimal("0.50")}
        await shown.press("r")
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        assert shown.levels == (levels_of(data["bids"])[:27], levels_of(data["asks"])[:27])
        await shown.press("r", "up", "up")
        assert "scrolled +" in shown.header
        await shown.press("c")
        assert "scrolled" not in shown.header
        assert {above - below for above, below in pairwise(shown.prices)} == {Decimal("0.50")}


@module_loop
async def test_totals_are_shown_where_there_is_room(slow: ServerProcess) -> None:
    async with watching(slow.url, size=(120, 30)) as shown:
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        lines = [line.split() for line in shown.lines("ladder")[1:13]]
        totals = [row["total_quantity"] for row in data["asks"]][:12]
        assert [Decimal(words[3]) for words in reversed(lines)] == totals


@module_loop
async def test_by_order_the_levels_are_those_of_the_orders(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.press("m")
        await shown.until(lambda: "MBO" in shown.header and "▉" in shown.lines("ladder")[1])
        data = await shown.depth_when_shown(slow, "BTCUSD", data_type="MBO", max_levels=50)
        for mine, theirs in zip(shown.levels, (data["bids"], data["asks"]), strict=True):
            held: dict[Decimal, list[Decimal]] = {}
            for order in theirs:
                held.setdefault(order["price"], []).append(Decimal(order["quantity"]))
            expected = [
                Shown(price, len(each), sum(each, Decimal(0))) for price, each in held.items()
            ]
            assert mine == expected[: len(mine)]
        await shown.press("m")
        await shown.until(lambda: "MBP" in shown.header and "▉ " not in shown.lines("ladder")[1])


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_prices_are_merged_into_larger_steps(slow: ServerProcess, data_type: str) -> None:
    """By price the server does it, by order the viewer; both come to the same."""
    view = View("BTCUSD", "MBO" if data_type == "MBO" else "MBP")
    async with watching(slow.url, view) as shown:
        await shown.press("plus", "plus")
        await shown.until(lambda: "step 2.50" in shown.header)
        await shown.until(
            lambda: (
                all(level.price % Decimal("2.50") == 0 for side in shown.levels for level in side)
                and len(shown.levels[0]) > 3
            )
        )
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=1000)
        bids, asks = shown.levels
        assert bids == merged(data["bids"], Decimal("2.50"), up=False)[: len(bids)]
        assert asks == merged(data["asks"], Decimal("2.50"), up=True)[: len(asks)]
        # Best prices are not merged.
        assert (
            f"{data['bids'][0]['price']} | {data['asks'][0]['price']}" in shown.lines("market")[0]
        )
        await shown.press("minus", "minus")
        await shown.until(lambda: "step 0.50" in shown.header)
        await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        await shown.until(lambda: any(level.price % 1 for level in shown.levels[0]))


def merged(rows: list[dict[str, Any]], step: Decimal, *, up: bool) -> list[Shown]:
    held: dict[Decimal, Shown] = {}
    for row in rows:
        whole, rest = divmod(row["price"], step)
        price = (whole + (1 if up and rest else 0)) * step
        old = held.get(price, Shown(price, 0, Decimal(0)))
        size = old.size + Decimal(row["quantity"])
        held[price] = Shown(price, old.orders + row["order_count"], size)
    return list(held.values())


@module_loop
async def test_symbols_are_chosen_by_key(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        for key, symbol in (
            ("2", "ETHUSD"),
            ("n", "ADAUSD"),
            ("right", "BTCUSD"),
            ("left", "ADAUSD"),
            ("p", "ETHUSD"),
            ("1", "BTCUSD"),
            ("9", "BTCUSD"),
        ):
            await shown.press(key)
            await shown.until(lambda: shown.app.shown_depth)
            assert shown.app.view.symbol == symbol
            data = await shown.depth_when_shown(slow, symbol, max_levels=50)
            bids, asks = shown.levels
            assert bids == levels_of(data["bids"])[: len(bids)]
            assert asks == levels_of(data["asks"])[: len(asks)]


@module_loop
async def test_a_held_key_ends_at_the_last_symbol(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.press(*["n"] * 31)
        await shown.until(lambda: shown.app.shown_depth)
        assert shown.app.view.symbol == "ETHUSD"


@module_loop
async def test_a_pause_holds_what_is_shown_while_the_book_goes_on(busy: ServerProcess) -> None:
    async with watching(busy.url) as shown:
        await shown.until(lambda: shown.levels[0])
        await shown.press("space")
        assert "PAUSED" in shown.header
        before, sequence = shown.lines("ladder"), shown.sequence
        tape = shown.lines("tape")
        await shown.until(lambda: shown.sequence > sequence + 50)
        assert shown.lines("ladder") == before
        assert shown.lines("tape") == tape
        await shown.press("space")
        assert "PAUSED" not in shown.header
        await shown.until(lambda: shown.lines("ladder") != before)


@module_loop
async def test_the_ladder_scrolls_and_comes_back(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.until(lambda: len(shown.levels[1]) == 9)
        await shown.press("up", "up", "pageup")
        assert "scrolled +12" in shown.header
        assert "spread" not in " ".join(shown.lines("ladder"))
        await shown.press("c")
        assert "scrolled" not in shown.header
        assert "spread" in shown.lines("ladder")[10]
        await shown.press(*["pagedown"] * 9)
        assert "scrolled -50" in shown.header


@module_loop
async def test_the_tape_shows_trades_and_can_be_left_out(busy: ServerProcess) -> None:
    async with watching(busy.url, size=(100, 30)) as shown:
        lines = await shown.until(lambda: shown.lines("tape")[1:21][19:])
        time, side, price, size = lines[0].split()
        assert len(time) == len("hh:mm:ss")
        assert side in ("buy", "sell")
        assert Decimal(price) > 0 < Decimal(size)
        width = shown.part("ladder").size.width
        await shown.press("t")
        await shown.until(lambda: shown.part("ladder").size.width == 100 > width)
        await shown.press("t")
        await shown.until(lambda: shown.part("ladder").size.width == width)


@module_loop
async def test_it_grows_with_the_window(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.until(lambda: len(shown.levels[0]) == 9)
        await shown.pilot.resize_terminal(160, 60)
        await shown.until(lambda: len(shown.levels[0]) == 27)
        await shown.pilot.resize_terminal(80, 24)
        await shown.until(lambda: len(shown.levels[0]) == 9)


@module_loop
async def test_only_lines_that_have_changed_are_drawn(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.until(lambda: len(shown.levels[0]) == 9)
        sequence, drawn = shown.sequence, shown.part("ladder").drawn
        await shown.until(lambda: shown.sequence > sequence)
        changes = shown.sequence - sequence
        # A change flashes and stops: two lines, or all if the best price moves or the scale does.
        assert shown.part("ladder").drawn - drawn <= changes * 3 * 20
        assert shown.part("keys").drawn == 1


@module_loop
async def test_help_is_shown_until_a_key(slow: ServerProcess) -> None:
    async with watching(slow.url) as shown:
        await shown.press("question_mark")
        assert len(shown.app.screen_stack) == 2
        await shown.press("q")
        assert len(shown.app.screen_stack) == 1


@module_loop
async def test_a_lost_connection_is_told_and_comes_back_exact(slow: ServerProcess) -> None:
    async with proxied(slow.port) as proxy, watching(proxy.url) as shown:
        await shown.until(lambda: "connected" in shown.status and shown.levels[0])
        assert not shown.part("ladder").is_dimmed
        proxy.refuse()
        proxy.cut()
        await shown.until(lambda: "DISCONNECTED" in shown.status and "reconnecting" in shown.status)
        assert shown.part("ladder").is_dimmed
        assert "Live" not in shown.status
        assert shown.levels[0], "the last book stays, dimmed"
        proxy.go_on()
        await shown.until(lambda: "● connected" in shown.status)
        await shown.pilot.resize_terminal(120, 24)
        await shown.until(lambda: "reconnected 1" in shown.status)
        assert not shown.part("ladder").is_dimmed
        data = await shown.depth_when_shown(slow, "BTCUSD", max_levels=50)
        assert shown.levels[0] == levels_of(data["bids"])[:9]


@module_loop
async def test_a_terminal_that_takes_its_time_does_not_hold_up_the_client(
    busy: ServerProcess,
) -> None:
    async with watching(busy.url) as shown:
        await shown.until(lambda: shown.levels[0])
        sequence, updates = shown.sequence, shown.feed.updates
        begun_s = time.monotonic()
        while shown.feed.updates < updates + 100:  # nothing else goes on in this loop meanwhile
            assert time.monotonic() < begun_s + TIMEOUT_S
            time.sleep(0.01)
        await shown.until(lambda: shown.sequence >= sequence + 50)
        assert "lagged 0  gaps 0  checksum 0" in shown.status


async def test_a_stale_book_is_dimmed_and_the_reason_told() -> None:
    async with script() as server:
        serving_first = asyncio.create_task(first_book(server))
        async with watching(server.url) as shown:
            await serving_first
            await shown.until(lambda: shown.levels[0])
            assert not shown.part("ladder").is_dimmed
            assert "Live" in shown.status
            fields = {"symbol": "AAA", "timestamp": ""}
            await server.peer.send("Status", status="Stale", reason="gap at 7", **fields)
            await shown.until(lambda: "Stale: gap at 7" in shown.status)
            assert shown.part("ladder").is_dimmed
            await server.peer.send("Status", status="Recovered", reason=None, **fields)
            await shown.until(lambda: "Live" in shown.status)
            assert not shown.part("ladder").is_dimmed


async def first_book(server: Script) -> None:
    request = await server.subscribed("MBP")
    await server.peer.open(request)
    await server.peer.whole(request, 1, {1.0: 5}, {1.02: 3})


async def test_a_server_that_is_killed_is_followed_when_another_is_in_its_place() -> None:
    killed = -signal.SIGKILL
    async with (
        serving("--seed=2", "--rate=1") as second,
        serving("--seed=1", "--rate=20", exit_code=killed) as first,
        proxied(first.port) as proxy,
        watching(proxy.url) as shown,
    ):
        await shown.until(lambda: shown.levels[0])
        proxy.refuse()
        first.send_signal(signal.SIGKILL)
        await shown.until(lambda: "DISCONNECTED" in shown.status)
        proxy.server_port = second.port
        proxy.go_on()
        await shown.until(lambda: "● connected" in shown.status)
        data = await shown.depth_when_shown(second, "BTCUSD", max_levels=50)
        assert shown.levels[0] == levels_of(data["bids"])[:9]
