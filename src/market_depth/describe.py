"""What is in a file that can be played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, Flag, StatusReason
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_named, format_of
from market_depth.instruments import Instrument, format_units

__all__ = ["ACTIVITY_BINS", "Description", "Symbol", "describe"]

ACTIVITY_BINS: Final = 60
_FINE_BINS: Final = 8 * ACTIVITY_BINS
_FIRST_BIN_NS: Final = 1_000_000
_NS_PER_S: Final = 1_000_000_000


class Symbol(msgspec.Struct, frozen=True):
    """One instrument of a file."""

    symbol: str
    price_decimals: int
    quantity_decimals: int
    tick: str
    has_orders: bool


class Description(msgspec.Struct):
    """A file as it has been read: all of it, or up to where it is damaged."""

    path: str
    format: str = ""
    title: str = ""
    size_bytes: int = 0
    symbols: list[Symbol] = []
    first_event: str | None = None
    """RFC 3339, of the venue's clock; events of snapshots count only where there are no others."""
    last_event: str | None = None
    span_s: float = 0.0
    events: int = 0
    changes: int = 0
    changes_per_s: float = 0.0
    actions: dict[str, int] = {}
    """How many events there are of each action."""
    statuses: dict[str, int] = {}
    """How often a book's status changed to which, and why."""
    gaps: int = 0
    """How often a book became stale because messages were missing."""
    activity: list[int] = []
    """Events in equal stretches of the file's time of receipt."""
    error: str | None = None
    """Why it can't be read (any further)."""


class _Activity:
    """A histogram over a span that is not known before its end.

    When the span outgrows it, bins become twice as wide, two by two.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_FINE_BINS, np.int64)
        self._begin_ns: int | None = None
        self._last_ns = 0
        self._width_ns = _FIRST_BIN_NS

    def add(self, times: NDArray[np.int64]) -> None:
        """Count *times*, ns since 1970 UTC; none is taken for earlier than the first."""
        if self._begin_ns is None:
            self._begin_ns = self._last_ns = int(times[0])
        self._last_ns = max(self._last_ns, int(times.max()))
        while self._last_ns - self._begin_ns >= self._width_ns * _FINE_BINS:
            self._counts[: _FINE_BINS // 2] = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts[_FINE_BINS // 2 :] = 0
            self._width_ns *= 2
        offsets = np.maximum(times, self._begin_ns) - self._begin_ns
        self._counts += np.bincount(offsets // self._width_ns, minlength=_FINE_BINS)

    def bins(self) -> list[int]:
        """Return counts of `ACTIVITY_BINS` stretches of the whole span, of fewer if it is short."""
        if self._begin_ns is None:
            return []
        used = (self._last_ns - self._begin_ns) // self._width_ns + 1
        edges = np.linspace(0, used, min(ACTIVITY_BINS, used) + 1).astype(int)
        return [int(self._counts[a:b].sum()) for a, b in pairwise(edges)]


class _Span:
    """The first and last of times."""

    def __init__(self) -> None:
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    def add(self, times: NDArray[np.int64]) -> None:
        if len(times):
            first, last = int(times.min()), int(times.max())
            self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
            self.last_ns = last if self.last_ns is None else max(self.last_ns, last)


def describe(path: Path, format_name: str | None = None) -> Description:
    """Read a file from end to end, and return what is in it.

    What can't be read is told in the description's `error`.

    Args:
        path: the file.
        format_name: of its format; `None` tells it by the file.
    """
    description = Description(str(path))
    try:
        description.size_bytes = path.stat().st_size
        kind = format_of(path) if format_name is None else format_named(format_name)
        description.format, description.title = kind.name, kind.title
        source = kind.open([path], OpenOptions())
        description.symbols = [_symbol(one) for one in source.instruments]
        _read(source.chunks(), description)
    except FeedError as error:
        description.error = str(error)
    except OSError as error:
        description.error = f"can't read {path}: {error.strerror or error}"
    return description


def _read(chunks: Iterator[Events], description: Description) -> None:
    activity, span, whole_span = _Activity(), _Span(), _Span()
    actions = np.zeros(256, np.int64)
    statuses: Counter[str] = Counter()
    try:
        for events in chunks:
            if not len(events):
                continue
            description.events += len(events)
            description.changes += int(np.count_nonzero(events["flags"] & np.uint8(Flag.LAST)))
            actions += np.bincount(events["action"], minlength=256)
            _count_statuses(events, statuses, description)
            is_live = (events["flags"] & np.uint8(Flag.SNAPSHOT)) == 0
            is_told = (events["action"] != Action.STATUS) & (events["ts_event"] > 0)
            span.add(events["ts_event"][is_live & is_told])
            whole_span.add(events["ts_event"][is_told])
            if is_live.any():
                activity.add(events["ts_recv"][is_live])
    finally:  # what is whole of a damaged file is described
        description.actions = _named(actions)
        description.statuses = dict(sorted(statuses.items()))
        description.activity = activity.bins()
        _tell_span(whole_span if span.first_ns is None else span, description)


def _count_statuses(events: Events, statuses: Counter[str], description: Description) -> None:
    told = events[events["action"] == Action.STATUS]
    for status, reason in zip(told["size"].tolist(), told["price"].tolist(), strict=True):
        try:
            label, why = BookStatus(status).label, StatusReason(reason).text
        except ValueError:
            label, why = f"status {status}", f"reason {reason}"
        statuses[f"{label}: {why}" if why else label] += 1
        description.gaps += (status, reason) == (BookStatus.STALE, StatusReason.GAP)


def _named(counts: NDArray[np.int64]) -> dict[str, int]:
    names = {int(action): action.name.lower() for action in Action}
    found = np.flatnonzero(counts).tolist()
    return {names.get(code, f"0x{code:02x}"): int(counts[code]) for code in found}


def _tell_span(span: _Span, description: Description) -> None:
    if span.first_ns is None or span.last_ns is None:
        return
    description.first_event = rfc3339(span.first_ns)
    description.last_event = rfc3339(span.last_ns)
    description.span_s = (span.last_ns - span.first_ns) / _NS_PER_S
    if description.span_s:
        description.changes_per_s = description.changes / description.span_s


def rfc3339(time_ns: int) -> str:
    """Return ns since 1970 UTC as "2025-09-16T04:18:26.806069123Z"."""
    seconds, fraction = divmod(time_ns, _NS_PER_S)
    return f"{np.datetime64(seconds, 's')}.{fraction:09d}Z"


def _symbol(instrument: Instrument) -> Symbol:
    return Symbol(
        symbol=instrument.symbol,
        price_decimals=instrument.price_decimals,
        quantity_decimals=instrument.quantity_decimals,
        tick=format_units(instrument.tick_size, instrument.price_decimals),
        has_orders=instrument.has_orders,
    )
