"""What each message of ITCH 5.0 becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_depth.events import Action, BookStatus, Flag, Side, StatusReason
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.itch import message_counts
from support import itch_files as itch
from support.flow import Event
from support.itch_files import ACME, BOLT, FIRST_NS, LENGTHS, MIDNIGHT_NS, UNDEFINED_PRICE
from support.sources import instrument

BID, ASK, NO_SIDE = Side.BID, Side.ASK, Side.NONE
HEAD = itch.opening(ACME)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / itch.NAME


def events_of(path: Path, *messages: bytes) -> list[Event]:
    """Return the events of messages behind a day's opening."""
    path.write_bytes(itch.framed([*HEAD, *messages]))
    before = 2 + 1  # clear and status at the start, status of the spin
    return itch.events_in(path)[before:]


def event(
    number: int,
    action: Action,
    order_id: int = 0,
    side: Side = NO_SIDE,
    size: int = 0,
    price: int = UNDEFINED_PRICE,
    *,
    is_last: bool = True,
) -> Event:
    """Return an event of the message that is *number* behind the opening."""
    return Event(
        ts_event=MIDNIGHT_NS + FIRST_NS,
        ts_recv=MIDNIGHT_NS + FIRST_NS,
        order_id=order_id,
        price=price,
        size=size,
        sequence=len(HEAD) + number,
        instrument_id=ACME.locate,
        action=action,
        side=side,
        flags=Flag.LAST if is_last else 0,
    )


def every_type() -> list[bytes]:
    """Return messages of all types, those of orders in an order that can be."""
    return [
        *HEAD,
        *itch.others(ACME),
        itch.operational(ACME, "T"),
        itch.add(ACME, 1, "B", 100, 10_0000),
        itch.add(ACME, 2, "S", 100, 11_0000, participant="NSDQ"),
        itch.execute(ACME, 1, 10),
        itch.execute(ACME, 2, 10, price=10_5000),
        itch.cancel(ACME, 1, 10),
        itch.replace(ACME, 1, 3, 50, 9_0000),
        itch.delete(ACME, 2),
        itch.trade(ACME, 5, 10_2500),
        itch.cross(ACME, 500, 10_0000),
        itch.broken(ACME, 5),
    ]


def test_every_type_is_known_by_its_length(path: Path) -> None:
    messages = every_type()
    assert {chr(one[0]): len(one) for one in messages} == LENGTHS
    path.write_bytes(itch.framed(messages))
    assert message_counts(path).keys() == LENGTHS.keys()
    assert sum(message_counts(path).values()) == len(messages)
    assert itch.events_in(path)[-1].sequence == len(messages)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("kind", sorted(LENGTHS))
def test_a_message_of_another_length_is_damage(path: Path, kind: str, change: int) -> None:
    messages = every_type()
    right = next(one for one in messages if one[:1] == kind.encode())
    wrong = right + b"\0" if change > 0 else right[:-1]
    path.write_bytes(itch.framed(messages))
    whole = itch.events_in(path)
    path.write_bytes(itch.framed([*messages, wrong, *messages]))
    place = len(itch.framed(messages))
    told = f"{kind!r} has {len(wrong)} bytes, not {LENGTHS[kind]}"
    assert itch.until_damage(path, f"byte {place}", told) == whole


def test_a_day_begins_with_empty_books_that_are_live(path: Path) -> None:
    path.write_bytes(itch.framed(itch.opening(ACME, BOLT)[:3]))
    events = itch.events_in(path)
    assert [(one.instrument_id, one.action, one.flags) for one in events] == [
        (locate, action, flags)
        for locate in (ACME.locate, BOLT.locate)
        for action, flags in ((Action.CLEAR, 0), (Action.STATUS, Flag.LAST))
    ]
    assert {one.size for one in events if one.action == Action.STATUS} == {BookStatus.LIVE}
    assert {(one.ts_event, one.sequence) for one in events} == {(MIDNIGHT_NS + FIRST_NS, 1)}


@pytest.mark.parametrize("participant", ["", "NSDQ"])
@pytest.mark.parametrize(("letter", "side"), [("B", BID), ("S", ASK)])
def test_a_new_order(path: Path, letter: str, side: Side, participant: str) -> None:
    message = itch.add(ACME, 2**64 - 1, letter, 300, 101_2300, participant=participant)
    added = event(1, Action.ADD, 2**64 - 1, side, 300, 101_2300)
    assert events_of(path, message) == [added]


