from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.coinbase import VENUE
from support.errors import one_line_error
from support.heard import Connection
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording

TIME = "2026-08-09T21:05:48.170326Z"
TIME_NS = 1_786_309_548_170_326_000


def message(sequence: int, channel: str, *events: object) -> dict[str, object]:
    return {
        "channel": channel,
        "timestamp": "2026-08-09T21:05:48.483587501Z",
        "sequence_num": sequence,
        "events": list(events),
    }


def book(kind: str, *rows: tuple[str, str, str], symbol: str = "BTC-USD") -> dict[str, object]:
    updates = [
        {"side": side, "event_time": TIME, "price_level": price, "new_quantity": size}
        for side, price, size in rows
    ]
    return {"type": kind, "product_id": symbol, "updates": updates}


SNAPSHOT = book("snapshot", ("bid", "100.50", "1.5"), ("offer", "101", "0.00000001"))
UPDATE = book("update", ("bid", "100.50", "0"), ("offer", "100.9", "2"))
SAID_SNAPSHOT = "BTC-USD snapshot 100.50@1.5 | 101@0.00000001"
SAID_UPDATE = "BTC-USD levels 100.50@0 | 100.9@2"


def test_a_snapshot_makes_the_book_and_updates_change_it() -> None:
    venue = Connection(VENUE)
    said = venue.receive(message(0, "l2_data", SNAPSHOT), message(1, "l2_data", UPDATE))
    assert said == [SAID_SNAPSHOT, SAID_UPDATE]
    assert venue.heard.times == [TIME_NS] * 2
    assert venue.heard.sequences == [0, 1]


def test_a_message_may_tell_of_several_books() -> None:
    other = book("snapshot", ("bid", "1", "2"), symbol="ETH-USD")
    said = Connection(VENUE).receive(message(0, "l2_data", SNAPSHOT, other))
    assert said == [SAID_SNAPSHOT, "ETH-USD snapshot 1@2 |"]


def test_an_update_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    said = venue.receive(message(5, "l2_data", UPDATE), message(6, "l2_data", UPDATE))
    assert said == ["BTC-USD STALE/JOINED"]
    assert venue.receive(message(7, "l2_data", SNAPSHOT)) == [SAID_SNAPSHOT, "BTC-USD LIVE"]
    assert venue.receive(message(8, "l2_data", UPDATE)) == [SAID_UPDATE]


def test_the_sequence_counts_the_messages_of_every_channel_from_zero() -> None:
    venue = Connection(VENUE)
    venue.open()
    venue.receive(
        message(0, "subscriptions", {}),
        message(1, "heartbeats", {"heartbeat_counter": 1}),
        message(2, "l2_data", SNAPSHOT),
        message(3, "ticker", {}),
        message(4, "market_trades", {"type": "update", "trades": []}),
    )
    assert venue.heard.checks == {"sequence_num": 5}
    assert not venue.heard.failed


@pytest.mark.parametrize("channel", ["heartbeats", "l2_data"])
@pytest.mark.parametrize("sequence", [3, 1_000])
def test_a_gap_makes_every_book_of_the_connection_stale(channel: str, sequence: int) -> None:
    venue = Connection(VENUE)
    ether = book("snapshot", ("bid", "1", "2"), symbol="ETH-USD")
    venue.receive(message(0, "l2_data", SNAPSHOT), message(1, "l2_data", ether))
    gap = message(sequence, channel, *([UPDATE] if channel == "l2_data" else []))
    assert venue.receive(gap) == ["BTC-USD STALE/GAP", "ETH-USD STALE/GAP"]
    assert venue.receive(message(sequence + 1, "l2_data", UPDATE)) == []
    assert venue.receive(message(sequence + 2, "l2_data", SNAPSHOT)) == [
        SAID_SNAPSHOT,
        "BTC-USD RECOVERED",
    ]
    assert len(venue.heard.failed) == 1


def test_a_message_that_comes_twice_is_taken_once() -> None:
    venue = Connection(VENUE)
    venue.receive(message(0, "l2_data", SNAPSHOT))
    twice = message(1, "l2_data", UPDATE)
    assert venue.receive(twice, twice, message(2, "heartbeats")) == [SAID_UPDATE]


def test_a_new_connection_begins_anew() -> None:
    venue = Connection(VENUE)
    venue.open()
    venue.receive(message(0, "l2_data", SNAPSHOT))
    assert venue.open() == ["BTC-USD STALE/DISCONNECTED"]
    said = venue.receive(message(0, "l2_data", UPDATE), message(1, "l2_data", SNAPSHOT))
    assert said == [SAID_SNAPSHOT, "BTC-USD RECOVERED"]
    assert not venue.heard.failed


def test_the_side_of_a_trade_is_the_makers() -> None:
    def trade(number: int, side: str) -> dict[str, str]:
        names = {"product_id": "BTC-USD", "trade_id": str(number), "time": TIME, "side": side}
        return {**names, "price": f"10{number}", "size": "0.5"}

    trades = [trade(2, "SELL"), trade(1, "BUY")]
    venue = Connection(VENUE)
    assert venue.receive(message(0, "market_trades", {"type": "snapshot", "trades": trades})) == []
    assert venue.receive(message(1, "market_trades", {"type": "update", "trades": trades})) == [
        "BTC-USD trade ASK 101@0.5",
        "BTC-USD trade BID 102@0.5",
    ]
    assert venue.heard.times == [TIME_NS] * 2


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"\xff",
        message(1, "l2_data", {"type": "update"}),
        message(1, "l2_data", book("other")),
        message(1, "l2_data", book("update", ("bad", "1", "2"))),
        message(1, "l2_data", {**UPDATE, "updates": [{"side": "bid"}]}),
        message(-1, "l2_data", UPDATE),
        {**message(1, "l2_data", UPDATE), "events": {}},
        message(1, "market_trades", {"type": "update", "trades": [{}]}),
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(bad: object) -> None:
    venue = Connection(VENUE)
    venue.receive(message(0, "l2_data", SNAPSHOT))
    with one_line_error(FeedError, "Coinbase"):
        venue.receive(bad)
    assert venue.receive(message(1, "l2_data", UPDATE)) == [SAID_UPDATE]


@pytest.mark.parametrize("time", ["", "2026-08-09", "2026-13-09T21:05:48Z", "x" * 30])
def test_a_time_that_is_none_is_an_error_and_what_follows_a_gap(time: str) -> None:
    venue = Connection(VENUE)
    venue.receive(message(0, "l2_data", SNAPSHOT))
    row = {"side": "bid", "event_time": time, "price_level": "1", "new_quantity": "2"}
    with one_line_error(FeedError, "time"):
        venue.receive(message(1, "l2_data", {**UPDATE, "updates": [row]}))
    assert venue.receive(message(2, "l2_data", UPDATE)) == ["BTC-USD STALE/GAP"]


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"channel":"l2_data","timestamp":"","sequence_num":0')
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_has_every_message() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/COINBASE.jsonl.zst"))
    heard = heard_of(VENUE, messages)
    assert heard.checks == {"sequence_num": 1030}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("levels")) == (2, 773)
    for symbol in ("BTC-USD", "ETH-USD"):
        best = heard.best(symbol)
        assert best is not None
        assert best[0] < best[1]
