"""One source being played: the chunk at hand, and how far it has been handed over."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Sequence

import numpy as np

from market_depth.events import Events, Flag, empty_events
from market_depth.feeds.base import Source

__all__ = ["MAX_EVENTS_PER_TURN", "Lane", "earliest"]

MAX_EVENTS_PER_TURN = 16_384
"""Events handed over before the event loop gets its turn: about 2 ms in the books."""


class Lane:
    """A source and its place in it."""

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

    @property
    def pending(self) -> int:
        """How many events of the chunk at hand have not been handed over."""
        return len(self._chunk) - self._start()

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


def earliest(lanes: Sequence[Lane]) -> int | None:
    """Return the time of the next whole change of all lanes, `None` when all are through."""
    times = [time_ns for lane in lanes if (time_ns := lane.next_ns()) is not None]
    return min(times, default=None)
