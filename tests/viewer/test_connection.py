"""The connection is lost, slow or lied over: the page says so, and is exact again."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, WebSocket, expect

from market_depth.events import BookStatus, StatusReason
from market_depth.feeds.event_table import Part
from market_depth.protocol.times import format_timestamp
from market_depth.recording.parquet import ParquetWriter
from support.browser import Problems, until_connection, viewer, watched_page
from support.flow import ASK, BID, at, batch, clear, set_level, status
from support.logs import serving_quietly
from support.process import ServerProcess, serving
from support.proxy import Way, proxied
from support.replay import post
from support.scripted_server import TIMESTAMP, Peer
from support.sources import instrument
from support.viewer_page import check_ladder, panel_of, shown_with_page, until_current, wait_until
from support.viewer_script import (
    ASKS,
    BIDS,
    SYMBOL,
    OriginalPeer,
    PagePeer,
    sizes_of,
    speaking,
    status_of,
    viewed,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_MS = 30_000
PLACES = (2, 4)
TICK = Decimal("0.50")
SHOWN = {"symbol": SYMBOL, "interval": 0, "rows": "levels"}
WAIT_MS = 60_000
"""How long the scripted server asks to be left alone: longer than any test waits."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=20") as running:
        yield running


async def check_exact(page: Page, server: ServerProcess) -> int:
    """Fail unless the ladder is the book of /api/depth at one sequence; return that."""
    await until_current(page)
    shown, book = await shown_with_page(page, server)
    check_ladder(shown, book, PLACES, TICK)
    return shown.sequence


def status_line(page: Page) -> Locator:
    return page.locator(".panel-status")


async def says(place: Locator, pattern: str) -> None:
    """Wait until a text has a pattern in it."""
    await expect(place).to_contain_text(re.compile(pattern), timeout=TIMEOUT_MS)


async def is_dimmed(page: Page) -> None:
    """Wait until the panel says that its book is not the market."""
    dimmed = re.compile(r"\bis-stale\b")
    await expect(panel_of(page)).to_have_class(dimmed, timeout=TIMEOUT_MS)


async def at_sequence(page: Page, sequence: int) -> None:
    """Wait until the ladder shows the book of a sequence, as a good one."""
    await until_current(page)
    reached = "(wanted) => document.querySelector('.ladder').dataset.sequence === String(wanted)"
    await wait_until(page, reached, sequence)


