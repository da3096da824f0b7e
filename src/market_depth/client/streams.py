"""One stream: what its messages make of its book. It knows no connection and no tasks."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from market_depth.client.books import Book, LevelBook, OrderBook
from market_depth.client.errors import StreamBrokenError
from market_depth.client.scale import Scale
from market_depth.client.updates import Update, UpdateKind
from market_depth.protocol.messages import (
    DataType,
    MarketData,
    MarketDelta,
    Subscribed,
    TradesData,
)
from market_depth.protocol.requests import Resume

__all__ = ["Received", "Stream"]

_NO_SCALE: Final = Scale(0, 0)
_MAX_FAILURES: Final = 5
"""Times that a stream is asked for anew before it is given up: a server whose messages never fit
must not be asked for ever."""
_GOOD_AGAIN: Final = 100
"""Updates in a row after which failures are forgotten."""


class Received(NamedTuple):
    """A message of a stream, with the bytes that it came in."""

    stream: Stream
    message: MarketData | MarketDelta
    raw: bytes | str
    trades_missed: int = 0
    """Trades between the one before it and its first."""


class Stream:
    """A stream of one symbol.

    Messages come in two steps: `receive` when they come off the connection, which sees gaps, and
    `apply` when the user takes them, so that the book is at the update that he has in hand.

    Args:
        stream_id: its name on the connection.
        symbol: what it is about.
        data_type: what it shows.
    """

    __slots__ = (
        "_awaits_whole",
        "_failures",
        "_good",
        "_is_broken",
        "_last_trade",
        "_received_sequence",
        "_told_scale",
        "asked_on",
        "book",
        "conflated",
        "data_type",
        "epoch",
        "is_open",
        "stream_id",
        "symbol",
    )

    def __init__(self, stream_id: str, symbol: str, data_type: DataType) -> None:
        self.stream_id = stream_id
        self.symbol = symbol
        self.data_type = data_type
        self.book: Book = _new_book(data_type, _NO_SCALE)
        self.epoch = ""
        self.is_open = False
        self.asked_on = 0
        """Number of the connection that it was asked for on, or opened; 0 for none."""
        self.conflated = 0
        """Updates applied since the one that was handed out last."""
        self._told_scale: Scale | None = None
        """The decimals that the server has told; `None` if it has told none."""
        self._last_trade: int | None = None
        self._failures = 0
        self._good = 0
        self._received_sequence = -1
        self._awaits_whole = True
        """Whether what comes is of no use before a whole view comes."""
        self._is_broken = False
        """Whether what is taken is of no use before a whole view is taken."""

    @property
    def resume(self) -> Resume | None:
        """Where the stream could go on, `None` if it has to begin anew."""
        if self._awaits_whole or not self.epoch or self.data_type is DataType.TRADES:
            return None
        return Resume(self.epoch, self._received_sequence)

    def opened(self, answer: Subscribed) -> None:
        """Take the server's answer to a Subscribe."""
        self.is_open = True
        epoch = "" if answer.epoch is UNSET else answer.epoch
        if epoch != self.epoch:
            self._last_trade = None
        self.epoch = epoch
        if answer.resumed is not True:
            self._awaits_whole = True
        self._told_scale = None
        if answer.price_decimals is not UNSET and answer.quantity_decimals is not UNSET:
            self._told_scale = Scale(answer.price_decimals, answer.quantity_decimals)

    def begin_anew(self) -> bool:
        """Take nothing before a whole view; return whether there is use in asking for one."""
        self._awaits_whole = True
        self._is_broken = True
        self._failures += 1
        self._good = 0
        return self._failures <= _MAX_FAILURES

    def receive(self, message: MarketData | MarketDelta) -> bool:
        """Return whether a message is of use.

        Raises:
            StreamBrokenError: if it does not go on from the one before it.
        """
        if not self.is_open:  # left over from before: its decimals are not known
            return False
        if isinstance(message, MarketData):
            self._awaits_whole = False
        elif self._awaits_whole:
            return False
        elif message.prev_sequence != self._received_sequence:
            raise StreamBrokenError(
                f"{self.stream_id}: expected a delta from sequence {self._received_sequence}, "
                f"got one from {message.prev_sequence}"
            )
        self._received_sequence = message.sequence
        return True

    def missed_trades(self, message: MarketData | MarketDelta) -> int:
        """Return how many trades lie between the last one and a message's first."""
        data = message.data
        if not isinstance(data, TradesData) or not data.trades:
            return 0
        last, self._last_trade = self._last_trade, data.trades[-1].trade_number
        return 0 if last is None else data.trades[0].trade_number - last - 1

    def apply(self, received: Received) -> Update | None:
        """Apply a message to the book, and return the update; `None` if it is of no use.

        Raises:
            StreamBrokenError: if the book is not the server's then.
        """
        message, book = received.message, self.book
        data: Any = message.data
        if isinstance(message, MarketData):
            kind, prev_sequence = UpdateKind.SNAPSHOT, None
            self._is_broken = False
            rows = data.trades if isinstance(data, TradesData) else chain(data.bids, data.asks)
            # Who knows just the original messages tells no decimals, but sends whole views only.
            book.scale = self._told_scale or book.scale.widened(rows)
            if isinstance(data, TradesData):
                kind = UpdateKind.TRADES
            else:
                book.replace(data)
        elif self._is_broken:
            return None
        else:
            kind, prev_sequence = UpdateKind.DELTA, message.prev_sequence
            book.change(data)
        book.sequence, book.timestamp = message.sequence, message.timestamp
        if message.checksum is not UNSET and message.checksum != (found := book.checksum()):
            raise StreamBrokenError(
                f"{self.stream_id}: the checksum at sequence {message.sequence} is "
                f"{message.checksum}, the book's is {found}"
            )
        self._good += 1
        if self._good >= _GOOD_AGAIN:
            self._failures = 0
        event_timestamp = message.event_timestamp
        return Update(
            symbol=self.symbol,
            stream_id=self.stream_id,
            kind=kind,
            sequence=message.sequence,
            prev_sequence=prev_sequence,
            timestamp=message.timestamp,
            event_timestamp=None if event_timestamp is UNSET else event_timestamp,
            book=book,
            data=data,
            conflated=self.conflated,
            trades_missed=received.trades_missed,
            raw=received.raw,
        )


def _new_book(data_type: DataType, scale: Scale) -> Book:
    return OrderBook(scale) if data_type is DataType.MBO else LevelBook(scale)
