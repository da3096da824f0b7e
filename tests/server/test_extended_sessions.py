"""What clients may ask for beyond the original messages, over a real socket, in either encoding."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from support.client import Client, Message
from support.closing import close_code_of
from support.logs import serving_quietly
from support.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

DESK, GUEST = "a-token-of-the-desk", "a-token-of-a-guest"
CREDENTIALS = f"""
[clients.desk]
token = "{DESK}"

[clients.guest]
token = "{GUEST}"
symbols = ["ETH*", "ADAUSD"]
"""
EXTRA = [f"EXTRA{number}" for number in range(42)]
BUILTIN = ["BTCUSD", "ETHUSD", "ADAUSD"]
MAX_STREAMS = 60
TIME = "2025-09-16T04:18:26Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("serving")
    credentials, instruments = folder / "clients.toml", folder / "instruments.toml"
    credentials.write_text(CREDENTIALS)
    instruments.write_text(
        "".join(
            f'[instruments.{name}]\nprice = "10.00"\ntick = "0.01"\norders = 100\n'
            for name in EXTRA
        )
    )
    options = (
        f"--credentials={credentials}",
        f"--instruments={instruments}",
        f"--max-streams={MAX_STREAMS}",
        "--seed=1",
        "--rate=50",
        "--interval-ms=50",
    )
    async with serving_quietly(*options) as running:
        yield running


class PackedClient(Client):
    """Speaks MessagePack."""

    async def send(self, **fields: Any) -> None:
        await self.connection.send(msgspec.msgpack.encode(fields))

    async def receive(self) -> Message:
        payload = await self.connection.recv()
        assert isinstance(payload, bytes)
        message = msgspec.msgpack.decode(payload)
        assert isinstance(message, dict)
        return message


KINDS = {"json": Client, "msgpack": PackedClient}


def options(subprotocols: list[str] | None, token: str = DESK) -> dict[str, Any]:
    return {
        "subprotocols": subprotocols,
        "additional_headers": {"Authorization": f"Bearer {token}"},
        "max_queue": None,
        "max_size": None,
        "compression": None,
    }


@asynccontextmanager
async def speaking(
    server: ServerProcess, encoding: str, token: str = DESK
) -> AsyncIterator[Client]:
    """Connect, and read the first message, which must be a HeartBeat."""
    wanted = options([f"market-depth.{encoding}"], token)
    async with connect(server.url, **wanted) as connection:
        client = KINDS[encoding](connection)
        assert (await client.receive())["type"] == "HeartBeat"
        yield client


@pytest_asyncio.fixture(params=KINDS, loop_scope="module")
async def client(request: pytest.FixtureRequest, server: ServerProcess) -> AsyncIterator[Client]:
    async with speaking(server, request.param) as speaker:
        yield speaker


async def answer(client: Client, **request: Any) -> Message:
    """Send a request, and return what repeats its id."""
    await client.send(**request)
    return await client.receive_until(lambda message: message.get("id") == request["id"])


async def answers(client: Client, count: int, **request: Any) -> list[Message]:
    """Send a request, and return as many messages that repeat its id."""
    await client.send(**request)
    return [
        await client.receive_until(lambda message: message.get("id") == request["id"])
        for _ in range(count)
    ]


@pytest.mark.parametrize("request_id", ["r-1", "", "π" * 128, 0, -7, 2**63 - 1])
async def test_every_answer_repeats_the_id_of_its_request(
    client: Client, request_id: int | str
) -> None:
    stream = {"stream_id": "s", "symbol": "BTCUSD", "data_type": "MBP", "max_levels": 1}
    for kind, fields, answered_by in (
        ("Ping", {"timestamp": TIME}, "HeartBeat"),
        ("Subscribe", stream, "Subscribed"),
        ("Subscribe", stream, "Error"),
        ("ListSubscriptions", {}, "Subscriptions"),
        ("Unsubscribe", {"stream_id": "s"}, "Unsubscribed"),
        ("Unsubscribe", {"stream_id": "s"}, "Error"),
        ("Subscribe", {**stream, "symbol": "DOGE"}, "Error"),
        ("Subscribe", {**stream, "data_type": "L2"}, "Error"),
        ("ListSymbols", {}, "Symbols"),
        ("Nonsense", {}, "Error"),
    ):
        found = await answer(client, type=kind, id=request_id, **fields)
        assert found["type"] == answered_by
        assert list(found)[-1] == "id"


async def test_streams_of_every_kind_are_served(client: Client) -> None:
    wanted: list[dict[str, Any]] = [
        {"data_type": "MBP", "mode": "delta", "interval_ms": 0, "checksum": True},
        {"data_type": "MBO", "mode": "delta", "interval_ms": 20},
        {"data_type": "BBO"},
        {"data_type": "MBP", "group": "2.50"},
    ]
    for number, fields in enumerate(wanted):
        stream_id = str(number)
        await client.subscribe(stream_id, **fields)
        subscribed = await client.receive_type("Subscribed", stream_id)
        assert subscribed["mode"] == fields.get("mode", "snapshot")
        assert subscribed["price_decimals"] == 2
        assert subscribed["tick_size"] == 0.5
        first = await client.receive_type("MarketData", stream_id)
        assert first["data"]["format"] == fields["data_type"]
        assert ("checksum" in first) is bool(fields.get("checksum"))
        kind = "MarketDelta" if fields.get("mode") else "MarketData"
        update = await client.receive_type(kind, stream_id)
        assert update["sequence"] > first["sequence"]
    await client.subscribe("t", data_type="TRADES")
    trades: list[int] = []
    while len(trades) < 5:
        message = await client.receive_type("MarketData", "t")
        trades += [trade["trade_number"] for trade in message["data"]["trades"]]
    assert trades == list(range(trades[0], trades[0] + len(trades)))


async def test_symbols_are_listed_as_they_are_served(client: Client) -> None:
    message = await answer(client, type="ListSymbols", id=1)
    assert [one["symbol"] for one in message["symbols"]] == [*BUILTIN, *EXTRA]
    first = message["symbols"][0]
    assert list(first) == [
        *("symbol", "tick_size", "price_decimals", "quantity_decimals", "data_types", "status")
    ]
    assert (first["tick_size"], first["price_decimals"]) == (0.5, 2)
    assert (first["data_types"], first["status"]) == (["MBP", "MBO", "BBO", "TRADES"], "Live")


async def test_the_connections_own_streams_are_listed(client: Client) -> None:
    assert (await answer(client, type="ListSubscriptions", id=1))["subscriptions"] == []
    await client.subscribe("a", max_levels=3)
    await client.subscribe("b", "ETHUSD", "MBO", mode="delta", interval_ms=10**6, checksum=True)
    listed = (await answer(client, type="ListSubscriptions", id=2))["subscriptions"]
    assert [(one["stream_id"], one["symbol"], one["interval_ms"]) for one in listed] == [
        ("a", "BTCUSD", 50),
        ("b", "ETHUSD", 60_000),
    ]
    assert [one["mode"] for one in listed] == ["snapshot", "delta"]


async def test_each_symbol_of_a_list_is_answered(client: Client) -> None:
    symbols = ["ETHUSD", "DOGE", "BTCUSD", "ETHUSD"]
    request = {"type": "Subscribe", "stream_id": "l", "symbols": symbols, "data_type": "MBP"}
    found = await answers(client, 4, id="list", max_levels=1, **request)
    assert [(one["type"], one["stream_id"], one.get("code")) for one in found] == [
        ("Subscribed", "l:ETHUSD", None),
        ("Error", "l:DOGE", 404),
        ("Subscribed", "l:BTCUSD", None),
        ("Error", "l:ETHUSD", 409),
    ]
    assert "epoch" in found[0], "a list opts into more"
    for stream_id in ("l:ETHUSD", "l:BTCUSD"):
        assert (await client.receive_type("MarketData", stream_id))["symbol"] in stream_id
    assert (await answer(client, type="Unsubscribe", stream_id="l:ETHUSD", id=1))["type"] == (
        "Unsubscribed"
    )


async def test_all_symbols_are_opened_before_the_next_request_is_answered(
    client: Client,
) -> None:
    """They take several turns."""
    request = {"type": "Subscribe", "stream_id": "all", "symbols": ["*"], "data_type": "BBO"}
    await client.send(id="all", **request)
    await client.send(type="Ping", timestamp=TIME, id="ping")
    opened: list[str] = []
    while (message := await client.receive()).get("id") != "ping":
        if message["type"] == "Subscribed":
            assert message["id"] == "all"
            opened.append(message["stream_id"])
    assert opened == [f"all:{symbol}" for symbol in (*BUILTIN, *EXTRA)]


async def test_streams_too_many_in_a_list_are_refused_one_by_one(client: Client) -> None:
    await client.send(type="Subscribe", stream_id="a", symbols=["*"], data_type="BBO", id=1)
    request = {"type": "Subscribe", "stream_id": "b", "symbols": ["*"], "data_type": "BBO"}
    found = await answers(client, len(BUILTIN) + len(EXTRA), id=2, **request)
    room = MAX_STREAMS - len(BUILTIN) - len(EXTRA)
    assert [one["type"] for one in found] == ["Subscribed"] * room + ["Error"] * (len(found) - room)
    assert {one["code"] for one in found[room:]} == {429}


@pytest.mark.parametrize(
    "symbols", [[], ["*", "BTCUSD"], ["X" * 128], ["BTCUSD", 5], "BTCUSD", {}], ids=str
)
async def test_a_list_that_is_none_is_refused_whole(client: Client, symbols: Any) -> None:
    request = {"type": "Subscribe", "stream_id": "l", "symbols": symbols, "data_type": "MBP"}
    error = await answer(client, id="x", **request)
    assert (error["type"], error["code"], error["stream_id"]) == ("Error", 400, "l")
    assert "symbols" in error["message"] or "stream_id" in error["message"]
    assert (await answer(client, type="ListSubscriptions", id=1))["subscriptions"] == []


@pytest.mark.parametrize("encoding", KINDS)
async def test_lists_show_what_a_client_may_see(server: ServerProcess, encoding: str) -> None:
    async with speaking(server, encoding, GUEST) as client:
        listed = await answer(client, type="ListSymbols", id=1)
        assert [one["symbol"] for one in listed["symbols"]] == ["ETHUSD", "ADAUSD"]
        request = {"type": "Subscribe", "data_type": "MBP", "max_levels": 1}
        found = await answers(client, 2, id=2, stream_id="all", symbols=["*"], **request)
        assert [one["stream_id"] for one in found] == ["all:ETHUSD", "all:ADAUSD"]
        found = await answers(
            client, 2, id=3, stream_id="l", symbols=["BTCUSD", "ETHUSD"], **request
        )
        assert [(one["type"], one.get("code")) for one in found] == [
            ("Error", 403),
            ("Subscribed", None),
        ]


@pytest.mark.parametrize("encoding", KINDS)
async def test_a_frame_of_the_other_encoding_is_refused_and_the_connection_stays(
    server: ServerProcess, encoding: str
) -> None:
    async with speaking(server, encoding) as client:
        request = {"type": "Ping", "timestamp": TIME, "id": 1}
        if encoding == "json":
            await client.connection.send(msgspec.msgpack.encode(request))
        else:
            await client.connection.send(json.dumps(request))
        error = await client.receive_type("Error")
        assert (error["code"], error["stream_id"]) == (400, None)
        assert ("text" if encoding == "msgpack" else "binary") in error["message"]
        await client.connection.send([b"\x81\xa4", b"type"] if encoding == "json" else ["{", "}"])
        assert (await client.receive_type("Error"))["code"] == 400
        assert (await answer(client, **request))["type"] == "HeartBeat"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["market-depth.msgpack", "market-depth.json"], "market-depth.msgpack"),
        (["market-depth.json", "market-depth.msgpack"], "market-depth.json"),
        (["chat", "market-depth.msgpack"], "market-depth.msgpack"),
        (["market-depth.xml"], None),
        ([], None),
    ],
)
async def test_the_first_subprotocol_that_is_spoken_is_chosen(
    server: ServerProcess, offered: list[str], chosen: str | None
) -> None:
    encoding = "msgpack" if chosen == "market-depth.msgpack" else "json"
    async with connect(server.url, **options(offered or None)) as connection:
        assert connection.subprotocol == chosen
        client = KINDS[encoding](connection)
        assert (await answer(client, type="Ping", timestamp=TIME, id=1))["type"] == "HeartBeat"


async def test_messagepack_that_is_none_is_refused_and_the_connection_stays(
    server: ServerProcess,
) -> None:
    async with speaking(server, "msgpack") as client:
        ext = msgspec.msgpack.Ext(5, b"x")
        for data in (
            b"",
            b"\xc1",
            msgspec.msgpack.encode({"type": ext}),
            msgspec.msgpack.encode({"type": {None: 1}}),
            b"\x81\xa4type" + b"\x91" * 60_000 + b"\x01",
            b"\xff" * 100,
        ):
            await client.connection.send(data)
            error = await client.receive_type("Error")
            assert (error["code"], error["stream_id"]) == (400, None)
        assert (await answer(client, type="Ping", timestamp=TIME, id=1))["type"] == "HeartBeat"


@pytest.mark.parametrize("encoding", KINDS)
async def test_who_is_turned_away_is_told_in_his_own_encoding(
    server: ServerProcess, encoding: str
) -> None:
    wanted = options([f"market-depth.{encoding}"], "a-token-of-nobody")
    async with connect(server.url, **wanted) as connection:
        client = KINDS[encoding](connection)
        error = await client.receive()
        assert (error["type"], error["code"]) == ("Error", 401)
        assert await close_code_of(client) == 4501
