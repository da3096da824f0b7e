"""What time it is in the market being played, and what is due by then."""

from __future__ import annotations

import pytest

from market_depth.errors import FeedError
from market_depth.events import Action
from market_depth.feeds import AtEnd, PacedFeed
from support.flow import Event, at
from support.sources import ListSource
from support.virtual_time import loop_now, run_virtually

SECOND = 1_000_000_000
MARKET_NS = 1_700_000_000 * SECOND
WALL_NS = 1_757_996_306 * SECOND


def wall_ns() -> int:
    return WALL_NS + round(loop_now().time() * SECOND)


def feed_of(*seconds: float, speed: float | None = 1.0, at_end: AtEnd = AtEnd.EXIT) -> PacedFeed:
    """Return a feed of changes at these market times, numbered from 0."""
    source = ListSource(
        [
            at(MARKET_NS + round(second * SECOND), Event(order_id=number))
            for number, second in enumerate(seconds)
        ]
    )
    return PacedFeed([source], speed=speed, at_end=at_end, clock_ns=wall_ns)


def market_s(feed: PacedFeed, wall_s: float) -> float:
    return (feed.market_time_ns(WALL_NS + round(wall_s * SECOND)) - MARKET_NS) / SECOND


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0])
def test_market_time_passes_at_the_feeds_speed(speed: float) -> None:
    feed = feed_of(5, 100, speed=speed)

    async def look() -> list[float]:
        batches = feed.batches()
        await anext(batches)
        return [market_s(feed, wall_s) for wall_s in (0, 1, 4)]

    assert run_virtually(look()) == pytest.approx([5, 5 + speed, 5 + 4 * speed])


def test_at_full_speed_market_time_is_that_of_the_last_event() -> None:
    feed = feed_of(5, 7, speed=None)

    async def look() -> list[float]:
        return [market_s(feed, 1000) async for _ in feed.batches()]

    assert run_virtually(look()) == [7]


def test_market_time_stands_still_when_the_source_is_through() -> None:
    feed = feed_of(5, 7)

    async def look() -> None:
        async for _ in feed.batches():
            pass

    run_virtually(look())
    assert market_s(feed, 2) == market_s(feed, 1_000_000) == 7


def test_market_time_in_the_end_is_that_of_the_last_of_all_events() -> None:
    sources = [
        ListSource([at(MARKET_NS, Event()), at(MARKET_NS + end_ns, Event())], instrument_id=end_ns)
        for end_ns in (3, 1, 2)
    ]
    feed = PacedFeed(sources, at_end=AtEnd.EXIT, clock_ns=wall_ns)

    async def play() -> None:
        async for _ in feed.batches():
            pass

    run_virtually(play())
    assert feed.market_time_ns(WALL_NS + 99 * SECOND) == MARKET_NS + 3


def test_market_time_starts_again_with_a_loop() -> None:
    feed = feed_of(5, 7, at_end=AtEnd.LOOP)

    async def look() -> list[float]:
        times = []
        async for events in feed.batches():
            if events["action"][0] != Action.CLEAR:
                times.append(market_s(feed, loop_now().time()))
            if len(times) == 4:
                break
        return times

    assert run_virtually(look()) == pytest.approx([5, 7, 5, 7])


def test_what_is_due_can_be_had_before_the_feed_wakes_up() -> None:
    feed = feed_of(0, 0.01, 0.02, 0.03, 0.2)

    async def look() -> tuple[list[int], list[int], list[int]]:
        batches = feed.batches()
        await anext(batches)

        def due_at(wall_s: float) -> list[int]:
            until = feed.due_events(WALL_NS + round(wall_s * SECOND))
            return [number for events in until for number in events["order_id"].tolist()]

        first, again = due_at(0.025), due_at(0.025)
        rest = [number async for events in batches for number in events["order_id"].tolist()]
        return first, again, rest

    assert run_virtually(look()) == ([1, 2], [], [3, 4])


def test_what_is_due_can_be_had_of_some_instruments_alone() -> None:
    sources = [
        ListSource(
            [at(MARKET_NS + n * SECOND // 100, Event(order_id=n)) for n in range(3)],
            instrument_id=instrument_id,
        )
        for instrument_id in (4, 6)
    ]
    feed = PacedFeed(sources, at_end=AtEnd.EXIT, clock_ns=wall_ns)

    async def look() -> list[list[int]]:
        batches = feed.batches()
        await anext(batches)
        await anext(batches)
        now_ns = WALL_NS + SECOND // 10
        return [
            [int(n) for events in feed.due_events(now_ns, ids) for n in events["instrument_id"]]
            for ids in ([], [5], [6], [4, 6], None)
        ]

    assert run_virtually(look()) == [[], [], [6, 6], [4, 4], []]


@pytest.mark.parametrize("speed", [1.0, None])
def test_nothing_is_due_before_the_feed_has_begun(speed: float | None) -> None:
    feed = feed_of(0, 1, speed=speed)
    assert list(feed.due_events(WALL_NS + 10 * SECOND)) == []


def test_nothing_is_due_once_the_feed_has_failed() -> None:
    """Its books count as stale then; what came later would make them look alive again."""
    failing = ListSource([at(MARKET_NS, Event(order_id=1))], failure="cut off")
    going_on = ListSource(
        [at(MARKET_NS + second * SECOND, Event(order_id=2)) for second in range(5)],
        instrument_id=2,
    )
    feed = PacedFeed([failing, going_on], clock_ns=wall_ns)

    async def play() -> list[int]:
        with pytest.raises(FeedError, match="cut off"):
            async for _ in feed.batches():
                pass
        return [len(events) for events in feed.due_events(WALL_NS + 60 * SECOND)]

    assert run_virtually(play()) == []
