"""Compiling every kernel before the first client waits for one."""

from __future__ import annotations

import time
from collections.abc import Callable

from market_depth.book import OrderBook
from market_depth.jit import kernels_are_cached
from market_depth.protocol.json_views import JsonViewWriter
from market_depth.simulator import SimulatedVenue, load_profiles

__all__ = ["warm_up"]


def warm_up(tell: Callable[[str], None]) -> float:
    """Run every kernel once; return the seconds that it took.

    Args:
        tell: told a line when kernels have to be compiled, which takes a while.
    """
    begun = time.perf_counter()
    if not kernels_are_cached():
        tell("compiling kernels for this machine, once: about 15 seconds")
    profile = next(iter(load_profiles().values()))
    venue = SimulatedVenue(profile, rate_hz=15.0, seed=0, begin_ns=0)
    book = OrderBook()
    chunks = venue.chunks()
    for _ in range(2):
        book.apply(next(chunks))
    writer = JsonViewWriter()
    for view in (book.mbp(1, 0), book.mbo(1, 0)):
        writer.write(view, 2, 2)
    return time.perf_counter() - begun
