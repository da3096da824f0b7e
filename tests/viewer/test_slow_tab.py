"""A tab that is too slow, stands still or is hidden: nobody else suffers, and it is exact again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from websockets.asyncio.client import connect

from support.browser import heap_bytes, viewer, watched_page
from support.logs import serving_quietly
from support.memory import MIB
from support.process import ServerProcess
from support.proxy import proxied
from support.viewer_charts import ask, see, seen
from support.viewer_page import (
    Book,
    Level,
    check_ladder,
    read_ladder,
    shortens,
    until_current,
    wait_until,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_S = 60.0
LEVELS = 200
STATE = {"symbol": "BTCUSD", "interval": 0, "rows": "levels", "levels": LEVELS}
SLOWDOWN = 6
BUSY_MS = 4000
GROWTH_BYTES = 16 * MIB
"""A tenth of what a tab would hold that kept the messages which it had no time for."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def heavy() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=6", "--rate=1200", "--symbols=BTCUSD") as running:
        yield running


class Bystander:
    """Another client, with the view that the page has: what it gets, to be read when asked."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._come = asyncio.Event()

    async def listen(self, url: str) -> None:
        """Collect until cancelled."""
        request = {"type": "Subscribe", "stream_id": "b", "symbol": "BTCUSD", "data_type": "MBP"}
        more = {"mode": "delta", "interval_ms": 0, "max_levels": LEVELS}
        async with connect(url, compression=None, max_size=None) as connection:
            await connection.send(json.dumps({**request, **more}))
            async for text in connection:
                assert isinstance(text, str)
                assert not text.startswith('{"type":"Lagged"'), "the bystander is held up"
                if text.startswith('{"type":"Market'):
                    self.messages.append(text)
                    self._come.set()

    @property
    def sequence(self) -> int:
        """The newest, -1 if there is none."""
        return int(json.loads(self.messages[-1])["sequence"]) if self.messages else -1

    async def until(self, sequence: int) -> None:
        """Wait until the market is past a sequence."""
        async with asyncio.timeout(TIMEOUT_S):
            while self.sequence <= sequence:
                self._come.clear()
                await self._come.wait()

    async def at(self, sequence: int) -> Book:
        """Return the book at a sequence."""
        await self.until(sequence)
        sides: list[dict[Decimal, Level]] = [{}, {}]
        for text in self.messages:
            message = json.loads(text, parse_float=Decimal)
            if message["sequence"] > sequence:
                break
            for side, name in zip(sides, ("bids", "asks"), strict=True):
                for row in message["data"][name]:
                    price, quantity = row["price"], row["quantity"]
                    side.pop(price, None)
                    if quantity:
                        side[price] = Level(price, quantity, row["order_count"])
        bids, asks = (sorted(side.values()) for side in sides)
        return Book(sequence, bids[::-1], asks)


@asynccontextmanager
async def bystander(server: ServerProcess) -> AsyncIterator[Bystander]:
    """Let another client listen; it must not fail."""
    listener = Bystander()
    task = asyncio.create_task(listener.listen(server.url))
    try:
        await listener.until(0)
        yield listener
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def check_exact(page: Page, server: ServerProcess) -> None:
    """Fail unless the ladder, past which the market moves on, is the book of its sequence."""
    async with bystander(server) as other:
        later = "(then) => Number(document.querySelector('.ladder').dataset.sequence) > then"
        await wait_until(page, later, other.sequence)
        shown = await read_ladder(page)
        check_ladder(shown, await other.at(shown.sequence), (2, 4), Decimal("0.50"))


_HEARD = """window.skipped = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener('message', ({ data }) => {
      if (data.startsWith('{"type":"Lagged"')) window.skipped += JSON.parse(data).skipped;
    });
  }
};"""
"""Counts what the server says it has skipped, of all streams."""


@module_loop
async def test_a_tab_that_stands_still_harms_nobody_and_is_exact_again(
    browser: Browser, heavy: ServerProcess
) -> None:
    async with (
        watched_page(browser) as (page, _),
        proxied(heavy.port, buffer_bytes=128 * 1024) as proxy,
    ):
        await page.add_init_script(_HEARD)
        await viewer(page, heavy, **STATE, url=proxy.url)
        await until_current(page)
        before = await heap_bytes(page)
        session = await page.context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        async with bystander(heavy) as other:
            begun, count = other.sequence, len(other.messages)
            await keep_busy_until_skipped(page, heavy)
            status, _ = await heavy.get("/healthz")
            assert status == 200
            assert other.sequence > begun + 1000
            assert len(other.messages) > count + 500
            served = json.loads((await heavy.get("/api/depth/BTCUSD?max_levels=1"))[1])
            await other.until(served["sequence"])
        await session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        await wait_until(page, "() => window.skipped > 0")
        await check_exact(page, heavy)
        async with asyncio.timeout(TIMEOUT_S):
            while not await tells_what_was_skipped(page):
                await asyncio.sleep(0.1)
        assert proxy.connections == 1
        assert await heap_bytes(page) < before + GROWTH_BYTES


async def keep_busy_until_skipped(page: Page, server: ServerProcess) -> None:
    """Keep the page's only thread, some seconds at a time, until it has been left behind."""
    loop = "(ms) => { const end = Date.now() + ms; while (Date.now() < end); }"
    before = await server.metric("skipped_updates_total")
    async with asyncio.timeout(TIMEOUT_S):
        await page.evaluate(loop, BUSY_MS)
        while await server.metric("skipped_updates_total") < before + 100:
            await page.evaluate(loop, BUSY_MS)


