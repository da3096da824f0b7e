from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.venues.bitmex import VENUE
from support.errors import one_line_error
from support.heard import Connection, Heard
from support.recorded_messages import cryptofeed_messages, heard_of
from support.recordings import recording


def book(
    action: str, *rows: tuple[object, ...], table: str = "orderBookL2", symbol: str = "XBTUSD"
) -> dict[str, object]:
    """Return a message of rows (id, side, size, price), as much of them as it has."""
    names = "id", "side", "size", "price"
    data = [{"symbol": symbol, **dict(zip(names, row, strict=False))} for row in rows]
    return {"table": table, "action": action, "filter": {"symbol": symbol}, "data": data}


PARTIAL = book("partial", (1, "Buy", 100, 32_180), (2, "Sell", 7, 32_180.5))
SAID_PARTIAL = "XBTUSD snapshot 32180@100 | 32180.5@7"


def test_a_partial_makes_the_book_and_rows_come_and_go_by_id() -> None:
    venue = Connection(VENUE)
    assert venue.receive(PARTIAL) == [SAID_PARTIAL]
    assert venue.receive(
        book("update", (1, "Buy", 50), (2, "Sell", 8)),
        book("insert", (3, "Sell", 9, 32_181)),
        book("update", (3, "Sell", 4)),
        book("delete", (2, "Sell")),
    ) == [
        "XBTUSD levels 32180@50 | 32180.5@8",
        "XBTUSD levels | 32181@9",
        "XBTUSD levels | 32181@4",
        "XBTUSD levels | 32180.5@0",
    ]
    assert venue.heard.checks == {"known id": 4}


def test_rows_may_have_their_price_and_time() -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL)
    update = book("update", (1, "Buy", 50, 32_179))
    update["data"][0]["timestamp"] = "2023-05-19T08:51:44.911Z"  # type: ignore[index]
    assert venue.receive(update) == ["XBTUSD levels 32180@0 32179@50 |"]
    assert venue.heard.times[-1] == 1_684_486_304_911_000_000


def test_small_prices_keep_their_digits() -> None:
    text = (
        b'{"table":"orderBookL2","action":"partial","data":[{"symbol":"TRXU21","id":1,'
        b'"side":"Buy","size":3,"price":1.80e-06},{"symbol":"XRPU21","id":1,"side":"Buy",'
        b'"size":3,"price":0.00001814000000000000001}]}'
    )
    assert Connection(VENUE).receive(text) == [
        "TRXU21 snapshot 0.00000180@3 |",
        "XRPU21 snapshot 0.00001814000000000000001@3 |",
    ]


def test_changes_before_the_partial_are_not_applied() -> None:
    venue = Connection(VENUE)
    assert venue.receive(book("update", (1, "Buy", 50))) == ["XBTUSD STALE/JOINED"]
    assert venue.receive(PARTIAL) == [SAID_PARTIAL, "XBTUSD LIVE"]


@pytest.mark.parametrize("action", ["update", "delete"])
def test_an_id_that_is_not_there_shows_a_gap(action: str) -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL)
    change = book(action, (1, "Buy", 50), (2, "Buy", 1))
    assert venue.receive(change, book("update", (1, "Buy", 1))) == ["XBTUSD STALE/GAP"]
    assert len(venue.heard.failed) == 1
    assert venue.receive(PARTIAL) == [SAID_PARTIAL, "XBTUSD RECOVERED"]
    assert venue.receive(book("update", (1, "Buy", 1))) == ["XBTUSD levels 32180@1 |"]


def test_a_deleted_id_is_gone() -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL, book("delete", (1, "Buy")))
    assert venue.receive(book("delete", (1, "Buy"))) == ["XBTUSD STALE/GAP"]


def test_a_new_connection_makes_its_books_stale() -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL)
    assert venue.open() == ["XBTUSD STALE/DISCONNECTED"]
    assert venue.receive(book("update", (1, "Buy", 50))) == []
    assert venue.receive(PARTIAL) == [SAID_PARTIAL, "XBTUSD RECOVERED"]


def test_one_table_tells_a_symbols_book() -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL)
    top = book("partial", (1, "Buy", 1, 5), table="orderBookL2_25")
    assert venue.receive(top, book("update", (9, "Buy", 1), table="orderBookL2_25")) == []


def test_trades_have_the_aggressors_side() -> None:
    row = {"timestamp": "2021-07-22T22:36:11.685Z", "symbol": "XBTUSD", "size": 100}
    data = [{**row, "side": "Buy", "price": 32180.5}, {**row, "side": "Sell", "price": 32180}]
    venue = Connection(VENUE)
    assert venue.receive({"table": "trade", "action": "partial", "data": data}) == []
    assert venue.receive({"table": "trade", "action": "insert", "data": data}) == [
        "XBTUSD trade BID 32180.5@100",
        "XBTUSD trade ASK 32180@100",
    ]
    assert venue.heard.times == [1_626_993_371_685_000_000] * 2


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        book("insert", (1, "Buy", 1)),
        book("insert", (1, "None", 1, 2)),
        book("insert", (1, "Buy", None, 2)),
        book("insert", (1, "Buy", 1, [2])),
        book("other", (1, "Buy", 1, 2)),
        book("update", (1,)),
        {**PARTIAL, "data": {}},
        {"table": "trade", "action": "insert", "data": [{"symbol": "XBTUSD"}]},
        b'{"table":"orderBookL2","action":"insert","data":[{"symbol":"XBTUSD","id":4,'
        b'"side":"Buy","size":3,"price":1e999999999}]}',
    ],
)
def test_what_the_venue_does_not_send_is_one_clear_error(bad: object) -> None:
    venue = Connection(VENUE)
    venue.receive(PARTIAL)
    with one_line_error(FeedError):
        venue.receive(bad)
    assert venue.receive(book("update", (1, "Buy", 1))) == ["XBTUSD levels 32180@1 |"]


def test_a_recording_names_no_id_that_is_not_there() -> None:
    messages = cryptofeed_messages(recording("cryptofeed/BITMEX.ws.1.0"))
    heard = Heard()

    def look(symbol: str) -> None:
        best = heard.best(symbol)
        assert best is not None
        assert best[0] < best[1]

    heard.after_change = look
    heard_of(VENUE, messages, heard)
    assert heard.checks == {"known id": 445 + 1090 + 434}
    assert not heard.failed
    assert (heard.count("snapshot"), heard.count("trade")) == (10, 17)
    assert len(heard.books) == 10
