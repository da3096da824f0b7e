"""A market that is played, for those who watch and control it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from market_depth.config.feed import parse_speed
from market_depth.feeds import PacedFeed
from market_depth.feeds.files import share_read
from market_depth.logs import get_logger
from market_depth.protocol.times import format_timestamp, parse_timestamp
from market_depth.server.replay import PlaybackState

__all__ = ["FeedPlayback"]

log = get_logger()

_RATE_S: Final = 3.0
"""Over how long events per second are measured, at least."""
_SPACING_S: Final = 0.05
_MAX_SAMPLES: Final = 100


class FeedPlayback:
    """The playback of a feed.

    Args:
        feed: what is played.
        paths: the recordings; none of a simulated market.
        now_s: a monotonic clock in seconds.
        clock_ns: the feed's wall clock, ns since 1970 UTC.
    """

    def __init__(
        self,
        feed: PacedFeed,
        paths: Sequence[Path],
        now_s: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._feed = feed
        self._paths = paths
        self._now_s = now_s
        self._clock_ns = clock_ns
        self._latest = (now_s(), 0)
        self._samples = deque([self._latest], maxlen=_MAX_SAMPLES)
        """When there had been how many events."""

    def state(self) -> PlaybackState:
        """Return how far it has come."""
        feed = self._feed
        position_ns = feed.market_time_ns(self._clock_ns())
        return PlaybackState(
            position=format_timestamp(position_ns) if position_ns else None,
            speed="max" if feed.speed is None else feed.speed,
            paused=feed.is_paused,
            ended=feed.is_through,
            events=feed.events,
            events_per_s=self._events_per_s(),
            share=self._share(),
        )

    def sample(self) -> None:
        """Note how many events there have been by now; to be called when some have come."""
        self._latest = (self._now_s(), self._feed.events)
        if self._latest[0] - self._samples[-1][0] >= _SPACING_S:
            self._samples.append(self._latest)

    def pause(self) -> None:
        """Let the market stand still."""
        self.sample()
        self._feed.pause()
        log.info("replay paused")

    def resume(self) -> None:
        """Let it go on."""
        self._feed.resume()
        log.info("replay resumed")

    def set_speed(self, text: str) -> None:
        """Go on at another speed: market seconds per second, or "max".

        Raises:
            ConfigError: if *text* is no speed.
        """
        self._feed.set_speed(parse_speed(text))
        log.info("replay speed", speed=text)

    def seek(self, text: str) -> None:
        """Go to another time of the market, forwards or back.

        Raises:
            ConfigError: if *text* is no time.
        """
        self._feed.seek(parse_timestamp(text))
        log.info("replay sought", position=text)

    def _share(self) -> float | None:
        if self._feed.is_through and self._paths:
            return 1.0
        share = share_read(self._paths)
        return None if share is None else round(share * self._feed.share_of_read, 4)

    def _events_per_s(self) -> float:
        """Return the rate since the newest sample that is old enough, else since the oldest."""
        now_s, events = self._now_s(), self._feed.events
        samples = [*self._samples, self._latest]
        old_enough = [sample for sample in samples if sample[0] <= now_s - _RATE_S]
        then_s, events_then = old_enough[-1] if old_enough else samples[0]
        self.sample()
        elapsed_s = now_s - then_s
        return round((events - events_then) / elapsed_s, 1) if elapsed_s > 0 else 0.0
