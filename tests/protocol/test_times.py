"""Times as the wire contract writes them, and as people do."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import ConfigError
from market_depth.protocol.times import format_timestamp, parse_timestamp
from support.calendar_times import MOMENTS, to_ns, to_text
from support.errors import one_line_error
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


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-01", 0),
        ("2000-02-29", 951_782_400_000_000_000),
        ("2025-09-16 04:18", 1_757_996_280_000_000_000),
        ("2025-09-16T04:18:26", 1_757_996_306_000_000_000),
        (" 2025-09-16T04:18:26Z ", 1_757_996_306_000_000_000),
        ("2025-09-16T06:48:26+02:30", 1_757_996_306_000_000_000),
        ("2025-09-15T21:18-07:00", 1_757_996_280_000_000_000),
        ("2025-09-16T04:18:26.8Z", 1_757_996_306_800_000_000),
        ("2025-09-16T04:18:26.000000001", 1_757_996_306_000_000_001),
        ("1970-01-01T01:00+01:00", 0),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
    ],
)
def test_a_time_may_be_written_short_and_in_any_zone(text: str, time_ns: int) -> None:
    assert parse_timestamp(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1757996306",
        "2025",
        "2025-09",
        "2025-9-16",
        "20250916",
        "16.09.2025",
        "2025-02-29",
        "2025-09-16T",
        "2025-09-16T04",
        "2025-09-16T24:00",
        "2025-09-16T04:60",
        "2025-09-16T04:18:60",
        "2025-09-16T04:18.5",
        "2025-09-16T04:18:26.",
        "2025-09-16T04:18:26.0000000001",
        "2025-09-16T04:18:26,5",
        "2025-09-16T04:18Z+01:00",
        "2025-09-16T04:18+0200",
        "2025-09-16T04:18+24:00",
        "2025-09-16Z",
        "2025-09-16t04:18z",
        "2025-09-16T04:18 Z",
        "٢٠٢٥-٠٩-١٦",
        "2025-09-16\n2025-09-17",
    ],
)
def test_what_is_no_time_is_repeated_with_one_that_is(text: str) -> None:
    with one_line_error(ConfigError, repr(text), "2025-09-16T04:18:26Z"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00+23:59",
        "1969-12-31T23:59:59.999999999",
        "1970-01-01T00:00+00:01",
        "2262-04-11T23:47:16.854775808Z",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_time_that_64_bits_can_not_count_is_named(text: str) -> None:
    with one_line_error(ConfigError, text, "1970", "2262"):
        parse_timestamp(text)


@relaxed
@given(MOMENTS)
def test_what_was_written_is_read_back(moment: datetime) -> None:
    text = format_timestamp(to_ns(moment))
    assert parse_timestamp(text) == to_ns(moment)
    assert parse_timestamp(text.replace("T", " ").removesuffix("Z")) == to_ns(moment)


@relaxed
@given(MOMENTS, st.integers(-23 * 60 - 59, 23 * 60 + 59), st.integers(0, 999))
def test_a_time_is_the_same_in_every_zone(moment: datetime, minutes: int, extra_ns: int) -> None:
    late_enough = moment + timedelta(days=1)
    there = late_enough.astimezone(timezone(timedelta(minutes=minutes)))
    zone = there.isoformat(timespec="microseconds")[-6:]
    text = f"{there:%Y-%m-%dT%H:%M:%S.%f}{extra_ns:03d}{zone}"
    assert parse_timestamp(text) == to_ns(late_enough) + extra_ns


@relaxed
@given(st.text() | st.from_regex(r"[0-9-]{8,10}[T ][0-9:.+Z-]{0,20}"))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(ConfigError):
        assert 0 <= parse_timestamp(text) < 2**63
