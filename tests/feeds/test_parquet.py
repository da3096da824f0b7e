"""Parquet recordings as sources: every field comes through, damage is one line."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import EVENT_DTYPE, Events
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.event_table import EventTables, Part
from market_depth.feeds.formats import format_of
from market_depth.feeds.parquet import journal_of
from market_depth.instruments import Instrument
from support.errors import one_line_error
from support.flow import ASK, BID, Event, add, batch, batch_of, cancel, of
from support.sources import instrument

ONLY_PART = Part()
INSTRUMENTS = [instrument(7, "BTCUSD", quantity_decimals=8), instrument(3, "ÅÄÖ-X")]

events_strategy = st.lists(
    st.builds(
        Event,
        ts_event=st.integers(-(2**63), 2**63 - 1),
        ts_recv=st.integers(-(2**63), 2**63 - 1),
        order_id=st.integers(0, 2**64 - 1),
        price=st.integers(-(2**63), 2**63 - 1),
        size=st.integers(-(2**63), 2**63 - 1),
        sequence=st.integers(0, 2**64 - 1),
        instrument_id=st.sampled_from([3, 7]),
        action=st.integers(0, 255),
        side=st.integers(0, 255),
        flags=st.integers(0, 255),
    ),
    max_size=20,
)


def journal_bytes(
    *batches: Events, instruments: Sequence[Instrument] = INSTRUMENTS, part: Part = ONLY_PART
) -> bytes:
    """Return batches as an Arrow stream."""
    tables = EventTables(pa, instruments, part)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, tables.schema) as stream:
        for events in batches:
            stream.write_batch(tables.batch(events))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def write_parquet(path: Path, *batches: Events, part: Part = ONLY_PART) -> Path:
    """Write each batch as a row group."""
    tables = EventTables(pa, INSTRUMENTS, part)
    with pq.ParquetWriter(path, tables.schema) as writer:
        for events in batches:
            writer.write_batch(tables.batch(events))
    return path


def opened(*paths: Path, symbols: Sequence[str] | None = None) -> Source:
    return format_of(paths[0]).open(paths, OpenOptions(symbols=symbols))


def played(*paths: Path, symbols: Sequence[str] | None = None) -> Events:
    chunks = [*opened(*paths, symbols=symbols).chunks(), np.zeros(0, EVENT_DTYPE)]
    return np.concatenate(chunks)


@settings(max_examples=50)
@given(batches=st.lists(events_strategy.map(batch_of), max_size=4))
def test_every_field_of_every_event_comes_through_and_receipt_does_not_go_back(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Events]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    wanted = np.concatenate([*batches, np.zeros(0, EVENT_DTYPE)])
    np.maximum.accumulate(wanted["ts_recv"], out=wanted["ts_recv"])
    parquet = write_parquet(folder / "a.parquet", *batches)
    journal = folder / "b.arrows"
    journal.write_bytes(journal_bytes(*batches))
    for path in (parquet, journal):
        assert (played(path) == wanted).all()
        assert opened(path).instruments == INSTRUMENTS


def test_the_formats_are_told_by_the_files(tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(journal_bytes(batch(of(7, add(1, BID, 5, 5)))))
    write_parquet(tmp_path / "name")
    assert format_of(tmp_path / "any").name == "arrows"
    assert format_of(tmp_path / "name").name == "parquet"


def test_only_the_symbols_asked_for_are_played(tmp_path: Path) -> None:
    events = batch(of(7, add(1, BID, 5, 5)), of(3, add(1, ASK, 6, 5)), of(7, cancel(1)))
    path = write_parquet(tmp_path / "a.parquet", events)
    assert (played(path, symbols=["ÅÄÖ-X"]) == events[1:2]).all()
    with one_line_error(FeedError, str(path), "'ETHUSD'", "BTCUSD"):
        opened(path, symbols=["ETHUSD"])


def test_a_change_is_not_split_between_row_groups(tmp_path: Path) -> None:
    events = batch(*[of(7, add(n, BID, 5, 5)) for n in range(4)])
    events["flags"][:3] = 0
    path = write_parquet(tmp_path / "a.parquet", events[:2], events[2:])
    assert [len(chunk) for chunk in opened(path).chunks()] == [4]


def test_parts_are_played_in_their_order_without_the_heads_between(tmp_path: Path) -> None:
    events = batch(*[of(7, add(n, BID, 5, 5)) for n in range(6)])
    head = batch(*[of(7, add(n + 100, BID, 5, 5)) for n in range(3)])
    one = write_parquet(tmp_path / "1", events[:3], part=Part("r", 1))
    two = write_parquet(
        tmp_path / "2", np.concatenate([head, events[3:]]), part=Part("r", 2, head_events=3)
    )
    assert (played(two, one) == events).all()
    assert (played(two) == np.concatenate([head, events[3:]])).all()


def test_a_part_behind_a_missing_one_is_played_with_its_head(tmp_path: Path) -> None:
    events = batch(*[of(7, add(n, BID, 5, 5)) for n in range(4)])
    one = write_parquet(tmp_path / "1", events[:2], part=Part("r", 1))
    three = write_parquet(tmp_path / "3", events[2:], part=Part("r", 3, head_events=1))
    assert (played(one, three) == events).all()


def test_files_with_different_instruments_of_one_id_are_refused(tmp_path: Path) -> None:
    one = write_parquet(tmp_path / "a.parquet")
    tables = EventTables(pa, [instrument(7, "ETHUSD")], Part())
    pq.write_table(tables.schema.empty_table(), tmp_path / "b.parquet")
    with one_line_error(FeedError, "instrument 7", "ETHUSD", "BTCUSD"):
        opened(one, tmp_path / "b.parquet")


def test_a_file_that_is_being_recorded_is_its_journal(tmp_path: Path) -> None:
    events = batch(of(7, add(1, BID, 5, 5)))
    path = write_parquet(tmp_path / "a.parquet")
    journal_of(path).write_bytes(journal_bytes(events))
    assert (played(path) == events).all()


def test_a_file_written_anew_by_polars_keeps_the_events(tmp_path: Path) -> None:
    events = batch(of(7, add(1, BID, 5, 5)), of(3, cancel(2**64 - 1)))
    path = write_parquet(tmp_path / "a.parquet", events)
    table = polars.read_parquet(path).to_arrow()
    rewritten = tmp_path / "b.parquet"
    pq.write_table(table.replace_schema_metadata(pq.read_schema(path).metadata), rewritten)
    assert (played(rewritten) == events).all()


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1.5]), ("'price'", "double", "int64")),
        (pa.array([None], pa.int64()), ("'price'", "lacks 1")),
        (pa.array(["1"]), ("'price'", "string")),
    ],
)
def test_a_column_of_another_type_is_one_line(
    tmp_path: Path, column: pa.Array, words: tuple[str, ...]
) -> None:
    path = write_parquet(tmp_path / "a.parquet", batch(of(7, add(1, BID, 5, 5))))
    table = pq.read_table(path)
    place = table.schema.get_field_index("price")
    pq.write_table(table.set_column(place, "price", column), path)
    with one_line_error(FeedError, str(path), *words):
        played(path)


def test_parquet_of_others_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with one_line_error(FeedError, str(path), "no column", "no recording of events"):
        opened(path)


def test_a_journal_that_is_cut_off_is_played_up_to_there(tmp_path: Path) -> None:
    batches = [batch(*[of(7, add(n, BID, k + 1, 5)) for n in range(30)]) for k in range(5)]
    data = journal_bytes(*batches)
    path = tmp_path / "a.arrows"
    wholes = set()
    for length in range(len(journal_bytes()) - 8, len(data), 7):
        path.write_bytes(data[:length])
        events: list[Events] = []
        with suppress(FeedError):
            events += opened(path).chunks()
        wholes.add(sum(map(len, events)))
        assert (np.concatenate([batch(), *events]) == np.concatenate(batches)[: max(wholes)]).all()
    path.write_bytes(data[:-100])
    seen = 0
    with one_line_error(FeedError, str(path), "cut off at byte"):
        for chunk in opened(path).chunks():
            seen += len(chunk)
    assert seen == 120


@settings(max_examples=150, deadline=None)
@given(data=st.data(), is_journal=st.booleans())
def test_damage_gives_events_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, is_journal: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    events = batch(*[of(3 + 4 * (n % 2), add(n, BID, n + 1, 5)) for n in range(50)])
    if is_journal:
        path.write_bytes(journal_bytes(events, events))
    else:
        write_parquet(path, events, events)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "splice"]))
        if kind == "flip":
            content[at] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        else:
            content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        if not content:
            content += b"\0"
    path.write_bytes(content)
    problem = ""
    try:
        for chunk in opened(path).chunks():
            assert chunk.dtype == EVENT_DTYPE
            assert len(chunk)
    except FeedError as error:
        problem = str(error)
    assert len(problem.splitlines()) <= 1
