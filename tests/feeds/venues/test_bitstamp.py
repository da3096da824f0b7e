from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.bitstamp import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import cryptofeed_messages, heard_of, line_messages
from support.recordings import recording

Rows = list[list[str]]
REST = "https://www.bitstamp.net/api/v2/order_book/btcusd"


def data(micros: int, bids: Rows, asks: Rows) -> dict[str, object]:
    return {"timestamp": "1", "microtimestamp": str(micros), "bids": bids, "asks": asks}


def diff(micros: int, price: str = "100", size: str = "2") -> dict[str, object]:
    return {
        "event": "data",
        "channel": "diff_order_book_btcusd",
        "data": data(micros, [[price, size]], []),
    }


def top(micros: int, bids: Rows, asks: Rows) -> dict[str, object]:
    return {
        "event": "data",
        "channel": "order_book_btcusd",
        "data": data(micros, bids, asks),
    }


def order(
    event: str, number: int, price: str, size: str, micros: int = 0, side: int = 0
) -> dict[str, object]:
    values = {"id": number, "order_type": side, "price": float(price), "amount": float(size)}
    texts = {"price_str": price, "amount_str": size, "microtimestamp": str(micros)}
    return {"event": event, "channel": "live_orders_btcusd", "data": values | texts}


def line(event: str, number: int, price: str, size: str, side: int = 0) -> bytes:
    """Return a line of 2015."""
    return (
        f'{event} {{"price": "{price}", "amount": "{size}", "datetime": "1430438404", '
        f'"id": {number}, "order_type": {side}}}'
    ).encode()


SNAPSHOT = data(50, [["100", "1"]], [["101", "2"]])
SAID_SNAPSHOT = "btcusd snapshot 100@1 | 101@2"


def test_a_snapshot_is_joined_with_the_messages_that_are_later() -> None:
    venue = Connection(VENUE)
    assert venue.receive(diff(49), diff(50, "99"), diff(51, "98")) == ["btcusd STALE/JOINED"]
    assert venue.fetch(REST, SNAPSHOT) == [SAID_SNAPSHOT, "btcusd levels 98@2 |", "btcusd LIVE"]
    assert venue.receive(diff(52, size="0.00000000")) == ["btcusd levels 100@0.00000000 |"]
    assert venue.heard.times[-1] == 52_000


def test_messages_older_than_the_snapshot_may_come_after_it() -> None:
    venue = Connection(VENUE)
    assert venue.fetch(REST + "/", SNAPSHOT) == [SAID_SNAPSHOT]
    assert venue.receive(diff(49), diff(50), diff(51)) == ["btcusd levels 100@2 |"]


def test_a_message_that_comes_twice_is_applied_once() -> None:
    venue = Connection(VENUE)
    venue.fetch(REST, SNAPSHOT)
    assert venue.receive(diff(51), diff(51)) == ["btcusd levels 100@2 |"]


def test_a_new_connection_needs_a_new_snapshot() -> None:
    venue = Connection(VENUE)
    venue.fetch(REST, SNAPSHOT)
    venue.receive(diff(51))
    assert venue.fetch(REST, SNAPSHOT) == [], "a snapshot of a live book changes nothing"
    assert venue.open() == ["btcusd STALE/DISCONNECTED"]
    assert venue.receive(diff(60)) == []
    assert venue.fetch(REST, data(55, [], [])) == [
        "btcusd snapshot |",
        "btcusd levels 100@2 |",
        "btcusd RECOVERED",
    ]


def test_the_best_levels_are_the_book_where_there_is_no_other() -> None:
    venue = Connection(VENUE)
    assert venue.receive(top(1, [["1", "2"]], []), top(2, [], [["3", "4"]])) == [
        "btcusd snapshot 1@2 |",
        "btcusd snapshot | 3@4",
    ]


