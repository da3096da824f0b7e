"""Captures of any form, told by their first bytes, and several of them merged by time."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Final

import msgspec

from market_depth.errors import FeedError
from market_depth.feeds.captures.array import read_array
from market_depth.feeds.captures.cryptofeed import OBJECTS, TEXT, read_objects, read_text
from market_depth.feeds.captures.lines import (
    BARE,
    EVENTS_MS,
    MESSAGES_NS,
    read_bare,
    read_timed_ms,
    read_timed_ns,
)
from market_depth.feeds.captures.messages import CapturedMessage
from market_depth.feeds.files import HEAD_BYTES, Line, head_of, read_blocks, read_lines

__all__ = ["addresses_in", "is_capture", "messages_in", "read_capture", "read_captures"]

_ADDRESSES: Final = re.compile(
    rb'^(\S+) (?:<->|<-|->) \d|"(?:addr|url)"\s*:\s*"([^"\\]+)"', re.MULTILINE
)
_ARRAY: Final = re.compile(rb"\[\s*[\[{]")
_JSON: Final = msgspec.json.Decoder(msgspec.Raw)


class _Form(Enum):
    TEXT = 1
    OBJECTS = 2
    MESSAGES_NS = 3
    EVENTS_MS = 4
    ARRAY = 5
    BARE = 6


_LineReader = Callable[[Path, Iterable[Line]], Iterator[CapturedMessage]]

_READERS: Final[dict[_Form, _LineReader]] = {
    _Form.TEXT: read_text,
    _Form.OBJECTS: read_objects,
    _Form.MESSAGES_NS: read_timed_ns,
    _Form.EVENTS_MS: read_timed_ms,
    _Form.BARE: read_bare,
}
_BEGINNINGS: Final = (
    (_Form.TEXT, TEXT),
    (_Form.OBJECTS, OBJECTS),
    (_Form.MESSAGES_NS, MESSAGES_NS),
    (_Form.EVENTS_MS, EVENTS_MS),
)


def is_capture(head: bytes) -> bool:
    """Whether a file that begins with *head* has one of the forms."""
    return _form_of(head) is not None


def addresses_in(head: bytes) -> list[str]:
    """Return the addresses of connections and resources that a file's first bytes name."""
    if _form_of(head) not in (_Form.TEXT, _Form.OBJECTS):
        return []
    return [(a or b).decode(errors="replace") for a, b in _ADDRESSES.findall(head)]


def messages_in(path: Path, head: bytes) -> Iterator[CapturedMessage]:
    """Yield the messages in a file's first bytes; the last one may be cut."""
    form = _form_of(head)
    try:
        if form is _Form.ARRAY:
            yield from read_array(path, [head])
        elif form is not None:
            yield from _READERS[form](path, (Line(text, 0) for text in head.splitlines() if text))
    except FeedError:
        return


def read_capture(path: Path) -> Iterator[CapturedMessage]:
    """Yield what happened on the connections of a recording, as it stands in the file.

    Raises:
        FeedError: if the file can't be read, has none of the forms, or where a line is damaged;
            what stands before has been yielded.
    """
    form = _form_of(head_of(path))
    if form is None:
        raise FeedError(f"{path} is no recording of messages that is known")
    if form is _Form.ARRAY:
        return read_array(path, read_blocks(path))
    return _with_whole_end(path, _READERS[form](path, read_lines(path)))


def read_captures(paths: Sequence[Path]) -> Iterator[CapturedMessage]:
    """Yield what happened in several recordings, by time; at one time in the order of *paths*.

    A message without a time, or with an earlier one than that before it, comes right behind it.

    Raises:
        FeedError: as `read_capture` does.
    """
    if len(paths) == 1:
        return read_capture(paths[0])
    timed = heapq.merge(*map(_timed, paths), key=lambda pair: pair[0])
    return (message for _, message in timed)


def _timed(path: Path) -> Iterator[tuple[int, CapturedMessage]]:
    """Yield messages with times that never go back."""
    time_ns = 0
    for message in read_capture(path):
        time_ns = max(time_ns, message.ts_recv)
        yield time_ns, message


def _form_of(head: bytes) -> _Form | None:
    text = head.lstrip()
    for form, beginning in _BEGINNINGS:
        if beginning.match(text):
            return form
    if _ARRAY.match(text) and not _is_line_of_json(text):
        return _Form.ARRAY
    return _Form.BARE if BARE.match(text) else None


def _is_line_of_json(text: bytes) -> bool:
    """Whether the first line is a message of its own, and others follow."""
    line, end, rest = text.partition(b"\n")
    return bool(end) and (bool(rest.strip()) or len(text) >= HEAD_BYTES) and _is_json(line)


def _with_whole_end(path: Path, messages: Iterator[CapturedMessage]) -> Iterator[CapturedMessage]:
    """Yield messages up to the last, which is yielded if it is not cut off.

    Parsers pass over much that they have no use for, cut off or not.
    """
    last = next(messages, None)
    if last is None:
        return
    try:
        for message in messages:
            yield last
            last = message
    except FeedError:
        yield last
        raise
    text = last.text[last.text.find(b" ") + 1 :] if last.text[:1].isalpha() else last.text
    if text[:1] in (b"{", b"[") and not _is_json(text):
        raise FeedError(f"{path} is cut off: no whole message at byte {last.offset}")
    yield last


def _is_json(text: bytes) -> bool:
    try:
        _JSON.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
