"""The chain of a view of a book: MBP, MBO or BBO, whole each time or by what has changed."""

from __future__ import annotations

from typing import NamedTuple

from market_depth.book.changes import level_changes, order_changes
from market_depth.protocol.encoders import Member
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.times import format_timestamp
from market_depth.protocol.view_checksum import ViewChecksum
from market_depth.protocol.wire import Tail
from market_depth.streams.chain import Chain
from market_depth.streams.channel import Stopwatch, Tick, ViewSpec
from market_depth.streams.key import ChainKey
from market_depth.streams.watch import Watch
from market_depth.streams.window import History, ResumeWindow
from market_depth.views import Changes, View

__all__ = ["ViewChain", "Workshop"]


class Workshop(NamedTuple):
    """What the chains of a server share."""

    window: ResumeWindow
    checksum: ViewChecksum
    stopwatch: Stopwatch | None


class ViewChain(Chain):
    """A view of one book, sent when it has changed.

    Args:
        key: what is wanted.
        watch: the symbol, and who hears of its status.
        workshop: what all chains share.
        tick: when it begins.
    """

    __slots__ = (
        "_event_timestamp",
        "_firsts",
        "_history",
        "_looked_sequence",
        "_spec",
        "_tick",
        "_view",
        "_workshop",
    )

    def __init__(self, key: ChainKey, watch: Watch, workshop: Workshop, tick: Tick) -> None:
        super().__init__(key, watch)
        self._spec = ViewSpec(key.data_type, key.levels, key.step)
        self._workshop = workshop
        self._history = History(workshop.window)
        self._firsts: dict[str | None, Tail] = {}
        """Whole views at `sequence`, by why they are sent."""
        self.sequence = self._looked_sequence = self.symbol_book.book.sequence
        self._take(self._look(tick), tick)

    def advance(self, tick: Tick) -> bool:
        """Make the next message, if the book has changed, and with it what is sent of it."""
        if not self.watch.look(tick):
            return False
        sequence = self.symbol_book.book.sequence
        if sequence == self._looked_sequence:
            return False
        stopwatch = self._workshop.stopwatch
        begun_s = stopwatch.now_s() if stopwatch else 0.0
        self._looked_sequence = sequence
        view = self._look(tick)
        is_delta = self.key.mode is Mode.DELTA
        if is_delta or self.key.data_type is DataType.BBO:
            changes = self._changes(view)
            if changes.are_none:
                return False
        self._take(view, tick)
        self._go_to(sequence)
        if is_delta:
            self.tail = self._delta(changes)
            self._history.add(self.prev_sequence, self.tail)
        else:
            self.tail = self.first(tick)
        if stopwatch:
            stopwatch.observe_s(stopwatch.now_s() - begun_s)
        return True

    def first(self, tick: Tick, resync: str | None = None) -> Tail:
        """Return the whole view at `sequence`."""
        if self.symbol_book.book.sequence == self._looked_sequence and tick is not self._tick:
            self._take(self._look(tick), tick)  # the same one, with ages and time of now
        tail = self._firsts.get(resync)
        if tail is None:
            encoder = self.wire.encoder
            instrument = self.symbol_book.instrument
            data = encoder.data(
                self.key.data_type,
                self._view,
                instrument.price_decimals,
                instrument.quantity_decimals,
            )
            members = [("symbol", self.key.symbol), *self._position(), ("data", data)]
            self._add_checksum(members)
            if resync is not None:
                members.append(("resync", resync))
            tail = self._firsts[resync] = self.wire.seal(encoder.tail(members))
        return tail

    def first_members(self) -> int:
        """Return how many members the tail of a first message has."""
        return 5 + self.key.has_checksum

    def members(self) -> int:
        """Return how many members the tails of usual messages have."""
        return self.first_members() + (self.key.mode is Mode.DELTA)

    def missing(self, sequence: int) -> list[Tail] | None:
        """Return the deltas behind a sequence, `None` if they are not all there any more."""
        return [] if sequence == self.sequence else self._history.since(sequence)

    def close(self) -> None:
        """Forget the deltas that are kept for streams that might come back."""
        self._history.clear()

    def _look(self, tick: Tick) -> View:
        return self._spec.view(self.symbol_book, tick.market_ns)

    def _take(self, view: View, tick: Tick) -> None:
        self._view = view
        self._tick = tick
        self._firsts.clear()
        event_ns = self.symbol_book.book.event_ns
        self._event_timestamp = format_timestamp(event_ns) if event_ns else None

    def _changes(self, view: View) -> Changes:
        compare = order_changes if self.key.data_type is DataType.MBO else level_changes
        return compare(self._view, view)

    def _position(self) -> list[Member]:
        return [
            ("sequence", self.sequence),
            ("timestamp", self._tick.timestamp),
            ("event_timestamp", self._event_timestamp),
        ]

    def _delta(self, changes: Changes) -> Tail:
        encoder = self.wire.encoder
        instrument = self.symbol_book.instrument
        data = encoder.changes(
            self.key.data_type, changes, instrument.price_decimals, instrument.quantity_decimals
        )
        members: list[Member] = [
            ("symbol", self.key.symbol),
            ("prev_sequence", self.prev_sequence),
            *self._position(),
            ("data", data),
        ]
        self._add_checksum(members)
        return self.wire.seal(encoder.tail(members))

    def _add_checksum(self, members: list[Member]) -> None:
        if self.key.has_checksum:
            value = self._workshop.checksum.of(self.key.data_type, self._view)
            members.append(("checksum", value))
