"""Whatever is chosen is what is shown, and nothing else is asked for any longer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, WebSocket, expect

from support.browser import viewer
from support.logs import serving_quietly
from support.process import ServerProcess
from support.viewer_page import (
    check_ladder,
    panel_of,
    query_of,
    shown_with_page,
    until_current,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

PLACES: Final = {"BTCUSD": (2, 4), "ETHUSD": (2, 3), "ADAUSD": (4, 0)}
TICKS: Final = {
    "BTCUSD": Decimal("0.50"),
    "ETHUSD": Decimal("0.05"),
    "ADAUSD": Decimal("0.0001"),
}
STREAMS: Final = 3
"""Of a panel: the book that is shown, a wide one for its history, trades."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    """A market that moves, but seldom while it is being asked what it has."""
    async with serving_quietly("--seed=1", "--rate=2") as running:
        yield running


class Asked:
    """What a page asks of the server."""

    def __init__(self, page: Page) -> None:
        self.connections = 0
        self.messages: list[dict[str, Any]] = []
        page.on("websocket", self._on_websocket)

    def _on_websocket(self, websocket: WebSocket) -> None:
        self.connections += 1
        websocket.on("framesent", lambda payload: self.messages.append(json.loads(payload)))

    @property
    def open(self) -> list[tuple[str, str]]:
        """Symbol and data type of all that has been subscribed and not been taken back."""
        streams: dict[str, tuple[str, str]] = {}
        for message in self.messages:
            if message["type"] == "Subscribe":
                streams[message["stream_id"]] = (message["symbol"], message["data_type"])
            elif message["type"] == "Unsubscribe":
                streams.pop(message["stream_id"], None)
        return sorted(streams.values())

    @property
    def last_book(self) -> dict[str, Any]:
        """The Subscribe of the book that was asked for last: neither history nor trades."""
        return next(
            message
            for message in reversed(self.messages)
            if message["type"] == "Subscribe"
            and message["data_type"] != "TRADES"
            and message["interval_ms"] != 250
        )


async def shows(page: Page, server: ServerProcess, symbol: str, panel: int = 0) -> None:
    """Check that a panel shows a symbol, as /api/depth has it."""
    element = panel_of(page, panel)
    data_type = await element.locator('button[aria-pressed="true"]', has_text="MB").inner_text()
    levels = int(await element.get_by_label("Price levels a side").input_value())
    await until_current(page, panel)
    shown, book = await shown_with_page(page, server, data_type, levels, panel)
    assert shown.symbol == symbol
    assert await element.get_by_label("Symbol").input_value() == symbol
    check_ladder(shown, book, PLACES[symbol], TICKS[symbol])


@module_loop
async def test_a_symbol_is_chosen(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, interval=0)
    await shows(page, server, "BTCUSD")
    await panel_of(page).get_by_label("Symbol").select_option("ADAUSD")
    await shows(page, server, "ADAUSD")
    await page.locator(".ladder-body").focus()
    for key, symbol in (
        ("2", "ETHUSD"),
        ("n", "ADAUSD"),
        ("n", "BTCUSD"),
        ("p", "ADAUSD"),
        ("1", "BTCUSD"),
        ("9", "BTCUSD"),
    ):
        await page.keyboard.press(key)
        await shows(page, server, symbol)
        assert ("symbol", symbol) in query_of(page)
        assert symbol in await page.title()


@module_loop
async def test_a_book_is_by_price_or_by_order(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", interval=0)
    asked = panel_of(page).get_by_role("group", name="Kind of book")
    caption = page.locator(".ladder caption")
    for act, kind in (
        (asked.get_by_role("button", name="MBO").click, "order"),
        (asked.get_by_role("button", name="MBP").click, "price"),
    ):
        await act()
        await shows(page, server, "BTCUSD")
        assert await caption.text_content() == f"Order book of BTCUSD, market by {kind}"
    for kind in ("order", "price"):
        await page.keyboard.press("m")
        await shows(page, server, "BTCUSD")
        assert await caption.text_content() == f"Order book of BTCUSD, market by {kind}"


@module_loop
async def test_levels_and_interval_are_asked_for(page: Page, server: ServerProcess) -> None:
    asked = Asked(page)
    await viewer(page, server, symbol="BTCUSD", interval=0)
    await shows(page, server, "BTCUSD")
    assert (asked.last_book["max_levels"], asked.last_book["interval_ms"]) == (50, 0)
    bar = panel_of(page).locator(".panel-bar")
    await bar.get_by_label("Price levels a side").select_option("200")
    await shows(page, server, "BTCUSD")
    assert (asked.last_book["max_levels"], asked.last_book["interval_ms"]) == (200, 0)
    await bar.get_by_label("Least time between updates").select_option("50")
    await shows(page, server, "BTCUSD")
    await page.locator(".ladder-body").focus()
    for key, levels, interval in (
        ("i", 200, 100),
        ("Shift+I", 200, 50),
        ("Shift+L", 100, 50),
        ("l", 200, 50),
    ):
        await page.keyboard.press(key)
        await shows(page, server, "BTCUSD")
        assert (asked.last_book["max_levels"], asked.last_book["interval_ms"]) == (levels, interval)
        assert dict(query_of(page)) == {
            "symbol": "BTCUSD",
            "levels": str(levels),
            **({"interval": str(interval)} if interval != 100 else {}),
        }


@module_loop
async def test_panels_stand_side_by_side(page: Page, server: ServerProcess) -> None:
    asked = Asked(page)
    await page.set_viewport_size({"width": 1600, "height": 1400})
    await viewer(page, server, symbol="BTCUSD", hide="heatmap,depth,timeline,tape")
    await page.locator(".ladder-body").focus()
    panels = page.locator("article.panel")
    for count in range(2, 7):
        await page.keyboard.press("a")
        assert await panels.count() == count
        await panels.last.locator(".ladder-body").focus()  # keys in a select are the select's
    await page.keyboard.press("a")
    assert await panels.count() == 6
    await expect(page.locator("#speaker")).to_have_text("no more than 6 panels")
    symbols = ["BTCUSD", "ETHUSD", "ADAUSD", "BTCUSD", "BTCUSD", "BTCUSD"]
    assert [symbol for name, symbol in query_of(page) if name == "symbol"] == symbols
    await page.keyboard.press("m")
    for panel, symbol in enumerate(symbols):
        await shows(page, server, symbol, panel)
    assert asked.connections == 1
    assert await server.metric("sessions") == 1
    await server.until_metric("subscriptions", 6 * STREAMS)
    await page.keyboard.press("]")  # the first one
    for _ in range(4):
        await page.keyboard.press("x")
    assert [symbol for name, symbol in query_of(page) if name == "symbol"] == ["BTCUSD"] * 2
    assert await panels.count() == 2
    await server.until_metric("subscriptions", 2 * STREAMS)
    await page.keyboard.press("x")
    await page.keyboard.press("x")  # the last one stays
    assert await panels.count() == 1
    await shows(page, server, "BTCUSD")
    await server.until_metric("subscriptions", STREAMS)


@module_loop
async def test_keys_are_for_the_panel_that_is_selected(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, *({"symbol": symbol, "interval": 0} for symbol in PLACES))
    for panel, symbol in enumerate(PLACES):
        await shows(page, server, symbol, panel)
    for keys, symbols in (
        (["2"], ["ETHUSD", "ETHUSD", "ADAUSD"]),
        (["]", "n"], ["ETHUSD", "ADAUSD", "ADAUSD"]),
        (["[", "[", "1"], ["ETHUSD", "ADAUSD", "BTCUSD"]),
        (["]", "3"], ["ADAUSD", "ADAUSD", "BTCUSD"]),
    ):
        for key in keys:
            await page.keyboard.press(key)
        for panel, symbol in enumerate(symbols):
            await shows(page, server, symbol, panel)
    await panel_of(page, 1).locator(".ladder-body").click()
    await page.keyboard.press("1")
    await shows(page, server, "BTCUSD", 1)
    await panel_of(page, 1).get_by_role("button", name="Close this panel").click()
    assert [symbol for name, symbol in query_of(page) if name == "symbol"] == ["ADAUSD", "BTCUSD"]


@module_loop
async def test_what_is_no_longer_shown_is_unsubscribed(page: Page, server: ServerProcess) -> None:
    asked = Asked(page)
    await viewer(page, server, symbol="BTCUSD")
    await shows(page, server, "BTCUSD")
    for key, symbol, data_type in (
        ("2", "ETHUSD", "MBP"),
        ("m", "ETHUSD", "MBO"),
        ("l", "ETHUSD", "MBO"),
        ("i", "ETHUSD", "MBO"),
        ("+", "ETHUSD", "MBO"),
        ("n", "ADAUSD", "MBO"),
        ("m", "ADAUSD", "MBP"),
        ("+", "ADAUSD", "MBP"),
        ("-", "ADAUSD", "MBP"),
        ("n", "BTCUSD", "MBP"),
    ):
        await page.keyboard.press(key)
        await until_current(page)
        wanted = [(symbol, data_type), (symbol, "MBP"), (symbol, "TRADES")]
        if (key, data_type) == ("+", "MBP"):
            wanted.append((symbol, "BBO"))  # merged levels do not tell the spread
        await server.until_metric("subscriptions", len(wanted))
        assert asked.open == sorted(wanted)
    assert asked.connections == 1


OF_ONE_SYMBOL: Final = """() => {
  const near = { BTCUSD: 67250, ETHUSD: 3482.5, ADAUSD: 0.452 };
  const wrong = [];
  const frame = () => {
    for (const panel of document.querySelectorAll('article.panel')) {
      const symbol = panel.getAttribute('aria-label');
      for (const cell of panel.querySelectorAll('.ladder tbody .price')) {
        const price = Number(cell.textContent);
        if (cell.textContent !== '' && Math.abs(price / near[symbol] - 1) > 0.2) {
          wrong.push(`${symbol} at ${cell.textContent}`);
        }
      }
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.wrong = wrong;
}"""
"""Notes what is drawn of another symbol than the panel's, in any frame."""


@module_loop
async def test_quick_switching_shows_nothing_of_the_symbol_before(
    page: Page, server: ServerProcess
) -> None:
    await viewer(page, server, symbol="BTCUSD", interval=0)
    await shows(page, server, "BTCUSD")
    await page.evaluate(OF_ONE_SYMBOL)
    for key in "nnmnpnmm2131m2n3pp1nnn":
        await page.keyboard.press(key)
    await shows(page, server, "BTCUSD")
    for key in "n2m1p":
        await page.keyboard.press(key)
        await until_current(page)
    await page.evaluate("""() => {
      for (const key of '2n1m3p2m1n') {
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
      }
    }""")
    await shows(page, server, "ETHUSD")
    assert await page.evaluate("() => window.wrong") == []
    await server.until_metric("subscriptions", STREAMS)


@module_loop
async def test_views_are_hidden_and_shown(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", interval=0)
    await shows(page, server, "BTCUSD")
    views = {"h": "heatmap", "d": "depth", "o": "timeline", "r": "tape"}
    hidden: list[str] = []
    for key, name in views.items():
        await page.keyboard.press(key)
        hidden.append(name)
        assert set(dict(query_of(page))["hide"].split(",")) == set(hidden)
        assert await page.locator(f".view-{name}").is_hidden()
        assert await page.locator(f"#show-{name}").get_attribute("aria-pressed") == "false"
    await page.locator("#show-ladder").click()
    assert await page.locator(".view-ladder").is_visible(), "one view stays"
    await shows(page, server, "BTCUSD")
    for name in views.values():
        await page.locator(f"#show-{name}").click()
        assert await page.locator(f".view-{name}").is_visible()
    assert "hide" not in dict(query_of(page))
    await page.locator("#show-ladder").click()
    assert await page.locator(".view-ladder").is_hidden()
    await page.keyboard.press("n")
    await page.locator("#show-ladder").click()
    await shows(page, server, "ETHUSD")
