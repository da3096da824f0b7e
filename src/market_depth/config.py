"""The options of `market-depth serve`: each named, typed, explained and bounded in one place.

An option comes from the command line, else from the environment (`MARKET_DEPTH_` and its name),
else from the TOML file of `--config`, else from here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from market_depth.errors import ConfigError
from market_depth.feeds import AtEnd
from market_depth.logs import LogFormat, LogLevel
from market_depth.server import Limits
from market_depth.toml import read_toml

__all__ = ["SIMULATOR", "Address", "FeedConfig", "ServeConfig", "read_config_file"]

SIMULATOR = "simulator"
"""Value of `--feed` for the built-in simulated venue."""

_UNLIMITED = "max"
_MAX_PORT = 65_535
_MAX_COUNT = 1_000_000_000
_MAX_S = 31_536_000
_MAX_BYTES = 1024 * 1024 * 1024


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _parse_address(text: str) -> Address:
    host, separator, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        separator = ""
    if not separator or not host or not (port.isascii() and port.isdigit()):
        raise ConfigError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080")
    if int(port) > _MAX_PORT:
        raise ConfigError(f"port {port} is over {_MAX_PORT}")
    return Address(host, int(port))


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


def _parse_speed(text: str) -> float | None:
    return _parse_pace(text, 0.001, 1e6)


def _parse_symbols(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    symbols = tuple(symbol.strip() for symbol in text.split(",") if symbol.strip())
    if not symbols:
        raise ConfigError(f"{text!r} names no symbol")
    return symbols


def _checked_by(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Return a Typer callback that lets through what *parse* can read."""

    def check(text: str) -> str:
        try:
            parse(text)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
        return text

    return check


def _environment_name(name: str) -> str:
    return f"MARKET_DEPTH_{name.upper()}"


def _option(name: str, text: str, *short: str, **settings: Any) -> Any:
    """Describe one option; its flag and its environment variable follow from its name."""
    flag = f"--{name.replace('_', '-')}"
    return typer.Option(
        flag, *short, help=text, envvar=_environment_name(name), show_envvar=False, **settings
    )


_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """Where events come from: what every command that takes a feed has in common."""

    log_level: Annotated[LogLevel, _option("log_level", "Least important events to log.", "-l")] = (
        LogLevel.INFO
    )
    log_format: Annotated[
        LogFormat, _option("log_format", "How log lines look; auto: console on a terminal.")
    ] = LogFormat.AUTO

    feed: Annotated[
        str, _option("feed", "'simulator', or a Databento MBO file (.dbn or .dbn.zst).")
    ] = SIMULATOR
    symbols: Annotated[
        str | None,
        _option(
            "symbols",
            "Symbols to serve, comma-separated.",
            callback=_checked_by(_parse_symbols),
            metavar="A,B",
        ),
    ] = None
    instruments: Annotated[
        Path | None,
        _option("instruments", "TOML file that adds to or replaces the simulated instruments."),
    ] = None
    seed: Annotated[
        int | None,
        _option(
            "seed", "Seed of the simulator; the same seed, the same flow.", min=0, max=2**63 - 1
        ),
    ] = None
    rate: Annotated[
        str,
        _option(
            "rate",
            "Simulated activities per symbol and second, or max.",
            callback=_checked_by(_parse_rate),
            metavar="N|max",
        ),
    ] = "15"
    speed: Annotated[
        str,
        _option(
            "speed",
            "Market seconds per second of a feed that is played, or max.",
            callback=_checked_by(_parse_speed),
            metavar="X|max",
        ),
    ] = "1"
    at_end: Annotated[AtEnd, _option("at_end", "What to do at the end of a recording.")] = (
        AtEnd.HOLD
    )

    def wanted_symbols(self) -> tuple[str, ...] | None:
        """Return the symbols to serve, `None` for all."""
        return _parse_symbols(self.symbols)

    def rate_hz(self) -> float | None:
        """Return the simulated activities per symbol and second, `None` for no limit."""
        return _parse_rate(self.rate)

    def pace(self) -> float | None:
        """Return the market seconds per second, `None` for no limit."""
        return _parse_speed(self.speed)


