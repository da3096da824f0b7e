from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.kraken import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

Rows = Sequence[list[str]]
PAIR = "XBT/USD"
TIME = "1534614248.765567"
ASKS = [["5541.30000", "2.50700000", TIME], ["5541.80000", "0.33000000", TIME]]
BIDS = [["5541.20000", "1.52900000", TIME], ["5539.90000", "0.30000000", TIME]]


def snapshot(depth: int = 10, pair: str = PAIR) -> list[object]:
    return [0, {"as": ASKS, "bs": BIDS}, f"book-{depth}", pair]


def update(
    digits: str | None,
    bids: Rows = (),
    asks: Rows = (),
    depth: int = 10,
) -> list[object]:
    """Return an update whose checksum is of *digits*; it has none if there are none."""
    sides: list[dict[str, object]] = [
        {key: rows} for key, rows in (("a", asks), ("b", bids)) if rows
    ]
    if digits is not None:
        sides[-1]["c"] = str(crc32(digits.encode()))
    return [0, *sides, f"book-{depth}", PAIR]


NEWER = "1534614250.000001"
NEW_BID = [["5541.20000", "0.00100000", NEWER]]
NEW_BID_DIGITS = "5541300002507000005541800003300000055412000010000055399000030000000"


def test_a_snapshot_makes_the_book_and_updates_change_it() -> None:
    venue = Connection(VENUE)
    assert venue.receive(snapshot()) == [
        "XBT/USD snapshot 5541.20000@1.52900000 5539.90000@0.30000000 "
        "| 5541.30000@2.50700000 5541.80000@0.33000000"
    ]
    assert venue.heard.checks == {}
    assert venue.receive(update(NEW_BID_DIGITS, NEW_BID)) == [
        "XBT/USD levels 5541.20000@0.00100000 |"
    ]
    assert venue.heard.times == [1_534_614_248_765_567_000, 1_534_614_250_000_001_000]
    assert venue.heard.checks == {"checksum": 1, "CRC-32": 1}
    assert venue.heard.compared == {True: 4}


def test_zeros_in_front_do_not_count() -> None:
    venue = Connection(VENUE)
    venue.receive([0, {"as": [["0.05000", "0.00000500", TIME]], "bs": []}, "book-10", PAIR])
    venue.receive(update("500050047655000", [["0.04765", "0.0005000", TIME]]))
    assert venue.heard.checks["checksum"] == 1


def test_an_update_of_both_sides_is_one_change() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    digits = "55413000025070000055399000030000000"
    bids = [["5541.20000", "0.00000000", NEWER]]
    asks = [["5541.80000", "0.00000000", NEWER]]
    assert venue.receive(update(digits, bids, asks)) == [
        "XBT/USD levels 5541.20000@0.00000000 | 5541.80000@0.00000000"
    ]
    assert venue.heard.checks["checksum"] == 1


def test_the_last_row_of_a_price_counts_and_times_of_republished_levels_do_not() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    rows = [
        ["5541.30000", "0.00000000", "1534614249.000000"],
        ["5541.30000", "7.00000000", "1534614249.500000"],
        ["5542.50000", "0.40100000", "1534614100.456738", "r"],
    ]
    digits = "5541300007000000005541800003300000055425000040100000"
    venue.receive(update(digits + "55412000015290000055399000030000000", asks=rows))
    assert venue.heard.checks["checksum"] == 1
    assert venue.heard.times[-1] == 1_534_614_249_500_000_000


def test_levels_behind_the_subscribed_depth_are_removed_without_a_word_of_the_venue() -> None:
    venue = Connection(VENUE)
    bids = [[f"{price}.0", "1.0", TIME] for price in range(110, 100, -1)]
    venue.receive([0, {"as": [], "bs": bids}, "book-10", PAIR])
    digits = "".join(f"{price}010" for price in range(111, 101, -1))
    assert venue.receive(update(digits, [["111.0", "1.0", TIME]])) == [
        "XBT/USD levels 111.0@1.0 101.0@0 |"
    ]
    assert len(venue.heard.levels_of(PAIR)[0]) == 10
    again = [["111.0", "0.0", NEWER], ["101.0", "1.0", TIME, "r"]]
    digits = "".join(f"{price}010" for price in range(110, 100, -1))
    assert venue.receive(update(digits, again)) == ["XBT/USD levels 111.0@0.0 101.0@1.0 |"]
    assert venue.heard.checks["checksum"] == 2


