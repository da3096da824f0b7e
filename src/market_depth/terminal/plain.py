"""The viewer without a screen: a line an update, for pipes and for terminals that can't do more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from market_depth.client import Book, Event, SlowReaderPolicy, Update, connect
from market_depth.terminal.figures import clock, decimal

__all__ = ["plain_line", "print_lines"]


def plain_line(update: Update) -> str:
    """Return an update's best prices: time, symbol, sequence, `size @ bid | ask @ size`, spread."""
    book = update.book
    time = clock(update.timestamp, with_ms=True)
    return f"{time} {update.symbol} {update.sequence} {_best(book)} {_spread(book)}"


async def print_lines(
    url: str,
    symbols: Sequence[str],
    data_type: Literal["MBP", "MBO"],
    *,
    levels: int,
    interval_ms: int | None,
    group: str | None,
    token: str | None,
    count: int | None,
) -> None:
    """Print lines until there have been enough, or a signal says so.

    Args:
        url: of the server.
        symbols: which; all if there are none.
        data_type: what is subscribed to.
        levels: price levels a side.
        interval_ms: least time between two updates; `None` leaves it to the server.
        group: step to merge price levels into.
        token: credentials.
        count: lines after which to end.

    Raises:
        ClientError: if the server can't be reached, or refuses.
    """
    async with connect(url, token=token, on_event=_tell) as depth:
        one = symbols[0] if len(symbols) == 1 else None
        subscription = depth.subscribe(
            one,
            data_type,
            symbols=None if one else (list(symbols) or "*"),
            levels=levels,
            interval_ms=interval_ms,
            group=group,
            checksum=True,
            slow_reader=SlowReaderPolicy.BLOCK,
        )
        lines = 0
        async for update in subscription:
            print(plain_line(update), flush=True)
            lines += 1
            if lines == count:
                return


def _best(book: Book) -> str:
    bid, ask, scale = book.best_bid, book.best_ask, book.scale
    bought = sold = "–"
    if bid is not None:
        size = decimal(bid.quantity_units, scale.quantity_decimals)
        bought = f"{size} @ {decimal(bid.price_units, scale.price_decimals)}"
    if ask is not None:
        size = decimal(ask.quantity_units, scale.quantity_decimals)
        sold = f"{decimal(ask.price_units, scale.price_decimals)} @ {size}"
    return f"{bought} | {sold}"


def _spread(book: Book) -> str:
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return "–"
    return decimal(ask.price_units - bid.price_units, book.scale.price_decimals)


def _tell(event: Event) -> None:
    print(f"market-depth: {event.kind.value}: {event.text}", file=sys.stderr)
