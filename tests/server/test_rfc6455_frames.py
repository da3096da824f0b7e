"""Frames in every form that RFC 6455 allows, and forms it does not, over a bare socket."""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from support import raw
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import Frame, Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_MESSAGE_BYTES = 128 * 1024
PING = b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    options = (
        f"--max-message-bytes={MAX_MESSAGE_BYTES}",
        "--message-rate=0",
        "--ping-interval-s=0",  # nothing comes in between, however slow the machine is
    )
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port) as opened:
        yield opened


async def assert_heart_beat(client: RawClient) -> None:
    assert (await client.frame()).message()["type"] == "HeartBeat"


async def assert_fails_with_1002(client: RawClient, data: bytes) -> None:
    await client.send(data)
    code, reason = await client.closed()
    assert code == 1002
    assert reason


def fragments(opcode: Opcode, payload: bytes, *cuts: int) -> list[bytes]:
    """Return a message in fragments."""
    return [
        frame(Opcode.CONTINUATION if begin else opcode, payload[begin:end], fin=end == len(payload))
        for begin, end in pairwise([0, *cuts, len(payload)])
    ]


# Lengths and masks (sections 5.2 and 5.3)


@pytest.mark.parametrize(
    "length", [len(PING), 125, 126, 127, 128, 65_535, 65_536, 65_537, MAX_MESSAGE_BYTES]
)
async def test_a_request_may_have_any_length_up_to_the_limit(
    client: RawClient, length: int
) -> None:
    await client.send(frame(Opcode.TEXT, PING.ljust(length)))
    await assert_heart_beat(client)


def masked_by(mask: bytes, opcode: Opcode, payload: bytes) -> bytes:
    """Return a frame with a mask of one's own."""
    head = struct.pack(">BB", 0x80 | opcode, 0x80 | len(payload))
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


async def test_every_frame_may_have_a_mask_of_its_own(client: RawClient) -> None:
    chosen = random.Random(6455)
    masks = [bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01", b"{{{{"]
    for mask in masks + [chosen.randbytes(4) for _ in range(20)]:
        for length in range(4):
            payload = chosen.randbytes(length)
            await client.send(masked_by(mask, Opcode.PING, payload))
            assert await client.frame() == Frame(Opcode.PONG, payload)
        await client.send(masked_by(mask, Opcode.TEXT, PING))
        await assert_heart_beat(client)


@pytest.mark.parametrize("form", [126, 127])
async def test_a_length_in_more_bytes_than_it_needs_is_read_or_refused(
    client: RawClient, form: int
) -> None:
    """The RFC forbids it to the sender, and leaves it open to the reader."""
    length = struct.pack(">H" if form == 126 else ">Q", len(PING))
    await client.send(bytes([0x80 | Opcode.TEXT, 0x80 | form]) + length + bytes(4) + PING)
    found = await client.frame()
    if found.opcode == Opcode.TEXT:
        assert found.message()["type"] == "HeartBeat"
    else:
        assert struct.unpack(">H", found.payload[:2]) == (1002,)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(Opcode.BINARY, b"x", masked=False), id="binary"),
        pytest.param(frame(Opcode.PONG, b"x", masked=False), id="pong"),
        pytest.param(frame(Opcode.CLOSE, b"\x03\xe8", masked=False), id="close"),
        pytest.param(frame(Opcode.TEXT, b"", masked=False), id="empty text"),
        pytest.param(
            frame(Opcode.TEXT, PING[:9], fin=False)
            + frame(Opcode.CONTINUATION, PING[9:], masked=False),
            id="continuation",
        ),
    ],
)
async def test_a_frame_without_a_mask_closes_with_1002(client: RawClient, data: bytes) -> None:
    await assert_fails_with_1002(client, data)


# Reserved bits and opcodes


@pytest.mark.parametrize("reserved", [1, 2, 4])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param((Opcode.BINARY, b"x"), id="binary"),
        pytest.param((Opcode.PONG, b"x"), id="pong"),
        pytest.param((Opcode.CLOSE, b"\x03\xe8"), id="close"),
        pytest.param((Opcode.CONTINUATION, PING[9:]), id="continuation"),
    ],
)
async def test_a_reserved_bit_of_any_frame_closes_with_1002(
    client: RawClient, data: tuple[Opcode, bytes], reserved: int
) -> None:
    opcode, payload = data
    begun = frame(Opcode.TEXT, PING[:9], fin=False) if opcode is Opcode.CONTINUATION else b""
    await assert_fails_with_1002(client, begun + frame(opcode, payload, reserved=reserved))


