"""How often things happen: frames that nobody waits for are not made, and rates are told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Pacer", "Rate"]


class Pacer:
    """Calls something when there is news, but no more often than it may be, and not before the one
    that was called last has been done with.

    Args:
        per_s: calls a second, at most.
        call: what is called, in the running loop.
    """

    __slots__ = ("_call", "_has_news", "_is_awaited", "_pause_s", "_ready_at_s", "_timer")

    def __init__(self, per_s: float, call: Callable[[], None]) -> None:
        self._pause_s = 1 / per_s
        self._call = call
        self._has_news = False
        self._is_awaited = False
        self._ready_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def news(self) -> None:
        """Note that there is something to call for."""
        self._has_news = True
        self._plan()

    def done(self) -> None:
        """Note that the last call has had its effect, so that another may be made."""
        self._is_awaited = False
        self._plan()

    def stop(self) -> None:
        """Call no more."""
        self._is_awaited = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        if self._has_news and not self._is_awaited and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._ready_at_s), self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._has_news = False
        self._is_awaited = True
        self._ready_at_s = asyncio.get_running_loop().time() + self._pause_s
        self._call()


class Rate:
    """How fast a count grows, over the last samples.

    Args:
        samples: how many are kept.
    """

    __slots__ = ("_samples",)

    def __init__(self, samples: int) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=samples)

    def sample(self, now_s: float, count: int) -> None:
        """Note a count at a time."""
        self._samples.append((now_s, count))

    @property
    def per_s(self) -> float:
        """The growth a second, 0 before there are two samples."""
        if len(self._samples) < 2:
            return 0.0
        (begun_s, first), (ended_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (ended_s - begun_s) if ended_s > begun_s else 0.0
