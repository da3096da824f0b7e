"""What a recording's own flags say of its books: joined in mid-session, gaps, and made good.

A book whose first event is neither a CLEAR nor flagged SNAPSHOT was joined in mid-session: it is
STALE until one comes, and LIVE when that is whole. MAYBE_BAD_BOOK makes a book STALE until the next
one, and RECOVERED then.

Source: https://databento.com/docs/standards-and-conventions/common-fields-enums-types (flags)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.events import (
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
    empty_events,
)
from market_depth.jit import int64, kernel

__all__ = ["with_book_status"]

_NEW, _LIVE, _JOINED, _GAP, _JOINED_FILLING, _GAP_FILLING = range(6)

_NOTHING, _TELL_JOINED, _TELL_GAP, _TELL_CLEAR, _TELL_LIVE, _TELL_RECOVERED = range(6)

_STATUSES: Final = {
    _TELL_JOINED: (BookStatus.STALE, StatusReason.JOINED),
    _TELL_GAP: (BookStatus.STALE, StatusReason.GAP),
    _TELL_LIVE: (BookStatus.LIVE, StatusReason.NONE),
    _TELL_RECOVERED: (BookStatus.RECOVERED, StatusReason.NONE),
}

_CLEAR: Final = int(Action.CLEAR)
_LEVEL: Final = int(Action.LEVEL)
_STATUS: Final = int(Action.STATUS)
_LAST: Final = int(Flag.LAST)
_SNAPSHOT: Final = int(Flag.SNAPSHOT)
_MAYBE_BAD: Final = int(Flag.MAYBE_BAD_BOOK)


@kernel
def find_id(ids: NDArray[np.uint32], wanted: int) -> int:
    """Return the place of an id in ascending ones, -1 if it is not there."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(ids) and ids[low] == wanted else -1


@kernel
def next_to_tell(
    events: Events,
    start: int,
    ids: NDArray[np.uint32],
    states: NDArray[np.int64],
    told: NDArray[np.int64],
) -> int:
    """Go on to where something is to be told: return the place that it comes in front of.

    Args:
        events: the events.
        start: the first one to look at.
        ids: of the instruments, ascending.
        states: of their books; changed.
        told: [0] becomes what is to be told, [1] at which event.
    """
    told[0] = _NOTHING
    last_id = -1
    book = -1
    for place in range(start, len(events)):
        event = events[place]
        number = int64(event.instrument_id)
        if number != last_id:
            last_id = number
            book = find_id(ids, number)
        flags = int64(event.flags)
        state = states[book] if book >= 0 else _LIVE
        if state == _LIVE and (flags & _MAYBE_BAD) == 0:
            continue
        action = int64(event.action)
        if book < 0 or action == _STATUS:
            continue
        told[1] = place
        if (flags & _MAYBE_BAD) != 0:
            if state in (_NEW, _LIVE):
                states[book] = _GAP
                told[0] = _TELL_GAP
                return place
            if state in (_JOINED_FILLING, _GAP_FILLING):
                states[book] = state - 2
            continue
        is_clear = action == _CLEAR
        is_snapshot = (flags & _SNAPSHOT) != 0
        if state == _NEW:
            states[book] = _LIVE if is_clear or is_snapshot else _JOINED
            if not (is_clear or is_snapshot):
                told[0] = _TELL_JOINED
                return place
            continue
        if state in (_JOINED, _GAP):
            if not (is_clear or is_snapshot):
                continue
            state += 2
            states[book] = state
            if not is_clear:
                told[0] = _TELL_CLEAR
                return place
        is_part = is_clear or is_snapshot or action == _LEVEL
        if not is_part or (flags & _LAST) != 0:
            states[book] = _LIVE
            told[0] = _TELL_LIVE if state == _JOINED_FILLING else _TELL_RECOVERED
            return place + 1 if is_part else place
    return len(events)


def with_book_status(
    chunks: Iterable[Events], instrument_ids: Sequence[int], *, may_join: bool = True
) -> Iterator[Events]:
    """Put STATUS events into chunks where a book becomes stale or good.

    Args:
        chunks: of whole changes.
        instrument_ids: whose events they are; those of others are left alone.
        may_join: whether what begins without a CLEAR or a snapshot lacks something; not so where
            each event tells all.
    """
    ids = np.array(sorted(instrument_ids), np.uint32)
    states = np.full(len(ids), _NEW if may_join else _LIVE, np.int64)
    told = np.zeros(2, np.int64)
    for chunk in chunks:
        parts: list[Events] = []
        done = 0
        while done < len(chunk):
            place = next_to_tell(chunk, done, ids, states, told)
            parts.append(chunk[done:place])
            if told[0]:
                parts.append(_told(int(told[0]), chunk[told[1] : told[1] + 1]))
            done = place
        yield np.concatenate(parts) if len(parts) > 1 else chunk


def _told(what: int, event: Events) -> Events:
    """Return what is to be told at an event, shape (1,)."""
    telling = empty_events(1)
    for name in ("ts_event", "ts_recv", "instrument_id"):
        telling[name] = event[name]
    telling["side"] = Side.NONE
    if what == _TELL_CLEAR:
        telling["action"] = Action.CLEAR
        telling["flags"] = Flag.SNAPSHOT
    else:
        telling["action"] = Action.STATUS
        telling["size"], telling["price"] = _STATUSES[what]
        telling["flags"] = Flag.LAST
    return telling
