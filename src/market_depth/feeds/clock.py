"""The clock of a market that is played: it runs at any speed, stands still, and jumps."""

from __future__ import annotations

from typing import Final

__all__ = ["FAR_FUTURE_NS", "MarketClock"]

FAR_FUTURE_NS: Final = 2**63 - 1


class MarketClock:
    """Market time as a function of wall time; both in ns since 1970 UTC.

    Args:
        speed: market seconds per second; `None` is as fast as events are taken.
    """

    __slots__ = ("_anchor_wall_ns", "anchor_ns", "is_paused", "is_started", "speed")

    def __init__(self, speed: float | None) -> None:
        self.speed = speed
        self.is_started = False
        self.is_paused = False
        self.anchor_ns = 0
        """Market time at which the clock was last set; what lies before it is not waited for."""
        self._anchor_wall_ns = 0

    def set(self, market_ns: int, wall_ns: int) -> None:
        """Let it be a market time now."""
        self.anchor_ns = market_ns
        self._anchor_wall_ns = wall_ns
        self.is_started = True

    def stop(self) -> None:
        """Wait to be set again."""
        self.is_started = False

    def due_ns(self, wall_ns: int) -> int:
        """Return the market time up to which events are due; `FAR_FUTURE_NS` is all."""
        if self.is_paused:
            return self.anchor_ns
        if self.speed is None:
            return FAR_FUTURE_NS
        due_ns = self.anchor_ns + int((wall_ns - self._anchor_wall_ns) * self.speed)
        return min(due_ns, FAR_FUTURE_NS)

    def wait_s(self, market_ns: int, wall_ns: int) -> float | None:
        """Return how long until a market time is due, in seconds of the wall clock; at most 0 if it
        is due, `None` if it won't be while the clock stands still."""
        wait_ns = market_ns - self.due_ns(wall_ns)
        if wait_ns <= 0 or self.speed is None:
            return 0.0 if wait_ns <= 0 else None
        return None if self.is_paused else wait_ns / self.speed / 1e9
