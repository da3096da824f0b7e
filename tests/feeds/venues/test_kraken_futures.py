from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.kraken_futures import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

PRODUCT = "PI_XBTUSD"
SNAPSHOT = {
    "feed": "book_snapshot",
    "product_id": PRODUCT,
    "timestamp": 1_612_269_825_817,
    "seq": 326_072_249,
    "tickSize": None,
    "bids": [{"price": 34_892.5, "qty": 6385.0}, {"price": 34_892.0, "qty": 10_924}],
    "asks": [{"price": 34_911.5, "qty": 20_598.0}],
}
NEXT = 326_072_250


def change(seq: int, side: str = "sell", price: float = 34_981.0, qty: float = 0.0) -> object:
    message = {"feed": "book", "product_id": PRODUCT, "side": side, "seq": seq}
    return {**message, "price": price, "qty": qty, "timestamp": 1_612_269_953_629}


def test_a_snapshot_makes_the_book_and_messages_change_a_level_each() -> None:
    venue = Connection(VENUE)
    assert venue.receive(SNAPSHOT) == [
        "PI_XBTUSD snapshot 34892.5@6385.0 34892.0@10924 | 34911.5@20598.0"
    ]
    assert venue.receive(change(NEXT), change(NEXT + 1, "buy", 34_892.0, 5)) == [
        "PI_XBTUSD levels | 34981.0@0.0",
        "PI_XBTUSD levels 34892.0@5 |",
    ]
    assert venue.heard.times[1:] == [1_612_269_953_629_000_000] * 2
    assert venue.heard.sequences == [NEXT - 1, NEXT, NEXT + 1]
    assert venue.heard.checks == {"sequence": 2}


def test_numbers_keep_their_digits() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    text = (
        b'{"feed":"book","product_id":"PI_XBTUSD","side":"buy","seq":326072250,'
        b'"price":0.12345678901234567890,"qty":1.5E-7,"timestamp":1}'
    )
    assert venue.receive(text) == ["PI_XBTUSD levels 0.12345678901234567890@0.00000015 |"]


@pytest.mark.parametrize("sequence", [NEXT + 1, NEXT - 5])
def test_a_gap_makes_the_book_stale_until_the_next_snapshot(sequence: int) -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.receive(change(sequence), change(sequence + 1)) == ["PI_XBTUSD STALE/GAP"]
    assert venue.heard.failed == [f"PI_XBTUSD sequence {sequence} instead of {NEXT}"]
    assert venue.receive(SNAPSHOT)[1:] == ["PI_XBTUSD RECOVERED"]
    assert len(venue.receive(change(NEXT))) == 1


def test_a_message_that_comes_twice_is_applied_once() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    said = venue.receive(change(NEXT), change(NEXT), change(NEXT + 1))
    assert said == ["PI_XBTUSD levels | 34981.0@0.0"] * 2
    assert len(venue.heard.failed) == 1


def test_each_product_has_a_sequence_of_its_own() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT, {**SNAPSHOT, "product_id": "PI_ETHUSD", "seq": 5})
    assert len(venue.receive(change(NEXT))) == 1
    assert not venue.heard.failed


def test_a_change_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(change(NEXT), change(NEXT + 1)) == ["PI_XBTUSD STALE/JOINED"]
    assert venue.receive(SNAPSHOT)[1:] == ["PI_XBTUSD LIVE"]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.open() == ["PI_XBTUSD STALE/DISCONNECTED"]
    assert venue.receive(change(NEXT)) == []
    assert venue.receive(SNAPSHOT)[1:] == ["PI_XBTUSD RECOVERED"]


def test_a_product_on_two_connections_is_taken_from_the_first() -> None:
    venue = Connection(VENUE, "wss://one")
    venue.receive(SNAPSHOT)
    venue.address = "wss://two"
    assert venue.receive(SNAPSHOT, change(NEXT)) == []
    venue.address = "wss://one"
    assert len(venue.receive(change(NEXT))) == 1
    assert not venue.heard.failed


def test_a_book_that_is_unsubscribed_is_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    ended = {"event": "unsubscribed", "feed": "book", "product_ids": [PRODUCT]}
    assert venue.receive({**ended, "feed": "trade"}) == []
    assert venue.receive(ended) == ["PI_XBTUSD STALE/VENUE"]


TRADE = {
    "feed": "trade",
    "product_id": PRODUCT,
    "side": "sell",
    "type": "fill",
    "seq": 653_355,
    "time": 1_612_266_317_519,
    "qty": 15_000.0,
    "price": 34_969.5,
}


def test_trades_have_the_takers_side_and_those_from_before_are_not_told() -> None:
    venue = Connection(VENUE)
    before = {"feed": "trade_snapshot", "product_id": PRODUCT, "trades": [TRADE]}
    assert venue.receive(before, TRADE) == ["PI_XBTUSD trade ASK 34969.5@15000.0"]
    assert venue.heard.times == [1_612_266_317_519_000_000]
    assert venue.heard.sequences == [653_355]


@pytest.mark.parametrize(
    "message",
    [
        {"event": "info", "version": 1},
        {"event": "subscribed", "feed": "book", "product_ids": [PRODUCT]},
        {"feed": "ticker_lite", "product_id": PRODUCT, "bid": 34932},
        {"feed": "heartbeat", "time": 1},
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
        {"feed": "book", "product_id": PRODUCT},
        change(NEXT, side="both"),
        change(-1),
        change(NEXT, price=None),  # type: ignore[arg-type]
        {**SNAPSHOT, "bids": [{"price": 1}]},
        {**SNAPSHOT, "bids": [{"price": 1, "qty": True}]},
        {**SNAPSHOT, "timestamp": 2**62},
        {**TRADE, "side": 1},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    with one_line_error(FeedError):
        venue.receive(message)
    assert venue.heard.said() == []
    assert len(venue.receive(change(NEXT))) == 1


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"feed":"book","product_id":"PI_XBTUSD","side":"sell"')
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_has_every_change_and_no_crossed_book() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/KRAKEN_FUTURES.ws.1.0"))
    heard = Heard()
    heard_of(VENUE, messages, heard)
    assert heard.checks == {"sequence": 7014}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels"), heard.count("trade")) == (10, 7014, 3)
    assert len(heard.lines) == 7027
    for symbol in heard.books:
        bids, asks = heard.levels_of(symbol)
        assert max(bids) < min(asks)