@pytest.mark.parametrize(("letter", "side", "other"), [("B", BID, ASK), ("S", ASK, BID)])
def test_an_execution_trades_at_the_orders_price(
    path: Path, letter: str, side: Side, other: Side
) -> None:
    events = events_of(
        path, itch.add(ACME, 11, letter, 100, 10_0000), itch.execute(ACME, 11, 40, match=77)
    )
    assert events[1:] == [
        event(2, Action.TRADE, 77, other, 40, 10_0000, is_last=False),
        event(2, Action.FILL, 11, side, 40, 10_0000, is_last=False),
        event(2, Action.CANCEL, 11, side, 40, 10_0000),
    ]


@pytest.mark.parametrize("printed", ["Y", "N"])
def test_an_execution_at_another_price_is_a_trade_if_it_is_printed(
    path: Path, printed: str
) -> None:
    events = events_of(
        path,
        itch.add(ACME, 11, "S", 100, 10_0000),
        itch.execute(ACME, 11, 40, match=77, price=9_9900, printed=printed),
    )
    trade = event(2, Action.TRADE, 77, BID, 40, 9_9900, is_last=False)
    assert events[1:] == [
        *([trade] if printed == "Y" else []),
        event(2, Action.FILL, 11, ASK, 40, 9_9900, is_last=False),
        event(2, Action.CANCEL, 11, ASK, 40, 9_9900),
    ]


def test_a_cancel_takes_shares_and_a_delete_all_that_are_left(path: Path) -> None:
    events = events_of(
        path,
        itch.add(ACME, 11, "B", 100, 10_0000),
        itch.cancel(ACME, 11, 30),
        itch.delete(ACME, 11),
        itch.delete(ACME, 11),
    )
    assert events[1:] == [
        event(2, Action.CANCEL, 11, BID, 30, 10_0000),
        event(3, Action.CANCEL, 11, BID, 0, 10_0000),
        event(4, Action.CANCEL, 11),
    ]


def test_an_order_that_has_no_shares_left_is_gone(path: Path) -> None:
    events = events_of(
        path,
        itch.add(ACME, 11, "B", 100, 10_0000),
        itch.execute(ACME, 11, 60),
        itch.cancel(ACME, 11, 40),
        itch.delete(ACME, 11),
    )
    assert events[-1] == event(4, Action.CANCEL, 11)


def test_a_replacement_is_one_change_and_has_the_side_of_what_it_replaces(path: Path) -> None:
    events = events_of(
        path,
        itch.add(ACME, 11, "S", 100, 10_0000),
        itch.replace(ACME, 11, 12, 250, 10_0100),
        itch.execute(ACME, 12, 250, match=9),
    )
    assert events[1:] == [
        event(2, Action.CANCEL, 11, ASK, 0, 10_0000, is_last=False),
        event(2, Action.ADD, 12, ASK, 250, 10_0100),
        event(3, Action.TRADE, 9, BID, 250, 10_0100, is_last=False),
        event(3, Action.FILL, 12, ASK, 250, 10_0100, is_last=False),
        event(3, Action.CANCEL, 12, ASK, 250, 10_0100),
    ]


def test_an_order_may_be_replaced_under_its_own_id(path: Path) -> None:
    events = events_of(
        path, itch.add(ACME, 11), itch.replace(ACME, 11, 11, 5, 9_0000), itch.delete(ACME, 11)
    )
    assert events[-1] == event(3, Action.CANCEL, 11, BID, 0, 9_0000)


def test_an_id_that_is_used_once_more_is_the_newer_orders(path: Path) -> None:
    events = events_of(
        path,
        itch.add(ACME, 11, "B", 100, 10_0000),
        itch.add(ACME, 11, "S", 50, 11_0000),
        itch.delete(ACME, 11),
        itch.delete(ACME, 11),
    )
    assert events[2:] == [
        event(3, Action.CANCEL, 11, ASK, 0, 11_0000),
        event(4, Action.CANCEL, 11),
    ]


