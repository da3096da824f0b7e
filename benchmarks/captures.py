"""A capture of Binance's messages for the benchmarks: a simulated market's depth as diffs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.flow import recorded_flow
from market_depth.book import OrderBook
from market_depth.events import Events
from market_depth.feeds.changes import whole_changes
from market_depth.instruments import format_units
from market_depth.simulator import load_profiles

__all__ = ["write_binance_capture"]

_EVENTS_PER_DIFF = 5
_LEVELS = 1000
_TIME_MS = 1_700_000_000_000
_STEP_MS = 100


def write_binance_capture(path: Path, messages: int) -> None:
    """Write a snapshot and diffs as hftbacktest does: a line of ns and the message."""
    instrument = load_profiles()["BTCUSD"].instrument
    book = OrderBook()
    flow = recorded_flow(30_000 + messages * _EVENTS_PER_DIFF)
    with path.open("w") as file:
        before: list[dict[int, int]] = [{}, {}]
        for update, events in enumerate(_groups(flow)):
            book.apply(events)
            view = book.mbp(_LEVELS, 0)
            now = [dict(zip(s["price"].tolist(), s["size"].tolist(), strict=True)) for s in view]
            sides = [
                [
                    [
                        format_units(price, instrument.price_decimals),
                        format_units(size.get(price, 0), instrument.quantity_decimals),
                    ]
                    for price in sorted(size.keys() | old.keys())
                    if size.get(price) != old.get(price)
                ]
                for size, old in zip(now, before, strict=True)
            ]
            before = now
            file.write(f"{(_TIME_MS + update * _STEP_MS) * 10**6} {_message(update, sides)}\n")
            if update == messages:
                return


def _groups(flow: Events) -> Iterator[Events]:
    """Yield the opening snapshot, then a few events at a time."""
    opening = next(whole_changes([flow[:30_000]]))
    yield opening
    for start in range(len(opening), len(flow), _EVENTS_PER_DIFF):
        yield flow[start : start + _EVENTS_PER_DIFF]


def _message(update: int, sides: list[list[list[str]]]) -> str:
    bids, asks = sides
    if update == 0:
        snapshot = {"lastUpdateId": 0, "bids": bids, "asks": asks}
        return json.dumps(snapshot, separators=(",", ":"))
    diff = {
        "e": "depthUpdate",
        "E": _TIME_MS + update * _STEP_MS,
        "s": "BTCUSD",
        "U": update,
        "u": update,
        "b": bids,
        "a": asks,
    }
    message = {"stream": "btcusd@depth@100ms", "data": diff}
    return json.dumps(message, separators=(",", ":"))
