"""A view is shared by its address: whoever opens the link sees the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, WebSocket

from support.browser import Problems, until_connection, viewer, watched_page
from support.logs import serving_quietly
from support.process import ServerProcess
from support.viewer_page import (
    check_ladder,
    panel_of,
    query_of,
    read_ladder,
    shown_with_page,
    until_current,
    wait_until,
)

module_loop = pytest.mark.asyncio(loop_scope="module")

TOKEN: Final = "let me in, please"
CREDENTIALS: Final = f"""
[clients.desk]
token = "{TOKEN}"
symbols = ["ETH*", "ADA*"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    """A market in which next to nothing happens."""
    async with serving_quietly("--seed=1", "--rate=0.01", "--max-levels=200") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that wants a token."""
    credentials = tmp_path_factory.mktemp("guarded") / "credentials.toml"
    credentials.write_text(CREDENTIALS)
    options = ("--seed=1", "--rate=0.01", f"--credentials={credentials}")
    async with serving_quietly(*options) as running:
        yield running


CONTROLS: Final = """() => ({
  theme: document.documentElement.dataset.theme,
  themes: document.querySelector('#theme').textContent.trim(),
  views: [...document.querySelectorAll('[id^="show-"]')].map((it) => it.ariaPressed),
  hidden: [...document.querySelectorAll('.view')].map((it) => it.offsetParent === null),
  panels: [...document.querySelectorAll('article.panel')].map((panel) => [
    panel.getAttribute('aria-label'),
    ...[...panel.querySelectorAll('.panel-bar select')].map((it) => it.value),
    ...[...panel.querySelectorAll('.panel-bar [aria-pressed]')].map((it) => it.ariaPressed),
    panel.querySelector('output.group').textContent,
    panel.querySelector('.ladder caption').textContent,
  ]),
})"""
"""What the controls of the page say."""


async def everything(page: Page) -> dict[str, Any]:
    """Return what a page shows but for what moves."""
    panels = range(await page.locator("article.panel").count())
    for panel in panels:
        await until_current(page, panel)
    found: dict[str, Any] = await page.evaluate(CONTROLS)
    for panel in panels:
        shown = await read_ladder(page, panel)
        found[f"ladder {panel}"] = shown._replace(sequence=0)
    return found


@module_loop
async def test_a_link_shows_the_same(page: Page, browser: Browser, server: ServerProcess) -> None:
    await viewer(page, server)
    await until_current(page)
    assert query_of(page) == [("symbol", "BTCUSD")]
    first = panel_of(page).locator(".panel-bar")
    await first.get_by_role("button", name="MBO").click()
    assert query_of(page) == [("symbol", "BTCUSD"), ("type", "MBO")]
    await first.get_by_label("Price levels a side").select_option("20")
    await first.get_by_label("Least time between updates").select_option("0")
    await first.get_by_role("button", name="Wider price step").click()
    await first.get_by_label("Rows of the ladder").select_option("levels")
    fields = [("type", "MBO"), ("levels", "20"), ("interval", "0"), ("group", "1.00")]
    fields = [("symbol", "BTCUSD"), *fields, ("rows", "levels")]
    assert query_of(page) == fields
    await page.locator("#add").click()
    assert query_of(page) == [*fields, ("symbol", "ETHUSD")]
    await page.locator("#theme").click()
    await page.locator("#show-tape").click()
    await page.locator("#show-depth").click()
    assert query_of(page) == [
        *fields,
        ("symbol", "ETHUSD"),
        ("hide", "depth,tape"),
        ("theme", "dark"),
    ]
    here = await everything(page)
    async with watched_page(browser) as (other, _):
        await other.goto(page.url)
        await until_connection(other, "connected")
        assert await everything(other) == here
        assert other.url == page.url
    await page.reload()
    await until_connection(page, "connected")
    assert await everything(page) == here


@module_loop
async def test_what_an_address_has_wrong_is_left_at_its_default(
    page: Page, server: ServerProcess
) -> None:
    wrong = {
        "type": "L3",
        "levels": "1001",
        "interval": "-1",
        "group": "abc",
        "rows": "some",
        "theme": "<b>",
        "hide": "footer,tape,",
        "url": "javascript:alert(1)",
        "nothing": "1",
    }
    await viewer(page, server, {"symbol": "ADAUSD", **wrong})
    shown, book = await shown_with_page(page, server)
    check_ladder(shown, book, (4, 0), Decimal("0.0001"))
    assert query_of(page) == [("symbol", "ADAUSD"), ("hide", "tape")]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"levels": "0"}, []),
        ({"levels": "7"}, [("levels", "7")]),
        ({"levels": "ten"}, []),
        ({"interval": "250"}, [("interval", "250")]),
        ({"interval": "60001"}, []),
        ({"group": "0"}, []),
        ({"group": "0.7"}, [("group", "0.7")]),
    ],
)
@module_loop
async def test_numbers_of_an_address(
    page: Page, server: ServerProcess, fields: dict[str, str], kept: list[tuple[str, str]]
) -> None:
    await viewer(page, server, {"symbol": "BTCUSD", **fields})
    levels = int(dict(kept).get("levels", 50))
    shown, book = await shown_with_page(page, server, levels=levels)
    check_ladder(shown, book, (2, 4), Decimal("0.50"))
    assert query_of(page) == [("symbol", "BTCUSD"), *kept]
    bar = panel_of(page).locator(".panel-bar")
    assert await bar.get_by_label("Price levels a side").input_value() == str(levels)


@module_loop
async def test_a_symbol_that_is_not_there_is_told_as_the_server_tells_it(
    page: Page, server: ServerProcess
) -> None:
    await viewer(page, server, {"symbol": "BTCUSD"}, {"symbol": "<i>NOPE</i>"})
    await until_current(page)
    problem = panel_of(page, 1).locator(".panel-problem")
    await problem.wait_for(state="visible")
    text = await problem.inner_text()
    assert text.startswith("Error 404: ")
    assert "<i>NOPE</i>" in text
    assert await panel_of(page, 1).get_attribute("aria-label") == "<i>NOPE</i>"
    shown, book = await shown_with_page(page, server)
    check_ladder(shown, book, (2, 4), Decimal("0.50"))
    symbols = panel_of(page, 1).get_by_label("Symbol")
    assert await symbols.input_value() == "<i>NOPE</i>"
    await symbols.select_option("ADAUSD")
    shown, book = await shown_with_page(page, server, panel=1)
    check_ladder(shown, book, (4, 0), Decimal("0.0001"))
    assert await problem.is_hidden()


@module_loop
async def test_a_choice_that_is_refused_is_told(page: Page, server: ServerProcess) -> None:
    await viewer(page, server, symbol="BTCUSD", levels=100)
    await until_current(page)
    bar = panel_of(page).locator(".panel-bar")
    await bar.get_by_label("Price levels a side").select_option("500")  # --max-levels is 200
    problem = panel_of(page).locator(".panel-problem")
    await problem.wait_for(state="visible")
    text = await problem.inner_text()
    assert text.startswith("Error 400: ")
    assert "500" in text
    assert "is-stale" in str(await panel_of(page).get_attribute("class"))
    await bar.get_by_label("Price levels a side").select_option("200")
    shown, book = await shown_with_page(page, server, levels=200)
    check_ladder(shown, book, (2, 4), Decimal("0.50"))
    assert await problem.is_hidden()


@module_loop
async def test_a_panel_more_than_there_may_be_is_left_out(
    page: Page, server: ServerProcess
) -> None:
    await viewer(page, server, *({"symbol": "ADAUSD", "type": "MBO"} for _ in range(8)))
    assert await page.locator("article.panel").count() == 6
    assert query_of(page) == [("symbol", "ADAUSD"), ("type", "MBO")] * 6


# Tokens


@module_loop
async def test_a_token_is_taken_out_of_the_address(page: Page, guarded: ServerProcess) -> None:
    await viewer(page, guarded, {"symbol": "ADAUSD", "type": "MBO", "token": TOKEN})
    await until_current(page)
    assert query_of(page) == [("symbol", "ADAUSD"), ("type", "MBO")]
    for text in (page.url, await page.content(), str(await page.evaluate("() => history.state"))):
        assert "let me in" not in text
        assert "let+me+in" not in text
    symbols = panel_of(page).get_by_label("Symbol").locator("option")
    assert await symbols.all_inner_texts() == ["ETHUSD", "ADAUSD"]
    await page.reload()
    await until_current(page)
    assert (await read_ladder(page)).symbol == "ADAUSD"


@module_loop
async def test_a_token_is_asked_for(page: Page, problems: Problems, guarded: ServerProcess) -> None:
    problems.expect(r"WebSocket connection to 'ws://127\.0\.0\.1")
    await page.goto(f"http://127.0.0.1:{guarded.port}/?symbol=ETHUSD&token=wrong")
    await until_connection(page, "refused")
    assert query_of(page) == [("symbol", "ETHUSD")]
    assert "Refused" in await page.locator("footer .connection").inner_text()
    for token, state in (("wrong again", "refused"), (TOKEN, "connected")):
        field = page.get_by_label("Token")
        await field.wait_for(state="visible")
        assert await field.get_attribute("type") == "password"
        await field.fill(token)
        async with page.expect_navigation():
            await field.press("Enter")
        await until_connection(page, state)
    await until_current(page)
    assert await page.locator("form.login").is_hidden()
    assert query_of(page) == [("symbol", "ETHUSD")]
    assert (await read_ladder(page)).symbol == "ETHUSD"


@module_loop
async def test_a_token_is_for_its_server_alone(
    page: Page, guarded: ServerProcess, server: ServerProcess
) -> None:
    asked: list[str] = []

    def note(websocket: WebSocket) -> None:
        asked.append(websocket.url)

    page.on("websocket", note)
    await viewer(page, guarded, symbol="ADAUSD", token=TOKEN)
    await viewer(page, guarded, symbol="BTCUSD", url=server.url)
    shown, book = await shown_with_page(page, server)
    check_ladder(shown, book, (2, 4), Decimal("0.50"))
    assert ("url", server.url) in query_of(page)
    to_server = [url for url in asked if urlsplit(url).port == server.port]
    assert to_server
    assert all("token" not in url for url in to_server)
    await wait_until(page, "() => document.title.startsWith('BTCUSD')")


@module_loop
async def test_a_symbol_that_one_may_not_see_is_told(page: Page, guarded: ServerProcess) -> None:
    await viewer(page, guarded, symbol="BTCUSD", token=TOKEN)
    problem = panel_of(page).locator(".panel-problem")
    await problem.wait_for(state="visible")
    assert (await problem.inner_text()).startswith("Error 403: ")
    assert not any((await read_ladder(page)).rows[0])
