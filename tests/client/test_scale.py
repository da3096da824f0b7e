"""The decimals of an instrument, where they are told and where they are not."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest

from market_depth.client import Scale


class Row(NamedTuple):
    price: float
    quantity: float


@pytest.mark.parametrize(
    ("rows", "decimals"),
    [
        ([], (0, 0)),
        ([Row(100, 5)], (0, 0)),
        ([Row(100.0, 5.0)], (0, 0)),
        ([Row(102.5, 5)], (1, 0)),
        ([Row(102.45, 5), Row(102.5, 0.125)], (2, 3)),
        ([Row(0.00000001, 1e-5)], (8, 5)),
        ([Row(-37.63, 1)], (2, 0)),
        ([Row(67_282.5, 90_071_992.54740993)], (1, 8)),
    ],
)
def test_decimals_are_those_that_the_numbers_have(
    rows: list[Row], decimals: tuple[int, int]
) -> None:
    found = Scale(0, 0).widened(rows)
    assert (found.price_decimals, found.quantity_decimals) == decimals
    for row in rows:
        assert found.price(found.price_units(row.price)) == row.price
        assert found.exact_quantity(found.quantity_units(row.quantity)) == Decimal(
            repr(row.quantity)
        )


def test_they_only_grow() -> None:
    known = Scale(2, 1)
    assert known.widened([Row(100, 5), Row(100.5, 0.5)]) is known
    found = known.widened([Row(100.125, 5)])
    assert (found.price_decimals, found.quantity_decimals) == (3, 1)


def test_what_is_no_decimal_number_tells_nothing() -> None:
    found = Scale(2, 0).widened([Row(1e22 / 3e22, float("inf"))])
    assert (found.price_decimals, found.quantity_decimals) == (2, 0)
