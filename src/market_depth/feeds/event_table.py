"""Events as Arrow tables: the schema of recordings in Parquet.

    ts_event, ts_recv   timestamp[ns, UTC]
    order_id            uint64; of a LEVEL event the number of orders, 2^64 - 1 if it is not known
    price, size         int64, counts of the instrument's last decimal
    symbol              dictionary<string>
    action, side        dictionary<string>: one letter, see `Action` and `Side`
    flags               uint8, see `Flag`
    sequence            uint64, the venue's
    instrument_id       uint32

The schema's metadata has two texts of JSON: `market_depth.instruments`, a list of the fields of
`Instrument`, and `market_depth.part`, the fields of `Part`. Needs the extra `parquet`.

Source: https://arrow.apache.org/docs/format/Columnar.html
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError, quoted
from market_depth.events import Action, Events, Side, empty_events
from market_depth.feeds.complaints import reason_of
from market_depth.instruments import Instrument

__all__ = ["EventTables", "Part", "events_of", "instruments_of", "need_pyarrow", "part_of"]

_INSTRUMENTS: Final = b"market_depth.instruments"
_PART: Final = b"market_depth.part"
_TIMES: Final = ("ts_event", "ts_recv")
_NUMBERS: Final = ("order_id", "price", "size", "flags", "sequence", "instrument_id")
_LETTERS: Final = ("action", "side")
_MAX_CODE: Final = 255
_MAX_ID: Final = 2**32 - 1
_MAX_DECIMALS: Final = 18


class Part(msgspec.Struct, frozen=True):
    """Which part of a recording a file is."""

    recording: str = ""
    """A name that the parts of one recording share; empty if it is not known."""
    number: int = 1
    """From 1 on."""
    head_events: int = 0
    """Events at the beginning that build the books up as they were at the end of the part before:
    who plays that one first leaves them out."""
    changes_before: dict[str, int] = {}
    """By symbol, the book's sequence at the end of the part before; a book built up by the head
    shows sequences of its own, that are further on by a constant."""


def need_pyarrow(path: Path) -> Any:
    """Return the module `pyarrow`.

    Raises:
        FeedError: if it is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise FeedError(
            f"{path} needs the extra 'parquet': pip install 'market-depth[parquet]'"
        ) from None
    return pyarrow


