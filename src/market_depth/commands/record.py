"""`market-depth record`: a feed or a running server becomes files."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from market_depth.config import RecordConfig
from market_depth.events import Events
from market_depth.instruments import Instrument
from market_depth.logs import configure_logging, get_logger
from market_depth.protocol.messages import DataType
from market_depth.recording import Cut, Recorder
from market_depth.recording.server_feed import ServerFeed
from market_depth.sources import open_feed
from market_depth.warmup import stopped_by_signals, warm_up

__all__ = ["record", "run"]

log = get_logger()

_FLUSH_S: Final = 1.0
"""How much a recorder loses at most that is killed."""


class _Feed(Protocol):
    @property
    def instruments(self) -> Sequence[Instrument]: ...
    def batches(self) -> AsyncIterator[Events]: ...


def run(config: RecordConfig) -> None:
    """Record until the feed ends, the time is over or a signal comes.

    Raises:
        ConfigError: if an option is wrong.
        FeedError: if the feed can't be opened or read any further, or the file can't be written;
            what came before is recorded.
    """
    out = config.out_file()
    configure_logging(config.log_level, config.log_format)
    with stopped_by_signals():
        warm_up()
    asyncio.run(record(config, out))


async def record(config: RecordConfig, out: Path) -> None:
    """Take events from the feed into files, as `run` does."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    feed = await _open(config)
    recorder = Recorder(feed.instruments, out, Cut(config.cut_bytes, config.cut_s))
    for path in recorder.left_behind:
        log.warning("closed what a recorder had left behind", path=str(path))
    log.info(
        "recording", path=str(recorder.paths[0]), symbols=[one.symbol for one in feed.instruments]
    )
    tasks = [
        asyncio.create_task(_take(feed, recorder)),
        asyncio.create_task(_flush(recorder)),
        asyncio.create_task(stop.wait()),
    ]
    try:
        done, _ = await asyncio.wait(
            tasks,
            timeout=config.duration_s or None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        recorder.close()
        log.info("recorded", events=recorder.events, files=[str(path) for path in recorder.paths])


async def _open(config: RecordConfig) -> _Feed:
    if config.server is None:
        return open_feed(config, is_strict=True)
    return await ServerFeed.opened(
        config.server,
        config.wanted_symbols(),
        DataType(config.data_type.value),
        config.levels,
    )


async def _take(feed: _Feed, recorder: Recorder) -> None:
    async for events in feed.batches():
        recorder.take(events)


async def _flush(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(_FLUSH_S)
        recorder.flush()
