"""The charts and the tape show what the server has: numbers, places and pixels."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from market_depth.client import connect
from support.browser import Problems, until_connection, viewer, watched_page
from support.dbn_files import dbn
from support.logs import serving_quietly
from support.process import ServerProcess
from support.proxy import proxied
from support.replay import DAY, DAY_S, go_to, post
from support.viewer_charts import (
    ask,
    fill,
    imbalance_words,
    readout_of,
    see,
    seen,
    shows_colours,
    signed,
    size_up_to,
)
from support.viewer_page import Book, book_of_page, drawn, until_current, wait_until

module_loop = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_MS = 30_000
SYMBOL = "ESH4"
LEVELS = 200
STATE = {"symbol": SYMBOL, "interval": 0, "rows": "levels", "levels": LEVELS}
VIEWS = ("ladder", "heatmap", "timeline", "depth")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def paused(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A made-up day that stands still in its middle."""
    path: Path = tmp_path_factory.mktemp("recording") / "day.dbn"
    path.write_bytes(dbn(*DAY))
    async with serving_quietly(f"--feed={path}", "--replay-control", "--speed=0.001") as running:
        await post(running, "pause")
        await go_to(running, DAY_S / 2)
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lively() -> AsyncIterator[ServerProcess]:
    """A market in which much is traded."""
    async with serving_quietly("--seed=4", "--rate=120", "--symbols=BTCUSD") as running:
        yield running


async def shown(page: Page, server: ServerProcess) -> Book:
    """Return the book that stands still, once the page shows it."""
    book = await book_of_page(server, SYMBOL, levels=LEVELS)
    reached = "(wanted) => Number(document.querySelector('.ladder').dataset.sequence) === wanted"
    await wait_until(page, reached, book.sequence)
    await drawn(page)
    return book


# The depth chart


@module_loop
async def test_the_depth_chart_reads_what_keys_point_at(page: Page, paused: ServerProcess) -> None:
    await viewer(page, paused, **STATE)
    book = await shown(page, paused)
    chart = page.locator(".view-depth")
    await chart.focus()
    for key, price in (
        ("End", book.asks[0].price),
        ("ArrowRight", book.asks[1].price),
        ("ArrowRight", book.asks[2].price),
        ("Shift+ArrowRight", book.asks[12].price),
        ("Home", book.bids[0].price),
        ("ArrowLeft", book.bids[1].price),
        ("Shift+ArrowLeft", book.bids[11].price),
        ("ArrowRight", book.bids[10].price),
    ):
        await page.keyboard.press(key)
        await expect(page.locator(".depth-readout [data-name=price]").first).to_have_text(
            f"{price:.2f}", timeout=TIMEOUT_MS
        )
        await drawn(page)
        check_readout(await readout_of(page), book)
    spoken = await page.locator(".depth-spoken").inner_text()
    assert f"Price {book.bids[10].price:.2f}" in spoken
    await page.keyboard.press("Escape")
    await expect(page.locator(".depth-readout")).to_be_hidden()


@module_loop
async def test_the_depth_chart_reads_what_the_pointer_points_at(
    page: Page, paused: ServerProcess
) -> None:
    await viewer(page, paused, **STATE)
    book = await shown(page, paused)
    box = await page.locator(".view-depth canvas").bounding_box()
    assert box
    sides = set()
    for part in (0.05, 0.3, 0.42, 0.48, 0.55, 0.7):
        await page.mouse.move(box["x"] + part * box["width"], box["y"] + 0.6 * box["height"])
        await drawn(page)
        read = await readout_of(page)
        check_readout(read, book)
        sides.add(read["side"][0])
    assert sides == {"bid", "ask"}
    await go_to(paused, DAY_S / 2 + 1)  # and again where the market has moved on
    later = await shown(page, paused)
    assert later != book
    price = read["price"][0]
    await wait_until(page, _SIZES_ARE, [f"{size:,}" for size in sizes_at(Decimal(price), later)])
    check_readout(await readout_of(page), later)
    assert (await readout_of(page))["price"][0] == price


_SIZES_ARE = """(sizes) => [...document.querySelectorAll('.depth-readout [data-name=size]')]
  .every((cell, index) => cell.textContent === sizes[index])"""


def sizes_at(price: Decimal, book: Book) -> list[Decimal]:
    """Return the sizes up to a price, and up to its mirror on the other side of the mid."""
    mirror = book.bids[0].price + book.asks[0].price - price
    is_bid = price < mirror
    sides = (book.bids, book.asks) if is_bid else (book.asks, book.bids)
    return [
        size_up_to(sides[0], price, is_bid=is_bid),
        size_up_to(sides[1], mirror, is_bid=not is_bid),
    ]


