"""What the viewer's charts are painted from, and what they paint, told by the page itself."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from playwright.async_api import Page

from support.viewer_page import Book, Level

__all__ = [
    "Filled",
    "ask",
    "fill",
    "imbalance_words",
    "readout_of",
    "see",
    "seen",
    "shows_colours",
    "signed",
    "size_up_to",
]

_MINUS = "\N{MINUS SIGN}"
_SEE = """async () => {
  const seen = { trades: [], drawn: 0, records: 0 };
  const wrap = async (module, name, method, then) => {
    const { prototype } = (await import(`/viewer/${module}.js`))[name];
    const plain = prototype[method];
    prototype[method] = function (...given) {
      const answer = plain.apply(this, given);
      then(this, given);
      return answer;
    };
  };
  const isPaused = () => document.documentElement.classList.contains('is-paused');
  await wrap('history/history', 'DepthHistory', 'record', (history) => {
    if (!isPaused()) seen.history = history;
    seen.records++;
  });
  await wrap('panel/model', 'MarketModel', 'pause', (model) => (seen.history = model.history));
  await wrap('heatmap/trades', 'TradeMarks', 'draw', (marks, [, , times, prices]) => {
    seen.times = times;
    seen.prices = prices;
  });
  await wrap('heatmap/crosshair', 'Readout', 'read', (readout, [, , , low, rowTicks]) => {
    const lines = readout.lines.slice(0, readout.count);
    seen.readout = { lines, low, rowTicks };
  });
  await wrap('tape/trade-ring', 'TradeRing', 'push', (ring, [trade]) => {
    seen.trades.push({ ...trade });
  });
  await wrap('tape/trade-ring', 'TradeRing', 'clear', () => (seen.trades.length = 0));
  for (const method of ['draw', 'pause']) {
    await wrap('tape/tape', 'Tape', method, () => {
      if (!isPaused()) seen.drawn = seen.trades.length;
    });
  }
  window.seen = seen;
}"""

_COLOURS = """([view, x, y, width, height]) => {
  const canvas = document.querySelector(`.view-${view} canvas`);
  const scale = canvas.width / canvas.clientWidth;
  const box = [x, y, width, height].map((length) => Math.round(length * scale));
  box[2] = Math.max(box[2], 1);
  box[3] = Math.max(box[3], 1);
  const copy = new OffscreenCanvas(box[2], box[3]).getContext('2d');
  copy.drawImage(canvas, -box[0], -box[1]);
  const { data } = copy.getImageData(0, 0, box[2], box[3]);
  const found = {};
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0) continue;
    const number = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    const colour = `#${number.toString(16).padStart(6, '0')}`;
    found[colour] = (found[colour] ?? 0) + 1;
  }
  return found;
}"""


async def see(page: Page) -> None:
    """Let the page note from now on, in `window.seen`, what its charts are drawn from.

    history: the newest DepthHistory that was recorded to, `records` times; what of it is shown,
        in a pause.
    times, prices: the heatmap's scales; readout: what its crosshair tells.
    trades: all that came; drawn: how many of them the tape shows.
    """
    await page.evaluate(_SEE)


async def shows_colours(
    page: Page, view: str, x: float, y: float, width: float, height: float
) -> dict[str, int]:
    """Return how many pixels have which colour, as `#rrggbb`, in a box of a view's canvas.

    The box is told in CSS pixels.
    """
    found: dict[str, int] = await page.evaluate(_COLOURS, [view, x, y, width, height])
    return found


async def readout_of(page: Page) -> dict[str, list[str]]:
    """Return what the depth chart's crosshair reads: by name, on its side and on the mirror's."""
    found: dict[str, list[str]] = await page.locator(".depth-readout").evaluate(
        """(output) => {
          const found = { side: [output.dataset.side] };
          for (const cell of output.querySelectorAll('[data-name]')) {
            (found[cell.dataset.name] ??= []).push(cell.textContent);
          }
          return found;
        }"""
    )
    return found


class Filled(NamedTuple):
    """What an order at market takes."""

    size: Decimal
    money: Decimal

    @property
    def average(self) -> Fraction:
        return Fraction(self.money) / Fraction(self.size)


def size_up_to(levels: list[Level], price: Decimal, *, is_bid: bool) -> Decimal:
    """Return how much stands at a price or better."""
    return sum(
        (
            level.quantity
            for level in levels
            if (level.price >= price if is_bid else level.price <= price)
        ),
        Decimal(0),
    )


def fill(levels: list[Level], size: Decimal) -> Filled:
    """Return what it takes to fill a size, best price first."""
    rest, money = size, Decimal(0)
    for level in levels:
        taken = min(rest, level.quantity)
        money += taken * level.price
        rest -= taken
    return Filled(size - rest, money)


def signed(text: str) -> Decimal:
    """Return the number of a text with a minus sign and units behind it."""
    return Decimal(text.split()[0].replace(_MINUS, "-").replace(",", ""))


def imbalance_words(book: Book, tick: Decimal) -> str:
    """Return what the timeline says of a book."""
    bid, ask = (
        sum((level.quantity for level in side[:10]), Decimal(0)) for side in (book.bids, book.asks)
    )
    part = (bid - ask) / (bid + ask)
    whole = int((part * 100 + Decimal("0.5")).__floor__())
    sign = "+" if whole > 0 else _MINUS if whole < 0 else ""
    leaning = (
        "more bids" if part > Decimal("0.05") else "more asks" if part < Decimal("-0.05") else ""
    )
    spread = book.asks[0].price - book.bids[0].price
    ticks = int(spread / tick)
    return (
        f"Imbalance of the best levels {sign}{abs(whole)} %, {leaning or 'balanced'}; "
        f"spread {ticks} {'tick' if ticks == 1 else 'ticks'}, {spread}"
    )


def seen(expression: str) -> str:
    """Return JavaScript that says what of `window.seen`."""
    return f"() => {{ const seen = window.seen; return {expression}; }}"


async def ask(page: Page, expression: str) -> Any:
    """Return what an expression of `seen` says in the page."""
    return await page.evaluate(seen(expression))
