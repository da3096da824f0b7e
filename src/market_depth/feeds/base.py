"""What a feed is, what a source of one is, and what a file format is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from market_depth.events import Events
from market_depth.instruments import Instrument

__all__ = ["Feed", "Format", "OpenOptions", "Source"]


class Source(Protocol):
    """A store of events in time order, read as fast as wanted: a file, a simulated venue."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What its events are about."""
        ...

    def chunks(self) -> Iterator[Events]:
        """Yield the events from the beginning, `ts_recv` never going back, whole changes only.

        Raises:
            FeedError: where it can't be read any further; what came before is good.
        """
        ...


class OpenOptions(NamedTuple):
    """How a user wants a file to be opened."""

    known: Mapping[str, Instrument] = {}
    """Instruments by symbol whose decimals and tick are to be used; those of others are found in
    the file."""
    symbols: Sequence[str] | None = None
    """What to play of it; `None` plays everything."""


def _one_kind(_path: Path) -> str:
    return ""


class Format(NamedTuple):
    """A kind of file that can be played."""

    name: str
    """Value of `--format`."""
    title: str
    """For a person to read."""
    recognises: Callable[[Path, bytes], bool]
    """Whether a file is of this format, by its path and its first bytes (unpacked, 64 KiB)."""
    open: Callable[[Sequence[Path], OpenOptions], Source]
    """Open files of this format that belong together (parts of one recording, in any order).

    Raises:
        FeedError: if a file can't be read, is not of the format, or has no such symbol.
    """
    kind_of: Callable[[Path], str] = _one_kind
    """What kind of recording a file is part of, such as its schema: files of two kinds do not
    belong together.

    Raises:
        FeedError: as `open` does.
    """


class Feed(Protocol):
    """Events as they happen, or as they are made to happen."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What its events are about."""
        ...

    def batches(self) -> AsyncIterator[Events]:
        """Yield events, whole changes only, leaving the event loop its turns.

        Raises:
            FeedError: where it can't go on; what came before is good.
        """
        ...

    @property
    def lag_s(self) -> float:
        """How far behind its own time the feed last handed over events, in seconds."""
        ...

    def due_events(
        self, wall_ns: int, instrument_ids: Container[int] | None = None
    ) -> Iterator[Events]:
        """Yield what should have been handed over by a wall-clock time and has not been yet.

        Args:
            wall_ns: ns since 1970 UTC.
            instrument_ids: whose events are wanted now, `None` for all; others may come too.
        """
        ...

    def market_time_ns(self, wall_ns: int) -> int:
        """Return what time it is in the feed's market (ns since 1970 UTC) at a wall-clock time."""
        ...
