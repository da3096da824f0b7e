"""Recordings of a venue's messages, held against the venue's own words.

The parser checks checksums, sequences and order ids; and what the venue says its best levels are
(a checksum that was right, a bookTicker, a top of the book) is compared with the book that came of
the events, level by level. Where that book is stale and known not to be whole, as after a join in
mid-session, levels are counted, and may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import BookStatus, last_complete_event
from market_depth.feeds.captures import CapturedMessage, read_captures
from market_depth.feeds.venue_source import VenueSource, hand_over
from market_depth.feeds.venues.base import LevelRows
from market_depth.feeds.venues.decimals import parse_decimals
from market_depth.feeds.venues.events import EventWriter
from market_depth.feeds.venues.registry import VENUES
from market_depth.feeds.venues.scanning import DecimalScan
from market_depth.instruments import Instrument
from market_depth.streams.market import SymbolBook
from market_depth.verify.findings import Check, Report
from market_depth.verify.playback import Playback
from market_depth.verify.sides import Level, Sides, best_levels, check_sides, lines_of

__all__ = ["check_venue", "tells_no_books"]

_WAITING_EVENTS: Final = 4096
_TENTH: Final = 10


def check_venue(source: VenueSource, report: Report) -> Playback:
    """Play a venue's recordings, and check all that the venue tells of its books.

    Raises:
        FeedError: where they can't be read any further; what came before has been checked.
    """
    playback = Playback(source, report)
    writer = _CheckingWriter(source, playback, report)
    parser = source.venue.parser(writer)
    try:
        for message in read_captures(source.paths):
            report.count("messages")
            writer.origin = message
            writer.ts_recv = message.ts_recv
            hand_over(parser, message)
            if writer.length >= _WAITING_EVENTS:
                writer.hand_on()
        writer.hand_on()
    finally:
        writer.finish()
        playback.finish()
    return playback


def tells_no_books(venue_name: str, paths: Sequence[Path]) -> bool:
    """Whether recordings of a venue's messages have none about a book.

    Raises:
        FeedError: if they can't be read to their end.
    """
    (venue,) = (one for one in VENUES if one.name == venue_name)
    scan = DecimalScan()
    parser = venue.parser(scan)
    for message in read_captures(paths):
        hand_over(parser, message)
    return not scan.instruments({})


class _CheckingWriter(EventWriter):
    """Makes events, plays them into books, and compares these with what is expected of them."""

    is_checking = True

    def __init__(self, source: VenueSource, playback: Playback, report: Report) -> None:
        super().__init__(playback.instruments, passes_over_others=False)
        self._playback = playback
        self._report = report
        self._shares: list[tuple[int, int]] = []
        """Levels compared and equal, of each comparison with a book that is not whole."""

    def hand_on(self) -> None:
        """Play what has been waiting, unless it ends within a change.

        Raises:
            FeedError: at a number that can't be an event's.
        """
        if self.is_whole:
            self._playback.take(self.take())
        if self.fault is not None:
            raise FeedError(f"{self._place(self.fault.origin)}: {self.fault}") from None

    def finish(self) -> None:
        """Play the whole changes that are left; tell the shares of books that were not whole."""
        events = self.take()
        self._playback.take(events[: last_complete_event(events)])
        tenth = len(self._shares) // _TENTH
        if tenth:
            for name, part in (("first", self._shares[:tenth]), ("last", self._shares[-tenth:])):
                made, equal = (sum(column) for column in zip(*part, strict=True))
                self._report.figures[f"equal levels, {name} tenth"] = equal / made

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        """See `BookSink`."""
        self.hand_on()
        entry = self._playback.entry(symbol)
        if entry is None:
            return
        expected = Sides(_levels(bids, entry.instrument), _levels(asks, entry.instrument))
        if entry.book.status is BookStatus.STALE:
            self._compare_levels(self._report.check(what, is_soft=True), entry, expected)
        else:
            self._compare(self._report.check(what), entry, expected)

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        """See `BookSink`."""
        check = self._report.check(what)
        if passed:
            check.passes()
            return
        self.hand_on()
        entry = self._playback.entry(symbol)
        check.fails(
            f"{self._place(self.origin)}: {symbol}: {what}: {detail or 'wrong'}",
            lambda: (
                []
                if entry is None
                else ["the book before it", *lines_of(entry.instrument, entry.book)]
            ),
        )

    def _compare(self, check: Check, entry: SymbolBook, expected: Sides) -> None:
        check_sides(
            check,
            entry.instrument,
            _as_many(entry, expected),
            expected,
            place=self._place(self.origin),
            told_by=f"the venue's {check.name}",
        )

    def _compare_levels(self, check: Check, entry: SymbolBook, expected: Sides) -> None:
        """Count the levels that are as expected, wherever they lie in the book."""
        view = entry.book.mbp(max(entry.book.bid_depth, entry.book.ask_depth), 0)
        made = equal = 0
        for rows, levels in zip(view, expected, strict=True):
            sizes = dict(rows[["price", "size"]].tolist())
            made += len(levels)
            equal += sum(sizes.get(level.price) == level.size for level in levels)
        check.made += made
        check.passed += equal
        self._shares.append((made, equal))
        self._report.count(f"{check.name} compared")

    def _place(self, origin: object) -> str:
        assert isinstance(origin, CapturedMessage)
        return f"{origin.path}, message at byte {origin.offset}"


def _as_many(entry: SymbolBook, expected: Sides) -> Sides:
    """Return as many levels of a book as are expected."""
    found = best_levels(entry.book, max(map(len, expected)))
    return Sides(found.bids[: len(expected.bids)], found.asks[: len(expected.asks)])


def _levels(rows: LevelRows, instrument: Instrument) -> list[Level]:
    """Return rows of text as levels."""
    prices = _units([row[0] for row in rows], instrument.price_decimals)
    sizes = _units([row[1] for row in rows], instrument.quantity_decimals)
    return [Level(*pair) for pair in zip(prices.tolist(), sizes.tolist(), strict=True)]


def _units(texts: list[str], decimals: int) -> NDArray[np.int64]:
    numbers, good = parse_decimals(texts, np.full(len(texts), decimals))
    if good < len(texts):
        raise FeedError(f"{texts[good]!r} has more than {decimals} decimals")
    return numbers
