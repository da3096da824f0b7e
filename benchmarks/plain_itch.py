"""ITCH 5.0 decoded in plain Python, as one would write it: the ITCH benchmark's baseline.

It makes the same events as `market_depth.feeds.itch`, but for those about whole books (CLEAR and
STATUS), and knows the orders that rest from a dict.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from benchmarks.plain_book import PlainEvent
from market_depth.events import Action, Flag, Side

__all__ = ["PlainItch"]

_UNDEFINED_PRICE: Final = 2**63 - 1
_ADD, _CANCEL, _TRADE, _FILL, _NONE = (
    int(action) for action in (Action.ADD, Action.CANCEL, Action.TRADE, Action.FILL, Action.NONE)
)
_BID, _ASK, _NO_SIDE = int(Side.BID), int(Side.ASK), int(Side.NONE)
_LAST: Final = int(Flag.LAST)
_SIDES: Final = {ord("B"): _BID, ord("S"): _ASK}
_OTHER_SIDES: Final = {_BID: _ASK, _ASK: _BID, _NO_SIDE: _NO_SIDE}

_A, _F, _E, _C, _X, _D, _U, _P, _Q, _B = (ord(kind) for kind in "AFECXDUPQB")
_TOLD: Final = frozenset((_A, _F, _E, _C, _X, _D, _U, _P, _Q, _B))
_NOT_PRINTED: Final = ord("N")

_HEAD: Final = struct.Struct(">BHHHI")
_ADDED: Final = struct.Struct(">QBI8sI")
_EXECUTED: Final = struct.Struct(">QIQ")
_EXECUTED_AT: Final = struct.Struct(">QIQBI")
_CANCELLED: Final = struct.Struct(">QI")
_ID: Final = struct.Struct(">Q")
_REPLACED: Final = struct.Struct(">QQII")
_TRADED: Final = struct.Struct(">QBI8sIQ")
_CROSSED: Final = struct.Struct(">Q8sIQ")

_Row = tuple[int, int, int, int, int, int]
"""order id, price, size, action, side, flags"""


class PlainItch:
    """A day's messages as events.

    Args:
        midnight_ns: begin of the day, ns since 1970 UTC.
    """

    __slots__ = ("_midnight_ns", "_orders")

    def __init__(self, midnight_ns: int = 0) -> None:
        self._midnight_ns = midnight_ns
        self._orders: dict[int, tuple[int, int, int]] = {}
        """Side, price and shares by id."""

    def events(self, data: bytes) -> Iterator[PlainEvent]:
        """Yield the events of whole messages, each with its length in front; instrument ids are
        locates."""
        at = 0
        sequence = 0
        while at + 2 <= len(data):
            start = at + 2
            at = start + int.from_bytes(data[at:start], "big")
            if at > len(data):
                break
            sequence += 1
            kind, locate, _, high, low = _HEAD.unpack_from(data, start)
            if kind not in _TOLD:
                continue
            time_ns = self._midnight_ns + (high << 32 | low)
            for order_id, price, size, action, side, flags in self._rows(kind, data, start + 11):
                tail = (sequence, locate, action, side, flags)
                yield (time_ns, time_ns, order_id, price, size, *tail)

    def _rows(self, kind: int, data: bytes, at: int) -> list[_Row]:
        if kind in (_A, _F):
            order_id, side, shares, _, price = _ADDED.unpack_from(data, at)
            return [self._add(order_id, _SIDES[side], price, shares)]
        if kind == _D:
            (order_id,) = _ID.unpack_from(data, at)
            side, price, _ = self._take(order_id, None)
            return [(order_id, price, 0, _CANCEL, side, _LAST)]
        if kind == _X:
            order_id, shares = _CANCELLED.unpack_from(data, at)
            side, price, _ = self._take(order_id, shares)
            return [(order_id, price, shares, _CANCEL if shares else _NONE, side, _LAST)]
        if kind == _U:
            return self._replace(*_REPLACED.unpack_from(data, at))
        if kind in (_E, _C):
            return self._execute(kind, data, at)
        return self._beside(kind, data, at)

    def _execute(self, kind: int, data: bytes, at: int) -> list[_Row]:
        order_id, shares, match = _EXECUTED.unpack_from(data, at)
        side, price, _ = self._take(order_id, shares)
        printed = 0
        if kind == _C:
            _, _, _, printed, price = _EXECUTED_AT.unpack_from(data, at)
        if not shares:
            return [(order_id, price, 0, _NONE, side, _LAST)]
        rows = [
            (order_id, price, shares, _FILL, side, 0),
            (order_id, price, shares, _CANCEL, side, _LAST),
        ]
        if printed != _NOT_PRINTED:
            rows.insert(0, (match, price, shares, _TRADE, _OTHER_SIDES[side], 0))
        return rows

    def _replace(self, old_id: int, new_id: int, shares: int, price: int) -> list[_Row]:
        if old_id not in self._orders:
            return [(old_id, _UNDEFINED_PRICE, 0, _CANCEL, _NO_SIDE, _LAST)]
        side, old_price, _ = self._take(old_id, None)
        gone = (old_id, old_price, 0, _CANCEL, side, 0)
        return [gone, self._add(new_id, side, price, shares)]

    def _beside(self, kind: int, data: bytes, at: int) -> list[_Row]:
        if kind == _B:
            (match,) = _ID.unpack_from(data, at)
            return [(match, _UNDEFINED_PRICE, 0, _NONE, _NO_SIDE, _LAST)]
        if kind == _Q:
            shares, _, price, match = _CROSSED.unpack_from(data, at)
        else:
            _, _, shares, _, price, match = _TRADED.unpack_from(data, at)
        return [(match, price, shares, _TRADE, _NO_SIDE, _LAST)] if shares else []

    def _add(self, order_id: int, side: int, price: int, shares: int) -> _Row:
        if shares:
            self._orders[order_id] = (side, price, shares)
        return (order_id, price, shares, _ADD, side, _LAST)

    def _take(self, order_id: int, shares: int | None) -> tuple[int, int, int]:
        """Take shares of an order, `None` takes all; return what it was before."""
        order = self._orders.get(order_id)
        if order is None:
            return _NO_SIDE, _UNDEFINED_PRICE, 0
        side, price, held = order
        if shares is None or shares >= held:
            del self._orders[order_id]
        else:
            self._orders[order_id] = (side, price, held - shares)
        return order
