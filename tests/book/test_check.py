"""check() notices when any kept sum, link or order of things is off."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from market_depth.book import OrderBook
from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.errors import BookError
from support.flow import ASK, BID, add, batch, set_level

# Orders and levels lie in their pools as they came.
FIRST_ORDER, SECOND_ORDER, THIRD_ORDER = 0, 1, 2
FULL_LEVEL = 0
EVENTS = (
    add(10, BID, 100, 5, 1000),
    add(11, BID, 100, 6, 2000),
    add(12, BID, 99, 7, 3000),
    add(13, ASK, 101, 8, 4000),
    add(14, ASK, 102, 9, 5000),
)


def swap_prices(state: BookState) -> None:
    state.keys[BIDS, :2] = state.keys[BIDS, 1::-1]


def empty_slot(state: BookState) -> None:
    state.table["order"][state.table["order"] == SECOND_ORDER] = NOWHERE


def misdirect_slot(state: BookState) -> None:
    state.table["order"][state.table["order"] == SECOND_ORDER] = FIRST_ORDER


def close_circle(state: BookState) -> None:
    state.orders["next"][SECOND_ORDER] = FIRST_ORDER
    state.orders["previous"][FIRST_ORDER] = SECOND_ORDER


def resize_everywhere(state: BookState) -> None:
    state.orders["size"][FIRST_ORDER] = -5
    state.levels["size"][FULL_LEVEL] = 1


CORRUPTIONS: dict[str, tuple[str, Callable[[BookState], object]]] = {
    "size of a level": (
        r"bid 100: size 12, its orders' is 11",
        lambda state: state.levels["size"].__setitem__(FULL_LEVEL, 12),
    ),
    "no size of a level": (
        r"bid 100: size 0",
        lambda state: state.levels["size"].__setitem__(FULL_LEVEL, 0),
    ),
    "count of a level": (
        r"bid 100: 2 orders, not counted so",
        lambda state: state.levels["order_count"].__setitem__(FULL_LEVEL, 3),
    ),
    "times of a level": (
        r"bid 100: the sum of times is off by 1 µs",
        lambda state: state.levels["time_sum_us"].__setitem__(FULL_LEVEL, 4),
    ),
    "price of a level": (
        r"bid 100: another price",
        lambda state: state.levels["price"].__setitem__(FULL_LEVEL, 98),
    ),
    "side of a level": (
        r"bid 100: level of the other side",
        lambda state: state.levels["side"].__setitem__(FULL_LEVEL, ASKS),
    ),
    "tail of a queue": (
        r"bid 100: the last order is not the tail",
        lambda state: state.levels["tail"].__setitem__(FULL_LEVEL, FIRST_ORDER),
    ),
    "head of a queue": (
        r"bid 100: ",
        lambda state: state.levels["head"].__setitem__(FULL_LEVEL, SECOND_ORDER),
    ),
    "lost queue": (
        r"5 orders counted, 3 queued",
        lambda state: state.levels["head"].__setitem__(FULL_LEVEL, NOWHERE),
    ),
    "back link": (
        r"bid 100: a back link is wrong",
        lambda state: state.orders["previous"].__setitem__(SECOND_ORDER, THIRD_ORDER),
    ),
    "level of an order": (
        r"bid 100: an order of another level",
        lambda state: state.orders["level"].__setitem__(SECOND_ORDER, 1),
    ),
    "size of an order": (r"bid 100: an order of size -5", resize_everywhere),
    "id of an order": (
        r"bid 100: order 77 is not in the table",
        lambda state: state.orders["order_id"].__setitem__(SECOND_ORDER, 77),
    ),
    "circle": (r"bid 100: ", close_circle),
    "entry of the table": (r"bid 100: order 11 is not in the table", empty_slot),
    "target in the table": (r"bid 100: order 11 is not in the table", misdirect_slot),
    "order of prices": (r"bid prices are not strictly sorted", swap_prices),
    "places of prices": (
        r"ask 10[12]: another price",
        lambda state: state.places.__setitem__((ASKS, slice(0, 2)), state.places[ASKS, 1::-1]),
    ),
    "depth of a side": (
        r"5 orders counted, 4 queued",
        lambda state: state.depth.__setitem__(ASKS, 1),
    ),
    "number of orders": (
        r"4 orders counted, 5 queued",
        lambda state: state.totals["orders"].__setitem__(0, 4),
    ),
    "number of levels": (
        r"4 levels, 5 counted",
        lambda state: state.totals["levels"].__setitem__(0, 5),
    ),
    "free order that counts as live": (
        r"5 orders counted, 6 in the pool",
        lambda state: state.totals["orders_used"].__setitem__(0, 6),
    ),
}


@pytest.mark.parametrize(("message", "corrupt"), CORRUPTIONS.values(), ids=CORRUPTIONS.keys())
def test_a_corrupted_book_is_noticed(message: str, corrupt: Callable[[BookState], object]) -> None:
    book = OrderBook()
    book.apply(batch(*EVENTS))
    book.check()
    corrupt(book._state)
    with pytest.raises(BookError, match=f"^book invariant broken: {message}"):
        book.check()


def test_a_set_level_without_size_is_noticed() -> None:
    book = OrderBook()
    book.apply(batch(set_level(BID, 100, 5)))
    book.check()
    book._state.levels["size"][0] = -1
    with pytest.raises(BookError, match="bid 100: size -1"):
        book.check()
