"""Files told by what is in them, put together to recordings, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from market_depth.errors import FeedError
from market_depth.feeds import coinbase_rest, lobster, venue_source
from market_depth.feeds.base import Format, OpenOptions
from market_depth.feeds.captures import read_capture
from market_depth.feeds.dbn_conformance import decode_all
from market_depth.feeds.files import head_of
from market_depth.feeds.formats import format_named, format_of
from market_depth.feeds.lobster_files import day_of
from market_depth.feeds.venue_source import with_rest
from market_depth.verify.final_book import is_final_book, read_final_books

__all__ = [
    "BY_ORDER",
    "BY_PRICE",
    "File",
    "Recording",
    "Role",
    "begin_ns",
    "files_below",
    "is_venue",
    "look_at",
    "paths_of",
    "recordings_of",
]

BY_ORDER: Final = "snapshot by order"
BY_PRICE: Final = "snapshot by price"
"""Kinds of REST snapshots."""


class Role(Enum):
    """What a file is good for."""

    PLAYED = "played"
    DECODED = "decoded"
    """Databento's records without a book and without trades."""
    FINAL_BOOK = "final book"
    UNKNOWN = "unknown"


class File(NamedTuple):
    """A file, and what it is."""

    path: Path
    role: Role
    format: Format | None = None
    kind: str = ""
    """Its schema where the format has several, else the format's name."""
    reason: str = ""
    """Why there is nothing to play."""


class Recording(NamedTuple):
    """Files that are played together."""

    files: tuple[File, ...]
    """Those that were named, all of one format and kind."""
    paths: tuple[Path, ...]
    """All that is read: these, and what belongs to each."""

    @property
    def first(self) -> File:
        """The first file: what it is, all are."""
        return self.files[0]


def look_at(path: Path, format_name: str | None = None) -> File:
    """Return what a file is, told by what is in it.

    Args:
        path: the file.
        format_name: its format; `None` tells it by the file.

    Raises:
        FeedError: if there is no format of that name.
    """
    one: Format | None = format_named(format_name) if format_name is not None else None
    try:
        one = one or format_of(path)
    except FeedError as error:
        return _without_format(path, str(error))
    try:
        return File(path, Role.PLAYED, one, _kind_of(one, path))
    except FeedError as error:
        role = Role.PLAYED if _records_in(path) is None else Role.DECODED
        return File(path, role, one, one.name, str(error))


def _kind_of(one: Format, path: Path) -> str:
    if one in coinbase_rest.FORMATS:
        (instrument,) = one.open([path], OpenOptions()).instruments
        return BY_ORDER if instrument.has_orders else BY_PRICE
    return one.kind_of(path) or one.name


def _without_format(path: Path, reason: str) -> File:
    try:
        if is_final_book(head_of(path)):
            read_final_books(path)
            return File(path, Role.FINAL_BOOK)
    except FeedError as error:
        return File(path, Role.UNKNOWN, reason=str(error))
    if _records_in(path):
        return File(path, Role.DECODED, reason=f"{path} has records without metadata")
    return File(path, Role.UNKNOWN, reason=reason)


def _records_in(path: Path) -> int | None:
    """Return how many of Databento's records a file has, `None` if it is no file of them."""
    try:
        return sum(decode_all(path).values())
    except FeedError:
        return None


def files_below(folder: Path) -> list[Path]:
    """Return all files in a folder and the folders in it, hidden ones left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part[:1] == "." for part in path.relative_to(folder).parts)
    )


def recordings_of(files: Iterable[File]) -> list[Recording]:
    """Return the recordings that files are: one for each, or for those that need each other.

    A file that belongs to another one's recording, such as REST responses beside a capture, is none
    of its own.
    """
    found: dict[frozenset[Path], Recording] = {}
    for file in files:
        if file.role in (Role.PLAYED, Role.DECODED):
            paths = paths_of((file,))
            found.setdefault(frozenset(paths), Recording((file,), paths))
    return [
        recording
        for paths, recording in found.items()
        if not any(paths < others for others in found)
    ]


def paths_of(files: Sequence[File]) -> tuple[Path, ...]:
    """Return all files that are read when these are played together."""
    paths = [file.path for file in files]
    one = files[0].format
    if one is not None and one in venue_source.FORMATS:
        paths = with_rest(paths)
    elif one is not None and one in lobster.FORMATS:
        with suppress(FeedError):  # of which its checks tell
            paths = [path for day in map(day_of, paths) for path in (day.messages, day.book)]
    return tuple(dict.fromkeys(paths))


def is_venue(recording: Recording) -> bool:
    """Whether a recording is of a venue's messages."""
    one = recording.first.format
    return one is not None and one in venue_source.FORMATS


def begin_ns(recording: Recording) -> int:
    """Return when the first message of a capture came, 0 if that is not told.

    Raises:
        FeedError: if it can't be read.
    """
    return min(next(iter(read_capture(path))).ts_recv for path in recording.paths)
