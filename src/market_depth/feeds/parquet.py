"""Recordings of events in Parquet, and the journals (Arrow streams) that they are made from.

A recording that has not been finished is an empty Parquet file with a journal beside it,
`NAME.parquet.arrows`; then the journal is what is played.

What the columns are is told in `market_depth.feeds.event_table`. Needs the extra `parquet`.

Source: https://parquet.apache.org/docs/file-format/
https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.changes import in_order_of_receipt, whole_changes
from market_depth.feeds.complaints import no_such_symbol, reason_of
from market_depth.feeds.event_table import (
    Part,
    events_of,
    instruments_of,
    need_pyarrow,
    part_of,
)
from market_depth.feeds.files import note_read
from market_depth.instruments import Instrument

__all__ = ["FORMATS", "RecordedSource", "journal_batches", "journal_of"]

_PARQUET_MAGIC: Final = b"PAR1"
_CONTINUATION: Final = b"\xff\xff\xff\xff"
"""What a message of an Arrow stream begins with."""
_BATCH_ROWS: Final = 65_536

Batches: TypeAlias = Iterator[Any]
Reader: TypeAlias = Callable[[Path], tuple[Any, Batches]]
"""Returns a file's Arrow schema, and an iterator of its record batches."""


class _File(NamedTuple):
    path: Path
    part: Part
    instruments: list[Instrument]


