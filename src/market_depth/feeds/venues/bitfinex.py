"""Bitfinex's WebSocket, version 2: raw books (R0), books by price (P0 to P4), and trades.

Messages of channels are arrays: `[channel, payload]`, behind which stand a sequence of the
connection and a time in ms if the client has asked for them by `conf`. A raw book shows the
orders of a window (25 a side, unless more are asked for): one that leaves the window is taken
away like one that is gone. A checksum ("cs") is the CRC-32 of the 25 best bids and asks in turn.

Source: https://docs.bitfinex.com/reference/ws-public-raw-books,
https://docs.bitfinex.com/reference/ws-public-books,
https://docs.bitfinex.com/reference/ws-public-trades,
https://docs.bitfinex.com/docs/ws-websocket-checksum, https://docs.bitfinex.com/docs/ws-conf-flags
"""

from __future__ import annotations

import zlib
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final, TypeAlias

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Side, StatusReason
from market_depth.feeds.venues.base import BookSink, OrderRow, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import NS_PER_MS, decode, number_text

__all__ = ["VENUE"]

_NAME: Final = "Bitfinex"
_TIMESTAMPS: Final = 32_768
_SEQUENCES: Final = 65_536
_BULK_UPDATES: Final = 536_870_912
_CHECKSUM_ROWS: Final = 25
_MAX_MS: Final = (2**63 - 1) // NS_PER_MS
_RAW: Final = "R0"

_Row: TypeAlias = tuple[str, str, str]
"""Order id or price; price or order count; amount, negative for asks."""


class _Event(msgspec.Struct):
    event: str = ""
    status: str = ""
    flags: int = 0
    channel: str = ""
    chanId: int = 0  # noqa: N815
    symbol: str = ""
    prec: str = ""


_EVENT: Final = msgspec.json.Decoder(_Event)
_ARRAY: Final = msgspec.json.Decoder(list, float_hook=str)


class _Channel:
    """A subscription, and the book that it has told so far."""

    __slots__ = ("has_snapshot", "is_raw", "is_trades", "rows", "symbol")

    def __init__(self, event: _Event) -> None:
        self.symbol = event.symbol
        self.is_trades = event.channel == "trades"
        self.is_raw = event.prec == _RAW
        self.has_snapshot = False
        self.rows: dict[str, _Row] = {}
        """By order id or price."""


