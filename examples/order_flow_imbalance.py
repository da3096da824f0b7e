"""Work out the order flow imbalance of a symbol, and hold it against how the mid price moved.

    python examples/order_flow_imbalance.py [SYMBOL] [--url …] [--seconds 1] [--windows 10]

Each change of the best levels adds what it says of demand: quantity that comes to the best bid or
leaves the best ask counts up, the reverse counts down. Source: Cont, Kukanov and Stoikov, The Price
Impact of Order Book Events, Journal of Financial Econometrics 12 (2014), section 2.
"""

from __future__ import annotations

import argparse
import asyncio

from market_depth.client import Level, connect


def contribution(before: Level, after: Level, sign: int) -> float:
    """Return what a change of one best level adds; *sign* is 1 for bids and -1 for asks."""
    added = after.quantity if sign * after.price >= sign * before.price else 0.0
    gone = before.quantity if sign * after.price <= sign * before.price else 0.0
    return sign * (added - gone)


async def main(url: str, symbol: str, seconds: float, windows: int) -> None:
    """Print a line for each window."""
    loop = asyncio.get_running_loop()
    async with (
        connect(url) as depth,
        depth.subscribe(symbol, "BBO", interval_ms=0) as stream,
    ):
        bid = ask = None
        flow, first_mid, ends_at = 0.0, None, loop.time() + seconds
        async for update in stream:
            book = update.book
            new_bid, new_ask, mid = book.best_bid, book.best_ask, book.mid
            if new_bid is None or new_ask is None or mid is None:
                continue
            if bid is not None and ask is not None:
                flow += contribution(bid, new_bid, 1) + contribution(ask, new_ask, -1)
            bid, ask = new_bid, new_ask
            first_mid = mid if first_mid is None else first_mid
            if loop.time() >= ends_at:
                print(f"{update.timestamp}  imbalance {flow:+.4f}  mid {mid - first_mid:+g}")
                flow, first_mid, ends_at = 0.0, mid, loop.time() + seconds
                windows -= 1
                if not windows:
                    break


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbol", nargs="?", default="BTCUSD")
    parser.add_argument("--url", default="ws://127.0.0.1:8080")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--windows", type=int, default=10)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.url, arguments.symbol, arguments.seconds, arguments.windows))
