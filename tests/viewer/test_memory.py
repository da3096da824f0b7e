"""The page does not grow: not with the market, not with what is chosen and closed again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from market_depth.protocol.times import parse_timestamp
from support.browser import heap_bytes, viewer, watched_page
from support.logs import serving_quietly
from support.memory import MIB
from support.process import ServerProcess
from support.recordings import DATA
from support.replay import state_of
from support.viewer_page import drawn, until_current, wait_until

module_loop = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_S = 120.0
SPEED = 90
MINUTE_NS = 60_000_000_000
ES = DATA / "databento/esh4/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
"""Two hours of a future by order; where it is not there the simulator stands in for it."""

MARKET_GROWTH_BYTES = MIB
"""More than 12,000 messages come between two looks: 80 bytes kept of each would be as much."""
CHOICE_GROWTH_BYTES = 3 * MIB
"""One panel that is kept holds 25 MiB of history, outside of the heap, and a MiB within."""
FEW = 40
"""Nodes and listeners that may come and go: rows of the tape, text that is empty or not."""

_OBSERVERS = """window.observing = new Set();
window.ResizeObserver = class extends ResizeObserver {
  observe(...given) { window.observing.add(this); super.observe(...given); }
  disconnect() { window.observing.delete(this); super.disconnect(); }
};"""


class Held(NamedTuple):
    """What a page holds once its garbage has been collected."""

    heap_bytes: int
    nodes: int
    listeners: int
    array_bytes: int
    canvases: int
    observers: int

    def check(self, before: Held, growth_bytes: int) -> None:
        """Fail if it is more than it was before."""
        told = f"{before} became {self}"
        assert self.heap_bytes < before.heap_bytes + growth_bytes, told
        assert self.array_bytes < before.array_bytes + growth_bytes, told
        assert self.nodes <= before.nodes + FEW, told
        assert self.listeners <= before.listeners + FEW, told
        assert self.canvases == before.canvases, told
        assert self.observers == before.observers, told


async def held(page: Page) -> Held:
    """Return what a page holds."""
    await drawn(page)
    session = await page.context.new_cdp_session(page)
    try:
        await session.send("Performance.enable")
        await heap_bytes(page)  # what the first collection finds may free more
        used = await heap_bytes(page)
        counters = await session.send("Memory.getDOMCounters")
        usage = await session.send("Runtime.getHeapUsage")
    finally:
        await session.detach()
    canvases = await page.locator("canvas").count()
    observers = await page.evaluate("window.observing.size")
    nodes, listeners = counters["nodes"], counters["jsEventListeners"]
    return Held(used, nodes, listeners, usage.get("backingStorageSize", 0), canvases, observers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fast() -> AsyncIterator[ServerProcess]:
    """A market of which an hour passes within a minute."""
    feed = (f"--feed={ES}", "--start=2023-12-25T23:00Z") if ES.exists() else ("--symbols=BTCUSD",)
    async with serving_quietly(*feed, f"--speed={SPEED}", "--at-end=loop") as running:
        yield running


async def market_minutes(server: ServerProcess, since_ns: int, minutes: float) -> None:
    """Wait until so much time of the market has passed."""
    async with asyncio.timeout(TIMEOUT_S):
        while await market_ns(server) < since_ns + minutes * MINUTE_NS:
            await asyncio.sleep(0.2)


async def market_ns(server: ServerProcess) -> int:
    """Return the market's time."""
    position = (await state_of(server))["position"]
    return parse_timestamp(position) if position else 0


@module_loop
async def test_half_an_hour_of_the_market_leaves_nothing_behind(
    browser: Browser, fast: ServerProcess
) -> None:
    async with watched_page(browser) as (page, _):
        await page.add_init_script(_OBSERVERS)
        await viewer(page, fast, interval=0, levels=200)
        await until_current(page)
        begin_ns = await market_ns(fast)
        await market_minutes(fast, begin_ns, 5)
        await page.keyboard.press("m")  # by order
        await until_current(page)
        await market_minutes(fast, begin_ns, 8)
        by_order = await held(page)
        await page.keyboard.press("m")
        await until_current(page)
        await market_minutes(fast, begin_ns, 11)
        by_price = await held(page)
        await market_minutes(fast, begin_ns, 25)
        (await held(page)).check(by_price, MARKET_GROWTH_BYTES)
        await page.keyboard.press("m")
        await until_current(page)
        await market_minutes(fast, begin_ns, 32)
        (await held(page)).check(by_order, MARKET_GROWTH_BYTES)
        line = await page.locator(".panel-status").inner_text()
        assert re.search("0 gaps · 0 checksum failures", line), line
        assert await page.locator(".panel.is-stale").count() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=30") as running:
        yield running


