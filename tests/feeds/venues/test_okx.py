from __future__ import annotations

from zlib import crc32

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.okx import VENUE
from support.errors import one_line_error
from support.heard import Connection
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

Rows = list[list[str]]
SYMBOL = "BTC-USDT"
BIDS = [["3366.1", "7", "0", "3"]]
ASKS = [["3366.8", "9", "10", "3"], ["3368", "8", "3", "4"]]


def signed(text: str) -> int:
    """Return the CRC-32 of a text as the venue writes it."""
    checksum = crc32(text.encode())
    return checksum - 2**32 if checksum >= 2**31 else checksum


def book(
    action: str,
    bids: Rows,
    asks: Rows,
    text: str | None,
    ids: tuple[int, int] | None = None,
    channel: str = "books",
) -> dict[str, object]:
    data: dict[str, object] = {"bids": bids, "asks": asks, "ts": "1597026383085"}
    data["checksum"] = signed(text) if text is not None else 0
    if ids is not None:
        data["prevSeqId"], data["seqId"] = ids
    message: dict[str, object] = {"arg": {"channel": channel, "instId": SYMBOL}, "data": [data]}
    return {**message, "action": action} if action else message


WHOLE = "3366.1:7:3366.8:9:3368:8"
SNAPSHOT = book("snapshot", BIDS, ASKS, WHOLE)
SIZED = [["3368", "2.50", "0", "1"]]
UPDATE = book("update", [], SIZED, "3366.1:7:3366.8:9:3368:2.50")


def test_a_snapshot_makes_the_book_and_updates_change_it() -> None:
    venue = Connection(VENUE)
    assert venue.receive(SNAPSHOT, UPDATE) == [
        "BTC-USDT snapshot 3366.1@7x3 | 3366.8@9x3 3368@8x4",
        "BTC-USDT levels | 3368@2.50x1",
    ]
    assert venue.heard.times == [1_597_026_383_085_000_000] * 2
    assert venue.heard.checks == {"checksum": 2, "CRC-32": 2}
    assert venue.heard.compared == {True: 6}


def test_a_removal_and_a_new_level_in_one_update() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    bids = [["3366.1", "0", "0", "0"], ["3365", "1", "0", "1"], ["3366", "4", "0", "1"]]
    text = "3366:4:3366.8:9:3365:1:3368:8"
    assert len(venue.receive(book("update", bids, [], text))) == 1
    assert not venue.heard.failed


def test_the_checksum_is_of_25_levels_and_of_what_there_is_on_the_shorter_side() -> None:
    venue = Connection(VENUE)
    bids = [[str(price), "1", "0", "1"] for price in range(130, 100, -1)]
    text = f"130:1:3366.8:9:129:1:3368:8:{':'.join(f'{p}:1' for p in range(128, 105, -1))}"
    venue.receive(book("snapshot", bids, ASKS, text))
    assert venue.heard.checks == {"checksum": 1, "CRC-32": 1}
    assert venue.heard.compared == {True: 27}


def test_a_wrong_checksum_makes_the_book_stale_until_the_next_snapshot() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.receive(book("update", [], SIZED, "1"), UPDATE) == ["BTC-USDT STALE/CHECKSUM"]
    assert len(venue.heard.failed) == 1
    assert venue.receive(SNAPSHOT)[1:] == ["BTC-USDT RECOVERED"]
    assert len(venue.receive(UPDATE)) == 1


def test_a_snapshot_with_a_wrong_checksum_is_not_taken() -> None:
    venue = Connection(VENUE)
    assert venue.receive(book("snapshot", BIDS, ASKS, "1")) == ["BTC-USDT STALE/CHECKSUM"]
    assert venue.receive(SNAPSHOT)[1:] == ["BTC-USDT LIVE"]


def test_a_checksum_of_0_is_none() -> None:
    venue = Connection(VENUE)
    venue.receive(book("snapshot", BIDS, ASKS, None), book("update", [], SIZED, None))
    assert (venue.heard.checks, venue.heard.failed) == ({}, [])
    assert len(venue.heard.lines) == 0
    assert venue.heard.levels_of(SYMBOL)[1]


def linked(previous: int, sequence: int) -> dict[str, object]:
    return book("update", [], [], WHOLE, (previous, sequence))


