"""Local books: the view of one stream, kept from its messages.

Prices and quantities are kept as counts of the instrument's last decimal, so that nothing drifts;
what is handed out tells them as numbers too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from market_depth.client import tables
from market_depth.client.errors import StreamBrokenError
from market_depth.client.scale import Scale
from market_depth.protocol.checksum import level_checksum, order_checksum
from market_depth.protocol.messages import MboChange, MboLevel, MbpChange, MbpLevel, Number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import polars as pl
    from numpy.typing import NDArray

__all__ = ["Book", "Level", "LevelBook", "Order", "OrderBook"]


class Level(NamedTuple):
    """A price level."""

    price: float
    quantity: float
    order_count: int | None
    """`None` where the feed does not report orders."""
    price_units: int
    """The price, in counts of its last decimal."""
    quantity_units: int


class Order(NamedTuple):
    """An order in its queue."""

    order_id: str
    price: float
    quantity: float
    timestamp: str
    """When it took its place, RFC 3339."""
    price_units: int
    quantity_units: int


class _Side:
    """The price levels of one side: a dict by price, and the prices in order, worst first."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        """1 for bids, -1 for asks: it makes a larger key the better one."""
        self.keys: list[int] = []
        self.levels: dict[int, Any] = {}
        """By key."""

    def obtain(self, key: int, new: Any) -> Any:
        """Return the level of a key, which is *new* if there is none yet."""
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = new
            self.keys.insert(bisect_left(self.keys, key), key)
        return level

    def remove(self, key: int) -> None:
        """Take a level out."""
        if self.levels.pop(key, None) is None:
            raise StreamBrokenError(f"a level is removed that is not there: {self.sign * key}")
        del self.keys[bisect_left(self.keys, key)]

    def best(self) -> Iterator[tuple[int, Any]]:
        """Yield prices and their levels, best first."""
        for key in reversed(self.keys):
            yield self.sign * key, self.levels[key]


class Book(ABC):
    """What there is to see of one stream's view; all of it as of `sequence`.

    Args:
        scale: the instrument's decimals.
    """

    __slots__ = ("_asks", "_bids", "scale", "sequence", "timestamp")

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        """In force for the whole book: another one is followed by a `replace`."""
        self.sequence = -1
        """Sequence of the last message that was applied; -1 before the first."""
        self.timestamp = ""
        """The server's time in it."""
        self._bids = _Side(1)
        self._asks = _Side(-1)

    @property
    def best_bid(self) -> Level | None:
        """The best bid, `None` if there is none."""
        return next(self._levels(self._bids, 1), None)

    @property
    def best_ask(self) -> Level | None:
        """The best ask, `None` if there is none."""
        return next(self._levels(self._asks, 1), None)

    @property
    def spread(self) -> float | None:
        """Best ask less best bid, `None` if a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return self.scale.price(ask.price_units - bid.price_units) if bid and ask else None

    @property
    def mid(self) -> float | None:
        """The mean of best bid and best ask, `None` if a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return self.scale.price((ask.price_units + bid.price_units) / 2) if bid and ask else None

    def bids(self, levels: int | None = None) -> list[Level]:
        """Return the best bids, all that the stream shows if no number is said."""
        return list(self._levels(self._bids, levels))

    def asks(self, levels: int | None = None) -> list[Level]:
        """Return the best asks, likewise."""
        return list(self._levels(self._asks, levels))

    def quantities(self, levels: int | None = None) -> tuple[float, float]:
        """Return what the best levels of either side hold together: (bids, asks)."""
        bids, asks = (
            sum(level.quantity_units for level in self._levels(side, levels))
            for side in (self._bids, self._asks)
        )
        return self.scale.quantity(bids), self.scale.quantity(asks)

    def imbalance(self, levels: int | None = 1) -> float | None:
        """Return (bids - asks) / (bids + asks) of what the best levels hold, -1 to 1; `None` if
        there is nothing."""
        bids, asks = self.quantities(levels)
        return (bids - asks) / (bids + asks) if bids + asks else None

    def table(self, levels: int | None = None) -> dict[str, list[Any]]:
        """Return the best levels of both sides as columns: side, price, quantity, order_count (-1
        if unknown); bids first, best first."""
        rows = [
            (side, level.price, level.quantity, _known(level.order_count))
            for side, found in (("Bid", self.bids(levels)), ("Ask", self.asks(levels)))
            for level in found
        ]
        return _columns(("side", "price", "quantity", "order_count"), rows)

    def to_numpy(self, levels: int | None = None) -> NDArray[np.void]:
        """Return `table` as a structured array."""
        return tables.to_numpy(self.table(levels))

    def to_pandas(self, levels: int | None = None) -> pd.DataFrame:
        """Return `table` as a DataFrame of pandas, which must be installed."""
        return tables.to_pandas(self.table(levels))

    def to_polars(self, levels: int | None = None) -> pl.DataFrame:
        """Return `table` as a DataFrame of Polars, which must be installed."""
        return tables.to_polars(self.table(levels))

    def clear(self) -> None:
        """Empty the book."""
        self._bids, self._asks = _Side(1), _Side(-1)

    @abstractmethod
    def replace(self, data: Any) -> None:
        """Take a whole view, the `data` of a MarketData."""

    @abstractmethod
    def change(self, data: Any) -> None:
        """Take what has changed, the `data` of a MarketDelta.

        Raises:
            StreamBrokenError: if it does not fit the book.
        """

    @abstractmethod
    def checksum(self) -> int:
        """Return the checksum, as the server tells it."""

    @abstractmethod
    def _level(self, price: int, kept: Any) -> Level:
        """Return a level as it is handed out."""

    def _levels(self, side: _Side, levels: int | None) -> Iterator[Level]:
        return (self._level(price, kept) for price, kept in islice(side.best(), levels))


