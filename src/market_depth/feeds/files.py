"""Files as blocks of bytes and as lines, unpacked where they are zstd, gzip, xz or zip."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol

from market_depth.errors import FeedError
from market_depth.feeds.complaints import reason_of

__all__ = [
    "HEAD_BYTES",
    "MAX_LINE_BYTES",
    "Line",
    "head_of",
    "note_read",
    "read_blocks",
    "read_line_blocks",
    "read_lines",
    "share_read",
]

HEAD_BYTES: Final = 64 * 1024
"""Bytes by which a format is told."""
MAX_LINE_BYTES: Final = 32 * 1024 * 1024
"""Longest line; a snapshot of a large book has a few million bytes."""

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_XZ_MAGIC: Final = b"\xfd7zXZ\x00"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_BLOCK_BYTES: Final = 1024 * 1024
_PACKED_BLOCK_BYTES: Final = 16 * 1024
_PACKED_PIECE_BYTES: Final = 512
"""Unpacked at once, and what comes of it is held in memory: of zstd that can be 16 MB."""
_UNPACKED_BLOCK_BYTES: Final = 64 * 1024
_MAX_DICTIONARY_BYTES: Final = 128 * 1024 * 1024
"""Of xz, whose strongest preset wants half of it; zstandard has the same limit by itself."""

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
    for block, offset in read_line_blocks(path):
        for text in block.split(b"\n"):
            if not text.isspace() and text:
                yield Line(text.rstrip(b"\r"), offset)
            offset += len(text) + 1


def read_line_blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield a file in blocks of whole lines, each with the offset of its first byte; the last line
    may lack its end.

    Raises:
        FeedError: as `read_lines` does.
    """
    rest: list[bytes] = []
    waiting = 0
    offset = 0
    for block in read_blocks(path):
        cut = block.rfind(b"\n") + 1
        if cut:
            lines = b"".join((*rest, block[:cut]))
            yield lines, offset
            offset += len(lines)
            rest, waiting = [block[cut:]], len(block) - cut
        else:
            rest.append(block)
            waiting += len(block)
        if waiting > MAX_LINE_BYTES:
            raise FeedError(f"{path}: a line of more than {MAX_LINE_BYTES} bytes at byte {offset}")
    if waiting:
        yield b"".join(rest), offset


def read_blocks(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield a file's content, at most `_BLOCK_BYTES` at once; how it is packed is told by its first
    bytes, and packed files may have several frames. Of a zip archive the first file is taken.

    Args:
        path: the file.
        start: where in the file to begin; what begins elsewhere has to be packed.
        end: behind which byte of the file to end, `None` reads all.

    Raises:
        FeedError: if the file can't be read, is damaged or ends within a frame; what could be
            read has been yielded before.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)

            def read(size: int) -> bytes:
                block = file.read(size if end is None else max(min(size, end - file.tell()), 0))
                note_read(path, file.tell())
                return block

            first = read(_PACKED_BLOCK_BYTES)
            if first[: len(_ZIP_MAGIC)] == _ZIP_MAGIC and not start:
                yield from _unzipped(path, file)
                return
            packing = _packing_of(path, first)
            if packing is not None:
                packed = _blocks(first, read, _PACKED_BLOCK_BYTES)
                yield from _in_blocks(_unpacked(path, packed, packing, start))
            elif start and first:
                raise FeedError(f"{path} is damaged: nothing is packed at byte {start}")
            else:
                yield from _blocks(first, read, _BLOCK_BYTES)
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
        return _Packing("gzip", partial(zlib.decompressobj, zlib.MAX_WBITS | 16))
    if first[: len(_XZ_MAGIC)] == _XZ_MAGIC:
        return _Packing("xz", partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _MAX_DICTIONARY_BYTES))
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


def _in_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield small pieces put together, and large ones cut; before a failure, all there was."""
    waiting: list[bytes] = []
    length = 0
    try:
        for piece in pieces:
            if length + len(piece) > _BLOCK_BYTES:
                if waiting:
                    yield b"".join(waiting)
                    waiting, length = [], 0
                for start in range(0, len(piece), _BLOCK_BYTES):
                    yield piece[start : start + _BLOCK_BYTES]
                continue
            waiting.append(piece)
            length += len(piece)
            if length >= _UNPACKED_BLOCK_BYTES:
                yield b"".join(waiting)
                waiting, length = [], 0
    except FeedError:
        if waiting:
            yield b"".join(waiting)
        raise
    if waiting:
        yield b"".join(waiting)


def _unpacked(
    path: Path, blocks: Iterator[bytes], packing: _Packing, start: int
) -> Iterator[bytes]:
    frame = packing.new_frame()
    offset = start
    is_begun = False
    for block in blocks:
        for place in range(0, len(block), _PACKED_PIECE_BYTES):
            rest = block[place : place + _PACKED_PIECE_BYTES]
            while rest:
                is_begun = True
                try:
                    unpacked = frame.decompress(rest)
                except Exception as error:  # each library has one of its own, and they share none
                    raise _damaged(path, error, f" near byte {offset + place}") from None
                if unpacked:
                    yield unpacked
                rest = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame = packing.new_frame()
                    is_begun = False
                    rest = rest.lstrip(b"\0")  # archives may be padded
        offset += len(block)
    if is_begun:
        raise FeedError(f"{path} is cut off at byte {offset}, within a {packing.name} frame")


def _unzipped(path: Path, file: BinaryIO) -> Iterator[bytes]:
    offset = 0
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if not members:
                raise FeedError(f"{path} is an empty archive")
            if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise FeedError(f"{path} is packed by a method that is not deflate, which is read")
            with archive.open(members[0]) as member:
                while block := member.read(_BLOCK_BYTES):
                    note_read(path, file.tell())
                    yield block
                    offset += len(block)
    except (FeedError, OSError):
        raise
    except Exception as error:  # of zipfile, zlib, struct, and of names that are none
        raise _damaged(path, error, f" behind byte {offset} of what it holds") from None


def _damaged(path: Path, error: Exception, where: str = "") -> FeedError:
    return FeedError(f"{path} is damaged{where}: {reason_of(error)}")
