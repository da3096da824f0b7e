"""What a client may do, and what it costs him to do more."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "MessageBudget"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a server and of each of its connections; 0 switches a rate or count off."""

    max_connections: int = 16_000
    max_connections_per_address: int = 0
    max_message_bytes: int = 64 * 1024
    message_rate_hz: float = 100.0
    """Requests per connection and second, in the long run."""
    message_burst: int = 500
    """Requests that a connection may send at once after a pause."""
    max_write_buffer_bytes: int = 64 * 1024
    """Unsent bytes above which a reader counts as slow: its streams skip updates."""
    stall_s: float = 30.0
    """How long a slow reader may stay slow before it is closed."""
    handshake_timeout_s: float = 10.0
    close_timeout_s: float = 3.0
    """How long a closed connection may take to go away."""
    ping_interval_s: float = 20.0
    """A connection that is silent for this long is pinged; for twice as long, it is closed."""
    allows_compression: bool = False
    """Whether permessage-deflate is agreed to."""


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
