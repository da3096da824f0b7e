"""Files as blocks of bytes, packed or not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard

from market_depth.errors import FeedError
from market_depth.feeds.files import read_blocks
from support.dbn_files import unpacked, zstd_frames
from support.errors import one_line_error

MEGABYTE = 1024 * 1024
NOISE = np.random.default_rng(812).bytes(3 * MEGABYTE)
TEXT = b"4810.00 x 22, " * 200_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording"


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\x28\xb5", NOISE, TEXT],
    ids=["empty", "one byte", "half a magic number", "noise", "text"],
)
def test_a_plain_file_is_its_content(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert unpacked(path) == data


@pytest.mark.parametrize(
    "parts",
    [(b"",), (b"x",), (NOISE,), (TEXT,), (NOISE, TEXT), (b"", b"x", b"", TEXT, b"")],
    ids=["empty", "one byte", "noise", "text", "two frames", "empty frames"],
)
def test_packed_frames_are_unpacked_one_after_the_other(
    path: Path, parts: tuple[bytes, ...]
) -> None:
    path.write_bytes(zstd_frames(*parts))
    assert unpacked(path) == b"".join(parts)


def test_a_skippable_frame_is_skipped(path: Path) -> None:
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    path.write_bytes(zstd_frames(b"one ") + skippable + zstd_frames(b"two"))
    assert unpacked(path) == b"one two"


def test_a_frame_that_does_not_tell_its_length_is_unpacked(path: Path) -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    path.write_bytes(packer.compress(TEXT) + packer.flush())
    assert unpacked(path) == TEXT


def test_blocks_are_bounded_however_large_the_file(path: Path) -> None:
    path.write_bytes(NOISE)
    assert max(map(len, read_blocks(path))) <= MEGABYTE
    path.write_bytes(zstd_frames(NOISE))
    assert max(map(len, read_blocks(path))) <= MEGABYTE


def test_a_file_cut_within_a_frame_gives_what_there_is(path: Path) -> None:
    path.write_bytes(zstd_frames(NOISE)[:-100])
    seen = b""
    with one_line_error(FeedError, str(path), "cut off", "zstd frame"):
        for block in read_blocks(path):
            seen += block
    assert len(seen) > 2 * MEGABYTE
    assert NOISE.startswith(seen)


def test_a_damaged_second_frame_leaves_the_first(path: Path) -> None:
    path.write_bytes(zstd_frames(NOISE) + b"\x28\xb5\x2f\xfd" + b"\xff" * 50)
    seen = b""
    with one_line_error(FeedError, str(path), "damaged"):
        for block in read_blocks(path):
            seen += block
    assert seen == NOISE


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_file_that_can_not_be_read_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    with one_line_error(FeedError, f"can't read {tmp_path / name}"):
        unpacked(tmp_path / name)


def test_a_missing_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(zstd_frames(b"x"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with one_line_error(FeedError, str(path), "pip install 'market-depth[databento]'"):
        unpacked(path)
