"""Tardis.dev's CSV files: incremental_book_L2, book_snapshot_N and trades.

Columns are found by their names. Times are microseconds since 1970 UTC; `local_timestamp` is that
of receipt, and the rows of one such time are one change. In an incremental book a row flagged
`is_snapshot` behind one that is not begins a new book, and amount 0 removes a level. A row of
book_snapshot is the whole top of a book: what differs from the row before is played.

Source: https://docs.tardis.dev/downloadable-csv-files
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError, quoted
from market_depth.events import NO_ORDER_COUNT, Action, Events, Flag, Side, empty_events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.changes import changes_by_time, in_order_of_receipt
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.csv_table import CsvRows, converted, csv_header, csv_rows
from market_depth.feeds.grids import price_grid
from market_depth.feeds.joins import with_book_status
from market_depth.feeds.level_rows import LevelWindows
from market_depth.feeds.merging import merged_by_time
from market_depth.instruments import MAX_DECIMALS, Instrument

__all__ = ["FORMATS", "TardisSource"]

_COMMON: Final = ("symbol", "timestamp", "local_timestamp")
_MAX_LEVELS: Final = 1000
_LEVEL: Final = re.compile(r"bids\[(\d+)\]\.price")
_NS_PER_US: Final = 1000
_MAX_US: Final = (2**63 - 1) // _NS_PER_US
_MAX_SYMBOLS: Final = 10_000
_MAX_WINDOW_LEVELS: Final = 1_000_000
"""Of all symbols together."""
_SIDES: Final = {"bid": Side.BID, "ask": Side.ASK}
_TRADE_SIDES: Final = {"buy": Side.BID, "sell": Side.ASK, "unknown": Side.NONE, "": Side.NONE}
_BOOLEANS: Final = {"true": 1, "false": 0}


class _Kind(Enum):
    INCREMENTAL = "incremental_book_L2"
    SNAPSHOTS = "book_snapshot"
    TRADES = "trades"


class _File:
    """A file, and where its columns are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places = {name: place for place, name in enumerate(csv_header(path))}
        self.levels = 0
        if not all(name in self._places for name in _COMMON):
            raise FeedError(f"{path} has no columns {', '.join(_COMMON)}, so it is not Tardis's")
        if {"is_snapshot", "side", "price", "amount"} <= self._places.keys():
            self.kind = _Kind.INCREMENTAL
        elif {"side", "price", "amount"} <= self._places.keys():
            self.kind = _Kind.TRADES
        else:
            self.kind = _Kind.SNAPSHOTS
            self.levels = sum(_LEVEL.fullmatch(name) is not None for name in self._places)
            wanted = (*self._level_names("price"), *self._level_names("amount"))
            if not 0 < self.levels <= _MAX_LEVELS or not set(wanted) <= self._places.keys():
                raise FeedError(
                    f"{path} is of none of the kinds {', '.join(kind.value for kind in _Kind)}"
                )

    def column(self, name: str) -> int:
        """Return the place of a column."""
        return self._places[name]

    @property
    def prices(self) -> list[int]:
        """Places of the columns with prices; of levels, the bids' and then the asks'."""
        names = self._level_names("price") if self.levels else ["price"]
        return [self._places[name] for name in names]

    @property
    def sizes(self) -> list[int]:
        """Likewise of amounts."""
        names = self._level_names("amount") if self.levels else ["amount"]
        return [self._places[name] for name in names]

    def rows(self) -> Iterator[CsvRows]:
        """Yield the rows."""
        names = [*_COMMON, "side", "is_snapshot"]
        places = [self._places[name] for name in names if name in self._places]
        columns = 1 + max(*places, *self.prices, *self.sizes)
        return csv_rows(self.path, columns, has_header=True)

    def good_rows(self) -> Iterator[CsvRows]:
        """Yield the rows up to the first damage, which is raised if nothing is before it."""
        seen = False
        try:
            for rows in self.rows():
                yield rows
                seen = True
        except FeedError:
            if not seen:
                raise

    def _level_names(self, what: str) -> list[str]:
        return [f"{side}[{n}].{what}" for side in ("bids", "asks") for n in range(self.levels)]


