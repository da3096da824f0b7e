"""What can be set of feeds, streams, servers and viewers, with the values that are usual.

The rooms take these records, and options fill them in. They stand apart from either, so that a
command which needs just their values does not load the rooms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

__all__ = ["MAX_INTERVAL_MS", "AtEnd", "Limits", "RowsMode", "StreamOptions"]

MAX_INTERVAL_MS: Final = 60_000
"""Longest time between two messages of a stream that a client may ask for."""

RowsMode: TypeAlias = Literal["auto", "prices", "levels"]
"""What has a line of a ladder: each price, or each level only; by itself what suits the book."""


class AtEnd(Enum):
    """What happens when a source is through."""

    LOOP = "loop"
    """Its books are cleared and it starts again."""
    HOLD = "hold"
    """The last books stay."""
    EXIT = "exit"
    """The feed ends, and the server with it."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How streams are to be."""

    interval_ms: int = 300
    """Time between two messages of a stream that does not say otherwise."""
    min_interval_ms: int = 0
    """Shortest time that a stream may ask for."""
    max_levels: int = 1000
    """Most price levels a side that a client may ask for."""
    max_streams: int = 256
    """Most streams that a subscriber may have."""
    resume_window_bytes: int = 8 * 1024 * 1024
    """Room for the deltas that are kept for streams that come back."""
    epoch: str = ""
    """Of the sequences: another at every start."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server and of each of its connections; 0 switches a rate or count off."""

    max_connections: int = 16_000
    max_connections_per_address: int = 0
    max_message_bytes: int = 64 * 1024
    message_rate_hz: float = 100.0
    """Requests per connection and second, in the long run."""
    message_burst: int = 500
    """Requests that a connection may send at once after a pause."""
    max_write_buffer_bytes: int = 64 * 1024
    """Unsent bytes above which a reader counts as slow: its streams skip updates."""
    stall_s: float = 30.0
    """How long a slow reader may stay slow before it is closed."""
    handshake_timeout_s: float = 10.0
    close_timeout_s: float = 3.0
    """How long a closed connection may take to go away."""
    ping_interval_s: float = 20.0
    """A connection that is silent for this long is pinged; for twice as long, it is closed."""
    allows_compression: bool = False
    """Whether permessage-deflate is agreed to."""