class _Connection:
    __slots__ = ("channels", "flags", "sequence")

    def __init__(self) -> None:
        self.channels: dict[int, _Channel] = {}
        self.flags = 0
        self.sequence: int | None = None


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._connections: dict[str, _Connection] = {}
        self._books: dict[str, _Channel] = {}
        """The channel that tells a symbol's book; further ones are passed over."""

    def opened(self, connection: str) -> None:
        self._connections[connection] = _Connection()
        for symbol in self._continuity.symbols_of(connection):
            del self._books[symbol]
        self._continuity.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        state = self._connections.get(connection)
        if state is None:
            state = self._connections[connection] = _Connection()
        if text[:1] != b"[":
            self._event(state, decode(_EVENT, text, _NAME))
            return
        message: list[Any] = decode(_ARRAY, text, _NAME)
        if len(message) < 2 or type(message[0]) is not int:
            raise FeedError(f"{_NAME}'s message {_shown(message)} has no channel")
        sequence, ts_event = self._numbers(state, message)
        channel = state.channels.get(message[0])
        if sequence is not None and not self._is_new(connection, state, channel, sequence):
            return
        if channel is not None and message[1] != "hb":
            self._message(connection, state, channel, message, ts_event, sequence or 0)
        state.sequence = sequence

    def _event(self, state: _Connection, event: _Event) -> None:
        if event.event == "conf" and event.status == "OK":
            state.flags = event.flags
        elif event.event == "subscribed" and event.channel in ("book", "trades"):
            if event.symbol[:1] != "f":  # books of funding have other rows
                state.channels[event.chanId] = _Channel(event)
        elif event.event == "unsubscribed":
            channel = state.channels.pop(event.chanId, None)
            if channel is not None and self._books.get(channel.symbol) is channel:
                del self._books[channel.symbol]
                self._continuity.lost(channel.symbol, StatusReason.DISCONNECTED)

    def _numbers(self, state: _Connection, message: list[Any]) -> tuple[int | None, int]:
        """Take the sequence (`None` without one) and the time in ns off a message's end."""
        ts_event = 0
        sequence: int | None = None
        if state.flags & _TIMESTAMPS:
            ts_event = _integer(message, _MAX_MS) * NS_PER_MS
        if state.flags & _SEQUENCES:
            sequence = _integer(message, 2**63 - 1)
        return sequence, ts_event

    def _is_new(
        self, connection: str, state: _Connection, channel: _Channel | None, sequence: int
    ) -> bool:
        """Check a sequence; all the connection's books are lost where others lie between."""
        if state.sequence is None:
            return True
        expected = state.sequence + 1
        symbol = "" if channel is None else channel.symbol
        detail = "" if sequence == expected else f"{sequence} instead of {expected}"
        self._sink.checked(symbol, sequence == expected, "sequence", detail)
        if sequence not in (expected, state.sequence):
            for lost in self._continuity.symbols_of(connection):
                self._continuity.lost(lost, StatusReason.GAP)
        return sequence != state.sequence

    def _message(
        self,
        connection: str,
        state: _Connection,
        channel: _Channel,
        message: list[Any],
        ts_event: int,
        sequence: int,
    ) -> None:
        payload = message[1]
        if channel.is_trades:
            if payload == "te":
                self._trade(channel.symbol, message, sequence)
            return
        if self._books.setdefault(channel.symbol, channel) is not channel:
            return
        if payload == "cs":
            self._checksum(channel, message)
            return
        if not isinstance(payload, list):
            raise FeedError(f"{_NAME}'s message {_shown(message)} is no book's")
        if payload and not isinstance(payload[0], list):
            self._changes(channel, [payload], ts_event, sequence)
        elif channel.has_snapshot and state.flags & _BULK_UPDATES:
            self._changes(channel, payload, ts_event, sequence)
        else:
            self._snapshot(channel, payload, ts_event, sequence)
            self._continuity.restored(channel.symbol, connection, ts_event=ts_event)

    def _snapshot(self, channel: _Channel, rows: list[Any], ts_event: int, sequence: int) -> None:
        read = [_row(row) for row in rows]
        sides = (
            [row for row in read if row[2][0] != "-"],
            [row for row in read if row[2][0] == "-"],
        )
        if channel.is_raw:
            orders = [
                [OrderRow(_order_id(row[0]), row[1], row[2].lstrip("-")) for row in side]
                for side in sides
            ]
            self._sink.orders(
                channel.symbol, orders[0], orders[1], ts_event=ts_event, sequence=sequence
            )
        else:
            levels = [[(row[0], row[2].lstrip("-"), row[1]) for row in side] for side in sides]
            self._sink.snapshot(
                channel.symbol,
                levels[0],
                levels[1],
                ts_event=ts_event,
                sequence=sequence,
                count_at=2,
            )
        channel.rows = {row[0]: row for row in read}
        channel.has_snapshot = True

    def _changes(self, channel: _Channel, rows: list[Any], ts_event: int, sequence: int) -> None:
        read = [_row(row) for row in rows]
        if channel.symbol not in self._continuity.live:
            self._continuity.joined(channel.symbol, ts_event=ts_event)
            return
        for row in read:
            if channel.is_raw:
                self._order(channel, row, ts_event, sequence)
            else:
                self._level(channel, row, ts_event, sequence)

    def _order(self, channel: _Channel, row: _Row, ts_event: int, sequence: int) -> None:
        """Add, change or take away an order of a raw book."""
        order, price, amount = row
        order_id = _order_id(order)
        side = Side.ASK if amount[0] == "-" else Side.BID
        known = channel.rows.get(order)
        if price.strip("0."):
            action = Action.ADD if known is None else Action.MODIFY
            size = amount.lstrip("-")
        else:
            action, size = Action.CANCEL, "0"
            self._sink.checked(channel.symbol, known is not None, "known order", order)
            if known is None:
                return
            price = known[1]
        self._sink.order(
            channel.symbol,
            action,
            side,
            order_id,
            price,
            size,
            ts_event=ts_event,
            sequence=sequence,
        )
        if action is Action.CANCEL:
            del channel.rows[order]
        else:
            channel.rows[order] = row

    def _level(self, channel: _Channel, row: _Row, ts_event: int, sequence: int) -> None:
        """Set or take away a level of a book by price."""
        price, count, amount = row
        is_gone = count == "0"
        rows = [(price, "0" if is_gone else amount.lstrip("-"), count)]
        bids, asks = ([], rows) if amount[0] == "-" else (rows, [])
        self._sink.levels(
            channel.symbol, bids, asks, ts_event=ts_event, sequence=sequence, count_at=2
        )
        if is_gone:
            channel.rows.pop(price, None)
        else:
            channel.rows[price] = row

    def _checksum(self, channel: _Channel, message: list[Any]) -> None:
        if channel.symbol not in self._continuity.live:
            return
        told = _integer(message, 2**32)
        found = _checksum(channel)
        is_good = (told - found) % 2**32 == 0
        detail = "" if is_good else f"{found} instead of {told}"
        self._sink.checked(channel.symbol, is_good, "CRC-32", detail)
        if not is_good:
            self._continuity.lost(channel.symbol, StatusReason.CHECKSUM)

    def _trade(self, symbol: str, message: list[Any], sequence: int) -> None:
        row = message[2] if len(message) > 2 else None
        if not isinstance(row, list) or len(row) < 4:
            raise FeedError(f"{_NAME}'s message {_shown(message)} is no trade")
        time, amount, price = row[1], number_text(row[2]), number_text(row[3])
        if type(time) is not int or not 0 <= time <= _MAX_MS:
            raise FeedError(f"{_NAME}'s trade has the time {_shown(time)}")
        side = Side.ASK if amount[:1] == "-" else Side.BID
        ts_event = time * NS_PER_MS
        self._sink.trade(
            symbol, side, price, amount.lstrip("-"), ts_event=ts_event, sequence=sequence
        )


