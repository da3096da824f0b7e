"""How far a market that is played has come, as it is told, and the control over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from market_depth.errors import ConfigError
from market_depth.feeds import PacedFeed
from market_depth.feeds.files import note_read
from market_depth.playback import FeedPlayback
from support.errors import one_line_error
from support.flow import Event, at
from support.sources import ListSource
from support.virtual_time import loop_now, run_virtually

SECOND = 1_000_000_000
MARKET_NS = 1_700_000_000 * SECOND
START = "2023-11-14T22:13:20.000000Z"
WALL_NS = 1_757_996_306 * SECOND


def now_s() -> float:
    return loop_now().time()


def wall_ns() -> int:
    return WALL_NS + round(now_s() * SECOND)


def ticks(*seconds: float) -> list[Event]:
    return [at(MARKET_NS + round(second * SECOND), Event()) for second in seconds]


def playing(
    watch: Callable[[FeedPlayback], Awaitable[None]],
    *chunks: list[Event],
    speed: float | None = 1.0,
    paths: tuple[Path, ...] = (),
) -> None:
    """Play chunks of events, and let them be watched."""

    async def play(feed: PacedFeed, playback: FeedPlayback) -> None:
        async for _ in feed.batches():
            playback.sample()

    async def main() -> None:
        source = ListSource(*chunks)
        feed = PacedFeed([source], speed=speed, waits_for_first=False, clock_ns=wall_ns)
        playback = FeedPlayback(feed, paths, now_s, wall_ns)
        player = asyncio.create_task(play(feed, playback))
        try:
            await watch(playback)
        finally:
            player.cancel()
            with suppress(asyncio.CancelledError):
                await player

    run_virtually(main())


async def until(second: float) -> None:
    await asyncio.sleep(second - now_s())


TEN_A_SECOND = ticks(*(number / 10 for number in range(1000)))


def test_before_anything_has_come_there_is_no_position() -> None:
    async def watch(playback: FeedPlayback) -> None:
        state = playback.state()
        assert (state.position, state.events, state.events_per_s) == (None, 0, 0.0)
        assert (state.speed, state.paused, state.ended, state.share) == (1.0, False, False, None)

    playing(watch, TEN_A_SECOND)


def test_the_position_is_the_time_of_the_market() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(1)
        assert playback.state().position == "2023-11-14T22:13:30.000000Z"
        playback.pause()
        await until(5)
        state = playback.state()
        assert (state.position, state.paused) == ("2023-11-14T22:13:30.000000Z", True)
        playback.resume()
        playback.set_speed("1")
        await until(7.5)
        state = playback.state()
        assert (state.position, state.paused) == ("2023-11-14T22:13:32.500000Z", False)
        assert state.speed == 1.0

    playing(watch, TEN_A_SECOND, speed=10.0)


def test_the_position_goes_where_it_is_sent() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(50)
        playback.pause()
        for text, position in [
            ("2023-11-14T22:14:40Z", "2023-11-14T22:14:40.000000Z"),
            ("2023-11-14 22:13:30.5", "2023-11-14T22:13:30.500000Z"),
            ("2000-01-01", START),
        ]:
            playback.seek(text)
            await asyncio.sleep(1)
            assert playback.state().position == position

    playing(watch, TEN_A_SECOND)


def test_what_has_ended_stands_at_its_last_event() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(60)
        state = playback.state()
        assert (state.position, state.ended, state.events) == (
            "2023-11-14T22:13:25.000000Z",
            True,
            2,
        )

    playing(watch, ticks(0, 5))
    playing(watch, ticks(0, 5), speed=None)


def test_as_fast_as_can_be_is_called_max() -> None:
    async def watch(playback: FeedPlayback) -> None:
        assert playback.state().speed == "max"
        playback.set_speed("0.5")
        assert playback.state().speed == 0.5
        playback.set_speed("max")
        assert playback.state().speed == "max"

    playing(watch, ticks(0), speed=None)


@pytest.mark.parametrize("text", ["", "fast", "0", "-1", "nan"])
def test_what_is_no_speed_changes_nothing(text: str) -> None:
    async def watch(playback: FeedPlayback) -> None:
        with one_line_error(ConfigError, repr(text)):
            playback.set_speed(text)
        assert playback.state().speed == 1.0

    playing(watch, ticks(0))


@pytest.mark.parametrize("text", ["", "noon", "2023-11-31"])
def test_what_is_no_time_changes_nothing(text: str) -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(10)
        with one_line_error(ConfigError, repr(text)):
            playback.seek(text)
        assert playback.state().position == "2023-11-14T22:13:30.000000Z"

    playing(watch, TEN_A_SECOND)


# Events per second


def test_the_rate_is_that_of_the_last_seconds() -> None:
    async def watch(playback: FeedPlayback) -> None:
        for second in (20, 21, 40.7, 41.1, 80):
            await until(second)
            assert playback.state().events_per_s == pytest.approx(10, rel=0.25)
        playback.set_speed("0.1")
        await until(90)
        assert playback.state().events_per_s == pytest.approx(1, rel=0.5)

    playing(watch, TEN_A_SECOND)


def test_a_burst_is_forgotten_even_if_nobody_has_asked_since() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(1)
        assert playback.state().events_per_s > 500
        await until(60)
        assert playback.state().events_per_s == 0

    playing(watch, ticks(*[0.0] * 1000, 100))


def test_a_market_that_stands_still_has_no_events() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(30)
        playback.pause()
        await until(34)
        assert playback.state().events_per_s == 0
        playback.resume()
        await until(40)
        assert playback.state().events_per_s == pytest.approx(10, rel=0.25)

    playing(watch, TEN_A_SECOND)


def test_many_small_batches_leave_the_rate_right() -> None:
    async def watch(playback: FeedPlayback) -> None:
        for second in range(1, 10):
            await until(second)
            for _ in range(10_000):
                playback.sample()
        assert playback.state().events_per_s == pytest.approx(100, rel=0.25)

    playing(watch, *([event] for event in TEN_A_SECOND), speed=10.0)


# How much has been read


def test_the_share_is_what_has_been_read_but_for_what_still_waits(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(b"x" * 1000)

    async def watch(playback: FeedPlayback) -> None:
        assert playback.state().share is None
        note_read(path, 500)
        assert playback.state().share == 0
        await until(2.5)
        assert playback.state().share == pytest.approx(0.5 * 3 / 5)
        await until(7.5)
        note_read(path, 1000)
        assert playback.state().share == pytest.approx(8 / 10)
        await until(20)
        assert playback.state().share == 1

    playing(watch, ticks(0, 1, 2, 3, 4), ticks(5, 6, 7, 8, 9), paths=(path,))


def test_what_has_ended_has_been_read_whatever_was_left_of_it(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(b"x" * 1000)

    async def watch(playback: FeedPlayback) -> None:
        note_read(path, 10)
        await until(20)
        assert playback.state().share == 1

    playing(watch, ticks(0, 1), paths=(path,))


def test_a_market_without_files_has_no_share() -> None:
    async def watch(playback: FeedPlayback) -> None:
        await until(20)
        state = playback.state()
        assert (state.ended, state.share) == (True, None)

    playing(watch, ticks(0, 1))