class LevelBook(Book):
    """A view by price: MBP or BBO. A level is kept as [quantity, order count]."""

    __slots__ = ()

    def replace(self, data: Any) -> None:
        """Take a whole view."""
        self.clear()
        self._fill(self._bids, data.bids)
        self._fill(self._asks, data.asks)

    def change(self, data: Any) -> None:
        """Take what has changed."""
        self._change(self._bids, data.bids)
        self._change(self._asks, data.asks)

    def checksum(self) -> int:
        """Return the checksum, as the server tells it."""
        bids, asks = (
            ((price, kept[0]) for price, kept in side.best()) for side in (self._bids, self._asks)
        )
        return level_checksum(bids, asks)

    def _fill(self, side: _Side, rows: Iterable[MbpLevel]) -> None:
        price_units, quantity_units = self.scale.price_units, self.scale.quantity_units
        for row in rows:
            key = side.sign * price_units(row.price)
            side.obtain(key, [quantity_units(row.quantity), row.order_count])

    def _change(self, side: _Side, rows: Iterable[MbpChange]) -> None:
        price_units, quantity_units = self.scale.price_units, self.scale.quantity_units
        for row in rows:
            key = side.sign * price_units(row.price)
            if row.quantity:
                level = side.obtain(key, [0, None])
                level[0] = quantity_units(row.quantity)
                level[1] = None if row.order_count is UNSET else row.order_count
            else:
                side.remove(key)

    def _level(self, price: int, kept: Any) -> Level:
        quantity, order_count = kept
        scale = self.scale
        return Level(scale.price(price), scale.quantity(quantity), order_count, price, quantity)


