"""Decimal numbers as whole counts of the last decimal, and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import ConfigError
from market_depth.instruments import MAX_DECIMALS, decimals_of, format_units, parse_units
from support.errors import one_line_error
from support.hypothesis_settings import relaxed

LARGEST = 10**18 - 1
UNITS = st.integers(-LARGEST, LARGEST)
DECIMALS = st.integers(0, MAX_DECIMALS)


@pytest.mark.parametrize(
    ("text", "decimals"),
    [("1", 0), ("100", 0), ("0.10", 2), ("0.1", 1), ("-2.500", 3), ("5.", 0), ("0.000000001", 9)],
)
def test_decimals_are_counted_as_written(text: str, decimals: int) -> None:
    assert decimals_of(text) == decimals


@pytest.mark.parametrize(
    ("text", "decimals", "units"),
    [
        ("0.5", 2, 50),
        ("0.50", 2, 50),
        ("0.500", 2, 50),
        ("67250.00", 2, 6_725_000),
        ("-0.05", 2, -5),
        ("7", 0, 7),
        ("7", 9, 7_000_000_000),
        ("0", 4, 0),
        ("0.000", 2, 0),
        ("0000000000000000000000012.5", 1, 125),
        ("12.50000000000000000000000000", 1, 125),
        (str(LARGEST), 0, LARGEST),
        (str(-LARGEST), 0, -LARGEST),
    ],
)
def test_a_number_becomes_a_count_of_its_last_decimal(text: str, decimals: int, units: int) -> None:
    assert parse_units(text, decimals) == units


@pytest.mark.parametrize(
    ("text", "decimals", "words"),
    [
        ("0.005", 2, "more than 2 decimals"),
        ("-0.005", 2, "more than 2 decimals"),
        ("0.5", 0, "more than 0 decimals"),
        (str(LARGEST + 1), 0, "too large"),
        (str(-LARGEST - 1), 0, "too large"),
        ("1" + "0" * 40, 2, "too large"),
        # More digits than a decimal context keeps by itself.
        ("1.00000000000000000000000000000000001", 2, "more than 2 decimals"),
        ("1e999999999", 2, ""),
        ("1e-999999999", 2, ""),
    ],
)
def test_what_is_no_whole_count_is_refused(text: str, decimals: int, words: str) -> None:
    with one_line_error(ConfigError, text, words):
        parse_units(text, decimals)


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "1,5", "0x10", "--1", "1.2.3", "NaN", "sNaN", "Infinity", "-inf"]
)
def test_what_is_no_number_is_named(text: str) -> None:
    with one_line_error(ConfigError, repr(text), "not a decimal number"):
        parse_units(text, 2)
    with one_line_error(ConfigError, repr(text), "not a decimal number"):
        decimals_of(text)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(50, 2, "0.50"), (0, 2, "0.00"), (-5, 2, "-0.05"), (7, 0, "7"), (1, 9, "0.000000001")],
)
def test_a_count_is_written_with_all_its_decimals(units: int, decimals: int, text: str) -> None:
    assert format_units(units, decimals) == text


@relaxed
@given(UNITS, DECIMALS)
def test_writing_and_reading_give_the_same_count(units: int, decimals: int) -> None:
    text = format_units(units, decimals)
    assert "e" not in text.lower()
    assert decimals_of(text) == decimals
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert parse_units(text, decimals) == units
