"""Binance's WebSocket streams, of the spot market and of futures: depth and trades.

A diff has the absolute sizes of all levels that have changed, and says which updates it covers:
at the spot market from `U` to `u`, of futures from behind `pu`, the `u` of the diff before, to
`u`. A snapshot comes by REST, with its `lastUpdateId`: diffs are kept until then, those up to that
id are dropped, and the first one left must cover the update behind it. Where a diff leaves updates
out the book is stale until the next snapshot.

Streams of the best 5, 10 or 20 levels are snapshots by themselves. They make the book while there
is no deeper one; only wrapped with the stream's name, since without it they name no symbol, or look
like diffs.

`bookTicker` tells the best prices and sizes after update `u`: where a diff ends with the same
update they must be the book's. It may come before that diff or behind it.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/\
How-to-manage-a-local-order-book-correctly
"""

from __future__ import annotations

from collections import deque
from typing import Final
from urllib.parse import parse_qs

from market_depth.errors import FeedError
from market_depth.events import Side, StatusReason
from market_depth.feeds.venues.base import BookSink, Venue
from market_depth.feeds.venues.binance_messages import (
    BEST_MESSAGE,
    DIFF,
    DIFF_MESSAGE,
    MESSAGE,
    SNAPSHOT,
    TICKER,
    TICKER_MESSAGE,
    TRADE,
    TRADE_MESSAGE,
    BestLevels,
    Diff,
    Snapshot,
    Ticker,
    Trade,
)
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.decoding import decode, url_parts

__all__ = ["FUTURES", "SPOT"]

_NAME: Final = "Binance"
MAX_WAITING: Final = 10_000
"""Diffs of a symbol kept for its snapshot: a quarter of an hour of one each 100 ms."""
MAX_TICKERS: Final = 10_000
"""Tickers of a symbol kept for the diff that ends with their update."""
_STREAM: Final = b'{"stream":"'
_MARKET: Final = "MARKET"
_HEAD_BYTES: Final = 4096


