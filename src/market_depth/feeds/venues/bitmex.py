"""BitMEX's WebSocket: order books by price (`orderBookL2`, `orderBookL2_25`) and trades.

A table begins with a `partial`, the whole of it; then rows come and go by their `id`. Since 2023
every row has its price; before, `update` and `delete` name the id alone. There are no sequences:
what shows that something is missing is an id that is not there.

Source: https://www.bitmex.com/app/wsAPI,
https://blog.bitmex.com/api_announcement/removing-id-schema-on-orderbook-feeds/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

import msgspec

from market_depth.errors import FeedError, quoted
from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import decode, number_text, rfc3339_ns

__all__ = ["VENUE"]

_NAME: Final = "BitMEX"
_BOOKS: Final = ("orderBookL2", "orderBookL2_25")
_SIDES: Final = {"Buy": Side.BID, "Sell": Side.ASK}


class _Filter(msgspec.Struct):
    symbol: str = ""


class _Message(msgspec.Struct):
    table: str = ""
    action: str = ""
    filter: _Filter = msgspec.field(default_factory=_Filter)
    data: msgspec.Raw = msgspec.Raw()


class _Row(msgspec.Struct):
    symbol: str
    id: int
    side: Literal["Buy", "Sell"]
    size: Any = 0
    price: Any = None
    timestamp: str = ""


class _Trade(msgspec.Struct):
    symbol: str
    timestamp: str
    side: Literal["Buy", "Sell", ""] | None
    size: Any
    price: Any


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_ROWS: Final = msgspec.json.Decoder(list[_Row], float_hook=str)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], float_hook=str)


class _Book(NamedTuple):
    """What a table has told of a symbol."""

    table: str
    prices: dict[tuple[str, int], str]
    """By side and id."""


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._books: dict[str, _Book] = {}

    def opened(self, connection: str) -> None:
        for symbol in self._continuity.symbols_of(connection):
            del self._books[symbol]
        self._continuity.opened(connection)

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def fetched(self, url: str, body: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        message = decode(_MESSAGE, text, _NAME)
        if message.table in _BOOKS:
            rows = decode(_ROWS, message.data, _NAME)
            if message.action == "partial":
                self._partial(connection, message, rows)
            elif message.action not in ("insert", "update", "delete"):
                raise FeedError(f"{_NAME}'s book has the action {quoted(message.action)}")
            else:
                for symbol, own in _by_symbol(rows):
                    self._changes(symbol, message, own)
        elif message.table == "trade" and message.action == "insert":
            self._trades(decode(_TRADES, message.data, _NAME))

    def _partial(self, connection: str, message: _Message, rows: list[_Row]) -> None:
        """Take the whole table, of one symbol or of all that there are."""
        empty: list[_Row] = []
        by_symbol = {message.filter.symbol: empty} if message.filter.symbol else {}
        for row in rows:
            by_symbol.setdefault(row.symbol, []).append(row)
        for symbol, own in by_symbol.items():
            book = self._books.get(symbol)
            if book is not None and book.table != message.table:
                continue
            book = _Book(message.table, {(row.side, row.id): _price(row) for row in own})
            sides: dict[str, list[tuple[str, str]]] = {"Buy": [], "Sell": []}
            for row in own:
                sides[row.side].append((_price(row), number_text(row.size)))
            ts_event = _time(own)
            self._sink.snapshot(symbol, sides["Buy"], sides["Sell"], ts_event=ts_event)
            self._books[symbol] = book
            self._continuity.restored(symbol, connection, ts_event=ts_event)

    def _changes(self, symbol: str, message: _Message, rows: list[_Row]) -> None:
        ts_event = _time(rows)
        book = self._books.get(symbol)
        if book is None or symbol not in self._continuity.live:
            self._continuity.joined(symbol, ts_event=ts_event)
            return
        if book.table != message.table:
            return
        prices: dict[tuple[str, int], str] = {}
        sides: dict[str, list[tuple[str, str]]] = {"Buy": [], "Sell": []}
        for row in rows:
            key: tuple[str, int] = (row.side, row.id)
            price = None if message.action == "insert" else book.prices.get(key, "")
            if price == "":
                detail = f"{message.action} of id {row.id}, which is not there"
                self._sink.checked(symbol, False, "known id", detail)
                self._continuity.lost(symbol, StatusReason.GAP, ts_event=ts_event)
                return
            prices[key] = _price(row) if price is None or row.price is not None else price
            if price is not None and price != prices[key]:
                sides[row.side].append((price, "0"))
            size = "0" if message.action == "delete" else number_text(row.size)
            sides[row.side].append((prices[key], size))
        self._sink.levels(symbol, sides["Buy"], sides["Sell"], ts_event=ts_event)
        self._sink.checked(symbol, True, "known id")
        if message.action == "delete":
            for key in prices:
                book.prices.pop(key, None)
        else:
            book.prices.update(prices)

    def _trades(self, trades: list[_Trade]) -> None:
        for trade in trades:
            self._sink.trade(
                trade.symbol,
                _SIDES.get(trade.side or "", Side.NONE),
                number_text(trade.price),
                number_text(trade.size),
                ts_event=rfc3339_ns(trade.timestamp),
            )


def _by_symbol(rows: list[_Row]) -> Iterable[tuple[str, list[_Row]]]:
    """Return the rows of each symbol; as a rule all are of one."""
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.symbol, []).append(row)
    return found.items()


def _price(row: _Row) -> str:
    if row.price is None:
        raise FeedError(f"{_NAME}'s row with the id {quoted(str(row.id))} has no price")
    return number_text(row.price)


def _time(rows: list[_Row]) -> int:
    return rfc3339_ns(rows[-1].timestamp) if rows and rows[-1].timestamp else 0


def _recognises(text: bytes) -> bool:
    head = text[:4096]
    return b"BitMEX" in head or (b'"table":"' in head and b'"action":"' in head)


VENUE: Final = Venue(
    name="bitmex",
    title="BitMEX",
    hosts=("www.bitmex.com", "ws.bitmex.com", "testnet.bitmex.com"),
    recognises=_recognises,
    parser=_Parser,
)
