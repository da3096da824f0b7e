"""RFC 6455 to the letter, over a bare socket: frames, fragments, UTF-8, closing."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from support import raw
from support.logs import serving_quietly
from support.process import ServerProcess
from support.raw import Opcode, RawClient, frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_MESSAGE_BYTES = 4096
PING = b'{"type":"Ping","timestamp":"2025-09-16T04:18:26.806069Z"}'
DEEP_BOOK = '[instruments.BTCUSD]\nprice = "67250.00"\ntick = "0.50"\norders = 2000\n'
"""As MBO its orders always take more than the 64 KiB of a medium frame, at 130 bytes each."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    instruments: Path = tmp_path_factory.mktemp("instruments") / "deep.toml"
    instruments.write_text(DEEP_BOOK)
    options = (
        f"--max-message-bytes={MAX_MESSAGE_BYTES}",
        "--interval-ms=20",
        f"--instruments={instruments}",
        "--ping-interval-s=0",  # nothing comes in between, however slow the machine is
    )
    async with serving_quietly(*options) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: ServerProcess) -> AsyncIterator[RawClient]:
    async with raw.open_client(server.port) as opened:
        yield opened


async def assert_answers(client: RawClient) -> None:
    """Check that the next thing that comes is the answer to a Ping."""
    await client.send(frame(Opcode.TEXT, PING))
    assert (await client.frame()).message()["type"] == "HeartBeat"


async def assert_fails_with(client: RawClient, code: int) -> None:
    """Check that the server closes with a code, and then the connection."""
    found, reason = await client.closed()
    assert found == code
    assert len(reason.splitlines()) <= 1


# Frames from the server


async def test_the_servers_frames_are_whole_unmasked_and_as_short_as_can_be(
    client: RawClient,
) -> None:
    for stream_id, data_type, levels in (("a", "MBP", 1), ("b", "MBP", 20), ("c", "MBO", 1000)):
        await client.send(raw.subscribe(stream_id, data_type=data_type, max_levels=levels))
    sizes: set[str] = set()
    while len(sizes) < 3:
        found = await client.frame()
        assert (found.opcode, found.fin, found.reserved) == (Opcode.TEXT, True, 0)
        length = len(found.payload)
        sizes.add("short" if length < 126 else "medium" if length < 0x10000 else "long")
        assert found.head_bytes == (2 if length < 126 else 4 if length < 0x10000 else 10)


# Fragments


@pytest.mark.parametrize("cuts", [(0,), (1,), (20, 20), (10, 11, 12), (0, len(PING))])
async def test_a_message_in_fragments_is_one_message(
    client: RawClient, cuts: tuple[int, ...]
) -> None:
    for place, (begin, end) in enumerate(pairwise([0, *cuts, len(PING)])):
        opcode = Opcode.CONTINUATION if place else Opcode.TEXT
        await client.send(frame(opcode, PING[begin:end], fin=place == len(cuts)))
    assert (await client.frame()).message()["type"] == "HeartBeat"
    await assert_answers(client)


async def test_a_message_may_come_byte_by_byte(client: RawClient) -> None:
    for byte in frame(Opcode.TEXT, PING):
        await client.send(bytes([byte]))
    assert (await client.frame()).message()["type"] == "HeartBeat"


async def test_many_messages_may_come_in_one_segment(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, PING) * 50)
    for _ in range(50):
        assert (await client.frame()).message()["type"] == "HeartBeat"


async def test_control_frames_between_fragments_are_answered_at_once(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, PING[:10], fin=False))
    await client.send(frame(Opcode.PING, b"one"))
    assert await client.frame() == raw.Frame(Opcode.PONG, b"one")
    await client.send(frame(Opcode.CONTINUATION, PING[10:20], fin=False))
    await client.send(frame(Opcode.PONG, b"unasked for"))
    await client.send(frame(Opcode.PING, b"two"))
    assert await client.frame() == raw.Frame(Opcode.PONG, b"two")
    await client.send(frame(Opcode.CONTINUATION, PING[20:]))
    assert (await client.frame()).message()["type"] == "HeartBeat"