def test_the_best_levels_are_compared_with_the_book_of_their_time() -> None:
    venue = Connection(VENUE)
    venue.receive(diff(1))
    venue.fetch(REST, SNAPSHOT)
    assert venue.receive(diff(51, "99"), top(50, [["1", "1"]], [])) == ["btcusd levels 99@2 |"]
    assert not venue.heard.compared
    venue.receive(top(51, [["100", "1"], ["99", "2"]], [["101", "3"]]))
    assert venue.heard.compared == {True: 2, False: 1}


def test_changes_of_levels_need_a_snapshot_of_all_levels() -> None:
    venue = Connection(VENUE)
    venue.receive(top(1, [["1", "2"]], []))
    assert venue.receive(diff(51)) == ["btcusd STALE/JOINED"]
    assert venue.fetch(REST, SNAPSHOT) == [
        SAID_SNAPSHOT,
        "btcusd levels 100@2 |",
        "btcusd RECOVERED",
    ]


def test_orders_come_change_and_go() -> None:
    venue = Connection(VENUE)
    assert venue.receive(
        order("order_created", 7, "100.50", "2.00000000", 1),
        order("order_changed", 7, "100.50", "1.50000000", 2),
        order("order_created", 8, "101", "1", 3, side=1),
        order("order_deleted", 7, "100.50", "1.50000000", 4),
        order("order_deleted", 8, "101", "0", 5, side=1),
    ) == [
        "btcusd STALE/JOINED",
        "btcusd ADD BID 7 100.50@2.00000000",
        "btcusd MODIFY BID 7 100.50@1.50000000",
        "btcusd ADD ASK 8 101@1",
        "btcusd CANCEL BID 7 100.50@0",
        "btcusd CANCEL ASK 8 101@0",
    ]
    assert venue.heard.times == [1_000, 1_000, 2_000, 3_000, 4_000, 5_000]


def test_orders_are_joined_with_a_snapshot_by_order() -> None:
    venue = Connection(VENUE)
    venue.receive(
        order("order_created", 7, "100", "2", 49),
        order("order_created", 6, "98", "1", 50),
        order("order_created", 8, "99", "1", 51),
        order("order_deleted", 3, "97", "1", 52),
    )
    by_order = data(50, [["100", "2", "7"], ["97", "1", "3"]], [["101", "5", "4"]])
    assert venue.fetch(REST + "/?group=2", by_order) == [
        "btcusd orders 7:100@2 3:97@1 | 4:101@5",
        "btcusd ADD BID 8 99@1",
        "btcusd CANCEL BID 3 97@0",
        "btcusd LIVE",
    ]
    assert venue.receive(order("order_deleted", 7, "100", "2", 48)) == []
    assert venue.receive(order("order_deleted", 7, "100", "2", 53)) == ["btcusd CANCEL BID 7 100@0"]


def test_what_rests_nowhere_is_not_told() -> None:
    venue = Connection(VENUE)
    assert venue.receive(
        order("order_created", 1, "0.00", "2"), order("order_deleted", 2, "100", "1")
    ) == ["btcusd STALE/JOINED"]


def test_a_book_is_by_order_or_by_price() -> None:
    venue = Connection(VENUE)
    venue.receive(order("order_created", 7, "100", "2", 1))
    assert venue.receive(diff(2)) == []
    assert venue.fetch(REST, SNAPSHOT) == []
    other = Connection(VENUE)
    other.fetch(REST, SNAPSHOT)
    assert other.receive(order("order_created", 7, "100", "2", 60)) == []


def test_trades_have_the_aggressors_side() -> None:
    values = {"id": 1, "amount": 0.0792, "amount_str": "0.07920000", "price": 3805.44, "type": 1}
    values |= {"price_str": "3805.44", "microtimestamp": "1641343699596000"}
    venue = Connection(VENUE)
    message = {"event": "trade", "channel": "live_trades_ethusd", "data": values}
    assert venue.receive(message) == ["ethusd trade ASK 3805.44@0.07920000"]
    assert venue.heard.times == [1_641_343_699_596_000_000]


