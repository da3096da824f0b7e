"""Frames are read back as a WebSocket client reads them."""

from __future__ import annotations

import pytest
from websockets.extensions.base import Extension
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from market_depth.protocol.frames import text_frame, text_header

LENGTHS = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 1_000_000]


def parse(data: bytes) -> tuple[Frame, bytes]:
    """Return the first frame in *data* and what is behind it."""
    reader = StreamReader()
    reader.feed_data(data)
    extensions: list[Extension] = []
    steps = Frame.parse(reader.read_exact, mask=False, extensions=extensions)
    with pytest.raises(StopIteration) as done:
        next(steps)
    frame = done.value.value
    assert isinstance(frame, Frame)
    return frame, bytes(reader.buffer)


@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_is_whole_final_text_of_its_payload(length: int) -> None:
    payload = b"x" * length
    frame, rest = parse(text_frame(payload) + b"next")
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, payload)
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)
    assert rest == b"next"


@pytest.mark.parametrize("length", LENGTHS)
def test_a_header_is_the_shortest_that_can_tell_the_length(length: int) -> None:
    header = text_header(length)
    assert len(header) == (2 if length <= 125 else 4 if length <= 65_535 else 10)
    assert text_frame(b"x" * length)[: len(header)] == header


def test_a_length_over_32_bits_can_be_told() -> None:
    assert text_header(2**40) == b"\x81\x7f" + (2**40).to_bytes(8, "big")
