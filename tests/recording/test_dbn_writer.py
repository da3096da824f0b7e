"""DBN files as Databento's own library reads them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import databento_dbn
import pytest
import zstandard

from market_depth.errors import FeedError
from market_depth.events import BookStatus, Events, Flag, StatusReason
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.event_table import Part
from market_depth.instruments import Instrument
from market_depth.recording.dbn_writer import DATASET, DbnWriter
from support.errors import one_line_error
from support.flow import ASK, BID, add, at, batch, cancel, clear, of, set_level, status
from support.recorded import events_in
from support.sources import instrument

TIME_NS = 1_757_996_306_123_456_789
UNDEFINED_PRICE = 2**63 - 1
TWO = [instrument(1, "AAA"), instrument(2, "BBB", price_decimals=9, quantity_decimals=4)]


def written(path: Path, *batches: Events, instruments: Sequence[Instrument] = TWO) -> Path:
    writer = DbnWriter(path, instruments, Part())
    for events in batches:
        writer.write(events)
    assert writer.written_bytes <= path.stat().st_size
    writer.close()
    return path


def decoded(data: bytes) -> tuple[Any, list[Any]]:
    """Return (metadata, records) as Databento's library reads them."""
    decoder = databento_dbn.DBNDecoder(compression=databento_dbn.Compression.from_str("zstd"))
    decoder.write(data)
    metadata, *records = decoder.decode()
    return metadata, records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.dbn.zst"


def test_databentos_library_reads_every_field(path: Path) -> None:
    event = at(TIME_NS, add(2**64 - 1, ASK, -12_345, 2**32 - 1))._replace(
        sequence=2**32 + 5, flags=Flag.LAST | Flag.SNAPSHOT, ts_recv=TIME_NS + 3
    )
    metadata, records = decoded(written(path, batch(of(1, event), of(2, event))).read_bytes())
    *clears, record, other = records
    assert [(clear.action, clear.instrument_id) for clear in clears] == [("R", 1), ("R", 2)]
    assert isinstance(record, databento_dbn.MBOMsg)
    assert (record.action, record.side) == ("A", "A")
    assert (record.order_id, record.size, record.sequence) == (2**64 - 1, 2**32 - 1, 5)
    assert (record.ts_event, record.ts_recv) == (TIME_NS, TIME_NS + 3)
    assert (record.price, other.price) == (-123_450_000_000, -12_345)
    assert int(record.flags) == Flag.LAST | Flag.SNAPSHOT
    assert (record.instrument_id, other.instrument_id) == (1, 2)
    assert (metadata.version, metadata.dataset, metadata.schema) == (3, DATASET, "mbo")
    assert metadata.start == TIME_NS
    assert metadata.symbols == ["AAA", "BBB"]
    ids = {symbol: intervals[0]["symbol"] for symbol, intervals in metadata.mappings.items()}
    assert ids == {"AAA": "1", "BBB": "2"}
    assert str(metadata.mappings["AAA"][0]["start_date"]) == "2025-09-16"


def test_a_clear_has_no_price(path: Path) -> None:
    _, (record,) = decoded(written(path, batch(of(1, at(TIME_NS, clear())))).read_bytes())
    assert int(record.flags) == Flag.LAST
    assert (record.action, record.side, record.price) == ("R", "N", UNDEFINED_PRICE)


def test_a_status_is_a_record_without_action(path: Path) -> None:
    events = batch(
        of(1, at(TIME_NS, status(BookStatus.STALE, StatusReason.GAP))),
        of(1, at(TIME_NS, status(BookStatus.RECOVERED))),
    )
    _, records = decoded(written(path, events).read_bytes())
    assert [record.action for record in records] == ["N", "N"]
    assert [record.size for record in records] == [0, 0]
    assert [record.price for record in records] == [UNDEFINED_PRICE] * 2
    flags = [int(record.flags) for record in records]
    assert flags == [Flag.LAST | Flag.MAYBE_BAD_BOOK, Flag.LAST]


