"""Databento files with market by order: DBN versions 1 to 3, plain or zstd.

The records keep their meaning; only the fixed-point prices (10^-9) become counts of the
instrument's smallest decimal. Needs the extra `databento`.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Events, Flag, empty_events
from market_depth.feeds.changes import changes_by_time, whole_changes
from market_depth.feeds.dbn_file import UNDEFINED_PRICE, UNDEFINED_TIME, DbnFile
from market_depth.instruments import MAX_DECIMALS, Instrument

__all__ = ["DbnSource"]

_SHOWN_SYMBOLS: Final = 5
_SCANNED_RECORDS: Final = 5_000_000
"""Records looked at for the instruments' decimals before playing starts."""
_MIN_DECIMALS: Final = 2


class DbnSource:
    """A Databento MBO file as a source of events.

    Args:
        path: the file; `.zst` or not is told from its first bytes.
        known: instruments by symbol whose decimals and tick are to be used; for others they are
            found in the file's prices.
        symbols: what to play of it; `None` plays everything.

    Raises:
        FeedError: if the file can't be read or is no DBN file of schema mbo.
    """

    def __init__(
        self,
        path: Path,
        known: Mapping[str, Instrument] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        self.path = path
        self._file = DbnFile(path)
        self._flags_last = True
        self._instruments = self._scan(known or {})
        self._is_partial = symbols is not None
        if symbols is not None:
            self._instruments = self._selected(symbols)
        self._units: dict[int, int] = {
            instrument.instrument_id: 10 ** (MAX_DECIMALS - instrument.price_decimals)
            for instrument in self._instruments
        }

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the file's records are about, as its metadata names it."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the file's events, `ts_recv` in order, whole changes only.

        Raises:
            FeedError: where the file is damaged or cut off; all before that has been yielded.
        """
        chunks = map(self._events, self._file.records())
        return whole_changes(chunks if self._flags_last else changes_by_time(chunks))

    def _selected(self, symbols: Sequence[str]) -> list[Instrument]:
        """Return the instruments of *symbols*, all of which must be there."""
        by_symbol = {instrument.symbol: instrument for instrument in self._instruments}
        for symbol in symbols:
            if symbol not in by_symbol:
                shown = ", ".join(list(by_symbol)[:_SHOWN_SYMBOLS])
                raise FeedError(f"{self.path} has no symbol {symbol!r}; it has {shown}")
        return [by_symbol[symbol] for symbol in symbols]

    def _scan(self, known: Mapping[str, Instrument]) -> list[Instrument]:
        """Find the instruments, and the decimals of those that are not known."""
        symbols = self._file.symbols_by_id()
        grids: dict[int, int] = {}
        scanned = 0
        self._flags_last = False
        try:
            for records in self._file.records():
                priced = records[records["price"] != UNDEFINED_PRICE]
                for instrument_id in np.unique(priced["instrument_id"]).tolist():
                    prices = priced["price"][priced["instrument_id"] == instrument_id]
                    grid = int(np.gcd.reduce(prices))
                    grids[instrument_id] = int(np.gcd(grids.get(instrument_id, 0), grid))
                self._flags_last |= bool((records["flags"] & np.uint8(Flag.LAST)).any())
                scanned += len(records)
                if scanned >= _SCANNED_RECORDS:
                    break
        except FeedError:
            if not scanned:
                raise
        instruments = []
        for instrument_id in {**symbols, **grids}:
            symbol = symbols.get(instrument_id, str(instrument_id))
            grid = grids.get(instrument_id, 0)
            instruments.append(_instrument(instrument_id, symbol, grid, known.get(symbol)))
        return instruments

    def _events(self, records: NDArray[np.void]) -> Events:
        """Turn records into events."""
        if self._is_partial:
            records = records[np.isin(records["instrument_id"], list(self._units))]
        events = empty_events(len(records))
        for name in ("order_id", "size", "sequence", "instrument_id", "action", "side", "flags"):
            events[name] = records[name]
        for name, other in (("ts_event", "ts_recv"), ("ts_recv", "ts_event")):
            is_known = records[name] != UNDEFINED_TIME
            events[name] = np.where(is_known, records[name], records[other])
        events["price"] = self._rescaled(records)
        return events

    def _unit(self, instrument_id: int) -> int:
        """Return what a count of the instrument's smallest decimal is in 10^-9."""
        unit: int | None = self._units.get(instrument_id)
        if unit is None:
            raise FeedError(
                f"{self.path}: instrument id {instrument_id} is neither in the metadata nor in the "
                "file's beginning"
            )
        return unit

    def _rescaled(self, records: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the prices in their instruments' units; undefined ones stay as they are."""
        prices: NDArray[np.int64] = records["price"]
        ids = records["instrument_id"]
        units: Any = 1
        if not len(ids):
            return prices
        if (ids == ids[0]).all():
            units = self._unit(int(ids[0]))
        else:
            distinct, places = np.unique(ids, return_inverse=True)
            units = np.array([self._unit(number) for number in distinct.tolist()])[places]
        scaled = prices // units
        defined = prices != UNDEFINED_PRICE
        off_grid = defined & (scaled * units != prices)
        if off_grid.any():
            record = records[int(np.flatnonzero(off_grid)[0])]
            raise FeedError(
                f"{self.path}: price {int(record['price'])}e-9 of instrument "
                f"{int(record['instrument_id'])} has more decimals than the file's beginning "
                "or its entry in the instruments file shows"
            )
        return np.where(defined, scaled, UNDEFINED_PRICE)


def _instrument(instrument_id: int, symbol: str, grid: int, known: Instrument | None) -> Instrument:
    """Return an instrument whose prices are multiples of *grid* (in 10^-9)."""
    decimals = _MIN_DECIMALS
    while grid % 10 ** (MAX_DECIMALS - decimals):
        decimals += 1
    # A few prices share more than the tick: of a grid, what divides 100 is believed.
    tick = int(np.gcd(grid // 10 ** (MAX_DECIMALS - decimals), 100)) if grid else 1
    if known is not None:
        decimals, tick = known.price_decimals, known.tick_size
    return Instrument(
        instrument_id=instrument_id,
        symbol=symbol,
        price_decimals=decimals,
        quantity_decimals=0,
        tick_size=tick,
    )
