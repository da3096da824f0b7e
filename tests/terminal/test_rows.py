"""Books as rows, and prices merged into steps."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.client import Order
from market_depth.terminal.rows import age_class, next_step, order_rows, steps_of

NOW = "2025-09-16T04:18:26.000000Z"
TIMES = {
    "2025-09-16T04:18:25.500000Z": 0,
    "2025-09-16T04:18:25.000000Z": 1,
    "2025-09-16T04:18:00.000000Z": 2,
    "2025-09-16T04:10:00.000000Z": 3,
    "2025-09-16T03:18:26.000000Z": 4,
}


def order(price: int, quantity: int, timestamp: str = NOW) -> Order:
    return Order("1", price, quantity, timestamp, price, quantity)


orders = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 9), st.sampled_from(list(TIMES))), max_size=30
)


@given(orders, st.integers(1, 7), st.booleans())
def test_merged_rows_hold_all_that_is_in_their_step(
    made: list[tuple[int, int, str]], step: int, is_bid: bool
) -> None:
    made.sort(key=lambda one: -one[0] if is_bid else one[0])
    rows = order_rows(
        [order(*one) for one in made], step=step, is_bid=is_bid, now=NOW, is_cut=False
    )
    prices = [row.price for row in rows]
    assert prices == sorted(set(prices), reverse=is_bid)
    total = 0
    for row in rows:
        low = row.price if is_bid else row.price - step + 1
        inside = [one for one in made if low <= one[0] < low + step]
        assert row.price % step == 0
        assert row.quantity == sum(quantity for _, quantity, _ in inside)
        assert row.orders == len(inside)
        assert list(row.queue) == [(quantity, TIMES[time]) for _, quantity, time in inside]
        total += row.quantity
        assert row.total == total
    assert total == sum(quantity for _, quantity, _ in made)


def test_a_last_step_that_may_lack_something_is_left_out() -> None:
    side = [order(price, 1) for price in (10, 9, 8)]
    for step, is_cut, prices in ((5, True, [10]), (5, False, [10, 5]), (1, True, [10, 9, 8])):
        rows = order_rows(side, step=step, is_bid=True, now=NOW, is_cut=is_cut)
        assert [row.price for row in rows] == prices


def test_classes_of_age() -> None:
    assert [age_class(age_s) for age_s in (-3, 0.9, 1, 59, 60, 9999)] == [0, 0, 1, 2, 3, 4]


def test_steps_go_by_one_two_five() -> None:
    steps = [1]
    while (step := next_step(steps[-1], 1)) != steps[-1]:
        steps.append(step)
    assert steps[:7] == [1, 2, 5, 10, 20, 50, 100]
    assert steps[-1] == 500_000
    assert [next_step(step, -1) for step in steps[1:]] == steps[:-1]
    assert next_step(1, -1) == 1
    assert (next_step(7, 1), next_step(7, -1)) == (10, 5)


@pytest.mark.parametrize(
    ("group", "steps"),
    [
        ("0.50", 1),
        ("2.5", 5),
        ("0.75", None),
        ("0", None),
        ("x", None),
        ("NaN", None),
        ("-1", None),
    ],
)
def test_a_price_step_in_ticks(group: str, steps: int | None) -> None:
    assert steps_of(group, Decimal("0.50")) == steps
