"""Whole sessions over a real socket: the original dialogue, message by message."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from support.client import connected
from support.exact import exact_client, parse_time
from support.logs import serving_quietly
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIME = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"'
DECIMALS = {"BTCUSD": (2, 4), "ETHUSD": (2, 3), "ADAUSD": (4, 0)}
"""Decimals of prices and of quantities."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--interval-ms=20", "--rate=200") as running:
        yield running


def number(decimals: int) -> str:
    """Return a pattern of numbers with just so many decimals."""
    return rf"\d+\.\d{{{decimals}}}" if decimals else r"\d+"


def market_data(stream_id: str, symbol: str, data_type: str) -> str:
    """Return a pattern of the whole text of a MarketData."""
    price, quantity = map(number, DECIMALS[symbol])
    row = {
        "MBP": rf'\{{"price":{price},"quantity":{quantity},"order_count":\d+,"side":"SIDE",'
        rf'"total_quantity":{quantity},"avg_age_ms":\d+\}}',
        "MBO": rf'\{{"order_id":"[^"]+","price":{price},"quantity":{quantity},"side":"SIDE",'
        rf'"timestamp":{TIME},"age_ms":\d+\}}',
    }[data_type]
    rows = rf"\[{row}(?:,{row})*\]"
    bids, asks = rows.replace("SIDE", "Bid"), rows.replace("SIDE", "Ask")
    return (
        rf'\{{"type":"MarketData","stream_id":"{stream_id}","symbol":"{symbol}",'
        rf'"sequence":\d+,"timestamp":{TIME},'
        rf'"data":\{{"format":"{data_type}","bids":{bids},"asks":{asks}\}}\}}'
    )


async def test_subscribe_is_answered_at_once_and_then_every_interval(
    server: ServerProcess,
) -> None:
    async with connected(server.url) as client:
        await client.subscribe("btc", max_levels=5)
        assert await client.receive() == {
            "type": "Subscribed",
            "stream_id": "btc",
            "symbol": "BTCUSD",
            "data_type": "MBP",
        }
        first = await client.receive()
        assert first["type"] == "MarketData"
        assert len(first["data"]["bids"]) == len(first["data"]["asks"]) == 5
        second = await client.receive()
        assert second["type"] == "MarketData"
        assert second["sequence"] > first["sequence"]


@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
@pytest.mark.parametrize("symbol", DECIMALS)
async def test_every_answer_has_exactly_the_fields_of_the_contract_in_their_order(
    server: ServerProcess, symbol: str, data_type: str
) -> None:
    async with exact_client(server.url) as client:
        await client.subscribe("s", symbol, data_type, max_levels=20)
        await client.receive()
        assert client.text == (
            f'{{"type":"Subscribed","stream_id":"s","symbol":"{symbol}","data_type":"{data_type}"}}'
        )
        for _ in range(3):
            await client.receive()
            assert re.fullmatch(market_data("s", symbol, data_type), client.text)
        await client.send(type="Unsubscribe", stream_id="s")
        await client.receive_type("Unsubscribed")
        assert client.text == '{"type":"Unsubscribed","stream_id":"s"}'


async def test_errors_and_heartbeats_have_exactly_the_fields_of_the_contract(
    server: ServerProcess,
) -> None:
    async with exact_client(server.url) as client:
        await client.send(type="Unsubscribe", stream_id="never")
        await client.receive()
        assert re.fullmatch(
            r'\{"type":"Error","code":404,"message":"[^"]+","stream_id":"never"\}', client.text
        )
        await client.connection.send("Subscribe")
        await client.receive()
        assert re.fullmatch(
            r'\{"type":"Error","code":400,"message":"[^"]+","stream_id":null\}', client.text
        )
        await client.send(type="Ping", timestamp="2025-09-16T04:18:26.806069Z")
        await client.receive()
        assert re.fullmatch(rf'\{{"type":"HeartBeat","timestamp":{TIME}\}}', client.text)


@pytest.mark.parametrize("stream_id", ["a", "x" * 128, 'quote " \\ slash', "Zürich 📈", "\x01\t"])
async def test_a_stream_id_comes_back_as_it_was_sent(server: ServerProcess, stream_id: str) -> None:
    async with connected(server.url) as client:
        await client.subscribe(stream_id, max_levels=1)
        assert (await client.receive())["stream_id"] == stream_id
        assert (await client.receive())["stream_id"] == stream_id
        await client.send(type="Unsubscribe", stream_id=stream_id)
        assert (await client.receive_type("Unsubscribed"))["stream_id"] == stream_id


@pytest.mark.parametrize(
    "timestamp",
    [
        "2025-09-16T04:18:26.806069Z",
        "2025-09-16T04:18:26.806Z",
        "2025-09-16T04:18:26Z",
        "2025-09-16T04:18:26.806069123Z",
        "2025-09-16T06:18:26.806069+02:00",
    ],
)
async def test_a_ping_is_answered_by_one_heartbeat(server: ServerProcess, timestamp: str) -> None:
    async with connected(server.url) as client:
        await client.send(type="Ping", timestamp=timestamp)
        heartbeat = await client.receive()
        assert heartbeat["type"] == "HeartBeat"
        age = datetime.now(UTC) - parse_time(heartbeat["timestamp"])
        assert abs(age) < timedelta(minutes=1)
        await client.send(type="Unsubscribe", stream_id="next")
        assert (await client.receive())["type"] == "Error"


async def test_heartbeats_come_periodically_without_being_asked_for() -> None:
    async with serving_quietly("--heartbeat-s=0.1") as server, connected(server.url) as client:
        beats = [await client.receive() for _ in range(4)]
    assert {beat["type"] for beat in beats} == {"HeartBeat"}
    times = [beat["timestamp"] for beat in beats]
    assert times == sorted(set(times))


