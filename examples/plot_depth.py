"""Draw the depth of a running market: what could be bought and sold up to each price.

    python examples/plot_depth.py [SYMBOL] [--url ws://127.0.0.1:8080] [--out depth.png]

Needs the extra `plot`: pip install 'market-depth[plot]'
"""

from __future__ import annotations

import argparse
from itertools import accumulate

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from market_depth.client import Book
from market_depth.client.sync import connect

LEVELS = 200


def draw(book: Book, symbol: str, path: str) -> None:
    """Draw cumulative quantities of either side as steps."""
    figure, axes = plt.subplots(figsize=(9, 5))
    for levels, colour, name in (
        (book.bids(), "#2a78b8", "bids"),
        (book.asks(), "#d1701c", "asks"),
    ):
        prices = [level.price for level in levels]
        totals = list(accumulate(level.quantity for level in levels))
        axes.step(prices, totals, where="post", color=colour, label=name)
        axes.fill_between(prices, totals, step="post", color=colour, alpha=0.2)
    axes.set(title=f"{symbol}, sequence {book.sequence}", xlabel="price", ylabel="total quantity")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(useOffset=False)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main(url: str, symbol: str, path: str) -> None:
    """Take one view of the book and draw it."""
    with connect(url) as depth:
        for update in depth.subscribe(symbol, levels=LEVELS, mode="snapshot"):
            draw(update.book, symbol, path)
            break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbol", nargs="?", default="BTCUSD")
    parser.add_argument("--url", default="ws://127.0.0.1:8080")
    parser.add_argument("--out", default="depth.png")
    arguments = parser.parse_args()
    main(arguments.url, arguments.symbol, arguments.out)
