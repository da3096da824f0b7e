"""Times as the wire contract writes them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.times import format_timestamp
from support.calendar_times import MOMENTS, to_ns, to_text
from support.hypothesis_settings import relaxed


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (999, "1970-01-01T00:00:00.000000Z"),
        (1000, "1970-01-01T00:00:00.000001Z"),
        (1_757_996_306_806_069_000, "2025-09-16T04:18:26.806069Z"),
        (951_827_696_789_000_999, "2000-02-29T12:34:56.789000Z"),
        (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999Z"),
    ],
)
def test_a_time_is_rfc_3339_with_microseconds_rounded_down(time_ns: int, text: str) -> None:
    assert format_timestamp(time_ns) == text


@relaxed
@given(MOMENTS, st.integers(0, 999))
def test_every_time_is_what_the_calendar_says(moment: datetime, extra_ns: int) -> None:
    assert format_timestamp(to_ns(moment) + extra_ns) == to_text(moment)
