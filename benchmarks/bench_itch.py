"""ITCH 5.0: a made-up day from bytes to events, and on to the books of all stocks.

Baselines are PyPI's `itchfeed` (plain Python, messages only) and `itch-book` (C++, with the books
of all stocks), and a decoder and books in plain Python. The slow ones get the day's first messages.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import itch_book
import numpy as np
import psutil
from itch.parser import MessageParser

from benchmarks.harness import Report, Row, median_seconds
from benchmarks.itch_flow import FILE_NAME, write_day
from benchmarks.plain_book import PlainBook, PlainEvent
from benchmarks.plain_itch import PlainItch
from market_depth.book import BookPolicy, Books
from market_depth.events import Events
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.formats import format_named
from market_depth.feeds.itch import message_counts
from market_depth.feeds.itch.frames import walk_messages

__all__ = ["run"]

_MIB = 1024 * 1024
_MAX_MESSAGE_BYTES = 52


def run(*, quick: bool) -> Report:
    """Decode the same day with everything."""
    report = Report("ITCH 5.0")
    with tempfile.TemporaryDirectory() as folder:
        day, part = Path(folder, FILE_NAME), Path(folder, f"part.{FILE_NAME}")
        if quick:
            write_day(day, 40_000, stocks=200, most_resting=5_000)
        else:
            write_day(day, 20_000_000)
        part_messages = _write_part(day, part, 10_000 if quick else 400_000)
        plain_rate = _measure_plain(report, part, part_messages)
        _measure_day(report, day, plain_rate, repeats=3 if quick else 5)
        few = Path(folder, f"few.{FILE_NAME}")
        write_day(few, 40_000 if quick else 2_000_000, stocks=100, most_resting=3_000)
        _measure_few(report, few, plain_rate, repeats=3 if quick else 5)
    return report


def _measure_plain(report: Report, part: Path, messages: int) -> float:
    """Measure what is written in Python; return the plain decoder's and books' rate."""
    note = f"the day's first {messages:,} messages"

    def rate_of(name: str, play: Callable[[Path], object], *, against: float = 0) -> float:
        rate = messages / median_seconds(lambda: play(part), 3)
        ratio = rate / against if against else None
        baseline = "plain Python, books" if against else ""
        report.add(Row(name, rate / 1e6, "M messages/s", baseline, ratio, note=note))
        return rate

    books = rate_of("plain Python, books", _plain_books)
    rate_of("plain Python, events", lambda path: _exhaust(_plain_events(path)), against=books)
    rate_of("PyPI itchfeed, messages", _itchfeed, against=books)
    return books


def _measure_day(report: Report, day: Path, plain_rate: float, *, repeats: int) -> None:
    counts = message_counts(day)
    messages = sum(counts.values())
    mix = ", ".join(f"{kind} {counts[kind] / messages:.1%}" for kind in "ADUEXFP")

    def rate_of(name: str, play: Callable[[Path], object], goal: str = "") -> float:
        rate = messages / median_seconds(lambda: play(day), repeats)
        row = Row(name, rate / 1e6, "M messages/s", "plain Python, books", rate / plain_rate, goal)
        report.add(row)
        return rate

    theirs = rate_of("PyPI itch-book (C++), books and best prices", _itch_book)
    rate_of("market-depth, events", lambda path: _exhaust(_source(path).chunks()))
    ours = rate_of("market-depth, books of all stocks", _our_books, goal="≥ 8 M/s")
    report.rows[
        -1
    ].note = f"{ours / theirs:.2f} times itch-book's rate; {messages:,} messages: {mix}"
    print(f"  {report.rows[-1].note}", flush=True)
    command = [sys.executable, "-m", "benchmarks.bench_itch", str(day)]
    peak = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    name = "market-depth, memory for books of all stocks"
    report.add(Row(name, peak / _MIB, "MiB", note=f"file: {day.stat().st_size / _MIB:,.0f} MiB"))


def _measure_few(report: Report, day: Path, plain_rate: float, *, repeats: int) -> None:
    """Measure a day of few stocks, whose books a processor's caches hold."""
    messages = sum(message_counts(day).values())
    rate = messages / median_seconds(lambda: _our_books(day), repeats)
    row = Row("market-depth, books of a hundred stocks", rate / 1e6, "M messages/s")
    row.baseline, row.ratio = "plain Python, books", rate / plain_rate
    report.add(row)


def _write_part(day: Path, part: Path, messages: int) -> int:
    """Write a day's first messages to another file; return how many they are."""
    with day.open("rb") as file:
        head = file.read(messages * _MAX_MESSAGE_BYTES)
    end = np.zeros(2, np.int64)
    found = walk_messages(np.frombuffer(head, np.uint8), messages, end)
    part.write_bytes(head[: end[0]])
    return found


def _source(path: Path) -> Source:
    return format_named("itch").open([path], OpenOptions())


def _our_books(path: Path) -> Books:
    source = _source(path)
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    for events in source.chunks():
        books.apply(events)
    return books


def _exhaust(events: Iterator[Events] | Iterator[PlainEvent]) -> None:
    for _ in events:
        pass


def _plain_events(path: Path) -> Iterator[PlainEvent]:
    return PlainItch().events(path.read_bytes())


def _plain_books(path: Path) -> None:
    books: defaultdict[int, PlainBook] = defaultdict(PlainBook)
    for event in _plain_events(path):
        books[event[6]].apply((event,))


def _itchfeed(path: Path) -> None:
    with path.open("rb") as file:
        for _ in MessageParser().parse_file(file):
            pass


def _itch_book(path: Path) -> None:
    for _ in itch_book.open(str(path)).batches(tables=("bbo",)):
        pass


def main() -> None:
    """Play a file, and print how much more memory is resident at most, in bytes."""
    process = psutil.Process()
    before = process.memory_info().rss
    source = _source(Path(sys.argv[1]))
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    peak = before
    for events in source.chunks():
        books.apply(events)
        peak = max(peak, process.memory_info().rss)
    print(peak - before)


if __name__ == "__main__":
    main()
