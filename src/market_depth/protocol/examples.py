"""An example of every message of the wire contract, or two."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from market_depth.protocol.messages import (
    BboData,
    DataType,
    Error,
    HeartBeat,
    Lagged,
    MarketData,
    MarketDelta,
    MboChange,
    MboData,
    MboDelta,
    MboLevel,
    MbpChange,
    MbpData,
    MbpDelta,
    MbpLevel,
    Response,
    Shutdown,
    Status,
    Subscribed,
    Subscription,
    Subscriptions,
    SymbolInfo,
    Symbols,
    Trade,
    TradesData,
    Unsubscribed,
)
from market_depth.protocol.requests import (
    ListSubscriptions,
    ListSymbols,
    Mode,
    Ping,
    Request,
    Resume,
    Subscribe,
    Unsubscribe,
)

__all__ = ["EXAMPLES"]

_TIME: Final = "2025-09-16T04:18:26.806069Z"
_BID: Final = MbpLevel(102.45, 5000, 3, "Bid", 5000, 1200)
_ASK: Final = MbpLevel(102.46, 3000, 2, "Ask", 3000, 800)

EXAMPLES: Final[tuple[Request | Response, ...]] = (
    Subscribe(stream_id="btc", symbol="BTCUSD", data_type=DataType.MBP, max_levels=20),
    Subscribe(
        stream_id="d",
        symbol="BTCUSD",
        data_type=DataType.MBP,
        max_levels=50,
        mode=Mode.DELTA,
        interval_ms=100,
        group="0.50",
        checksum=True,
        resume=Resume("f2ba098ad00f0f3e", 812),
        id=1,
    ),
    Unsubscribe("btc"),
    Ping(datetime(2025, 9, 16, 4, 18, 26, 806069, UTC)),
    ListSymbols(2),
    ListSubscriptions(3),
    Subscribed("btc", "BTCUSD", DataType.MBP),
    Subscribed(
        "d",
        "BTCUSD",
        DataType.MBP,
        mode="delta",
        interval_ms=100,
        epoch="f2ba098ad00f0f3e",
        price_decimals=2,
        quantity_decimals=0,
        tick_size=Decimal("0.01"),
        resumed=True,
        id=1,
    ),
    Unsubscribed("btc"),
    HeartBeat(_TIME),
    Error(404, "unknown symbol 'DOGE'; known: BTCUSD, ETHUSD, ADAUSD", "x"),
    Status("BTCUSD", "Stale", "messages of the venue are missing", _TIME),
    Lagged("d", 17),
    Shutdown("server shutting down", 1000),
    MarketData(
        stream_id="btc",
        symbol="BTCUSD",
        sequence=560,
        timestamp=_TIME,
        data=MbpData([_BID], [_ASK]),
    ),
    MarketData(
        stream_id="o",
        symbol="BTCUSD",
        sequence=560,
        timestamp=_TIME,
        data=MboData([MboLevel("1000758", 102.45, 5000, "Bid", _TIME, 1500)], []),
    ),
    MarketData(
        stream_id="b",
        symbol="BTCUSD",
        sequence=560,
        timestamp=_TIME,
        event_timestamp=_TIME,
        data=BboData([_BID], [_ASK]),
        resync="slow_consumer",
    ),
    MarketData(
        stream_id="t",
        symbol="BTCUSD",
        sequence=560,
        timestamp=_TIME,
        event_timestamp=_TIME,
        data=TradesData([Trade(102.46, 700, "Bid", _TIME, 41)]),
    ),
    MarketDelta(
        stream_id="d",
        symbol="BTCUSD",
        prev_sequence=812,
        sequence=815,
        timestamp=_TIME,
        event_timestamp=_TIME,
        data=MbpDelta([MbpChange(102.45, 0)], [MbpChange(102.51, 700, 2)]),
        checksum=1234567890,
    ),
    MarketDelta(
        stream_id="o",
        symbol="BTCUSD",
        prev_sequence=812,
        sequence=815,
        timestamp=_TIME,
        event_timestamp=None,
        data=MboDelta(
            [MboChange("Cancel", "1000758", 102.45), MboChange("Update", "1000760", 102.45, 300)],
            [MboChange("Add", "1000801", 102.46, 700, _TIME)],
        ),
    ),
    Symbols([SymbolInfo("BTCUSD", Decimal("0.01"), 2, 0, list(DataType), "Live")], 2),
    Subscriptions(
        [Subscription("d", "BTCUSD", DataType.MBP, 50, "delta", 100, "0.50", True, 815)], 3
    ),
)