class EventTables:
    """Turns events into Arrow record batches of one schema.

    Args:
        pa: the module `pyarrow`.
        instruments: what the events are about.
        part: which part of a recording it is.
    """

    def __init__(self, pa: Any, instruments: Sequence[Instrument], part: Part) -> None:
        self._pa = pa
        ids = np.array([one.instrument_id for one in instruments], np.uint32)
        self._order = np.argsort(ids)
        self._ids = ids[self._order]
        self._symbols = pa.array([one.symbol for one in instruments], pa.string())
        self._codes = {
            "action": [int(action) for action in Action],
            "side": [int(side) for side in Side],
        }
        letter = pa.dictionary(pa.int16(), pa.string())
        time = pa.timestamp("ns", "UTC")
        self.schema = pa.schema(
            [
                ("ts_event", time),
                ("ts_recv", time),
                ("order_id", pa.uint64()),
                ("price", pa.int64()),
                ("size", pa.int64()),
                ("symbol", pa.dictionary(pa.int32(), pa.string())),
                ("action", letter),
                ("side", letter),
                ("flags", pa.uint8()),
                ("sequence", pa.uint64()),
                ("instrument_id", pa.uint32()),
            ],
            metadata={
                _INSTRUMENTS: msgspec.json.encode(list(instruments)),
                _PART: msgspec.json.encode(part),
            },
        )

    def batch(self, events: Events) -> Any:
        """Return *events* as a record batch.

        Raises:
            FeedError: if one names an instrument that was not announced.
        """
        pa = self._pa
        columns = {name: pa.array(np.ascontiguousarray(events[name])) for name in _NUMBERS}
        for name in _TIMES:
            times = pa.array(np.ascontiguousarray(events[name]))
            columns[name] = times.view(pa.timestamp("ns", "UTC"))
        places = pa.array(self._places(events["instrument_id"]), pa.int32())
        columns["symbol"] = pa.DictionaryArray.from_arrays(places, self._symbols)
        for name in _LETTERS:
            columns[name] = self._letters(name, events[name])
        return pa.RecordBatch.from_arrays(
            [columns[name] for name in self.schema.names], schema=self.schema
        )

    def _places(self, ids: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return which instrument each id is of."""
        if not len(ids):
            return np.zeros(0, np.int64)
        places = np.minimum(np.searchsorted(self._ids, ids), max(len(self._ids) - 1, 0))
        if not len(self._ids) or (self._ids[places] != ids).any():
            raise FeedError("events of an instrument that the feed has not announced")
        return self._order[places]

    def _letters(self, name: str, codes: NDArray[np.uint8]) -> Any:
        """Return ASCII codes as letters; the dictionary grows by those that are no known ones."""
        known = self._codes[name]
        known += sorted(set(np.unique(codes).tolist()).difference(known))
        indices = np.zeros(_MAX_CODE + 1, np.int16)
        indices[known] = np.arange(len(known))
        letters = self._pa.array([chr(code) for code in known], self._pa.string())
        return self._pa.DictionaryArray.from_arrays(indices[codes], letters)


def instruments_of(schema: Any, path: Path) -> list[Instrument]:
    """Return the instruments that a schema's metadata names.

    Raises:
        FeedError: if it names none, or such as can't be, or a column is not there once.
    """
    try:
        names = schema.names
    except UnicodeDecodeError as error:
        raise FeedError(f"{path} is damaged: the name of a column: {reason_of(error)}") from None
    for name in (*_TIMES, *_NUMBERS, *_LETTERS):
        if names.count(name) != 1:
            what = "several columns" if name in names else "no column"
            raise FeedError(f"{path} has {what} {name!r}: it is no recording of events")
    text = (schema.metadata or {}).get(_INSTRUMENTS)
    if text is None:
        raise FeedError(f"{path} has no {_INSTRUMENTS.decode()}: it is no recording of events")
    instruments: list[Instrument] = _decoded(text, list[Instrument], path)
    for one in instruments:
        decimals = (one.price_decimals, one.quantity_decimals)
        is_good = min(decimals) >= 0 and max(decimals) <= _MAX_DECIMALS
        if not (is_good and 0 <= one.instrument_id <= _MAX_ID and 0 < one.tick_size < 2**63):
            raise FeedError(f"{path} is damaged: instrument {quoted(one.symbol)} can't be")
    for name in ("instrument_id", "symbol"):
        if len({getattr(one, name) for one in instruments}) < len(instruments):
            raise FeedError(f"{path} is damaged: two instruments have one {name}")
    return instruments


def part_of(schema: Any, path: Path) -> Part:
    """Return which part of a recording a file is; the only one if it does not tell."""
    text = (schema.metadata or {}).get(_PART)
    part: Part = Part() if text is None else _decoded(text, Part, path)
    return part


def _decoded(text: bytes, kind: Any, path: Path) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FeedError(f"{path} is damaged: its metadata: {reason_of(error)}") from None


def events_of(pa: Any, batch: Any) -> Events:
    """Return a record batch as events.

    Raises:
        FeedError: if a column is of another type, or a value is missing.
        pyarrow.ArrowException: if the batch is damaged.
    """
    batch.validate(full=True)
    events = empty_events(batch.num_rows)
    for name in (*_TIMES, *_NUMBERS, *_LETTERS):
        column = batch.column(name)
        if column.null_count:
            raise FeedError(f"column {name!r} lacks {column.null_count} values")
        if name in _LETTERS:
            events[name] = _codes(pa, name, column)
            continue
        if name in _TIMES:
            if not pa.types.is_timestamp(column.type):
                raise FeedError(f"column {name!r} is {quoted(str(column.type))}, not a timestamp")
            column = column.cast(pa.timestamp("ns", column.type.tz)).view(pa.int64())
        values = column.to_numpy(zero_copy_only=False)
        if values.dtype != events[name].dtype:
            kind = quoted(str(column.type))
            raise FeedError(f"column {name!r} is {kind}, not {events[name].dtype}")
        events[name] = values
    return events


def _codes(pa: Any, name: str, column: Any) -> NDArray[np.uint8]:
    """Return letters as their codes."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    letters = column.dictionary.to_pylist()
    for letter in letters:
        if not isinstance(letter, str) or len(letter) != 1 or ord(letter) > _MAX_CODE:
            raise FeedError(f"column {name!r} has {quoted(str(letter))}, which is no letter")
    codes = np.array([ord(letter) for letter in letters], np.uint8)
    indices = column.indices.to_numpy(zero_copy_only=False)
    return codes[indices] if len(indices) else np.zeros(0, np.uint8)
