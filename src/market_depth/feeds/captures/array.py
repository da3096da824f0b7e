"""Captures that are one JSON array of messages, read without holding it as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.captures.messages import CapturedMessage, CaptureKind
from market_depth.feeds.files import MAX_LINE_BYTES
from market_depth.jit import kernel

__all__ = ["read_array"]

_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_COMMA: Final = ord(",")
_OPENING: Final = (ord("["), ord("{"))
_CLOSING: Final = (ord("]"), ord("}"))
_SQUARE_OPEN: Final = ord("[")
_SQUARE_CLOSED: Final = ord("]")
_CURLY_OPEN: Final = ord("{")
_CURLY_CLOSED: Final = ord("}")
_ENDS: Final = 4096
_OUTSIDE: Final = 0
_TEXT: Final = 1
_ESCAPE: Final = 2
_DEPTH: Final = 0
_WHERE: Final = 1


@kernel
def find_ends(
    data: NDArray[np.uint8], start: int, state: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[int, int]:
    """Find where elements of an array end: at its commas, and where it is closed.

    Args:
        data: a part of a JSON text.
        start: where to go on.
        state: depth of brackets, and whether within a string; kept from part to part.
        ends: takes the places; where the array is closed, depth becomes 0 and this stops.

    Returns:
        How many ends were found, and the place behind what has been looked at.
    """
    found = 0
    depth = state[_DEPTH]
    where = state[_WHERE]
    at = start
    while at < len(data) and found < len(ends):
        byte = data[at]
        if where == _TEXT:
            if byte == _QUOTE:
                where = _OUTSIDE
            elif byte == _BACKSLASH:
                where = _ESCAPE
        elif where == _ESCAPE or byte == _QUOTE:
            where = _TEXT
        elif byte in (_SQUARE_OPEN, _CURLY_OPEN):
            depth += 1
        elif byte in (_SQUARE_CLOSED, _CURLY_CLOSED):
            depth -= 1
            if depth == 0:
                ends[found] = at
                found += 1
                at += 1
                break
        elif byte == _COMMA and depth == 1:
            ends[found] = at
            found += 1
        at += 1
    state[_DEPTH] = depth
    state[_WHERE] = where
    return found, at


def read_array(path: Path, blocks: Iterable[bytes]) -> Iterator[CapturedMessage]:
    """Yield the elements of an array as messages.

    Raises:
        FeedError: if the array is not closed, or something stands behind it.
    """
    state = np.zeros(2, np.int64)
    ends = np.empty(_ENDS, np.int64)
    waiting = bytearray()
    """Of the element at hand."""
    offset = 0
    """Of the first waiting byte."""
    length = 0
    is_first = True
    for block in blocks:
        length += len(block)
        data = np.frombuffer(block, np.uint8)
        start = at = 0
        while at < len(block):
            if not is_first and state[_DEPTH] == 0:
                if block[at:].strip():
                    raise FeedError(f"{path}: something stands behind the array at byte {offset}")
                break
            if is_first:
                start = at = block.find(b"[") + 1
                state[_DEPTH] = 1
                offset = start
                is_first = False
                continue
            found, at = find_ends(data, at, state, ends)
            for end in ends[:found].tolist():
                waiting += block[start:end]
                text = bytes(waiting).strip()
                if text or state[_DEPTH]:
                    yield CapturedMessage(0, CaptureKind.RECEIVED, "", text, offset, path)
                offset += len(waiting) + 1
                start = end + 1
                waiting.clear()
        if state[_DEPTH]:
            waiting += block[start:]
        if len(waiting) > MAX_LINE_BYTES:
            raise FeedError(
                f"{path}: an element of more than {MAX_LINE_BYTES} bytes at byte {offset}"
            )
    if is_first or state[_DEPTH]:
        raise FeedError(f"{path} is cut off at byte {length}, within an array")
