"""A book as it is known to be at the end of a recording, in a file of JSON beside it.

    {"symbol": "ESH4", "orders": 11217, "bid_levels": 922, "ask_levels": 565,
     "best_bid": {"price": "4810.00", "size": 22, "orders": 22},
     "best_ask": {"price": "4810.25", "size": 28, "orders": 18},
     "bids": [{"price": "4810.00", "size": 22, "orders": 22}, …], "asks": […],
     "ts_event": 1703548799446724905, "ts_recv": 1703548799446821072, "sequence": 59585}

Every field may be left out, and those that are there are compared: `bids` and `asks` with as many
of the best levels as they have, times and sequence with the recording's last event. A file of a
recording with several symbols is an array of such objects, each with its symbol. Prices and sizes
are decimal numbers, as text or as JSON numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from market_depth.book import OrderBook
from market_depth.errors import ConfigError, FeedError
from market_depth.feeds.files import read_blocks
from market_depth.feeds.venues.decoding import number_text
from market_depth.instruments import Instrument, parse_units
from market_depth.verify.findings import Check
from market_depth.verify.sides import (
    Level,
    Sides,
    best_levels,
    book_lines,
    first_difference,
    lines_of,
)
from market_depth.views import UNKNOWN

__all__ = [
    "FinalBook",
    "FinalLevel",
    "check_final_book",
    "is_final_book",
    "read_final_books",
    "tells_last_event",
]

_MAX_BYTES: Final = 64 * 1024 * 1024
_KNOWN: Final = "what is known of it"
_LAST_EVENT: Final = ("ts_event", "ts_recv", "sequence")
_COUNTS: Final = ("orders", "bid_levels", "ask_levels")


class FinalLevel(msgspec.Struct, frozen=True):
    """A price level."""

    price: Any
    """A decimal number."""
    size: Any
    """A decimal number."""
    orders: int | None = None


class FinalBook(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a book; `None` where it is not."""

    symbol: str | None = None
    orders: int | None = None
    bid_levels: int | None = None
    ask_levels: int | None = None
    best_bid: FinalLevel | None = None
    best_ask: FinalLevel | None = None
    bids: list[FinalLevel] | None = None
    asks: list[FinalLevel] | None = None
    ts_event: int | None = None
    """Ns since 1970 UTC, like `ts_recv`."""
    ts_recv: int | None = None
    sequence: int | None = None

    @property
    def tells_a_book(self) -> bool:
        """Whether there is something of a book to compare."""
        return (
            msgspec.structs.replace(self, symbol=None, ts_event=None, ts_recv=None, sequence=None)
            != FinalBook()
        )


_DECODER: Final = msgspec.json.Decoder(FinalBook | list[FinalBook], float_hook=str)


def is_final_book(head: bytes) -> bool:
    """Whether a file that begins with *head* may be one of final books: JSON that names some of
    their fields."""
    text = head.lstrip()
    names = ("best_bid", "best_ask", "bid_levels", "ask_levels", "orders")
    return text[:1] in (b"{", b"[") and any(f'"{name}"'.encode() in text for name in names)


def read_final_books(path: Path) -> list[FinalBook]:
    """Return the books of a file.

    Raises:
        FeedError: if it can't be read, or is no such file.
    """
    blocks: list[bytes] = []
    length = 0
    for block in read_blocks(path):
        blocks.append(block)
        length += len(block)
        if length > _MAX_BYTES:
            raise FeedError(f"{path}: final books of more than {_MAX_BYTES} bytes")
    try:
        found = _DECODER.decode(b"".join(blocks))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FeedError(f"{path} tells no final book: {str(error).splitlines()[0]}") from None
    books = found if isinstance(found, list) else [found]
    if not books or not all(book.tells_a_book for book in books):
        raise FeedError(f"{path} tells no final book: nothing in it can be compared")
    return books


def tells_last_event(book: FinalBook, last: np.void) -> bool:
    """Whether a final book tells a time or a sequence, and only such as the last event has."""
    told = {name: getattr(book, name) for name in _LAST_EVENT}
    told = {name: value for name, value in told.items() if value is not None}
    return bool(told) and all(int(last[name]) == value for name, value in told.items())


def check_final_book(
    known: FinalBook,
    instrument: Instrument,
    book: OrderBook,
    last: np.void | None,
    check: Check,
) -> None:
    """Compare a book with what is known of it.

    Args:
        known: what it should be.
        instrument: the book's.
        book: as it is at the end.
        last: the recording's last event, for its fields `ts_event`, `ts_recv` and `sequence`.
        check: what is found is put there; each field and each level counts.
    """
    known_from = check.beside or _KNOWN
    found = {"orders": book.order_count, "bid_levels": book.bid_depth, "ask_levels": book.ask_depth}
    if last is not None:
        found |= {name: int(last[name]) for name in _LAST_EVENT}
    for name in (*_COUNTS, *_LAST_EVENT):
        told = getattr(known, name)
        if told is None or name not in found:
            continue
        if told == found[name]:
            check.passes()
        else:
            check.fails(
                f"{instrument.symbol}: {name} is {found[name]}, {told} in {known_from}",
                lambda: lines_of(instrument, book),
            )
    for name, levels in _told_levels(known):
        _check_levels(name, levels, instrument, book, check)


def _told_levels(known: FinalBook) -> Iterator[tuple[str, Sequence[FinalLevel]]]:
    if known.best_bid is not None:
        yield "bid", [known.best_bid]
    if known.best_ask is not None:
        yield "ask", [known.best_ask]
    if known.bids is not None:
        yield "bid", known.bids
    if known.asks is not None:
        yield "ask", known.asks


def _check_levels(
    side: str,
    told: Sequence[FinalLevel],
    instrument: Instrument,
    book: OrderBook,
    check: Check,
) -> None:
    """Compare the best levels of a side."""
    known_from = check.beside or _KNOWN
    try:
        expected = [_level(one, instrument) for one in told]
    except (ConfigError, FeedError) as error:
        check.fails(f"{instrument.symbol}: a {side} level in {known_from}: {error}")
        return
    found = best_levels(book, len(told))
    ours = found.bids if side == "bid" else found.asks
    sides = found._replace(bids=expected) if side == "bid" else found._replace(asks=expected)
    for place, level in enumerate(expected):
        if first_difference(Sides(ours[place : place + 1], []), Sides([level], [])) is None:
            check.passes()
        else:
            check.fails(
                f"{instrument.symbol}: {side} level {place + 1} is another in {known_from}",
                lambda: book_lines(instrument, found, sides),
            )


def _level(told: FinalLevel, instrument: Instrument) -> Level:
    price = parse_units(number_text(told.price), instrument.price_decimals)
    size = parse_units(number_text(told.size), instrument.quantity_decimals)
    return Level(price, size, UNKNOWN if told.orders is None else told.orders)
