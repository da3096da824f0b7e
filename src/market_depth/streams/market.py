"""The books of all symbols, and whether they can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from market_depth.book import BookPolicy, Books, OrderBook
from market_depth.errors import BookError, ErrorCode, FeedError, RequestError, quoted
from market_depth.events import Action, BookStatus, Events, Flag, Side, StatusReason, empty_events
from market_depth.instruments import Instrument

__all__ = ["Market", "Status", "SymbolBook"]

_KNOWN_SYMBOLS_SHOWN: Final = 5
_PARTIAL: Final = (StatusReason.JOINED, StatusReason.GAP)
"""Reasons for which a book lacks something, but is getting better by itself."""


class Status(NamedTuple):
    """Whether a symbol's book can be trusted now."""

    status: BookStatus
    reason: StatusReason = StatusReason.NONE

    @property
    def is_good(self) -> bool:
        """Whether the book may be shown as the market's."""
        return self.status is not BookStatus.STALE

    def __str__(self) -> str:
        text = self.reason.text
        return f"{self.status.label}: {text}" if text else self.status.label


class SymbolBook:
    """One symbol: its instrument and its book."""

    __slots__ = ("_trusts_partial", "book", "instrument")

    def __init__(self, instrument: Instrument, book: OrderBook, *, trusts_partial: bool) -> None:
        self.instrument = instrument
        self.book = book
        self._trusts_partial = trusts_partial

    @property
    def status(self) -> Status:
        """What the feed has said of the book, and what the book shows of itself.

        A crossed book is the venue's own in an auction; of a venue that never holds one it shows
        that something has been lost.
        """
        book = self.book
        told, reason = book.status, book.status_reason
        if told is BookStatus.STALE:
            if not (self._trusts_partial and reason in _PARTIAL):
                return Status(told, reason)
            told = BookStatus.LIVE
        if book.is_crossed_or_locked:
            is_fault = not self.instrument.may_cross
            crossed = BookStatus.STALE if is_fault else BookStatus.HALTED
            return Status(crossed, StatusReason.CROSSED)
        return Status(told, reason)


class Market:
    """Every symbol's book.

    Args:
        instruments: what the feed will report; ids and symbols must differ.
        trusts_partial: whether books that were joined in mid-session, or have had a gap, are shown
            all the same.

    Raises:
        FeedError: if two instruments have one id or one symbol.
    """

    def __init__(self, instruments: Iterable[Instrument], *, trusts_partial: bool = False) -> None:
        self.events_applied = 0
        by_id: dict[int, Instrument] = {}
        symbols: set[str] = set()
        for instrument in instruments:
            if instrument.instrument_id in by_id or instrument.symbol in symbols:
                raise FeedError(f"two instruments are called {instrument.symbol}")
            by_id[instrument.instrument_id] = instrument
            symbols.add(instrument.symbol)
        self._books = Books(by_id, BookPolicy())
        self._by_symbol = {
            instrument.symbol: SymbolBook(
                instrument, self._books[instrument_id], trusts_partial=trusts_partial
            )
            for instrument_id, instrument in by_id.items()
        }

    def __iter__(self) -> Iterator[SymbolBook]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)

    def get(self, symbol: str) -> SymbolBook | None:
        """Return the symbol's book, `None` if there is no such symbol."""
        return self._by_symbol.get(symbol)

    def find(self, symbol: str, stream_id: str | None = None) -> SymbolBook:
        """Return the symbol's book, for a stream or for whoever asks once.

        Raises:
            RequestError: 404, naming a few symbols that there are.
        """
        symbol_book = self.get(symbol)
        if symbol_book is None:
            symbols = self.symbols()
            known = ", ".join(symbols[:_KNOWN_SYMBOLS_SHOWN])
            more = ", …" if len(symbols) > _KNOWN_SYMBOLS_SHOWN else ""
            problem = f"unknown symbol {quoted(symbol)}; known: {known}{more}"
            raise RequestError(ErrorCode.NOT_FOUND, problem, stream_id)
        return symbol_book

    def symbols(self) -> list[str]:
        """Return every symbol, in the feed's order."""
        return list(self._by_symbol)

    def apply(self, events: Events) -> None:
        """Apply whole changes, of one instrument or several, in order.

        Raises:
            FeedError: if events name an instrument that the feed has not announced.
        """
        try:
            self._books.apply(events)
        except BookError as error:
            raise FeedError(str(error)) from None
        self.events_applied += len(events)

    def mark_stale(self, reason: StatusReason = StatusReason.FEED) -> None:
        """Say that no symbol's book can be trusted any longer."""
        events = empty_events(len(self))
        events["instrument_id"] = [entry.instrument.instrument_id for entry in self]
        events["action"] = Action.STATUS
        events["side"] = Side.NONE
        events["size"] = BookStatus.STALE
        events["price"] = reason
        events["flags"] = Flag.LAST
        self._books.apply(events)
