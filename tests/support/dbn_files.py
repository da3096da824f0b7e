"""Small DBN files for tests: Databento's own metadata, records byte for byte from their spec.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

import databento_dbn
import zstandard
from databento_dbn.metadata import MappingInterval, SymbolMapping

from market_depth.events import Events, Flag
from market_depth.feeds.base import Source
from market_depth.feeds.files import read_blocks
from support.flow import Event, events_of

UNDEFINED_TIME = 2**64 - 1
UNDEFINED_PRICE = 2**63 - 1
MBO_RTYPE = 0xA0
STATUS_RTYPE = 0x12
OHLCV_RTYPE = 0x20

TIME_NS = 1_703_548_799_000_000_000
"""Time of a record that names no other."""

OPENING_SEQUENCE = 2**32 - 2
"""Sequence of the clears that `dbn` begins files with."""

_MBO = Struct("<BBHIQQqIBBccQiI")
_TS_OUT = Struct("<Q")
_HEAD = Struct("<BBHIQqIccBBQiI")
_LEVELS = Struct("<qqIIII")


class Record(NamedTuple):
    """An MBO record; the price in 10^-9."""

    action: str = "A"
    side: str = "B"
    price: int = 100_000_000_000
    size: int = 1
    order_id: int = 1
    ts_event: int = TIME_NS
    ts_recv: int = TIME_NS
    sequence: int = 1
    instrument_id: int = 7
    flags: int = Flag.LAST

    def encoded(self, ts_out: int | None = None) -> bytes:
        """Return the record as it is in a file, with a send time if one is given."""
        tail = b"" if ts_out is None else _TS_OUT.pack(ts_out)
        body = _MBO.pack(
            (_MBO.size + len(tail)) // 4,
            MBO_RTYPE,
            1,
            self.instrument_id,
            self.ts_event,
            self.order_id,
            self.price,
            self.size,
            self.flags,
            0,
            self.action.encode(),
            self.side.encode(),
            self.ts_recv,
            0,
            self.sequence,
        )
        return body + tail

    def event(self, decimals: int = 2) -> Event:
        """Return the event that a source makes of it."""
        return Event(
            ts_event=self.ts_event,
            ts_recv=self.ts_recv,
            order_id=self.order_id,
            price=(
                self.price if self.price == UNDEFINED_PRICE else self.price // 10 ** (9 - decimals)
            ),
            size=self.size,
            sequence=self.sequence,
            instrument_id=self.instrument_id,
            action=ord(self.action),
            side=ord(self.side),
            flags=self.flags,
        )


class LevelRecord(NamedTuple):
    """An MBP record; prices in 10^-9. With no levels it is a trade."""

    bids: Sequence[tuple[int, int, int]] = ()
    """(price, size, order count), best first."""
    asks: Sequence[tuple[int, int, int]] = ()
    levels: int = 1
    """How many a side there is room for."""
    action: str = "A"
    side: str = "B"
    price: int = 100_000_000_000
    size: int = 1
    ts_event: int = TIME_NS
    ts_recv: int = TIME_NS
    sequence: int = 1
    instrument_id: int = 7
    flags: int = Flag.LAST

    def encoded(self) -> bytes:
        """Return the record as it is in a file."""
        rtype = {0: 0x00, 1: 0x01, 10: 0x0A}[self.levels]
        length = _HEAD.size + self.levels * _LEVELS.size
        head = _HEAD.pack(
            length // 4,
            rtype,
            1,
            self.instrument_id,
            self.ts_event,
            self.price,
            self.size,
            self.action.encode(),
            self.side.encode(),
            self.flags,
            0,
            self.ts_recv,
            0,
            self.sequence,
        )
        empty = (UNDEFINED_PRICE, 0, 0)
        rows = []
        for level in range(self.levels):
            bid = self.bids[level] if level < len(self.bids) else empty
            ask = self.asks[level] if level < len(self.asks) else empty
            rows.append(_LEVELS.pack(bid[0], ask[0], bid[1], ask[1], bid[2], ask[2]))
        return head + b"".join(rows)


def levels_dbn(*records: LevelRecord, schema: str = "mbp-1", **head: Any) -> bytes:
    """Return a file of MBP records or trades."""
    return metadata(schema=schema, **head) + b"".join(record.encoded() for record in records)


def foreign_record(rtype: int, length: int) -> bytes:
    """Return a record of another kind; *length* in bytes, a multiple of 4."""
    return bytes([length // 4, rtype]) + b"\xa0" * (length - 2)


@dataclass
class _Interval:
    start_date: date
    end_date: date
    symbol: str


@dataclass
class _Mapping:
    raw_symbol: str
    intervals: Sequence[MappingInterval]


def _mapping(symbol: str, instrument_id: int) -> SymbolMapping:
    interval = _Interval(date(2023, 12, 25), date(2023, 12, 26), str(instrument_id))
    return _Mapping(symbol, [interval])


def metadata(
    symbols: Mapping[int, str] | None = None,
    *,
    schema: str = "mbo",
    version: int = 3,
    ts_out: bool = False,
) -> bytes:
    """Return a file's head; *symbols* by instrument id, ESH4 as 7 unless they are given."""
    names = {7: "ESH4"} if symbols is None else symbols
    mappings = [_mapping(symbol, instrument_id) for instrument_id, symbol in names.items()]
    return databento_dbn.Metadata(
        dataset="GLBX.MDP3",
        start=TIME_NS,
        stype_in=databento_dbn.SType.from_str("raw_symbol"),
        stype_out=databento_dbn.SType.from_str("instrument_id"),
        schema=databento_dbn.Schema.from_str(schema),
        symbols=list(names.values()),
        mappings=mappings,
        ts_out=ts_out,
        version=version,
    ).encode()


