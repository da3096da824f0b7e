"""How far recordings have come, as a line at the bottom of the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from market_depth.server.replay import PlaybackState

__all__ = ["progress_shown"]

_EVERY_S: Final = 0.25


@contextmanager
def progress_shown(state: Callable[[], PlaybackState], console: Console) -> Iterator[None]:
    """Show how far a market that is played has come, until left; logs scroll by above it.

    Args:
        state: how far it has come.
        console: the terminal.
    """
    progress = Progress(
        BarColumn(),
        _Share(),
        TextColumn("{task.fields[position]}"),
        TextColumn("{task.fields[speed]}", style="cyan"),
        TextColumn("{task.fields[rate]}", style="green"),
        console=console,
        auto_refresh=False,
    )
    bar = progress.add_task("", total=1.0, **_fields(state()))
    with progress:
        task = asyncio.get_running_loop().create_task(_follow(progress, bar, state))
        try:
            yield
        finally:
            task.cancel()
            _update(progress, bar, state())


class _Share(ProgressColumn):
    def render(self, task: Task) -> Text:
        text = "" if task.total is None else f"{task.percentage:5.1f} %"
        return Text(text)


async def _follow(progress: Progress, bar: TaskID, state: Callable[[], PlaybackState]) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        _update(progress, bar, state())


def _update(progress: Progress, bar: TaskID, state: PlaybackState) -> None:
    total = None if state.share is None else 1.0
    progress.update(bar, completed=state.share or 0.0, total=total, **_fields(state))
    progress.refresh()


def _fields(state: PlaybackState) -> dict[str, Any]:
    speed = state.speed if isinstance(state.speed, str) else f"{state.speed:g}"
    how = "ended" if state.ended else "paused" if state.paused else f"×{speed}"
    position = state.position or ""
    return {
        "position": position[:19].replace("T", " "),
        "speed": how,
        "rate": f"{state.events_per_s:,.0f} events/s",
    }
