"""Who takes frames, and what he has asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from market_depth.protocol.messages import Response
from market_depth.protocol.wire import JSON, Wire

if TYPE_CHECKING:
    from market_depth.streams.chain import ChainStream
    from market_depth.streams.channel import Channel
    from market_depth.streams.cohort import Cohort
    from market_depth.streams.watch import Watch

__all__ = ["Stream", "Subscriber"]


class Stream:
    """One stream of one subscriber, with all that writing to it takes at hand.

    A flush goes through thousands of these, each cold in the cache; what it would have to look
    up in other objects would cost it more than what it does.
    """

    __slots__ = ("channel", "is_blocked", "prefix", "sent_sequence", "stream_id", "write")

    def __init__(self, stream_id: str, channel: Channel, subscriber: Subscriber) -> None:
        self.stream_id = stream_id
        self.prefix = channel.prefix(stream_id)
        """The part of its messages that only this stream has."""
        self.channel = channel
        self.sent_sequence = channel.sequence
        """Sequence of the book in the last message handed over."""
        self.write = subscriber.write
        self.is_blocked = subscriber.is_blocked


class Subscriber:
    """Base of whatever takes frames; one per connection.

    Args:
        wire: how its messages travel.
    """

    __slots__ = ("_is_blocked", "cohort", "streams", "waiting", "wire")

    write: Callable[[bytes], None]
    """Takes a whole frame; must not call back into the stream manager. It may set `is_blocked`, and
    raises RuntimeError if the subscriber can take nothing any more and is about to be dropped."""

    def __init__(self, wire: Wire = JSON) -> None:
        self.wire = wire
        self.streams: dict[str, Stream | ChainStream] = {}
        self.waiting: dict[str, Watch] | None = None
        """By stream id, whose feed a stream waits for."""
        self.cohort: Cohort | None = None
        self._is_blocked = False

    @property
    def is_blocked(self) -> bool:
        """Whether frames are to be withheld."""
        return self._is_blocked

    @is_blocked.setter
    def is_blocked(self, is_blocked: bool) -> None:
        self._is_blocked = is_blocked
        for stream in self.streams.values():
            stream.is_blocked = is_blocked

    def answer(self, frame: bytes) -> None:
        """Hand over a frame that is not for many; dropped if the subscriber can take nothing."""
        with suppress(RuntimeError):
            self.write(frame)

    def send(self, message: Response) -> None:
        """Hand over one message."""
        self.answer(self.wire.message(message))

    def is_overrun(self) -> bool:
        """Whether so much is unsent that not even what must not be left out can be added."""
        return False

    def give_up(self, reason: str) -> None:
        """End the connection, soon: it can't take what must not be left out. It must not call back
        into the stream manager."""
