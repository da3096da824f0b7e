"""Order flow drawn with NumPy: far more events than Hypothesis can draw, from a seed."""

from __future__ import annotations

import numpy as np

from market_depth.events import Action, Events, Flag, Side, empty_events
from support.book_strategies import NOW_NS


def resting_orders(rng: np.random.Generator, count: int, ticks: int, crowd: float) -> Events:
    """Return ADDs of orders with distinct ids, bids below 0 and asks above it.

    Args:
        rng: where the randomness comes from.
        count: how many orders.
        ticks: how many prices a side.
        crowd: share of the orders that queue at the best price of their side.
    """
    events = empty_events(count)
    events["action"] = Action.ADD
    events["flags"] = Flag.LAST
    events["order_id"] = rng.permutation(count) + 1
    is_bid = rng.random(count) < 0.5
    events["side"] = np.where(is_bid, Side.BID, Side.ASK)
    distance = np.where(rng.random(count) < crowd, 1, rng.integers(1, ticks + 1, count))
    events["price"] = np.where(is_bid, -distance, distance)
    events["size"] = rng.integers(1, 1000, count)
    events["ts_event"] = NOW_NS - rng.integers(0, 10**12, count)
    return events


def mixed_flow(rng: np.random.Generator, count: int, ids: int, ticks: int) -> Events:
    """Return ADDs, MODIFYs and CANCELs of orders with ids from 1 to *ids*."""
    events = empty_events(count)
    actions = [Action.ADD, Action.MODIFY, Action.CANCEL]
    events["action"] = rng.choice(actions, count, p=[0.5, 0.25, 0.25])
    events["flags"] = Flag.LAST
    events["order_id"] = rng.integers(1, ids + 1, count)
    events["side"] = rng.choice([Side.BID, Side.ASK], count)
    events["price"] = rng.integers(0, ticks, count)
    events["size"] = rng.integers(0, 20, count)
    events["ts_event"] = NOW_NS - rng.integers(0, 10**12, count)
    return events
