"""LOBSTER's files: what they are called, and their rows.

Source: https://lobsterdata.com/info/DataStructure.php
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.csv_table import CsvRows, converted, csv_rows

__all__ = [
    "NAME",
    "PRICE_DECIMALS",
    "LobsterDay",
    "LobsterRows",
    "MessageType",
    "day_of",
    "read_day",
]

PRICE_DECIMALS: Final = 4
TIME_DECIMALS: Final = 9
NAME: Final = re.compile(
    r"(?P<symbol>.+)_(?P<date>\d{4}-\d\d-\d\d)_\d+_\d+_(?P<kind>message|orderbook)_(?P<levels>\d+)"
    r"(?P<suffix>\.csv(?:\.\w+)?)"
)
_PACKINGS: Final = ("", ".gz", ".zst", ".xz", ".zip")
_MAX_LEVELS: Final = 1000
_MESSAGE_COLUMNS: Final = 6
_EMPTY_PRICE: Final = 9_999_999_999
_MAX_NUMBER: Final = 10**12
_EXCHANGE_ZONE: Final = "America/New_York"
_NS_PER_S: Final = 10**9
_NS_PER_DAY: Final = 86_400 * _NS_PER_S


class MessageType:
    """Value of a message's second column."""

    SUBMISSION: Final = 1
    CANCELLATION: Final = 2
    DELETION: Final = 3
    EXECUTION: Final = 4
    HIDDEN_EXECUTION: Final = 5
    CROSS: Final = 6
    HALT: Final = 7


class LobsterDay(NamedTuple):
    """The two files of one stock and day."""

    symbol: str
    day: date
    levels: int
    messages: Path
    book: Path

    @property
    def midnight_ns(self) -> int:
        """The day's begin in New York, ns since 1970 UTC.

        Raises:
            FeedError: if this machine knows no time zones.
        """
        try:
            zone = ZoneInfo(_EXCHANGE_ZONE)
        except ZoneInfoNotFoundError:
            raise FeedError(
                f"{self.messages}: this machine has no time zones; pip install tzdata"
            ) from None
        midnight = datetime.combine(self.day, time(), zone)
        since = midnight - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * _NS_PER_S


class LobsterRows(NamedTuple):
    """Messages, and the rows of the order book after each."""

    time_ns: NDArray[np.int64]
    """After midnight, shape (n,) like all up to *direction*."""
    kind: NDArray[np.int64]
    order_id: NDArray[np.int64]
    size: NDArray[np.int64]
    price: NDArray[np.int64]
    direction: NDArray[np.int64]
    """1 for a buy order, -1 for a sell order."""
    prices: NDArray[np.int64]
    """Shape (n, 2 * levels): bids, then asks, best first; of an empty one any."""
    sizes: NDArray[np.int64]
    """Likewise; 0 of an empty one."""


def day_of(path: Path) -> LobsterDay:
    """Return the day of a message or an order book file; the other is found beside it.

    Raises:
        FeedError: if it is not called as LOBSTER calls its files, or the other is not there.
    """
    match = NAME.fullmatch(path.name)
    if match is None:
        raise FeedError(
            f"{path} is not called like a LOBSTER file, "
            "AMZN_2012-06-21_34200000_57600000_message_10.csv"
        )
    levels = int(match["levels"])
    try:
        day = date.fromisoformat(match["date"])
    except ValueError:
        raise FeedError(f"{path}: {match['date']} is no date") from None
    if not 1 <= levels <= _MAX_LEVELS or not 1970 <= day.year < 2262:
        raise FeedError(f"{path}: {levels} levels on {day} can't be")
    paths = {match["kind"]: path}
    other = "orderbook" if match["kind"] == "message" else "message"
    start, end = match.span("kind")
    stem = path.name[:start] + other + path.name[end : match.start("suffix")] + ".csv"
    suffix = match["suffix"].removeprefix(".csv")
    for packing in dict.fromkeys((suffix, *_PACKINGS)):
        candidate = path.with_name(stem + packing)
        if candidate.exists():
            paths[other] = candidate
            break
    else:
        raise FeedError(f"{path} has no {stem} beside it")
    return LobsterDay(match["symbol"], day, levels, paths["message"], paths["orderbook"])


def read_day(day: LobsterDay) -> Iterator[LobsterRows]:
    """Yield a day's messages and order book rows, some thousand at a time.

    Raises:
        FeedError: where a file can't be read any further, or one is longer than the other; what
            came before has been yielded.
    """
    width = 4 * day.levels
    messages = converted(csv_rows(day.messages, _MESSAGE_COLUMNS, has_header=False), _message)
    books = converted(csv_rows(day.book, width, has_header=False), _window)
    columns: list[NDArray[np.int64]] = []
    window: list[NDArray[np.int64]] = []
    rows = 0
    while True:
        if not columns or not len(columns[0]):
            more = next(messages, None)
            columns = [] if more is None else more[1]
        if not window or not len(window[0]):
            other = next(books, None)
            window = [] if other is None else other[1]
        if not columns or not window:
            break
        count = min(len(columns[0]), len(window[0]))
        yield LobsterRows(*(column[:count] for column in (*columns, *window)))
        columns = [column[count:] for column in columns]
        window = [column[count:] for column in window]
        rows += count
    if columns or window:
        shorter = day.book if columns else day.messages
        raise FeedError(f"{shorter} ends after {rows} rows, and the file beside it has more")


def _message(rows: CsvRows) -> list[NDArray[np.int64]]:
    time_ns = rows.units(0, TIME_DECIMALS)
    outside = (time_ns < 0) | (time_ns >= 2 * _NS_PER_DAY)
    if outside.any():
        raise rows.fault(int(np.argmax(outside)), 0, "is not a time of day in seconds")
    return [time_ns, *(_number(rows, column) for column in range(1, _MESSAGE_COLUMNS))]


def _window(rows: CsvRows) -> list[NDArray[np.int64]]:
    """Return prices and sizes, bids before asks; the file has ask, bid, ask, bid."""
    width = rows.width
    columns = np.array([_number(rows, column) for column in range(width)])
    order = [*range(2, width, 4), *range(0, width, 4)]
    prices = columns[order].T
    sizes = columns[[place + 1 for place in order]].T
    if (sizes < 0).any():
        row, place = np.argwhere(sizes < 0)[0].tolist()
        raise rows.fault(row, order[place] + 1, "is not a size")
    return [prices, np.where(np.abs(prices) == _EMPTY_PRICE, 0, sizes)]


def _number(rows: CsvRows, column: int) -> NDArray[np.int64]:
    numbers = rows.units(column, 0)
    is_wrong = np.abs(numbers) > _MAX_NUMBER
    if is_wrong.any():
        raise rows.fault(int(np.argmax(is_wrong)), column, "is too large")
    return numbers
