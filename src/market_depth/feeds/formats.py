"""Every format that can be played, and how a file's is told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from market_depth.errors import FeedError
from market_depth.feeds import (
    coinbase_rest,
    cran_orderbook,
    dbn,
    dbn_csv,
    iex,
    itch,
    lobster,
    parquet,
    tardis,
    venue_source,
)
from market_depth.feeds.base import Format
from market_depth.feeds.files import head_of

__all__ = ["FORMATS", "format_named", "format_of"]

FORMATS: Final[tuple[Format, ...]] = (
    *parquet.FORMATS,
    *dbn.FORMATS,
    *lobster.FORMATS,
    *tardis.FORMATS,
    *cran_orderbook.FORMATS,
    *dbn_csv.FORMATS,
    *coinbase_rest.FORMATS,
    *iex.FORMATS,
    *itch.FORMATS,
    *venue_source.FORMATS,
)
"""In the order in which they are tried."""


def format_named(name: str) -> Format:
    """Return a format by its name.

    Raises:
        FeedError: naming the formats that there are.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in FORMATS)
    raise FeedError(f"unknown format {name!r}; known: {known}")


def format_of(path: Path) -> Format:
    """Return the format of a file, told by its path and its first bytes.

    Raises:
        FeedError: if the file can't be read, or is of no format that is known.
    """
    head = head_of(path)
    for one in FORMATS:
        if one.recognises(path, head):
            return one
    known = ", ".join(one.name for one in FORMATS)
    raise FeedError(f"{path} is of no known format; --format names one of {known}")
