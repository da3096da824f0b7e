"""Messages cut, flipped and spliced: events that can be written, or one clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Side, StatusReason
from market_depth.feeds.venues import (
    Venue,
    bitfinex,
    bitget,
    bitmex,
    bitstamp,
    bybit,
    coinbase,
    ftx,
    kraken,
    kraken_futures,
    okx,
)
from market_depth.feeds.venues import independent_reserve as reserve
from market_depth.feeds.venues.base import LevelRows, OrderRow
from support.hypothesis_settings import relaxed

MAX_INT64 = 2**63 - 1
GUID = "dbe7b832-b9b7-4eac-84ce-9f49c2a93b87"
ROW = {"side": "bid", "event_time": "2026-08-09T21:05:48.1Z", "price_level": "1"}
L2 = {"type": "snapshot", "product_id": "B", "updates": [{**ROW, "new_quantity": "2"}]}
LIVE_ORDER = {"id": 7, "order_type": 0, "price": 1.5, "amount": 2, "microtimestamp": "5"}
SUBSCRIBED = {"event": "subscribed", "channel": "book", "chanId": 1, "symbol": "tB", "prec": "R0"}
IR_ORDER = {"OrderType": "LimitBid", "OrderGuid": GUID, "Price": {"aud": 2.5}, "Volume": 1}
MEX_ROW = {"symbol": "X", "id": 5, "side": "Buy", "size": 3, "price": 1.5}
OKX_BOOK = {"ts": "5", "bids": [["1", "2", "0", "1"]], "asks": [["3", "4", "0", "1"]], "seqId": 3}
FUTURES_ROW = {"price": 2.5, "qty": 5e-7}

MESSAGES: dict[Venue, list[Any]] = {
    bybit.VENUE: [
        {
            "topic": "orderbook.50.B",
            "type": kind,
            "ts": 5,
            "data": {"s": "B", "b": [["1", "2"]], "a": [["3", "4"]], "u": update_id, "seq": 9},
        }
        for kind, update_id in (("snapshot", 7), ("delta", 8), ("delta", 9))
    ],
    coinbase.VENUE: [
        {"channel": "l2_data", "timestamp": "", "sequence_num": 0, "events": [L2]},
        {"channel": "l2_data", "sequence_num": 1, "events": [{**L2, "type": "update"}]},
    ],
    bitstamp.VENUE: [
        {
            "event": "data",
            "channel": "order_book_btcusd",
            "data": {"microtimestamp": "5", "bids": [["1", "2"]], "asks": []},
        },
        {"event": "order_created", "channel": "live_orders_ethusd", "data": LIVE_ORDER},
        {"event": "order_changed", "channel": "live_orders_ethusd", "data": LIVE_ORDER},
        {
            "event": "trade",
            "channel": "live_trades_ethusd",
            "data": {"price": 1.5, "amount": 2.5e-7, "type": 1},
        },
    ],
    bitfinex.VENUE: [
        SUBSCRIBED,
        [1, [[7, 1.5, 2], [8, 2.5, -1]]],
        [1, [7, 1.25, 0.5]],
        [1, "cs", 5],
        {**SUBSCRIBED, "chanId": 2, "prec": "P0", "symbol": "tC"},
        [2, [[1.5, 2, 3]]],
        [2, [1.5, 0, 1]],
    ],
    bitmex.VENUE: [
        {"table": "orderBookL2", "action": action, "data": [MEX_ROW]}
        for action in ("partial", "update", "delete")
    ],
    kraken.VENUE: [
        [1, {"as": [["3", "4", "5.5"]], "bs": [["1", "2", "5.5"]]}, "book-10", "A/B"],
        [1, {"b": [["1.1", "2", "5.6"], ["1", "0", "5.6", "r"]]}, "book-10", "A/B"],
        [1, {"a": [["3", "5", "5.6"]]}, {"b": [["1", "1", "5.6"]]}, "book-10", "A/B"],
        [2, [["1", "2", "5.5", "b", "l", ""]], "trade", "A/B"],
    ],
    okx.VENUE: [
        {"arg": {"channel": "books", "instId": "A"}, "action": action, "data": [OKX_BOOK]}
        for action in ("snapshot", "update")
    ],
    bitget.VENUE: [
        {
            "arg": {"instType": "sp", "channel": "books", "instId": "A"},
            "action": action,
            "data": [{"ts": "5", "bids": [["1", "2"]], "asks": [["3", "4"]]}],
        }
        for action in ("snapshot", "update")
    ],
    kraken_futures.VENUE: [
        {"feed": "book_snapshot", "product_id": "P", "seq": 4, "bids": [FUTURES_ROW], "asks": []},
        {"feed": "book", "product_id": "P", "seq": 5, "side": "sell", **FUTURES_ROW},
        {"feed": "trade", "product_id": "P", "seq": 1, "side": "sell", **FUTURES_ROW},
    ],
    ftx.VENUE: [
        {
            "channel": "orderbook",
            "market": "M",
            "type": kind,
            "data": {"time": 5.5, "bids": [[1.3e-07, 2.0]], "asks": [[3.5, 4]]},
        }
        for kind in ("partial", "update")
    ],
    reserve.VENUE: [
        {"Channel": "orderbook-eth", "Nonce": 4, "Data": IR_ORDER, "Time": 5, "Event": "NewOrder"},
        {"Channel": "orderbook-eth", "Nonce": 5, "Data": IR_ORDER, "Event": "OrderCanceled"},
    ],
}
SNAPSHOT_URLS = {
    bitstamp.VENUE: "https://www.bitstamp.net/api/v2/order_book/ltcusd/",
    reserve.VENUE: "https://api.independentreserve.com/Public/GetAllOrders",
}
SNAPSHOTS: dict[Venue, object] = {
    bitstamp.VENUE: {"microtimestamp": "5", "bids": [["1", "2", "7"]], "asks": []},
    reserve.VENUE: {
        "BuyOrders": [{"Guid": GUID, "Price": 2.5, "Volume": 1}],
        "SellOrders": [],
        "CreatedTimestampUtc": "2023-07-18T22:12:00Z",
        "PrimaryCurrencyCode": "Eth",
        "SecondaryCurrencyCode": "Aud",
    },
}


class Writable:
    """A sink that takes only what an event has room for."""

    is_checking = True

    def _rows(self, rows: LevelRows, count_at: int | None) -> None:
        for row in rows:
            assert len(row) >= 2 if count_at is None else count_at < len(row)
            assert all(type(text) is str for text in row)

    def _numbers(self, ts_event: int, sequence: int) -> None:
        assert 0 <= ts_event <= MAX_INT64
        assert 0 <= sequence <= MAX_INT64

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        self._rows(bids, count_at)
        self._rows(asks, count_at)
        self._numbers(ts_event, sequence)

    levels = snapshot

    def orders(
        self,
        symbol: str,
        bids: list[OrderRow],
        asks: list[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        self._numbers(ts_event, sequence)
        for row in (*bids, *asks):
            assert 0 <= row.order_id < 2**64
            assert type(row.price) is type(row.size) is str

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        self._numbers(ts_event, sequence)
        assert 0 <= order_id < 2**64
        assert type(price) is type(size) is str

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        self._numbers(ts_event, sequence)
        assert type(price) is type(size) is str

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        self._numbers(ts_event, 0)

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        self._rows(bids, None)
        self._rows(asks, None)

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        assert passed is (not detail) or what == "known order"


VALUES = st.sampled_from(
    [
        b"0",
        b"-1",
        b"1e400",
        b"1e-400",
        b"99999999999999999999",
        b'""',
        b"null",
        b"[]",
        b"{}",
        b"1.5",
    ]
)


@st.composite
def damaged(draw: st.DrawFn, whole: list[bytes]) -> bytes:
    """Return a message with a part cut out, bytes changed, or a part of another in its place."""
    text = draw(st.sampled_from(whole))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    other = draw(st.sampled_from(whole))
    at = draw(st.integers(0, len(other)))
    part = draw(
        st.one_of(
            st.just(b""), st.binary(max_size=4), VALUES, st.just(other[at : at + end - start])
        )
    )
    return text[:start] + part + text[end:]


@pytest.mark.parametrize("venue", MESSAGES, ids=lambda venue: venue.name)
@relaxed
@given(data=st.data())
def test_damaged_messages_give_events_or_one_clear_error(venue: Venue, data: st.DataObject) -> None:
    whole = [json.dumps(message).encode() for message in MESSAGES[venue]]
    snapshot = [json.dumps(SNAPSHOTS.get(venue, {})).encode()]
    parser = venue.parser(Writable())  # type: ignore[arg-type]
    errors = []
    for text in whole:
        for message in (text, data.draw(damaged(whole))):
            try:
                parser.received("", message)
            except FeedError as error:
                errors.append(str(error))
    if venue in SNAPSHOT_URLS:
        try:
            parser.fetched(SNAPSHOT_URLS[venue], data.draw(damaged(snapshot)))
        except FeedError as error:
            errors.append(str(error))
    for text_of_error in errors:
        assert len(text_of_error.splitlines()) == 1
        assert len(text_of_error) < 500
