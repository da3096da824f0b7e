"""Prometheus metrics: histograms observed while serving, the rest read when scraped.

The hot path adds to plain integers; a Prometheus counter would cost more than a tenth of a
message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from market_depth.events import BookStatus
from market_depth.server.hub import Hub
from market_depth.streams import StreamManager
from market_depth.streams.market import SymbolBook

__all__ = ["MAX_LABELLED_SYMBOLS", "Metrics"]

MAX_LABELLED_SYMBOLS = 100
"""Symbols with metrics of their own; the rest are summed up under `_other`."""
_OTHER = "_other"

_LIVE = (BookStatus.LIVE, BookStatus.RECOVERED)

_SECONDS = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.25)


class Metrics:
    """The registry of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.encode_seconds = Histogram(
            "market_depth_encode_seconds",
            "Time to compute and encode one view",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.flush_seconds = Histogram(
            "market_depth_flush_seconds",
            "Time to write what is due in one group of streams",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def watch(self, hub: Hub, manager: StreamManager) -> None:
        """Read the counters of *hub* and *manager* whenever the metrics are scraped."""
        self.registry.register(_ServerCollector(hub, manager))


class _ServerCollector(Collector):
    def __init__(self, hub: Hub, manager: StreamManager) -> None:
        self._hub = hub
        self._manager = manager

    def collect(self) -> Iterable[Metric]:
        """Yield every metric that is not a histogram."""
        yield from self._connections()
        yield from self._streams()
        yield from self._books()

    def _connections(self) -> Iterator[Metric]:
        hub, counters = self._hub, self._hub.counters
        yield _gauge("connections", "Open sockets", hub.connections)
        yield _gauge("sessions", "Connected clients", hub.sessions)
        yield _counter("accepted_connections", "Sockets accepted", counters.accepted)
        yield _counter("dropped_connections", "Sockets dropped over the limit", counters.dropped)
        yield _counter("messages_in", "Requests received", counters.messages_in)
        yield _counter("stalled_clients", "Clients closed because they stalled", counters.stalled)
        yield _counter("silent_clients", "Clients closed without a pong", counters.silent)
        errors = CounterMetricFamily("market_depth_errors", "Error messages sent", labels=["code"])
        for code, count in sorted(counters.errors.items()):
            errors.add_metric([str(code)], count)
        yield errors

    def _streams(self) -> Iterator[Metric]:
        counters = self._manager.counters
        yield _gauge("subscriptions", "Open streams", counters.subscriptions)
        yield _counter(
            "data_messages_out", "MarketData and MarketDelta messages written", counters.messages
        )
        yield _counter("data_bytes_out", "Payload bytes of those", counters.size_bytes)
        yield _counter("skipped_updates", "Updates withheld from slow readers", counters.skipped)
        yield _counter("encoded_views", "Views computed and encoded", counters.encoded)
        yield _counter("resumed_streams", "Streams that went on after a cut", counters.resumed)
        window = self._manager.window
        yield _gauge("resume_window_bytes", "Deltas kept for such streams", window.size_bytes)

    def _books(self) -> Iterator[Metric]:
        market = self._manager.market
        yield _counter("events_applied", "Events applied to the books", market.events_applied)
        trades = sum(entry.book.trade_count for entry in market)
        yield _counter("trades", "Trades that have come by", trades)
        yield _anomalies(entry.book.anomalies._asdict() for entry in market)
        yield _gauge("feed_lag_seconds", "How far the books are behind", self._manager.lag_s())
        orders = _symbol_gauge("book_orders", "Resting orders")
        bids = _symbol_gauge("book_bid_levels", "Bid price levels")
        asks = _symbol_gauge("book_ask_levels", "Ask price levels")
        live = _symbol_gauge("feed_live", "Whether the symbol's feed is live")
        for symbol, books in _labelled(list(market)).items():
            orders.add_metric([symbol], sum(entry.book.order_count for entry in books))
            bids.add_metric([symbol], sum(entry.book.bid_depth for entry in books))
            asks.add_metric([symbol], sum(entry.book.ask_depth for entry in books))
            is_live = all(entry.status.status in _LIVE for entry in books)
            live.add_metric([symbol], float(is_live))
        yield from (orders, bids, asks, live)


def _labelled(books: list[SymbolBook]) -> dict[str, list[SymbolBook]]:
    """Return the books by label: one each for the first symbols, one for all the others."""
    labelled = {entry.instrument.symbol: [entry] for entry in books[:MAX_LABELLED_SYMBOLS]}
    if len(books) > MAX_LABELLED_SYMBOLS:
        labelled[_OTHER] = books[MAX_LABELLED_SYMBOLS:]
    return labelled


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"market_depth_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"market_depth_{name}", text, value=value)


def _anomalies(counts: Iterable[dict[str, int]]) -> Metric:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    family = CounterMetricFamily(
        "market_depth_book_anomalies", "Events that did not fit their book", labels=["kind"]
    )
    for kind, number in total.items():
        family.add_metric([kind], number)
    return family


def _symbol_gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"market_depth_{name}", text, labels=["symbol"])
