"""Views on the wire: every field, in the contract's order, with exact numbers."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol import json_writer
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType, MboData, MboLevel, MbpData, MbpLevel
from market_depth.views import LEVEL_DTYPE, ORDER_DTYPE, UNKNOWN, View
from support.calendar_times import MOMENTS, from_ns, to_ns, to_text
from support.hypothesis_settings import relaxed
from support.views import DECIMALS, INT64, level_rows, mbo_view, mbp_view, order_rows

MBP_KEYS = ["price", "quantity", "order_count", "side", "total_quantity", "avg_age_ms"]
MBO_KEYS = ["order_id", "price", "quantity", "side", "timestamp", "age_ms"]

LOWEST = -(2**63)

WRITER = JsonWriter()
COUNTS = st.one_of(st.just(UNKNOWN), st.integers(0, 2**63 - 1))
LEVELS = st.lists(st.tuples(INT64, INT64, INT64, COUNTS, COUNTS), max_size=5)
ORDERS = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1), INT64, INT64, MOMENTS.map(to_ns), st.integers(0, 2**63 - 1)
    ),
    max_size=5,
)
DAY_NS = 86_400_000_000_000


def written(view: View, price_decimals: int, quantity_decimals: int) -> bytes:
    """Return the object of a view by price or by order."""
    return written_by(WRITER, view, price_decimals, quantity_decimals)


def written_by(
    writer: JsonWriter, view: View, price_decimals: int, quantity_decimals: int
) -> bytes:
    data_type = DataType.MBP if view.bids.dtype == LEVEL_DTYPE else DataType.MBO
    return writer.write(data_type, view, price_decimals, quantity_decimals)


def exact(text: bytes) -> Any:
    """Parse JSON without rounding: numbers with a point become decimals, others integers."""
    return json.loads(text, parse_float=Decimal)


def units(value: int, decimals: int) -> Decimal:
    return Decimal(value).scaleb(-decimals)


def has_decimals(value: Decimal | int, decimals: int) -> bool:
    """Whether a parsed number was written with so many decimals."""
    if decimals == 0:
        return isinstance(value, int)
    return isinstance(value, Decimal) and value.as_tuple().exponent == -decimals


def test_an_mbp_view_is_written_as_the_contract_has_it() -> None:
    view = mbp_view([(10_245, 5000, 5000, 3, 1200)], [(10_251, 700, 700, UNKNOWN, UNKNOWN)])
    assert written(view, 2, 0) == (
        b'{"format":"MBP","bids":[{"price":102.45,"quantity":5000,"order_count":3,"side":"Bid",'
        b'"total_quantity":5000,"avg_age_ms":1200}],"asks":[{"price":102.51,"quantity":700,'
        b'"order_count":null,"side":"Ask","total_quantity":700,"avg_age_ms":null}]}'
    )


def test_an_mbo_view_is_written_as_the_contract_has_it() -> None:
    time_ns = 1_757_996_306_806_069_999
    view = mbo_view([(42, 10_245, 5000, time_ns, 1500)], [(2**64 - 1, 10_246, 1, 0, 0)])
    assert written(view, 2, 3) == (
        b'{"format":"MBO","bids":[{"order_id":"42","price":102.45,"quantity":5.000,"side":"Bid",'
        b'"timestamp":"2025-09-16T04:18:26.806069Z","age_ms":1500}],"asks":['
        b'{"order_id":"18446744073709551615","price":102.46,"quantity":0.001,"side":"Ask",'
        b'"timestamp":"1970-01-01T00:00:00.000000Z","age_ms":0}]}'
    )


@pytest.mark.parametrize(("view", "name"), [(mbp_view(), b"MBP"), (mbo_view(), b"MBO")])
def test_an_empty_view_keeps_its_format(view: View, name: bytes) -> None:
    assert written(view, 2, 2) == b'{"format":"%b","bids":[],"asks":[]}' % name


@relaxed
@given(bids=LEVELS, asks=LEVELS, price_decimals=DECIMALS, quantity_decimals=DECIMALS)
def test_mbp_numbers_are_exact(
    bids: list[tuple[int, ...]],
    asks: list[tuple[int, ...]],
    price_decimals: int,
    quantity_decimals: int,
) -> None:
    text = written(mbp_view(bids, asks), price_decimals, quantity_decimals)
    data = exact(text)
    assert list(data) == ["format", "bids", "asks"]
    for name, rows, side in (("bids", bids, "Bid"), ("asks", asks, "Ask")):
        assert len(data[name]) == len(rows)
        for level, (price, size, total, count, age) in zip(data[name], rows, strict=True):
            assert list(level) == MBP_KEYS
            assert level["price"] == units(price, price_decimals)
            assert level["quantity"] == units(size, quantity_decimals)
            assert level["total_quantity"] == units(total, quantity_decimals)
            assert has_decimals(level["price"], price_decimals)
            assert has_decimals(level["quantity"], quantity_decimals)
            assert has_decimals(level["total_quantity"], quantity_decimals)
            assert level["order_count"] == (None if count == UNKNOWN else count)
            assert level["avg_age_ms"] == (None if age == UNKNOWN else age)
            assert level["side"] == side


@relaxed
@given(bids=ORDERS, asks=ORDERS, price_decimals=DECIMALS, quantity_decimals=DECIMALS)
def test_mbo_numbers_are_exact(
    bids: list[tuple[int, ...]],
    asks: list[tuple[int, ...]],
    price_decimals: int,
    quantity_decimals: int,
) -> None:
    data = exact(written(mbo_view(bids, asks), price_decimals, quantity_decimals))
    assert list(data) == ["format", "bids", "asks"]
    for name, rows, side in (("bids", bids, "Bid"), ("asks", asks, "Ask")):
        for order, (order_id, price, size, time_ns, age) in zip(data[name], rows, strict=True):
            assert list(order) == MBO_KEYS
            assert order["order_id"] == str(order_id)
            assert order["price"] == units(price, price_decimals)
            assert order["quantity"] == units(size, quantity_decimals)
            assert has_decimals(order["price"], price_decimals)
            assert has_decimals(order["quantity"], quantity_decimals)
            assert order["side"] == side
            assert order["timestamp"] == to_text(from_ns(time_ns))
            assert order["age_ms"] == age


@relaxed
@given(MOMENTS, st.integers(0, 999))
def test_timestamps_are_what_the_calendar_says(moment: datetime, extra_ns: int) -> None:
    view = mbo_view([(1, 1, 1, to_ns(moment) + extra_ns, 0)])
    (order,) = exact(written(view, 0, 0))["bids"]
    assert order["timestamp"] == to_text(moment)


@relaxed
@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, DAY_NS - 1)), max_size=12))
def test_orders_of_one_day_and_of_several_have_their_own_dates(
    times: list[tuple[int, int]],
) -> None:
    times_ns = [(20_000 + day) * DAY_NS + of_day_ns for day, of_day_ns in times]
    rows = [(number, 1, 1, time_ns, 0) for number, time_ns in enumerate(times_ns)]
    data = exact(written(mbo_view(rows, reversed(rows)), 0, 0))
    wanted = [to_text(from_ns(time_ns)) for time_ns in times_ns]
    assert [order["timestamp"] for order in data["bids"]] == wanted
    assert [order["timestamp"] for order in data["asks"]] == wanted[::-1]


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-01T00:00:00.000000Z",
        "1999-12-31T23:59:59.999999Z",
        "2000-02-29T12:00:00.000001Z",
        "2024-02-29T00:00:00.000000Z",
        "2024-12-31T23:59:59.999999Z",
        "2100-02-28T23:59:59.999999Z",
        "2100-03-01T00:00:00.000000Z",
        "2199-12-31T23:59:59.999999Z",
    ],
)
def test_the_edges_of_years_and_leap_days_are_right(text: str) -> None:
    view = mbo_view([(1, 1, 1, to_ns(datetime.fromisoformat(text)), 0)])
    (order,) = exact(written(view, 0, 0))["bids"]
    assert order["timestamp"] == text


def test_the_typed_structs_describe_exactly_what_is_written() -> None:
    assert list(MbpLevel.__struct_fields__) == MBP_KEYS
    assert list(MboLevel.__struct_fields__) == MBO_KEYS
    mbp = msgspec.json.decode(
        written(mbp_view([(-5, 25, 25, 1, 2)], [(5, 5, 5, UNKNOWN, UNKNOWN)]), 1, 1),
        type=MbpData,
        strict=True,
    )
    assert mbp == MbpData(
        bids=[MbpLevel(-0.5, 2.5, 1, "Bid", 2.5, 2)],
        asks=[MbpLevel(0.5, 0.5, None, "Ask", 0.5, None)],
    )
    mbo = msgspec.json.decode(
        written(mbo_view([(7, 99, 3, 1_000, 4)]), 2, 0), type=MboData, strict=True
    )
    assert mbo == MboData(
        bids=[MboLevel("7", 0.99, 3.0, "Bid", "1970-01-01T00:00:00.000001Z", 4)], asks=[]
    )


@pytest.mark.parametrize(
    "row",
    [
        level_rows((LOWEST, LOWEST, LOWEST, LOWEST, LOWEST)),
        order_rows((2**64 - 1, LOWEST, LOWEST, 2**63 - 1, LOWEST)),
    ],
    ids=["MBP", "MBO"],
)
def test_the_longest_row_has_room(row: Any) -> None:
    alone = written(View(row, row[:0]), 9, 9)
    twice = written(View(np.repeat(row, 2), row[:0]), 9, 9)
    assert len(twice) - len(alone) <= json_writer._MAX_ROW_BYTES


@pytest.mark.parametrize("dtype", [LEVEL_DTYPE, ORDER_DTYPE], ids=["MBP", "MBO"])
def test_a_view_larger_than_the_buffer_is_written_whole(dtype: Any) -> None:
    writer = JsonWriter()
    bids, asks = np.zeros(3000, dtype), np.zeros(2000, dtype)
    bids["price"], asks["price"] = np.arange(3000), np.arange(2000)
    large = exact(written_by(writer, View(bids, asks), 0, 0))
    assert [row["price"] for row in large["bids"]] == list(range(3000))
    assert [row["price"] for row in large["asks"]] == list(range(2000))
    small = exact(written_by(writer, View(bids[:1], asks[:1]), 0, 0))
    assert small["bids"] == large["bids"][:1]


def test_what_was_written_stays_when_the_writer_goes_on() -> None:
    first = written(mbp_view([(1, 1, 1, 1, 1)]), 0, 0)
    kept = bytes(bytearray(first))
    written(mbp_view([(2, 2, 2, 2, 2)]), 0, 0)
    assert first == kept