@dataclass(frozen=True, slots=True)
class ServeConfig(FeedConfig):
    """How a server is to run."""

    addr: Annotated[
        str,
        _option(
            "addr",
            "Address to listen on.",
            "-a",
            callback=_checked_by(_parse_address),
            metavar="HOST:PORT",
        ),
    ] = "127.0.0.1:8080"
    stats_s: Annotated[
        float,
        _option(
            "stats_s", "Seconds between two performance log lines; 0: none.", min=0, max=_MAX_S
        ),
    ] = 60.0

    interval_ms: Annotated[
        int, _option("interval_ms", "Time between two messages of a stream.", min=1, max=3_600_000)
    ] = 300
    heartbeat_s: Annotated[
        float, _option("heartbeat_s", "Time between two HeartBeats.", min=0.05, max=86_400)
    ] = 30.0
    max_levels: Annotated[
        int, _option("max_levels", "Most price levels a stream may show.", min=1, max=1_000_000)
    ] = 1000

    credentials: Annotated[
        Path | None, _option("credentials", "TOML file of clients, their tokens and symbols.")
    ] = None
    max_connections: Annotated[
        int, _option("max_connections", "Clients at once.", min=1, max=_MAX_COUNT)
    ] = _LIMITS.max_connections
    max_connections_per_address: Annotated[
        int,
        _option(
            "max_connections_per_address",
            "Clients per address at once; 0: any.",
            min=0,
            max=_MAX_COUNT,
        ),
    ] = _LIMITS.max_connections_per_address
    max_streams: Annotated[
        int, _option("max_streams", "Streams per connection.", min=1, max=_MAX_COUNT)
    ] = _LIMITS.max_streams
    max_message_bytes: Annotated[
        int, _option("max_message_bytes", "Largest request.", min=256, max=_MAX_BYTES)
    ] = _LIMITS.max_message_bytes
    message_rate: Annotated[
        float,
        _option(
            "message_rate", "Requests per connection and second; 0: any.", min=0, max=_MAX_COUNT
        ),
    ] = _LIMITS.message_rate_hz
    message_burst: Annotated[
        int, _option("message_burst", "Requests per connection at once.", min=1, max=_MAX_COUNT)
    ] = _LIMITS.message_burst
    max_write_buffer_bytes: Annotated[
        int,
        _option(
            "max_write_buffer_bytes",
            "Unsent bytes that make a reader slow.",
            min=1024,
            max=_MAX_BYTES,
        ),
    ] = _LIMITS.max_write_buffer_bytes
    stall_s: Annotated[
        float,
        _option(
            "stall_s", "How long a reader may be slow before it is closed.", min=0.05, max=_MAX_S
        ),
    ] = _LIMITS.stall_s
    handshake_timeout_s: Annotated[
        float,
        _option("handshake_timeout_s", "How long a handshake may take.", min=0.05, max=_MAX_S),
    ] = _LIMITS.handshake_timeout_s
    ping_interval_s: Annotated[
        float,
        _option(
            "ping_interval_s",
            "Silence after which a client is pinged; 0: never.",
            min=0,
            max=_MAX_S,
        ),
    ] = _LIMITS.ping_interval_s

    def address(self) -> Address:
        """Return where to listen."""
        return _parse_address(self.addr)

    def limits(self) -> Limits:
        """Return the limits among the options."""
        return Limits(
            max_connections=self.max_connections,
            max_connections_per_address=self.max_connections_per_address,
            max_streams=self.max_streams,
            max_message_bytes=self.max_message_bytes,
            message_rate_hz=self.message_rate,
            message_burst=self.message_burst,
            max_write_buffer_bytes=self.max_write_buffer_bytes,
            stall_s=self.stall_s,
            handshake_timeout_s=self.handshake_timeout_s,
            ping_interval_s=self.ping_interval_s,
        )


def read_config_file(path: Path, kind: type[FeedConfig] = ServeConfig) -> dict[str, str]:
    """Return the options in a TOML file, by their names, as the command line would have them.

    Args:
        path: the file.
        kind: whose options there may be.

    Raises:
        ConfigError: if the file can't be read, is no TOML or has an option that there is not.
    """
    content = read_toml(path, dict[str, Any])
    known = {field.name for field in dataclasses.fields(kind)}
    options = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"{path}: unknown option {key!r}")
        if isinstance(value, list) and value:
            value = ",".join(map(str, value))
        if isinstance(value, dict | bool | list):
            raise ConfigError(f"{path}: {key} takes a plain value, not {value!r}")
        options[name] = str(value)
    return options
