"""How streams are to be, and what they count."""

from __future__ import annotations

from dataclasses import dataclass

from market_depth.settings import StreamOptions
from market_depth.streams.cohort import FlushCount

__all__ = ["StreamCounters", "StreamOptions"]


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
