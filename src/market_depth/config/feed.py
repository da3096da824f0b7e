"""The options of every command that takes a feed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from market_depth.config.options import checked_by, option
from market_depth.errors import ConfigError
from market_depth.logs import LogFormat, LogLevel
from market_depth.protocol.times import parse_timestamp
from market_depth.settings import AtEnd

__all__ = ["SIMULATOR", "FeedConfig", "parse_speed"]

SIMULATOR = "simulator"
"""Value of `--feed` for the built-in simulated venue."""

_UNLIMITED = "max"


def _parse_pace(text: str, least: float, most: float) -> float | None:
    """Return a number within bounds, `None` for "max"."""
    if text == _UNLIMITED:
        return None
    try:
        pace = float(text)
    except ValueError:
        pace = math.nan
    if not least <= pace <= most:
        raise ConfigError(
            f"{text!r} is neither a number from {least:g} to {most:g} nor '{_UNLIMITED}'"
        )
    return pace


def _parse_rate(text: str) -> float | None:
    return _parse_pace(text, 0.01, 1e7)


def parse_speed(text: str) -> float | None:
    """Return market seconds per second, `None` for "max".

    Raises:
        ConfigError: if *text* is neither.
    """
    return _parse_pace(text, 0.001, 1e6)


def _parse_symbols(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    symbols = tuple(symbol.strip() for symbol in text.split(",") if symbol.strip())
    if not symbols:
        raise ConfigError(f"{text!r} names no symbol")
    return symbols


def _parse_time(text: str | None) -> int | None:
    return None if text is None else parse_timestamp(text)


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """What every command that takes a feed has in common."""

    log_level: Annotated[LogLevel, option("log_level", "Least important events to log.", "-l")] = (
        LogLevel.INFO
    )
    log_format: Annotated[
        LogFormat, option("log_format", "How log lines look; auto: console on a terminal.")
    ] = LogFormat.AUTO

    feed: Annotated[
        list[Path],
        option(
            "feed",
            "'simulator', or a recording; several of them are played as one market.",
            metavar="simulator|PATH",
        ),
    ] = field(default_factory=lambda: [Path(SIMULATOR)])
    format: Annotated[
        str | None,
        option("format", "Format of the recordings; told by each otherwise.", metavar="NAME"),
    ] = None
    symbols: Annotated[
        str | None,
        option(
            "symbols",
            "Symbols to serve, comma-separated.",
            callback=checked_by(_parse_symbols),
            metavar="A,B",
        ),
    ] = None
    instruments: Annotated[
        Path | None,
        option("instruments", "TOML file that adds to or replaces the simulated instruments."),
    ] = None
    seed: Annotated[
        int | None,
        option(
            "seed", "Seed of the simulator; the same seed, the same flow.", min=0, max=2**63 - 1
        ),
    ] = None
    rate: Annotated[
        str,
        option(
            "rate",
            "Simulated activities per symbol and second, or max.",
            callback=checked_by(_parse_rate),
            metavar="N|max",
        ),
    ] = "15"
    speed: Annotated[
        str,
        option(
            "speed",
            "Market seconds per second of a feed that is played, or max.",
            callback=checked_by(parse_speed),
            metavar="X|max",
        ),
    ] = "1"
    start: Annotated[
        str | None,
        option(
            "start",
            "Market time to begin at; what lies before is applied at once.",
            callback=checked_by(_parse_time),
            metavar="TIME",
        ),
    ] = None
    end: Annotated[
        str | None,
        option(
            "end",
            "Market time behind which nothing is played.",
            callback=checked_by(_parse_time),
            metavar="TIME",
        ),
    ] = None
    at_end: Annotated[AtEnd, option("at_end", "What to do at the end of a recording.")] = AtEnd.HOLD

    def is_simulated(self) -> bool:
        """Whether the feed is the built-in simulated venue."""
        return self.feed == [Path(SIMULATOR)]

    def wanted_symbols(self) -> tuple[str, ...] | None:
        """Return the symbols to serve, `None` for all."""
        return _parse_symbols(self.symbols)

    def rate_hz(self) -> float | None:
        """Return the simulated activities per symbol and second, `None` for no limit."""
        return _parse_rate(self.rate)

    def pace(self) -> float | None:
        """Return the market seconds per second, `None` for no limit."""
        return parse_speed(self.speed)

    def start_ns(self) -> int | None:
        """Return where to begin, ns since 1970 UTC; `None` for the beginning."""
        return _parse_time(self.start)

    def end_ns(self) -> int | None:
        """Return where to end, ns since 1970 UTC; `None` for the end."""
        return _parse_time(self.end)
