"""A book at the end of a recording beside what is known of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.verify.final_book import (
    check_final_book,
    is_final_book,
    read_final_books,
    tells_last_event,
)
from market_depth.verify.findings import Check
from market_depth.verify.suite import Suite
from support.documents import code_blocks
from support.errors import one_line_error
from support.flow import ASK, BID, add, at, batch
from support.recordings import recording
from support.sources import instrument

ONE = instrument(1, "ESH4", quantity_decimals=1)
EVENTS = batch(
    add(1, BID, 481_000, 20),
    add(2, BID, 481_000, 5),
    add(3, BID, 480_975, 30),
    at(7, add(4, ASK, 481_025, 40)._replace(sequence=59)),
)
KNOWN = {
    "symbol": "ESH4",
    "orders": 4,
    "bid_levels": 2,
    "ask_levels": 1,
    "best_bid": {"price": "4810.00", "size": 2.5, "orders": 2},
    "best_ask": {"price": 4810.25, "size": "4"},
    "bids": [{"price": 4810, "size": 2.5}, {"price": "4809.75", "size": 3, "orders": 1}],
    "asks": [{"price": "4810.25", "size": 4}],
    "ts_event": 7,
    "ts_recv": 7,
    "sequence": 59,
}


def checked(folder: Path, known: dict[str, Any]) -> Check:
    path = folder / "book.json"
    path.write_text(json.dumps(known))
    (final,) = read_final_books(path)
    book = OrderBook()
    book.apply(EVENTS)
    check = Check("final book", beside="book.json")
    check_final_book(final, ONE, book, EVENTS[-1], check)
    return check


def test_every_field_and_every_level_is_compared(tmp_path: Path) -> None:
    check = checked(tmp_path, KNOWN)
    assert (check.made, check.passed, check.difference) == (11, 11, None)


@pytest.mark.parametrize("name", [name for name in KNOWN if name not in ("symbol", "orders")])
def test_a_field_that_is_missing_is_not_compared(tmp_path: Path, name: str) -> None:
    rest = {field: value for field, value in KNOWN.items() if field != name}
    check = checked(tmp_path, rest)
    assert check.made == check.passed == 11 - (2 if name == "bids" else 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"orders": 5}, ["orders is 4, 5 in book.json"]),
        ({"sequence": 58}, ["sequence is 59, 58 in"]),
        ({"best_bid": {"price": "4810.00", "size": 2.4}}, ["bid level 1 "]),
        ({"best_ask": {"price": "4810.25", "size": 4, "orders": 2}}, ["ask level 1 "]),
        ({"bids": [{"price": 4810, "size": 2.5}, {"price": 4809, "size": 3}]}, ["bid level 2 "]),
        ({"asks": [KNOWN["best_ask"], {"price": 4811, "size": 3}]}, ["ask level 2 "]),
        ({"best_bid": {"price": "4810.005", "size": 2.5}}, ["bid level", "more than 2 decimals"]),
        ({"best_bid": {"price": "many", "size": 2.5}}, ["bid level", "'many'"]),
        ({"best_bid": {"price": [], "size": 2.5}}, ["bid level", "not a number"]),
    ],
)
def test_what_differs_is_told(tmp_path: Path, change: dict[str, Any], words: list[str]) -> None:
    check = checked(tmp_path, {**KNOWN, **change})
    assert check.made - check.passed == 1
    assert check.difference is not None
    assert all(word in check.difference.text for word in ["ESH4", *words])


def test_the_book_is_shown_beside_what_was_known(tmp_path: Path) -> None:
    check = checked(tmp_path, {"asks": [{"price": "4810.50", "size": 4}]})
    assert check.difference is not None
    assert "4810.25 × 4.0 in 1  4810.50 × 4.0  ≠" in check.difference.book[1]


def test_books_of_several_symbols_are_an_array(tmp_path: Path) -> None:
    path = tmp_path / "books.json"
    path.write_text(json.dumps([{"symbol": "A", "orders": 1}, {"symbol": "B", "orders": 2}]))
    assert [(one.symbol, one.orders) for one in read_final_books(path)] == [("A", 1), ("B", 2)]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"symbol":"A"}', '{"orders":"x"}', "[1]"])
def test_what_tells_no_final_book_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book.json"
    path.write_text(text)
    with one_line_error(FeedError, str(path), "no final book"):
        read_final_books(path)


def test_final_books_are_recognised() -> None:
    assert is_final_book(json.dumps(KNOWN).encode())
    assert is_final_book(b' [{"orders": 1}]')
    assert not is_final_book(b'{"bids":[["1","2"]]}')
    assert not is_final_book(b"orders")


@pytest.mark.parametrize(
    ("told", "is_its_own"),
    [
        ({"sequence": 59}, True),
        ({"sequence": 59, "ts_event": 7}, True),
        ({"sequence": 59, "ts_event": 8}, False),
        ({}, False),
    ],
)
def test_the_last_event_tells_whose_book_it_is(
    tmp_path: Path, told: dict[str, int], is_its_own: bool
) -> None:
    path = tmp_path / "book.json"
    path.write_text(json.dumps({"orders": 4, **told}))
    (book,) = read_final_books(path)
    assert tells_last_event(book, EVENTS[-1]) is is_its_own


def test_the_book_in_the_documents_is_that_of_its_recording(tmp_path: Path) -> None:
    (text,) = code_blocks("docs/verify.md", "json")
    book = tmp_path / "book.json"
    book.write_text(text)
    assert len(read_final_books(book)) == 1
    (path,) = recording("databento/esh4").glob("*20231225*")
    (report,) = Suite().of_files([path, book])
    (check,) = [one for one in report.checks if one.name == "final book"]
    assert (check.made, check.passed) == (10, 10)