def check_readout(read: dict[str, list[str]], book: Book) -> None:
    """Fail unless a crosshair's numbers are those of the book, on its side and its mirror's."""
    sum_of_best = book.bids[0].price + book.asks[0].price
    price = Decimal(read["price"][0])
    is_bid = 2 * price < sum_of_best
    assert read["side"] == ["bid" if is_bid else "ask"]
    assert Decimal(read["price"][1]) == sum_of_best - price
    sizes = sizes_at(price, book)
    for column, (at, of_bids) in enumerate(((price, is_bid), (sum_of_best - price, not is_bid))):
        levels = book.bids if of_bids else book.asks
        size = sizes[column]
        filled = fill(levels, size)
        assert read["size"][column] == f"{size:,}"
        assert read["cost"][column] == f"{filled.money:,.2f}"
        check_bps(read["distance"][column], Fraction(at), Fraction(sum_of_best) / 2)
        if size == 0:
            assert read["average"][column] == read["slippage"][column] == "–"
            continue
        thousandths = (2 * filled.money * 1000 + size) // (2 * size)
        assert read["average"][column] == f"{thousandths / 1000:.3f}"
        worse = -1 if of_bids else 1
        mid = Fraction(sum_of_best) / 2
        check_bps(read["slippage"][column], mid + worse * (filled.average - mid), mid)


def check_bps(text: str, price: Fraction, mid: Fraction) -> None:
    """Fail unless a text is how far a price is from the mid, in basis points."""
    number = signed(text)
    decimals = len(text.split()[0].partition(".")[2])
    exact = (price - mid) / mid * 10_000
    assert abs(Fraction(number) - exact) <= Fraction(51, 100) / 10**decimals, (text, float(exact))


# The tape


@module_loop
async def test_the_tape_shows_each_trade_once_and_in_order(
    page: Page, problems: Problems, lively: ServerProcess
) -> None:
    problems.expect_loss()
    await page.set_viewport_size({"width": 1280, "height": 1600})
    async with proxied(lively.port) as proxy, trades_of(lively, "BTCUSD") as told:
        state: dict[str, Any] = {"symbol": "BTCUSD", "url": proxy.url, "hide": "heatmap,depth"}
        await viewer(page, lively, **state)
        await see(page)
        await page.locator(".tape-toggle").click()  # sweeps apart
        await page.mouse.move(5, 5)
        await wait_until(page, seen("seen.trades.length > 12"))
        before = await check_tape(page, told, missed=0)
        proxy.refuse()
        proxy.cut()
        await until_connection(page, "waiting")
        newest = before[-1]
        await told.until(newest + 8)  # the market goes on without the page
        proxy.go_on()
        await until_connection(page, "connected")
        await wait_until(page, "(count) => window.seen.trades.length > count + 12", len(before))
        numbers = await ask(page, "seen.trades.map(({ number }) => number)")
        missed = numbers[-1] - numbers[0] + 1 - len(numbers)
        assert missed >= 1
        after = await check_tape(page, told, missed=missed)
        assert after[: len(before)] == before
        gaps = [one for one, next_one in pairwise(after) if next_one != one + 1]
        assert len(gaps) == 1
        await expect(page.locator(".tape-missed")).to_have_text(f"{missed} missed")


class Told:
    """A symbol's trades, as another client is told them."""

    def __init__(self) -> None:
        self.rows: dict[int, list[str]] = {}
        """By number, as a row of the tape has them."""
        self._come = asyncio.Event()

    async def listen(self, url: str, symbol: str) -> None:
        """Collect until cancelled."""
        async with connect(url) as depth:
            async for update in depth.subscribe(symbol, "TRADES"):
                for row in update.trades:
                    assert row.side is not None
                    assert row.timestamp is not None
                    word = {"Bid": "buy", "Ask": "sell"}[row.side]
                    price, size = f"{row.price:.2f}", f"{row.quantity:.4f}"
                    time = row.timestamp[11:23]
                    self.rows[row.trade_number] = [time, word, "", "", price, size]
                self._come.set()

    async def until(self, number: int) -> None:
        """Wait until a trade is known."""
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while max(self.rows, default=-1) < number:
                self._come.clear()
                await self._come.wait()


