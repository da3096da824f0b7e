"""The ladder shows the server's book, row by row, whatever moves and however it is looked at."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page

from market_depth.client import connect
from support.browser import Problems, viewer
from support.logs import serving_quietly
from support.process import ServerProcess
from support.viewer_flashes import FLASHES
from support.viewer_page import (
    Book,
    Level,
    Shown,
    book_of_page,
    check_ladder,
    drawn,
    orders_of_page,
    panel_of,
    read_ladder,
    recording,
    shown_with,
    shown_with_page,
    tip_of_first_bid,
    until_current,
    until_sequence_after,
    wait_until,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

PLACES: Final = {"BTCUSD": (2, 4), "ADAUSD": (4, 0), "RAREUSD": (1, 2)}
"""Decimals of prices and of quantities."""
TICKS: Final = {"BTCUSD": Decimal("0.50"), "ADAUSD": Decimal("0.0001"), "RAREUSD": Decimal("0.1")}
RARE: Final = """
[instruments.RAREUSD]
price = "50000.0"
tick = "0.1"
lot = "0.01"
median_size = "40000.00"
orders = 100
depth_ticks = 1000
volatility = 0.1
"""
"""A book with few levels, far apart, of sizes too long to be written out."""
TYPES: Final = ("MBP", "MBO")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def still(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A market in which next to nothing happens."""
    instruments = tmp_path_factory.mktemp("still") / "rare.toml"
    instruments.write_text(RARE)
    options = ("--seed=1", "--rate=0.01", f"--instruments={instruments}")
    async with serving_quietly(*options) as running:
        yield running


@pytest.mark.parametrize("data_type", TYPES)
@pytest.mark.parametrize("symbol", PLACES)
@module_loop
async def test_each_row_is_the_servers(
    page: Page, still: ServerProcess, symbol: str, data_type: str
) -> None:
    await viewer(page, still, symbol=symbol, type=data_type)
    shown, book = await shown_with_page(page, still, data_type)
    check_ladder(shown, book, PLACES[symbol], TICKS[symbol])
    assert shown.mid
    assert all(shown.best)


@pytest.mark.parametrize("data_type", TYPES)
@module_loop
async def test_each_row_is_the_servers_while_the_market_moves(
    page: Page, server: ServerProcess, data_type: str
) -> None:
    async with recording(server, "BTCUSD", data_type) as recorder:
        await viewer(page, server, symbol="BTCUSD", type=data_type, interval=0, levels=200)
        seen = [(await shown_with_page(page, server, data_type, 200))[0]]
        while len(seen) < 8:
            await until_sequence_after(page, seen[-1].sequence)
            seen.append(await read_ladder(page))
        for shown in seen:
            book = (await recorder.at(shown.sequence)).cut(200)
            check_ladder(shown, book, PLACES["BTCUSD"], TICKS["BTCUSD"])
        assert len({shown.rows[0] for shown in seen} | {shown.mid for shown in seen}) > 1


# Price steps


async def over(page: Page, column: str) -> None:
    """Bring the mouse over a column."""
    await page.locator(f".ladder tbody tr:nth-child(3) td.{column}").hover()


async def wheel_over_prices(page: Page, distance: int) -> None:
    await over(page, "price")
    await page.mouse.wheel(0, distance)


async def wheel_with_alt(page: Page, distance: int) -> None:
    await over(page, "ask-size")
    await page.keyboard.down("Alt")
    await page.mouse.wheel(0, distance)
    await page.keyboard.up("Alt")


STEPS: Final[list[tuple[str, Callable[[Page], Awaitable[None]], str]]] = [
    ("key +", lambda page: page.keyboard.press("+"), "1.00"),
    ("button", lambda page: page.get_by_role("button", name="Wider price step").click(), "2.50"),
    ("wheel over the prices", lambda page: wheel_over_prices(page, 40), "5.00"),
    ("Alt and wheel", lambda page: wheel_with_alt(page, 40), "10.00"),
    ("key =", lambda page: page.keyboard.press("="), "25.00"),
    ("key -", lambda page: page.keyboard.press("-"), "10.00"),
    ("button", lambda page: page.get_by_role("button", name="Narrower price step").click(), "5.00"),
    ("wheel over the prices", lambda page: wheel_over_prices(page, -40), "2.50"),
    ("Alt and wheel", lambda page: wheel_with_alt(page, -40), "1.00"),
    ("key -", lambda page: page.keyboard.press("-"), "0.50"),
    ("key - at the tick", lambda page: page.keyboard.press("-"), "0.50"),
]
"""What is done to a ladder of BTCUSD, one after the other, and the step that comes of it."""


