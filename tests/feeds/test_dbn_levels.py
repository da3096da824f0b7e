"""MBP records and trades of Databento: the book is what each record tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import databento_dbn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Flag, Side, StatusReason
from market_depth.feeds.dbn import DbnSource, directory
from support.damage import damaged, play_damaged
from support.dbn_files import (
    TIME_NS,
    UNDEFINED_PRICE,
    UNDEFINED_TIME,
    LevelRecord,
    levels_dbn,
    unpacked,
)
from support.errors import one_line_error
from support.flow import Event, events_of
from support.hypothesis_settings import relaxed
from support.naive_book import NaiveBook
from support.recordings import recording

CENT = 10_000_000
ESU4 = "databento/esu4/futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst"
ESU4_TRADES = "databento/esu4/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst"

Level = tuple[int, int, int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.dbn"


def changes(source: DbnSource) -> list[list[Event]]:
    """Return the events of a source, each change by itself."""
    found: list[list[Event]] = [[]]
    for chunk in source.chunks():
        for event in events_of(chunk):
            found[-1].append(event)
            if event.flags & Flag.LAST:
                found.append([])
    assert not found.pop(), "chunks end with whole changes"
    return found


def cents(levels: Sequence[Level]) -> list[Level]:
    return [(price // CENT, size, count) for price, size, count in levels]


def shown(book: NaiveBook) -> tuple[list[Level], list[Level]]:
    bids, asks = book.mbp(100, 0)
    return [(row[0], row[1], row[3]) for row in bids], [(row[0], row[1], row[3]) for row in asks]


def side_of(best: int, step: int) -> st.SearchStrategy[list[Level]]:
    """Return levels best first, none of them twice."""
    offsets = st.lists(st.integers(0, 14), max_size=10, unique=True).map(sorted)
    sizes = st.tuples(st.integers(1, 3), st.integers(1, 2))
    return offsets.flatmap(
        lambda places: st.tuples(*[sizes for _ in places]).map(
            lambda rows: [
                ((best + step * place) * CENT, *row)
                for place, row in zip(places, rows, strict=True)
            ]
        )
    )


RECORDS = st.lists(
    st.tuples(
        side_of(9_999, -1), side_of(10_000, 1), st.sampled_from("AACMTR"), st.sampled_from([7, 9])
    ).map(lambda told: LevelRecord(told[0], told[1], 10, told[2], instrument_id=told[3])),
    max_size=12,
)


@relaxed
@given(records=RECORDS)
def test_after_each_record_the_book_is_what_it_tells(
    tmp_path_factory: pytest.TempPathFactory, records: list[LevelRecord]
) -> None:
    path = tmp_path_factory.getbasetemp() / "levels.dbn"
    path.write_bytes(levels_dbn(*records, schema="mbp-10", symbols={7: "A", 9: "B"}))
    books = {7: NaiveBook(), 9: NaiveBook()}
    for record, events in zip(records, changes(DbnSource(path)), strict=True):
        book = books[record.instrument_id]
        assert {event.instrument_id for event in events} == {record.instrument_id}
        book.apply(events)
        assert shown(book) == (cents(record.bids), cents(record.asks))
        assert [event.action for event in events].count(Action.TRADE) == (record.action == "T")
    assert not any(any(book.anomalies) for book in books.values())


def test_a_record_tells_only_what_it_changes(path: Path) -> None:
    bids = [(9_999 * CENT, 5, 2), (9_998 * CENT, 7, 3)]
    better = [(10_000 * CENT, 1, 1), *bids]
    path.write_bytes(
        levels_dbn(
            LevelRecord(bids, levels=10),
            LevelRecord(better, levels=10),
            LevelRecord(better, levels=10),
            LevelRecord(better[:2], levels=10),
            schema="mbp-10",
        )
    )
    found = changes(DbnSource(path))
    assert [len(events) for events in found] == [2, 1, 1, 1]
    (added,), (nothing,), (removed,) = found[1:]
    assert (added.action, added.price, added.size, added.order_id) == (Action.LEVEL, 10_000, 1, 1)
    assert nothing.action == Action.NONE
    assert (removed.price, removed.size) == (9_998, 0)


def test_a_trade_comes_before_what_its_record_tells_of_levels(path: Path) -> None:
    record = LevelRecord(
        [(9_999 * CENT, 5, 2)], action="T", side="A", price=9_999 * CENT, size=4, sequence=9
    )
    path.write_bytes(levels_dbn(record))
    ((trade, level),) = changes(DbnSource(path))
    assert (trade.action, trade.side, trade.price, trade.size) == (Action.TRADE, Side.ASK, 9_999, 4)
    assert (level.action, level.side) == (Action.LEVEL, Side.BID)
    assert (trade.flags, level.flags, trade.sequence) == (0, Flag.LAST, 9)


def test_of_trades_there_is_no_book(path: Path) -> None:
    records = [
        LevelRecord(levels=0, action="T", sequence=n, flags=0, ts_event=TIME_NS + n)
        for n in range(3)
    ]
    path.write_bytes(levels_dbn(*records, schema="trades"))
    source = DbnSource(path)
    assert [instrument.has_orders for instrument in source.instruments] == [False]
    found = [event for events in changes(source) for event in events]
    assert [(event.action, event.sequence) for event in found] == [
        (Action.TRADE, 0),
        (Action.TRADE, 1),
        (Action.TRADE, 2),
    ]


def test_a_bad_book_is_stale_until_it_is_cleared(path: Path) -> None:
    bids = [(9_999 * CENT, 5, 2)]
    bad = Flag.LAST | Flag.MAYBE_BAD_BOOK
    path.write_bytes(
        levels_dbn(
            LevelRecord(bids),
            LevelRecord(bids, flags=bad),
            LevelRecord(bids, flags=bad),
            LevelRecord(bids),
            LevelRecord(bids, action="R"),
            LevelRecord(bids),
        )
    )
    events = [event for change in changes(DbnSource(path)) for event in change]
    told = [(event.size, event.price) for event in events if event.action == Action.STATUS]
    assert told == [(BookStatus.STALE, StatusReason.GAP), (BookStatus.RECOVERED, 0)]
    assert events[0].action == Action.LEVEL, "whole from its first record on"


def test_a_level_off_the_grid_ends_the_feed_behind_all_before(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_SCANNED_RECORDS", 1)
    good = [LevelRecord([((9_000 + n % 50) * CENT, 1, 1)]) for n in range(30_000)]
    path.write_bytes(levels_dbn(*good, LevelRecord([(1, 1, 1)])))
    seen = 0
    with one_line_error(FeedError, str(path), "instrument 7", "more decimals"):
        for chunk in DbnSource(path).chunks():
            seen += int(((chunk["flags"] & np.uint8(Flag.LAST)) != 0).sum())
    assert seen == len(good)


def test_undefined_times_are_those_of_the_other_clock(path: Path) -> None:
    path.write_bytes(
        levels_dbn(
            LevelRecord(ts_event=UNDEFINED_TIME, ts_recv=TIME_NS + 1),
            LevelRecord(ts_recv=UNDEFINED_TIME, ts_event=TIME_NS + 2),
        )
    )
    found = [change[0] for change in changes(DbnSource(path))]
    assert [(one.ts_event - TIME_NS, one.ts_recv - TIME_NS) for one in found] == [(1, 1), (2, 2)]


def test_esu4_is_read_to_its_last_record_and_its_trades_are_those_of_the_trades_file() -> None:
    levels = np.concatenate(list(DbnSource(recording(ESU4)).chunks()))
    trades = np.concatenate(list(DbnSource(recording(ESU4_TRADES)).chunks()))
    assert len(trades) == 120
    assert len(np.unique(levels[["ts_recv", "sequence"]])) <= 2_288
    own = levels[levels["action"] == Action.TRADE]
    for name in ("ts_event", "ts_recv", "price", "size", "side", "sequence", "instrument_id"):
        assert np.array_equal(own[name], trades[name]), name


def decoded(path: Path) -> list[Any]:
    decoder = databento_dbn.DBNDecoder()
    decoder.write(unpacked(path))
    return [record for record in decoder.decode() if hasattr(record, "levels")]


@pytest.mark.parametrize("schema", ["mbp-1", "mbp-10", "tbbo", "bbo-1s", "bbo-1m", "cmbp-1"])
def test_the_book_ends_as_databento_decodes_the_last_record(schema: str) -> None:
    paths = sorted(recording("databento").rglob(f"test_data.{schema}.*dbn*"))
    assert paths
    for path in paths:
        source = DbnSource(path)
        records = decoded(path)
        for instrument in source.instruments:
            own = [one for one in records if one.instrument_id == instrument.instrument_id]
            if not own:
                continue
            book = OrderBook()
            for chunk in source.chunks():
                book.apply(chunk[chunk["instrument_id"] == instrument.instrument_id])
            book.check()
            unit = 10 ** (9 - instrument.price_decimals)
            view = book.mbp(10, 0)
            for rows, name in ((view.bids, "bid"), (view.asks, "ask")):
                told = [
                    (getattr(level, f"{name}_px") // unit, getattr(level, f"{name}_sz"))
                    for level in own[-1].levels
                    if getattr(level, f"{name}_px") != UNDEFINED_PRICE
                    and getattr(level, f"{name}_sz")
                ]
                assert rows[["price", "size"]].tolist() == told, path


@pytest.mark.parametrize("schema", ["mbo", "mbp-1", "mbp-10", "tbbo", "trades"])
def test_the_older_encoding_gives_the_same_events(schema: str) -> None:
    folder = recording("databento/dbn_testdata")
    older = DbnSource(folder / f"test_data.{schema}.dbz")
    newer = DbnSource(folder / f"test_data.{schema}.v1.dbn.zst")
    assert older.instruments == newer.instruments
    assert np.array_equal(
        np.concatenate(list(older.chunks())), np.concatenate(list(newer.chunks()))
    )


DAMAGED = levels_dbn(
    *[LevelRecord([((9_999 - n) * CENT, 5, 2) for n in range(4)], levels=10)] * 3, schema="mbp-10"
)


@relaxed
@given(data=damaged(DAMAGED))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.dbn"
    path.write_bytes(data)
    play_damaged(path, lambda: DbnSource(path))
