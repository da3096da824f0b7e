"""Databento's own conformance files: every record of every kind is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.feeds.dbn_conformance import decode_all
from support.dbn_files import (
    OHLCV_RTYPE,
    STATUS_RTYPE,
    Record,
    busy,
    dbn,
    foreign_record,
    metadata,
    zstd_frames,
)
from support.errors import one_line_error
from support.hypothesis_settings import relaxed
from support.recordings import recording

EMPTY = "ohlcv-1d"
"""The one kind of whose files in `dbn_testdata` some have no record."""


def conformance_files(folder: str) -> list[Path]:
    return sorted(
        path for path in recording(f"databento/{folder}").rglob("test_*") if path.is_file()
    )


def kind_of(path: Path) -> str:
    return path.name.split(".")[1]


def test_every_file_of_dbn_is_decoded() -> None:
    paths = conformance_files("dbn_testdata")
    assert len(paths) >= 70
    for path in paths:
        counts = dict(decode_all(path))
        kind = {"tbbo": "mbp-1"}.get(kind_of(path), kind_of(path))
        if path.suffix == ".dbz" and kind.startswith("ohlcv"):
            kind = "ohlcv"
        if EMPTY in path.name:
            assert counts == {}, path
        else:
            assert list(counts) == [kind], path
            assert counts[kind] in (2, 4), path


def test_a_fragment_of_several_frames_is_decoded() -> None:
    name = "databento/dbn_testdata/multi-frame.definition.v1.dbn.frag.zst"
    assert decode_all(recording(name)) == {"definition": 8}


def test_every_file_of_the_python_library_is_decoded() -> None:
    paths = [path for path in conformance_files("python_testdata") if kind_of(path) != "live"]
    assert len(paths) >= 70
    for path in paths:
        counts = dict(decode_all(path))
        kind = {"tbbo": "mbp-1"}.get(kind_of(path), kind_of(path))
        assert list(counts) == [kind], path
        assert counts[kind] in (1, 4), path


def test_a_live_recording_of_many_kinds_is_decoded() -> None:
    path = recording("databento/python_testdata/LIVE/test_data.live.dbn.zst")
    counts = dict(decode_all(path))
    assert counts["symbol-mapping"] == 20
    assert counts["mbo"] == 5
    assert sum(counts.values()) == 46


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zstd"])
def test_records_without_metadata_are_decoded(tmp_path: Path, packed: bool) -> None:
    data = dbn(*busy(30_000), head=b"", joins=True)
    path = tmp_path / "records.frag"
    path.write_bytes(zstd_frames(data) if packed else data)
    assert decode_all(path) == {"mbo": 30_000}


def test_records_with_a_send_time_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "records.dbn"
    path.write_bytes(metadata(ts_out=True) + Record().encoded(ts_out=5) * 3)
    assert decode_all(path) == {"mbo": 3}


@pytest.mark.parametrize(
    ("behind", "words"),
    [
        (b"\x0e", ["cut off", "1 bytes"]),
        (b"\x03" * 60, ["3 words"]),
        (foreign_record(0x99, 40), ["unknown kind 153"]),
        (foreign_record(STATUS_RTYPE, 80), ["kind status", "80 bytes"]),
        (foreign_record(OHLCV_RTYPE, 52), ["kind ohlcv-1s", "52 bytes"]),
    ],
)
def test_damage_is_told_with_its_place(tmp_path: Path, behind: bytes, words: list[str]) -> None:
    path = tmp_path / "damaged.dbn"
    data = dbn(*busy(3))
    path.write_bytes(data + behind)
    with one_line_error(FeedError, str(path), f"byte {len(data)}", *words):
        decode_all(path)


@relaxed
@given(place=st.integers(0, 400), flip=st.integers(1, 255), cut=st.integers(0, 60))
def test_any_damage_gives_counts_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int, cut: int
) -> None:
    data = bytearray(dbn(*busy(4)))
    data[place % len(data)] ^= flip
    path = tmp_path_factory.getbasetemp() / "flipped.dbn"
    path.write_bytes(data[: len(data) - cut])
    complaint = f"{path}: none"
    try:
        assert sum(decode_all(path).values()) <= 6
    except FeedError as error:
        complaint = str(error)
    assert str(path) in complaint
    assert len(complaint.splitlines()) == 1
