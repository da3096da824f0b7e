"""What a user wants to be followed, and the streams that this takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from market_depth.client import DepthClient, SlowReaderPolicy, Subscription
from market_depth.protocol.messages import DataType, SymbolInfo
from market_depth.terminal.depth import MAX_LEVELS, View
from market_depth.terminal.figures import decimal

__all__ = ["DEFAULT_INTERVAL_MS", "Choice", "Streams"]

DEFAULT_INTERVAL_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be followed, and how."""

    url: str
    token: str | None = None
    levels: int = 50
    """Price levels a side."""
    interval_ms: int | None = None
    """Least time between two updates; `None` is DEFAULT_INTERVAL_MS."""
    symbols: tuple[str, ...] = ()
    """What the user has named; a server that can't list its symbols is believed to have them."""

    def named(self) -> list[SymbolInfo]:
        """Return what can be said of these: such a server has just the original messages, and does
        not tell the tick, which is 0 here."""
        types = [DataType.MBP, DataType.MBO]
        return [SymbolInfo(symbol, 0, 0, 0, types, "Live") for symbol in self.symbols]


class Streams:
    """Makes the subscriptions of views. They hand out the newest, but for trades all.

    Args:
        client: what they are made with.
        choice: how a view is to be followed.
        symbols: what the server has.
    """

    __slots__ = ("_choice", "_client", "_symbols", "mode")

    def __init__(
        self, client: DepthClient, choice: Choice, symbols: Mapping[str, SymbolInfo]
    ) -> None:
        self._client = client
        self._choice = choice
        self._symbols = symbols
        self.mode: Literal["delta", "snapshot"] = "delta"

    def book(self, view: View, levels: int) -> Subscription:
        """Return the stream of a view's book, of so many levels a side: by price the server merges
        them into steps, by order that is left to the viewer."""
        group = None
        if view.is_merged_by_server:
            decimals = self._symbols[view.symbol].price_decimals
            group = decimal(self.step_of(view), decimals)
        return self._newest(view.symbol, DataType(view.data_type), levels, group)

    def best(self, view: View) -> Subscription | None:
        """Return the stream of the best prices, `None` if the book has them, or the server does
        not have it."""
        if view.is_merged_by_server and self._has(view.symbol, DataType.BBO):
            return self._newest(view.symbol, DataType.BBO, 1, None)
        return None

    def trades(self, symbol: str) -> Subscription | None:
        """Return the stream of a symbol's trades, `None` if the server does not have it."""
        if self._has(symbol, DataType.TRADES):
            return self._client.subscribe(symbol, DataType.TRADES)
        return None

    def levels_of(self, view: View) -> int:
        """Return how many levels to ask for: merged here, they come to fewer."""
        levels = self._choice.levels
        if view.data_type == "MBP":
            return levels
        return max(levels, min(levels * view.step_ticks, MAX_LEVELS))

    def step_of(self, view: View) -> int:
        """Return a view's step in counts of the price's last decimal."""
        info = self._symbols.get(view.symbol)
        if info is None or not info.tick_size:
            return 1
        return int(Decimal(info.tick_size).scaleb(info.price_decimals)) * view.step_ticks

    def _has(self, symbol: str, data_type: DataType) -> bool:
        info = self._symbols.get(symbol)
        return info is not None and data_type in info.data_types

    def _newest(
        self, symbol: str, data_type: DataType, levels: int, group: str | None
    ) -> Subscription:
        interval_ms = self._choice.interval_ms
        return self._client.subscribe(
            symbol,
            data_type,
            levels=levels,
            mode=self.mode,
            interval_ms=DEFAULT_INTERVAL_MS if interval_ms is None else interval_ms,
            group=group,
            checksum=True,
            queue_size=1,
            slow_reader=SlowReaderPolicy.CONFLATE,
        )
