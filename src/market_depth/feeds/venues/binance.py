"""Binance's WebSocket streams, of the spot market and of futures: depth diffs and trades.

A diff has the absolute sizes of all levels that have changed, and says which updates it covers:
at the spot market from `U` to `u`, of futures from behind `pu`, the `u` of the diff before, to
`u`. A snapshot comes by REST, with its `lastUpdateId`: diffs are kept until then, those up to that
id are dropped, and the first one left must cover the update behind it. Where a diff leaves updates
out the book is stale until the next snapshot.

`bookTicker` tells the best prices and sizes after update `u`: where a diff ends with the same
update they must be the book's. It may come before that diff or behind it.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/\
How-to-manage-a-local-order-book-correctly
"""

from __future__ import annotations

from collections import deque
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import NS_PER_MS, NS_PER_US, Sequence, decode

__all__ = ["FUTURES", "SPOT"]

_NAME: Final = "Binance"
_MAX_WAITING: Final = 10_000
"""Diffs of a symbol kept for its snapshot: a quarter of an hour of one each 100 ms."""
_MAX_TICKERS: Final = 10_000
"""Tickers of a symbol kept for the diff that ends with their update."""
_FIRST_US: Final = 10**14
"""Times from here on are in microseconds (on demand), smaller ones in milliseconds."""
_STREAM: Final = b'{"stream":"'
_MARKET: Final = "MARKET"
_HEAD_BYTES: Final = 4096

