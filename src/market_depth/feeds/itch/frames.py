"""Kernels that read messages byte by byte, and go from one to the next."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.feeds.itch.layouts import FRAME_BYTES, LENGTHS
from market_depth.jit import inlined_kernel, int64, kernel

__all__ = [
    "CUT_OFF",
    "DAMAGED",
    "SESSION_END",
    "count_messages",
    "long_at",
    "message_at",
    "short_at",
    "time_at",
    "walk_messages",
    "word_at",
]

SESSION_END: Final = 0
"""A length of 0: the end of a session."""
CUT_OFF: Final = -1
"""The message is not all there."""
DAMAGED: Final = -2
"""No message."""

_LENGTHS: Final = LENGTHS
_FRAME: Final = FRAME_BYTES
_CUT_OFF: Final = CUT_OFF
_DAMAGED: Final = DAMAGED


@inlined_kernel
def byte_at(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Return a byte, as a number that can be shifted."""
    return np.uint64(data[np.uint64(at)])


@inlined_kernel
def short_at(data: NDArray[np.uint8], at: int) -> int:
    """Return a big-endian number of 2 bytes."""
    return int64(byte_at(data, at) << np.uint64(8) | byte_at(data, at + 1))


@inlined_kernel
def word_at(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Return a big-endian number of 4 bytes."""
    return (
        byte_at(data, at) << np.uint64(24)
        | byte_at(data, at + 1) << np.uint64(16)
        | byte_at(data, at + 2) << np.uint64(8)
        | byte_at(data, at + 3)
    )


@inlined_kernel
def long_at(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Return a big-endian number of 8 bytes."""
    return word_at(data, at) << np.uint64(32) | word_at(data, at + 4)


@inlined_kernel
def time_at(data: NDArray[np.uint8], start: int) -> int:
    """Return the time of a message, ns since midnight."""
    return int64(
        word_at(data, start + 7)
        | byte_at(data, start + 6) << np.uint64(32)
        | byte_at(data, start + 5) << np.uint64(40)
    )


@inlined_kernel
def message_at(data: NDArray[np.uint8], at: int, end: int, tells_lengths: bool) -> int:
    """Return how long the message behind a length is; `SESSION_END`, `CUT_OFF` or `DAMAGED` where
    there is none.

    Args:
        data: messages, each with its length in front.
        at: place of the length.
        end: of *data*.
        tells_lengths: False where zeros stand in place of the lengths.
    """
    if at + _FRAME > end:
        return _CUT_OFF
    told = short_at(data, at)
    if told == 0 and tells_lengths:
        return 0
    if at + _FRAME >= end:
        return _CUT_OFF
    length = _LENGTHS[byte_at(data, at + _FRAME)]
    if length == 0 or told != (length if tells_lengths else 0):
        return _DAMAGED
    if at + _FRAME + length > end:
        return _CUT_OFF
    return int64(length)


@kernel
def walk_messages(data: NDArray[np.uint8], most: int, end: NDArray[np.int64]) -> int:
    """Return how many whole messages there are.

    Args:
        data: messages, each with its length in front.
        most: no more than so many.
        end: [0] becomes the place behind the last one, [1] whether what comes there is none.
    """
    at = 0
    found = 0
    end[1] = 0
    while found < most:
        length = message_at(data, at, len(data), True)
        if length <= 0:
            end[1] = 1 if length != _CUT_OFF else 0
            break
        at += _FRAME + length
        found += 1
    end[0] = at
    return found


@kernel
def count_messages(data: NDArray[np.uint8], tells_lengths: bool, counts: NDArray[np.int64]) -> int:
    """Count whole messages by their types; return the place behind the last one.

    Args:
        data: messages, each with its length in front.
        tells_lengths: False where zeros stand in place of the lengths.
        counts: shape (257,), by type; [256] becomes 1 if what comes behind is no message.
    """
    at = 0
    while True:
        length = message_at(data, at, len(data), tells_lengths)
        if length < 0:
            counts[256] = 1 if length == _DAMAGED else 0
            return at
        if length > 0:
            counts[byte_at(data, at + _FRAME)] += 1
        at += _FRAME + length
