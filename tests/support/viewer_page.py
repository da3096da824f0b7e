"""What the browser viewer shows, read from its page, and what it should show."""

from __future__ import annotations

import asyncio
import json
import re
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Locator, Page

from market_depth.client import DepthClient, connect
from market_depth.protocol.messages import DataType
from support.process import ServerProcess

__all__ = [
    "Book",
    "Level",
    "Recorder",
    "Row",
    "Shown",
    "book_of_page",
    "check_ladder",
    "drawn",
    "orders_of_page",
    "panel_of",
    "query_of",
    "read_ladder",
    "recording",
    "shortens",
    "shown_with",
    "shown_with_page",
    "tip_of_first_bid",
    "until_current",
    "until_sequence_after",
    "wait_until",
]

TIMEOUT_S = 30.0

_CELLS = ["bid-total", "bid-orders", "bid-size", "price", "ask-size", "ask-orders", "ask-total"]
_READ = """(panel, names) => {
  const ladder = panel.querySelector('.ladder');
  const spread = ladder.querySelector('.ladder-spread');
  return {
    symbol: panel.getAttribute('aria-label'),
    sequence: Number(ladder.dataset.sequence ?? -1),
    step: panel.querySelector('output.group').textContent,
    mid: spread.hidden ? '' : spread.querySelector('b').textContent,
    spread: spread.hidden ? '' : spread.querySelector('span').textContent,
    rows: [...ladder.querySelectorAll('tbody tr')].map((row) =>
      names.map((name) => row.querySelector(`td.${name}`).textContent)),
    best: ['bid', 'ask'].map((side) =>
      ladder.querySelector(`.is-best-${side} .price`)?.textContent ?? ''),
  };
}"""
_SUFFIXES = ("", "k", "M", "G", "T")
_LONGEST_QUANTITY = 9


class Row(NamedTuple):
    """A row of the ladder: the texts of its cells, '' where there is nothing."""

    bid_total: str
    bid_orders: str
    bid_size: str
    price: str
    ask_size: str
    ask_orders: str
    ask_total: str


class Shown(NamedTuple):
    """A ladder as it was in one frame."""

    symbol: str
    sequence: int
    step: str
    mid: str
    """'' if the spread is out of sight; `spread` too."""
    spread: str
    rows: list[Row]
    """From the top; the one under the spread is empty."""
    best: tuple[str, str]
    """Prices marked as best bid and best ask, '' if out of sight."""

    @property
    def priced(self) -> list[Row]:
        """The rows that have a price."""
        return [row for row in self.rows if row.price]

    @property
    def prices(self) -> list[Decimal]:
        return [Decimal(row.price) for row in self.priced]


class Level(NamedTuple):
    """A price level, in numbers with all their decimals."""

    price: Decimal
    quantity: Decimal
    orders: int | None


class Book(NamedTuple):
    """A book, best first."""

    sequence: int
    bids: list[Level]
    asks: list[Level]

    def cut(self, levels: int) -> Book:
        """Return the best levels of both sides."""
        return Book(self.sequence, self.bids[:levels], self.asks[:levels])

    def grouped(self, step: Decimal) -> Book:
        """Return it merged into price steps: bids at or below theirs, asks at or above."""
        bids, asks = (
            _merge(
                ((level.price / step).to_integral_value(rounding) * step, level) for level in side
            )
            for side, rounding in ((self.bids, ROUND_FLOOR), (self.asks, ROUND_CEILING))
        )
        return Book(self.sequence, bids, asks)

    @property
    def touch(self) -> tuple[Decimal, Decimal]:
        """The best bid and ask."""
        return self.bids[0].price, self.asks[0].price


def _merge(keyed: Iterable[tuple[Decimal, Level]]) -> list[Level]:
    merged: list[Level] = []
    for price, level in keyed:
        if merged and merged[-1].price == price:
            quantity, orders = merged[-1].quantity, merged[-1].orders
            assert orders is not None
            assert level.orders is not None
            merged[-1] = Level(price, quantity + level.quantity, orders + level.orders)
        else:
            merged.append(level._replace(price=price))
    return merged


def panel_of(page: Page, index: int = 0) -> Locator:
    return page.locator("article.panel").nth(index)


async def read_ladder(page: Page, panel: int = 0) -> Shown:
    """Return a panel's ladder, all of one moment."""
    found = await panel_of(page, panel).evaluate(_READ, _CELLS)
    rows = [Row(*cells) for cells in found.pop("rows")]
    return Shown(**{**found, "best": tuple(found["best"])}, rows=rows)


async def wait_until(
    page: Page, condition: str, argument: object = None, every_ms: float | None = None
) -> None:
    """Wait until a JavaScript function of an argument says true, asked once a frame.

    Args:
        page: where it is asked.
        condition: the function.
        argument: what it is given.
        every_ms: time between two questions, for a page that gets no frames.
    """
    timeout_ms = 1000 * TIMEOUT_S
    await page.wait_for_function(condition, arg=argument, polling=every_ms, timeout=timeout_ms)