@pytest.mark.parametrize("data_type", TYPES)
@module_loop
async def test_rows_are_price_steps(page: Page, still: ServerProcess, data_type: str) -> None:
    await viewer(page, still, symbol="BTCUSD", type=data_type)
    await shown_with_page(page, still, data_type)
    for what, act, step in STEPS:
        await act(page)
        if data_type == "MBP":
            await until_current(page)
            touch = (await book_of_page(still, "BTCUSD")).touch
            await wait_until(page, MID_IS, float(sum(touch) / 2))
            shown, book = await shown_with(page, partial(servers_steps, still, step))
        else:
            shown, book = await shown_with_page(page, still, "MBO")
            touch, book = book.touch, book.grouped(Decimal(step))
        assert shown.step == step, what
        check_ladder(shown, book, PLACES["BTCUSD"], Decimal(step), touch)
        gaps = {above - below for above, below in zip(shown.prices, shown.prices[1:], strict=False)}
        assert gaps == {Decimal(step)}, what


MID_IS: Final = "(mid) => Number(document.querySelector('.ladder-spread b').textContent) === mid"


async def servers_steps(server: ServerProcess, step: str) -> Book:
    """Return the book as the server merges it into steps."""
    async with connect(server.url) as depth:
        async for update in depth.subscribe("BTCUSD", levels=50, group=step, mode="snapshot"):
            sides = [
                [
                    Level(
                        update.book.scale.exact_price(level.price_units),
                        update.book.scale.exact_quantity(level.quantity_units),
                        level.order_count,
                    )
                    for level in side
                ]
                for side in (update.book.bids(), update.book.asks())
            ]
            return Book(update.sequence, *sides)
    raise AssertionError("the stream has ended")


# Rows, and which of them are in sight


@module_loop
async def test_a_row_for_each_price_or_for_each_level(page: Page, still: ServerProcess) -> None:
    await viewer(page, still, symbol="RAREUSD")
    shown = await self_evident(page, still, "RAREUSD")
    assert sizes(shown) == len(shown.priced), "a sparse book has a row for each level"
    rows = page.get_by_label("Rows of the ladder")
    await rows.select_option("prices")
    shown = await self_evident(page, still, "RAREUSD")
    assert len(shown.priced) == len(shown.rows) - 1
    assert shown.prices[0] - shown.prices[-1] == TICKS["RAREUSD"] * (len(shown.priced) - 1)
    await rows.select_option("levels")
    shown = await self_evident(page, still, "RAREUSD")
    assert sizes(shown) == len(shown.priced)
    await rows.select_option("auto")
    await page.get_by_label("Symbol").select_option("BTCUSD")
    shown = await self_evident(page, still, "BTCUSD")
    assert shown.prices[0] - shown.prices[-1] == TICKS["BTCUSD"] * (len(shown.priced) - 1)


def sizes(shown: Shown) -> int:
    """Return how many rows have a size."""
    return sum(bool(row.bid_size or row.ask_size) for row in shown.rows)


async def self_evident(page: Page, server: ServerProcess, symbol: str) -> Shown:
    """Return the ladder once it has been found right."""
    await drawn(page)
    shown, book = await shown_with_page(page, server)
    assert shown.symbol == symbol
    check_ladder(shown, book, PLACES[symbol], TICKS[symbol])
    return shown


