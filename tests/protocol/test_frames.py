"""Frames are read back as a WebSocket client reads them."""

from __future__ import annotations

import pytest
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from market_depth.protocol.deflate import deflated
from market_depth.protocol.frames import BINARY, TEXT, frame_header

LENGTHS = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 1_000_000]


def parse(data: bytes, extensions: list[Extension] | None = None) -> tuple[Frame, bytes]:
    """Return the first frame in *data* and what is behind it."""
    reader = StreamReader()
    reader.feed_data(data)
    steps = Frame.parse(reader.read_exact, mask=False, extensions=extensions or [])
    with pytest.raises(StopIteration) as done:
        next(steps)
    frame = done.value.value
    assert isinstance(frame, Frame)
    return frame, bytes(reader.buffer)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_is_whole_and_final_and_ends_where_its_payload_does(
    opcode: int, length: int
) -> None:
    payload = b"x" * length
    frame, rest = parse(frame_header(length, opcode) + payload + b"next")
    assert (frame.opcode, frame.fin, frame.data) == (opcode, True, payload)
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)
    assert rest == b"next"


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_header_is_the_shortest_that_can_tell_the_length(
    length: int, is_compressed: bool
) -> None:
    header = frame_header(length, TEXT, is_compressed)
    assert len(header) == (2 if length <= 125 else 4 if length <= 65_535 else 10)


def test_a_length_over_32_bits_can_be_told() -> None:
    assert frame_header(2**40) == b"\x81\x7f" + (2**40).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("opcode", "is_compressed", "first"),
    [(TEXT, False, 0x81), (BINARY, False, 0x82), (TEXT, True, 0xC1), (BINARY, True, 0xC2)],
)
def test_the_first_byte_tells_final_compressed_and_opcode(
    opcode: int, is_compressed: bool, first: int
) -> None:
    """RFC 6455, section 5.2; RFC 7692, section 6: RSV1 is the compressed bit."""
    assert {frame_header(length, opcode, is_compressed)[0] for length in LENGTHS} == {first}


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_compressed_frame_is_inflated_by_a_client(opcode: Opcode, length: int) -> None:
    payload = b"x" * length
    body = deflated(payload)
    client = PerMessageDeflate(True, True, 15, 15)
    frame, rest = parse(frame_header(len(body), opcode, is_compressed=True) + body, [client])
    assert (frame.opcode, frame.data, rest) == (opcode, payload, b"")