async def check_tape(page: Page, told: Told, *, missed: int) -> list[int]:
    """Fail unless the tape's rows are the market's trades, newest first; return all numbers."""
    if await page.locator("#pause").get_attribute("aria-pressed") == "false":
        await page.locator("#pause").click()
    await drawn(page)
    numbers: list[int] = await ask(page, "seen.trades.slice(0, seen.drawn).map((it) => it.number)")
    rows: list[list[str]] = await page.locator(".tape-row").evaluate_all(
        """(rows) => rows.filter((row) => !row.hidden).map((row) =>
          ['time', 'word', 'times', 'from', 'price', 'size'].map((name) =>
            row.querySelector(`.tape-${name}`).textContent))"""
    )
    await page.locator("#pause").click()
    await told.until(numbers[-1])
    assert numbers == sorted(set(numbers))
    assert numbers[-1] - numbers[0] + 1 - len(numbers) == missed
    assert len(rows) >= min(len(numbers), 12)
    shown_rows = [[*row[:4], row[4].split()[-1], row[5]] for row in rows]
    # Some may have come before the page was asked to tell their numbers.
    shown_numbers = [*reversed(numbers), *range(numbers[0] - 1, 0, -1)]
    assert shown_rows == [told.rows[number] for number in shown_numbers[: len(rows)]]
    return numbers


@asynccontextmanager
async def trades_of(server: ServerProcess, symbol: str) -> AsyncIterator[Told]:
    """Collect a symbol's trades, from before the block on."""
    told = Told()
    task = asyncio.create_task(told.listen(server.url, symbol))
    try:
        await told.until(0)
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


# The heatmap and the timeline


@module_loop
async def test_crosshair_and_words_tell_the_book(page: Page, paused: ServerProcess) -> None:
    await viewer(page, paused, **STATE)
    await see(page)
    await shown(page, paused)
    await zoom_in(page)
    await go_to(paused, DAY_S / 2 + 2)
    book = await shown(page, paused)
    timeline = page.locator(".view-timeline canvas")
    await wait_until(page, seen("seen.history && seen.times"))
    tick = await ask(page, "seen.history.tickUnits")
    words = imbalance_words(book, Decimal(tick) / 100)
    await expect(timeline).to_have_attribute("aria-label", words, timeout=TIMEOUT_MS)
    heatmap = page.locator(".view-heatmap canvas")
    best = f"best bid {book.bids[0].price:.2f}, best ask {book.asks[0].price:.2f}"
    await expect(heatmap).to_have_attribute("aria-label", re.compile(best), timeout=TIMEOUT_MS)
    box = await heatmap.bounding_box()
    assert box
    await wait_until(page, seen(_TIME_HAS_PASSED))
    sides = set()
    for level in (*book.bids[:4], *book.asks[:4]):
        place = (
            f"[seen.times.x(seen.history.timeMs + 300), seen.prices.y({level.price * 100 / tick})]"
        )
        x, y = await ask(page, place)
        await page.mouse.move(box["x"] + x, box["y"] + y)
        await drawn(page)
        read = await ask(page, "seen.readout")
        bid, size = told_by(read, tick, book)
        sides.add(bid)
        assert size
        colours = await shows_colours(page, "heatmap", x - 3, y, 2, 1)
        assert colours
    assert sides == {True, False}


_TIME_HAS_PASSED = """(() => {
  const { history, times } = seen;
  const leadMs = (0.02 * times.width) / times.perMs; // a bit of the future is in sight
  return times.time(times.width) - leadMs > history.timeMs + 1000;
})()"""


def told_by(read: dict[str, Any], tick: int, book: Book) -> tuple[bool, str]:
    """Fail unless a crosshair tells the sizes of its row; return whether it is of bids."""
    low = Decimal(read["low"] * tick) / 100
    high = low + Decimal(read["rowTicks"] * tick) / 100
    lines = read["lines"][2:]
    wanted = []
    for name, side in (("bid", book.bids), ("ask", book.asks)):
        size = sum((it.quantity for it in side if low <= it.price < high), Decimal(0))
        if size:
            wanted.append(f"{name} {size}")
    assert read["lines"][1].startswith(f"{low:.2f}")
    assert [line for line in lines if line.startswith(("bid", "ask"))] == wanted
    assert wanted, f"nothing rests in this row: {read}"
    return wanted[0].startswith("bid"), wanted[0]


async def zoom_in(page: Page) -> None:
    """Show one minute."""
    box = await page.locator(".view-heatmap canvas").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(12):
        await page.mouse.wheel(0, -300)
    await page.mouse.move(5, 5)
    await drawn(page)