def from_the_start(records: Iterable[Record]) -> list[Record]:
    """Return *records* with a clear of each instrument in front of its first, if it is none: the
    recording of a day from its start."""
    seen: set[int] = set()
    whole: list[Record] = []
    for record in records:
        if record.instrument_id not in seen and record.action != "R":
            whole.append(
                record._replace(
                    action="R",
                    side="N",
                    price=UNDEFINED_PRICE,
                    size=0,
                    order_id=0,
                    sequence=OPENING_SEQUENCE,
                )
            )
        seen.add(record.instrument_id)
        whole.append(record)
    return whole


def dbn(*records: Record, head: bytes | None = None, joins: bool = False) -> bytes:
    """Return a file of these records; it begins with a clear unless it *joins* in mid-session."""
    played = records if joins else from_the_start(records)
    body = b"".join(record.encoded() for record in played)
    return (metadata() if head is None else head) + body


def zstd_frames(*parts: bytes) -> bytes:
    """Return each part as a zstd frame of its own."""
    packer = zstandard.ZstdCompressor()
    return b"".join(packer.compress(part) for part in parts)


def played(source: Source) -> list[Event]:
    """Return every event of a source, but for the clears that `dbn` begins files with."""
    return [event for chunk in source.chunks() for event in without_openings(chunk)]


def without_openings(chunk: Events) -> list[Event]:
    """Return the events of a chunk, but for the clears that `dbn` begins files with."""
    return [event for event in events_of(chunk) if event.sequence != OPENING_SEQUENCE]


def unpacked(path: Path) -> bytes:
    """Return a file's whole content."""
    return b"".join(read_blocks(path))


def expected(records: Iterable[Record], decimals: int = 2) -> list[Event]:
    """Return the events of a file of *records*, but for the clears that it begins with."""
    return [record.event(decimals) for record in records]


def busy(count: int) -> Sequence[Record]:
    """Return distinct records, each a change of its own."""
    return [
        Record(
            order_id=number,
            sequence=number,
            size=number % 97 + 1,
            price=(10_000 + number % 50) * 10_000_000,
            ts_event=TIME_NS + number,
            ts_recv=TIME_NS + 10 * number,
        )
        for number in range(1, count + 1)
    ]
