"""The beat: flushes the StreamManager's cohorts when they are due, with one timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from market_depth.logs import get_logger
from market_depth.streams import StreamManager

__all__ = ["Ticker"]

log = get_logger()


class Ticker:
    """Sleeps while nobody wants anything.

    Args:
        manager: what to flush.
        observe_flush_s: told how long each flush took.
    """

    def __init__(self, manager: StreamManager, observe_flush_s: Callable[[float], None]) -> None:
        self._manager = manager
        self._observe_flush_s = observe_flush_s
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0

    def arm(self) -> None:
        """See to it that the next due moment is met."""
        due = self._manager.next_due()
        if due is None:
            self.stop()
            return
        if self._timer is not None:
            if self._armed_for <= due:
                return
            self._timer.cancel()
        self._armed_for = due
        self._timer = asyncio.get_running_loop().call_at(due, self._flush)

    def stop(self) -> None:
        """Flush no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        self._timer = None
        begun = time.perf_counter()
        # Timers are rounded to milliseconds and may fire early: what was due is due.
        now = max(asyncio.get_running_loop().time(), self._armed_for)
        try:
            self._manager.flush(now, time.time_ns())
        except Exception:
            log.exception("flush failed")
        self._observe_flush_s(time.perf_counter() - begun)
        self.arm()