@pytest.mark.parametrize("opcode", [3, 7, 11, 15])
@pytest.mark.parametrize("form", ["empty", "not final", "in a message"])
async def test_a_reserved_opcode_in_any_place_closes_with_1002(
    client: RawClient, opcode: int, form: str
) -> None:
    begun = frame(Opcode.TEXT, PING[:9], fin=False) if form == "in a message" else b""
    payload = b"" if form == "empty" else b"x"
    await assert_fails_with_1002(client, begun + frame(opcode, payload, fin=form != "not final"))


# Fragments (section 5.4)


async def test_each_byte_may_be_a_fragment(client: RawClient) -> None:
    await client.send(b"".join(fragments(Opcode.TEXT, PING, *range(1, len(PING)))))
    await assert_heart_beat(client)


async def test_a_message_may_be_cut_anywhere(client: RawClient) -> None:
    for cut in range(1, len(PING)):
        await client.send(b"".join(fragments(Opcode.TEXT, PING, cut)))
        await assert_heart_beat(client)


async def test_control_frames_may_stand_between_all_fragments(client: RawClient) -> None:
    parts = fragments(Opcode.TEXT, PING, *range(5, len(PING), 5))
    await client.send((frame(Opcode.PING, b"p") + frame(Opcode.PONG, b"q")).join(parts))
    found = [await client.frame() for _ in parts]
    pongs = [one for one in found if one == Frame(Opcode.PONG, b"p")]
    assert len(pongs) == len(parts) - 1
    (answer,) = (one for one in found if one.opcode == Opcode.TEXT)
    assert answer.message()["type"] == "HeartBeat"


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
async def test_a_control_frame_between_fragments_must_not_be_one_itself(
    client: RawClient, opcode: Opcode
) -> None:
    begun = frame(Opcode.TEXT, PING[:9], fin=False)
    await assert_fails_with_1002(client, begun + frame(opcode, b"", fin=False))


async def test_a_binary_message_in_fragments_is_one_binary_message(client: RawClient) -> None:
    for data in (b"\xff\xfe\xfd", PING):
        await client.send(b"".join(fragments(Opcode.BINARY, data, 1, 2)))
        error = (await client.frame()).message()
        assert error["code"] == 400
        assert "binary" in error["message"]
    await client.send(b"".join(fragments(Opcode.TEXT, PING, 1, 2)))
    await assert_heart_beat(client)


async def test_fragments_of_one_connection_do_not_reach_another(
    server: ServerProcess, client: RawClient
) -> None:
    async with raw.open_client(server.port) as other:
        first, last = fragments(Opcode.TEXT, PING, 9)
        await client.send(first)
        await other.send(first)
        await client.send(last)
        await assert_heart_beat(client)
        await other.send(last)
        await assert_heart_beat(other)


async def test_empty_fragments_may_be_many(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, b"", fin=False))
    await client.send(frame(Opcode.CONTINUATION, b"", fin=False) * 5000)
    await client.send(frame(Opcode.PING))
    assert await client.frame() == Frame(Opcode.PONG, b"")
    await client.send(frame(Opcode.CONTINUATION, PING))
    await assert_heart_beat(client)


