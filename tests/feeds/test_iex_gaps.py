"""IEX DEEP 1.0: what is lost makes books stale, and what comes twice counts once."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from market_depth.feeds.base import OpenOptions
from market_depth.feeds.iex import IexSource
from market_depth.feeds.sequencing import MAX_HELD_NS
from support.iex_files import (
    DELAY_NS,
    GAPPED,
    LEVELS,
    OPENED,
    SEEN,
    START,
    Stream,
    events_in,
    level,
    source_of,
    status,
    system,
    told,
    trade,
)
from support.pcap_files import (
    TIME_NS,
    Packet,
    pcap,
)

SECOND = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep.pcap"


RESTARTED = ["A clear …", "A RECOVERED"]


def test_a_gap_makes_books_stale_until_the_next_start_of_messages(path: Path) -> None:
    stream = Stream()
    whole = stream.packets(
        [START, LEVELS[0]],
        [level("A", "B", 995_000, 0)],
        [LEVELS[1], status("A", "H")],
        [trade("A", 995_100, 1)],
        [START, LEVELS[0], status("A", "H")],
    )
    source = source_of(path, whole[0], *whole[2:])
    assert told(source) == [
        *OPENED,
        SEEN[0],
        *GAPPED,
        SEEN[1],
        "A TRADE NONE 995100@1",
        *RESTARTED,
        SEEN[0],
        "A HALTED/VENUE",
    ]
    stale = events_in(source)[3]
    assert stale.ts_event == TIME_NS + 3000
    assert stale.ts_recv == TIME_NS + 3000 + DELAY_NS


def test_another_gap_in_books_that_are_stale_says_nothing_new(path: Path) -> None:
    begun = level("A", "S", 995_100, 300, is_last=False)
    one, two, _, four, _, six, seven = Stream().packets(
        [START], [begun], [LEVELS[0]], [begun], [LEVELS[0]], [trade("A", 1, 1)], [START]
    )
    assert told(source_of(path, one, two, four, six, seven)) == [
        *OPENED,
        f"{SEEN[1]} …",
        *GAPPED,
        f"{SEEN[1]} …",
        "A TRADE NONE 1@1",
        *RESTARTED,
    ]


def test_a_gap_that_is_made_good_in_time_is_none(path: Path) -> None:
    stream = Stream()
    one, two, three, four = stream.packets([START], [LEVELS[0]], [LEVELS[1]], [LEVELS[0]])
    late = two._replace(time_ns=one.time_ns + MAX_HELD_NS)
    assert told(source_of(path, one, three, four, late)) == [*OPENED, *SEEN, SEEN[0]]
    too_late = two._replace(time_ns=three.time_ns + MAX_HELD_NS + 1)
    later = stream.packet(LEVELS[1], step_ns=2 * MAX_HELD_NS)
    assert told(source_of(path, one, three, four, later, too_late)) == [
        *OPENED,
        *GAPPED,
        SEEN[1],
        SEEN[0],
        SEEN[1],
    ]


def test_a_heartbeat_tells_a_gap_before_silence(path: Path) -> None:
    stream = Stream()
    one, _, *beats = stream.packets([START, LEVELS[0]], [LEVELS[1]], [], [])
    last = stream.packet(step_ns=2 * SECOND)
    assert told(source_of(path, one, *beats, last)) == [*OPENED, SEEN[0], *GAPPED]
    assert told(source_of(path, one)) == [*OPENED, SEEN[0]]


@pytest.mark.parametrize("is_one_file", [False, True])
def test_what_two_lines_have_counts_once_and_one_makes_good_what_the_other_lost(
    tmp_path: Path, is_one_file: bool
) -> None:
    segments = [[START], [LEVELS[0]], [], [LEVELS[1], status("A", "H")], [status("A", "T")]]
    packets = Stream().packets(*segments)
    later = [one._replace(time_ns=one.time_ns + 20_000) for one in packets]
    line_a, line_b = packets[:3] + packets[4:], [later[0], *later[2:]]
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    if is_one_file:
        both = sorted(line_a + line_b, key=lambda packet: packet.time_ns)
        paths[0].write_bytes(pcap(*both, in_ns=True))
        source = IexSource(paths[:1], OpenOptions())
    else:
        for path, packets in zip(paths, (line_b, line_a), strict=True):
            path.write_bytes(pcap(*packets, in_ns=True))
        source = IexSource(paths, OpenOptions())
    assert told(source) == [*OPENED, *SEEN, "A HALTED/VENUE", "A LIVE"]
    times = [event.ts_recv for event in events_in(source)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "first", [LEVELS[0], status("A", "T"), trade("A", 995_100, 1), system("R"), b"?"]
)
def test_a_capture_that_begins_within_the_day_is_stale_until_the_next_start(
    path: Path, first: bytes
) -> None:
    stream = Stream(first=500)
    source = source_of(path, *stream.packets([], [first, LEVELS[1]], [START, LEVELS[0]]))
    said = told(source)
    assert said[0] == "A STALE/JOINED"
    assert [one for one in said if "LEVEL" not in one and "TRADE" not in one] == [
        "A STALE/JOINED",
        *OPENED,
    ]
    assert said[-1] == SEEN[0]


@pytest.mark.parametrize("heartbeats", [0, 1, 2])
def test_a_stream_that_is_numbered_anew_has_a_gap_before(path: Path, heartbeats: int) -> None:
    stream, again = Stream(), Stream(time_ns=TIME_NS + 60 * SECOND)
    packets = [
        *stream.packets([START, *LEVELS], []),
        *again.packets(*(heartbeats * [()]), [START, LEVELS[0]]),
    ]
    source = source_of(path, *packets)
    assert told(source) == [*OPENED, *SEEN, *GAPPED, *RESTARTED, SEEN[0]]
    stale = events_in(source)[4]
    first_ns = TIME_NS + 60 * SECOND + 1000
    assert (stale.ts_event, stale.ts_recv) == (first_ns, first_ns + DELAY_NS)


def test_what_is_held_when_a_stream_is_numbered_anew_is_played_before(path: Path) -> None:
    one, _, three = Stream().packets([START], [LEVELS[0]], [LEVELS[1]])
    again = Stream(time_ns=TIME_NS + 100_000).packet(START)
    assert told(source_of(path, one, three, again)) == [*OPENED, *GAPPED, SEEN[1], *RESTARTED]


def test_a_late_heartbeat_of_before_the_first_message_is_no_stream_numbered_anew(
    path: Path,
) -> None:
    heartbeat, start, levels = Stream().packets([], [START], LEVELS)
    late = heartbeat._replace(time_ns=levels.time_ns)
    assert told(source_of(path, heartbeat, start, late, levels, late)) == [*OPENED, *SEEN]


def test_parts_of_a_day_are_played_in_their_order(tmp_path: Path) -> None:
    stream = Stream()
    segments = [[START], [LEVELS[0]], [LEVELS[1]], [status("A", "H")]]
    packets = [stream.packet(*messages, step_ns=SECOND) for messages in segments]
    paths = [tmp_path / "later.pcap", tmp_path / "earlier.pcap"]
    paths[0].write_bytes(pcap(*packets[2:]))
    paths[1].write_bytes(pcap(*packets[:2]))
    assert told(IexSource(paths, OpenOptions())) == [*OPENED, *SEEN, "A HALTED/VENUE"]


def test_a_message_sent_again_is_no_stream_numbered_anew(path: Path) -> None:
    stream = Stream()
    one, two, three = stream.packets([START], LEVELS, [status("A", "H")])
    sent_ns = stream.time_ns + SECOND
    resent = two.data.replace(struct.pack("<qq", 2, TIME_NS + 2000), struct.pack("<qq", 2, sent_ns))
    assert resent != two.data
    again = Packet(resent, sent_ns + DELAY_NS)
    assert told(source_of(path, one, two, three, again)) == [*OPENED, *SEEN, "A HALTED/VENUE"]


def test_a_new_session_from_its_beginning_is_no_gap_and_one_from_within_is(path: Path) -> None:
    first = Stream().packets([START, LEVELS[0]])
    tomorrow = Stream(session=2, time_ns=TIME_NS + 86_400 * SECOND)
    source = source_of(path, *first, *tomorrow.packets([], [START, LEVELS[1]]))
    assert told(source) == [*OPENED, SEEN[0], *OPENED, SEEN[1]]
    within = Stream(session=2, time_ns=TIME_NS + 86_400 * SECOND, first=77)
    source = source_of(path, *first, *within.packets([LEVELS[1]]))
    assert told(source) == [*OPENED, SEEN[0], *GAPPED, SEEN[1]]