def test_lines_of_2015_have_orders_trades_and_the_best_levels_to_compare() -> None:
    venue = Connection(VENUE)
    assert venue.receive(
        line("order_created", 7, "236.47", "2.00000000"),
        line("order_changed", 7, "236.47", "1.78855669"),
        line("order_changed", 3, "236.48", "1", side=1),
        b'trade {"price": 236.34999999999999, "amount": 1.7885566900000001, "id": 8}',
        b'order_book {"bids": [["236.47", "1.78855669"]], "asks": [["236.48", "2"]]}',
    ) == [
        "btcusd STALE/JOINED",
        "btcusd ADD BID 7 236.47@2.00000000",
        "btcusd MODIFY BID 7 236.47@1.78855669",
        "btcusd ADD ASK 3 236.48@1",
        "btcusd trade NONE 236.35@1.78855669",
    ]
    assert venue.heard.compared == {True: 1, False: 1}


def test_a_change_told_after_the_deletion_brings_nothing_back() -> None:
    venue = Connection(VENUE)
    venue.receive(line("order_created", 7, "238.99", "3.2"))
    assert venue.receive(
        line("order_deleted", 7, "238.99", "0.00000000"), line("order_changed", 7, "238.99", "2.2")
    ) == ["btcusd CANCEL BID 7 238.99@0"]
    venue.receive(line("order_deleted", 9, "238.99", "1"))
    assert venue.receive(line("order_created", 9, "238.99", "1")) == []


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"\xff",
        b"order_created",
        b'order_created {"id": 1}',
        line("order_created", 2**64, "1", "1"),
        line("order_created", -1, "1", "1"),
        line("order_created", 1, "1", "1", side=2),
        {**diff(51), "data": {}},
        {**diff(51), "data": data(51, [["1"]], [])},
        {**diff(51), "data": {**SNAPSHOT, "microtimestamp": "x"}},
        {"event": "trade", "channel": "live_trades_btcusd", "data": {"price": None, "amount": 1}},
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(bad: object) -> None:
    with one_line_error(FeedError):
        Connection(VENUE).receive(bad)


@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 20])
def test_a_snapshot_with_an_order_id_that_is_none_is_an_error(number: str) -> None:
    with one_line_error(FeedError, "id"):
        Connection(VENUE).fetch(REST, data(1, [["1", "2", number]], []))


def test_its_messages_are_recognised() -> None:
    assert VENUE.recognises(b'{"data":{},"channel":"diff_order_book_btcusd","event":"data"}')
    assert VENUE.recognises(line("order_deleted", 1, "1", "1"))
    assert not VENUE.recognises(b'{"channel":"book"}')


def test_a_recording_joins_its_snapshots_without_a_crossed_book() -> None:
    folder = recording("cryptofeed")
    messages = cryptofeed_messages(folder / "BITSTAMP.ws.1.0", folder / "BITSTAMP.http.0.0")
    heard = Heard()

    def look(symbol: str) -> None:
        best = heard.best(symbol)
        assert best is not None
        assert best[0] < best[1]

    heard.after_change = look
    heard_of(VENUE, messages, heard)
    assert (heard.count("snapshot"), heard.count("levels"), heard.count("trade")) == (10, 615, 10)
    assert not heard.failed


def test_the_book_of_2015_comes_to_be_the_venues() -> None:
    messages = line_messages(recording("bitstamp_l3_2015/2015-05-01.log.xz"), skipped_words=1)
    tenth = len(messages) // 10
    heard = Heard()
    parser = VENUE.parser(heard)
    compared = [heard.compared.copy()]
    for start in range(0, len(messages), tenth):
        for message in messages[start : start + tenth]:
            parser.received("", message.text)
        compared.append(heard.compared.copy())
    assert (heard.count("STALE/JOINED"), heard.checks["order_book"]) == (1, 5011)
    first, last = compared[1], compared[-1] - compared[-2]
    assert first[True] / first.total() < 0.75
    assert last[True] / last.total() > 0.97
