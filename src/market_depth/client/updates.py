"""What a client is handed: updates of its streams, and what happens besides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from market_depth.client.books import Book
from market_depth.protocol.messages import Trade

__all__ = ["Event", "EventKind", "Update", "UpdateKind"]


class UpdateKind(Enum):
    """How an update tells its view."""

    SNAPSHOT = "snapshot"
    """Whole: the first of a stream, each of mode "snapshot", and where a stream began anew."""
    DELTA = "delta"
    """By what has changed."""
    TRADES = "trades"
    """What has been traded since the one before."""


@dataclass(slots=True, frozen=True)
class Update:
    """One message of a stream."""

    symbol: str
    stream_id: str
    kind: UpdateKind
    sequence: int
    """Of the symbol's book."""
    prev_sequence: int | None
    """Of the delta before; `None` unless it is one."""
    timestamp: str
    """The server's time, RFC 3339."""
    event_timestamp: str | None
    """The venue's time of the last event in it; `None` if unknown."""
    book: Book
    """The stream's book, after this update; it changes with the next one. Of a stream of trades it
    is empty."""
    data: Any
    """The message's own: rows, changes or trades, as `market_depth.protocol.messages` has them."""
    conflated: int
    """Updates before this one that were applied to the book without being handed out."""
    trades_missed: int
    """Trades between the update before and this one, made while there was no connection; 0 unless
    it is a stream of trades."""
    raw: bytes | str
    """The message as it came."""

    @property
    def trades(self) -> list[Trade]:
        """What was traded; nothing unless it is a stream of trades."""
        return list(self.data.trades) if self.kind is UpdateKind.TRADES else []


class EventKind(Enum):
    """What has happened besides updates."""

    STATUS = "status"
    """The server says whether a symbol's book can be trusted."""
    LAGGED = "lagged"
    """The server has skipped updates, for they were read too slowly."""
    GAP = "gap"
    """A message did not go on from the one before it; the stream is asked for anew. Or trades were
    missed, which can't be had again."""
    CHECKSUM = "checksum"
    """A book was not what the server's is; the stream is asked for anew."""
    REFUSED = "refused"
    """The server has refused one of several symbols, or something that nobody waits for."""
    UNREADABLE = "unreadable"
    """The server has said something that this client does not know; it is left out."""
    DISCONNECTED = "disconnected"
    """The connection is lost, and will be made anew."""
    RECONNECTING = "reconnecting"
    """The next attempt to make it anew comes after a pause, of `wait_s`."""
    RECONNECTED = "reconnected"
    """It is there again, and the streams with it."""
    SHUTDOWN = "shutdown"
    """The server is about to stop."""


@dataclass(slots=True, frozen=True)
class Event:
    """Something that a user may want to know, and need not act on."""

    kind: EventKind
    text: str
    """For a person to read."""
    symbol: str | None = None
    stream_id: str | None = None
    status: str | None = None
    """Live, Stale, Halted or Recovered, of a STATUS."""
    reason: str = ""
    """Why, if the server has said so."""
    wait_s: float | None = None
    """Seconds from now on, of a RECONNECTING: those that the server has asked for among them."""