async def tells_what_was_skipped(page: Page) -> bool:
    """Whether the panel's line, refreshed now and then, says what the server has said."""
    skipped, line = await page.evaluate(
        "() => [window.skipped, document.querySelector('.panel-status').textContent]"
    )
    told = re.search(r"(\S+) lagged · 0 gaps · 0 checksum failures", line)
    assert told, line
    return shortens(told[1], Decimal(skipped))


# A hidden tab

_NO_FRAMES = """{
  const plain = window.requestAnimationFrame.bind(window);
  const waiting = [];
  window.frames_ = { isHidden: false, waiting, ran: 0 };
  window.requestAnimationFrame = (callback) => {
    if (window.frames_.isHidden) return waiting.push(callback);
    return plain((nowMs) => { window.frames_.ran++; callback(nowMs); });
  };
  window.frames_.show = () => {
    window.frames_.isHidden = false;
    for (const callback of waiting.splice(0)) window.requestAnimationFrame(callback);
  };
}"""
"""Lets a page get no animation frames while it is hidden, as a browser does: a headless one shows
every page at all times."""


@module_loop
async def test_a_hidden_tab_goes_on_recording_and_comes_back_at_once(browser: Browser) -> None:
    async with (
        serving_quietly("--seed=7", "--rate=100", "--symbols=BTCUSD") as server,
        watched_page(browser) as (page, _),
    ):
        await page.add_init_script(_NO_FRAMES)
        await viewer(page, server, **STATE)
        await see(page)
        await wait_until(page, seen("seen.history && seen.trades.length > 0"))
        drawn = await read_ladder(page)
        await page.evaluate("window.frames_.isHidden = true")
        first, trades = await ask(page, "[seen.history.last, seen.trades.length]")
        await wait_until(page, seen(f"seen.history.last >= {first + 8}"), every_ms=50)
        hidden = await read_ladder(page)
        assert hidden.sequence - drawn.sequence < 100, "it was drawn while it was hidden"
        known, more = await ask(page, _RECORDED.replace("FIRST", str(first)))
        assert known == [1] * len(known)
        assert more > trades
        assert await page.evaluate("window.frames_.waiting.length") <= 1, "frames pile up"
        await page.evaluate("window.frames_.ran = 0, window.frames_.show()")
        await wait_until(page, "() => window.frames_.ran >= 2")
        shown = await read_ladder(page)
        assert shown.sequence > hidden.sequence + 100
        await check_exact(page, server)
        known, _ = await ask(page, _RECORDED.replace("FIRST", str(first)))
        assert known == [1] * len(known)


_RECORDED = """[
  Array.from({ length: seen.history.last - FIRST + 1 }, (_, at) =>
    seen.history.isKnown[seen.history.slot(FIRST + at)]),
  seen.trades.length,
]"""