def test_a_level_deeper_than_subscribed_is_sent_on_and_removed_at_once() -> None:
    venue = Connection(VENUE)
    bids = [[f"{price}.0", "1.0", TIME] for price in range(110, 100, -1)]
    venue.receive([0, {"as": [], "bs": bids}, "book-10", PAIR])
    lines = venue.receive(update(None, [["99.0", "1.0", TIME]]))
    assert lines == ["XBT/USD levels 99.0@1.0 99.0@0 |"]


def test_a_wrong_checksum_makes_the_book_stale_until_the_next_snapshot() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    good = update(NEW_BID_DIGITS, NEW_BID)
    assert venue.receive(update("1", NEW_BID), good) == ["XBT/USD STALE/CHECKSUM"]
    found, wanted = crc32(NEW_BID_DIGITS.encode()), crc32(b"1")
    assert venue.heard.failed == [
        f"XBT/USD checksum {found} instead of the venue's {wanted}",
    ]
    assert venue.receive(snapshot())[1:] == ["XBT/USD RECOVERED"]
    assert len(venue.receive(good)) == 1


def test_a_checksum_of_levels_that_an_update_left_alone_is_checked_too() -> None:
    venue = Connection(VENUE)
    bids = [[f"{price}.0", "1.0", TIME] for price in range(111, 100, -1)]
    venue.receive([0, {"as": [], "bs": bids}, "book-25", PAIR])
    digits = "".join(f"{price}010" for price in range(111, 101, -1))
    deep = [["101.0", "2.0", TIME]]
    assert len(venue.receive(update(digits, deep, depth=25), update(digits, deep, depth=25))) == 2
    assert venue.receive(update("1", deep, depth=25)) == ["XBT/USD STALE/CHECKSUM"]


def test_an_update_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    good = update(NEW_BID_DIGITS, NEW_BID)
    assert venue.receive(good, good) == ["XBT/USD STALE/JOINED"]
    assert venue.receive(snapshot())[1:] == ["XBT/USD LIVE"]
    assert len(venue.receive(good)) == 1


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    venue.parser.opened("wss://another")
    assert venue.open() == ["XBT/USD STALE/DISCONNECTED"]
    assert venue.receive(update(NEW_BID_DIGITS, NEW_BID)) == []
    assert venue.receive(snapshot())[1:] == ["XBT/USD RECOVERED"]


def test_the_deepest_channel_of_a_pair_is_its_book() -> None:
    venue = Connection(VENUE)
    assert len(venue.receive(snapshot(10), snapshot(100))) == 2
    shallow = [snapshot(10), update("1", NEW_BID, depth=10)]
    assert venue.receive(*shallow) == []
    assert len(venue.receive(update(NEW_BID_DIGITS, NEW_BID, depth=100))) == 1


def test_a_shallower_channel_makes_good_what_a_deeper_one_has_lost() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot(100), snapshot(10), update("1", NEW_BID, depth=100))
    assert venue.receive(snapshot(10))[1:] == ["XBT/USD RECOVERED"]
    assert len(venue.receive(update(NEW_BID_DIGITS, NEW_BID, depth=10))) == 1
    assert venue.receive(update("1", NEW_BID, depth=100)) == []
    assert len(venue.receive(snapshot(100), update(NEW_BID_DIGITS, NEW_BID, depth=100))) == 2


def test_a_pair_on_two_connections_is_taken_from_the_first() -> None:
    venue = Connection(VENUE, "wss://one")
    venue.receive(snapshot())
    venue.address = "wss://two"
    good = update(NEW_BID_DIGITS, NEW_BID)
    assert venue.receive(snapshot(), good) == []
    assert venue.open() == []
    venue.address = "wss://one"
    assert len(venue.receive(good)) == 1
    assert venue.open() == ["XBT/USD STALE/DISCONNECTED"]
    venue.address = "wss://two"
    assert venue.receive(snapshot())[1:] == ["XBT/USD RECOVERED"]


