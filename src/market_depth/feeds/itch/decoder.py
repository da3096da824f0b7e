"""ITCH messages as chunks of events, and what becomes of books at a day's start or a gap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.events import (
    EVENT_DTYPE,
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
    empty_events,
)
from market_depth.feeds.itch.kernels import decode_messages
from market_depth.feeds.itch.layouts import FRAME_BYTES, HEAD_BYTES, STOCK_BYTES, STOCK_PLACES
from market_depth.feeds.itch.order_table import ORDER_DTYPE, move_orders
from market_depth.feeds.itch.records import (
    MAX_EVENTS_PER_MESSAGE,
    NO_TRADING,
    NOT_TOLD,
    SEGMENT_DTYPE,
    STATE_DTYPE,
    Stop,
    Work,
)

__all__ = ["ItchDecoder", "segment_of"]

_CHUNK_EVENTS: Final = 8192
"""Half a megabyte, which stays in a processor's own cache until books have taken it."""
_FIRST_TABLE: Final = 4096
_TIME_BYTES: Final = 6
_SYSTEM_EVENT_BYTES: Final = 12


def segment_of(end: int) -> NDArray[np.void]:
    """Return one segment of messages that are received at their own times, shape (1,) of
    `SEGMENT_DTYPE`."""
    return np.array([(end, -1)], SEGMENT_DTYPE)


