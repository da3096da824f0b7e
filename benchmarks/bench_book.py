"""The order book: nanoseconds an event, beside a plain Python book and PyPI's `order-book`."""

from __future__ import annotations

from functools import partial
from typing import Any

from order_book import OrderBook as PypiOrderBook

from benchmarks.flow import recorded_flow
from benchmarks.harness import Report, Row, median_seconds
from benchmarks.plain_book import PlainBook, PlainEvent
from market_depth.book import OrderBook
from market_depth.events import Action, Events, Side

__all__ = ["run"]

_BATCHES = (100, 1000, 10_000)


def run(*, quick: bool) -> Report:
    """Apply the same flow to every book."""
    report = Report("order book")
    events = recorded_flow(50_000 if quick else 500_000)
    repeats = 3 if quick else 9
    plain: list[PlainEvent] = events[: len(events) // 5].tolist()
    plain_ns = median_seconds(lambda: PlainBook().apply(plain), 5) / len(plain) * 1e9
    report.add(Row("plain Python book", plain_ns, "ns/event", note="levels and queues, no ages"))
    pypi_ns = median_seconds(lambda: _apply_pypi(plain), 5) / len(plain) * 1e9
    row = Row("PyPI order-book", pypi_ns, "ns/event", "plain Python book", pypi_ns / plain_ns)
    row.note = "C levels, orders in dicts; keeps no sums, counts or ages"
    report.add(row)
    for batch in _BATCHES:
        ours_ns = median_seconds(partial(_apply, events, batch), repeats)
        ours_ns = ours_ns / len(events) * 1e9
        row = Row(f"market-depth, batches of {batch:,}", ours_ns, "ns/event", "plain Python book")
        row.ratio = ours_ns / plain_ns
        row.goal = "≤ 80 ns" if batch >= 1000 else ""
        row.note = f"{pypi_ns / ours_ns:.1f} times as fast as order-book"
        report.add(row)
    return report


def _apply(events: Events, batch: int) -> None:
    book = OrderBook()
    for start in range(0, len(events), batch):
        book.apply(events[start : start + batch])


def _apply_pypi(events: list[PlainEvent]) -> None:
    """Keep a book by order in `order-book`: price → {order id → size}."""
    book = PypiOrderBook()
    places: dict[int, tuple[Any, int]] = {}
    for _, _, order_id, price, size, _, _, action, side, _ in events:
        if action == Action.CLEAR:
            book, places = PypiOrderBook(), {}
        elif action == Action.ADD:
            ladder = book.bids if side == Side.BID else book.asks
            _put(ladder, price, order_id, size)
            places[order_id] = (ladder, price)
        elif action == Action.CANCEL:
            _take(places, order_id, size)
        elif action == Action.MODIFY:
            ladder, old_price = places[order_id]
            if price == old_price:
                ladder[price][order_id] = size
            else:
                _take(places, order_id, 0)
                _put(ladder, price, order_id, size)
                places[order_id] = (ladder, price)


def _put(ladder: Any, price: int, order_id: int, size: int) -> None:
    if price in ladder:
        ladder[price][order_id] = size
    else:
        ladder[price] = {order_id: size}


def _take(places: dict[int, tuple[Any, int]], order_id: int, size: int) -> None:
    ladder, price = places[order_id]
    level = ladder[price]
    if 0 < size < level[order_id]:
        level[order_id] -= size
        return
    del level[order_id], places[order_id]
    if not level:
        del ladder[price]
