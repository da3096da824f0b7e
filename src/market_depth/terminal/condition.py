"""How the connection, the symbols and the streams are, from what the client tells of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from market_depth.client import Counters, Event, EventKind, Subscription
from market_depth.protocol.messages import SymbolInfo
from market_depth.terminal.depth import Health, Link
from market_depth.terminal.pacing import Rate

__all__ = ["Condition"]

_RATE_SAMPLES: Final = 9


class Condition:
    """Gathers what is told, and counts it."""

    def __init__(self) -> None:
        self.link = Link()
        self.round_trip_s: float | None = None
        self._statuses: dict[str, tuple[str, str]] = {}
        """By symbol: status and reason of those that are not live."""
        self._past = Counters()
        """Of subscriptions that have ended."""
        self._open: list[Subscription] = []
        self._reconnects = 0
        self._rate = Rate(_RATE_SAMPLES)

    def begin(self, symbols: Iterable[SymbolInfo]) -> None:
        """Take what the list of symbols says of them."""
        for info in symbols:
            self._note(info.symbol, info.status, info.reason)

    def take(self, event: Event) -> None:
        """Take an event of the client."""
        match event.kind:
            case EventKind.STATUS:
                self._note(event.symbol or "", event.status or "Live", event.reason)
            case EventKind.DISCONNECTED:
                self.link = Link(is_up=False)
                self.round_trip_s = None
            case EventKind.RECONNECTING:
                retry_at_s = time.monotonic() + (event.wait_s or 0.0)
                self.link = Link(is_up=False, retry_at_s=retry_at_s)
            case EventKind.RECONNECTED:
                self.link = Link()
                self._reconnects += 1
                self._statuses.clear()  # the server says anew what is not live

    def status_of(self, symbol: str) -> tuple[str, str]:
        """Return a symbol's status, and the reason if it is not Live."""
        return self._statuses.get(symbol, ("Live", ""))

    @contextmanager
    def counting(self, subscription: Subscription) -> Iterator[None]:
        """Count what becomes of a subscription while the block lasts."""
        self._open.append(subscription)
        try:
            yield
        finally:
            self._open.remove(subscription)
            self._past += subscription.counters

    def sample(self) -> None:
        """Note the time and the updates so far; their rate is taken from these."""
        self._rate.sample(time.monotonic(), self.updates)

    @property
    def updates(self) -> int:
        """All that have come."""
        counters = self._counters
        return counters.updates + counters.conflated

    @property
    def health(self) -> Health:
        """What has been counted."""
        counters = self._counters
        return Health(
            lagged=counters.lagged,
            gaps=counters.gaps,
            checksum_failures=counters.checksum_failures,
            trades_missed=counters.trades_missed,
            reconnects=self._reconnects,
            updates_per_s=self._rate.per_s,
            round_trip_s=self.round_trip_s,
        )

    def _note(self, symbol: str, status: str, reason: str) -> None:
        if status in ("Live", "Recovered"):
            self._statuses.pop(symbol, None)
        else:
            self._statuses[symbol] = (status, reason)

    @property
    def _counters(self) -> Counters:
        """Of all subscriptions together."""
        return sum((subscription.counters for subscription in self._open), self._past)