class Heard:
    """The messages that a page has got, by connection."""

    def __init__(self, page: Page) -> None:
        self.connections: list[list[dict[str, Any]]] = []
        page.on("websocket", self._on_websocket)

    def last(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of a type on the newest connection."""
        return [message for message in self.connections[-1] if message["type"] == kind]

    def _on_websocket(self, websocket: WebSocket) -> None:
        messages: list[dict[str, Any]] = []
        self.connections.append(messages)
        websocket.on("framereceived", lambda text: messages.append(json.loads(text)))


# A server that goes away


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda it: it.name)
@module_loop
async def test_a_server_that_ends_and_comes_back(browser: Browser, number: signal.Signals) -> None:
    is_planned = number == signal.SIGTERM
    async with (
        serving("--seed=1", "--rate=20", exit_code=0 if is_planned else -number) as first,
        watched_page(browser) as (page, problems),
    ):
        problems.expect_loss()
        await viewer(page, first, **SHOWN)
        old = await check_exact(page, first)
        first.send_signal(number)
        await first.wait()
        await until_connection(page, "waiting")
        await is_dimmed(page)
        await says(page.locator("#status"), r"Reconnecting in \d+ s")
        await says(
            page.locator("#status"), "server shutting down" if is_planned else "lost|reached"
        )
        await expect(page.get_by_role("button", name="Retry now")).to_be_visible()
        again = (f"--addr=127.0.0.1:{first.port}", "--seed=2", "--rate=20")
        async with serving_quietly(*again) as second:
            await until_connection(page, "connected", 60)
            await until_current(page)
            assert await check_exact(page, second) > 0
            await says(page.locator("#status"), r"\b1 reconnects")
            await says(status_line(page), "0 lagged · 0 gaps · 0 checksum failures")
            await expect(page.get_by_role("button", name="Retry now")).to_be_hidden()
            await expect(page.locator(".tape-missed")).to_be_hidden()
            assert old > 0


@module_loop
async def test_the_countdown_runs_and_retry_now_does_not_wait_for_it(
    page: Page, problems: Problems, server: ServerProcess
) -> None:
    async with viewed(page, server, PagePeer) as (script, spoken):
        await spoken.begin()
        await until_current(page)
        await spoken.peer.send("Shutdown", reason="moving house", reconnect_after_ms=WAIT_MS)
        await spoken.peer.close(1001, "moving house")
        await until_connection(page, "waiting")
        await is_dimmed(page)
        line = page.locator("#status .connection")
        await says(line, r"Reconnecting in (60|61) s")
        await says(line, r"Reconnecting in 5\d s")
        await says(page.locator("#status"), r"moving house \(1001\)")
        assert await sizes_of(page) == texts(BIDS, ASKS)  # the last known, dimmed
        assert not script.has_more
        await page.get_by_role("button", name="Retry now").click()
        async with speaking(PagePeer(await script.accepted())) as again:
            await again.begin(7, {50.0: 9}, {50.5: 8}, epoch="second")
            await at_sequence(page, 7)
            assert await sizes_of(page) == texts({50.0: 9}, {50.5: 8})
            await until_connection(page, "connected")


# A network that fails


@pytest.mark.parametrize("with_reset", [False, True], ids=["FIN", "RST"])
@module_loop
async def test_a_connection_cut_within_a_message_goes_on(
    page: Page, problems: Problems, server: ServerProcess, with_reset: bool
) -> None:
    problems.expect_loss()
    async with proxied(server.port) as proxy:
        heard = Heard(page)
        await viewer(page, server, **SHOWN, url=proxy.url)
        before = await check_exact(page, server)
        proxy.cut_after(1001, with_reset=with_reset)
        await proxy.until_connected(2)
        await wait_until(
            page, "(old) => document.querySelector('.ladder').dataset.sequence > old", before
        )
        await until_current(page)
        assert await check_exact(page, server) > before
        opened_again = [it for it in heard.last("Subscribed") if it["data_type"] == "MBP"]
        assert [it.get("resumed") for it in opened_again] == [True, True]
        views = [it for it in heard.last("MarketData") if it["data"]["format"] == "MBP"]
        assert views == [], "what was there was sent anew"
        await says(status_line(page), "0 lagged · 0 gaps · 0 checksum failures")


@module_loop
async def test_a_line_that_stalls_and_is_slow_loses_nothing(browser: Browser) -> None:
    async with (
        serving_quietly("--seed=3", "--rate=1000", f"--symbols={SYMBOL}") as server,
        proxied(server.port, buffer_bytes=128 * 1024) as proxy,
        watched_page(browser) as (page, _),
    ):
        await viewer(page, server, **SHOWN, levels=200, url=proxy.url)
        await until_current(page)
        proxy.stall(Way.TO_CLIENT)
        await until_lagging(server)
        proxy.go_on()
        await says(status_line(page), r"· [1-9]\S* lagged ·")
        proxy.throttle(30_000, Way.TO_CLIENT)
        await until_lagging(server)
        proxy.go_on()
        await until_connection(page, "connected")
        await says(status_line(page), "0 gaps · 0 checksum failures")
        assert proxy.connections == 1
        await until_current(page)


async def until_lagging(server: ServerProcess) -> None:
    """Wait until the server has withheld more from its streams than it has by now."""
    name = "skipped_updates_total"
    await server.until_metric_reaches(name, await server.metric(name) + 20)


# A book that is not good


@module_loop
async def test_a_stale_book_is_not_shown_as_good(browser: Browser, tmp_path: Path) -> None:
    path = recording_with_a_gap(tmp_path / "gap.parquet")
    feed = (f"--feed={path}", "--replay-control", "--speed=0.001")
    async with serving_quietly(*feed) as server, watched_page(browser) as (page, _):
        await post(server, "pause")
        await go_to(server, 1)
        await viewer(page, server, symbol="GAP", interval=0, rows="levels")
        await until_current(page)
        assert await sizes_of(page) == texts({100.00: 5}, {100.02: 7})
        await go_to(server, 11)
        await is_dimmed(page)
        problem = page.locator(".panel-problem")
        await says(problem, "^Stale: messages of the venue are missing$")
        await says(status_line(page), "Stale")
        for view in ("heatmap", "timeline"):
            canvas = page.locator(f".view-{view} canvas")
            await expect(canvas).to_have_attribute(
                "aria-label", re.compile("not known now"), timeout=TIMEOUT_MS
            )
        await go_to(server, 21)
        await until_current(page)
        await expect(problem).to_be_hidden()
        await says(status_line(page), "Recovered")
        assert await sizes_of(page) == texts({99.00: 6}, {99.01: 8})
        assert await page.locator(".view-heatmap canvas").get_attribute("aria-label")


S_NS = 1_000_000_000
BEGIN_NS = 1_757_996_306 * S_NS


def recording_with_a_gap(path: Path) -> Path:
    """Write a market by price that is Stale from its 10th to its 20th second."""
    writer = ParquetWriter(path, [instrument(1, "GAP", has_orders=False)], Part())
    late, later, last = (BEGIN_NS + second * S_NS for second in (10, 20, 30))
    writer.write(
        batch(
            at(BEGIN_NS, set_level(BID, 10_000, 5)),
            at(BEGIN_NS, set_level(ASK, 10_002, 7)),
            at(late, status(BookStatus.STALE, StatusReason.GAP)),
            at(later, clear()),
            at(later, set_level(BID, 9_900, 6)),
            at(later, set_level(ASK, 9_901, 8)),
            at(later, status(BookStatus.RECOVERED)),
            at(last, set_level(BID, 9_800, 1)),
        )
    )
    writer.close()
    return path


async def go_to(server: ServerProcess, second: int) -> None:
    """Seek in a market that stands still."""
    await post(server, "seek", format_timestamp(BEGIN_NS + second * S_NS))


def texts(bids: dict[float, int], asks: dict[float, int]) -> tuple[dict[str, str], dict[str, str]]:
    """Return sizes by price as the ladder has them, from the top."""
    top = {f"{price:.2f}": str(asks[price]) for price in sorted(asks, reverse=True)}
    return {f"{price:.2f}": str(bids[price]) for price in sorted(bids, reverse=True)}, top


@module_loop
async def test_what_was_skipped_is_counted_and_not_good_until_it_is_made_up_for(
    page: Page, server: ServerProcess
) -> None:
    async with viewed(page, server, PagePeer) as (_, spoken):
        peer = spoken.peer
        book, _, _ = await spoken.begin()
        await until_current(page)
        await peer.send("Lagged", stream_id=book["stream_id"], skipped=17)
        await is_dimmed(page)
        await says(status_line(page), "17 lagged")
        await peer.whole(book, 30, {10.0: 1}, {10.5: 2}, resync="slow_consumer")
        await at_sequence(page, 30)
        assert await sizes_of(page) == texts({10.0: 1}, {10.5: 2})


@module_loop
async def test_a_wrong_checksum_and_a_gap_are_counted_and_made_good(
    page: Page, server: ServerProcess
) -> None:
    async with viewed(page, server, PagePeer) as (_, spoken):
        peer = spoken.peer
        book, _, _ = await spoken.begin()
        await until_current(page)
        await peer.delta(book, 1, 2, {99.99: 77}, {}, checksum=1)
        again = await made_good(page, spoken.peer, await spoken.subscribe(), 5, {20.0: 3})
        assert spoken.left == [book["stream_id"]]
        await says(status_line(page), "0 gaps · 1 checksum failures")
        await peer.delta(again, 4, 6, {20.0: 4}, {})  # 5 was the last
        await made_good(page, spoken.peer, await spoken.subscribe(), 9, {30.0: 3})
        await says(status_line(page), "1 gaps · 1 checksum failures")


async def made_good(
    page: Page, peer: Peer, request: dict[str, Any], sequence: int, bids: dict[float, int]
) -> dict[str, Any]:
    """Answer a page that asks for its book once more, and check that it is shown."""
    assert (request["max_levels"], request["mode"], request.get("resume")) == (50, "delta", None)
    await is_dimmed(page)
    await peer.open(request)
    await peer.whole(request, sequence, bids, {})
    await at_sequence(page, sequence)
    assert await sizes_of(page) == texts(bids, {})
    return request


@module_loop
async def test_a_status_of_the_symbol_is_told_and_taken_back(
    page: Page, server: ServerProcess
) -> None:
    async with viewed(page, server, PagePeer) as (_, spoken):
        peer = spoken.peer
        await spoken.begin()
        await until_current(page)
        await peer.send("Status", **status_of("Halted", "auction"))
        await is_dimmed(page)
        await says(page.locator(".panel-problem"), "^Halted: auction$")
        await peer.send("Status", **status_of("Live"))
        await until_current(page)
        await expect(page.locator(".panel-problem")).to_be_hidden()


# What is told of the connection


@module_loop
async def test_round_trip_and_rates_are_those_of_the_line(
    page: Page, server: ServerProcess
) -> None:
    async with viewed(page, server, PagePeer) as (_, spoken):
        peer = spoken.peer
        book, _, _ = await spoken.begin()
        stop = asyncio.Event()
        sending = asyncio.create_task(send_steadily(peer, book, stop))
        try:
            await wait_until(page, _RATES, [40, 60, size_of_a_delta(book) / 1000])
        finally:
            stop.set()
            await sending
    async with proxied(server.port) as proxy:
        proxy.delay(150)
        await viewer(page, server, **SHOWN, url=proxy.url)
        told = re.compile(r"round trip (\d+\.\d) ms")
        await says(page.locator("#status"), told.pattern)
        found = told.search(await page.locator("#status").inner_text())
        assert found
        assert float(found[1]) >= 300


_RATES = r"""([least, most, kilobytes]) => {
  const found = /([\d.]+) messages\/s · ([\d.]+) kB\/s/.exec(
    document.querySelector('#status').textContent);
  const [messages, size] = [Number(found[1]), Number(found[2])];
  return messages >= least && messages <= most
    && Math.abs(size / messages / kilobytes - 1) < 0.05;
}"""
"""Whether the page tells so many messages a second, and just so many bytes a message."""


async def send_steadily(peer: Peer, request: dict[str, Any], stop: asyncio.Event) -> None:
    """Send fifty deltas a second until told to stop."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    sequence = 1
    while not stop.is_set():
        due = int((loop.time() - begin) * 50)
        while sequence - 1 < due:
            # All are of one size, whatever the number.
            number = 100_000 + sequence
            before = 1 if sequence == 1 else number - 1
            await peer.delta(request, before, number, {99.99: 200 + number % 700}, {})
            sequence += 1
        await asyncio.sleep(0.01)


def size_of_a_delta(request: dict[str, Any]) -> int:
    """Return the characters of each message of `send_steadily` but the first."""
    rows = {"bids": [{"price": 99.99, "quantity": 500, "order_count": 1}], "asks": []}
    message = {
        "type": "MarketDelta",
        **{name: request[name] for name in ("stream_id", "symbol")},
        "sequence": 100_000,
        "timestamp": TIMESTAMP,
        "event_timestamp": None,
        "data": {"format": "MBP", **rows},
        "prev_sequence": 100_000,
    }
    return len(json.dumps(message))


# A server of the original messages


@pytest.mark.parametrize("refuses", [False, True], ids=["ignores what is new", "refuses it"])
@module_loop
async def test_a_server_of_the_original_messages_still_shows_a_book(
    page: Page, server: ServerProcess, refuses: bool
) -> None:
    async with viewed(page, server, partial(OriginalPeer, refuses=refuses)) as (_, spoken):
        peer = spoken.peer
        asked = [await spoken.subscribe() for _ in range(2)]
        (book,) = (one for one in asked if one["max_levels"] == 50)
        await says(status_line(page), "^whole snapshots · Live · sequence 1 ·")
        await at_sequence(page, 1)
        assert await sizes_of(page) == texts(BIDS, ASKS)
        await peer.whole(book, 4, {99.0: 1}, {101.0: 2})
        await at_sequence(page, 4)
        assert await sizes_of(page) == texts({99.0: 1}, {101.0: 2})


@module_loop
async def test_a_server_that_shows_few_levels_is_asked_for_no_more_streams_each_time(
    browser: Browser,
) -> None:
    async with (
        serving_quietly("--seed=1", "--max-levels=50") as server,
        proxied(server.port) as proxy,
        watched_page(browser) as (page, problems),
    ):
        problems.expect_loss()
        heard = Heard(page)
        await viewer(page, server, **SHOWN, url=proxy.url)
        for connections in (2, 3, 4):
            await until_current(page)
            await wait_until(page, _HISTORY_IS_THERE)
            proxy.cut()
            await proxy.until_connected(connections)
            await until_connection(page, "connected")
        await until_current(page)
        await check_exact(page, server)
        kinds = sorted(it["data_type"] for it in heard.last("Subscribed"))
        assert kinds == ["MBP", "MBP", "TRADES"]
        assert heard.last("Error") == [], "what was refused is asked for again"


_HISTORY_IS_THERE = """() => /best bid \\d/.test(
  document.querySelector('.view-heatmap canvas').getAttribute('aria-label'))"""
