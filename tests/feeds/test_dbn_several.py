"""Several Databento files as one recording."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.formats import format_named, format_of
from support.dbn_files import (
    TIME_NS,
    LevelRecord,
    Record,
    busy,
    dbn,
    expected,
    levels_dbn,
    metadata,
    played,
    zstd_frames,
)
from support.errors import one_line_error
from support.recordings import recording

ESH4 = (
    "databento/esh4/esh4-glbx-mdp3-20231224.mbo.dbn.zst",
    "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def at(seconds: int, *, instrument_id: int = 7, price: int = 100_000_000_000) -> Record:
    time_ns = TIME_NS + seconds * 10**9
    return Record(
        ts_event=time_ns,
        ts_recv=time_ns,
        order_id=seconds,
        instrument_id=instrument_id,
        price=price,
    )


def test_files_are_played_by_time_in_any_order(tmp_path: Path) -> None:
    parts = [[at(1), at(2), at(3)], [at(4), at(8)], [at(5), at(6), at(7)]]
    paths = [
        written(tmp_path / f"{n}.dbn", dbn(*part, joins=n > 0)) for n, part in enumerate(parts)
    ]
    wanted = expected(at(seconds) for seconds in range(1, 9))
    for order in permutations(paths):
        assert played(DbnSource(order)) == wanted


def test_one_symbol_is_one_instrument_whatever_its_id(tmp_path: Path) -> None:
    first = dbn(at(1), head=metadata({7: "ESH4", 9: "NQH4"}))
    second = dbn(
        at(2, instrument_id=9), at(3, instrument_id=5), at(4, instrument_id=11),
        head=metadata({9: "ESH4", 5: "NQH4", 11: "CLH4"}), joins=True,
    )  # fmt: skip
    source = DbnSource([written(tmp_path / "1", first), written(tmp_path / "2", second)])
    ids = {one.symbol: one.instrument_id for one in source.instruments}
    assert ids == {"ESH4": 7, "NQH4": 9, "CLH4": 11}
    numbers = [event.instrument_id for event in played(source) if chr(event.action) == "A"]
    assert numbers == [7, 7, 9, 11]


def test_an_id_that_another_symbol_has_is_given_anew(tmp_path: Path) -> None:
    first = dbn(at(1), head=metadata({7: "ESH4"}))
    second = dbn(at(2), head=metadata({7: "NQH4"}))
    source = DbnSource([written(tmp_path / "1", first), written(tmp_path / "2", second)])
    ids = {one.symbol: one.instrument_id for one in source.instruments}
    assert ids["ESH4"] == 7
    assert ids["NQH4"] != 7
    assert [event.instrument_id for event in played(source)] == list(ids.values())


def test_the_finer_decimals_count(tmp_path: Path) -> None:
    paths = [
        written(tmp_path / "1", dbn(at(1, price=1_250_000_000))),
        written(tmp_path / "2", dbn(at(2, price=1_255_000_000), joins=True)),
    ]
    source = DbnSource(paths)
    (instrument,) = source.instruments
    assert instrument.price_decimals == 3
    assert [event.price for event in played(source)] == [1250, 1255]


def test_levels_go_on_from_file_to_file(tmp_path: Path) -> None:
    cents = 10_000_000
    first = LevelRecord([(9_999 * cents, 1, 1)])
    second = first._replace(bids=[(9_998 * cents, 1, 1)], ts_recv=TIME_NS + 1, ts_event=TIME_NS + 1)
    paths = [written(tmp_path / str(n), levels_dbn(one)) for n, one in enumerate((first, second))]
    book = OrderBook()
    for chunk in DbnSource(paths).chunks():
        book.apply(chunk)
    assert book.mbp(9, 0).bids["price"].tolist() == [9_998]


def test_files_of_several_kinds_are_refused(tmp_path: Path) -> None:
    one = written(tmp_path / "1", dbn(at(1)))
    other = written(tmp_path / "2", levels_dbn(LevelRecord()))
    with one_line_error(FeedError, str(one), str(other), "mbo", "mbp-1"):
        DbnSource([one, other])


def test_what_comes_before_damage_is_played_of_all(tmp_path: Path) -> None:
    good = written(tmp_path / "1", dbn(at(1), at(3), at(5)))
    cut = written(tmp_path / "2", dbn(at(2), at(4), joins=True)[:-1])
    seen: list[int] = []
    with one_line_error(FeedError, str(cut), "cut off", "byte"):
        for chunk in DbnSource([good, cut]).chunks():
            seen.extend(chunk["order_id"][chunk["action"] == ord("A")].tolist())
    assert seen[:2] == [1, 2]


@pytest.mark.parametrize("packed", [False, True])
def test_the_format_is_told_by_its_first_bytes(tmp_path: Path, packed: bool) -> None:
    data = dbn(*busy(3))
    path = written(tmp_path / "data", zstd_frames(data) if packed else data)
    assert format_of(path) is format_named("dbn")
    assert played(format_of(path).open([path], OpenOptions())) == expected(busy(3))


def test_both_days_of_esh4_leave_the_book_that_is_known() -> None:
    for names in (ESH4, ESH4[::-1]):
        book = OrderBook()
        events = np.concatenate(list(DbnSource([recording(name) for name in names]).chunks()))
        assert len(events) == 8_725 + 68_792
        book.apply(events)
        assert (book.order_count, book.bid_depth, book.ask_depth) == (11_217, 922, 565)
