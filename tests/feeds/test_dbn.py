"""Databento files whose every byte is known: the events are exactly their records."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_depth.errors import FeedError
from market_depth.events import Action, Flag
from market_depth.feeds.dbn import DbnSource, directory
from market_depth.instruments import Instrument
from support.dbn_files import (
    OHLCV_RTYPE,
    STATUS_RTYPE,
    TIME_NS,
    UNDEFINED_PRICE,
    UNDEFINED_TIME,
    Record,
    busy,
    dbn,
    expected,
    foreign_record,
    from_the_start,
    metadata,
    played,
    without_openings,
    zstd_frames,
)
from support.errors import one_line_error

MIXED = [
    Record("R", "N", UNDEFINED_PRICE, 0, 0, sequence=1),
    Record("A", "B", 4_810_000_000_000, 22, 2**64 - 1, sequence=2),
    Record("A", "A", 4_810_250_000_000, 28, 2**63, sequence=3, flags=0),
    Record("M", "A", 4_810_500_000_000, 2**32 - 1, 2**63, sequence=4),
    Record("T", "B", 4_810_500_000_000, 1, 0, sequence=5, flags=0),
    Record("F", "A", 4_810_500_000_000, 1, 2**63, sequence=6, flags=0),
    Record("C", "A", 4_810_500_000_000, 1, 2**63, sequence=2**32 - 1),
    Record("N", "N", UNDEFINED_PRICE, 0, 0, flags=Flag.LAST | Flag.SNAPSHOT),
]
TWO_SYMBOLS = {7: "ESH4", 9: "NQH4"}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.dbn"


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zstd"])
def test_every_field_of_every_record_comes_through(path: Path, version: int, packed: bool) -> None:
    data = dbn(*MIXED, head=metadata(version=version))
    events = played(DbnSource(write(path, zstd_frames(data) if packed else data)))
    undefined = {0, 7}
    for place, (event, record) in enumerate(zip(events, MIXED, strict=True)):
        wanted = record.event()
        if place in undefined:
            wanted = wanted._replace(price=UNDEFINED_PRICE)
        assert event == wanted
    assert [Action(event.action).name[0] for event in events] == [*"CAAMTFCN"]


def test_several_zstd_frames_are_one_file(path: Path) -> None:
    data = dbn(*MIXED)
    inside_metadata, inside_record = 50, len(metadata()) + 56 * 3 + 11
    parts = data[:inside_metadata], data[inside_metadata:inside_record], b"", data[inside_record:]
    plain = played(DbnSource(write(path, data)))
    assert played(DbnSource(write(path, zstd_frames(*parts)))) == plain


def test_a_file_larger_than_a_block_is_played_whole(path: Path) -> None:
    records = busy(40_000)
    assert played(DbnSource(write(path, dbn(*records)))) == expected(records)
    assert played(DbnSource(write(path, zstd_frames(dbn(*records))))) == expected(records)


def test_a_source_can_be_played_again(path: Path) -> None:
    source = DbnSource(write(path, dbn(*MIXED)))
    assert played(source) == played(source)


def test_records_with_a_send_time_are_read_as_without(path: Path) -> None:
    body = b"".join(record.encoded(ts_out=TIME_NS + 5) for record in MIXED)
    with_times = DbnSource(write(path, metadata(ts_out=True) + body))
    assert played(with_times) == played(DbnSource(write(path.with_suffix(".2"), dbn(*MIXED))))


@pytest.mark.parametrize("length", [16, 40, 56, 80, 248, 1020])
@pytest.mark.parametrize("place", ["first", "between", "last"])
def test_records_of_other_kinds_are_passed_over(path: Path, length: int, place: str) -> None:
    records = [record.encoded() for record in from_the_start(busy(5))]
    at = {"first": 0, "between": 3, "last": 6}[place]
    records.insert(at, foreign_record(OHLCV_RTYPE if length == 56 else STATUS_RTYPE, length))
    source = DbnSource(write(path, metadata() + b"".join(records)))
    assert played(source) == expected(busy(5))


def test_a_file_without_records_has_its_instruments_and_no_events(path: Path) -> None:
    source = DbnSource(write(path, metadata(TWO_SYMBOLS)))
    assert played(source) == []
    assert {instrument.symbol for instrument in source.instruments} == {"ESH4", "NQH4"}


def test_instruments_come_in_the_same_order_every_time(path: Path) -> None:
    names = {number: f"S{number}" for number in range(1, 21)}
    write(path, dbn(Record(instrument_id=1), head=metadata(names)))
    assert DbnSource(path).instruments == DbnSource(path).instruments


def test_an_unmapped_instrument_is_called_by_its_id(path: Path) -> None:
    source = DbnSource(write(path, dbn(Record(), Record(instrument_id=12))))
    assert [(found.instrument_id, found.symbol) for found in source.instruments] == [
        (7, "ESH4"),
        (12, "12"),
    ]


@pytest.mark.parametrize(
    ("prices", "decimals", "tick"),
    [
        ([100_000_000_000, 101_000_000_000], 2, 100),
        ([100_250_000_000, 100_500_000_000], 2, 25),
        ([100_250_000_000, 100_260_000_000], 2, 1),
        ([-37_630_000_000, 10_000_000_000], 2, 1),
        ([1_084_250_000, 1_084_300_000], 5, 5),
        ([1, 1_000_000_000], 9, 1),
        ([0, 0], 2, 1),
        ([UNDEFINED_PRICE], 2, 1),
    ],
)
def test_decimals_and_tick_are_found_in_the_prices(
    path: Path, prices: list[int], decimals: int, tick: int
) -> None:
    source = DbnSource(write(path, dbn(*[Record(price=price) for price in prices])))
    (found,) = source.instruments
    assert (found.price_decimals, found.tick_size) == (decimals, tick)
    assert (found.quantity_decimals, found.has_orders) == (0, True)
    shown = [event.price for event in played(source)]
    assert shown == [
        price if price == UNDEFINED_PRICE else price // 10 ** (9 - decimals) for price in prices
    ]


def test_each_instrument_has_decimals_of_its_own(path: Path) -> None:
    records = [
        Record(price=4_810_250_000_000),
        Record(price=1_084_250_000, instrument_id=9),
        Record(price=4_810_500_000_000),
    ]
    source = DbnSource(write(path, dbn(*records, head=metadata({7: "ESH4", 9: "6EH4"}))))
    decimals = {found.symbol: found.price_decimals for found in source.instruments}
    assert decimals == {"ESH4": 2, "6EH4": 5}
    assert [event.price for event in played(source)] == [481_025, 108_425, 481_050]


def test_a_known_instrument_keeps_its_decimals_and_tick(path: Path) -> None:
    known = Instrument(1, "ESH4", price_decimals=4, quantity_decimals=0, tick_size=2500)
    source = DbnSource(write(path, dbn(Record(price=4_810_250_000_000))), {"ESH4": known})
    (found,) = source.instruments
    assert (found.instrument_id, found.price_decimals, found.tick_size) == (7, 4, 2500)
    assert [event.price for event in played(source)] == [48_102_500]


def test_a_price_off_a_known_grid_ends_the_feed(path: Path) -> None:
    known = Instrument(1, "ESH4", price_decimals=1, quantity_decimals=0, tick_size=5)
    source = DbnSource(write(path, dbn(Record(price=4_810_250_000_000))), {"ESH4": known})
    with one_line_error(FeedError, str(path), "4810250000000", "instrument 7"):
        played(source)


def test_a_price_off_the_grid_of_the_files_beginning_ends_the_feed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_SCANNED_RECORDS", 10)
    records = [*busy(30_000), Record(price=1)]
    source = DbnSource(write(path, dbn(*records)))
    seen = 0
    with one_line_error(FeedError, str(path), "1e-9", "instrument 7"):
        for chunk in source.chunks():
            seen += len(chunk)
    assert seen > 10_000


@pytest.mark.parametrize("symbols", [["NQH4"], ["ESH4"], ["NQH4", "ESH4"]])
def test_only_the_symbols_asked_for_are_played(path: Path, symbols: list[str]) -> None:
    records = [record._replace(instrument_id=7 + 2 * (n % 2)) for n, record in enumerate(busy(9))]
    write(path, dbn(*records, head=metadata(TWO_SYMBOLS)))
    source = DbnSource(path, symbols=symbols)
    assert [found.symbol for found in source.instruments] == symbols
    ids = {number for number, symbol in TWO_SYMBOLS.items() if symbol in symbols}
    assert played(source) == expected(record for record in records if record.instrument_id in ids)


def test_a_symbol_that_is_not_there_is_named_with_some_that_are(path: Path) -> None:
    write(path, dbn(*MIXED, head=metadata(TWO_SYMBOLS)))
    with one_line_error(FeedError, str(path), "'CLH4'", "ESH4", "NQH4"):
        DbnSource(path, symbols=["ESH4", "CLH4"])


def test_an_event_without_its_time_has_the_time_of_its_receipt(path: Path) -> None:
    records = [
        Record(ts_event=UNDEFINED_TIME, ts_recv=TIME_NS + 3),
        Record(ts_recv=TIME_NS + 4),
    ]
    events = played(DbnSource(write(path, dbn(*records))))
    assert [(event.ts_event, event.ts_recv) for event in events] == [
        (TIME_NS + 3, TIME_NS + 3),
        (TIME_NS, TIME_NS + 4),
    ]


def test_a_time_of_receipt_never_goes_back(path: Path) -> None:
    records = [Record(ts_recv=TIME_NS + after) for after in (5, 3, 7)]
    events = played(DbnSource(write(path, dbn(*records))))
    assert [event.ts_recv - TIME_NS for event in events] == [5, 5, 7]
    assert {event.ts_event for event in events} == {TIME_NS}


def test_a_change_is_never_split_between_chunks(path: Path) -> None:
    records = [
        record._replace(flags=Flag.LAST if record.order_id % 7_000 == 0 else 0)
        for record in busy(42_000)
    ]
    source = DbnSource(write(path, dbn(*records)))
    lengths = [len(without_openings(chunk)) for chunk in source.chunks()]
    assert sum(lengths) == 42_000
    assert len(lengths) > 1
    assert all(length % 7_000 == 0 for length in lengths)


def test_a_file_that_flags_nothing_has_a_change_per_time(path: Path) -> None:
    records = [Record(flags=0, order_id=n, ts_event=TIME_NS + n // 3) for n in range(8)]
    events = played(DbnSource(write(path, dbn(*records))))
    assert [event.flags for event in events] == [0, 0, 128, 0, 0, 128, 0, 128]


def test_a_change_per_time_is_not_split_at_the_end_of_a_block(path: Path) -> None:
    records = [Record(flags=0, order_id=n) for n in range(20_000)]
    events = played(DbnSource(write(path, dbn(*records))))
    assert [n for n, event in enumerate(events) if event.flags & Flag.LAST] == [19_999]


def test_a_record_without_a_receive_time_has_the_venues(path: Path) -> None:
    (event,) = played(DbnSource(write(path, dbn(Record(ts_recv=UNDEFINED_TIME)))))
    assert event.ts_recv == event.ts_event == Record().ts_event
