"""Kernels that write numbers and times as ASCII into a byte array.

Each takes the place to write at and returns the place behind what it wrote. Callers make sure
that there is room.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from market_depth.jit import inlined_kernel, int64, kernel

__all__ = [
    "NS_PER_DAY",
    "ascii_bytes",
    "write_comma",
    "write_decimal",
    "write_text",
    "write_time",
    "write_unsigned",
]

_ZERO = 48
_POINT = 46
_MINUS = 45
_DASH = 45
_COMMA = 44
_COLON = 58
_T = 84
_Z = 90
_ONE = np.uint64(1)
_TEN = np.uint64(10)
_HUNDRED = np.uint64(100)
_MAX_DIGITS = 20
_POWERS = np.array([10**exponent for exponent in range(_MAX_DIGITS)], np.uint64)
_PAIRS = np.array([ord(digit) for pair in range(100) for digit in f"{pair:02}"], np.uint8)
_DATE_BYTES = 10
NS_PER_DAY = 86_400_000_000_000


def ascii_bytes(text: str) -> NDArray[np.uint8]:
    """Return *text* as an array that kernels can hold as a constant."""
    return np.frombuffer(text.encode("ascii"), np.uint8)


@inlined_kernel
def write_text(out: NDArray[np.uint8], at: int, text: NDArray[np.uint8]) -> int:
    """Copy *text*.

    Unsigned places spare the check for negative ones, and with it a constant text becomes a few
    wide stores: 1 ns in place of 5.
    """
    start = np.uint64(at)
    for place in range(len(text)):
        out[start + np.uint64(place)] = text[np.uint64(place)]
    return at + len(text)


@inlined_kernel
def write_comma(out: NDArray[np.uint8], at: int, place: int) -> int:
    """Write what stands before the row at *place*: nothing before the first one."""
    if place:
        out[at] = _COMMA
        return at + 1
    return at


@inlined_kernel
def write_pair(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Write a number below 100 with two digits."""
    place = np.uint64(at)
    pair = np.uint64(2 * value)
    out[place] = _PAIRS[pair]
    out[place + _ONE] = _PAIRS[pair + _ONE]
    return at + 2


@kernel
def write_digits(out: NDArray[np.uint8], at: int, value: np.uint64, digits: int) -> int:
    """Write the last *digits* digits of *value*, from the back in pairs."""
    place = at + digits
    while place >= at + 2:
        place -= 2
        rest = value // _HUNDRED
        write_pair(out, place, int64(value - rest * _HUNDRED))
        value = rest
    if place > at:
        out[at] = np.uint8(_ZERO + int64(value % _TEN))
    return at + digits


@kernel
def write_unsigned(out: NDArray[np.uint8], at: int, value: np.uint64) -> int:
    """Write *value* with as many digits as it has."""
    digits = 1
    while digits < _MAX_DIGITS and value >= _POWERS[digits]:
        digits += 1
    return write_digits(out, at, value, digits)


@kernel
def write_decimal(out: NDArray[np.uint8], at: int, units: int, decimals: int) -> int:
    """Write a count of the last decimal as a number: (10245, 2) as 102.45."""
    magnitude = np.uint64(units)
    if units < 0:
        out[at] = _MINUS
        at += 1
        magnitude = np.uint64(0) - magnitude
    if decimals == 0:
        return write_unsigned(out, at, magnitude)
    whole = magnitude // _POWERS[decimals]
    at = write_unsigned(out, at, whole)
    out[at] = _POINT
    return write_digits(out, at + 1, magnitude - whole * _POWERS[decimals], decimals)


@kernel
def write_date(out: NDArray[np.uint8], at: int, days: int) -> int:
    """Write days since 1970-01-01 as YYYY-MM-DD, by Hinnant's civil_from_days.

    Source: https://howardhinnant.github.io/date_algorithms.html
    """
    shifted = days + 719_468  # days since 0000-03-01
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    at = write_digits(out, at, np.uint64(year), 4)
    out[at] = _DASH
    at = write_pair(out, at + 1, month)
    out[at] = _DASH
    return write_pair(out, at + 1, day)


@inlined_kernel
def write_time_of_day(out: NDArray[np.uint8], at: int, micros: int) -> int:
    """Write µs since midnight as HH:MM:SS.ffffff."""
    minutes = micros // 60_000_000
    micros -= minutes * 60_000_000
    hours = minutes // 60
    at = write_pair(out, at, hours)
    out[at] = _COLON
    at = write_pair(out, at + 1, minutes - hours * 60)
    seconds = micros // 1_000_000
    out[at] = _COLON
    at = write_pair(out, at + 1, seconds)
    out[at] = _POINT
    return write_digits(out, at + 1, np.uint64(micros - seconds * 1_000_000), 6)


@kernel
def write_time(out: NDArray[np.uint8], at: int, time_ns: int, same_day_at: int) -> int:
    """Write ns since 1970 UTC as RFC 3339 with microseconds.

    Args:
        out: where to.
        at: place of the first byte.
        time_ns: the time.
        same_day_at: place where a time of the same day stands already, or -1: to copy its date
            takes a tenth of working it out.
    """
    days = time_ns // NS_PER_DAY
    if same_day_at >= 0:
        source = np.uint64(same_day_at)
        target = np.uint64(at)
        for place in range(_DATE_BYTES):
            out[target + np.uint64(place)] = out[source + np.uint64(place)]
        at += _DATE_BYTES
    else:
        at = write_date(out, at, days)
    out[at] = _T
    at = write_time_of_day(out, at + 1, (time_ns - days * NS_PER_DAY) // 1000)
    out[at] = _Z
    return at + 1
