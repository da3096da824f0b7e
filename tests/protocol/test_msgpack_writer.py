"""MessagePack says what JSON says, in the same fields and in the same sequence of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType, MboData, MboDelta, MbpData, MbpDelta
from market_depth.protocol.msgpack_writer import MsgpackWriter
from market_depth.views import UNKNOWN, Changes, OrderAction, View
from support.calendar_times import MOMENTS, to_ns
from support.hypothesis_settings import relaxed
from support.views import DECIMALS, INT64, level_rows, order_change_rows, order_rows

JSON, MSGPACK = JsonWriter(), MsgpackWriter()

IDS = st.integers(0, 2**64 - 1)
TIMES = MOMENTS.map(to_ns)
COUNTS = st.one_of(st.just(UNKNOWN), st.integers(0, 2**63 - 1))
SIZES = st.one_of(st.just(0), INT64)
LEVELS = st.lists(st.tuples(INT64, SIZES, INT64, COUNTS, COUNTS), max_size=5)
ORDERS = st.lists(st.tuples(IDS, INT64, INT64, TIMES, st.integers(0, 2**63 - 1)), max_size=5)
CHANGED = st.lists(st.tuples(IDS, INT64, INT64, TIMES, st.sampled_from(OrderAction)), max_size=5)

Sides = tuple[list[tuple[int, ...]], list[tuple[int, ...]]]


def numbers_as_doubles(value: Any) -> Any:
    """Return a message of JSON with each number that has a point as the double next to it."""
    if isinstance(value, dict):
        return {name: numbers_as_doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [numbers_as_doubles(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def assert_same(json_text: bytes, packed: bytes) -> None:
    wanted = numbers_as_doubles(json.loads(json_text, parse_float=Decimal))
    found = msgspec.msgpack.decode(packed)
    assert found == wanted
    assert shape(found) == shape(wanted)


def shape(value: Any) -> Any:
    """Return names, their sequence and types of what a message is made of."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value)


@relaxed
@given(sides=st.tuples(LEVELS, LEVELS), decimals=st.tuples(DECIMALS, DECIMALS))
def test_levels_and_their_changes(sides: Sides, decimals: tuple[int, int]) -> None:
    rows = [level_rows(*side) for side in sides]
    for data_type in (DataType.MBP, DataType.BBO):
        view = (data_type, View(*rows), *decimals)
        assert_same(JSON.write(*view), MSGPACK.write(*view))
        changes = (data_type, Changes(*rows), *decimals)
        # JSON writes no decimals of a removed level's quantity.
        assert_same(JSON.write_changes(*changes), MSGPACK.write_changes(*changes))


@relaxed
@given(
    sides=st.tuples(ORDERS, ORDERS),
    changed=st.tuples(CHANGED, CHANGED),
    decimals=st.tuples(DECIMALS, DECIMALS),
)
def test_orders_and_their_changes(sides: Sides, changed: Sides, decimals: tuple[int, int]) -> None:
    view = (DataType.MBO, View(*[order_rows(*side) for side in sides]), *decimals)
    assert_same(JSON.write(*view), MSGPACK.write(*view))
    changes = (DataType.MBO, Changes(*[order_change_rows(*side) for side in changed]), *decimals)
    assert_same(JSON.write_changes(*changes), MSGPACK.write_changes(*changes))


@pytest.mark.parametrize(
    ("units", "decimals", "wanted"),
    [
        (10_245, 2, 102.45),
        (1, 9, 1e-9),
        (2**53 + 1, 1, 900719925474099.3),
        (-7, 3, -0.007),
        (2**63 - 1, 9, 9223372036.854775807),
    ],
)
def test_a_number_is_the_double_next_to_its_decimals(
    units: int, decimals: int, wanted: float
) -> None:
    view = View(level_rows((units, units, units, 1, 1)), level_rows())
    (level,) = msgspec.msgpack.decode(MSGPACK.write(DataType.MBP, view, decimals, 0))["bids"]
    assert level["price"] == wanted
    assert level["quantity"] == units
    assert type(level["quantity"]) is int


def described(rows: Iterable[tuple[int, ...]]) -> View:
    return View(order_rows(*rows), order_rows())


def test_the_typed_structs_describe_what_is_written() -> None:
    mbp = View(level_rows((5, 4, 4, UNKNOWN, UNKNOWN)), level_rows((6, 1, 1, 1, 7)))
    msgspec.msgpack.decode(MSGPACK.write(DataType.MBP, mbp, 2, 2), type=MbpData)
    mbo = described([(7, 99, 3, 1_000, 4)])
    assert msgspec.msgpack.decode(MSGPACK.write(DataType.MBO, mbo, 0, 0), type=MboData).bids
    levels = Changes(level_rows((5, 0, 0, 0, 0), (4, 3, 0, 1, 0)), level_rows())
    packed = MSGPACK.write_changes(DataType.MBP, levels, 2, 2)
    assert len(msgspec.msgpack.decode(packed, type=MbpDelta).bids) == 2
    orders = order_change_rows(*[(n, 5, 4, 9, action) for n, action in enumerate(OrderAction)])
    packed = MSGPACK.write_changes(DataType.MBO, Changes(orders, orders[:0]), 2, 2)
    assert len(msgspec.msgpack.decode(packed, type=MboDelta).bids) == len(OrderAction)
