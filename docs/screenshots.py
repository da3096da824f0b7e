"""Take the pictures of the documents: docs/viewer.png and docs/terminal.png.

    make screenshots                # ARGS='--minutes 1' for a quick look

The market is simulated, and has to have gone on for a while for the heatmap to have something to
show.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from market_depth.terminal.app import WatchApp
from market_depth.terminal.choice import Choice
from market_depth.terminal.depth import View
from market_depth.terminal.feed import Feed
from support.browser import launched_chromium, viewer, watched_page
from support.logs import serving_quietly
from support.process import ServerProcess

FOLDER: Final = Path(__file__).parent
SERVER: Final = ("--seed=11", "--rate=60")
WINDOW: Final = {"width": 1600, "height": 1000}
TERMINAL: Final = (110, 36)
FONT: Final = "'DejaVu Sans Mono', monospace"


async def picture_viewer(browser: Browser, server: ServerProcess, minutes: float) -> None:
    """Watch a market for a while, and take a picture of it."""
    async with watched_page(browser, viewport=WINDOW, color_scheme="dark") as (page, _):
        await viewer(page, server, symbol="BTCUSD", type="MBO", levels=100)
        await page.wait_for_timeout(60_000 * minutes)
        await page.screenshot(path=FOLDER / "viewer.png")


async def picture_terminal(browser: Browser, server: ServerProcess, seconds: float) -> None:
    """Run the terminal viewer without a terminal, and draw its screen with a browser's fonts."""
    feed = Feed(Choice(server.url))
    symbols = await asyncio.to_thread(feed.start)
    try:
        view = View(symbols[0].symbol, "MBO")
        feed.begin(view)
        app = WatchApp(feed, symbols, view)
        async with app.run_test(size=TERMINAL):
            await asyncio.sleep(seconds)
            drawing = app.export_screenshot(title="market-depth watch")
    finally:
        await asyncio.to_thread(feed.stop)
    async with watched_page(browser, viewport={"width": 1400, "height": 900}) as (page, _):
        await page.set_content(_with_font(drawing))
        await page.locator("svg").screenshot(path=FOLDER / "terminal.png")


def _with_font(drawing: str) -> str:
    """Return an SVG that asks no other host for its font."""
    before, _, rest = drawing.partition("@font-face")
    *_, after = rest.rpartition("@font-face")
    plain = before + after.partition("}")[2] if rest else drawing
    return plain.replace("Fira Code", "DejaVu Sans Mono")


async def main(minutes: float) -> None:
    """Take all pictures."""
    async with serving_quietly(*SERVER) as server, launched_chromium() as browser:
        await asyncio.gather(
            picture_viewer(browser, server, minutes),
            picture_terminal(browser, server, 60 * minutes - 5),
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    asyncio.run(main(parser.parse_args().minutes))
