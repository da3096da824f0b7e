"""Chains: what streams share that have opted into more than the original messages.

A chain is a sequence of messages in which each goes on from the one before. All its streams are
sent the same ones at the same moments, so what has changed is found and encoded once for all. A
stream that joins between two messages gets the state at the last one; a stream that has missed any
gets the state at the newest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from market_depth.protocol.messages import Lagged
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import Tail
from market_depth.streams.channel import Tick
from market_depth.streams.cohort import FlushCount
from market_depth.streams.key import ChainKey
from market_depth.streams.subscriber import Subscriber
from market_depth.streams.watch import Watch

__all__ = ["Chain", "ChainStream"]


class ChainStream:
    """One stream of one subscriber."""

    __slots__ = (
        "chain",
        "group",
        "is_blocked",
        "is_open",
        "prefix",
        "sent_sequence",
        "skipped",
        "stream_id",
        "subscriber",
        "write",
    )

    def __init__(
        self, stream_id: str, group: str | None, chain: Chain, subscriber: Subscriber
    ) -> None:
        self.stream_id = stream_id
        self.group = group
        """The step of its price levels, as it was asked for."""
        self.chain = chain
        self.subscriber = subscriber
        self.prefix = chain.prefix(stream_id)
        """The part of its usual messages that only this stream has."""
        self.sent_sequence = chain.sequence
        """Sequence of its last message."""
        self.skipped = 0
        """Messages withheld since."""
        self.write = subscriber.write
        self.is_blocked = subscriber.is_blocked
        self.is_open = True


class Chain(ABC):
    """The messages of one view, and the streams that get them.

    Args:
        key: what is wanted.
        watch: the symbol, and who hears of its status.
    """

    __slots__ = (
        "_frame",
        "_frame_prefix",
        "book_sequence",
        "has_lagging",
        "key",
        "kind",
        "prev_sequence",
        "sequence",
        "streams",
        "symbol_book",
        "tail",
        "watch",
        "wire",
    )

    can_skip: ClassVar[bool] = True
    """Whether a reader that is slow may be given the newest state in place of every message."""

    def __init__(self, key: ChainKey, watch: Watch) -> None:
        self.key = key
        self.kind = "MarketDelta" if key.mode is Mode.DELTA else "MarketData"
        """`type` of the usual messages."""
        self.watch = watch
        self.wire = key.wire
        self.symbol_book = watch.symbol_book
        self.streams: dict[ChainStream, None] = {}
        self.sequence = -1
        """Tells the last message from those before; the book's sequence in it, if it is of a book;
        -1 before the first."""
        self.book_sequence = -1
        """The book's sequence in the last message, where that is another."""
        self.prev_sequence = -1
        """Sequence of the one before."""
        self.tail = Tail(b"")
        """The last message, without what only a stream has."""
        self.has_lagging = False
        """Whether a stream has not been sent the last message."""
        self._frame = b""
        self._frame_prefix = b""

    @abstractmethod
    def advance(self, tick: Tick) -> bool:
        """Make the next message of what has happened since the last; return whether there is one.

        It has to be delivered to every stream before the next call.
        """

    @abstractmethod
    def first(self, tick: Tick, resync: str | None = None) -> Tail:
        """Return the message that a stream begins with, at the sequence of the last one."""

    @abstractmethod
    def members(self) -> int:
        """Return how many members the tails of usual messages have."""

    def missing(self, sequence: int) -> list[Tail] | None:
        """Return the messages behind a sequence, `None` if they are not all there any more."""
        return None

    def close(self) -> None:  # noqa: B027 - most chains keep nothing
        """Let go of what is kept for streams that might come back."""

    def prefix(self, stream_id: str) -> bytes:
        """Return what a stream's usual messages begin with; the equal of the one that was used last
        is that one."""
        prefix = self.wire.encoder.prefix(self.kind, stream_id, self.members())
        if self._frame_prefix != prefix:
            self._frame_prefix, self._frame = prefix, b""
        return self._frame_prefix

    def deliver(self, streams: Iterable[ChainStream], tick: Tick, *, is_new: bool) -> FlushCount:
        """Send the last message to streams that have not got it yet.

        Args:
            streams: of this chain.
            tick: the moment.
            is_new: whether the message is new, or just some streams are behind.
        """
        messages = size_bytes = skipped = 0
        frame, frame_prefix = b"", None
        for stream in streams:
            if stream.sent_sequence == self.sequence or not stream.is_open:
                continue
            if stream.is_blocked and self.can_skip:
                stream.skipped += is_new
                skipped += is_new
                self.has_lagging = True
                continue
            try:
                if self.can_skip and (stream.skipped or stream.sent_sequence != self.prev_sequence):
                    size_bytes += self._resync(stream, tick)
                else:
                    if stream.prefix is not frame_prefix:
                        frame_prefix = stream.prefix
                        frame = self._frame_for(frame_prefix)
                    stream.write(frame)
                    size_bytes += len(frame)
            except RuntimeError:  # its subscriber can take nothing any more, and will be dropped
                continue
            stream.sent_sequence = self.sequence
            messages += 1
        return FlushCount(messages, size_bytes, skipped, 0)

    def deliver_all(self, tick: Tick, *, is_new: bool) -> FlushCount:
        """Send the last message to every stream that has not got it yet."""
        self.has_lagging = False
        return self.deliver(self.streams, tick, is_new=is_new)

    def begin(self, stream: ChainStream, tick: Tick) -> FlushCount:
        """Send the message that a stream begins with."""
        size_bytes = self._send_first(stream, self.first(tick), self.first_members())
        return FlushCount(1, size_bytes, 0, 1)

    def resume(self, stream: ChainStream, missing: list[Tail]) -> FlushCount:
        """Send the messages that a stream has missed while it was away."""
        frames = [self.wire.frame(stream.prefix, tail) for tail in missing]
        for frame in frames:
            stream.subscriber.answer(frame)
        return FlushCount(len(frames), sum(map(len, frames)), 0, 0)

    def first_members(self) -> int:
        """Return how many members the tail of a first message has."""
        return self.members()

    def _resync(self, stream: ChainStream, tick: Tick) -> int:
        """Let a stream that has missed messages begin anew; return what was sent, in bytes."""
        stream.subscriber.send(Lagged(stream.stream_id, stream.skipped))
        stream.skipped = 0
        tail = self.first(tick, resync="slow_consumer")
        return self._send_first(stream, tail, self.first_members() + 1)

    def _send_first(self, stream: ChainStream, tail: Tail, members: int) -> int:
        prefix = self.wire.encoder.prefix("MarketData", stream.stream_id, members)
        frame = self.wire.frame(prefix, tail)
        stream.subscriber.answer(frame)
        return len(frame)

    def _frame_for(self, prefix: bytes) -> bytes:
        """Return the last message, beginning with *prefix*, as a frame; the last one is kept."""
        if prefix is not self._frame_prefix or not self._frame:
            self._frame_prefix = prefix
            self._frame = self.wire.frame(prefix, self.tail)
        return self._frame

    def _go_to(self, sequence: int) -> None:
        """Be at a new message, whose tail the caller has to set."""
        self.prev_sequence = self.sequence
        self.sequence = sequence
        self._frame = b""
