"""The browser of the viewer's tests sees what goes wrong in it, and measures what it says."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page

from support.browser import (
    Problems,
    chromium_path,
    heap_bytes,
    until_connection,
    viewer,
    violations,
    watched_page,
)
from support.logs import serving_quietly
from support.process import ServerProcess, serving

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
    "fetch('http://market.example/').catch(() => {})": "Content Security Policy",
    "void document.body.append(Object.assign(document.createElement('script'), {text: '1'}))": (
        "Content Security Policy"
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
async def test_what_goes_wrong_is_seen(browser: Browser, server: ServerProcess, code: str) -> None:
    async with watched_page(browser) as (page, problems):
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await page.evaluate(code)
        await page.title()
        assert any(re.search(WRONG[code], line) for line in problems.unexpected), problems.found
        problems.expect(".")


@module_loop
async def test_a_test_fails_for_what_it_has_not_expected(browser: Browser) -> None:
    with pytest.raises(AssertionError, match=r"(?s)^in the browser:.*oh no") as failure:
        await say_three_things(browser)
    assert "this" not in str(failure.value)


async def say_three_things(browser: Browser) -> None:
    """Open a page that says two things that are expected, and one that is not."""
    async with watched_page(browser) as (page, problems):
        problems.expect("^console error: this", "warning")
        await page.evaluate("console.error('this is known'), console.warn('so is this')")
        await page.evaluate("console.error('oh no')")


@module_loop
async def test_the_loss_of_a_server_is_expected_where_a_test_says_so(
    page: Page, problems: Problems
) -> None:
    problems.expect_loss()
    async with serving("--seed=1", exit_code=-signal.SIGKILL) as server:
        await viewer(page, server)
        server.send_signal(signal.SIGKILL)
        await page.locator('html:not([data-connection="connected"])').wait_for(state="attached")
        await page.wait_for_event("websocket")  # it has tried again, in vain
    async with serving_quietly("--seed=1", f"--addr=127.0.0.1:{server.port}"):
        await until_connection(page, "connected")
    assert problems.found


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
async def test_a_heap_is_measured_without_its_garbage(page: Page) -> None:
    million = 1_000_000
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
