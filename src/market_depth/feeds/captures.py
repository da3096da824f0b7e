"""Recordings of exchanges' messages as they came: WebSocket and REST, in the forms in use."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["CaptureKind", "CapturedMessage"]


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
    """Of its first byte in the unpacked file."""
