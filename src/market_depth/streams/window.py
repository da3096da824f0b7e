"""The last deltas of every chain, for streams that go on after a lost connection."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

from market_depth.protocol.wire import Tail

__all__ = ["MAX_RESUME_BYTES", "Delta", "History", "ResumeWindow"]

MAX_RESUME_BYTES = 256 * 1024
"""Deltas that are sent to a stream that comes back, at most: one small request must not make the
server write without end."""
_OVERHEAD_BYTES = 300
"""What an entry costs besides its bytes."""


class Delta(NamedTuple):
    """One message of a chain, without what only a stream has."""

    prev_sequence: int
    tail: Tail
    number: int
    """In the window."""

    @property
    def size_bytes(self) -> int:
        """What it takes in the window."""
        return len(self.tail.body) + _OVERHEAD_BYTES


class History:
    """The last deltas of one chain, without gaps."""

    __slots__ = ("_deltas", "_window")

    def __init__(self, window: ResumeWindow) -> None:
        self._window = window
        self._deltas: deque[Delta] = deque()

    def add(self, prev_sequence: int, tail: Tail) -> None:
        """Keep the newest delta."""
        delta = Delta(prev_sequence, tail, self._window.next_number())
        self._deltas.append(delta)
        self._window.keep(delta, self)

    def since(self, sequence: int) -> list[Tail] | None:
        """Return the deltas behind a sequence, `None` if they are not all there, or so many that a
        whole view is less."""
        missing: list[Tail] = []
        size_bytes = 0
        for delta in reversed(self._deltas):
            size_bytes += delta.size_bytes
            if delta.prev_sequence < sequence or size_bytes > MAX_RESUME_BYTES:
                break
            missing.append(delta.tail)
            if delta.prev_sequence == sequence:
                return missing[::-1]
        return None

    def drop_oldest(self) -> Delta:
        """Forget the oldest delta."""
        return self._deltas.popleft()

    def clear(self) -> None:
        """Forget every delta."""
        for delta in self._deltas:
            self._window.forget(delta)
        self._deltas.clear()


class ResumeWindow:
    """The deltas of all chains together, bounded; the oldest go first, whosever they are.

    Args:
        most_bytes: room for them; 0 keeps none.
    """

    __slots__ = ("_kept", "_most_bytes", "_number", "size_bytes")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[int, History] = OrderedDict()
        self._number = 0
        self.size_bytes = 0

    def next_number(self) -> int:
        """Return a number larger than any before."""
        self._number += 1
        return self._number

    def keep(self, delta: Delta, history: History) -> None:
        """Count a delta in, and let the oldest ones go."""
        self._kept[delta.number] = history
        self.size_bytes += delta.size_bytes
        while self.size_bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= oldest.drop_oldest().size_bytes

    def forget(self, delta: Delta) -> None:
        """Count a delta out."""
        del self._kept[delta.number]
        self.size_bytes -= delta.size_bytes
