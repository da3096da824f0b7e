"""Recordings of exchanges' messages as they came: WebSocket and REST, in the forms in use."""

from market_depth.feeds.captures.messages import CapturedMessage, CaptureKind
from market_depth.feeds.captures.reading import (
    addresses_in,
    is_capture,
    messages_in,
    read_capture,
    read_captures,
)

__all__ = [
    "CaptureKind",
    "CapturedMessage",
    "addresses_in",
    "is_capture",
    "messages_in",
    "read_capture",
    "read_captures",
]