def _row(row: Any) -> _Row:
    if not isinstance(row, list) or len(row) != 3:
        raise FeedError(f"{_NAME}'s book has the row {_shown(row)}")
    first, second, amount = (number_text(value) for value in row)
    if not (first and second and amount):
        raise FeedError(f"{_NAME}'s book has the row {_shown(row)}")
    return first, second, amount


def _order_id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise FeedError(f"{_NAME}'s book has the order id {quoted(text)}")
    return int(text)


def _integer(message: list[Any], limit: int) -> int:
    """Take a whole number off a message's end."""
    value = message.pop() if len(message) > 2 else None
    if type(value) is not int or not -limit <= value <= limit:
        raise FeedError(f"{_NAME}'s message ends in {_shown(value)} where a number should be")
    return value


def _checksum(channel: _Channel) -> int:
    """Return the CRC-32 of a book's best rows.

    Of a raw book a row is its order's id and amount, of others its price and amount.

    Raises:
        FeedError: if a price is no number.
    """
    bids: list[tuple[Decimal, int, str]] = []
    asks: list[tuple[Decimal, int, str]] = []
    try:
        for key, row in channel.rows.items():
            price = Decimal(row[1] if channel.is_raw else key)
            order_id = int(key) if channel.is_raw else 0
            if row[2][0] == "-":
                asks.append((price, order_id, f"{key}:{row[2]}"))
            else:
                bids.append((-price, order_id, f"{key}:{row[2]}"))
        best = zip_longest(sorted(bids)[:_CHECKSUM_ROWS], sorted(asks)[:_CHECKSUM_ROWS])
    except ArithmeticError:
        raise FeedError(f"{_NAME}'s book has a price that is no number") from None
    return zlib.crc32(":".join(row[2] for pair in best for row in pair if row).encode())


def _shown(value: Any) -> str:
    return quoted(str(value))


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b'"chanId"' in head or (b'"serverId"' in head and b'"platform"' in head)


VENUE: Final = Venue(
    name="bitfinex",
    title="Bitfinex",
    hosts=("api.bitfinex.com", "api-pub.bitfinex.com"),
    recognises=_recognises,
    parser=_Parser,
)
