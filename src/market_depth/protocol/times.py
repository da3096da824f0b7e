"""Times as the wire contract writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["format_timestamp"]

_US_PER_S = 1_000_000


def format_timestamp(time_ns: int) -> str:
    """Return ns since 1970 UTC as RFC 3339 with microseconds: "2025-09-16T04:18:26.806069Z"."""
    seconds, micros = divmod(time_ns // 1000, _US_PER_S)
    return f"{_format_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
