"""IEX DEEP segments as events: put in order, gaps told, and what messages do to books."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import (
    EVENT_DTYPE,
    NO_ORDER_COUNT,
    Action,
    BookStatus,
    Events,
    Flag,
    Side,
    StatusReason,
    empty_events,
)
from market_depth.feeds.iex_messages import DeepMessage, MessageType, Segment
from market_depth.feeds.sequencing import Sequencer
from market_depth.instruments import Instrument

__all__ = ["PRICE_DECIMALS", "SegmentPlayer"]

PRICE_DECIMALS: Final = 4
_CHUNK_EVENTS: Final = 8192
_MAX_UNITS: Final = 2**63 - 1
_LEVEL: Final = struct.Struct("<BBq8sIq")
_TRADE: Final = struct.Struct("<BBq8sIqQ")
_STATUS: Final = struct.Struct("<BBq8s")
_EVENT_PROCESSED: Final = 1
_SYSTEM_EVENT: Final = int(MessageType.SYSTEM_EVENT)
_START_OF_MESSAGES: Final = ord("O")
_BUY_LEVEL: Final = int(MessageType.BUY_LEVEL)
_TRADE_BREAK: Final = int(MessageType.TRADE_BREAK)
_TRADING: Final = ord("T")
_NO_HALT: Final = ord("N")
_NOT_TRADING, _OPERATIONAL_HALT = 1, 2
# As plain integers, which are made into events faster.
_BID, _ASK, _NO_SIDE = int(Side.BID), int(Side.ASK), int(Side.NONE)
_LAST: Final = int(Flag.LAST)

_Row = tuple[int, int, int, int, int, int, int, int, int, int]


class _Stock:
    """A stock that is wanted."""

    __slots__ = ("_price_unit", "_size_unit", "halts", "instrument_id", "is_scaled")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument_id = instrument.instrument_id
        self._price_unit = 10 ** (instrument.price_decimals - PRICE_DECIMALS)
        self._size_unit = 10**instrument.quantity_decimals
        self.is_scaled = self._price_unit * self._size_unit > 1
        self.halts = 0
        """Which kinds of halts are in force."""

    def units(self, price: int, size: int) -> tuple[int, int]:
        """Return a price and a size as counts of the last decimal; those beyond all counts are the
        largest."""
        units = price * self._price_unit, size * self._size_unit
        return max(min(units[0], _MAX_UNITS), -_MAX_UNITS), min(units[1], _MAX_UNITS)


class SegmentPlayer:
    """Turns segments into events, and keeps what has to be known for that: what has come, what is
    waited for, halts, and whether books are whole.

    Args:
        instruments: the stocks that are wanted, with four price decimals or more.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._rows: list[_Row] = []
        self._stocks = {one.symbol.encode().ljust(8): _Stock(one) for one in instruments}
        self._ids = np.array([one.instrument_id for one in instruments], np.uint32)
        self._plays: dict[int, Callable[[bytes], None]] = {
            MessageType.BUY_LEVEL: self._play_level,
            MessageType.SELL_LEVEL: self._play_level,
            MessageType.TRADE: self._play_trade,
            MessageType.TRADE_BREAK: self._play_trade,
            MessageType.TRADING_STATUS: self._play_trading_status,
            MessageType.OPERATIONAL_HALT: self._play_operational_halt,
        }
        self._sequencer: Sequencer[Segment] = Sequencer()
        self._session: tuple[int, int] | None = None
        self._sessions: set[tuple[int, int]] = set()
        self._sent_ns = 0
        self._event_ns = 0
        self._recv_ns = 0
        self._sequence = 0
        self._has_begun = False
        self._is_stale = False
        self._was_live = False
        self._in_change = False

    def push(self, segment: Segment) -> Iterator[Events]:
        """Yield what can be played now.

        Raises:
            FeedError: if the segment is of another feed.
        """
        if segment.session != self._session:
            yield from self._begin_session(segment)
        elif self._counts_anew(segment):
            yield from self._begin_stream(segment, is_broken=True)
        if segment.sent_ns > self._sent_ns:
            self._sent_ns = segment.sent_ns
        count = len(segment.messages)
        for one in self._sequencer.push(segment, segment.first, count, segment.time_ns):
            yield from self._play(one.packet, one.repeated, one.lost)

    def finish(self) -> Iterator[Events]:
        """Yield what is left."""
        yield from self._play_held()
        yield from self._take()

    def _begin_session(self, segment: Segment) -> Iterator[Events]:
        if segment.session in self._sessions:
            raise FeedError(
                f"{segment.path} has two feeds at once at byte {segment.offset}, with sessions "
                f"{self._session} and {segment.session}"
            )
        is_broken = self._session is not None and segment.first > 1
        self._session = segment.session
        self._sessions.add(segment.session)
        yield from self._begin_stream(segment, is_broken=is_broken)

    def _counts_anew(self, segment: Segment) -> bool:
        """Whether a segment is numbered lower than expected not because it is a repeated one."""
        expected = self._sequencer.expected
        if expected is None or segment.first >= expected or segment.sent_ns <= self._sent_ns:
            return False
        if segment.messages:
            return segment.messages[0].ts_event > self._event_ns
        return segment.first <= 1 and segment.stream_offset == 0

    def _begin_stream(self, segment: Segment, *, is_broken: bool) -> Iterator[Events]:
        yield from self._play_held()
        self._sequencer = Sequencer()
        if is_broken:
            yield from self._lose(StatusReason.GAP, segment)

    def _play_held(self) -> Iterator[Events]:
        for one in self._sequencer.finish():
            yield from self._play(one.packet, one.repeated, one.lost)

    def _play(self, segment: Segment, repeated: int, lost: int) -> Iterator[Events]:
        messages = segment.messages
        if lost:
            yield from self._lose(StatusReason.GAP, segment)
        if not self._has_begun and messages and not _is_start(messages[0]):
            yield from self._lose(StatusReason.JOINED, segment)
        self._recv_ns = max(self._recv_ns, segment.time_ns)
        for place in range(repeated, len(messages)):
            message = messages[place]
            self._sequence = segment.first + place
            play = self._plays.get(message.kind)
            if play is not None:
                play(message.body)
            elif _is_start(message):
                yield from self._start(message.ts_event)
        if messages:
            self._event_ns = max(self._event_ns, messages[-1].ts_event)
        if len(self._rows) >= _CHUNK_EVENTS:
            yield from self._take()

    def _play_level(self, body: bytes) -> None:
        kind, flags, ts_event, symbol, size, price = _LEVEL.unpack_from(body)
        stock = self._stocks.get(symbol)
        if stock is not None:
            if stock.is_scaled:
                price, size = stock.units(price, size)
            side = _BID if kind == _BUY_LEVEL else _ASK
            self._in_change = not flags & _EVENT_PROCESSED
            self._put(stock, ts_event, Action.LEVEL, side, price, size, NO_ORDER_COUNT)

    def _play_trade(self, body: bytes) -> None:
        kind, _, ts_event, symbol, size, price, trade_id = _TRADE.unpack_from(body)
        stock = self._stocks.get(symbol)
        if stock is None:
            return
        if stock.is_scaled:
            price, size = stock.units(price, size)
        if kind == _TRADE_BREAK:
            self._put(stock, ts_event, Action.NONE, _NO_SIDE, price, size, trade_id)
        else:
            self._put(stock, ts_event, Action.TRADE, _NO_SIDE, price, size, 0)

    def _play_trading_status(self, body: bytes) -> None:
        self._play_halt(body, _NOT_TRADING, body[1] != _TRADING)

    def _play_operational_halt(self, body: bytes) -> None:
        self._play_halt(body, _OPERATIONAL_HALT, body[1] != _NO_HALT)

    def _play_halt(self, body: bytes, which: int, is_halted: bool) -> None:
        _, _, ts_event, symbol = _STATUS.unpack_from(body)
        stock = self._stocks.get(symbol)
        if stock is None:
            return
        before = stock.halts
        stock.halts = before | which if is_halted else before & ~which
        if self._is_stale or bool(stock.halts) == bool(before):
            return
        status, reason = BookStatus.LIVE, StatusReason.NONE
        if stock.halts:
            status, reason = BookStatus.HALTED, StatusReason.VENUE
        self._put(stock, ts_event, Action.STATUS, _NO_SIDE, reason, status, 0)

    def _put(
        self,
        stock: _Stock,
        ts_event: int,
        action: Action,
        side: int,
        price: int,
        size: int,
        order_id: int,
    ) -> None:
        flags = 0 if self._in_change else _LAST
        head = (ts_event, self._recv_ns, order_id, price, size)
        self._rows.append((*head, self._sequence, stock.instrument_id, action, side, flags))

    def _start(self, ts_event: int) -> Iterator[Events]:
        """Yield that all books are empty, and live."""
        is_recovered = self._is_stale and self._was_live
        self._has_begun = self._was_live = True
        self._is_stale = self._in_change = False
        for stock in self._stocks.values():
            stock.halts = 0
        pairs = np.repeat(self._for_all(ts_event), 2)
        clears, statuses = pairs[0::2], pairs[1::2]
        clears["action"] = Action.CLEAR
        clears["flags"] = 0
        statuses["size"] = BookStatus.RECOVERED if is_recovered else BookStatus.LIVE
        yield from self._take()
        yield pairs

    def _lose(self, reason: StatusReason, segment: Segment) -> Iterator[Events]:
        """Yield that all books are stale from a segment on, if they are not yet."""
        self._has_begun = True
        self._in_change = False
        if self._is_stale:
            return
        self._is_stale = True
        self._recv_ns = max(self._recv_ns, segment.time_ns)
        statuses = self._for_all(segment.sent_ns)
        statuses["size"] = BookStatus.STALE
        statuses["price"] = reason
        yield from self._take()
        yield statuses

    def _for_all(self, ts_event: int) -> Events:
        """Return a status of each stock, that is not yet told."""
        events = empty_events(len(self._ids))
        events["ts_event"] = ts_event
        events["ts_recv"] = self._recv_ns
        events["sequence"] = self._sequence
        events["instrument_id"] = self._ids
        events["action"] = Action.STATUS
        events["side"] = Side.NONE
        events["flags"] = Flag.LAST
        return events

    def _take(self) -> Iterator[Events]:
        """Yield what is at hand."""
        if self._rows:
            events = np.array(self._rows, EVENT_DTYPE)
            self._rows = []
            yield events


def _is_start(message: DeepMessage) -> bool:
    return message.kind == _SYSTEM_EVENT and message.body[1] == _START_OF_MESSAGES
