"""The line that tells how far recordings have come, and the logs above it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from market_depth.progress import progress_shown
from market_depth.server.replay import PlaybackState
from support.dbn_files import TIME_NS, Record, dbn
from support.pages import fetch
from support.terminal import Screen, ScreenProcess, on_screen
from support.virtual_time import run_virtually

AT_PLAY = PlaybackState(
    position="2023-12-25T22:00:25.547141Z",
    speed=10.0,
    paused=False,
    ended=False,
    events=8726,
    events_per_s=1234.5,
    share=0.3214,
)


def but(**changed: Any) -> PlaybackState:
    """Return a state that differs from `AT_PLAY` in some fields."""
    return PlaybackState(
        **{name: getattr(AT_PLAY, name) for name in AT_PLAY.__struct_fields__} | changed
    )


def shown(
    *states: PlaybackState,
    columns: int = 100,
    meanwhile: Callable[[Screen], Awaitable[None]] | None = None,
) -> list[str]:
    """Show states one after the other, and return the lines that are left on the screen.

    Args:
        states: each for long enough to be seen; the last one at the end.
        columns: of the terminal.
        meanwhile: what to do while the line is shown.
    """
    screen = Screen(columns)
    current = states[0]

    class Tube(io.StringIO):
        def write(self, text: str) -> int:
            screen.write(text)
            return len(text)

    async def show() -> None:
        nonlocal current
        console = Console(file=Tube(), force_terminal=True, width=columns, _environ={})
        with progress_shown(lambda: current, console):
            for state in states:
                current = state
                await asyncio.sleep(1)
                assert screen.lines[-1].endswith(tail_of(state))
            if meanwhile is not None:
                await meanwhile(screen)

    run_virtually(show())
    assert screen.shows_cursor
    return screen.lines


def tail_of(state: PlaybackState) -> str:
    return f"{state.events_per_s:,.0f} events/s"


def test_the_line_tells_share_position_speed_and_rate() -> None:
    line, rest = shown(AT_PLAY)
    assert "32.1 % 2023-12-25 22:00:25 ×10 1,234 events/s" in line
    assert rest == ""


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (but(speed=0.5), "×0.5"),
        (but(speed=1000.0), "×1000"),
        (but(speed="max"), "×max"),
        (but(paused=True), "paused"),
        (but(ended=True, share=1.0), "100.0 % 2023-12-25 22:00:25 ended"),
        (but(ended=True, paused=True), "ended"),
        (but(events_per_s=12_345_678.9), "12,345,679 events/s"),
    ],
)
def test_the_line_tells_how_it_is_played(state: PlaybackState, words: str) -> None:
    line, _ = shown(state)
    assert words in line


def test_what_is_not_known_is_left_out() -> None:
    line, _ = shown(but(share=None, position=None))
    assert "%" not in line
    assert "×10 1,234 events/s" in line


def test_the_bar_grows_with_the_share() -> None:
    done = [shown(but(share=share))[0].find("╺") for share in (0.1, 0.25, 0.5, 0.75)]
    assert done == [4, 10, 20, 30], "of 40"


def test_the_line_stays_one_line_and_follows() -> None:
    states = [but(share=number / 10, events_per_s=float(number)) for number in range(11)]
    line, rest = shown(*states)
    assert "100.0 %" in line
    assert rest == ""


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
def test_the_line_fits_however_narrow_the_terminal(columns: int) -> None:
    screen = Screen(columns)
    tube = io.StringIO()

    async def show() -> None:
        console = Console(file=tube, force_terminal=True, width=columns, _environ={})
        with progress_shown(lambda: AT_PLAY, console):
            await asyncio.sleep(2)

    run_virtually(show())
    screen.write(tube.getvalue())
    assert len(screen.lines) == 2
    assert len(screen.lines[0]) <= columns


@pytest.mark.parametrize("columns", [80, 100, 300])
def test_what_is_written_passes_above_it_letter_by_letter(columns: int) -> None:
    texts = [
        json.dumps({"event": "listening", "words": " ".join(["[bold]word[/bold]"] * 30)}),
        "",
        "2026-01-01 [info     ] :smile: http://127.0.0.1:8080/api?x=1 'quoted' 3.14",
        "\x1b[2mdim\x1b[0m \x1b[32mgreen\x1b[0m",
        "x" * 500,
    ]

    async def meanwhile(screen: Screen) -> None:
        for text in texts:
            print(text, file=sys.stderr)
            assert screen.lines[-1].endswith("events/s")
            await asyncio.sleep(1)

    *above, line, rest = shown(AT_PLAY, columns=columns, meanwhile=meanwhile)
    assert above == [*texts[:3], "dim green", *texts[4:]]
    assert "events/s" in line
    assert rest == ""


def test_a_line_is_shown_when_it_is_whole() -> None:
    async def meanwhile(screen: Screen) -> None:
        before = screen.lines
        sys.stderr.write("half a ")
        assert screen.lines == before
        sys.stderr.write("line\nand half\nof another")
        assert screen.lines[:2] == ["half a line", "and half"]
        assert len(screen.lines) == 3
        sys.stderr.write(" one\n")

    assert shown(AT_PLAY, meanwhile=meanwhile)[:3] == ["half a line", "and half", "of another one"]


def test_behind_it_standard_error_is_what_it_was() -> None:
    before = sys.stderr
    with pytest.raises(ZeroDivisionError):
        shown(AT_PLAY, meanwhile=_failing)
    assert sys.stderr is before
    shown(AT_PLAY)
    assert sys.stderr is before


async def _failing(_screen: Screen) -> None:
    raise ZeroDivisionError


# The command on a terminal


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A hundred seconds, an order in each."""
    path = tmp_path / "recording.dbn"
    times = [TIME_NS + second * 10**9 for second in range(100)]
    path.write_bytes(
        dbn(*(Record(order_id=n, ts_event=t, ts_recv=t) for n, t in enumerate(times, start=1)))
    )
    return path


