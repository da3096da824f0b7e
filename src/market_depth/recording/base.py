"""What the recorder writes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from market_depth.events import Events
from market_depth.feeds.event_table import Part
from market_depth.instruments import Instrument

__all__ = ["EventWriter", "OpenWriter"]


class EventWriter(Protocol):
    """Writes one file. What `write` has returned from survives the end of the process."""

    @property
    def written_bytes(self) -> int:
        """How large the file is, packed as it is now."""
        ...

    def write(self, events: Events) -> None:
        """Append whole changes.

        Raises:
            FeedError: if an event can't be told in this format, or the disk is full.
        """
        ...

    def close(self) -> None:
        """Finish the file.

        Raises:
            FeedError: if the disk is full.
        """
        ...


OpenWriter: TypeAlias = Callable[[Path, Sequence[Instrument], Part], EventWriter]
"""Begins a new file.

Raises:
    FeedError: if it exists already or can't be written, or if the instruments don't fit the format.
"""
