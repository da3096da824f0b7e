"""What is told at the head of a recording, in whichever encoding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Interval", "RecordingMetadata", "symbols_by_id"]


class Interval(NamedTuple):
    """A time in which a symbol stood for one instrument."""

    target: str
    """The instrument's id, as text, in most recordings."""


class RecordingMetadata(NamedTuple):
    """The head of a recording."""

    schema: str | None
    """`None` where records of several are mixed."""
    version: int
    has_send_times: bool
    """Whether each record has `ts_out` behind it."""
    symbols: Sequence[str]
    """What was asked for."""
    intervals: Mapping[str, Sequence[Interval]]
    """By symbol, in the order of their times."""


def symbols_by_id(metadata: RecordingMetadata) -> dict[int, str]:
    """Return the symbols by instrument id, in the order in which they were asked for.

    A symbol that stands for one instrument after another (a continuous future) names the first;
    the others have their id behind it.
    """
    intervals = metadata.intervals
    asked_for = [symbol for symbol in metadata.symbols if symbol in intervals]
    others: Iterable[str] = sorted(set(intervals).difference(asked_for))
    symbols: dict[int, str] = {}
    taken: set[str] = set()
    for symbol in (*asked_for, *others):
        for target in (interval.target for interval in intervals[symbol]):
            if target.isascii() and target.isdigit() and int(target) < 2**32:
                number = int(target)
                if number not in symbols:
                    symbols[number] = f"{symbol}#{target}" if symbol in taken else symbol
                    taken.add(symbol)
    return symbols
