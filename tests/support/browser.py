"""Headless Chromium before the viewer, watched for whatever goes wrong in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebSocket,
    async_playwright,
)

from support.documents import ROOT
from support.process import ServerProcess

__all__ = [
    "Problems",
    "Watched",
    "chromium_path",
    "heap_bytes",
    "launched_chromium",
    "until_connection",
    "viewer",
    "violations",
    "watched_page",
]

AXE = ROOT / "tests" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
HOST = "127.0.0.1"
"""The only one that a page may ask."""

_OWN_SCHEMES = ("data", "blob")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--enable-precise-memory-info",
    "--no-first-run",
)


def chromium_path() -> str:
    """Return where Chromium is: what MARKET_DEPTH_CHROMIUM names, else the first on PATH.

    Raises:
        RuntimeError: if there is none.
    """
    named = os.environ.get("MARKET_DEPTH_CHROMIUM")
    for name in (named,) if named else _NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    wanted = named or ", ".join(_NAMES)
    raise RuntimeError(
        f"no Chromium for the viewer's tests: looked for {wanted}. tests/support/install-chromium "
        "installs Debian's; MARKET_DEPTH_CHROMIUM names any other"
    )


@asynccontextmanager
async def launched_chromium() -> AsyncIterator[Browser]:
    """Run Chromium, headless and without a profile of its own."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Problems:
    """What has gone wrong in a page: lines such as "console error: ..." or "404: http://..."."""

    def __init__(self, page: Page) -> None:
        self.found: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.found.append(f"page error: {error}"))
        page.on("crash", lambda _: self.found.append("the page has crashed"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_request_failed)
        page.on("response", self._on_response)
        page.on("websocket", self._on_websocket)

    def expect(self, *patterns: str) -> None:
        """Let what matches a pattern pass, anywhere in a line, for the whole life of the page."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def expect_loss(self) -> None:
        """Let the connection to the server be lost, and attempts to connect again fail."""
        self.expect(
            r"WebSocket connection to 'ws://127\.0\.0\.1:\d+/[^']*' failed",
            r"net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)",
        )

    @property
    def unexpected(self) -> list[str]:
        """What no pattern matches."""
        return [
            line
            for line in self.found
            if not any(pattern.search(line) for pattern in self._expected)
        ]

    def check(self) -> None:
        """Fail if there is anything unexpected."""
        assert not self.unexpected, "in the browser:\n" + "\n".join(self.unexpected)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            where = message.location
            self.found.append(
                f"console {message.type}: {message.text} ({where['url']}:{where['lineNumber']})"
            )

    def _on_request(self, request: Request) -> None:
        self._check_host(request.url)

    def _on_websocket(self, websocket: WebSocket) -> None:
        self._check_host(websocket.url)

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname != HOST and parts.scheme not in _OWN_SCHEMES:
            self.found.append(f"request to another host: {url}")

    def _on_request_failed(self, request: Request) -> None:
        self.found.append(f"request failed: {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.found.append(f"{response.status}: {response.url}")


class Watched(NamedTuple):
    """A page and its problems."""

    page: Page
    problems: Problems


@asynccontextmanager
async def watched_page(browser: Browser, **options: Any) -> AsyncIterator[Watched]:
    """Open an empty page that shares nothing with others; fails in the end if it had a problem.

    Args:
        browser: to open it in.
        options: of the context, such as `viewport`, `device_scale_factor` or `color_scheme`.
    """
    context = await browser.new_context(**options)
    try:
        page = await context.new_page()
        problems = Problems(page)
        yield Watched(page, problems)
        if not page.is_closed() and "the page has crashed" not in problems.found:
            await page.title()  # what it has told before is told by now
        problems.check()
    finally:
        await context.close()


async def viewer(
    page: Page, server: ServerProcess, *panels: Mapping[str, object], **state: object
) -> None:
    """Open the viewer, and wait until it is connected.

    Args:
        page: where to.
        server: that it comes from, and connects to unless `url` says otherwise.
        panels: the fields of each panel, `symbol` first; none if there is one panel only.
        state: fields of the address's query: of the one panel, or of the whole page.
    """
    fields = [(name, str(value)) for panel in (*panels, state) for name, value in panel.items()]
    await page.goto(f"http://{HOST}:{server.port}/?{urlencode(fields)}")
    await until_connection(page, "connected")


async def until_connection(page: Page, state: str, timeout_s: float = 30.0) -> None:
    """Wait until the viewer says that its connection is in a state."""
    html = page.locator(f'html[data-connection="{state}"]')
    await html.wait_for(state="attached", timeout=1000 * timeout_s)


@cache
def _axe() -> str:
    return AXE.read_text("utf-8")


async def violations(page: Page, **options: object) -> list[str]:
    """Return what axe-core finds wrong: "rule (impact): what; element: html", line by line.

    Args:
        page: to look at, as it is now.
        options: of `axe.run`, such as `runOnly`.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}; {node['target']}: {node['html']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def heap_bytes(page: Page) -> int:
    """Return the size of a page's JavaScript heap once its garbage has been collected."""
    session = await page.context.new_cdp_session(page)
    try:
        await session.send("HeapProfiler.enable")
        await session.send("HeapProfiler.collectGarbage")
        usage = await session.send("Runtime.getHeapUsage")
        return int(usage["usedSize"])
    finally:
        await session.detach()