def test_orders_that_were_never_seen_have_no_price_and_no_side(path: Path) -> None:
    events = events_of(
        path,
        itch.execute(ACME, 5, 10, match=3),
        itch.execute(ACME, 5, 10, match=3, price=10_0000),
        itch.cancel(ACME, 5, 10),
        itch.replace(ACME, 5, 6, 10, 10_0000),
        itch.delete(ACME, 6),
    )
    assert [(one.action, one.price, one.side, one.size) for one in events] == [
        (Action.TRADE, UNDEFINED_PRICE, NO_SIDE, 10),
        (Action.FILL, UNDEFINED_PRICE, NO_SIDE, 10),
        (Action.CANCEL, UNDEFINED_PRICE, NO_SIDE, 10),
        (Action.TRADE, 10_0000, NO_SIDE, 10),
        (Action.FILL, 10_0000, NO_SIDE, 10),
        (Action.CANCEL, 10_0000, NO_SIDE, 10),
        (Action.CANCEL, UNDEFINED_PRICE, NO_SIDE, 10),
        (Action.CANCEL, UNDEFINED_PRICE, NO_SIDE, 0),
        (Action.CANCEL, UNDEFINED_PRICE, NO_SIDE, 0),
    ]


def test_no_shares_are_no_change(path: Path) -> None:
    events = events_of(
        path, itch.add(ACME, 11), itch.execute(ACME, 11, 0), itch.cancel(ACME, 11, 0)
    )
    assert [one.action for one in events] == [Action.ADD, Action.NONE, Action.NONE]


def test_trades_beside_the_book(path: Path) -> None:
    events = events_of(
        path,
        itch.trade(ACME, 25, 10_0150, match=6),
        itch.cross(ACME, 2**40, 10_0000, match=8),
        itch.cross(ACME, 0, 10_0000),
        itch.broken(ACME, 6),
    )
    assert events == [
        event(1, Action.TRADE, 6, NO_SIDE, 25, 10_0150),
        event(2, Action.TRADE, 8, NO_SIDE, 10**9, 10_0000),
        event(4, Action.NONE, 6),
    ]


@pytest.mark.parametrize("state", ["H", "P", "Q"])
def test_a_stock_that_is_not_trading_is_halted(path: Path, state: str) -> None:
    events = events_of(path, itch.trading(ACME, state), itch.trading(ACME, "T"))
    assert itch.statuses(events) == [
        (ACME.locate, BookStatus.HALTED, StatusReason.VENUE),
        (ACME.locate, BookStatus.LIVE, StatusReason.NONE),
    ]


@pytest.mark.parametrize("first", ["operational", "trading"])
def test_a_stock_trades_again_when_no_halt_is_left(path: Path, first: str) -> None:
    halts = [itch.operational(ACME, "H"), itch.trading(ACME, "H")]
    ends = [itch.operational(ACME, "T"), itch.trading(ACME, "T")]
    if first == "trading":
        ends.reverse()
    events = events_of(path, *halts, *ends)
    halted = [status is BookStatus.HALTED for _, status, _ in itch.statuses(events)]
    assert halted == [True, True, True, False]


def test_what_is_about_no_order_gives_no_events(path: Path) -> None:
    ends = [itch.system(code) for code in "QMEC"]
    assert events_of(path, *itch.others(ACME), *ends) == []


def test_decimals_that_are_known_are_kept(path: Path) -> None:
    known = instrument(5, ACME.symbol, price_decimals=6, quantity_decimals=3)
    path.write_bytes(itch.framed([*HEAD, itch.add(ACME, 1, "B", 7, 10_1234)]))
    source = format_of(path).open([path], OpenOptions({ACME.symbol: known}))
    (one,) = source.instruments
    assert (one.price_decimals, one.quantity_decimals, one.tick_size) == (6, 3, 1)
    added = list(source.chunks())[-1][-1]
    assert (added["price"], added["size"]) == (10_123_400, 7_000)


@pytest.mark.parametrize(
    ("name", "midnight_ns"),
    [
        ("12302019.NASDAQ_ITCH50", 1_577_682_000 * 10**9),  # winter: five hours behind UTC
        ("20190830.BX_ITCH_50", 1_567_137_600 * 10**9),  # summer: four
        ("S081322-v50.txt", 1_660_363_200 * 10**9),
        ("recording.itch", 0),
        ("20191399.itch", 0),
    ],
)
def test_times_are_of_the_day_in_the_files_name(
    tmp_path: Path, name: str, midnight_ns: int
) -> None:
    path = tmp_path / name
    path.write_bytes(itch.framed([*HEAD, itch.add(ACME, 1, time_ns=34_200 * 10**9 + 1)]))
    *_, added = itch.events_in(path)
    assert added.ts_event == added.ts_recv == midnight_ns + 34_200 * 10**9 + 1
