"""Databento's files: every record decoded, fills of orders, and trades beside levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from market_depth.events import Action, Events
from market_depth.feeds.base import Source
from market_depth.feeds.dbn.directory import RecordFile
from market_depth.feeds.dbn.file import DbnFile, is_dbn
from market_depth.feeds.dbn_conformance import decode_all
from market_depth.feeds.dbn_csv import DbnCsvFile
from market_depth.feeds.files import head_of
from market_depth.verify.findings import Report
from market_depth.verify.playback import Playback

__all__ = ["check_decoding", "compare_trades", "play_orders", "record_file"]

_TRADE_FIELDS: Final = ("instrument_id", "ts_event", "sequence", "price", "size", "side")

_Trade: TypeAlias = tuple[int, ...]


def record_file(path: Path) -> RecordFile:
    """Return a file of Databento's records, in whichever encoding.

    Raises:
        FeedError: if it can't be read, or has nothing to play.
    """
    return DbnFile(path) if is_dbn(head_of(path)) else DbnCsvFile(path)


def check_decoding(paths: Sequence[Path], report: Report) -> None:
    """Decode every record of DBN files, whatever their schemas.

    Raises:
        FeedError: if one can't be read, or a record is damaged.
    """
    for path in paths:
        counts = decode_all(path)
        report.check("records decoded").passes(sum(counts.values()))
        report.count("files")
        for kind, count in counts.items():
            report.count(f"{kind} records", count)


def play_orders(source: Source, report: Report) -> Playback:
    """Play MBO files; count the fills that name orders which the book does not have.

    Raises:
        FeedError: where they can't be read any further; what came before has been checked.
    """
    playback = Playback(source, report)
    try:
        for events in source.chunks():
            start = 0
            for place in np.flatnonzero(events["action"] == Action.FILL).tolist():
                playback.take(events[start:place])
                start = place
                _look_at_fill(events[place : place + 1], playback, report)
            playback.take(events[start:])
    finally:
        playback.finish()
    return playback


def _look_at_fill(fill: Events, playback: Playback, report: Report) -> None:
    book = playback.book(int(fill["instrument_id"][0]))
    if not book.holds(int(fill["order_id"][0])):
        report.count("fills of unknown orders")


def compare_trades(levels: RecordFile, trades: RecordFile, report: Report, beside: str) -> None:
    """Compare the trades that a file of price levels tells with a file of trades, for the time that
    both have.

    Args:
        levels: of price levels.
        trades: of trades.
        report: what is found is put into a check of it; none is made without trades.
        beside: what the check names as compared with.

    Raises:
        FeedError: where a file can't be read any further.
    """
    spans = [_span(levels), _span(trades)]
    begin = max(first for first, _ in spans)
    end = min(last for _, last in spans)
    found, expected = (
        [trade for time_ns, trade in _trades(file) if begin <= time_ns <= end]
        for file in (levels, trades)
    )
    if not found and not expected:
        return
    check = report.check("trades", beside=beside)
    ours, theirs = Counter(found), Counter(expected)
    check.passes((ours & theirs).total())
    for where, rest in ((levels.path, ours - theirs), (trades.path, theirs - ours)):
        for trade, count in rest.items():
            for _ in range(count):
                told = ", ".join(
                    f"{name} {value}" for name, value in zip(_TRADE_FIELDS, trade, strict=True)
                )
                check.fails(f"only {where} has the trade of {told}")


def _span(file: RecordFile) -> tuple[int, int]:
    """Return the first and the last time of receipt."""
    first, last = 2**63 - 1, -1
    for records in file.records():
        first = min(first, int(records["ts_recv"].min()))
        last = max(last, int(records["ts_recv"].max()))
    return first, last


def _trades(file: RecordFile) -> Iterator[tuple[int, _Trade]]:
    """Yield the trades with their times of receipt."""
    for records in file.records():
        own = records[records["action"] == Action.TRADE]
        columns = (own[name].tolist() for name in _TRADE_FIELDS)
        yield from zip(own["ts_recv"].tolist(), zip(*columns, strict=True), strict=True)
