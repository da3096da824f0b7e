"""Every message of the wire contract as a typed struct; the field order is the wire's order.

The data messages (`MarketData`) are described here for clients and for checks; the server
writes them with `market_depth.protocol.json_views`, once per view.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

__all__ = [
    "DEFAULT_MAX_LEVELS",
    "MAX_STREAM_ID_LENGTH",
    "UNSUPPORTED_FIELDS",
    "DataType",
    "Error",
    "HeartBeat",
    "MarketData",
    "MboData",
    "MboLevel",
    "MbpData",
    "MbpLevel",
    "Ping",
    "Request",
    "Response",
    "Shutdown",
    "Subscribe",
    "Subscribed",
    "SymbolInfo",
    "Unsubscribe",
    "Unsubscribed",
]

DEFAULT_MAX_LEVELS = 20
MAX_STREAM_ID_LENGTH = 128
_MAX_LEVELS_AT_ALL = 10**9
"""Whatever a server is set to."""

StreamId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_STREAM_ID_LENGTH)]


class DataType(Enum):
    """What a stream shows."""

    MBP = "MBP"
    """Market by price: a row per price level."""
    MBO = "MBO"
    """Market by order: a row per order."""


class Subscribe(Struct, frozen=True, tag_field="type", tag="Subscribe"):
    """Client: open a stream."""

    stream_id: StreamId
    symbol: str
    data_type: DataType
    max_levels: Annotated[int, Meta(ge=1, le=_MAX_LEVELS_AT_ALL)] | None = None
    """`DEFAULT_MAX_LEVELS` if it is left out or null; the most is a matter of the server."""
    mode: Raw | UnsetType = UNSET
    interval_ms: Raw | UnsetType = UNSET
    group: Raw | UnsetType = UNSET
    checksum: Raw | UnsetType = UNSET
    resume: Raw | UnsetType = UNSET
    symbols: Raw | UnsetType = UNSET

    @property
    def levels(self) -> int:
        """How many price levels a side are wanted."""
        return DEFAULT_MAX_LEVELS if self.max_levels is None else self.max_levels


UNSUPPORTED_FIELDS = ("mode", "interval_ms", "group", "checksum", "resume", "symbols")
"""Fields of `Subscribe` that ask for what this server does not do: refused, never ignored."""


class Unsubscribe(Struct, frozen=True, tag_field="type", tag="Unsubscribe"):
    """Client: close a stream."""

    stream_id: StreamId


class Ping(Struct, frozen=True, tag_field="type", tag="Ping"):
    """Client: ask for a HeartBeat."""

    timestamp: datetime


Request: TypeAlias = Subscribe | Unsubscribe | Ping


class Subscribed(Struct, frozen=True, tag_field="type", tag="Subscribed"):
    """Server: a stream is open; its first MarketData follows."""

    stream_id: str
    symbol: str
    data_type: DataType


class Unsubscribed(Struct, frozen=True, tag_field="type", tag="Unsubscribed"):
    """Server: a stream is closed."""

    stream_id: str


class HeartBeat(Struct, frozen=True, tag_field="type", tag="HeartBeat"):
    """Server: the connection lives; `timestamp` is the server's time."""

    timestamp: str


class Error(Struct, frozen=True, tag_field="type", tag="Error"):
    """Server: a request could not be met, or the server failed."""

    code: int
    message: str
    stream_id: str | None


class Shutdown(Struct, frozen=True, tag_field="type", tag="Shutdown"):
    """Server: a planned stop; close 1001 follows."""

    reason: str
    reconnect_after_ms: int


class MbpLevel(Struct, frozen=True):
    """A price level. `order_count` and `avg_age_ms` are null where the feed has no orders."""

    price: float
    quantity: float
    order_count: int | None
    side: str
    total_quantity: float
    avg_age_ms: int | None


class MboLevel(Struct, frozen=True):
    """An order in its queue."""

    order_id: str
    price: float
    quantity: float
    side: str
    timestamp: str
    age_ms: int


class MbpData(Struct, frozen=True, tag_field="format", tag="MBP"):
    """Both sides by price, best first."""

    bids: list[MbpLevel]
    asks: list[MbpLevel]


class MboData(Struct, frozen=True, tag_field="format", tag="MBO"):
    """Both sides by order, best price first, then in queue priority."""

    bids: list[MboLevel]
    asks: list[MboLevel]


class MarketData(Struct, frozen=True, tag_field="type", tag="MarketData"):
    """Server: the state of a stream's view at `sequence`."""

    stream_id: str
    symbol: str
    sequence: int
    timestamp: str
    data: MbpData | MboData


Response: TypeAlias = Subscribed | Unsubscribed | HeartBeat | Error | Shutdown | MarketData


class SymbolInfo(Struct, frozen=True, omit_defaults=True):
    """What a client wants to know of a symbol before it subscribes."""

    symbol: str
    tick_size: msgspec.Raw
    price_decimals: int
    quantity_decimals: int
    data_types: list[DataType]
    status: str
    reason: str = ""
    """Why, left out if there is nothing to say."""
