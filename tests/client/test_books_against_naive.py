"""Books hold against what is plainly right: exact decimals, and a side kept as one list."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from market_depth.client.books import OrderBook
from market_depth.client.scale import Scale
from market_depth.protocol.messages import (
    MboChange,
    MboDelta,
)
from support.hypothesis_settings import relaxed
from support.scripted_server import TIMESTAMP

Queue = list[tuple[str, int, int]]
"""(order id, price, quantity) of a side, best price first, then in priority."""


def add(order_id: str, price: float, quantity: float) -> MboChange:
    return MboChange("Add", order_id, price, quantity, TIMESTAMP)


@relaxed
@given(
    decimals=st.integers(0, 9),
    units=st.integers(1, 2**51),
)
def test_no_digit_is_lost_between_the_wire_and_the_book(decimals: int, units: int) -> None:
    """Up to 2^51 of the last decimal; beyond that a double does not hold a number's digits."""
    scale = Scale(decimals, decimals)
    wire = str(Decimal(units).scaleb(-decimals)).encode()
    number = msgspec.json.decode(wire, type=float)

    assert scale.price_units(number) == scale.quantity_units(number) == units
    assert scale.exact_price(units) == scale.exact_quantity(units) == Decimal(wire.decode())


@relaxed
@given(data=st.data())
def test_any_changes_by_order_come_to_the_same_as_in_a_plain_list(data: st.DataObject) -> None:
    """The oracle keeps a side as one list, and finds places by looking."""
    book = OrderBook(Scale(0, 0))
    plain: Queue = []
    for number in range(data.draw(st.integers(1, 25))):
        change = data.draw(_changes(plain, number))
        book.change(MboDelta([change], []))
        _apply(plain, change)

        found = [(one.order_id, one.price_units, one.quantity_units) for one in book.bid_orders()]
        assert found == plain


@st.composite
def _changes(draw: st.DrawFn, plain: Queue, number: int) -> MboChange:
    price, quantity = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    action = draw(st.sampled_from(["Add", "Update", "lost", "Cancel"])) if plain else "Add"
    if action == "Add":
        return add(str(number), price, quantity)
    order_id, at, _ = draw(st.sampled_from(plain))
    match action:
        case "Cancel":
            return MboChange("Cancel", order_id, at)
        case "Update":
            return MboChange("Update", order_id, at, quantity)
    return MboChange("Update", order_id, price, quantity, TIMESTAMP, "lost")


def _apply(plain: Queue, change: MboChange) -> None:
    row: Any = (change.order_id, change.price, change.quantity)
    place = next((n for n, one in enumerate(plain) if one[0] == change.order_id), None)
    if place is not None and change.priority is msgspec.UNSET and change.action == "Update":
        plain[place] = row
        return
    if place is not None:
        del plain[place]
    if change.action != "Cancel":
        behind = [n for n, one in enumerate(plain) if one[1] >= change.price]
        plain.insert(behind[-1] + 1 if behind else 0, row)
