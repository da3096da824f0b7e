"""How streams are to be, and what they count."""

from __future__ import annotations

from dataclasses import dataclass

from market_depth.streams.cohort import FlushCount

__all__ = ["StreamCounters", "StreamOptions"]


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


@dataclass(slots=True)
class StreamCounters:
    """What has been sent and what has been withheld since the start."""

    subscriptions: int = 0
    """Streams open now."""
    messages: int = 0
    size_bytes: int = 0
    skipped: int = 0
    encoded: int = 0
    resumed: int = 0
    """Streams that went on where they had been cut off."""

    def add(self, count: FlushCount) -> None:
        """Count what has been sent."""
        self.messages += count.messages
        self.size_bytes += count.size_bytes
        self.skipped += count.skipped
        self.encoded += count.encoded
