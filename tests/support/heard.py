"""What a venue's parser says, as lines to compare; and the books that come of it.

The books are plain dictionaries of decimals, slow and easy to believe.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from decimal import Decimal

from market_depth.events import Action, BookStatus, Side, StatusReason
from market_depth.feeds.venues import Venue, VenueParser
from market_depth.feeds.venues.base import LevelRows, OrderRow

Levels = dict[Decimal, Decimal]


class Heard:
    """A sink that keeps what it is told.

    Lines are like "BTCUSDT levels 100@1 99@0 | 101@3", "eth-aud ADD BID 7 100@1",
    "BTCUSDT trade ASK 100@1", "BTCUSDT STALE/GAP".
    """

    is_checking = True

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.times: list[int] = []
        """`ts_event` of each line."""
        self.sequences: list[int] = []
        self.checks: Counter[str] = Counter()
        """What has been checked and has passed."""
        self.failed: list[str] = []
        self.compared = Counter[bool]()
        """Levels expected, by whether they were there."""
        self.books: dict[str, tuple[Levels, Levels]] = defaultdict(lambda: ({}, {}))
        self.by_id: dict[str, dict[int, tuple[Side, Decimal, Decimal]]] = defaultdict(dict)
        self.after_change: Callable[[str], None] = lambda symbol: None

    def said(self) -> list[str]:
        """Return the lines since the last call."""
        lines, self.lines = self.lines, []
        return lines

    def count(self, *words: str) -> int:
        """Return how many lines have all *words*."""
        return sum(all(word in line.split() for word in words) for line in self.lines)

    def best(self, symbol: str) -> tuple[Decimal, Decimal] | None:
        """Return the best bid and ask, `None` where a side is empty."""
        bids, asks = self.levels_of(symbol)
        return (max(bids), min(asks)) if bids and asks else None

    def levels_of(self, symbol: str) -> tuple[Levels, Levels]:
        """Return a book by price."""
        if symbol not in self.by_id:
            return self.books[symbol]
        sides: tuple[Levels, Levels] = defaultdict(Decimal), defaultdict(Decimal)
        for side, price, size in self.by_id[symbol].values():
            sides[side is Side.ASK][price] += size
        return sides

    def _say(self, line: str, ts_event: int = 0, sequence: int = 0) -> None:
        self.lines.append(line)
        self.times.append(ts_event)
        self.sequences.append(sequence)

    def snapshot(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        rows = f"{_shown(bids, count_at)}| {_shown(asks, count_at)}".strip()
        self._say(f"{symbol} snapshot {rows}", ts_event, sequence)
        self.books[symbol] = ({}, {})
        self._set(symbol, bids, asks)

    def levels(
        self,
        symbol: str,
        bids: LevelRows,
        asks: LevelRows,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        count_at: int | None = None,
    ) -> None:
        rows = f"{_shown(bids, count_at)}| {_shown(asks, count_at)}".strip()
        self._say(f"{symbol} levels {rows}", ts_event, sequence)
        self._set(symbol, bids, asks)

    def _set(self, symbol: str, bids: LevelRows, asks: LevelRows) -> None:
        for levels, rows in zip(self.books[symbol], (bids, asks), strict=True):
            for row in rows:
                price, size = Decimal(row[0]), Decimal(row[1])
                if size:
                    levels[price] = size
                else:
                    levels.pop(price, None)
        self.after_change(symbol)

    def orders(
        self,
        symbol: str,
        bids: Sequence[OrderRow],
        asks: Sequence[OrderRow],
        *,
        ts_event: int = 0,
        sequence: int = 0,
    ) -> None:
        shown = [
            " ".join(f"{order.order_id}:{order.price}@{order.size}" for order in rows)
            for rows in (bids, asks)
        ]
        self._say(f"{symbol} orders {shown[0]} | {shown[1]}", ts_event, sequence)
        self.by_id[symbol] = {
            order.order_id: (side, Decimal(order.price), Decimal(order.size))
            for side, rows in ((Side.BID, bids), (Side.ASK, asks))
            for order in rows
        }
        assert len(self.by_id[symbol]) == len(bids) + len(asks), "an id is here twice"
        self.after_change(symbol)

    def order(
        self,
        symbol: str,
        action: Action,
        side: Side,
        order_id: int,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        line = f"{symbol} {action.name} {side.name} {order_id} {price}@{size}"
        self._say(line, ts_event, sequence)
        orders = self.by_id[symbol]
        assert (order_id in orders) is (action is not Action.ADD), line
        if action is Action.CANCEL:
            assert size == "0"
            del orders[order_id]
        else:
            orders[order_id] = side, Decimal(price), Decimal(size)
        if is_last:
            self.after_change(symbol)

    def trade(
        self,
        symbol: str,
        side: Side,
        price: str,
        size: str,
        *,
        ts_event: int = 0,
        sequence: int = 0,
        is_last: bool = True,
    ) -> None:
        assert Decimal(price) > 0
        assert Decimal(size) > 0
        self._say(f"{symbol} trade {side.name} {price}@{size}", ts_event, sequence)

    def status(
        self, symbol: str, status: BookStatus, reason: StatusReason, *, ts_event: int = 0
    ) -> None:
        why = f"/{reason.name}" if reason else ""
        self._say(f"{symbol} {status.name}{why}", ts_event)

    def expect(self, symbol: str, bids: LevelRows, asks: LevelRows, what: str) -> None:
        self.checks[what] += 1
        for levels, rows in zip(self.levels_of(symbol), (bids, asks), strict=True):
            for row in rows:
                self.compared[levels.get(Decimal(row[0])) == Decimal(row[1])] += 1

    def checked(self, symbol: str, passed: bool, what: str, detail: str = "") -> None:
        if passed:
            self.checks[what] += 1
        else:
            self.failed.append(f"{symbol} {what} {detail}".strip())


def _shown(rows: LevelRows, count_at: int | None) -> str:
    counts = [f"x{row[count_at]}" if count_at is not None else "" for row in rows]
    shown = (f"{row[0]}@{row[1]}{count} " for row, count in zip(rows, counts, strict=True))
    return "".join(shown)


class Connection:
    """A parser on one connection, and what it says."""

    def __init__(self, venue: Venue, address: str = "wss://venue") -> None:
        self.heard = Heard()
        self.parser: VenueParser = venue.parser(self.heard)
        self.address = address

    def open(self) -> list[str]:
        self.parser.opened(self.address)
        return self.heard.said()

    def receive(self, *messages: object) -> list[str]:
        """Receive messages (bytes, or what is to be JSON); return what is said of them."""
        for message in messages:
            text = message if isinstance(message, bytes) else json.dumps(message).encode()
            self.parser.received(self.address, text)
        return self.heard.said()

    def fetch(self, url: str, body: object) -> list[str]:
        self.parser.fetched(url, json.dumps(body).encode())
        return self.heard.said()
