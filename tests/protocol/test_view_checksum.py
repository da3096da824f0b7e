"""The checksum that kernels work out is the one that plain Python does."""

from __future__ import annotations

import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.checksum import CHECKSUM_LEVELS, level_checksum, order_checksum
from market_depth.protocol.messages import DataType
from market_depth.protocol.view_checksum import ViewChecksum
from market_depth.views import View
from support.hypothesis_settings import relaxed
from support.views import INT64, level_rows, mbo_view, mbp_view, order_rows

LOWEST = -(2**63)
CHECKSUM = ViewChecksum()
PRICES = st.one_of(st.integers(0, 12), INT64)
LEVELS = st.lists(st.tuples(PRICES, INT64), max_size=14)
ORDERS = st.lists(st.tuples(st.integers(0, 2**64 - 1), PRICES, INT64), max_size=30)


@relaxed
@given(bids=LEVELS, asks=LEVELS)
def test_of_levels(bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
    view = mbp_view([(*row, 1, 2, 3) for row in bids], [(*row, 4, 5, 6) for row in asks])
    for data_type in (DataType.MBP, DataType.BBO):
        assert CHECKSUM.of(data_type, view) == level_checksum(bids, asks)


@relaxed
@given(bids=ORDERS, asks=ORDERS)
def test_of_orders(bids: list[tuple[int, int, int]], asks: list[tuple[int, int, int]]) -> None:
    bids.sort(key=lambda order: order[1])
    asks.sort(key=lambda order: order[1])
    view = mbo_view([(*row, 1, 2) for row in bids], [(*row, 3, 4) for row in asks])
    assert CHECKSUM.of(DataType.MBO, view) == order_checksum(bids, asks)


def test_the_text_is_the_contracts() -> None:
    view = mbp_view([(10_245, 5000, 1, 1, 1), (10_244, 1, 1, 1, 1)], [(10_251, 700, 1, 1, 1)])
    assert CHECKSUM.of(DataType.MBP, view) == zlib.crc32(b"10245:5000,10244:1|10251:700")
    orders = mbo_view([(7, 10_245, 3, 0, 0), (9, 10_245, 2, 0, 0)])
    assert CHECKSUM.of(DataType.MBO, orders) == zlib.crc32(b"7:10245:3,9:10245:2|")
    assert CHECKSUM.of(DataType.MBP, mbp_view()) == zlib.crc32(b"|")


def test_what_lies_behind_the_tenth_level_does_not_matter() -> None:
    rows = [(100 - level, 5, 1, 1, 1) for level in range(CHECKSUM_LEVELS + 1)]
    covered, all_of_them = mbp_view(rows[:-1]), mbp_view(rows)
    assert CHECKSUM.of(DataType.MBP, covered) == CHECKSUM.of(DataType.MBP, all_of_them)
    orders = [(10 * n + k, 100 - n, 5, 1, 1) for n in range(CHECKSUM_LEVELS + 1) for k in range(3)]
    covered, all_of_them = mbo_view(orders[:-3]), mbo_view(orders)
    assert CHECKSUM.of(DataType.MBO, covered) == CHECKSUM.of(DataType.MBO, all_of_them)
    fewer = mbo_view(orders[:-4])
    assert CHECKSUM.of(DataType.MBO, fewer) != CHECKSUM.of(DataType.MBO, covered)


def test_many_orders_of_the_longest_text_have_room() -> None:
    row = (2**64 - 1, LOWEST, LOWEST, 0, 0)
    view = View(np.repeat(order_rows(row), 500), np.repeat(order_rows(row), 500))
    one = f"{row[0]}:{row[1]}:{row[2]}"
    text = "|".join([",".join([one] * 500)] * 2)
    assert ViewChecksum().of(DataType.MBO, view) == zlib.crc32(text.encode())
    level = level_rows((LOWEST, LOWEST, 0, 0, 0))
    levels = View(np.repeat(level, 10), level)
    text = ",".join([f"{LOWEST}:{LOWEST}"] * 10) + f"|{LOWEST}:{LOWEST}"
    assert ViewChecksum().of(DataType.MBP, levels) == zlib.crc32(text.encode())
