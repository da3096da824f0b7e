"""The kernels of the simulated venue: who does what, and how it is matched.

Zero-intelligence order flow with a slowly wandering value, after

    J. D. Farmer, P. Patelli, I. Zovko: The predictive power of zero intelligence in financial
    markets (2005), https://doi.org/10.1073/pnas.0409157102
    J.-P. Bouchaud, M. Mézard, M. Potters: Statistical properties of stock order books (2002),
    https://doi.org/10.1088/1469-7688/2/4/301

Of every hundred activities, dealt like cards, 40 are new orders, 30 updates and 30 cancels.
What keeps the book stationary is the share of new orders that is marketable: it grows with the
number of resting orders. The value follows a random walk drawn back to where it began; buyers
are the more numerous the further the value is above the mid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.book.queues import (
    add_order,
    remove_order,
    requeue_order,
    resize_order,
)
from market_depth.book.state import ASKS, BIDS, NOWHERE, BookState
from market_depth.book.table import find_slot
from market_depth.events import Action, Events, Flag, Side
from market_depth.jit import int64, kernel

__all__ = ["ACTIVITIES", "DECK_SIZE", "FlowState", "generate", "seed_book"]

NEW, UPDATE, CANCEL = 0, 1, 2
ACTIVITIES = ((NEW, 40), (UPDATE, 30), (CANCEL, 30))
"""What a hundred activities are."""
DECK_SIZE = 100

WINDOW_NS = 300_000_000
"""Activities come in windows of the original's length, 1 to 2 × mean - 1 in each."""

MAX_ACTIVITY_EVENTS = 256
"""An activity writes fewer events than this: an aggressor is matched at most MAX_FILLS times."""
_MAX_FILLS = 80
_MIN_LEVELS = 3
"""An aggressor leaves this many levels of the other side."""

_MARKETABLE_SHARE = 0.12
"""Share of new orders that is marketable while the book holds its average of orders."""
_MAX_MARKETABLE_SHARE = 0.75
_TOUCH_SHARE = 0.07
"""Share of passive orders placed at the touch or inside the spread."""
_TAIL_SHARE = 0.08
"""Share of the others placed far away."""
_TAIL_FACTOR = 5.0
_SIZE_SIGMA = 1.1
"""Of the log-normal order sizes; a few percent are ten times the median and more."""
_BIAS_PER_TICK = 0.02
_MAX_BIAS = 0.30
_REVERSION = 2e-6
"""How much of its way back the value goes in one activity."""

_ADD, _CANCEL, _MODIFY = int(Action.ADD), int(Action.CANCEL), int(Action.MODIFY)
_TRADE, _FILL = int(Action.TRADE), int(Action.FILL)
_SIDE_BID, _SIDE_ASK = int(Side.BID), int(Side.ASK)
_LAST = int(Flag.LAST)

VENUE_DTYPE = np.dtype(
    [
        # The instrument
        ("instrument_id", np.int64),
        ("tick", np.int64),
        ("lot", np.int64),
        ("median_lots", np.float64),
        ("orders", np.int64),
        ("depth_ticks", np.float64),
        ("volatility_ticks", np.float64),
        ("base_ticks", np.float64),
        ("window_mean", np.float64),  # activities a window
        # Where the flow is
        ("value_ticks", np.float64),
        ("now_ns", np.int64),
        ("window_end_ns", np.int64),
        ("window_left", np.int64),  # activities yet to come in the window
        ("deck_left", np.int64),
        ("next_order_id", np.int64),
        ("sequence", np.int64),
        ("written", np.int64),  # events in the buffer at hand
        ("new_orders", np.int64),
        ("marketable", np.int64),  # of the new orders
        ("updates", np.int64),
        ("cancels", np.int64),
    ]
)


class FlowState(NamedTuple):
    """A simulated venue between two activities."""

    book: BookState
    venue: NDArray[np.void]
    deck: NDArray[np.int64]


@kernel
def write_event(
    venue: NDArray[np.void],
    events: Events,
    action: int,
    order_id: int,
    side: int,
    price: int,
    size: int,
) -> None:
    """Append one event."""
    state = venue[0]
    event = events[state.written]
    event.ts_event = state.now_ns
    event.ts_recv = state.now_ns
    event.order_id = order_id
    event.price = price
    event.size = size
    event.sequence = state.sequence
    event.instrument_id = state.instrument_id
    event.action = action
    event.side = _SIDE_BID if side == BIDS else _SIDE_ASK
    event.flags = 0
    state.sequence += 1
    state.written += 1


@kernel
def best_price(book: BookState, side: int) -> int:
    """Return the best price of a side that has one."""
    return book.levels[book.places[side, book.depth[side] - 1]].price


