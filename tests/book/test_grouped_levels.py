"""Price levels merged into steps: bids round down, asks up, and no level is counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.book import OrderBook
from market_depth.events import NO_ORDER_COUNT, Action, BookStatus, Side
from market_depth.views import UNKNOWN
from support.book_strategies import FLOWS, NOW_NS, Flow, events_from
from support.flow import ASK, BID, Event, add, at, batch, batch_of, cancel, clear, set_level, status
from support.hypothesis_settings import relaxed
from support.naive_book import LevelRow, NaiveBook, Order, mean_age_ms

STEPS = st.one_of(st.integers(1, 7), st.sampled_from([10, 1000, 2**40]))
FLOW_NAMES = ["near one price", "one single price", "set levels", "extreme order ids"]


def with_few_orders(event: Event) -> Event:
    """Return *event* with an order count, if it is one, whose sums stay below 2^63."""
    if event.action != Action.LEVEL or event.order_id == NO_ORDER_COUNT:
        return event
    return event._replace(order_id=event.order_id % 2**40)


def grouped(oracle: NaiveBook, side: int, levels: int, step: int) -> list[LevelRow]:
    """Return the steps of a side, worked out from the plain book's levels and queues."""
    steps: dict[int, list[int]] = {}
    queues: dict[int, list[Order]] = {}
    for price, size, _, count, _ in oracle.mbp(1_000_000, NOW_NS)[side == Side.ASK]:
        place = price // step * step if side == Side.BID else -(-price // step) * step
        sums = steps.setdefault(place, [0, 0])
        sums[0] += size
        sums[1] = UNKNOWN if UNKNOWN in (sums[1], count) else sums[1] + count
        queues.setdefault(place, []).extend(oracle.queues[side].get(price, []))
    rows: list[LevelRow] = []
    total = 0
    for place, (size, count) in list(steps.items())[:levels]:
        total += size
        age_ms = mean_age_ms(queues[place], NOW_NS) if queues[place] else UNKNOWN
        rows.append((place, size, total, count, age_ms))
    return rows


@pytest.mark.parametrize("name", FLOW_NAMES)
@relaxed
@given(data=st.data(), step=STEPS, levels=st.sampled_from([1, 2, 5, 100]))
def test_steps_are_as_the_naive_books(
    name: str, data: st.DataObject, step: int, levels: int
) -> None:
    book, oracle = OrderBook(), NaiveBook()
    flow: Flow = FLOWS[name]
    event = events_from(flow).map(with_few_orders)
    events = data.draw(st.lists(event, min_size=5, max_size=60))
    book.apply(batch_of(events))
    oracle.apply(events)
    view = book.grouped_mbp(levels, step, NOW_NS)
    assert view.bids.tolist() == grouped(oracle, Side.BID, levels, step)
    assert view.asks.tolist() == grouped(oracle, Side.ASK, levels, step)


def test_bids_round_down_and_asks_up_on_either_side_of_zero() -> None:
    book = OrderBook()
    prices = (-11, -10, -9, -1)
    book.apply(batch_of([add(number, BID, price, 1) for number, price in enumerate(prices)]))
    book.apply(batch_of([add(9 + n, ASK, price, 1) for n, price in enumerate((0, 1, 10, 11))]))
    view = book.grouped_mbp(9, 10, NOW_NS)
    assert [row[:2] for row in view.bids.tolist()] == [(-10, 3), (-20, 1)]
    assert [row[:2] for row in view.asks.tolist()] == [(0, 1), (10, 2), (20, 1)]


def test_a_step_of_one_is_the_view_itself() -> None:
    book = OrderBook()
    book.apply(
        batch_of([add(number, BID, 100 - number // 2, 1 + number, 5) for number in range(9)])
    )
    merged, plain = book.grouped_mbp(3, 1, NOW_NS), book.mbp(3, NOW_NS)
    assert merged.bids.tolist() == plain.bids.tolist()


def test_an_empty_book_has_no_steps() -> None:
    view = OrderBook().grouped_mbp(5, 10, NOW_NS)
    assert (len(view.bids), len(view.asks)) == (0, 0)


def test_a_step_with_a_level_of_unknown_count_has_an_unknown_count() -> None:
    book = OrderBook()
    book.apply(batch(set_level(BID, 19, 5, 2), set_level(BID, 15, 5), set_level(BID, 9, 1, 4)))
    view = book.grouped_mbp(5, 10, NOW_NS)
    assert [(row[0], row[3]) for row in view.bids.tolist()] == [(10, UNKNOWN), (0, 4)]


def test_a_book_tells_when_its_last_change_happened() -> None:
    book = OrderBook()
    assert book.event_ns == 0
    book.apply(batch(at(5, add(1, BID, 100, 1))))
    assert book.event_ns == 5
    trade = Event(price=100, size=1, action=Action.TRADE, side=BID)
    unknown = at(9, cancel(99))
    for event in (at(7, trade), unknown, at(8, status(BookStatus.STALE))):
        book.apply(batch(event))
        assert book.event_ns == 5, "nothing has changed"
    book.apply(batch(at(4, clear())))
    assert book.event_ns == 4
