"""Whole changes: chunks of events cut where the venue's LAST flag allows a look at the book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from market_depth.events import Events, Flag, empty_events, last_complete_event

__all__ = [
    "MAX_CHANGE_EVENTS",
    "changes_by_time",
    "flag_last_by_time",
    "in_order_of_receipt",
    "whole_changes",
]

MAX_CHANGE_EVENTS = 1_000_000
"""Most events kept waiting for a LAST flag; a change longer than this is handed on as it is."""


def whole_changes(chunks: Iterable[Events]) -> Iterator[Events]:
    """Cut *chunks* anew so that each ends with a whole change; the last event ends one anyway."""
    waiting: list[Events] = []
    for chunk in chunks:
        end = last_complete_event(chunk)
        if end:
            yield np.concatenate([*waiting, chunk[:end]]) if waiting else chunk[:end]
            waiting = []
        if end < len(chunk):
            waiting.append(chunk[end:])
        if sum(map(len, waiting)) > MAX_CHANGE_EVENTS:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def in_order_of_receipt(events: Events, latest: int) -> int:
    """Let the `ts_recv` of events never go back, behind *latest* to begin with; return the last.

    Args:
        events: at least one; changed.
        latest: ns since 1970 UTC.
    """
    times = events["ts_recv"]
    times[0] = max(int(times[0]), latest)
    np.maximum.accumulate(times, out=times)
    return int(times[-1])


def flag_last_by_time(events: Events, clock: str = "ts_event") -> None:
    """Flag the last of successive events with one time, by one of their clocks."""
    times = events[clock]
    last = np.ones(len(events), bool)
    last[:-1] = times[1:] != times[:-1]
    events["flags"][last] |= np.uint8(Flag.LAST)


def changes_by_time(chunks: Iterable[Events], clock: str = "ts_event") -> Iterator[Events]:
    """Flag the last of all events with one time, by one of their clocks, for sources that flag
    nothing.

    The events of a chunk's last time wait for the next chunk, which may have more of them.
    """
    waiting = empty_events(0)
    for chunk in chunks:
        events = np.concatenate([waiting, chunk])
        if not len(events):
            continue
        other_times = np.flatnonzero(events[clock] != events[clock][-1])
        start = int(other_times[-1]) + 1 if len(other_times) else 0
        if not start and len(events) > MAX_CHANGE_EVENTS:
            start = len(events)
        if start:
            flag_last_by_time(events[:start], clock)
            yield events[:start]
        waiting = events[start:]
    if len(waiting):
        flag_last_by_time(waiting, clock)
        yield waiting