_Time = Annotated[int, msgspec.Meta(ge=0, le=(2**63 - 1) // NS_PER_US)]
_Rows = list[tuple[str, str]]


class _Diff(msgspec.Struct):
    s: str
    U: Sequence
    u: Sequence
    b: _Rows
    a: _Rows
    pu: Sequence | None = None
    E: _Time = 0
    T: _Time = 0

    @property
    def covers_from(self) -> int:
        """The update behind which it begins."""
        return self.U - 1 if self.pu is None else self.pu


class _Ticker(msgspec.Struct):
    s: str
    u: Sequence
    b: str
    B: str
    a: str
    A: str


class _Trade(msgspec.Struct):
    s: str
    p: str
    q: str
    m: bool
    e: str = "trade"
    E: _Time = 0
    T: _Time = 0
    t: Sequence | None = None
    a: Sequence = 0
    X: str = _MARKET
    """How it came about: others than those of the market are no trades with its orders."""


class _Snapshot(msgspec.Struct):
    lastUpdateId: Sequence | None = None  # noqa: N815
    bids: _Rows = []
    asks: _Rows = []
    E: _Time = 0
    T: _Time = 0
    symbol: str = ""


class _DiffMessage(msgspec.Struct):
    data: _Diff


class _TickerMessage(msgspec.Struct):
    data: _Ticker


class _TradeMessage(msgspec.Struct):
    data: _Trade


class _Message(msgspec.Struct):
    """Any message: a stream's, wrapped or not, or a snapshot."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    e: str = ""
    u: Sequence | None = None
    B: str | int | None = None
    lastUpdateId: Sequence | None = None  # noqa: N815

    @property
    def is_spot_ticker(self) -> bool:
        """A bookTicker of the spot market does not say what it is."""
        return not self.e and self.u is not None and self.B is not None


_DIFF_MESSAGE: Final = msgspec.json.Decoder(_DiffMessage)
_TICKER_MESSAGE: Final = msgspec.json.Decoder(_TickerMessage)
_TRADE_MESSAGE: Final = msgspec.json.Decoder(_TradeMessage)
_DIFF: Final = msgspec.json.Decoder(_Diff)
_TICKER: Final = msgspec.json.Decoder(_Ticker)
_TRADE: Final = msgspec.json.Decoder(_Trade)
_SNAPSHOT: Final = msgspec.json.Decoder(_Snapshot)
_MESSAGE: Final = msgspec.json.Decoder(_Message)


class _Book:
    """What is known of one symbol."""

    __slots__ = (
        "connection",
        "has_joined",
        "last_id",
        "tickers",
        "trades_by",
        "update_id",
        "waiting",
    )

    def __init__(self) -> None:
        self.connection = ""
        """By which its diffs come."""
        self.last_id: int | None = None
        """The last update of the last diff."""
        self.waiting: deque[_Diff] = deque(maxlen=_MAX_WAITING)
        """Diffs without a gap among them, while there is no snapshot."""
        self.update_id = 0
        """The last update that the book has."""
        self.has_joined = False
        """Whether a diff has followed on the snapshot."""
        self.tickers: dict[int, _Ticker] = {}
        """Those that no diff has reached, by update id."""
        self.trades_by = ""
        """The kind of stream that tells trades; another would tell them again."""

    def forget(self) -> None:
        """Forget all that is of no use behind a gap."""
        self.last_id = None
        self.waiting.clear()
        self.tickers.clear()
        self.has_joined = False


class _Parser:
    def __init__(self, sink: BookSink) -> None:
        self._sink = sink
        self._continuity = Continuity(sink)
        self._books: dict[str, _Book] = {}
        self._nameless: _Snapshot | None = None
        """A snapshot that names no symbol and has come before any diff."""

    def opened(self, connection: str) -> None:
        self._continuity.opened(connection)
        for book in self._books.values():
            if book.connection == connection:
                book.forget()

    def sent(self, connection: str, text: bytes) -> None:
        pass

    def received(self, connection: str, text: bytes) -> None:
        if text.startswith(_STREAM):
            # The stream's name tells what to decode as what, and what not to decode at all.
            channel = text[len(_STREAM) : text.find(b'"', len(_STREAM))].partition(b"@")[2]
            if channel == b"depth" or channel.startswith(b"depth@"):
                self._diff(connection, decode(_DIFF_MESSAGE, text, _NAME).data)
            elif channel == b"bookTicker":
                if self._sink.is_checking:
                    self._ticker(decode(_TICKER_MESSAGE, text, _NAME).data)
            elif channel in (b"trade", b"aggTrade"):
                self._trade(decode(_TRADE_MESSAGE, text, _NAME).data)
            return
        message = decode(_MESSAGE, text, _NAME)
        if message.stream:
            text = bytes(message.data)
            message = decode(_MESSAGE, text, _NAME)
        if message.e == "depthUpdate":
            self._diff(connection, decode(_DIFF, text, _NAME))
        elif message.e in ("trade", "aggTrade"):
            self._trade(decode(_TRADE, text, _NAME))
        elif message.e == "bookTicker" or message.is_spot_ticker:
            if self._sink.is_checking:
                self._ticker(decode(_TICKER, text, _NAME))
        elif message.lastUpdateId is not None and not message.e:
            self._snapshot_received(decode(_SNAPSHOT, text, _NAME))

    def fetched(self, url: str, body: bytes) -> None:
        try:
            parts = urlsplit(url)
            symbols = parse_qs(parts.query).get("symbol")
        except ValueError:
            return
        if parts.path.endswith("/depth") and symbols:
            snapshot = decode(_SNAPSHOT, body, _NAME)
            if snapshot.lastUpdateId is not None:
                self._snapshot(symbols[0].upper(), snapshot, snapshot.lastUpdateId)

    def _book(self, symbol: str) -> _Book:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _Book()
        return book

    def _snapshot_received(self, snapshot: _Snapshot) -> None:
        """Take a snapshot that a recorder has put among the messages of a stream.

        One without a symbol can only be of the recording's only symbol.
        """
        symbols = [snapshot.symbol] if snapshot.symbol else list(self._books)
        if not symbols:
            self._nameless = snapshot
        elif len(symbols) == 1 and snapshot.lastUpdateId is not None:
            self._snapshot(symbols[0], snapshot, snapshot.lastUpdateId)

    def _snapshot(self, symbol: str, snapshot: _Snapshot, update_id: int) -> None:
        """Make a book of a snapshot, and of the diffs that have been waiting for it.

        A book that is live needs none. One that is older than the first diff can't be joined.
        """
        if symbol in self._continuity.live:
            return
        book = self._book(symbol)
        later = [diff for diff in book.waiting if diff.u > update_id]
        if later and not self._joins(symbol, later[0], update_id):
            return
        ts_event = _time_ns(snapshot.T or snapshot.E)
        self._sink.snapshot(
            symbol, snapshot.bids, snapshot.asks, ts_event=ts_event, sequence=update_id
        )
        book.update_id = update_id
        book.has_joined = bool(later)
        book.waiting.clear()
        for diff in later:
            self._apply(symbol, book, diff)
        self._continuity.restored(symbol, book.connection, ts_event=ts_event)

    def _joins(self, symbol: str, diff: _Diff, update_id: int) -> bool:
        """Check whether the first diff behind a snapshot follows on it."""
        is_next = diff.covers_from <= update_id
        detail = "" if is_next else f"from {diff.covers_from} on instead of {update_id}"
        self._sink.checked(symbol, is_next, "update id", detail)
        return is_next

    def _diff(self, connection: str, diff: _Diff) -> None:
        symbol = diff.s
        book = self._book(symbol)
        last_id = book.last_id
        if last_id is not None and diff.u <= last_id:
            return  # once more, or of a slower stream beside
        book.connection = connection
        is_live = symbol in self._continuity.live
        if (last_id is not None and not self._joins(symbol, diff, last_id)) or (
            is_live
            and not book.has_joined
            and diff.u > book.update_id
            and not self._joins(symbol, diff, book.update_id)
        ):
            is_live = False
            book.forget()
            self._continuity.lost(symbol, StatusReason.GAP, ts_event=_time_ns(diff.T or diff.E))
        book.last_id = diff.u
        if not is_live:
            self._continuity.joined(symbol, ts_event=_time_ns(diff.T or diff.E))
            book.waiting.append(diff)
            if self._nameless is not None:
                snapshot, self._nameless = self._nameless, None
                self._snapshot_received(snapshot)
        elif diff.u > book.update_id:
            if not book.has_joined:
                book.has_joined = True
                self._continuity.restored(symbol, connection)
            self._apply(symbol, book, diff)

    def _apply(self, symbol: str, book: _Book, diff: _Diff) -> None:
        self._sink.levels(
            symbol, diff.b, diff.a, ts_event=_time_ns(diff.T or diff.E), sequence=diff.u
        )
        book.update_id = diff.u
        if book.tickers:
            ticker = book.tickers.get(diff.u)
            book.tickers = {u: one for u, one in book.tickers.items() if u > diff.u}
            if ticker is not None:
                self._expect(ticker)

    def _ticker(self, ticker: _Ticker) -> None:
        book = self._book(ticker.s)
        is_live = ticker.s in self._continuity.live
        if not is_live or ticker.u > book.update_id:
            if len(book.tickers) == _MAX_TICKERS:
                del book.tickers[next(iter(book.tickers))]
            book.tickers[ticker.u] = ticker
        elif ticker.u == book.update_id and book.has_joined:
            self._expect(ticker)

    def _expect(self, ticker: _Ticker) -> None:
        self._sink.expect(ticker.s, [(ticker.b, ticker.B)], [(ticker.a, ticker.A)], "bookTicker")

    def _trade(self, trade: _Trade) -> None:
        book = self._book(trade.s)
        if not book.trades_by:
            book.trades_by = trade.e
        if trade.e != book.trades_by or trade.X != _MARKET:
            return
        self._sink.trade(
            trade.s,
            Side.ASK if trade.m else Side.BID,  # `m`: the buyer was the maker
            trade.p,
            trade.q,
            ts_event=_time_ns(trade.T or trade.E),
            sequence=trade.a if trade.t is None else trade.t,
        )


def _time_ns(time: int) -> int:
    return time * (NS_PER_MS if time < _FIRST_US else NS_PER_US)


def _recognises_spot(text: bytes) -> bool:
    head = text[:_HEAD_BYTES]
    return (b'"depthUpdate"' in head and b'"pu"' not in head) or (
        b'"trade"' in head and b'"M":' in head
    )


def _recognises_futures(text: bytes) -> bool:
    head = text[:_HEAD_BYTES]
    return (b'"depthUpdate"' in head and b'"pu"' in head) or (
        b'"e":"bookTicker"' in head and b'"A":' in head
    )


_SPOT_HOSTS: Final = (
    "stream.binance.com",
    "data-stream.binance.vision",
    "ws-api.binance.com",
    "api.binance.com",
    "api1.binance.com",
    "api2.binance.com",
    "api3.binance.com",
    "api4.binance.com",
    "data-api.binance.vision",
    "stream.binance.us",
    "api.binance.us",
)
_FUTURES_HOSTS: Final = (
    "fstream.binance.com",
    "fapi.binance.com",
    "dstream.binance.com",
    "dapi.binance.com",
)

SPOT: Final = Venue(
    name="binance",
    title="Binance, spot market",
    hosts=_SPOT_HOSTS,
    recognises=_recognises_spot,
    parser=_Parser,
)
FUTURES: Final = Venue(
    name="binance-futures",
    title="Binance, futures",
    hosts=_FUTURES_HOSTS,
    recognises=_recognises_futures,
    parser=_Parser,
)
