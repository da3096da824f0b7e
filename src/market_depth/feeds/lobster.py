"""LOBSTER: a day of a NASDAQ stock as a message file, and an order book file beside it.

Row k of the order book is its best levels after message k. These are played: a change a message,
with a TRADE for each execution. The book before the first message is row 1 with that message taken
back. Messages have orders, but only those in the window of levels, so a book can't be built of them
from empty; therefore no orders are played. Times are seconds after midnight in New York, prices are
in 1/10000 dollar.

Source: https://lobsterdata.com/info/DataStructure.php
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, Flag, Side, StatusReason, empty_events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.changes import in_order_of_receipt
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.level_rows import LevelWindows
from market_depth.feeds.lobster_files import (
    NAME,
    PRICE_DECIMALS,
    LobsterDay,
    LobsterRows,
    MessageType,
    day_of,
    read_day,
)
from market_depth.feeds.merging import merged_by_time
from market_depth.instruments import Instrument, refined

__all__ = ["FORMATS", "LobsterSource"]

_BELIEVED_TICK: Final = 100


class LobsterSource:
    """Days of LOBSTER as one source.

    Args:
        paths: message or order book files, in any order; of each day one is enough.
        options: whose ticks are known, and what to play.

    Raises:
        FeedError: if a file can't be read, has none beside it, or a symbol is not there.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        days = {day.messages: day for day in map(day_of, paths)}
        symbols = list(dict.fromkeys(day.symbol for day in days.values()))
        for symbol in options.symbols or ():
            if symbol not in symbols:
                raise no_such_symbol(paths[0], symbol, symbols)
        wanted = symbols if options.symbols is None else list(dict.fromkeys(options.symbols))
        self._days = [day for day in days.values() if day.symbol in wanted]
        self._instruments = [
            _instrument(
                number,
                symbol,
                [day for day in self._days if day.symbol == symbol],
                options.known.get(symbol),
            )
            for number, symbol in enumerate(wanted, 1)
        ]

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The stocks."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events, each message one change.

        Raises:
            FeedError: where a file is damaged or cut off; all before has been yielded.
        """
        by_symbol = {one.symbol: one for one in self._instruments}
        return merged_by_time([_events(day, by_symbol[day.symbol]) for day in self._days])


def _instrument(
    number: int, symbol: str, days: Sequence[LobsterDay], known: Instrument | None
) -> Instrument:
    step = 0
    seen = 0
    for day in days:
        try:
            for rows in read_day(day):
                seen += len(rows.kind)
                step = gcd(step, int(np.gcd.reduce(rows.prices[rows.sizes > 0])))
        except FeedError:
            if not seen:
                raise
    tick = gcd(step, _BELIEVED_TICK) if step else 1
    told = Instrument(number, symbol, PRICE_DECIMALS, 0, tick, has_orders=False)
    return refined(told, known)


def _events(day: LobsterDay, instrument: Instrument) -> Iterator[Events]:
    """Yield the events of a day."""
    windows = LevelWindows(1, day.levels)
    midnight_ns = day.midnight_ns
    latest = 0
    sequence = 0
    for rows in read_day(day):
        heads = _heads(rows, instrument, midnight_ns)
        latest = in_order_of_receipt(heads, latest)
        heads["sequence"] = np.arange(sequence + 1, sequence + 1 + len(heads))
        if not sequence:
            yield from _opening(rows, heads, windows, instrument)
        sequence += len(heads)
        yield from _changes(rows, heads, windows, instrument)


def _changes(
    rows: LobsterRows, heads: Events, windows: LevelWindows, instrument: Instrument
) -> Iterator[Events]:
    books = np.zeros(len(heads), np.int64)
    prices = _rescaled(rows.prices, rows.sizes > 0, instrument)
    sizes = rows.sizes * 10**instrument.quantity_decimals
    yield from windows.events(heads, books, prices, sizes)


def _opening(
    rows: LobsterRows, heads: Events, windows: LevelWindows, instrument: Instrument
) -> Iterator[Events]:
    """Yield the book before the first message."""
    head = heads[:1].copy()
    head["action"], head["side"] = Action.CLEAR, Side.NONE
    head["price"] = head["size"] = head["sequence"] = 0
    head["flags"] = Flag.SNAPSHOT | Flag.LAST
    prices, sizes = _before_message(rows)
    first = rows._replace(prices=prices[np.newaxis], sizes=sizes[np.newaxis])
    yield from _changes(first, head, windows, instrument)


def _before_message(rows: LobsterRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row with its message taken back: prices and sizes, shape (2 * levels,).

    A level that the message has pushed out of the window is not told anywhere, and is missing.
    """
    prices, sizes = rows.prices[0].copy(), rows.sizes[0].copy()
    kind, size, price = int(rows.kind[0]), int(rows.size[0]), int(rows.price[0])
    added = {
        MessageType.SUBMISSION: -size,
        MessageType.CANCELLATION: size,
        MessageType.DELETION: size,
        MessageType.EXECUTION: size,
    }.get(kind, 0)
    if not int(rows.order_id[0]) or not added:
        return prices, sizes
    levels = len(prices) // 2
    is_bid = int(rows.direction[0]) > 0
    side = slice(0, levels) if is_bid else slice(levels, 2 * levels)
    resting = {
        one: held
        for one, held in zip(prices[side].tolist(), sizes[side].tolist(), strict=True)
        if held > 0
    }
    resting[price] = resting.get(price, 0) + added
    best = sorted((one for one, held in resting.items() if held > 0), reverse=is_bid)[:levels]
    sizes[side] = [*(resting[one] for one in best), *[0] * (levels - len(best))]
    prices[side] = [*best, *[0] * (levels - len(best))]
    return prices, sizes


