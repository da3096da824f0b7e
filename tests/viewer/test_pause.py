"""A pause: what is shown stands still, and can be looked at, while the books go on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from support.browser import Problems, viewer
from support.logs import serving_quietly
from support.process import ServerProcess
from support.viewer_charts import ask, see, seen
from support.viewer_page import (
    Book,
    Shown,
    check_ladder,
    drawn,
    orders_of_page,
    read_ladder,
    recording,
    shown_with_page,
    tip_of_first_bid,
    until_current,
    until_sequence_after,
    wait_until,
)
from support.viewer_script import PagePeer, viewed

module_loop = pytest.mark.asyncio(loop_scope="module")

PLACES: Final = (2, 4)
TICK: Final = Decimal("0.50")
LEVELS: Final = 50
TIMEOUT_MS: Final = 30_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=3", "--rate=200", "--symbols=BTCUSD,ETHUSD") as running:
        yield running


async def until_status_sequence_after(page: Page, sequence: int) -> None:
    """Wait until the line below the panel tells a later sequence."""
    await wait_until(
        page,
        """(before) => Number(/sequence (\\d+)/.exec(
          document.querySelector('.panel-status').textContent)[1]) > before""",
        sequence,
    )


def check(shown: Shown, book: Book) -> None:
    check_ladder(shown, book.cut(LEVELS), PLACES, TICK)


# The ladder


@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
@module_loop
async def test_the_ladder_has_the_book_of_that_moment_wherever_it_is_scrolled(
    page: Page, server: ServerProcess, data_type: str
) -> None:
    async with recording(server, "BTCUSD", data_type) as recorder:
        await viewer(page, server, symbol="BTCUSD", type=data_type, levels=LEVELS)
        await shown_with_page(page, server, data_type)
        await page.keyboard.press("Space")
        await drawn(page)
        paused = await read_ladder(page)
        book = await recorder.at(paused.sequence)
        check(paused, book)
        await until_status_sequence_after(page, paused.sequence + 20)  # the books go on
        await drawn(page)
        assert await read_ladder(page) == paused
        await page.locator(".ladder-body").focus()
        for key in ("PageUp", "ArrowDown", "Home"):
            await page.keyboard.press(key)
            await drawn(page)
            scrolled = await read_ladder(page)
            check(scrolled, book)
            assert bool(scrolled.mid) == (key == "Home")
        await page.keyboard.press("Space")
        await until_sequence_after(page, paused.sequence + 20)
        shown = await read_ladder(page)
        check(shown, await recorder.at(shown.sequence))


@module_loop
async def test_merged_levels_keep_the_spread_of_that_moment(
    page: Page, server: ServerProcess
) -> None:
    async with recording(server, "BTCUSD") as recorder:
        await viewer(page, server, symbol="BTCUSD", group="5.00", interval=0)
        await until_current(page)
        await wait_until(page, "() => document.querySelector('.ladder-spread b').textContent")
        await page.keyboard.press("Space")
        await drawn(page)
        paused = await read_ladder(page)
        assert paused.mid
        book = await recorder.at(paused.sequence)
        bid, ask = (Decimal(price) for price in paused.best)
        assert bid <= book.bids[0].price < book.asks[0].price <= ask
        await until_status_sequence_after(page, paused.sequence + 20)
        await page.locator(".ladder-body").press("ArrowUp")
        await drawn(page)
        scrolled = await read_ladder(page)
        assert (scrolled.mid, scrolled.spread) == (paused.mid, paused.spread)
        assert scrolled.rows != paused.rows


@module_loop
async def test_what_came_in_it_is_shown_afterwards(page: Page, server: ServerProcess) -> None:
    async with viewed(page, server, PagePeer, group="0.05") as (_, spoken):
        peer = spoken.peer
        asked = [await spoken.subscribe() for _ in range(4)]
        for request in asked:
            await peer.open(request)
        (book,) = (one for one in asked if "group" in one)
        (best,) = (one for one in asked if one["data_type"] == "BBO")
        await peer.whole(book, 1, {100.0: 5}, {100.05: 4})
        await peer.whole(best, 1, {100.01: 5}, {100.04: 4})
        await wait_until(page, "() => document.querySelector('.ladder').dataset.sequence === '1'")
        before = await read_ladder(page)
        assert before.spread.startswith("spread 0.03 ")
        await page.keyboard.press("Space")
        await peer.delta(best, 1, 2, {100.01: 0, 100.0: 5}, {})
        await peer.delta(book, 1, 2, {100.0: 7}, {})
        await until_status_sequence_after(page, 1)
        await page.locator(".ladder-body").press("Home")
        await drawn(page)
        assert await read_ladder(page) == before
        await page.keyboard.press("Space")
        await drawn(page)
        after = await read_ladder(page)
        assert after.spread.startswith("spread 0.04 ")
        assert [row.bid_size for row in after.rows if row.bid_size] == ["7"]


@module_loop
async def test_an_order_that_has_gone_is_still_told(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", type="MBO")
    await shown_with_page(page, server, "MBO")
    await page.keyboard.press("Space")
    await drawn(page)
    shown = await read_ladder(page)
    tip = await tip_of_first_bid(page, shown)
    told = await tip.inner_text()
    found = re.match(r"order (\S+) · \S+ · .* · 1 of ", told)
    assert found
    later = shown.sequence
    while await is_there(server, found[1]):
        later += 50
        await until_status_sequence_after(page, later)
    await page.mouse.move(5, 5)
    await tip.wait_for(state="hidden")
    await tip_of_first_bid(page, shown)
    assert await tip.inner_text() == told
    await page.keyboard.press("Space")
    await expect(tip).not_to_contain_text(f"order {found[1]} ", timeout=TIMEOUT_MS)


async def is_there(server: ServerProcess, order_id: str) -> bool:
    _, *sides = await orders_of_page(server, "BTCUSD", 200)
    return any(order_id == each for side in sides for queue in side.values() for each, _ in queue)


# The charts and the tape


REST: Final = """() => {
  const now = [...document.querySelectorAll('.views-charts canvas')]
    .map((canvas) => canvas.toDataURL()).join();
  window.still = now === window.picture ? (window.still ?? 0) + 1 : 0;
  window.picture = now;
  const isAtRest = window.still === 20;
  if (isAtRest) window.still = 0;
  return isAtRest;
}"""
"""Whether the charts have been the same for twenty frames; the picture is kept."""
PRICES: Final = "[seen.prices.low, seen.prices.high]"


@module_loop
async def test_the_charts_stand_still_and_can_be_panned(
    page: Page, problems: Problems, server: ServerProcess
) -> None:
    problems.expect("willReadFrequently")
    await viewer(page, server, symbol="BTCUSD", interval=0)
    await see(page)
    await wait_until(page, seen("seen.history?.last - seen.history?.first >= 4"))
    await page.keyboard.press("Space")
    await page.keyboard.press("c")
    await wait_until(page, REST)
    at_rest, prices = await page.evaluate("window.picture"), await ask(page, PRICES)
    records = await ask(page, "seen.records")
    await wait_until(page, "(count) => window.seen.records > count + 8", records)
    await wait_until(page, REST)
    assert await page.evaluate("window.picture") == at_rest
    box = await page.locator(".view-heatmap canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + 60, steps=3)
    await page.mouse.up()
    await page.mouse.move(5, 5)
    await wait_until(page, REST)
    assert await ask(page, PRICES) != prices
    await page.get_by_role("button", name="Follow the market").click()
    await wait_until(page, REST)
    assert await ask(page, PRICES) == prices
    newest = await ask(page, "seen.history.last")
    await page.keyboard.press("Space")
    await wait_until(page, "(last) => window.seen.history.last > last", newest)


@module_loop
async def test_the_tape_counts_what_comes(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await see(page)
    await wait_until(page, seen("seen.trades.length > 4"))
    await page.keyboard.press("Space")
    await drawn(page)
    rows = page.locator(".tape-row:visible")
    foot = page.locator(".tape-foot")
    before = await rows.all_inner_texts(), await foot.inner_text()
    note = page.locator(".tape-note")
    await expect(note).to_have_text(re.compile(r"paused, ([1-9]\d+) new"), timeout=TIMEOUT_MS)
    assert (await rows.all_inner_texts(), await foot.inner_text()) == before
    await page.keyboard.press("Space")
    await expect(note).to_be_hidden()
    assert await rows.all_inner_texts() != before[0]


# What else can be done


FILLED: Final = """() => {
  const body = document.querySelector('.ladder-body');
  const prices = [...body.querySelectorAll('tbody .price')].filter((it) => it.textContent !== '');
  return prices.length === Math.floor(body.clientHeight / 20) - 1 && prices.length;
}"""
"""How many rows have a price, once they fill the ladder; one is left out, for the spread."""
PAINTED: Final = """() => {
  const canvas = document.querySelector('.ladder canvas');
  const colour = getComputedStyle(document.documentElement).getPropertyValue('--bid-dim').trim();
  const wanted = (Number.parseInt(colour.slice(1), 16) << 8) >>> 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new DataView(data.buffer);
  for (let at = 0; at < data.length; at += 4) {
    if (pixels.getUint32(at) === wanted + 255) return true;
  }
  return false;
}"""
"""Whether there is a bar of a bid in the theme's colour."""


