"""Files as blocks of bytes, unpacked where they are zstd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError

__all__ = ["read_blocks"]

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_BLOCK_BYTES: Final = 1024 * 1024
_PACKED_BLOCK_BYTES: Final = 16 * 1024
"""Little at a time: what a block unpacks to is held in memory at once."""


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's content; zstd is told by its first bytes and may have several frames.

    Raises:
        FeedError: if the file can't be read, is damaged or ends within a frame; what could be
            read has been yielded before.
    """
    try:
        with path.open("rb") as file:
            first = file.read(_PACKED_BLOCK_BYTES)
            if first[: len(_ZSTD_MAGIC)] == _ZSTD_MAGIC:
                yield from _unpacked(path, _blocks(first, file.read, _PACKED_BLOCK_BYTES))
            else:
                yield from _blocks(first, file.read, _BLOCK_BYTES)
    except OSError as error:
        raise FeedError(f"can't read {path}: {error.strerror}") from None


def _blocks(first: bytes, read: Callable[[int], bytes], size: int) -> Iterator[bytes]:
    block = first
    while block:
        yield block
        block = read(size)


def _unpacked(path: Path, blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise FeedError(
            f"{path} is packed with zstd, which needs the extra 'databento': "
            "pip install 'market-depth[databento]'"
        ) from None
    unpacker = zstandard.ZstdDecompressor()
    frame = unpacker.decompressobj()
    read_bytes = 0
    is_begun = False
    try:
        for block in blocks:
            rest = block
            while rest:
                is_begun = True
                if unpacked := frame.decompress(rest):
                    yield unpacked
                rest = frame.unused_data if frame.eof else b""
                if frame.eof:
                    frame = unpacker.decompressobj()
                    is_begun = False
            read_bytes += len(block)
    except zstandard.ZstdError as error:
        raise FeedError(f"{path} is damaged near byte {read_bytes}: {error}") from None
    if is_begun:
        raise FeedError(f"{path} is cut off at byte {read_bytes}, within a zstd frame")
