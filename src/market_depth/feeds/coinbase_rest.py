"""Snapshots of Coinbase's order book by REST, one in a file: by order (level 3) or by price (2).

    {"product":"BTC-USD","level":3,"captured_at":"2026-08-07T20:04:10Z","sequence":133905824031,
     "bids":[["64934.31","0.0536205","60de12d8-f80b-4848-adbc-2b17375a9216"],…],"asks":[…]}

The third value of a row is the order's id, or how many orders make up the level. The exchange's
own answer, which names no product and has its time in `time`, is read as well; its book is called
by the file's name. An order's id is its GUID folded to 64 bits, see `guid_order_id`.

Source: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/products/get-product-book
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Events, Flag, Side, empty_events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.files import MAX_LINE_BYTES, read_blocks
from market_depth.feeds.venues.decimals import decimal_fault, parse_decimals
from market_depth.feeds.venues.decoding import decode, guid_order_id, rfc3339_ns
from market_depth.instruments import MAX_DECIMALS, Instrument

__all__ = ["FORMATS", "CoinbaseRestSource"]

_HEAD: Final = re.compile(
    rb'\s*\{[^\[\]]{0,500}"(?:bids|asks)"\s*:\s*\[\s*\[\s*"[\d.]+"\s*,\s*"[\d.]+"\s*,'
    rb'\s*(?:\d+|"[0-9a-fA-F-]{36}")\s*\]'
)


_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Row: TypeAlias = tuple[str, str, _Count | str]


class _Book(msgspec.Struct):
    bids: list[_Row]
    asks: list[_Row]
    product: str = ""
    captured_at: str = ""
    time: str = ""
    sequence: _Count = 0


_BOOK: Final = msgspec.json.Decoder(_Book)


class CoinbaseRestSource:
    """Snapshots as a source of events: each clears its book, and fills it anew.

    Args:
        paths: the files, in any order; they are played by their times.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if a file can't be read or is no such snapshot, if two of one product are of
            different levels, or if a symbol asked for is not there.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        books: dict[str, list[tuple[Path, _Book]]] = {}
        for path in paths:
            book = _read(path)
            books.setdefault(book.product or path.name.partition(".")[0], []).append((path, book))
        symbols = list(books) if options.symbols is None else list(options.symbols)
        for symbol in symbols:
            if symbol not in books:
                raise no_such_symbol(paths[0], symbol, books)
        self._instruments: list[Instrument] = []
        self._chunks: list[Events] = []
        for symbol in symbols:
            own = [book for _, book in books[symbol]]
            number = len(self._instruments) + 1
            try:
                instrument = _instrument(symbol, number, own, options.known.get(symbol))
                self._chunks += [_events(book, instrument) for book in own]
            except FeedError as error:
                raise FeedError(f"{books[symbol][0][0]}: {error}") from None
            self._instruments.append(instrument)
        self._chunks.sort(key=lambda events: int(events["ts_recv"][0]))

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The products of the files."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield each snapshot as one change."""
        return iter(self._chunks)


def _read(path: Path) -> _Book:
    blocks: list[bytes] = []
    length = 0
    for block in read_blocks(path):
        blocks.append(block)
        length += len(block)
        if length > MAX_LINE_BYTES:
            raise FeedError(f"{path}: a snapshot of more than {MAX_LINE_BYTES} bytes")
    try:
        return decode(_BOOK, b"".join(blocks), "Coinbase")
    except FeedError as error:
        raise FeedError(f"{path}: {error}") from None


def _instrument(
    symbol: str, number: int, books: Sequence[_Book], known: Instrument | None
) -> Instrument:
    """Return what the snapshots of a product are about."""
    rows = [row for book in books for side in (book.bids, book.asks) for row in side]
    has_orders = any(isinstance(row[2], str) for row in rows)
    if has_orders and any(isinstance(row[2], int) for row in rows):
        raise FeedError(f"{quoted(symbol)} is told by order and by price; play one of them")
    if known is not None:
        return msgspec.structs.replace(known, instrument_id=number, has_orders=has_orders)
    price_decimals = _decimals(row[0] for row in rows)
    quantity_decimals = _decimals(row[1] for row in rows)
    grid = int(np.gcd.reduce(_units([row[0] for row in rows], price_decimals)))
    return Instrument(
        instrument_id=number,
        symbol=symbol,
        price_decimals=price_decimals,
        quantity_decimals=quantity_decimals,
        tick_size=int(np.gcd(grid, 100)) if grid else 1,
        has_orders=has_orders,
        may_cross=False,
    )


def _decimals(texts: Iterable[str]) -> int:
    """Return how many decimals the numbers need, at most `MAX_DECIMALS`."""
    return min(max((len(text.partition(".")[2]) for text in texts), default=0), MAX_DECIMALS)


def _events(book: _Book, instrument: Instrument) -> Events:
    """Return a snapshot as one change: the book is cleared, and filled."""
    rows = [*book.bids, *book.asks]
    time = book.captured_at or book.time
    events = empty_events(len(rows) + 1)
    events["ts_event"] = events["ts_recv"] = rfc3339_ns(time) if time else 0
    events["sequence"] = book.sequence
    events["instrument_id"] = instrument.instrument_id
    events["flags"] = Flag.SNAPSHOT
    events["flags"][-1] |= np.uint8(Flag.LAST)
    events["action"] = Action.ADD if instrument.has_orders else Action.LEVEL
    events["action"][0] = Action.CLEAR
    events["side"][0] = Side.NONE
    events["side"][1 : 1 + len(book.bids)] = Side.BID
    events["side"][1 + len(book.bids) :] = Side.ASK
    events["price"][1:] = _units([row[0] for row in rows], instrument.price_decimals)
    events["size"][1:] = _units([row[1] for row in rows], instrument.quantity_decimals)
    events["order_id"][1:] = _order_ids(rows) if instrument.has_orders else _counts(rows)
    return events


def _order_ids(rows: Sequence[_Row]) -> NDArray[np.uint64]:
    ids = np.array([guid_order_id(str(row[2])) for row in rows], np.uint64)
    distinct, counts = np.unique(ids, return_counts=True)
    if len(distinct) < len(ids):
        twice = distinct[int(np.argmax(counts > 1))]
        guid = rows[int(np.argmax(ids == twice))][2]
        raise FeedError(f"the order {quoted(str(guid))} or one with its id is here twice")
    return ids


def _counts(rows: Sequence[_Row]) -> NDArray[np.uint64]:
    return np.array([row[2] for row in rows], np.uint64)


def _units(texts: Sequence[str], decimals: int) -> NDArray[np.int64]:
    """Return decimal numbers as counts of their last decimal."""
    units, done = parse_decimals(texts, np.full(len(texts), decimals))
    if done < len(texts):
        raise FeedError(f"{quoted(texts[done])} {decimal_fault(texts[done], decimals)}")
    return units


def _recognises(path: Path, head: bytes) -> bool:
    return _HEAD.match(head) is not None


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return CoinbaseRestSource(paths, options)


FORMATS: Final[tuple[Format, ...]] = (
    Format("coinbase-rest", "Coinbase REST snapshot", _recognises, _open),
)
