"""From options to the feed that they name."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from market_depth.config import SIMULATOR, FeedConfig
from market_depth.errors import ConfigError
from market_depth.feeds import PacedFeed, Source
from market_depth.feeds.dbn import DbnSource
from market_depth.logs import get_logger
from market_depth.simulator import Profile, SimulatedVenue, load_profiles

__all__ = ["open_feed"]

log = get_logger()

_FASTEST_RATE_HZ = 1_000_000.0
"""Market time passes as if there were so many activities a second when no rate is kept."""


def open_feed(config: FeedConfig) -> PacedFeed:
    """Return the feed that *config* asks for.

    Raises:
        ConfigError: if an instruments file or a symbol is wrong.
        FeedError: if a recording can't be read.
    """
    profiles = load_profiles(config.instruments)
    if config.feed == SIMULATOR:
        return _simulator(config, profiles)
    known = {symbol: profile.instrument for symbol, profile in profiles.items()}
    source = DbnSource(Path(config.feed), known, config.wanted_symbols())
    log.info(
        "recording opened",
        path=config.feed,
        symbols=[instrument.symbol for instrument in source.instruments][:20],
        speed=config.speed,
    )
    return PacedFeed([source], speed=config.pace(), at_end=config.at_end)


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
    return PacedFeed(sources, speed=speed, begin_ns=begin_ns)
