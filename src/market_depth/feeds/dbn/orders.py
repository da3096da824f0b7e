"""MBO records as events, by a kernel that copies them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.events import EVENT_DTYPE, Events
from market_depth.feeds.dbn.layouts import UNDEFINED_PRICE
from market_depth.jit import inlined_kernel, int64, kernel

__all__ = ["OrderDecoder", "find_target"]

_UNDEFINED: Final = UNDEFINED_PRICE


@inlined_kernel
def find_target(targets: NDArray[np.void], file_id: int) -> int:
    """Return the place of an instrument among `TARGET_DTYPE`, -1 if it is not there."""
    low, high = 0, len(targets)
    while low < high:
        middle = (low + high) // 2
        if targets[middle].file_id < file_id:
            low = middle + 1
        else:
            high = middle
    return low if low < len(targets) and targets[low].file_id == file_id else -1


@kernel
def copy_records(
    records: NDArray[np.void], targets: NDArray[np.void], events: Events, state: NDArray[np.int64]
) -> int:
    """Write records as events; return the first record that can't be one.

    Args:
        records: MBO records.
        targets: what becomes of instruments; those whose unit is 0 are left out.
        events: where to.
        state: [0] is the latest time of receipt, [1] becomes how many events were written.
    """
    latest = state[0]
    written = 0
    last_id = -1
    instrument_id = np.uint32(0)
    unit = 1
    done = len(records)
    for place in range(len(records)):
        record = records[place]
        file_id = int64(record.instrument_id)
        if file_id != last_id:
            target = find_target(targets, file_id)
            if target < 0:
                done = place
                break
            last_id = file_id
            unit = targets[target].unit
            instrument_id = targets[target].instrument_id
        if unit == 0:
            continue
        price = record.price
        if price != _UNDEFINED and unit != 1:
            scaled = price // unit
            if scaled * unit != price:
                done = place
                break
            price = scaled
        ts_event = record.ts_event
        ts_recv = record.ts_recv
        if ts_recv < 0:
            ts_recv = ts_event
        if ts_event < 0:
            ts_event = max(ts_recv, 0)
        latest = max(latest, ts_recv)
        event = events[written]
        event.ts_event = ts_event
        event.ts_recv = latest
        event.order_id = record.order_id
        event.price = price
        event.size = record.size
        event.sequence = record.sequence
        event.instrument_id = instrument_id
        event.action = record.action
        event.side = record.side
        event.flags = record.flags
        written += 1
    state[0] = latest
    state[1] = written
    return done


class OrderDecoder:
    """Turns the MBO records of a file into events.

    Args:
        targets: what becomes of the file's instruments.
    """

    def __init__(self, targets: NDArray[np.void]) -> None:
        self._targets = targets
        self._state = np.zeros(2, np.int64)
        self.done = 0
        """How many of the last records could be turned."""

    def events(self, records: NDArray[np.void]) -> Iterator[Events]:
        """Yield the events of records, up to the first that can't be one (see `done`)."""
        events = np.empty(len(records), EVENT_DTYPE)
        self.done = copy_records(records, self._targets, events, self._state)
        if self._state[1]:
            yield events[: self._state[1]]
