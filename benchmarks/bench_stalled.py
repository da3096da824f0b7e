"""Readers that never read: what they cost the server's memory, and what the others notice.

They subscribe to the largest messages there are, and read nothing any more. Frames of one stream_id
are the same bytes for all; where each client has its own, no two share any, which is the worst
case. The others are served by the same process, before the silent ones come and while they are
there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.harness import Report, Row
from benchmarks.processes import Server, load, market_depth_server
from benchmarks.rounds import Rounds

__all__ = ["run"]

_OPTIONS = ("--seed=1", "--rate=100", "--interval-ms=100", "--stall-s=3600")
_SETTLE_S = 0.5
_BEATS_TO_SEE = 4
"""Updates withheld from every silent client meanwhile, of five that are due."""
_SKIPPED = "market_depth_skipped_updates_total"
_STALL_TIMEOUT_S = 120.0


def run(*, quick: bool) -> Report:
    """Measure memory, then the delay of good clients with and without silent ones."""
    report = Report("stalled")
    silent, good = (30, 20) if quick else (300, 500)
    cases = (("one stream_id", False), ("each its own stream_id", True))
    for name, has_own_ids in cases[-1:] if quick else cases:
        growths = [_growth_mib(silent, has_own_ids) for _ in range(1 if quick else 3)]
        mib = statistics.median(growths)
        row = Row(f"memory for {silent} that never read, {name}", mib, "MiB RSS", goal="< 40")
        row.note = f"{mib * 1024 / silent:,.0f} KiB each"
        report.add(row)
    _compare(report, silent, good, 1 if quick else 5, 0.5 if quick else 5.0)
    return report


def _growth_mib(silent: int, has_own_ids: bool) -> float:
    """Return what silent clients add to a server that has served a few others before."""
    with market_depth_server(*_OPTIONS) as server:
        with load(server, 20, data_type="MBO"):
            pass
        time.sleep(_SETTLE_S)
        before = server.rss_bytes()
        with _silent(server, silent, has_own_ids=has_own_ids):
            return (server.rss_bytes() - before) / 2**20


@contextmanager
def _silent(server: Server, clients: int, *, has_own_ids: bool) -> Iterator[None]:
    """Connect clients that never read, and wait until nothing can be written to any of them."""
    with load(server, clients, data_type="MBO", has_own_ids=has_own_ids, reading="none"):
        deadline = time.monotonic() + _STALL_TIMEOUT_S
        before = server.metric(_SKIPPED)
        while True:
            time.sleep(_SETTLE_S)
            now = server.metric(_SKIPPED)
            if now - before >= clients * _BEATS_TO_SEE:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"{clients} silent clients are still being written to")
            before = now
        yield


def _compare(report: Report, silent: int, good: int, rounds: int, seconds: float) -> None:
    alone, beside = Rounds(), Rounds()
    with market_depth_server(*_OPTIONS) as server, load(server, good) as clients:
        for _ in range(rounds):
            alone.add(clients.measure(seconds))
            with _silent(server, silent, has_own_ids=True):
                beside.add(clients.measure(seconds))
    for share in ("p50", "p99"):
        for name, measured in (("alone", alone), (f"beside {silent} that never read", beside)):
            row = Row(
                f"delivery to {good} good clients {name}, {share}", measured.delay_ms(share), "ms"
            )
            row.note = measured.note()
            if measured is beside:
                row.baseline, row.ratio = "alone", row.value / alone.delay_ms(share)
            report.add(row)
