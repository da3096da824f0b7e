"""IEX DEEP 1.0 captures that are cut off, damaged, or not what they should be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.iex import IexSource
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.hypothesis_settings import relaxed
from support.iex_files import (
    GAPPED,
    HEAD_BYTES,
    LEVELS,
    OPENED,
    SEEN,
    START,
    Stream,
    directory,
    events_in,
    level,
    operational,
    payload_offset,
    played,
    source_of,
    status,
    system,
    told,
    trade,
)
from support.pcap_files import (
    TIME_NS,
    Packet,
    interface,
    packet_block,
    pcap,
    section,
)

SECOND = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep.pcap"


def test_two_feeds_at_once_are_refused_where_the_first_comes_again(path: Path) -> None:
    one, other = Stream(), Stream(session=2)
    packets = [one.packet(START, LEVELS[0]), other.packet(START), one.packet(LEVELS[1])]
    source = source_of(path, *packets)
    with one_line_error(
        FeedError, str(path), "two feeds at once", f"byte {payload_offset(packets, 2)}"
    ):
        events_in(source)


def test_a_file_that_is_cut_off_gives_all_whole_changes_before(path: Path) -> None:
    begun = level("A", "B", 994_900, 5, is_last=False)
    packets = Stream().packets([START, LEVELS[0]], [LEVELS[1], begun, LEVELS[0]])
    whole = pcap(*packets, in_ns=True)
    seen = [*OPENED, SEEN[0], SEEN[1], "A LEVEL BID 994900@5 …", SEEN[0]]
    complete = {len(whole) - 1: 4, len(whole) - 31: 4, len(whole) - 33: 4, len(whole) - 65: 3}
    for length, count in complete.items():
        path.write_bytes(whole[:length])
        source = IexSource([path], OpenOptions())
        assert played(source, str(path), f"cut off at byte {length}") == seen[:count]


def test_what_is_held_when_a_file_is_cut_off_is_played(path: Path) -> None:
    one, _, three, four = Stream().packets([START], [LEVELS[0]], [LEVELS[1]], [LEVELS[0]])
    path.write_bytes(pcap(one, three, four)[:-1])
    said = played(IexSource([path], OpenOptions()), str(path), "cut off at byte")
    assert said == [*OPENED, *GAPPED, SEEN[1]]


def with_head(packet: Packet, layout: str, at: int, *values: int) -> Packet:
    """Return a packet with other values in the head of its segment."""
    data = bytearray(packet.data)
    struct.pack_into("<" + layout, data, HEAD_BYTES + at, *values)
    return packet._replace(data=bytes(data))


@pytest.mark.parametrize(
    ("layout", "at", "value", "place"),
    [
        ("H", 12, 31, 0),
        ("H", 12, 2000, 0),
        ("H", 14, 2, 72),
        ("H", 14, 0, 40),
        ("q", 24, -1, 0),
        ("q", 24, 2**62, 0),
        ("q", 32, -1, 0),
        ("H", 40, 29, 42),
        ("H", 40, 31, 40),
        ("H", 40, 0, 42),
        ("q", 44, -1, 42),
    ],
)
def test_a_segment_that_cant_be_right_ends_the_feed_behind_all_good_ones(
    path: Path, layout: str, at: int, value: int, place: int
) -> None:
    one, two, three = Stream().packets([START], [LEVELS[0]], [LEVELS[1]])
    packets = [one, two, with_head(three, layout, at, value), two]
    source = source_of(path, *packets)
    said = played(source, f"{path} is damaged at byte {payload_offset(packets, 2) + place}:")
    assert said == [*OPENED, SEEN[0]]


def test_a_segment_captured_in_part_gives_its_whole_messages(path: Path) -> None:
    one, two, three = Stream().packets([START], LEVELS, [LEVELS[0]])
    kept = HEAD_BYTES + 40 + 32 + 31
    path.write_bytes(pcap(one, two, three, snaplen=kept))
    said = told(IexSource([path], OpenOptions()))
    assert said == [*OPENED, SEEN[0], *GAPPED, SEEN[0]]
    whole = two._replace(time_ns=two.time_ns + 1000)
    blocks = [
        packet_block(one),
        packet_block(two, snaplen=kept),
        *map(packet_block, (whole, three)),
    ]
    path.write_bytes(section() + interface() + b"".join(blocks))
    assert told(IexSource([path], OpenOptions())) == [*OPENED, *SEEN, SEEN[0]]


def test_a_capture_with_a_damaged_segment_is_still_told_for_what_it_is(path: Path) -> None:
    packet = with_head(Stream().packet(START), "H", 14, 9)
    path.write_bytes(pcap(packet))
    assert format_of(path).name == "iex-deep"
    with one_line_error(FeedError, str(path), "damaged at byte"):
        IexSource([path], OpenOptions())


def test_a_message_of_no_bytes_cant_be_right(path: Path) -> None:
    source = source_of(path, Stream().packet(START, LEVELS[0]), Stream(first=3).packet(b""))
    assert played(source, "type 0x00 can't have 0 bytes") == [*OPENED, SEEN[0]]


def test_a_segment_cut_to_more_than_it_tells_cant_be_right(path: Path) -> None:
    one, two = Stream().packets([START, LEVELS[0]], LEVELS)
    path.write_bytes(pcap(one, with_head(two, "H", 12, 20), snaplen=HEAD_BYTES + 40 + 44))
    assert played(IexSource([path], OpenOptions()), "IEX-TP head") == [*OPENED, SEEN[0]]


def test_what_is_played_is_handed_on_before_it_is_much(path: Path) -> None:
    packets = Stream().packets([START], *(400 * [25 * LEVELS]))
    lengths = [len(chunk) for chunk in source_of(path, *packets).chunks()]
    assert sum(lengths) == 2 + 20_000
    assert max(lengths) < 10_000


def test_a_small_segment_that_says_much_is_not_held_in_memory_at_once(path: Path) -> None:
    """Every start of messages tells two things of each stock, in some bytes of the file."""
    stream = Stream()
    names = [status(f"S{number}", "T") for number in range(1000)]
    source = source_of(path, stream.packet(START, *names), stream.packet(*(400 * [START])))
    assert max(len(chunk) for chunk in source.chunks()) <= 10_000
    assert sum(len(chunk) for chunk in source.chunks()) == 401 * 2 * 1000


WHOLE = pcap(
    *Stream().packets(
        [START, directory("A"), directory("B")],
        [level("A", "B", 995_000, 100, is_last=False), LEVELS[1]],
        [],
        [trade("A", 10_000, 5), status("B", "H"), operational("A", "O"), level("B", "S", 7, 7)],
        [status("B", "T"), trade("B", 10_000, 5, 71, b"B"), system("C")],
    ),
    *Stream(session=2, time_ns=TIME_NS + SECOND).packets([START], LEVELS),
)


@relaxed
@given(data=damaged(WHOLE))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pcap"
    path.write_bytes(data)
    play_damaged(path, lambda: IexSource([path], OpenOptions()))


@relaxed
@given(changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 7)), min_size=1))
def test_flipped_bits_give_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(WHOLE)
    for place, bit in changes:
        data[place] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "flipped.pcap"
    path.write_bytes(data)
    play_damaged(path, lambda: IexSource([path], OpenOptions()))
