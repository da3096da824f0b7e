"""Recordings of venues' messages beside the venues' own words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.venue_source import VenueSource
from market_depth.verify.findings import Check, Report
from market_depth.verify.venues import check_venue, tells_no_books
from support.checked_files import capture, diff, messages
from support.dbn_files import TIME_NS
from support.recordings import recording


def checked(path: Path) -> Report:
    report = Report("", [])
    source = format_of(path).open([path], OpenOptions())
    assert isinstance(source, VenueSource)
    check_venue(source, report)
    return report


def check_of(report: Report, name: str) -> Check:
    (check,) = [one for one in report.checks if one.name == name]
    return check


def test_books_are_as_the_venue_says(tmp_path: Path) -> None:
    report = checked(capture(tmp_path / "capture", messages()))
    assert report.is_good
    assert [(one.name, one.made, one.passed) for one in report.checks] == [
        ("update id", 3, 3),
        ("times in order", 10, 10),
        ("not crossed", 5, 5),
        ("bookTicker", 2, 2),
        ("invariants", 1, 1),
    ]
    assert report.figures["messages"] == 6
    assert report.figures["level"] == 3


def test_a_size_that_is_another_is_found_at_its_message(tmp_path: Path) -> None:
    path = capture(tmp_path / "capture", messages(size="2.75"))
    check = check_of(checked(path), "bookTicker")
    assert (check.made, check.passed) == (2, 1)
    assert check.difference is not None
    offset = path.read_bytes().index(b'{"u"') - len(f"{TIME_NS} ")
    assert f"{path}, message at byte {offset}: B: bid level 1" in check.difference.text
    shown = [" ".join(line.split()) for line in check.difference.book[:2]]
    assert shown == [
        "bids expected asks expected",
        "1 100.50 × 2.75 100.50 × 2.50 ≠ 101.00 × 3.00 101.00 × 3.00",
    ]


def test_a_message_that_lacks_is_found_with_the_book_before_it(tmp_path: Path) -> None:
    entries = messages()
    del entries[2]
    report = checked(capture(tmp_path / "capture", entries))
    check = check_of(report, "update id")
    assert (check.made, check.passed) == (1, 0)
    assert check.difference is not None
    assert "from 4 on instead of 3" in check.difference.text
    assert check.difference.book[0] == "the book before it"
    assert "100.50 × 2.00" in check.difference.book[2]
    assert report.figures["gaps"] == 1


def test_a_damaged_message_ends_it_behind_what_has_been_checked(tmp_path: Path) -> None:
    path = capture(tmp_path / "capture", [*messages(), diff(6, [["x", "1"]], [])])
    report = Report("", [])
    source = format_of(path).open([path], OpenOptions())
    assert isinstance(source, VenueSource)
    with pytest.raises(FeedError, match="'x'"):
        check_venue(source, report)
    assert check_of(report, "bookTicker").passed == 2
    assert check_of(report, "invariants").passed == 1


def order(event: str, number: int, price: str, amount: str) -> str:
    told = {"price": price, "amount": amount, "datetime": "1", "id": number, "order_type": 0}
    return f"order_{event} {json.dumps(told)}"


def test_of_a_book_that_is_not_whole_equal_levels_are_counted(tmp_path: Path) -> None:
    lines = [order("created", n, str(100 + n), "1.5") for n in range(20)]
    for n in range(20):
        told = {"bids": [["119", "1.5"], ["50", "1"]] if n < 10 else [["119", "1.5"]], "asks": []}
        lines.append(f"order_book {json.dumps(told)}")
    path = tmp_path / "capture"
    path.write_text("".join(f"{TIME_NS // 10**6} {line}\n" for line in lines))
    report = checked(path)
    check = check_of(report, "order_book")
    assert (check.made, check.passed, check.is_soft) == (30, 20, True)
    assert report.figures["equal levels, first tenth"] == 0.5
    assert report.figures["equal levels, last tenth"] == 1.0
    assert report.figures["order_book compared"] == 20
    assert report.is_good


def test_messages_about_no_book_tell_none(tmp_path: Path) -> None:
    text = '{"event":"subscriptionStatus","pair":"A/B","status":"subscribed"}'
    path = tmp_path / "capture"
    path.write_text(f"wss://ws.kraken.com <-> 1.5\n2.5: {text}\n")
    assert tells_no_books("kraken", [path])
    path.write_text("wss://ws.kraken.com <-> 1.5\n2.5: [1\n")
    with pytest.raises(FeedError):
        tells_no_books("kraken", [path])


@pytest.mark.parametrize(
    ("name", "check", "made"),
    [
        ("OKX.ws.1.0", "checksum", 290),
        ("OKX.ws.1.0", "CRC-32", 290),
        ("BINANCE.ws.1.0", "bookTicker", 26),
    ],
)
def test_recorded_books_are_as_the_venue_says(name: str, check: str, made: int) -> None:
    found = check_of(checked(recording(f"cryptofeed/{name}")), check)
    assert (found.made, found.passed) == (made, made)
