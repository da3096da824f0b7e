"""The viewer is for everybody: whatever they see, on a phone, with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from support.browser import until_connection, viewer, violations, watched_page
from support.logs import serving_quietly
from support.process import ServerProcess
from support.viewer_flashes import FLASHES
from support.viewer_page import (
    drawn,
    panel_of,
    query_of,
    read_ladder,
    shown_with_page,
    until_current,
    wait_until,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Those that axe-core is asked for."""
DESKTOP: Final = {"width": 1280, "height": 720}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
}


async def wrong(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page."""
    await drawn(page)
    return await violations(page, runOnly=RULES, resultTypes=["violations"])


async def overflowing(page: Page) -> list[str]:
    """Return what sticks out to the right, where it can't be scrolled to."""
    found: list[str] = await page.evaluate("""() => {
      const width = document.documentElement.clientWidth;
      const cut = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const { overflowX, clipPath } = getComputedStyle(at);
          if (clipPath !== 'none' || at.matches('dialog:not([open])')) return true;
          if (at !== element && overflowX !== 'visible') return true;
        }
        return false;
      };
      const wide = [...document.querySelectorAll('body *')].filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.right > width + 1 && !cut(element);
      });
      const own = document.scrollingElement.scrollWidth > width ? ['the page scrolls'] : [];
      return [...own, ...wide.map((element) => `${element.tagName}.${element.className}`)];
    }""")
    return found


# What axe-core says


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
@module_loop
async def test_nothing_is_wrong(
    browser: Browser, server: ServerProcess, device: str, theme: str
) -> None:
    options = PHONE if device == "phone" else {"viewport": DESKTOP}
    async with watched_page(browser, color_scheme=theme, **options) as (page, _):
        await viewer(page, server, symbol="BTCUSD")
        await until_current(page)
        assert await wrong(page) == []
        assert await overflowing(page) == []
        await panel_of(page).get_by_role("button", name="MBO").click()
        await until_current(page)
        assert await wrong(page) == []
        await page.locator("#help").click()
        assert await wrong(page) == []
        assert await overflowing(page) == []


@module_loop
async def test_nothing_is_wrong_with_several_panels(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, *({"symbol": symbol} for symbol in ("BTCUSD", "BTCUSD", "NOPE")))
    await panel_of(page, 2).locator(".panel-problem").wait_for(state="visible")
    await until_current(page)
    assert await wrong(page) == []
    await page.locator("#pause").click()
    assert await wrong(page) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that wants a token."""
    credentials = tmp_path_factory.mktemp("guarded") / "credentials.toml"
    credentials.write_text('[clients.desk]\ntoken = "let me in"\n')
    async with serving_quietly("--seed=1", f"--credentials={credentials}") as running:
        yield running


@pytest.mark.parametrize("theme", ["dark", "light"])
@module_loop
async def test_nothing_is_wrong_when_refused(
    browser: Browser, guarded: ServerProcess, theme: str
) -> None:
    async with watched_page(browser, **{**PHONE, "color_scheme": theme}) as (page, problems):
        problems.expect(r"WebSocket connection to")
        await page.goto(f"http://127.0.0.1:{guarded.port}/?symbol=BTCUSD")
        await until_connection(page, "refused")
        await page.get_by_label("Token").wait_for(state="visible")
        assert await wrong(page) == []
        assert await overflowing(page) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@module_loop
async def test_nothing_is_wrong_when_the_connection_is_lost(
    browser: Browser, server: ServerProcess, theme: str
) -> None:
    async with watched_page(browser, **{**PHONE, "color_scheme": theme}) as (page, problems):
        problems.expect_loss()
        nowhere = "ws%3A%2F%2F127.0.0.1%3A1%2F"
        await page.goto(f"http://127.0.0.1:{server.port}/?symbol=BTCUSD&url={nowhere}")
        await until_connection(page, "waiting")
        await page.get_by_role("button", name="Retry now").wait_for(state="visible")
        assert await wrong(page) == []
        assert await overflowing(page) == []


# The keyboard


FOCUSED: Final = """() => {
  const it = document.activeElement;
  if (it === null || it === document.body) return null;
  it.dataset.number ||= String(document.querySelectorAll('[data-number]').length);
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
  const box = it.getBoundingClientRect();
  return {
    number: it.dataset.number,
    name: it.id || it.ariaLabel || it.textContent.trim().slice(0, 20) || it.className,
    isMarked: (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) || boxShadow !== 'none',
    isInSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""
UNREACHED: Final = """() => [...document.querySelectorAll(
  'button, select, input, summary, a[href], [tabindex="0"]'
)].filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.disabled
  && !it.dataset.number && !it.closest('dialog'))
  .map((it) => it.id || it.ariaLabel || it.textContent.trim() || it.className)"""


async def tabbed(page: Page, key: str = "Tab") -> list[dict[str, Any]]:
    """Return what has the focus, one after the other, until it comes round."""
    seen: list[dict[str, Any]] = []
    while len(seen) < 200:
        await page.keyboard.press(key)
        focused = await page.evaluate(FOCUSED)
        if focused is None or any(focused["number"] == each["number"] for each in seen):
            return seen
        seen.append(focused)
    raise AssertionError("the focus never comes round")


@pytest.mark.parametrize("width", [1280, 390])
@module_loop
async def test_tab_reaches_every_control(page: Page, server: ServerProcess, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    await viewer(page, server, {"symbol": "BTCUSD"}, {"symbol": "ADAUSD", "type": "MBO"})
    await until_current(page, 1)
    reached = await tabbed(page)
    assert await page.evaluate(UNREACHED) == []
    assert [each["name"] for each in reached if not each["isMarked"]] == [], "focus is not visible"
    assert [each["name"] for each in reached if not each["isInSight"]] == []
    names = [each["name"] for each in reached]
    assert names.index("show-ladder") < names.index("help") < names.index("Symbol")
    back = await tabbed(page, "Shift+Tab")
    assert [each["number"] for each in back][-5:] == [each["number"] for each in reached][4::-1]


@module_loop
async def test_everything_is_done_by_keys(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await until_current(page)
    await page.get_by_label("Symbol").focus()
    await page.keyboard.press("ArrowDown")
    assert query_of(page) == [("symbol", "ETHUSD")]
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert query_of(page) == [("symbol", "ETHUSD"), ("type", "MBO")]
    await page.locator("#show-tape").focus()
    await page.keyboard.press("Space")
    assert await page.locator(".view-tape").is_hidden()
    assert await page.locator("#pause").get_attribute("aria-pressed") == "false", "Space pauses too"
    await page.locator("#add").focus()
    await page.keyboard.press("Enter")
    second = panel_of(page, 1)
    assert await second.get_by_label("Symbol").evaluate("(it) => it === document.activeElement")
    await second.locator(".ladder-body").focus()
    await until_current(page, 1)
    before = await read_ladder(page, 1)
    await page.keyboard.press("PageUp")
    await drawn(page)
    assert (await read_ladder(page, 1)).prices[-1] > before.prices[-1]
    await page.keyboard.press("[")
    await page.keyboard.press("Tab")
    first = panel_of(page, 0).get_by_label("Symbol")
    assert await first.evaluate("(it) => it === document.activeElement")


@module_loop
async def test_the_help_sheet_comes_and_goes(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await until_current(page)
    sheet = page.locator("dialog.help")
    for opener, opens, closes in (
        ("#help", "Enter", "Escape"),
        ("#theme", "?", "Escape"),
        (".ladder-body", "?", "?"),
        ("#pause", "?", "Enter"),
    ):
        await page.locator(opener).focus()
        await page.keyboard.press(opens)
        await sheet.wait_for(state="visible")
        assert await sheet.evaluate("(it) => it.contains(document.activeElement)")
        await page.keyboard.press("n")  # is not for the page behind it
        await page.keyboard.press(closes)
        await sheet.wait_for(state="hidden")
        assert await page.locator(opener).evaluate("(it) => it === document.activeElement")
    assert query_of(page) == [("symbol", "BTCUSD")]
    await page.keyboard.press("?")
    keys = await sheet.locator("kbd").all_inner_texts()
    assert len(keys) == len(set(keys))
    assert {"1", "n", "m", "+", "c", "Space", "s", "?"} <= set(keys)


@module_loop
async def test_single_keys_can_be_switched_off(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await until_current(page)
    for is_on in (False, True):
        await page.locator("#help").click()
        switch = page.locator("#keys-on")
        await switch.focus()
        await page.keyboard.press("Space")
        assert await switch.is_checked() == is_on
        await page.keyboard.press("Escape")
        await page.reload()
        await until_current(page)
        await page.locator(".ladder-body").focus()
        await page.keyboard.press("n")
        assert dict(query_of(page))["symbol"] == ("ETHUSD" if is_on else "BTCUSD")


@module_loop
async def test_keys_with_ctrl_or_in_a_choice_are_the_browsers(
    page: Page, server: ServerProcess
) -> None:
    await viewer(page, server, symbol="BTCUSD")
    await until_current(page)
    await page.locator(".ladder-body").focus()
    for key in ("Control+m", "Alt+n", "Meta+a"):
        await page.keyboard.press(key)
    await page.get_by_label("Price levels a side").focus()
    await page.keyboard.press("m")
    assert query_of(page) == [("symbol", "BTCUSD")]


# What is said


@module_loop
async def test_the_best_prices_are_said(page: Page) -> None:
    speaker = page.locator("#speaker")
    async with serving_quietly("--seed=1", "--rate=0.01") as still:
        await viewer(page, still, symbol="ADAUSD")
        _, book = await shown_with_page(page, still)
        assert await speaker.get_attribute("aria-live") == "polite"
        await page.keyboard.press("s")
        bid, ask = book.bids[0], book.asks[0]
        said = f"ADAUSD: bid {bid.quantity} at {bid.price}, ask {ask.quantity} at {ask.price}"
        await expect(speaker).to_have_text(said)
        await page.keyboard.press("Space")
        await expect(speaker).to_have_text("paused")
        await page.keyboard.press("Space")
        await expect(speaker).to_have_text("goes on")


@module_loop
async def test_tables_and_pictures_say_what_they_are(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", type="MBO")
    await until_current(page)
    tree = await page.locator("main").aria_snapshot()
    assert '- article "BTCUSD"' in tree
    for what in (
        'table "Order book of BTCUSD, market by order"',
        'columnheader "Cumulative bid size"',
        'columnheader "Bid orders"',
        'columnheader "Price"',
        'columnheader "Ask size"',
        'group "Ladder"',
        'group "Liquidity over time"',
        'heading "Depth" [level=2]',
        'group "Imbalance and spread"',
        'group "Trades"',
        'combobox "Symbol"',
        'button "MBO" [pressed]',
    ):
        assert what in tree
    unnamed = """() => [...document.querySelectorAll('canvas')].filter((it) =>
      it.ariaHidden !== 'true' && !it.closest('[role=img]')?.ariaLabel).length"""
    assert await page.evaluate(unnamed) == 0
    shown = await read_ladder(page)
    row = next(row for row in shown.rows if row.ask_size)
    assert re.search(rf'row "[^"]*{re.escape(row.price)}', tree)


# What the system asks for


@module_loop
async def test_nothing_flashes_where_less_motion_is_asked_for(
    browser: Browser, server: ServerProcess
) -> None:
    async with watched_page(browser, reduced_motion="reduce") as (page, problems):
        problems.expect("willReadFrequently")
        await viewer(page, server, symbol="BTCUSD", interval=0)
        await until_current(page)
        await page.evaluate(FLASHES)
        await wait_until(page, "() => window.flashes.changes >= 10")
        assert await page.evaluate("() => window.flashes.lit") == 0
        moving = """() => document.getAnimations().length + [...document.querySelectorAll('*')]
          .filter((it) => getComputedStyle(it).transitionDuration.split(',')
            .some((text) => parseFloat(text) > 0.001)).length"""
        assert await page.evaluate(moving) == 0


@module_loop
async def test_the_systems_colours_are_followed(page: Page, server: ServerProcess) -> None:
    await page.emulate_media(color_scheme="light")
    await viewer(page, server, symbol="BTCUSD")
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)
    assert light != dark
    for theme, colour in (("dark", dark), ("light", light), ("auto", dark)):
        await page.keyboard.press("t")
        assert await page.locator("#theme").inner_text() == theme
        assert await page.evaluate(background) == colour


@pytest.mark.parametrize(("width", "height"), [(640, 360), (320, 640)])
@module_loop
async def test_it_can_be_enlarged(
    browser: Browser, server: ServerProcess, width: int, height: int
) -> None:
    """A window of 1280 x 720 at 200 %, and at 400 %, is one of so many CSS pixels."""
    viewport = {"width": width, "height": height}
    async with watched_page(browser, viewport=viewport, device_scale_factor=2) as (page, _):
        await viewer(page, server, symbol="BTCUSD", type="MBO")
        await until_current(page)
        assert await overflowing(page) == []
        reached = await tabbed(page)
        assert await page.evaluate(UNREACHED) == []
        assert [each["name"] for each in reached if not each["isInSight"]] == []
        ladder = page.locator(".ladder-body")
        await ladder.scroll_into_view_if_needed()
        assert len((await read_ladder(page)).priced) >= 5
        for column in ("bid-size", "price", "ask-size"):
            cells = page.locator(f".ladder td.{column}")
            cut = await cells.evaluate_all(
                "(cells) => cells.filter((it) => it.scrollWidth > it.clientWidth).length"
            )
            assert cut == 0, f"{column} is cut off"
        await page.locator("#help").click()
        await page.get_by_role("button", name="Close").click()
