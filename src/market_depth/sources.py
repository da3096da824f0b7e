"""From options to the feed that they name."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from market_depth.config import SIMULATOR, FeedConfig
from market_depth.errors import ConfigError, FeedError
from market_depth.feeds import PacedFeed, Source
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.opening import ForgivingSource, open_files
from market_depth.logs import get_logger
from market_depth.simulator import Profile, SimulatedVenue, load_profiles

__all__ = ["open_feed"]

log = get_logger()

_FASTEST_RATE_HZ = 1_000_000.0
"""Market time passes as if there were so many activities a second when no rate is kept."""
_LOGGED_SYMBOLS = 20


def open_feed(config: FeedConfig, *, is_strict: bool) -> PacedFeed:
    """Return the feed that *config* asks for.

    Args:
        config: the options.
        is_strict: whether the feed fails where a recording is damaged; if not, that is logged, and
            the recording ends there.

    Raises:
        ConfigError: if an instruments file, a symbol or a time is wrong.
        FeedError: if a recording can't be read.
    """
    profiles = load_profiles(config.instruments)
    if config.is_simulated():
        return _simulator(config, profiles)
    if Path(SIMULATOR) in config.feed:
        raise ConfigError("the simulator can't be played together with recordings")
    start_ns, end_ns = config.start_ns(), config.end_ns()
    if start_ns is not None and end_ns is not None and end_ns < start_ns:
        raise ConfigError(f"--end {config.end} lies before --start {config.start}")
    known = {symbol: profile.instrument for symbol, profile in profiles.items()}
    options = OpenOptions(known, config.wanted_symbols())
    sources = open_files(config.feed, options, config.format)
    symbols = [instrument.symbol for source in sources for instrument in source.instruments]
    log.info(
        "recordings opened" if len(config.feed) > 1 else "recording opened",
        paths=[str(path) for path in config.feed],
        symbols=symbols[:_LOGGED_SYMBOLS],
        symbol_count=len(symbols),
        speed=config.speed,
    )
    if not is_strict:
        sources = [ForgivingSource(source, _complain) for source in sources]
    return PacedFeed(
        sources,
        speed=config.pace(),
        at_end=config.at_end,
        begin_ns=start_ns,
        waits_for_first=False,
        end_ns=end_ns,
    )


def _complain(error: FeedError) -> None:
    log.error("recording ends early", error=str(error))


def _simulator(config: FeedConfig, profiles: Mapping[str, Profile]) -> PacedFeed:
    symbols = config.wanted_symbols() or tuple(profiles)
    rate_hz = config.rate_hz()
    for symbol in symbols:
        if symbol not in profiles:
            raise ConfigError(f"no instrument {symbol!r} to simulate; known: {', '.join(profiles)}")
    seed = secrets.randbits(32) if config.seed is None else config.seed
    begin_ns = time.time_ns()
    log.info("simulator", symbols=list(symbols), seed=seed, rate=config.rate)
    sources: list[Source] = [
        SimulatedVenue(
            profiles[symbol],
            rate_hz=rate_hz or _FASTEST_RATE_HZ,
            seed=seed,
            begin_ns=begin_ns,
        )
        for symbol in symbols
    ]
    speed = None if rate_hz is None else config.pace()
    return PacedFeed(
        sources, speed=speed, begin_ns=begin_ns, begin_wall_ns=begin_ns, waits_for_first=False
    )