@module_loop
async def test_what_was_chosen_and_closed_is_not_kept(
    browser: Browser, server: ServerProcess
) -> None:
    async with watched_page(browser) as (page, _):
        await page.add_init_script(_OBSERVERS)
        await viewer(page, server, symbol="BTCUSD", interval=50)
        await open_and_close_panels(page, 2)  # what is made once is made
        await switch_symbols(page, 6)
        before = await held(page)
        await switch_symbols(page, 51)
        await open_and_close_panels(page, 20)
        await show_and_hide_views(page, 10)
        await until_current(page)
        (await held(page)).check(before, CHOICE_GROWTH_BYTES)
        await server.until_metric("subscriptions", 3)


async def switch_symbols(page: Page, times: int) -> None:
    """Go through the symbols, of which there are three."""
    for turn in range(times):
        old = await page.locator("article.panel").get_attribute("aria-label")
        await page.keyboard.press("n" if turn % 2 else "p")
        await expect(page.locator("article.panel")).not_to_have_attribute("aria-label", old or "")
        if turn % 10 == 0:
            await until_current(page)
            await page.keyboard.press("m")


async def open_and_close_panels(page: Page, times: int) -> None:
    """Open another panel and close it, again and again; some of them once they have their book."""
    for turn in range(times):
        await page.locator("#add").click()
        await expect(page.locator("article.panel")).to_have_count(2)
        if turn % 4 == 3:
            await until_current(page, 1)
        await page.locator("article.panel").nth(1).locator("button.close").click()
        await expect(page.locator("article.panel")).to_have_count(1)


async def show_and_hide_views(page: Page, times: int) -> None:
    """Hide every chart and show it again."""
    for _ in range(times):
        for _ in range(2):
            for key in "hdor":
                await page.keyboard.press(key)
            await drawn(page)


@module_loop
async def test_an_hour_of_history_is_all_that_is_kept(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await until_current(page)
    before = await heap_bytes(page)
    found = await page.evaluate(_THREE_HOURS)
    assert found["bytes"][0] == found["bytes"][1]
    assert found["bytes"][0] < 48 * MIB
    assert found["span"] == found["columns"] * found["columnMs"] == 3_600_000
    assert found["trades"] <= found["room"]
    assert found["newest"] == found["last"]
    await wait_until(page, "() => delete window.kept")
    assert await heap_bytes(page) < before + MIB


_THREE_HOURS = """async () => {
  const { DepthHistory } = await import('/viewer/history/history.js');
  const history = new DepthHistory();
  window.kept = history;
  const bytes = [history.bytes];
  const side = (sign) => ({
    length: 200,
    prices: Float64Array.from({ length: 200 }, (_, at) => 10_000 + sign * (at + 1)),
    quantities: new Float64Array(200).fill(5),
  });
  const book = { bids: side(-1), asks: side(1) };
  const moment = { timeMs: 1e12, stepUnits: 1, scale: { tickUnits: 1 } };
  for (let at = 0; at < 3 * 3600 * 4; at++) {
    moment.timeMs += 250;
    book.bids.quantities[at % 200] = at % 97;
    history.record(book, moment);
    for (let many = 0; many < 3; many++) {
      history.trade({ priceUnits: 9_990 + ((at * 7 + many) % 20), quantityUnits: 1,
        side: many % 2 ? 'Bid' : 'Ask', timeMs: moment.timeMs, number: 3 * at + many });
    }
  }
  bytes.push(history.bytes);
  const { columns, columnMs, trades } = history;
  return { bytes, columns, columnMs, span: (history.last - history.first + 1) * columnMs,
    trades: trades.next - trades.first, room: trades.capacity,
    newest: Math.floor(moment.timeMs / columnMs), last: history.last };
}"""
