"""A group of subscribers whose streams are due at the same moments.

All streams of a subscriber are due together, so that they leave in one system call. Subscribers
are spread over cohorts whose moments lie apart, so that with many of them the server never
writes to all at once: what others wait for is one cohort's time, not the whole fan-out's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from market_depth.streams.channel import Tick
from market_depth.streams.subscriber import Stream, Subscriber

__all__ = ["NOTHING", "Cohort", "FlushCount", "postponed"]


class FlushCount(NamedTuple):
    """What one flush did."""

    messages: int
    size_bytes: int
    skipped: int
    """Updates withheld from blocked subscribers."""
    encoded: int
    """Views encoded."""

    def plus(self, other: FlushCount) -> FlushCount:
        """Return what two did together."""
        return FlushCount(
            self.messages + other.messages,
            self.size_bytes + other.size_bytes,
            self.skipped + other.skipped,
            self.encoded + other.encoded,
        )


NOTHING: Final = FlushCount(0, 0, 0, 0)


def postponed(due: float, interval: float, now: float) -> float:
    """Return a moment behind *now*, whole intervals from *due*: a late flush does not shift the
    beat."""
    late = int((now - due) / interval)
    return due + (late + 1) * interval


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
        """Move `due` behind *now*."""
        self.due = postponed(self.due, self.interval, now)

    def flush(self, tick: Tick, now: float) -> FlushCount:
        """Write every stream whose book has changed since its last message; be due again."""
        self.postpone(now)
        messages = size_bytes = skipped = encoded = 0
        served: list[Stream] = []
        for stream in self.streams:
            channel = stream.channel
            if channel.tick is not tick:
                channel.look(tick)
            if stream.sent_sequence >= channel.due_sequence:
                continue
            was_blocked = stream.is_blocked
            if was_blocked:
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
            if stream.is_blocked:
                served.append(stream)
        for stream in served:  # of a reader that takes one view at a time, others come first then
            del self.streams[stream]
            self.streams[stream] = None
        return FlushCount(messages, size_bytes, skipped, encoded)
