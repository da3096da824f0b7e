"""The instruments of one or several files: their symbols, ids, decimals and ticks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Flag
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.dbn.layouts import UNDEFINED_PRICE, Layout
from market_depth.feeds.grids import price_grid
from market_depth.instruments import MAX_DECIMALS, Instrument

__all__ = ["TARGET_DTYPE", "Directory", "RecordFile"]

_SCANNED_RECORDS: Final = 5_000_000
_SCANNED_PRICES: Final = 20_000_000
"""Looked at for the instruments' decimals before playing starts, in each file."""
_MAX_INSTRUMENTS: Final = 100_000
"""Each has a book, which takes more memory than the metadata that name it."""

TARGET_DTYPE: Final = np.dtype(
    [
        ("file_id", np.uint32),  # the instrument's id in the file
        ("instrument_id", np.uint32),  # in events
        ("place", np.int64),  # among the source's instruments
        ("unit", np.int64),  # of a count of the last decimal, in 10^-9; 0 where it is not wanted
    ]
)
"""What becomes of an instrument of a file."""


class RecordFile(Protocol):
    """A file of Databento's records, in whichever encoding."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def layout(self) -> Layout:
        """What its records have."""
        ...

    def symbols_by_id(self) -> dict[int, str]:
        """Return the symbols that are known from its head, by instrument id."""
        ...

    def records(self) -> Iterator[NDArray[np.void]]:
        """Yield the records, of the layout's `dtype`.

        Raises:
            FeedError: where the file is damaged; what came before has been yielded.
        """
        ...


class _Found:
    """What a scan has found of a file."""

    __slots__ = ("flags_last", "grids", "symbols")

    def __init__(self, file: RecordFile) -> None:
        self.symbols = file.symbols_by_id()
        self.grids: dict[int, int] = {}
        """By id in the file: of what its prices are multiples, in 10^-9."""
        self.flags_last = False
        """Whether the file tells where changes end."""
        scanned = 0
        try:
            for records in file.records():
                self._add(records)
                scanned += len(records)
                prices = scanned * (1 + 2 * file.layout.levels)
                if scanned >= _SCANNED_RECORDS or prices >= _SCANNED_PRICES:
                    break
        except FeedError:
            if not scanned:
                raise
        for number in self.grids:
            self.symbols.setdefault(number, str(number))

    def _add(self, records: NDArray[np.void]) -> None:
        self.flags_last |= bool((records["flags"] & np.uint8(Flag.LAST)).any())
        order = np.argsort(records["instrument_id"], kind="stable")
        ids, starts = np.unique(records["instrument_id"][order], return_index=True)
        columns = [records["price"]]
        if "levels" in (records.dtype.names or ()):
            levels = records["levels"]
            columns += [
                levels[side][:, n] for side in ("bid_px", "ask_px") for n in range(levels.shape[1])
            ]
        for column in columns:
            prices = np.where(column == UNDEFINED_PRICE, 0, column)[order]
            for number, grid in zip(
                ids.tolist(), np.gcd.reduceat(prices, starts).tolist(), strict=True
            ):
                self.grids[number] = int(np.gcd(self.grids.get(number, 0), grid))


class Directory:
    """The instruments of files that belong together: one symbol is one instrument.

    Args:
        files: the files.
        known: instruments by symbol whose decimals and tick are to be used; those of others are
            found in the prices, and the finer of several files count.
        symbols: what is wanted; `None` wants everything.

    Raises:
        FeedError: if a file can't be read, or has no record before its first damage, or a symbol
            is not there.
    """

    def __init__(
        self,
        files: Sequence[RecordFile],
        known: Mapping[str, Instrument],
        symbols: Sequence[str] | None,
    ) -> None:
        self._found = [_Found(file) for file in files]
        has_orders = files[0].layout.has_orders
        ids = self._ids()
        wanted = list(ids) if symbols is None else list(dict.fromkeys(symbols))
        for symbol in wanted:
            if symbol not in ids:
                raise no_such_symbol(files[0].path, symbol, ids)
        if len(wanted) > _MAX_INSTRUMENTS:
            raise FeedError(
                f"{files[0].path} has {len(wanted)} instruments, more than {_MAX_INSTRUMENTS}; "
                "choose with --symbols"
            )
        grids: dict[str, int] = {}
        for found in self._found:
            for number, grid in found.grids.items():
                symbol = found.symbols[number]
                grids[symbol] = int(np.gcd(grids.get(symbol, 0), grid))
        self.instruments = [
            _instrument(ids[symbol], symbol, grids.get(symbol, 0), known.get(symbol), has_orders)
            for symbol in wanted
        ]
        self._places = {one.symbol: place for place, one in enumerate(self.instruments)}

    def flags_last(self, file: int) -> bool:
        """Return whether a file tells where changes end."""
        return self._found[file].flags_last

    def targets(self, file: int) -> NDArray[np.void]:
        """Return what becomes of a file's instruments: `TARGET_DTYPE`, by ascending file id."""
        symbols = self._found[file].symbols
        targets = np.zeros(len(symbols), TARGET_DTYPE)
        for target, (number, symbol) in zip(targets, sorted(symbols.items()), strict=True):
            target["file_id"] = number
            place = self._places.get(symbol)
            if place is not None:
                instrument = self.instruments[place]
                target["instrument_id"] = instrument.instrument_id
                target["place"] = place
                target["unit"] = 10 ** (MAX_DECIMALS - instrument.price_decimals)
        return targets

    def _ids(self) -> dict[str, int]:
        """Return an id for each symbol: that of the first file which has it, if it is free."""
        ids: dict[str, int] = {}
        taken: set[int] = set()
        clashing: list[str] = []
        for found in self._found:
            for number, symbol in found.symbols.items():
                if symbol in ids or symbol in clashing:
                    continue
                if number in taken:
                    clashing.append(symbol)
                else:
                    ids[symbol] = number
                    taken.add(number)
        free = _free_ids(taken)
        for symbol in clashing:
            ids[symbol] = next(free)
        return ids


def _free_ids(taken: Iterable[int]) -> Iterator[int]:
    taken = set(taken)
    number = 1
    while True:
        if number not in taken:
            yield number
        number += 1


def _instrument(
    instrument_id: int, symbol: str, grid: int, known: Instrument | None, has_orders: bool
) -> Instrument:
    """Return an instrument whose prices are multiples of *grid* (in 10^-9)."""
    decimals, tick = price_grid(grid, MAX_DECIMALS)
    quantity_decimals = 0
    if known is not None:
        decimals, tick = known.price_decimals, known.tick_size
        quantity_decimals = known.quantity_decimals
    return Instrument(
        instrument_id=instrument_id,
        symbol=symbol,
        price_decimals=decimals,
        quantity_decimals=quantity_decimals,
        tick_size=tick,
        has_orders=has_orders,
    )
