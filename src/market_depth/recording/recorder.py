"""The recorder: events in, files out, cut by size or by time."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_depth.book import BookPolicy, Books
from market_depth.errors import BookError, FeedError
from market_depth.events import Events, Flag
from market_depth.feeds.event_table import Part
from market_depth.instruments import Instrument
from market_depth.recording.base import EventWriter, OpenWriter
from market_depth.recording.dbn_writer import DbnWriter
from market_depth.recording.heads import head_of
from market_depth.recording.parquet import ParquetWriter, close_left_behind

__all__ = ["Cut", "Recorder"]

_WRITERS: Final[dict[str, OpenWriter]] = {".dbn.zst": DbnWriter, ".parquet": ParquetWriter}
_MAX_WAITING_EVENTS: Final = 65_536
_PART_DIGITS: Final = 5
_NS_PER_S: Final = 1_000_000_000


class Cut(NamedTuple):
    """When to go on in a new file."""

    size_bytes: int = 0
    """About how large a file becomes; 0: however large."""
    time_s: float = 0.0
    """How much of the market's time a file has; 0: however much."""

    def __bool__(self) -> bool:
        return bool(self.size_bytes or self.time_s)


_UNCUT: Final = Cut()


class Recorder:
    """Writes what a feed hands over to a file, or to one after another.

    A file that is not the first begins with the books as they stand (`head_of`), so that it can be
    played by itself. Behind its head the books are those of the recording, change by change; their
    sequences are further on by a constant (see `Part.changes_before`).

    Args:
        instruments: what the events will be about.
        out: the file, `.parquet` or `.dbn.zst`; with *cut* its name gets the number of the part.
        cut: when to go on in a new file.

    Raises:
        FeedError: if the name has another end, the file exists already or can't be written, or its
            format can't tell such instruments.
    """

    def __init__(self, instruments: Sequence[Instrument], out: Path, cut: Cut = _UNCUT) -> None:
        self._instruments = instruments
        self._cut = cut
        self._suffix = _suffix_of(out)
        self._stem = out.with_name(out.name.removesuffix(self._suffix))
        self._books = Books([one.instrument_id for one in instruments], BookPolicy())
        self._waiting: list[Events] = []
        self._waiting_events = 0
        self._last_ns = -(2**63)
        self._begin_ns: int | None = None
        """Market time of the first change in the file at hand."""
        self._is_full = False
        self._recording = secrets.token_hex(8)
        self.left_behind = self._close_left_behind(out)
        """Files that a killed recorder had not closed, and that are closed now."""
        self._number = self._first_number()
        self._part_number = 1
        self.paths: list[Path] = []
        """The files, in their order."""
        self.events = 0
        """Events recorded, those of heads not among them."""
        self._writer: EventWriter | None = self._open(Part(self._recording))

    def take(self, events: Events) -> None:
        """Take whole changes; they are written with the next `flush`.

        Raises:
            FeedError: as `flush` does.
        """
        self._waiting.append(events)
        self._waiting_events += len(events)
        if self._waiting_events >= _MAX_WAITING_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken: from then on it survives the end of the process.

        Raises:
            FeedError: if it can't be told in the file's format, names an instrument that was not
                announced, or can't be written.
        """
        if not self._waiting_events:
            return
        events = in_time_order(self._waiting, self._last_ns)
        self._waiting, self._waiting_events = [], 0
        self._last_ns = int(events["ts_recv"][-1])
        while len(events):
            if self._is_full:
                self._next_part(int(events["ts_recv"][0]))
            count = self._until_cut(events)
            if count:
                self._write(events[:count])
            self._is_full |= count < len(events)
            events = events[count:]

    def close(self) -> None:
        """Write what has been taken, and finish the file.

        Raises:
            FeedError: as `flush` does; the file is finished all the same.
        """
        try:
            self.flush()
        finally:
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.close()

    def _write(self, events: Events) -> None:
        """Write whole changes that belong into one file."""
        if self._writer is None:
            raise FeedError("the recorder is closed")
        if self._begin_ns is None:
            self._begin_ns = int(events["ts_recv"][0])
        self._writer.write(events)
        self.events += len(events)
        try:
            self._books.apply(events)
        except BookError as error:
            raise FeedError(str(error)) from None
        size_bytes = self._cut.size_bytes
        self._is_full = bool(size_bytes) and self._writer.written_bytes >= size_bytes

    def _until_cut(self, events: Events) -> int:
        """Return how many of *events* belong into the file at hand; whole changes, and one at least
        if it has none yet."""
        if not self._cut.time_s:
            return len(events)
        ends = _change_ends(events)
        is_empty = self._begin_ns is None
        begin_ns = int(events["ts_recv"][0]) if self._begin_ns is None else self._begin_ns
        until_ns = begin_ns + int(self._cut.time_s * _NS_PER_S)
        within = max(int(np.searchsorted(events["ts_recv"][ends - 1], until_ns)), int(is_empty))
        return int(ends[within - 1]) if within else 0

    def _next_part(self, ts_recv: int) -> None:
        """Close the file at hand, and begin one with the books as they stand."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        head = head_of(self._books, self._instruments, ts_recv)
        changes = {one.symbol: self._books[one.instrument_id].sequence for one in self._instruments}
        self._number += 1
        self._part_number += 1
        part = Part(self._recording, self._part_number, len(head), changes)
        self._writer = self._open(part)
        self._begin_ns = None
        self._is_full = False
        if len(head):
            self._writer.write(head)

    def _open(self, part: Part) -> EventWriter:
        path = self._path_of(self._number)
        writer = _WRITERS[self._suffix](path, self._instruments, part)
        self.paths.append(path)
        return writer

    def _path_of(self, number: int) -> Path:
        name = f"{self._stem.name}-{number:0{_PART_DIGITS}d}" if self._cut else self._stem.name
        return self._stem.with_name(name + self._suffix)

    def _numbers(self) -> dict[int, Path]:
        """Return the parts that are there already, by their numbers."""
        name = re.compile(
            rf"{re.escape(self._stem.name)}-(\d{{{_PART_DIGITS},9}}){re.escape(self._suffix)}"
        )
        found = {}
        folder = self._stem.parent
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            match = name.fullmatch(path.name)
            if match:
                found[int(match[1])] = path
        return found

    def _first_number(self) -> int:
        return max(self._numbers(), default=0) + 1

    def _close_left_behind(self, out: Path) -> list[Path]:
        if self._suffix != ".parquet":
            return []
        closed = close_left_behind([*self._numbers().values()] if self._cut else [out])
        if closed and not self._cut:
            raise FeedError(f"{out} has been left unfinished by a recorder, and is finished now")
        return closed