@kernel
def random_size(rng: np.random.Generator, venue: NDArray[np.void]) -> int:
    """Return an order size: many small, few large, often a round number of lots."""
    state = venue[0]
    lots = state.median_lots * np.exp(_SIZE_SIGMA * rng.standard_normal())
    if lots >= 20.0 and rng.random() < 0.5:
        lots = np.round(lots / 10.0) * 10.0
    return max(int64(lots), 1) * state.lot


@kernel
def passive_price(
    rng: np.random.Generator, venue: NDArray[np.void], side: int, best_bid: int, best_ask: int
) -> int:
    """Return a price at which an order of *side* rests without crossing."""
    state = venue[0]
    spread = (best_ask - best_bid) // state.tick
    if rng.random() < _TOUCH_SHARE:
        distance = 1 + int64(rng.random() * spread)
    else:
        # Gamma distributed with shape 3: most orders come in `depth_ticks` behind the touch.
        behind = rng.standard_exponential() + rng.standard_exponential()
        behind = (behind + rng.standard_exponential()) * state.depth_ticks / 2.0
        if rng.random() < _TAIL_SHARE:
            behind *= _TAIL_FACTOR
        distance = spread + int64(behind)
    if side == BIDS:
        return max(best_ask - distance * state.tick, state.tick)
    return best_bid + distance * state.tick


@kernel
def random_side(rng: np.random.Generator, book: BookState, venue: NDArray[np.void]) -> int:
    """Return who acts: buyers the more often the further the value is above the mid."""
    state = venue[0]
    mid_ticks = (best_price(book, BIDS) + best_price(book, ASKS)) / (2.0 * state.tick)
    bias = _BIAS_PER_TICK * (state.value_ticks - mid_ticks)
    bias = min(max(bias, -_MAX_BIAS), _MAX_BIAS)
    return BIDS if rng.random() < 0.5 + bias else ASKS


@kernel
def random_order(rng: np.random.Generator, book: BookState) -> int:
    """Return a resting order, each as likely as any other."""
    used = book.totals[0].orders_used
    while True:
        order = int64(rng.random() * used)
        if book.orders[order].level != NOWHERE:
            return order


@kernel
def rest_order(flow: FlowState, events: Events, side: int, price: int, size: int) -> None:
    """Let a new order rest."""
    state = flow.venue[0]
    order_id = state.next_order_id
    state.next_order_id += 1
    add_order(flow.book, np.uint64(order_id), side, price, size, state.now_ns)
    write_event(flow.venue, events, _ADD, order_id, side, price, size)


@kernel
def match_order(flow: FlowState, events: Events, side: int, limit: int, size: int) -> int:
    """Execute an aggressor against the other side by price and time; return what is left."""
    book = flow.book
    other = ASKS if side == BIDS else BIDS
    aggressor_id = flow.venue[0].next_order_id
    flow.venue[0].next_order_id += 1
    for _ in range(_MAX_FILLS):
        if size == 0 or book.depth[other] <= _MIN_LEVELS:
            break
        price = best_price(book, other)
        if (price > limit) if side == BIDS else (price < limit):
            break
        order = int64(book.levels[book.places[other, book.depth[other] - 1]].head)
        record = book.orders[order]
        order_id = record.order_id
        resting = record.size
        filled = min(size, resting)
        write_event(flow.venue, events, _TRADE, aggressor_id, side, price, filled)
        write_event(flow.venue, events, _FILL, int64(order_id), other, price, filled)
        write_event(flow.venue, events, _CANCEL, int64(order_id), other, price, filled)
        if filled == resting:
            remove_order(book, find_slot(book.table, order_id))
        else:
            resize_order(book, order, resting - filled)
        size -= filled
    return size


@kernel
def new_order(rng: np.random.Generator, flow: FlowState, events: Events) -> None:
    """A new order comes in: marketable, or to rest."""
    book = flow.book
    state = flow.venue[0]
    state.new_orders += 1
    side = random_side(rng, book, flow.venue)
    best_bid = best_price(book, BIDS)
    best_ask = best_price(book, ASKS)
    size = random_size(rng, flow.venue)
    fullness = book.totals[0].orders / state.orders
    share = min(_MARKETABLE_SHARE * fullness**6, _MAX_MARKETABLE_SHARE)
    if rng.random() >= share:
        price = passive_price(rng, flow.venue, side, best_bid, best_ask)
        rest_order(flow, events, side, price, size)
        return
    state.marketable += 1
    through = int64(rng.random() * 3.0) * state.tick
    limit = best_ask + through if side == BIDS else best_bid - through
    before = state.written
    left = match_order(flow, events, side, limit, size)
    other = ASKS if side == BIDS else BIDS
    price = best_price(book, other)
    is_clear = price > limit if side == BIDS else price < limit
    if state.written == before or (left > 0 and is_clear):
        if not is_clear:
            limit = passive_price(rng, flow.venue, side, best_bid, best_ask)
        rest_order(flow, events, side, limit, left)


