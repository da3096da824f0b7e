"""Several files as sources: what belongs together, and names and ids that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import Events, empty_events
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.opening import ForgivingSource, open_files
from support.dbn_files import (
    TIME_NS,
    LevelRecord,
    Record,
    dbn,
    expected,
    levels_dbn,
    metadata,
    played,
)
from support.errors import one_line_error
from support.flow import BID, Event, add, events_of
from support.hypothesis_settings import relaxed
from support.sources import ListSource, instrument

EVERYTHING = OpenOptions()
CENTS = 10_000_000
LEVEL = LevelRecord([(10_000 * CENTS, 3, 1)])
CSV = """\
exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount
x,{symbol},1000,1100,true,bid,100.5,2
x,{symbol},1000,1100,true,ask,101,1
"""


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def orders(path: Path, *seconds: int, symbols: dict[int, str] | None = None) -> Path:
    """Write a file of orders, one a second of each instrument; later files join in."""
    names = symbols or {7: "ESH4"}
    records = [record_at(second, number) for second in seconds for number in names]
    return written(path, dbn(*records, head=metadata(names), joins=seconds[0] > 0))


def record_at(second: int, instrument_id: int = 7) -> Record:
    time_ns = TIME_NS + second * 10**9
    return Record(
        ts_event=time_ns,
        ts_recv=time_ns,
        order_id=second + 100 * instrument_id,
        instrument_id=instrument_id,
    )


def levels(path: Path, schema: str = "mbp-1", symbols: dict[int, str] | None = None) -> Path:
    """Write a file of one record of levels, or one trade, of each instrument."""
    names = symbols or {7: "ESH4"}
    count = {"mbp-1": 1, "mbp-10": 10, "trades": 0}[schema]
    action = "T" if schema == "trades" else "A"
    records = [
        LEVEL._replace(levels=count, action=action, instrument_id=number) for number in names
    ]
    return written(path, levels_dbn(*records, schema=schema, symbols=names))


def tardis(path: Path, symbol: str = "ESH4") -> Path:
    return written(path, CSV.format(symbol=symbol))


def symbols_of(sources: Sequence[Source]) -> list[list[str]]:
    return [[one.symbol for one in source.instruments] for source in sources]


def ids_of(sources: Sequence[Source]) -> list[int]:
    return [one.instrument_id for source in sources for one in source.instruments]


def events_by_symbol(source: Source) -> dict[str, list[Event]]:
    """Return a source's events by symbol, without their ids; each must be of an instrument."""
    names = {one.instrument_id: one.symbol for one in source.instruments}
    found: dict[str, list[Event]] = {symbol: [] for symbol in names.values()}
    for chunk in source.chunks():
        for event in events_of(chunk):
            found[names[event.instrument_id]].append(event._replace(instrument_id=0))
    return found


# What belongs together


def test_files_of_one_format_and_kind_are_one_recording(tmp_path: Path) -> None:
    second = orders(tmp_path / "2.dbn", 3, 4)
    first = orders(tmp_path / "1.dbn", 0, 1, 2)
    (source,) = open_files([second, first], EVERYTHING)
    assert played(source) == expected(record_at(second) for second in range(5))


def test_a_file_that_is_named_twice_is_played_once(tmp_path: Path) -> None:
    path = orders(tmp_path / "1.dbn", 0, 1)
    (source,) = open_files([path, path], EVERYTHING)
    assert played(source) == expected(record_at(second) for second in range(2))


def test_files_of_several_kinds_or_formats_are_sources_of_their_own(tmp_path: Path) -> None:
    paths = [
        levels(tmp_path / "levels.dbn", symbols={1: "NQH4"}),
        orders(tmp_path / "1.dbn", 0, symbols={2: "ESH4"}),
        tardis(tmp_path / "levels.csv", "BTC"),
        orders(tmp_path / "2.dbn", 1, symbols={2: "ESH4"}),
        levels(tmp_path / "trades.dbn", "trades", symbols={3: "CLH4"}),
    ]
    sources = open_files(paths, EVERYTHING)
    assert symbols_of(sources) == [["NQH4"], ["ESH4"], ["BTC"], ["CLH4"]]
    assert [len(played(source)) > 0 for source in sources] == [True] * 4


def test_files_that_tell_no_day_are_sources_of_their_own(tmp_path: Path) -> None:
    row = "type,time,id,price,size,type,status\nA,30770152,1,25.88,350,BID,FALSE\n"
    paths = [written(tmp_path / f"{name}.txt", row) for name in ("one", "two")]
    assert symbols_of(open_files(paths, EVERYTHING)) == [["one"], ["two"]]


