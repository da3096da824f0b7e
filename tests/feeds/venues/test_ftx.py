from __future__ import annotations

from zlib import crc32

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.ftx import VENUE
from support.errors import one_line_error
from support.heard import Connection
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording


def book(kind: str, bids: str, asks: str, digits: str) -> bytes:
    """Return a message with levels in JSON, whose checksum is of *digits*."""
    checksum = crc32(digits.encode())
    return (
        f'{{"channel": "orderbook", "market": "BTC-PERP", "type": "{kind}", "data": {{"time": '
        f'1626993904.6651385, "checksum": {checksum}, "bids": {bids}, "asks": {asks}, '
        f'"action": "{kind}"}}}}'
    ).encode()


WHOLE = book(
    "partial",
    "[[5000.5, 10.0], [4995.0, 5.0]]",
    "[[5001.0, 6.0]]",
    "5000.5:10.0:5001.0:6.0:4995.0:5.0",
)
UPDATE = book(
    "update", "[[5000.5, 0.0]]", "[[5001.5, 1e-05]]", "4995.0:5.0:5001.0:6.0:5001.5:1e-05"
)


def test_a_partial_makes_the_book_and_updates_change_it() -> None:
    venue = Connection(VENUE)
    assert venue.receive(WHOLE, UPDATE) == [
        "BTC-PERP snapshot 5000.5@10.0 4995.0@5.0 | 5001.0@6.0",
        "BTC-PERP levels 5000.5@0.0 | 5001.5@1e-05",
    ]
    assert venue.heard.times == [1_626_993_904_665_138_500] * 2
    assert venue.heard.checks == {"checksum": 2, "CRC-32": 2}
    assert venue.heard.compared == {True: 6}


def test_the_checksum_is_of_the_digits_as_they_were_sent() -> None:
    venue = Connection(VENUE)
    venue.receive(book("partial", "[[1.30e-07, 7], [1e-7, 2.50]]", "[]", "1.30e-07:7:1e-7:2.50"))
    assert venue.heard.checks == {"checksum": 1, "CRC-32": 1}


def test_the_checksum_is_of_100_levels() -> None:
    venue = Connection(VENUE)
    levels = [f"[{price}.5, 1.0]" for price in range(300, 180, -1)]
    digits = ":".join(f"{price}.5:1.0" for price in range(300, 200, -1))
    venue.receive(book("partial", f"[{', '.join(levels)}]", "[]", digits))
    assert venue.heard.checks == {"checksum": 1, "CRC-32": 1}
    assert venue.heard.compared == {True: 100}


def test_a_wrong_checksum_makes_the_book_stale_until_the_next_partial() -> None:
    venue = Connection(VENUE)
    venue.receive(WHOLE)
    assert venue.receive(book("update", "[]", "[]", "1"), UPDATE) == ["BTC-PERP STALE/CHECKSUM"]
    assert len(venue.heard.failed) == 1
    assert venue.receive(WHOLE)[1:] == ["BTC-PERP RECOVERED"]
    assert len(venue.receive(UPDATE)) == 1


def test_an_update_before_any_partial_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(UPDATE, UPDATE) == ["BTC-PERP STALE/JOINED"]
    assert venue.receive(WHOLE)[1:] == ["BTC-PERP LIVE"]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(WHOLE)
    assert venue.open() == ["BTC-PERP STALE/DISCONNECTED"]
    assert venue.receive(UPDATE) == []
    assert venue.receive(WHOLE)[1:] == ["BTC-PERP RECOVERED"]


def test_a_book_that_is_unsubscribed_is_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(WHOLE)
    ended = {"type": "unsubscribed", "channel": "orderbook", "market": "BTC-PERP"}
    assert venue.receive({**ended, "channel": "trades"}) == []
    assert venue.receive(ended) == ["BTC-PERP STALE/VENUE"]


def trade(time: str = "2021-07-22T22:45:32.577474+00:00") -> dict[str, object]:
    row = {"id": 1, "price": 16.425, "size": 13.71, "side": "sell", "liquidation": False}
    data = [{**row, "time": time}]
    return {"channel": "trades", "market": "BTC-PERP", "type": "update", "data": data}


def test_trades_have_the_takers_side() -> None:
    venue = Connection(VENUE)
    assert venue.receive(trade()) == ["BTC-PERP trade ASK 16.425@13.71"]
    assert venue.heard.times == [1_626_993_932_577_474_000]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribed", "channel": "orderbook", "market": "BTC-PERP"},
        {"type": "error", "code": 400, "msg": "Already subscribed"},
        {"type": "pong"},
        {"channel": "ticker", "market": "BTC-PERP", "type": "update", "data": {"bid": 1.5}},
    ],
)
def test_other_messages_are_passed_over(message: object) -> None:
    assert Connection(VENUE).receive(message) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        book("other", "[]", "[]", ""),
        book("update", "[[1.5]]", "[]", ""),
        book("update", "[[1.5, null]]", "[]", ""),
        book("update", '[[1.5, "x"]]', "[]", ""),
        book("update", "[[1.5, -2.0]]", "[]", ""),
        WHOLE.replace(b"1626993904.6651385", b"-1.5"),
        WHOLE.replace(b"1626993904.6651385", b"1e400"),
        WHOLE.replace(b"1626993904.6651385", b"null"),
        WHOLE.replace(b'"checksum": ', b'"checksum": 9999'),
        trade("yesterday"),
        {**trade(), "data": [{"price": 1.5}]},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = Connection(VENUE)
    venue.receive(WHOLE)
    with one_line_error(FeedError):
        venue.receive(message)
    assert venue.heard.said() == []
    assert len(venue.receive(UPDATE)) == 1
    assert not venue.heard.failed


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(WHOLE)
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_has_every_checksum_right() -> None:
    heard = heard_of(VENUE, cryptofeed_messages(recording("cryptofeed/FTX.ws.1.0")))
    assert heard.checks == {"checksum": 971, "CRC-32": 971}
    assert heard.compared == {True: 167_707}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels"), heard.count("trade")) == (10, 961, 7)
