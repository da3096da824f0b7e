"""What clients say: every request of the wire contract as a typed struct.

Fields that may be left out may also be null.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from market_depth.protocol.messages import DataType

__all__ = [
    "DEFAULT_MAX_LEVELS",
    "MAX_ID_LENGTH",
    "MAX_STREAM_ID_LENGTH",
    "ListSubscriptions",
    "ListSymbols",
    "Mode",
    "Ping",
    "Request",
    "RequestId",
    "Resume",
    "StreamId",
    "Subscribe",
    "Unsubscribe",
]

DEFAULT_MAX_LEVELS = 20
MAX_STREAM_ID_LENGTH = 128
_MAX_LEVELS_AT_ALL = 10**9
"""Whatever a server is set to."""
_MAX_SEQUENCE = 2**63 - 1
MAX_ID_LENGTH = 128

StreamId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_STREAM_ID_LENGTH)]
RequestId: TypeAlias = (
    Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Annotated[str, Meta(max_length=MAX_ID_LENGTH)]
)
"""A client's own name for a request, which the answer repeats."""


class Mode(Enum):
    """How a stream tells its view."""

    SNAPSHOT = "snapshot"
    """Whole, each time."""
    DELTA = "delta"
    """Whole at first, then what has changed."""


class Resume(Struct, frozen=True):
    """Where a delta stream is to go on: the last message that the client has of it."""

    epoch: str
    sequence: Annotated[int, Meta(ge=0, le=_MAX_SEQUENCE)]


class Subscribe(Struct, frozen=True, kw_only=True, tag_field="type", tag="Subscribe"):
    """Open a stream, or one for each of several symbols."""

    stream_id: StreamId
    symbol: str | None = None
    """Either this or `symbols`."""
    data_type: DataType
    max_levels: Annotated[int, Meta(ge=1, le=_MAX_LEVELS_AT_ALL)] | None = None
    """Price levels a side; 20 if it is left out; the most is a matter of the
    server. BBO has one, TRADES has none, whatever is said here."""
    mode: Mode | None = None
    interval_ms: Annotated[int, Meta(ge=0, le=_MAX_SEQUENCE)] | None = None
    """Least time between two updates; 0 is every change. The server's own if it is left out."""
    group: str | None = None
    """MBP: the step that price levels are merged into, a decimal number."""
    checksum: bool | None = None
    """Whether every update carries the checksum of the view."""
    resume: Resume | None = None
    symbols: list[str] | None = None
    """Several symbols; `["*"]` is all that there are."""
    id: RequestId | None = None

    @property
    def levels(self) -> int:
        """How many price levels a side are wanted."""
        return DEFAULT_MAX_LEVELS if self.max_levels is None else self.max_levels

    @property
    def is_extended(self) -> bool:
        """Whether anything is asked for that the original messages do not have: answers then have
        fields that those do not have either."""
        opted = (
            self.mode,
            self.interval_ms,
            self.group,
            self.checksum,
            self.resume,
            self.symbols,
        )
        return any(value is not None for value in opted) or self.data_type in _EXTENDED_TYPES


_EXTENDED_TYPES = (DataType.BBO, DataType.TRADES)


class Unsubscribe(Struct, frozen=True, tag_field="type", tag="Unsubscribe"):
    """Close a stream."""

    stream_id: StreamId
    id: RequestId | None = None


class Ping(Struct, frozen=True, tag_field="type", tag="Ping"):
    """Ask for a HeartBeat."""

    timestamp: datetime
    id: RequestId | None = None


class ListSymbols(Struct, frozen=True, tag_field="type", tag="ListSymbols"):
    """Ask what there is to subscribe to."""

    id: RequestId | None = None


class ListSubscriptions(Struct, frozen=True, tag_field="type", tag="ListSubscriptions"):
    """Ask which streams this connection has."""

    id: RequestId | None = None


Request: TypeAlias = Subscribe | Unsubscribe | Ping | ListSymbols | ListSubscriptions
