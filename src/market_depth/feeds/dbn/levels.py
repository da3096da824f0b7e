"""MBP and BBO records, and trades, as events.

A record tells the whole window of its book, so what it changes is what differs from the one before
(`LevelWindows`). A record of a trade (action T) is a TRADE too, one that clears (R) a CLEAR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from market_depth.events import Action, Events, Side, empty_events
from market_depth.feeds.dbn.layouts import UNDEFINED_PRICE, Layout
from market_depth.feeds.level_rows import LevelWindows

__all__ = ["LevelDecoder"]

_ASIDE: Final = (ord("T"), ord("R"))


class LevelDecoder:
    """Turns the MBP or trade records of a file into events.

    Args:
        layout: what the records have.
        targets: what becomes of the file's instruments.
        windows: the books, of all files that belong together.
    """

    def __init__(
        self, layout: Layout, targets: NDArray[np.void], windows: LevelWindows | None
    ) -> None:
        self._layout = layout
        self._targets = targets
        self._windows = windows
        self._latest = 0
        self.done = 0
        """How many of the last records could be turned."""

    def events(self, records: NDArray[np.void]) -> Iterator[Events]:
        """Yield the events of records, up to the first that can't be one (see `done`)."""
        places = np.searchsorted(self._targets["file_id"], records["instrument_id"])
        places = np.minimum(places, len(self._targets) - 1)
        targets = self._targets[places]
        is_good = targets["file_id"] == records["instrument_id"]
        units = np.maximum(targets["unit"], 1)
        is_good &= _is_multiple(records["price"], units)
        if self._layout.levels:
            for side in ("bid_px", "ask_px"):
                prices = records["levels"][side]
                is_good &= _is_multiple(prices, units[:, np.newaxis]).all(axis=1)
        is_good |= targets["unit"] == 0
        self.done = len(records) if is_good.all() else int(np.argmin(is_good))
        is_wanted = targets["unit"] != 0
        is_wanted[self.done :] = False
        records, targets = records[is_wanted], targets[is_wanted]
        if not len(records):
            return
        heads = self._heads(records, targets)
        if self._windows is None:
            yield heads[heads["action"] != Action.NONE]
        else:
            yield from self._changes(heads, records, targets)

    def _heads(self, records: NDArray[np.void], targets: NDArray[np.void]) -> Events:
        """Return what each record has besides its levels."""
        heads = empty_events(len(records))
        ts_event, ts_recv = records["ts_event"], records["ts_recv"]
        ts_recv = np.where(ts_recv < 0, ts_event, ts_recv)
        # What a sampled record tells is so at the end of its interval.
        ts_event = np.where((ts_event < 0) | self._layout.is_sampled, ts_recv, ts_event)
        heads["ts_event"] = np.maximum(ts_event, 0)
        ts_recv[0] = max(int(ts_recv[0]), self._latest)
        np.maximum.accumulate(ts_recv, out=heads["ts_recv"])
        self._latest = int(heads["ts_recv"][-1])
        heads["instrument_id"] = targets["instrument_id"]
        heads["flags"] = records["flags"]
        heads["action"] = Action.NONE
        heads["side"] = Side.NONE
        if not self._layout.is_sampled:
            heads["sequence"] = 0 if self._layout.is_consolidated else records["sequence"]
            self._set_actions(heads, records, targets)
        elif not self._layout.is_consolidated:
            heads["sequence"] = records["sequence"]
        return heads

    @staticmethod
    def _set_actions(heads: Events, records: NDArray[np.void], targets: NDArray[np.void]) -> None:
        """Make TRADE and CLEAR of the records that are."""
        is_trade = records["action"] == Action.TRADE
        heads["action"][is_trade] = Action.TRADE
        heads["action"][records["action"] == Action.CLEAR] = Action.CLEAR
        heads["side"][is_trade] = records["side"][is_trade]
        heads["size"][is_trade] = records["size"][is_trade]
        heads["price"][is_trade] = _scaled(records["price"], targets["unit"])[is_trade]

    def _changes(
        self, heads: Events, records: NDArray[np.void], targets: NDArray[np.void]
    ) -> Iterator[Events]:
        assert self._windows is not None
        levels = records["levels"]
        units = targets["unit"][:, np.newaxis]
        prices, sizes, counts = (
            np.concatenate([levels[f"bid_{name}"], levels[f"ask_{name}"]], axis=1)
            for name in ("px", "sz", "ct")
        )
        is_there = prices != UNDEFINED_PRICE
        yield from self._windows.events(
            heads,
            targets["place"],
            _scaled(prices, units),
            np.where(is_there, sizes, 0).astype(np.int64),
            None if self._layout.is_consolidated else counts.astype(np.uint64),
        )


def _is_multiple(prices: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.bool_]:
    multiple: NDArray[np.bool_] = (prices % units == 0) | (prices == UNDEFINED_PRICE)
    return multiple


def _scaled(prices: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(prices == UNDEFINED_PRICE, UNDEFINED_PRICE, prices // units)
