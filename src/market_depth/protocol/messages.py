"""What the server says: every message of the wire contract as a typed struct.

The field order is the wire's order, and a field that is UNSET is not on the wire: streams that
ask for nothing beyond the original messages get just the fields of those.

The data messages (`MarketData`, `MarketDelta`) are described here for clients and for checks; the
server writes them with `market_depth.protocol.encoders`, once per view.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Literal, TypeAlias, TypeVar

from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "BboData",
    "BboDelta",
    "DataType",
    "Error",
    "HeartBeat",
    "Lagged",
    "MarketData",
    "MarketDelta",
    "MboChange",
    "MboData",
    "MboDelta",
    "MboLevel",
    "MbpChange",
    "MbpData",
    "MbpDelta",
    "MbpLevel",
    "Number",
    "Response",
    "Shutdown",
    "Status",
    "Subscribed",
    "Subscription",
    "Subscriptions",
    "SymbolInfo",
    "Symbols",
    "Trade",
    "TradesData",
    "Unsubscribed",
    "or_unset",
]

Id: TypeAlias = int | str | UnsetType
"""What the request had as its `id`."""

Number: TypeAlias = int | float
"""A price or quantity: a decimal number, an integer where the instrument has no decimals."""


Value = TypeVar("Value")


def or_unset(value: Value | None) -> Value | UnsetType:
    """Return a value, UNSET for `None`: a field that is not to be on the wire."""
    return UNSET if value is None else value


class DataType(Enum):
    """What a stream shows."""

    MBP = "MBP"
    """Market by price: a row per price level."""
    MBO = "MBO"
    """Market by order: a row per order."""
    BBO = "BBO"
    """Best bid and offer: the first level of either side, when it has changed."""
    TRADES = "TRADES"
    """Executions, each of them."""


class Subscribed(Struct, frozen=True, tag_field="type", tag="Subscribed"):
    """A stream is open; its first MarketData follows."""

    stream_id: str
    symbol: str
    data_type: DataType
    mode: Literal["snapshot", "delta"] | UnsetType = UNSET
    interval_ms: int | UnsetType = UNSET
    """The one in force."""
    epoch: str | UnsetType = UNSET
    """Of the server's sequences: those of two epochs do not compare."""
    price_decimals: int | UnsetType = UNSET
    quantity_decimals: int | UnsetType = UNSET
    tick_size: Decimal | int | UnsetType = UNSET
    resumed: bool | UnsetType = UNSET
    """Whether the stream goes on where the client asked for; there if it did."""
    id: Id = UNSET


class Unsubscribed(Struct, frozen=True, tag_field="type", tag="Unsubscribed"):
    """A stream is closed."""

    stream_id: str
    id: Id = UNSET


class HeartBeat(Struct, frozen=True, tag_field="type", tag="HeartBeat"):
    """The connection lives; `timestamp` is the server's time."""

    timestamp: str
    id: Id = UNSET


class Error(Struct, frozen=True, tag_field="type", tag="Error"):
    """A request could not be met, or the server failed."""

    code: int
    message: str
    stream_id: str | None
    id: Id = UNSET


class Status(Struct, frozen=True, tag_field="type", tag="Status"):
    """Whether a symbol's book can be trusted now; while it is Stale its streams stand still."""

    symbol: str
    status: Literal["Live", "Stale", "Halted", "Recovered"]
    reason: str | None
    timestamp: str


class Lagged(Struct, frozen=True, tag_field="type", tag="Lagged"):
    """The client read too slowly: so many updates were not sent; a whole view follows."""

    stream_id: str
    skipped: int


class Shutdown(Struct, frozen=True, tag_field="type", tag="Shutdown"):
    """A planned stop; close 1001 follows."""

    reason: str
    reconnect_after_ms: int


class MbpLevel(Struct, frozen=True):
    """A price level. `order_count` and `avg_age_ms` are null where the feed has no orders."""

    price: Number
    quantity: Number
    order_count: int | None
    side: str
    total_quantity: Number
    avg_age_ms: int | None


class MboLevel(Struct, frozen=True):
    """An order in its queue."""

    order_id: str
    price: Number
    quantity: Number
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


