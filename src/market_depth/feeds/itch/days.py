"""The day that a file of messages is about: Nasdaq's times are counted from its midnight."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from market_depth.errors import FeedError

__all__ = ["day_in_name", "midnight_ns", "midnight_of_time"]

_ZONE: Final = "America/New_York"
_NS_PER_S: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EIGHT_DIGITS: Final = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_NASDAQ_NAME: Final = re.compile(r"(?<![A-Za-z\d])S0?(\d{6})(?!\d)")
_FIRST_YEAR: Final = 1990


def day_in_name(name: str) -> date | None:
    """Return the day in a file's name, `None` if there is none: MMDDYYYY, YYYYMMDD or SMMDDYY,
    as in "01302020.NASDAQ_ITCH50.gz", "20190830.BX_ITCH_50.gz" and "S081322-v50.txt.gz"."""
    for digits in _EIGHT_DIGITS.findall(name):
        for layout in ("%m%d%Y", "%Y%m%d"):
            if day := _parsed(digits, layout):
                return day
    for digits in _NASDAQ_NAME.findall(name):
        if day := _parsed(digits, "%m%d%y"):
            return day
    return None


def midnight_ns(day: date | None, path: Path) -> int:
    """Return a day's begin in New York, ns since 1970 UTC; 0 of a day that is not known.

    Raises:
        FeedError: if this machine knows no time zones.
    """
    if day is None:
        return 0
    since = datetime.combine(day, time(), _zone(path)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * _NS_PER_S


def midnight_of_time(time_ns: int, path: Path) -> int:
    """Return when the day of a time began in New York, both ns since 1970 UTC.

    Raises:
        FeedError: if this machine knows no time zones.
    """
    moment = _EPOCH + timedelta(seconds=time_ns // _NS_PER_S)
    return midnight_ns(moment.astimezone(_zone(path)).date(), path) if time_ns else 0


def _parsed(digits: str, layout: str) -> date | None:
    try:
        day = datetime.strptime(digits, layout).replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return day if day.year >= _FIRST_YEAR else None


def _zone(path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(_ZONE)
    except ZoneInfoNotFoundError:
        raise FeedError(f"{path}: this machine has no time zones; pip install tzdata") from None