async def test_a_close_between_fragments_fails_or_ends_the_connection(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, PING[:10], fin=False) + raw.close(1000))
    code, _ = await client.closed()
    assert code in (1000, 1002)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(Opcode.CONTINUATION, PING), id="continuation of nothing"),
        pytest.param(
            frame(Opcode.TEXT, PING) + frame(Opcode.CONTINUATION, b""),
            id="continuation of a whole message",
        ),
        pytest.param(
            frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.TEXT, PING),
            id="text within a text",
        ),
        pytest.param(
            frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.BINARY, PING),
            id="binary within a text",
        ),
        pytest.param(frame(Opcode.PING, b"", fin=False), id="ping in fragments"),
        pytest.param(frame(Opcode.CLOSE, b"", fin=False), id="close in fragments"),
        pytest.param(frame(Opcode.PING, b"x" * 126), id="ping of 126 bytes"),
        pytest.param(frame(Opcode.PONG, b"x" * 126), id="pong of 126 bytes"),
        pytest.param(raw.close(1000, b"x" * 124), id="close of 126 bytes"),
        pytest.param(frame(Opcode.TEXT, PING, masked=False), id="unmasked text"),
        pytest.param(frame(Opcode.PING, b"", masked=False), id="unmasked ping"),
    ],
)
async def test_what_a_client_must_not_send_closes_with_1002(client: RawClient, data: bytes) -> None:
    await client.send(data)
    await assert_fails_with(client, 1002)


@pytest.mark.parametrize("reserved", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.PING])
async def test_reserved_bits_close_with_1002(
    client: RawClient, reserved: int, opcode: Opcode
) -> None:
    await client.send(frame(opcode, PING, reserved=reserved))
    await assert_fails_with(client, 1002)


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_reserved_opcodes_close_with_1002(client: RawClient, opcode: int) -> None:
    await client.send(frame(opcode, PING))
    await assert_fails_with(client, 1002)


# Sizes


@pytest.mark.parametrize("extra", [1, 100_000])
async def test_an_oversized_message_closes_with_1009(client: RawClient, extra: int) -> None:
    await client.send(frame(Opcode.TEXT, b" " * (MAX_MESSAGE_BYTES + extra)))
    assert (await client.frame()).message()["code"] == 413
    await assert_fails_with(client, 1009)


@pytest.mark.parametrize("length", [MAX_MESSAGE_BYTES + 1, 2**31, 2**62])
async def test_an_oversized_message_is_refused_before_it_has_come(
    client: RawClient, length: int
) -> None:
    await client.send(frame(Opcode.TEXT, b"{", declared_length=length))
    assert (await client.frame()).message()["code"] == 413
    await assert_fails_with(client, 1009)


async def test_a_length_with_its_highest_bit_set_is_refused(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, b"{", declared_length=2**63))
    code, _ = await client.closed()
    assert code in (1002, 1009)


