"""Messages of a server as events, and those that are none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from market_depth.book import OrderBook
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Flag, StatusReason
from market_depth.recording.views import ViewRecorder
from support.errors import one_line_error
from support.sources import instrument

TIME = "2025-09-16T04:18:26.806069Z"
TIME_NS = 1_757_996_306_806_069_000
RECV_NS = TIME_NS + 5


def order(**fields: Any) -> dict[str, Any]:
    row = {"order_id": "18446744073709551615", "price": 0.25, "quantity": 5, "timestamp": TIME}
    return row | fields


def message(*bids: dict[str, Any], sequence: int = 560) -> str:
    data = {"bids": bids, "asks": ()}
    return msgspec.json.encode(
        {"type": "MarketData", "sequence": sequence, "timestamp": TIME, "data": data}
    ).decode()


def test_the_first_view_is_a_snapshot() -> None:
    events = ViewRecorder(instrument(3)).events(message(order()), RECV_NS)
    assert [event["action"] for event in events] == [Action.CLEAR, Action.ADD]
    assert events["flags"].tolist() == [Flag.SNAPSHOT, Flag.SNAPSHOT | Flag.LAST]
    assert events["sequence"].tolist() == [560, 560]
    assert events["instrument_id"].tolist() == [3, 3]
    assert events["ts_event"].tolist() == [TIME_NS, TIME_NS]
    assert events["ts_recv"].tolist() == [RECV_NS, RECV_NS]
    assert (events["order_id"][1], events["price"][1], events["size"][1]) == (2**64 - 1, 25, 5)


def test_a_view_as_it_was_keeps_its_sequence() -> None:
    views = ViewRecorder(instrument())
    views.events(message(order()), RECV_NS)
    (event,) = views.events(message(order(), sequence=561), RECV_NS)
    assert (event["action"], event["sequence"], event["flags"]) == (Action.NONE, 561, Flag.LAST)


def test_a_lost_connection_is_told_once_and_made_good_by_the_next_view() -> None:
    views, book = ViewRecorder(instrument()), OrderBook()
    assert views.lost(RECV_NS) is None
    book.apply(views.events(message(order()), RECV_NS))
    lost = views.lost(RECV_NS)
    assert lost is not None
    book.apply(lost)
    assert (book.status, book.status_reason) == (BookStatus.STALE, StatusReason.DISCONNECTED)
    assert views.lost(RECV_NS) is None
    book.apply(views.events(message(order(quantity=3), sequence=1), RECV_NS))
    assert book.status is BookStatus.RECOVERED
    assert book.mbo(9, 0).bids["size"].tolist() == [3]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"price": 0.125}, ["0.125", "2 decimals"]),
        ({"quantity": 1.5}, ["1.5", "0 decimals"]),
        ({"price": 1e30}, ["out of range"]),
        ({"quantity": 2**63}, ["out of range"]),
        ({"order_id": "18446744073709551616"}, ["18446744073709551616", "64 bits"]),
        ({"order_id": "x"}, ["'x'"]),
        ({"order_id": "²"}, ["64 bits"]),
        ({"timestamp": "yesterday"}, ["'yesterday'"]),
    ],
)
def test_a_row_that_is_none_is_one_line(fields: dict[str, Any], words: list[str]) -> None:
    with one_line_error(FeedError, *words):
        ViewRecorder(instrument()).events(message(order(**fields)), RECV_NS)


def test_a_price_is_read_as_it_is_written() -> None:
    text = message(order()).replace("0.25", "1234567890.123456789")
    views = ViewRecorder(instrument(price_decimals=9))
    assert views.events(text, RECV_NS)["price"][1] == 1_234_567_890_123_456_789
