"""Databento files that are damaged, cut off, or not what they should be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given

from market_depth.errors import FeedError
from market_depth.feeds.dbn import DbnSource
from support.damage import damaged, play_damaged
from support.dbn_files import (
    Record,
    busy,
    dbn,
    expected,
    metadata,
    without_openings,
    zstd_frames,
)
from support.errors import one_line_error
from support.flow import Event
from support.hypothesis_settings import relaxed
from support.recordings import recording

RECORD_BYTES = 56
HEAD_BYTES = len(metadata())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.dbn"


def played_until_damage(path: Path, *words: str) -> list[Event]:
    """Return the events that come before a FeedError, which must name *words*."""
    events: list[Event] = []
    with one_line_error(FeedError, str(path), *words):
        for chunk in DbnSource(path).chunks():
            events.extend(without_openings(chunk))
    return events


@pytest.mark.parametrize("missing", [1, 20, 55])
@pytest.mark.parametrize("count", [1, 5, 40_000])
def test_a_file_cut_within_a_record_gives_all_whole_ones(
    path: Path, missing: int, count: int
) -> None:
    records = busy(count)
    path.write_bytes(dbn(*records, Record())[:-missing])
    assert played_until_damage(path, "cut off", str(RECORD_BYTES - missing)) == expected(records)


def test_a_change_whose_end_is_cut_off_is_not_given(path: Path) -> None:
    whole, begun = busy(1), [record._replace(flags=0) for record in busy(3)]
    path.write_bytes(dbn(*whole, *begun) + b"\x0e")
    assert played_until_damage(path, "cut off") == expected(whole)


@pytest.mark.parametrize("words", [0, 1, 3])
@pytest.mark.parametrize("good", [3, 30_000])
def test_a_record_shorter_than_its_header_ends_the_feed_behind_all_good_ones(
    path: Path, good: int, words: int
) -> None:
    records = busy(good)
    path.write_bytes(dbn(*records) + bytes([words] * RECORD_BYTES) + dbn(*busy(3), head=b""))
    assert played_until_damage(path, "damaged", f"{words} words") == expected(records)


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_packed_file_cut_within_a_frame_gives_what_can_be_unpacked(
    path: Path, share: float
) -> None:
    records = busy(40_000)
    packed = zstd_frames(dbn(*records))
    path.write_bytes(packed[: int(share * len(packed))])
    events = played_until_damage(path, "cut off", "zstd frame")
    assert len(events) > (share - 0.2) * len(records)
    assert events == expected(records[: len(events)])


def test_a_packed_file_cut_between_frames_is_cut_within_its_data(path: Path) -> None:
    data = dbn(*busy(5))
    path.write_bytes(zstd_frames(data[: HEAD_BYTES + 3 * RECORD_BYTES + 10]))
    assert played_until_damage(path, "cut off", "10 bytes") == expected(busy(2))


def test_what_follows_a_frame_and_is_none_ends_the_feed(path: Path) -> None:
    records = busy(5)
    path.write_bytes(zstd_frames(dbn(*records)) + b"something else")
    assert played_until_damage(path, "damaged") == expected(records)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["not a DBN file"]),
        (b"D", ["not a DBN file"]),
        (b"DBN\x03", ["not a DBN file"]),
        (b"hello, this is no recording", ["not a DBN file"]),
        (b"DBN\x00" + metadata()[4:], ["version 0", "1 to 3"]),
        (b"DBN\x04" + metadata()[4:], ["version 4", "1 to 3"]),
        (b"DBN\xff" + metadata()[4:], ["version 255", "1 to 3"]),
        (metadata()[: HEAD_BYTES // 2], ["damaged"]),
        (metadata()[:4] + b"\xff\xff\xff\xff" + metadata()[8:], ["damaged", "metadata"]),
        (metadata()[:4] + b"\x10\x00\x00\x00" + metadata()[8:], ["damaged"]),
        (metadata(schema="ohlcv-1s"), ["schema ohlcv-1s", "mbo, mbp-10"]),
        (metadata(schema="definition"), ["schema definition", "mbo, mbp-10"]),
        (b"\x28\xb5\x2f\xfd", ["cut off"]),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, ["damaged"]),
        (zstd_frames(dbn(*busy(5)))[:-20], ["cut off", "zstd frame"]),
        (zstd_frames(b"hello, this is no recording"), ["not a DBN file"]),
    ],
)
def test_what_is_no_recording_of_orders_is_refused_in_one_line(
    path: Path, data: bytes, words: list[str]
) -> None:
    path.write_bytes(data)
    with one_line_error(FeedError, str(path), *words):
        DbnSource(path)


@pytest.mark.parametrize("place", range(8, HEAD_BYTES, 5))
def test_damaged_metadata_is_refused_in_one_line_or_does_no_harm(path: Path, place: int) -> None:
    data = bytearray(dbn(*busy(3)))
    data[place] ^= 0xFF
    path.write_bytes(data)
    complaint = f"{path}: none"
    events = 0
    try:
        events = sum(map(len, DbnSource(path).chunks()))
    except FeedError as error:
        complaint = str(error)
    assert events in (0, 4), "three and the clear in front"
    assert len(complaint.splitlines()) == 1
    assert str(path) in complaint


@relaxed
@given(data=damaged(dbn(*busy(4))))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.dbn"
    path.write_bytes(data)
    play_damaged(path, lambda: DbnSource(path))


@pytest.mark.parametrize("name", ["mbo", "mbp-1", "trades"])
def test_any_damage_to_the_older_encoding_gives_events_or_one_error(
    tmp_path: Path, name: str
) -> None:
    whole = recording(f"databento/dbn_testdata/test_data.{name}.dbz").read_bytes()
    path = tmp_path / "damaged.dbz"
    for place in range(len(whole)):
        for data in (
            whole[:place],
            whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :],
        ):
            path.write_bytes(data)
            play_damaged(path, lambda: DbnSource(path))


def test_a_file_that_is_not_there_is_refused_in_one_line(path: Path) -> None:
    with one_line_error(FeedError, str(path), "No such file"):
        DbnSource(path)


def test_a_missing_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(dbn(*busy(1)))
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    with one_line_error(FeedError, str(path), "pip install 'market-depth[databento]'"):
        DbnSource(path)
