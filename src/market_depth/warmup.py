"""Compiling every kernel before the first client waits for one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from market_depth.book import BookPolicy, Books
from market_depth.jit import kernels_are_cached
from market_depth.logs import get_logger
from market_depth.protocol.json_views import JsonViewWriter
from market_depth.simulator import SimulatedVenue, load_profiles

__all__ = ["stopped_by_signals", "warm_up"]

log = get_logger()


def warm_up() -> None:
    """Run every kernel once; say so if they have to be compiled, which takes a while."""
    if not kernels_are_cached():
        log.info("compiling kernels for this machine, once: about 15 seconds")
    profile = next(iter(load_profiles().values()))
    venue = SimulatedVenue(profile, rate_hz=15.0, seed=0, begin_ns=0)
    instrument_id = profile.instrument.instrument_id
    books = Books([instrument_id], BookPolicy())
    chunks = venue.chunks()
    for _ in range(2):
        books.apply(next(chunks))
    book = books[instrument_id]
    writer = JsonViewWriter()
    for view in (book.mbp(1, 0), book.mbo(1, 0)):
        writer.write(view, 2, 2)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGINT and SIGTERM end the process in good order, as long as no event loop does."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, _stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _stop(_number: int, _frame: object) -> None:
    """End the process as it stands.

    An exception might be raised in a callback of the compiler, which swallows it, and a log line
    might wait for the one that has been interrupted.
    """
    os._exit(0)
