"""CSV as Databento's tools write it: schemas mbo, mbp-10, mbp-1 and trades.

Columns are found by their names. Prices are fixed point (10^-9) or decimals ("4810.25"), times are
nanoseconds since 1970 UTC or RFC 3339; a column `symbol` is read if it is there.

Source: https://databento.com/docs/standards-and-conventions/encodings
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.csv_table import CsvRows, converted, csv_header, csv_rows
from market_depth.feeds.dbn.layouts import PLAYABLE, UNDEFINED_PRICE, Layout
from market_depth.feeds.dbn.source import RecordSource
from market_depth.feeds.venues.decoding import rfc3339_ns
from market_depth.instruments import MAX_DECIMALS

__all__ = ["FORMATS", "DbnCsvFile"]

_COMMON: Final = ("ts_event", "action", "side", "price", "size")
_DATE_CHARACTERS: Final = len("2023-12-25")
_MAX_SYMBOLS: Final = 100_000
_UNNAMED: Final = 1
"""Instrument id where there is no column of them."""
_MAX_32_BITS: Final = 2**32 - 1
_NO_LETTER: Final = ord("N")


class DbnCsvFile:
    """A CSV file with Databento's records.

    Args:
        path: the file.

    Raises:
        FeedError: if the file can't be read, or lacks columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places = {name: place for place, name in enumerate(csv_header(path))}
        for name in _COMMON:
            if name not in self._places:
                raise FeedError(f"{path} has no column {name}")
        levels = 0
        while f"bid_px_{levels:02}" in self._places:
            levels += 1
        schemas = {0: "trades", 1: "mbp-1", 10: "mbp-10"}
        schema = "mbo" if "order_id" in self._places else schemas.get(levels, "")
        if not schema:
            raise FeedError(f"{path} has {levels} levels; 1 and 10 can be played")
        for name in self._level_names(levels if schema != "mbo" else 0):
            if name not in self._places:
                raise FeedError(f"{path} has no column {name}")
        self.layout: Layout = PLAYABLE[schema]

    def symbols_by_id(self) -> dict[int, str]:
        """Return the symbols by instrument id, where there is a column of them."""
        if "symbol" not in self._places:
            return {}
        symbols: dict[int, str] = {}
        try:
            for _, pairs in converted(self._rows(), self._named):
                symbols.update(pairs)
                if len(symbols) > _MAX_SYMBOLS:
                    raise FeedError(f"{self.path} has more than {_MAX_SYMBOLS} instruments")
        except FeedError:
            if not symbols or len(symbols) > _MAX_SYMBOLS:
                raise
        return symbols

    def records(self) -> Iterator[NDArray[np.void]]:
        """Yield the records, of the layout's `dtype`.

        Raises:
            FeedError: at a row that is damaged; what came before has been yielded.
        """
        for _, records in converted(self._rows(), self._records):
            if len(records):
                yield records

    def _rows(self) -> Iterator[CsvRows]:
        return csv_rows(self.path, 1 + max(self._places.values()), has_header=True)

    @staticmethod
    def _level_names(levels: int) -> list[str]:
        return [
            f"{side}_{what}_{level:02}"
            for level in range(levels)
            for side in ("bid", "ask")
            for what in ("px", "sz", "ct")
        ]

    def _named(self, rows: CsvRows) -> dict[int, str]:
        ids = self._unsigned(rows, "instrument_id", _MAX_32_BITS, _UNNAMED)
        changes = np.concatenate([[True], ids[1:] != ids[:-1]])
        column = self._places["symbol"]
        return {int(ids[row]): rows.text(int(row), column) for row in np.flatnonzero(changes)}

    def _records(self, rows: CsvRows) -> NDArray[np.void]:
        records = np.zeros(len(rows), self.layout.dtype)
        records["instrument_id"] = self._unsigned(rows, "instrument_id", _MAX_32_BITS, _UNNAMED)
        records["ts_event"] = self._times(rows, "ts_event")
        has_receipt = "ts_recv" in self._places
        records["ts_recv"] = self._times(rows, "ts_recv" if has_receipt else "ts_event")
        records["price"] = self._prices(rows, "price")
        for name in ("action", "side"):
            letters = rows.letters(self._places[name])
            records[name] = np.where(letters == 0, _NO_LETTER, letters)
        records["size"] = self._unsigned(rows, "size", _MAX_32_BITS)
        records["flags"] = self._unsigned(rows, "flags", 255)
        records["sequence"] = self._unsigned(rows, "sequence", _MAX_32_BITS)
        if self.layout.has_orders:
            records["order_id"] = rows.integers(self._places["order_id"])
        for level in range(self.layout.levels):
            levels = records["levels"][:, level]
            for side in ("bid", "ask"):
                levels[f"{side}_px"] = self._prices(rows, f"{side}_px_{level:02}")
                for what in ("sz", "ct"):
                    name = f"{side}_{what}_{level:02}"
                    levels[f"{side}_{what}"] = self._unsigned(rows, name, _MAX_32_BITS)
        return records

    def _unsigned(
        self, rows: CsvRows, name: str, most: int, missing: int = 0
    ) -> NDArray[np.uint64]:
        """Return a column of counts, *missing* for all if there is no such column."""
        column = self._places.get(name)
        if column is None:
            return np.full(len(rows), missing, np.uint64)
        numbers = rows.integers(column)
        is_good = numbers <= np.uint64(most)
        if not is_good.all():
            raise rows.fault(int(np.argmin(is_good)), column, f"is more than {most}")
        return numbers

    def _prices(self, rows: CsvRows, name: str) -> NDArray[np.int64]:
        """Return a column of prices in 10^-9; empty ones are undefined."""
        column = self._places[name]
        is_empty = rows.letters(column) == 0
        if rows.has_points(column):
            prices = rows.units(column, MAX_DECIMALS, empty_is_zero=True)
        else:
            prices = rows.integers(column, empty_is_zero=True).view(np.int64)
        return np.where(is_empty, UNDEFINED_PRICE, prices)

    def _times(self, rows: CsvRows, name: str) -> NDArray[np.int64]:
        """Return a column of times; undefined ones are negative."""
        column = self._places[name]
        if len(rows) and "-" not in rows.text(0, column)[1:]:
            return rows.integers(column, empty_is_zero=True).view(np.int64)
        times: dict[str, int] = {}
        codes = rows.codes(column, lambda text: times.setdefault(text, len(times)))
        values = np.zeros(len(times), np.int64)
        for place, text in enumerate(times):
            try:
                values[place] = _time_ns(text)
            except FeedError as error:
                row = int(np.argmax(codes == place))
                raise rows.fault(row, column, f"is no time: {error}") from None
        found: NDArray[np.int64] = values[codes]
        return found


def _time_ns(text: str) -> int:
    """Return RFC 3339 as ns since 1970 UTC, as written by Databento or by pandas."""
    if not text:
        return -1
    day, rest = text[:_DATE_CHARACTERS], text[_DATE_CHARACTERS + 1 :]
    return rfc3339_ns(f"{day}T{rest.removesuffix('Z').removesuffix('+00:00')}Z")


def _recognises(path: Path, head: bytes) -> bool:
    names = head.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace").split(",")
    return set(_COMMON) <= set(names)


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return RecordSource([DbnCsvFile(path) for path in paths], options.known, options.symbols)


def _schema(path: Path) -> str:
    return DbnCsvFile(path).layout.schema


FORMATS: Final[tuple[Format, ...]] = (
    Format("dbn-csv", "Databento CSV", _recognises, _open, _schema),
)
