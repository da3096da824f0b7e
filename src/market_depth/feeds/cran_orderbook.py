"""Order flow as R's package `orderbook` reads it: its sample file and files like it.

    type,time,id,price,size,type,status
    A,30770152,1165596,25.88,350,BID,FALSE
    R,30840936,1165596,50
    T,30891133,3550,25.88,300,FALSE
    C,31172990,1165596

A adds an order, R gives one a new size, C cancels one whole, T reports a trade, whose effect on
orders is told by messages of their own. The column `status` (is it one's own order) may be missing.
Times are milliseconds after midnight of a day that the file does not tell, so events are on
1970-01-01 in UTC; the book at the beginning is told by adds with their own, earlier times.

Source: https://journal.r-project.org/archive/2011/RJ-2011-010/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Events, Side, empty_events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.changes import changes_by_time, in_order_of_receipt
from market_depth.feeds.csv_table import CsvRows, converted, csv_header, csv_rows
from market_depth.feeds.grids import price_grid
from market_depth.instruments import Instrument

__all__ = ["FORMATS", "CranOrderbookSource"]

_HEADER: Final = "type,time,id,price,size,type"
_COLUMNS: Final = 6
_TYPE, _TIME, _ID, _PRICE, _SIZE, _SIDE = range(_COLUMNS)
_NEW_SIZE: Final = _PRICE
"""Where a replacement has its size."""
_ACTIONS: Final = {"A": Action.ADD, "C": Action.CANCEL, "R": Action.MODIFY, "T": Action.TRADE}
_SIDES: Final = {"BID": Side.BID, "ASK": Side.ASK}
_NS_PER_MS: Final = 1_000_000
_MAX_MS: Final = 2 * 86_400_000


class CranOrderbookSource:
    """A file of order flow as a source of events.

    Args:
        path: the file; its name is the symbol.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if the file can't be read or has another header, or the symbol is another.
    """

    def __init__(self, path: Path, options: OpenOptions) -> None:
        self.path = path
        symbol = path.name.partition(".")[0]
        if options.symbols is not None and list(options.symbols) != [symbol]:
            raise FeedError(
                f"{path} has no symbol {quoted(', '.join(options.symbols))}; it has {symbol}"
            )
        if not ",".join(csv_header(path)).startswith(_HEADER):
            raise FeedError(f"{path} does not begin with {_HEADER}")
        self._instrument = self._scan(symbol, options.known.get(symbol))

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the file is about."""
        return [self._instrument]

    def chunks(self) -> Iterator[Events]:
        """Yield the events; those of one millisecond are one change.

        Raises:
            FeedError: at a row that is damaged; all before has been yielded.
        """
        return changes_by_time(self._events(), "ts_recv")

    def _rows(self) -> Iterator[CsvRows]:
        return csv_rows(self.path, _COLUMNS, has_header=True)

    def _scan(self, symbol: str, known: Instrument | None) -> Instrument:
        grid = np.zeros(2, np.int64)
        seen = 0
        try:
            for rows in self._rows():
                has_price = np.isin(rows.letters(_TYPE), [ord("A"), ord("T")])
                rows.chosen(np.flatnonzero(has_price)).add_to_grid(_PRICE, grid)
                seen += len(rows)
        except FeedError:
            if not seen:
                raise
        decimals, tick = price_grid(int(grid[1]), int(grid[0]))
        if known is not None:
            decimals, tick = known.price_decimals, known.tick_size
        return Instrument(
            instrument_id=1,
            symbol=symbol,
            price_decimals=decimals,
            quantity_decimals=0,
            tick_size=tick,
        )

    def _events(self) -> Iterator[Events]:
        resting: dict[int, tuple[int, int]] = {}
        latest = 0
        for _, events in converted(self._rows(), self._converted):
            self._complete(events, resting)
            latest = in_order_of_receipt(events, latest)
            yield events

    def _converted(self, rows: CsvRows) -> Events:
        """Return events with what the rows tell themselves."""
        decimals = self._instrument.price_decimals
        events = empty_events(len(rows))
        actions = rows.choices(_TYPE, _ACTIONS, "A, C, R or T")
        is_add, is_new_size = actions == Action.ADD, actions == Action.MODIFY
        has_price = is_add | (actions == Action.TRADE)
        times = rows.units(_TIME, 0)
        _check(rows, _TIME, (times >= 0) & (times <= _MAX_MS), "is not a time of day")
        events["ts_event"] = events["ts_recv"] = times * _NS_PER_MS
        events["instrument_id"] = self._instrument.instrument_id
        events["action"] = actions
        order_ids = rows.integers(_ID)
        events["order_id"] = np.where(actions == Action.TRADE, 0, order_ids)
        prices = rows.units(_PRICE, decimals, empty_is_zero=True)
        is_told = rows.letters(_PRICE) != 0
        _check(rows, _PRICE, is_told | ~(has_price | is_new_size), "is not a number")
        new_sizes = prices // 10**decimals
        is_whole = (new_sizes * 10**decimals == prices) & (new_sizes >= 0)
        _check(rows, _NEW_SIZE, is_whole | ~is_new_size, "is not a size")
        sizes = rows.units(_SIZE, 0, empty_is_zero=True)
        _check(rows, _SIZE, (sizes > 0) | ~has_price, "is not a size")
        sides = rows.codes(_SIDE, lambda text: _SIDES.get(text, Side.NONE))
        _check(rows, _SIDE, (sides != Side.NONE) | ~is_add, "is not BID or ASK")
        events["price"] = np.where(has_price, prices, 0)
        events["size"] = np.where(is_new_size, new_sizes, np.where(has_price, sizes, 0))
        events["side"] = np.where(is_add, sides, Side.NONE)
        return events

    @staticmethod
    def _complete(events: Events, resting: dict[int, tuple[int, int]]) -> None:
        """Give replacements and cancels the side and price of their orders."""
        orders = zip(
            events["action"].tolist(),
            events["order_id"].tolist(),
            events["side"].tolist(),
            events["price"].tolist(),
            strict=True,
        )
        for place, (action, order_id, side, price) in enumerate(orders):
            if action == Action.ADD:
                resting[order_id] = side, price
            elif action != Action.TRADE and order_id in resting:
                events["side"][place], events["price"][place] = resting[order_id]
                if action == Action.CANCEL:
                    del resting[order_id]


def _check(rows: CsvRows, column: int, is_good: np.ndarray, why: str) -> None:
    if not is_good.all():
        raise rows.fault(int(np.argmin(is_good)), column, why)


def _recognises(path: Path, head: bytes) -> bool:
    return head.startswith(_HEADER.encode())


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    if len(paths) > 1:
        raise FeedError(f"{paths[1]} tells no day; it is no part of {paths[0]}")
    return CranOrderbookSource(paths[0], options)


FORMATS: Final[tuple[Format, ...]] = (
    Format("cran-orderbook", "Order flow of R's package orderbook", _recognises, _open, str),
)
