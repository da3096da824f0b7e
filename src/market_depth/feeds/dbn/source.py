"""Databento's records as a source of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.changes import changes_by_time, whole_changes
from market_depth.feeds.dbn.directory import Directory, RecordFile
from market_depth.feeds.dbn.levels import LevelDecoder
from market_depth.feeds.dbn.orders import OrderDecoder
from market_depth.feeds.joins import with_book_status
from market_depth.feeds.level_rows import LevelWindows
from market_depth.feeds.merging import merged_by_time
from market_depth.instruments import Instrument

__all__ = ["RecordSource"]


class RecordSource:
    """Files of Databento's records, of one recording, as one source.

    Args:
        files: the files, in any order; all of one kind.
        known: instruments by symbol whose decimals and tick are to be used; for others they are
            found in the prices.
        symbols: what to play; `None` plays everything.

    Raises:
        FeedError: if the files are of several kinds, or a symbol is not there.
    """

    def __init__(
        self,
        files: Sequence[RecordFile],
        known: Mapping[str, Instrument] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        first = files[0]
        for file in files:
            if file.layout.schema != first.layout.schema:
                raise FeedError(
                    f"{file.path} has schema {file.layout.schema}, {first.path} has "
                    f"{first.layout.schema}; play them as feeds of their own"
                )
        self._files = files
        self._directory = Directory(files, known or {}, symbols)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the records are about."""
        return self._directory.instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events, `ts_recv` in order, whole changes only.

        Raises:
            FeedError: where a file is damaged or cut off; all before that has been yielded.
        """
        layout = self._files[0].layout
        windows = LevelWindows(len(self.instruments), layout.levels) if layout.levels else None
        recordings = [self._changes(place, windows) for place in range(len(self._files))]
        ids = [instrument.instrument_id for instrument in self.instruments]
        merged = merged_by_time(recordings)
        if not layout.has_orders and windows is None:
            return merged
        return with_book_status(merged, ids, may_join=layout.has_orders)

    def _changes(self, file: int, windows: LevelWindows | None) -> Iterator[Events]:
        events = self._events(file, windows)
        flags_last = self._directory.flags_last(file)
        return whole_changes(events) if flags_last else changes_by_time(events)

    def _events(self, place: int, windows: LevelWindows | None) -> Iterator[Events]:
        file = self._files[place]
        targets = self._directory.targets(place)
        decoder: OrderDecoder | LevelDecoder
        if file.layout.has_orders:
            decoder = OrderDecoder(targets)
        else:
            decoder = LevelDecoder(file.layout, targets, windows)
        for records in file.records():
            yield from decoder.events(records)
            if decoder.done < len(records):
                raise _refusal(file, targets, records[decoder.done])


def _refusal(file: RecordFile, targets: NDArray[np.void], record: np.void) -> FeedError:
    """Return why a record can't be an event."""
    number = int(record["instrument_id"])
    if number not in targets["file_id"]:
        return FeedError(
            f"{file.path}: instrument id {number} is neither in the metadata nor in the "
            "file's beginning"
        )
    return FeedError(
        f"{file.path}: price {int(record['price'])}e-9 of instrument {number}, or one beside it, "
        "has more decimals than the file's beginning or its entry in the instruments file shows"
    )
