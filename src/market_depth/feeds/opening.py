"""Files as sources: told apart by their formats, parts of one recording put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from market_depth.errors import FeedError, quoted
from market_depth.events import Events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.formats import format_named, format_of
from market_depth.instruments import Instrument

__all__ = ["ForgivingSource", "open_files"]

_SHOWN_SYMBOLS = 5


class ForgivingSource:
    """A source that ends where it can't be read any further, as if there were no more.

    Args:
        source: what to read.
        complain: told why it has ended early; once, however often it is read.
    """

    def __init__(self, source: Source, complain: Callable[[FeedError], None]) -> None:
        self._source = source
        self._complain = complain
        self._has_complained = False

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What its events are about."""
        return self._source.instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events that can be read."""
        try:
            yield from self._source.chunks()
        except FeedError as error:
            if not self._has_complained:
                self._has_complained = True
                self._complain(error)


class _RenamedSource:
    """A source whose instruments have other ids and symbols than it gives them."""

    def __init__(self, source: Source, instruments: Sequence[Instrument]) -> None:
        self._source = source
        self.instruments = instruments
        ids = np.array([one.instrument_id for one in source.instruments], np.uint32)
        self._order = np.argsort(ids)
        self._sorted_ids = ids[self._order]
        self._new_ids = np.array([one.instrument_id for one in instruments], np.uint32)[self._order]

    def chunks(self) -> Iterator[Events]:
        """Yield the source's events with the other ids."""
        for events in self._source.chunks():
            renamed = events.copy()
            places = np.searchsorted(self._sorted_ids, events["instrument_id"])
            renamed["instrument_id"] = self._new_ids[places]
            yield renamed


class _Recording(NamedTuple):
    """Files that belong together."""

    format: Format
    kind: str
    paths: list[Path]

    @property
    def label(self) -> str:
        """What tells it from others."""
        return self.kind or self.format.name


def open_files(
    paths: Sequence[Path], options: OpenOptions, format_name: str | None = None
) -> list[Source]:
    """Return the sources that files are: one for those of a format that belong together.

    Instruments of several sources have ids that differ. A symbol that an earlier source has
    already becomes SYMBOL@FORMAT (or @SCHEMA, where the format has several).

    Args:
        paths: the files, in any order.
        options: whose decimals are known, and what to play of all of them together.
        format_name: of all the files; `None` tells it by each.

    Raises:
        FeedError: if a file can't be read, is of no format that is known, or has nothing that can
            be played, or if no file has a symbol that is asked for.
    """
    recordings = _recordings(paths, format_name)
    if len(recordings) == 1:
        return [recordings[0].format.open(recordings[0].paths, options)]
    everything = [one.format.open(one.paths, options._replace(symbols=None)) for one in recordings]
    names = _names(recordings, everything)
    if options.symbols is not None:
        _require(options.symbols, [name for per_source in names for name in per_source.values()])
    sources: list[Source] = []
    ids: set[int] = set()
    for recording, source, renamed in zip(recordings, everything, names, strict=True):
        if options.symbols is not None:
            wanted = [symbol for symbol, name in renamed.items() if name in options.symbols]
            if not wanted:
                continue
            source = recording.format.open(recording.paths, options._replace(symbols=wanted))
        sources.append(_distinct(source, renamed, ids))
    return sources


def _recordings(paths: Sequence[Path], format_name: str | None) -> list[_Recording]:
    recordings: dict[tuple[str, str], _Recording] = {}
    for path in dict.fromkeys(paths):
        one = format_of(path) if format_name is None else format_named(format_name)
        kind = one.kind_of(path) if len(paths) > 1 else ""
        recordings.setdefault((one.name, kind), _Recording(one, kind, [])).paths.append(path)
    return list(recordings.values())


def _names(recordings: Sequence[_Recording], sources: Sequence[Source]) -> list[dict[str, str]]:
    """Return, for each source, its symbols and what they are to be called."""
    taken: set[str] = set()
    names = []
    for recording, source in zip(recordings, sources, strict=True):
        renamed = {}
        for instrument in source.instruments:
            symbol = instrument.symbol
            name = f"{symbol}@{recording.label}" if symbol in taken else symbol
            if name in taken:
                raise FeedError(f"{recording.paths[0]} has symbol {quoted(name)} once more")
            taken.add(name)
            renamed[symbol] = name
        names.append(renamed)
    return names


def _require(symbols: Collection[str], there: Sequence[str]) -> None:
    for symbol in symbols:
        if symbol not in there:
            shown = ", ".join(there[:_SHOWN_SYMBOLS])
            raise FeedError(f"no file has symbol {quoted(symbol)}; they have {shown}")


def _distinct(source: Source, names: dict[str, str], ids: set[int]) -> Source:
    """Return a source under its new names, with ids that are not among *ids*, and add them."""
    taken = ids | {one.instrument_id for one in source.instruments}
    spare = (number for number in count(1) if number not in taken)
    instruments = []
    is_changed = False
    for instrument in source.instruments:
        number, name = instrument.instrument_id, names[instrument.symbol]
        if number in ids:
            number = next(spare)
        ids.add(number)
        is_changed |= (number, name) != (instrument.instrument_id, instrument.symbol)
        instruments.append(msgspec.structs.replace(instrument, instrument_id=number, symbol=name))
    return _RenamedSource(source, instruments) if is_changed else source
