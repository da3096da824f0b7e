"""Writing market by order to Databento files: DBN version 3, schema mbo, in one zstd frame.

What DBN has no room for is told in other words, or refused:

- Sizes are counts of the instrument's last quantity decimal, as in events, and fit 32 bits; an
  instruments file that has the decimals gives them back.
- Prices are counts of 10^-9 and fit 64 bits.
- A price level (LEVEL) can't be told. A STATUS becomes a record without an action (N), with
  F_MAYBE_BAD_BOOK where the book is stale.
- Each instrument begins with a CLEAR, its own or one that is added, so that it is plain that its
  book began empty; unless it begins as a stale one.
- Of a sequence the lower 32 bits are kept.

The frame is ended anew with every write, by an empty last block that the next write replaces:
the file is whole whenever the process dies. One frame, because `databento` reads no second one.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, Flag, Side, empty_events
from market_depth.feeds.event_table import Part
from market_depth.instruments import MAX_DECIMALS, Instrument, format_units
from market_depth.recording.files import create, one_line_os_errors

__all__ = ["DATASET", "DbnWriter"]

DATASET: Final = "MARKET.DEPTH"
"""What the metadata name as the dataset."""
_VERSION: Final = 3
_MAX_SYMBOL_BYTES: Final = 70
_MBO_RTYPE: Final = 0xA0
_UNDEFINED_PRICE: Final = 2**63 - 1
_MBO_DTYPE: Final = np.dtype(
    [
        ("length", np.uint8),  # in words
        ("rtype", np.uint8),
        ("publisher_id", np.uint16),
        ("instrument_id", np.uint32),
        ("ts_event", np.uint64),
        ("order_id", np.uint64),
        ("price", np.int64),
        ("size", np.uint32),
        ("flags", np.uint8),
        ("channel_id", np.uint8),
        ("action", np.uint8),
        ("side", np.uint8),
        ("ts_recv", np.uint64),
        ("ts_in_delta", np.int32),
        ("sequence", np.uint32),
    ]
)
_END_OF_FRAME: Final = b"\x01\x00\x00"
"""An empty raw block, marked as the last one."""
_NO_END: Final = datetime.date(2200, 1, 1)
"""Until when symbols keep their ids: the recording's end is not known at its beginning."""
_MAX_SIZE: Final = 2**32 - 1
_MAX_SEQUENCE: Final = 2**32 - 1
_MAX_PRICE: Final = 2**63 - 2
_WORD_BYTES: Final = 4
_NS_PER_S: Final = 10**9


@dataclass
class _Interval:
    start_date: datetime.date
    end_date: datetime.date
    symbol: str


@dataclass
class _Mapping:
    raw_symbol: str
    intervals: Sequence[Any]


