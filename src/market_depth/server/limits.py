"""What a client may do, and what it costs him to do more."""

from __future__ import annotations

from market_depth.settings import Limits

__all__ = ["Limits", "MessageBudget"]


class MessageBudget:
    """A token bucket: *burst* at once, *rate_hz* a second in the long run."""

    __slots__ = ("_burst", "_rate_hz", "_then", "_tokens")

    def __init__(self, rate_hz: float, burst: int, now: float) -> None:
        self._rate_hz = rate_hz
        self._burst = float(max(burst, 1))
        self._tokens = self._burst
        self._then = now

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        if self._rate_hz <= 0:
            return True
        self._tokens = min(self._burst, self._tokens + (now - self._then) * self._rate_hz)
        self._then = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def wait_s(self) -> float:
        """Return how long until there is a token, as of the last `take`."""
        return max(1 - self._tokens, 0) / self._rate_hz if self._rate_hz > 0 else 0.0