def test_every_file_is_of_the_format_that_is_named(tmp_path: Path) -> None:
    path = orders(tmp_path / "1.dbn", 0)
    (source,) = open_files([path], EVERYTHING, "dbn")
    assert played(source) == expected([record_at(0)])
    with one_line_error(FeedError, str(path)):
        open_files([path], EVERYTHING, "tardis")
    with one_line_error(FeedError, "table.csv"):
        open_files([path, tardis(tmp_path / "table.csv")], EVERYTHING, "dbn")


def test_a_format_that_there_is_not_is_named_with_those_there_are(tmp_path: Path) -> None:
    with one_line_error(FeedError, "'dbm'", "dbn", "tardis", "parquet", "kraken"):
        open_files([orders(tmp_path / "1.dbn", 0)], EVERYTHING, "dbm")


def test_a_file_of_no_format_is_named(tmp_path: Path) -> None:
    good = orders(tmp_path / "1.dbn", 0)
    notes = written(tmp_path / "notes.txt", "nothing to be played\n")
    with one_line_error(FeedError, str(notes), "--format"):
        open_files([good, notes], EVERYTHING)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    good, missing = orders(tmp_path / "1.dbn", 0), tmp_path / "2.dbn"
    for format_name in (None, "dbn"):
        with one_line_error(FeedError, f"can't read {missing}"):
            open_files([good, missing], EVERYTHING, format_name)


# Names and ids


def test_a_symbol_that_is_there_already_tells_its_schema(tmp_path: Path) -> None:
    by_order = orders(tmp_path / "orders.dbn", 0)
    by_level = levels(tmp_path / "levels.dbn")
    sources = open_files([by_order, by_level], EVERYTHING)
    assert symbols_of(sources) == [["ESH4"], ["ESH4@mbp-1"]]
    sources = open_files([by_level, by_order], EVERYTHING)
    assert symbols_of(sources) == [["ESH4"], ["ESH4@mbo"]]


def test_a_symbol_that_is_there_already_tells_its_format(tmp_path: Path) -> None:
    paths = [orders(tmp_path / "orders.dbn", 0), tardis(tmp_path / "levels.csv")]
    assert symbols_of(open_files(paths, EVERYTHING)) == [["ESH4"], ["ESH4@tardis"]]
    assert symbols_of(open_files(paths[::-1], EVERYTHING)) == [["ESH4"], ["ESH4@mbo"]]


def test_a_name_that_is_there_even_so_is_refused(tmp_path: Path) -> None:
    names = {7: "ESH4", 8: "ESH4@mbp-1"}
    paths = [orders(tmp_path / "orders.dbn", 0, symbols=names), levels(tmp_path / "levels.dbn")]
    with one_line_error(FeedError, str(paths[1]), "ESH4@mbp-1"):
        open_files(paths, EVERYTHING)


def test_an_instrument_keeps_all_but_the_id_that_another_has(tmp_path: Path) -> None:
    by_order = orders(tmp_path / "orders.dbn", 0, symbols={7: "ESH4"})
    by_level = levels(tmp_path / "levels.dbn", symbols={7: "NQH4", 1: "CLH4"})
    first, second = open_files([by_order, by_level], EVERYTHING)
    assert ids_of([first]) == [7]
    alone = {one.symbol: one for one in open_files([by_level], EVERYTHING)[0].instruments}
    for one in second.instruments:
        was = alone[one.symbol]
        assert one.instrument_id not in (0, 7)
        assert one.has_orders == was.has_orders
        assert one.tick_size == was.tick_size
        assert one.price_decimals == was.price_decimals
    assert ids_of([second])[[one.symbol for one in second.instruments].index("CLH4")] == 1


ID_LISTS = st.lists(st.integers(1, 6), min_size=1, max_size=3, unique=True)