class DbnWriter:
    """Writes one DBN file.

    Args:
        path: of the file.
        instruments: what the events are about; their feed has orders.
        part: which part of a recording it is; DBN does not tell.

    Raises:
        FeedError: if the file exists already or can't be written, or if DBN can't tell such
            instruments.
    """

    def __init__(self, path: Path, instruments: Sequence[Instrument], part: Part) -> None:
        self.path = path
        self._symbols = {one.instrument_id: one for one in instruments}
        self._units = {
            one.instrument_id: 10 ** (MAX_DECIMALS - one.price_decimals) for one in instruments
        }
        for one in instruments:
            if not one.has_orders:
                raise FeedError(
                    f"{path}: the feed of {one.symbol} has no single orders, which DBN's schema "
                    "mbo is made of; record to a .parquet file"
                )
            if len(one.symbol.encode()) > _MAX_SYMBOL_BYTES:
                raise FeedError(f"{path}: {one.symbol!r} is over {_MAX_SYMBOL_BYTES} bytes long")
        self._packer = _zstandard(path).ZstdCompressor(write_checksum=False).compressobj()
        self._file = create(path)
        self._end = 0
        """Where the next block is written."""
        self._has_metadata = False
        self._begun: set[int] = set()
        """Instruments that there are records of."""

    @property
    def written_bytes(self) -> int:
        """How large the file is."""
        return self._end

    def write(self, events: Events) -> None:
        """Append whole changes.

        Raises:
            FeedError: if an event can't be told in DBN; all before it have been written.
        """
        records, problem = self._records(events)
        data = records.tobytes()
        if not self._has_metadata:
            start_ns = int(events["ts_event"].min()) if len(events) else 0
            data = self._metadata(start_ns) + data
        self._append(data)
        if problem:
            raise FeedError(f"{self.path}: {problem}; record to a .parquet file")

    def close(self) -> None:
        """Finish the file."""
        if not self._has_metadata:
            self._append(self._metadata(0))
        with one_line_os_errors(self.path):
            self._file.close()

    def _append(self, data: bytes) -> None:
        from zstandard import COMPRESSOBJ_FLUSH_BLOCK

        packed = self._packer.compress(data) + self._packer.flush(COMPRESSOBJ_FLUSH_BLOCK)
        with one_line_os_errors(self.path):
            self._file.seek(self._end)
            self._file.write(packed + _END_OF_FRAME)
            self._file.flush()
        self._end += len(packed)

    def _metadata(self, start_ns: int) -> bytes:
        import databento_dbn

        self._has_metadata = True
        start_ns = max(start_ns, 0)
        start = datetime.datetime.fromtimestamp(start_ns // _NS_PER_S, datetime.UTC).date()
        encoded: bytes = databento_dbn.Metadata(
            dataset=DATASET,
            start=start_ns,
            stype_in=databento_dbn.SType.from_str("raw_symbol"),
            stype_out=databento_dbn.SType.from_str("instrument_id"),
            schema=databento_dbn.Schema.from_str("mbo"),
            symbols=[one.symbol for one in self._symbols.values()],
            mappings=[
                _Mapping(one.symbol, [_Interval(start, _NO_END, str(number))])
                for number, one in self._symbols.items()
            ],
            version=_VERSION,
        ).encode()
        return encoded

    def _records(self, events: Events) -> tuple[NDArray[np.void], str]:
        """Return the records of the events before the first that can't be told, and why not."""
        units = self._units_of(events)
        is_status = events["action"] == Action.STATUS
        is_priced = ~is_status & (events["price"] != _UNDEFINED_PRICE)
        most = _MAX_PRICE // np.maximum(units, 1)
        is_too_large = is_priced & ((events["price"] > most) | (events["price"] < -most))
        is_off_size = ~is_status & ((events["size"] < 0) | (events["size"] > _MAX_SIZE))
        is_level = events["action"] == Action.LEVEL
        wrong = np.flatnonzero((units == 0) | is_too_large | is_off_size | is_level)
        problem = ""
        if len(wrong):
            first = int(wrong[0])
            problem = self._problem(events[first])
            # A change is told as a whole or not at all.
            ends = np.flatnonzero(events["flags"][:first] & np.uint8(Flag.LAST))
            whole = int(ends[-1]) + 1 if len(ends) else 0
            events, units, is_priced = events[:whole], units[:whole], is_priced[:whole]
            is_status = is_status[:whole]
        records = _encoded(events, units, is_status, is_priced)
        return np.concatenate([self._clears(events), records]), problem

    def _clears(self, events: Events) -> NDArray[np.void]:
        """Return CLEARs for the instruments of *events* that are new and do not begin with one."""
        numbers, firsts = np.unique(events["instrument_id"], return_index=True)
        cleared = empty_events(0)
        for number, first in zip(numbers.tolist(), firsts.tolist(), strict=True):
            event = events[first]
            is_stale = event["action"] == Action.STATUS and event["size"] == BookStatus.STALE
            if number not in self._begun and event["action"] != Action.CLEAR and not is_stale:
                clear = events[:1].copy()
                clear["instrument_id"] = number
                clear["action"], clear["side"], clear["flags"] = Action.CLEAR, Side.NONE, Flag.LAST
                for name in ("order_id", "size", "sequence"):
                    clear[name] = 0
                cleared = np.concatenate([cleared, clear])
            self._begun.add(number)
        nothing = np.zeros(len(cleared), bool)
        return _encoded(cleared, np.ones(len(cleared), np.int64), nothing, nothing)

    def _units_of(self, events: Events) -> NDArray[np.int64]:
        """Return what a count of each event's price is in 10^-9, 0 of an unknown instrument."""
        distinct, places = np.unique(events["instrument_id"], return_inverse=True)
        units = np.array([self._units.get(number, 0) for number in distinct.tolist()], np.int64)
        return units[places]

    def _problem(self, event: Any) -> str:
        number = int(event["instrument_id"])
        instrument = self._symbols.get(number)
        if instrument is None:
            return f"events of an unknown instrument id {number}"
        if event["action"] == Action.LEVEL:
            return f"{instrument.symbol} has price levels without orders, which DBN can't tell"
        size, price = int(event["size"]), int(event["price"])
        if not 0 <= size <= _MAX_SIZE:
            decimals = instrument.quantity_decimals
            return (
                f"size {format_units(size, decimals)} of {instrument.symbol} is {size} counts of "
                f"its last decimal, which DBN's 32 bits can't hold"
            )
        shown = format_units(price, instrument.price_decimals)
        return f"price {shown} of {instrument.symbol} is too large for DBN's counts of 10^-9"


def _encoded(
    events: Events,
    units: NDArray[np.int64],
    is_status: NDArray[np.bool_],
    is_priced: NDArray[np.bool_],
) -> NDArray[np.void]:
    """Return events, all of which can be told, as records."""
    records = np.zeros(len(events), _MBO_DTYPE)
    records["length"] = _MBO_DTYPE.itemsize // _WORD_BYTES
    records["rtype"] = _MBO_RTYPE
    for name in ("instrument_id", "ts_event", "ts_recv", "order_id", "flags", "side"):
        records[name] = events[name]
    records["sequence"] = events["sequence"] & np.uint64(_MAX_SEQUENCE)
    records["action"] = np.where(is_status, np.uint8(Action.NONE), events["action"])
    records["size"] = np.where(is_status, 0, events["size"])
    is_shown = is_priced & (events["action"] != Action.CLEAR)
    records["price"] = np.where(is_shown, events["price"] * units, _UNDEFINED_PRICE)
    is_stale = is_status & (events["size"] == BookStatus.STALE)
    records["flags"][is_stale] |= np.uint8(Flag.MAYBE_BAD_BOOK)
    records["side"][is_status] = Side.NONE
    return records


def _zstandard(path: Path) -> Any:
    try:
        import databento_dbn  # noqa: F401
        import zstandard
    except ImportError:
        raise FeedError(
            f"{path} needs the extra 'databento': pip install 'market-depth[databento]'"
        ) from None
    return zstandard