def in_time_order(batches: Sequence[Events], last_ns: int) -> Events:
    """Return whole changes in order of their receipt.

    Feeds of several sources hand over one source after the other. Changes of one batch keep their
    order; a change that comes later than one that has been written is dated to that one's time.

    Args:
        batches: of whole changes.
        last_ns: when the last event written was received, ns since 1970 UTC.
    """
    events = np.concatenate(batches)
    times = events["ts_recv"]
    if len(events) and (times[0] < last_ns or (times[1:] < times[:-1]).any()):
        ends_of = [_change_ends(batch) for batch in batches]
        offsets = np.cumsum([0, *map(len, batches)])
        ends = np.concatenate([own + at for own, at in zip(ends_of, offsets, strict=False)])
        starts = np.concatenate([[0], ends[:-1]])
        keys = np.concatenate(
            [
                np.maximum.accumulate(batch["ts_recv"])[own - 1]
                for batch, own in zip(batches, ends_of, strict=True)
            ]
        )
        order = np.argsort(keys, kind="stable")
        lengths = (ends - starts)[order]
        firsts = np.cumsum(lengths) - lengths
        places = np.repeat(starts[order] - firsts, lengths) + np.arange(len(events))
        events = events[places]
        events["ts_recv"] = np.maximum(np.maximum.accumulate(events["ts_recv"]), last_ns)
    return events


def _change_ends(events: Events) -> NDArray[np.int64]:
    """Return the places behind each whole change; the last event ends one anyway."""
    ends = np.flatnonzero(events["flags"] & np.uint8(Flag.LAST)) + 1
    if len(events) and (not len(ends) or ends[-1] != len(events)):
        ends = np.append(ends, len(events))
    return ends


def _suffix_of(out: Path) -> str:
    for suffix in _WRITERS:
        if out.name.endswith(suffix) and out.name != suffix:
            return suffix
    raise FeedError(f"{out}: a recording ends with {' or '.join(_WRITERS)}")
