"""Books of a venue that sends checksums: joined, checked, and told to a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from market_depth.events import StatusReason
from market_depth.feeds.venues.base import BookSink, LevelRows
from market_depth.feeds.venues.continuity import Continuity
from market_depth.feeds.venues.textbook import Fragment, TextBook, parse_rows

__all__ = ["BookChange", "CheckedBooks", "ChecksumRule", "Subscription"]


class ChecksumRule(NamedTuple):
    """How a venue forms its checksum."""

    fragment: Fragment
    """What a level gives to it."""
    checksum: Callable[[TextBook], int]
    """From a book; 32 bits, unsigned."""
    levels: int
    """How many of each side count."""
    count_at: int | None = None
    """Place of the order count in the venue's rows."""
    is_cut: bool = False
    """Whether levels behind the subscribed depth are to be dropped, as the venue sends no removal
    of them."""


class Subscription(NamedTuple):
    """Where messages of a book come from."""

    connection: str
    channel: str
    symbol: str
    depth: int
    """Levels of each side, as subscribed."""


class BookChange(NamedTuple):
    """What a message says of a book."""

    bids: LevelRows
    asks: LevelRows
    checksum: int | None = None
    """32 bits, unsigned, of the book after the change; `None` if the venue tells none."""
    ts_event: int = 0
    sequence: int = 0
    previous: int | None = None
    """Sequence of the message before, `None` if the venue tells none."""


class _Book:
    __slots__ = ("sequence", "subscription", "text")

    def __init__(self, subscription: Subscription, text: TextBook, sequence: int) -> None:
        self.subscription = subscription
        self.text = text
        self.sequence = sequence


class CheckedBooks:
    """The books of a venue.

    A symbol can be subscribed to more than once: its book is the deepest that is whole. What has
    a wrong checksum is not told to the sink, nor is anything behind it until the next snapshot.

    Args:
        sink: what is told.
        rule: how the venue forms its checksum.
    """

    def __init__(self, sink: BookSink, rule: ChecksumRule) -> None:
        self._sink = sink
        self._rule = rule
        self._continuity = Continuity(sink)
        self._books: dict[str, _Book] = {}

    def opened(self, connection: str) -> None:
        """Take that the books that came by an earlier connection are lost."""
        self._continuity.opened(connection)

    def ended(self, connection: str, channel: str, symbol: str) -> None:
        """Take that a subscription has ended: its book is the venue's no longer."""
        book = self._books.get(symbol)
        if book is not None and book.subscription[:2] == (connection, channel):
            del self._books[symbol]
            self._continuity.lost(symbol, StatusReason.VENUE)

    def snapshot(self, subscription: Subscription, change: BookChange) -> None:
        """Take a whole book.

        Raises:
            FeedError: if a level is none.
        """
        bids, asks = parse_rows(change.bids), parse_rows(change.asks)
        symbol = subscription.symbol
        book = self._books.get(symbol)
        if (
            book is not None
            and symbol in self._continuity.live
            and book.subscription != subscription
            and book.subscription.depth >= subscription.depth
        ):
            return
        text = TextBook(self._rule.fragment)
        text.bids.apply(bids)
        text.asks.apply(asks)
        self._books[symbol] = _Book(subscription, text, change.sequence)
        if not self._is_right(symbol, text, change):
            return
        self._sink.snapshot(
            symbol,
            change.bids,
            change.asks,
            ts_event=change.ts_event,
            sequence=change.sequence,
            count_at=self._rule.count_at,
        )
        self._continuity.restored(symbol, subscription.connection, ts_event=change.ts_event)
        self._expect(symbol, text, change)

    def update(self, subscription: Subscription, change: BookChange) -> None:
        """Take new sizes of levels.

        Raises:
            FeedError: if a level is none.
        """
        bids, asks = parse_rows(change.bids), parse_rows(change.asks)
        symbol = subscription.symbol
        book = self._books.get(symbol)
        if book is None or symbol not in self._continuity.live:
            self._continuity.joined(symbol, ts_event=change.ts_event)
            return
        if book.subscription != subscription:
            return
        if change.previous is not None and not self._is_next(symbol, book, change):
            return
        text = book.text
        bid_rows, ask_rows = change.bids, change.asks
        if bids:
            text.bids.apply(bids)
        if asks:
            text.asks.apply(asks)
        if self._rule.is_cut:
            depth = subscription.depth
            if len(text.bids.rows) > depth:
                bid_rows = [*bid_rows, *text.bids.cut(depth)]
            if len(text.asks.rows) > depth:
                ask_rows = [*ask_rows, *text.asks.cut(depth)]
        if not self._is_right(symbol, text, change):
            return
        self._sink.levels(
            symbol,
            bid_rows,
            ask_rows,
            ts_event=change.ts_event,
            sequence=change.sequence,
            count_at=self._rule.count_at,
        )
        self._expect(symbol, text, change)

    def _is_next(self, symbol: str, book: _Book, change: BookChange) -> bool:
        """Check a sequence; the book is lost where another lies between."""
        is_next = change.previous == book.sequence
        detail = "" if is_next else f"{change.previous} instead of {book.sequence}"
        self._sink.checked(symbol, is_next, "sequence", detail)
        if is_next:
            book.sequence = change.sequence
        elif change.sequence != book.sequence:  # not the last message once more
            self._continuity.lost(symbol, StatusReason.GAP, ts_event=change.ts_event)
        return is_next

    def _is_right(self, symbol: str, text: TextBook, change: BookChange) -> bool:
        """Check a checksum; the book is lost where it is another."""
        if change.checksum is None:
            return True
        levels = self._rule.levels
        found = text.checksum
        if found is None or text.bids.unchanged < levels or text.asks.unchanged < levels:
            found = text.checksum = self._rule.checksum(text)
            text.bids.unchanged = text.asks.unchanged = levels
        if found == change.checksum:
            self._sink.checked(symbol, True, "checksum")
            return True
        detail = f"{found} instead of the venue's {change.checksum}"
        self._sink.checked(symbol, False, "checksum", detail)
        self._continuity.lost(symbol, StatusReason.CHECKSUM, ts_event=change.ts_event)
        return False

    def _expect(self, symbol: str, text: TextBook, change: BookChange) -> None:
        if self._sink.is_checking and change.checksum is not None:
            levels = self._rule.levels
            self._sink.expect(symbol, text.bids.rows[:levels], text.asks.rows[:levels], "CRC-32")
