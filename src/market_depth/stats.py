"""The periodic performance line of the log."""

from __future__ import annotations

import asyncio
import time

from market_depth.logs import get_logger
from market_depth.server import Hub
from market_depth.streams import StreamManager

__all__ = ["log_performance"]

log = get_logger()


async def log_performance(hub: Hub, manager: StreamManager, every_s: float) -> None:
    """Log what has been done since the last line, every *every_s* seconds, for ever."""
    counters = manager.counters
    then, cpu_then = time.perf_counter(), time.process_time()
    before = (counters.messages, counters.size_bytes, counters.skipped, counters.encoded)
    events_before = manager.market.events_applied
    while True:
        await asyncio.sleep(every_s)
        now, cpu_now = time.perf_counter(), time.process_time()
        after = (counters.messages, counters.size_bytes, counters.skipped, counters.encoded)
        elapsed = now - then
        messages, size_bytes, skipped, encoded = (
            round((new - old) / elapsed, 1) for new, old in zip(after, before, strict=True)
        )
        log.info(
            "performance",
            clients=hub.sessions,
            streams=counters.subscriptions,
            messages_per_s=messages,
            bytes_per_s=size_bytes,
            skipped_per_s=skipped,
            encoded_per_s=encoded,
            events_per_s=round((manager.market.events_applied - events_before) / elapsed, 1),
            feed_lag_ms=round(manager.lag_s() * 1000, 3),
            cpu_share=round((cpu_now - cpu_then) / elapsed, 4),
        )
        then, cpu_then, before = now, cpu_now, after
        events_before = manager.market.events_applied
