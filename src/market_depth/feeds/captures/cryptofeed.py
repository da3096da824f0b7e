"""Captures by cryptofeed: its text, and its objects of JSON.

    wss://ws.kraken.com <-> 1618678132.3858151                       the connection is made
    wss://ws.kraken.com <- 1618678132.8253062: {"event":"subscribe"  a request
    1618678132.8258188: {"event":"systemStatus",…                    received from the last address
    https://api.kraken.com/0/public/Depth -> 1618678132.358447: {…   a REST response
    configuration: {…                                                of cryptofeed itself

    {"t":"connect","conn":"BYBIT.ws.2","ts":1786310818.22,"addr":"wss://stream.bybit.com/v5/…"}
    {"t":"recv","conn":"BYBIT.ws.2","ts":1786310819.43,"data":"{\\"topic\\":…"}

Source: https://github.com/bmoscon/cryptofeed/blob/master/cryptofeed/util/async_file.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from market_depth.errors import FeedError
from market_depth.feeds.captures.messages import CapturedMessage, CaptureKind, seconds_ns
from market_depth.feeds.files import Line

__all__ = ["OBJECTS", "TEXT", "read_objects", "read_text"]

TEXT: Final = re.compile(rb"\S+ (<->|<-|->) \d+\.?\d*(: |\s|$)|\d+\.\d+: |configuration: ")
"""How a file of text begins."""
OBJECTS: Final = re.compile(rb'\{\s*"t"\s*:\s*"(header|http|connect|send|recv)"')
"""How a file of objects begins."""

_CONNECTED: Final = b"<->"
_MARKS: Final = {b"<-": CaptureKind.SENT, b"->": CaptureKind.FETCHED}
_CONFIGURATION: Final = b"configuration"
_KINDS: Final = {
    "connect": CaptureKind.OPENED,
    "send": CaptureKind.SENT,
    "recv": CaptureKind.RECEIVED,
    "http": CaptureKind.FETCHED,
}


class _Entry(msgspec.Struct):
    t: str
    conn: str = ""
    ts: msgspec.Raw = msgspec.Raw()
    addr: str = ""
    url: str = ""
    data: str = ""


_ENTRY: Final = msgspec.json.Decoder(_Entry)


def read_text(path: Path, lines: Iterable[Line]) -> Iterator[CapturedMessage]:
    """Yield the messages of a file of text.

    Raises:
        FeedError: at a line that is none of the forms.
    """
    address = ""
    received = CaptureKind.RECEIVED
    for line in lines:
        text, offset = line
        head, mark, body = text.partition(b": ")
        time_ns = seconds_ns(head)
        if time_ns is not None and mark:
            yield CapturedMessage(time_ns, received, address, body, offset, path)
            continue
        words = (head if mark else text).rsplit(b" ", 2)
        time_ns = seconds_ns(words[2].rstrip()) if len(words) == 3 else None
        if time_ns is not None and words[1] == _CONNECTED and not mark:
            address = words[0].decode(errors="replace")
            yield CapturedMessage(time_ns, CaptureKind.OPENED, address, b"", offset, path)
        elif time_ns is not None and mark and words[1] in _MARKS:
            name = words[0].decode(errors="replace")
            yield CapturedMessage(time_ns, _MARKS[words[1]], name, body, offset, path)
        elif head != _CONFIGURATION:
            raise FeedError(f"{path}: no line of a capture by cryptofeed at byte {offset}")


def read_objects(path: Path, lines: Iterable[Line]) -> Iterator[CapturedMessage]:
    """Yield the messages of a file of objects.

    Raises:
        FeedError: at a line that is no such object.
    """
    addresses: dict[str, str] = {}
    for line in lines:
        try:
            entry = _ENTRY.decode(line.text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _bad_object(path, line) from None
        kind = _KINDS.get(entry.t)
        if kind is None:
            continue
        time_ns = seconds_ns(bytes(entry.ts))
        if time_ns is None:
            raise _bad_object(path, line)
        if kind is CaptureKind.OPENED:
            addresses[entry.conn] = entry.addr
        name = entry.url or entry.addr or addresses.get(entry.conn, entry.conn)
        text = entry.data.encode(errors="replace")
        yield CapturedMessage(time_ns, kind, name, text, line.offset, path)


def _bad_object(path: Path, line: Line) -> FeedError:
    return FeedError(f"{path}: no object of a capture by cryptofeed at byte {line.offset}")
