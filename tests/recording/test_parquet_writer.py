"""Parquet recordings as others read them, and what a recorder leaves that was killed."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq

from market_depth.events import Events
from market_depth.feeds.event_table import Part
from market_depth.feeds.formats import format_of
from market_depth.feeds.parquet import journal_of
from market_depth.recording.parquet import ParquetWriter, close_left_behind
from support.flow import ASK, BID, add, at, batch, cancel, of
from support.recorded import events_in
from support.sources import instrument

TIME_NS = 1_757_996_306_123_456_789
TWO = [instrument(1, "AAA"), instrument(2, "BBB", price_decimals=5, has_orders=False)]


def two_events() -> Events:
    return batch(
        of(1, at(TIME_NS, add(2**64 - 1, ASK, -102_45, 500)))._replace(sequence=2**64 - 2),
        of(2, at(TIME_NS + 1, cancel(7, 20, BID, 5))),
    )


def written(path: Path, *batches: Events) -> Path:
    writer = ParquetWriter(path, TWO, Part("r", 3, 1, {"AAA": 7}))
    for events in batches:
        writer.write(events)
    writer.close()
    return path


def left_behind(path: Path, *batches: Events, cut_bytes: int = 0) -> Path:
    """Leave a recording as a recorder does that is killed."""
    writer = ParquetWriter(path, TWO, Part())
    for events in batches:
        writer.write(events)
    journal = journal_of(path)
    content = journal.read_bytes()
    writer.close()
    pq.write_table(pq.read_schema(path).empty_table(), path)
    journal.write_bytes(content[: len(content) - cut_bytes])
    return path


def test_pyarrow_reads_types_and_metadata(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path / "a.parquet", two_events()))
    letter = pa.dictionary(pa.int32(), pa.string())
    time = pa.timestamp("ns", "UTC")
    types = {field.name: field.type for field in table.schema}
    for name in ("symbol", "action", "side"):
        assert types.pop(name).value_type == letter.value_type
    assert types == {
        "ts_event": time,
        "ts_recv": time,
        "order_id": pa.uint64(),
        "price": pa.int64(),
        "size": pa.int64(),
        "flags": pa.uint8(),
        "sequence": pa.uint64(),
        "instrument_id": pa.uint32(),
    }
    instruments = json.loads(table.schema.metadata[b"market_depth.instruments"])
    assert instruments[1] == {
        "instrument_id": 2,
        "symbol": "BBB",
        "price_decimals": 5,
        "quantity_decimals": 0,
        "tick_size": 1,
        "has_orders": False,
        "may_cross": True,
    }
    part = json.loads(table.schema.metadata[b"market_depth.part"])
    assert part == {
        "recording": "r",
        "number": 3,
        "head_events": 1,
        "changes_before": {"AAA": 7},
    }


def test_polars_reads_it(tmp_path: Path) -> None:
    frame = polars.read_parquet(written(tmp_path / "a.parquet", two_events()))
    first, second = frame.rows(named=True)
    assert (first["symbol"], first["action"], first["side"]) == ("AAA", "A", "A")
    assert (first["order_id"], first["price"], first["size"]) == (2**64 - 1, -102_45, 500)
    assert (first["sequence"], first["flags"], first["instrument_id"]) == (2**64 - 2, 128, 1)
    assert (second["symbol"], second["action"], second["side"]) == ("BBB", "C", "B")
    assert frame["ts_event"].cast(polars.Int64).to_list() == [TIME_NS, TIME_NS + 1]


def test_pandas_reads_it(tmp_path: Path) -> None:
    frame = pandas.read_parquet(written(tmp_path / "a.parquet", two_events()))
    assert frame["symbol"].tolist() == ["AAA", "BBB"]
    assert frame["order_id"].tolist() == [2**64 - 1, 7]
    assert frame["price"].tolist() == [-102_45, 5]
    assert frame["ts_event"].astype("int64").tolist() == [TIME_NS, TIME_NS + 1]


def test_duckdb_reads_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", two_events())
    found = duckdb.sql(
        "select symbol, action, side, order_id, price, size, sequence, epoch_ns(ts_event) "
        f"from '{path}' order by ts_event"
    )
    assert found is not None
    assert found.fetchall() == [
        ("AAA", "A", "A", 2**64 - 1, -102_45, 500, 2**64 - 2, TIME_NS),
        ("BBB", "C", "B", 7, 5, 20, 0, TIME_NS + 1),
    ]


def test_a_long_recording_has_few_row_groups(tmp_path: Path) -> None:
    thousands = batch(*[of(1, at(TIME_NS + n, add(n, BID, n, 5))) for n in range(3_000)])
    events = np.tile(thousands, 100)
    events["ts_recv"].sort()
    path = written(tmp_path / "a.parquet", *np.split(events, 10))
    assert pq.ParquetFile(path).metadata.num_row_groups == 2
    assert (events_in(path) == events).all()


def test_while_it_is_recorded_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    writer = ParquetWriter(path, TWO, Part())
    writer.write(two_events())
    assert polars.read_parquet(path).height == 0
    assert polars.read_ipc_stream(journal_of(path))["price"].to_list() == [-102_45, 5]
    assert format_of(path).name == "parquet"
    assert (events_in(path) == two_events()).all()
    writer.close()
    assert polars.read_parquet(path).height == 2
    assert not journal_of(path).exists()


def test_what_was_left_behind_is_finished(tmp_path: Path) -> None:
    events = np.tile(two_events(), 2)
    events["ts_recv"] = TIME_NS + np.arange(4)
    path = left_behind(tmp_path / "a.parquet", *np.split(events, 2))
    assert (events_in(path) == events).all()
    assert close_left_behind([path, tmp_path / "other.parquet"]) == [path]
    assert sorted(tmp_path.iterdir()) == [path]
    assert polars.read_parquet(path).height == 4
    assert (events_in(path) == events).all()


def test_of_a_journal_that_is_cut_off_all_that_is_whole_is_kept(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "a.parquet", two_events(), two_events(), cut_bytes=9)
    close_left_behind([path])
    assert (events_in(path) == two_events()).all()


def test_a_finished_recording_with_a_journal_still_there_is_finished_again(tmp_path: Path) -> None:
    path = left_behind(tmp_path / "a.parquet", two_events())
    journal = journal_of(path).read_bytes()
    close_left_behind([path])
    journal_of(path).write_bytes(journal)
    assert close_left_behind([path]) == [path]
    assert (events_in(path) == two_events()).all()


def test_a_journal_without_a_byte_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    journal_of(path).touch()
    assert close_left_behind([path]) == [path]
    assert list(tmp_path.iterdir()) == []
