"""Many books at once: mixed events do to each book what they would do to it alone."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from market_depth.book import BookPolicy, Books, OrderBook
from market_depth.errors import BookError
from market_depth.events import Events
from support.compare import assert_same
from support.dense_flow import mixed_flow
from support.errors import one_line_error
from support.flow import BID, add, batch, events_of, of
from support.naive_book import NaiveBook

FAR_APART = [0, 1, 2, 77, 2**16, 2**31, 2**32 - 1]


def flow_of(ids: list[int], length: int, seed: int = 560) -> Events:
    """Return events of many instruments, each at work with the same order ids."""
    rng = np.random.default_rng(seed)
    events = mixed_flow(rng, length, ids=60, ticks=40)
    events["instrument_id"] = rng.choice(np.array(ids, np.uint32), length)
    return events


@pytest.mark.parametrize("few_or_many", [FAR_APART, list(range(1, 201))])
def test_each_book_is_as_if_it_were_alone(few_or_many: list[int]) -> None:
    books = Books(few_or_many, BookPolicy())
    oracles = {number: NaiveBook() for number in few_or_many}
    events = flow_of(few_or_many, 20_000)
    for part in np.array_split(events, 7):
        books.apply(part)
        for number, oracle in oracles.items():
            oracle.apply(events_of(part[part["instrument_id"] == number]))
    for number, oracle in oracles.items():
        assert_same(books[number], oracle, 10**9)


def test_books_grow_on_their_own_and_keep_what_they_hold() -> None:
    books = Books(FAR_APART, BookPolicy())
    orders = [
        of(number, add(order, BID, 100 + order, 1)) for order in range(3000) for number in FAR_APART
    ]
    books.apply(batch(*orders))
    for number in FAR_APART:
        books[number].check()
        assert (books[number].order_count, books[number].bid_depth) == (3000, 3000)


def test_a_book_among_many_can_be_fed_alone_in_between() -> None:
    books = Books([1, 2], BookPolicy())
    for order in range(5000):
        books[1].apply(batch(add(order, BID, 100, 1)))
        if order % 1000 == 0:
            books.apply(batch(of(1, add(10_000 + order, BID, 99, 1)), of(2, add(order, BID, 9, 1))))
    books[1].check()
    assert (books[1].order_count, books[2].order_count) == (5005, 5)


def test_no_events_are_nothing_to_any_number_of_books() -> None:
    Books([], BookPolicy()).apply(batch())
    books = Books([1], BookPolicy())
    books.apply(batch())
    assert books[1].sequence == 0


def test_an_unknown_instrument_is_refused_and_what_came_before_is_applied() -> None:
    books = Books([1], BookPolicy())
    with one_line_error(BookError, "99"):
        books.apply(batch(add(1, BID, 100, 5), of(99, add(1, BID, 100, 5)), add(2, BID, 100, 5)))
    assert books[1].order_count == 1


def test_what_are_no_events_is_refused() -> None:
    with one_line_error(BookError, "EVENT_DTYPE"):
        Books([1], BookPolicy()).apply(cast("Events", np.zeros(3)))


def test_events_in_another_memory_layout_are_events() -> None:
    books, alone = Books([1], BookPolicy()), OrderBook()
    events = flow_of([1], 2000)
    books.apply(events[::2])
    alone.apply(events[::2].copy())
    events.flags.writeable = False
    books.apply(events)
    alone.apply(events)
    assert books[1].mbp(100, 0).bids.tolist() == alone.mbp(100, 0).bids.tolist()
