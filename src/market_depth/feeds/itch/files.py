"""ITCH in files: each message with its length, 2 bytes big-endian, in front.

A length of 0 is the end of a session. Files by RITCH have zeros in place of all lengths; their
messages' types tell how long they are.

Sources: https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/binaryfile.pdf,
https://github.com/DavZim/RITCH
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.files import head_of, read_blocks
from market_depth.feeds.itch.days import day_in_name, midnight_ns
from market_depth.feeds.itch.decoder import ItchDecoder, segment_of
from market_depth.feeds.itch.directory import Batch, Directory, Stocks
from market_depth.feeds.itch.frames import count_messages
from market_depth.feeds.itch.layouts import (
    FRAME_BYTES,
    HEAD_BYTES,
    LENGTHS,
    tells_lengths,
    whole_messages,
)

__all__ = ["FramedFiles", "damage_at", "is_framed", "message_counts_of_file", "venue_of"]

_FEW_MESSAGES: Final = 3
_VENUE: Final = re.compile(r"(NASDAQ|BX|PSX)_ITCH")
_EVENT_CODE: Final = FRAME_BYTES + HEAD_BYTES
"""Where a system event tells what it is."""


class _File(NamedTuple):
    """A part of a day."""

    midnight_ns: int
    first_ns: int
    """Time of the first message, since midnight."""
    path: Path
    tells_lengths: bool
    is_start: bool
    """Whether it begins with the start of the day."""


class FramedFiles:
    """Files of messages. Those of one day are played one after the other, as parts of one session;
    days likewise.

    Args:
        paths: the files, in any order.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if one can't be read or has no messages, two are of two feeds, a symbol is not
            there, or this machine knows no time zones.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        files = sorted(_file(path) for path in paths)
        _check_starts(files)
        self._days = [list(day) for _, day in groupby(files, lambda file: file.midnight_ns)]
        self._stocks = [Stocks(_batches(day), options.symbols) for day in self._days]
        self.directory = Directory(self._stocks, str(paths[0]), options.known, options.symbols)

    def events(self) -> Iterator[Events]:
        """Yield the events.

        Raises:
            FeedError: where a file is damaged or cut off; all before has been yielded.
        """
        directory = self.directory
        decoder = ItchDecoder(directory.targets(self._stocks[0]), directory.target_of)
        for day, stocks in zip(self._days, self._stocks, strict=True):
            decoder.set_targets(directory.targets(stocks))
            decoder.begin_session(day[0].midnight_ns)
            for file in day:
                yield from _play(file, decoder)


def _play(file: _File, decoder: ItchDecoder) -> Iterator[Events]:
    rest = b""
    offset = 0
    for block in read_blocks(file.path):
        data = rest + block
        yield from decoder.events(data, segment_of(len(data)), tells_lengths=file.tells_lengths)
        rest = data[decoder.done :]
        offset += decoder.done
        if decoder.is_damaged:
            raise damage_at(file.path, rest, offset)
    if rest:
        raise _cut_off(file.path, offset, rest)


def is_framed(head: bytes) -> bool:
    """Whether a file that begins with *head* is one of messages with lengths in front."""
    count, is_damaged = whole_messages(head, _FEW_MESSAGES)
    return count == _FEW_MESSAGES or (count > 0 and not is_damaged)


def venue_of(path: Path) -> str:
    """Return which of Nasdaq's venues a file is of by its name, as in "20190830.BX_ITCH_50.gz";
    empty if it does not tell."""
    found = _VENUE.search(path.name)
    return found[1] if found else ""


def damage_at(path: Path, data: bytes, offset: int) -> FeedError:
    """Return what is wrong with a message.

    Args:
        path: of the file.
        data: begins with its length.
        offset: of *data* in the unpacked file.
    """
    told = int.from_bytes(data[:FRAME_BYTES], "big")
    kind = data[FRAME_BYTES] if len(data) > FRAME_BYTES else 0
    expected = int(LENGTHS[kind])
    name = repr(chr(kind)) if 32 < kind < 127 else f"0x{kind:02x}"
    if not expected:
        text = f"no message has type {name}"
    elif told not in (0, expected):
        text = f"a message of type {name} has {told} bytes, not {expected}"
    else:
        text = f"a message of type {name} can't be right"
    return FeedError(f"{path} is damaged at byte {offset}: {text}")


def message_counts_of_file(path: Path) -> dict[str, int]:
    """Return how many messages a file has of each type.

    Raises:
        FeedError: if it can't be read, is damaged or cut off.
    """
    has_lengths = tells_lengths(head_of(path))
    counts = np.zeros(257, np.int64)
    rest = b""
    offset = 0
    for block in read_blocks(path):
        data = rest + block
        done = count_messages(np.frombuffer(data, np.uint8), has_lengths, counts)
        rest = data[done:]
        offset += done
        if counts[256]:
            raise damage_at(path, rest, offset)
    if rest:
        raise _cut_off(path, offset, rest)
    return {chr(kind): int(counts[kind]) for kind in np.flatnonzero(counts).tolist()}


def _file(path: Path) -> _File:
    head = head_of(path)
    if not whole_messages(head, 1)[0]:
        raise FeedError(f"{path} does not begin with a message of ITCH 5.0")
    first = head[FRAME_BYTES + HEAD_BYTES - 6 : FRAME_BYTES + HEAD_BYTES]
    midnight = midnight_ns(day_in_name(path.name), path)
    is_start = head[FRAME_BYTES:].startswith(b"S") and head[_EVENT_CODE : _EVENT_CODE + 1] == b"O"
    return _File(midnight, int.from_bytes(first, "big"), path, tells_lengths(head), is_start)


def _check_starts(files: Sequence[_File]) -> None:
    """Raise FeedError if a day starts twice."""
    starts: dict[int, Path] = {}
    for file in files:
        if not (file.is_start and file.midnight_ns):
            continue
        other = starts.setdefault(file.midnight_ns, file.path)
        if other is not file.path:
            raise FeedError(
                f"{other} and {file.path} both begin with the start of one day: they are of two "
                "feeds, which can't be played as one"
            )


def _cut_off(path: Path, offset: int, rest: bytes) -> FeedError:
    return FeedError(f"{path} is cut off at byte {offset + len(rest)}, within a message")


def _batches(files: Sequence[_File]) -> Iterator[Batch]:
    for file in files:
        for block in read_blocks(file.path):
            yield block, file.tells_lengths
