from __future__ import annotations

from zlib import crc32

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.bitget import VENUE
from support.errors import one_line_error
from support.heard import Connection
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

Rows = list[list[str]]
ARGUMENT = {"instType": "sp", "channel": "books", "instId": "BTCUSDT"}
CANDLES = {**ARGUMENT, "channel": "candle1m"}
TRADES = {**ARGUMENT, "channel": "trade"}


def book(
    action: str, bids: Rows, asks: Rows, text: str | None, **argument: str
) -> dict[str, object]:
    checksum = crc32(text.encode()) if text is not None else 0
    signed = checksum - 2**32 if checksum >= 2**31 else checksum
    data = {"bids": bids, "asks": asks, "checksum": signed, "ts": "1649290077496"}
    return {"action": action, "arg": {**ARGUMENT, **argument}, "data": [data]}


BIDS = [["43231.1", "4"], ["43231", "6"]]
ASKS = [["43232.8", "9"], ["43232.9", "8"]]
SNAPSHOT = book("snapshot", BIDS, ASKS, "43231.1:4:43232.8:9:43231:6:43232.9:8")
UPDATE = book("update", [["43231.1", "0"]], [], "43231:6:43232.8:9:43232.9:8")


def test_a_snapshot_makes_the_book_and_updates_change_it() -> None:
    venue = Connection(VENUE)
    assert venue.receive(SNAPSHOT, UPDATE) == [
        "BTCUSDT snapshot 43231.1@4 43231@6 | 43232.8@9 43232.9@8",
        "BTCUSDT levels 43231.1@0 |",
    ]
    assert venue.heard.times == [1_649_290_077_496_000_000] * 2
    assert venue.heard.checks == {"checksum": 2, "CRC-32": 2}
    assert venue.heard.compared == {True: 7}


def test_the_checksum_is_of_25_levels() -> None:
    venue = Connection(VENUE)
    bids = [[f"{price}.50", "1"] for price in range(130, 100, -1)]
    text = ":".join(f"{price}.50:1" for price in range(130, 105, -1))
    venue.receive(book("snapshot", bids, [], text))
    assert venue.heard.checks == {"checksum": 1, "CRC-32": 1}


def test_a_wrong_checksum_makes_the_book_stale_until_the_next_snapshot() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    wrong = book("update", [["43231.1", "0"]], [], "1")
    assert venue.receive(wrong, UPDATE) == ["BTCUSDT STALE/CHECKSUM"]
    assert len(venue.heard.failed) == 1
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT RECOVERED"]
    assert len(venue.receive(UPDATE)) == 1


def test_a_checksum_of_0_is_none() -> None:
    venue = Connection(VENUE)
    venue.receive(book("snapshot", BIDS, ASKS, None))
    assert (venue.heard.checks, venue.heard.failed) == ({}, [])


def test_an_update_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(UPDATE, UPDATE) == ["BTCUSDT STALE/JOINED"]
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT LIVE"]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.open() == ["BTCUSDT STALE/DISCONNECTED"]
    assert venue.receive(UPDATE) == []
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT RECOVERED"]


def test_a_book_that_is_unsubscribed_is_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.receive({"event": "unsubscribe", "arg": ARGUMENT}) == ["BTCUSDT STALE/VENUE"]


def test_channels_of_the_best_levels_give_way_to_the_deeper_one() -> None:
    venue = Connection(VENUE)
    best = book("snapshot", BIDS[:1], ASKS[:1], None, channel="books5")
    assert len(venue.receive(best, SNAPSHOT)) == 2
    assert venue.receive(best) == []
    assert len(venue.receive(UPDATE)) == 1


def test_spot_and_futures_of_one_name_are_two_books() -> None:
    venue = Connection(VENUE)
    futures = book("snapshot", BIDS, ASKS, None, instType="USDT-FUTURES")
    spot = book("snapshot", BIDS, ASKS, None, instType="SPOT")
    assert [line.split()[0] for line in venue.receive(futures, spot)] == [
        "BTCUSDT.USDT-FUTURES",
        "BTCUSDT",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [["1649290107023", "2.5", "1", "sell"], ["1649290107022", "2.4355", "2.0531", "buy"]],
        [
            {"ts": "1649290107023", "price": "2.5", "size": "1", "side": "sell", "tradeId": "8"},
            {"ts": "1649290107022", "price": "2.4355", "size": "2.0531", "side": "buy"},
        ],
    ],
    ids=["version 1", "version 2"],
)
def test_trades_are_told_oldest_first_and_those_from_before_are_not(rows: object) -> None:
    venue = Connection(VENUE)
    message: dict[str, object] = {"action": "update", "arg": TRADES, "data": rows}
    assert venue.receive({**message, "action": "snapshot"}, message) == [
        "BTCUSDT trade BID 2.4355@2.0531",
        "BTCUSDT trade ASK 2.5@1",
    ]
    assert venue.heard.times == [1_649_290_107_022_000_000, 1_649_290_107_023_000_000]


@pytest.mark.parametrize(
    "message",
    [
        b"pong",
        {"event": "subscribe", "arg": ARGUMENT},
        {"event": "error", "code": 30001, "msg": "no such channel"},
        {"action": "snapshot", "arg": CANDLES, "data": [["1"]]},
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
        {**SNAPSHOT, "data": [{}]},
        {**SNAPSHOT, "data": 1},
        {**SNAPSHOT, "action": "other"},
        book("update", [["1"]], [], ""),
        book("update", [["1", "1"]], [["1", "one"]], ""),
        {**SNAPSHOT, "arg": TRADES, "action": "update", "data": [["1"]]},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    with one_line_error(FeedError):
        venue.receive(message)
    assert venue.heard.said() == []
    assert len(venue.receive(UPDATE)) == 1
    assert not venue.heard.failed


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"arg":{"instType":"sp","channel":"books","instId":"A"}')
    assert not VENUE.recognises(b'{"arg":{"channel":"books","instId":"BTC-USDT"}')


def test_a_recording_has_every_checksum_right() -> None:
    heard = heard_of(VENUE, cryptofeed_messages(recording("cryptofeed/BITGET.ws.1.0")))
    assert heard.checks == {"checksum": 443, "CRC-32": 443}
    assert heard.compared == {True: 22_150}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels"), heard.count("trade")) == (8, 435, 30)
