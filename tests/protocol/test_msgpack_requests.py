"""Requests as MessagePack: understood and refused as those in JSON are, whatever the bytes."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.codec import decode_request
from market_depth.protocol.requests import Ping, Request, Subscribe
from support.hypothesis_settings import relaxed

TIME = "2025-09-16T04:18:26.806069Z"
SUBSCRIBE = {"type": "Subscribe", "stream_id": "s", "symbol": "BTCUSD", "data_type": "MBP"}
REQUESTS: list[dict[str, Any]] = [
    SUBSCRIBE,
    {
        **SUBSCRIBE,
        "max_levels": 50,
        "mode": "delta",
        "interval_ms": 0,
        "group": "0.50",
        "checksum": True,
        "resume": {"epoch": "e", "sequence": 2**63 - 1},
        "id": "r",
    },
    {"type": "Subscribe", "stream_id": "π 📈", "symbols": ["*"], "data_type": "TRADES", "id": 7},
    {"type": "Unsubscribe", "stream_id": "s", "id": -1},
    {"type": "Ping", "timestamp": TIME},
    {"type": "ListSymbols", "id": 2**63 - 1},
    {"type": "ListSubscriptions", "id": -(2**63)},
]
MAX_MESSAGE_CHARACTERS = 250

pack = msgspec.msgpack.encode


def outcome(data: bytes, *, is_binary: bool) -> Request | tuple[str, str | None, int | str | None]:
    """Return the request, or what its client is told, having checked its form."""
    try:
        return decode_request(data, is_binary=is_binary)
    except RequestError as refused:
        error = refused
    assert error.code is ErrorCode.BAD_REQUEST
    assert error.message
    assert len(error.message.splitlines()) == 1
    assert len(error.message) <= MAX_MESSAGE_CHARACTERS
    return error.message, error.stream_id, error.request_id


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one["type"])
def test_a_request_is_the_same_in_both_encodings(request_: dict[str, Any]) -> None:
    packed = outcome(pack(request_), is_binary=True)
    assert not isinstance(packed, tuple)
    assert packed == outcome(json.dumps(request_).encode(), is_binary=False)


def test_a_time_may_be_one_of_messagepacks_own() -> None:
    moment = datetime(2025, 9, 16, 4, 18, 26, 806_069, UTC)
    packed = pack({"type": "Ping", "timestamp": moment})
    assert TIME.encode() not in packed
    assert decode_request(packed, is_binary=True) == Ping(moment)


WRONG: list[dict[str, Any]] = [
    {},
    {"type": None},
    {"type": "Subscribe"},
    {"type": "subscribe", "stream_id": "s", "id": 3},
    {**SUBSCRIBE, "stream_id": ""},
    {**SUBSCRIBE, "stream_id": "x" * 129, "id": 5},
    {**SUBSCRIBE, "max_levels": 0},
    {**SUBSCRIBE, "max_levels": 1.5, "id": "r"},
    {**SUBSCRIBE, "data_type": "L2"},
    {**SUBSCRIBE, "mode": "fast"},
    {**SUBSCRIBE, "symbols": ["A"]},
    {**SUBSCRIBE, "symbol": None, "id": "r"},
    {**SUBSCRIBE, "symbols": "*"},
    {**SUBSCRIBE, "symbols": ["A", 1]},
    {**SUBSCRIBE, "resume": {"epoch": "e"}},
    {**SUBSCRIBE, "resume": {"epoch": "e", "sequence": -1}},
    {**SUBSCRIBE, "id": True},
    {**SUBSCRIBE, "id": "x" * 129},
    {"type": "Unsubscribe", "stream_id": 5},
    {"type": "Ping", "timestamp": "yesterday"},
]


@pytest.mark.parametrize("request_", WRONG, ids=str)
def test_what_is_wrong_is_told_in_the_same_words(request_: dict[str, Any]) -> None:
    told = outcome(pack(request_), is_binary=True)
    assert isinstance(told, tuple)
    assert told == outcome(json.dumps(request_).encode(), is_binary=False)


EXT = msgspec.msgpack.Ext(5, b"x")


@pytest.mark.parametrize(
    "value",
    [
        EXT,
        [EXT],
        b"bytes",
        {None: 1},
        {True: 1},
        {1: 2},
        {1.5: 2},
        {(1, 2): 3},
        float("nan"),
        float("inf"),
        2**64 - 1,
        {b"x": {None: EXT}},
    ],
    ids=lambda value: re.sub(" object at 0x[0-9a-f]+", "", str(value)),
)
@pytest.mark.parametrize("name", ["type", "stream_id", "max_levels", "resume", "symbols", "id"])
def test_values_that_json_does_not_have_are_refused(name: str, value: Any) -> None:
    told = outcome(pack({**SUBSCRIBE, name: value}), is_binary=True)
    assert isinstance(told, tuple), "no such value is right for any field"
    assert told[0]


@pytest.mark.parametrize("depth", [10, 500, 900, *range(960, 1010), 5000, 60_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"\x91", b"\x01"), (b"\x81\xa1x", b"\x01")])
def test_deep_values_are_refused(depth: int, opening: bytes, closing: bytes) -> None:
    data = b"\x81\xa4type" + opening * depth + closing
    assert isinstance(outcome(data, is_binary=True), tuple)


@pytest.mark.parametrize("depth", [10, 900, *range(960, 1010), 60_000])
def test_deep_values_of_json_are_refused(depth: int) -> None:
    data = b'{"type":' + b"[" * depth + b"]" * depth + b"}"
    assert isinstance(outcome(data, is_binary=False), tuple)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not MessagePack"),
        (b"\xc1", "not MessagePack"),
        (pack(SUBSCRIBE)[:-1], "not MessagePack"),
        (pack(SUBSCRIBE) + b"\x00", "not MessagePack"),
        (b'{"type":"ListSymbols"}', "MessagePack"),
        (b"\x81\xa4type\xa1\xff", "not MessagePack"),
        (pack([1, 2]), "a request is a MessagePack object, got [1,2]"),
        (pack(None), "a request is a MessagePack object, got null"),
        (pack(EXT), "a request is a MessagePack object, got "),
    ],
)
def test_what_is_no_request_at_all_is_called_so(data: bytes, words: str) -> None:
    told = outcome(data, is_binary=True)
    assert isinstance(told, tuple)
    assert words in told[0]
    assert told[1:] == (None, None)


KEYS = st.one_of(st.text(max_size=9), st.none(), st.booleans(), st.integers(-9, 9), st.binary())
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(max_size=9),
        st.binary(max_size=9),
        st.just(EXT),
        st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
NAMES = [*Subscribe.__struct_fields__, "type", "timestamp"]


@relaxed
@given(base=st.sampled_from(REQUESTS), changed=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_object_is_understood_or_refused(base: dict[str, Any], changed: dict[str, Any]) -> None:
    outcome(pack({**base, **changed}), is_binary=True)


@relaxed
@given(data=st.one_of(st.binary(), st.binary().map(lambda rest: b"\x82\xa4type\xa4Ping" + rest)))
@example(b"\x81\x90\x01")
@example(b"\x81\x80\x01")
@example(b"\xdf\xff\xff\xff\xff")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
def test_any_bytes_are_understood_or_refused(data: bytes) -> None:
    outcome(data, is_binary=True)
