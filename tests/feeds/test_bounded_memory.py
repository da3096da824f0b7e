"""What a file costs in memory: no more than a few lines, and a small multiple of what it holds.

Files are played in a process that is not given much, and what it takes is measured.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import zstandard

from market_depth.feeds.files import MAX_LINE_BYTES
from support.bounded import Task, can_measure, play_bounded
from support.dbn_files import zstd_frames
from support.memory import MIB
from support.seeds import PACKINGS, SEEDS, Seed, seed_called

pytestmark = pytest.mark.skipif(not can_measure(), reason="no peak of memory can be measured here")

ADDRESS_SPACE_BYTES: Final = 768 * MIB
"""More than what is resident: buffers that are never filled count as well."""
LINES_PEAK_BYTES: Final = 6 * MAX_LINE_BYTES
GIGABYTE: Final = 1024 * MIB
ZEROS: Final = bytes(16 * MIB)
BINARY: Final = ("arrows", "dbn", "iex-deep", "itch", "itch-pcap", "parquet")
LENGTHS: Final = (b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\x40")
PLACES: Final = 40
"""At how many a length is put in each file."""
SMALL_PEAK_BYTES: Final = 64 * MIB
BIG_BYTES: Final = 2 * MIB
TIMES_CONTENT: Final = 64


def written(folder: Path, seed: Seed, data: bytes) -> Task:
    folder.mkdir()
    for name, beside in seed.beside:
        (folder / name).write_bytes(beside)
    path = folder / seed.name
    path.write_bytes(data)
    return Task(seed.format, path)


def bomb(head: bytes, packing: str) -> bytes:
    """Return *head* and zeros without end, packed: of zstd in one frame."""
    count = GIGABYTE // len(ZEROS)
    if packing == "zstd":
        packer = zstandard.ZstdCompressor().compressobj()
        parts = [packer.compress(part) for part in (head, *[ZEROS] * count)]
        return b"".join([*parts, packer.flush()])
    pack = PACKINGS[packing]
    return pack(head + 4 * ZEROS) if packing == "zip" else pack(head) + pack(ZEROS) * count


@pytest.mark.parametrize("packing", [name for name in PACKINGS if name != "plain"])
def test_what_unpacks_to_a_gigabyte_takes_no_more_than_a_few_lines(
    tmp_path: Path, packing: str
) -> None:
    tasks, warm = [], []
    labels = ("tardis-book", "coinbase-rest-orders", "binance-bare", "bybit-array", "dbn-mbo")
    for seed in map(seed_called, labels):
        head = seed.data.rstrip(b"]}\n") if seed.data[:1] in b"[{" else seed.data
        data = bomb(head, packing)
        warm.append(written(tmp_path / str(seed), seed, seed.data))
        tasks.append(written(tmp_path / f"{seed}-bomb", seed, data))
        assert len(data) < 2 * MIB
    for outcome in play_bounded(tasks, ADDRESS_SPACE_BYTES, warm):
        assert outcome.complaint is not None
        assert outcome.peak_bytes < LINES_PEAK_BYTES, outcome


def test_metadata_that_unpack_to_a_gigabyte_are_damaged(tmp_path: Path) -> None:
    seed = seed_called("dbn-dbz")
    packed = zstd_frames(*[ZEROS] * (GIGABYTE // len(ZEROS)))
    fixed = seed.data[8:104]
    data = seed.data[:4] + struct.pack("<I", len(fixed) + len(packed)) + fixed + packed
    (outcome,) = play_bounded([written(tmp_path / "dbz", seed, data)], ADDRESS_SPACE_BYTES)
    assert "metadata of more than" in str(outcome.complaint)
    assert outcome.peak_bytes < LINES_PEAK_BYTES, outcome


def with_lengths(seed: Seed) -> Iterator[bytes]:
    step = max(len(seed.data) // PLACES, 1)
    for turn, place in enumerate(range(0, len(seed.data), step)):
        length = LENGTHS[turn % len(LENGTHS)]
        yield seed.data[:place] + length + seed.data[place + len(length) :]


def test_lengths_that_can_not_be_are_not_believed(tmp_path: Path) -> None:
    seeds = [seed for seed in SEEDS if seed.format in BINARY]
    warm = [written(tmp_path / str(seed), seed, seed.data) for seed in seeds]
    tasks = [
        written(tmp_path / f"{seed}-{turn}", seed, data)
        for seed in seeds
        for turn, data in enumerate(with_lengths(seed))
    ]
    outcomes = play_bounded(tasks, ADDRESS_SPACE_BYTES, warm)
    assert max(outcome.peak_bytes for outcome in outcomes) < SMALL_PEAK_BYTES


SUBSCRIBED: Final = b'{"event":"subscribed","channel":"book","chanId":1,"symbol":"tB","prec":"R0"}'
L2: Final = b"exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
DIFF: Final = b'{"e":"depthUpdate","E":5,"s":"B","U":1,"u":2,"a":[],"b":['
BOOK: Final = (
    b'{"topic":"orderbook.50.B","type":"snapshot","ts":5,"data":{"s":"B","u":1,"seq":9,"a":[],"b":['
)
TRADE: Final = b'{"e":"trade","E":6,"s":"B%d","t":1,"p":"1","q":"2","m":true,"M":true}\n'

CROWDED: Final = {
    "lists": ("bitfinex", SUBSCRIBED + b"\n[1,[", b"[],", b"[]]]\n"),
    "orders": ("bitfinex", SUBSCRIBED + b"\n[1,[", b"[7,1,2],", b"[8,1,2]]]\n"),
    "waiting levels": ("binance", DIFF, b'["1","1"],', b'["1","1"]]}\n'),
    "levels": ("bybit", BOOK, b'["1","2"],', b'["1","2"]]}}\n'),
    "symbols": ("binance", b"", TRADE, b""),
    "snapshot": ("coinbase-rest", b'{"bids":[', b'["1","1",2],', b'["1","1",2]],"asks":[]}'),
    "rows": ("tardis", L2, b"x,B,1,2,true,bid,1,1\n", b""),
    "blank lines": ("tardis", L2, b"\n", b"x,B,1,2,true,bid,1,1\n"),
    "symbols in rows": ("tardis", L2, b"x,B%d,1,2,true,bid,1,1\n", b""),
    "columns": ("tardis", L2[:-1], b",c", b"\nx,B,1,2,true,bid,1,1\n"),
    "fields": ("tardis", L2, b"x,B,", b"\nx,B,1,2,true,bid,1,1\n"),
    "adds": ("cran-orderbook", b"type,time,id,price,size,type\n", b"A,1,%d,1,1,BID\n", b""),
}
"""Formats, and how a file begins, goes on and ends that has as many things as there is room."""


def crowded(head: bytes, unit: bytes, tail: bytes) -> bytes:
    count = BIG_BYTES // len(unit)
    units = [unit % number for number in range(count)] if b"%" in unit else [unit] * count
    return head + b"".join(units) + tail


def test_what_is_in_a_file_takes_a_small_multiple_of_it(tmp_path: Path) -> None:
    tasks = []
    for what, (form, *parts) in CROWDED.items():
        path = tmp_path / what
        path.write_bytes(crowded(*parts))
        tasks.append(Task(form, path))
    warm = [written(tmp_path / str(seed), seed, seed.data) for seed in SEEDS]
    outcomes = play_bounded(tasks, ADDRESS_SPACE_BYTES, warm)
    for task, outcome in zip(tasks, outcomes, strict=True):
        assert outcome.peak_bytes < SMALL_PEAK_BYTES + TIMES_CONTENT * BIG_BYTES, task
