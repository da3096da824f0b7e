"""What a client does when things do not go smoothly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

__all__ = ["ReconnectPolicy", "SlowReaderPolicy"]


class SlowReaderPolicy(Enum):
    """What happens when updates come faster than they are taken, and a stream's queue is full."""

    BLOCK = "block"
    """Nothing is read from the connection until there is room. The server then skips to the newest
    state, so that nothing piles up anywhere; other streams of the connection wait as well."""
    CONFLATE = "conflate"
    """All that wait are applied to the book without being handed out, so that the book goes on even
    under an update that is in hand. A reader is behind by the queue's size at most: with 1 he has
    the newest always. Not for trades, of which each counts."""
    RAISE = "raise"
    """Whoever takes the updates gets `ReaderTooSlowError`, and the stream ends."""


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """How a lost connection is made anew: pauses double, each is drawn from zero to its length.

    Source of the jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int | None = None
    """How often in a row it is tried in vain; `None` for ever, 0 never."""
    first_pause_s: float = 0.25
    longest_pause_s: float = 15.0
    """A connection that does not last so long was in vain too: pauses go on growing."""

    def pauses_s(self) -> Iterator[float]:
        """Yield how long to wait before each attempt."""
        longest = self.first_pause_s
        tried = 0
        while self.attempts is None or tried < self.attempts:
            yield random.uniform(0, longest)
            longest = min(2 * longest, self.longest_pause_s)
            tried += 1
