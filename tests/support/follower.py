"""A client's side of a stream, as plain as can be: it keeps the view that the server describes.

Written from the wire contract alone; it shares no code with the server or the client library but
the text of the checksum. Prices and quantities are counts of the last decimal.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Level = tuple[int, int, int | None]
"""price, quantity, order count"""
Order = tuple[str, int, int]
"""order id, price, quantity"""

Message = dict[str, Any]


@dataclass
class Follower:
    """The view of one stream, kept from its messages."""

    price_decimals: int
    quantity_decimals: int
    data_type: str
    sequence: int | None = None
    bids: list[Any] = field(default_factory=list)
    """Levels or orders, best first."""
    asks: list[Any] = field(default_factory=list)
    trades: list[int] = field(default_factory=list)
    """Numbers of the trades that have come."""
    snapshots: int = 0
    deltas: int = 0
    checksums: int = 0

    def take(self, message: Message) -> None:
        """Take a MarketData or MarketDelta of the stream."""
        data = message["data"]
        assert data["format"] == self.data_type
        if self.data_type == "TRADES":
            self._take_trades(data["trades"])
            self.sequence = message["sequence"]
            return
        if message["type"] == "MarketData":
            self._replace(data)
        else:
            assert message["prev_sequence"] == self.sequence, "a message is missing"
            assert message["sequence"] > message["prev_sequence"]
            self._change(data)
        self.sequence = message["sequence"]
        if "checksum" in message:
            self.checksums += 1
            assert message["checksum"] == zlib.crc32(self.checksum_text().encode())

    def checksum_text(self) -> str:
        """Return the text that the checksum is made of."""
        return "|".join(",".join(_covered(rows)) for rows in (self.bids, self.asks))

    def _replace(self, data: Message) -> None:
        self.snapshots += 1
        self.bids, self.asks = ([self._row(row) for row in data[side]] for side in ("bids", "asks"))

    def _row(self, row: Message) -> Level | Order:
        price, quantity = self._price(row["price"]), self._quantity(row["quantity"])
        if self.data_type == "MBO":
            return (row["order_id"], price, quantity)
        return (price, quantity, row["order_count"])

    def _change(self, data: Message) -> None:
        self.deltas += 1
        assert data["bids"] or data["asks"], "a delta without a change"
        for side, rows, sign in (("bids", self.bids, -1), ("asks", self.asks, 1)):
            for change in data[side]:
                if self.data_type == "MBO":
                    self._change_order(rows, change, sign)
                else:
                    self._change_level(rows, change, sign)

    def _change_level(self, rows: list[Level], change: Message, sign: int) -> None:
        price, quantity = self._price(change["price"]), self._quantity(change["quantity"])
        kept = [row for row in rows if row[0] != price]
        if quantity:
            kept.append((price, quantity, change["order_count"]))
        else:
            assert len(kept) == len(rows) - 1, "a level is removed that is not there"
        rows[:] = sorted(kept, key=lambda row: sign * row[0])

    def _change_order(self, rows: list[Order], change: Message, sign: int) -> None:
        order_id, price = change["order_id"], self._price(change["price"])
        place = next((at for at, row in enumerate(rows) if row[0] == order_id), None)
        if change["action"] == "Add":
            assert place is None, "an order is added that is there"
        else:
            assert place is not None, "an order is changed that is not there"
            if change["action"] == "Cancel":
                assert rows.pop(place)[1] == price
                return
            if "priority" not in change:
                assert rows[place][1] == price
                rows[place] = (order_id, price, self._quantity(change["quantity"]))
                return
            assert change["priority"] == "lost"
            rows.pop(place)
        behind = [at for at, row in enumerate(rows) if sign * row[1] > sign * price]
        row = (order_id, price, self._quantity(change["quantity"]))
        rows.insert(behind[0] if behind else len(rows), row)

    def _take_trades(self, trades: list[Message]) -> None:
        for trade in trades:
            if self.trades:
                assert trade["trade_number"] == 1 + self.trades[-1], "a trade is missing"
            self.trades.append(trade["trade_number"])

    def _price(self, number: Any) -> int:
        return _units(number, self.price_decimals)

    def _quantity(self, number: Any) -> int:
        return _units(number, self.quantity_decimals)


def _units(number: Any, decimals: int) -> int:
    """Return a number as a count of its last decimal: a Decimal or an int of JSON exactly, a
    double of MessagePack as the decimal number that it is nearest to."""
    if isinstance(number, float):
        return round(Decimal(number).scaleb(decimals))
    units = Decimal(number).scaleb(decimals)
    assert units == int(units)
    return int(units)


def _covered(rows: list[Any]) -> list[str]:
    if rows and isinstance(rows[0][0], str):
        prices = list(dict.fromkeys(row[1] for row in rows))[:10]
        return [f"{row[0]}:{row[1]}:{row[2]}" for row in rows if row[1] in prices]
    return [f"{row[0]}:{row[1]}" for row in rows[:10]]
