"""Every row of the contract's error table: what is refused, in which words, and what stays open."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.client import Client, Message, connected
from support.closing import close_code_of
from support.logs import serving_quietly
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_MESSAGE_BYTES = 2048


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    limits = ("--max-streams=3", f"--max-message-bytes={MAX_MESSAGE_BYTES}", "--max-levels=50")
    async with serving_quietly("--seed=1", "--interval-ms=20", *limits) as running:
        yield running


def subscribe(**changed: Any) -> str:
    """Return a Subscribe that is right but for what is *changed*; `...` leaves a field out."""
    fields: dict[str, Any] = {
        "type": "Subscribe",
        "stream_id": "s",
        "symbol": "BTCUSD",
        "data_type": "MBP",
    }
    fields.update(changed)
    return json.dumps({name: value for name, value in fields.items() if value is not ...})


def unsubscribe(stream_id: object) -> str:
    return json.dumps({"type": "Unsubscribe", "stream_id": stream_id})


def ping(timestamp: object) -> str:
    return json.dumps({"type": "Ping", "timestamp": timestamp})


async def assert_usable(client: Client) -> None:
    """Check that a connection still takes requests, streams among them."""
    await client.subscribe("usable", max_levels=1)
    await client.receive_type("MarketData", "usable")
    await client.send(type="Unsubscribe", stream_id="usable")
    await client.receive_type("Unsubscribed", "usable")


def assert_says(error: Message, code: int, *words: str) -> None:
    """Check an Error: its fields, its code, and one line with these words in it."""
    assert list(error) == ["type", "code", "message", "stream_id"]
    assert error["code"] == code, error
    assert len(error["message"].splitlines()) == 1
    assert len(error["message"]) <= 300
    for word in words:
        assert word in error["message"]


NOT_REQUESTS = [
    pytest.param("", ["not JSON"], id="nothing"),
    pytest.param(" \n ", ["not JSON"], id="blanks"),
    pytest.param("Subscribe", ["not JSON"], id="a word"),
    pytest.param('{"type":"Ping"', ["not JSON"], id="cut off"),
    pytest.param("{'type':'Ping'}", ["not JSON"], id="single quotes"),
    pytest.param('{"type":"Ping"} {}', ["not JSON"], id="two objects"),
    pytest.param('{"type":NaN}', ["not JSON"], id="NaN"),
    pytest.param("[" * 1500, ["not JSON"], id="nested too deep"),
    pytest.param("[]", ["object", "[]"], id="an array"),
    pytest.param("17", ["object", "17"], id="a number"),
    pytest.param('"Ping"', ["object", '"Ping"'], id="a string"),
    pytest.param("null", ["object", "null"], id="null"),
    pytest.param("{}", ["type", "missing"], id="no type"),
    pytest.param('{"type":"Subcribe"}', ['"Subcribe"'], id="unknown type"),
    pytest.param('{"type":"subscribe"}', ['"subscribe"'], id="type in lower case"),
    pytest.param('{"type":"Subscribed"}', ['"Subscribed"'], id="a server's type"),
    pytest.param('{"type":7}', ["type", "7"], id="a number as type"),
    pytest.param('{"type":["a\\nb"]}', ["type", r'["a\nb"]'], id="an array as type"),
    pytest.param('{"type":null}', ["type", "null"], id="null as type"),
]

WRONG_FIELDS = [
    pytest.param(subscribe(stream_id=...), ["stream_id"], None, id="no stream_id"),
    pytest.param(subscribe(symbol=...), ["symbol"], "s", id="no symbol"),
    pytest.param(subscribe(data_type=...), ["data_type"], "s", id="no data_type"),
    pytest.param('{"type":"Unsubscribe"}', ["stream_id"], None, id="Unsubscribe of nothing"),
    pytest.param('{"type":"Ping"}', ["timestamp"], None, id="Ping without a time"),
    pytest.param(subscribe(stream_id=5), ["stream_id", "5"], None, id="stream_id 5"),
    pytest.param(subscribe(stream_id=""), ["stream_id", '""'], None, id="stream_id empty"),
    pytest.param(subscribe(stream_id="x" * 129), ["stream_id", "xxx"], None, id="stream_id long"),
    pytest.param(unsubscribe({"a": 1}), ["stream_id", '{"a":1}'], None, id="stream_id object"),
    pytest.param(unsubscribe(None), ["stream_id", "null"], None, id="stream_id null"),
    pytest.param(subscribe(symbol=17), ["symbol", "17"], "s", id="symbol 17"),
    pytest.param(subscribe(symbol=["BTCUSD"]), ["symbol", '["BTCUSD"]'], "s", id="symbol list"),
    pytest.param(subscribe(data_type="L3"), ["data_type", '"L3"'], "s", id="data_type L3"),
    pytest.param(subscribe(data_type="mbp"), ["data_type", '"mbp"'], "s", id="data_type mbp"),
    pytest.param(subscribe(data_type=3), ["data_type", "3"], "s", id="data_type 3"),
    pytest.param(subscribe(max_levels=0), ["max_levels", "0"], "s", id="max_levels 0"),
    pytest.param(subscribe(max_levels=-1), ["max_levels", "-1"], "s", id="max_levels -1"),
    pytest.param(subscribe(max_levels=51), ["max_levels", "50", "51"], "s", id="max_levels 51"),
    pytest.param(subscribe(max_levels=2.5), ["max_levels", "2.5"], "s", id="max_levels 2.5"),
    pytest.param(subscribe(max_levels="20"), ["max_levels", '"20"'], "s", id="max_levels text"),
    pytest.param(subscribe(max_levels=True), ["max_levels", "true"], "s", id="max_levels true"),
    pytest.param(subscribe(max_levels=10**30), ["max_levels"], "s", id="max_levels huge"),
    pytest.param(subscribe(max_levels=10**1500), ["max_levels"], "s", id="max_levels endless"),
    pytest.param(ping("yesterday"), ["timestamp", '"yesterday"'], None, id="no time"),
    pytest.param(ping(1_700_000_000), ["timestamp", "1700000000"], None, id="seconds as time"),
]


@pytest.mark.parametrize(("text", "words"), NOT_REQUESTS)
async def test_what_is_no_request_is_refused_with_400(
    server: ServerProcess, text: str, words: list[str]
) -> None:
    async with connected(server.url) as client:
        await client.connection.send(text)
        error = await client.receive()
        assert_says(error, 400, *words)
        assert error["stream_id"] is None
        await assert_usable(client)


@pytest.mark.parametrize(("text", "words", "stream_id"), WRONG_FIELDS)
async def test_a_wrong_field_is_named_with_its_value_in_a_400(
    server: ServerProcess, text: str, words: list[str], stream_id: str | None
) -> None:
    async with connected(server.url) as client:
        await client.connection.send(text)
        error = await client.receive()
        assert_says(error, 400, *words)
        assert error["stream_id"] == stream_id
        await assert_usable(client)


@pytest.mark.parametrize("fragments", [1, 3])
async def test_a_binary_message_is_refused_with_one_400(
    server: ServerProcess, fragments: int
) -> None:
    async with connected(server.url) as client:
        message = [ping("2025-09-16T04:18:26Z").encode()] * fragments
        await client.connection.send(message if fragments > 1 else message[0])
        assert_says(await client.receive(), 400, "binary")
        await client.connection.send(ping("2025-09-16T04:18:26Z"))
        assert (await client.receive())["type"] == "HeartBeat"
        await assert_usable(client)


@pytest.mark.parametrize("symbol", ["NOPE", "btcusd", "BTCUSD ", "", "BTC\nUSD", "É" * 200])
async def test_an_unknown_symbol_is_404_and_known_ones_are_listed(
    server: ServerProcess, symbol: str
) -> None:
    async with connected(server.url) as client:
        await client.subscribe("s", symbol)
        error = await client.receive()
        shown = repr(symbol)[:20]
        assert_says(error, 404, shown, "BTCUSD", "ETHUSD", "ADAUSD")
        assert error["stream_id"] == "s"
        await assert_usable(client)


async def test_unsubscribe_of_an_unknown_stream_is_404(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        await client.subscribe("known", max_levels=1)
        await client.receive_type("MarketData", "known")
        await client.send(type="Unsubscribe", stream_id="un\nknown")
        error = await client.receive_type("Error")
        assert_says(error, 404, r"un\nknown")
        assert error["stream_id"] == "un\nknown"
        await client.receive_type("MarketData", "known")


async def test_a_stream_id_in_use_is_409_and_its_stream_goes_on(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        await client.subscribe("s", "BTCUSD", "MBP", max_levels=1)
        await client.receive_type("MarketData", "s")
        await client.subscribe("s", "ETHUSD", "MBO")
        error = await client.receive_type("Error")
        assert_says(error, 409, "'s'")
        assert error["stream_id"] == "s"
        data = await client.receive()
        assert (data["symbol"], data["data"]["format"]) == ("BTCUSD", "MBP")
        await assert_usable(client)


async def test_a_stream_id_is_of_one_connection_only(server: ServerProcess) -> None:
    async with connected(server.url) as one, connected(server.url) as other:
        for client in (one, other):
            await client.subscribe("s", max_levels=1)
            assert (await client.receive())["type"] == "Subscribed"
        await one.send(type="Unsubscribe", stream_id="s")
        await one.receive_type("Unsubscribed")
        await other.receive_type("MarketData", "s")


async def test_one_stream_too_many_is_429_and_the_others_go_on(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        for stream_id in ("1", "2", "3"):
            await client.subscribe(stream_id, max_levels=1)
            await client.receive_type("MarketData", stream_id)
        await client.subscribe("4", max_levels=1)
        error = await client.receive_type("Error")
        assert_says(error, 429, "streams", "3")
        assert error["stream_id"] == "4"
        await client.receive_type("MarketData", "3")
        await client.send(type="Unsubscribe", stream_id="3")
        await client.subscribe("4", max_levels=1)
        await client.receive_type("MarketData", "4")


async def test_a_message_over_the_limit_is_413_and_close_1009(server: ServerProcess) -> None:
    async with connected(server.url) as client:
        await client.connection.send(subscribe(padding="x" * MAX_MESSAGE_BYTES))
        assert_says(await client.receive(), 413, str(MAX_MESSAGE_BYTES))
        assert await close_code_of(client) == 1009


async def test_a_message_of_just_the_limit_is_answered(server: ServerProcess) -> None:
    room = MAX_MESSAGE_BYTES - len(subscribe(padding=""))
    async with connected(server.url) as client:
        await client.connection.send(subscribe(padding="x" * room))
        assert (await client.receive())["type"] == "Subscribed"


async def test_a_wrong_field_beyond_the_original_ones_is_refused_by_name(
    server: ServerProcess,
) -> None:
    async with connected(server.url) as client:
        for field, value in {"mode": "Delta", "interval_ms": -1, "symbols": ["*"]}.items():
            await client.connection.send(subscribe(**{field: value}))
            error = await client.receive_type("Error")
            assert_says(error, 400, field)
            assert error["stream_id"] == "s"
        await assert_usable(client)


async def test_errors_are_counted_by_code(server: ServerProcess) -> None:
    def count(page: str) -> float:
        lines = [line for line in page.splitlines() if 'errors_total{code="404"}' in line]
        return float(lines[0].split()[1]) if lines else 0.0

    before = count((await server.get("/metrics"))[1])
    async with connected(server.url) as client:
        for _ in range(3):
            await client.send(type="Unsubscribe", stream_id="never")
            await client.receive()
    assert count((await server.get("/metrics"))[1]) == before + 3