class RecordedSource:
    """Recordings as a source of events, every field as it was recorded.

    The parts of one recording are played in their order, and the heads of those that follow the
    part before (see `Part.head_events`) are left out: it is as if it had never been cut.

    Args:
        paths: the files, in any order.
        symbols: what to play; `None` plays everything.
        read: how a file is read.

    Raises:
        FeedError: if a file can't be read, is no such recording or has not such a symbol, or if
            files have different instruments of one id.
    """

    def __init__(self, paths: Sequence[Path], symbols: Sequence[str] | None, read: Reader) -> None:
        self._read = read
        files = [_described(path, read) for path in paths]
        self._files = sorted(files, key=lambda file: (file.part.recording, file.part.number))
        by_id: dict[int, Instrument] = {}
        for file in self._files:
            for instrument in file.instruments:
                other = by_id.setdefault(instrument.instrument_id, instrument)
                if other != instrument:
                    raise FeedError(
                        f"{file.path}: instrument {instrument.instrument_id} is "
                        f"{instrument.symbol}, in another of these files it is {other.symbol} or "
                        "has other decimals"
                    )
        self._instruments = list(by_id.values())
        if len({one.symbol for one in self._instruments}) < len(by_id):
            raise FeedError(f"{self._files[0].path}: files beside it have its symbols by other ids")
        self._announced = np.array(list(by_id), np.uint32)
        self._ids: list[int] | None = None
        if symbols is not None:
            self._instruments = self._selected(symbols)
            self._ids = [one.instrument_id for one in self._instruments]

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the files are about, with the decimals with which they were recorded."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the files' events, whole changes only.

        Raises:
            FeedError: where a file is damaged or cut off; all before that has been yielded.
        """
        return whole_changes(self._in_order())

    def _in_order(self) -> Iterator[Events]:
        latest = -(2**63)
        for events in self._chunks():
            latest = in_order_of_receipt(events, latest)
            yield events

    def _chunks(self) -> Iterator[Events]:
        before: Part | None = None
        for file in self._files:
            part = file.part
            follows = (
                before is not None
                and bool(part.recording)
                and (part.recording, part.number) == (before.recording, before.number + 1)
            )
            yield from self._chunks_of(file.path, part.head_events if follows else 0)
            before = part

    def _chunks_of(self, path: Path, left_out: int) -> Iterator[Events]:
        pa = need_pyarrow(path)
        _, batches = self._read(path)
        for batch in batches:
            try:
                events = events_of(pa, batch)
            except FeedError as error:
                raise FeedError(f"{path}: {error}") from None
            except (pa.ArrowException, UnicodeDecodeError) as error:
                raise FeedError(f"{path} is damaged: {reason_of(error)}") from None
            skipped = min(left_out, len(events))
            left_out -= skipped
            events = events[skipped:]
            is_announced = np.isin(events["instrument_id"], self._announced)
            known = len(events) if is_announced.all() else int(np.argmin(is_announced))
            wanted = events[:known]
            if self._ids is not None:
                wanted = wanted[np.isin(wanted["instrument_id"], self._ids)]
            if len(wanted):
                yield wanted
            if known < len(events):
                number = int(events["instrument_id"][known])
                raise FeedError(f"{path} is damaged: it names no instrument with the id {number}")

    def _selected(self, symbols: Sequence[str]) -> list[Instrument]:
        by_symbol = {instrument.symbol: instrument for instrument in self._instruments}
        for symbol in symbols:
            if symbol not in by_symbol:
                raise no_such_symbol(self._files[0].path, symbol, by_symbol)
        return [by_symbol[symbol] for symbol in symbols]


def _described(path: Path, read: Reader) -> _File:
    schema, _ = read(path)
    return _File(path, part_of(schema, path), instruments_of(schema, path))


def journal_of(path: Path) -> Path:
    """Return where the journal of a Parquet file is while it is being recorded."""
    return path.with_name(f"{path.name}.arrows")


def parquet_batches(path: Path) -> tuple[Any, Batches]:
    """Return a Parquet file's schema, and its rows as record batches.

    Raises:
        FeedError: if the file can't be read; the iterator, where it is damaged.
    """
    journal = journal_of(path)
    if journal.exists():
        return journal_batches(journal)
    pa = need_pyarrow(path)
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path, memory_map=True)
        return file.schema_arrow, _row_groups(pa, path, file)
    except OSError as error:
        raise FeedError(f"can't read {path}: {error.strerror or reason_of(error)}") from None
    except (pa.ArrowException, MemoryError, ValueError) as error:
        raise FeedError(f"{path} is damaged: {reason_of(error)}") from None


def _row_groups(pa: Any, path: Path, file: Any) -> Batches:
    row_bytes = path.stat().st_size / max(file.metadata.num_rows, 1)
    rows = 0
    begin = len(_PARQUET_MAGIC)
    for group in range(file.metadata.num_row_groups):
        rows_before = rows
        try:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False):
                rows += len(batch)
                note_read(path, int(row_bytes * rows))
                yield batch
        except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
            raise FeedError(
                f"{path} is damaged behind byte {begin}, in row group {group}: {reason_of(error)}"
            ) from None
        if rows > rows_before:
            # Of columns that could not be read, pyarrow tells nothing: it aborts the process.
            column = file.metadata.row_group(group).column(file.metadata.num_columns - 1)
            begin = column.dictionary_page_offset or column.data_page_offset
            begin += column.total_compressed_size


def journal_batches(path: Path) -> tuple[Any, Batches]:
    """Return the schema of an Arrow stream in a file, and its record batches.

    Raises:
        FeedError: if the file can't be read; the iterator, where it is damaged or cut off.
    """
    pa = need_pyarrow(path)
    try:
        file = pa.memory_map(str(path))
        stream = pa.ipc.open_stream(file)
    except OSError as error:
        raise FeedError(f"can't read {path}: {error.strerror or reason_of(error)}") from None
    except (pa.ArrowException, MemoryError, ValueError) as error:
        raise FeedError(f"{path} is damaged: {reason_of(error)}") from None
    return stream.schema, _messages(pa, path, file, stream)


def _messages(pa: Any, path: Path, file: Any, stream: Any) -> Batches:
    offset = file.tell()
    while True:
        try:
            batch = stream.read_next_batch()
        except StopIteration:
            return
        except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
            raise FeedError(
                f"{path} is damaged or cut off at byte {offset}: {reason_of(error)}"
            ) from None
        yield batch
        offset = file.tell()
        note_read(path, offset)


def _is_parquet(path: Path, head: bytes) -> bool:
    return head.startswith(_PARQUET_MAGIC)


def _is_journal(path: Path, head: bytes) -> bool:
    return head.startswith(_CONTINUATION) and b"market_depth.instruments" in head


def _open_parquet(paths: Sequence[Path], options: OpenOptions) -> Source:
    return RecordedSource(paths, options.symbols, parquet_batches)


def _open_journal(paths: Sequence[Path], options: OpenOptions) -> Source:
    return RecordedSource(paths, options.symbols, journal_batches)


FORMATS: Final[tuple[Format, ...]] = (
    Format("parquet", "Parquet recording", _is_parquet, _open_parquet),
    Format("arrows", "journal of a Parquet recording", _is_journal, _open_journal),
)
