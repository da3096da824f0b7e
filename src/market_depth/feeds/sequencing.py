"""Packets put into the order of their messages' sequence numbers: repeats fall out, gaps show.

Packets that come too early are held until those in between come (late, again on request, or by the
other line of a feed), or until waiting is of no use any more: then messages are lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count as counter
from typing import Final, Generic, NamedTuple, TypeVar

__all__ = ["InOrder", "Sequencer"]

MAX_HELD_PACKETS: Final = 1000
MAX_HELD_MESSAGES: Final = 100_000
MAX_HELD_NS: Final = 1_000_000_000

Packet = TypeVar("Packet")


class InOrder(NamedTuple, Generic[Packet]):
    """A packet whose turn it is."""

    packet: Packet
    repeated: int
    """How many of its messages have come before."""
    lost: int
    """How many messages before it have not come."""


class _Held(NamedTuple, Generic[Packet]):
    first: int
    order: int
    messages: int
    packet: Packet


class Sequencer(Generic[Packet]):
    """The packets of one session.

    What is expected is waited for until `MAX_HELD_NS` have gone by, or more than `MAX_HELD_PACKETS`
    packets or `MAX_HELD_MESSAGES` messages are held because of it.
    """

    def __init__(self) -> None:
        self.expected: int | None = None
        """Sequence number of the next message, `None` before the first packet."""
        self.repeated_packets = 0
        """Packets all of whose messages had come before."""
        self._held: list[_Held[Packet]] = []
        self._held_messages = 0
        self._order = counter()
        self._waiting_since_ns: int | None = None
        """When something first came instead of what is expected now."""

    def push(
        self, packet: Packet, first: int, count: int, time_ns: int
    ) -> Iterator[InOrder[Packet]]:
        """Yield the packets whose turn it is now.

        Args:
            packet: one that has come.
            first: sequence number of its first message; of the next message if it has none.
            count: of its messages.
            time_ns: when it came.
        """
        if self.expected is None:
            self.expected = first
        if first <= self.expected:
            yield from self._take(packet, first, count)
            if self._held:
                yield from self._take_held()
            return
        if self._waiting_since_ns is None:
            self._waiting_since_ns = time_ns
        heapq.heappush(self._held, _Held(first, next(self._order), count, packet))
        self._held_messages += count
        while not self._is_patient(time_ns):
            yield from self._skip()

    def finish(self) -> Iterator[InOrder[Packet]]:
        """Yield what has been held: what has not come by now is lost."""
        while self._held:
            yield from self._skip()

    def _is_patient(self, time_ns: int) -> bool:
        since_ns = time_ns if self._waiting_since_ns is None else self._waiting_since_ns
        return (
            len(self._held) <= MAX_HELD_PACKETS
            and self._held_messages <= MAX_HELD_MESSAGES
            and time_ns - since_ns <= MAX_HELD_NS
        )

    def _skip(self) -> Iterator[InOrder[Packet]]:
        """Go on behind what is lost."""
        assert self.expected is not None
        held = self._pop()
        lost = held.first - self.expected
        self._expect(held.first + held.messages)
        yield InOrder(held.packet, 0, lost)
        yield from self._take_held()

    def _take_held(self) -> Iterator[InOrder[Packet]]:
        """Yield packets that have been held and whose turn it is now."""
        assert self.expected is not None
        while self._held and self._held[0].first <= self.expected:
            held = self._pop()
            yield from self._take(held.packet, held.first, held.messages)

    def _take(self, packet: Packet, first: int, count: int) -> Iterator[InOrder[Packet]]:
        """Yield a packet of which not all comes too early, unless all of it has come before."""
        assert self.expected is not None
        repeated = self.expected - first
        if repeated < count:
            self._expect(first + count)
            yield InOrder(packet, repeated, 0)
        elif count:
            self.repeated_packets += 1

    def _pop(self) -> _Held[Packet]:
        held = heapq.heappop(self._held)
        self._held_messages -= held.messages
        return held

    def _expect(self, sequence: int) -> None:
        self.expected = sequence
        self._waiting_since_ns = None
