"""Packets in order: each message once, whatever comes twice, late or not at all; gaps are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.feeds.sequencing import (
    MAX_HELD_MESSAGES,
    MAX_HELD_NS,
    MAX_HELD_PACKETS,
    InOrder,
    Sequencer,
)
from support.hypothesis_settings import relaxed


class Sent(NamedTuple):
    """A packet with messages that are numbered on."""

    first: int
    length: int = 1
    time_ns: int = 0

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.length)


class Line:
    """A sequencer, and what comes out of it."""

    def __init__(self, *sent: Sent) -> None:
        self.sequencer: Sequencer[Sent] = Sequencer()
        self.push(*sent)

    def push(self, *sent: Sent) -> list[InOrder[Sent]]:
        return [
            one
            for packet in sent
            for one in self.sequencer.push(packet, packet.first, packet.length, packet.time_ns)
        ]

    def finish(self) -> list[InOrder[Sent]]:
        return list(self.sequencer.finish())


def numbers(found: Iterable[InOrder[Sent]]) -> list[int]:
    """Return the messages that are to be played."""
    return [number for one in found for number in one.packet.numbers[one.repeated :]]


def test_the_first_packet_begins_wherever_it_is() -> None:
    line = Line()
    assert line.sequencer.expected is None
    assert line.push(Sent(7, 3)) == [InOrder(Sent(7, 3), 0, 0)]
    assert line.sequencer.expected == 10


def test_packets_in_order_go_through_at_once() -> None:
    sent = [Sent(1, 2), Sent(3, 5), Sent(8)]
    assert Line().push(*sent) == [InOrder(one, 0, 0) for one in sent]


def test_a_packet_that_comes_twice_counts_once() -> None:
    line = Line(Sent(1, 2), Sent(3, 2))
    assert line.push(Sent(1, 2), Sent(3, 2), Sent(2, 3)) == []
    assert line.sequencer.repeated_packets == 3
    assert line.push(Sent(5)) == [InOrder(Sent(5), 0, 0)]


def test_of_a_packet_that_overlaps_only_the_rest_counts() -> None:
    line = Line(Sent(1, 3))
    assert line.push(Sent(2, 5)) == [InOrder(Sent(2, 5), 2, 0)]
    assert line.sequencer.repeated_packets == 0


def test_packets_that_come_too_early_wait_for_those_between() -> None:
    line = Line(Sent(1))
    assert line.push(Sent(4), Sent(3), Sent(3)) == []
    assert line.push(Sent(2)) == [InOrder(Sent(number), 0, 0) for number in (2, 3, 4)]
    assert line.sequencer.repeated_packets == 1
    assert line.finish() == []


def test_what_has_not_come_at_the_end_is_lost() -> None:
    line = Line(Sent(1))
    line.push(Sent(9, 2), Sent(4, 2))
    assert line.finish() == [InOrder(Sent(4, 2), 0, 2), InOrder(Sent(9, 2), 0, 3)]
    assert line.finish() == []


def test_a_packet_without_messages_says_nothing_while_it_is_in_turn() -> None:
    line = Line(Sent(1, 2))
    assert line.push(Sent(3, 0), Sent(3, 0), Sent(1, 0)) == []
    assert line.sequencer.repeated_packets == 0
    assert line.push(Sent(3)) == [InOrder(Sent(3), 0, 0)]


def test_a_packet_without_messages_tells_a_gap_before_it() -> None:
    line = Line(Sent(1, 2))
    assert line.push(Sent(5, 0)) == []
    beat = Sent(5, 0, MAX_HELD_NS + 1)
    assert line.push(beat) == [InOrder(Sent(5, 0), 0, 2)]
    assert line.push(Sent(5)) == [InOrder(Sent(5), 0, 0)]


def test_what_is_missing_is_waited_for_so_long() -> None:
    line = Line(Sent(1))
    line.push(Sent(3, time_ns=10), Sent(4, time_ns=10 + MAX_HELD_NS))
    late = Line(Sent(1))
    late.push(Sent(3, time_ns=10))
    assert line.push(Sent(2)) == [
        InOrder(Sent(2), 0, 0),
        *line_of(3, 4, times=(10, 10 + MAX_HELD_NS)),
    ]
    assert late.push(Sent(4, time_ns=11 + MAX_HELD_NS)) == [
        InOrder(Sent(3, time_ns=10), 0, 1),
        InOrder(Sent(4, time_ns=11 + MAX_HELD_NS), 0, 0),
    ]


def line_of(*firsts: int, times: Iterable[int]) -> list[InOrder[Sent]]:
    return [InOrder(Sent(f, time_ns=t), 0, 0) for f, t in zip(firsts, times, strict=True)]


def test_what_comes_after_it_was_given_up_is_left_out() -> None:
    line = Line(Sent(1), Sent(3, time_ns=10), Sent(4, time_ns=11 + MAX_HELD_NS))
    assert line.push(Sent(2), Sent(2, 4)) == [InOrder(Sent(2, 4), 3, 0)]


def test_each_gap_is_waited_for_from_when_it_shows() -> None:
    """A number far off, as of a damaged packet, must not cost those behind it their patience."""
    line = Line(Sent(1))
    assert line.push(Sent(10**9)) == []
    much_later = 100 * MAX_HELD_NS
    assert line.push(Sent(2, time_ns=much_later)) != []
    assert line.push(Sent(4, time_ns=much_later)) == []
    assert numbers(line.push(Sent(3, time_ns=much_later))) == [3, 4]
    assert line.finish() == [InOrder(Sent(10**9), 0, 10**9 - 5)]


def test_no_more_packets_are_held_than_that() -> None:
    line = Line(Sent(1))
    assert line.push(*(Sent(number) for number in range(3, 3 + MAX_HELD_PACKETS))) == []
    found = line.push(Sent(3 + MAX_HELD_PACKETS))
    assert [one.lost for one in found] == [1] + MAX_HELD_PACKETS * [0]
    assert numbers(found) == list(range(3, 4 + MAX_HELD_PACKETS))


def test_with_gaps_among_those_held_only_as_many_are_given_up_as_need_be() -> None:
    line = Line(Sent(1))
    line.push(*(Sent(number) for number in range(3, 3 + 2 * MAX_HELD_PACKETS, 2)))
    assert line.push(Sent(10**6)) == [InOrder(Sent(3), 0, 1)]
    assert line.push(Sent(4)) == [InOrder(Sent(4), 0, 0), InOrder(Sent(5), 0, 0)]


@pytest.mark.parametrize("length", [1000, 60_000])
def test_no_more_messages_are_held_than_that(length: int) -> None:
    line = Line(Sent(1))
    held = 0
    first = 3
    while held <= 10 * MAX_HELD_MESSAGES:
        found = line.push(Sent(first, length))
        held += length - sum(one.packet.length for one in found)
        if found:
            break
        first += length + 1
    assert held <= MAX_HELD_MESSAGES
    assert found[0] == InOrder(Sent(3, length), 0, 1)


def test_many_small_packets_are_given_up_for_a_large_one() -> None:
    line = Line(Sent(1))
    large = [Sent(number * MAX_HELD_MESSAGES, MAX_HELD_MESSAGES * 2 // 3) for number in (1, 2)]
    small = [Sent(number, 1) for number in range(3, 500, 2)]
    assert line.push(large[0], *small) == []
    assert [one.packet for one in line.push(large[1])] == [*small, large[0]]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Sent]:
    """Return packets of a stream as they come: some lost, some twice or cut anew, out of order."""
    packets: list[Sent] = []
    for _ in range(2):
        first = 1
        for length in draw(st.lists(st.integers(0, 4), max_size=12)):
            packets.append(Sent(first, length))
            first += length
    return [one for one in draw(st.permutations(packets)) if draw(st.integers(0, 3))]


def played(found: list[InOrder[Sent]], begin: int) -> tuple[list[int], int]:
    """Return the messages that are played, and the next one; what is lost must be told."""
    at = begin
    for one in found:
        assert one.lost >= 0
        at += one.lost
        assert at == one.packet.first + one.repeated
        at = one.packet.first + one.packet.length
    return numbers(found), at


@relaxed
@given(sent=deliveries())
def test_each_message_that_comes_is_played_once_and_in_order(sent: list[Sent]) -> None:
    line = Line()
    found = [*line.push(*sent), *line.finish()]
    begin = sent[0].first if sent else 1
    come = {number for one in sent for number in one.numbers if number >= begin}
    there, end = played(found, begin)
    assert there == sorted(come)
    assert sum(one.lost for one in found) == end - begin - len(come)
    assert end >= max((one.first + one.length for one in sent), default=1) or not sent


@relaxed
@given(sent=deliveries(), times=st.lists(st.integers(0, MAX_HELD_NS), min_size=24, max_size=24))
def test_what_is_given_up_is_told_and_nothing_comes_twice_or_goes_back(
    sent: list[Sent], times: list[int]
) -> None:
    line = Line()
    now = 0
    found = []
    for one, step in zip(sent, times, strict=False):
        now += step
        found += line.push(one._replace(time_ns=now))
    found += line.finish()
    there, end = played(found, sent[0].first if sent else 1)
    assert there == sorted(set(there))
    assert line.sequencer.expected in (end, None)
    assert set(there) <= {number for one in sent for number in one.numbers}
