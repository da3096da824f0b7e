"""`market-depth tail`: a stream as JSON lines, for pipes."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from market_depth.client import Event, Update, UpdateKind, connect
from market_depth.protocol.messages import DataType

__all__ = ["TailOptions", "run"]


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What is to be shown."""

    symbol: str
    url: str
    data_type: DataType
    levels: int
    mode: str
    interval_ms: int | None
    group: str | None
    checksum: bool
    raw: bool
    """Messages as they come, not the tops of books."""
    count: int | None
    """Lines after which to end; `None` goes on."""
    token: str | None


def run(options: TailOptions) -> None:
    """Print a line an update, until there have been enough or the user ends it.

    Raises:
        ClientError: if the server can't be reached, or refuses.
    """
    try:
        asyncio.run(_tail(options))
    except BrokenPipeError:  # whoever read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _tail(options: TailOptions) -> None:
    mode = cast("Literal['snapshot', 'delta']", options.mode)
    async with connect(options.url, token=options.token, on_event=_tell) as depth:
        subscription = depth.subscribe(
            options.symbol,
            options.data_type,
            levels=options.levels,
            mode=mode,
            interval_ms=options.interval_ms,
            group=options.group,
            checksum=options.checksum,
        )
        lines = 0
        async for update in subscription:
            for line in [_raw(update)] if options.raw else _lines(update):
                print(line, flush=True)
                lines += 1
                if lines == options.count:
                    return


def _raw(update: Update) -> str:
    return update.raw if isinstance(update.raw, str) else update.raw.decode()


def _lines(update: Update) -> list[str]:
    if update.kind is UpdateKind.TRADES:
        head = {"symbol": update.symbol}
        return [
            msgspec.json.encode({**head, **msgspec.structs.asdict(trade)}).decode()
            for trade in update.trades
        ]
    return [msgspec.json.encode(_top(update)).decode()]


def _top(update: Update) -> dict[str, Any]:
    """Return the top of a book."""
    book = update.book
    bid, ask = book.best_bid, book.best_ask
    return {
        "symbol": update.symbol,
        "sequence": update.sequence,
        "timestamp": update.timestamp,
        "bid": bid and bid.price,
        "bid_quantity": bid and bid.quantity,
        "ask": ask and ask.price,
        "ask_quantity": ask and ask.quantity,
        "spread": book.spread,
        "mid": book.mid,
    }


def _tell(event: Event) -> None:
    print(f"market-depth: {event.kind.value}: {event.text}", file=sys.stderr)
