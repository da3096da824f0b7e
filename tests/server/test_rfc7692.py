"""permessage-deflate (RFC 7692) over a bare socket: what is agreed to, and what clients send."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support import raw
from support.compressed import (
    AGREED,
    OFFER,
    RSV1,
    SYNC_TAIL,
    compressing_client,
    deflated,
    in_fragments,
    packed_text,
)
from support.logs import serving_quietly
from support.memory import MIB
from support.process import ServerProcess
from support.raw import Frame, Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_MESSAGE_BYTES = 32 * 1024
PING = b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}'
FAILED = (1002, 1007)
"""What a stream that cannot be inflated closes with: the RFC leaves it open."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    options = (
        "--compression",
        f"--max-message-bytes={MAX_MESSAGE_BYTES}",
        "--message-rate=0",
        "--interval-ms=20",
        "--ping-interval-s=0",  # nothing comes in between, however slow the machine is
    )
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with compressing_client(server.port) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def plain(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port) as opened:
        yield opened


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
