"""LOBSTER's pairs of files: each message is a change, after which the book is its row."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Flag, Side
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.lobster import LobsterSource
from market_depth.feeds.lobster_check import check_day
from market_depth.instruments import Instrument
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.flow import Event, events_of
from support.hypothesis_settings import relaxed
from support.recordings import recording

NAME = "ACME_2012-06-21_34200000_57600000_{}_2.csv"
MESSAGES = """\
34200.004241176,1,11,18,1000000,1
34200.1,4,12,5,1000200,-1
34200.1,5,0,7,1000150,1
34201.000000001,2,11,8,1000000,1
34202,3,11,10,1000000,1
34203.5,7,0,0,-1,-1
34204.5,7,0,0,1,-1
"""
BOOK = """\
1000200,15,1000000,18,1000300,20,999900,9
1000200,10,1000000,18,1000300,20,999900,9
1000200,10,1000000,18,1000300,20,999900,9
1000200,10,1000000,10,1000300,20,999900,9
1000200,10,999900,9,1000300,20,-9999999999,0
1000200,10,999900,9,1000300,20,-9999999999,0
1000200,10,999900,9,1000300,20,-9999999999,0
"""
AMZN = "lobster/amzn_l1/AMZN_2012-06-21_34200000_57600000_{}_1.csv"
AAPL = "lobster/aapl_l10_first999/AAPL_2012-06-21_34200000_57600000_{}_10.csv"


def written(folder: Path, messages: str = MESSAGES, book: str = BOOK) -> Path:
    (folder / NAME.format("orderbook")).write_text(book)
    path = folder / NAME.format("message")
    path.write_text(messages)
    return path


def changes(source: LobsterSource) -> list[list[Event]]:
    found: list[list[Event]] = [[]]
    for chunk in source.chunks():
        for event in events_of(chunk):
            found[-1].append(event)
            if event.flags & Flag.LAST:
                found.append([])
    return found[:-1]


def test_each_message_is_a_change_and_its_row_the_book(tmp_path: Path) -> None:
    source = LobsterSource([written(tmp_path)], OpenOptions())
    (instrument,) = source.instruments
    assert (instrument.symbol, instrument.price_decimals, instrument.tick_size) == ("ACME", 4, 100)
    assert not instrument.has_orders
    opening, *found = changes(source)
    assert [(one.action, one.price, one.size) for one in opening] == [
        (Action.CLEAR, 0, 0),
        (Action.LEVEL, 999_900, 9),
        (Action.LEVEL, 1_000_200, 15),
        (Action.LEVEL, 1_000_300, 20),
    ]
    told = [[(chr(e.action), chr(e.side), e.price, e.size) for e in change] for change in found]
    assert told == [
        [("L", "B", 1_000_000, 18)],
        [("T", "B", 1_000_200, 5), ("L", "A", 1_000_200, 10)],
        [("T", "A", 1_000_150, 7)],
        [("L", "B", 1_000_000, 10)],
        [("L", "B", 1_000_000, 0)],
        [("S", "N", 6, BookStatus.HALTED)],
        [("S", "N", 0, BookStatus.LIVE)],
    ]
    assert [change[0].sequence for change in found] == [1, 2, 3, 4, 5, 6, 7]


def test_times_are_seconds_after_midnight_in_new_york(tmp_path: Path) -> None:
    found = changes(LobsterSource([written(tmp_path)], OpenOptions()))
    half_past_nine = int(datetime(2012, 6, 21, 13, 30, tzinfo=UTC).timestamp()) * 10**9
    assert found[1][0].ts_event == found[1][0].ts_recv == half_past_nine + 4_241_176
    assert found[4][0].ts_event == half_past_nine + 1_000_000_001
    winter = tmp_path / "winter"
    winter.mkdir()
    for name in ("message", "orderbook"):
        text = (tmp_path / NAME.format(name)).read_text()
        (winter / NAME.format(name).replace("06-21", "12-21")).write_text(text)
    path = winter / NAME.format("message").replace("06-21", "12-21")
    ((first, *_), *_) = changes(LobsterSource([path], OpenOptions()))
    assert first.ts_event == int(datetime(2012, 12, 21, 14, 30, tzinfo=UTC).timestamp()) * 10**9 + (
        4_241_176
    )


def test_either_file_names_the_pair_packed_or_not(tmp_path: Path) -> None:
    path = written(tmp_path)
    wanted = changes(LobsterSource([path], OpenOptions()))
    book = tmp_path / NAME.format("orderbook")
    assert changes(LobsterSource([book, path], OpenOptions())) == wanted
    packed = book.with_name(book.name + ".gz")
    packed.write_bytes(gzip.compress(book.read_bytes()))
    book.unlink()
    for one in (path, packed):
        assert format_of(one).name == "lobster"
        assert changes(LobsterSource([one], OpenOptions())) == wanted


def test_a_missing_half_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / NAME.format("orderbook")).unlink()
    with one_line_error(FeedError, str(path), "orderbook_2.csv", "beside"):
        LobsterSource([path], OpenOptions())


def test_a_half_that_is_shorter_ends_the_feed_behind_what_both_have(tmp_path: Path) -> None:
    path = written(tmp_path, book="".join(BOOK.splitlines(keepends=True)[:3]))
    source = LobsterSource([path], OpenOptions())
    seen = 0
    with one_line_error(FeedError, "orderbook_2.csv", "after 3 rows"):
        for chunk in source.chunks():
            seen += int(((chunk["flags"] & np.uint8(Flag.LAST)) != 0).sum())
    assert seen == 1 + 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("34201.000000001,2", "34201.0000000015,2", ["34201.0000000015", "decimals", "byte 84"]),
        ("34201.000000001,2", "-1,2", ["'-1'", "time of day"]),
        ("34201.000000001,2,11,8", "34201,2,11,8x", ["'8x'", "not a decimal number"]),
        ("34202,3,11,10", "34202,3,11", ["''"]),
    ],
)
def test_a_damaged_row_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = written(tmp_path, MESSAGES.replace(old, new))
    source = LobsterSource([path], OpenOptions())
    seen = 0
    with one_line_error(FeedError, str(path), *words):
        for chunk in source.chunks():
            seen += int(chunk["sequence"].max())
    assert seen >= 3


def test_a_known_instrument_keeps_its_tick(tmp_path: Path) -> None:
    known = Instrument(9, "ACME", price_decimals=2, quantity_decimals=1, tick_size=5)
    source = LobsterSource([written(tmp_path)], OpenOptions({"ACME": known}))
    (instrument,) = source.instruments
    assert (instrument.price_decimals, instrument.tick_size) == (4, 500)
    assert changes(source)[1][0].size == 180


def test_a_symbol_that_is_not_there_is_named(tmp_path: Path) -> None:
    with one_line_error(FeedError, "'ACNE'", "ACME"):
        LobsterSource([written(tmp_path)], OpenOptions(symbols=["ACNE"]))


def test_a_day_that_agrees_with_itself_passes(tmp_path: Path) -> None:
    assert check_day(written(tmp_path)) == (6, 6, None)


@pytest.mark.parametrize(
    ("old", "new", "passed"),
    [
        ("1000200,10,999900,9,1000300,20", "1000200,10,999900,8,1000300,20", 4),
        ("1000200,15", "1000200,16", 5),
        ("999900,9\n1000200,10,1000000,18", "999901,9\n1000200,10,1000000,18", 5),
        ("1000300,20,-9999999999,0", "1000300,20,1000100,5", 4),
    ],
)
def test_a_row_that_is_another_is_found(tmp_path: Path, old: str, new: str, passed: int) -> None:
    found = check_day(written(tmp_path, book=BOOK.replace(old, new, 1)))
    assert (found.made, found.passed) == (6, passed)
    assert found.first_difference is not None
    assert "row " in found.first_difference


@pytest.mark.parametrize(("name", "checks"), [(AMZN, 57_514), (AAPL, 998)])
def test_recorded_days_agree_with_themselves(name: str, checks: int) -> None:
    assert check_day(recording(name.format("message"))) == (checks, checks, None)


@pytest.mark.parametrize(("name", "levels"), [(AMZN, 1), (AAPL, 10)])
def test_recorded_days_are_played_row_by_row(name: str, levels: int) -> None:
    source = LobsterSource([recording(name.format("orderbook"))], OpenOptions())
    rows = recording(name.format("orderbook")).read_text().splitlines()[:2_000]
    events = np.concatenate(list(source.chunks()))
    ends = np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1
    book = OrderBook()
    book.apply(events[: ends[0]])
    for place, row in enumerate(rows):
        book.apply(events[ends[place] : ends[place + 1]])
        numbers = [int(text) for text in row.split(",")]
        view = book.mbp(levels + 1, 0)
        for held, first in ((view.asks, 0), (view.bids, 2)):
            told = [(numbers[n], numbers[n + 1]) for n in range(first, 4 * levels, 4)]
            assert held[["price", "size"]].tolist() == [one for one in told if one[1]]
    assert not any(book.anomalies)


@relaxed
@given(data=damaged(MESSAGES.encode()))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = written(folder)
    path.write_bytes(data)
    play_damaged(folder / "ACME_2012-06-21", lambda: LobsterSource([path], OpenOptions()))


@relaxed
@given(data=damaged(BOOK.encode()))
def test_any_damage_to_the_book_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = written(folder)
    (folder / NAME.format("orderbook")).write_bytes(data)
    play_damaged(folder / "ACME_2012-06-21", lambda: LobsterSource([path], OpenOptions()))


def test_the_side_of_a_trade_is_the_aggressors(tmp_path: Path) -> None:
    found = [
        event
        for change in changes(LobsterSource([written(tmp_path)], OpenOptions()))
        for event in change
        if event.action == Action.TRADE
    ]
    assert [event.side for event in found] == [Side.BID, Side.ASK]
