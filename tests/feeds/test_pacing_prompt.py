"""A feed hands over what is due in one go now and then, or, if it is told to, the moment it is."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import pytest

from market_depth.feeds import AtEnd, PacedFeed
from market_depth.feeds.pacing import MIN_WAIT_S
from support.flow import Event, at
from support.sources import ListSource
from support.virtual_time import loop_now, run_virtually

SECOND = 1_000_000_000
MARKET_NS = 1_700_000_000 * SECOND
GAP_S = 0.01
EVENTS = 200
"""Events, so far apart: two seconds of them."""


class HandOver(NamedTuple):
    """What was handed over, and when."""

    at_s: float
    ids: list[int]


def paced(speed: float | None = 1.0, at_end: AtEnd = AtEnd.EXIT) -> PacedFeed:
    events = [
        at(MARKET_NS + round(number * GAP_S * SECOND), Event(order_id=number))
        for number in range(EVENTS)
    ]
    return PacedFeed(
        [ListSource(events)],
        speed=speed,
        at_end=at_end,
        clock_ns=lambda: MARKET_NS + round(loop_now().time() * SECOND),
    )


def play(feed: PacedFeed, told: dict[float, bool] | None = None) -> list[HandOver]:
    """Return what a feed hands over that is told to be prompt, or not, at some moments."""

    async def collect() -> list[HandOver]:
        for at_s, is_prompt in (told or {}).items():
            asyncio.get_running_loop().call_at(at_s, feed.be_prompt, is_prompt)
        return [
            HandOver(loop_now().time(), events["order_id"].tolist())
            async for events in feed.batches()
        ]

    return run_virtually(collect())


def lateness(hand_overs: list[HandOver]) -> dict[int, float]:
    """Return by how much each event came after its time."""
    return {number: one.at_s - number * GAP_S for one in hand_overs for number in one.ids}


def assert_whole(hand_overs: list[HandOver]) -> None:
    assert [number for one in hand_overs for number in one.ids] == list(range(EVENTS))


def test_events_that_nobody_waits_for_come_together() -> None:
    seen = play(paced())
    assert_whole(seen)
    assert len(seen) <= 1 + EVENTS * GAP_S / MIN_WAIT_S
    assert max(lateness(seen).values()) > MIN_WAIT_S / 2


def test_a_prompt_feed_hands_over_every_event_when_it_is_due() -> None:
    feed = paced()
    feed.be_prompt(True)
    seen = play(feed)
    assert_whole(seen)
    assert [one.ids for one in seen] == [[number] for number in range(EVENTS)]
    assert max(lateness(seen).values()) < 0.001
    assert min(lateness(seen).values()) > -0.001


@pytest.mark.parametrize("speed", [0.5, 10.0])
def test_it_is_prompt_at_any_speed(speed: float) -> None:
    feed = paced(speed)
    feed.be_prompt(True)
    seen = play(feed)
    assert_whole(seen)
    assert len(seen) == EVENTS
    assert all(
        one.at_s == pytest.approx(number * GAP_S / speed, abs=0.001)
        for number, one in enumerate(seen)
    )


def test_it_becomes_prompt_at_once_and_stops_being_so() -> None:
    seen = play(paced(), {0.751: True, 1.251: False})
    assert_whole(seen)
    late = lateness(seen)
    asleep = [late[number] for number in range(51, 75)]
    assert max(asleep) > 0.2, "it slept until it was told"
    assert min(one.at_s for one in seen if 74 in one.ids) == pytest.approx(0.751, abs=0.001)
    assert max(late[number] for number in range(76, 125)) < 0.001
    assert len([one for one in seen if one.at_s > 1.3]) <= 2


def test_to_be_told_what_it_knows_already_wakes_nobody() -> None:
    moments = {0.1 + number / 100: False for number in range(30)}
    assert len(play(paced(), moments)) == len(play(paced()))


def test_it_may_be_told_before_it_begins_and_when_it_is_through() -> None:
    feed = paced(at_end=AtEnd.HOLD)
    feed.be_prompt(True)

    async def run() -> int:
        count = 0
        async with asyncio.timeout(3600):
            async for events in feed.batches():
                count += len(events)
                if count == EVENTS:
                    asyncio.get_running_loop().call_later(1, feed.be_prompt, False)
                    asyncio.get_running_loop().call_later(2, feed.be_prompt, True)
        return count

    with pytest.raises(TimeoutError):
        run_virtually(run())
    assert feed.is_through


def test_a_feed_without_a_clock_is_not_slowed_down() -> None:
    feed = paced(None)
    feed.be_prompt(True)
    seen = play(feed)
    assert_whole(seen)
    assert seen[-1].at_s == 0


def test_a_prompt_feed_stands_still_while_it_is_paused() -> None:
    feed = paced()
    feed.be_prompt(True)

    async def run() -> list[HandOver]:
        loop = asyncio.get_running_loop()
        loop.call_at(0.505, feed.pause)
        loop.call_at(0.6, feed.be_prompt, False)
        loop.call_at(0.7, feed.be_prompt, True)
        loop.call_at(5.505, feed.resume)
        return [
            HandOver(loop.time(), events["order_id"].tolist()) async for events in feed.batches()
        ]

    seen = run_virtually(run())
    assert_whole(seen)
    assert len(seen) == EVENTS
    late = lateness(seen)
    assert max(late[number] for number in range(51)) < 0.001
    assert all(late[number] == pytest.approx(5, abs=0.001) for number in range(51, EVENTS))
