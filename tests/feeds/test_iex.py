"""IEX DEEP 1.0: books come of price levels; trades, halts and stocks are told."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from market_depth.book import BookPolicy, Books
from market_depth.errors import FeedError
from market_depth.events import NO_ORDER_COUNT, Action, BookStatus, Flag, Side, StatusReason
from market_depth.feeds import iex
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_of
from market_depth.feeds.iex import IexSource
from market_depth.instruments import Instrument
from support.errors import one_line_error
from support.flow import Event
from support.iex_files import (
    DELAY_NS,
    HEAD_BYTES,
    LEVELS,
    OPENED,
    SEEN,
    START,
    TIME,
    TOPS,
    Stream,
    directory,
    events_in,
    level,
    operational,
    padded,
    source_of,
    status,
    system,
    told,
    trade,
)
from support.pcap_files import (
    SIMPLE,
    TIME_NS,
    datagram,
    interface,
    packet_block,
    pcap,
    pcapng,
    section,
)
from support.recordings import recording

RECORDING = "iex/DEEP10.pcap.gz"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep.pcap"


def test_levels_make_books_from_the_start_of_messages_on(path: Path) -> None:
    stream = Stream()
    first = stream.packet(START, directory("A"))
    source = source_of(path, first, stream.packet(*LEVELS))
    (instrument,) = source.instruments
    assert (instrument.symbol, instrument.price_decimals, instrument.tick_size) == ("A", 4, 100)
    assert not instrument.has_orders
    clear, live, bid, ask = events_in(source)
    assert (clear.action, clear.flags) == (Action.CLEAR, 0)
    assert (live.action, live.size, live.flags) == (Action.STATUS, BookStatus.LIVE, Flag.LAST)
    assert bid == Event(
        ts_event=TIME_NS + 2000,
        ts_recv=TIME_NS + 2000 + DELAY_NS,
        order_id=NO_ORDER_COUNT,
        price=995_000,
        size=100,
        sequence=3,
        instrument_id=instrument.instrument_id,
        action=Action.LEVEL,
        side=Side.BID,
        flags=Flag.LAST,
    )
    assert ask == bid._replace(side=Side.ASK, price=995_100, size=300, sequence=4)


def test_a_change_of_several_levels_is_one(path: Path) -> None:
    stream = Stream()
    begun = level("A", "B", 995_000, 0, is_last=False)
    packets = stream.packets([START, *LEVELS], [begun, trade("A", 995_000, 100)], [LEVELS[1]])
    source = source_of(path, *packets)
    assert told(source) == [
        *OPENED,
        *SEEN,
        "A LEVEL BID 995000@0 …",
        "A TRADE NONE 995000@100 …",
        SEEN[1],
    ]
    assert all(chunk["flags"][-1] & np.uint8(Flag.LAST) for chunk in source.chunks())


def test_what_is_told_within_a_change_belongs_to_it_and_a_start_ends_it(path: Path) -> None:
    begun = level("A", "B", 995_000, 0, is_last=False)
    source = source_of(path, Stream().packet(START, begun, status("A", "H"), LEVELS[0]))
    assert told(source)[2:] == ["A LEVEL BID 995000@0 …", "A HALTED/VENUE …", SEEN[0]]
    source = source_of(path, Stream().packet(START, begun, START, trade("A", 1, 1)))
    assert told(source)[2:] == ["A LEVEL BID 995000@0 …", *OPENED, "A TRADE NONE 1@1"]


def test_trades_and_broken_trades(path: Path) -> None:
    messages = [trade("A", 10_000, 5, 71), trade("A", 10_000, 5, 71, b"B")]
    *_, made, broken = events_in(source_of(path, Stream().packet(START, *messages)))
    assert (made.action, made.side, made.order_id) == (Action.TRADE, Side.NONE, 0)
    assert (broken.action, broken.side, broken.order_id) == (Action.NONE, Side.NONE, 71)
    for one in (made, broken):
        assert (one.price, one.size, one.flags) == (10_000, 5, Flag.LAST)


@pytest.mark.parametrize("kind", ["H", "O", "P"])
def test_a_book_is_halted_while_the_stock_does_not_trade(path: Path, kind: str) -> None:
    said = [status("A", "T"), status("A", kind), status("A", kind), status("A", "T")]
    source = source_of(path, Stream().packet(START, *said, LEVELS[0]))
    assert told(source) == [*OPENED, "A HALTED/VENUE", "A LIVE", SEEN[0]]


def test_a_book_is_halted_until_no_halt_of_any_kind_is_left(path: Path) -> None:
    said = [operational("A", "N"), operational("A", "O"), status("A", "H")]
    source = source_of(
        path,
        Stream().packet(START, *said, operational("A", "N"), LEVELS[0], status("A", "T")),
    )
    assert told(source) == [*OPENED, "A HALTED/VENUE", SEEN[0], "A LIVE"]


def test_stocks_are_those_that_are_named_and_a_choice_of_them_can_be_played(path: Path) -> None:
    messages = [directory("ZVZZT"), status("B", "T"), *LEVELS, level("B.A+", "B", 1, 1)]
    packet = Stream().packet(START, *messages)
    everything = source_of(path, packet)
    assert [one.symbol for one in everything.instruments] == ["ZVZZT", "B", "A", "B.A+"]
    chosen = source_of(path, packet, options=OpenOptions(symbols=["A", "B", "A"]))
    assert [one.symbol for one in chosen.instruments] == ["A", "B"]
    assert told(chosen) == [*OPENED, "B clear …", "B LIVE", *SEEN]
    with one_line_error(FeedError, str(path), "'C'", "ZVZZT, B, A, B.A+"):
        source_of(path, packet, options=OpenOptions(symbols=["C"]))


def test_what_is_unfinished_in_other_stocks_does_not_keep_a_chosen_one_waiting(path: Path) -> None:
    begun = level("B", "B", 1, 1, is_last=False)
    packet = Stream().packet(START, LEVELS[0], begun, trade("A", 995_000, 1))
    chosen = source_of(path, packet, options=OpenOptions(symbols=["A"]))
    assert told(chosen) == [*OPENED, SEEN[0], "A TRADE NONE 995000@1"]


def test_decimals_that_are_known_are_used(path: Path) -> None:
    known = Instrument(
        instrument_id=5, symbol="A", price_decimals=6, quantity_decimals=2, tick_size=50
    )
    packet = Stream().packet(START, LEVELS[0], trade("A", 995_000, 5))
    source = source_of(path, packet, options=OpenOptions(known={"A": known}))
    (instrument,) = source.instruments
    assert (instrument.price_decimals, instrument.quantity_decimals) == (6, 2)
    assert (instrument.tick_size, instrument.instrument_id) == (50, 1)
    assert told(source)[2:] == ["A LEVEL BID 99500000@10000", "A TRADE NONE 99500000@500"]
    coarse = Instrument(
        instrument_id=5, symbol="A", price_decimals=2, quantity_decimals=0, tick_size=5
    )
    source = source_of(path, packet, options=OpenOptions(known={"A": coarse}))
    (instrument,) = source.instruments
    assert (instrument.price_decimals, instrument.tick_size) == (4, 500)
    assert told(source)[2] == SEEN[0]


def test_messages_that_are_not_known_and_longer_ones_are_passed_over_or_taken(path: Path) -> None:
    later = [b"Z", b"\xff" * 300, LEVELS[1] + b"more", b"a" + TIME, b"Z"]
    source = source_of(path, Stream().packet(START, directory("A") + b"more", LEVELS[0], *later))
    assert told(source) == [*OPENED, *SEEN]


def test_messages_that_do_not_touch_a_book_give_no_events(path: Path) -> None:
    others = [
        b"I " + TIME + padded("A"),
        b"P\0" + TIME + padded("A") + b"N",
        b"EO" + TIME + padded("A"),
        b"XQ" + TIME + padded("A") + bytes(8),
        b"AC" + TIME + padded("B") + bytes(62),
        *(system(event) for event in "SRMEC"),
    ]
    source = source_of(path, Stream().packet(START, *others))
    assert [one.symbol for one in source.instruments] == ["A", "B"]
    assert told(source) == ["A clear …", "A LIVE", "B clear …", "B LIVE"]


def test_a_capture_without_times_has_those_of_the_segments(path: Path) -> None:
    packets = Stream().packets([START], LEVELS)
    blocks = [packet_block(packet, kind=SIMPLE) for packet in packets]
    path.write_bytes(section() + interface() + b"".join(blocks))
    assert [event.ts_recv - TIME_NS for event in events_in(IexSource([path], OpenOptions()))] == [
        1000,
        1000,
        2000,
        2000,
    ]


def test_gzip_and_pcapng(path: Path) -> None:
    path.write_bytes(gzip.compress(pcapng(*Stream().packets([START], LEVELS))))
    assert format_of(path).name == "iex-deep"
    assert told(IexSource([path], OpenOptions())) == [*OPENED, *SEEN]


def test_other_packets_are_passed_over(path: Path) -> None:
    stream = Stream()
    others = [datagram(b"short"), datagram(bytes(100)), datagram(Stream().payload(protocol=TOPS))]
    source = source_of(path, *others, stream.packet(START), *others, stream.packet(*LEVELS))
    assert format_of(path).name == "iex-deep"
    assert told(source) == [*OPENED, *SEEN]


MOLD = b"session  1" + struct.pack(">QHH", 1, 1, 12) + b"S" + bytes(10) + b"O"


@pytest.mark.parametrize(
    "payload", [Stream().payload(START, protocol=TOPS), MOLD, b"hello", bytes(50)]
)
def test_captures_of_something_else_are_not_taken_for_it(path: Path, payload: bytes) -> None:
    data = pcap(datagram(payload))
    path.write_bytes(data)
    (format_,) = iex.FORMATS
    assert not format_.recognises(path, data)
    with one_line_error(FeedError, str(path), "no segments of IEX DEEP 1.0"):
        IexSource([path], OpenOptions())


def test_a_file_of_empty_segments_has_no_symbols_and_no_events(path: Path) -> None:
    stream = Stream()
    source = source_of(path, *stream.packets([], [START]))
    assert source.instruments == []
    assert told(source) == []
    with one_line_error(FeedError, str(path), "'A'", "none"):
        source_of(path, *stream.packets([], [START]), options=OpenOptions(symbols=["A"]))


Levels = dict[bytes, dict[tuple[int, int], int]]


def naive_books(packed: bytes) -> tuple[Levels, Counter[str]]:
    """Return the books that the recording leaves, and what it has, read in the plainest way.

    Its packets are UDP over IPv4 over Ethernet without exception, so that all heads are 42 bytes.
    """
    data = zlib.decompressobj(wbits=31).decompress(packed)
    books: Levels = defaultdict(dict)
    begun: list[bytes] = []
    seen: Counter[str] = Counter()
    at, expected = 24, 1
    while at < len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        payload = data[at + 16 + HEAD_BYTES : at + 16 + captured]
        at += 16 + captured
        count, _, first = struct.unpack_from("<Hqq", payload, 14)
        seen["packets"] += 1
        seen["numbered anew"] += first < expected
        seen["lost"] += first > expected
        expected = first + count
        place = 40
        for _ in range(count):
            length = int.from_bytes(payload[place : place + 2], "little")
            body = payload[place + 2 : place + 2 + length]
            place += 2 + length
            if not body:
                break
            is_whole = len(body) == length
            seen[chr(body[0]) if is_whole else "cut " + chr(body[0])] += 1
            if body[:2] == b"SO":
                books.clear()
            elif body[:1] in (b"8", b"5") and is_whole:
                begun.append(body)
                if body[1] & 1:
                    for one in begun:
                        size, price = struct.unpack_from("<Iq", one, 18)
                        books[one[10:18]][one[0], price] = size
                    begun = []
    seen["in the change that is cut off"] = len(begun)
    return books, seen


STATUSES = [
    (BookStatus.LIVE, StatusReason.NONE),
    (BookStatus.STALE, StatusReason.GAP),
    (BookStatus.RECOVERED, StatusReason.NONE),
]


def test_the_recording_is_played_to_where_it_is_cut_and_its_gaps_are_told() -> None:
    file = recording(RECORDING)
    expected, seen = naive_books(file.read_bytes())
    assert (seen["packets"], seen["numbered anew"], seen["lost"]) == (121_315, 11, 0)
    assert seen["8"] + seen["5"] + seen["cut 8"] == 27_580
    assert format_of(file).name == "iex-deep"
    source = IexSource([file], OpenOptions())
    books = Books([one.instrument_id for one in source.instruments], BookPolicy())
    statuses: Counter[tuple[int, int, int]] = Counter()
    actions: Counter[int] = Counter()
    last = 0
    with one_line_error(FeedError, str(file), "cut off at byte 22196224", "within a packet"):
        for chunk in source.chunks():
            assert (np.diff(chunk["ts_recv"], prepend=last) >= 0).all()
            last = int(chunk["ts_recv"][-1])
            actions.update(chunk["action"].tolist())
            told = chunk[chunk["action"] == Action.STATUS]
            statuses.update(told[["instrument_id", "size", "price"]].tolist())
            books.apply(chunk)
    assert actions[Action.TRADE] == seen["T"] == 83_343
    assert actions[Action.LEVEL] == 27_580 - 1 - seen["in the change that is cut off"]
    assert len(source.instruments) == 7802
    for one in source.instruments:
        told_of = [statuses[one.instrument_id, *status] for status in STATUSES]
        assert told_of == [1, 11, 11]
        book = books[one.instrument_id]
        view = book.mbp(max(book.bid_depth, book.ask_depth, 1), 0)
        levels = expected[one.symbol.encode().ljust(8)]
        for kind, rows in ((ord("8"), view.bids), (ord("5"), view.asks)):
            there = dict(rows[["price", "size"]].tolist())
            assert there == {p: size for (side, p), size in levels.items() if size and side == kind}
