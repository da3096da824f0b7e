"""Real recordings: every record is read, and the book ends as it is known to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import databento_dbn
import numpy as np
import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, Flag, last_complete_event
from market_depth.feeds import AtEnd, PacedFeed
from market_depth.feeds.dbn import DbnSource
from support.compare import assert_same
from support.dbn_files import unpacked
from support.errors import one_line_error
from support.flow import Event, events_of
from support.naive_book import NaiveBook
from support.recordings import recording

ESH4 = "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
ESH4_DAY_BEFORE = "databento/esh4/esh4-glbx-mdp3-20231224.mbo.dbn.zst"
RECORDS = 68_792
SNAPSHOT_ADDS = 8_725
LAST_TS_RECV = 1_703_548_799_446_821_072
LAST_SEQUENCE = 59_585


def source_of(name: str) -> DbnSource:
    return DbnSource(recording(name))


def assert_final(book: OrderBook) -> None:
    """Compare the book with what is known of it at the end of the day."""
    book.check()
    assert (book.order_count, book.bid_depth, book.ask_depth) == (11_217, 922, 565)
    bbo = book.bbo(LAST_TS_RECV)
    columns = ["price", "size", "order_count"]
    assert bbo.bids[columns].tolist() == [(481_000, 22, 22)]
    assert bbo.asks[columns].tolist() == [(481_025, 28, 18)]
    assert not book.is_crossed_or_locked


def test_esh4_is_read_to_its_last_record() -> None:
    source = source_of(ESH4)
    events = np.concatenate(list(source.chunks()))
    assert len(events) == RECORDS
    assert last_complete_event(events) == RECORDS
    assert int(events["ts_recv"][-1]) == LAST_TS_RECV
    assert int(events["sequence"][-1]) == LAST_SEQUENCE
    snapshot = (events["flags"] & np.uint8(Flag.SNAPSHOT)) != 0
    assert int((snapshot & (events["action"] == Action.ADD)).sum()) == SNAPSHOT_ADDS
    (instrument,) = source.instruments
    assert (instrument.price_decimals, instrument.tick_size) == (2, 25)
    assert (np.diff(events["ts_recv"]) >= 0).all()


def test_esh4_leaves_the_book_that_is_known() -> None:
    book = OrderBook()
    for events in source_of(ESH4).chunks():
        book.apply(events)
    assert_final(book)
    assert not any(book.anomalies)


def test_esh4_is_the_same_in_the_naive_book() -> None:
    book, oracle = OrderBook(), NaiveBook()
    events = np.concatenate(list(source_of(ESH4).chunks()))
    for part in np.array_split(events, 4):
        book.apply(part)
        oracle.apply(events_of(part))
        assert_same(book, oracle, int(part["ts_event"][-1]))


def test_esh4_at_full_speed_leaves_the_same_book() -> None:
    feed = PacedFeed([source_of(ESH4)], speed=None, at_end=AtEnd.EXIT)
    book = OrderBook()

    async def play() -> int:
        count = 0
        async for events in feed.batches():
            assert events["flags"][-1] & np.uint8(Flag.LAST)
            book.apply(events)
            count += len(events)
        return count

    assert asyncio.run(play()) == RECORDS
    assert_final(book)


def test_the_snapshot_repeated_on_the_day_before_does_no_harm() -> None:
    """The file of the day before ends with the same snapshot: its ids come twice."""
    book = OrderBook()
    for name in (ESH4_DAY_BEFORE, ESH4):
        for events in source_of(name).chunks():
            book.apply(events)
    assert_final(book)


def test_a_cut_recording_gives_all_whole_changes_before_the_cut(tmp_path: Path) -> None:
    packed = recording(ESH4).read_bytes()
    whole = np.concatenate(list(source_of(ESH4).chunks()))
    path = tmp_path / "cut.dbn.zst"
    path.write_bytes(packed[: len(packed) // 2])
    seen = 0
    with one_line_error(FeedError, str(path), "cut off"):
        for events in DbnSource(path).chunks():
            assert np.array_equal(events, whole[seen : seen + len(events)])
            seen += len(events)
    assert seen > RECORDS // 3


def decodes(path: Path) -> list[str]:
    """Play a file into books; return its symbols."""
    source = DbnSource(path)
    books = {instrument.instrument_id: OrderBook() for instrument in source.instruments}
    count = 0
    for events in source.chunks():
        for instrument_id, book in books.items():
            book.apply(events[events["instrument_id"] == instrument_id])
        count += len(events)
    assert count > 0
    for book in books.values():
        book.check()
    return [instrument.symbol for instrument in source.instruments]


def as_databento_decodes(path: Path) -> list[Event]:
    """Return the records of a file as Databento's own decoder has them, prices in 10^-9."""
    decoder = databento_dbn.DBNDecoder()
    decoder.write(unpacked(path))
    return [
        Event(
            ts_event=record.ts_event,
            ts_recv=record.ts_recv,
            order_id=record.order_id,
            price=record.price,
            size=record.size,
            sequence=record.sequence,
            instrument_id=record.instrument_id,
            action=ord(str(record.action)),
            side=ord(str(record.side)),
            flags=int(record.flags),
        )
        for record in decoder.decode()
        if isinstance(record, databento_dbn.MBOMsg)
    ]


@pytest.mark.parametrize(
    "name",
    [
        ESH4,
        "databento/dbn_testdata/test_data.mbo.v1.dbn.zst",
        "databento/dbn_testdata/test_data.mbo.v2.dbn.zst",
        "databento/dbn_testdata/test_data.mbo.v3.dbn",
        "databento/python_testdata/XNAS.ITCH/test_data.mbo.dbn.zst",
    ],
)
def test_every_field_is_as_databento_decodes_it(name: str) -> None:
    source = source_of(name)
    units = {
        instrument.instrument_id: 10 ** (9 - instrument.price_decimals)
        for instrument in source.instruments
    }
    events = [event for chunk in source.chunks() for event in events_of(chunk)]
    assert [
        event._replace(price=event.price * units[event.instrument_id])
        for event in events
        if event.action != Action.STATUS
    ] == as_databento_decodes(recording(name))


def test_every_mbo_conformance_file_decodes() -> None:
    folder = recording("databento/dbn_testdata")
    paths = sorted([*folder.glob("*.mbo*.dbn"), *folder.glob("*.mbo*.dbn.zst")])
    assert len(paths) >= 5
    events = [np.concatenate(list(DbnSource(path).chunks())) for path in paths]
    for path, others in zip(paths, events, strict=True):
        assert decodes(path) == ["ESH1"]
        assert np.array_equal(others, events[0]), path


def test_every_mbo_file_of_the_python_library_decodes() -> None:
    paths = sorted(recording("databento/python_testdata").glob("*/test_data.mbo.dbn.zst"))
    assert len(paths) >= 4
    for path in paths:
        assert decodes(path), path


@pytest.mark.parametrize("kind", ["definition", "ohlcv-1s", "status", "statistics", "imbalance"])
def test_a_conformance_file_without_a_book_or_trades_is_refused(kind: str) -> None:
    path = recording(f"databento/dbn_testdata/test_data.{kind}.dbn")
    with one_line_error(FeedError, str(path), f"schema {kind}", "mbo, mbp-10"):
        DbnSource(path)
