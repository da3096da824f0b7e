"""Recordings in Parquet and their journals, with columns and metadata that can't be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_depth.errors import FeedError
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.event_table import EventTables, Part
from market_depth.feeds.formats import format_named
from market_depth.instruments import Instrument
from support.damage import Played, play
from support.errors import one_line_error
from support.flow import ASK, BID, add, at, batch, of
from support.seeds import seed_called
from support.sources import instrument

INSTRUMENTS = [instrument(7, "BTCUSD"), instrument(3, "ETHUSD")]
EVENTS = batch(at(5, of(7, add(1, BID, 5, 5))), at(6, of(3, add(2, ASK, 6, 5))))
KEY = b"market_depth.instruments"


def table_of(instruments: list[Instrument] = INSTRUMENTS) -> Any:
    tables = EventTables(pa, INSTRUMENTS, Part())
    schema = tables.schema.with_metadata(
        tables.schema.metadata | {KEY: msgspec.json.encode(instruments)}
    )
    return pa.Table.from_batches([tables.batch(EVENTS)]).replace_schema_metadata(schema.metadata)


def opened(path: Path) -> Source:
    return format_named("parquet").open([path], OpenOptions())


def played(path: Path, table: Any) -> Played:
    pq.write_table(table, path)
    return play(partial(opened, path), str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


def changed(**fields: object) -> list[Instrument]:
    return [msgspec.structs.replace(INSTRUMENTS[0], **fields), INSTRUMENTS[1]]


@pytest.mark.parametrize(
    "fields",
    [
        {"instrument_id": -1},
        {"instrument_id": 2**32},
        {"price_decimals": 1_000_000_000},
        {"price_decimals": -1},
        {"quantity_decimals": 19},
        {"tick_size": 0},
        {"tick_size": 2**63},
        {"symbol": "ETHUSD"},
        {"instrument_id": 3},
    ],
)
def test_instruments_that_can_not_be_are_refused(path: Path, fields: dict[str, object]) -> None:
    assert played(path, table_of()).complaint is None
    found = played(path, table_of(changed(**fields)))
    assert "is damaged" in str(found.complaint)
    assert not len(found.events)


def test_metadata_nested_without_end_are_refused(path: Path) -> None:
    table = table_of()
    nested = table.replace_schema_metadata(table.schema.metadata | {KEY: b"[" * 100_000})
    assert "its metadata" in str(played(path, nested).complaint)


def test_an_event_of_no_instrument_ends_the_recording_behind_all_before(path: Path) -> None:
    found = played(path, table_of(INSTRUMENTS[:1]))
    assert (found.events == EVENTS[:1]).all()
    assert "no instrument with the id 3" in str(found.complaint)


def test_files_that_call_two_instruments_by_one_symbol_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path, number in zip(paths, (7, 8), strict=True):
        pq.write_table(table_of([instrument(number, "BTCUSD")]), path)
    with one_line_error(FeedError, str(tmp_path), "by other ids"):
        format_named("parquet").open(paths, OpenOptions())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.append_column("price", table["price"]), "several columns 'price'"),
        (lambda table: table.drop_columns("price"), "no column 'price'"),
        (
            lambda table: table.set_column(4, "size", pa.array(["x" * 500] * 2)),
            "'size' is 'string'",
        ),
        (lambda table: table.set_column(6, "action", pa.array(["x\n" * 500] * 2)), "is no letter"),
    ],
)
def test_columns_that_are_others_are_told_in_one_line(
    path: Path, change: Callable[[Any], Any], words: str
) -> None:
    assert words in str(played(path, change(table_of())).complaint)


def test_what_is_damaged_in_the_description_of_columns_is_an_error(path: Path) -> None:
    """Asked for columns that it could not read, pyarrow ends the process."""
    seed = seed_called("parquet")
    footer = len(seed.data) - 8 - int.from_bytes(seed.data[-8:-4], "little")
    complaints = 0
    for place in range(footer, footer + 120):
        for bit in range(8):
            damaged = bytearray(seed.data)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            complaints += play(partial(opened, path), str(path)).complaint is not None
    assert complaints > 500


def test_of_row_groups_all_before_the_damaged_one_are_played(path: Path) -> None:
    tables = EventTables(pa, INSTRUMENTS, Part())
    with pq.ParquetWriter(path, tables.schema, compression="none") as writer:
        for _ in range(3):
            writer.write_batch(tables.batch(EVENTS))
    column = pq.ParquetFile(path).metadata.row_group(2).column(3)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 12] = b"\xff" * 12
    path.write_bytes(data)
    found = play(partial(opened, path), str(path))
    begin = pq.ParquetFile(path).metadata.row_group(2).column(0)
    offset = begin.dictionary_page_offset or begin.data_page_offset
    assert len(found.events) == 2 * len(EVENTS)
    assert f"behind byte {offset}, in row group 2" in str(found.complaint)
