"""Recordings: Databento MBO files and captures of JSON messages, from bytes to books."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import databento_dbn
import msgspec
import zstandard

from benchmarks.captures import write_binance_capture
from benchmarks.flow import recorded_flow
from benchmarks.harness import Report, Row, median_seconds
from benchmarks.plain_book import PlainBook
from market_depth.book import BookPolicy, Books
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.event_table import Part
from market_depth.feeds.formats import format_of
from market_depth.recording.dbn_writer import DbnWriter
from market_depth.simulator import load_profiles

__all__ = ["run"]

_DIVISOR = 10_000_000
"""Of prices in 10^-9 for two decimals."""


def run(*, quick: bool) -> Report:
    """Play made-up recordings of a simulated market."""
    report = Report("recordings")
    repeats = 3 if quick else 7
    with tempfile.TemporaryDirectory() as folder:
        _measure_dbn(report, Path(folder), 100_000 if quick else 2_000_000, repeats)
        _measure_json(report, Path(folder), 2_000 if quick else 50_000, repeats)
    return report


def _measure_dbn(report: Report, folder: Path, length: int, repeats: int) -> None:
    packed, plain, few = folder / "day.dbn.zst", folder / "day.dbn", folder / "few.dbn.zst"
    part = length // 20
    _write_dbn(packed, length)
    _write_dbn(few, part)
    with packed.open("rb") as from_file, plain.open("wb") as to_file:
        zstandard.ZstdDecompressor().copy_stream(from_file, to_file)
    plain_s = median_seconds(lambda: _python_books(few), 3) / part
    row = Row(
        "DBN MBO → book, databento-dbn and a plain Python book", 1e-6 / plain_s, "M records/s"
    )
    report.add(row)
    decoded_s = median_seconds(lambda: _decode(few), 3) / part
    row = Row("DBN MBO → Python objects, databento-dbn", 1e-6 / decoded_s, "M records/s")
    report.add(row)
    for name, path, goal in (
        ("DBN MBO → events", plain, ""),
        ("DBN MBO → books", plain, "≥ 10 M/s"),
        ("DBN MBO, zstd → books", packed, ""),
    ):
        source = _opened(path)
        play = _played if name.endswith("books") else _read
        ours_s = median_seconds(partial(play, source), repeats) / length
        row = Row(name, 1e-6 / ours_s, "M records/s", "databento-dbn and Python book")
        row.ratio, row.goal = plain_s / ours_s, goal
        report.add(row)


def _measure_json(report: Report, folder: Path, messages: int, repeats: int) -> None:
    path = folder / "binance.txt"
    write_binance_capture(path, messages)
    plain_s = median_seconds(lambda: _python_levels(path), 3) / messages
    row = Row(
        "JSON depth diffs → plain Python dicts (msgspec, float)", 1e-3 / plain_s, "k messages/s"
    )
    report.add(row)
    source = _opened(path)
    ours_s = median_seconds(lambda: _played(source), repeats) / messages
    row = Row(
        "JSON depth diffs → books, sequences checked, exact decimals", 1e-3 / ours_s, "k messages/s"
    )
    row.baseline, row.ratio, row.goal = "plain Python dicts", plain_s / ours_s, "≥ 100 k/s"
    report.add(row)


def _write_dbn(path: Path, length: int) -> None:
    """Write a market's first events."""
    writer = DbnWriter(path, [load_profiles()["BTCUSD"].instrument], Part())
    events = recorded_flow(length)
    writer.write(events)
    writer.close()


def _opened(path: Path) -> Source:
    return format_of(path).open([path], OpenOptions())


def _read(source: Source) -> None:
    for _ in source.chunks():
        pass


def _played(source: Source) -> None:
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    for events in source.chunks():
        books.apply(events)


def _decode(path: Path) -> list[object]:
    decoder = databento_dbn.DBNDecoder(compression=databento_dbn.Compression.from_str("zstd"))
    decoder.write(path.read_bytes())
    return list(decoder.decode())


def _python_books(path: Path) -> None:
    book = PlainBook()
    book.apply(
        (
            record.ts_event,
            record.ts_recv,
            record.order_id,
            record.price // _DIVISOR,
            record.size,
            record.sequence,
            record.instrument_id,
            ord(str(record.action)),
            ord(str(record.side)),
            record.flags,
        )
        for record in _decode(path)
        if isinstance(record, databento_dbn.MBOMsg)
    )


def _python_levels(path: Path) -> None:
    sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
    for line in path.open("rb"):
        message = msgspec.json.decode(line.partition(b" ")[2])
        data = message.get("data", message)
        for side, rows in zip(sides, (data.get("b", ()), data.get("a", ())), strict=True):
            for price, size in rows:
                if size_number := float(size):
                    side[float(price)] = size_number
                else:
                    side.pop(float(price), None)
