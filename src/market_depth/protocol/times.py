"""Times as the wire contract writes them, and as people do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from market_depth.errors import ConfigError, quoted

__all__ = ["format_timestamp", "parse_timestamp"]

_US_PER_S = 1_000_000
_NS_PER_S = 1_000_000_000
_NS_DIGITS = 9
_MAX_NS = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<minute>\d\d:\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)


def format_timestamp(time_ns: int) -> str:
    """Return ns since 1970 UTC as RFC 3339 with microseconds: "2025-09-16T04:18:26.806069Z"."""
    seconds, micros = divmod(time_ns // 1000, _US_PER_S)
    return f"{_format_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def parse_timestamp(text: str) -> int:
    """Return ns since 1970 UTC of "2025-09-16T04:18:26.806069Z", "2025-09-16 04:18" or
    "2025-09-16"; without a zone it is UTC.

    Raises:
        ConfigError: if *text* is no such time, or not one from 1970 to 2262.
    """
    match = _TIME.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        time = f"{match['minute'] or '00:00'}:{match['second'] or '00'}"
        moment = datetime.fromisoformat(f"{match['day']}T{time}{match['zone'] or 'Z'}")
    except ValueError:
        raise ConfigError(f"{quoted(text)} is no time such as 2025-09-16T04:18:26Z") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    time_ns = seconds * _NS_PER_S + int((match["fraction"] or "").ljust(_NS_DIGITS, "0"))
    if not 0 <= time_ns <= _MAX_NS:
        raise ConfigError(f"{quoted(text)} is not a time from 1970 to 2262")
    return time_ns
