"""A recording played into books, and what must hold in any of them.

- Times of receipt never go back.
- A book is never crossed where the venue can't be, unless its feed says that it is stale. Where
  orders are told one by one it may be for a moment: the order that crosses is told before those
  that it fills.
- Cancels and changes name orders that are there, if the book has been whole from the beginning.
- Every sum, link and order of things in a book is right; which is looked at from time to time and
  at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from market_depth.book import OrderBook
from market_depth.errors import BookError
from market_depth.events import Action, BookStatus, Events, Flag, StatusReason
from market_depth.feeds.base import Source
from market_depth.streams.market import Market, SymbolBook
from market_depth.verify.findings import Report
from market_depth.verify.sides import lines_of

__all__ = ["COMMON_CHECKS", "Playback", "play"]

COMMON_CHECKS: Final = ("times in order", "not crossed", "invariants")
"""Names of the checks that are made of whatever is played."""
_ORDER_CHANGES: Final = [Action.ADD, Action.MODIFY, Action.CANCEL]
_FIRST_LOOK_EVENTS: Final = 1_000
_MAX_LOOKED_AT: Final = 200_000
"""Orders and levels of all books looked at on the way; each takes some ten microseconds."""


class Playback:
    """The books of a recording, and the checks that are made of any.

    Args:
        source: whose instruments they are.
        report: what is found is put there.
        after_change: called with the book of each change behind it.
    """

    def __init__(
        self,
        source: Source,
        report: Report,
        after_change: Callable[[SymbolBook], None] | None = None,
    ) -> None:
        self.instruments = {one.symbol: one for one in source.instruments}
        self._report = report
        self._market = Market(source.instruments)
        self._entries = {entry.instrument.instrument_id: entry for entry in self._market}
        self.last: dict[int, np.void] = {}
        """The last event of each instrument that was no STATUS."""
        self._after_change = after_change
        self._may_cross = all(one.may_cross for one in source.instruments)
        self._gaps = dict.fromkeys(self._entries, 0)
        self._has_been_stale = False
        self._actions = np.zeros((2, 256), np.int64)
        """How many events of each action there were, and how many of those in snapshots."""
        self._last_ns = 0
        self._next_look = _FIRST_LOOK_EVENTS
        self._looked_at = 0

    @property
    def lacks_its_beginning(self) -> bool:
        """Whether a book has been joined in mid-session, and has not become whole since."""
        return any(
            entry.book.status is BookStatus.STALE
            and entry.book.status_reason is StatusReason.JOINED
            for entry in self._market
        )

    def book(self, instrument_id: int) -> OrderBook:
        """Return an instrument's book."""
        return self._entries[instrument_id].book

    def entry(self, symbol: str) -> SymbolBook | None:
        """Return a symbol's instrument and book, `None` if there is none."""
        return self._market.get(symbol)

    def take(self, events: Events) -> None:
        """Apply whole changes.

        Raises:
            FeedError: if one is of an instrument that the source has not announced.
        """
        if not len(events):
            return
        self._check_times(events)
        self._count(events)
        if self._may_cross and self._after_change is None:
            self._market.apply(events)
        else:
            self._apply_one_by_one(events)
        self._report.events += len(events)
        if self._report.events >= self._next_look:
            self._next_look = 2 * self._report.events
            self._look()

    def finish(self) -> None:
        """Look at every book once more, and tell what has been counted."""
        self._looked_at = 0
        self._look()
        self._check_known_orders()
        for snapshot, label in ((0, "{}"), (1, "snapshot {}")):
            for action in Action:
                count = int(self._actions[snapshot, action])
                if count:
                    self._report.figures[label.format(action.name.lower())] = count
        changes = int(self._actions[0, _ORDER_CHANGES].sum())
        if changes:
            self._report.figures["order changes"] = changes
        gaps = max(self._gaps.values(), default=0)
        if gaps:
            self._report.figures["gaps"] = gaps

    def _count(self, events: Events) -> None:
        is_snapshot = (events["flags"] & np.uint8(Flag.SNAPSHOT)) != 0
        self._actions[0] += np.bincount(events["action"][~is_snapshot], minlength=256)
        self._actions[1] += np.bincount(events["action"][is_snapshot], minlength=256)
        is_stale = (events["action"] == Action.STATUS) & (events["size"] == BookStatus.STALE)
        told = events[events["action"] != Action.STATUS]
        numbers, places = np.unique(told["instrument_id"][::-1], return_index=True)
        for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
            self.last[number] = told[-1 - place]
        for event in events[is_stale]:
            self._has_been_stale = True
            if event["price"] == StatusReason.GAP:
                self._gaps[int(event["instrument_id"])] += 1

    def _check_known_orders(self) -> None:
        if self._has_been_stale or not any(one.has_orders for one in self.instruments.values()):
            return
        made = int(self._actions[:, [Action.CANCEL, Action.MODIFY]].sum())
        found = [entry.book.anomalies for entry in self._market if entry.instrument.has_orders]
        unknown = sum(one.unknown_cancels + one.unknown_modifies for one in found)
        if not made:
            return
        check = self._report.check("orders known")
        check.passes(made - unknown)
        if unknown:
            check.fails(f"{unknown} cancels and changes name orders that the book does not have")
            check.made += unknown - 1

    def _check_times(self, events: Events) -> None:
        check = self._report.check("times in order")
        times = events["ts_recv"]
        steps = np.diff(times, prepend=self._last_ns)
        wrong = np.flatnonzero(steps < 0)
        check.passes(len(times) - len(wrong))
        for place in wrong.tolist():
            before = int(times[place]) - int(steps[place])
            number = self._report.events + place + 1
            check.fails(f"event {number} came at {int(times[place])}, behind {before}")
        self._last_ns = int(times.max())

    def _apply_one_by_one(self, events: Events) -> None:
        """Apply changes, and look at the book after each."""
        ends = (np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1).tolist()
        if not ends or ends[-1] != len(events):
            ends.append(len(events))
        start = 0
        for end in ends:
            change = events[start:end]
            self._market.apply(change)
            start = end
            entry = self._entries[int(change["instrument_id"][-1])]
            if not entry.instrument.may_cross:
                self._check_crossed(entry, change[-1])
            if self._after_change is not None:
                self._after_change(entry)

    def _check_crossed(self, entry: SymbolBook, last: np.void) -> None:
        by_order = entry.instrument.has_orders
        name = "orders not crossed" if by_order else "not crossed"
        check = self._report.check(name, is_soft=by_order)
        if entry.status.reason is not StatusReason.CROSSED:
            check.passes()
            return
        check.fails(
            f"{entry.instrument.symbol} is crossed or locked at ts_event {last['ts_event']}, "
            f"sequence {last['sequence']}",
            lambda: lines_of(entry.instrument, entry.book),
        )

    def _look(self) -> None:
        """Check the invariants of the books, as far as that does not take too long."""
        for entry in self._market:
            book = entry.book
            size = book.order_count + book.bid_depth + book.ask_depth
            if self._looked_at + size > _MAX_LOOKED_AT:
                continue
            self._looked_at += size
            check = self._report.check("invariants")
            try:
                book.check()
                check.passes()
            except BookError as error:
                check.fails(
                    f"{entry.instrument.symbol} behind event {self._report.events}: {error}"
                )


def play(
    source: Source, report: Report, after_change: Callable[[SymbolBook], None] | None = None
) -> Playback:
    """Play a recording to its end; return its books then.

    Args:
        source: the recording.
        report: what is found is put there.
        after_change: called with the book of each change behind it.

    Raises:
        FeedError: where it can't be read any further; what came before has been checked.
    """
    playback = Playback(source, report, after_change)
    try:
        for events in source.chunks():
            playback.take(events)
    finally:
        playback.finish()
    return playback
