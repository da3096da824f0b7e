"""ITCH in packet captures: MoldUDP64 with its repeats, gaps, sessions and ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, StatusReason
from market_depth.feeds.formats import FORMATS, format_of
from market_depth.feeds.itch import message_counts
from support import iex_files
from support import itch_files as itch
from support.damage import damaged, play_damaged
from support.errors import one_line_error
from support.flow import Event
from support.hypothesis_settings import relaxed
from support.itch_files import ACME, BOLT, SESSION
from support.pcap_files import PORT, TIME_NS, Packet, datagram, ethernet, ipv4, pcap, pcapng, udp

MS = 1_000_000
DAY_NS = 86_400 * 10**9
DAY = [*itch.opening(ACME, BOLT), *(itch.add(ACME, number) for number in range(1, 21))]
MIDNIGHT_NS = 1_493_092_800_000_000_000
"""2017-04-25T00:00 in New York, the day of `TIME_NS`."""
LOST = (BookStatus.STALE, StatusReason.GAP)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day.pcap"


def written(path: Path, packets: Sequence[Packet]) -> Path:
    path.write_bytes(pcap(*packets, in_ns=True))
    return path


def what(events: Sequence[Event]) -> list[tuple[int, int, int, int]]:
    """Return events without their times of receipt."""
    return [(one.action, one.order_id, one.sequence, one.instrument_id) for one in events]


def order_ids(events: Sequence[Event]) -> list[int]:
    return [one.order_id for one in events if one.action == Action.ADD]


def later(packets: Sequence[Packet], delay_ns: int) -> list[Packet]:
    return [packet._replace(time_ns=packet.time_ns + delay_ns) for packet in packets]


def test_packets_give_the_events_that_a_file_gives(tmp_path: Path, path: Path) -> None:
    file = tmp_path / "04252017.itch"
    file.write_bytes(itch.framed(DAY))
    whole = itch.events_in(file)
    events = itch.events_in(written(path, itch.packets(DAY)))
    assert format_of(path).name == "itch-pcap"
    assert [one._replace(ts_recv=0) for one in events] == [one._replace(ts_recv=0) for one in whole]
    assert events[0].ts_event == MIDNIGHT_NS + itch.FIRST_NS
    sent = [TIME_NS + (one.sequence - 1) // 2 * 2 * MS for one in events]
    assert [one.ts_recv for one in events] == sent
    assert message_counts(path) == message_counts(file)
    path.write_bytes(pcapng(*itch.packets(DAY)))
    assert what(itch.events_in(path)) == what(whole)


def test_a_feeds_two_lines_count_once(tmp_path: Path, path: Path) -> None:
    line_a, line_b = itch.packets(DAY), later(itch.packets(DAY, 3), MS // 2)
    whole = what(itch.events_in(written(path, line_a)))
    both = sorted([*line_a, *line_b], key=lambda packet: packet.time_ns)
    assert what(itch.events_in(written(path, both))) == whole
    holes = [packet for n, packet in enumerate(line_a) if n % 3], later(line_a[::3], MS // 2)
    paths = [written(tmp_path / f"{n}.pcap", line) for n, line in enumerate(holes)]
    assert what(itch.events_in(*paths)) == whole


def test_lines_may_be_cut_into_packets_in_two_ways(path: Path) -> None:
    messages = [*itch.opening(ACME), *(itch.add(ACME, number) for number in range(1, 16_000))]
    wide, narrow = itch.packets(messages, 35), itch.packets(messages, 30)
    whole = what(itch.events_in(written(path, wide)))
    both = sorted([*wide, *narrow], key=lambda packet: packet.time_ns)
    assert what(itch.events_in(written(path, both))) == whole


def test_packets_that_overtake_are_put_in_order(path: Path) -> None:
    packets = itch.packets(DAY)
    whole = what(itch.events_in(written(path, packets)))
    mixed = [packets[n] for n in (0, 1, 4, 2, 3, 6, 5, *range(7, len(packets)))]
    times = [packet.time_ns for packet in packets]
    mixed = [packet._replace(time_ns=time) for packet, time in zip(mixed, times, strict=True)]
    assert what(itch.events_in(written(path, mixed))) == whole


def test_where_messages_are_lost_books_are_stale_until_a_day_starts(path: Path) -> None:
    packets = itch.packets(DAY)
    again = itch.packets(DAY, time_ns=TIME_NS + DAY_NS, session=b"the second")
    lost = [*packets[:5], *packets[6:]]
    events = itch.events_in(written(path, [*lost, *again]))
    assert order_ids(events) == [*range(1, 5), *range(7, 21), *range(1, 21)]
    gap = next(n for n, one in enumerate(events) if one.size == BookStatus.STALE)
    assert [(one.instrument_id, one.size, one.price) for one in events[gap : gap + 2]] == [
        (ACME.locate, *LOST),
        (BOLT.locate, *LOST),
    ]
    assert events[gap].ts_event == events[gap].ts_recv == packets[6].time_ns
    recovered = [status for _, status, _ in itch.statuses(events)][-4:]
    assert recovered == 2 * [BookStatus.RECOVERED] + 2 * [BookStatus.LIVE]


def test_a_heartbeat_tells_of_messages_that_were_lost_at_the_end(path: Path) -> None:
    heartbeat = datagram(itch.mold(len(DAY) + 1, []), TIME_NS + 10**9)
    packets = itch.packets(DAY)
    assert not any(
        status == BookStatus.STALE
        for _, status, _ in itch.statuses(itch.events_in(written(path, [*packets, heartbeat])))
    )
    events = itch.events_in(written(path, [*packets[:-1], heartbeat]))
    assert itch.statuses(events)[-2:] == [(ACME.locate, *LOST), (BOLT.locate, *LOST)]


def test_the_end_of_a_session_has_no_messages(path: Path) -> None:
    end = datagram(itch.mold(len(DAY) + 1, [], count=0xFFFF), TIME_NS + 10**9)
    packets = itch.packets(DAY)
    assert what(itch.events_in(written(path, [*packets, end]))) == what(
        itch.events_in(written(path, packets))
    )


def test_a_capture_that_joins_a_session_is_stale(path: Path) -> None:
    events = itch.events_in(written(path, itch.packets(DAY)[4:]))
    assert itch.statuses(events) == [(ACME.locate, BookStatus.STALE, StatusReason.JOINED)]
    assert [one.sequence for one in events[1:]] == list(range(9, len(DAY) + 1))


def test_a_new_session_is_another_day(path: Path) -> None:
    second = itch.packets(DAY, time_ns=TIME_NS + DAY_NS, session=b"the second")
    events = itch.events_in(written(path, [*itch.packets(DAY), *second]))
    half = len(events) // 2
    assert what(events[half:]) == what(events[:half])
    assert events[half].ts_event - events[0].ts_event == DAY_NS


def test_a_session_that_is_joined_behind_another_is_stale(path: Path) -> None:
    second = itch.packets(DAY, time_ns=TIME_NS + DAY_NS, session=b"the second")[4:]
    events = itch.events_in(written(path, [*itch.packets(DAY), *second]))
    stale = [(ACME.locate, BookStatus.STALE, StatusReason.JOINED)]
    assert [one for one in itch.statuses(events) if one[1] == BookStatus.STALE] == [
        *stale,
        (BOLT.locate, BookStatus.STALE, StatusReason.JOINED),
    ]


def test_what_a_line_repeats_of_a_session_that_is_over_is_left_out(path: Path) -> None:
    first = itch.packets(DAY)
    second = itch.packets(DAY, time_ns=TIME_NS + DAY_NS, session=b"the second")
    late = later(first[-2:], DAY_NS + MS // 2)
    late.append(datagram(itch.mold(len(DAY) + 1, [], count=0xFFFF), TIME_NS + DAY_NS + MS // 2))
    whole = what(itch.events_in(written(path, [*first, *second])))
    mixed = sorted([*first, *second, *late], key=lambda packet: packet.time_ns)
    assert what(itch.events_in(written(path, mixed))) == whole


def test_two_feeds_at_once_can_not_be_played_as_one(path: Path) -> None:
    other = itch.packets(DAY, time_ns=TIME_NS + MS, session=b"the second")
    packets = sorted([*itch.packets(DAY), *other], key=lambda packet: packet.time_ns)
    written(path, packets)
    itch.until_damage(path, "two feeds at once", repr(SESSION.decode()), "'the second'")


def test_packets_without_numbers_are_taken_as_they_come(path: Path) -> None:
    packets = [datagram(itch.mold(0, DAY[:5]), TIME_NS), datagram(itch.mold(0, DAY[5:]), TIME_NS)]
    events = itch.events_in(written(path, packets))
    assert order_ids(events) == list(range(1, 21))
    assert events[-1].sequence == len(DAY)


def test_of_packets_that_were_captured_in_part_whole_messages_are_played(path: Path) -> None:
    first = len(DAY) - 3
    packets = [*itch.packets(DAY[:-4]), datagram(itch.mold(first, DAY[-4:]), TIME_NS + 10**9)]
    size = len(packets[-1].data) - 30
    path.write_bytes(pcap(*packets, snaplen=size))
    events = itch.events_in(path)
    assert order_ids(events) == list(range(1, 20))


def test_what_was_captured_in_part_and_is_no_message_is_left_out(path: Path) -> None:
    packets = itch.packets(DAY)
    whole = what(itch.events_in(written(path, packets)))
    other = datagram(itch.mold(5, [b"Z" * 200], session=b"some other"), TIME_NS)
    path.write_bytes(pcap(other, *packets, snaplen=180))
    assert what(itch.events_in(path)) == whole


def test_a_capture_that_is_cut_off_is_played_until_there(path: Path) -> None:
    written(path, itch.packets(DAY))
    data = path.read_bytes()
    path.write_bytes(data[:-60])
    events = itch.until_damage(path, f"cut off at byte {len(data) - 60}")
    assert order_ids(events) == list(range(1, 19))


def test_a_packet_that_is_none_among_others_is_damage(path: Path) -> None:
    packets = itch.packets(DAY)
    broken = packets[8].data.replace(b"A\0\1", b"Z\0\1", 1)
    packets[8] = packets[8]._replace(data=broken)
    written(path, packets)
    events = itch.until_damage(path, "damaged at byte", "no MoldUDP64 packet")
    assert order_ids(events) == list(range(1, 11))


def test_a_message_that_can_not_be_right_is_told_by_its_place_in_the_file(path: Path) -> None:
    wrong = [*DAY[:-3], itch.add(ACME, 18, "X"), *DAY[-2:]]
    written(path, itch.packets(wrong))
    place = path.read_bytes().index(itch.framed(wrong[-3:-2]))
    events = itch.until_damage(path, f"damaged at byte {place}", "'A' can't be right")
    assert order_ids(events) == list(range(1, 18))


def test_other_traffic_is_left_out(path: Path) -> None:
    packets = itch.packets(DAY)
    whole = what(itch.events_in(written(path, packets)))
    others = [
        datagram(b"something else", TIME_NS),
        datagram(SESSION + bytes(8) + b"\0\1", TIME_NS),  # a request for messages
        datagram(b"", TIME_NS),
        datagram(itch.mold(2**63, DAY[:1]), TIME_NS),
        Packet(ethernet(ipv4(udp(b"to another port" * 10, PORT + 1))), TIME_NS),
    ]
    assert what(itch.events_in(written(path, [*others, *packets]))) == whole


def test_a_capture_without_messages_is_refused(path: Path) -> None:
    written(path, [datagram(b"something else", TIME_NS)])
    with one_line_error(FeedError, str(path), "no MoldUDP64"):
        itch.source_of(path, format_name="itch-pcap")


def test_captures_are_told_from_those_of_other_venues(path: Path) -> None:
    own = {
        "iex-deep": pcap(*iex_files.Stream().packets([iex_files.START])),
        "itch-pcap": pcap(*itch.packets(DAY)),
    }
    for name, data in own.items():
        path.write_bytes(data)
        assert [one.name for one in FORMATS if one.recognises(path, data)] == [name]


@relaxed
@given(data=damaged(pcap(*itch.packets(DAY, 4))))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pcap"
    path.write_bytes(data)
    play_damaged(path, lambda: itch.source_of(path, format_name="itch-pcap"))


@relaxed
@given(data=st.data())
def test_whatever_comes_in_whatever_order_gives_each_message_at_most_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    packets = [*itch.packets(DAY, 1), *itch.packets(DAY, 3)]
    kept = data.draw(st.lists(st.sampled_from(packets), min_size=1))
    times = [TIME_NS + n * MS for n in range(len(kept))]
    mixed = [packet._replace(time_ns=time) for packet, time in zip(kept, times, strict=True)]
    path = tmp_path_factory.getbasetemp() / "mixed.pcap"
    written(path, mixed)
    events = itch.events_in(path)
    sequences = [one.sequence for one in events if one.action == Action.ADD]
    assert sequences == sorted(set(sequences))
    times = [one.ts_recv for one in events]
    assert times == sorted(times)
