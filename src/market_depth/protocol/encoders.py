"""How messages become bytes: JSON or MessagePack, the same for every message.

A data message is made of a prefix, which only its stream has, and a tail, which all streams of the
view share: `{"type":"MarketData","stream_id":"a"` and `,"symbol":…}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec import Raw

from market_depth.instruments import format_units
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType, Response, TradesData
from market_depth.protocol.msgpack_writer import MsgpackWriter
from market_depth.views import Changes, View

__all__ = ["Encoder", "JsonEncoder", "Member", "MsgpackEncoder", "encode_json"]

Member: TypeAlias = tuple[str, object]
"""A field of a message, with its value: what msgspec knows, or bytes that are encoded already."""

_json: Final = msgspec.json.Encoder(decimal_format="number")
_msgpack: Final = msgspec.msgpack.Encoder(decimal_format="number")
_SHARED_FROM: Final = 2
"""`type` and `stream_id` come before what is shared."""
_FIXMAP: Final = 0x80
_MAX_FIXMAP: Final = 15


def encode_json(value: object) -> bytes:
    """Return anything that msgspec knows as JSON, decimals as numbers."""
    return _json.encode(value)


class Encoder(Protocol):
    """One encoding of the wire contract."""

    name: str
    title: str
    """For a person to read."""
    is_binary: bool
    """Whether its messages are binary ones."""

    def message(self, message: Response) -> bytes:
        """Return a whole message."""

    def prefix(self, kind: str, stream_id: str, members: int) -> bytes:
        """Return how a message of a type begins.

        Args:
            kind: its `type`.
            stream_id: its stream.
            members: how many the tail will have.
        """

    def tail(self, members: Sequence[Member]) -> bytes:
        """Return how a message ends whose type and stream stand before."""

    def data(
        self, data_type: DataType, view: View, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` of a MarketData."""

    def changes(
        self, data_type: DataType, changes: Changes, price_decimals: int, quantity_decimals: int
    ) -> bytes:
        """Return the `data` of a MarketDelta."""

    def trades(self, trades: TradesData) -> bytes:
        """Return the `data` of trades."""

    def number(self, units: int, decimals: int) -> Any:
        """Return what makes a message have a count of the last decimal as a number."""


class JsonEncoder:
    """JSON, in text frames."""

    name = "json"
    title = "JSON"
    is_binary = False

    def __init__(self) -> None:
        writer = JsonWriter()
        self.data = writer.write
        self.changes = writer.write_changes

    def message(self, message: Response) -> bytes:
        """Return a whole message, fields in the order of the wire contract."""
        return _json.encode(message)

    def prefix(self, kind: str, stream_id: str, members: int) -> bytes:
        """Return how a message of a type begins."""
        return b'{"type":"%b","stream_id":%b' % (kind.encode(), _json.encode(stream_id))

    def tail(self, members: Sequence[Member]) -> bytes:
        """Return how a message ends whose type and stream stand before."""
        parts = []
        for name, value in members:
            encoded = value if type(value) is bytes else _json.encode(value)
            parts.append(b',"%b":%b' % (name.encode(), encoded))
        parts.append(b"}")
        return b"".join(parts)

    def trades(self, trades: TradesData) -> bytes:
        """Return the `data` of trades."""
        return _json.encode(trades)

    def number(self, units: int, decimals: int) -> Any:
        """Return a count of the last decimal with its decimals written out, as views have it."""
        return Raw(format_units(units, decimals).encode()) if decimals else units


class MsgpackEncoder:
    """MessagePack, in binary frames."""

    name = "msgpack"
    title = "MessagePack"
    is_binary = True

    def __init__(self) -> None:
        writer = MsgpackWriter()
        self.data = writer.write
        self.changes = writer.write_changes

    def message(self, message: Response) -> bytes:
        """Return a whole message."""
        return _msgpack.encode(message)

    def prefix(self, kind: str, stream_id: str, members: int) -> bytes:
        """Return how a message of a type begins: a map says first how many members it has."""
        count = _SHARED_FROM + members
        assert count <= _MAX_FIXMAP
        parts = ("type", kind, "stream_id", stream_id)
        return bytes([_FIXMAP | count]) + b"".join(_msgpack.encode(part) for part in parts)

    def tail(self, members: Sequence[Member]) -> bytes:
        """Return how a message ends whose type and stream stand before."""
        parts = []
        for name, value in members:
            parts.append(_msgpack.encode(name))
            parts.append(value if type(value) is bytes else _msgpack.encode(value))
        return b"".join(parts)

    def trades(self, trades: TradesData) -> bytes:
        """Return the `data` of trades."""
        return _msgpack.encode(trades)

    def number(self, units: int, decimals: int) -> Any:
        """Return a count of the last decimal as the double that is nearest."""
        return units / 10**decimals if decimals else units
