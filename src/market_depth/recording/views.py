"""Messages of a stream as events: each view beside the one before."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from market_depth.errors import FeedError
from market_depth.events import (
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
    empty_events,
)
from market_depth.feeds.venues.decoding import rfc3339_ns
from market_depth.instruments import Instrument
from market_depth.recording.differences import (
    Change,
    Differences,
    LevelDifferences,
    OrderDifferences,
    ViewedLevel,
    ViewedOrder,
)

__all__ = ["ViewRecorder"]

_MAX_UNITS = 2**63 - 2
_MAX_ID = 2**64 - 1


class _Row(Struct):
    """A row of either kind; numbers are read as the decimals that they are written as."""

    price: Decimal
    quantity: Decimal
    order_id: str = ""
    timestamp: str = ""
    order_count: int | None = None


class _Data(Struct):
    bids: list[_Row]
    asks: list[_Row]


class _Message(Struct):
    sequence: int
    timestamp: str
    data: _Data


_decoder = msgspec.json.Decoder(_Message)


class ViewRecorder:
    """Turns the views of one symbol into events.

    Args:
        instrument: with the decimals of the rows; whether it has orders decides what rows are.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._differences: Differences = (
            OrderDifferences() if instrument.has_orders else LevelDifferences()
        )
        self._has_begun = False
        self._is_lost = False

    def events(self, text: str | bytes, ts_recv: int) -> Events:
        """Return what leads from the view before to that of a MarketData message, as one change.

        Args:
            text: the message.
            ts_recv: when it came, ns since 1970 UTC.

        Raises:
            FeedError: if a number has too many decimals or is out of range, or a time is none.
            msgspec.DecodeError: if it is no such message.
        """
        message = _decoder.decode(text)
        ts_event = rfc3339_ns(message.timestamp)
        row = self._order if self._instrument.has_orders else self._level
        changes = list(
            self._differences.changes(
                [row(one) for one in message.data.bids], [row(one) for one in message.data.asks]
            )
        )
        flags = 0
        if not self._has_begun:
            changes.insert(0, Change(Action.CLEAR, Side.NONE, 0, 0, 0))
            flags = Flag.SNAPSHOT
        if self._is_lost:
            changes.append(_status(BookStatus.RECOVERED, StatusReason.NONE))
        if not changes:  # the view is as it was: the event keeps the sequence
            changes.append(Change(Action.NONE, Side.NONE, 0, 0, 0))
        self._has_begun, self._is_lost = True, False
        if not 0 <= message.sequence <= _MAX_ID:
            raise FeedError(f"sequence {message.sequence} is out of range")
        return self._encoded(changes, ts_event, ts_recv, message.sequence, flags)

    def lost(self, now_ns: int) -> Events | None:
        """Return that the book is stale, the connection being lost; `None` if it is known or
        nothing has come yet."""
        if self._is_lost or not self._has_begun:
            return None
        self._is_lost = True
        change = _status(BookStatus.STALE, StatusReason.DISCONNECTED)
        return self._encoded([change], now_ns, now_ns, 0, 0)

    def _encoded(
        self, changes: Sequence[Change], ts_event: int, ts_recv: int, sequence: int, flags: int
    ) -> Events:
        events = empty_events(len(changes))
        for name in ("action", "side", "order_id", "price", "size"):
            events[name] = [getattr(change, name) for change in changes]
        events["ts_event"] = [
            ts_event if change.ts_event is None else change.ts_event for change in changes
        ]
        events["ts_recv"] = ts_recv
        events["sequence"] = sequence
        events["instrument_id"] = self._instrument.instrument_id
        events["flags"] = flags
        events["flags"][-1] |= Flag.LAST
        return events

    def _order(self, row: _Row) -> ViewedOrder:
        text = row.order_id
        if not (text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= _MAX_ID):
            raise FeedError(f"order_id {text[:40]!r} is no number of 64 bits")
        price, size = self._units(row)
        return ViewedOrder(int(text), price, size, rfc3339_ns(row.timestamp))

    def _level(self, row: _Row) -> ViewedLevel:
        count = row.order_count
        if count is not None and not 0 <= count < _MAX_UNITS:
            raise FeedError(f"order_count {count} is out of range")
        return ViewedLevel(*self._units(row), count)

    def _units(self, row: _Row) -> tuple[int, int]:
        instrument = self._instrument
        return (
            _units_of(row.price, instrument.price_decimals),
            _units_of(row.quantity, instrument.quantity_decimals),
        )


def _status(status: BookStatus, reason: StatusReason) -> Change:
    return Change(Action.STATUS, Side.NONE, 0, reason, status)


def _units_of(number: Any, decimals: int) -> int:
    """Return a decimal number as a count of its last decimal."""
    if not number.is_finite() or number.adjusted() > 18:
        raise FeedError(f"number {str(number)[:40]} is out of range")
    units = number.scaleb(decimals)
    whole = int(units)
    if whole != units:
        raise FeedError(f"number {str(number)[:40]} has more than {decimals} decimals")
    if abs(whole) > _MAX_UNITS:
        raise FeedError(f"number {str(number)[:40]} is out of range")
    return whole
