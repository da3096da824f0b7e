"""How two views differ: whoever applies it to the one by the contract's rules has the other."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.book import OrderBook
from market_depth.book.changes import level_changes, order_changes
from market_depth.views import LEVEL_DTYPE, UNKNOWN, OrderAction, Rows, View
from support.book_strategies import FLOWS, NOW_NS, Flow, events_from
from support.flow import ASK, BID, Event, add, batch_of, cancel, modify
from support.hypothesis_settings import relaxed
from support.naive_book import HIGHEST_PRICE, LOWEST_PRICE, NaiveBook
from support.views import level_rows, mbo_view, mbp_view, order_rows

Order = tuple[int, int, int, int]
"""order id, price, size, ts_event"""
Level = tuple[int, ...]
"""A row of LEVEL_DTYPE."""
Change = tuple[int, int, int, int, int]
"""order id, price, size, ts_event, action"""

SIGNS = {"bids": 1, "asks": -1}

PRICES = st.one_of(st.integers(100, 106), st.sampled_from([LOWEST_PRICE, HIGHEST_PRICE, -1, 0]))
ORDER_IDS = st.one_of(st.integers(1, 12), st.sampled_from([0, 2**63, 2**64 - 1, 1 << 60, 3 << 60]))
ORDERS = st.lists(
    st.tuples(ORDER_IDS, PRICES, st.integers(1, 3), st.integers(0, 1)),
    max_size=14,
    unique_by=lambda order: order[0],
)
LEVELS = st.lists(
    st.tuples(PRICES, st.integers(1, 2), st.integers(), st.integers(0, 1), st.integers(0, 9)),
    max_size=10,
    unique_by=lambda level: level[0],
).map(lambda rows: [(*row[:2], row[2] % 99, UNKNOWN if row[3] else 1, row[4]) for row in rows])


def best_first(rows: Iterable[tuple[int, ...]], sign: int, price_at: int) -> list[tuple[int, ...]]:
    """Return rows as a side has them; those of one price keep their sequence."""
    return sorted(rows, key=lambda row: -sign * row[price_at])


def by_order(bids: Iterable[Order], asks: Iterable[Order]) -> View:
    """Return a view of orders, sorted, with ages that do not matter."""
    return mbo_view(
        [(*order, 5) for order in best_first(bids, 1, 1)],
        [(*order, 7) for order in best_first(asks, -1, 1)],
    )


def by_price(bids: Iterable[Level], asks: Iterable[Level]) -> View:
    return mbp_view(best_first(bids, 1, 0), best_first(asks, -1, 0))


def orders_of(rows: Rows) -> list[Order]:
    return [row[:4] for row in rows.tolist()]


def applied(orders: list[Order], changes: Iterable[Change], sign: int) -> list[Order]:
    """Return what a side becomes, by the rules of the wire contract."""
    orders = list(orders)
    for order_id, price, size, ts_event, action in changes:
        place = next((at for at, order in enumerate(orders) if order[0] == order_id), None)
        if action == OrderAction.ADD:
            assert place is None, "it is there already"
        else:
            assert place is not None, "it is not there"
            gone = orders.pop(place)
        if action in (OrderAction.CANCEL, OrderAction.UPDATE):
            assert gone[1] == price
        if action == OrderAction.UPDATE:
            assert place is not None
            orders.insert(place, (order_id, price, size, gone[3]))
        elif action != OrderAction.CANCEL:
            behind = [at for at, order in enumerate(orders) if sign * order[1] < sign * price]
            row = (order_id, price, size, ts_event)
            orders.insert(behind[0] if behind else len(orders), row)
    return orders


def kept_at_front(old: list[Order], new: list[Order]) -> int:
    """Return how many orders of a queue can stay where they are: as many of its first ones as come
    in this sequence, with whatever between them, in the queue as it was."""
    remaining = iter([(order[0], order[3]) for order in old])
    count = 0
    for order in new:
        if (order[0], order[3]) not in remaining:  # goes on behind where it was found
            break
        count += 1
    return count


def fewest_changes(old: list[Order], new: list[Order]) -> int:
    """Return how many changes are needed: one for each order that is gone, is new, has to be moved
    or has another size."""
    count = len({order[0] for order in old} - {order[0] for order in new})
    queues: dict[int, list[Order]] = {}
    for order in old:
        queues.setdefault(order[1], []).append(order)
    sizes = {order[0]: order[2] for order in old}
    for price, rows in groupby(new, key=lambda order: order[1]):
        queue = list(rows)
        kept = kept_at_front(queues.get(price, []), queue)
        count += len(queue) - kept + sum(sizes[order[0]] != order[2] for order in queue[:kept])
    return count


def check_orders(old: View, new: View) -> None:
    """Check what is told of two views of orders, side by side."""
    changes = order_changes(old, new)
    for name, sign in SIGNS.items():
        before, after = orders_of(getattr(old, name)), orders_of(getattr(new, name))
        told: list[Change] = getattr(changes, name).tolist()
        assert applied(before, told, sign) == after
        assert len(told) == fewest_changes(before, after)
        actions = [change[4] for change in told]
        cancels = actions.count(OrderAction.CANCEL)
        assert set(actions[:cancels]) <= {OrderAction.CANCEL}, "first what is gone"
        order_ids = [order[0] for order in after]
        places = [order_ids.index(change[0]) for change in told[cancels:]]
        assert places == sorted(places), "then the others, in the book's sequence"
        assert len(set(places)) == len(places)


def check_levels(old: View, new: View) -> None:
    """Check what is told of two views by price, side by side."""
    changes = level_changes(old, new)
    for name, sign in SIGNS.items():
        before, after = ({row[0]: row for row in getattr(v, name).tolist()} for v in (old, new))
        wanted = []
        for price in sorted(before.keys() | after.keys(), key=lambda price: -sign * price):
            was, now = before.get(price), after.get(price)
            if now is None:
                wanted.append((price, 0, 0, 0, 0))
            elif was is None or (was[1], was[3]) != (now[1], now[3]):
                wanted.append(now)
        assert getattr(changes, name).tolist() == wanted


@relaxed
@given(old_bids=ORDERS, old_asks=ORDERS, new_bids=ORDERS, new_asks=ORDERS)
def test_changes_by_order_make_the_new_view_of_the_old_and_none_is_needless(
    old_bids: list[Order], old_asks: list[Order], new_bids: list[Order], new_asks: list[Order]
) -> None:
    old, new = by_order(old_bids, old_asks), by_order(new_bids, new_asks)
    check_orders(old, new)
    check_orders(old, by_order(new_bids, old_asks))


@relaxed
@given(old_bids=LEVELS, old_asks=LEVELS, new_bids=LEVELS, new_asks=LEVELS)
def test_changes_by_price_are_the_levels_that_are_not_as_they_were_best_first(
    old_bids: list[Level], old_asks: list[Level], new_bids: list[Level], new_asks: list[Level]
) -> None:
    check_levels(by_price(old_bids, old_asks), by_price(new_bids, new_asks))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
@relaxed
@given(data=st.data(), levels=st.sampled_from([1, 2, 5, 50]))
def test_what_a_book_goes_through_is_told(flow: Flow, data: st.DataObject, levels: int) -> None:
    book, oracle = OrderBook(), NaiveBook()
    shown = by_price_and_order(book, levels)
    changes = st.lists(events_from(flow), min_size=1, max_size=12)
    for events in data.draw(st.lists(changes, min_size=2, max_size=6)):
        book.apply(batch_of(events))
        oracle.apply(events)
        now = by_price_and_order(book, levels)
        check_levels(shown[0], now[0])
        check_orders(shown[1], now[1])
        assert now[1].bids.tolist() == oracle.mbo(levels, NOW_NS)[0]
        shown = now


def by_price_and_order(book: OrderBook, levels: int) -> tuple[View, View]:
    return book.mbp(levels, NOW_NS), book.mbo(levels, NOW_NS)


def told(*events: Event) -> list[tuple[str, int]]:
    """Return what is told of the bids after events that come to orders 1, 2, 3 at 100 and 4 at 99,
    as (action, order id)."""
    book = OrderBook()
    resting = [add(number, BID, 100, 10, number) for number in (1, 2, 3)] + [add(4, BID, 99, 10, 4)]
    book.apply(batch_of([*resting, add(9, ASK, 200, 10)]))
    old = book.mbo(5, NOW_NS)
    book.apply(batch_of(events))
    changes = order_changes(old, book.mbo(5, NOW_NS))
    return [(OrderAction(row["action"]).name, int(row["order_id"])) for row in changes.bids]


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([add(5, BID, 100, 1)], [("ADD", 5)]),
        ([cancel(2)], [("CANCEL", 2)]),
        ([cancel(2, size=3)], [("UPDATE", 2)]),
        ([modify(2, BID, 100, 9, 50)], [("UPDATE", 2)]),
        ([modify(2, BID, 100, 11, 50)], [("REQUEUE", 2)]),
        ([modify(3, BID, 100, 11, 50)], [("REQUEUE", 3)]),
        ([modify(4, BID, 100, 10, 50)], [("REQUEUE", 4)]),
        ([modify(1, BID, 98, 10, 50)], [("REQUEUE", 1)]),
        ([modify(1, ASK, 150, 10, 50)], [("CANCEL", 1)]),
        ([cancel(1), add(1, BID, 100, 10, 1)], [("REQUEUE", 1)]),
        (
            [cancel(4), cancel(1, size=1), add(5, BID, 101, 1)],
            [("CANCEL", 4), ("ADD", 5), ("UPDATE", 1)],
        ),
        ([cancel(1, size=1), modify(1, BID, 100, 10, 1)], [("REQUEUE", 1)]),
        ([cancel(9)], []),
    ],
)
def test_an_order_that_keeps_its_place_is_updated_and_one_that_loses_it_is_queued_anew(
    events: list[Event], wanted: list[tuple[str, int]]
) -> None:
    assert told(*events) == wanted


def test_an_order_behind_one_that_is_queued_anew_keeps_its_place() -> None:
    assert told(modify(1, BID, 100, 20, 50), cancel(3, size=1)) == [
        ("UPDATE", 3),
        ("REQUEUE", 1),
    ]


def test_totals_and_ages_that_have_moved_are_no_change() -> None:
    old = mbp_view([(100, 5, 5, 2, 10), (99, 5, 10, 2, 10)])
    new = mbp_view([(100, 5, 5, 2, 99), (99, 5, 77, 2, 0)])
    assert level_changes(old, new).are_none


def test_a_count_that_has_moved_or_is_not_known_any_more_is_a_change() -> None:
    old = mbp_view([(100, 5, 5, 2, 10), (99, 5, 10, 2, 10)])
    new = mbp_view([(100, 5, 5, 3, 10), (99, 5, 10, UNKNOWN, UNKNOWN)])
    assert level_changes(old, new).bids.tolist() == new.bids.tolist()


def test_a_level_that_leaves_the_best_ones_is_removed_and_one_that_comes_in_is_whole() -> None:
    book = OrderBook()
    book.apply(batch_of([add(number, BID, 100 - number, 10) for number in range(3)]))
    old = book.mbp(2, NOW_NS)
    book.apply(batch_of([add(7, BID, 101, 4)]))
    changes = level_changes(old, book.mbp(2, NOW_NS))
    assert [row[:2] for row in changes.bids.tolist()] == [(101, 4), (99, 0)]
    old = book.mbp(2, NOW_NS)
    book.apply(batch_of([cancel(7)]))
    changes = level_changes(old, book.mbp(2, NOW_NS))
    assert [row[:2] for row in changes.bids.tolist()] == [(101, 0), (99, 10)]


def test_views_that_are_handed_out_are_left_as_they_are() -> None:
    old = View(order_rows((1, 100, 5, 1, 0), (2, 100, 5, 2, 0)), order_rows())
    new = View(order_rows((2, 100, 4, 2, 0), (1, 100, 5, 3, 0)), order_rows())
    before = old.bids.copy(), new.bids.copy()
    order_changes(old, new)
    assert np.array_equal(old.bids, before[0])
    assert np.array_equal(new.bids, before[1])
    level = View(level_rows((1, 1, 1, 1, 1)), np.empty(0, LEVEL_DTYPE))
    changes = level_changes(View(level.asks, level.asks), level)
    changes.bids["price"] = 9
    assert level.bids["price"].tolist() == [1]


def test_thousands_of_orders_of_one_queue_are_told_apart() -> None:
    """More than the table of moved orders would hold if it did not grow with them."""
    old = by_order([(number, 100, 1, 0) for number in range(3000)], [])
    new = by_order([(number << 52, 100, 1, 1) for number in range(3000)], [])
    check_orders(old, new)