def test_a_book_that_is_unsubscribed_is_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    ended = {"event": "subscriptionStatus", "status": "unsubscribed", "pair": PAIR}
    assert venue.receive({**ended, "channelName": "book-100"}) == []
    assert venue.receive({**ended, "status": "subscribed", "channelName": "book-10"}) == []
    assert venue.receive({**ended, "channelName": "book-10"}) == ["XBT/USD STALE/VENUE"]
    assert venue.receive(snapshot())[1:] == ["XBT/USD RECOVERED"]


def test_trades_have_the_takers_side() -> None:
    venue = Connection(VENUE)
    trades = [
        ["5541.20000", "0.15850568", "1534614057.321597", "s", "l", ""],
        ["6060.00000", "0.02455000", "1534614057.324998", "b", "l", ""],
    ]
    assert venue.receive([0, trades, "trade", PAIR]) == [
        "XBT/USD trade ASK 5541.20000@0.15850568",
        "XBT/USD trade BID 6060.00000@0.02455000",
    ]
    assert venue.heard.times == [1_534_614_057_321_597_000, 1_534_614_057_324_998_000]


@pytest.mark.parametrize(
    "message",
    [
        {"event": "heartbeat"},
        {"connectionID": 8628615390848610000, "event": "systemStatus", "status": "online"},
        {"event": "subscriptionStatus", "status": "error", "errorMessage": "no such pair"},
        [0, ["5698.4", "5700.0", "1542057299.545897", "1.01234567", "0.98765432"], "spread", PAIR],
        [0, {"a": ["5525.4", 1, "1.000"]}, "ticker", PAIR],
    ],
)
def test_other_messages_are_passed_over(message: object) -> None:
    assert Connection(VENUE).receive(message) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"1",
        b"\xff",
        b"[" * 100_000,
        [0, {}, "book-10"],
        [0, {}, "book-x", PAIR],
        [0, {}, {}, "book-10"],
        [0, {"a": [["1"]]}, "book-10", PAIR],
        [0, {"a": [["1", "1"]]}, "book-10", PAIR],
        [0, {"a": [["1", "x", TIME]]}, "book-10", PAIR],
        [0, {"a": [["nan", "1", TIME]]}, "book-10", PAIR],
        [0, {"a": [["1", "-1", TIME]]}, "book-10", PAIR],
        [0, {"a": [["1", "Infinity", TIME]]}, "book-10", PAIR],
        [0, {"a": [["1", "1", "yesterday"]]}, "book-10", PAIR],
        [0, {"a": [["1", "1", "99999999999.5"]]}, "book-10", PAIR],
        [0, {"a": [["1", "1", TIME]], "c": "-1"}, "book-10", PAIR],
        [0, {"as": [["1", 1, TIME]], "bs": []}, "book-10", PAIR],
        [0, [["1", "1", TIME, "x"]], "trade", PAIR],
        [0, [["1", "1", ".", "s"]], "trade", PAIR],
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = Connection(VENUE)
    venue.receive(snapshot())
    with one_line_error(FeedError):
        venue.receive(message)
    assert venue.heard.said() == []
    assert len(venue.receive(update(NEW_BID_DIGITS, NEW_BID))) == 1
    assert not venue.heard.failed


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'[0,{"a":[["1","2","3.5"]],"c":"1"},"book-10","XBT/USD"]')
    assert VENUE.recognises(b'{"connectionID":1,"event":"systemStatus","status":"online"}')
    assert not VENUE.recognises(b"[1,[7,1.5,2]]")
    assert not VENUE.recognises(b'{"event":"subscribed"}')


def test_a_recording_has_every_checksum_right_and_books_as_deep_as_subscribed() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/KRAKEN.ws.50.0"))
    heard = Heard()

    def look(symbol: str) -> None:
        bids, asks = heard.levels_of(symbol)
        assert max(bids) < min(asks)
        assert len(bids) <= 1000 >= len(asks)

    heard.after_change = look
    heard_of(VENUE, messages, heard)
    assert heard.checks == {"checksum": 4269, "CRC-32": 4269}
    assert heard.compared == {True: 85_380}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels"), len(heard.lines)) == (10, 4269, 4279)
