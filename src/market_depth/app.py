"""The server as a whole: feed → books → streams → sessions, built in that order and run."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace

from market_depth.config import ServeConfig
from market_depth.errors import FeedError
from market_depth.feeds import Feed, PacedFeed
from market_depth.logs import configure_logging, get_logger
from market_depth.playback import FeedPlayback
from market_depth.server import Hub, Limits, Listener
from market_depth.server.credentials import Credentials
from market_depth.server.metrics import Metrics
from market_depth.server.pages import Pages
from market_depth.sources import open_feed
from market_depth.stats import log_performance
from market_depth.streams import StreamManager
from market_depth.streams.channel import Stopwatch
from market_depth.streams.market import Market
from market_depth.warmup import stopped_by_signals, warm_up

__all__ = ["run", "serve"]

log = get_logger()

_RECONNECT_AFTER_MS = 1000
_FIRST_EVENTS_TIMEOUT_S = 1.0
"""How long the first client may have to wait so that he does not find the books empty."""
_OWN_FILES = 64
"""Open files that a server needs besides its connections."""


def run(config: ServeConfig, feed: PacedFeed | None = None) -> None:
    """Serve until a signal comes or the feed ends.

    Args:
        config: the options.
        feed: what to serve; `None` opens what *config* names.

    Raises:
        ConfigError: if a file named in *config* is wrong.
        FeedError: if the feed can't be opened.
        ListenError: if the address can't be had.
    """
    configure_logging(config.log_level, config.log_format)
    with stopped_by_signals():
        warm_up()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(config, feed))


async def serve(config: ServeConfig, feed: PacedFeed | None = None) -> None:
    """Build the pipeline from top to bottom, and run it."""
    stop = _stop_event()
    credentials = Credentials(config.credentials)
    feed = feed or open_feed(config, is_strict=config.strict)
    market = Market(feed.instruments, trusts_partial=config.show_partial)
    metrics = Metrics()
    limits = _within_open_files(config.limits())
    manager = StreamManager(
        market,
        replace(config.stream_options(), epoch=secrets.token_hex(8)),
        feed=feed,
        stopwatch=Stopwatch(time.perf_counter, metrics.encode_seconds.observe),
    )
    hub = Hub(
        manager,
        limits=limits,
        heartbeat_s=config.heartbeat_s,
        credentials=credentials,
        observe_flush_s=metrics.flush_seconds.observe,
    )
    metrics.watch(hub, manager)
    address = config.address()
    playback = FeedPlayback(feed, [] if config.is_simulated() else config.feed)
    first_events = asyncio.Event()
    driver = asyncio.create_task(_drive(feed, manager, playback, first_events, stop, config.strict))
    tasks = [driver]
    with suppress(TimeoutError):
        await asyncio.wait_for(first_events.wait(), _FIRST_EVENTS_TIMEOUT_S)
    pages = Pages(manager, metrics, playback, may_control=config.replay_control)
    listener = await Listener.listen(hub, pages, address.host, address.port)
    if config.stats_s:
        tasks.append(asyncio.create_task(log_performance(hub, manager, config.stats_s)))
    _settle_garbage_collector()
    here = str(address._replace(port=listener.port))
    log.info("listening", addr=here, symbols=len(market), viewer=f"http://{here}/")
    with _progress(config, playback):
        await stop.wait()
    listener.close()
    for task in tasks:
        task.cancel()
    manager.flush_all(time.time_ns())
    log.info("shutting down", clients=hub.sessions)
    await hub.shut_down("server shutting down", _RECONNECT_AFTER_MS, limits.close_timeout_s)
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    log.info("stopped")


def _progress(config: ServeConfig, playback: FeedPlayback) -> AbstractContextManager[None]:
    """Show on a terminal how far recordings have come, if there are any."""
    if config.is_simulated() or not config.progress or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    from market_depth.progress import progress_shown

    return progress_shown(playback.state, Console(file=sys.stderr))


async def _drive(
    feed: Feed,
    manager: StreamManager,
    playback: FeedPlayback,
    first_events: asyncio.Event,
    stop: asyncio.Event,
    is_strict: bool,
) -> None:
    """Take events from the feed into the books until it ends, and the server with it.

    Raises:
        FeedError: if the feed has failed, and the server is to stop then.
    """
    try:
        async for events in feed.batches():
            for part in manager.turns(events):
                manager.apply(part, time.time_ns())
                if len(part) < len(events):
                    await asyncio.sleep(0)
            playback.sample()
            first_events.set()
    except FeedError as error:
        manager.market.mark_stale()
        if is_strict:
            stop.set()
            raise
        log.error("feed failed", error=str(error))
    except Exception:
        log.exception("feed failed")
        manager.market.mark_stale()
    else:
        log.info("feed ended", events=manager.market.events_applied)
        stop.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's event loop; asyncio's own where uvloop does not exist."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _stop_event() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # not on Windows: Ctrl-C ends the loop there
            loop.add_signal_handler(number, stop.set)
    return stop


def _within_open_files(limits: Limits) -> Limits:
    """Open as many files as the system lets us, and take no more connections than that."""
    try:
        import resource
    except ImportError:
        return limits
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    room = max(most - _OWN_FILES, 1)
    if most == resource.RLIM_INFINITY or limits.max_connections <= room:
        return limits
    log.warning(
        "fewer connections than asked for: the system's limit of open files",
        asked_for=limits.max_connections,
        max_connections=room,
    )
    return replace(limits, max_connections=room)


def _settle_garbage_collector() -> None:
    """Keep what was built at the start out of every collection to come."""
    gc.collect()
    gc.freeze()
