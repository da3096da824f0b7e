"""Rows of views for tests, and what the wire makes of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from market_depth.views import LEVEL_DTYPE, ORDER_CHANGE_DTYPE, ORDER_DTYPE, Rows, View

INT64 = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.integers(0, 9)


def level_rows(*rows: tuple[int, ...]) -> Rows:
    """Return rows of (price, size, total size, order count, mean age in ms)."""
    return np.array(list(rows), LEVEL_DTYPE)


def order_rows(*rows: tuple[int, ...]) -> Rows:
    """Return rows of (order id, price, size, ts_event, age in ms)."""
    return np.array(list(rows), ORDER_DTYPE)


def order_change_rows(*rows: tuple[int, ...]) -> Rows:
    """Return rows of (order id, price, size, ts_event, action)."""
    return np.array(list(rows), ORDER_CHANGE_DTYPE)


def mbp_view(bids: Iterable[tuple[int, ...]] = (), asks: Iterable[tuple[int, ...]] = ()) -> View:
    return View(level_rows(*bids), level_rows(*asks))


def mbo_view(bids: Iterable[tuple[int, ...]] = (), asks: Iterable[tuple[int, ...]] = ()) -> View:
    return View(order_rows(*bids), order_rows(*asks))