class TardisSource:
    """Files of Tardis as one source.

    Args:
        paths: the files, in any order.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if a file can't be read or is of another kind, if a symbol's book is told in two
            ways, or if a symbol is not there.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        self._files = [_File(path) for path in paths]
        self._scan = _Scan(self._files)
        symbols = list(self._scan.grids)
        for symbol in options.symbols or ():
            if symbol not in symbols:
                raise no_such_symbol(paths[0], symbol, symbols)
        wanted = symbols if options.symbols is None else list(dict.fromkeys(options.symbols))
        self._instruments = [
            self._scan.instrument(symbol, number, options.known)
            for number, symbol in enumerate(wanted, 1)
        ]
        for file in self._files:
            if file.levels * len(wanted) > _MAX_WINDOW_LEVELS:
                raise FeedError(
                    f"{file.path}: {file.levels} levels of {len(wanted)} symbols are more than "
                    f"{_MAX_WINDOW_LEVELS}; choose with --symbols"
                )

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the files are about."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events, `ts_recv` in order, whole changes only.

        Raises:
            FeedError: at a row that is damaged; all before has been yielded.
        """
        merged = merged_by_time(
            [
                changes_by_time(_Player(file, self._instruments).chunks(), "ts_recv")
                if file.kind is not _Kind.SNAPSHOTS
                else _Player(file, self._instruments).chunks()
                for file in self._files
            ]
        )
        joining = [
            one.instrument_id
            for one in self._instruments
            if self._scan.kinds[one.symbol] is _Kind.INCREMENTAL
        ]
        return with_book_status(merged, joining)


class _Scan:
    """The symbols of files, and what grids their prices and amounts are on."""

    def __init__(self, files: Sequence[_File]) -> None:
        self.grids: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self.kinds: dict[str, _Kind] = {}
        self._codes: dict[str, int] = {}
        self._path = files[0].path
        for file in files:
            for rows in file.good_rows():
                self._add(file, rows)

    def instrument(self, symbol: str, number: int, known: Mapping[str, Instrument]) -> Instrument:
        """Return what is known of a symbol."""
        prices, sizes = self.grids[symbol]
        decimals, tick = price_grid(int(prices[1]), int(prices[0]))
        size_decimals = int(sizes[0])
        if symbol in known:
            decimals, tick = known[symbol].price_decimals, known[symbol].tick_size
            size_decimals = known[symbol].quantity_decimals
        return Instrument(
            instrument_id=number,
            symbol=symbol,
            price_decimals=min(decimals, MAX_DECIMALS),
            quantity_decimals=min(size_decimals, MAX_DECIMALS),
            tick_size=tick,
            has_orders=False,
            may_cross=False,
        )

    def _add(self, file: _File, rows: CsvRows) -> None:
        codes = rows.codes(file.column("symbol"), self._code_of)
        symbols = list(self._codes)
        for code in np.unique(codes).tolist():
            symbol = symbols[code]
            if file.kind is not _Kind.TRADES:
                kind = self.kinds.get(symbol, file.kind)
                if kind not in (file.kind, _Kind.TRADES):
                    raise FeedError(
                        f"{file.path}: the book of {quoted(symbol)} is told as {kind.value} too; "
                        "play one of them"
                    )
                self.kinds[symbol] = file.kind
            else:
                self.kinds.setdefault(symbol, file.kind)
            own = rows.chosen(np.flatnonzero(codes == code))
            for columns, grid in zip((file.prices, file.sizes), self.grids[symbol], strict=True):
                for column in columns:
                    own.add_to_grid(column, grid)

    def _code_of(self, symbol: str) -> int:
        code = self._codes.get(symbol)
        if code is None:
            if len(self._codes) == _MAX_SYMBOLS:
                raise FeedError(
                    f"{self._path} has more than {_MAX_SYMBOLS} symbols, the last is "
                    f"{quoted(symbol)}"
                )
            code = self._codes[symbol] = len(self._codes)
            self.grids[symbol] = np.zeros(2, np.int64), np.zeros(2, np.int64)
        return code


