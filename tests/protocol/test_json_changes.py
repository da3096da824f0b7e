"""Changes of views on the wire: every field, in the contract's order, with exact numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol import json_writer
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import BboDelta, DataType, MboDelta, MbpDelta
from market_depth.views import LEVEL_DTYPE, ORDER_CHANGE_DTYPE, UNKNOWN, Changes, OrderAction
from support.calendar_times import MOMENTS, to_ns, to_text
from support.hypothesis_settings import relaxed
from support.views import DECIMALS, INT64, level_rows, order_change_rows

LOWEST = -(2**63)
WRITER = JsonWriter()

ACTIONS = {
    OrderAction.CANCEL: ("Cancel", ["action", "order_id", "price"]),
    OrderAction.UPDATE: ("Update", ["action", "order_id", "price", "quantity"]),
    OrderAction.REQUEUE: (
        "Update",
        ["action", "order_id", "price", "quantity", "timestamp", "priority"],
    ),
    OrderAction.ADD: ("Add", ["action", "order_id", "price", "quantity", "timestamp"]),
}
LEVELS = st.lists(
    st.tuples(
        INT64, st.one_of(st.just(0), INT64), INT64, st.one_of(st.just(UNKNOWN), INT64), INT64
    ),
    max_size=5,
)
ORDERS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), INT64, INT64, MOMENTS, st.sampled_from(OrderAction)),
    max_size=5,
)


def levels(*rows: tuple[int, ...]) -> Changes:
    return Changes(level_rows(*rows), level_rows())


def orders(*rows: tuple[int, ...]) -> Changes:
    return Changes(order_change_rows(*rows), order_change_rows())


def exact(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def assert_number(value: Decimal | int, units: int, decimals: int) -> None:
    """Check that a number is exact and is written with all its decimals."""
    assert value == Decimal(units).scaleb(-decimals)
    written = -value.as_tuple().exponent if isinstance(value, Decimal) else 0  # type: ignore[operator]
    assert written == decimals


def test_changed_levels_are_written_as_the_contract_has_them() -> None:
    bids = level_rows((10_245, 0, 0, 0, 0))
    asks = level_rows((10_251, 700, 1, 2, 9), (10_252, 5, 0, UNKNOWN, UNKNOWN))
    assert WRITER.write_changes(DataType.MBP, Changes(bids, asks), 2, 0) == (
        b'{"format":"MBP","bids":[{"price":102.45,"quantity":0}],"asks":['
        b'{"price":102.51,"quantity":700,"order_count":2},'
        b'{"price":102.52,"quantity":5,"order_count":null}]}'
    )


def test_a_removed_level_has_quantity_0_whatever_the_decimals() -> None:
    text = WRITER.write_changes(DataType.BBO, levels((10_245, 0, 0, 0, 0)), 4, 8)
    assert text == b'{"format":"BBO","bids":[{"price":1.0245,"quantity":0}],"asks":[]}'


def test_changed_orders_are_written_as_the_contract_has_them() -> None:
    time_ns = 1_757_996_306_806_069_999
    changes = orders(
        (2**64 - 1, 10_245, 0, 0, OrderAction.CANCEL),
        (7, 10_245, 5000, time_ns, OrderAction.UPDATE),
        (8, 10_244, 300, time_ns, OrderAction.REQUEUE),
        (9, 10_244, 1, time_ns, OrderAction.ADD),
    )
    assert WRITER.write_changes(DataType.MBO, changes, 2, 3) == (
        b'{"format":"MBO","bids":['
        b'{"action":"Cancel","order_id":"18446744073709551615","price":102.45},'
        b'{"action":"Update","order_id":"7","price":102.45,"quantity":5.000},'
        b'{"action":"Update","order_id":"8","price":102.44,"quantity":0.300,'
        b'"timestamp":"2025-09-16T04:18:26.806069Z","priority":"lost"},'
        b'{"action":"Add","order_id":"9","price":102.44,"quantity":0.001,'
        b'"timestamp":"2025-09-16T04:18:26.806069Z"}],"asks":[]}'
    )


@pytest.mark.parametrize("data_type", [DataType.MBP, DataType.MBO, DataType.BBO])
def test_no_change_keeps_its_format(data_type: DataType) -> None:
    rows = orders() if data_type is DataType.MBO else levels()
    text = WRITER.write_changes(data_type, rows, 2, 2)
    assert text == b'{"format":"%b","bids":[],"asks":[]}' % data_type.value.encode()


@relaxed
@given(bids=LEVELS, asks=LEVELS, price_decimals=DECIMALS, quantity_decimals=DECIMALS)
def test_numbers_of_levels_are_exact(
    bids: list[tuple[int, ...]],
    asks: list[tuple[int, ...]],
    price_decimals: int,
    quantity_decimals: int,
) -> None:
    changes = Changes(level_rows(*bids), level_rows(*asks))
    text = WRITER.write_changes(DataType.MBP, changes, price_decimals, quantity_decimals)
    data = exact(text)
    assert list(data) == ["format", "bids", "asks"]
    for name, rows in (("bids", bids), ("asks", asks)):
        for level, (price, size, _, count, _) in zip(data[name], rows, strict=True):
            assert_number(level["price"], price, price_decimals)
            if size == 0:
                assert list(level) == ["price", "quantity"]
                assert level["quantity"] == 0
                continue
            assert list(level) == ["price", "quantity", "order_count"]
            assert_number(level["quantity"], size, quantity_decimals)
            assert level["order_count"] == (None if count == UNKNOWN else count)
    msgspec.json.decode(text, type=MbpDelta)


@relaxed
@given(bids=ORDERS, asks=ORDERS, price_decimals=DECIMALS, quantity_decimals=DECIMALS)
def test_every_action_has_the_fields_that_it_needs_and_exact_numbers(
    bids: list[Any], asks: list[Any], price_decimals: int, quantity_decimals: int
) -> None:
    sides = [
        order_change_rows(*[(*row[:3], to_ns(row[3]), row[4]) for row in rows])
        for rows in (bids, asks)
    ]
    text = WRITER.write_changes(DataType.MBO, Changes(*sides), price_decimals, quantity_decimals)
    data = exact(text)
    assert list(data) == ["format", "bids", "asks"]
    for name, rows in (("bids", bids), ("asks", asks)):
        for change, (order_id, price, size, moment, action) in zip(data[name], rows, strict=True):
            label, fields = ACTIONS[action]
            assert list(change) == fields
            assert (change["action"], change["order_id"]) == (label, str(order_id))
            assert_number(change["price"], price, price_decimals)
            if "quantity" in fields:
                assert_number(change["quantity"], size, quantity_decimals)
            if "timestamp" in fields:
                assert change["timestamp"] == to_text(moment)
            assert change.get("priority") == ("lost" if action is OrderAction.REQUEUE else None)
    msgspec.json.decode(text, type=MboDelta)


def test_the_typed_structs_describe_what_is_written() -> None:
    text = WRITER.write_changes(DataType.BBO, levels((5, 0, 0, 0, 0), (4, 3, 0, 2, 0)), 0, 0)
    delta = msgspec.json.decode(text, type=BboDelta, strict=True)
    assert [(row.price, row.quantity, row.order_count) for row in delta.bids] == [
        (5, 0, msgspec.UNSET),
        (4, 3, 2),
    ]


@pytest.mark.parametrize(
    ("data_type", "row"),
    [
        (DataType.MBP, level_rows((LOWEST, LOWEST, LOWEST, LOWEST, LOWEST))),
        *[
            (DataType.MBO, order_change_rows((2**64 - 1, LOWEST, LOWEST, 2**63 - 1, action)))
            for action in OrderAction
        ],
    ],
)
def test_the_longest_row_has_room(data_type: DataType, row: Any) -> None:
    alone = WRITER.write_changes(data_type, Changes(row, row[:0]), 9, 9)
    twice = WRITER.write_changes(data_type, Changes(np.repeat(row, 2), row[:0]), 9, 9)
    assert len(twice) - len(alone) <= json_writer._MAX_ROW_BYTES


@pytest.mark.parametrize(
    ("data_type", "dtype"), [(DataType.MBP, LEVEL_DTYPE), (DataType.MBO, ORDER_CHANGE_DTYPE)]
)
def test_more_changes_than_the_buffer_holds_are_written_whole(
    data_type: DataType, dtype: Any
) -> None:
    bids, asks = np.zeros(3000, dtype), np.zeros(2000, dtype)
    bids["price"], asks["price"] = np.arange(3000), np.arange(2000)
    bids["size"] = asks["size"] = 2**62
    data = exact(JsonWriter().write_changes(data_type, Changes(bids, asks), 0, 0))
    assert [row["price"] for row in data["bids"]] == list(range(3000))
    assert [row["price"] for row in data["asks"]] == list(range(2000))
