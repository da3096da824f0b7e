"""DBZ, the encoding before DBN: a zstd stream with the metadata in a skippable frame in front.

The frame has 96 bytes of fixed layout, then, in a zstd frame of their own, the symbols and their
mappings; the records behind are those of DBN version 1.

Source: https://github.com/databento/dbn/blob/main/rust/dbn/src/decode/dbz.rs
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final

from market_depth.errors import FeedError
from market_depth.feeds.complaints import reason_of
from market_depth.feeds.dbn.metadata import Interval, RecordingMetadata
from market_depth.feeds.files import read_blocks

__all__ = ["is_dbz", "read_dbz"]

_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_FRAME: Final = Struct("<II")
_PREFIX: Final = b"DBZ\x01"
_FIXED: Final = Struct("<4s16sHQQQQBBB39x")
_SYMBOL_BYTES: Final = 22
_COUNT_BYTES: Final = 4
_DATE_BYTES: Final = 4
_MAX_METADATA_BYTES: Final = 64 * 1024 * 1024
_SCHEMAS: Final = (
    "mbo",
    "mbp-1",
    "mbp-10",
    "tbbo",
    "trades",
    "ohlcv-1s",
    "ohlcv-1m",
    "ohlcv-1h",
    "ohlcv-1d",
    "definition",
    "statistics",
    "status",
    "imbalance",
)


def is_dbz(head: bytes) -> bool:
    """Whether a file that begins with *head* is DBZ."""
    if len(head) < _FRAME.size + len(_PREFIX):
        return False
    return _FRAME.unpack_from(head)[0] in _SKIPPABLE and head[8:11] == _PREFIX[:3]


def read_dbz(path: Path) -> tuple[RecordingMetadata, Iterator[bytes]]:
    """Return a file's metadata, and what follows it, unpacked.

    Raises:
        FeedError: if the file can't be read or its metadata are damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_FRAME.size)
            fixed = file.read(_FIXED.size)
    except OSError as error:
        raise FeedError(f"can't read {path}: {error.strerror or error}") from None
    length = _FRAME.unpack(head)[1] if is_dbz(head + fixed) else 0
    if not _FIXED.size <= length <= _MAX_METADATA_BYTES:
        raise FeedError(f"{path} is damaged: DBZ metadata of {length} bytes")
    if len(fixed) < _FIXED.size:
        raise FeedError(f"{path} is cut off at byte {len(head + fixed)}, in its metadata")
    schema_number = _FIXED.unpack(fixed)[2]
    if fixed[: len(_PREFIX)] != _PREFIX or schema_number >= len(_SCHEMAS):
        raise FeedError(f"{path} is damaged: DBZ version {fixed[3]}, schema {schema_number}")
    end = _FRAME.size + length
    try:
        symbols, intervals = _Mappings(_unpacked(path, _FRAME.size + _FIXED.size, end)).read()
    except ValueError as error:
        where = f"metadata at byte {_FRAME.size}"
        raise FeedError(f"{path} is damaged: {where}: {reason_of(error)}") from None
    metadata = RecordingMetadata(_SCHEMAS[schema_number], 1, False, symbols, intervals)
    return metadata, read_blocks(path, end)


def _unpacked(path: Path, start: int, end: int) -> bytes:
    """Return the part of the metadata that is packed."""
    blocks: list[bytes] = []
    length = 0
    for block in read_blocks(path, start, end):
        blocks.append(block)
        length += len(block)
        if length > _MAX_METADATA_BYTES:
            raise FeedError(f"{path} is damaged: metadata of more than {_MAX_METADATA_BYTES} bytes")
    return b"".join(blocks)


class _Mappings:
    """The part of the metadata that varies in length."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self) -> tuple[list[str], dict[str, list[Interval]]]:
        """Return the symbols asked for, and the intervals of each.

        Raises:
            ValueError: if they are not well-formed.
        """
        if self._count():
            raise ValueError("it defines a schema of its own")
        symbols = self._symbols()
        self._symbols()  # found for a part of the time
        self._symbols()  # not found
        intervals: dict[str, list[Interval]] = {}
        for _ in range(self._count()):
            symbol = self._symbol()
            intervals[symbol] = [self._interval() for _ in range(self._count())]
        return symbols, intervals

    def _take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) < length:
            raise ValueError("symbols are cut off")
        self._at += length
        return taken

    def _count(self) -> int:
        return int.from_bytes(self._take(_COUNT_BYTES), "little")

    def _symbol(self) -> str:
        return self._take(_SYMBOL_BYTES).rstrip(b"\0").decode("utf-8")

    def _symbols(self) -> list[str]:
        return [self._symbol() for _ in range(self._count())]

    def _interval(self) -> Interval:
        self._take(2 * _DATE_BYTES)
        return Interval(self._symbol())
