"""Writing events to Parquet, by way of a journal.

A Parquet file can be read only once its footer has been written, at its end. So while it is being
recorded the file is an empty one, with all columns and no rows, and the events are in a journal
beside it, `NAME.parquet.arrows`: an Arrow stream of the same columns, that can be read (also by
pyarrow and Polars) however it ends. To play NAME.parquet is to play the journal then. Closing turns
the journal into Parquet, which takes the empty file's place at once; what a killed recorder has
left behind is closed by whoever comes next (`close_left_behind`).

Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.event_table import EventTables, Part, need_pyarrow
from market_depth.feeds.parquet import journal_batches, journal_of
from market_depth.instruments import Instrument
from market_depth.recording.files import create, one_line_os_errors

__all__ = ["ParquetWriter", "close_left_behind"]

_ROW_GROUP_ROWS: Final = 131_072


class ParquetWriter:
    """Writes one Parquet file.

    Args:
        path: of the file.
        instruments: what the events are about.
        part: which part of a recording it is.

    Raises:
        FeedError: if the file or its journal exists already, or can't be written.
    """

    def __init__(self, path: Path, instruments: Sequence[Instrument], part: Part) -> None:
        pa = need_pyarrow(path)
        if path.exists():
            raise FeedError(f"{path} exists already")
        self.path = path
        self._journal = journal_of(path)
        self._tables = EventTables(pa, instruments, part)
        self._file = create(self._journal)
        _lock(self._file, self._journal)
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with one_line_os_errors(self._journal):
            self._stream = pa.ipc.new_stream(self._file, self._tables.schema, options=options)
            self._file.flush()
        _replace(path, self._tables.schema, ())

    @property
    def written_bytes(self) -> int:
        """How large the journal is."""
        return self._file.tell()

    def write(self, events: Events) -> None:
        """Append whole changes to the journal."""
        batch = self._tables.batch(events)
        with one_line_os_errors(self._journal):
            self._stream.write_batch(batch)
            self._file.flush()

    def close(self) -> None:
        """Turn the journal into Parquet."""
        with one_line_os_errors(self._journal):
            self._stream.close()
            self._file.flush()
        _to_parquet(self._journal, self.path)
        with one_line_os_errors(self._journal):
            self._journal.unlink()
            self._file.close()


def close_left_behind(paths: Sequence[Path]) -> list[Path]:
    """Turn the journals of Parquet files that were never closed into them; return which.

    Raises:
        FeedError: if one is being recorded by another process, or can't be written.
    """
    closed = []
    for path in paths:
        journal = journal_of(path)
        if not journal.exists():
            continue
        with one_line_os_errors(journal), journal.open("r+b") as file:
            _lock(file, journal)
            if file.seek(0, os.SEEK_END):
                _to_parquet(journal, path)
            journal.unlink()
        closed.append(path)
    return closed


def _to_parquet(journal: Path, path: Path) -> None:
    """Write what is whole of a journal as Parquet."""
    pa = need_pyarrow(path)
    schema, batches = journal_batches(journal)
    _replace(path, schema, _row_groups(pa, schema, batches))


def _replace(path: Path, schema: Any, tables: Iterable[Any]) -> None:
    """Put a Parquet file of *tables* in the place of what is there."""
    import pyarrow.parquet

    unfinished = path.with_name(f"{path.name}.unfinished")
    with one_line_os_errors(path):
        with pyarrow.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
        unfinished.replace(path)


def _row_groups(pa: Any, schema: Any, batches: Iterator[Any]) -> Iterator[Any]:
    """Gather record batches to tables that make good row groups; a damaged end is left out."""
    waiting: list[Any] = []
    rows = 0
    with suppress(FeedError):
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= _ROW_GROUP_ROWS:
                yield pa.Table.from_batches(waiting, schema).unify_dictionaries()
                waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting, schema).unify_dictionaries()


def _lock(file: BinaryIO, path: Path) -> None:
    """Keep other recorders from a journal while this one has it open."""
    try:
        import fcntl
    except ImportError:  # where there is none, files that are open can't be replaced anyway
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise FeedError(f"{path} is being written by another recorder") from None
