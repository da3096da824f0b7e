"""Messages of Binance, spot market and futures, made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from market_depth.feeds.venues import Venue
from market_depth.feeds.venues.binance import FUTURES, SPOT
from support.heard import Connection

Rows = Sequence[Sequence[str]]
SYMBOL = "BTCUSDT"
TIME_MS = 1_723_161_255_208
BIDS = [["61837.63000000", "3.78826000"], ["61837.00000000", "1.00000000"]]
ASKS = [["61837.64000000", "1.54698000"]]
BEST = [["61837.63000000", "4.50000000"]]
MADE = "BTCUSDT snapshot 61837.63000000@3.78826000 61837.00000000@1.00000000 | " + (
    "61837.64000000@1.54698000"
)
CHANGED = "BTCUSDT levels 61837.63000000@4.50000000 |"


class Market(NamedTuple):
    """One of the two kinds of markets: they number updates in ways of their own."""

    venue: Venue
    url: str

    def diff(
        self,
        behind: int,
        last: int,
        bids: Rows = BEST,
        asks: Rows = (),
        *,
        symbol: str = SYMBOL,
    ) -> dict[str, object]:
        """Return a diff of the updates behind one, up to the last."""
        message = {"e": "depthUpdate", "s": symbol, "u": last, "b": bids, "a": asks}
        if self.venue is SPOT:
            return {"E": TIME_MS, "U": behind + 1, **message}
        # Of the numbers between two diffs of futures some are of other symbols.
        return {"E": TIME_MS + 1, "T": TIME_MS, "U": behind + 3, "pu": behind, **message}

    def ticker(self, update_id: int, bid: Sequence[str], ask: Sequence[str]) -> dict[str, object]:
        best = {"u": update_id, "s": SYMBOL, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
        return best if self.venue is SPOT else {"e": "bookTicker", **best, "T": 5, "E": 6}

    def best_levels(self, update_id: int, bids: Rows, asks: Rows) -> dict[str, object]:
        """Return a message of the best levels, wrapped."""
        data: dict[str, object] = {"lastUpdateId": update_id, "bids": bids, "asks": asks}
        if self.venue is FUTURES:
            data = self.diff(update_id - 5, update_id, bids, asks)
        return wrapped("btcusdt@depth20@100ms", data)

    def fetch(self, to: Connection, body: object, symbol: str = SYMBOL) -> list[str]:
        return to.fetch(self.url + symbol, body)


SPOT_MARKET = Market(SPOT, "https://api.binance.com/api/v3/depth?limit=1000&symbol=")
FUTURES_MARKET = Market(FUTURES, "https://fapi.binance.com/fapi/v1/depth?limit=1000&symbol=")
BOTH = pytest.mark.parametrize(
    "market", [SPOT_MARKET, FUTURES_MARKET], ids=lambda market: market.venue.name
)


def snapshot(update_id: int, bids: Rows = BIDS, asks: Rows = ASKS) -> dict[str, object]:
    return {"lastUpdateId": update_id, "bids": bids, "asks": asks}


def wrapped(stream: str, message: object) -> dict[str, object]:
    return {"stream": stream, "data": message}


def compact(message: object) -> bytes:
    """Return JSON as the venue writes it, without spaces."""
    return json.dumps(message, separators=(",", ":")).encode()


def live(market: Market) -> Connection:
    """Return a connection whose book is whole, and has a diff up to update 100."""
    venue = Connection(market.venue)
    venue.receive(market.diff(95, 100))
    market.fetch(venue, snapshot(98))
    assert venue.heard.said() == []
    venue.heard.checks.clear()
    return venue
