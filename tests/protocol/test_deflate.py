"""Compressed messages are read back as a client inflates them, each on its own."""

from __future__ import annotations

import random
import zlib
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.protocol.deflate import deflated, stored_block
from support.hypothesis_settings import relaxed

SYNC_TAIL = b"\x00\x00\xff\xff"
MAX_STORED_BYTES = 65_535
PREFIX = b'{"type":"MarketData","stream_id":"%s"'
LEVEL = b'{"price":102.4%d,"quantity":5000,"order_count":3,"side":"Bid"},'
TAIL = b',"data":{"format":"MBP","bids":[' + b"".join(LEVEL % digit for digit in range(10)) + b"]}}"


def inflated(payload: bytes) -> bytes:
    """Return a compressed message as RFC 7692, section 7.2.2, has it: with an empty window."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    message = inflater.decompress(payload + SYNC_TAIL)
    assert not inflater.eof, "a final block would end more than this message"
    assert not inflater.unconsumed_tail
    assert inflater.flush() == b"", "the message ends at the end of a block"
    return message


@relaxed
@given(prefix=st.binary(max_size=300), tail=st.binary(max_size=3000))
def test_a_stored_prefix_and_a_deflated_tail_are_one_message(prefix: bytes, tail: bytes) -> None:
    assert inflated(stored_block(prefix) + deflated(tail)) == prefix + tail


@pytest.mark.parametrize(
    "length",
    [0, 1, 128, 65_534, MAX_STORED_BYTES, MAX_STORED_BYTES + 1, 70_000, 3 * MAX_STORED_BYTES],
)
def test_a_prefix_may_have_any_length(length: int) -> None:
    prefix = random.Random(length).randbytes(length)
    stored = stored_block(prefix)
    blocks = max(1, -(-length // MAX_STORED_BYTES))
    assert len(stored) == length + 5 * blocks, "five bytes a block (RFC 1951, section 3.2.4)"
    assert inflated(stored + deflated(TAIL)) == prefix + TAIL
    assert inflated(stored + deflated(b"")) == prefix


@pytest.mark.parametrize("length", [0, 1, 10, 500, 32_768, 70_000, 1_000_000])
def test_a_tail_may_have_any_length(length: int) -> None:
    for tail in (random.Random(length).randbytes(length), b"7" * length):
        assert inflated(stored_block(PREFIX) + deflated(tail)) == PREFIX + tail
        assert inflated(deflated(tail)) == tail


def test_one_deflated_tail_goes_with_every_prefix() -> None:
    tail = deflated(TAIL)
    for stream_id in (b"", b"a", b"102.45" * 50, "€📈".encode(), TAIL):
        prefix = PREFIX % stream_id
        assert inflated(stored_block(prefix) + tail) == prefix + TAIL


def test_messages_do_not_build_on_each_other() -> None:
    """A client may drop its window after each message, or keep it."""
    messages = [(PREFIX % b"%d" % number, TAIL * number) for number in range(1, 6)]
    payloads = [stored_block(prefix) + deflated(tail) for prefix, tail in messages]
    keeping = zlib.decompressobj(-zlib.MAX_WBITS)
    for (prefix, tail), payload in zip(messages, payloads, strict=True):
        assert inflated(payload) == prefix + tail
        assert keeping.decompress(payload + SYNC_TAIL) == prefix + tail


def test_the_sync_flush_at_the_end_is_left_out() -> None:
    """RFC 7692, section 7.2.1: a client puts it back."""
    for tail in (b"", TAIL):
        packed = deflated(tail)
        assert packed
        assert not packed.endswith(SYNC_TAIL)


def test_a_tail_of_levels_gets_much_smaller() -> None:
    assert len(stored_block(PREFIX) + deflated(TAIL)) < (len(PREFIX) + len(TAIL)) / 3


@relaxed
@given(parts=st.lists(st.tuples(st.binary(max_size=80), st.binary(max_size=200)), max_size=4))
def test_blocks_may_be_joined_further(parts: list[tuple[bytes, bytes]]) -> None:
    """With the flush put back, what is deflated ends at a byte boundary, and more may follow."""
    blocks = b"".join(stored_block(head) + deflated(tail) + SYNC_TAIL for head, tail in parts)
    assert inflated(blocks + deflated(b"")) == b"".join(head + tail for head, tail in parts)


def test_stored_blocks_are_told_by_their_heads() -> None:
    """RFC 1951, section 3.2.4: not final, of type 00, length, its complement, the bytes."""
    for length, fill in product((0, 5, 256), (b"\x00", b"\xff")):
        head = b"\x00" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little")
        assert stored_block(fill * length) == head + fill * length