class ItchDecoder:
    """Turns messages into events, and keeps what has to be known for that: the orders that rest,
    halts, and whether the day was followed from its start.

    Args:
        targets: what becomes of stocks, shape (65536,) of `TARGET_DTYPE`, by locate; changed.
        target_of: tells what becomes of a stock by its symbol's 8 bytes, as a number.
    """

    def __init__(
        self, targets: NDArray[np.void], target_of: Callable[[int], NDArray[np.void]]
    ) -> None:
        state = np.zeros(1, STATE_DTYPE)
        state["sequence"] = 1
        state["tells_lengths"] = True
        self._work = Work(state, targets, np.zeros(_FIRST_TABLE, ORDER_DTYPE))
        self._target_of = target_of
        self._was_live = False
        self.is_damaged = False
        """Whether what comes behind the last message that was taken is none."""

    @property
    def done(self) -> int:
        """How many of the bytes given last have been taken."""
        return int(self._work.state["at"][0])

    def begin_session(self, midnight_ns: int) -> None:
        """Begin another session: its messages are numbered anew, and its orders come behind the
        start of a day.

        Args:
            midnight_ns: begin of its day, ns since 1970 UTC.
        """
        state = self._work.state
        state["midnight_ns"] = midnight_ns
        state["sequence"] = 1
        state["begun"] = False
        state["ended"] = False

    def set_targets(self, targets: NDArray[np.void]) -> None:
        """Have other stocks at the locates."""
        self._work.targets[:] = targets

    def events(
        self,
        data: bytes | bytearray,
        segments: NDArray[np.void],
        *,
        sequence: int | None = None,
        tells_lengths: bool = True,
    ) -> Iterator[Events]:
        """Yield the events of messages, up to the last whole one or the first that is none; see
        `done` and `is_damaged` then.

        Args:
            data: messages, each with its length in front.
            segments: of `SEGMENT_DTYPE`.
            sequence: the first message's number, `None` counts on.
            tells_lengths: False where zeros stand in place of the lengths.
        """
        state = self._work.state
        state["at"] = state["segment"] = 0
        state["tells_lengths"] = tells_lengths
        if sequence is not None:
            state["sequence"] = sequence
        # Read-only, whatever was given: the kernel is compiled for that only.
        messages = np.frombuffer(memoryview(data).toreadonly(), np.uint8)
        stop = Stop.ROOM
        while stop not in (Stop.END, Stop.DAMAGED):
            length = min(_CHUNK_EVENTS, len(messages) - self.done + MAX_EVENTS_PER_MESSAGE)
            events = np.empty(length, EVENT_DTYPE)
            stop = Stop(decode_messages(messages, segments, self._work, events))
            written = int(state["written"][0])
            if written:
                yield events[:written]
            yield from self._attend(stop, messages, segments)
        self.is_damaged = stop is Stop.DAMAGED

    def lose(self, reason: StatusReason, time_ns: int) -> Iterator[Events]:
        """Yield that all books are stale from now on, if they are not yet.

        Args:
            reason: why.
            time_ns: when that was seen, ns since 1970 UTC.
        """
        state = self._work.state
        state["latest_ns"] = max(int(state["latest_ns"][0]), time_ns)
        yield from self._lose(reason, time_ns)

    def _lose(self, reason: StatusReason, time_ns: int) -> Iterator[Events]:
        state = self._work.state
        state["begun"] = True
        if not state["stale"][0]:
            state["stale"] = True
            ids = np.unique(self._wanted()["instrument_id"])
            yield from self._statuses(ids, time_ns, BookStatus.STALE, reason)

    def _attend(
        self, stop: Stop, messages: NDArray[np.uint8], segments: NDArray[np.void]
    ) -> Iterator[Events]:
        """Do what the kernel has stopped for."""
        match stop:
            case Stop.TABLE:
                table = np.zeros(2 * len(self._work.table), ORDER_DTYPE)
                move_orders(self._work.table, table)
                self._work = self._work._replace(table=table)
            case Stop.NAMED:
                self._name_stock(messages)
            case Stop.JOINED:
                time_ns = self._time_at(messages, segments, self.done + FRAME_BYTES)
                yield from self._lose(StatusReason.JOINED, time_ns)
            case Stop.STARTED | Stop.OPENED:
                start = self.done - _SYSTEM_EVENT_BYTES
                time_ns = self._time_at(messages, segments, start)
                act = self._start if stop is Stop.STARTED else self._open
                yield from act(time_ns)

    def _name_stock(self, messages: NDArray[np.uint8]) -> None:
        """Have the next message's locate stand for the stock that it names."""
        start = self.done + FRAME_BYTES
        place = start + int(STOCK_PLACES[messages[start]])
        symbol = int.from_bytes(messages[place : place + STOCK_BYTES].tobytes(), "big")
        locate = int.from_bytes(messages[start + 1 : start + 3].tobytes(), "big")
        self._work.targets[locate] = self._target_of(symbol)

    def _start(self, time_ns: int) -> Iterator[Events]:
        """Yield that all books are empty and live."""
        state = self._work.state
        is_recovered = bool(state["stale"][0]) and self._was_live
        state["begun"] = self._was_live = True
        state["stale"] = state["spun"] = False
        state["orders"] = 0
        self._work.table[:] = 0
        self._work.targets["halts"] = NOT_TOLD
        ids = np.unique(self._wanted()["instrument_id"])
        clears = self._events_of(ids, time_ns)
        clears["action"] = Action.CLEAR
        clears["flags"] = 0
        status = BookStatus.RECOVERED if is_recovered else BookStatus.LIVE
        for statuses in self._statuses(ids, time_ns, status, StatusReason.NONE):
            yield np.stack([clears, statuses], axis=1).reshape(-1)

    def _open(self, time_ns: int) -> Iterator[Events]:
        """Yield that stocks are halted whose trading states have not been told until now, if those
        of others have."""
        state = self._work.state
        if not state["spun"][0]:
            return
        wanted = self._wanted()
        silent = wanted[wanted["halts"] & NOT_TOLD > 0]
        halts = self._work.targets["halts"]
        halts[halts & NOT_TOLD > 0] = NO_TRADING
        if state["begun"][0] and not state["stale"][0]:
            ids = np.unique(silent["instrument_id"])
            yield from self._statuses(ids, time_ns, BookStatus.HALTED, StatusReason.VENUE)

    def _wanted(self) -> NDArray[np.void]:
        targets = self._work.targets
        return targets[targets["price_unit"] > 0]

    def _time_at(self, messages: NDArray[np.uint8], segments: NDArray[np.void], start: int) -> int:
        """Return the time of a message that begins at *start*, and note its receipt."""
        state = self._work.state[0]
        own = messages[start + HEAD_BYTES - _TIME_BYTES : start + HEAD_BYTES].tobytes()
        time_ns = int(state["midnight_ns"]) + int.from_bytes(own, "big")
        received = int(segments["ts_recv"][int(state["segment"])])
        state["latest_ns"] = max(int(state["latest_ns"]), time_ns if received < 0 else received)
        return time_ns

    def _statuses(
        self, ids: NDArray[np.uint32], time_ns: int, status: BookStatus, reason: StatusReason
    ) -> Iterator[Events]:
        """Yield the events that tell a status of books, if there are any."""
        if len(ids):
            events = self._events_of(ids, time_ns)
            events["action"] = Action.STATUS
            events["size"] = status
            events["price"] = reason
            events["flags"] = Flag.LAST
            yield events

    def _events_of(self, ids: NDArray[np.uint32], time_ns: int) -> Events:
        """Return an event for each instrument, its action not yet told."""
        state = self._work.state[0]
        events = empty_events(len(ids))
        events["ts_event"] = time_ns
        events["ts_recv"] = state["latest_ns"]
        events["sequence"] = max(int(state["sequence"]) - 1, 0)
        events["instrument_id"] = ids
        events["side"] = Side.NONE
        return events
