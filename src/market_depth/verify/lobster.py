"""LOBSTER: rows that the messages make, and the book after each message beside its row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from market_depth.feeds.base import Source
from market_depth.feeds.lobster_check import check_day
from market_depth.feeds.lobster_files import LobsterDay, day_of, read_day
from market_depth.streams.market import SymbolBook
from market_depth.verify.findings import Difference, Report
from market_depth.verify.playback import Playback, play
from market_depth.verify.sides import Level, Sides, best_levels, check_sides

__all__ = ["check_days", "play_rows"]


def check_days(paths: Sequence[Path], report: Report) -> None:
    """Check that each row and the next message make the next row.

    Raises:
        FeedError: if a file can't be read to its end.
    """
    check = report.check("row by row")
    for day in dict.fromkeys(map(day_of, paths)):
        found = check_day(day.messages)
        check.made += found.made
        check.passed += found.passed
        if found.first_difference is not None and check.difference is None:
            check.difference = Difference(found.first_difference)


def play_rows(day: LobsterDay, source: Source, report: Report) -> Playback:
    """Play a day; compare the book after each message with the order book file.

    Raises:
        FeedError: where a file can't be read any further.
    """
    rows = _rows(day)
    check = report.check("order book file")
    place = 0

    def compare(entry: SymbolBook) -> None:
        nonlocal place
        place += 1
        if place == 1:
            return  # the book before the first message
        found = best_levels(entry.book, day.levels + 1)
        where = f"{day.book}: row {place - 1}"
        check_sides(check, entry.instrument, found, next(rows), place=where, told_by="the row")

    return play(source, report, compare)


def _rows(day: LobsterDay) -> Iterator[Sides]:
    """Yield the rows of the order book file."""
    for part in read_day(day):
        for prices, sizes in zip(part.prices.tolist(), part.sizes.tolist(), strict=True):
            levels = [Level(*pair) for pair in zip(prices, sizes, strict=True)]
            half = len(levels) // 2
            yield Sides(
                [level for level in levels[:half] if level.size > 0],
                [level for level in levels[half:] if level.size > 0],
            )