def _heads(rows: LobsterRows, instrument: Instrument, midnight_ns: int) -> Events:
    """Return what each message says besides levels."""
    heads = empty_events(len(rows.kind))
    heads["ts_event"] = heads["ts_recv"] = rows.time_ns + midnight_ns
    heads["instrument_id"] = instrument.instrument_id
    heads["flags"] = Flag.LAST
    heads["action"] = Action.NONE
    heads["side"] = Side.NONE
    executions = (MessageType.EXECUTION, MessageType.HIDDEN_EXECUTION)
    is_execution = np.isin(rows.kind, executions)
    is_trade = is_execution | (rows.kind == MessageType.CROSS)
    heads["action"][is_trade] = Action.TRADE
    heads["price"][is_trade] = _rescaled(rows.price, is_trade, instrument)[is_trade]
    heads["size"][is_trade] = rows.size[is_trade] * 10**instrument.quantity_decimals
    # The message tells the side of the order that rested.
    heads["side"][is_execution] = np.where(rows.direction < 0, Side.BID, Side.ASK)[is_execution]
    is_halt = rows.kind == MessageType.HALT
    is_resumed = is_halt & (rows.price == 1)
    heads["action"][is_halt] = Action.STATUS
    heads["size"][is_halt] = BookStatus.HALTED
    heads["price"][is_halt] = StatusReason.VENUE
    heads["size"][is_resumed] = BookStatus.LIVE
    heads["price"][is_resumed] = StatusReason.NONE
    return heads


def _rescaled(
    prices: NDArray[np.int64], is_there: NDArray[np.bool_], instrument: Instrument
) -> NDArray[np.int64]:
    """Return prices as counts of the instrument's last decimal, 0 where there are none."""
    rescaled: NDArray[np.int64] = np.where(is_there, prices, 0)
    rescaled *= 10 ** (instrument.price_decimals - PRICE_DECIMALS)
    return rescaled


def _recognises(path: Path, head: bytes) -> bool:
    return NAME.fullmatch(path.name) is not None


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return LobsterSource(paths, options)


FORMATS: Final[tuple[Format, ...]] = (
    Format("lobster", "LOBSTER message and order book files", _recognises, _open),
)
