"""Views and their changes as the `data` objects of the wire contract, in MessagePack.

Prices and quantities are the doubles nearest to their decimals, integers where there are none. It
takes about five times as long as JSON by kernels, once per view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from market_depth.protocol.messages import DataType
from market_depth.protocol.times import format_timestamp
from market_depth.views import UNKNOWN, Changes, OrderAction, Rows, View

__all__ = ["MsgpackWriter"]

_ACTIONS: Final = {
    OrderAction.CANCEL: "Cancel",
    OrderAction.UPDATE: "Update",
    OrderAction.REQUEUE: "Update",
    OrderAction.ADD: "Add",
}
_BID: Final = "Bid"
_ASK: Final = "Ask"

_encode: Final = msgspec.msgpack.Encoder().encode


class MsgpackWriter:
    """Writes views and changes as MessagePack."""

    def write(
        self, data_type: DataType, view: View, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` object of *view*; arguments as of `JsonWriter`."""
        rows = _orders if data_type is DataType.MBO else _levels
        price, quantity = _number(price_decimals), _number(quantity_decimals)
        return _encode(
            {
                "format": data_type.value,
                "bids": rows(view.bids, _BID, price, quantity),
                "asks": rows(view.asks, _ASK, price, quantity),
            }
        )

    def write_changes(
        self, data_type: DataType, changes: Changes, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` object of a MarketDelta; arguments as of `JsonWriter`."""
        rows = _changed_orders if data_type is DataType.MBO else _changed_levels
        price, quantity = _number(price_decimals), _number(quantity_decimals)
        return _encode(
            {
                "format": data_type.value,
                "bids": rows(changes.bids, price, quantity),
                "asks": rows(changes.asks, price, quantity),
            }
        )


def _number(decimals: int) -> Callable[[int], float]:
    """Return what makes a number of a count of the last decimal."""
    if decimals == 0:
        return int
    scale = 10**decimals
    return lambda units: units / scale  # correctly rounded, so the nearest double


def _known(count: int) -> int | None:
    return None if count == UNKNOWN else count


def _levels(
    rows: Rows, side: str, price: Callable[[int], float], quantity: Callable[[int], float]
) -> list[dict[str, Any]]:
    return [
        {
            "price": price(units),
            "quantity": quantity(size),
            "order_count": _known(order_count),
            "side": side,
            "total_quantity": quantity(total_size),
            "avg_age_ms": _known(mean_age_ms),
        }
        for units, size, total_size, order_count, mean_age_ms in rows.tolist()
    ]


def _orders(
    rows: Rows, side: str, price: Callable[[int], float], quantity: Callable[[int], float]
) -> list[dict[str, Any]]:
    return [
        {
            "order_id": str(order_id),
            "price": price(units),
            "quantity": quantity(size),
            "side": side,
            "timestamp": format_timestamp(ts_event),
            "age_ms": age_ms,
        }
        for order_id, units, size, ts_event, age_ms in rows.tolist()
    ]


def _changed_levels(
    rows: Rows, price: Callable[[int], float], quantity: Callable[[int], float]
) -> list[dict[str, Any]]:
    return [
        {"price": price(units), "quantity": 0}
        if size == 0
        else {
            "price": price(units),
            "quantity": quantity(size),
            "order_count": _known(order_count),
        }
        for units, size, _, order_count, _ in rows.tolist()
    ]


def _changed_orders(
    rows: Rows, price: Callable[[int], float], quantity: Callable[[int], float]
) -> list[dict[str, Any]]:
    changes = []
    for order_id, units, size, ts_event, action in rows.tolist():
        change: dict[str, Any] = {
            "action": _ACTIONS[action],
            "order_id": str(order_id),
            "price": price(units),
        }
        if action != OrderAction.CANCEL:
            change["quantity"] = quantity(size)
        if action in (OrderAction.ADD, OrderAction.REQUEUE):
            change["timestamp"] = format_timestamp(ts_event)
        if action == OrderAction.REQUEUE:
            change["priority"] = "lost"
        changes.append(change)
    return changes
