from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.bybit import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import cryptofeed_messages, heard_of, line_messages
from support.recordings import recording

Rows = list[list[str]]


def book(
    kind: str, update_id: int, bids: Rows, asks: Rows, depth: int = 50, seq: int = 900
) -> dict[str, object]:
    return {
        "topic": f"orderbook.{depth}.BTCUSDT",
        "type": kind,
        "ts": 1_672_304_484_978,
        "data": {"s": "BTCUSDT", "b": bids, "a": asks, "u": update_id, "seq": seq},
        "cts": 1_672_304_484_976,
    }


SNAPSHOT = book("snapshot", 7, [["100.50", "1.5"]], [["100.75", "0.006"]])


def delta(update_id: int, price: str = "100.50", size: str = "2") -> dict[str, object]:
    return book("delta", update_id, [[price, size]], [])


def test_a_snapshot_makes_the_book_and_deltas_change_it() -> None:
    venue = Connection(VENUE)
    assert venue.receive(SNAPSHOT) == ["BTCUSDT snapshot 100.50@1.5 | 100.75@0.006"]
    assert venue.receive(delta(8), delta(9, size="0")) == [
        "BTCUSDT levels 100.50@2 |",
        "BTCUSDT levels 100.50@0 |",
    ]
    assert venue.heard.times == [1_672_304_484_976_000_000] * 3
    assert venue.heard.sequences == [900] * 3
    assert venue.heard.checks == {"update id": 2}


def test_a_delta_before_any_snapshot_is_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(delta(8), delta(9)) == ["BTCUSDT STALE/JOINED"]
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT LIVE"]
    assert venue.receive(delta(8)) == ["BTCUSDT levels 100.50@2 |"]


@pytest.mark.parametrize("update_id", [9, 1000, 6])
def test_a_gap_makes_the_book_stale_until_the_next_snapshot(update_id: int) -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.receive(delta(update_id), delta(update_id + 1)) == ["BTCUSDT STALE/GAP"]
    assert venue.heard.failed == [f"BTCUSDT update id {update_id} instead of 8"]
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT RECOVERED"]
    assert venue.receive(delta(8)) == ["BTCUSDT levels 100.50@2 |"]


def test_a_message_that_comes_twice_is_applied_once() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    assert venue.receive(delta(8), delta(8), delta(9)) == ["BTCUSDT levels 100.50@2 |"] * 2
    assert len(venue.heard.failed) == 1


def test_a_restart_of_the_venues_service_is_a_snapshot_and_no_gap() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    restart = book("delta", 1, [["99", "1"]], [])
    assert venue.receive(restart, delta(2, "99", "3")) == [
        "BTCUSDT snapshot 99@1 |",
        "BTCUSDT levels 99@3 |",
    ]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    venue.parser.opened("wss://another")
    assert venue.open() == ["BTCUSDT STALE/DISCONNECTED"]
    assert venue.open() == []
    assert venue.receive(delta(8)) == []
    assert venue.receive(SNAPSHOT)[1:] == ["BTCUSDT RECOVERED"]


def test_the_deepest_subscription_of_a_symbol_is_its_book() -> None:
    venue = Connection(VENUE)
    venue.receive(book("snapshot", 3, [["1", "1"]], [], depth=1), SNAPSHOT)
    best_only = book("snapshot", 4, [["2", "1"]], [], depth=1)
    assert venue.receive(best_only, book("delta", 5, [["2", "1"]], [], depth=1)) == []
    assert venue.receive(delta(8)) == ["BTCUSDT levels 100.50@2 |"]


def test_spot_and_perpetual_of_one_name_are_two_books() -> None:
    venue = Connection(VENUE, "wss://stream.bybit.com/v5/public/spot")
    assert venue.receive(SNAPSHOT)[0].startswith("BTCUSDT.SPOT snapshot")
    venue.address = "wss://stream.bybit.com/v5/public/linear"
    assert venue.receive(SNAPSHOT)[0].startswith("BTCUSDT snapshot")


def test_a_trade_has_the_aggressors_side() -> None:
    trade = {"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "0.5", "p": "100.50", "i": "x", "seq": 3}
    message = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 6, "data": [trade, trade]}
    venue = Connection(VENUE)
    assert venue.receive(message) == ["BTCUSDT trade ASK 100.50@0.5"] * 2
    assert venue.heard.times == [5_000_000] * 2


@pytest.mark.parametrize(
    "text", [b'{"op":"pong"}', b'{"topic":"tickers.BTCUSDT","data":{"x":1}}', b'{"success":true}']
)
def test_other_messages_are_passed_over(text: bytes) -> None:
    assert Connection(VENUE).receive(text) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        {**SNAPSHOT, "data": {}},
        {**SNAPSHOT, "data": [1]},
        {**SNAPSHOT, "type": "other"},
        {**SNAPSHOT, "topic": "orderbook.50"},
        {**SNAPSHOT, "topic": "orderbook.x.BTCUSDT"},
        {**SNAPSHOT, "ts": 2**62},
        {**SNAPSHOT, "ts": -1},
        book("delta", 8, [["1"]], []),
        book("delta", 8, [[None, "1"]], []),  # type: ignore[list-item]
        {"topic": "publicTrade.BTCUSDT", "data": [{"p": "1"}]},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(message: object) -> None:
    venue = Connection(VENUE)
    venue.receive(SNAPSHOT)
    with one_line_error(FeedError, "Bybit"):
        venue.receive(message)
    assert venue.receive(delta(8)) == ["BTCUSDT levels 100.50@2 |"]


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"topic":"orderbook.50.BTCUSDT","type":"snapshot"')
    assert not VENUE.recognises(b'{"channel":"book"}')


def depths_of(heard: Heard) -> set[tuple[int, int]]:
    """Return a set that will have the depths of books after each change; none may be crossed."""
    depths = set()

    def look(symbol: str) -> None:
        bids, asks = heard.levels_of(symbol)
        depths.add((len(bids), len(asks)))
        assert max(bids) < min(asks)

    heard.after_change = look
    return depths


def test_a_recording_has_every_delta_and_books_as_deep_as_subscribed() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/BYBIT.jsonl.zst"))
    heard = Heard()
    depths = depths_of(heard)
    heard_of(VENUE, messages, heard)
    assert heard.checks == {"update id": 2142}
    assert not heard.failed
    assert depths == {(200, 200)}
    assert heard.count("snapshot") == 6
    assert set(heard.books) == {
        *("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT"),
        *("BTCUSDT.SPOT", "ETHUSDT.SPOT"),
    }


def test_the_historical_form_is_the_same() -> None:
    heard = Heard()
    depths = depths_of(heard)
    heard_of(VENUE, line_messages(recording("bybit/xrpusdt-ob500.data.zip")), heard)
    assert (heard.checks["update id"], heard.failed) == (49, [])
    assert depths == {(500, 500)}
