"""Days of several stocks, played beside a plain decoder and plain books; cut off, and damaged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

import pytest
from benchmarks.itch_flow import write_day
from benchmarks.plain_itch import PlainItch
from hypothesis import given, settings
from hypothesis import strategies as st

from market_depth.book import BookPolicy, Books
from support import itch_files as itch
from support.compare import assert_same
from support.damage import damaged, play_damaged
from support.flow import Event
from support.hypothesis_settings import relaxed
from support.itch_files import MIDNIGHT_NS, STOCKS, Stock
from support.naive_book import NaiveBook

HEAD = itch.opening(*STOCKS)
_SOME_ID = st.one_of(st.integers(1, 12), st.integers(2**63, 2**64 - 1))
_SHARES = st.one_of(st.integers(0, 9), st.integers(0, 2**32 - 1))
_PRICES = st.one_of(st.integers(99_900, 100_100), st.integers(0, 2**32 - 1))


class _Day:
    """A day as it is made up: messages, and the orders that rest."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.orders: dict[int, Stock] = {}


def _put(draw: st.DrawFn, day: _Day) -> None:
    """Add an order, of an id that may be there."""
    stock, order_id = draw(st.sampled_from(STOCKS)), draw(_SOME_ID)
    side, participant = draw(st.sampled_from("BS")), draw(st.sampled_from(["", "NSDQ"]))
    shares, price = draw(_SHARES), draw(_PRICES)
    day.messages.append(itch.add(stock, order_id, side, shares, price, participant=participant))
    day.orders[order_id] = stock


def _change(draw: st.DrawFn, day: _Day) -> None:
    """Execute, cancel, delete or replace an order, mostly one that may rest."""
    order_id = draw(st.sampled_from(list(day.orders)) if day.orders else _SOME_ID)
    if draw(st.integers(0, 9)) == 0:
        order_id = draw(_SOME_ID)
    stock = day.orders.get(order_id, STOCKS[0])
    shares, price = draw(_SHARES), draw(_PRICES)
    match draw(st.sampled_from("EEECCXXXDDDDUUUU")):
        case "E":
            message = itch.execute(stock, order_id, shares)
        case "C":
            printed = draw(st.sampled_from("YN"))
            message = itch.execute(stock, order_id, shares, price=price, printed=printed)
        case "X":
            message = itch.cancel(stock, order_id, shares)
        case "D":
            message = itch.delete(stock, order_id)
        case _:
            new_id = draw(_SOME_ID)
            message = itch.replace(stock, order_id, new_id, shares, price)
            day.orders[new_id] = stock
    day.messages.append(message)


def _tell(draw: st.DrawFn, day: _Day) -> None:
    """Tell what changes no order."""
    stock = draw(st.sampled_from(STOCKS))
    shares, price = draw(st.integers(0, 10**9)), draw(_PRICES)
    beside = [
        itch.trade(stock, shares, price),
        itch.cross(stock, shares, price),
        itch.broken(stock, shares),
        itch.trading(stock, draw(st.sampled_from("HPQT"))),
        itch.operational(stock, draw(st.sampled_from("HT"))),
        itch.directory(stock),
        itch.system("Q"),
        *itch.others(stock),
    ]
    day.messages.append(draw(st.sampled_from(beside)))


@st.composite
def days(draw: st.DrawFn) -> list[bytes]:
    """Return the messages behind an opening."""
    day = _Day()
    acts = st.sampled_from([_put, _put, _change, _change, _change, _tell])
    for act in draw(st.lists(acts, max_size=40) | st.lists(acts, min_size=20, max_size=40)):
        act(draw, day)
    return day.messages


def plain_events(data: bytes) -> list[Event]:
    return [Event(*fields) for fields in PlainItch(MIDNIGHT_NS).events(data)]


def played(path: Path) -> tuple[list[Event], Books]:
    """Return the events of a file that are about orders and trades, and the books."""
    events: list[Event] = []
    source = itch.source_of(path)
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    for chunk in source.chunks():
        books.apply(chunk)
        events += itch.of_orders(map(Event._make, chunk.tolist()))
    return events, books


