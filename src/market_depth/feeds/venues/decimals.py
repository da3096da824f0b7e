"""Decimal numbers as text, many at once, to exact integers; and what grid they lie on.

Numbers are as JSON writes them, a little laxer: digits with an optional sign, point and exponent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import int64, kernel

__all__ = ["DecimalGrid", "decimal_fault", "parse_decimals"]

Integers: TypeAlias = NDArray[np.int64]

_MAX_DIGITS: Final = 18
"""Numbers of so many digits have room in 64 bits, whatever the digits."""
_MAX_EXPONENT_DIGITS: Final = 4
_POWERS: Final = np.array([10**exponent for exponent in range(_MAX_DIGITS + 1)], np.int64)
_END: Final = 10  # between numbers, and behind the last
_ZERO: Final = ord("0")
_NINE: Final = ord("9")
_POINT: Final = ord(".")
_PLUS: Final = ord("+")
_MINUS: Final = ord("-")
_SMALL_E: Final = ord("e")
_LARGE_E: Final = ord("E")
_MALFORMED: Final = -1
_TOO_LONG: Final = -2

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@kernel
def read_exponent(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Read an exponent behind its E, and the end of the number.

    Returns:
        The place behind the end, negative if there is none; the exponent.
    """
    sign = 1
    if data[at] == _MINUS or data[at] == _PLUS:
        sign = -1 if data[at] == _MINUS else 1
        at += 1
    first = at
    exponent = 0
    while _ZERO <= data[at] <= _NINE:
        if at - first >= _MAX_EXPONENT_DIGITS:
            return _TOO_LONG, 0
        exponent = exponent * 10 + int64(data[at]) - _ZERO
        at += 1
    if at == first or data[at] != _END:
        return _MALFORMED, 0
    return at + 1, sign * exponent


@kernel
def read_decimal(data: NDArray[np.uint8], at: int) -> tuple[int, int, int]:
    """Read one number.

    Returns:
        The place behind its end, negative if it is none; its digits without the zeros on the
        right, as an integer; and by what power of ten that is to be multiplied.
    """
    is_negative = data[at] == _MINUS
    if is_negative or data[at] == _PLUS:
        at += 1
    mantissa = 0
    digits = 0  # of the mantissa
    zeros = 0  # read, and not yet known to have another digit behind them
    decimals = 0
    read = 0
    is_fraction = False
    while True:
        byte = data[at]
        if _ZERO <= byte <= _NINE:
            read += 1
            decimals += is_fraction
            if byte == _ZERO:
                zeros += mantissa != 0
            else:
                digits += zeros + 1
                if digits > _MAX_DIGITS:
                    return _TOO_LONG, 0, 0
                mantissa = mantissa * _POWERS[zeros + 1] + int64(byte) - _ZERO
                zeros = 0
        elif byte == _POINT and not is_fraction:
            is_fraction = True
        else:
            break
        at += 1
    exponent = 0
    if read == 0:
        return _MALFORMED, 0, 0
    if data[at] == _SMALL_E or data[at] == _LARGE_E:
        at, exponent = read_exponent(data, at + 1)
        if at < 0:
            return at, 0, 0
    elif data[at] == _END:
        at += 1
    else:
        return _MALFORMED, 0, 0
    if mantissa == 0:
        return at, 0, 0
    return at, -mantissa if is_negative else mantissa, exponent + zeros - decimals


@kernel
def parse_into(data: NDArray[np.uint8], decimals: Integers, units: Integers) -> int:
    """Parse numbers, each of which ends with `_END`; return how many could be parsed."""
    at = 0
    for number in range(len(units)):
        behind, mantissa, exponent = read_decimal(data, at)
        shift = exponent + decimals[number]
        if behind < 0 or (mantissa != 0 and (shift < 0 or shift > _MAX_DIGITS)):
            return number
        if mantissa != 0 and abs(mantissa) >= _POWERS[_MAX_DIGITS - shift]:
            return number
        units[number] = mantissa * _POWERS[shift] if mantissa != 0 else 0
        at = behind
    return len(units)


@kernel
def greatest_common_divisor(one: int, other: int) -> int:
    """Return the greatest common divisor of two numbers that are not negative."""
    while other:
        one, other = other, one % other
    return one


@kernel
def gather_grid(data: NDArray[np.uint8], count: int, state: Integers) -> int:
    """Take numbers into a grid: (decimals, greatest common divisor in the last of them).

    Those that have no room in 64 bits are passed over. Returns how many numbers were read.
    """
    at = 0
    for number in range(count):
        at, mantissa, exponent = read_decimal(data, at)
        if at < 0:
            return number
        if mantissa == 0 or abs(exponent) > _MAX_DIGITS:
            continue
        decimals = state[0]
        grid = state[1]
        if -exponent > decimals:
            finer = -exponent - decimals
            if grid >= _POWERS[_MAX_DIGITS - finer]:
                # Only what the two share counts, and that is in the smaller one.
                grid %= abs(mantissa)
                for _ in range(finer):
                    grid = grid * 10 % abs(mantissa) if grid < _POWERS[_MAX_DIGITS - 1] else 0
                finer = 0
            grid *= _POWERS[finer]
            decimals = -exponent
        shift = decimals + exponent
        value = abs(mantissa)
        if value < _POWERS[_MAX_DIGITS - shift]:
            grid = greatest_common_divisor(grid, value * _POWERS[shift])
        state[0] = decimals
        state[1] = grid
    return count


def parse_decimals(texts: Sequence[str], decimals: Integers) -> tuple[Integers, int]:
    """Turn numbers into counts of their last decimals.

    Args:
        texts: the numbers.
        decimals: how many each has, shape (n,), each from 0 to 18.

    Returns:
        The counts; and the place of the first text that has none (see `decimal_fault`), *n* where
        all have.
    """
    units = np.zeros(len(texts), np.int64)
    return units, parse_into(_joined(texts), decimals, units)


def decimal_fault(text: str, decimals: int) -> str:
    """Return why a text has no count of its last decimal, empty if it has one."""
    if not _NUMBER.fullmatch(text):
        return "is not a decimal number"
    behind, mantissa, exponent = read_decimal(_joined([text]), 0)
    if behind >= 0 and mantissa and exponent + decimals < 0:
        return f"has more than {decimals} decimals"
    _, done = parse_decimals([text], np.array([decimals], np.int64))
    return "" if done else "is too large"


def _joined(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return all texts in one, each with `_END` behind it."""
    data = "\n".join([*texts, ""]).encode("ascii", "replace")
    if data.count(b"\n") != len(texts):
        return _joined([text.replace("\n", "?") for text in texts])
    return np.frombuffer(data, np.uint8)


class DecimalGrid:
    """How many decimals numbers need, and of what they are multiples.

    Zeros on the right do not count: "0.50" needs one decimal.
    """

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = np.zeros(2, np.int64)

    @property
    def decimals(self) -> int:
        """The most decimals that any of the numbers needs."""
        return int(self._state[0])

    @property
    def step(self) -> int:
        """Greatest common divisor of the numbers, a count of the last decimal; 0 without any."""
        return int(self._state[1])

    def add(self, texts: Sequence[str]) -> None:
        """Take numbers in; what is none, or has no room in 64 bits, is passed over."""
        while texts:
            done = gather_grid(_joined(texts), len(texts), self._state)
            texts = texts[done + 1 :]