class _Player:
    """Turns a file's rows into events."""

    def __init__(self, file: _File, instruments: Sequence[Instrument]) -> None:
        self._file = file
        self._instruments = instruments
        self._places = {one.symbol: place for place, one in enumerate(instruments)}
        self._decimals = np.array([one.price_decimals for one in instruments], np.int64)
        self._size_decimals = np.array([one.quantity_decimals for one in instruments], np.int64)
        self._ids = np.array([one.instrument_id for one in instruments], np.int64)
        self._windows = LevelWindows(len(instruments), max(file.levels, 1))
        self._was_snapshot = np.zeros(len(instruments), np.bool_)
        self._latest = 0

    def chunks(self) -> Iterator[Events]:
        """Yield the events, those of snapshots flagged as whole changes."""
        kind = self._file.kind
        for rows, (events, places) in converted(self._wanted_rows(), self._heads):
            if not len(events):
                continue
            self._latest = in_order_of_receipt(events, self._latest)
            if kind is _Kind.SNAPSHOTS:
                yield from self._changes(rows, events, places)
            elif kind is _Kind.INCREMENTAL:
                yield self._with_clears(events, places)
            else:
                yield events

    def _wanted_rows(self) -> Iterator[CsvRows]:
        column = self._file.column("symbol")
        for rows in self._file.rows():
            places = rows.codes(column, lambda symbol: self._places.get(symbol, -1))
            yield rows if (places >= 0).all() else rows.chosen(np.flatnonzero(places >= 0))

    def _heads(self, rows: CsvRows) -> tuple[Events, NDArray[np.int64]]:
        """Return an event for each row, and the place of its instrument.

        Of snapshots it has no level, but all numbers are looked at.
        """
        file = self._file
        places = rows.codes(file.column("symbol"), lambda symbol: self._places.get(symbol, -1))
        events = empty_events(len(rows))
        events["ts_event"] = _times(rows, file.column("timestamp"))
        events["ts_recv"] = _times(rows, file.column("local_timestamp"))
        events["instrument_id"] = self._ids[places]
        if file.kind is _Kind.SNAPSHOTS:
            self._levels(rows, places)
            events["action"], events["side"] = Action.NONE, Side.NONE
            events["flags"] = Flag.LAST
            return events, places
        events["price"] = rows.units(file.prices[0], self._decimals[places])
        events["size"] = _sizes(rows, file.sizes[0], self._size_decimals[places])
        if file.kind is _Kind.TRADES:
            events["action"] = Action.TRADE
            events["side"] = rows.choices(file.column("side"), _TRADE_SIDES, "buy or sell")
            return events, places
        events["action"] = Action.LEVEL
        events["order_id"] = NO_ORDER_COUNT
        events["side"] = rows.choices(file.column("side"), _SIDES, "bid or ask")
        is_snapshot = rows.choices(file.column("is_snapshot"), _BOOLEANS, "true or false")
        events["flags"] = np.where(is_snapshot == 1, Flag.SNAPSHOT, 0)
        return events, places

    def _levels(
        self, rows: CsvRows, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return prices and sizes of snapshots, shape (n, 2 * levels), bids before asks."""
        decimals, size_decimals = self._decimals[places], self._size_decimals[places]
        prices = [rows.units(column, decimals, empty_is_zero=True) for column in self._file.prices]
        sizes = [_sizes(rows, column, size_decimals) for column in self._file.sizes]
        return np.array(prices).T, np.array(sizes).T

    def _changes(self, rows: CsvRows, heads: Events, places: NDArray[np.int64]) -> Iterator[Events]:
        prices, sizes = self._levels(rows, places)
        yield from self._windows.events(heads, places, prices, sizes)

    def _with_clears(self, events: Events, places: NDArray[np.int64]) -> Events:
        """Put a CLEAR in front of each snapshot."""
        is_snapshot = (events["flags"] & np.uint8(Flag.SNAPSHOT)) != 0
        begins = np.zeros(len(events), np.bool_)
        for place in np.unique(places).tolist():
            own = np.flatnonzero(places == place)
            before = np.concatenate([self._was_snapshot[place : place + 1], is_snapshot[own[:-1]]])
            begins[own] = is_snapshot[own] & ~before
            self._was_snapshot[place] = is_snapshot[own[-1]]
        at = np.flatnonzero(begins)
        clears = events[at]
        clears["action"], clears["side"] = Action.CLEAR, Side.NONE
        clears["price"] = clears["size"] = clears["order_id"] = 0
        return np.insert(events, at, clears)


def _times(rows: CsvRows, column: int) -> NDArray[np.int64]:
    micros = rows.units(column, 0)
    is_good = (micros >= 0) & (micros <= _MAX_US)
    if not is_good.all():
        raise rows.fault(int(np.argmin(is_good)), column, "is not a time in microseconds")
    return micros * _NS_PER_US


def _sizes(rows: CsvRows, column: int, decimals: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = rows.units(column, decimals, empty_is_zero=True)
    if len(sizes) and int(sizes.min()) < 0:
        raise rows.fault(int(np.argmin(sizes)), column, "is not an amount")
    return sizes


def _recognises(path: Path, head: bytes) -> bool:
    names = head.split(b"\n", 1)[0].rstrip(b"\r").split(b",")
    has_book = {b"is_snapshot", b"amount"} <= set(names) or b"bids[0].price" in names
    has_trades = {b"id", b"side", b"price", b"amount"} <= set(names)
    return {b"exchange", b"local_timestamp"} <= set(names) and (has_book or has_trades)


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return TardisSource(paths, options)


FORMATS: Final[tuple[Format, ...]] = (Format("tardis", "Tardis.dev CSV", _recognises, _open),)
