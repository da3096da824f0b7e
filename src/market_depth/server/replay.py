"""How far a played market has come, and the control over it, as HTTP pages.

    GET  /api/replay                              how far it has come
    POST /api/replay/pause, /api/replay/resume
    POST /api/replay/speed?to=10                  or to=max
    POST /api/replay/seek?to=2025-09-16T04:18Z    forwards or back

Only clients of this machine may POST, and no pages of other sites in their browsers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

from msgspec import Struct
from websockets.datastructures import Headers

from market_depth.errors import ConfigError, ErrorCode, RequestError, quoted

__all__ = ["REPLAY_PATH", "Playback", "PlaybackState", "command", "require_local"]

REPLAY_PATH: Final = "/api/replay"
_COMMANDS: Final = ("pause", "resume", "speed", "seek")


class PlaybackState(Struct, frozen=True):
    """How far a market that is played has come."""

    position: str | None
    """The market's time, `None` before its first event."""
    speed: float | str
    """Market seconds per second, or "max"."""
    paused: bool
    ended: bool
    """Whether all has been played."""
    events: int
    """Events played since the start."""
    events_per_s: float
    """Over the last few seconds."""
    share: float | None
    """How much of the recordings has been played, 0 to 1, by their bytes; `None` if that can't be
    told."""


class Playback(Protocol):
    """What is played, for those who watch and control it."""

    def state(self) -> PlaybackState:
        """Return how far it has come."""
        ...

    def pause(self) -> None:
        """Let the market stand still."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...

    def set_speed(self, text: str) -> None:
        """Go on at another speed.

        Raises:
            ConfigError: if *text* is no speed.
        """
        ...

    def seek(self, text: str) -> None:
        """Go to another time of the market.

        Raises:
            ConfigError: if *text* is no time.
        """
        ...


def command(playback: Playback, name: str, argument: str | None) -> None:
    """Do what a POST to *name* below `REPLAY_PATH` asks for.

    Raises:
        RequestError: 404 for an unknown name, 400 for a wrong or missing argument.
    """
    if name not in _COMMANDS:
        known = ", ".join(f"{REPLAY_PATH}/{one}" for one in _COMMANDS)
        raise RequestError(ErrorCode.NOT_FOUND, f"no command {quoted(name)}; there are {known}")
    if name == "pause":
        playback.pause()
    elif name == "resume":
        playback.resume()
    elif argument is None:
        raise RequestError(ErrorCode.BAD_REQUEST, f"{REPLAY_PATH}/{name} needs ?to=…")
    else:
        act = playback.set_speed if name == "speed" else playback.seek
        try:
            act(argument)
        except ConfigError as error:
            raise RequestError(ErrorCode.BAD_REQUEST, f"to: {error}") from None


def require_local(address: str, headers: Headers) -> None:
    """See that a request comes from this machine, and from no page of another site.

    Raises:
        RequestError: 403 if it does not.
    """
    if not _is_loopback(address):
        raise RequestError(
            ErrorCode.FORBIDDEN, f"a replay is controlled from its own machine, not {address}"
        )
    hosts = headers.get_all("Host")
    for origin in headers.get_all("Origin"):
        if not _is_own(origin, hosts):
            raise RequestError(
                ErrorCode.FORBIDDEN, f"a page of {quoted(origin)} may not control a replay"
            )


def _is_own(origin: str, hosts: Sequence[str]) -> bool:
    """Whether a page comes from this server under a name that is nobody else's.

    A name that a page's owner has made to point to this machine would be the host's, too.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    name = parts.hostname or ""
    return parts.netloc in hosts and (name == "localhost" or _is_loopback(name))


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback
