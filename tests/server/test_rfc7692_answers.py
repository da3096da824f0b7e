"""What a server compresses (RFC 7692), over a bare socket: what it would say without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from support import raw
from support.compressed import (
    AGREED,
    OFFER,
    RSV1,
    compressing_client,
    deflated,
    inflated,
    packed_text,
)
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import Frame, Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

PING = b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}'
OPTIONS = ("--compression", "--interval-ms=20", "--rate=300", "--ping-interval-s=0")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly(*OPTIONS) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with compressing_client(server.port) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def plain(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port) as opened:
        yield opened


# What the server sends


def told(message: dict[str, Any]) -> Any:
    """Return what a message says, but for the times at which it was said."""
    times = ("timestamp", "age_ms", "avg_age_ms")
    return json.loads(
        json.dumps(message),
        object_hook=lambda found: {name: found[name] for name in found if name not in times},
    )


@pytest.mark.parametrize("data_type", ["MBP", "MBO", "BBO"])
@pytest.mark.parametrize("mode", ["snapshot", "delta"])
async def test_compressed_messages_are_the_plain_ones(
    client: RawClient, plain: RawClient, data_type: str, mode: str
) -> None:
    request = raw.text(
        type="Subscribe",
        stream_id="s",
        symbol="BTCUSD",
        data_type=data_type,
        max_levels=5,
        mode=mode,
        interval_ms=0,
    )
    for one in (client, plain):
        await one.send(request)
        assert json.loads(inflated(await one.frame()))["type"] == "Subscribed"
    compressed, bare = await asyncio.gather(*(said(one) for one in (client, plain)))
    both = compressed.keys() & bare.keys()
    assert len(both) >= 10
    assert [compressed[number] for number in both] == [bare[number] for number in both]


async def said(client: RawClient) -> dict[int, Any]:
    """Return by its sequence what a stream says, from where it no longer matters when it began."""
    messages = [json.loads(inflated(await client.frame())) for _ in range(20)]
    return {message["sequence"]: told(message) for message in messages[2:]}


async def test_large_messages_are_compressed_and_control_frames_are_not(
    client: RawClient,
) -> None:
    await client.send(raw.subscribe("s"))
    assert (await client.frame()).message()["type"] == "Subscribed"
    first = await client.frame()
    assert (first.opcode, first.fin, first.reserved) == (Opcode.TEXT, True, RSV1)
    assert len(first.payload) < len(inflated(first)) / 2
    await client.send(frame(Opcode.PING, b"how are you"))
    assert await client.frame_of(Opcode.PONG) == Frame(Opcode.PONG, b"how are you")
    await client.send(raw.close(1000, b"good bye"))
    assert (await client.frame_of(Opcode.CLOSE)).reserved == 0


async def test_each_stream_of_a_view_gets_its_own_id_before_what_is_shared(
    server: ServerProcess, client: RawClient
) -> None:
    async with raw.raw_client(server.port) as other:
        await other.open(Sec_WebSocket_Extensions=OFFER)
        names = {client: ["a", "€" * 100], other: ["b" * 128]}
        for one, stream_ids in names.items():
            for stream_id in stream_ids:
                await one.send(raw.subscribe(stream_id, data_type="MBO"))
        for one, stream_ids in names.items():
            seen: list[str] = []
            while len(seen) < 3 * len(stream_ids):
                message = json.loads(inflated(await one.frame()))
                if message["type"] == "MarketData":
                    assert message["symbol"] == "BTCUSD"
                    assert message["data"]["bids"]
                    seen.append(message["stream_id"])
            assert set(seen) == set(stream_ids)


# MessagePack


@pytest_asyncio.fixture(loop_scope="module")
async def packing(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.raw_client(server.port) as opened:
        subprotocol = "market-depth.msgpack"
        await opened.send(
            raw.upgrade(Sec_WebSocket_Extensions=OFFER, Sec_WebSocket_Protocol=subprotocol)
        )
        head = await opened.head()
        assert head.headers["sec-websocket-extensions"] == AGREED
        assert head.headers["sec-websocket-protocol"] == subprotocol
        assert unpacked(await opened.frame())["type"] == "HeartBeat"
        yield opened


def unpacked(found: Frame) -> dict[str, Any]:
    assert found.opcode == Opcode.BINARY
    message = msgspec.msgpack.decode(inflated(found))
    assert isinstance(message, dict)
    return message


async def test_messagepack_is_compressed_as_well(packing: RawClient) -> None:
    request = {"type": "Subscribe", "stream_id": "s", "symbol": "BTCUSD", "data_type": "MBP"}
    payload = deflated(msgspec.msgpack.encode(request))
    await packing.send(frame(Opcode.BINARY, payload[:9], fin=False, reserved=RSV1))
    await packing.send(frame(Opcode.CONTINUATION, payload[9:]))
    assert unpacked(await packing.frame())["type"] == "Subscribed"
    found = await packing.frame()
    assert found.reserved == RSV1
    assert len(unpacked(found)["data"]["bids"]) == 20


async def test_messagepack_need_not_be_utf8(packing: RawClient) -> None:
    await packing.send(frame(Opcode.BINARY, deflated(b"\xff\xfe"), reserved=RSV1))
    assert unpacked(await packing.frame())["code"] == 400
    await packing.send(packed_text(deflated(PING)))
    assert unpacked(await packing.frame())["code"] == 400
