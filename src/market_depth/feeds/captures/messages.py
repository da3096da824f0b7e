"""One thing that happened on a recorded connection."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["CaptureKind", "CapturedMessage", "seconds_ns"]

_NS_PER_S: Final = 10**9
_NS_DIGITS: Final = 9
_MAX_SECOND_DIGITS: Final = 10
"""Times up to 2286; a word of 64 bits has room for them in ns up to 2262."""
MAX_NS: Final = 2**63 - 1


class CaptureKind(Enum):
    """What happened on a recorded connection."""

    OPENED = "opened"
    """The connection was made; there is no text."""
    SENT = "sent"
    RECEIVED = "received"
    FETCHED = "fetched"
    """A REST response; its address is the URL."""


class CapturedMessage(NamedTuple):
    """One thing that happened on a recorded connection."""

    ts_recv: int
    """ns since 1970 UTC; 0 where the recording does not tell."""
    kind: CaptureKind
    address: str
    """Of the connection or the resource; empty where the recording does not tell."""
    text: bytes
    offset: int
    """Of its line's (or element's) first byte in the unpacked file."""
    path: Path
    """The file."""


def seconds_ns(text: bytes) -> int | None:
    """Return seconds since 1970 with a decimal fraction as ns, exactly; `None` if they are no
    such time. What is finer than a nanosecond is cut off."""
    seconds, _, fraction = text.partition(b".")
    if not seconds.isdigit() or len(seconds) > _MAX_SECOND_DIGITS:
        return None
    time_ns = int(seconds) * _NS_PER_S
    if fraction:
        if not fraction.isdigit():
            return None
        time_ns += int(fraction[:_NS_DIGITS].ljust(_NS_DIGITS, b"0"))
    return time_ns if time_ns <= MAX_NS else None
