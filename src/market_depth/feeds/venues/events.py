"""What parsers say, as events.

Parsers say a little at a time, in text. It is gathered in lists, and becomes an array when it is
taken: numbers are parsed some thousands at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError, quoted
from market_depth.events import (
    NO_ORDER_COUNT,
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
    empty_events,
    last_complete_event,
)
from market_depth.feeds.venues.base import LevelRows, OrderRow
from market_depth.feeds.venues.decimals import decimal_fault, parse_decimals
from market_depth.instruments import Instrument

__all__ = ["EventError", "EventWriter"]

_LAST: Final = int(Flag.LAST)
_SNAPSHOT: Final = int(Flag.SNAPSHOT)
_BID: Final = int(Side.BID)
_ASK: Final = int(Side.ASK)
_NO_SIDE: Final = int(Side.NONE)
_LEVEL: Final = int(Action.LEVEL)
_ADD: Final = int(Action.ADD)
_TRADE: Final = int(Action.TRADE)
_CLEAR: Final = int(Action.CLEAR)
_STATUS: Final = int(Action.STATUS)
_NO_NUMBERS: Final = ("0", "0")
_MAX_COUNT_DIGITS: Final = 18


class EventError(FeedError):
    """Something that a parser has said can't be an event.

    Args:
        message: one line that says what, with the symbol and the value.
        origin: what the writer's `origin` was then.
    """

    def __init__(self, message: str, origin: object) -> None:
        super().__init__(message)
        self.origin = origin


class _Target(NamedTuple):
    """What the events of a symbol are written with."""

    instrument_id: int
    price_decimals: int
    quantity_decimals: int


class _Call(NamedTuple):
    """Events that have all in common but side, price, size and order id.

    Those with the first side come first, then those of asks.
    """

    instrument_id: int
    price_decimals: int
    quantity_decimals: int
    action: int
    first_side: int
    first_events: int
    ask_events: int
    flags: int
    last_flag: int
    """To be added to the last event's flags."""
    ts_event: int
    ts_recv: int
    sequence: int


_PLACES: Final = {name: place for place, name in enumerate(_Call._fields)}


