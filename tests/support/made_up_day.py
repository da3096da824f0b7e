"""A recording of orders that never were, and the book that it has at any time."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from support.dbn_files import TIME_NS, Record, from_the_start
from support.naive_book import NaiveBook
from support.pages import Page

_CENT = 10_000_000
_MAX_LEVELS = 1000

Rows = dict[str, list[tuple[int, ...]]]
"""By side, best first: order id, price, size, or price, size, total size, order count."""


def orders_of_a_day(changes: int, step_ns: int, seed: int = 812) -> list[Record]:
    """Return the records of a book that grows to some forty orders a side and goes on changing.

    Args:
        changes: how many, some of two records.
        step_ns: market time between two of them.
        seed: another one, another day.
    """
    chance = random.Random(seed)
    resting: dict[int, Record] = {}
    records: list[Record] = []
    for number in range(changes):
        time_ns = TIME_NS + number * step_ns
        record = _change(chance, resting, number + 1)
        record = record._replace(ts_event=time_ns, ts_recv=time_ns, sequence=number)
        if chance.random() < 0.2:
            trade = record._replace(action="T", order_id=0, flags=0)
            records.append(trade)
        records.append(record)
    return from_the_start(records)


def _change(chance: random.Random, resting: dict[int, Record], order_id: int) -> Record:
    if len(resting) < 80 * chance.random():
        side = chance.choice("BA")
        away = chance.randint(1, 30) * (-1 if side == "B" else 1)
        record = Record("A", side, (10_000 + away) * _CENT, chance.randint(1, 50), order_id)
        resting[order_id] = record
        return record
    known = resting[chance.choice(list(resting))]
    if chance.random() < 0.4:
        record = known._replace(action="M", size=chance.randint(1, 50))
        resting[known.order_id] = record
        return record
    size = chance.randint(1, known.size)
    if size == known.size:
        del resting[known.order_id]
    else:
        resting[known.order_id] = known._replace(size=known.size - size)
    return known._replace(action="C", size=size)


def events_up_to(records: Sequence[Record], time_ns: int) -> int:
    """Return how many records there are up to a time."""
    return sum(record.ts_recv <= time_ns for record in records)


def book_at(records: Sequence[Record], time_ns: int) -> NaiveBook:
    """Return the book that records have made up to a time."""
    book = NaiveBook()
    book.apply(record.event() for record in records if record.ts_recv <= time_ns)
    return book


def rows_of(book: NaiveBook, data_type: str) -> Rows:
    """Return what a book shows, but for times and ages."""
    if data_type == "MBO":
        bids, asks = book.mbo(_MAX_LEVELS, 0)
        return {"bids": [row[:3] for row in bids], "asks": [row[:3] for row in asks]}
    bids, asks = book.mbp(_MAX_LEVELS, 0)
    return {"bids": [row[:4] for row in bids], "asks": [row[:4] for row in asks]}


def rows_on(page: Page) -> Rows:
    """Return what a page of /api/depth shows, but for times and ages."""
    data = json.loads(page.body, parse_float=Decimal)["data"]
    read = _order if data["format"] == "MBO" else _level
    return {side: [read(row) for row in data[side]] for side in ("bids", "asks")}


def _order(row: dict[str, Any]) -> tuple[int, ...]:
    return int(row["order_id"]), int(row["price"] * 100), row["quantity"]


def _level(row: dict[str, Any]) -> tuple[int, ...]:
    return int(row["price"] * 100), row["quantity"], row["total_quantity"], row["order_count"]