@kernel
def update_order(rng: np.random.Generator, flow: FlowState, events: Events) -> None:
    """A resting order gets another size, or another price near the touch."""
    book = flow.book
    state = flow.venue[0]
    state.updates += 1
    order = random_order(rng, book)
    record = book.orders[order]
    level = book.levels[record.level]
    side = level.side
    price = level.price
    size = record.size
    order_id = int64(record.order_id)
    if rng.random() < 0.5:
        best_bid = best_price(book, BIDS)
        best_ask = best_price(book, ASKS)
        price = passive_price(rng, flow.venue, side, best_bid, best_ask)
    elif rng.random() < 0.6 and size > state.lot:
        size = (1 + int64(rng.random() * (size // state.lot - 1))) * state.lot
    else:
        size += random_size(rng, flow.venue)
        if size > 50.0 * state.median_lots * state.lot:
            size = random_size(rng, flow.venue)
    if price == level.price and size <= record.size:
        resize_order(book, order, size)
    else:
        requeue_order(book, order, side, price, size, state.now_ns)
    write_event(flow.venue, events, _MODIFY, order_id, side, price, size)


@kernel
def cancel_order(rng: np.random.Generator, flow: FlowState, events: Events) -> None:
    """A resting order goes; a side keeps its last levels."""
    book = flow.book
    flow.venue[0].cancels += 1
    order = random_order(rng, book)
    while book.depth[book.levels[book.orders[order].level].side] <= _MIN_LEVELS:
        order = random_order(rng, book)
    record = book.orders[order]
    level = book.levels[record.level]
    side = level.side
    price = level.price
    size = record.size
    order_id = record.order_id
    remove_order(book, find_slot(book.table, order_id))
    write_event(flow.venue, events, _CANCEL, int64(order_id), side, price, size)


@kernel
def next_time(rng: np.random.Generator, venue: NDArray[np.void]) -> None:
    """Move on to the time of the next activity, through empty windows if need be.

    The activities of a window are uniformly spread: the next of k order statistics.
    """
    state = venue[0]
    while state.window_left == 0:
        state.now_ns = state.window_end_ns
        state.window_end_ns += WINDOW_NS
        mean = state.window_mean
        if mean >= 1.0:
            state.window_left = 1 + int64(rng.random() * (2.0 * mean - 1.0))
        elif rng.random() < mean:
            state.window_left = 1
    left_ns = state.window_end_ns - state.now_ns
    state.now_ns += int64(left_ns * (1.0 - rng.random() ** (1.0 / state.window_left)))
    state.window_left -= 1


@kernel
def deal(rng: np.random.Generator, venue: NDArray[np.void], deck: NDArray[np.int64]) -> int:
    """Return the next activity: without replacement, so that the shares are kept exactly."""
    state = venue[0]
    if state.deck_left == 0:
        state.deck_left = len(deck)
    card = int64(rng.random() * state.deck_left)
    state.deck_left -= 1
    activity = deck[card]
    deck[card] = deck[state.deck_left]
    deck[state.deck_left] = activity
    return activity


@kernel
def seed_book(rng: np.random.Generator, flow: FlowState, events: Events) -> None:
    """Fill an empty book with an order an event, around the base price."""
    state = flow.venue[0]
    state.written = 0
    best_ask = int64(state.base_ticks) * state.tick
    best_bid = best_ask - state.tick
    for place in range(len(events)):
        side = BIDS if place % 2 else ASKS
        price = passive_price(rng, flow.venue, side, best_bid, best_ask)
        rest_order(flow, events, side, price, random_size(rng, flow.venue))


@kernel
def generate(rng: np.random.Generator, flow: FlowState, events: Events) -> int:
    """Fill *events* with whole activities; return how many events there are.

    The caller makes sure that the book has room for as many orders and levels as events.
    """
    state = flow.venue[0]
    state.written = 0
    while state.written + MAX_ACTIVITY_EVENTS <= len(events):
        next_time(rng, flow.venue)
        pull = _REVERSION * (state.base_ticks - state.value_ticks)
        state.value_ticks += pull + state.volatility_ticks * rng.standard_normal()
        activity = deal(rng, flow.venue, flow.deck)
        if activity == NEW:
            new_order(rng, flow, events)
        elif activity == UPDATE:
            update_order(rng, flow, events)
        else:
            cancel_order(rng, flow, events)
        events[state.written - 1].flags = _LAST
    return state.written
