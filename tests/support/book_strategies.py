"""Hypothesis strategies for what a book may be handed, likely or not."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from market_depth.book import BookPolicy, DuplicateAdd, UnknownModify
from market_depth.events import NO_ORDER_COUNT, Action, Side
from support.flow import Event
from support.naive_book import HIGHEST_PRICE, LOWEST_PRICE

Weights = dict[int, int]
"""How often an action comes, among all."""

ORDER_FLOW: Weights = {
    Action.ADD: 40,
    Action.MODIFY: 22,
    Action.CANCEL: 25,
    Action.TRADE: 3,
    Action.FILL: 3,
    Action.NONE: 2,
    Action.LEVEL: 3,
    Action.CLEAR: 1,
    0: 1,
    255: 1,
}
LEVEL_FLOW: Weights = {
    Action.LEVEL: 85,
    Action.ADD: 5,
    Action.CANCEL: 3,
    Action.MODIFY: 3,
    Action.TRADE: 2,
    Action.CLEAR: 2,
}

POLICIES = [BookPolicy(adds, modifies) for adds in DuplicateAdd for modifies in UnknownModify]

NOW_NS = 1_750_000_000_000_000_000
_HOUR_NS = 3_600_000_000_000

SIZES = st.one_of(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 2**50),
    st.sampled_from([0, 0, 0, -1, -(2**63)]),
)
TIMES = st.one_of(
    st.integers(NOW_NS - _HOUR_NS, NOW_NS),
    st.integers(NOW_NS - 999_999, NOW_NS + 2_000_000),
    st.integers(0, 2**63 - 1),
)
UNDEFINED_PRICES = st.sampled_from([LOWEST_PRICE - 1, HIGHEST_PRICE + 1])


FEW_ORDERS = st.integers(1, 40)


@dataclass(frozen=True)
class Flow:
    """What a sequence of events is drawn from."""

    prices: st.SearchStrategy[int]
    order_ids: st.SearchStrategy[int] = FEW_ORDERS
    is_by_price: bool = False
    """Whether most events set levels."""

    def actions(self) -> list[int]:
        """Return every action as often as it weighs."""
        weights = LEVEL_FLOW if self.is_by_price else ORDER_FLOW
        return [action for action, weight in weights.items() for _ in range(weight)]


FLOWS = {
    "near one price": Flow(st.integers(-3, 20)),
    "one single price": Flow(st.just(10_245)),
    "two prices, few orders": Flow(st.integers(0, 1), st.integers(1, 4)),
    "wildly spread prices": Flow(
        st.one_of(
            st.integers(LOWEST_PRICE, HIGHEST_PRICE),
            st.sampled_from([LOWEST_PRICE, HIGHEST_PRICE, -1, 0, 1]),
        )
    ),
    "extreme order ids": Flow(
        st.integers(100, 110),
        st.one_of(
            st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]),
            # Multiples of 2^60 all have their home in the table's first slot.
            st.integers(0, 15).map(lambda number: number << 60),
            st.integers(0, 2**64 - 1),
        ),
    ),
    "set levels": Flow(
        st.integers(50, 75),
        st.one_of(st.integers(0, 2**63 - 1), st.just(NO_ORDER_COUNT)),
        is_by_price=True,
    ),
}


def events_from(flow: Flow) -> st.SearchStrategy[Event]:
    """Draw one event of a flow."""
    sides = [*[Side.BID] * 9, *[Side.ASK] * 9, Side.NONE]
    return st.tuples(
        st.sampled_from(flow.actions()),
        flow.order_ids,
        st.sampled_from(sides),
        st.one_of(*[flow.prices] * 15, UNDEFINED_PRICES),
        SIZES,
        TIMES,
    ).map(_event)


def _event(fields: tuple[int, int, int, int, int, int]) -> Event:
    action, order_id, side, price, size, ts_event = fields
    if action == Action.CANCEL:
        size = max(size, 0)
    if action == Action.LEVEL and order_id >= 2**63:
        order_id = NO_ORDER_COUNT
    return Event(
        ts_event=ts_event, order_id=order_id, price=price, size=size, action=action, side=side
    )


def batches_from(flow: Flow) -> st.SearchStrategy[list[list[Event]]]:
    """Draw a long sequence of events in batches, some of them short or empty."""
    event = events_from(flow)
    batch = st.one_of(st.lists(event, max_size=8), st.lists(event, min_size=30, max_size=90))
    return st.lists(batch, min_size=4, max_size=8)
