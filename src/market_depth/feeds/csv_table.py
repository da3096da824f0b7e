"""CSV files as columns: numbers become integers exactly, some thousand rows at once.

Fields are separated by commas, and none is quoted. A row may have fewer fields than another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError, quoted
from market_depth.feeds.csv_kernels import (
    copy_column,
    mark_changes,
    parse_integers,
    split_fields,
)
from market_depth.feeds.files import read_line_blocks, read_lines
from market_depth.feeds.venues.decimals import decimal_fault, gather_grid, parse_into

__all__ = ["CsvError", "CsvRows", "converted", "csv_header", "csv_rows"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_T = TypeVar("_T")

_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_MAX_FIELDS: Final = 262_144
"""Fields that are found at once."""
_MAX_COLUMNS: Final = 10_000
_MAX_ROWS: Final = 16_384


class CsvError(FeedError):
    """A field is not what it should be.

    Args:
        message: one line that says what, where.
        row: its row, among those at hand.
    """

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


class CsvRows:
    """Some rows of a file.

    Args:
        path: the file, for errors.
        data: its bytes.
        starts: shape (rows, columns): place of each field's first byte.
        ends: likewise, behind its last.
        offset: place of the first byte in the unpacked file.
    """

    def __init__(
        self, path: Path, data: bytes, starts: Integers, ends: Integers, offset: int
    ) -> None:
        self._path = path
        self._data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self._starts = starts
        self._ends = ends
        self._offset = offset

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def width(self) -> int:
        """How many columns are looked at."""
        return int(self._starts.shape[1])

    def part(self, begin: int, end: int) -> CsvRows:
        """Return some of the rows."""
        starts, ends = self._starts[begin:end], self._ends[begin:end]
        return CsvRows(self._path, self._data, starts, ends, self._offset)

    def chosen(self, places: Integers) -> CsvRows:
        """Return the rows at *places*."""
        starts, ends = self._starts[places], self._ends[places]
        return CsvRows(self._path, self._data, starts, ends, self._offset)

    def text(self, row: int, column: int) -> str:
        """Return a field."""
        field = self._data[self._starts[row, column] : self._ends[row, column]]
        return field.decode("utf-8", "replace")

    def units(
        self, column: int, decimals: int | Integers, *, empty_is_zero: bool = False
    ) -> Integers:
        """Return a column of decimal numbers as counts of their last decimal.

        Args:
            column: which one.
            decimals: of all, or of each row.
            empty_is_zero: whether an empty field is 0; it is a fault if not.

        Raises:
            CsvError: at a field that is no such number.
        """
        text = self._column_text(column, empty_is_zero)
        places = np.empty(len(self), np.int64)
        places[:] = decimals
        units = np.zeros(len(self), np.int64)
        done = parse_into(text, places, units)
        if done < len(self):
            why = decimal_fault(self.text(done, column), int(places[done]))
            raise self.fault(done, column, why)
        return units

    def has_points(self, column: int) -> bool:
        """Whether any number of a column is written with a decimal point."""
        return bool((self._column_text(column, empty_is_zero=False) == _POINT).any())

    def add_to_grid(self, column: int, grid: Integers) -> None:
        """Take a column into a grid: (decimals, greatest common divisor in the last of them).

        What is no number is passed over.
        """
        begin = 0
        while begin < len(self):
            rest = self.part(begin, len(self))
            text = rest._column_text(column, empty_is_zero=True)
            begin += gather_grid(text, len(rest), grid) + 1

    def integers(self, column: int, *, empty_is_zero: bool = False) -> NDArray[np.uint64]:
        """Return a column of integers of up to 64 bits; negative ones as two's complement.

        Args:
            column: which one.
            empty_is_zero: whether an empty field is 0; it is a fault if not.

        Raises:
            CsvError: at a field that is none.
        """
        out = np.zeros(len(self), np.uint64)
        done = parse_integers(self._bytes, self._starts, self._ends, column, empty_is_zero, out)
        if done < len(self):
            raise self.fault(done, column, "is not an integer")
        return out

    def letters(self, column: int) -> Bytes:
        """Return each field's first byte, 0 where it is empty."""
        starts = np.minimum(self._starts[:, column], max(len(self._bytes) - 1, 0))
        is_there = self._ends[:, column] > self._starts[:, column]
        return np.where(is_there, self._bytes[starts], 0).astype(np.uint8)

    def choices(self, column: int, choices: Mapping[str, int], what: str) -> Integers:
        """Return what each field of a column stands for.

        Raises:
            CsvError: at a field that is none of *choices*; *what* says what it should be.
        """
        codes = self.codes(column, lambda text: choices.get(text, -1))
        if len(codes) and int(codes.min()) < 0:
            raise self.fault(int(np.argmin(codes)), column, f"is not {what}")
        return codes

    def codes(self, column: int, code_of: Callable[[str], int]) -> Integers:
        """Return a number for each text of a column, asked for once for equal ones in a row."""
        changes = np.ones(len(self), np.bool_)
        mark_changes(self._bytes, self._starts, self._ends, column, changes)
        places = np.flatnonzero(changes)
        codes = np.array([code_of(self.text(row, column)) for row in places.tolist()], np.int64)
        return np.repeat(codes, np.diff(np.append(places, len(self))))

    def fault(self, row: int, column: int, why: str) -> CsvError:
        """Return the error for a field."""
        place = self._offset + int(self._starts[row, column])
        return CsvError(
            f"{self._path}: {quoted(self.text(row, column))} at byte {place} {why}", row
        )

    def _column_text(self, column: int, empty_is_zero: bool) -> Bytes:
        lengths = self._ends[:, column] - self._starts[:, column]
        out = np.empty(int(lengths.sum()) + 2 * len(self), np.uint8)
        empty = _ZERO if empty_is_zero else 0
        length = copy_column(self._bytes, self._starts, self._ends, column, empty, out)
        return out[:length]