class BboData(Struct, frozen=True, tag_field="format", tag="BBO"):
    """The best level of either side, none where there is none."""

    bids: list[MbpLevel]
    asks: list[MbpLevel]


class Trade(Struct, frozen=True):
    """An execution."""

    price: Number
    quantity: Number
    side: Literal["Bid", "Ask"] | None
    """The aggressor's: Bid if he bought; null if unknown."""
    timestamp: str | None
    """The venue's time."""
    trade_number: int
    """Counts the symbol's trades without gaps."""


class TradesData(Struct, frozen=True, tag_field="format", tag="TRADES"):
    """Executions since the message before, oldest first."""

    trades: list[Trade]


class MarketData(Struct, frozen=True, kw_only=True, tag_field="type", tag="MarketData"):
    """The state of a stream's view at `sequence`."""

    stream_id: str
    symbol: str
    sequence: int
    timestamp: str
    event_timestamp: str | UnsetType | None = UNSET
    """The venue's time of the last event in it."""
    data: MbpData | MboData | BboData | TradesData
    checksum: int | UnsetType = UNSET
    resync: Literal["slow_consumer"] | UnsetType = UNSET
    """Why a delta stream begins anew."""


class MbpChange(Struct, frozen=True):
    """The new state of a price level; of one that is gone, just the price and quantity 0."""

    price: Number
    quantity: Number
    order_count: int | UnsetType | None = UNSET


class MboChange(Struct, frozen=True):
    """What happened to an order.

    Changes are applied in the order in which they stand. Add puts an order at the back of the queue
    at its price; Update gives it another quantity where it stands, or, if its priority is lost,
    moves it to the back of the queue at its price; Cancel takes it out.
    """

    action: Literal["Add", "Update", "Cancel"]
    order_id: str
    price: Number
    quantity: Number | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    """When it took its place in the queue; there if it has a new one."""
    priority: Literal["lost"] | UnsetType = UNSET


class MbpDelta(Struct, frozen=True, tag_field="format", tag="MBP"):
    """The price levels of either side that have changed, best first."""

    bids: list[MbpChange]
    asks: list[MbpChange]


class BboDelta(Struct, frozen=True, tag_field="format", tag="BBO"):
    """The same of the best level."""

    bids: list[MbpChange]
    asks: list[MbpChange]


class MboDelta(Struct, frozen=True, tag_field="format", tag="MBO"):
    """What happened to the orders of either side."""

    bids: list[MboChange]
    asks: list[MboChange]


class MarketDelta(Struct, frozen=True, tag_field="type", tag="MarketDelta"):
    """How a stream's view has changed since its last message, which had `prev_sequence`."""

    stream_id: str
    symbol: str
    prev_sequence: int
    sequence: int
    timestamp: str
    event_timestamp: str | None
    data: MbpDelta | MboDelta | BboDelta
    checksum: int | UnsetType = UNSET


class SymbolInfo(Struct, frozen=True, omit_defaults=True):
    """What a client wants to know of a symbol before it subscribes."""

    symbol: str
    tick_size: Decimal | int
    price_decimals: int
    quantity_decimals: int
    data_types: list[DataType]
    status: str
    reason: str = ""
    """Why, left out if there is nothing to say."""


class Symbols(Struct, frozen=True, tag_field="type", tag="Symbols"):
    """What there is to subscribe to."""

    symbols: list[SymbolInfo]
    id: Id = UNSET


class Subscription(Struct, frozen=True):
    """A stream of the connection."""

    stream_id: str
    symbol: str
    data_type: DataType
    max_levels: int | None
    """Null for TRADES."""
    mode: Literal["snapshot", "delta"]
    interval_ms: int
    group: str | None
    checksum: bool
    sequence: int | None
    """Of its last message; null while it waits for the symbol's feed."""


class Subscriptions(Struct, frozen=True, tag_field="type", tag="Subscriptions"):
    """Which streams the connection has."""

    subscriptions: list[Subscription]
    id: Id = UNSET


Response: TypeAlias = (
    Subscribed
    | Unsubscribed
    | HeartBeat
    | Error
    | Status
    | Lagged
    | Shutdown
    | MarketData
    | MarketDelta
    | Symbols
    | Subscriptions
)