class _Book:
    """What is known of one symbol."""

    __slots__ = (
        "connection",
        "has_joined",
        "is_best_only",
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
        self.waiting: deque[Diff] = deque(maxlen=MAX_WAITING)
        """Diffs without a gap among them, while there is no snapshot."""
        self.update_id = 0
        """The last update that the book has."""
        self.has_joined = False
        """Whether a diff has followed on the snapshot."""
        self.is_best_only = False
        """Whether what is known are the best levels: not what diffs can be applied to."""
        self.tickers: dict[int, Ticker] = {}
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
        self._nameless: Snapshot | None = None
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
            self._streamed(connection, text)
            return
        message = decode(MESSAGE, text, _NAME)
        if message.stream:
            name = message.stream.encode()
            self._streamed(connection, b'%b%b","data":%b}' % (_STREAM, name, message.data))
        elif message.e == "depthUpdate":
            self._diff(connection, decode(DIFF, text, _NAME))
        elif message.e in ("trade", "aggTrade"):
            self._trade(decode(TRADE, text, _NAME))
        elif message.e == "bookTicker" or message.is_spot_ticker:
            if self._sink.is_checking:
                self._ticker(decode(TICKER, text, _NAME))
        elif message.lastUpdateId is not None and not message.e:
            self._snapshot_received(decode(SNAPSHOT, text, _NAME))

    def _streamed(self, connection: str, text: bytes) -> None:
        """Take a message with its stream's name in front, which tells what to decode as what, and
        what not to decode at all."""
        end = text.find(b'"', len(_STREAM))
        symbol, _, channel = text[len(_STREAM) : end].partition(b"@")
        if channel == b"depth" or channel.startswith(b"depth@"):
            self._diff(connection, decode(DIFF_MESSAGE, text, _NAME).data)
        elif channel == b"bookTicker":
            if self._sink.is_checking:
                self._ticker(decode(TICKER_MESSAGE, text, _NAME).data)
        elif channel in (b"trade", b"aggTrade"):
            self._trade(decode(TRADE_MESSAGE, text, _NAME).data)
        elif channel.startswith(b"depth"):
            best = decode(BEST_MESSAGE, text, _NAME).data
            self._best_levels(connection, symbol.decode(errors="replace").upper(), best)

    def fetched(self, url: str, body: bytes) -> None:
        parts = url_parts(url)
        symbols = parse_qs(parts.query).get("symbol")
        if parts.path.endswith("/depth") and symbols:
            snapshot = decode(SNAPSHOT, body, _NAME)
            if snapshot.lastUpdateId is not None:
                self._snapshot(symbols[0].upper(), snapshot, snapshot.lastUpdateId)

    def _book(self, symbol: str) -> _Book:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _Book()
        return book

    def _is_whole(self, symbol: str, book: _Book) -> bool:
        """Whether diffs can be applied to a book."""
        return symbol in self._continuity.live and not book.is_best_only

    def _best_levels(self, connection: str, symbol: str, best: BestLevels) -> None:
        """Take the best levels as the book, unless a deeper one is whole."""
        if best.update_id is None:
            raise FeedError(f"a message that is not {_NAME}'s: levels without an update id")
        book = self._book(symbol)
        if self._is_whole(symbol, book):
            return
        book.is_best_only = True
        ts_event = best.ts_event
        self._sink.snapshot(
            symbol,
            best.bids or best.b,
            best.asks or best.a,
            ts_event=ts_event,
            sequence=best.update_id,
        )
        self._continuity.restored(symbol, connection, ts_event=ts_event)

    def _snapshot_received(self, snapshot: Snapshot) -> None:
        """Take a snapshot that a recorder has put among the messages of a stream.

        One without a symbol can only be of the recording's only symbol.
        """
        symbols = [snapshot.symbol] if snapshot.symbol else list(self._books)
        if not symbols:
            self._nameless = snapshot
        elif len(symbols) == 1 and snapshot.lastUpdateId is not None:
            self._snapshot(symbols[0], snapshot, snapshot.lastUpdateId)

    def _snapshot(self, symbol: str, snapshot: Snapshot, update_id: int) -> None:
        """Make a book of a snapshot, and of the diffs that have been waiting for it.

        A book that is live needs none. One that is older than the first diff can't be joined.
        """
        book = self._book(symbol)
        if self._is_whole(symbol, book):
            return
        later = [diff for diff in book.waiting if diff.u > update_id]
        if later and not self._joins(symbol, later[0], update_id):
            return
        ts_event = snapshot.ts_event
        self._sink.snapshot(
            symbol, snapshot.bids, snapshot.asks, ts_event=ts_event, sequence=update_id
        )
        book.update_id = update_id
        book.is_best_only = False
        book.has_joined = bool(later)
        book.waiting.clear()
        for diff in later:
            self._apply(symbol, book, diff)
        self._continuity.restored(symbol, book.connection, ts_event=ts_event)

    def _joins(self, symbol: str, diff: Diff, update_id: int) -> bool:
        """Check whether the first diff behind a snapshot follows on it."""
        is_next = diff.covers_from <= update_id
        detail = "" if is_next else f"from {diff.covers_from} on instead of {update_id}"
        self._sink.checked(symbol, is_next, "update id", detail)
        return is_next

    def _diff(self, connection: str, diff: Diff) -> None:
        symbol = diff.s
        book = self._book(symbol)
        last_id = book.last_id
        if last_id is not None and diff.u <= last_id:
            return  # once more, or of a slower stream beside
        book.connection = connection
        is_live = self._is_whole(symbol, book)
        if (last_id is not None and not self._joins(symbol, diff, last_id)) or (
            is_live
            and not book.has_joined
            and diff.u > book.update_id
            and not self._joins(symbol, diff, book.update_id)
        ):
            is_live = False
            book.forget()
            if not book.is_best_only:
                self._continuity.lost(symbol, StatusReason.GAP, ts_event=diff.ts_event)
        book.last_id = diff.u
        if not is_live:
            self._continuity.joined(symbol, ts_event=diff.ts_event)
            book.waiting.append(diff)
            if self._nameless is not None:
                snapshot, self._nameless = self._nameless, None
                self._snapshot_received(snapshot)
        elif diff.u > book.update_id:
            if not book.has_joined:
                book.has_joined = True
                self._continuity.restored(symbol, connection)
            self._apply(symbol, book, diff)

    def _apply(self, symbol: str, book: _Book, diff: Diff) -> None:
        self._sink.levels(symbol, diff.b, diff.a, ts_event=diff.ts_event, sequence=diff.u)
        book.update_id = diff.u
        if book.tickers:
            ticker = book.tickers.get(diff.u)
            book.tickers = {u: one for u, one in book.tickers.items() if u > diff.u}
            if ticker is not None:
                self._expect(ticker)

    def _ticker(self, ticker: Ticker) -> None:
        book = self._book(ticker.s)
        if not self._is_whole(ticker.s, book) or ticker.u > book.update_id:
            if len(book.tickers) == MAX_TICKERS:
                del book.tickers[next(iter(book.tickers))]
            book.tickers[ticker.u] = ticker
        elif ticker.u == book.update_id and book.has_joined:
            self._expect(ticker)

    def _expect(self, ticker: Ticker) -> None:
        self._sink.expect(ticker.s, [(ticker.b, ticker.B)], [(ticker.a, ticker.A)], "bookTicker")

    def _trade(self, trade: Trade) -> None:
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
            ts_event=trade.ts_event,
            sequence=trade.a if trade.t is None else trade.t,
        )


def _recognises_spot(text: bytes) -> bool:
    head = text[:_HEAD_BYTES]
    return (
        (b'"depthUpdate"' in head and b'"pu"' not in head)
        or (b'"trade"' in head and b'"M":' in head)
        or (b'"lastUpdateId"' in head and b"@depth" in head)
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