@module_loop
async def test_the_heatmap_has_columns_a_gap_and_trades(
    page: Page, problems: Problems, lively: ServerProcess
) -> None:
    problems.expect_loss()
    async with proxied(lively.port) as proxy:
        await viewer(page, lively, symbol="BTCUSD", interval=0, levels=LEVELS, url=proxy.url)
        await see(page)
        await zoom_in(page)
        await wait_until(page, seen("seen.history?.last - seen.history?.first >= 4"))
        proxy.refuse()
        proxy.cut()
        await until_connection(page, "waiting")
        lost_ms = await page.evaluate("performance.now()")
        await wait_until(page, "(then) => performance.now() > then + 2000", lost_ms)
        proxy.go_on()
        await until_connection(page, "connected")
        records = await ask(page, "seen.records")
        await wait_until(page, "(count) => window.seen.records > count + 6", records)
        await page.keyboard.press("Space")  # nothing scrolls while it is looked at
        await drawn(page)
        columns: list[dict[str, Any]] = await ask(page, _COLUMNS)
        known = "".join(str(column["known"]) for column in columns)
        assert re.fullmatch("1{3,}0{2,}1{2,}", known), known
        panel = await colour_of(page, "panel")
        hatched = {panel, await colour_of(page, "line")}
        tall = await ask(page, "seen.prices.height") - 50
        for column in columns[1:-1]:
            colours = await shows_colours(page, "heatmap", column["x"], 45, 1, tall)
            if column["known"]:
                assert len(colours) > 3, f"nothing is painted at {column}"
            elif not column["isEdge"]:
                assert set(colours) <= hatched, f"something is painted in the gap at {column}"
        before = await shows_colours(page, "heatmap", columns[0]["x"] - 40, 45, 20, tall)
        assert set(before) == {panel}
        dot = await ask(page, _LARGEST_TRADE)
        around = await shows_colours(page, "heatmap", dot["x"] - 4, dot["y"] - 4, 9, 9)
        # What lies over it may hide most of it; lines of that colour that run by are less.
        assert around.get(await colour_of(page, dot["side"]), 0) > 7, around


_COLUMNS = """Array.from({ length: seen.history.last - seen.history.first + 1 }, (_, at) => {
  const { history, times } = seen;
  const number = history.first + at;
  const knownAt = (place) => history.isKnown[history.slot(place)];
  return {
    number,
    known: knownAt(number),
    isEdge: knownAt(number - 1) + knownAt(number + 1) > 0,
    x: times.x((number + 0.5) * history.columnMs),
  };
})"""
_LARGEST_TRADE = """(() => {
  const { history: { trades, columnMs }, times, prices } = seen;
  let most = trades.first;
  for (let at = trades.first; at < trades.next; at++) {
    if (trades.quantities[at] > trades.quantities[most]) most = at;
  }
  return {
    x: times.x((trades.columns[most] + 0.5) * columnMs),
    y: prices.y(trades.ticks[most]),
    side: trades.sides[most] > 0 ? 'bid' : 'ask',
  };
})()"""


async def colour_of(page: Page, name: str) -> str:
    """Return a colour of the theme."""
    style = f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()"
    return str(await page.evaluate(style))


# All of them


@pytest.mark.parametrize("ratio", [1, 1.5, 2])
@module_loop
async def test_canvases_are_sharp_whatever_the_size_and_the_theme(
    browser: Browser, paused: ServerProcess, ratio: float
) -> None:
    sizes: list[ViewportSize] = [
        {"width": 1281, "height": 723},
        {"width": 700, "height": 1001},
        {"width": 1600, "height": 900},
    ]
    async with watched_page(browser, viewport=sizes[0], device_scale_factor=ratio) as (page, _):
        await viewer(page, paused, **STATE)
        await until_current(page)
        for size in (*sizes, sizes[0]):
            await page.set_viewport_size(size)
            await wait_until(page, _ARE_SHARP)
            await drawn(page)
            for view in VIEWS:
                assert await page.evaluate(_IS_PAINTED, view), f"{view} is empty at {size}"
        await go_to(paused, DAY_S / 2)
        for theme in ("dark", "light"):
            await page.keyboard.press("t")
            await expect(page.locator("#theme")).to_have_text(theme)
            await drawn(page)
            ask_colour, panel = await colour_of(page, "ask"), await colour_of(page, "panel")
            for view, colour in (("heatmap", panel), ("timeline", panel), ("depth", ask_colour)):
                colours = await shows_colours(page, view, 0, 0, 2000, 2000)
                assert colour in colours, f"{view} is not painted anew for the {theme} theme"


_ARE_SHARP = """() => [...document.querySelectorAll('canvas')].every((canvas) => {
  const box = canvas.getBoundingClientRect();
  return Math.abs(canvas.width - box.width * devicePixelRatio) < 1.01
    && Math.abs(canvas.height - box.height * devicePixelRatio) < 1.01
    && canvas.width > 50 && canvas.height > 50;
})"""
_IS_PAINTED = """(view) => {
  const canvas = document.querySelector(`.view-${view} canvas`);
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const words = new Uint32Array(data.buffer);
  return new Set(words).size > 8;
}"""