def logged(lines: list[str]) -> list[dict[str, Any]]:
    """Return the log lines among lines; each must be whole."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def others(lines: list[str]) -> list[str]:
    """Return the lines that are no log lines, nor what is told while kernels are compiled."""
    return [line for line in lines if not line.startswith(("{", "compiling kernels"))]


def has_progress(lines: list[str]) -> bool:
    return lines[-1].endswith("events/s")


async def port_of(command: ScreenProcess) -> int:
    lines = await command.until(lambda lines: '"listening"' in "".join(lines))
    (listening,) = (entry for entry in logged(lines) if entry["event"] == "listening")
    return int(listening["addr"].rpartition(":")[2])


async def test_a_server_on_a_terminal_shows_its_progress_below_its_logs(recording: Path) -> None:
    arguments = ("serve", "--addr=127.0.0.1:0", f"--feed={recording}", "--replay-control")
    async with on_screen(*arguments, "--log-format=json", "--stats-s=0.2") as command:
        port = await port_of(command)
        lines = await command.until(lambda lines: has_progress(lines) and len(logged(lines)) >= 4)
        assert "×1" in lines[-1]
        assert "2023-12-2" in lines[-1]

        await fetch(port, "/api/replay/pause", "POST")
        lines = await command.until(lambda lines: "paused" in lines[-1])
        assert "replay paused" in [entry["event"] for entry in logged(lines)]
        await fetch(port, "/api/replay/seek?to=2023-12-26T00:00:49.5", "POST")
        await command.until(lambda lines: "51.5 % 2023-12-26 00:00:49 paused" in lines[-1])
        await fetch(port, "/api/replay/speed?to=max", "POST")
        await fetch(port, "/api/replay/resume", "POST")
        await command.until(lambda lines: "100.0 % 2023-12-26 00:01:38 ended" in lines[-1])

        assert await command.stop() == 0
        assert command.screen.shows_cursor
        lines = command.screen.lines
        assert [entry["event"] for entry in logged(lines)][-2:] == ["shutting down", "stopped"]
        progress, end = others(lines)
        assert progress.endswith("events/s")
        assert end == ""


@pytest.mark.parametrize("feed", ["recording", "simulator"])
async def test_there_is_no_line_where_none_is_wanted_or_nothing_is_played(
    recording: Path, feed: str
) -> None:
    options = [f"--feed={recording}", "--no-progress"] if feed == "recording" else []
    arguments = ("serve", "--addr=127.0.0.1:0", "--log-format=json", "--stats-s=0.2", *options)
    async with on_screen(*arguments) as command:
        await command.until(lambda lines: "".join(lines).count('"performance"') >= 2)
        assert await command.stop() == 0
        assert others(command.screen.lines) == [""]
        assert len(logged(command.screen.lines)) >= 4


async def test_console_logs_are_whole_above_the_line(recording: Path) -> None:
    arguments = ("serve", "--addr=127.0.0.1:0", f"--feed={recording}", "--stats-s=0.2")
    async with on_screen(*arguments, columns=60) as command:
        lines = await command.until(
            lambda lines: has_progress(lines) and "".join(lines).count("performance") >= 2
        )
        (opened,) = (line for line in lines if "recording opened" in line)
        assert f"paths=['{recording}'] " in opened
        for line in lines[:-1]:
            assert "[info" in line or "compiling" in line
