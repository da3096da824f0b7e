"""Which books of a venue can be trusted: what is said when one is lost, and when it is back."""

from __future__ import annotations

from enum import Enum
from typing import Final

from market_depth.events import BookStatus, StatusReason
from market_depth.feeds.venues.base import BookSink

__all__ = ["Continuity"]


class _State(Enum):
    LIVE = 1
    NEVER_LIVE = 2
    """Stale since its first message."""
    LOST = 3
    """Stale after having been live."""


class Continuity:
    """Tells a sink the status of each book, once per change.

    A book's first snapshot needs no word. A book that is lost is stale for the first reason given,
    until `restored`; then it is recovered, or live if it had never been so before.
    """

    __slots__ = ("_connections", "_sink", "_states", "live")

    def __init__(self, sink: BookSink) -> None:
        self.live: Final[set[str]] = set()
        """Symbols whose books are whole: deltas can be applied to these only."""
        self._sink = sink
        self._states: dict[str, _State] = {}
        self._connections: dict[str, str] = {}

    def knows(self, symbol: str) -> bool:
        """Whether anything has been said of a symbol."""
        return symbol in self._states

    def lost(self, symbol: str, reason: StatusReason, *, ts_event: int = 0) -> None:
        """Say that a book is stale, if it is not so already."""
        state = self._states.get(symbol)
        if state is None:
            self._states[symbol] = _State.NEVER_LIVE
        elif state is _State.LIVE:
            self._states[symbol] = _State.LOST
            self.live.discard(symbol)
        else:
            return
        self._sink.status(symbol, BookStatus.STALE, reason, ts_event=ts_event)

    def joined(self, symbol: str, *, ts_event: int = 0) -> None:
        """Say that a book's deltas have come before any snapshot, if nothing was said before."""
        if symbol not in self._states:
            self.lost(symbol, StatusReason.JOINED, ts_event=ts_event)

    def opened(self, connection: str) -> None:
        """Say that the books that came by an earlier connection are stale."""
        for symbol in self.symbols_of(connection):
            self.lost(symbol, StatusReason.DISCONNECTED)

    def symbols_of(self, connection: str) -> list[str]:
        """Return whose books are whole, and came by a connection."""
        return sorted(s for s in self.live if self._connections[s] == connection)

    def restored(self, symbol: str, connection: str, *, ts_event: int = 0) -> None:
        """Say that a book is whole, after its snapshot has been given to the sink.

        Args:
            symbol: whose book.
            connection: by which its deltas come.
            ts_event: the venue's time.
        """
        self._connections[symbol] = connection
        state = self._states.get(symbol)
        if state is _State.LIVE:
            return
        self._states[symbol] = _State.LIVE
        self.live.add(symbol)
        if state is not None:
            is_first = state is _State.NEVER_LIVE
            status = BookStatus.LIVE if is_first else BookStatus.RECOVERED
            self._sink.status(symbol, status, StatusReason.NONE, ts_event=ts_event)
