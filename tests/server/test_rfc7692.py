"""permessage-deflate to the letter (RFC 7692), over a bare socket, both ways."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from support import raw
from support.logs import serving_quietly
from support.memory import MIB
from support.process import ServerProcess
from support.raw import Frame, Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_MESSAGE_BYTES = 32 * 1024
PING = b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}'
OFFER = "permessage-deflate; client_max_window_bits"
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
RSV1 = 4
"""Of the three reserved bits: the message is compressed."""
SYNC_TAIL = b"\x00\x00\xff\xff"
FAILED = (1002, 1007)
"""What a stream that cannot be inflated closes with: the RFC leaves it open."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    options = (
        "--compression",
        f"--max-message-bytes={MAX_MESSAGE_BYTES}",
        "--message-rate=0",
        "--interval-ms=20",
        "--rate=300",
        "--ping-interval-s=0",  # nothing comes in between, however slow the machine is
    )
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.raw_client(server.port) as opened:
        head = await opened.open(Sec_WebSocket_Extensions=OFFER)
        assert head.headers["sec-websocket-extensions"] == AGREED
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def plain(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port) as opened:
        yield opened


def deflated(data: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """Return a message's payload as section 7.2.1 has it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=strategy)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(SYNC_TAIL)


def packed_text(payload: bytes) -> bytes:
    """Return a compressed text message in a frame."""
    return frame(Opcode.TEXT, payload, reserved=RSV1)


def in_fragments(payload: bytes, *cuts: int) -> Iterator[bytes]:
    """Return a compressed text message in fragments; the first alone tells that it is one."""
    for begin, end in pairwise([0, *cuts, len(payload)]):
        opcode, reserved = (Opcode.CONTINUATION, 0) if begin else (Opcode.TEXT, RSV1)
        yield frame(opcode, payload[begin:end], fin=end == len(payload), reserved=reserved)


def inflated(found: Frame) -> bytes:
    """Return what a frame from the server says, read with an empty window."""
    assert found.fin
    assert found.reserved in (0, RSV1)
    if not found.reserved:
        return found.payload
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflater.decompress(found.payload + SYNC_TAIL)
    assert not inflater.unconsumed_tail + inflater.unused_data + inflater.flush()
    return data


async def assert_heart_beat(client: RawClient) -> None:
    assert (await client.frame()).message()["type"] == "HeartBeat"


async def assert_answers(client: RawClient) -> None:
    """Check that the next thing that comes is the answer to a Ping."""
    await client.send(packed_text(deflated(PING)))
    await assert_heart_beat(client)


# The offer


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits=99",
        "x-webkit-deflate-frame",
    ],
)
async def test_an_offer_that_cannot_be_met_opens_a_plain_connection(
    server: ServerProcess, offer: str
) -> None:
    async with raw.raw_client(server.port) as client:
        head = await client.open(Sec_WebSocket_Extensions=offer)
        assert "sec-websocket-extensions" not in head.headers
        await client.send(raw.subscribe("s"))
        await client.message_of("MarketData")
        assert (await client.frame_of(Opcode.TEXT)).reserved == 0
        await client.send(packed_text(deflated(PING)))
        assert (await client.closed())[0] == 1002


async def test_nothing_is_compressed_that_was_not_asked_for(plain: RawClient) -> None:
    await plain.send(raw.subscribe("s"))
    for _ in range(3):
        assert (await plain.frame()).reserved == 0


@pytest.mark.parametrize("offers", [["permessage-deflate; server_max_window_bits=9", OFFER]])
async def test_of_several_offers_one_that_can_be_met_is_taken(
    server: ServerProcess, offers: list[str]
) -> None:
    async with raw.raw_client(server.port) as client:
        head = await client.open(Sec_WebSocket_Extensions=", ".join(offers))
        assert head.headers["sec-websocket-extensions"] == AGREED
        await assert_answers(client)


# Requests


def blocks(*parts: tuple[bytes, int]) -> bytes:
    """Return parts of a message with the flush behind each, the last one's without its end."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = b"".join(packer.compress(part) + packer.flush(mode) for part, mode in parts)
    return packed.removesuffix(SYNC_TAIL)


def ended() -> bytes:
    """Return a message in a block that is said to be the last (section 7.2.3.4)."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(PING) + packer.flush(zlib.Z_FINISH) + b"\x00"


WAYS_TO_COMPRESS = {
    "stored": deflated(PING, level=0),
    "fixed codes": deflated(PING, strategy=zlib.Z_FIXED),
    "codes of its own": deflated(PING + b" " * 5000 + bytes(range(9, 11)) * 500),
    "no back references": deflated(PING, strategy=zlib.Z_HUFFMAN_ONLY),
    "two blocks": blocks((PING[:20], zlib.Z_SYNC_FLUSH), (PING[20:], zlib.Z_SYNC_FLUSH)),
    "a full flush": blocks((PING[:20], zlib.Z_FULL_FLUSH), (PING[20:], zlib.Z_SYNC_FLUSH)),
    "empty blocks": SYNC_TAIL.join([b"\x00", b"\x00", deflated(PING)]),
    "a final block": ended(),
    "its flush left in": deflated(PING) + SYNC_TAIL + b"\x00",
}


@pytest.mark.parametrize("payload", WAYS_TO_COMPRESS.values(), ids=WAYS_TO_COMPRESS)
async def test_a_request_may_be_compressed_in_any_way(client: RawClient, payload: bytes) -> None:
    await client.send(packed_text(payload))
    await assert_heart_beat(client)
    await assert_answers(client)


async def test_a_compressed_request_may_be_cut_anywhere(client: RawClient) -> None:
    payload = deflated(PING)
    for cut in range(1, len(payload)):
        await client.send(b"".join(in_fragments(payload, cut)))
        await assert_heart_beat(client)


async def test_a_compressed_request_may_come_in_many_fragments_with_pings_between(
    client: RawClient,
) -> None:
    payload = deflated(PING)
    for fragment in in_fragments(payload, *range(1, len(payload), 5)):
        await client.send(frame(Opcode.PING, b"between"))
        assert await client.frame() == Frame(Opcode.PONG, b"between")
        await client.send(fragment)
    await assert_heart_beat(client)


async def test_fragments_may_be_empty(client: RawClient) -> None:
    empty = frame(Opcode.CONTINUATION, fin=False)
    await client.send(frame(Opcode.TEXT, fin=False, reserved=RSV1) + empty)
    await client.send(frame(Opcode.CONTINUATION, deflated(PING), fin=False) + empty)
    await client.send(frame(Opcode.CONTINUATION))
    await assert_heart_beat(client)


async def test_requests_may_be_compressed_or_not_each_as_it_likes(client: RawClient) -> None:
    for _ in range(3):
        await client.send(frame(Opcode.TEXT, PING))
        await assert_heart_beat(client)
        await client.send(packed_text(deflated(PING)))
        await assert_heart_beat(client)
        await client.send(frame(Opcode.TEXT, PING[:9], fin=False))
        await client.send(frame(Opcode.CONTINUATION, PING[9:]))
        await assert_heart_beat(client)


@pytest.mark.parametrize("payload", [b"\x00", b"", b"\x02\x00"], ids=["stored", "none", "fixed"])
async def test_an_empty_compressed_message_is_an_empty_request(
    client: RawClient, payload: bytes
) -> None:
    """Section 7.2.3.6."""
    await client.send(packed_text(payload))
    error = (await client.frame()).message()
    assert (error["type"], error["code"]) == ("Error", 400)
    await assert_answers(client)


async def test_a_window_as_small_as_the_client_has_asked_for_will_do(
    server: ServerProcess,
) -> None:
    async with raw.raw_client(server.port) as client:
        offer = "permessage-deflate; client_max_window_bits=9"
        head = await client.open(Sec_WebSocket_Extensions=offer)
        assert head.headers["sec-websocket-extensions"] == f"{AGREED}; client_max_window_bits=9"
        packer = zlib.compressobj(wbits=-9)
        payload = packer.compress(PING + b" " * 2000) + packer.flush(zlib.Z_SYNC_FLUSH)
        await client.send(packed_text(payload.removesuffix(SYNC_TAIL)))
        await assert_heart_beat(client)


# What a client must not send


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            frame(Opcode.TEXT, deflated(PING)[:9], fin=False, reserved=RSV1)
            + frame(Opcode.CONTINUATION, deflated(PING)[9:], reserved=RSV1),
            id="in a continuation of a compressed message",
        ),
        pytest.param(
            frame(Opcode.TEXT, PING[:9], fin=False)
            + frame(Opcode.CONTINUATION, PING[9:], reserved=RSV1),
            id="in a continuation of a plain message",
        ),
        pytest.param(
            frame(Opcode.CONTINUATION, deflated(PING), reserved=RSV1),
            id="in a continuation of nothing",
        ),
        pytest.param(frame(Opcode.PING, b"x", reserved=RSV1), id="in a ping"),
        pytest.param(frame(Opcode.PONG, b"x", reserved=RSV1), id="in a pong"),
        pytest.param(frame(Opcode.CLOSE, b"\x03\xe8", reserved=RSV1), id="in a close"),
        pytest.param(frame(Opcode.TEXT, deflated(PING), reserved=RSV1 | 2), id="with RSV2"),
        pytest.param(frame(Opcode.TEXT, deflated(PING), reserved=RSV1 | 1), id="with RSV3"),
        pytest.param(frame(Opcode.TEXT, PING, reserved=2), id="but RSV2"),
        pytest.param(
            frame(Opcode.TEXT, deflated(PING), reserved=RSV1, masked=False), id="unmasked"
        ),
        pytest.param(
            frame(Opcode.TEXT, deflated(PING), fin=False, reserved=RSV1)
            + packed_text(deflated(PING)),
            id="within a message",
        ),
    ],
)
async def test_the_bit_of_compression_where_it_must_not_be_closes_with_1002(
    client: RawClient, data: bytes
) -> None:
    await client.send(data)
    assert (await client.closed())[0] == 1002


def with_window(window: bytes, data: bytes) -> bytes:
    """Return a message compressed as if *window* had come before: it refers to that."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packer.compress(window)
    packer.flush(zlib.Z_SYNC_FLUSH)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(SYNC_TAIL)


NO_DEFLATE = {
    "text": PING,
    "a reserved block type": b"\x07",
    "a stored block whose length is not its complement": b"\x00\x05\x00\x00\x00hello",
    "a code that there is not": b"\x04\xff\xff\xff\xff\xff\xff\xff",
    "a reference to the message before": with_window(PING, PING),
    "garbage behind blocks": deflated(PING[:20]) + SYNC_TAIL + b"\xff" * 20,
}


@pytest.mark.parametrize("payload", NO_DEFLATE.values(), ids=NO_DEFLATE)
@pytest.mark.parametrize("is_whole", [True, False], ids=["whole", "fragments"])
async def test_what_cannot_be_inflated_fails_the_connection(
    client: RawClient, payload: bytes, is_whole: bool
) -> None:
    await assert_answers(client)
    cuts = () if is_whole else range(1, len(payload))
    await client.send(b"".join(in_fragments(payload, *cuts)))
    code, _ = await client.closed()
    assert code in FAILED


async def test_a_cut_off_message_is_no_request(client: RawClient) -> None:
    """What it inflates to is as far as it goes, and is refused like other half requests."""
    payload = deflated(b'{"type":"Unsubscribe","stream_id":"' + b"x" * 100 + b'"}', level=0)
    await client.send(packed_text(payload[:60]))
    found = await client.frame()
    if found.opcode == Opcode.TEXT:
        assert found.message()["code"] == 400
        await assert_answers(client)
    else:
        assert found.opcode == Opcode.CLOSE


@pytest.mark.parametrize("cuts", [(), (5,), (1, 2, 3)])
async def test_compressed_text_must_be_utf8(client: RawClient, cuts: tuple[int, ...]) -> None:
    payload = deflated(b'{"type":"\xed\xa0\x80"}')
    await client.send(b"".join(in_fragments(payload, *cuts)))
    assert (await client.closed())[0] == 1007


async def test_a_character_may_be_split_between_compressed_fragments(client: RawClient) -> None:
    payload = deflated('{"type":"Unsubscribe","stream_id":"€📈"}'.encode(), level=0)
    for cut in range(5, len(payload)):
        await client.send(b"".join(in_fragments(payload, cut)))
        error = (await client.frame()).message()
        assert (error["code"], error["stream_id"]) == (404, "€📈")


# Sizes


@pytest.mark.parametrize("cuts", [(), (5,)])
async def test_a_compressed_message_up_to_the_limit_is_taken(
    client: RawClient, cuts: tuple[int, ...]
) -> None:
    message = PING.ljust(MAX_MESSAGE_BYTES)
    await client.send(b"".join(in_fragments(deflated(message), *cuts)))
    await assert_heart_beat(client)


def bomb(length: int) -> bytes:
    """Return a message that is a thousand times as large when it is inflated."""
    return deflated(bytes(length), level=9)


@pytest.mark.parametrize("length", [MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES + 300, 1_000_000])
@pytest.mark.parametrize("cuts", [(), (5,), (10, 20, 30)])
async def test_a_compressed_message_over_the_limit_closes_with_1009(
    client: RawClient, length: int, cuts: tuple[int, ...]
) -> None:
    await client.send(b"".join(in_fragments(bomb(length), *cuts)))
    assert (await client.frame()).message()["code"] == 413
    assert (await client.closed())[0] == 1009


async def test_a_sum_of_compressed_fragments_over_the_limit_closes_with_1009(
    client: RawClient,
) -> None:
    """Each of them is small, compressed and not."""
    quarter = b" " * (MAX_MESSAGE_BYTES // 4)
    part = deflated(quarter) + SYNC_TAIL
    await client.send(frame(Opcode.TEXT, part, fin=False, reserved=RSV1))
    for _ in range(3):
        await client.send(frame(Opcode.CONTINUATION, part, fin=False))
    await client.send(frame(Opcode.CONTINUATION, deflated(b" ")))
    assert (await client.frame()).message()["code"] == 413
    assert (await client.closed())[0] == 1009


async def test_a_message_that_is_too_large_as_it_comes_is_refused(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, b"\x00", reserved=RSV1, declared_length=2**40))
    assert (await client.frame()).message()["code"] == 413
    assert (await client.closed())[0] == 1009


def peak_bytes(server: ServerProcess) -> int:
    """Return the most memory that a server has held so far."""
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell the most memory that a process has held")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def test_bombs_take_no_memory(server: ServerProcess) -> None:
    payload = bomb(30_000_000)
    assert len(payload) < MAX_MESSAGE_BYTES
    before = peak_bytes(server)
    for cuts in ((), (1000,), (10_000, 20_000)):
        async with raw.raw_client(server.port) as client:
            await client.open(Sec_WebSocket_Extensions=OFFER)
            await client.send(b"".join(in_fragments(payload, *cuts)))
            assert (await client.frame()).message()["code"] == 413
    assert peak_bytes(server) - before < 10 * MIB


ENDLESS = {
    "nothing": (b"", b""),
    "empty blocks": (b"", SYNC_TAIL * 4000),
    "what comes behind a final block": (ended(), bytes(16_000)),
}


@pytest.mark.parametrize(("first", "more"), ENDLESS.values(), ids=ENDLESS)
async def test_fragments_without_end_take_no_memory(
    server: ServerProcess, client: RawClient, first: bytes, more: bytes
) -> None:
    """They inflate to nothing, so that the limit of a message does not end them."""
    before = peak_bytes(server)
    await client.send(frame(Opcode.TEXT, first, fin=False, reserved=RSV1))
    fragments = frame(Opcode.CONTINUATION, more, fin=False) * 20
    for _ in range(100):
        await client.send(fragments)
    await client.send(frame(Opcode.PING))
    await client.frame()
    assert peak_bytes(server) - before < 10 * MIB


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
