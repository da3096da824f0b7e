"""What the connections of a server share: registry, limits, beats, counters."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from market_depth.errors import ErrorCode
from market_depth.logs import get_logger
from market_depth.protocol.messages import HeartBeat
from market_depth.protocol.times import format_timestamp
from market_depth.server.credentials import Credentials
from market_depth.server.limits import Limits
from market_depth.server.ticker import Ticker
from market_depth.server.wheel import Wheel
from market_depth.streams import StreamManager

__all__ = ["Connection", "Hub", "HubCounters", "wire_time"]

log = get_logger()

_TURNED_AWAY_SHARE = 1.05
_TURNED_AWAY_LEAST = 16
"""Sockets beyond the connection limit that are still told so, and get HTTP pages (a browser asks
for six at once); the rest are just dropped."""


class Connection(Protocol):
    """What the hub asks of each connection."""

    address: str
    """Of the client."""

    def beat(self, message: HeartBeat) -> None:
        """Send a HeartBeat."""

    def keep_alive(self) -> None:
        """Ping the client, or give it up."""

    def shut_down(self, reason: str, reconnect_after_ms: int) -> None:
        """Tell the client that the server stops, and begin the closing handshake."""

    def abort(self) -> None:
        """Drop the connection."""


def wire_time() -> str:
    """Return what time it is, as messages tell it."""
    return format_timestamp(time.time_ns())


@dataclass(slots=True)
class HubCounters:
    """What has happened on all connections since the start."""

    accepted: int = 0
    """Sockets accepted."""
    dropped: int = 0
    """Sockets dropped at once: far over the limit of connections, or while the server stops."""
    messages_in: int = 0
    stalled: int = 0
    """Readers closed because they had stalled."""
    silent: int = 0
    """Clients closed because they did not answer a ping."""
    errors: Counter[int] = field(default_factory=Counter)
    """Error messages sent, by code."""


class Hub:
    """The shared part of a server.

    Args:
        manager: where sessions subscribe.
        limits: of the server and of each connection.
        heartbeat_s: time between two HeartBeats of a connection.
        credentials: who may connect.
        observe_flush_s: told how long each flush of the streams took.
    """

    def __init__(
        self,
        manager: StreamManager,
        *,
        limits: Limits,
        heartbeat_s: float,
        credentials: Credentials,
        observe_flush_s: Callable[[float], None],
    ) -> None:
        self.manager = manager
        self.limits = limits
        self.credentials = credentials
        self.counters = HubCounters()
        self.ticker = Ticker(manager, observe_flush_s)
        self.protocol_logger = logging.getLogger("market_depth.websockets")
        self.protocol_logger.setLevel(logging.CRITICAL)
        self._open: set[Connection] = set()
        self._sessions = 0
        self._sessions_by_address: Counter[str] = Counter()
        self._number = 0
        self._heartbeats: Wheel[Connection] = Wheel(heartbeat_s, _send_heartbeats)
        self._keep_alives: Wheel[Connection] | None = None
        if limits.ping_interval_s > 0:
            self._keep_alives = Wheel(limits.ping_interval_s, _keep_alive)
        self._all_gone: asyncio.Event | None = None

    @property
    def connections(self) -> int:
        """How many sockets are open."""
        return len(self._open)

    @property
    def sessions(self) -> int:
        """How many clients are connected: handshake done, not closing."""
        return self._sessions

    def next_number(self) -> int:
        """Return a number for a session that no other has."""
        self._number += 1
        return self._number

    def count_error(self, code: ErrorCode) -> None:
        """Count an Error message."""
        self.counters.errors[int(code)] += 1

    def admit(self, connection: Connection) -> bool:
        """Register a new socket; return whether there is room for it at all."""
        self._open.add(connection)
        self.counters.accepted += 1
        room = self.limits.max_connections * _TURNED_AWAY_SHARE + _TURNED_AWAY_LEAST
        is_admitted = self._all_gone is None and len(self._open) <= room
        if not is_admitted:
            self.counters.dropped += 1
        return is_admitted

    def forget(self, connection: Connection) -> None:
        """Unregister a socket that is gone."""
        self._open.discard(connection)
        if self._all_gone is not None and not self._open:
            self._all_gone.set()

    def refusal(self, connection: Connection) -> str | None:
        """Return why a client may have no session, `None` if he may."""
        limits = self.limits
        if self._sessions >= limits.max_connections:
            return f"too many connections: the server takes {limits.max_connections}"
        most = limits.max_connections_per_address
        if most and self._sessions_by_address[connection.address] >= most:
            return f"too many connections from {connection.address}: {most} allowed"
        return None

    def open_session(self, connection: Connection) -> None:
        """Count a client in, and give him his HeartBeats."""
        self._sessions += 1
        self._sessions_by_address[connection.address] += 1
        self._heartbeats.add(connection)
        if self._keep_alives is not None:
            self._keep_alives.add(connection)

    def close_session(self, connection: Connection) -> None:
        """Count a client out."""
        self._sessions -= 1
        self._sessions_by_address[connection.address] -= 1
        if self._sessions_by_address[connection.address] == 0:
            del self._sessions_by_address[connection.address]
        self._heartbeats.remove(connection)
        if self._keep_alives is not None:
            self._keep_alives.remove(connection)

    async def shut_down(self, reason: str, reconnect_after_ms: int, timeout_s: float) -> None:
        """Tell every client that the server stops, and wait until they are gone.

        Those who are still there after *timeout_s* are dropped.
        """
        self.ticker.stop()
        self._all_gone = asyncio.Event()
        for connection in list(self._open):
            connection.shut_down(reason, reconnect_after_ms)
        if self._open:
            try:
                await asyncio.wait_for(self._all_gone.wait(), timeout_s)
            except TimeoutError:
                log.info("dropping clients that did not close", clients=len(self._open))
        for connection in list(self._open):
            connection.abort()
        self._heartbeats.stop()
        if self._keep_alives is not None:
            self._keep_alives.stop()


def _send_heartbeats(connections: Iterable[Connection]) -> None:
    message = HeartBeat(wire_time())
    for connection in connections:
        connection.beat(message)


def _keep_alive(connections: Iterable[Connection]) -> None:
    for connection in connections:
        connection.keep_alive()