def assert_books(books: Books, events: Sequence[Event], stocks: Sequence[int]) -> None:
    """Compare books with plain ones to which the same has happened."""
    for number in stocks:
        oracle = NaiveBook()
        oracle.sequence = 1  # the clear at the start
        oracle.apply(one for one in events if one.instrument_id == number)
        assert_same(books[number], oracle, MIDNIGHT_NS + 12 * 3600 * 10**9)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("itch") / itch.NAME


@relaxed
@given(messages=days())
def test_books_are_those_of_a_plain_decoder(path: Path, messages: list[bytes]) -> None:
    data = itch.framed([*HEAD, *messages])
    path.write_bytes(data)
    events, books = played(path)
    expected = plain_events(data)
    assert events == expected
    assert_books(books, expected, [stock.locate for stock in STOCKS])


def test_a_busy_day_of_many_stocks(path: Path) -> None:
    write_day(path, 60_000, stocks=300, most_resting=20_000)
    events, books = played(path)
    expected = plain_events(path.read_bytes())
    assert events == expected
    assert_books(books, expected, range(1, 301))
    assert sum(books[number].order_count for number in range(1, 301)) > 8_192, "the table grew"
    assert not any(any(books[number].anomalies) for number in range(1, 301))


def test_replaced_orders_queue_anew(path: Path) -> None:
    stock = STOCKS[0]
    path.write_bytes(
        itch.framed(
            [
                *HEAD,
                itch.add(stock, 1, "B", 100, 10_0000),
                itch.add(stock, 2, "B", 100, 10_0000),
                itch.replace(stock, 1, 3, 50, 10_0000),
                itch.execute(stock, 2, 100),
            ]
        )
    )
    _, books = played(path)
    bids = books[stock.locate].mbo(1, 0).bids
    assert bids[["order_id", "size"]].tolist() == [(3, 50)]
    path.write_bytes(path.read_bytes()[: -2 - itch.LENGTHS["E"]])
    _, books = played(path)
    bids = books[stock.locate].mbo(1, 0).bids
    assert bids["order_id"].tolist() == [2, 3], "less shares at the price, and yet behind"


@relaxed
@given(messages=days(), data=st.data())
def test_of_a_file_that_is_cut_off_what_is_whole_is_played(
    path: Path, messages: list[bytes], data: st.DataObject
) -> None:
    whole = itch.framed([*HEAD, *messages])
    ends = list(accumulate(2 + len(one) for one in (*HEAD, *messages)))
    cut = data.draw(st.integers(ends[2], len(whole)), label="cut")
    path.write_bytes(whole[:cut])
    if cut in ends:
        events = itch.events_in(path)
    else:
        events = itch.until_damage(path, f"cut off at byte {cut}")
    assert itch.of_orders(events) == plain_events(whole[:cut])


@settings(relaxed, max_examples=200)
@given(
    data=st.one_of(days(), st.just([])).flatmap(
        lambda messages: damaged(itch.framed([*HEAD, *messages]))
    )
)
def test_any_damage_gives_events_or_one_error(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    play_damaged(path, partial(itch.source_of, path, format_name="itch"))


@settings(relaxed, max_examples=200)
@given(messages=days(), data=st.data())
def test_a_flipped_bit_gives_events_or_one_error(
    path: Path, messages: list[bytes], data: st.DataObject
) -> None:
    flipped = bytearray(itch.framed([*HEAD, *messages]))
    bit = data.draw(st.integers(0, 8 * len(flipped) - 1), label="bit")
    flipped[bit // 8] ^= 1 << bit % 8
    path.write_bytes(flipped)
    play_damaged(path, partial(itch.source_of, path, format_name="itch"))


def test_what_is_no_side_is_damage(path: Path) -> None:
    whole = itch.framed([*HEAD, itch.add(STOCKS[0], 1)])
    wrong = itch.framed([itch.add(STOCKS[0], 2, "X"), itch.add(STOCKS[0], 3)])
    path.write_bytes(whole + wrong)
    events = itch.until_damage(path, f"byte {len(whole)}", "'A' can't be right")
    assert itch.of_orders(events) == plain_events(whole)