class EventWriter:
    """A `BookSink` that makes events.

    Args:
        instruments: whose events are wanted, by symbol.
        passes_over_others: whether other symbols may come, of which nothing is written; if not,
            one is a fault.
    """

    is_checking = False

    def __init__(
        self, instruments: Mapping[str, Instrument], *, passes_over_others: bool = True
    ) -> None:
        self.ts_recv = 0
        """When the message at hand came, ns since 1970 UTC; 0 takes its own time."""
        self.origin: object = None
        """Where the message at hand comes from, for an `EventError` to tell."""
        self.length = 0
        """Events waiting to be taken."""
        self.is_whole = True
        """Whether the last change is complete."""
        self._targets = {
            symbol: _Target(one.instrument_id, one.price_decimals, one.quantity_decimals)
            for symbol, one in instruments.items()
        }
        self._symbols = {one.instrument_id: symbol for symbol, one in instruments.items()}
        self._passes_over_others = passes_over_others
        self._calls: list[tuple[int, ...]] = []
        self._origins: list[object] = []
        self._rows: list[Sequence[str]] = []
        self._order_ids: list[int] = []
        self._last_ns = 0
        self.fault: EventError | None = None
        """What could not be an event's; nothing can be written behind it."""

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is not None:
            counts = _counts(bids, asks, count_at)
            self._clear(target, not counts, ts_event, sequence)
            self._rows.extend(bids)
            self._rows.extend(asks)
            self._add(
                target, _LEVEL, _BID, len(bids), len(asks), counts, _SNAPSHOT, ts_event, sequence
            )

    def levels(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is not None:
            counts = _counts(bids, asks, count_at)
            self._rows.extend(bids)
            self._rows.extend(asks)
            self._add(target, _LEVEL, _BID, len(bids), len(asks), counts, 0, ts_event, sequence)

    def orders(
        self,
        symbol: str,
        bids: Sequence[OrderRow],
        asks: Sequence[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is None:
            return
        self._clear(target, not bids and not asks, ts_event, sequence)
        rows = (*bids, *asks)
        if not any(row.ts_event for row in rows):
            self._rows.extend((row.price, row.size) for row in rows)
            ids = [row.order_id for row in rows]
            self._add(target, _ADD, _BID, len(bids), len(asks), ids, _SNAPSHOT, ts_event, sequence)
            return
        left = len(rows)
        for side, own in ((_BID, bids), (_ASK, asks)):
            for row in own:
                left -= 1
                self._rows.append((row.price, row.size))
                self._add(
                    target,
                    _ADD,
                    side,
                    1,
                    0,
                    (row.order_id,),
                    _SNAPSHOT,
                    row.ts_event or ts_event,
                    sequence,
                    is_last=left == 0,
                )

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is not None:
            self._rows.append((price, size))
            self._add(
                target, action, side, 1, 0, (order_id,), 0, ts_event, sequence, is_last=is_last
            )

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is not None:
            self._rows.append((price, size))
            self._add(target, _TRADE, side, 1, 0, (0,), 0, ts_event, sequence, is_last=is_last)

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        """See `BookSink`."""
        target = self._target(symbol)
        if target is not None:
            self._rows.append((str(int(reason)), str(int(status))))
            plain = _Target(target.instrument_id, 0, 0)
            self._add(plain, _STATUS, _NO_SIDE, 1, 0, (0,), 0, ts_event, 0)

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        """Pass over it: nobody is checking."""

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        """Pass over it: parsers say by `status` what comes of it."""

    def take(self) -> Events:
        """Return the events that have been waiting.

        Where a number can't be an event's, the whole changes before it are returned, and `fault`
        is set.
        """
        calls, origins, rows, ids = self._calls, self._origins, self._rows, self._order_ids
        self._calls, self._origins, self._rows, self._order_ids = [], [], [], []
        self.length = 0
        self.is_whole = True
        if not calls:
            return empty_events(0)
        try:
            table = np.array(calls, np.int64)
            order_ids = np.array(ids, np.uint64)
        except OverflowError:
            self.fault = EventError("a time, sequence or order id is out of range", origins[0])
            return empty_events(0)
        events, prices, sizes = self._events(table, order_ids), *_texts(rows)
        lengths = table[:, _PLACES["first_events"]] + table[:, _PLACES["ask_events"]]
        price_decimals = np.repeat(table[:, _PLACES["price_decimals"]], lengths)
        quantity_decimals = np.repeat(table[:, _PLACES["quantity_decimals"]], lengths)
        events["price"], good_prices = parse_decimals(prices, price_decimals)
        events["size"], good_sizes = parse_decimals(sizes, quantity_decimals)
        good = min(good_prices, good_sizes)
        if good == len(events):
            return events
        call = int(np.searchsorted(np.cumsum(lengths), good, "right"))
        symbol = self._symbols[int(events["instrument_id"][good])]
        if good == good_prices:
            fault = _fault_text(symbol, "price", prices[good], int(price_decimals[good]))
        else:
            fault = _fault_text(symbol, "size", sizes[good], int(quantity_decimals[good]))
        self.fault = EventError(fault, origins[call])
        return events[: last_complete_event(events[:good])]

    def _target(self, symbol: str) -> _Target | None:
        target = self._targets.get(symbol)
        if target is None and not self._passes_over_others:
            raise FeedError(
                f"symbol {quoted(symbol)} comes late, and its decimals are not known; an "
                "instruments file (--instruments) can tell them, --symbols leave it out"
            )
        return target

    def _clear(self, target: _Target, is_last: bool, ts_event: int, sequence: int) -> None:
        self._rows.append(_NO_NUMBERS)
        self._add(
            target, _CLEAR, _NO_SIDE, 1, 0, (0,), _SNAPSHOT, ts_event, sequence, is_last=is_last
        )

    def _add(
        self,
        target: _Target,
        action: int,
        first_side: int,
        first_events: int,
        ask_events: int,
        order_ids: Sequence[int],
        flags: int,
        ts_event: int,
        sequence: int,
        is_last: bool = True,
    ) -> None:
        """Note events whose rows have been added."""
        if not order_ids:
            return
        self._calls.append(
            (
                *target,
                action,
                first_side,
                first_events,
                ask_events,
                flags,
                _LAST if is_last else 0,
                ts_event,
                self.ts_recv,
                sequence,
            )
        )
        self._origins.append(self.origin)
        self._order_ids.extend(order_ids)
        self.length += len(order_ids)
        self.is_whole = is_last

    def _events(self, calls: NDArray[np.int64], order_ids: NDArray[np.uint64]) -> Events:
        """Return the events of calls, without price and size."""
        columns = {name: calls[:, place] for name, place in _PLACES.items()}
        lengths = columns["first_events"] + columns["ask_events"]
        events = empty_events(len(order_ids))
        ts_event, ts_recv = columns["ts_event"], columns["ts_recv"]
        ts_recv = np.where(ts_recv == 0, ts_event, ts_recv)
        ts_event = np.where(ts_event == 0, ts_recv, ts_event)
        ts_recv[0] = max(int(ts_recv[0]), self._last_ns)
        np.maximum.accumulate(ts_recv, out=ts_recv)
        self._last_ns = int(ts_recv[-1])
        events["ts_event"] = np.repeat(ts_event, lengths)
        events["ts_recv"] = np.repeat(ts_recv, lengths)
        for name in ("sequence", "instrument_id", "action", "flags"):
            events[name] = np.repeat(columns[name], lengths)
        sides = np.full((len(calls), 2), _ASK)
        sides[:, 0] = columns["first_side"]
        counts = calls[:, [_PLACES["first_events"], _PLACES["ask_events"]]]
        events["side"] = np.repeat(sides.ravel(), counts.ravel())
        events["order_id"] = order_ids
        events["flags"][np.cumsum(lengths) - 1] |= columns["last_flag"].astype(np.uint8)
        return events


def _counts(bids: LevelRows, asks: LevelRows, count_at: int | None) -> list[int]:
    """Return the order counts of levels."""
    if count_at is None:
        return [NO_ORDER_COUNT] * (len(bids) + len(asks))
    texts = [row[count_at] for row in (*bids, *asks)]
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_COUNT_DIGITS):
            raise FeedError(f"a level has the order count {quoted(text)}")
    return [int(text) for text in texts]


def _texts(rows: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _fault_text(symbol: str, what: str, text: str, decimals: int) -> str:
    return (
        f"{what} {quoted(text)} of {quoted(symbol)} {decimal_fault(text, decimals)}; an "
        "instruments file (--instruments) can tell the decimals"
    )
