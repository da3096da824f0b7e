"""Files as blocks of bytes and as lines, unpacked where they are zstd, gzip, xz or zip."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from market_depth.errors import FeedError

__all__ = ["HEAD_BYTES", "Line", "head_of", "note_read", "read_blocks", "read_lines", "share_read"]

HEAD_BYTES: Final = 64 * 1024
"""Bytes by which a format is told."""
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""Longest line; a snapshot of a large book has a few million bytes."""

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_XZ_MAGIC: Final = b"\xfd7zXZ\x00"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_BLOCK_BYTES: Final = 1024 * 1024
_PACKED_BLOCK_BYTES: Final = 16 * 1024
"""Little at a time: what a block unpacks to is held in memory at once."""


_read_bytes: Final[dict[Path, int]] = {}
"""How far each file has been read, as it lies on the disk: whoever wants to know is far from
whoever reads, with a format's parser in between."""


class Line(NamedTuple):
    """A line of a text file."""

    text: bytes
    """Without its end."""
    offset: int
    """Of its first byte in the unpacked file."""


class _Unpacker(Protocol):
    """What `zlib`, `lzma` and `zstandard` have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Packing(NamedTuple):
    name: str
    new_frame: Callable[[], _Unpacker]


def head_of(path: Path) -> bytes:
    """Return the first `HEAD_BYTES` of a file's content, fewer if it is damaged further on.

    Raises:
        FeedError: if nothing can be read.
    """
    head = b""
    try:
        for block in read_blocks(path):
            head += block
            if len(head) >= HEAD_BYTES:
                break
    except FeedError:
        if not head:
            raise
    return head[:HEAD_BYTES]


def read_lines(path: Path) -> Iterator[Line]:
    """Yield a text file's lines that are not blank; the last one may lack its end.

    Raises:
        FeedError: as `read_blocks` does, or if a line is longer than `MAX_LINE_BYTES`.
    """
    rest = b""
    offset = 0
    for block in read_blocks(path):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for text in lines:
            if not text.isspace() and text:
                yield Line(text.rstrip(b"\r"), offset)
            offset += len(text) + 1
        if len(rest) > MAX_LINE_BYTES:
            raise FeedError(f"{path}: a line of more than {MAX_LINE_BYTES} bytes at byte {offset}")
    if rest and not rest.isspace():
        yield Line(rest.rstrip(b"\r"), offset)


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's content; how it is packed is told by its first bytes, and packed files may
    have several frames. Of a zip archive the first file is taken.

    Raises:
        FeedError: if the file can't be read, is damaged or ends within a frame; what could be
            read has been yielded before.
    """
    try:
        with path.open("rb") as file:

            def read(size: int) -> bytes:
                block = file.read(size)
                note_read(path, file.tell())
                return block

            first = read(_PACKED_BLOCK_BYTES)
            if first[: len(_ZIP_MAGIC)] == _ZIP_MAGIC:
                yield from _unzipped(path)
                return
            packing = _packing_of(path, first)
            if packing is None:
                yield from _blocks(first, read, _BLOCK_BYTES)
            else:
                packed = _blocks(first, read, _PACKED_BLOCK_BYTES)
                yield from _unpacked(path, packed, packing)
    except OSError as error:
        raise FeedError(f"can't read {path}: {error.strerror or error}") from None


def note_read(path: Path, offset: int) -> None:
    """Say how far a file has been read, for `share_read`: bytes of the file as it lies there."""
    _read_bytes[path] = offset


def share_read(paths: Iterable[Path]) -> float | None:
    """Return how much of files has been read by now, 0 to 1; `None` if that can't be told."""
    whole = done = 0
    for path in paths:
        if path not in _read_bytes:
            return None
        try:
            whole += path.stat().st_size
        except OSError:
            return None
        done += _read_bytes[path]
    return min(done / whole, 1.0) if whole else None


def _packing_of(path: Path, first: bytes) -> _Packing | None:
    """Return how a file that begins with *first* is packed, `None` if it is not."""
    if first[: len(_ZSTD_MAGIC)] == _ZSTD_MAGIC:
        return _Packing("zstd", _zstandard(path).ZstdDecompressor().decompressobj)
    if first[: len(_GZIP_MAGIC)] == _GZIP_MAGIC:
        return _Packing("gzip", lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16))
    if first[: len(_XZ_MAGIC)] == _XZ_MAGIC:
        return _Packing("xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ))
    return None


def _zstandard(path: Path) -> Any:
    try:
        import zstandard
    except ImportError:
        raise FeedError(
            f"{path} is packed with zstd, which needs the extra 'databento': "
            "pip install 'market-depth[databento]'"
        ) from None
    return zstandard


def _blocks(first: bytes, read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    block = first
    while block:
        yield block
        block = read(size)


def _unpacked(path: Path, blocks: Iterator[bytes], packing: _Packing) -> Iterator[bytes]:
    frame = packing.new_frame()
    read_bytes = 0
    is_begun = False
    for block in blocks:
        rest = block
        while rest:
            is_begun = True
            try:
                unpacked = frame.decompress(rest)
            except Exception as error:  # each library has an error of its own, and they share none
                raise FeedError(f"{path} is damaged near byte {read_bytes}: {error}") from None
            if unpacked:
                yield unpacked
            rest = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = packing.new_frame()
                is_begun = False
                rest = rest.lstrip(b"\0")  # archives may be padded
        read_bytes += len(block)
    if is_begun:
        raise FeedError(f"{path} is cut off at byte {read_bytes}, within a {packing.name} frame")


def _unzipped(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if not members:
                raise FeedError(f"{path} is an empty archive")
            with archive.open(members[0]) as member:
                yield from _blocks(member.read(_BLOCK_BYTES), member.read, _BLOCK_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise FeedError(f"{path} is damaged: {error}") from None
