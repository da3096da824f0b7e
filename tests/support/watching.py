"""The terminal viewer without a terminal: what it shows, and keys pressed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple, TypeVar

from textual.pilot import Pilot

from market_depth.settings import RowsMode
from market_depth.terminal.app import WatchApp
from market_depth.terminal.choice import Choice
from market_depth.terminal.depth import View
from market_depth.terminal.feed import Feed
from market_depth.terminal.widgets import Lines
from support.process import ServerProcess

TIMEOUT_S = 60.0
_BLOCKS = re.compile("[▏▎▍▌▋▊▉█]+")
Value = TypeVar("Value")


class Shown(NamedTuple):
    """A level as it stands on the screen."""

    price: Decimal
    orders: int
    size: Decimal


class Watching:
    """A viewer that runs."""

    def __init__(self, feed: Feed, app: WatchApp, pilot: Pilot[Any]) -> None:
        self.feed = feed
        self.app = app
        self.pilot = pilot

    def lines(self, name: str) -> list[str]:
        """Return what a part of the screen shows."""
        return self.part(name).text

    def part(self, name: str) -> Lines:
        return self.app.query_one(f"#{name}", Lines)

    @property
    def status(self) -> str:
        return self.lines("status")[0]

    @property
    def header(self) -> str:
        return self.lines("header")[0]

    @property
    def sequence(self) -> int:
        """That of the book that is shown, -1 if there is none."""
        found = re.search(r"seq (\d+)", self.status)
        return int(found[1]) if found else -1

    @property
    def levels(self) -> tuple[list[Shown], list[Shown]]:
        """Bids and asks that are shown, best first, if the line between them is."""
        lines = self.lines("ladder")[1:]
        middle = next((at for at, line in enumerate(lines) if "spread" in line), None)
        if middle is None:
            return [], []
        bids, asks = (
            [words for line in map(_plain, part) if len(words := line.split()) > 1]
            for part in (lines[middle + 1 :], lines[:middle])
        )
        return [_level(words[::-1]) for words in bids], [_level(words) for words in asks[::-1]]

    @property
    def prices(self) -> list[Decimal]:
        """All that stand on the ladder, from the top, also those at which nothing rests."""
        lines = [_plain(line).split() for line in self.lines("ladder")[1:]]
        return [max(map(Decimal, words)) for words in lines if words and "spread" not in words]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, is_so: Callable[[], Value]) -> Value:
        """Return what is so once it is."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not (found := is_so()):
                    await self.pilot.pause(0.02)
        except TimeoutError:
            shown = [line for name in ("header", "ladder", "status") for line in self.lines(name)]
            raise AssertionError("it never came:\n" + "\n".join(shown)) from None
        return found

    async def depth_when_shown(self, server: ServerProcess, symbol: str, **query: Any) -> Any:
        """Return `data` of the server's own page at a sequence that is shown now."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                code, text = await server.get(f"/api/depth/{symbol}?{asked}")
                assert code == 200
                page = json.loads(text, parse_float=Decimal)
                await self.until(partial(self._is_at_least, page["sequence"]))
                if self.sequence == page["sequence"] and self._frame_is_shown(page["sequence"]):
                    return page["data"]

    def _is_at_least(self, sequence: int) -> bool:
        return self.sequence >= sequence

    def _frame_is_shown(self, sequence: int) -> bool:
        depth = self.app.shown_depth
        return depth is not None and depth.sequence == sequence


@asynccontextmanager
async def watching(
    url: str,
    view: View | None = None,
    *,
    size: tuple[int, int] = (80, 24),
    levels: int = 50,
    interval_ms: int | None = 0,
    rows: RowsMode = "levels",
) -> AsyncIterator[Watching]:
    """Run the viewer as the command does, in a window of so many columns and lines.

    Unless told otherwise its ladder has a line for each level, so that it is known how many it has.
    """
    feed = Feed(Choice(url, levels=levels, interval_ms=interval_ms))
    try:
        symbols = await asyncio.to_thread(feed.start)
        view = view or View(symbols[0].symbol)
        await asyncio.to_thread(feed.begin, view)
        app = WatchApp(feed, symbols, view, rows)
        async with app.run_test(size=size) as pilot:
            shown = Watching(feed, app, pilot)
            yield shown
    finally:
        await asyncio.to_thread(feed.stop)


def _plain(line: str) -> str:
    """Return a line without its blocks."""
    return _BLOCKS.sub(" ", line).strip()


def _level(words: list[str]) -> Shown:
    """Return a level of its words from the price outwards."""
    return Shown(Decimal(words[0]), int(words[1]), Decimal(words[2]))
