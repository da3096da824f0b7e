"""Moments as the calendar and as nanoseconds, each worked out by `datetime`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MOMENTS = st.integers(0, (datetime(2201, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND - 1).map(
    lambda micros: EPOCH + timedelta(microseconds=micros)
)
"""Any microsecond from 1970 to 2200."""


def to_ns(moment: datetime) -> int:
    """Return ns since 1970 UTC."""
    return (moment - EPOCH) // _MICROSECOND * 1000


def from_ns(time_ns: int) -> datetime:
    """Return the moment, its nanoseconds cut off."""
    return EPOCH + time_ns // 1000 * _MICROSECOND


def to_text(moment: datetime) -> str:
    """Return RFC 3339 with microseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
