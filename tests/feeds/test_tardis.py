"""Tardis's CSV files: rows of one time of receipt are one change."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import BookStatus, Flag
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.tardis import TardisSource
from market_depth.instruments import Instrument
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.flow import Event, events_of
from support.hypothesis_settings import relaxed
from support.recordings import recording

HEADER = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
BOOK = (
    HEADER
    + """\
x,BTC,1000,1100,true,bid,100.5,2
x,BTC,1000,1100,true,ask,101,0.25
x,BTC,2000,2100,false,bid,100.5,0
x,BTC,2000,2100,false,bid,100.25,1e-7
x,BTC,2500,2600,false,ask,101,3
x,BTC,3000,3100,true,bid,99,1
x,BTC,3000,3100,true,ask,103,1
"""
)
SNAPSHOTS = """\
exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,\
bids[0].amount,asks[1].price,asks[1].amount,bids[1].price,bids[1].amount
x,BTC,1000,1100,101,1,100,2,102,3,99,4
x,BTC,2000,2100,101,1,100,2,102,3,99.5,4
x,BTC,3000,3100,101,1,100,2,,,,
"""
TRADES = """\
exchange,symbol,timestamp,local_timestamp,id,side,price,amount
x,BTC,2040,2100,a1,buy,101,0.5
x,BTC,2041,2100,a2,sell,100.5,1
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def source_of(*paths: Path, **options: object) -> TardisSource:
    return TardisSource(paths, OpenOptions(**options))  # type: ignore[arg-type]


def changes(source: TardisSource) -> list[list[Event]]:
    found: list[list[Event]] = [[]]
    for chunk in source.chunks():
        for event in events_of(chunk):
            found[-1].append(event)
            if event.flags & Flag.LAST:
                found.append([])
    return found[:-1]


def told(source: TardisSource) -> list[list[tuple[str, str, int, int]]]:
    return [
        [(chr(one.action), chr(one.side), one.price, one.size) for one in change]
        for change in changes(source)
    ]


def test_a_snapshot_begins_a_book_and_rows_of_one_receipt_are_one_change(tmp_path: Path) -> None:
    source = source_of(written(tmp_path / "book.csv", BOOK))
    (instrument,) = source.instruments
    assert (instrument.symbol, instrument.price_decimals, instrument.quantity_decimals) == (
        "BTC", 2, 7,
    )  # fmt: skip
    assert (instrument.tick_size, instrument.has_orders, instrument.may_cross) == (25, False, False)
    assert told(source) == [
        [("R", "N", 0, 0), ("L", "B", 10_050, 20_000_000), ("L", "A", 10_100, 2_500_000)],
        [("L", "B", 10_050, 0), ("L", "B", 10_025, 1)],
        [("L", "A", 10_100, 30_000_000)],
        [("R", "N", 0, 0), ("L", "B", 9_900, 10_000_000), ("L", "A", 10_300, 10_000_000)],
    ]
    first = changes(source)[0][1]
    assert (first.ts_event, first.ts_recv) == (1_000_000, 1_100_000)
    assert first.flags == Flag.SNAPSHOT


def test_a_file_that_begins_with_changes_was_joined(tmp_path: Path) -> None:
    lines = BOOK.splitlines(keepends=True)
    source = source_of(written(tmp_path / "book.csv", "".join([lines[0], *lines[3:]])))
    statuses = [change[0].size for change in changes(source) if chr(change[0].action) == "S"]
    assert statuses == [BookStatus.STALE, BookStatus.LIVE]
    assert told(source)[0][0][0] == "S"
    assert told(source)[-1][0][0] == "S"


def test_of_snapshots_what_differs_is_played(tmp_path: Path) -> None:
    source = source_of(written(tmp_path / "snapshots.csv", SNAPSHOTS))
    assert told(source) == [
        [("L", "B", 10_000, 2), ("L", "B", 9_900, 4), ("L", "A", 10_100, 1), ("L", "A", 10_200, 3)],
        [("L", "B", 9_900, 0), ("L", "B", 9_950, 4)],
        [("L", "B", 9_950, 0), ("L", "A", 10_200, 0)],
    ]


def test_of_one_time_the_file_named_first_comes_first(tmp_path: Path) -> None:
    paths = written(tmp_path / "book.csv", BOOK), written(tmp_path / "trades.csv", TRADES)
    actions = ["".join(row[0] for row in change) for change in told(source_of(*paths))]
    assert actions == ["RLL", "LL", "TT", "L", "RLL"]


def test_trades_are_played_beside_a_book_by_their_times(tmp_path: Path) -> None:
    paths = written(tmp_path / "trades.csv", TRADES), written(tmp_path / "book.csv", BOOK)
    actions = ["".join(row[0] for row in change) for change in told(source_of(*paths))]
    assert actions == ["RLL", "TT", "LL", "L", "RLL"]
    trades = told(source_of(paths[0]))
    assert trades == [[("T", "B", 10_100, 5), ("T", "A", 10_050, 10)]]


