"""Print the best prices and the spread of a symbol as they change.

python examples/print_spread.py [SYMBOL] [--url ws://127.0.0.1:8080] [--updates 20]
"""

from __future__ import annotations

import argparse
import asyncio

from market_depth.client import connect


async def main(url: str, symbol: str, updates: int) -> None:
    """Follow the best bid and offer, every change of it."""
    async with connect(url) as depth:
        async for update in depth.subscribe(symbol, "BBO", interval_ms=0):
            book = update.book
            if (bid := book.best_bid) and (ask := book.best_ask):
                print(f"{update.timestamp}  {bid.price} | {ask.price}  spread {book.spread:g}")
            updates -= 1
            if not updates:
                break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbol", nargs="?", default="BTCUSD")
    parser.add_argument("--url", default="ws://127.0.0.1:8080")
    parser.add_argument("--updates", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.url, arguments.symbol, arguments.updates))
