"""ITCH in files: packed, in parts, cut off, damaged, and with too much in them."""

from __future__ import annotations

import gzip
import lzma
import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import zstandard

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.itch import message_counts
from market_depth.feeds.opening import open_files
from support import itch_files as itch
from support.errors import one_line_error
from support.itch_files import ACME, BOLT, Stock

HEAD = itch.opening(ACME, BOLT)
DAY = [*HEAD, *(itch.add(ACME, number, price=9_0000 + number) for number in range(1, 50))]


FIXED_BYTES = 8 * 1024 * 1024
"""Blocks, chunks of events and what becomes of locates, however large a file is."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / itch.NAME


def test_a_file_is_known_by_its_messages(path: Path) -> None:
    path.write_bytes(itch.framed(DAY))
    assert format_of(path).name == "itch"
    assert message_counts(path) == {"S": 2, "R": 2, "H": 2, "A": 49}


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress],
    ids=["gzip", "xz", "zstd"],
)
def test_packed_files_are_unpacked(path: Path, pack: Callable[[bytes], bytes]) -> None:
    path.write_bytes(itch.framed(DAY))
    whole = itch.events_in(path)
    path.write_bytes(pack(itch.framed(DAY)))
    assert itch.events_in(path) == whole
    assert sum(message_counts(path).values()) == len(DAY)


def test_a_packed_file_that_is_cut_off_is_played_as_far_as_it_goes(path: Path) -> None:
    random = Random(1)
    orders = [
        itch.add(ACME, random.getrandbits(64), shares=random.getrandbits(31)) for _ in range(20_000)
    ]
    path.write_bytes(itch.framed([*HEAD, *orders]))
    whole = itch.events_in(path)
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    events = itch.until_damage(path, f"cut off at byte {len(packed) // 2}", "gzip")
    assert len(events) > 9_000
    assert events == whole[: len(events)]


@pytest.mark.parametrize("cut", range(1, 38))
def test_a_file_that_ends_within_a_message(path: Path, cut: int) -> None:
    last = itch.framed([itch.add(ACME, 100)])
    path.write_bytes(itch.framed(DAY))
    whole = itch.events_in(path)
    path.write_bytes(itch.framed(DAY) + last[:cut])
    size = path.stat().st_size
    assert itch.until_damage(path, f"cut off at byte {size}") == whole
    with one_line_error(FeedError, str(path), f"cut off at byte {size}"):
        message_counts(path)


@pytest.mark.parametrize(
    ("junk", "words"),
    [
        (b"\0\x0cZ" + bytes(20), "type 'Z'"),
        (b"\xff\xffA" + bytes(20), "'A' has 65535 bytes, not 36"),
        (b"\0\x13\x07" + bytes(20), "type 0x07"),
        (b"\0\0\0\0" + bytes(20), "type 0x00"),
    ],
)
def test_what_is_no_message_ends_the_feed(path: Path, junk: bytes, words: str) -> None:
    path.write_bytes(itch.framed(DAY))
    whole = itch.events_in(path)
    place = path.stat().st_size + (2 if junk.startswith(b"\0\0") else 0)
    path.write_bytes(itch.framed(DAY) + junk + itch.framed(DAY))
    assert itch.until_damage(path, f"damaged at byte {place}", words) == whole


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\x0cS\0", b"hello, this is no recording"])
def test_a_file_without_a_message_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with one_line_error(FeedError, str(path), "begin with a message"):
        itch.source_of(path, format_name="itch")


def test_zeros_may_stand_in_place_of_all_lengths(path: Path) -> None:
    path.write_bytes(itch.framed(DAY))
    whole = itch.events_in(path)
    path.write_bytes(b"".join(b"\0\0" + one for one in DAY))
    assert itch.events_in(path) == whole
    assert sum(message_counts(path).values()) == len(DAY)


def test_a_length_of_zero_ends_a_session_and_messages_are_counted_anew(path: Path) -> None:
    path.write_bytes(2 * (itch.framed(DAY) + b"\0\0"))
    sequences = [one.sequence for one in itch.events_in(path)]
    half = len(sequences) // 2
    assert sequences[:half] == sequences[half:]


def test_parts_of_a_day_are_one_session(tmp_path: Path) -> None:
    first_half, second_half = DAY[:20], [itch.delete(ACME, 1, time_ns=itch.FIRST_NS + 5), *DAY[20:]]
    first, second = tmp_path / f"{itch.NAME}.1", tmp_path / f"{itch.NAME}.0"
    first.write_bytes(itch.framed(first_half))
    second.write_bytes(itch.framed(second_half))
    whole = tmp_path / itch.NAME
    whole.write_bytes(first.read_bytes() + second.read_bytes())
    assert itch.events_in(second, first) == itch.events_in(whole)


def test_days_are_played_one_after_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "12302019.NASDAQ_ITCH50", tmp_path / "01022020.NASDAQ_ITCH50"
    moved = BOLT._replace(locate=ACME.locate)
    first.write_bytes(itch.framed(DAY))
    second.write_bytes(itch.framed([*itch.opening(moved), itch.add(moved, 7)]))
    events = itch.events_in(second, first)
    assert [one.ts_recv for one in events] == sorted(one.ts_recv for one in events)
    *_, last = events
    assert (last.action, last.order_id, last.instrument_id) == (Action.ADD, 7, BOLT.locate)
    symbols = [(one.instrument_id, one.symbol) for one in itch.source_of(second, first).instruments]
    assert symbols == [(ACME.locate, "ACME"), (BOLT.locate, "BOLT")]
    assert [status for _, status, _ in itch.statuses(events)][:2] == 2 * [BookStatus.LIVE]


def test_stocks_of_two_days_with_one_locate_are_two_instruments(tmp_path: Path) -> None:
    first, second = tmp_path / "12302019.NASDAQ_ITCH50", tmp_path / "01022020.NASDAQ_ITCH50"
    newcomer = Stock(ACME.locate, "NEW")
    first.write_bytes(itch.framed([*itch.opening(ACME, BOLT), itch.add(ACME, 1)]))
    second.write_bytes(itch.framed([*itch.opening(newcomer), itch.add(newcomer, 2)]))
    ids = {one.symbol: one.instrument_id for one in itch.source_of(first, second).instruments}
    assert len(set(ids.values())) == 3
    adds = [one for one in itch.events_in(first, second) if one.action == Action.ADD]
    assert [one.instrument_id for one in adds] == [ids["ACME"], ids["NEW"]]
    clears = [one for one in itch.events_in(first, second) if one.action == Action.CLEAR]
    assert [one.instrument_id for one in clears] == [ids["ACME"], ids["BOLT"], ids["NEW"]]


def test_two_days_that_are_one_can_not_be_played_as_one(tmp_path: Path) -> None:
    paths = [tmp_path / "12302019.itch", tmp_path / "20191230.itch"]
    for path in paths:
        path.write_bytes(itch.framed(DAY))
    with one_line_error(FeedError, *map(str, paths), "two feeds"):
        itch.source_of(*paths)


def test_nasdaqs_venues_are_sources_of_their_own(tmp_path: Path) -> None:
    paths = [tmp_path / "20191230.BX_ITCH_50", tmp_path / "20191230.PSX_ITCH_50"]
    for path in paths:
        path.write_bytes(itch.framed(DAY))
    bx, psx = open_files(paths, OpenOptions())
    assert [one.symbol for one in bx.instruments] == ["ACME", "BOLT"]
    assert [one.symbol for one in psx.instruments] == ["ACME@PSX", "BOLT@PSX"]


def peak_bytes(act: Callable[[], object]) -> int:
    """Return how much memory an act takes at most."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ids", ["spread", "one"])
def test_a_file_takes_no_more_memory_than_it_is_large(path: Path, ids: str) -> None:
    random = Random(2)
    numbers = (random.getrandbits(64) if ids == "spread" else 2**64 - 1 for _ in range(100_000))
    path.write_bytes(itch.framed([*HEAD, *(itch.add(ACME, number) for number in numbers)]))
    peak = peak_bytes(lambda: sum(map(len, itch.source_of(path).chunks())))
    assert peak < FIXED_BYTES + 3 * path.stat().st_size


@pytest.mark.parametrize("junk", [b"\xff", b"\0"])
def test_what_is_behind_damage_takes_no_memory(path: Path, junk: bytes) -> None:
    path.write_bytes(itch.framed(HEAD) + 4 * FIXED_BYTES * junk)

    def play() -> None:
        with pytest.raises(FeedError):
            deque(itch.source_of(path).chunks(), maxlen=0)

    assert peak_bytes(play) < FIXED_BYTES