def test_symbols_of_one_file_have_books_of_their_own(tmp_path: Path) -> None:
    other = BOOK.replace("BTC", "ETH").replace("true,bid,100.5,", "true,bid,100.505,")
    lines = [
        line
        for pair in zip(BOOK.splitlines()[1:], other.splitlines()[1:], strict=True)
        for line in pair
    ]
    path = written(tmp_path / "book.csv", HEADER + "\n".join(lines))
    source = source_of(path)
    assert [(one.symbol, one.price_decimals) for one in source.instruments] == [
        ("BTC", 2), ("ETH", 3),
    ]  # fmt: skip
    events = [event for change in changes(source) for event in change]
    assert [chr(e.action) for e in events if e.instrument_id == 1] == [*"RLLLLLRLL"]
    assert [chr(e.action) for e in events if e.instrument_id == 2] == [*"RLLLLLRLL"]
    alone = source_of(path, symbols=["ETH"])
    assert len(alone.instruments) == 1
    assert sum(map(len, changes(alone))) == 9


def test_a_book_told_in_two_ways_is_refused(tmp_path: Path) -> None:
    paths = written(tmp_path / "a.csv", BOOK), written(tmp_path / "b.csv", SNAPSHOTS)
    with one_line_error(FeedError, str(paths[1]), "'BTC'", "play one"):
        source_of(*paths)


def test_a_known_instrument_keeps_its_decimals(tmp_path: Path) -> None:
    known = Instrument(5, "BTC", price_decimals=3, quantity_decimals=8, tick_size=1)
    source = source_of(written(tmp_path / "book.csv", BOOK), known={"BTC": known})
    assert told(source)[0][1] == ("L", "B", 100_500, 200_000_000)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2000,2100,false,bid,100.5,0", "2000,2100,false,bid,100.5.,0", ["'100.5.'", "byte"]),
        ("2000,2100,false,bid,100.5,0", "2000,2100,false,bud,100.5,0", ["'bud'", "bid or ask"]),
        ("2000,2100,false,bid,100.5,0", "2000,2100,maybe,bid,100.5,0", ["'maybe'"]),
        ("2000,2100,false,bid,100.5,0", "2000,2100,false,bid,100.5,-1", ["'-1'", "amount"]),
        ("2000,2100,false,bid,100.5,0", "2000,-2100,false,bid,100.5,0", ["'-2100'", "microsec"]),
    ],
)
def test_a_damaged_row_is_told_with_its_place_behind_all_before(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = written(tmp_path / "book.csv", BOOK.replace(old, new))
    source = source_of(path)
    seen = 0
    with one_line_error(FeedError, str(path), *words):
        for chunk in source.chunks():
            seen += len(chunk)
    assert seen in (0, 3), "the change at the damage may be longer than what is known of it"


@pytest.mark.parametrize("text", [BOOK, SNAPSHOTS, TRADES])
@pytest.mark.parametrize("packed", [False, True])
def test_the_format_is_told_by_its_header(tmp_path: Path, text: str, packed: bool) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert format_of(path).name == "tardis"
    assert format_of(path).open([path], OpenOptions()).instruments[0].symbol == "BTC"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "quotes.csv", "exchange,symbol,timestamp,local_timestamp,bid\n")
    with one_line_error(FeedError, str(path), "incremental_book_L2"):
        source_of(path)


@pytest.mark.parametrize("levels", [5, 25])
def test_recorded_snapshots_are_played_row_by_row(levels: int) -> None:
    path = recording(f"tardis/binance-futures_book_snapshot_{levels}_BTCUSDT.csv")
    source = source_of(path)
    (instrument,) = source.instruments
    book = OrderBook()
    rows = path.read_text().splitlines()[1:]
    found = changes(source)
    assert len(found) == len(rows) == 10
    for chunk in source.chunks():
        book.apply(chunk)
    numbers = rows[-1].split(",")[4:]
    view = book.mbp(levels + 1, 0)
    for held, first in ((view.asks, 0), (view.bids, 2)):
        wanted = [
            (round(float(numbers[n]) * 100), round(float(numbers[n + 1]) * 1000))
            for n in range(first, 4 * levels, 4)
        ]
        assert held[["price", "size"]].tolist() == wanted
    assert (instrument.price_decimals, instrument.quantity_decimals) == (2, 3)


def test_a_recorded_snapshot_of_a_book_is_played() -> None:
    source = source_of(recording("tardis/deribit_incremental_book_L2_BTC-PERPETUAL.csv"))
    (change,) = changes(source)
    assert [chr(event.action) for event in change] == ["R", *["L"] * 15]


@pytest.mark.parametrize("text", [BOOK, SNAPSHOTS, TRADES])
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.csv"

    @relaxed
    @given(data=damaged(text.encode()))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        play_damaged(path, lambda: source_of(path))

    check()
