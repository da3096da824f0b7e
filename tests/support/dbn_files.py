"""Small DBN files for tests: Databento's own metadata, records byte for byte from their spec.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import databento_dbn
import zstandard
from databento_dbn.metadata import MappingInterval, SymbolMapping

from market_depth.events import Flag
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.files import read_blocks
from support.flow import Event, events_of

UNDEFINED_TIME = 2**64 - 1
UNDEFINED_PRICE = 2**63 - 1
MBO_RTYPE = 0xA0
STATUS_RTYPE = 0x12
OHLCV_RTYPE = 0x20

TIME_NS = 1_703_548_799_000_000_000
"""Time of a record that names no other."""

_MBO = Struct("<BBHIQQqIBBccQiI")
_TS_OUT = Struct("<Q")


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
            price=self.price // 10 ** (9 - decimals),
            size=self.size,
            sequence=self.sequence,
            instrument_id=self.instrument_id,
            action=ord(self.action),
            side=ord(self.side),
            flags=self.flags,
        )


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


def dbn(*records: Record, head: bytes | None = None) -> bytes:
    """Return a file of these records."""
    body = b"".join(record.encoded() for record in records)
    return (metadata() if head is None else head) + body


def zstd_frames(*parts: bytes) -> bytes:
    """Return each part as a zstd frame of its own."""
    packer = zstandard.ZstdCompressor()
    return b"".join(packer.compress(part) for part in parts)


def played(source: DbnSource) -> list[Event]:
    """Return every event of a source."""
    return [event for chunk in source.chunks() for event in events_of(chunk)]


def unpacked(path: Path) -> bytes:
    """Return a file's whole content."""
    return b"".join(read_blocks(path))


def expected(records: Iterable[Record], decimals: int = 2) -> list[Event]:
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
