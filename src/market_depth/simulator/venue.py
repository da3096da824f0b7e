"""A simulated venue for one instrument, as a source of events."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from market_depth.book.look import orders_of
from market_depth.book.state import ASKS, BIDS, grown, new_state
from market_depth.book.table import rebuild_table
from market_depth.events import Action, Events, Flag, Side, empty_events
from market_depth.instruments import Instrument
from market_depth.simulator.flow import (
    ACTIVITIES,
    MAX_ACTIVITY_EVENTS,
    VENUE_DTYPE,
    WINDOW_NS,
    FlowState,
    generate,
    seed_book,
)
from market_depth.simulator.profiles import Profile

__all__ = ["SimulatedVenue"]

_CHUNK_EVENTS = 4096
_FIRST_ORDER_ID = 1_000_001
_WARM_UP_TURNOVERS = 20
"""Activities per resting order before the market is shown."""


class SimulatedVenue:
    """Endless order flow in one instrument; the same arguments give the same events.

    Args:
        profile: the instrument.
        rate_hz: activities a second on the average.
        seed: of the random numbers; each symbol draws its own.
        begin_ns: when the market begins, ns since 1970 UTC.
        chunk_events: about how many events a chunk has.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        rate_hz: float,
        seed: int,
        begin_ns: int,
        chunk_events: int = _CHUNK_EVENTS,
    ) -> None:
        self._profile = profile
        self._rate_hz = rate_hz
        self._seed = seed
        self._begin_ns = begin_ns
        self._chunk_events = max(chunk_events, 2 * MAX_ACTIVITY_EVENTS)
        self._flow = self._new_flow()

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The one instrument."""
        return [self._profile.instrument]

    @property
    def activities(self) -> dict[str, int]:
        """How many new_orders, of them marketable, updates and cancels there have been."""
        venue = self._flow.venue[0]
        names = ("new_orders", "marketable", "updates", "cancels")
        return {name: int(venue[name]) for name in names}

    def chunks(self) -> Iterator[Events]:
        """Yield a snapshot of the first book, then the flow, without end."""
        rng = np.random.default_rng([self._seed, zlib.crc32(self.instruments[0].symbol.encode())])
        self._flow = self._new_flow()
        yield self._first_book(rng)
        while True:
            self._make_room(self._chunk_events)
            events = empty_events(self._chunk_events)
            yield events[: generate(rng, self._flow, events)]

    def _new_flow(self) -> FlowState:
        profile = self._profile
        instrument = profile.instrument
        venue = np.zeros(1, VENUE_DTYPE)
        venue["instrument_id"] = instrument.instrument_id
        venue["tick"] = instrument.tick_size
        venue["lot"] = profile.lot_size
        venue["median_lots"] = profile.median_size / profile.lot_size
        venue["orders"] = profile.orders
        venue["depth_ticks"] = profile.depth_ticks
        venue["volatility_ticks"] = profile.volatility_ticks
        venue["base_ticks"] = venue["value_ticks"] = profile.price // instrument.tick_size
        venue["window_mean"] = self._rate_hz * WINDOW_NS / 1e9
        venue["next_order_id"] = _FIRST_ORDER_ID
        venue["sequence"] = 1
        deck = np.repeat([card for card, _ in ACTIVITIES], [count for _, count in ACTIVITIES])
        return FlowState(new_state(1024, 1024), venue, deck.astype(np.int64))

    def _make_room(self, events: int) -> None:
        """Let the venue's own book take so many events, whatever they are."""
        book = self._flow.book
        totals = book.totals[0]
        orders = totals["orders"] + events > len(book.orders)
        levels = totals["levels"] + events > len(book.levels)
        if orders or levels:
            self._flow = self._flow._replace(book=grown(book, orders=orders, levels=levels))
            if orders:
                rebuild_table(self._flow.book)
            self._make_room(events)

    def _first_book(self, rng: np.random.Generator) -> Events:
        """Return the events of the first book: a clear, then every order.

        The market has been running for a while by then, so that its book has its shape and its
        orders their ages; the clock is set to `begin_ns` only now.
        """
        count = self._profile.orders
        self._make_room(count)
        seed_book(rng, self._flow, empty_events(count))
        for _ in range(_WARM_UP_TURNOVERS * count // self._chunk_events + 1):
            self._make_room(self._chunk_events)
            generate(rng, self._flow, empty_events(self._chunk_events))
        venue = self._flow.venue
        later_ns = self._begin_ns - int(venue["now_ns"][0])
        venue["now_ns"] += later_ns
        venue["window_end_ns"] += later_ns
        for name in ("new_orders", "marketable", "updates", "cancels"):
            venue[name] = 0
        return self._snapshot(later_ns)

    def _snapshot(self, later_ns: int) -> Events:
        """Return the venue's book as events, its times moved by *later_ns*."""
        sides = (
            (Side.BID, orders_of(self._flow.book, BIDS)),
            (Side.ASK, orders_of(self._flow.book, ASKS)),
        )
        events = empty_events(1 + sum(len(rows) for _, rows in sides))
        events["instrument_id"] = self.instruments[0].instrument_id
        events["ts_event"] = events["ts_recv"] = self._begin_ns
        events["flags"] = Flag.SNAPSHOT
        events["action"] = Action.ADD
        events["action"][0] = Action.CLEAR
        events["side"][0] = Side.NONE
        at = 1
        for side, rows in sides:
            part = events[at : at + len(rows)]
            part["side"] = side
            part["ts_event"] = rows["ts_event"] + later_ns
            for name in ("order_id", "price", "size"):
                part[name] = rows[name]
            at += len(rows)
        events["flags"][-1] |= Flag.LAST
        return events
