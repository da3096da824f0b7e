"""Recordings replay to the same books, whole or part by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, Flag, StatusReason
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.event_table import part_of
from market_depth.recording import Cut, Recorder
from market_depth.recording.heads import book_head
from market_depth.recording.recorder import in_time_order
from support.errors import one_line_error
from support.flow import (
    ASK,
    BID,
    add,
    at,
    batch,
    cancel,
    clear,
    modify,
    of,
    set_level,
    status,
    unfinished,
)
from support.recorded import books_by_sequence, events_in
from support.recordings import recording
from support.sources import instrument
from support.venue import take, venue_of

UNCUT = Cut()
S_NS = 1_000_000_000
TWO = [instrument(1, "AAA"), instrument(2, "BBB", quantity_decimals=3)]


def market(count: int = 4_000) -> Events:
    """Return the flows of two symbols, by time; in the end one book is stale."""
    one, two = (
        take(venue_of(symbol, seed=number).chunks(), count)
        for number, symbol in enumerate(("BTCUSD", "ETHUSD"), start=1)
    )
    one["instrument_id"], two["instrument_id"] = 1, 2
    time_ns = int(two["ts_recv"][len(two) // 2])
    stale = batch(of(2, at(time_ns, status(BookStatus.STALE, StatusReason.GAP))))
    return in_time_order([stale, one, two], 0)


def recorded(out: Path, events: Events, cut: Cut = UNCUT, flush_every: int = 700) -> list[Path]:
    recorder = Recorder(TWO, out, cut)
    ends = np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1
    start = 0
    for end in [*ends[::flush_every].tolist(), len(events)]:
        recorder.take(events[start:end])
        recorder.flush()
        start = end
    recorder.close()
    assert recorder.events == len(events)
    return recorder.paths


def test_a_recording_in_one_file_is_the_events_as_they_were(tmp_path: Path) -> None:
    events = market()
    paths = recorded(tmp_path / "a.parquet", events)
    assert paths == [tmp_path / "a.parquet"]
    assert sorted(tmp_path.iterdir()) == paths
    assert (events_in(*paths) == events).all()


@pytest.mark.parametrize("cut", [Cut(size_bytes=20_000), Cut(time_s=40.0)])
def test_parts_in_parquet_are_together_the_recording(tmp_path: Path, cut: Cut) -> None:
    events = market()
    paths = recorded(tmp_path / "a.parquet", events, cut, flush_every=200)
    assert len(paths) > 3
    assert [path.name for path in paths] == [
        f"a-{number:05d}.parquet" for number in range(1, len(paths) + 1)
    ]
    assert (events_in(*paths[::-1]) == events).all()


@pytest.mark.parametrize("suffix", ["parquet", "dbn.zst"])
def test_each_part_by_itself_shows_the_books_of_its_sequences(tmp_path: Path, suffix: str) -> None:
    events = market(1_500)
    wanted = books_by_sequence(events, TWO)
    whole = recorded(tmp_path / "all.parquet", events, Cut(time_s=30.0), flush_every=150)
    before = [part_of(pq.read_schema(path), path).changes_before for path in whole]
    paths = recorded(tmp_path / f"a.{suffix}", events, Cut(time_s=30.0), flush_every=150)
    assert len(paths) == len(before) > 3
    seen: set[tuple[str, int]] = set()
    for path, changes_before in zip(paths, before, strict=True):
        found = books_by_sequence(events_in(path), TWO, changes_before or None)
        for place, shown in found.items():
            expected = wanted[place]
            if suffix == "dbn.zst":  # DBN tells no status
                shown = shown._replace(status=expected.status, reason=expected.reason)
            assert shown == expected, place
        seen |= found.keys()
    assert seen == wanted.keys()


def test_a_part_has_no_more_of_the_markets_time_than_asked_for(tmp_path: Path) -> None:
    events = batch(*[of(1, at(n * S_NS, add(n, BID, 5, 5))) for n in range(10)])
    paths = recorded(tmp_path / "a.parquet", events, Cut(time_s=3.0), flush_every=100)
    heads = [part_of(pq.read_schema(path), path).head_events for path in paths]
    times = [
        [time // S_NS for time in events_in(path)["ts_recv"][head:].tolist()]
        for path, head in zip(paths, heads, strict=True)
    ]
    assert times == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_a_change_longer_than_a_part_is_not_cut(tmp_path: Path) -> None:
    events = batch(
        of(1, unfinished(at(0, add(1, BID, 5, 5)))),
        of(1, at(9 * S_NS, add(2, BID, 5, 5))),
        of(1, at(10 * S_NS, add(3, BID, 5, 5))),
    )
    paths = recorded(tmp_path / "a.parquet", events, Cut(time_s=1.0))
    assert len(paths) == 2
    assert (events_in(*paths) == events).all()


def test_a_head_keeps_queues_times_levels_and_status() -> None:
    book = OrderBook()
    book.apply(
        batch(
            add(3, BID, 100, 7, ts_event=30),
            add(1, BID, 100, 5, ts_event=20),
            add(2, ASK, 101, 5, ts_event=10),
            modify(3, BID, 100, 9, ts_event=40),
            at(50, status(BookStatus.HALTED, StatusReason.VENUE)),
        )
    )
    other = OrderBook()
    other.apply(book_head(book, 60))
    assert other.mbo(9, 0).bids.tolist() == book.mbo(9, 0).bids.tolist()
    assert [row[0] for row in other.mbo(9, 0).bids.tolist()] == [1, 3]
    assert (other.status, other.status_reason, other.status_ns) == (book.status, 6, 50)
    levels = OrderBook()
    levels.apply(batch(set_level(BID, 9, 5, 3), set_level(BID, 8, 5), set_level(ASK, 10, 1)))
    other = OrderBook()
    other.apply(book_head(levels, 60))
    assert other.mbp(9, 0).bids.tolist() == levels.mbp(9, 0).bids.tolist()
    assert other.mbp(9, 0).asks.tolist() == levels.mbp(9, 0).asks.tolist()


def test_an_empty_book_that_has_had_orders_begins_a_part_empty(tmp_path: Path) -> None:
    events = batch(
        of(1, at(0, add(1, BID, 5, 5))),
        of(1, at(1, cancel(1))),
        of(2, at(5 * S_NS, add(2, ASK, 5, 5))),
    )
    paths = recorded(tmp_path / "a.parquet", events, Cut(time_s=1.0))
    assert [event["action"] for event in events_in(paths[1])] == [
        Action.CLEAR,
        Action.STATUS,
        Action.ADD,
    ]


def test_batches_that_are_out_of_order_are_written_in_order() -> None:
    one = batch(of(1, at(10, add(1, BID, 5, 5))), of(1, at(30, add(2, BID, 5, 5))))
    two = batch(
        of(2, unfinished(at(15, add(3, BID, 5, 5)))),
        of(2, at(20, add(4, BID, 5, 5))),
        of(2, at(30, add(5, BID, 5, 5))),
    )
    events = in_time_order([one, two], 12)
    assert events["order_id"].tolist() == [1, 3, 4, 2, 5]
    assert events["ts_recv"].tolist() == [12, 15, 20, 30, 30]


def test_events_in_order_are_left_as_they_are() -> None:
    events = market(300)
    assert (in_time_order([events[:100], events[100:]], 0) == events).all()


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.dbn.zst"):
        out = tmp_path / name
        recorded(out, batch(of(1, add(1, BID, 5, 5))))
        content = out.read_bytes()
        with one_line_error(FeedError, str(out), "exists already"):
            Recorder(TWO, out)
        assert out.read_bytes() == content


def test_numbers_go_on_behind_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "a-00041.dbn.zst").touch()
    (tmp_path / "ab-00077.dbn.zst").touch()
    paths = recorded(tmp_path / "a.dbn.zst", batch(of(1, add(1, BID, 5, 5))), Cut(time_s=1.0))
    assert [path.name for path in paths] == ["a-00042.dbn.zst"]


def test_two_recorders_do_not_write_one_file(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    recorder = Recorder(TWO, out)
    with one_line_error(FeedError, str(out), "being written by another recorder"):
        Recorder(TWO, out)
    recorder.close()
    assert len(events_in(out)) == 0


@pytest.mark.parametrize("name", ["a.csv", "parquet", ".parquet", "a.dbn"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with one_line_error(FeedError, name, ".parquet", ".dbn.zst"):
        Recorder(TWO, tmp_path / name)


@pytest.mark.parametrize("name", ["a.parquet", "a.dbn.zst"])
def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path, name: str) -> None:
    with one_line_error(FeedError, str(tmp_path / "no" / name), "can't write"):
        Recorder(TWO, tmp_path / "no" / name)


@pytest.mark.parametrize("name", ["a.parquet", "a.dbn.zst"])
def test_an_instrument_that_was_not_announced_is_one_line(tmp_path: Path, name: str) -> None:
    recorder = Recorder(TWO, tmp_path / name)
    recorder.take(batch(of(1, add(1, BID, 5, 5)), of(9, clear())))
    with one_line_error(FeedError, "instrument"):
        recorder.flush()
    recorder.close()


@pytest.mark.parametrize("suffix", ["parquet", "dbn.zst"])
def test_a_real_recording_is_recorded_as_it_is(tmp_path: Path, suffix: str) -> None:
    source = DbnSource(next(recording("databento/esh4").glob("*20231225*mbo*")))
    recorder = Recorder(source.instruments, tmp_path / f"a.{suffix}", Cut(time_s=3600.0))
    played = list(source.chunks())
    for chunk in played:
        recorder.take(chunk)
    recorder.close()
    assert len(recorder.paths) > 2
    events = np.concatenate(played)
    if suffix == "parquet":
        assert (events_in(*recorder.paths) == events).all()
    whole, last = OrderBook(), OrderBook()
    whole.apply(events)
    last.apply(events_in(recorder.paths[-1]))
    assert whole.order_count == last.order_count == 11_217
    for side in ("bids", "asks"):
        rows, wanted = getattr(last.mbo(10**4, 0), side), getattr(whole.mbo(10**4, 0), side)
        assert rows.tolist() == wanted.tolist()
