"""Orders of a simulated venue, and the price levels that they make by a plain book, as Databento
has them in MBO and MBP files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from market_depth.events import Action, Flag, last_complete_event
from support.dbn_files import UNDEFINED_PRICE, LevelRecord, Record
from support.flow import events_of
from support.naive_book import NaiveBook
from support.venue import take, venue_of

__all__ = ["levels_csv", "levels_of", "one_key_a_change", "orders_csv", "simulated"]

CENT = 10_000_000
INSTRUMENT_ID = 7

Levels = list[tuple[int, int, int]]


def simulated(count: int, *, seed: int = 1) -> list[Record]:
    """Return a snapshot, and whole changes behind it that make up some *count* records."""
    chunks = venue_of(seed=seed, rate_hz=200).chunks()
    snapshot, flow = next(chunks), take(chunks, count)
    return [
        Record(
            action=chr(event.action),
            side=chr(event.side),
            price=event.price * CENT if event.price else UNDEFINED_PRICE,
            size=event.size,
            order_id=event.order_id,
            ts_event=event.ts_event,
            ts_recv=event.ts_recv,
            sequence=event.sequence,
            instrument_id=INSTRUMENT_ID,
            flags=event.flags,
        )
        for events in (snapshot, flow[: last_complete_event(flow[:count])])
        for event in events_of(events)
    ]


def one_key_a_change(records: Iterable[Record]) -> list[Record]:
    """Return records of which all of one change have one sequence."""
    changed: list[Record] = []
    sequence = 0
    for record in records:
        is_live = not record.flags & Flag.SNAPSHOT
        changed.append(record._replace(sequence=sequence if is_live else record.sequence))
        sequence += bool(record.flags & Flag.LAST)
    return changed


def levels_of(
    records: Sequence[Record], levels: int = 10, *, merges_trades: bool = False
) -> list[LevelRecord]:
    """Return the MBP records that orders make, none for a snapshot.

    Args:
        records: of one instrument.
        levels: how many a side.
        merges_trades: whether a trade and the cancels of what it fills are one T record, with the
            levels after them, in place of a T record before them and what follows.
    """
    book = NaiveBook()
    found: list[LevelRecord] = []
    shown: tuple[Levels, Levels] = ([], [])
    for change in _changes(records):
        own: list[LevelRecord] = []
        for record in change:
            event = record.event()
            book.apply([event])
            before, shown = shown, _shown(book, levels)
            if record.flags & Flag.SNAPSHOT or event.action == Action.FILL:
                continue
            if shown != before or event.action == Action.TRADE:
                own.append(_record(record, shown, levels))
        if merges_trades and any(one.action == "T" for one in own):
            trade = next(one for one in own if one.action == "T")
            own = [trade._replace(bids=own[-1].bids, asks=own[-1].asks, flags=own[-1].flags)]
        found += own
    return found


def _changes(records: Sequence[Record]) -> Iterable[list[Record]]:
    number = 0
    numbered = []
    for record in records:
        numbered.append((number, record))
        number += bool(record.flags & Flag.LAST)
    return ([record for _, record in change] for _, change in groupby(numbered, lambda one: one[0]))


def _shown(book: NaiveBook, levels: int) -> tuple[Levels, Levels]:
    bids, asks = (
        [(price * CENT, size, count) for price, size, _, count, _ in rows]
        for rows in book.mbp(levels, 0)
    )
    return bids, asks


def _record(record: Record, shown: tuple[Levels, Levels], levels: int) -> LevelRecord:
    return LevelRecord(
        bids=shown[0],
        asks=shown[1],
        levels=levels,
        action=record.action,
        side=record.side,
        price=record.price,
        size=record.size,
        ts_event=record.ts_event,
        ts_recv=record.ts_recv,
        sequence=record.sequence,
        instrument_id=record.instrument_id,
        flags=record.flags,
    )


def orders_csv(records: Iterable[Record]) -> str:
    """Return an MBO file as pandas writes it: times as text, prices as decimals."""
    lines = ["ts_recv,ts_event,instrument_id,action,side,price,size,order_id,flags,sequence,symbol"]
    lines += [
        f"{_time(one.ts_recv)},{_time(one.ts_event)},{one.instrument_id},{one.action},{one.side},"
        f"{_price(one.price)},{one.size},{one.order_id},{int(one.flags)},{one.sequence},ESH4"
        for one in records
    ]
    return "\n".join([*lines, ""])


def levels_csv(records: Iterable[LevelRecord], levels: int = 10) -> str:
    """Return an MBP file as pandas writes it: a nameless index in front, empty prices empty, and
    times of receipt left out."""
    names = [
        f"{side}_{what}_{n:02}"
        for n in range(levels)
        for side in ("bid", "ask")
        for what in ("px", "sz", "ct")
    ]
    lines = [",".join(["", "ts_event,action,side,price,size,flags,sequence", *names, "symbol"])]
    for number, one in enumerate(records):
        cells = []
        for n in range(levels):
            for side in (one.bids, one.asks):
                price, size, count = side[n] if n < len(side) else (UNDEFINED_PRICE, 0, 0)
                cells.append(f"{_price(price)},{size},{count}")
        lines.append(
            f"{number},{_time(one.ts_event)},{one.action},{one.side},{_price(one.price)},"
            f"{one.size},{int(one.flags)},{one.sequence},{','.join(cells)},ESH4"
        )
    return "\n".join([*lines, ""])


def _time(time_ns: int) -> str:
    return f"{np.datetime64(time_ns, 'ns')}Z"


def _price(price: int) -> str:
    return "" if price == UNDEFINED_PRICE else f"{price // 10**9}.{price % 10**9 // CENT:02}"
