"""What a book does with each kind of event, by example."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from market_depth.book import BookPolicy, DuplicateAdd, OrderBook, UnknownModify
from market_depth.errors import BookError
from market_depth.events import EVENT_DTYPE, Action, Flag, Side
from market_depth.views import LEVEL_DTYPE, ORDER_DTYPE, UNKNOWN, View
from support.flow import ASK, BID, Event, add, batch, cancel, clear, modify, set_level

MS = 1_000_000


def book_of(*events: Event, policy: BookPolicy | None = None) -> OrderBook:
    book = OrderBook(policy) if policy else OrderBook()
    book.apply(batch(*events))
    book.check()
    return book


def queue(book: OrderBook, side: Side = BID) -> list[int]:
    """Return the ids of a side's orders, best price first, then in priority."""
    view = book.mbo(100, 0)
    ids: list[int] = (view.bids if side is BID else view.asks)["order_id"].tolist()
    return ids


def column(view: View, name: str) -> tuple[list[int], list[int]]:
    return view.bids[name].tolist(), view.asks[name].tolist()


def test_an_empty_book_shows_rows_of_the_right_kind_and_none() -> None:
    book = OrderBook()
    for view, dtype in ((book.mbp(5, 0), LEVEL_DTYPE), (book.mbo(5, 0), ORDER_DTYPE)):
        assert view.bids.dtype == view.asks.dtype == dtype
        assert len(view.bids) == len(view.asks) == 0
    assert book.bbo(0).bids.tolist() == []
    assert not book.is_crossed_or_locked
    assert not book.is_by_price
    assert (book.sequence, book.order_count, book.bid_depth, book.ask_depth) == (0, 0, 0, 0)
    book.check()


def test_levels_are_shown_best_first_on_either_side() -> None:
    book = book_of(
        *(add(price, BID, price, 1) for price in (98, 100, 99)),
        *(add(price, ASK, price, 1) for price in (103, 101, 102)),
    )
    assert column(book.mbp(10, 0), "price") == ([100, 99, 98], [101, 102, 103])
    assert column(book.mbp(2, 0), "price") == ([100, 99], [101, 102])
    assert column(book.bbo(0), "price") == ([100], [101])


def test_a_level_shows_its_own_and_the_cumulative_size() -> None:
    book = book_of(add(1, BID, 100, 5), add(2, BID, 100, 7), add(3, BID, 99, 30))
    rows = book.mbp(2, 0).bids
    assert rows["size"].tolist() == [12, 30]
    assert rows["total_size"].tolist() == [12, 42]
    assert rows["order_count"].tolist() == [2, 1]


def test_orders_queue_in_the_order_of_their_coming() -> None:
    book = book_of(add(7, BID, 100, 1), add(3, BID, 100, 1), add(5, BID, 101, 1))
    assert queue(book) == [5, 7, 3]


def test_mbo_shows_every_order_of_the_best_levels_and_no_other() -> None:
    book = book_of(add(1, ASK, 101, 4, 3 * MS), add(2, ASK, 101, 6, 5 * MS), add(3, ASK, 102, 9, 0))
    rows = book.mbo(1, 10 * MS).asks
    assert rows.tolist() == [(1, 101, 4, 3 * MS, 7), (2, 101, 6, 5 * MS, 5)]


def test_the_mean_age_is_that_of_the_levels_orders() -> None:
    book = book_of(add(1, BID, 100, 1, 1 * MS), add(2, BID, 100, 99, 4 * MS))
    assert book.mbp(1, 10 * MS).bids["mean_age_ms"].tolist() == [7]  # of 9 and 6, rounded down


def test_no_age_is_below_zero() -> None:
    book = book_of(add(1, BID, 100, 1, 9 * MS))
    assert book.mbp(1, 2 * MS).bids["mean_age_ms"].tolist() == [0]
    assert book.mbo(1, 2 * MS).bids["age_ms"].tolist() == [0]


@pytest.mark.parametrize(
    ("size", "expected"), [(1, [(1, 9), (2, 5)]), (0, [(2, 5)]), (10, [(2, 5)]), (11, [(2, 5)])]
)
def test_a_cancel_takes_its_size_and_all_if_it_is_0_or_enough(
    size: int, expected: list[tuple[int, int]]
) -> None:
    book = book_of(add(1, BID, 100, 10), add(2, BID, 100, 5), cancel(1, size))
    rows = book.mbo(1, 0).bids
    assert rows[["order_id", "size"]].tolist() == expected
    assert book.anomalies.oversized_cancels == (size == 11)


def test_the_last_order_takes_its_level_with_it() -> None:
    book = book_of(add(1, BID, 100, 10), add(2, BID, 99, 5), cancel(1))
    assert column(book.mbp(5, 0), "price") == ([99], [])
    assert not book.holds(1)
    assert book.holds(2)


