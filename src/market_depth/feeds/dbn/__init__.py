"""Databento files: DBN versions 1 to 3, and DBZ; plain or zstd; orders, levels and trades.

Of schema mbo every order is played; of mbp-10, mbp-1, tbbo, bbo-*, cmbp-1, tcbbo and cbbo-* the
levels that they tell; of trades the trades. Records keep their meaning; fixed-point prices (10^-9)
become counts of the instrument's smallest decimal. Needs the extra `databento`.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.dbn.file import DbnFile, is_dbn
from market_depth.feeds.dbn.source import RecordSource
from market_depth.instruments import Instrument

__all__ = ["FORMATS", "DbnSource"]


class DbnSource(RecordSource):
    """Databento files as one source of events.

    Args:
        paths: a file, or the files of one recording in any order.
        known: instruments by symbol whose decimals and tick are to be used; for others they are
            found in the prices.
        symbols: what to play of it; `None` plays everything.

    Raises:
        FeedError: if a file can't be read, is no DBN file or has nothing to play, or if a symbol
            is not there.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        known: Mapping[str, Instrument] | None = None,
        symbols: Sequence[str] | None = None,
    ) -> None:
        files = [paths] if isinstance(paths, Path) else paths
        super().__init__([DbnFile(path) for path in files], known, symbols)


def _recognises(path: Path, head: bytes) -> bool:
    return is_dbn(head)


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return DbnSource(paths, options.known, options.symbols)


def _schema(path: Path) -> str:
    return DbnFile(path).layout.schema


FORMATS: Final[tuple[Format, ...]] = (Format("dbn", "Databento DBN", _recognises, _open, _schema),)
