"""What a subscription comes to, and what is wrong with those that come to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from market_depth.errors import ErrorCode, RequestError
from market_depth.instruments import Instrument
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode, Resume, Subscribe
from market_depth.protocol.wire import JSON
from market_depth.streams.admission import MAX_INTERVAL_MS, chain_key, served_types
from market_depth.streams.key import ChainKey
from support.subscribers import BTC, BY_PRICE, Collector, Server

INTERVAL_MS = 300
QUARTERS = Instrument(
    instrument_id=1, symbol=BTC, price_decimals=2, quantity_decimals=0, tick_size=25
)


def key_of(
    instrument: Instrument = QUARTERS,
    *,
    interval_ms: int = INTERVAL_MS,
    least: int = 0,
    **fields: Any,
) -> ChainKey:
    merged: dict[str, Any] = {"data_type": DataType.MBP, **fields}
    request = Subscribe(stream_id="s", symbol=instrument.symbol, **merged)
    return chain_key(request, instrument, JSON, interval_ms=interval_ms, min_interval_ms=least)


def test_what_is_left_out_is_as_usual() -> None:
    assert key_of() == ChainKey(BTC, DataType.MBP, 20, 0, Mode.SNAPSHOT, INTERVAL_MS, False, JSON)


def test_what_is_said_is_done() -> None:
    key = key_of(max_levels=7, mode=Mode.DELTA, interval_ms=50, group="1.50", checksum=True)
    assert key.levels == 7
    assert (key.step, key.mode, key.has_checksum) == (150, Mode.DELTA, True)


@pytest.mark.parametrize(
    ("wanted_ms", "least", "in_force"),
    [
        (None, 0, INTERVAL_MS),
        (0, 0, 0),
        (0, 20, 20),
        (19, 20, 20),
        (21, 20, 21),
        (59_999, 0, 59_999),
        (60_001, 0, MAX_INTERVAL_MS),
        (2**63 - 1, 0, MAX_INTERVAL_MS),
        (None, 400, 400),
    ],
)
def test_an_interval_is_kept_within_bounds(
    wanted_ms: int | None, least: int, in_force: int
) -> None:
    request: dict[str, Any] = {"interval_ms": wanted_ms}
    subscribe = Subscribe(stream_id="s", symbol=BTC, data_type=DataType.MBP, **request)
    key = chain_key(subscribe, QUARTERS, JSON, interval_ms=INTERVAL_MS, min_interval_ms=least)
    assert key.interval_ms == in_force


def test_the_servers_own_interval_may_be_longer_than_any_that_is_asked_for() -> None:
    request = Subscribe(stream_id="s", symbol=BTC, data_type=DataType.MBP, mode=Mode.DELTA)
    key = chain_key(request, QUARTERS, JSON, interval_ms=3_600_000, min_interval_ms=0)
    assert key.interval_ms == 3_600_000


@pytest.mark.parametrize(
    ("data_type", "levels", "interval_ms"),
    [(DataType.BBO, 1, INTERVAL_MS), (DataType.TRADES, 0, 0), (DataType.MBO, 20, INTERVAL_MS)],
)
def test_data_types_have_their_own_levels_and_intervals(
    data_type: DataType, levels: int, interval_ms: int
) -> None:
    key = key_of(data_type=data_type)
    assert (key.levels, key.interval_ms) == (levels, interval_ms)


@pytest.mark.parametrize(
    ("group", "step"), [("0.25", 25), ("0.250", 25), ("5", 500), ("100", 10_000)]
)
def test_a_group_is_a_multiple_of_the_tick(group: str, step: int) -> None:
    assert key_of(group=group).step == step


WRONG_GROUPS = [
    "1e2",
    " 1",
    "1_000",
    "٣",
    "0",
    "0.00",
    "-0.25",
    "0.1",
    "0.20",
    "0.255",
    "",
    "x",
    "NaN",
    "inf",
    "1e999",
    "1e-999",
]


@pytest.mark.parametrize("group", [*WRONG_GROUPS, "9" * 500])
def test_any_other_group_is_refused_with_the_tick_and_the_value(group: str) -> None:
    with pytest.raises(RequestError) as refused:
        key_of(group=group)
    error = refused.value
    assert (error.code, error.stream_id) == (ErrorCode.BAD_REQUEST, "s")
    assert error.message.startswith("group: expected a multiple of the tick 0.25, got '")
    assert group[:40] in error.message
    assert len(error.message) < 120


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data_type": DataType.TRADES, "mode": Mode.DELTA}, ["mode", "delta"]),
        ({"data_type": DataType.TRADES, "checksum": True}, ["checksum"]),
        ({"data_type": DataType.TRADES, "group": "0.25"}, ["group", "MBP"]),
        ({"data_type": DataType.TRADES, "resume": Resume("e", 1)}, ["resume", "delta"]),
        ({"data_type": DataType.MBO, "group": "0.25"}, ["group", "MBP"]),
        ({"data_type": DataType.BBO, "group": "0.25"}, ["group", "MBP"]),
        ({"resume": Resume("e", 1)}, ["resume", "delta"]),
        ({"resume": Resume("e", 1), "mode": Mode.SNAPSHOT}, ["resume", "delta"]),
    ],
    ids=str,
)
def test_fields_that_do_not_go_together_are_refused(
    fields: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RequestError) as refused:
        key_of(**fields)
    assert refused.value.code is ErrorCode.BAD_REQUEST
    assert all(word in refused.value.message for word in words)


def test_no_checksum_of_trades_may_be_said() -> None:
    assert not key_of(data_type=DataType.TRADES, checksum=False, mode=Mode.SNAPSHOT).has_checksum


def test_orders_are_served_where_there_are_any() -> None:
    server = Server()
    btc, by_price = server.market.get(BTC), server.market.get(BY_PRICE)
    assert btc is not None
    assert by_price is not None
    assert served_types(btc.instrument) == list(DataType)
    assert DataType.MBO not in served_types(by_price.instrument)


@pytest.mark.parametrize("data_type", [DataType.BBO, DataType.TRADES])
def test_levels_do_not_matter_where_there_is_a_fixed_number(data_type: DataType) -> None:
    subscriber = Collector()
    Server().subscribe(subscriber, data_type=data_type, max_levels=10**9)
    assert subscriber.take()[0]["type"] == "Subscribed"


def test_what_is_refused_leaves_nothing() -> None:
    server, subscriber = Server(), Collector()
    with pytest.raises(RequestError, match="group"):
        server.subscribe(subscriber, group="x")
    assert (subscriber.streams, subscriber.frames) == ({}, [])
    assert server.manager.next_due() is None
    assert server.manager.counters.subscriptions == 0
