"""Requests that are understood, and what a client is told of those that are not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.codec import decode_request
from market_depth.protocol.encoders import JsonEncoder
from market_depth.protocol.messages import (
    DataType,
    Error,
    HeartBeat,
    Response,
    Shutdown,
    Subscribed,
    Unsubscribed,
)
from market_depth.protocol.requests import (
    ListSubscriptions,
    ListSymbols,
    Ping,
    Request,
    Subscribe,
    Unsubscribe,
)
from support.hypothesis_settings import relaxed

SUBSCRIBE = {"type": "Subscribe", "stream_id": "btc", "symbol": "BTCUSD", "data_type": "MBP"}
EXTENDED = {
    "mode": "delta",
    "interval_ms": 100,
    "group": "0.50",
    "checksum": True,
    "resume": {"epoch": "x", "sequence": 812},
    "symbols": ["*"],
}
MAX_MESSAGE_CHARACTERS = 250


def encoded(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def subscribe(**fields: Any) -> bytes:
    """Return a Subscribe with some fields set, or left out where they are `None`."""
    merged = {**SUBSCRIBE, **fields}
    return encoded(**{name: value for name, value in merged.items() if value is not ...})


def wanted(stream_id: str, data_type: DataType, max_levels: int | None = None) -> Subscribe:
    return Subscribe(
        stream_id=stream_id, symbol="BTCUSD", data_type=data_type, max_levels=max_levels
    )


def refusal(text: bytes) -> RequestError:
    """Return the error of a request that is refused, having checked its form."""
    with pytest.raises(RequestError) as caught:
        decode_request(text)
    error = caught.value
    assert error.code is ErrorCode.BAD_REQUEST
    assert str(error) == error.message
    assert error.message
    assert not {"\n", "\r"} & set(error.message)
    assert len(error.message) <= MAX_MESSAGE_CHARACTERS
    return error


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            b'{"type":"Subscribe","stream_id":"btc_mbp","symbol":"BTCUSD","data_type":"MBP",'
            b'"max_levels":20}',
            wanted("btc_mbp", DataType.MBP, 20),
        ),
        (subscribe(data_type="MBO"), wanted("btc", DataType.MBO)),
        (subscribe(max_levels=None), wanted("btc", DataType.MBP)),
        (subscribe(max_levels=1), wanted("btc", DataType.MBP, 1)),
        (subscribe(stream_id="x" * 128), wanted("x" * 128, DataType.MBP)),
        (subscribe(stream_id="π 🙂\n"), wanted("π 🙂\n", DataType.MBP)),
        (b'{"type":"Unsubscribe","stream_id":"btc_mbp"}', Unsubscribe("btc_mbp")),
        (b' {"stream_id" : "a" , "type" : "Unsubscribe"} \r\n', Unsubscribe("a")),
        (
            b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}',
            Ping(datetime(2025, 9, 16, 4, 18, 26, 806_069, UTC)),
        ),
    ],
)
def test_requests_of_the_contract_are_understood(text: bytes, request_: Request) -> None:
    assert decode_request(text) == request_
    assert decode_request(bytearray(text)) == request_


def test_levels_left_out_or_null_are_twenty() -> None:
    for text in (subscribe(), subscribe(max_levels=None), subscribe(max_levels=20)):
        request = decode_request(text)
        assert isinstance(request, Subscribe)
        assert request.levels == 20


def test_unknown_fields_are_ignored() -> None:
    text = subscribe(colour={"deep": [1, None]}, **{"": "x"})
    assert decode_request(text) == wanted("btc", DataType.MBP)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (subscribe(max_levels=0), ["max_levels", ">= 1", "got 0"]),
        (subscribe(max_levels=-5), ["max_levels", "got -5"]),
        (subscribe(max_levels=10**9 + 1), ["max_levels", "<= 1000000000", "got 1000000001"]),
        (subscribe(max_levels=10**30), ["max_levels", f"got {10**30}"]),
        (subscribe(max_levels=2.5), ["max_levels", "int", "got 2.5"]),
        (subscribe(max_levels="20"), ["max_levels", "int", 'got "20"']),
        (subscribe(max_levels=True), ["max_levels", "got true"]),
        (subscribe(max_levels=[20]), ["max_levels", "got [20]"]),
        (subscribe(symbol=...), ["symbol", "missing"]),
        (subscribe(symbol=7), ["symbol", "str", "got 7"]),
        (subscribe(symbol=10**30), ["symbol", "str", f"got {10**30}"]),
        (subscribe(symbol={"a": [1]}), ["symbol", 'got {"a":[1]}']),
        (subscribe(data_type=...), ["data_type", "missing"]),
        (subscribe(data_type="mbp"), ["data_type", '"mbp"', "MBP, MBO, BBO or TRADES"]),
        (subscribe(data_type=5), ["data_type", "5", "MBP, MBO, BBO or TRADES"]),
        (subscribe(type="Subscribed"), ["type", '"Subscribed"', "Unsubscribe"]),
        (subscribe(type="line\nbreak"), ["type", r'"line\nbreak"']),
        (subscribe(type=3), ["type", "3"]),
        (subscribe(type=...), ["type", "missing"]),
        (subscribe(data_type="x" * 5000), ["data_type", '"xxx', "…"]),
        (encoded(type="Ping", stream_id="btc"), ["timestamp", "missing"]),
        (encoded(type="Ping", stream_id="btc", timestamp="now"), ["timestamp", '"now"']),
        (encoded(type="Ping", stream_id="btc", timestamp=5), ["timestamp", "5"]),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_the_stream(
    text: bytes, named: list[str]
) -> None:
    error = refusal(text)
    for words in named:
        assert words in error.message
    assert error.stream_id == "btc"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (subscribe(stream_id=...), ["stream_id", "missing"]),
        (subscribe(stream_id=""), ["stream_id", "length >= 1", 'got ""']),
        (subscribe(stream_id="x" * 129), ["stream_id", "length <= 128", '"xxx', "…"]),
        (subscribe(stream_id=7), ["stream_id", "str", "got 7"]),
        (subscribe(stream_id=None), ["stream_id", "got null"]),
        (encoded(type="Unsubscribe"), ["stream_id", "missing"]),
        (encoded(type="Unsubscribe", stream_id=["btc"]), ["stream_id", 'got ["btc"]']),
        (
            b"{}",
            ["type", "missing", "Subscribe, Unsubscribe, Ping, ListSymbols or ListSubscriptions"],
        ),
        (b"[]", ["object", "got []"]),
        (b"null", ["object", "got null"]),
        (b'"Ping"', ["object", 'got "Ping"']),
        (b"12", ["object", "got 12"]),
        (b"true", ["object", "got true"]),
    ],
)
def test_where_the_stream_can_not_be_told_it_is_null(text: bytes, named: list[str]) -> None:
    error = refusal(text)
    for words in named:
        assert words in error.message
    assert error.stream_id is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"{",
        b"hello",
        b"{'type':'Ping'}",
        b'{"type":"Ping",}',
        b'{"type":"Unsubscribe","stream_id":"a"} x',
        b'{"type":"Unsubscribe","stream_id":"a"}{"type":"Unsubscribe","stream_id":"a"}',
        b'\xef\xbb\xbf{"type":"Unsubscribe","stream_id":"a"}',
        b"\x00",
        b"NaN",
        b'{"type":"Subscribe","max_levels":NaN}',
        b'{"type":"Subscribe","max_levels":Infinity}',
        b'{"type":"Subscribe","max_levels":1e999}',
        b'{"type":"Subscribe","max_levels":01}',
        b'{"type":"Subscribe","max_levels":1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"type":"Ping","timestamp":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"type":"Ping","x":' + b'{"x":' * 50_000,
        b'{"type":"Unsubscribe","stream_id":"\\ud800"}',
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_is_not_json_is_called_so(text: bytes) -> None:
    error = refusal(text)
    assert error.message.startswith("not JSON: ")
    assert error.stream_id is None


@pytest.mark.parametrize("field", EXTENDED)
def test_a_field_beyond_the_original_ones_opts_into_more(field: str) -> None:
    given_fields = {field: EXTENDED[field]} | ({"symbol": None} if field == "symbols" else {})
    request = decode_request(subscribe(**given_fields))
    assert isinstance(request, Subscribe)
    assert request.is_extended
    assert decode_request(subscribe(**{field: None})) == wanted("btc", DataType.MBP)


@pytest.mark.parametrize("data_type", [DataType.BBO, DataType.TRADES])
def test_a_data_type_beyond_the_original_ones_opts_into_more(data_type: DataType) -> None:
    assert wanted("btc", data_type).is_extended
    assert decode_request(subscribe(data_type=data_type.value)) == wanted("btc", data_type)


@pytest.mark.parametrize("request_id", [0, -7, 10**15, "", "a name", "x" * 128])
def test_an_id_opts_into_nothing_else(request_id: int | str) -> None:
    request = decode_request(subscribe(id=request_id))
    assert isinstance(request, Subscribe)
    assert request.id == request_id
    assert not request.is_extended


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mode": "Delta"}, ["mode", '"Delta"', "snapshot or delta"]),
        ({"interval_ms": -1}, ["interval_ms", ">= 0", "got -1"]),
        ({"interval_ms": 0.5}, ["interval_ms", "got 0.5"]),
        ({"group": 0.5}, ["group", "got 0.5"]),
        ({"checksum": 1}, ["checksum", "got 1"]),
        ({"resume": 812}, ["resume", "got 812"]),
        ({"resume": {"epoch": "e"}}, ["resume", "sequence"]),
        ({"resume": {"epoch": "e", "sequence": -1}}, ["resume.sequence", "got -1"]),
        ({"symbols": "BTCUSD"}, ["symbols", 'got "BTCUSD"']),
        ({"symbols": ["BTCUSD", 7]}, ["symbols", "str", 'got ["BTCUSD",7]']),
        ({"symbols": ["BTCUSD"]}, ["symbol and symbols"]),
        ({"id": 7, "max_levels": 0}, ["max_levels"]),
    ],
)
def test_a_wrong_field_beyond_the_original_ones_is_named(
    fields: dict[str, Any], named: list[str]
) -> None:
    error = refusal(subscribe(**fields))
    for words in named:
        assert words in error.message
    assert (error.stream_id, error.request_id) == ("btc", fields.get("id"))


@pytest.mark.parametrize("kind", [ListSymbols, ListSubscriptions])
def test_lists_are_asked_for(kind: type[ListSymbols] | type[ListSubscriptions]) -> None:
    assert decode_request(encoded(type=kind.__name__, id="x")) == kind(id="x")


def check_any(text: bytes) -> None:
    """Decode *text* or see it refused in the right form."""
    try:
        request = decode_request(text)
    except RequestError:
        refusal(text)
    else:
        assert isinstance(request, get_args(Request))


@relaxed
@given(st.one_of(st.binary(), st.binary().map(lambda tail: b'{"type":"' + tail)))
@example(b'{"type":"Unsubscribe","stream_id":"\xff"}')
@example(b'{"\xff":1}')
def test_any_bytes_are_understood_or_refused(data: bytes) -> None:
    check_any(data)


ANY_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.text(),
        st.sampled_from(["Subscribe", "Unsubscribe", "Ping", "MBP", "MBO", "a", "0"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


@relaxed
@given(
    st.dictionaries(st.sampled_from([*SUBSCRIBE, *EXTENDED, "max_levels", "timestamp"]), ANY_JSON)
)
def test_any_object_is_understood_or_refused(fields: dict[str, Any]) -> None:
    check_any(encoded(**fields))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            Subscribed("btc_mbp", "BTCUSD", DataType.MBP),
            b'{"type":"Subscribed","stream_id":"btc_mbp","symbol":"BTCUSD","data_type":"MBP"}',
        ),
        (Unsubscribed("btc_mbp"), b'{"type":"Unsubscribed","stream_id":"btc_mbp"}'),
        (
            HeartBeat("2025-09-16T04:18:26.806069Z"),
            b'{"type":"HeartBeat","timestamp":"2025-09-16T04:18:26.806069Z"}',
        ),
        (
            Error(400, "Invalid message format", "btc_mbp"),
            b'{"type":"Error","code":400,"message":"Invalid message format","stream_id":"btc_mbp"}',
        ),
        (
            Error(404, "x", None),
            b'{"type":"Error","code":404,"message":"x","stream_id":null}',
        ),
        (
            Shutdown("planned", 1000),
            b'{"type":"Shutdown","reason":"planned","reconnect_after_ms":1000}',
        ),
    ],
)
def test_answers_have_the_contracts_fields_in_its_order(message: Response, text: bytes) -> None:
    assert JsonEncoder().message(message) == text