def csv_header(path: Path) -> list[str]:
    """Return the fields of a file's first line, none if it is empty.

    Raises:
        FeedError: if the file can't be read, or there are more than `_MAX_COLUMNS`.
    """
    for line in read_lines(path):
        columns = 1 + line.text.count(b",")
        if columns > _MAX_COLUMNS:
            raise FeedError(f"{path} has {columns} columns, more than {_MAX_COLUMNS}")
        return line.text.decode("utf-8", "replace").split(",")
    return []


def csv_rows(path: Path, columns: int, *, has_header: bool) -> Iterator[CsvRows]:
    """Yield a file's rows, some at a time; blank lines are passed over.

    Args:
        path: the file.
        columns: fields of a row that are looked at.
        has_header: whether the first line is none.

    Raises:
        FeedError: if the file can't be read any further; what came before has been yielded.
    """
    is_header = has_header
    for lines, offset in read_line_blocks(path):
        data = lines if lines.endswith(b"\n") else lines + b"\n"
        at = 0
        while at < len(data):
            room = max(min(_MAX_FIELDS // columns, _MAX_ROWS, (len(data) - at + 1) // 2), 1)
            starts = np.zeros((room, columns), np.int64)
            ends = np.zeros((room, columns), np.int64)
            end = np.zeros(1, np.int64)
            found = split_fields(np.frombuffer(data, np.uint8), at, starts, ends, end)
            rows = CsvRows(path, data, starts[:found], ends[:found], offset)
            at = int(end[0])
            if is_header and found:
                rows = rows.part(1, found)
                is_header = False
            if len(rows):
                yield rows


def converted(
    rows: Iterator[CsvRows], convert: Callable[[CsvRows], _T]
) -> Iterator[tuple[CsvRows, _T]]:
    """Yield rows with what they are converted to, up to the first row that can't be.

    Raises:
        CsvError: at that row, as *convert* raised it.
    """
    for some in rows:
        fault: CsvError | None = None
        whole = some
        while fault is None or len(whole):
            try:
                result = convert(whole)
            except CsvError as error:
                fault = error
                whole = whole.part(0, error.row)
            else:
                yield whole, result
                break
        if fault is not None:
            raise fault
