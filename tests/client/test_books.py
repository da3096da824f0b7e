"""Local books: kept from messages, and what they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pytest

from market_depth.client.books import Book, Level, LevelBook, OrderBook
from market_depth.client.errors import StreamBrokenError
from market_depth.client.scale import Scale
from market_depth.protocol.checksum import level_checksum, order_checksum
from market_depth.protocol.messages import MboData, MboDelta, MbpData, MbpDelta

SCALE = Scale(2, 1)
TIME = "2025-09-16T04:18:26.806069Z"


def level(price: float, quantity: float, count: int | None = 1) -> dict[str, Any]:
    return {
        "price": price,
        "quantity": quantity,
        "order_count": count,
        "side": "Bid",
        "total_quantity": 0,
        "avg_age_ms": None,
    }


def order(order_id: str, price: float, quantity: float) -> dict[str, Any]:
    row = {"order_id": order_id, "price": price, "quantity": quantity}
    return {**row, "side": "Bid", "timestamp": TIME, "age_ms": 0}


def by_price(bids: list[Any], asks: list[Any]) -> LevelBook:
    book = LevelBook(SCALE)
    book.replace(msgspec.convert({"format": "MBP", "bids": bids, "asks": asks}, MbpData))
    return book


def by_order(bids: list[Any], asks: list[Any]) -> OrderBook:
    book = OrderBook(SCALE)
    book.replace(msgspec.convert({"format": "MBO", "bids": bids, "asks": asks}, MboData))
    return book


def change(book: Book, bids: Sequence[Any] = (), asks: Sequence[Any] = ()) -> None:
    kind: Any = MboDelta if isinstance(book, OrderBook) else MbpDelta
    name = "MBO" if isinstance(book, OrderBook) else "MBP"
    book.change(msgspec.convert({"format": name, "bids": bids, "asks": asks}, kind))


@pytest.fixture
def levels() -> LevelBook:
    return by_price(
        [level(102.45, 5.0, 3), level(102.4, 7.5)], [level(102.46, 3.0), level(102.5, 1)]
    )


@pytest.fixture
def orders() -> OrderBook:
    return by_order(
        [order("1", 102.45, 5.0), order("2", 102.45, 1.5), order("3", 102.44, 2.0)],
        [order("4", 102.46, 3.0)],
    )


def test_the_touch_is_shown_exactly(levels: LevelBook) -> None:
    assert levels.best_bid == Level(102.45, 5.0, 3, 10245, 50)
    assert levels.best_ask == Level(102.46, 3.0, 1, 10246, 30)
    assert (levels.spread, levels.mid) == (0.01, 102.455)
    assert [one.price for one in levels.bids()] == [102.45, 102.4]
    assert [one.price for one in levels.asks(1)] == [102.46]


def test_what_the_best_levels_hold(levels: LevelBook) -> None:
    assert levels.quantities(1) == (5.0, 3.0)
    assert levels.quantities() == (12.5, 4.0)
    assert levels.imbalance(1) == pytest.approx(0.25)
    assert levels.imbalance(None) == pytest.approx(8.5 / 16.5)


@pytest.mark.parametrize("book", [LevelBook(SCALE), OrderBook(SCALE)])
def test_an_empty_book_shows_nothing(book: Book) -> None:
    assert (book.best_bid, book.best_ask, book.spread, book.mid) == (None, None, None, None)
    assert (book.imbalance(), book.bids(), book.asks()) == (None, [], [])
    assert len(book.to_numpy()) == len(book.to_pandas()) == len(book.to_polars()) == 0


def test_levels_come_change_and_go(levels: LevelBook) -> None:
    change(
        levels,
        [{"price": 102.45, "quantity": 0}, {"price": 102.41, "quantity": 2.5, "order_count": 2}],
        [{"price": 102.46, "quantity": 9.9, "order_count": None}],
    )
    assert [one[:3] for one in levels.bids()] == [(102.41, 2.5, 2), (102.4, 7.5, 1)]
    assert [one[:3] for one in levels.asks()] == [(102.46, 9.9, None), (102.5, 1.0, 1)]


def test_a_level_that_is_not_there_can_not_go(levels: LevelBook) -> None:
    with pytest.raises(StreamBrokenError, match="10243"):
        change(levels, [{"price": 102.43, "quantity": 0}])


def shown(book: OrderBook) -> list[tuple[str, float, float]]:
    return [one[:3] for one in book.bid_orders()]


def test_orders_keep_their_priority_or_lose_it(orders: OrderBook) -> None:
    change(orders, [{"action": "Update", "order_id": "1", "price": 102.45, "quantity": 4}])
    assert shown(orders) == [("1", 102.45, 4.0), ("2", 102.45, 1.5), ("3", 102.44, 2.0)]
    moved = {"action": "Update", "price": 102.45, "timestamp": TIME, "priority": "lost"}
    change(
        orders,
        [{**moved, "order_id": "1", "quantity": 6}, {**moved, "order_id": "3", "quantity": 2}],
    )
    assert shown(orders) == [("2", 102.45, 1.5), ("1", 102.45, 6.0), ("3", 102.45, 2.0)]
    assert [one.price for one in orders.bids()] == [102.45]


def test_orders_come_and_go(orders: OrderBook) -> None:
    added = {"action": "Add", "order_id": "9", "price": 102.5, "quantity": 1, "timestamp": TIME}
    change(orders, [], [added, {"action": "Cancel", "order_id": "4", "price": 102.46}])
    assert [one.order_id for one in orders.ask_orders()] == ["9"]
    assert orders.best_ask == Level(102.5, 1.0, 1, 10250, 10)
    assert orders.best_bid == Level(102.45, 6.5, 2, 10245, 65)


@pytest.mark.parametrize(
    "row",
    [
        {"action": "Cancel", "order_id": "8", "price": 102.45},
        {"action": "Update", "order_id": "4", "price": 102.46, "quantity": 1},
        {"action": "Add", "order_id": "1", "price": 1, "quantity": 1, "timestamp": TIME},
    ],
    ids=["not there", "on the other side", "there already"],
)
def test_orders_that_do_not_fit_break_the_stream(orders: OrderBook, row: dict[str, Any]) -> None:
    with pytest.raises(StreamBrokenError, match=row["order_id"]):
        change(orders, [row])


def test_checksums_are_those_of_the_contract(levels: LevelBook, orders: OrderBook) -> None:
    assert levels.checksum() == level_checksum(
        [(10245, 50), (10240, 75)], [(10246, 30), (10250, 10)]
    )
    assert orders.checksum() == order_checksum(
        [("1", 10245, 50), ("2", 10245, 15), ("3", 10244, 20)], [("4", 10246, 30)]
    )


def test_a_book_is_a_table(levels: LevelBook, orders: OrderBook) -> None:
    array = levels.to_numpy(1)
    assert array.tolist() == [("Bid", 102.45, 5.0, 3), ("Ask", 102.46, 3.0, 1)]
    frame = orders.to_pandas()
    assert list(frame.columns) == ["side", "order_id", "price", "quantity", "timestamp"]
    assert frame["timestamp"].iloc[0] == pd.Timestamp(TIME)
    polars = orders.to_polars(1)
    assert polars["order_id"].to_list() == ["1", "2", "4"]
    assert polars.schema["timestamp"] == pl.Datetime("us", "UTC")
    assert str(orders.to_numpy()["timestamp"][0]) == TIME.removesuffix("Z")
