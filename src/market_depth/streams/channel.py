"""A distinct view of one symbol, computed and encoded once for all who want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from market_depth.protocol.encoders import Encoder
from market_depth.protocol.messages import DataType
from market_depth.protocol.wire import Tail, Wire
from market_depth.streams.market import SymbolBook
from market_depth.views import View

__all__ = ["Channel", "Stopwatch", "Tick", "ViewSpec"]

_EMPTY = Tail(b"")


class Stopwatch(NamedTuple):
    """Measures how long encoding takes."""

    now_s: Callable[[], float]
    """A clock in seconds."""
    observe_s: Callable[[float], None]
    """Told each duration."""


class Tick(NamedTuple):
    """One moment at which views are due."""

    timestamp: str
    """The server's time, as messages tell it."""
    market_ns: int
    """The market's time (ns since 1970 UTC), against which ages are told."""


class ViewSpec(NamedTuple):
    """What is wanted of a book."""

    data_type: DataType
    levels: int
    """Price levels a side."""
    step: int = 0
    """Counts of the last decimal that levels are merged into steps of; 0 merges none."""

    def view(self, symbol_book: SymbolBook, market_ns: int) -> View:
        """Return the view of a book."""
        book = symbol_book.book
        if self.data_type is DataType.MBO:
            return book.mbo(self.levels, market_ns)
        if self.step:
            return book.grouped_mbp(self.levels, self.step, market_ns)
        return book.mbp(self.levels, market_ns)

    def data(self, symbol_book: SymbolBook, market_ns: int, encoder: Encoder) -> bytes:
        """Return the `data` object of the view."""
        instrument = symbol_book.instrument
        view = self.view(symbol_book, market_ns)
        return encoder.data(
            self.data_type, view, instrument.price_decimals, instrument.quantity_decimals
        )


class Channel:
    """One view in one encoding, as the original messages show it, while a stream wants it."""

    __slots__ = (
        "_stopwatch",
        "book",
        "due_sequence",
        "frame",
        "frame_prefix",
        "sequence",
        "spec",
        "streams",
        "symbol_book",
        "tail",
        "tick",
        "wire",
    )

    def __init__(
        self, symbol_book: SymbolBook, spec: ViewSpec, wire: Wire, stopwatch: Stopwatch | None
    ) -> None:
        self.symbol_book = symbol_book
        self.book = symbol_book.book
        self.spec = spec
        self.wire = wire
        self.streams = 0
        """How many streams show this view."""
        self.sequence = -1
        """Sequence of the book when `tail` was encoded."""
        self.due_sequence = -1
        """Sequence that streams should have been sent by `tick`; -1 if the book is not to be shown,
        which is before every sequence."""
        self.tick: Tick | None = None
        """The tick at which the book was last looked at."""
        self.tail = _EMPTY
        """The part of the messages that all streams share."""
        self.frame = b""
        """The last message that was asked for, as a frame; at a tick, of that tick."""
        self.frame_prefix = b""
        """What that message begins with."""
        self._stopwatch = stopwatch

    def look(self, tick: Tick) -> None:
        """See, once a tick, how far the book has come."""
        self.tick = tick
        self.due_sequence = self.book.sequence if self.symbol_book.status.is_good else -1

    def encode(self, tick: Tick) -> None:
        """Encode the view as it is now into `tail`."""
        stopwatch = self._stopwatch
        begun_s = stopwatch.now_s() if stopwatch else 0.0
        encoder = self.wire.encoder
        self.sequence = self.book.sequence
        members = (
            ("symbol", self.symbol_book.instrument.symbol),
            ("sequence", self.sequence),
            ("timestamp", tick.timestamp),
            ("data", self.spec.data(self.symbol_book, tick.market_ns, encoder)),
        )
        self.tail = self.wire.seal(encoder.tail(members))
        self.frame = self.wire.frame(self.frame_prefix, self.tail)
        if stopwatch:
            stopwatch.observe_s(stopwatch.now_s() - begun_s)

    def prefix(self, stream_id: str) -> bytes:
        """Return what the messages of a stream begin with; the equal of the one that was used last
        is that one."""
        prefix = self.wire.encoder.prefix("MarketData", stream_id, _MEMBERS)
        return self.frame_prefix if self.frame_prefix == prefix else prefix

    def frame_for(self, prefix: bytes) -> bytes:
        """Return the message that begins with *prefix* as a frame.

        Clients often name their streams alike: the last frame is kept and given to them all.
        """
        if prefix is not self.frame_prefix:
            self.frame_prefix = prefix
            self.frame = self.wire.frame(prefix, self.tail)
        return self.frame


_MEMBERS = 4
"""How many members a tail has."""