async def test_an_oversized_sum_of_fragments_closes_with_1009(client: RawClient) -> None:
    quarter = b" " * (MAX_MESSAGE_BYTES // 4)
    await client.send(frame(Opcode.TEXT, quarter, fin=False))
    for _ in range(3):
        await client.send(frame(Opcode.CONTINUATION, quarter, fin=False))
    await client.send(frame(Opcode.CONTINUATION, b" "))
    assert (await client.frame()).message()["code"] == 413
    await assert_fails_with(client, 1009)


async def test_fragments_up_to_the_limit_are_taken(client: RawClient) -> None:
    padding = b" " * (MAX_MESSAGE_BYTES - len(PING))
    await client.send(frame(Opcode.TEXT, padding, fin=False))
    await client.send(frame(Opcode.CONTINUATION, PING))
    assert (await client.frame()).message()["type"] == "HeartBeat"


# Pings


@pytest.mark.parametrize("length", [0, 1, 125])
async def test_a_ping_is_answered_with_the_same_payload(client: RawClient, length: int) -> None:
    payload = bytes(range(length))
    await client.send(frame(Opcode.PING, payload))
    assert await client.frame() == raw.Frame(Opcode.PONG, payload)


async def test_a_pong_that_nobody_asked_for_is_passed_over(client: RawClient) -> None:
    await client.send(frame(Opcode.PONG, b"here I am"))
    await assert_answers(client)


# UTF-8

INVALID_UTF8 = [
    pytest.param(b"\xff", id="no lead byte"),
    pytest.param(b"\x80", id="lone continuation byte"),
    pytest.param(b"\xc0\xaf", id="overlong"),
    pytest.param(b"\xed\xa0\x80", id="surrogate"),
    pytest.param(b"\xf4\x90\x80\x80", id="beyond Unicode"),
    pytest.param(b"\xe2\x82", id="cut off"),
]


@pytest.mark.parametrize("bad", INVALID_UTF8)
async def test_text_that_is_no_utf8_closes_with_1007(client: RawClient, bad: bytes) -> None:
    await client.send(frame(Opcode.TEXT, b'{"type":"' + bad))
    await assert_fails_with(client, 1007)


@pytest.mark.parametrize("bad", INVALID_UTF8)
async def test_text_that_is_no_utf8_over_fragments_closes_with_1007(
    client: RawClient, bad: bytes
) -> None:
    await client.send(frame(Opcode.TEXT, b"{" + bad[:1], fin=False))
    await client.send(frame(Opcode.CONTINUATION, bad[1:]))
    await assert_fails_with(client, 1007)


async def test_a_character_may_be_split_over_fragments(client: RawClient) -> None:
    text = '{"type":"Unsubscribe","stream_id":"€📈"}'.encode()
    for cut in range(text.index("€".encode()) + 1, len(text) - 2):
        await client.send(frame(Opcode.TEXT, text[:cut], fin=False))
        await client.send(frame(Opcode.CONTINUATION, text[cut:]))
        error = (await client.frame()).message()
        assert (error["code"], error["stream_id"]) == (404, "€📈")


async def test_a_binary_message_need_not_be_utf8(client: RawClient) -> None:
    await client.send(frame(Opcode.BINARY, b"\xff\xfe"))
    assert (await client.frame()).message()["code"] == 400
    await assert_answers(client)


# Closing


@pytest.mark.parametrize(
    "code",
    [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4408, 4999],
)
async def test_a_close_is_echoed_with_its_code(client: RawClient, code: int) -> None:
    await client.send(raw.close(code, "good bye €".encode()))
    assert await client.closed() == (code, "good bye €")


async def test_a_close_without_a_code_is_echoed_without_one(client: RawClient) -> None:
    await client.send(frame(Opcode.CLOSE))
    assert await client.closed() == (None, "")


@pytest.mark.parametrize(
    "code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
async def test_a_close_code_that_may_not_be_sent_closes_with_1002(
    client: RawClient, code: int
) -> None:
    await client.send(raw.close(code))
    await assert_fails_with(client, 1002)


async def test_half_a_close_code_closes_with_1002(client: RawClient) -> None:
    await client.send(frame(Opcode.CLOSE, b"\x03"))
    await assert_fails_with(client, 1002)


async def test_a_close_reason_that_is_no_utf8_closes_with_1007(client: RawClient) -> None:
    await client.send(raw.close(1000, b"\xff"))
    await assert_fails_with(client, 1007)


async def test_nothing_is_answered_behind_a_close(server: ServerProcess, client: RawClient) -> None:
    await client.send(raw.subscribe("s"))
    await client.message_of("MarketData")
    await client.send(raw.close(1000) + raw.subscribe("late") + frame(Opcode.PING, b"late"))
    while (found := await client.frame()).opcode != Opcode.CLOSE:
        assert found.message()["stream_id"] == "s"
    assert found.payload == struct.pack(">H", 1000)
    assert await client.until_end() == b""
    await server.until_metric("sessions", 0)


async def test_a_server_that_has_closed_passes_over_what_still_comes(client: RawClient) -> None:
    await client.send(frame(Opcode.TEXT, b"\xff"))
    assert (await client.frame()).opcode == Opcode.CLOSE
    await client.send(frame(Opcode.TEXT, PING) + raw.close(1000))
    assert await client.until_end() == b""