async def drawn(page: Page) -> None:
    """Wait until whatever has changed has been drawn."""
    await page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


async def until_current(page: Page, panel: int = 0) -> None:
    """Wait until the book that a panel has asked for last is there, and drawn."""
    current = """(index) => {
      const panel = document.querySelectorAll('article.panel')[index];
      return panel && !panel.classList.contains('is-stale')
        && panel.querySelector('.ladder').dataset.sequence > 0;
    }"""
    await wait_until(page, current, panel)
    await drawn(page)


async def tip_of_first_bid(page: Page, shown: Shown) -> Locator:
    """Bring the mouse over the best bid's first order; return what tells it, once it does."""
    best = next(index for index, row in enumerate(shown.rows) if row.bid_size)
    box = await page.locator(".ladder tbody tr").nth(best).locator("td.bid-bar").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    tip = page.locator(".ladder-tip")
    await tip.wait_for(state="visible")
    return tip


async def until_sequence_after(page: Page, sequence: int) -> None:
    """Wait until the ladder shows a later book."""
    later = "(before) => document.querySelector('.ladder').dataset.sequence > before"
    await wait_until(page, later, sequence)


async def book_of_page(
    server: ServerProcess, symbol: str, data_type: str = "MBP", levels: int = 50
) -> Book:
    """Return what /api/depth has now; orders are merged into levels."""
    page = await _depth_page(server, symbol, data_type, levels)
    sides = []
    for name in ("bids", "asks"):
        rows = page["data"][name]
        sides.append(
            _merge(
                (
                    Decimal(row["price"]),
                    Level(
                        Decimal(row["price"]), Decimal(row["quantity"]), row.get("order_count", 1)
                    ),
                )
                for row in rows
            )
        )
    return Book(page["sequence"], *sides)


async def orders_of_page(
    server: ServerProcess, symbol: str, levels: int = 50
) -> tuple[int, *tuple[dict[Decimal, list[tuple[str, Decimal]]], ...]]:
    """Return the sequence of /api/depth, and the queues of bids and asks: (id, size) by price."""
    page = await _depth_page(server, symbol, "MBO", levels)
    sides: list[dict[Decimal, list[tuple[str, Decimal]]]] = []
    for name in ("bids", "asks"):
        queues: dict[Decimal, list[tuple[str, Decimal]]] = {}
        for row in page["data"][name]:
            order = (row["order_id"], Decimal(row["quantity"]))
            queues.setdefault(Decimal(row["price"]), []).append(order)
        sides.append(queues)
    return page["sequence"], *sides


async def _depth_page(server: ServerProcess, symbol: str, data_type: str, levels: int) -> Any:
    path = f"/api/depth/{symbol}?data_type={data_type}&max_levels={levels}"
    status, text = await server.get(path)
    assert status == 200, text
    return json.loads(text, parse_float=Decimal)


async def shown_with_page(
    page: Page,
    server: ServerProcess,
    data_type: str = "MBP",
    levels: int = 50,
    panel: int = 0,
) -> tuple[Shown, Book]:
    """Return a panel's ladder, and what /api/depth has at the same sequence."""
    await page.locator("article.panel[aria-label]").nth(panel).wait_for()
    symbol = await panel_of(page, panel).get_attribute("aria-label")
    assert symbol
    return await shown_with(
        page, lambda: book_of_page(server, symbol, data_type, levels), panel=panel
    )


async def shown_with(
    page: Page, ask: Callable[[], Awaitable[Book]], panel: int = 0
) -> tuple[Shown, Book]:
    """Return a panel's ladder, and what is asked for, at the same sequence."""
    reached = """([index, sequence]) => Number(
      document.querySelectorAll('article.panel .ladder')[index].dataset.sequence
    ) >= sequence"""
    await until_current(page, panel)
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            book = await ask()
            await wait_until(page, reached, [panel, book.sequence])
            shown = await read_ladder(page, panel)
            if shown.sequence == book.sequence:
                return shown, book


def shortens(text: str, number: Decimal) -> bool:
    """Whether a text is a number of less than 10^15 in about three digits, such as 13.2 or 1.23M:
    no more than half its last digit away."""
    found = re.fullmatch(r"(\d{1,3}(?:\.(\d+))?)([kMGT]?)", text)
    if found is None:
        return number < Decimal("0.001") and Decimal(text) == Decimal(f"{number:.0e}")
    mantissa, decimals, suffix = Decimal(found[1]), len(found[2] or ""), found[3]
    if not suffix and number < 1000 and number == number.to_integral():
        return mantissa == number and decimals == 0
    unit = Decimal(1000) ** _SUFFIXES.index(suffix)
    wanted = 3 if mantissa < Decimal("0.1") else 2 if mantissa < 10 else 1 if mantissa < 100 else 0
    near = abs(mantissa * unit - number) <= unit * Decimal(10) ** -decimals / 2
    return near and decimals == wanted