@module_loop
async def test_a_pause_is_drawn_in_another_theme_and_size(
    page: Page, problems: Problems, server: ServerProcess
) -> None:
    problems.expect("willReadFrequently")
    await viewer(page, server, symbol="BTCUSD", theme="dark")
    await until_current(page)
    await page.locator("#pause").click()
    await wait_until(page, PAINTED)
    rows = await page.evaluate(FILLED)
    await page.set_viewport_size({"width": 1280, "height": 900})
    await wait_until(page, FILLED)
    assert await page.evaluate(FILLED) > rows
    await wait_until(page, PAINTED)
    await page.locator("#theme").click()
    assert await page.evaluate("() => document.documentElement.dataset.theme") == "light"
    await wait_until(page, PAINTED)
    assert await page.locator("#pause").get_attribute("aria-pressed") == "true"


@module_loop
async def test_a_choice_of_another_book_ends_it(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", interval=0)
    await until_current(page)
    pause = page.locator("#pause")
    for key, symbol, pressed in (
        ("n", "ETHUSD", "false"),
        ("m", "ETHUSD", "false"),
        ("h", "ETHUSD", "true"),  # another view of the same
        ("a", "ETHUSD", "false"),
    ):
        await page.locator(".ladder-body").first.focus()
        await page.keyboard.press("Space")
        assert await pause.get_attribute("aria-pressed") == "true"
        await page.keyboard.press(key)
        assert await pause.get_attribute("aria-pressed") == pressed
        if pressed == "true":
            await page.keyboard.press("Space")
        before = await read_ladder(page)
        await until_sequence_after(page, before.sequence)
        shown, _ = await shown_with_page(page, server)
        assert shown.symbol == symbol
    await until_current(page, 1)
    assert (await read_ladder(page, 1)).symbol == "BTCUSD"
