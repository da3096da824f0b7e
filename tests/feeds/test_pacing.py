"""Sources played at their own timing, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from market_depth.errors import FeedError
from market_depth.events import Action, Flag
from market_depth.feeds import AtEnd, PacedFeed, Source
from market_depth.feeds.lanes import MAX_EVENTS_PER_TURN
from market_depth.feeds.pacing import MIN_WAIT_S
from support.flow import Event, at, events_of, unfinished
from support.sources import ListSource
from support.virtual_time import loop_now, run_virtually

SECOND = 1_000_000_000
MARKET_NS = 1_700_000_000 * SECOND
"""When the market begins."""
CLEARS = [0, 0, 0, 0]
"""Order ids of what clears two books."""
WALL_NS = 1_757_996_306 * SECOND
"""When it is played."""


class HandOver(NamedTuple):
    """A batch, and when it was handed over."""

    at_s: float
    events: list[Event]

    @property
    def ids(self) -> list[int]:
        return [event.order_id for event in self.events]


def wall_ns() -> int:
    return WALL_NS + round(loop_now().time() * SECOND)


def tick(seconds: float, order_id: int) -> Event:
    """Return a change at a time in the market."""
    return at(MARKET_NS + round(seconds * SECOND), Event(order_id=order_id))


def paced(
    *sources: Source,
    speed: float | None = 1.0,
    at_end: AtEnd = AtEnd.EXIT,
    begin_s: float | None = None,
) -> PacedFeed:
    begin_ns = None if begin_s is None else MARKET_NS + round(begin_s * SECOND)
    return PacedFeed(sources, speed=speed, at_end=at_end, begin_ns=begin_ns, clock_ns=wall_ns)


def play(feed: PacedFeed, most: int | None = None) -> list[HandOver]:
    """Return what a feed hands over until it ends, or until there have been *most* batches."""

    async def collect() -> list[HandOver]:
        seen: list[HandOver] = []
        async for events in feed.batches():
            seen.append(HandOver(loop_now().time(), events_of(events)))
            if len(seen) == most:
                break
        return seen

    return run_virtually(collect())


def ids(hand_overs: Sequence[HandOver]) -> list[int]:
    return [order_id for hand_over in hand_overs for order_id in hand_over.ids]


def test_events_come_at_their_own_timing() -> None:
    seen = play(paced(ListSource([tick(5, 1), tick(5.5, 2), tick(8, 3)])))
    assert [hand_over.ids for hand_over in seen] == [[1], [2], [3]]
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 0.5, 3])


@pytest.mark.parametrize("speed", [0.25, 10.0])
def test_speed_is_market_seconds_per_second(speed: float) -> None:
    seen = play(paced(ListSource([tick(0, 1), tick(10, 2), tick(30, 3)]), speed=speed))
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 10 / speed, 30 / speed])


def test_no_event_comes_before_its_time_nor_long_after_it() -> None:
    events = [tick(0.013 * number, number) for number in range(1, 400)]
    seen = play(paced(ListSource(events[:150], events[150:])))
    assert ids(seen) == list(range(1, 400))
    for hand_over in seen:
        for number in hand_over.ids:
            late_s = hand_over.at_s - 0.013 * (number - 1)
            assert -1e-6 < late_s <= MIN_WAIT_S + 1e-6


def test_at_full_speed_nothing_is_waited_for() -> None:
    events = [tick(1000 * number, number) for number in range(1, 100)]
    feed = paced(ListSource(events), speed=None)
    seen = play(feed)
    assert ids(seen) == list(range(1, 100))
    assert {hand_over.at_s for hand_over in seen} == {0.0}
    assert feed.lag_s == 0


@pytest.mark.parametrize("speed", [1.0, None])
def test_other_tasks_get_their_turn_between_batches(speed: float | None) -> None:
    feed = paced(ListSource([tick(0, number) for number in range(3)], [tick(0, 9)]), speed=speed)

    async def turns_of_another_task() -> list[int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        seen = [turns async for _ in feed.batches()]
        task.cancel()
        return seen

    seen = run_virtually(turns_of_another_task())
    assert seen == sorted(set(seen))
    assert seen[0] > 0


def test_the_market_can_begin_before_its_first_event() -> None:
    seen = play(paced(ListSource([tick(5, 1), tick(6, 2)]), begin_s=3))
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([2, 3])


def test_what_lies_before_the_markets_begin_comes_at_once() -> None:
    seen = play(paced(ListSource([tick(1, 1), tick(2, 2), tick(6, 3)]), begin_s=5))
    assert [hand_over.ids for hand_over in seen] == [[1, 2], [3]]
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 1])


@pytest.mark.parametrize("speed", [1.0, None])
def test_whole_changes_are_never_split(speed: float | None) -> None:
    times = [0, 0, 1, 1, 1, 2]
    events = [tick(time, number) for number, time in enumerate(times)]
    # The first change lasts from 0 s to 1 s: it is whole, and due, at 1 s.
    ends = {2, 3, 5}
    events = [e if n in ends else unfinished(e) for n, e in enumerate(events)]
    seen = play(paced(ListSource(events), speed=speed))
    assert ids(seen) == list(range(6))
    for hand_over in seen:
        assert hand_over.events[-1].flags & Flag.LAST
    if speed:
        assert [(round(h.at_s), h.ids) for h in seen] == [(0, [0, 1, 2, 3]), (1, [4, 5])]


def test_a_chunk_without_a_last_flag_is_one_change() -> None:
    events = [unfinished(tick(number, number)) for number in range(3)]
    seen = play(paced(ListSource(events, [tick(5, 9)])))
    assert [hand_over.ids for hand_over in seen] == [[0, 1, 2], [9]]


def test_a_time_that_goes_back_is_taken_as_no_time_passing() -> None:
    seen = play(paced(ListSource([tick(0, 1), tick(4, 2), tick(3, 3), tick(5, 4)])))
    assert [hand_over.ids for hand_over in seen] == [[1], [2, 3], [4]]
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 4, 5])


def test_a_change_is_due_at_the_latest_of_its_times() -> None:
    seen = play(paced(ListSource([tick(0, 1), unfinished(tick(6, 2)), tick(4, 3)])))
    assert [hand_over.ids for hand_over in seen] == [[1], [2, 3]]
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 6])


@pytest.mark.parametrize("speed", [1.0, None])
def test_a_turn_has_a_bounded_number_of_events(speed: float | None) -> None:
    count = 3 * MAX_EVENTS_PER_TURN
    seen = play(paced(ListSource([tick(0, number) for number in range(count)]), speed=speed))
    assert ids(seen) == list(range(count))
    assert max(len(hand_over.events) for hand_over in seen) == MAX_EVENTS_PER_TURN


def test_a_change_larger_than_a_turn_is_handed_over_whole() -> None:
    count = MAX_EVENTS_PER_TURN + 100
    large = [unfinished(tick(0, number)) for number in range(count)]
    seen = play(paced(ListSource([tick(0, 1), *large, tick(0, 2), tick(0, 3)])))
    assert [len(hand_over.events) for hand_over in seen] == [1, count + 1, 1]


def test_sources_are_played_side_by_side_on_one_clock() -> None:
    one = ListSource([tick(0, 1), tick(2, 3), tick(9, 5)], instrument_id=1)
    other = ListSource([tick(1, 2), tick(4, 4)], instrument_id=2)
    feed = paced(one, other)
    seen = play(feed)
    assert [(round(h.at_s, 3), h.ids) for h in seen] == [
        (0, [1]),
        (1, [2]),
        (2, [3]),
        (4, [4]),
        (9, [5]),
    ]
    assert [found.instrument_id for found in feed.instruments] == [1, 2]


def test_at_full_speed_sources_keep_in_step_by_turns() -> None:
    changes = 2 * MAX_EVENTS_PER_TURN
    sources = [
        ListSource([tick(2 * n + k, 2 * n + k) for n in range(changes)], instrument_id=k + 1)
        for k in range(2)
    ]
    reached = {1: 0, 2: 0}
    for hand_over in play(paced(*sources, speed=None)):
        reached[hand_over.events[0].instrument_id] += len(hand_over.events)
        assert abs(reached[1] - reached[2]) <= MAX_EVENTS_PER_TURN
    assert reached == {1: changes, 2: changes}


def test_lag_is_told_in_seconds_of_the_server() -> None:
    feed = paced(ListSource([tick(0, 1), tick(20, 2), tick(40, 3)]), speed=10.0)

    async def late() -> float:
        async for events in feed.batches():
            if events["order_id"][0] == 1:
                loop_now().advance(3.5)
            else:
                break
        return feed.lag_s

    assert run_virtually(late()) == pytest.approx(1.5)


def test_late_hand_over_shows_as_lag_and_is_caught_up() -> None:
    feed = paced(ListSource([tick(number, number) for number in range(10)]))

    async def lags() -> list[tuple[list[int], float]]:
        seen = []
        async for events in feed.batches():
            seen.append((events["order_id"].tolist(), round(feed.lag_s, 3)))
            if seen[-1][0] == [2]:
                loop_now().advance(4.5)
        return seen

    assert run_virtually(lags()) == [
        ([0], 0.0),
        ([1], 0.0),
        ([2], 0.0),
        ([3, 4, 5, 6], 3.5),
        *[([number], 0.0) for number in range(7, 10)],
    ]


def clears(events: Sequence[Event]) -> list[tuple[int, int, int]]:
    return [(e.instrument_id, e.action, e.flags) for e in events]


def test_a_loop_clears_the_books_and_starts_again() -> None:
    one = ListSource([tick(0, 1), tick(2, 2)], instrument_id=4)
    other = ListSource([tick(1, 3)], instrument_id=6)
    seen = play(paced(one, other, at_end=AtEnd.LOOP), most=8)
    assert [hand_over.ids for hand_over in seen] == [[1], [3], [2], CLEARS, [1], [3], [2], CLEARS]
    assert [hand_over.at_s for hand_over in seen] == pytest.approx([0, 1, 2, 2, 2, 3, 4, 4])
    for clearing in (seen[3], seen[7]):
        assert clears(clearing.events) == [
            (4, Action.CLEAR, 0),
            (4, Action.STATUS, Flag.LAST),
            (6, Action.CLEAR, 0),
            (6, Action.STATUS, Flag.LAST),
        ]
        assert {event.ts_event for event in clearing.events} == {MARKET_NS + 2 * SECOND}


def test_a_loop_goes_on_when_whoever_looks_has_taken_all_there_was() -> None:
    async def looked_at() -> list[int]:
        feed = paced(ListSource([tick(0, 1), tick(0.1, 2)]), at_end=AtEnd.LOOP)
        batches = feed.batches()
        upcoming = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        taken = [events_of(events) for events in feed.due_events(wall_ns() + SECOND)]
        assert [event.order_id for events in taken for event in events] == [1, 2]
        return [event.action for event in events_of(await upcoming)]

    assert run_virtually(looked_at()) == [Action.CLEAR, Action.STATUS]


def test_a_loop_over_nothing_is_refused() -> None:
    with pytest.raises(FeedError, match="without events"):
        play(paced(ListSource(), at_end=AtEnd.LOOP))


def test_a_feed_that_holds_neither_ends_nor_goes_on() -> None:
    feed = paced(ListSource([tick(0, 1)]), at_end=AtEnd.HOLD)

    async def wait_for_the_second() -> None:
        batches = feed.batches()
        await anext(batches)
        async with asyncio.timeout(1_000_000):
            await anext(batches)

    with pytest.raises(TimeoutError):
        run_virtually(wait_for_the_second())


@pytest.mark.parametrize("at_end", AtEnd)
def test_a_source_that_fails_ends_the_feed_behind_its_good_events(at_end: AtEnd) -> None:
    feed = paced(ListSource([tick(0, 1)], [tick(1, 2)], failure="cut off"), at_end=at_end)
    seen: list[int] = []

    async def collect() -> None:
        async for events in feed.batches():
            seen.extend(events["order_id"].tolist())

    with pytest.raises(FeedError, match="cut off"):
        run_virtually(collect())
    assert seen == [1, 2]
