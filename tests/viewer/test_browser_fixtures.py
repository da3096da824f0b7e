"""The browser of the viewer's tests sees what goes wrong in it, and measures what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page

from support.browser import (
    Problems,
    chromium_path,
    heap_bytes,
    viewer,
    violations,
    watched_page,
)
from support.process import ServerProcess

module_loop = pytest.mark.asyncio(loop_scope="module")

WRONG: Final = {
    "console.error('oh no')": "console error: oh no",
    "console.warn('hm')": "console warning: hm",
    "console.assert(1 > 2, 'less')": "console assert: less",
    "new Promise((done) => setTimeout(() => { setTimeout(done); throw new Error('thrown'); }))": (
        "page error: thrown"
    ),
    "void Promise.reject(new Error('rejected')), new Promise((done) => setTimeout(done))": (
        "page error: rejected"
    ),
    "fetch('/nope')": r"404: http://127\.0\.0\.1:\d+/nope",
    "fetch('http://market.example/').catch(() => {})": "violates the document's Content Security",
    "void document.body.append(Object.assign(document.createElement('script'), {text: '1'}))": (
        "violates the following Content Security Policy|Content Security Policy directive"
    ),
    "new Promise((done) => { new WebSocket('ws://127.0.0.1:1/').onclose = done; })": (
        "console error: WebSocket connection to 'ws://127.0.0.1:1/' failed"
    ),
    "new Promise((done) => { new WebSocket('ws://market.example/').onclose = done; })": (
        "request to another host: ws://market.example/"
    ),
}
"""What a page may do, and how a test is told."""


@pytest.mark.parametrize("code", WRONG)
@module_loop
async def test_what_goes_wrong_fails_the_test(
    browser: Browser, server: ServerProcess, code: str
) -> None:
    with pytest.raises(AssertionError) as failure:
        await run(browser, server, code)
    assert re.search(WRONG[code], str(failure.value))


@pytest.mark.parametrize("code", WRONG)
@module_loop
async def test_what_is_expected_passes(browser: Browser, server: ServerProcess, code: str) -> None:
    await run(browser, server, code, WRONG[code], "Failed to load resource", "ERR_NAME_NOT", "csp")


async def run(browser: Browser, server: ServerProcess, code: str, *expected: str) -> None:
    """Run code in a page of the server, and close the page."""
    async with watched_page(browser) as (page, problems):
        problems.expect(*expected)
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await page.evaluate(code)


@module_loop
async def test_the_viewer_connects_and_has_no_problem(
    page: Page, problems: Problems, server: ServerProcess
) -> None:
    await viewer(page, server, {"symbol": "ETHUSD"}, {"symbol": "BTCUSD", "type": "MBO"})
    assert "symbol=ETHUSD&symbol=BTCUSD&type=MBO" in page.url
    assert problems.found == []


@module_loop
async def test_pages_share_nothing(browser: Browser, server: ServerProcess) -> None:
    address = f"http://127.0.0.1:{server.port}/"
    async with watched_page(browser) as (page, _):
        await page.goto(address)
        await page.evaluate("localStorage.setItem('left', 'behind')")
    async with watched_page(browser, viewport={"width": 360, "height": 640}) as (page, _):
        await page.goto(address)
        assert await page.evaluate("localStorage.getItem('left')") is None
        assert await page.evaluate("innerWidth") == 360


@module_loop
async def test_a_heap_is_measured_without_its_garbage(page: Page, server: ServerProcess) -> None:
    million = 1_000_000
    await page.goto(f"http://127.0.0.1:{server.port}/viewer/icon.svg")
    empty = await heap_bytes(page)
    await page.evaluate("window.kept = Array.from({length: 1e6}, (_, index) => index + 0.5), 0")
    assert await heap_bytes(page) > empty + 4 * million
    await page.evaluate("window.kept = Array.from({length: 1e6}, (_, index) => -index), 0")
    await page.evaluate("window.kept = null")
    assert await heap_bytes(page) < empty + million


@module_loop
async def test_axe_finds_what_is_not_accessible(page: Page, server: ServerProcess) -> None:
    await viewer(page, server)
    before = await violations(page)
    assert not any(line.startswith("image-alt") for line in before)
    await page.evaluate("void document.querySelector('main').append(new Image())")
    after = await violations(page)
    assert any(line.startswith("image-alt (critical)") for line in after)
    rule = {"type": "rule", "values": ["image-alt"]}
    assert len(await violations(page, runOnly=rule)) == 1


def test_a_chromium_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_DEPTH_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(RuntimeError, match=r"/nowhere/chromium.*install-chromium"):
        chromium_path()
    monkeypatch.delenv("MARKET_DEPTH_CHROMIUM")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RuntimeError, match=r"google-chrome"):
        chromium_path()


def test_the_chromium_that_is_named_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "another-browser"
    other.touch(0o755)
    monkeypatch.setenv("MARKET_DEPTH_CHROMIUM", str(other))
    assert chromium_path() == str(other)
