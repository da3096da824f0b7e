"""One message on four wires: a client reads the same from each."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.examples import EXAMPLES
from market_depth.protocol.messages import DataType, Error, Response, Trade, TradesData
from market_depth.protocol.wire import JSON, Tail, Wire, wire_of
from market_depth.views import UNKNOWN
from support.frames import message_of
from support.hypothesis_settings import relaxed
from support.subscribers import WIRES, on_every_wire
from support.views import mbp_view

RESPONSES = [one for one in EXAMPLES if isinstance(one, Response)]
MANY_LEVELS = mbp_view(
    [(10_000 - n, 5 * n + 1, n, n + 1, UNKNOWN) for n in range(50)],
    [(10_001 + n, 2**40 + n, n, UNKNOWN, n) for n in range(50)],
)
PREFIX_BYTES = 5
"""What a stored block costs."""


def plain(value: Any) -> Any:
    """Return a message with its decimals as doubles, as MessagePack has them."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def data_frame(wire: Wire, stream_id: str) -> bytes:
    """Return a MarketData of 100 levels."""
    encoder = wire.encoder
    members = [
        ("symbol", "BTCUSD"),
        ("sequence", 812),
        ("data", encoder.data(DataType.MBP, MANY_LEVELS, 2, 3)),
    ]
    tail = wire.seal(encoder.tail(members))
    return wire.frame(encoder.prefix("MarketData", stream_id, len(members)), tail)


def test_there_is_one_wire_of_each_kind() -> None:
    assert len(set(WIRES)) == 4
    assert wire_of("json", is_compressed=False) is JSON
    assert all(wire_of(one.encoder.name, is_compressed=one.is_compressed) is one for one in WIRES)
    with pytest.raises(KeyError):
        wire_of("xml", is_compressed=False)


@pytest.mark.parametrize("message", RESPONSES, ids=lambda one: type(one).__name__)
def test_whole_messages_are_the_same_on_every_wire(message: Response) -> None:
    frames = [wire.message(message) for wire in WIRES]
    wanted = json.loads(msgspec.json.Encoder(decimal_format="number").encode(message))
    for frame in frames:
        assert plain(message_of(frame)) == wanted
    assert [frame[0] for frame in frames] == [0x81, 0x81, 0x82, 0x82], "too small to be compressed"


@relaxed
@given(stream_id=st.text(min_size=1, max_size=128))
def test_data_messages_are_the_same_on_every_wire(stream_id: str) -> None:
    frames = [data_frame(wire, stream_id) for wire in WIRES]
    messages = [plain(message_of(frame)) for frame in frames]
    assert messages[0]["stream_id"] == stream_id
    assert len(messages[0]["data"]["bids"]) == 50
    assert all(message == messages[0] for message in messages)
    assert [list(message) for message in messages] == [list(messages[0])] * 4
    assert [frame[0] for frame in frames] == [0x81, 0xC1, 0x82, 0xC2]


@on_every_wire
def test_a_compressed_message_is_smaller_and_no_other_is_ever_larger(wire: Wire) -> None:
    plain_wire = wire_of(wire.encoder.name, is_compressed=False)
    for length in (0, 1, 5, 20, 60, 200, 1000):
        for tail in (b"x" * length, bytes(range(256)) * 4):
            prefix = wire.encoder.prefix("MarketData", "s", 1)
            body = tail[:length]
            frame = wire.frame(prefix, wire.seal(body))
            assert len(frame) <= len(plain_wire.frame(prefix, plain_wire.seal(body)))
    small, large = len(data_frame(wire, "s")), len(data_frame(plain_wire, "s"))
    assert small < large / 2 if wire.is_compressed else small == large


@on_every_wire
def test_a_tail_is_sealed_once_for_all(wire: Wire) -> None:
    tail = wire.seal(b"," + b"x" * 1000)
    assert isinstance(tail, Tail)
    assert tail.is_deflated is wire.is_compressed
    frames = [wire.frame(prefix, tail) for prefix in (b"a" * 10, b"b" * 10)]
    assert all(frame.endswith(tail.body) for frame in frames)


@on_every_wire
def test_a_prefix_of_any_length_is_framed(wire: Wire) -> None:
    encoder = wire.encoder
    tail = wire.seal(encoder.tail([("x", "y" * 2000)]))
    for length in (1, 100, 128, 70_000):
        prefix = encoder.prefix("MarketData", "s" * length, 1)
        message = message_of(wire.frame(prefix, tail))
        assert message == {"type": "MarketData", "stream_id": "s" * length, "x": "y" * 2000}


@on_every_wire
def test_trades_and_texts_that_need_care(wire: Wire) -> None:
    number = wire.encoder.number
    trades = TradesData([Trade(number(12, 8), number(2**62, 9), None, None, 2**40)])
    members = [
        ("symbol", 'B"\\\n📈'),
        ("event_timestamp", None),
        ("data", wire.encoder.trades(trades)),
    ]
    prefix = wire.encoder.prefix("MarketData", "π", len(members))
    message = plain(message_of(wire.frame(prefix, wire.seal(wire.encoder.tail(members)))))
    assert (message["symbol"], message["event_timestamp"]) == ('B"\\\n📈', None)
    assert message["data"]["trades"] == [
        {
            "price": 12e-8,
            "quantity": 2**62 / 10**9,
            "side": None,
            "timestamp": None,
            "trade_number": 2**40,
        }
    ]
    error = message_of(wire.message(Error(400, 'got "\\u0000\x00" 📈', None)))
    assert error["message"] == 'got "\\u0000\x00" 📈'
