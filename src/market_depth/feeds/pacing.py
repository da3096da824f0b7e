"""Sources played as feeds: at their own timing, faster, or as fast as they can be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Sequence

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, Flag, Side, empty_events
from market_depth.feeds.base import Source
from market_depth.feeds.clock import FAR_FUTURE_NS, MarketClock
from market_depth.feeds.lanes import Lane, earliest
from market_depth.instruments import Instrument
from market_depth.settings import AtEnd

__all__ = ["AtEnd", "PacedFeed"]

MIN_WAIT_S = 0.5
"""Shortest sleep: events closer together than this are handed over together.

A process that wakes from sleep for a hand-over spends about 150 µs on it, its caches being cold;
every 5 ms that took more CPU than writing to 500 clients did. It makes nothing late: whoever looks
at a book takes what is due first (`due_events`).
"""


class PacedFeed:
    """Plays sources side by side on one clock.

    Args:
        sources: what to play; their instruments must differ.
        speed: market seconds per second; `None` hands over as fast as it is taken.
        at_end: what to do when every source is through.
        begin_ns: the market's time at which to begin, what lies before coming at once; `None`
            begins with the first event.
        begin_wall_ns: the wall-clock time (ns since 1970 UTC) at which it is *begin_ns*; `None` is
            when the feed is first asked for events.
        waits_for_first: whether the first event is waited for if it comes later than *begin_ns*;
            if not, the market begins with it.
        end_ns: the market's time behind which nothing is played; `None` plays all.
        clock_ns: the wall clock, ns since 1970 UTC.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        speed: float | None = 1.0,
        at_end: AtEnd = AtEnd.HOLD,
        begin_ns: int | None = None,
        begin_wall_ns: int | None = None,
        waits_for_first: bool = True,
        end_ns: int | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sources = sources
        self._at_end = at_end
        self._begin_ns = begin_ns
        self._begin_wall_ns = begin_wall_ns
        self._waits_for_first = waits_for_first
        self._end_ns = FAR_FUTURE_NS if end_ns is None else end_ns
        self._clock_ns = clock_ns
        self._clock = MarketClock(speed)
        self._lanes: list[Lane] = []
        self._last_ns = 0
        """How far the market has come at least, 0 before it has begun."""
        self._is_through = False
        self._sought_ns: int | None = None
        """Where to go on from the beginning, if that has been asked for."""
        self._changed = asyncio.Event()
        """Set whenever the clock has been told something."""
        self.events = 0
        """Events handed over since the start."""
        self._events_before = 0
        """Those handed over before the sources were last begun."""
        self._is_prompt = False
        self.lag_s = 0.0
        """How far behind its own time the feed last handed over events, in seconds."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the sources' events are about."""
        return [instrument for source in self._sources for instrument in source.instruments]

    @property
    def speed(self) -> float | None:
        """Market seconds per second, `None` for as fast as events are taken."""
        return self._clock.speed

    @property
    def is_paused(self) -> bool:
        """Whether the market stands still."""
        return self._clock.is_paused

    @property
    def is_through(self) -> bool:
        """Whether every event has been handed over."""
        return self._is_through

    @property
    def share_of_read(self) -> float:
        """How much of what has been read of the sources has been handed over, 0 to 1."""
        done = self.events - self._events_before
        pending = sum(lane.pending for lane in self._lanes)
        return done / (done + pending) if done else 0.0

    def pause(self) -> None:
        """Let the market stand still; its books stay as they are."""
        self._set_clock(self.market_time_ns(self._clock_ns()))
        self._clock.is_paused = True

    def resume(self) -> None:
        """Let the market go on from where it stands."""
        self._set_clock(self.market_time_ns(self._clock_ns()))
        self._clock.is_paused = False

    def set_speed(self, speed: float | None) -> None:
        """Go on at another speed: market seconds per second, `None` for no waiting at all."""
        self._set_clock(self.market_time_ns(self._clock_ns()))
        self._clock.speed = speed

    def seek(self, market_ns: int) -> None:
        """Go to another market time (ns since 1970 UTC), forwards or back.

        What lies between is applied as fast as it can be read, so that the books are right; to go
        back they are cleared and everything is read again from the beginning.
        """
        if market_ns < self._last_ns:
            self._sought_ns = market_ns
        self._set_clock(market_ns)

    def be_prompt(self, is_prompt: bool) -> None:
        """Hand over every event the moment it is due, or not before somebody asks or a while has
        gone by."""
        if is_prompt is not self._is_prompt:
            self._is_prompt = is_prompt
            self._changed.set()

    def market_time_ns(self, wall_ns: int) -> int:
        """Return the time that has been reached in the market being played."""
        clock = self._clock
        if self._sought_ns is not None:
            return self._sought_ns
        if not clock.is_started or self._is_through:
            return self._last_ns
        due_ns = clock.due_ns(wall_ns)
        return self._last_ns if due_ns == FAR_FUTURE_NS else due_ns

    def due_events(
        self, wall_ns: int, instrument_ids: Container[int] | None = None
    ) -> Iterator[Events]:
        """Yield what is due at a wall-clock time and has not been handed over yet.

        It reads nothing, so it raises nothing: what is not in memory yet comes with `batches`.

        Args:
            wall_ns: ns since 1970 UTC.
            instrument_ids: sources of none of these are left alone; `None` leaves none alone.
        """
        if self._clock.speed is not None and self._clock.is_started and self._sought_ns is None:
            wanted = [lane for lane in self._lanes if lane.is_about(instrument_ids)]
            yield from self._take(wanted, self._clock.due_ns(wall_ns))

    async def batches(self) -> AsyncIterator[Events]:
        """Yield events when they are due; returns only with `AtEnd.EXIT`.

        Raises:
            FeedError: where a source can't be read any further, or has nothing to loop over.
        """
        while True:
            async for events in self._play():
                yield events
            if self._sought_ns is None and self._at_end is AtEnd.EXIT:
                return
            while self._sought_ns is None and self._at_end is AtEnd.HOLD:
                await self._sleep(None)
            if self._sought_ns is None and self.events == self._events_before:
                raise FeedError("a feed without events can't be played in a loop")
            yield self._clearing_events()
            await asyncio.sleep(0)

    async def _play(self) -> AsyncIterator[Events]:
        """Play every source once, from its beginning, or until an earlier time is sought."""
        self._lanes = [Lane(source) for source in self._sources]
        self._events_before = self.events
        self._is_through = False
        self._clock.stop()
        sought_ns, self._sought_ns = self._sought_ns, None
        try:
            self._begin(sought_ns)
            async for events in self._play_lanes():
                yield events
        finally:
            self._lanes = []  # a feed that has failed has nothing due any more
        self._is_through = self._sought_ns is None

    def _begin(self, sought_ns: int | None) -> None:
        """Start the clock where it is to begin, or at a time that has been sought."""
        first_ns = earliest(self._lanes)
        if first_ns is None:
            return
        begin_ns = self._begin_ns if sought_ns is None else sought_ns
        if begin_ns is None or (begin_ns < first_ns and not self._waits_for_first):
            begin_ns = first_ns
        wall_ns = self._clock_ns()
        if self._begin_wall_ns is not None and sought_ns is None:
            wall_ns = self._begin_wall_ns
        self._last_ns = begin_ns
        self._clock.set(begin_ns, wall_ns)

    async def _play_lanes(self) -> AsyncIterator[Events]:
        while (upcoming := earliest(self._lanes)) is not None and upcoming <= self._end_ns:
            wait_s = self._clock.wait_s(upcoming, self._clock_ns())
            if wait_s and not self._is_prompt:
                wait_s = max(wait_s, MIN_WAIT_S)
            planned_ns = self._clock_ns() + int((wait_s or 0.0) * 1e9)
            was_changed = await self._sleep(wait_s)
            if self._sought_ns is not None:
                return
            due_ns = self._clock.due_ns(self._clock_ns())
            if not was_changed:
                self._measure_lag(upcoming, due_ns, planned_ns if wait_s else None)
            for events in self._take(self._lanes, self._position(upcoming, due_ns)):
                yield events

    def _measure_lag(self, upcoming_ns: int, due_ns: int, planned_ns: int | None) -> None:
        """Tell by how much a hand-over is later than it was meant to be.

        Args:
            upcoming_ns: market time of its first event; one before the clock's anchor was sought,
                and is not late.
            due_ns: market time up to which events are due now.
            planned_ns: wall-clock time for which it was planned, `None` for at once.
        """
        speed = self._clock.speed
        if speed is None or self._clock.is_paused:
            return
        meant_ns = upcoming_ns if planned_ns is None else self._clock.due_ns(planned_ns)
        meant_ns = max(meant_ns, self._clock.anchor_ns)
        self.lag_s = max(due_ns - meant_ns, 0) / speed / 1e9

    def _take(self, lanes: Iterable[Lane], until_ns: int) -> Iterator[Events]:
        """Yield what sources have up to a market time, a turn's worth of each."""
        for lane in lanes:
            events = lane.take(min(until_ns, self._end_ns))
            if events is not None:
                self._last_ns = max(lane.last_ns, self._last_ns)
                self.events += len(events)
                yield events

    def _position(self, upcoming_ns: int, due_ns: int) -> int:
        """Return the market time up to which events are to be handed over."""
        if due_ns != FAR_FUTURE_NS:
            return due_ns
        turns = [time_ns for lane in self._lanes if (time_ns := lane.turn_ns()) is not None]
        return max(min(turns, default=upcoming_ns), upcoming_ns)

    def _set_clock(self, market_ns: int) -> None:
        if self._clock.is_started or self._sought_ns is not None:
            self._clock.set(market_ns, self._clock_ns())
        self._changed.set()

    async def _sleep(self, wait_s: float | None) -> bool:
        """Sleep so long, `None` for without end, or until the clock is told something; return
        whether it was. 0 just leaves others their turn."""
        if wait_s == 0:
            await asyncio.sleep(0)
        else:
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                pass
        was_changed = self._changed.is_set()
        self._changed.clear()
        return was_changed

    def _clearing_events(self) -> Events:
        """Return a CLEAR for each instrument, and the status of a book that nothing has come to."""
        instruments = self.instruments
        events = empty_events(2 * len(instruments))
        events["instrument_id"] = [
            instrument.instrument_id for instrument in instruments for _ in range(2)
        ]
        events["ts_event"] = events["ts_recv"] = self._last_ns
        events["action"][::2] = Action.CLEAR
        events["action"][1::2] = Action.STATUS
        events["size"][1::2] = BookStatus.WAITING
        events["side"] = Side.NONE
        events["flags"][1::2] = Flag.LAST
        return events
