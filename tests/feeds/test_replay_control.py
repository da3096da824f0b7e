"""A market that is played can be paused, sped up, and sought in, while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise

import pytest

from market_depth.events import Action
from market_depth.feeds import AtEnd, PacedFeed
from support.flow import Event, at, events_of
from support.sources import ListSource
from support.virtual_time import loop_now, run_virtually

SECOND = 1_000_000_000
MARKET_NS = 1_700_000_000 * SECOND
WALL_NS = 1_757_996_306 * SECOND
Orders = dict[float, Callable[[], None]]
"""What to do at which second."""
TICKS = 40
"""A change a second, numbered like its second."""


def wall_ns() -> int:
    return WALL_NS + round(loop_now().time() * SECOND)


def ticks(*numbers: int) -> list[Event]:
    return [at(MARKET_NS + number * SECOND, Event(order_id=number)) for number in numbers]


def recording(
    speed: float | None = 1.0,
    at_end: AtEnd = AtEnd.EXIT,
    *,
    begin_s: float | None = None,
    end_s: float | None = None,
) -> PacedFeed:
    """Return a feed of `TICKS` changes in chunks of a few."""
    chunks = [ticks(*range(begin, begin + 4)) for begin in range(0, TICKS, 4)]
    return PacedFeed(
        [ListSource(*chunks)],
        speed=speed,
        at_end=at_end,
        begin_ns=None if begin_s is None else MARKET_NS + round(begin_s * SECOND),
        waits_for_first=False,
        end_ns=None if end_s is None else MARKET_NS + round(end_s * SECOND),
        clock_ns=wall_ns,
    )


def play(
    feed: PacedFeed, orders: Mapping[float, Callable[[], None]], until_s: float = 1000
) -> list[tuple[float, int]]:
    """Return when each change came, -1 for a clear.

    Args:
        feed: what to play.
        orders: what to do at which second.
        until_s: when to stop.
    """

    async def collect() -> list[tuple[float, int]]:
        for second, order in orders.items():
            loop_now().call_at(second, order)
        seen: list[tuple[float, int]] = []
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                async for events in feed.batches():
                    for event in events_of(events):
                        if event.action != Action.STATUS:
                            number = -1 if event.action == Action.CLEAR else event.order_id
                            seen.append((loop_now().time(), number))
        return seen

    return run_virtually(collect())


def numbers(seen: list[tuple[float, int]]) -> list[int]:
    return [number for _, number in seen]


def test_a_paused_market_stands_still_and_goes_on_where_it_stood() -> None:
    feed = recording()
    seen = play(feed, {5: feed.pause, 105: feed.resume})
    assert numbers(seen) == list(range(TICKS)), "nothing is lost, nothing comes twice"
    for when, number in seen:
        assert when == pytest.approx(number if number <= 5 else number + 100, abs=0.5)


def test_time_stands_still_in_a_paused_market() -> None:
    feed = recording()
    times: list[int] = []

    def note() -> None:
        times.append((feed.market_time_ns(wall_ns()) - MARKET_NS) // SECOND)

    play(feed, {4: note, 5: feed.pause, 50: note, 90: note, 105: feed.resume, 110: note})
    assert times == [4, 5, 5, 10]


def test_another_speed_counts_from_where_the_market_is() -> None:
    feed = recording()
    seen = play(feed, {10: lambda: feed.set_speed(10.0), 12: lambda: feed.set_speed(0.5)})
    assert numbers(seen) == list(range(TICKS))
    when = {number: second for second, number in seen}
    assert when[29] == pytest.approx(11.9, abs=0.6)
    assert when[35] == pytest.approx(12 + 5 / 0.5, abs=0.6)


def test_at_full_speed_nothing_is_waited_for_any_more() -> None:
    feed = recording(speed=0.01)
    seen = play(feed, {150: lambda: feed.set_speed(None)})
    assert numbers(seen) == list(range(TICKS))
    assert seen[-1][0] == pytest.approx(150)


def test_seeking_forwards_applies_what_lies_between_at_once() -> None:
    feed = recording()
    seen = play(feed, {3: lambda: feed.seek(MARKET_NS + 30 * SECOND)})
    assert numbers(seen) == list(range(TICKS))
    when = {number: second for second, number in seen}
    assert when[30] == pytest.approx(3)
    assert when[31] == pytest.approx(4, abs=0.5)


def test_seeking_back_clears_the_books_and_builds_them_anew() -> None:
    feed = recording()
    seen = play(feed, {20.9: lambda: feed.seek(MARKET_NS + 10 * SECOND)})
    assert numbers(seen) == [*range(21), -1, *range(TICKS)]
    again = {number: second for second, number in seen[22:]}
    assert again[10] == pytest.approx(20.9)
    assert again[20] == pytest.approx(30.9, abs=0.5)


def test_seeking_in_a_paused_market_shows_the_book_of_that_moment() -> None:
    feed = recording(at_end=AtEnd.HOLD)
    orders: Orders = {5: feed.pause, 6: lambda: feed.seek(MARKET_NS + 9 * SECOND)}
    orders |= {7: lambda: feed.seek(MARKET_NS + 2 * SECOND), 8: feed.resume}
    seen = play(feed, orders, until_s=12)
    assert numbers(seen)[:16] == [*range(10), -1, *range(3), 3, 4]
    assert [when for when, _ in seen[6:14]] == [6, 6, 6, 6, 7, 7, 7, 7]
    assert seen[14][0] == pytest.approx(9, abs=0.5)


def test_a_market_that_is_through_can_be_sought_in() -> None:
    feed = recording(speed=None, at_end=AtEnd.HOLD)

    def back() -> None:
        assert feed.is_through
        feed.pause()
        feed.seek(MARKET_NS + 35 * SECOND)
        feed.set_speed(1.0)
        feed.resume()

    seen = play(feed, {50: back}, until_s=55)
    assert numbers(seen) == [*range(TICKS), -1, *range(TICKS)]
    assert seen[-1][0] == pytest.approx(54, abs=0.5)


def test_nothing_is_played_behind_the_end() -> None:
    for speed in (1.0, None):
        assert numbers(play(recording(speed, end_s=7.5), {})) == list(range(8))


@pytest.mark.parametrize("begin_s", [-1000, 0])
def test_what_begins_before_its_first_change_begins_with_it(begin_s: float) -> None:
    seen = play(recording(begin_s=begin_s), {})
    assert numbers(seen) == list(range(TICKS))
    for second, number in seen:
        assert second == pytest.approx(number, abs=0.5)


@pytest.mark.parametrize("speed", [1.0, None])
def test_what_lies_before_the_beginning_is_applied_at_once(speed: float | None) -> None:
    seen = play(recording(speed, begin_s=20.25, end_s=25), {})
    assert numbers(seen) == list(range(26))
    assert [when for when, number in seen if number <= 20] == [0] * 21
    assert seen[-1][0] == pytest.approx(0 if speed is None else 4.75, abs=0.5)


def test_seeking_before_the_beginning_goes_there() -> None:
    feed = recording(begin_s=30, at_end=AtEnd.HOLD)
    seen = play(feed, {1: lambda: feed.seek(MARKET_NS + 10 * SECOND), 1.25: feed.pause}, 2)
    assert numbers(seen) == [*range(31), -1, *range(11)]


def test_seeking_beyond_the_end_ends_there() -> None:
    feed = recording(at_end=AtEnd.HOLD)
    times: list[int] = []
    orders: Orders = {3: lambda: feed.seek(MARKET_NS + 1000 * SECOND)}
    orders[4] = lambda: times.append(feed.market_time_ns(wall_ns()))
    assert numbers(play(feed, orders, until_s=5)) == list(range(TICKS))
    assert times == [MARKET_NS + (TICKS - 1) * SECOND]


def test_no_market_has_times_that_64_bits_can_not_count() -> None:
    far = at(2**63 - 1, Event(order_id=1))
    feed = PacedFeed([ListSource(ticks(0), [far])], speed=1e6, clock_ns=wall_ns)
    times: list[int] = []

    def look() -> None:
        times.append(feed.market_time_ns(wall_ns()))

    orders: Orders = {0: feed.pause, 1: lambda: feed.seek(2**63 - SECOND), 2: look, 3: feed.resume}
    play(feed, {**orders, 3.001: look, 10: look}, until_s=20)
    assert times == [2**63 - SECOND, MARKET_NS, 2**63 - 1]


def test_it_tells_how_much_of_what_it_has_read_has_been_handed_over() -> None:
    feed = recording(at_end=AtEnd.HOLD)
    shares: list[float] = []
    assert feed.share_of_read == 0
    orders: Orders = {
        second: lambda: shares.append(feed.share_of_read) for second in (0.9, 2.9, 8.9, 60, 63)
    }
    orders |= {61: feed.pause, 62: lambda: feed.seek(MARKET_NS + 4 * SECOND)}
    play(feed, orders, until_s=65)
    assert shares == [1 / 4, 3 / 4, 9 / 12, 1, 5 / 8]


def test_what_was_sought_is_not_late() -> None:
    feed = recording()
    lags: list[float] = []
    orders: Orders = {
        3: lambda: feed.seek(MARKET_NS + 30 * SECOND),
        4: lambda: lags.append(feed.lag_s),
    }
    play(feed, {**orders, 6: lambda: lags.append(feed.lag_s)})
    assert lags == pytest.approx([0, 0], abs=0.01)


def test_sequences_of_orders_leave_the_times_in_order() -> None:
    feed = recording()
    seen = play(
        feed,
        {
            2: feed.pause,
            3: feed.pause,
            4: feed.resume,
            5: feed.resume,
            6: lambda: feed.set_speed(4.0),
            7: lambda: feed.seek(MARKET_NS + 12 * SECOND),
        },
    )
    assert all(early <= late for (early, _), (late, _) in pairwise(seen))
    assert numbers(seen) == list(range(TICKS))
