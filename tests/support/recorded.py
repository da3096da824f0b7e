"""What recordings are compared by: files as events, books at every change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from market_depth.book import BookPolicy, Books
from market_depth.errors import FeedError
from market_depth.events import EVENT_DTYPE, BookStatus, Events, Flag, StatusReason
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.instruments import Instrument


class Shown(NamedTuple):
    """All that a book shows at a change, apart from its sequence."""

    status: BookStatus
    reason: StatusReason
    mbp: tuple[list[tuple[int, ...]], list[tuple[int, ...]]]
    mbo: tuple[list[tuple[int, ...]], list[tuple[int, ...]]]


def events_in(*paths: Path) -> Events:
    """Return all events of files that belong together."""
    source = format_of(paths[0]).open(paths, OpenOptions())
    return np.concatenate([*source.chunks(), np.zeros(0, EVENT_DTYPE)])


def events_before_a_cut(path: Path) -> Events:
    """Return the events of a file that may end within a write, as a killed program leaves it."""
    chunks = [np.zeros(0, EVENT_DTYPE)]
    try:
        chunks.extend(format_of(path).open([path], OpenOptions()).chunks())  # up to the cut
    except FeedError as error:
        if f"{path} is cut off at byte" not in str(error):
            raise
    return np.concatenate(chunks)


def changes(events: Events) -> Iterator[Events]:
    """Yield whole changes."""
    start = 0
    for end in (np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1).tolist():
        yield events[start:end]
        start = end


def shown(books: Books, instrument: Instrument) -> Shown:
    book = books[instrument.instrument_id]
    levels = max(book.bid_depth, book.ask_depth)
    mbp, mbo = book.mbp(levels, 0), book.mbo(levels, 0)
    return Shown(
        book.status,
        book.status_reason,
        (mbp.bids.tolist(), mbp.asks.tolist()),
        (mbo.bids.tolist(), mbo.asks.tolist()),
    )


def books_by_sequence(
    events: Events, instruments: Sequence[Instrument], before: dict[str, int] | None = None
) -> dict[tuple[str, int], Shown]:
    """Return what each book shows behind each change, by symbol and sequence.

    Args:
        events: from empty books on.
        instruments: whose.
        before: the sequences at which books that a head builds up stand behind it; their changes
            are told from there on.
    """
    books = Books([one.instrument_id for one in instruments], BookPolicy())
    offsets: dict[str, int] = {}
    found = {}
    by_id = {one.instrument_id: one for one in instruments}
    for change in changes(events):
        books.apply(change)
        for number in np.unique(change["instrument_id"]).tolist():
            one = by_id[number]
            sequence = books[number].sequence
            if before is not None and one.symbol not in offsets:
                offsets[one.symbol] = before[one.symbol] - sequence
            found[one.symbol, sequence + offsets.get(one.symbol, 0)] = shown(books, one)
    return found
