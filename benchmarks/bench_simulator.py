"""The simulator: events a second, generating alone and with the server's book behind it."""

from __future__ import annotations

from benchmarks.harness import Report, Row, median_seconds
from market_depth.book import OrderBook
from market_depth.simulator import SimulatedVenue, load_profiles

__all__ = ["run"]


def run(*, quick: bool) -> Report:
    """Generate a market as fast as it can be."""
    report = Report("simulator")
    events = 100_000 if quick else 1_000_000
    repeats = 3 if quick else 7
    alone_s = median_seconds(lambda: _generate(events, None), repeats)
    row = Row("events generated", events / alone_s / 1e6, "M events/s", goal="≥ 1 M/s")
    report.add(row)
    booked_s = median_seconds(lambda: _generate(events, OrderBook()), repeats)
    row = Row("generated and applied to a book", events / booked_s / 1e6, "M events/s")
    row.baseline, row.ratio = "generated alone", alone_s / booked_s
    report.add(row)
    return report


def _generate(events: int, book: OrderBook | None) -> None:
    venue = SimulatedVenue(load_profiles()["BTCUSD"], rate_hz=1e6, seed=1, begin_ns=10**18)
    generated = 0
    for chunk in venue.chunks():
        if book is not None:
            book.apply(chunk)
        generated += len(chunk)
        if generated >= events:
            return
