"""A request for several symbols is one for each."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Subscribe
from market_depth.server.symbol_lists import stream_of_each

KNOWN = ["BTCUSD", "ETHUSD", "ADAUSD"]


def request(symbols: list[str], **fields: Any) -> Subscribe:
    merged: dict[str, Any] = {"stream_id": "all", "data_type": DataType.MBP, **fields}
    return Subscribe(symbols=symbols, **merged)


def each(symbols: list[str], known: list[str] = KNOWN, **fields: Any) -> list[Subscribe]:
    return stream_of_each(request(symbols, **fields), symbols, known)


def refusal(symbols: list[str], known: list[str] = KNOWN, **fields: Any) -> RequestError:
    with pytest.raises(RequestError) as refused:
        each(symbols, known, **fields)
    assert refused.value.stream_id == fields.get("stream_id", "all")
    assert len(refused.value.message) < 200
    return refused.value


def test_every_symbol_has_a_stream_named_after_it() -> None:
    requests = each(["ETHUSD", "BTCUSD"])
    assert [(one.stream_id, one.symbol, one.symbols) for one in requests] == [
        ("all:ETHUSD", "ETHUSD", None),
        ("all:BTCUSD", "BTCUSD", None),
    ]


def test_all_are_all_that_are_known_in_their_order() -> None:
    assert [one.symbol for one in each(["*"])] == KNOWN


def test_each_is_asked_for_as_all_are() -> None:
    fields: dict[str, Any] = {
        "max_levels": 7,
        "mode": Mode.DELTA,
        "interval_ms": 0,
        "group": "0.10",
        "checksum": True,
        "id": "r",
    }
    for one in each(["*"], **fields):
        assert {name: getattr(one, name) for name in fields} == fields


def test_each_opts_into_more_as_the_list_did() -> None:
    assert all(one.is_extended for one in each(["*"]))


def test_symbols_that_do_not_exist_or_come_twice_are_left_for_each_to_be_answered() -> None:
    assert [one.symbol for one in each(["DOGE", "DOGE", "", "BTCUSD"])] == [
        *("DOGE", "DOGE", "", "BTCUSD")
    ]


def test_a_list_of_none_is_refused() -> None:
    error = refusal([])
    assert error.code is ErrorCode.BAD_REQUEST
    assert "symbols" in error.message


@pytest.mark.parametrize("symbols", [["*", "BTCUSD"], ["BTCUSD", "*"], ["*", "*"]])
def test_all_and_others_is_refused(symbols: list[str]) -> None:
    error = refusal(symbols)
    assert error.code is ErrorCode.BAD_REQUEST
    assert '"*"' in error.message


def test_all_of_none_is_refused() -> None:
    assert refusal(["*"], []).code is ErrorCode.NOT_FOUND


def test_names_that_get_too_long_are_refused_together() -> None:
    longest = "x" * (128 - len(":BTCUSD"))
    assert [len(one.stream_id) for one in each(["BTCUSD"], stream_id=longest)] == [128]
    error = refusal(["ETH", "BTCUSD"], stream_id=longest + "x")
    assert error.code is ErrorCode.BAD_REQUEST
    assert "stream_id" in error.message
    assert "BTCUSD" in error.message
    refusal(["S" * 10_000])