def test_messages_that_follow_one_another_are_checked() -> None:
    venue = Connection(VENUE)
    venue.receive(book("snapshot", BIDS, ASKS, WHOLE, (-1, 10)))
    venue.receive(linked(10, 15), linked(15, 15), linked(15, 3), linked(3, 5))
    assert venue.heard.checks["sequence"] == 4
    assert venue.heard.sequences == [10, 15, 15, 3, 5]
    assert not venue.heard.failed


def test_a_gap_makes_the_book_stale_until_the_next_snapshot() -> None:
    venue = Connection(VENUE)
    snapshot = book("snapshot", BIDS, ASKS, WHOLE, (-1, 10))
    venue.receive(snapshot)
    assert venue.receive(linked(12, 15), linked(15, 16)) == ["BTC-USDT STALE/GAP"]
    assert venue.heard.failed == ["BTC-USDT sequence 12 instead of 10"]
    assert venue.receive(snapshot)[1:] == ["BTC-USDT RECOVERED"]
    assert len(venue.receive(linked(10, 15))) == 1


def test_a_message_that_comes_twice_is_applied_once() -> None:
    venue = Connection(VENUE)
    venue.receive(book("snapshot", BIDS, ASKS, WHOLE, (-1, 10)))
    said = venue.receive(linked(10, 15), linked(10, 15), linked(15, 16))
    assert said == ["BTC-USDT levels |"] * 2
    assert len(venue.heard.failed) == 1


def test_an_update_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(UPDATE, UPDATE) == ["BTC-USDT STALE/JOINED"]
    assert venue.receive(SNAPSHOT)[1:] == ["BTC-USDT LIVE"]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.open() == ["BTC-USDT STALE/DISCONNECTED"]
    assert venue.receive(UPDATE) == []
    assert venue.receive(SNAPSHOT)[1:] == ["BTC-USDT RECOVERED"]


def test_a_book_that_is_unsubscribed_is_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    ended = {"event": "unsubscribe", "arg": {"channel": "books", "instId": SYMBOL}}
    assert venue.receive(ended) == ["BTC-USDT STALE/VENUE"]


def test_channels_of_the_best_levels_are_snapshots_and_give_way_to_deeper_ones() -> None:
    venue = Connection(VENUE)
    best = book("", BIDS, ASKS, WHOLE, channel="books5")
    assert [line.split()[1] for line in venue.receive(best, best)] == ["snapshot", "snapshot"]
    assert len(venue.receive(SNAPSHOT)) == 1
    assert venue.receive(best) == []
    assert len(venue.receive(UPDATE)) == 1


def trades(channel: str) -> dict[str, object]:
    trade = {"instId": SYMBOL, "tradeId": "1", "px": "42219.9", "sz": "0.12", "side": "buy"}
    data = [{**trade, "ts": "1630048897897"}]
    return {"arg": {"channel": channel, "instId": SYMBOL}, "data": data}


def test_trades_have_the_takers_side_and_come_once() -> None:
    venue = Connection(VENUE)
    assert venue.receive(trades("trades"), trades("trades-all")) == [
        "BTC-USDT trade BID 42219.9@0.12"
    ]
    assert venue.heard.times == [1_630_048_897_897_000_000]


@pytest.mark.parametrize(
    "message",
    [
        b"pong",
        {"event": "subscribe", "arg": {"channel": "books", "instId": SYMBOL}},
        {"event": "error", "code": "60012", "msg": "Invalid request"},
        {"arg": {"channel": "tickers", "instId": SYMBOL}, "data": [{"last": "1"}]},
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
        book("update", [["1", "1"]], [], WHOLE),
        book("update", [["x", "1", "0", "1"]], [], WHOLE),
        book("update", [["1", "", "0", "1"]], [], WHOLE),
        {**SNAPSHOT, "data": [{"bids": [], "asks": [], "ts": "9" * 30}]},
        {**SNAPSHOT, "data": [{"bids": [], "asks": [], "ts": "5", "checksum": 2**31}]},
        {**trades("trades"), "data": [{"px": "1"}]},
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
    assert VENUE.recognises(b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update"')
    assert not VENUE.recognises(b'{"arg":{"instType":"sp","channel":"books","instId":"A"}')


def test_a_recording_has_every_checksum_right() -> None:
    heard = heard_of(VENUE, cryptofeed_messages(recording("cryptofeed/OKX.ws.1.0")))
    assert heard.checks == {"checksum": 290, "CRC-32": 290}
    assert heard.compared == {True: 14_500}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels"), heard.count("trade")) == (3, 287, 74)
    assert {len(side) for side in heard.levels_of("BTC-USDT")} == {400}
