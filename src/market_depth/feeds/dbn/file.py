"""The DBN format: metadata at the head, then records with their length in front.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.feeds.complaints import reason_of
from market_depth.feeds.dbn.dbz import is_dbz, read_dbz
from market_depth.feeds.dbn.layouts import HEADER_BYTES, PLAYABLE, WORD_BYTES, Layout
from market_depth.feeds.dbn.metadata import Interval, RecordingMetadata, symbols_by_id
from market_depth.feeds.files import head_of, read_blocks
from market_depth.jit import kernel

__all__ = ["DbnFile", "is_dbn", "read_recording"]

_MAGIC: Final = b"DBN"
_MAX_VERSION: Final = 3
_PREAMBLE_BYTES: Final = 8
_MAX_METADATA_BYTES: Final = 64 * 1024 * 1024


class DbnFile:
    """A Databento file with something to play.

    Args:
        path: the file; how it is packed is told from its first bytes.

    Raises:
        FeedError: if the file can't be read, is no DBN file or has no book and no trades.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metadata, _, _ = read_recording(path)
        layout = PLAYABLE.get(self._metadata.schema or "")
        if layout is None:
            raise FeedError(
                f"{path} has schema {self._metadata.schema}; what can be played is "
                f"{', '.join(PLAYABLE)}"
            )
        self.layout: Layout = layout

    def symbols_by_id(self) -> dict[int, str]:
        """Return the symbols by instrument id, in the order in which they were asked for."""
        return symbols_by_id(self._metadata)

    def records(self) -> Iterator[NDArray[np.void]]:
        """Yield the records of the layout's `dtype`; those of other kinds are passed over.

        Raises:
            FeedError: where the file is damaged or cut off; what came before has been yielded.
        """
        metadata, start, blocks = read_recording(self.path)
        reader = _RecordReader(self.layout, metadata.has_send_times)
        offset = start
        rest = b""
        for block in blocks:
            data = rest + block if rest else block
            records, taken = reader.take(data)
            if len(records):
                yield records
            rest = data[taken:]
            offset += taken
            if rest and rest[0] * WORD_BYTES < HEADER_BYTES:
                raise FeedError(
                    f"{self.path} is damaged: a record of {rest[0]} words at byte {offset}"
                )
        if rest:
            raise FeedError(
                f"{self.path} is cut off within its last record ({len(rest)} bytes), "
                f"at byte {offset}"
            )


class _RecordReader:
    """Takes whole records of one kind out of bytes."""

    def __init__(self, layout: Layout, has_send_times: bool) -> None:
        self._dtype = layout.dtype
        fields = [(name, self._dtype[name]) for name in self._dtype.names or ()]
        if has_send_times:
            fields.append(("ts_out", np.dtype(np.uint64)))
        self._stored = np.dtype(fields)
        self._rtype = layout.rtype

    def take(self, data: bytes) -> tuple[NDArray[np.void], int]:
        """Return the wanted records among the whole ones in *data*, and the whole ones' bytes.

        Nearly every file has nothing but one kind: then they are one array as they are.
        """
        size = self._stored.itemsize
        count = len(data) // size
        words = size // WORD_BYTES
        records = np.frombuffer(data, self._stored, count)
        taken = count * size
        if not ((records["length"] == words) & (records["rtype"] == self._rtype)).all():
            kept = np.empty(len(data), np.uint8)
            done = np.zeros(1, np.int64)
            length = gather_records(np.frombuffer(data, np.uint8), words, self._rtype, kept, done)
            records = kept[:length].view(self._stored)
            taken = int(done[0])
        elif len(data) - taken > 0:
            taken += self._shorter_records(data, taken)
        if self._stored is not self._dtype and self._stored != self._dtype:
            records = records[list(self._dtype.names or ())].astype(self._dtype)
        return records, taken

    @staticmethod
    def _shorter_records(data: bytes, start: int) -> int:
        """Return the bytes of whole records of other kinds, shorter than one that is wanted."""
        at = start
        while at < len(data):
            length = data[at] * WORD_BYTES
            if length < HEADER_BYTES or at + length > len(data):
                break
            at += length
        return at - start


@kernel
def gather_records(
    data: NDArray[np.uint8],
    words: int,
    rtype: int,
    kept: NDArray[np.uint8],
    done: NDArray[np.int64],
) -> int:
    """Go from record to record, up to one that is not whole or has no length.

    Args:
        data: where they are.
        words: length of a wanted record.
        rtype: its kind.
        kept: becomes the wanted records, one behind the other.
        done: [0] becomes how many bytes were gone over.

    Returns:
        How many bytes were kept.
    """
    at = 0
    length = 0
    while at < len(data):
        size = data[at] * WORD_BYTES
        if size < HEADER_BYTES or at + size > len(data):
            break
        if data[at] == words and data[at + 1] == rtype:
            for place in range(size):
                kept[length + place] = data[at + place]
            length += size
        at += size
    done[0] = at
    return length


def is_dbn(head: bytes) -> bool:
    """Whether a file whose unpacked content begins with *head* is DBN, or its forerunner DBZ."""
    return head[: len(_MAGIC)] == _MAGIC or is_dbz(head)


def read_recording(path: Path) -> tuple[RecordingMetadata, int, Iterator[bytes]]:
    """Return a file's metadata, at which byte its records begin, and these in blocks.

    Raises:
        FeedError: if the file can't be read, or its metadata are none.
    """
    if is_dbz(head_of(path)):
        metadata, blocks = read_dbz(path)
        return metadata, 0, blocks
    blocks = read_blocks(path)
    data = _read_at_least(_PREAMBLE_BYTES, b"", blocks)
    if data[:3] != _MAGIC or len(data) < _PREAMBLE_BYTES:
        raise FeedError(f"{path} is not a DBN file")
    if not 1 <= data[3] <= _MAX_VERSION:
        raise FeedError(f"{path} is DBN version {data[3]}; versions 1 to {_MAX_VERSION} are known")
    end = _PREAMBLE_BYTES + int.from_bytes(data[4:_PREAMBLE_BYTES], "little")
    if end > _MAX_METADATA_BYTES:
        raise FeedError(f"{path} is damaged: metadata of {end} bytes")
    data = _read_at_least(end, data, blocks)
    metadata = _decoded(path, data[3], data[:end])
    return metadata, end, chain((data[end:],), blocks)


def _decoded(path: Path, version: int, data: bytes) -> RecordingMetadata:
    try:
        import databento_dbn
    except ImportError:
        raise FeedError(
            f"{path} needs the extra 'databento': pip install 'market-depth[databento]'"
        ) from None
    try:
        metadata = databento_dbn.Metadata.decode(data)
        return RecordingMetadata(
            None if metadata.schema is None else str(metadata.schema),
            version,
            metadata.ts_out,
            metadata.symbols,
            {
                symbol: [Interval(interval["symbol"]) for interval in intervals]
                for symbol, intervals in metadata.mappings.items()
            },
        )
    except (databento_dbn.DBNError, ValueError) as error:
        raise FeedError(f"{path} is damaged: {reason_of(error)}") from None


def _read_at_least(length: int, data: bytes, blocks: Iterator[bytes]) -> bytes:
    """Return *data* and as many blocks behind it as make it *length* long, if there are."""
    parts = [data]
    have = len(data)
    while have < length and (block := next(blocks, b"")):
        parts.append(block)
        have += len(block)
    return b"".join(parts)
