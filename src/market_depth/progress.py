"""How far recordings have come, as a line at the bottom of the terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, Final, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.segment import Segment, Segments

from market_depth.server.replay import PlaybackState

__all__ = ["progress_shown"]

_EVERY_S: Final = 0.25


@contextmanager
def progress_shown(state: Callable[[], PlaybackState], console: Console) -> Iterator[None]:
    """Show how far a market that is played has come, until left; what is written to standard
    error scrolls by above it.

    Args:
        state: how far it has come.
        console: the terminal, by a file of its own.
    """
    progress = Progress(
        BarColumn(),
        TextColumn("{task.fields[share]}"),
        TextColumn("{task.fields[position]}"),
        TextColumn("{task.fields[speed]}", style="cyan"),
        TextColumn("{task.fields[rate]}", style="green"),
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar = progress.add_task("", total=None, **_fields(state()))
    _update(progress, bar, state())
    with redirect_stderr(cast("TextIO", _Above(console))), progress:
        task = asyncio.get_running_loop().create_task(_follow(progress, bar, state))
        try:
            yield
        finally:
            task.cancel()
            _update(progress, bar, state())


class _Above(io.TextIOBase):
    """Standard error while a line stays at the bottom of the terminal.

    What is written passes above that line, letter by letter: Rich's own redirection would wrap it,
    and a log line of JSON would be none any more.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            whole = Segments([Segment(f"{line}\n") for line in lines])
            self._console.print(whole, crop=False, end="")
        return len(text)

    def isatty(self) -> bool:
        return self._console.is_terminal


async def _follow(progress: Progress, bar: TaskID, state: Callable[[], PlaybackState]) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        _update(progress, bar, state())


def _update(progress: Progress, bar: TaskID, state: PlaybackState) -> None:
    total = None if state.share is None else 1.0  # a bar that has had one keeps it
    progress.update(bar, completed=state.share, total=total, **_fields(state))
    progress.refresh()


def _fields(state: PlaybackState) -> dict[str, Any]:
    speed = state.speed if isinstance(state.speed, str) else f"{state.speed:g}"
    how = "ended" if state.ended else "paused" if state.paused else f"×{speed}"
    position = state.position or ""
    return {
        "share": "" if state.share is None else f"{state.share:6.1%}".replace("%", " %"),
        "position": position[:19].replace("T", " "),
        "speed": how,
        "rate": f"{state.events_per_s:,.0f} events/s",
    }