async def test_a_message_in_fragments_is_refused_when_it_gets_too_large(client: RawClient) -> None:
    """At the first fragment that is too much, not at the last; pings between count for nothing."""
    part = frame(Opcode.CONTINUATION, b" " * 1024, fin=False)
    await client.send(frame(Opcode.TEXT, b" " * 1024, fin=False))
    for _ in range(MAX_MESSAGE_BYTES // 1024 - 1):
        await client.send(frame(Opcode.PING) + part)
        assert await client.frame() == Frame(Opcode.PONG, b"")
    await client.send(frame(Opcode.CONTINUATION, b" ", fin=False))
    assert (await client.frame()).message()["code"] == 413
    assert (await client.closed())[0] == 1009


# UTF-8 (section 8.1)


async def test_a_character_may_be_spread_over_more_fragments_than_two(client: RawClient) -> None:
    text = '{"type":"Unsubscribe","stream_id":"📈"}'.encode()
    begin = text.index("📈".encode())
    await client.send(b"".join(fragments(Opcode.TEXT, text, *range(begin, begin + 5))))
    error = (await client.frame()).message()
    assert (error["code"], error["stream_id"]) == (404, "📈")


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_what_is_no_utf8_in_any_fragment_closes_with_1007(
    client: RawClient, place: int
) -> None:
    parts = [b'{"type":', b'"Ping","timestamp":', b'"x"}']
    parts[place] = parts[place][:3] + b"\xc3\x28" + parts[place][3:]
    cuts = (len(parts[0]), len(parts[0] + parts[1]))
    await client.send(b"".join(fragments(Opcode.TEXT, b"".join(parts), *cuts)))
    assert (await client.closed())[0] == 1007


@pytest.mark.parametrize("text", ["\ufeff", "\uffff", "\U0010ffff", "\x00", "é" * 5000])
async def test_whatever_is_utf8_is_read(client: RawClient, text: str) -> None:
    await client.send(frame(Opcode.TEXT, text.encode()))
    error = (await client.frame()).message()
    assert (error["type"], error["code"]) == ("Error", 400)
    await client.send(frame(Opcode.TEXT, PING))
    await assert_heart_beat(client)


# Closing (section 5.5.1)


@pytest.mark.parametrize("reason", [b"", b"x" * 123, "é".encode() * 61])
async def test_a_reason_may_fill_a_control_frame(client: RawClient, reason: bytes) -> None:
    await client.send(raw.close(1001, reason))
    assert await client.closed() == (1001, reason.decode())


async def test_a_reason_that_ends_within_a_character_closes_with_1007(client: RawClient) -> None:
    await client.send(raw.close(1000, ("é" * 62).encode()[:123]))
    assert (await client.closed())[0] == 1007


async def test_one_close_is_answered_by_one(client: RawClient) -> None:
    await client.send(raw.close(1000) + raw.close(1001) + frame(Opcode.TEXT, b"\xff"))
    assert await client.closed() == (1000, "")


async def test_requests_before_a_close_are_answered_before_it(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, PING) * 3 + frame(Opcode.PING, b"p") + raw.close(4000))
    found = [await client.frame() for _ in range(4)]
    assert [one.message()["type"] for one in found if one.opcode == Opcode.TEXT] == [
        "HeartBeat"
    ] * 3
    assert Frame(Opcode.PONG, b"p") in found
    assert await client.closed() == (4000, "")


async def test_a_close_byte_by_byte_is_a_close(client: RawClient) -> None:
    for byte in raw.close(1000, b"slowly"):
        await client.send(bytes([byte]))
    assert await client.closed() == (1000, "slowly")


@pytest.mark.parametrize("length", [1, 4, 8])
async def test_a_frame_that_does_not_end_is_dropped_with_its_connection(
    server: ServerProcess, length: int
) -> None:
    async with raw.open_client(server.port) as client:
        await client.send(frame(Opcode.TEXT, PING)[:length])
        client.half_close()
        await client.until_end()
    await server.until_metric("sessions", 0)
