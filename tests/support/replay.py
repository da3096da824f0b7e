"""A server that plays a made-up day, watched and controlled over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from market_depth.protocol.times import format_timestamp, parse_timestamp
from support.dbn_files import TIME_NS
from support.made_up_day import book_at, events_up_to, orders_of_a_day
from support.naive_book import NaiveBook
from support.pages import Page, fetch
from support.process import ServerProcess

SECOND = 1_000_000_000
_STEP_NS = 50_000_000
_CHANGES = 4000
DAY = orders_of_a_day(_CHANGES, _STEP_NS)
DAY_S = _CHANGES * _STEP_NS // SECOND
LAST_NS = DAY[-1].ts_recv


async def state_of(server: ServerProcess) -> dict[str, Any]:
    """Return how far it has come."""
    page = await fetch(server.port, "/api/replay")
    assert page.status == 200
    state: dict[str, Any] = page.json()
    return state


async def post(server: ServerProcess, name: str, to: str | None = None) -> dict[str, Any]:
    """Send a command, and return the state that is the answer."""
    query = "" if to is None else f"?to={quote(to)}"
    page = await fetch(server.port, f"/api/replay/{name}{query}", "POST")
    assert page.status == 200, page
    state: dict[str, Any] = page.json()
    return state


async def depth(server: ServerProcess, data_type: str = "MBP") -> Page:
    """Return the page of the whole book."""
    page = await fetch(server.port, f"/api/depth/ESH4?data_type={data_type}&max_levels=1000")
    assert page.status == 200, page
    return page


async def until_events(server: ServerProcess, events: int) -> None:
    """Wait until so many have been played; the server tells it only when asked."""
    async with asyncio.timeout(30):
        while (await state_of(server))["events"] != events:
            await asyncio.sleep(0.01)


async def until_ended(server: ServerProcess) -> None:
    """Wait until all has been played; the server tells it only when asked."""
    async with asyncio.timeout(30):
        while not (await state_of(server))["ended"]:
            await asyncio.sleep(0.01)


def time_at(second: float) -> int:
    """Return a time of the day by its second, in ns since 1970 UTC."""
    return TIME_NS + round(second * SECOND)


async def go_to(server: ServerProcess, second: float) -> NaiveBook:
    """Seek in a market that stands still, and return the book that it is to have there."""
    await depth(server)  # takes what was due
    before = await state_of(server)
    assert before["paused"]
    now_ns, then_ns = parse_timestamp(before["position"]), time_at(second)
    events = events_up_to(DAY, then_ns)
    if then_ns >= now_ns:
        events -= events_up_to(DAY, now_ns)
    state = await post(server, "seek", format_timestamp(then_ns))
    assert state["position"] == format_timestamp(then_ns)
    await until_events(server, before["events"] + events)
    return book_at(DAY, then_ns)
