"""Sources played as feeds: at their own timing, faster, or as fast as they can be read."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator, Sequence
from enum import Enum

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import Action, Events, Flag, empty_events
from market_depth.feeds.base import Source
from market_depth.instruments import Instrument

__all__ = ["MAX_EVENTS_PER_TURN", "AtEnd", "PacedFeed"]

MAX_EVENTS_PER_TURN = 16_384
"""Events handed over before the event loop gets its turn: about 2 ms in the books."""

MIN_WAIT_S = 0.5
"""Shortest sleep: events closer together than this are handed over together.

A process that wakes from sleep for a hand-over spends about 150 µs on it, its caches being cold;
every 5 ms that took more CPU than writing to 500 clients did. It makes nothing late: whoever looks
at a book takes what is due first (`due_events`).
"""


class AtEnd(Enum):
    """What happens when a source is through."""

    LOOP = "loop"
    """Its books are cleared and it starts again."""
    HOLD = "hold"
    """The last books stay."""
    EXIT = "exit"
    """The feed ends, and the server with it."""


class _Lane:
    """One source being played: the chunk at hand and how far it has been handed over."""

    __slots__ = ("_chunk", "_chunks", "_ends", "_instrument_ids", "_times", "_turn", "last_ns")

    def __init__(self, source: Source) -> None:
        self._chunks = source.chunks()
        self._instrument_ids = [one.instrument_id for one in source.instruments]
        self._chunk = empty_events(0)
        self._ends: list[int] = []
        self._times: list[int] = []
        self._turn = 0
        self.last_ns = 0
        """Time of the last change that was handed over."""

    def is_about(self, instrument_ids: Container[int] | None) -> bool:
        """Whether any of these instruments is the source's; `None` stands for all."""
        return instrument_ids is None or any(
            number in instrument_ids for number in self._instrument_ids
        )

    def next_ns(self) -> int | None:
        """Return the time of the next whole change, `None` when the source is through."""
        while self._turn == len(self._ends):
            chunk = next(self._chunks, None)
            if chunk is None:
                return None
            if not len(chunk):
                continue
            ends = np.flatnonzero(chunk["flags"] & np.uint8(Flag.LAST)) + 1
            if not len(ends) or ends[-1] != len(chunk):
                ends = np.append(ends, len(chunk))
            self._chunk, self._ends, self._turn = chunk, ends.tolist(), 0
            self._times = np.maximum.accumulate(chunk["ts_recv"])[ends - 1].tolist()
        return self._times[self._turn]

    def turn_ns(self) -> int | None:
        """Return the time up to which the chunk at hand has a turn's worth of changes."""
        if self._turn == len(self._ends):
            return None
        return self._times[self._turn_end() - 1]

    def take(self, until_ns: int) -> Events | None:
        """Return the whole changes up to a time out of the chunk at hand, one turn's at most;
        `None` if there are none."""
        if self._turn == len(self._ends) or self._times[self._turn] > until_ns:
            return None
        start = self._start()
        turn = min(bisect_right(self._times, until_ns, self._turn), self._turn_end())
        self.last_ns = self._times[turn - 1]
        self._turn = turn
        return self._chunk[start : self._ends[turn - 1]]

    def _start(self) -> int:
        """Return the place of the first event that has not been handed over."""
        return self._ends[self._turn - 1] if self._turn else 0

    def _turn_end(self) -> int:
        """Return behind which change a turn's worth ends: one change at least, however large."""
        room = bisect_right(self._ends, self._start() + MAX_EVENTS_PER_TURN, self._turn)
        return max(room, self._turn + 1)


