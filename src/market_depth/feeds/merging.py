"""Several recordings played as one: events in the order of their times, changes left whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import Events, Flag, empty_events

__all__ = ["merged_by_time"]


class _Part:
    """A recording, and how far it has been taken."""

    __slots__ = ("_chunk", "_chunks", "_ends", "_times", "_turn", "next_ns")

    def __init__(self, chunks: Iterator[Events]) -> None:
        self._chunks = chunks
        self._chunk = empty_events(0)
        self._ends = np.zeros(0, np.int64)
        """Behind which event each change at hand ends."""
        self._times = np.zeros(0, np.int64)
        self._turn = 0
        """The change that is next."""
        self.next_ns: int | None = None
        """Time of the next whole change, `None` when there is no more."""
        self._read()

    def take(self, until_ns: int | None) -> Events:
        """Return the next change, and with it all up to a time that are at hand."""
        start = self._ends[self._turn - 1] if self._turn else 0
        turn = len(self._ends)
        if until_ns is not None:
            turn = max(int(np.searchsorted(self._times, until_ns, "right")), self._turn + 1)
        events = self._chunk[start : self._ends[turn - 1]]
        self._turn = turn
        if turn < len(self._ends):
            self.next_ns = int(self._times[turn])
        else:
            self.next_ns = None
        return events

    def refill(self) -> None:
        """Read on, if everything at hand has been taken."""
        if self.next_ns is None:
            self._read()

    def _read(self) -> None:
        for chunk in self._chunks:
            if not len(chunk):
                continue
            ends = np.flatnonzero(chunk["flags"] & np.uint8(Flag.LAST)) + 1
            if not len(ends) or ends[-1] != len(chunk):
                ends = np.append(ends, len(chunk))
            self._chunk, self._ends, self._turn = chunk, ends, 0
            self._times = np.maximum.accumulate(chunk["ts_recv"])[ends - 1]
            self.next_ns = int(self._times[0])
            return


def merged_by_time(recordings: Sequence[Iterator[Events]]) -> Iterator[Events]:
    """Yield the events of recordings by `ts_recv`; of one time, an earlier recording's first.

    Each recording's own order stays as it is, and its changes stay whole.

    Raises:
        FeedError: where one of them can't be read any further; if that is so from its very
            beginning, when the others are through.
    """
    if len(recordings) == 1:
        yield from recordings[0]
        return
    parts: list[_Part] = []
    failure: FeedError | None = None
    for chunks in recordings:
        try:
            parts.append(_Part(chunks))
        except FeedError as error:
            failure = failure or error
    parts = [part for part in parts if part.next_ns is not None]
    while parts:
        first = min(range(len(parts)), key=lambda place: (parts[place].next_ns or 0, place))
        until = min(
            (
                (other.next_ns or 0) - (place < first)
                for place, other in enumerate(parts)
                if place != first
            ),
            default=None,
        )
        part = parts[first]
        yield part.take(until)
        part.refill()
        if part.next_ns is None:
            parts.remove(part)
    if failure is not None:
        raise failure
