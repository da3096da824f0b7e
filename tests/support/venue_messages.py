"""Messages of every venue, made up: each kind that its parser reads."""

from __future__ import annotations

from typing import Any, Final
from zlib import crc32

from market_depth.feeds.venues import (
    Venue,
    binance,
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

__all__ = ["MESSAGES", "MS_LINES", "SNAPSHOTS", "SNAPSHOT_URLS"]

GUID: Final = "dbe7b832-b9b7-4eac-84ce-9f49c2a93b87"
ROW: Final = {"side": "bid", "event_time": "2026-08-09T21:05:48.1Z", "price_level": "1"}
L2: Final = {"type": "snapshot", "product_id": "B", "updates": [{**ROW, "new_quantity": "2"}]}
LIVE_ORDER: Final = {
    "id": 7,
    "order_type": 0,
    "price": 1.5,
    "amount": 2,
    "microtimestamp": "5",
}
SUBSCRIBED: Final = {
    "event": "subscribed",
    "channel": "book",
    "chanId": 1,
    "symbol": "tB",
    "prec": "R0",
}
IR_ORDER: Final = {
    "OrderType": "LimitBid",
    "OrderGuid": GUID,
    "Price": {"aud": 2.5},
    "Volume": 1,
}
MEX_ROW: Final = {"symbol": "X", "id": 5, "side": "Buy", "size": 3, "price": 1.5}
OKX_BOOK: Final = {
    "ts": "5",
    "bids": [["1", "2", "0", "1"]],
    "asks": [["3", "4", "0", "1"]],
    "checksum": crc32(b"1:2:3:4"),
    "seqId": 3,
}
FUTURES_ROW: Final = {"price": 2.5, "qty": 5e-7}
DIFF: Final = {"e": "depthUpdate", "E": 5, "s": "B", "a": [["3", "4"]]}
SPOT_DIFFS: Final = [
    {**DIFF, "U": first, "u": last, "b": rows}
    for first, last, rows in ((1, 4, [["1", "2"]]), (5, 6, [["1", "0"], ["0.5", "7"]]))
]
FUTURES_DIFFS: Final = [{**one, "T": 4, "pu": one["U"] - 1} for one in SPOT_DIFFS]  # type: ignore[operator]
BINANCE_SNAPSHOT: Final = {"lastUpdateId": 3, "bids": [["1", "1"]], "asks": [["2.5", "1"]]}
TICKER: Final = {"u": 6, "s": "B", "b": "0.5", "B": "7", "a": "2.5", "A": "1"}
TRADE: Final = {"e": "trade", "E": 6, "s": "B", "t": 1, "p": "1", "q": "2", "m": True, "M": True}

MESSAGES: Final[dict[Venue, list[Any]]] = {
    binance.SPOT: [
        {"stream": "b@depth@100ms", "data": SPOT_DIFFS[0]},
        {"stream": "b@bookTicker", "data": TICKER},
        BINANCE_SNAPSHOT,
        SPOT_DIFFS[1],
        {"stream": "b@trade", "data": TRADE},
        TICKER,
    ],
    binance.FUTURES: [
        FUTURES_DIFFS[0],
        {**BINANCE_SNAPSHOT, "E": 5, "T": 5},
        {"stream": "b@depth", "data": FUTURES_DIFFS[1]},
        {**TICKER, "e": "bookTicker", "E": 6},
        {"stream": "b@aggTrade", "data": {**TRADE, "e": "aggTrade", "a": 2}},
    ],
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
        {
            "event": "data",
            "channel": "diff_order_book_ltcusd",
            "data": {"microtimestamp": "6", "bids": [["1", "2"]], "asks": [["3", "4"]]},
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
        [1, [7, 0, 1]],
        [1, "cs", crc32(b"8:-1")],
        {**SUBSCRIBED, "chanId": 2, "prec": "P0", "symbol": "tC"},
        [2, [[1.5, 2, 3]]],
        [2, [1.5, 0, 1]],
        {**SUBSCRIBED, "chanId": 3, "channel": "trades"},
        [3, "te", [9, 5, -0.5, 1.5]],
        {"event": "conf", "status": "OK", "flags": 98_304},
        [2, [2.5, 1, 1], 1, 7],
    ],
    bitmex.VENUE: [
        {"table": "orderBookL2", "action": action, "data": [MEX_ROW]}
        for action in ("partial", "update", "delete")
    ],
    kraken.VENUE: [
        [1, {"as": [["3", "4", "5.5"]], "bs": [["1", "2", "5.5"]]}, "book-10", "A/B"],
        [1, {"b": [["1.1", "2", "5.6"], ["1", "0", "5.6", "r"]]}, "book-10", "A/B"],
        [
            1,
            {"a": [["3", "5", "5.6"]]},
            {"b": [["1", "1", "5.6"]], "c": str(crc32(b"3511211"))},
            "book-10",
            "A/B",
        ],
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
"""What comes by WebSocket."""
SNAPSHOT_URLS: Final = {
    binance.SPOT: "https://api.binance.com/api/v3/depth?symbol=B",
    binance.FUTURES: "https://fapi.binance.com/fapi/v1/depth?symbol=B",
    bitstamp.VENUE: "https://www.bitstamp.net/api/v2/order_book/ltcusd/",
    reserve.VENUE: "https://api.independentreserve.com/Public/GetAllOrders",
}
SNAPSHOTS: Final[dict[Venue, Any]] = {
    binance.SPOT: BINANCE_SNAPSHOT,
    binance.FUTURES: BINANCE_SNAPSHOT,
    bitstamp.VENUE: {"microtimestamp": "5", "bids": [["1", "2", "7"]], "asks": []},
    reserve.VENUE: {
        "BuyOrders": [{"Guid": GUID, "Price": 2.5, "Volume": 1}],
        "SellOrders": [],
        "CreatedTimestampUtc": "2023-07-18T22:12:00Z",
        "PrimaryCurrencyCode": "Eth",
        "SecondaryCurrencyCode": "Aud",
    },
}
"""What comes by REST, in answer to `SNAPSHOT_URLS`."""
MS_LINES: Final = {
    bitstamp.VENUE: [
        b'order_%s {"price":"%s","amount":"2","datetime":"1430438404","id":7,"order_type":0}' % pair
        for pair in ((b"created", b"1.5"), (b"changed", b"1.25"), (b"deleted", b"1.25"))
    ]
}
"""Names and data of events, as recordings of 2015 have them."""