class PacedFeed:
    """Plays sources side by side on one clock.

    Args:
        sources: what to play; their instruments must differ.
        speed: market seconds per second; `None` hands over as fast as it is taken.
        at_end: what to do when every source is through.
        begin_ns: the market's time at which to begin; `None` begins with the first event.
        clock_ns: the wall clock, ns since 1970 UTC.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        speed: float | None = 1.0,
        at_end: AtEnd = AtEnd.HOLD,
        begin_ns: int | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._sources = sources
        self._speed = speed
        self._at_end = at_end
        self._begin_ns = begin_ns
        self._clock_ns = clock_ns
        self._lanes: list[_Lane] = []
        self._began_wall_ns: int | None = None
        self._began_ns = 0
        self._last_ns = 0
        self._is_through = False
        self.lag_s = 0.0
        """How far behind its own time the feed last handed over events, in seconds."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the sources' events are about."""
        return [instrument for source in self._sources for instrument in source.instruments]

    def market_time_ns(self, wall_ns: int) -> int:
        """Return the time that has been reached in the market being played."""
        if self._began_wall_ns is None or self._speed is None or self._is_through:
            return self._last_ns
        return self._began_ns + int((wall_ns - self._began_wall_ns) * self._speed)

    def due_events(
        self, wall_ns: int, instrument_ids: Container[int] | None = None
    ) -> Iterator[Events]:
        """Yield what is due at a wall-clock time and has not been handed over yet.

        It reads nothing, so it raises nothing: what is not in memory yet comes with `batches`.

        Args:
            wall_ns: ns since 1970 UTC.
            instrument_ids: sources of none of these are left alone; `None` leaves none alone.
        """
        if self._speed is not None and self._began_wall_ns is not None:
            wanted = [lane for lane in self._lanes if lane.is_about(instrument_ids)]
            yield from self._take(wanted, self.market_time_ns(wall_ns))

    async def batches(self) -> AsyncIterator[Events]:
        """Yield events when they are due; returns only with `AtEnd.EXIT`.

        Raises:
            FeedError: where a source can't be read any further, or has nothing to loop over.
        """
        while True:
            handed_over = False
            async for events in self._play():
                handed_over = True
                yield events
            if self._at_end is AtEnd.EXIT:
                return
            if self._at_end is AtEnd.HOLD:
                await asyncio.get_running_loop().create_future()
            if not handed_over:
                raise FeedError("a feed without events can't be played in a loop")
            yield self._clearing_events()
            await asyncio.sleep(0)

    async def _play(self) -> AsyncIterator[Events]:
        """Play every source once, from its beginning."""
        self._lanes = [_Lane(source) for source in self._sources]
        self._is_through = False
        self._began_wall_ns = None
        try:
            async for events in self._play_lanes():
                yield events
        finally:
            self._lanes = []  # a feed that has failed has nothing due any more
        self._is_through = True

    async def _play_lanes(self) -> AsyncIterator[Events]:
        while (upcoming := _earliest(self._lanes)) is not None:
            if self._began_wall_ns is None:
                self._began_ns = upcoming if self._begin_ns is None else self._begin_ns
                self._began_wall_ns = self._clock_ns()
            wait_s = self._wait_s(upcoming)
            planned_ns = self._clock_ns() + int(wait_s * 1e9)
            await asyncio.sleep(wait_s)
            position = self._position(upcoming)
            if self._speed is not None:
                meant_ns = self.market_time_ns(planned_ns) if wait_s else upcoming
                self.lag_s = max(position - meant_ns, 0) / self._speed / 1e9
            for events in self._take(self._lanes, position):
                yield events

    def _take(self, lanes: Iterable[_Lane], until_ns: int) -> Iterator[Events]:
        """Yield what sources have up to a market time, a turn's worth of each."""
        for lane in lanes:
            events = lane.take(until_ns)
            if events is not None:
                self._last_ns = max(lane.last_ns, self._last_ns)
                yield events

    def _wait_s(self, upcoming_ns: int) -> float:
        """Return how long until a market time is reached; 0 just leaves others their turn."""
        if self._speed is None:
            return 0.0
        wait_ns = upcoming_ns - self.market_time_ns(self._clock_ns())
        if wait_ns <= 0:
            return 0.0
        return max(wait_ns / self._speed / 1e9, MIN_WAIT_S)

    def _position(self, upcoming_ns: int) -> int:
        """Return the market time up to which events are due."""
        if self._speed is None:
            turns = [time_ns for lane in self._lanes if (time_ns := lane.turn_ns()) is not None]
            return max(min(turns, default=upcoming_ns), upcoming_ns)
        return self.market_time_ns(self._clock_ns())

    def _clearing_events(self) -> Events:
        """Return one CLEAR an instrument."""
        instruments = self.instruments
        events = empty_events(len(instruments))
        events["instrument_id"] = [instrument.instrument_id for instrument in instruments]
        events["ts_event"] = events["ts_recv"] = self._last_ns
        events["action"] = Action.CLEAR
        events["side"] = ord("N")
        events["flags"] = Flag.LAST
        self._last_ns = 0
        return events


def _earliest(lanes: Sequence[_Lane]) -> int | None:
    times = [time_ns for lane in lanes if (time_ns := lane.next_ns()) is not None]
    return min(times, default=None)
