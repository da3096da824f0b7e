"""Stocks and their locates: which there are, which are wanted, and when their numbers change."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, StatusReason
from support import itch_files as itch
from support.errors import one_line_error
from support.flow import Event
from support.itch_files import ACME, BOLT, CORE, Stock

LATE = Stock(9, "LATE")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / itch.NAME


def adds(events: list[Event]) -> list[tuple[int, int]]:
    """Return the instrument ids and order ids of new orders."""
    return [(one.instrument_id, one.order_id) for one in events if one.action == Action.ADD]


def test_a_days_stocks_are_its_instruments(path: Path) -> None:
    path.write_bytes(itch.framed([*itch.opening(ACME, BOLT, CORE), itch.add(ACME, 1)]))
    instruments = itch.source_of(path).instruments
    assert [(one.instrument_id, one.symbol) for one in instruments] == [
        (1, "ACME"),
        (2, "BOLT"),
        (7, "CORE.A"),
    ]
    (details,) = {(one.price_decimals, one.quantity_decimals, one.tick_size) for one in instruments}
    assert details == (4, 0, 100)
    assert all(one.has_orders and one.may_cross for one in instruments)


def test_only_stocks_that_are_wanted_are_played(path: Path) -> None:
    orders = [itch.add(ACME, 1), itch.add(BOLT, 2), itch.add(CORE, 3), itch.delete(BOLT, 2)]
    path.write_bytes(itch.framed([*itch.opening(ACME, BOLT, CORE), *orders]))
    source = itch.source_of(path, symbols=["CORE.A", "BOLT", "CORE.A"])
    assert [one.symbol for one in source.instruments] == ["CORE.A", "BOLT"]
    events = itch.events_in(path, symbols=["CORE.A", "BOLT"])
    assert adds(events) == [(2, 2), (7, 3)]
    assert {one.instrument_id for one in events} == {2, 7}


@pytest.mark.parametrize("symbol", ["NONE", "acme", "ACME ", "", "ACMEACMEACME", "É", "1"])
def test_a_stock_that_is_not_there_is_refused(path: Path, symbol: str) -> None:
    path.write_bytes(itch.framed([*itch.opening(ACME, BOLT), itch.add(ACME, 1)]))
    with one_line_error(FeedError, str(path), "no symbol", "it has ACME, BOLT"):
        itch.source_of(path, symbols=["ACME", symbol])


def late_listing(orders_between: int = 3) -> list[bytes]:
    """Return a day in which a stock is listed behind the first orders, more than a megabyte on."""
    between = [itch.add(ACME, number) for number in range(1, 1 + orders_between)]
    orders = [itch.add(LATE, 101), itch.add(ACME, 102), itch.delete(LATE, 101)]
    return [*itch.opening(ACME, BOLT), *between, itch.directory(LATE), *orders]


@pytest.mark.parametrize("orders_between", [3, 40_000])
def test_a_stock_that_is_listed_late_is_found_if_it_is_wanted(
    path: Path, orders_between: int
) -> None:
    path.write_bytes(itch.framed(late_listing(orders_between)))
    source = itch.source_of(path, symbols=["LATE"])
    assert [one.instrument_id for one in source.instruments] == [LATE.locate]
    assert adds(itch.events_in(path, symbols=["LATE"])) == [(LATE.locate, 101)]


def test_a_stock_that_is_listed_late_is_left_out_otherwise(path: Path) -> None:
    path.write_bytes(itch.framed(late_listing(40_000)))
    assert [one.symbol for one in itch.source_of(path).instruments] == ["ACME", "BOLT"]
    events = itch.events_in(path)
    assert {one.instrument_id for one in events} == {ACME.locate, BOLT.locate}
    assert adds(events)[-1] == (ACME.locate, 102)


def test_locates_that_are_numbered_anew_stand_for_the_stocks_that_they_name(path: Path) -> None:
    first = [*itch.opening(ACME, BOLT), itch.add(ACME, 1), itch.add(BOLT, 2)]
    swapped = [BOLT._replace(locate=1), ACME._replace(locate=2), LATE._replace(locate=3)]
    second = [*itch.opening(*swapped), *(itch.add(one, 10 + one.locate) for one in swapped)]
    path.write_bytes(itch.framed(first) + b"\0\0" + itch.framed(second))
    events = itch.events_in(path, symbols=["ACME", "BOLT"])
    assert adds(events) == [(1, 1), (2, 2), (2, 11), (1, 12)]


def test_an_order_that_names_another_stock_gets_into_no_others_book(path: Path) -> None:
    stray = BOLT._replace(locate=ACME.locate)
    orders = [itch.add(ACME, 1), itch.add(stray, 2), itch.add(ACME, 3)]
    path.write_bytes(itch.framed([*itch.opening(ACME, BOLT), *orders]))
    assert adds(itch.events_in(path)) == [(ACME.locate, 1), (BOLT.locate, 2), (ACME.locate, 3)]


def test_without_a_directory_orders_name_their_stocks(path: Path) -> None:
    orders = [itch.add(ACME, 1), itch.add(BOLT, 2), itch.delete(CORE, 3), itch.delete(ACME, 1)]
    path.write_bytes(itch.framed(orders))
    instruments = itch.source_of(path).instruments
    assert [(one.instrument_id, one.symbol) for one in instruments] == [
        (1, "ACME"),
        (2, "BOLT"),
        (7, "7"),
    ]
    assert itch.statuses(itch.events_in(path)) == [
        (number, BookStatus.STALE, StatusReason.JOINED) for number in (1, 2, 7)
    ]


def test_a_stock_that_is_in_no_spin_is_halted_from_the_opening_on(path: Path) -> None:
    head = [itch.system("O"), *map(itch.directory, (ACME, BOLT)), itch.trading(ACME)]
    path.write_bytes(
        itch.framed([*head, itch.system("S"), itch.operational(BOLT, "T"), itch.trading(BOLT)])
    )
    live, halted = (BookStatus.LIVE, StatusReason.NONE), (BookStatus.HALTED, StatusReason.VENUE)
    assert itch.statuses(itch.events_in(path))[2:] == [
        (ACME.locate, *live),
        (BOLT.locate, *halted),
        (BOLT.locate, *halted),
        (BOLT.locate, *live),
    ]


def test_without_any_spin_nothing_is_halted(path: Path) -> None:
    path.write_bytes(
        itch.framed([itch.system("O"), itch.directory(ACME), itch.system("S"), itch.add(ACME, 1)])
    )
    assert itch.statuses(itch.events_in(path)) == [
        (ACME.locate, BookStatus.LIVE, StatusReason.NONE)
    ]


def test_a_recording_that_joins_a_day_is_stale_until_the_next_start(path: Path) -> None:
    joined = [itch.trading(ACME, "H"), itch.trading(ACME), itch.add(ACME, 1), itch.trading(ACME)]
    path.write_bytes(itch.framed([*joined, *itch.opening(ACME), itch.add(ACME, 2)]))
    events = itch.events_in(path)
    assert itch.statuses(events) == [
        (ACME.locate, BookStatus.STALE, StatusReason.JOINED),
        (ACME.locate, BookStatus.LIVE, StatusReason.NONE),
        (ACME.locate, BookStatus.LIVE, StatusReason.NONE),
    ]
    assert adds(events) == [(1, 1), (1, 2)]


def test_a_start_ends_all_orders(path: Path) -> None:
    path.write_bytes(
        itch.framed(
            [*itch.opening(ACME), itch.add(ACME, 1), itch.system("O"), itch.delete(ACME, 1)]
        )
    )
    events = itch.events_in(path)
    assert [one.action for one in events[-4:]] == [
        Action.ADD,
        Action.CLEAR,
        Action.STATUS,
        Action.CANCEL,
    ]
    assert events[-1].price == itch.UNDEFINED_PRICE


def test_books_that_were_live_before_are_recovered_by_a_start(path: Path) -> None:
    first = [*itch.opening(ACME), itch.add(ACME, 1)]
    path.write_bytes(
        itch.framed(first) + b"\0\0" + itch.framed([itch.add(ACME, 2), *itch.opening(ACME)])
    )
    events = itch.events_in(path)
    assert [status for _, status, _ in itch.statuses(events)] == [
        BookStatus.LIVE,
        BookStatus.LIVE,
        BookStatus.STALE,
        BookStatus.RECOVERED,
        BookStatus.LIVE,
    ]
