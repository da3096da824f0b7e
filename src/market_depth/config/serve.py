"""The options of `market-depth serve`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from market_depth.config.feed import FeedConfig
from market_depth.config.options import checked_by, option
from market_depth.errors import ConfigError
from market_depth.settings import MAX_INTERVAL_MS, Limits, StreamOptions

__all__ = ["Address", "ServeConfig"]

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


_LIMITS = Limits()
_STREAMS = StreamOptions()


@dataclass(frozen=True, slots=True)
class ServeConfig(FeedConfig):
    """How a server is to run."""

    addr: Annotated[
        str,
        option(
            "addr",
            "Address to listen on.",
            "-a",
            callback=checked_by(_parse_address),
            metavar="HOST:PORT",
        ),
    ] = "127.0.0.1:8080"
    stats_s: Annotated[
        float,
        option("stats_s", "Seconds between two performance log lines; 0: none.", min=0, max=_MAX_S),
    ] = 60.0

    strict: Annotated[
        bool,
        option(
            "strict", "Stop where a recording is damaged, not play on without it.", is_switch=True
        ),
    ] = False
    show_partial: Annotated[
        bool,
        option(
            "show_partial",
            "Show books that were joined in mid-session or have had a gap.",
            is_switch=True,
        ),
    ] = False
    replay_control: Annotated[
        bool,
        option(
            "replay_control",
            "Let clients of this machine pause, seek and speed up by POST to /api/replay.",
            is_switch=True,
        ),
    ] = False
    progress: Annotated[
        bool,
        option("progress", "Show on a terminal how far recordings have come.", is_switch=True),
    ] = True

    interval_ms: Annotated[
        int, option("interval_ms", "Time between two messages of a stream.", min=1, max=3_600_000)
    ] = _STREAMS.interval_ms
    min_interval_ms: Annotated[
        int,
        option(
            "min_interval_ms",
            "Shortest time between two messages that a client may ask for; 0: every change.",
            min=0,
            max=MAX_INTERVAL_MS,
        ),
    ] = _STREAMS.min_interval_ms
    heartbeat_s: Annotated[
        float, option("heartbeat_s", "Time between two HeartBeats.", min=0.05, max=86_400)
    ] = 30.0
    max_levels: Annotated[
        int, option("max_levels", "Most price levels a stream may show.", min=1, max=1_000_000)
    ] = _STREAMS.max_levels
    compression: Annotated[
        bool,
        option("compression", "Agree to permessage-deflate where it is asked for.", is_switch=True),
    ] = _LIMITS.allows_compression
    resume_window_bytes: Annotated[
        int,
        option(
            "resume_window_bytes",
            "Room for the deltas that are kept for clients that come back.",
            min=0,
            max=_MAX_BYTES,
        ),
    ] = _STREAMS.resume_window_bytes

    credentials: Annotated[
        Path | None, option("credentials", "TOML file of clients, their tokens and symbols.")
    ] = None
    max_connections: Annotated[
        int, option("max_connections", "Clients at once.", min=1, max=_MAX_COUNT)
    ] = _LIMITS.max_connections
    max_connections_per_address: Annotated[
        int,
        option(
            "max_connections_per_address",
            "Clients per address at once; 0: any.",
            min=0,
            max=_MAX_COUNT,
        ),
    ] = _LIMITS.max_connections_per_address
    max_streams: Annotated[
        int, option("max_streams", "Streams per connection.", min=1, max=_MAX_COUNT)
    ] = _STREAMS.max_streams
    max_message_bytes: Annotated[
        int, option("max_message_bytes", "Largest request.", min=256, max=_MAX_BYTES)
    ] = _LIMITS.max_message_bytes
    message_rate: Annotated[
        float,
        option(
            "message_rate", "Requests per connection and second; 0: any.", min=0, max=_MAX_COUNT
        ),
    ] = _LIMITS.message_rate_hz
    message_burst: Annotated[
        int, option("message_burst", "Requests per connection at once.", min=1, max=_MAX_COUNT)
    ] = _LIMITS.message_burst
    max_write_buffer_bytes: Annotated[
        int,
        option(
            "max_write_buffer_bytes",
            "Unsent bytes that make a reader slow.",
            min=1024,
            max=_MAX_BYTES,
        ),
    ] = _LIMITS.max_write_buffer_bytes
    stall_s: Annotated[
        float,
        option(
            "stall_s", "How long a reader may be slow before it is closed.", min=0.05, max=_MAX_S
        ),
    ] = _LIMITS.stall_s
    handshake_timeout_s: Annotated[
        float,
        option("handshake_timeout_s", "How long a handshake may take.", min=0.05, max=_MAX_S),
    ] = _LIMITS.handshake_timeout_s
    ping_interval_s: Annotated[
        float,
        option(
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
            max_message_bytes=self.max_message_bytes,
            message_rate_hz=self.message_rate,
            message_burst=self.message_burst,
            max_write_buffer_bytes=self.max_write_buffer_bytes,
            stall_s=self.stall_s,
            handshake_timeout_s=self.handshake_timeout_s,
            ping_interval_s=self.ping_interval_s,
            allows_compression=self.compression,
        )

    def stream_options(self) -> StreamOptions:
        """Return what is said of streams among the options."""
        return StreamOptions(
            interval_ms=self.interval_ms,
            min_interval_ms=self.min_interval_ms,
            max_levels=self.max_levels,
            max_streams=self.max_streams,
            resume_window_bytes=self.resume_window_bytes,
        )