@pytest.mark.parametrize("mode", ["prices", "levels"])
@module_loop
async def test_scrolling_moves_the_rows_and_not_their_numbers(
    page: Page, still: ServerProcess, mode: str
) -> None:
    await viewer(page, still, symbol="BTCUSD", rows=mode)
    start = await self_evident(page, still, "BTCUSD")
    body = page.locator(".ladder-body")
    await body.focus()
    count = len(start.rows)
    acts: list[tuple[Callable[[], Awaitable[None]], int]] = [
        (lambda: body.press("ArrowUp"), 1),
        (lambda: body.press("ArrowDown"), -1),
        (lambda: wheel(page, -80), 2),
        (lambda: wheel(page, 40), -1),
        (lambda: body.press("ArrowDown"), -1),
        (lambda: body.press("PageUp"), count - 2),
    ]
    for act, rows in acts:
        before = middle(await read_ladder(page))
        await act()
        shown = await self_evident(page, still, "BTCUSD")
        if before + rows < count:
            assert middle(shown) == before + rows
    assert shown.mid == ""
    await body.press("PageDown")
    await body.press("PageDown")
    shown = await self_evident(page, still, "BTCUSD")
    assert shown.mid == ""
    assert shown.prices[0] < start.prices[-1] + (count // 2) * TICKS["BTCUSD"]


async def wheel(page: Page, distance: int) -> None:
    await over(page, "bid-size")
    await page.mouse.wheel(0, distance)


def middle(shown: Shown) -> int:
    """Return the row of the spread."""
    return next(index for index, row in enumerate(shown.rows) if not row.price)


RECENTRE: Final[list[Callable[[Page], Awaitable[None]]]] = [
    lambda page: page.get_by_role("button", name="Centre").click(),
    lambda page: page.keyboard.press("c"),
    lambda page: page.locator(".ladder-body").dblclick(position={"x": 100, "y": 30}),
    lambda page: page.locator(".ladder-body").press("Home"),
]


@module_loop
async def test_it_recentres(page: Page, still: ServerProcess) -> None:
    await viewer(page, still, symbol="BTCUSD")
    start = await self_evident(page, still, "BTCUSD")
    for recentre in RECENTRE:
        await page.locator(".ladder-body").press("PageUp")
        assert (await self_evident(page, still, "BTCUSD")).rows != start.rows
        await recentre(page)
        assert await self_evident(page, still, "BTCUSD") == start


@module_loop
async def test_as_many_levels_as_are_chosen(page: Page, still: ServerProcess) -> None:
    await viewer(page, still, symbol="BTCUSD", rows="levels", levels=20)
    await page.get_by_label("Price levels a side").select_option("10")
    shown, book = await shown_with_page(page, still, levels=10)
    check_ladder(shown, book, PLACES["BTCUSD"], TICKS["BTCUSD"])
    assert sum(bool(row.bid_size) for row in shown.rows) == 10
    assert sum(bool(row.ask_size) for row in shown.rows) == 10


# Orders


SWEEP: Final = """(row) => {
  const body = document.querySelector('.ladder-body');
  const tip = body.querySelector('.ladder-tip');
  const canvas = body.querySelector('canvas');
  const origin = body.getBoundingClientRect();
  const y = row.getBoundingClientRect().top + row.offsetHeight / 2;
  const sides = {};
  for (const side of ['bid', 'ask']) {
    const box = row.closest('table').querySelector(`th.${side}-bar`).getBoundingClientRect();
    const xs = [];
    for (let x = Math.ceil(box.left); x + 0.5 < box.right; x++) xs.push(x + 0.5);
    if (side === 'bid') xs.reverse();
    sides[side] = xs.map((clientX) => {
      body.dispatchEvent(new PointerEvent('pointermove', { clientX, clientY: y, bubbles: true }));
      const [, , , alpha] = canvas.getContext('2d').getImageData(
        Math.floor((clientX - origin.left) * (canvas.width / canvas.clientWidth)),
        Math.floor((y - origin.top) * (canvas.height / canvas.clientHeight)), 1, 1).data;
      return [tip.hidden ? '' : tip.textContent, alpha];
    });
  }
  body.dispatchEvent(new PointerEvent('pointerleave'));
  return sides;
}"""
"""What the tip says, and how opaque the canvas is, along a row, from the price outwards."""


@module_loop
async def test_an_order_is_told_under_the_mouse(
    page: Page, problems: Problems, still: ServerProcess
) -> None:
    problems.expect("willReadFrequently")
    await viewer(page, still, symbol="ADAUSD", type="MBO")
    shown, _ = await shown_with_page(page, still, "MBO")
    sequence, *sides = await orders_of_page(still, "ADAUSD")
    assert sequence == shown.sequence
    whole = 0
    for index, row in enumerate(shown.rows):
        if not (row.bid_size or row.ask_size):
            continue
        swept = await page.locator(".ladder tbody tr").nth(index).evaluate(SWEEP)
        for side, queues in zip(("bid", "ask"), sides, strict=True):
            queue = queues.get(Decimal(row.price), [])
            told = list(dict.fromkeys(text for text, _ in swept[side] if text))
            expected = [
                rf"order {order_id} · {size} · [\d.]+ (ms|s|min|h) old · {place} of {len(queue)}"
                for place, (order_id, size) in enumerate(queue, 1)
            ]
            assert len(told) <= len(queue)
            for text, pattern in zip(told, expected, strict=False):
                assert re.fullmatch(pattern, text), f"{text!r} is not {pattern!r}"
            assert bool(told) == bool(queue)
            whole += len(queue) > 2 and len(told) == len(queue)
            painted = {text for text, alpha in swept[side] if alpha}
            assert painted == set(told), f"{side} at {row.price}"
    assert whole


@module_loop
async def test_the_mouse_leaves_an_order(page: Page, still: ServerProcess) -> None:
    await viewer(page, still, symbol="ADAUSD", type="MBO")
    shown, _ = await shown_with_page(page, still, "MBO")
    tip = await tip_of_first_bid(page, shown)
    assert re.match(r"order \d+ · .* · 1 of ", await tip.inner_text())
    await panel_of(page).locator(".panel-bar").hover(position={"x": 2, "y": 2})
    await tip.wait_for(state="hidden")


# Flashes


@pytest.mark.parametrize("data_type", TYPES)
@module_loop
async def test_only_a_size_that_has_changed_flashes(
    page: Page, problems: Problems, server: ServerProcess, data_type: str
) -> None:
    problems.expect("willReadFrequently")
    await viewer(page, server, symbol="BTCUSD", type=data_type, interval=0)
    await shown_with_page(page, server, data_type)
    await page.evaluate(FLASHES)
    await wait_until(page, "() => window.flashes.changes >= 20")
    found = await page.evaluate("() => window.flashes")
    assert found["unlit"] == [], "changed, and did not flash"
    assert found["wrong"] == [], "flashed, and has not changed"
