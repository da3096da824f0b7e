"""What a venue's parser is told, and what it says.

A parser joins snapshots and deltas, checks sequences and the venue's checksums, and says what it
finds to a `BookSink`. Prices and sizes stay text on the way (the venue's own digits), so that
they become integers exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from market_depth.events import Action, BookStatus, Side, StatusReason

__all__ = ["BookSink", "LevelRows", "OrderRow", "Venue", "VenueParser"]

LevelRows: TypeAlias = Sequence[Sequence[str]]
"""Price levels: (price, size, …) as the venue writes them; what stands behind is passed over.
Size "0" removes the level."""


class OrderRow(NamedTuple):
    """One order of a snapshot."""

    order_id: int
    """0 to 2^64 - 1."""
    price: str
    size: str
    ts_event: int = 0
    """When it took its place, ns since 1970 UTC; 0 takes the snapshot's."""


class BookSink(Protocol):
    """Takes what a parser finds. Symbols are the venue's own; times are ns since 1970 UTC, 0 where
    the venue tells none (then the time of receipt counts); sequences are the venue's, 0 where it
    has none. Each call but `order` and `trade` with `is_last=False` ends a change."""

    is_checking: bool
    """Whether `expect` is of use: to gather what it wants costs time."""

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        """Replace the whole book by price levels.

        Args:
            symbol: whose book.
            bids: best first or not.
            asks: likewise.
            ts_event: the venue's time.
            sequence: the venue's sequence.
            count_at: place of the order count in a row, `None` if it is not told.
        """

    def levels(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        """Give price levels their absolute new sizes."""

    def orders(
        self,
        symbol: str,
        bids: Sequence[OrderRow],
        asks: Sequence[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        """Replace the whole book by orders, in queue priority within a price."""

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """Add, modify (absolute new size), cancel (size "0": all of it) or fill one order."""

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        """Report a trade; *side* is the aggressor's."""

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        """Say what is known of the book as a whole."""

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        """Say that by the venue's own word these are the best levels now, best first.

        Args:
            symbol: whose book.
            bids: the best bids; none are compared if there are none.
            asks: the best asks.
            what: what the venue's word is, for a report: "bookTicker", "CRC-32".
        """

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        """Report a check that the parser has made itself: a checksum, a sequence.

        Args:
            symbol: whose book.
            passed: whether it holds.
            what: what was checked.
            detail: what was expected and what was there, where it does not hold.
        """


class VenueParser(Protocol):
    """Reads one venue's messages; it is made with the sink to write to."""

    def opened(self, connection: str) -> None:
        """A connection has been made, perhaps again: all that came by it before is over.

        Books that came by an earlier one are stale (`StatusReason.DISCONNECTED`) until their next
        snapshot, then recovered.
        """

    def sent(self, connection: str, text: bytes) -> None:
        """A request was sent by us."""

    def received(self, connection: str, text: bytes) -> None:
        """A message has come.

        Raises:
            FeedError: if it is not what the venue sends; nothing of it has been taken then.
        """

    def fetched(self, url: str, body: bytes) -> None:
        """A REST response has come.

        Raises:
            FeedError: as `received` does.
        """


class Venue(NamedTuple):
    """An exchange, or a part of one, with messages of its own."""

    name: str
    """Value of `--format`, such as "binance-futures"."""
    title: str
    hosts: tuple[str, ...]
    """Hosts of its addresses, WebSocket and REST, by which a recording is told."""
    recognises: Callable[[bytes], bool]
    """Whether a message is its, for recordings that name no address."""
    parser: Callable[[BookSink], VenueParser]
