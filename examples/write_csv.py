"""Write the best levels of a book to a CSV file, a row an update.

python examples/write_csv.py depth.csv [SYMBOL] [--url ws://127.0.0.1:8080] [--updates 100]
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from market_depth.client import Book
from market_depth.client.sync import connect

LEVELS = 5


def row_of(book: Book) -> list[float | str]:
    """Return price and quantity of each level, bids first; empty where there is no level."""
    row: list[float | str] = []
    for side in (book.bids(LEVELS), book.asks(LEVELS)):
        for level in side:
            row += [level.price, level.quantity]
        row += [""] * (2 * (LEVELS - len(side)))
    return row


def main(path: Path, url: str, symbol: str, updates: int) -> None:
    """Follow the book for so many updates, each verified by its checksum."""
    names = [
        f"{side}_{what}_{number}"
        for side in ("bid", "ask")
        for number in range(1, LEVELS + 1)
        for what in ("price", "quantity")
    ]
    with path.open("w", newline="") as file, connect(url) as depth:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "sequence", *names])
        for update in depth.subscribe(symbol, levels=LEVELS, interval_ms=0, checksum=True):
            writer.writerow([update.timestamp, update.sequence, *row_of(update.book)])
            updates -= 1
            if not updates:
                break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("symbol", nargs="?", default="BTCUSD")
    parser.add_argument("--url", default="ws://127.0.0.1:8080")
    parser.add_argument("--updates", type=int, default=100)
    arguments = parser.parse_args()
    main(arguments.path, arguments.url, arguments.symbol, arguments.updates)
