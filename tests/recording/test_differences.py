"""Views that follow each other, as events: the book behind each is the view."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from market_depth.book import OrderBook
from market_depth.events import NO_ORDER_COUNT, Action, Events, Side
from market_depth.recording.differences import (
    Change,
    LevelDifferences,
    OrderDifferences,
    ViewedLevel,
    ViewedOrder,
)
from support.flow import Event, batch_of
from support.hypothesis_settings import relaxed

VIEW_NS = 1_000


def events_of(changes: Sequence[Change]) -> Events:
    return batch_of(
        Event(
            ts_event=VIEW_NS if change.ts_event is None else change.ts_event,
            order_id=change.order_id,
            price=change.price,
            size=change.size,
            action=change.action,
            side=change.side,
        )
        for change in changes
    )


@st.composite
def order_views(draw: st.DrawFn) -> tuple[list[ViewedOrder], list[ViewedOrder]]:
    """Two sides of few orders at few prices, so that ids come again in all places."""
    ids = draw(st.permutations(range(8)))
    count = draw(st.integers(0, 8))
    prices, sizes, times = st.integers(1, 2), st.integers(1, 2), st.sampled_from([1, 1, 1, 2])
    rows = [ViewedOrder(number, draw(prices), draw(sizes), draw(times)) for number in ids[:count]]
    middle = draw(st.integers(0, count))
    bids = sorted(rows[:middle], key=lambda row: -row.price)
    asks = sorted(rows[middle:], key=lambda row: row.price)
    return bids, asks


@relaxed
@given(views=st.lists(order_views(), max_size=6))
def test_behind_each_view_the_book_is_the_view(
    views: list[tuple[list[ViewedOrder], list[ViewedOrder]]],
) -> None:
    differences, book = OrderDifferences(), OrderBook()
    for bids, asks in views:
        book.apply(events_of(list(differences.changes(bids, asks))))
        view = book.mbo(100, 0)
        for rows, wanted in ((view.bids, bids), (view.asks, asks)):
            assert [row[:4] for row in rows.tolist()] == [tuple(row) for row in wanted]
    assert not any(book.anomalies)
    book.check()


level_sides = st.dictionaries(
    st.integers(-3, 3),
    st.tuples(st.integers(1, 3), st.none() | st.integers(1, 2)),
    max_size=5,
).map(lambda side: [ViewedLevel(price, *row) for price, row in side.items()])


@relaxed
@given(views=st.lists(st.tuples(level_sides, level_sides), max_size=6))
def test_behind_each_view_the_levels_are_the_view(
    views: list[tuple[list[ViewedLevel], list[ViewedLevel]]],
) -> None:
    differences, book = LevelDifferences(), OrderBook()
    for bids, asks in views:
        book.apply(events_of(list(differences.changes(bids, asks))))
        view = book.mbp(100, 0)
        for rows, wanted in ((view.bids, bids), (view.asks, asks)):
            shown = {row[0]: (row[1], row[3]) for row in rows.tolist()}
            assert shown == {
                row.price: (row.size, -1 if row.order_count is None else row.order_count)
                for row in wanted
            }
    assert not any(book.anomalies)


def changes_between(before: list[ViewedOrder], after: list[ViewedOrder]) -> list[Change]:
    differences = OrderDifferences()
    list(differences.changes(before, []))
    return list(differences.changes(after, []))


QUEUE = [ViewedOrder(1, 100, 5, 10), ViewedOrder(2, 100, 5, 20), ViewedOrder(3, 100, 5, 30)]


def test_what_stays_is_left_alone() -> None:
    assert changes_between(QUEUE, QUEUE) == []
    assert changes_between(QUEUE, QUEUE[1:]) == [Change(Action.CANCEL, Side.BID, 1, 100, 5)]


def test_a_smaller_order_keeps_its_place() -> None:
    smaller = [QUEUE[0], QUEUE[1]._replace(size=2), QUEUE[2]]
    assert changes_between(QUEUE, smaller) == [Change(Action.CANCEL, Side.BID, 2, 100, 3)]


def test_a_larger_order_goes_to_the_back() -> None:
    larger = [QUEUE[0], QUEUE[2], QUEUE[1]._replace(size=9, ts_event=40)]
    assert changes_between(QUEUE, larger) == [Change(Action.MODIFY, Side.BID, 2, 100, 9, 40)]


def test_an_order_at_another_price_is_modified() -> None:
    moved = [QUEUE[0], QUEUE[1], QUEUE[2]._replace(price=99, ts_event=40)]
    assert changes_between(QUEUE, moved) == [Change(Action.MODIFY, Side.BID, 3, 99, 5, 40)]


def test_an_order_that_lost_its_place_as_it_is_is_entered_anew() -> None:
    requeued = [QUEUE[1], QUEUE[2], QUEUE[0]._replace(ts_event=40)]
    assert changes_between(QUEUE, requeued) == [
        Change(Action.CANCEL, Side.BID, 1, 100, 5),
        Change(Action.ADD, Side.BID, 1, 100, 5, 40),
    ]


def test_orders_that_changed_places_are_told_by_entering_the_later_one_anew() -> None:
    swapped = [QUEUE[1], QUEUE[0], QUEUE[2]]
    changes = changes_between(QUEUE, swapped)
    assert [(change.action, change.order_id) for change in changes] == [
        (Action.CANCEL, 1),
        (Action.ADD, 1),
        (Action.CANCEL, 3),
        (Action.ADD, 3),
    ]


def test_levels_without_a_count_are_told_so() -> None:
    (change,) = LevelDifferences().changes([ViewedLevel(5, 7, None)], [])
    assert change == Change(Action.LEVEL, Side.BID, NO_ORDER_COUNT, 5, 7)
