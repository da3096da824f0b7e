"""Requests go out as the server reads them, and its messages come back typed, in both encodings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from market_depth.client.gateway import GATEWAYS
from market_depth.protocol.codec import decode_request
from market_depth.protocol.messages import DataType, Lagged
from market_depth.protocol.requests import Mode, Request, Resume, Subscribe, Unsubscribe

_SUBSCRIBE = Subscribe(
    stream_id="a",
    symbol="BTCUSD",
    data_type=DataType.MBP,
    max_levels=5,
    mode=Mode.DELTA,
    interval_ms=0,
    group="0.50",
    checksum=True,
    resume=Resume("first", 7),
    id=1,
)


@pytest.mark.parametrize("encoding", GATEWAYS)
@pytest.mark.parametrize("request_", [_SUBSCRIBE, Unsubscribe("a")])
def test_the_server_reads_a_request_as_it_was(encoding: str, request_: Request) -> None:
    payload = GATEWAYS[encoding].encode(request_)
    is_binary = isinstance(payload, bytes)
    raw = payload if isinstance(payload, bytes) else payload.encode()

    assert is_binary == (encoding == "msgpack")
    assert decode_request(raw, is_binary=is_binary) == request_


def test_what_is_left_out_is_not_sent() -> None:
    payload = GATEWAYS["json"].encode(Unsubscribe("a"))
    assert payload == '{"type":"Unsubscribe","stream_id":"a"}'


@pytest.mark.parametrize(("encoding", "library"), [("json", "json"), ("msgpack", "msgpack")])
def test_a_message_is_typed_and_fields_that_are_not_known_are_left(
    encoding: str, library: str
) -> None:
    codec: Any = getattr(msgspec, library)
    message = {"type": "Lagged", "stream_id": "a", "skipped": 3, "later": True}
    assert GATEWAYS[encoding].decode(codec.encode(message)) == Lagged("a", 3)
