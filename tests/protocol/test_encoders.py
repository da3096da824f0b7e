"""Messages made of a prefix and a shared tail are those that the structs describe."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from market_depth.instruments import format_units
from market_depth.protocol.encoders import Encoder, JsonEncoder, Member, MsgpackEncoder
from market_depth.protocol.messages import (
    BboDelta,
    DataType,
    Error,
    Lagged,
    MarketData,
    MarketDelta,
    MbpData,
    Status,
    Subscribed,
    Trade,
    TradesData,
)
from market_depth.views import Changes
from support.views import level_rows, mbp_view

TIME = "2025-09-16T04:18:26.806069Z"
STREAM_IDS = ["a", "btc_mbp", 'quote " \\ slash', "Zürich 📈", "x" * 128, "π" * 128, "\x01\t"]
ENCODERS: list[Encoder] = [JsonEncoder(), MsgpackEncoder()]

VIEW = mbp_view([(10_245, 5000, 5000, 3, 1200)], [(10_251, 700, 700, 1, 9)])
LEVEL = {"order_count": 3, "side": "Bid", "total_quantity": 5000, "avg_age_ms": 1200}


@pytest.fixture(params=ENCODERS, ids=lambda encoder: encoder.name)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    chosen: Encoder = request.param
    return chosen


def decoded(encoder: Encoder, message: bytes) -> dict[str, Any]:
    decode = msgspec.msgpack.decode if encoder.is_binary else json.loads
    fields = decode(message)
    assert isinstance(fields, dict)
    return fields


def data_members(encoder: Encoder) -> list[Member]:
    return [
        ("symbol", "BTCUSD"),
        ("sequence", 815),
        ("timestamp", TIME),
        ("event_timestamp", None),
        ("data", encoder.data(DataType.MBP, VIEW, 2, 0)),
        ("checksum", 2**32 - 1),
        ("resync", "slow_consumer"),
    ]


@pytest.mark.parametrize("stream_id", STREAM_IDS)
def test_a_market_data_is_put_together(encoder: Encoder, stream_id: str) -> None:
    members = data_members(encoder)
    message = encoder.prefix("MarketData", stream_id, len(members)) + encoder.tail(members)
    fields = decoded(encoder, message)
    assert list(fields) == ["type", "stream_id", *[name for name, _ in members]]
    assert (fields["type"], fields["stream_id"]) == ("MarketData", stream_id)
    assert fields["event_timestamp"] is None
    assert fields["data"]["bids"] == [{"price": 102.45, "quantity": 5000, **LEVEL}]
    read = msgspec.json.decode if not encoder.is_binary else msgspec.msgpack.decode
    typed = read(message, type=MarketData)
    assert isinstance(typed.data, MbpData)
    assert (typed.checksum, typed.resync) == (2**32 - 1, "slow_consumer")


def test_a_market_delta_is_put_together(encoder: Encoder) -> None:
    changes = Changes(level_rows((10_245, 0, 0, 0, 0)), level_rows((10_246, 5, 0, 1, 0)))
    members: list[Member] = [
        ("symbol", "BTCUSD"),
        ("prev_sequence", 812),
        ("sequence", 815),
        ("timestamp", TIME),
        ("event_timestamp", TIME),
        ("data", encoder.changes(DataType.BBO, changes, 2, 0)),
    ]
    message = encoder.prefix("MarketDelta", "d", len(members)) + encoder.tail(members)
    assert list(decoded(encoder, message)) == ["type", "stream_id", *[name for name, _ in members]]
    read = msgspec.json.decode if not encoder.is_binary else msgspec.msgpack.decode
    typed = read(message, type=MarketDelta)
    assert isinstance(typed.data, BboDelta)
    assert (typed.prev_sequence, typed.sequence) == (812, 815)


@pytest.mark.parametrize("members", [4, 7, 13])
def test_as_many_members_as_a_message_may_have_are_told(encoder: Encoder, members: int) -> None:
    named: list[Member] = [(f"m{number}", number) for number in range(members)]
    message = encoder.prefix("MarketData", "s", members) + encoder.tail(named)
    assert list(decoded(encoder, message).values())[2:] == list(range(members))


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (Lagged("s", 3), {"type": "Lagged", "stream_id": "s", "skipped": 3}),
        (
            Status("BTCUSD", "Stale", None, TIME),
            {
                "type": "Status",
                "symbol": "BTCUSD",
                "status": "Stale",
                "reason": None,
                "timestamp": TIME,
            },
        ),
        (
            Error(404, "no stream 's'", None, id="r1"),
            {
                "type": "Error",
                "code": 404,
                "message": "no stream 's'",
                "stream_id": None,
                "id": "r1",
            },
        ),
        (
            Subscribed("s", "BTCUSD", DataType.MBP, interval_ms=0, id=7),
            {
                "type": "Subscribed",
                "stream_id": "s",
                "symbol": "BTCUSD",
                "data_type": "MBP",
                "interval_ms": 0,
                "id": 7,
            },
        ),
    ],
)
def test_whole_messages_have_the_contracts_fields_in_its_order(
    encoder: Encoder, message: Any, fields: dict[str, Any]
) -> None:
    found = decoded(encoder, encoder.message(message))
    assert list(found.items()) == list(fields.items())


def test_trades_are_written_as_the_contract_has_them(encoder: Encoder) -> None:
    number = encoder.number
    trades = TradesData(
        [
            Trade(number(10_245, 2), number(5, 0), "Bid", TIME, 1),
            Trade(number(-3, 1), number(7, 3), None, None, 2),
        ]
    )
    found = decoded(encoder, encoder.tail([("data", encoder.trades(trades))]).join(ends(encoder)))
    assert list(found["data"]) == ["format", "trades"]
    assert [list(trade.values()) for trade in found["data"]["trades"]] == [
        [102.45, 5, "Bid", TIME, 1],
        [-0.3, 0.007, None, None, 2],
    ]
    assert list(found["data"]["trades"][0]) == list(Trade.__struct_fields__)


def ends(encoder: Encoder) -> list[bytes]:
    """Return what makes a message of a tail with one member."""
    return [b"\x81", b""] if encoder.is_binary else [b'{"type":0', b""]


@pytest.mark.parametrize("decimals", range(10))
@pytest.mark.parametrize("units", [0, 1, 12, -3, 10_245, 10**8, 10**17, 2**63 - 1])
def test_numbers_are_written_out_with_all_their_decimals(units: int, decimals: int) -> None:
    text = format_units(units, decimals).encode()
    packed_as = float(Decimal(units).scaleb(-decimals)) if decimals else units
    json_, msgpack = JsonEncoder(), MsgpackEncoder()
    trades = [
        TradesData([Trade(e.number(units, decimals), 1, None, None, 1)]) for e in (json_, msgpack)
    ]
    assert b'"price":%b,"quantity"' % text in json_.trades(trades[0])
    (trade,) = msgspec.msgpack.decode(msgpack.trades(trades[1]))["trades"]
    assert trade["price"] == packed_as
    ticks = [
        Subscribed("s", "BTCUSD", DataType.MBP, tick_size=e.number(units, decimals))
        for e in (json_, msgpack)
    ]
    assert json_.message(ticks[0]).endswith(b'"tick_size":%b}' % text)
    assert msgspec.msgpack.decode(msgpack.message(ticks[1]))["tick_size"] == packed_as
