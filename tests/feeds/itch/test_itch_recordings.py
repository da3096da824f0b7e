"""Real recordings of ITCH 5.0: heads of days, single packets, and a made-up day by others."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
from benchmarks.plain_itch import PlainItch

from market_depth.book import BookPolicy, Books
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events
from market_depth.feeds.formats import format_of
from market_depth.feeds.itch import message_counts
from support import itch_files as itch
from support.compare import assert_same
from support.errors import one_line_error
from support.flow import Event
from support.naive_book import NaiveBook
from support.recordings import recording

SYNTHETIC = "itch50/ritch_SYNTHETIC/ex20101224.TEST_ITCH_50.gz"
SLICE = "itch50/real_sample_slice.itch"
PACKETS, MESSAGES, TYPES = 49, 227, 16


def test_every_captured_packet_is_decoded() -> None:
    paths = sorted(recording("itch50/omi_packets").rglob("*.pcap"))
    counts: Counter[str] = Counter()
    for path in paths:
        assert format_of(path).name == "itch-pcap"
        counts.update(message_counts(path))
        for chunk in itch.source_of(path).chunks():
            assert len(chunk)
    assert (len(paths), sum(counts.values()), len(counts)) == (PACKETS, MESSAGES, TYPES)


def test_a_capture_of_a_busy_moment() -> None:
    (path,) = recording("itch50/omi_packets").rglob("Multiple.Packets.pcap")
    events = itch.events_in(path)
    adds = [one for one in events if one.action == Action.ADD]
    assert len(adds) == 38
    assert len({one.sequence for one in adds}) == 38
    assert len({one.instrument_id for one in adds}) == 1


def test_the_head_of_a_real_day_names_all_its_stocks() -> None:
    path = recording(SLICE)
    source = itch.source_of(path)
    assert len(source.instruments) == 8_713
    events: list[Events] = []
    with one_line_error(FeedError, str(path), "cut off at byte 1048576, within a message"):
        events.extend(source.chunks())
    statuses = np.concatenate(events)
    statuses = statuses[statuses["action"] == Action.STATUS]
    assert (statuses["size"] == BookStatus.LIVE).sum() == 8_713 + 8_706
    assert (statuses["size"] == BookStatus.HALTED).sum() == 1


def test_the_first_messages_of_a_real_day() -> None:
    path = recording("itch50/sample.itch")
    assert sum(message_counts(path).values()) == 1_000
    assert len(itch.events_in(path)) == 2 * 993 + 3


def with_lengths(path: Path) -> bytes:
    """Return a file that has zeros in place of lengths as one that has them."""
    data = gzip.decompress(path.read_bytes())
    messages = []
    at = 0
    while at < len(data):
        start, at = at + 2, at + 2 + itch.LENGTHS[chr(data[at + 2])]
        messages.append(data[start:at])
    return itch.framed(messages)


def test_a_made_up_day_by_others() -> None:
    path = recording(SYNTHETIC)
    counts = message_counts(path)
    assert {kind: counts[kind] for kind in "SRHP"} == {"S": 6, "R": 3, "H": 3, "P": 5_000}
    assert counts["A"] + counts["F"] == 5_000
    assert sum(counts[kind] for kind in "DEUX") == 2_000
    assert sum(counts.values()) == 12_012
    midnight_ns = 1_293_166_800 * 10**9
    plain = [Event(*fields) for fields in PlainItch(midnight_ns).events(with_lengths(path))]
    assert itch.of_orders(itch.events_in(path)) == plain
    source = itch.source_of(path)
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    for chunk in source.chunks():
        books.apply(chunk)
    for one in source.instruments:
        oracle = NaiveBook()
        oracle.sequence = 1  # the clear at the start
        oracle.apply(event for event in plain if event.instrument_id == one.instrument_id)
        assert_same(books[one.instrument_id], oracle, midnight_ns)