@relaxed
@given(st.tuples(ID_LISTS, ID_LISTS, ID_LISTS))
def test_every_instrument_keeps_its_events_whatever_the_ids(
    tmp_path_factory: pytest.TempPathFactory, ids: tuple[list[int], list[int], list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("ids")
    kinds = ["mbp-1", "mbp-10", "trades"]
    names = [
        {number: f"{kind}-{place}" for place, number in enumerate(numbers)}
        for kind, numbers in zip(kinds, ids, strict=True)
    ]
    paths = [levels(folder / kind, kind, own) for kind, own in zip(kinds, names, strict=True)]
    sources = open_files(paths, EVERYTHING)
    assert len(set(ids_of(sources))) == len(ids_of(sources)) == sum(map(len, ids))
    for path, own, source in zip(paths, names, sources, strict=True):
        (alone,) = open_files([path], EVERYTHING)
        assert events_by_symbol(source) == events_by_symbol(alone)
        assert sorted(events_by_symbol(source)) == sorted(own.values())


# Symbols that are asked for


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Files of ESH4 and NQH4, of ESH4@mbp-1, and of BTC."""
    return [
        orders(tmp_path / "orders.dbn", 0, symbols={7: "ESH4", 8: "NQH4"}),
        levels(tmp_path / "levels.dbn"),
        tardis(tmp_path / "levels.csv", "BTC"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["NQH4"], [["NQH4"]]),
        (["ESH4"], [["ESH4"]]),
        (["ESH4@mbp-1"], [["ESH4@mbp-1"]]),
        (["BTC", "ESH4@mbp-1", "ESH4"], [["ESH4"], ["ESH4@mbp-1"], ["BTC"]]),
        (["NQH4", "ESH4", "BTC"], [["ESH4", "NQH4"], ["BTC"]]),
    ],
)
def test_only_symbols_that_are_asked_for_are_played(
    three: list[Path], wanted: list[str], found: list[list[str]]
) -> None:
    sources = open_files(three, EVERYTHING._replace(symbols=wanted))
    assert [sorted(symbols) for symbols in symbols_of(sources)] == found
    for source in sources:
        assert all(events_by_symbol(source).values())


@pytest.mark.parametrize("symbol", ["CLH4", "esh4", "ESH4@mbo", "BTC@tardis"])
def test_a_symbol_that_no_file_has_is_named_with_some_that_are_there(
    three: list[Path], symbol: str
) -> None:
    with one_line_error(FeedError, repr(symbol), "ESH4, NQH4, ESH4@mbp-1, BTC"):
        open_files(three, EVERYTHING._replace(symbols=["ESH4", symbol]))


def test_decimals_of_known_instruments_hold_in_every_file(three: list[Path]) -> None:
    known = {symbol: instrument(1, symbol, price_decimals=5) for symbol in ("ESH4", "BTC")}
    sources = open_files(three, OpenOptions(known))
    decimals = {one.symbol: one.price_decimals for each in sources for one in each.instruments}
    assert decimals == {"ESH4": 5, "NQH4": 2, "ESH4@mbp-1": 5, "BTC": 5}


# A source that fails


def test_a_source_that_fails_ends_there_and_that_is_told_once() -> None:
    chunks = [[add(1, BID, 100, 5)], [add(2, BID, 101, 5)]]
    complaints: list[str] = []
    source = ForgivingSource(
        ListSource(*chunks, failure="cut off at byte 9"),
        lambda error: complaints.append(str(error)),
    )
    assert source.instruments == [instrument(1)]
    for _ in range(3):
        events = [event.order_id for chunk in source.chunks() for event in events_of(chunk)]
        assert events == [1, 2]
    assert complaints == ["cut off at byte 9"]


def test_nothing_is_told_of_a_source_that_does_not_fail() -> None:
    complaints: list[FeedError] = []
    source = ForgivingSource(ListSource([add(1, BID, 100, 5)]), complaints.append)
    assert len(list(source.chunks())) == 1
    assert complaints == []


class _Broken:
    instruments = (instrument(1),)

    def chunks(self) -> Iterator[Events]:
        return (empty_events(1 // size) for size in [0])


def test_a_fault_of_our_own_is_not_forgiven() -> None:
    complaints: list[FeedError] = []
    with pytest.raises(ZeroDivisionError):
        list(ForgivingSource(_Broken(), complaints.append).chunks())
    assert complaints == []


def test_a_damaged_file_leaves_the_others_whole(tmp_path: Path) -> None:
    by_order = orders(tmp_path / "orders.dbn", 0, 1)
    by_order.write_bytes(by_order.read_bytes()[:-1])
    by_level = levels(tmp_path / "levels.dbn")
    complaints: list[str] = []
    first, second = (
        ForgivingSource(source, lambda error: complaints.append(str(error)))
        for source in open_files([by_order, by_level], EVERYTHING)
    )
    assert played(first) == expected([record_at(0)])
    assert len(played(second)) > 0
    (complaint,) = complaints
    assert str(by_order) in complaint
    assert "byte" in complaint