async def test_twenty_levels_a_side_unless_asked_otherwise(server: ServerProcess) -> None:
    async with exact_client(server.url) as client:
        data = (await client.first_data("default", "BTCUSD", "MBP"))["data"]
        assert len(data["bids"]) == len(data["asks"]) == 20
        orders = (await client.first_data("orders", "BTCUSD", "MBO"))["data"]
        for side in ("bids", "asks"):
            assert len({order["price"] for order in orders[side]}) == 20
        await client.send(type="Unsubscribe", stream_id="default")
        await client.send(type="Unsubscribe", stream_id="orders")
        for levels in (1, 7, 50):
            data = (await client.first_data(f"{levels}", "BTCUSD", "MBP", max_levels=levels))[
                "data"
            ]
            assert len(data["bids"]) == len(data["asks"]) == levels


async def test_the_first_market_data_does_not_wait_for_the_interval() -> None:
    an_hour = "--interval-ms=3600000"
    async with serving_quietly(an_hour) as server, connected(server.url) as client:
        for stream_id, data_type in (("a", "MBP"), ("b", "MBO"), ("c", "MBP")):
            await client.subscribe(stream_id, data_type=data_type)
            assert (await client.receive())["type"] == "Subscribed"
            first = await client.receive()
            assert (first["type"], first["stream_id"]) == ("MarketData", stream_id)
            assert first["data"]["format"] == data_type


async def test_many_streams_share_a_connection(server: ServerProcess) -> None:
    wanted = {
        f"{symbol}/{data_type}/{levels}": (symbol, data_type, levels)
        for symbol in DECIMALS
        for data_type in ("MBP", "MBO")
        for levels in range(1, 11)
    }
    updates = dict.fromkeys(wanted, 0)
    sequences = dict.fromkeys(DECIMALS, 0)
    async with connected(server.url, max_queue=None) as client:
        for stream_id, (symbol, data_type, levels) in wanted.items():
            await client.subscribe(stream_id, symbol, data_type, max_levels=levels)
        subscribed = []
        while min(updates.values()) < 3:
            message = await client.receive()
            if message["type"] == "Subscribed":
                subscribed.append(message["stream_id"])
                continue
            stream_id, symbol = message["stream_id"], message["symbol"]
            assert stream_id in subscribed
            assert (symbol, message["data"]["format"]) == wanted[stream_id][:2]
            prices = {row["price"] for row in message["data"]["asks"]}
            assert len(prices) == wanted[stream_id][2]
            assert message["sequence"] >= sequences[symbol]
            sequences[symbol] = message["sequence"]
            updates[stream_id] += 1
    assert subscribed == list(wanted)


async def test_unsubscribing_ends_one_stream_and_no_other(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        for stream_id in ("kept", "ended"):
            await client.subscribe(stream_id, max_levels=1)
        await client.receive_type("MarketData", "ended")
        await client.send(type="Unsubscribe", stream_id="ended")
        await client.receive_type("Unsubscribed", "ended")
        for _ in range(10):
            assert (await client.receive())["stream_id"] == "kept"


async def test_a_stream_id_is_free_again_after_unsubscribe(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        sequence = 0
        for symbol, data_type in (("BTCUSD", "MBP"), ("BTCUSD", "MBO"), ("ETHUSD", "MBP")):
            await client.subscribe("s", symbol, data_type, max_levels=1)
            subscribed = await client.receive_type("Subscribed", "s")
            assert (subscribed["symbol"], subscribed["data_type"]) == (symbol, data_type)
            data = await client.receive()
            assert (data["symbol"], data["data"]["format"]) == (symbol, data_type)
            if symbol == "BTCUSD":
                assert data["sequence"] >= sequence
                sequence = data["sequence"]
            await client.send(type="Unsubscribe", stream_id="s")
            await client.receive_type("Unsubscribed", "s")


async def test_a_new_connection_begins_with_nothing(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        await client.subscribe("s")
        before = await client.receive_type("MarketData", "s")
    async with connected(server.url) as client:
        for _ in range(5):
            await client.send(type="Ping", timestamp="2025-09-16T04:18:26Z")
            assert (await client.receive())["type"] == "HeartBeat"
        await client.send(type="Unsubscribe", stream_id="s")
        assert (await client.receive())["code"] == 404
        await client.subscribe("s")
        assert (await client.receive())["type"] == "Subscribed"
        after = await client.receive()
        assert after["type"] == "MarketData"
        assert after["sequence"] >= before["sequence"]


async def test_the_original_react_client_is_served(server: ServerProcess) -> None:
    """It names streams SYMBOL_TYPE, takes 20 levels, and unsubscribes before it subscribes."""
    async with connected(server.url, origin="http://localhost:3000") as client:
        for symbol in DECIMALS:
            for data_type in ("MBP", "MBO"):
                stream_id = f"{symbol}_{data_type}"
                await client.send(type="Unsubscribe", stream_id=stream_id)
                error = await client.receive_type("Error")
                assert (error["code"], error["stream_id"]) == (404, stream_id)
                await client.subscribe(stream_id, symbol, data_type, max_levels=20)
                await client.receive_type("Subscribed", stream_id)
                data = await client.receive_type("MarketData", stream_id)
                assert data["data"]["format"] == data_type
                await client.send(type="Ping", timestamp=datetime.now(UTC).isoformat())
                await client.receive_type("HeartBeat")
                await client.send(type="Unsubscribe", stream_id=stream_id)
                await client.receive_type("Unsubscribed", stream_id)
