"""Numbers as they are shown."""

from __future__ import annotations

import pytest

from market_depth.terminal.figures import clock, decimal, exact_or_short, round_trip


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(10245, 2, "102.45"), (5, 2, "0.05"), (0, 4, "0.0000"), (7, 0, "7"), (-5, 2, "-0.05")],
)
def test_all_decimals_are_written_out(units: int, decimals: int, text: str) -> None:
    assert decimal(units, decimals) == text


@pytest.mark.parametrize(
    ("units", "decimals", "width", "text"),
    [
        (123456, 4, 7, "12.3456"),
        (123456, 4, 6, "12.346"),
        (1234567, 0, 7, "1234567"),
        (1234567, 0, 6, "1235k"),
        (999999, 0, 4, "1.0M"),
        (12, 0, 1, "#"),
    ],
)
def test_what_is_too_long_gets_a_suffix(units: int, decimals: int, width: int, text: str) -> None:
    assert exact_or_short(units, decimals, width) == text


def test_times() -> None:
    assert clock("2025-09-16T04:18:26.806069Z") == "04:18:26"
    assert clock("2025-09-16T04:18:26.806069Z", with_ms=True) == "04:18:26.806"
    assert [round_trip(seconds) for seconds in (None, 0.00123, 0.25)] == [
        "– ms",
        "1.2 ms",
        "250 ms",
    ]
