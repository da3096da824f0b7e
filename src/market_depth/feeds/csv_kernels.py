"""Kernels that find fields in lines of CSV and read them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import int64, kernel

__all__ = ["copy_column", "mark_changes", "parse_integers", "split_fields"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_COMMA: Final = ord(",")
_NEWLINE: Final = ord("\n")
_RETURN: Final = ord("\r")
_MINUS: Final = ord("-")
_ZERO: Final = ord("0")
_NINE: Final = ord("9")
_MAX_UNSIGNED_TENTH: Final = np.uint64((2**64 - 1) // 10)
_TEN: Final = np.uint64(10)


@kernel
def split_fields(data: Bytes, at: int, starts: Integers, ends: Integers, end: Integers) -> int:
    """Find the fields of lines, blank ones passed over; return how many rows there are.

    Args:
        data: whole lines.
        at: where to begin.
        starts: shape (rows, columns), all 0; becomes the place of each field's first byte.
        ends: likewise, behind its last; fields that a row lacks are empty.
        end: [0] becomes the place of the first line that has had no room.
    """
    rows, columns = starts.shape
    row = 0
    while at < len(data) and row < rows:
        column = 0
        start = at
        first = at
        while data[at] != _NEWLINE:
            if data[at] == _COMMA:
                if column < columns:
                    starts[row, column] = start
                    ends[row, column] = at
                column += 1
                start = at + 1
            at += 1
        behind = at - 1 if at > start and data[at - 1] == _RETURN else at
        if column < columns:
            starts[row, column] = start
            ends[row, column] = behind
        at += 1
        if behind > first:
            row += 1
        elif columns:
            starts[row, 0] = 0
            ends[row, 0] = 0
    end[0] = at
    return row


@kernel
def copy_column(
    data: Bytes, starts: Integers, ends: Integers, column: int, empty: int, out: Bytes
) -> int:
    """Copy a column's fields, a line each; return the bytes of it.

    Args:
        data: the rows.
        starts: of their fields.
        ends: likewise.
        column: which one.
        empty: what to write for an empty field, 0 for nothing.
        out: where to.
    """
    length = 0
    for row in range(len(starts)):
        for place in range(starts[row, column], ends[row, column]):
            out[length] = data[place]
            length += 1
        if starts[row, column] == ends[row, column] and empty:
            out[length] = empty
            length += 1
        out[length] = _NEWLINE
        length += 1
    return length


@kernel
def parse_integers(
    data: Bytes,
    starts: Integers,
    ends: Integers,
    column: int,
    empty_is_zero: bool,
    out: NDArray[np.uint64],
) -> int:
    """Parse a column of integers of up to 64 bits, negative ones as two's complement; return how
    many could be parsed."""
    for row in range(len(starts)):
        at = starts[row, column]
        end = ends[row, column]
        if at == end and empty_is_zero:
            out[row] = 0
            continue
        is_negative = at < end and data[at] == _MINUS
        if is_negative:
            at += 1
        if at == end:
            return row
        value = np.uint64(0)
        while at < end:
            if data[at] < _ZERO or data[at] > _NINE or value > _MAX_UNSIGNED_TENTH:
                return row
            digit = np.uint64(int64(data[at]) - _ZERO)
            grown = value * _TEN + digit
            if grown < digit:
                return row
            value = grown
            at += 1
        out[row] = np.uint64(0) - value if is_negative else value
    return len(starts)


@kernel
def mark_changes(
    data: Bytes, starts: Integers, ends: Integers, column: int, changes: NDArray[np.bool_]
) -> None:
    """Mark the rows whose field in a column is another than in the row before."""
    for row in range(1, len(starts)):
        at, before = starts[row, column], starts[row - 1, column]
        length = ends[row, column] - at
        same = ends[row - 1, column] - before == length
        place = 0
        while same and place < length:
            same = data[at + place] == data[before + place]
            place += 1
        changes[row] = not same
