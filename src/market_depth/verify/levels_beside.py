"""Databento's MBO beside MBP of the same period: do the orders make the price levels?

The MBO file is played into books, and these are compared with the MBP file at every (ts_event,
sequence) of an instrument that the MBP file has: price, size and order count of all its levels,
after the last MBO record of that key, and in the last MBP record of it. Records of one key may be
one change or a part of one; both files tell the same parts, so the key is enough.

A trade comes in MBO as T (the aggressor), F for each resting order that is filled, and C or M for
each of these, with the key of the T or with a later sequence. T and F leave the book as it is; the
C or M takes away what was filled. In MBP the F is not told, and a T record shows the levels before
the trade's effect; the C or M behind it shows them after. Some tools merge the three to one T
record that shows the levels after. So where the last record of a key is a T, its levels may be
those before the T or those after the key; all others must be those after it.

TBBO is compared likewise; it has nothing but T records.

MBP tells nothing of what happens behind its last level. Where the MBO file has a key that the MBP
file lacks, the levels must be as they were at the last key compared; that is looked at where a
change ends (F_LAST). A key of the MBP file that the MBO file lacks is a difference, unless it lies
outside of the time of the MBO file, or is part of a snapshot.

An MBO file that begins neither with a clear nor with a snapshot may lack orders from before. It is
compared if its first compared levels agree, which shows that the book was empty.

Sources: https://databento.com/docs/schemas/mbo, https://databento.com/docs/schemas/mbp-10,
https://databento.com/docs/schemas/tbbo,
https://databento.com/docs/examples/order-book/order-tracking (actions)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from market_depth.book import OrderBook
from market_depth.events import Action, BookStatus, Events, Flag
from market_depth.feeds.dbn.directory import RecordFile
from market_depth.feeds.dbn.layouts import UNDEFINED_PRICE
from market_depth.feeds.dbn.source import RecordSource
from market_depth.instruments import MAX_DECIMALS, Instrument
from market_depth.verify.findings import Check, Report
from market_depth.verify.sides import (
    Level,
    Sides,
    best_levels,
    book_lines,
    check_sides,
    first_difference,
)

__all__ = ["compare_levels"]

_Key: TypeAlias = tuple[str, int, int]
"""Symbol, ts_event, sequence."""

_SLACK_NS: Final = 1_000_000_000
"""How far apart in time the two files may tell the same."""
_NO_TIME: Final = -1
_TRADES_ONLY: Final = ("tbbo",)
"""Schemas that tell levels when something is traded, and at no other time."""


class _Told(NamedTuple):
    """The last MBP record of a key."""

    action: int
    is_snapshot: bool
    levels: NDArray[np.void]
    number: int
    """Of the record in the file, from 1."""


def compare_levels(mbo: RecordFile, mbp: RecordFile, report: Report, beside: str) -> None:
    """Compare a file of orders with one of price levels.

    Args:
        mbo: the orders.
        mbp: the levels.
        report: what is found is put into a check of it; none is made where the files have no
            symbol or no time in common.
        beside: what the check names as compared with.

    Raises:
        FeedError: where a file can't be read any further.
    """
    _Comparison(mbo, mbp, report, beside).run()


class _Waiting:
    """The MBP records that are ahead, as far as they are needed."""

    def __init__(self, mbp: RecordFile, symbols: dict[int, str]) -> None:
        self._records = _told_by(mbp, symbols)
        self._is_through = False
        self._read_ns = _NO_TIME
        self.by_key: dict[_Key, _Told] = {}

    @property
    def has_more(self) -> bool:
        """Whether there are records that have not been taken out."""
        return bool(self.by_key) or not self._is_through

    def read_to(self, time_ns: int) -> None:
        """Read on, to some time behind *time_ns*."""
        while not self._is_through and self._read_ns <= time_ns + _SLACK_NS:
            record = next(self._records, None)
            if record is None:
                self._is_through = True
                return
            key, told = record
            self.by_key[key] = told  # the last one of a key counts
            self._read_ns = max(self._read_ns, key[1])

    def overdue(self, time_ns: int) -> Iterator[tuple[_Key, _Told]]:
        """Take out and yield those that lie some time before *time_ns*."""
        while self.by_key:
            key = next(iter(self.by_key))
            if key[1] >= time_ns - _SLACK_NS:
                return
            yield key, self.by_key.pop(key)


def _told_by(mbp: RecordFile, symbols: dict[int, str]) -> Iterator[tuple[_Key, _Told]]:
    """Yield the records of symbols, with their keys."""
    number = 0
    for records in mbp.records():
        columns = (
            records[name].tolist()
            for name in ("instrument_id", "ts_event", "sequence", "action", "flags")
        )
        for place, (file_id, ts_event, sequence, action, flags) in enumerate(
            zip(*columns, strict=True)
        ):
            number += 1
            symbol = symbols.get(file_id)
            if symbol is not None:
                is_snapshot = bool(flags & Flag.SNAPSHOT)
                told = _Told(action, is_snapshot, records["levels"][place], number)
                yield (symbol, ts_event, sequence), told


class _Lane:
    """One instrument: its book by the MBO file, and how far it has been compared."""

    __slots__ = (
        "before_trade",
        "book",
        "compared",
        "has_joined",
        "instrument",
        "is_left_out",
        "key",
        "may_look",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book = OrderBook()
        self.key: _Key | None = None
        """Of the last event."""
        self.may_look = False
        """Whether the last event ends a change."""
        self.before_trade: Sides | None = None
        """Levels before the last trade of the key."""
        self.compared: Sides | None = None
        """Levels when they were compared last."""
        self.has_joined = False
        self.is_left_out = False


class _Comparison:
    def __init__(self, mbo: RecordFile, mbp: RecordFile, report: Report, beside: str) -> None:
        self._source = RecordSource([mbo])
        self._mbp = mbp
        self._levels = mbp.layout.levels
        self._tells_changes = mbp.layout.schema not in _TRADES_ONLY
        self._report = report
        self._beside = beside
        self._lanes = {one.instrument_id: _Lane(one) for one in self._source.instruments}
        self._by_symbol = {lane.instrument.symbol: lane for lane in self._lanes.values()}
        self._waiting = _Waiting(mbp, self._common_symbols())
        self._begin_ns: int | None = None
        self._time_ns = _NO_TIME
        self._left_out: set[str] = set()

    @property
    def _check(self) -> Check:
        return self._report.check(f"{self._mbp.layout.schema} levels", beside=self._beside)

    def _common_symbols(self) -> dict[int, str]:
        """Return the MBO file's symbols by the MBP file's ids: of one name, or of one id."""
        by_id = {number: lane.instrument.symbol for number, lane in self._lanes.items()}
        named = self._mbp.symbols_by_id()
        symbols = {}
        for records in self._mbp.records():
            for number in np.unique(records["instrument_id"]).tolist():
                name = named.get(number, str(number))
                symbols[number] = name if name in by_id.values() else by_id.get(number, "")
        return {number: symbol for number, symbol in symbols.items() if symbol}

    def run(self) -> None:
        for events in self._source.chunks():
            self._take(events)
        for lane in self._lanes.values():
            self._settle(lane)
        end_ns = self._time_ns
        self._waiting.read_to(end_ns)
        for key, told in self._waiting.by_key.items():
            if key[1] <= end_ns:
                self._lacks(key, told)
        if self._left_out:
            self._report.notes.append(
                f"not compared with {self._mbp.path}, as orders from before the recording lack: "
                f"{', '.join(sorted(self._left_out))}"
            )

    def _take(self, events: Events) -> None:
        """Apply events, with a stop wherever the key changes and before each trade."""
        keys = [events[name] for name in ("instrument_id", "ts_event", "sequence")]
        is_stop = np.zeros(len(events), bool)
        is_stop[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
        is_trade = events["action"] == Action.TRADE
        stops = np.flatnonzero(is_stop | is_trade).tolist()
        starts = [0, *(stop for stop in stops if stop)]
        for start, end in zip(starts, [*starts[1:], len(events)], strict=True):
            self._step(events[start:end])

    def _step(self, events: Events) -> None:
        first, last = events[0], events[-1]
        lane = self._lanes[int(first["instrument_id"])]
        key = lane.instrument.symbol, int(first["ts_event"]), int(first["sequence"])
        if first["action"] == Action.STATUS:
            lane.has_joined |= bool(first["size"] == BookStatus.STALE)
            return
        if key != lane.key:
            self._settle(lane)
            lane.key = key
            lane.before_trade = None
        if first["action"] == Action.TRADE:
            lane.before_trade = best_levels(lane.book, self._levels)
        lane.book.apply(events)
        lane.may_look = bool(last["flags"] & np.uint8(Flag.LAST))
        if not first["flags"] & np.uint8(Flag.SNAPSHOT):
            if self._begin_ns is None:
                self._begin_ns = key[1]
            self._time_ns = max(self._time_ns, key[1])

    def _settle(self, lane: _Lane) -> None:
        """Compare what is told of the key that is through."""
        if lane.key is None:
            return
        self._waiting.read_to(max(self._time_ns, lane.key[1]))
        told = self._waiting.by_key.pop(lane.key, None)
        if told is not None and not lane.is_left_out:
            self._compare(lane, told)
        elif self._may_have_missed(lane):
            self._compare_with_before(lane)
        lane.key = None
        self._take_overdue()

    def _may_have_missed(self, lane: _Lane) -> bool:
        """Whether a record would have been due if the levels had changed."""
        return (
            self._tells_changes
            and lane.may_look
            and lane.compared is not None
            and self._waiting.has_more
        )

    def _take_overdue(self) -> None:
        """Settle what has been waiting for long: of a key that was an instrument's last, or that
        will never come."""
        for key, told in self._waiting.overdue(self._time_ns):
            lane = self._by_symbol[key[0]]
            if lane.key != key:
                self._lacks(key, told)
                continue
            if not lane.is_left_out:
                self._compare(lane, told)
            lane.key = None

    def _compare(self, lane: _Lane, told: _Told) -> None:
        found = best_levels(lane.book, self._levels)
        unit = 10 ** (MAX_DECIMALS - lane.instrument.price_decimals)
        expected = _sides(told.levels, unit)
        before = lane.before_trade if told.action == Action.TRADE else None
        if before is not None and first_difference(before, expected) is None:
            shown = before
        else:
            shown = found
        if lane.compared is None and lane.has_joined and first_difference(shown, expected):
            lane.is_left_out = True
            self._left_out.add(lane.instrument.symbol)
            return
        lane.compared = found
        record = f"record {told.number} of {self._mbp.path}"
        place = _label(lane.key)
        if _is_off_grid(told.levels, unit):
            self._check.fails(f"{place}: {record} has a price with more decimals")
            return
        check_sides(self._check, lane.instrument, shown, expected, place=place, told_by=record)

    def _compare_with_before(self, lane: _Lane) -> None:
        """Check that what the MBP file does not tell leaves its levels as they are."""
        found = best_levels(lane.book, self._levels)
        assert lane.compared is not None
        assert lane.key is not None
        before, lane.compared = lane.compared, found
        if first_difference(found, before) is not None:
            self._check.fails(
                f"{_label(lane.key)}: {lane.key[0]}: the levels change, which no record tells",
                lambda: book_lines(lane.instrument, found, before),
            )

    def _lacks(self, key: _Key, told: _Told) -> None:
        """Take that the MBO file has no record of a key."""
        is_before = self._begin_ns is None or key[1] < self._begin_ns
        if not is_before and not told.is_snapshot and key[0] not in self._left_out:
            self._check.fails(
                f"{_label(key)}: {key[0]}: the MBO file lacks the key of record {told.number}"
            )


def _label(key: _Key | None) -> str:
    assert key is not None
    return f"ts_event {key[1]}, sequence {key[2]}"


def _sides(levels: Any, unit: int) -> Sides:
    """Return the levels of a record."""
    bids, asks = (
        [
            Level(price // unit, size, count)
            for price, size, count in zip(
                *(levels[f"{side}_{what}"].tolist() for what in ("px", "sz", "ct")), strict=True
            )
            if price != UNDEFINED_PRICE and size
        ]
        for side in ("bid", "ask")
    )
    return Sides(bids, asks)


def _is_off_grid(levels: Any, unit: int) -> bool:
    """Whether a price is no count of the last decimal of the MBO file's prices."""
    return any(
        price % unit != 0
        for side in ("bid_px", "ask_px")
        for price in levels[side].tolist()
        if price != UNDEFINED_PRICE
    )
