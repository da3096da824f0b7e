"""`market-depth info`: what it tells of files, whole and damaged."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from market_depth.commands.info import lines_of, run, spark_line
from market_depth.describe import ACTIVITY_BINS, Description, Symbol, describe, rfc3339
from market_depth.events import BookStatus, Events, Flag, StatusReason
from market_depth.feeds.event_table import Part
from market_depth.feeds.parquet import journal_of
from market_depth.recording.parquet import ParquetWriter
from support.commands import run_command
from support.flow import ASK, BID, add, at, batch, cancel, of, status, unfinished
from support.recordings import recording
from support.sources import instrument

S_NS = 1_000_000_000
BEGIN_NS = 1_757_996_306 * S_NS
TWO = [instrument(1, "AAA", quantity_decimals=3), instrument(2, "BBB", has_orders=False)]


def day() -> Events:
    """Return a snapshot of an old order, then a change each second, with a gap in between."""
    old = at(BEGIN_NS - 9_000 * S_NS, add(99, BID, 1, 1))
    snapshot = old._replace(flags=Flag.SNAPSHOT | Flag.LAST, ts_recv=BEGIN_NS)
    times = [BEGIN_NS + n * S_NS for n in range(10)]
    return batch(
        of(1, snapshot),
        *[of(1, at(time_ns, add(n, ASK, 5, 5))) for n, time_ns in enumerate(times)],
        of(1, at(times[-1], status(BookStatus.STALE, StatusReason.GAP))),
        of(1, unfinished(at(times[-1], cancel(1)))),
        of(1, at(times[-1], cancel(2))),
        of(1, at(times[-1], status(BookStatus.RECOVERED))),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def written(path: Path, *batches: Events) -> Path:
    writer = ParquetWriter(path, TWO, Part())
    for events in batches:
        writer.write(events)
    writer.close()
    return path


def test_all_that_is_in_a_file_is_told(path: Path) -> None:
    found = describe(written(path, day()))
    assert (found.format, found.title, found.error) == ("parquet", "Parquet recording", None)
    assert found.size_bytes == path.stat().st_size
    assert [(one.symbol, one.price_decimals, one.quantity_decimals) for one in found.symbols] == [
        ("AAA", 2, 3),
        ("BBB", 2, 0),
    ]
    assert [(one.tick, one.has_orders) for one in found.symbols] == [
        ("0.01", True),
        ("0.01", False),
    ]
    assert found.first_event == "2025-09-16T04:18:26.000000000Z"
    assert found.last_event == "2025-09-16T04:18:35.000000000Z"
    assert found.span_s == 9.0
    assert (found.events, found.changes, found.changes_per_s) == (15, 14, 14 / 9)
    assert found.actions == {"add": 11, "cancel": 2, "status": 2}
    assert found.statuses == {"Recovered": 1, "Stale: messages of the venue are missing": 1}
    assert found.gaps == 1
    assert sum(found.activity) == 14


def test_lines_name_each_figure(path: Path) -> None:
    text = "\n".join(f"{name} {value}" for name, value in lines_of(describe(written(path, day()))))
    for words in (
        "format parquet (Parquet recording)",
        "AAA  tick 0.01, 2 decimals, 3 of sizes, orders",
        "BBB  tick 0.01, 2 decimals, 0 of sizes, price levels",
        "(9.000 s)",
        "events 15",
        "add 11",
        "changes 14 (1.6 a second)",
        "gaps 1",
        "status Recovered × 1",
    ):
        assert words in text


def test_of_many_symbols_the_first_are_named() -> None:
    found = Description("x", format="f")
    found.symbols = [Symbol(f"S{n}", 2, 0, "0.01", True) for n in range(30)]
    lines = list(lines_of(found))
    assert ("symbols", "30, the first 20:") in lines
    assert sum(not name for name, _ in lines) == 20


def test_a_spark_line_has_a_block_a_count() -> None:
    assert spark_line([0, 1, 8, 4]) == " ▁█▄"
    assert spark_line([]) == spark_line([0]).strip() == ""
    assert spark_line([10**18, 1]) == "█▁"


def times_to_journal(path: Path, times: NDArray[np.int64]) -> Path:
    """Write a change at each time, in several batches."""
    events = batch(*[of(1, add(n, BID, 5, 5)) for n in range(len(times))])
    events["ts_event"] = events["ts_recv"] = times
    writer = ParquetWriter(path, TWO, Part())
    for part in np.array_split(events, 7):
        writer.write(part)
    journal = path.with_name("b.arrows")
    journal.write_bytes(journal_of(path).read_bytes())
    writer.close()
    return journal


@pytest.mark.parametrize("span_ns", [59, 10**6, 10**9, 86_400 * 10**9, 10**17])
def test_activity_has_the_same_shape_over_any_span(path: Path, span_ns: int) -> None:
    offsets = np.array([*(span_ns * n // 800 for n in range(400)), span_ns])
    found = describe(times_to_journal(path, BEGIN_NS + offsets))
    assert sum(found.activity) == 401
    assert len(found.activity) <= ACTIVITY_BINS
    if span_ns >= 10**9:
        half = len(found.activity) // 2
        assert len(found.activity) == ACTIVITY_BINS
        assert sum(found.activity[half + 1 :]) == 1
        assert max(found.activity) < 2 * min(found.activity[: half - 1])


def test_times_are_rfc_3339() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000000Z"
    assert rfc3339(1_757_996_306_806_069_123) == "2025-09-16T04:18:26.806069123Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999999999Z"


def test_of_a_damaged_file_all_that_is_whole_is_told(path: Path) -> None:
    writer = ParquetWriter(path, TWO, Part())
    writer.write(day())
    writer.write(day())
    content = journal_of(path).read_bytes()
    writer.close()
    damaged = path.with_name("b.arrows")
    damaged.write_bytes(content[:-20])
    found = describe(damaged)
    assert (found.events, found.actions["add"], found.gaps) == (15, 11, 1)
    assert found.error is not None
    assert str(damaged) in found.error
    assert "at byte" in found.error


@pytest.mark.parametrize("content", [None, b"", b"hello\n"])
def test_a_file_that_cannot_be_read_is_one_line(
    path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        path.write_bytes(content)
    assert not run([path], as_json=False)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("market-depth: error: ")
    assert str(path) in line


def test_a_recording_left_behind_is_finished(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = ParquetWriter(path, TWO, Part())
    writer.write(day())
    assert run([path], as_json=True), "a recording that goes on is told as it is"
    assert json.loads(capsys.readouterr().out)["format"] == "parquet"
    content = journal_of(path).read_bytes()
    writer.close()
    journal_of(path).write_bytes(content)
    assert run([path], as_json=True)
    shown = capsys.readouterr()
    assert "left unfinished" in shown.err
    assert json.loads(shown.out)["events"] == 15
    assert not journal_of(path).exists()


async def test_the_command_tells_files_one_by_one(path: Path) -> None:
    good = written(path, day())
    bad = path.with_name("missing")
    finished = await run_command("info", str(good), str(bad))
    assert finished.code == 1
    assert finished.out[0].split() == ["file", str(good)]
    assert f"file  {bad}" in [line.replace("        ", "") for line in finished.out]
    (error,) = finished.err
    assert error.startswith("market-depth: error: can't read")
    finished = await run_command("info", "--json", str(good))
    assert finished.code == 0
    (line,) = finished.out
    assert msgspec.json.decode(line, type=Description) == describe(good)


def test_a_real_recording_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    path = next(recording("coinbase_rest_snapshots").iterdir())
    assert run([path], as_json=True, format_name="coinbase-rest")
    assert json.loads(capsys.readouterr().out)["events"] > 10_000