class OrderBook(Book):
    """A view by order. A level is kept as a dict, order id → [quantity, timestamp], in priority."""

    __slots__ = ("_places",)

    def __init__(self, scale: Scale) -> None:
        super().__init__(scale)
        self._places: dict[str, tuple[_Side, int]] = {}
        """Side and key of each order."""

    def bid_orders(self, levels: int | None = None) -> list[Order]:
        """Return the orders of the best bid levels, best price first, then in priority."""
        return list(self._orders(self._bids, levels))

    def ask_orders(self, levels: int | None = None) -> list[Order]:
        """Return the orders of the best ask levels, likewise."""
        return list(self._orders(self._asks, levels))

    def table(self, levels: int | None = None) -> dict[str, list[Any]]:
        """Return the orders of the best levels of both sides as columns: side, order_id, price,
        quantity, timestamp; bids first, best price first, then in priority."""
        rows = [
            (side, order.order_id, order.price, order.quantity, order.timestamp)
            for side, found in (("Bid", self.bid_orders(levels)), ("Ask", self.ask_orders(levels)))
            for order in found
        ]
        return _columns(("side", "order_id", "price", "quantity", "timestamp"), rows)

    def clear(self) -> None:
        """Empty the book."""
        super().clear()
        self._places.clear()

    def replace(self, data: Any) -> None:
        """Take a whole view."""
        self.clear()
        self._fill(self._bids, data.bids)
        self._fill(self._asks, data.asks)

    def change(self, data: Any) -> None:
        """Take what has changed."""
        for side, rows in ((self._bids, data.bids), (self._asks, data.asks)):
            for row in rows:
                self._change(side, row)

    def checksum(self) -> int:
        """Return the checksum, as the server tells it."""
        bids, asks = (
            (
                (order_id, price, order[0])
                for price, queue in side.best()
                for order_id, order in queue.items()
            )
            for side in (self._bids, self._asks)
        )
        return order_checksum(bids, asks)

    def _fill(self, side: _Side, rows: Iterable[MboLevel]) -> None:
        for row in rows:
            self._enqueue(side, row.order_id, row.price, row.quantity, row.timestamp)

    def _change(self, side: _Side, row: MboChange) -> None:
        order_id = row.order_id
        if row.action == "Add":
            if order_id in self._places:
                raise StreamBrokenError(f"order {order_id} is added, and is there already")
        else:
            place = self._places.get(order_id)
            if place is None or place[0] is not side:
                raise StreamBrokenError(f"order {order_id} is changed, and is not there")
            if row.action == "Update" and row.priority is UNSET:
                assert row.quantity is not UNSET
                side.levels[place[1]][order_id][0] = self.scale.quantity_units(row.quantity)
                return
            self._dequeue(side, place[1], order_id)
            if row.action == "Cancel":
                return
        assert row.quantity is not UNSET
        assert row.timestamp is not UNSET
        self._enqueue(side, order_id, row.price, row.quantity, row.timestamp)

    def _enqueue(
        self, side: _Side, order_id: str, price: Number, quantity: Number, timestamp: str
    ) -> None:
        key = side.sign * self.scale.price_units(price)
        side.obtain(key, {})[order_id] = [self.scale.quantity_units(quantity), timestamp]
        self._places[order_id] = (side, key)

    def _dequeue(self, side: _Side, key: int, order_id: str) -> None:
        queue = side.levels[key]
        del queue[order_id], self._places[order_id]
        if not queue:
            side.remove(key)

    def _level(self, price: int, kept: Any) -> Level:
        quantity = sum(order[0] for order in kept.values())
        scale = self.scale
        return Level(scale.price(price), scale.quantity(quantity), len(kept), price, quantity)

    def _orders(self, side: _Side, levels: int | None) -> Iterator[Order]:
        scale = self.scale
        for price, queue in islice(side.best(), levels):
            for order_id, (quantity, timestamp) in queue.items():
                yield Order(
                    order_id,
                    scale.price(price),
                    scale.quantity(quantity),
                    timestamp,
                    price,
                    quantity,
                )


def _known(count: int | None) -> int:
    return -1 if count is None else count


def _columns(names: tuple[str, ...], rows: list[Any]) -> dict[str, list[Any]]:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}
