"""What the streams show: views of one book, whole, in order and in agreement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise

import pytest
import pytest_asyncio

from support.client import Message
from support.exact import (
    Row,
    ages_are_told_at_one_moment,
    assert_is_a_view,
    exact_client,
    merged,
)
from support.logs import serving_quietly
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOLS = ("BTCUSD", "ETHUSD", "ADAUSD")
UPDATES = 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=2", "--interval-ms=10", "--rate=1000") as running:
        yield running


async def streams_of(server: ServerProcess, symbol: str, updates: int) -> dict[str, list[Message]]:
    """Return some messages each of an MBP and an MBO stream of one symbol, by stream."""
    found: dict[str, list[Message]] = {"MBP": [], "MBO": []}
    async with exact_client(server.url) as client:
        for data_type in found:
            await client.subscribe(data_type, symbol, data_type, max_levels=15)
        while min(map(len, found.values())) < updates:
            message = await client.receive_type("MarketData")
            found[message["stream_id"]].append(message)
    return found


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_every_view_is_best_first_cumulative_and_never_crossed(
    server: ServerProcess, symbol: str
) -> None:
    for messages in (await streams_of(server, symbol, UPDATES)).values():
        for message in messages:
            assert_is_a_view(message["data"], max_levels=15)
        sequences = [message["sequence"] for message in messages]
        assert all(earlier < later for earlier, later in pairwise(sequences))
        times = [message["timestamp"] for message in messages]
        assert times == sorted(times)


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_two_streams_of_a_symbol_agree_at_one_sequence(
    server: ServerProcess, symbol: str
) -> None:
    found = await streams_of(server, symbol, UPDATES)
    by_sequence = {message["sequence"]: message for message in found["MBO"]}
    compared = 0
    for by_price in found["MBP"]:
        by_order = by_sequence.get(by_price["sequence"])
        if by_order is None:
            continue
        is_one_moment = by_price["timestamp"] == by_order["timestamp"]
        for side in ("bids", "asks"):
            assert_agree(by_price["data"][side], by_order["data"][side], is_one_moment)
        compared += is_one_moment
    assert compared >= UPDATES // 2


def assert_agree(levels: list[Row], orders: list[Row], is_one_moment: bool) -> None:
    """Compare price levels with the orders that they should be made of."""
    expected = merged(orders)
    assert len(levels) == len(expected)
    for level, made in zip(levels, expected, strict=True):
        ages = made.pop("ages_ms")
        mean_age_ms = level.pop("avg_age_ms")
        assert level == made
        if is_one_moment:
            assert abs(mean_age_ms - sum(ages) / len(ages)) <= 1


async def test_ages_and_timestamps_of_a_view_tell_one_moment(server: ServerProcess) -> None:
    for message in (await streams_of(server, "BTCUSD", 5))["MBO"]:
        assert ages_are_told_at_one_moment(message["data"])


async def test_fewer_levels_are_the_best_of_more(server: ServerProcess) -> None:
    wanted = {"few": 3, "many": 30}
    seen: dict[str, dict[int, Row]] = {stream_id: {} for stream_id in wanted}
    async with exact_client(server.url) as client:
        for stream_id, levels in wanted.items():
            await client.subscribe(stream_id, max_levels=levels)
        while not (both := seen["few"].keys() & seen["many"].keys()):
            message = await client.receive_type("MarketData")
            seen[message["stream_id"]][message["sequence"]] = message["data"]
    sequence = both.pop()
    for side in ("bids", "asks"):
        few, many = seen["few"][sequence][side], seen["many"][sequence][side]
        assert (len(few), len(many)) == (3, 30)
        for level, same in zip(few, many, strict=False):
            assert (level["price"], level["quantity"]) == (same["price"], same["quantity"])


async def test_prices_are_whole_ticks(server: ServerProcess) -> None:
    ticks = {"BTCUSD": "0.50", "ETHUSD": "0.05", "ADAUSD": "0.0001"}
    async with exact_client(server.url) as client:
        for symbol, tick in ticks.items():
            data = (await client.first_data(symbol, symbol, "MBP", max_levels=1000))["data"]
            for level in data["bids"] + data["asks"]:
                assert level["price"] % Decimal(tick) == 0
