"""A distinct view of one symbol, computed and encoded once for all who want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from market_depth.protocol.frames import text_header
from market_depth.protocol.json_views import JsonViewWriter
from market_depth.protocol.messages import DataType
from market_depth.streams.market import SymbolBook

__all__ = ["Channel", "Stopwatch", "Tick", "view_of"]


class Stopwatch(NamedTuple):
    """Measures how long encoding takes."""

    now_s: Callable[[], float]
    """A clock in seconds."""
    observe_s: Callable[[float], None]
    """Told each duration."""


class Tick(NamedTuple):
    """One moment at which views are due."""

    timestamp: bytes
    """The server's time, as messages tell it."""
    market_ns: int
    """The market's time (ns since 1970 UTC), against which ages are told."""


def view_of(
    symbol_book: SymbolBook,
    data_type: DataType,
    levels: int,
    market_ns: int,
    writer: JsonViewWriter,
) -> bytes:
    """Return the `data` object of a view."""
    book, instrument = symbol_book.book, symbol_book.instrument
    look = book.mbp if data_type is DataType.MBP else book.mbo
    view = look(levels, market_ns)
    return writer.write(view, instrument.price_decimals, instrument.quantity_decimals)


class Channel:
    """One (symbol, data type, levels), for as long as a stream wants it."""

    __slots__ = (
        "_head",
        "_stopwatch",
        "_writer",
        "book",
        "data_type",
        "due_sequence",
        "frame",
        "frame_prefix",
        "levels",
        "sequence",
        "streams",
        "symbol_book",
        "tail",
        "tick",
    )

    def __init__(
        self,
        symbol_book: SymbolBook,
        data_type: DataType,
        levels: int,
        head: bytes,
        writer: JsonViewWriter,
        stopwatch: Stopwatch | None,
    ) -> None:
        self.symbol_book = symbol_book
        self.book = symbol_book.book
        self.data_type = data_type
        self.levels = levels
        self.streams = 0
        """How many streams show this view."""
        self.sequence = -1
        """Sequence of the book when `tail` was encoded."""
        self.due_sequence = -1
        """Sequence that streams should have been sent by `tick`; -1 if the book is not to be shown,
        which is before every sequence."""
        self.tick: Tick | None = None
        """The tick at which the book was last looked at."""
        self.tail = b""
        """The part of the messages that all streams share."""
        self.frame = b""
        """The last message that was asked for, as a frame; at a tick, of that tick."""
        self.frame_prefix = b""
        """What that message begins with."""
        self._head = head
        self._writer = writer
        self._stopwatch = stopwatch

    def look(self, tick: Tick) -> None:
        """See, once a tick, how far the book has come."""
        self.tick = tick
        self.due_sequence = self.book.sequence if self.symbol_book.status.is_good else -1

    def encode(self, tick: Tick) -> None:
        """Encode the view as it is now into `tail`."""
        stopwatch = self._stopwatch
        begun_s = stopwatch.now_s() if stopwatch else 0.0
        data = view_of(self.symbol_book, self.data_type, self.levels, tick.market_ns, self._writer)
        self.sequence = self.book.sequence
        self.tail = b'%b,"sequence":%d,"timestamp":"%b","data":%b}' % (
            self._head,
            self.sequence,
            tick.timestamp,
            data,
        )
        self._build_frame()
        if stopwatch:
            stopwatch.observe_s(stopwatch.now_s() - begun_s)

    def frame_for(self, prefix: bytes) -> bytes:
        """Return the message that begins with *prefix* as a frame.

        Clients often name their streams alike: the last frame is kept and given to them all.
        """
        if prefix is not self.frame_prefix:
            self.frame_prefix = prefix
            self._build_frame()
        return self.frame

    def shared_prefix(self, prefix: bytes) -> bytes:
        """Return the equal of *prefix* that was used last, if it was: then they are one object."""
        return self.frame_prefix if self.frame_prefix == prefix else prefix

    def _build_frame(self) -> None:
        header = text_header(len(self.frame_prefix) + len(self.tail))
        self.frame = b"".join((header, self.frame_prefix, self.tail))
