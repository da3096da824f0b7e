"""Simulated venues for tests, and how their events are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from market_depth.events import Events, Flag
from market_depth.simulator import SimulatedVenue, load_profiles

SYMBOLS = ("BTCUSD", "ETHUSD", "ADAUSD")
BEGIN_NS = 1_757_996_306_000_000_000


def venue_of(symbol: str = "BTCUSD", *, seed: int = 1, rate_hz: float = 15.0) -> SimulatedVenue:
    return SimulatedVenue(load_profiles()[symbol], rate_hz=rate_hz, seed=seed, begin_ns=BEGIN_NS)


def take(chunks: Iterator[Events], count: int) -> Events:
    """Return at least *count* events, whole chunks."""
    taken: list[Events] = []
    while sum(map(len, taken)) < count:
        taken.append(next(chunks))
    return np.concatenate(taken)


def flow_of(symbol: str = "BTCUSD", count: int = 30_000, *, seed: int = 1) -> Events:
    """Return what a venue does after its first book: at least *count* events."""
    chunks = venue_of(symbol, seed=seed).chunks()
    next(chunks)
    return take(chunks, count)


def change_ends(events: Events) -> NDArray[np.int64]:
    """Return the places behind each event that ends a change."""
    return np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1


def first_actions(events: Events) -> NDArray[np.uint8]:
    """Return the action with which each change begins.

    That tells a venue's activities apart: a new order is an ADD, or if it is marketable a TRADE
    first; an update is one MODIFY; a cancel is one CANCEL (those of trades come behind a TRADE).
    """
    starts = np.concatenate([[0], change_ends(events)[:-1]])
    actions: NDArray[np.uint8] = events["action"][starts]
    return actions
