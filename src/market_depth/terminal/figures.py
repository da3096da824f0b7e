"""Numbers and times as they are shown: exact where they fit."""

from __future__ import annotations

from typing import Final

__all__ = ["clock", "decimal", "exact_or_short", "round_trip"]

_SUFFIXES: Final = ("", "k", "M", "G", "T", "P", "E")
_CLOCK: Final = slice(11, 19)
_CLOCK_MS: Final = slice(11, 23)


def decimal(units: int, decimals: int) -> str:
    """Return a count of the last decimal as a number with all its decimals: 10245, 2 is 102.45."""
    if not decimals:
        return str(units)
    sign = "-" if units < 0 else ""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def exact_or_short(units: int, decimals: int, width: int) -> str:
    """Return the same in at most *width* characters: with a suffix such as k where it is longer, to
    as many digits as there is room for."""
    text = decimal(units, decimals)
    if len(text) <= width:
        return text
    value = units / 10**decimals
    for suffix in _SUFFIXES:
        for places in (3, 2, 1, 0):
            text = f"{value:.{places}f}{suffix}"
            if len(text) <= width:
                return text
        value /= 1000
    return "#" * width


def clock(timestamp: str, *, with_ms: bool = False) -> str:
    """Return the time of day of an RFC 3339 time, in its own zone, which is UTC here."""
    return timestamp[_CLOCK_MS if with_ms else _CLOCK]


def round_trip(seconds: float | None) -> str:
    """Return how long something takes in ms, a dash if that is not known."""
    if seconds is None:
        return "– ms"
    ms = seconds * 1000
    return f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"
