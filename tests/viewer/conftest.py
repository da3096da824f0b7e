"""A browser for the viewer's end-to-end tests, and a server whose viewer it opens.

Tests that use these run in the loop of their module: `pytest.mark.asyncio(loop_scope="module")`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page

from support.browser import Problems, Watched, launched_chromium, watched_page
from support.logs import serving_quietly
from support.process import ServerProcess


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for a module's tests."""
    async with launched_chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    """A server of the simulated market; a module that wants another has a fixture of its own."""
    async with serving_quietly("--seed=1") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def watched(browser: Browser) -> AsyncIterator[Watched]:
    """An empty page; the test fails if anything went wrong in it that was not expected."""
    async with watched_page(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(watched: Watched) -> Page:
    """The page of `watched`."""
    return watched.page


@pytest_asyncio.fixture(loop_scope="module")
async def problems(watched: Watched) -> Problems:
    """The problems of `page`, for what a test expects."""
    return watched.problems
