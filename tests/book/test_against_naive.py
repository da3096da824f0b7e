"""The book beside a plain one: every view, sum and counter agrees after every batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_depth.book import BookPolicy, OrderBook
from market_depth.events import Action, Events
from support.book_strategies import FLOWS, NOW_NS, POLICIES, Flow, batches_from
from support.compare import assert_same
from support.dense_flow import mixed_flow, resting_orders
from support.flow import batch_of, events_of
from support.hypothesis_settings import relaxed
from support.naive_book import NaiveBook


def play(book: OrderBook, oracle: NaiveBook, batches: list[Events]) -> None:
    """Hand batches to both books, and compare them after each."""
    for events in batches:
        book.apply(events)
        oracle.apply(events_of(events))
        assert_same(book, oracle, NOW_NS)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
@settings(relaxed, max_examples=50)
@given(data=st.data())
def test_every_view_is_as_the_naive_books(flow: Flow, data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(POLICIES), "policy")
    batches = data.draw(batches_from(flow), "batches")
    play(OrderBook(policy), NaiveBook(policy), [batch_of(events) for events in batches])


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
@settings(relaxed, max_examples=30)
@given(data=st.data())
def test_a_book_that_grows_within_a_batch_loses_nothing(flow: Flow, data: st.DataObject) -> None:
    policy = data.draw(st.sampled_from(POLICIES), "policy")
    batches = data.draw(batches_from(flow), "batches")
    whole = batch_of(event for events in batches for event in events)
    play(OrderBook(policy, orders=1, levels=1), NaiveBook(policy), [whole])


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_long_life_leaves_no_trace(policy: BookPolicy) -> None:
    rng = np.random.default_rng(560)
    events = mixed_flow(rng, 40_000, ids=1500, ticks=80)
    events["action"][rng.integers(0, len(events), 4)] = Action.CLEAR
    play(OrderBook(policy, orders=1, levels=1), NaiveBook(policy), np.array_split(events, 12))


def test_a_hundred_thousand_orders_rest_at_once() -> None:
    rng = np.random.default_rng(812)
    count = 100_000
    book, oracle = OrderBook(), NaiveBook()
    play(book, oracle, [resting_orders(rng, count, ticks=3000, crowd=0.25)])
    assert book.order_count == count
    at_the_touch = int(book.bbo(NOW_NS).bids["order_count"][0])
    assert at_the_touch * (NOW_NS // 1000) > 2**63, "the sum of the times has not wrapped around"

    play(book, oracle, [mixed_flow(rng, 20_000, ids=count, ticks=3000)])
    assert book.order_count > 90_000
