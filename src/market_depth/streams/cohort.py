"""A group of subscribers whose streams are due at the same moments.

All streams of a subscriber are due together, so that they leave in one system call. Subscribers
are spread over cohorts whose moments lie apart, so that with many of them the server never
writes to all at once: what others wait for is one cohort's time, not the whole fan-out's.
"""

from __future__ import annotations

from typing import NamedTuple

from market_depth.streams.channel import Tick
from market_depth.streams.subscriber import Stream, Subscriber

__all__ = ["Cohort", "FlushCount"]


class FlushCount(NamedTuple):
    """What one flush did."""

    messages: int
    size_bytes: int
    skipped: int
    """Updates withheld from blocked subscribers."""
    encoded: int
    """Views encoded."""


class Cohort:
    """Subscribers and the moment at which their streams are due next."""

    __slots__ = ("due", "interval", "streams", "subscribers")

    def __init__(self, due: float, interval: float) -> None:
        self.due = due
        """When its streams are due next, in seconds of the caller's monotonic clock."""
        self.interval = interval
        self.subscribers: dict[Subscriber, None] = {}
        self.streams: dict[Stream, None] = {}
        """The streams of all its subscribers."""

    def postpone(self, now: float) -> None:
        """Move `due` behind *now*, by whole intervals: a late flush does not shift the beat."""
        late = int((now - self.due) / self.interval)
        self.due += (late + 1) * self.interval

    def flush(self, tick: Tick) -> FlushCount:
        """Write every stream whose book has changed since its last message."""
        messages = size_bytes = skipped = encoded = 0
        for stream in self.streams:
            channel = stream.channel
            if channel.tick is not tick:
                channel.look(tick)
            if stream.sent_sequence >= channel.due_sequence:
                continue
            if stream.is_blocked:
                skipped += 1
                continue
            if channel.sequence != channel.due_sequence:
                channel.encode(tick)
                encoded += 1
            frame = channel.frame
            if stream.prefix is not channel.frame_prefix:
                frame = channel.frame_for(stream.prefix)
            try:
                stream.write(frame)
            except RuntimeError:  # its subscriber can take nothing any more, and will be dropped
                continue
            stream.sent_sequence = channel.sequence
            messages += 1
            size_bytes += len(frame)
        return FlushCount(messages, size_bytes, skipped, encoded)