@pytest.mark.parametrize("size", [5, 4, 1])
def test_a_modify_to_the_same_or_less_size_keeps_the_place_and_the_time(size: int) -> None:
    book = book_of(add(1, BID, 100, 5, 10), add(2, BID, 100, 5, 20), modify(1, BID, 100, size, 30))
    assert book.mbo(1, 0).bids[["order_id", "size", "ts_event"]].tolist() == [
        (1, size, 10),
        (2, 5, 20),
    ]


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        (modify(1, BID, 100, 6, 30), ([(2, 100, 20), (1, 100, 30)], [])),
        (modify(1, BID, 99, 5, 30), ([(2, 100, 20), (1, 99, 30)], [])),
        (modify(1, BID, 101, 2, 30), ([(1, 101, 30), (2, 100, 20)], [])),
        (modify(1, ASK, 100, 5, 30), ([(2, 100, 20)], [(1, 100, 30)])),
    ],
    ids=["more size", "lower price", "better price", "other side"],
)
def test_a_modify_to_more_or_elsewhere_costs_the_place(
    changed: Event, shown: tuple[list[Any], list[Any]]
) -> None:
    book = book_of(add(1, BID, 100, 5, 10), add(2, BID, 100, 5, 20), changed)
    view = book.mbo(5, 0)
    fields = ["order_id", "price", "ts_event"]
    assert (view.bids[fields].tolist(), view.asks[fields].tolist()) == shown


def test_a_modify_to_size_0_removes_the_order() -> None:
    book = book_of(add(1, BID, 100, 5), modify(1, BID, 100, 0))
    assert book.order_count == 0
    assert book.sequence == 2


def test_clear_empties_the_book_and_counts_as_one_change() -> None:
    book = book_of(add(1, BID, 100, 5), add(2, ASK, 101, 5), clear())
    assert (book.order_count, book.bid_depth, book.ask_depth) == (0, 0, 0)
    assert not book.holds(1)
    assert book.sequence == 3
    book.apply(batch(add(1, ASK, 90, 7)))
    assert column(book.mbp(5, 0), "size") == ([], [7])
    assert book.anomalies.duplicate_adds == 0


@pytest.mark.parametrize("action", [Action.TRADE, Action.FILL, Action.NONE])
def test_trades_and_fills_leave_the_book_as_it_is(action: Action) -> None:
    told = Event(action=action, order_id=1, side=BID, price=100, size=2)
    book = book_of(add(1, BID, 100, 5), told)
    assert column(book.mbp(5, 0), "size") == ([5], [])
    assert book.sequence == 1
    assert book.trade_count == (action is Action.TRADE)


def test_sequence_counts_changes_and_nothing_else() -> None:
    book = book_of(
        add(1, BID, 100, 5),
        cancel(1, 2),
        cancel(99),  # unknown
        Event(action=Action.TRADE),
        add(2, Side.NONE, 100, 5),  # invalid
        modify(1, BID, 100, 3),
    )
    assert book.sequence == 3


@pytest.mark.parametrize(
    ("policy", "ids", "sequence"),
    [(DuplicateAdd.REPLACE, [2, 1], 3), (DuplicateAdd.IGNORE, [1, 2], 2)],
)
def test_a_duplicate_add_follows_the_policy(
    policy: DuplicateAdd, ids: list[int], sequence: int
) -> None:
    again = add(1, BID, 100, 8)
    book = book_of(
        add(1, BID, 100, 5), add(2, BID, 100, 5), again, policy=BookPolicy(duplicate_add=policy)
    )
    assert (queue(book), book.sequence) == (ids, sequence)
    assert book.anomalies.duplicate_adds == 1


@pytest.mark.parametrize(("policy", "ids"), [(UnknownModify.ADD, [1]), (UnknownModify.IGNORE, [])])
def test_an_unknown_modify_follows_the_policy(policy: UnknownModify, ids: list[int]) -> None:
    book = book_of(modify(1, BID, 100, 5), policy=BookPolicy(unknown_modify=policy))
    assert (queue(book), book.sequence) == (ids, len(ids))
    assert book.anomalies.unknown_modifies == 1


@pytest.mark.parametrize("order_id", [0, 2**63, 2**64 - 1])
def test_any_64_bits_are_an_order_id(order_id: int) -> None:
    book = book_of(add(order_id, BID, 100, 5))
    assert queue(book) == [order_id]
    assert book.holds(order_id)


