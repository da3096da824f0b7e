"""Files as blocks of bytes, packed or not."""

from __future__ import annotations

import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import zstandard

from market_depth.errors import FeedError
from market_depth.feeds.files import note_read, read_blocks, share_read
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


# Archives


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_of_an_archive_the_first_file_is_taken(path: Path) -> None:
    zipped(path, one=NOISE, two=TEXT)
    assert unpacked(path) == NOISE


def test_an_archive_that_is_damaged_gives_what_there_is_and_tells_how_far(path: Path) -> None:
    zipped(path, one=NOISE)
    data = bytearray(path.read_bytes())
    data[-MEGABYTE] ^= 0xFF
    path.write_bytes(data)
    seen = b""
    with one_line_error(FeedError, str(path), "damaged", f"byte {2 * MEGABYTE} "):
        for block in read_blocks(path):
            seen += block
    assert seen == NOISE[: 2 * MEGABYTE]


def test_an_empty_archive_and_one_that_is_none_are_named(path: Path) -> None:
    zipped(path)
    path.write_bytes(b"PK\x03\x04" + path.read_bytes())
    with one_line_error(FeedError, str(path), "empty archive"):
        unpacked(path)
    path.write_bytes(b"PK\x03\x04 and no more")
    with one_line_error(FeedError, str(path), "not a zip file"):
        unpacked(path)


# How far files have been read


@pytest.mark.parametrize("packing", ["plain", "zstd", "zip"])
def test_how_much_of_a_file_has_been_read_grows_to_all_of_it(path: Path, packing: str) -> None:
    match packing:
        case "plain":
            path.write_bytes(NOISE)
        case "zstd":
            path.write_bytes(zstd_frames(NOISE))
        case "zip":
            zipped(path, one=NOISE)
    assert share_read([path]) is None, "nothing of it has been read"
    shares = [share_read([path]) for _ in read_blocks(path)]
    grown = [share for share in shares if share is not None]
    assert len(grown) == len(shares) >= 3
    assert all(early <= late for early, late in pairwise(grown))
    assert 0 < grown[0] < 0.5
    assert share_read([path]) == pytest.approx(1.0, abs=1e-4)


def test_it_counts_bytes_as_they_lie_on_the_disk(path: Path) -> None:
    path.write_bytes(zstd_frames(TEXT, NOISE))
    unpacked_bytes = 0
    for block in read_blocks(path):
        unpacked_bytes += len(block)
        if unpacked_bytes >= len(TEXT):
            break
    share = share_read([path])
    assert share is not None
    assert share < 0.1, "half of what it holds is a small part of the file"


def test_a_file_that_is_read_again_begins_at_its_beginning(path: Path) -> None:
    path.write_bytes(NOISE)
    unpacked(path)
    next(read_blocks(path))
    share = share_read([path])
    assert share is not None
    assert share < 0.1


def test_files_count_by_their_sizes(tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x" * 100)
    large.write_bytes(b"x" * 900)
    unpacked(small)
    assert share_read([small, large]) is None
    note_read(large, 450)
    assert share_read([small, large]) == pytest.approx(0.55)
    assert share_read([large]) == pytest.approx(0.5)
    unpacked(large)
    assert share_read([small, large]) == 1.0


def test_a_file_that_has_shrunk_is_read_wholly(path: Path) -> None:
    path.write_bytes(b"x" * 100)
    unpacked(path)
    path.write_bytes(b"x" * 50)
    assert share_read([path]) == 1.0


def test_how_much_of_nothing_has_been_read_can_not_be_told(path: Path) -> None:
    assert share_read([]) is None
    path.write_bytes(b"")
    unpacked(path)
    assert share_read([path]) is None
    path.unlink()
    assert share_read([path]) is None