def test_it_is_played_as_it_was(path: Path) -> None:
    clears = [of(number, at(TIME_NS, clear())) for number in (1, 2)]
    events = batch(
        *[event._replace(price=UNDEFINED_PRICE) for event in clears],
        *[of(1 + n % 2, at(TIME_NS + n, add(n, BID, 10**11 + n, n + 1))) for n in range(100)],
    )
    events["price"][2::2] = 10_000
    assert (events_in(written(path, events[:50], events[50:])) == events).all()


def test_the_file_is_one_whole_frame_behind_every_write(path: Path) -> None:
    writer = DbnWriter(path, TWO, Part())
    for number in range(20):
        writer.write(batch(of(1, at(TIME_NS, add(number, BID, 5, 5)))))
        data = path.read_bytes()
        frame = zstandard.ZstdDecompressor().decompressobj()
        frame.decompress(data)
        assert frame.eof
        assert not frame.unused_data
        one_frame = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        assert one_frame.startswith(b"DBN\x03")
        assert len(decoded(data)[1]) == number + 2
        assert len(events_in(path)) == number + 2
    writer.close()


def test_a_file_without_events_has_its_symbols(path: Path) -> None:
    metadata, records = decoded(written(path).read_bytes())
    assert metadata.symbols == ["AAA", "BBB"]
    assert records == []


def refused(path: Path, event: Any, *words: str) -> None:
    """Check that an event is refused, and that all whole changes before it are in the file."""
    before = [of(1, at(TIME_NS, add(n, BID, 5, 5))) for n in range(3)]
    unfinished = before[2]._replace(flags=0)
    writer = DbnWriter(path, TWO, Part())
    with one_line_error(FeedError, str(path), ".parquet", *words):
        writer.write(batch(*before[:2], unfinished, event))
    writer.close()
    assert [record.action for record in decoded(path.read_bytes())[1]] == [*"RAA"]


@pytest.mark.parametrize("size", [2**32, 2**63 - 1, -1])
def test_a_size_that_does_not_fit_is_refused(path: Path, size: int) -> None:
    refused(path, of(2, add(1, BID, 5, size)), "BBB", str(size), "32 bits")


def test_a_size_is_told_with_its_decimals(path: Path) -> None:
    refused(path, of(2, add(1, BID, 5, 50_000_000_001)), "BBB", "5000000.0001")


@pytest.mark.parametrize("price", [2**63 - 2, -(2**63), 922_337_203_686])
def test_a_price_that_does_not_fit_is_refused(path: Path, price: int) -> None:
    refused(path, of(1, add(1, BID, price, 5)), "AAA", "10^-9")


def test_the_largest_prices_fit(path: Path) -> None:
    prices = [922_337_203_685, -922_337_203_685]
    events = batch(*[of(1, at(TIME_NS, add(n, BID, price, 5))) for n, price in enumerate(prices)])
    assert events_in(written(path, events))["price"].tolist()[1:] == prices


def test_a_price_level_is_refused(path: Path) -> None:
    refused(path, of(1, set_level(BID, 5, 5)), "AAA", "price levels")


def test_a_feed_without_orders_is_refused_at_once(path: Path) -> None:
    with one_line_error(FeedError, str(path), "CCC", "no single orders", ".parquet"):
        DbnWriter(path, [instrument(1, "CCC", has_orders=False)], Part())
    assert not path.exists()


def test_a_symbol_that_is_too_long_is_refused_at_once(path: Path) -> None:
    with one_line_error(FeedError, str(path), "70 bytes"):
        DbnWriter(path, [instrument(1, "Ä" * 36)], Part())


def test_cancels_and_all_that_has_no_price_of_its_own_fits(path: Path) -> None:
    events = batch(of(1, at(TIME_NS, cancel(7)))._replace(price=UNDEFINED_PRICE))
    _, (_, record) = decoded(written(path, events).read_bytes())
    assert record.price == UNDEFINED_PRICE


def test_decimals_of_sizes_come_back_with_the_instruments_entry(path: Path) -> None:
    known = {one.symbol: one for one in TWO}
    written(path, batch(of(2, at(TIME_NS, add(1, BID, 5, 12_345)))))
    found = {one.symbol: one.quantity_decimals for one in DbnSource(path, known).instruments}
    assert found == {"AAA": 0, "BBB": 4}