@pytest.mark.parametrize(
    "event",
    [
        add(2, Side.NONE, 100, 5),
        add(2, BID, 100, 0),
        add(2, BID, 100, -1),
        add(2, BID, 2**63 - 1, 5),
        add(2, ASK, -(2**63), 5),
        modify(1, BID, 2**63 - 1, 5),
        modify(1, Side.NONE, 100, 5),
        modify(1, BID, 100, -5),
        Event(action=0),
        Event(action=ord("a")),
    ],
    ids=str,
)
def test_an_invalid_event_is_counted_and_changes_nothing(event: Event) -> None:
    book = book_of(add(1, BID, 100, 5), event)
    assert column(book.mbo(5, 0), "size") == ([5], [])
    assert book.sequence == 1
    assert book.anomalies.invalid_events == 1


def test_a_set_level_is_absolute_and_has_no_orders() -> None:
    book = book_of(
        set_level(BID, 100, 50, count=3), set_level(BID, 100, 20), set_level(ASK, 101, 9, 2)
    )
    assert book.is_by_price
    view = book.mbp(5, 10**18)
    assert view.bids.tolist() == [(100, 20, 20, UNKNOWN, UNKNOWN)]
    assert view.asks.tolist() == [(101, 9, 9, 2, UNKNOWN)]
    assert len(book.mbo(5, 0).bids) == 0
    book.apply(batch(set_level(BID, 100, 0), set_level(BID, 77, 0)))
    assert column(book.mbp(5, 0), "price") == ([], [101])
    assert book.anomalies.unknown_cancels == 1


def test_orders_and_set_levels_do_not_mix() -> None:
    by_order = book_of(add(1, BID, 100, 5), set_level(BID, 100, 50))
    assert column(by_order.mbp(5, 0), "size") == ([5], [])
    by_price = book_of(set_level(BID, 100, 50), add(1, BID, 100, 5), modify(2, ASK, 101, 1))
    assert column(by_price.mbp(5, 0), "size") == ([50], [])
    assert by_order.anomalies.mixed_events == 1
    assert by_price.anomalies.mixed_events == 2
    by_price.apply(batch(clear(), add(1, BID, 100, 5)))
    assert not by_price.is_by_price
    assert queue(by_price) == [1]


@pytest.mark.parametrize(("ask", "expected"), [(101, False), (100, True), (99, True)])
def test_a_crossed_or_locked_book_says_so(ask: int, expected: bool) -> None:
    book = book_of(add(1, BID, 100, 5), add(2, ASK, ask, 5))
    assert book.is_crossed_or_locked is expected


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [(1, 2)],
        np.zeros(3),
        np.zeros((2, 2), EVENT_DTYPE),
        np.zeros(2, EVENT_DTYPE.descr[:3]),
    ],
    ids=["none", "list", "floats", "two-dimensional", "fewer fields"],
)
def test_what_is_no_array_of_events_is_refused(wrong: Any) -> None:
    book = book_of(add(1, BID, 100, 5))
    with pytest.raises(BookError, match="one-dimensional array of EVENT_DTYPE"):
        book.apply(wrong)
    assert (book.sequence, queue(book)) == (1, [1])


def test_events_may_be_read_only_and_lie_apart_in_memory() -> None:
    events = batch(add(1, BID, 100, 5), add(2, BID, 101, 5), add(3, BID, 102, 5))
    read_only = np.frombuffer(events.tobytes(), EVENT_DTYPE)
    spread = np.repeat(events, 2)[::2]
    backwards = events[::-1].copy()[::-1]
    for variant in (read_only, spread, backwards):
        book = OrderBook()
        book.apply(variant)
        assert queue(book) == [3, 2, 1]


def test_an_empty_batch_changes_nothing() -> None:
    book = book_of(add(1, BID, 100, 5))
    book.apply(batch())
    assert (book.sequence, queue(book)) == (1, [1])


def test_flags_do_not_matter_to_the_book() -> None:
    flags = Flag.SNAPSHOT | Flag.MAYBE_BAD_BOOK
    assert queue(book_of(add(1, BID, 100, 5)._replace(flags=flags))) == [1]


def test_a_book_that_starts_without_room_grows() -> None:
    book = OrderBook(orders=0, levels=0)
    book.apply(batch(add(1, BID, 100, 5), add(2, ASK, 101, 5)))
    assert (book.bid_depth, book.ask_depth) == (1, 1)


def test_a_cancel_of_less_than_nothing_is_invalid() -> None:
    book = OrderBook()
    book.apply(batch(add(1, BID, 100, 5), cancel(1, -3)))
    assert (book.order_count, book.sequence) == (1, 1)
    assert book.anomalies.invalid_events == 1


def test_a_level_with_more_orders_than_can_be_has_an_unknown_number() -> None:
    book = OrderBook()
    book.apply(batch(set_level(BID, 100, 5, 2**63)))
    assert book.mbp(1, 0).bids["order_count"].tolist() == [UNKNOWN]