def check_ladder(
    shown: Shown,
    book: Book,
    places: tuple[int, int],
    step: Decimal,
    touch: tuple[Decimal, Decimal] | None = None,
) -> None:
    """Fail unless a ladder shows a book: each row that is in sight, and the spread.

    Args:
        shown: what stands on the page.
        book: what should; merged into steps already, and cut to the levels that were asked for.
        places: decimals of prices and of quantities.
        step: of prices.
        touch: the best bid and ask that the spread is of, if they are not the book's.
    """
    price_places, quantity_places = places
    assert shown.step == f"{step:.{price_places}f}"
    assert shown.sequence == book.sequence
    prices = shown.prices
    assert prices == sorted(set(prices), reverse=True), f"prices do not descend: {prices}"
    assert len(prices) > 5
    for row in shown.rows:
        if row.price:
            assert row.price == f"{Decimal(row.price):.{price_places}f}"
            assert Decimal(row.price) % step == 0
            _check_side(row, row[2::-1], book.bids, quantity_places)
            _check_side(row, row[4:], book.asks, quantity_places)
        else:
            assert row == Row(*[""] * 7)
    for level in (*book.bids, *book.asks):
        if prices[-1] <= level.price <= prices[0]:
            assert level.price in prices, f"the level at {level.price} is left out"
    _check_middle(shown, touch or book.touch, price_places)
    for best, price in zip(shown.best, book.touch, strict=True):
        assert not best or Decimal(best) == price


def _check_side(row: Row, cells: Sequence[str], levels: list[Level], places: int) -> None:
    """Check a row's size, orders and total."""
    price, total = Decimal(row.price), Decimal(0)
    for level in levels:
        total += level.quantity
        if level.price == price:
            break
    else:
        assert list(cells) == ["", "", ""], f"there is nothing at {price}: {row}"
        return
    size, orders, cumulative = cells
    exact = f"{level.quantity:.{places}f}"
    if len(exact) <= _LONGEST_QUANTITY:
        assert size == exact, row
    else:
        assert len(size) <= _LONGEST_QUANTITY
        assert Decimal(size) == round(level.quantity, len(size.partition(".")[2])), row
    assert orders == ("" if level.orders is None else str(level.orders)), row
    assert shortens(cumulative, total), f"{row}: the total is {total}"


def _check_middle(shown: Shown, touch: tuple[Decimal, Decimal], places: int) -> None:
    if not shown.mid:
        return
    bid, ask = touch
    assert Decimal(shown.mid) == (bid + ask) / 2
    found = re.fullmatch(r"spread ([\d.]+) · ([\d.]+) bps?", shown.spread)
    assert found, shown.spread
    assert found[1] == f"{ask - bid:.{places}f}"
    points = (ask - bid) / (bid + ask) * 2 * 10_000
    decimals = len(found[2].partition(".")[2])
    assert abs(Decimal(found[2]) - points) <= Decimal(10) ** -decimals / 2


class Recorder:
    """The books of a stream by their sequence, kept by a client of its own."""

    def __init__(self) -> None:
        self._sequences: list[int] = []
        self._books: list[Book] = []
        self._grown = asyncio.Condition()

    async def keep(self, depth: DepthClient, symbol: str, data_type: DataType, levels: int) -> None:
        """Record until cancelled."""
        stream = depth.subscribe(symbol, data_type, levels=levels, interval_ms=0, checksum=True)
        async for update in stream:
            book = update.book
            scale = book.scale
            sides = [
                [
                    Level(
                        scale.exact_price(level.price_units),
                        scale.exact_quantity(level.quantity_units),
                        level.order_count,
                    )
                    for level in side
                ]
                for side in (book.bids(), book.asks())
            ]
            async with self._grown:
                self._sequences.append(update.sequence)
                self._books.append(Book(update.sequence, *sides))
                self._grown.notify_all()

    async def at(self, sequence: int) -> Book:
        """Return the book at a sequence, once the market is past it."""
        async with asyncio.timeout(TIMEOUT_S), self._grown:
            await self._grown.wait_for(
                lambda: bool(self._sequences) and self._sequences[-1] > sequence
            )
        index = bisect_right(self._sequences, sequence) - 1
        assert index >= 0, f"sequence {sequence} is from before the recording"
        return self._books[index]._replace(sequence=sequence)

    async def until_begun(self) -> None:
        async with asyncio.timeout(TIMEOUT_S), self._grown:
            await self._grown.wait_for(lambda: bool(self._books))


@asynccontextmanager
async def recording(
    server: ServerProcess, symbol: str, data_type: str = "MBP", levels: int = 1000
) -> AsyncIterator[Recorder]:
    """Record every change of a book, on a connection of its own."""
    recorder = Recorder()
    async with connect(server.url) as depth:
        task = asyncio.create_task(recorder.keep(depth, symbol, DataType(data_type), levels))
        try:
            await recorder.until_begun()
            yield recorder
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def query_of(page: Page) -> list[tuple[str, str]]:
    """Return the fields of the address's query, in order."""
    return parse_qsl(urlsplit(page.url).query, keep_blank_values=True)
