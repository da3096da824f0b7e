"""Compiling every kernel before the first client waits for one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from market_depth.book import BookPolicy, Books
from market_depth.book.changes import level_changes, order_changes
from market_depth.jit import kernels_are_cached
from market_depth.logs import get_logger
from market_depth.protocol.json_writer import JsonWriter
from market_depth.protocol.messages import DataType
from market_depth.protocol.view_checksum import ViewChecksum
from market_depth.simulator import SimulatedVenue, load_profiles
from market_depth.views import View

__all__ = ["stopped_by_signals", "warm_up"]

log = get_logger()

_BY_PRICE_AND_ORDER = (DataType.MBP, DataType.MBO)


def warm_up() -> None:
    """Run every kernel once; say so if they have to be compiled, which takes a while."""
    if not kernels_are_cached():
        log.info("compiling kernels for this machine, once: about 15 seconds")
    profile = next(iter(load_profiles().values()))
    venue = SimulatedVenue(profile, rate_hz=15.0, seed=0, begin_ns=0)
    instrument_id = profile.instrument.instrument_id
    books = Books([instrument_id], BookPolicy())
    chunks = venue.chunks()
    book = books[instrument_id]
    books.apply(next(chunks))
    before = (book.mbp(1, 0), book.mbo(1, 0))
    books.apply(next(chunks))
    after = (book.mbp(1, 0), book.mbo(1, 0))
    book.grouped_mbp(1, 1, 0)
    _write_views(before, after)


def _write_views(before: tuple[View, View], after: tuple[View, View]) -> None:
    writer, checksum = JsonWriter(), ViewChecksum()
    compared = (level_changes, order_changes)
    for data_type, old, new, compare in zip(
        _BY_PRICE_AND_ORDER, before, after, compared, strict=True
    ):
        writer.write(data_type, new, 2, 2)
        writer.write_changes(data_type, compare(old, new), 2, 2)
        checksum.of(data_type, new)


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
