"""Which checks are made of a recording: by what it is, and by what lies beside it.

- Whatever can be played is played into books (`playback`).
- A venue's messages are held against the venue's own words (`venues`).
- LOBSTER's order book file is held against its messages, and against the books (`lobster`).
- Of DBN every record is decoded; of ITCH and IEX messages and packets are counted.
- Beside MBO: MBP-10, MBP-1 or TBBO (`levels_beside`); beside MBP or TBBO: trades; beside a snapshot
  of Coinbase by order: one by price; beside any: its final book as JSON (`final_book`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from market_depth.feeds import dbn, iex, itch, lobster
from market_depth.feeds.base import Source
from market_depth.feeds.dbn.source import RecordSource
from market_depth.feeds.lobster import LobsterSource
from market_depth.feeds.lobster_files import day_of
from market_depth.feeds.venue_source import VenueSource
from market_depth.verify.databento import (
    check_decoding,
    compare_trades,
    play_orders,
    record_file,
)
from market_depth.verify.findings import Report
from market_depth.verify.levels_beside import compare_levels
from market_depth.verify.lobster import check_days, play_rows
from market_depth.verify.packets import check_iex, check_itch
from market_depth.verify.playback import Playback, play
from market_depth.verify.recordings import BY_ORDER, BY_PRICE, File
from market_depth.verify.snapshots import compare_snapshots
from market_depth.verify.venues import check_venue

__all__ = ["ALONE", "can_be_compared", "compare_pair", "play_checked"]

_Check: TypeAlias = Callable[[Sequence[Path], Report], None]

ALONE: Final[Mapping[str, _Check]] = {
    one.name: check
    for formats, check in (
        (dbn.FORMATS, check_decoding),
        (lobster.FORMATS, check_days),
        (itch.FORMATS, check_itch),
        (iex.FORMATS, check_iex),
    )
    for one in formats
}
"""By format: what is checked of the files without playing them."""


class _Pairing(NamedTuple):
    """Two files that can be compared, by their kinds."""

    kinds: frozenset[str]
    beside: frozenset[str]
    compare: Callable[[Path, Path, Report, str], None]


def _levels_of_orders(mbo: Path, mbp: Path, report: Report, beside: str) -> None:
    compare_levels(record_file(mbo), record_file(mbp), report, beside)


def _trades_of_levels(levels: Path, trades: Path, report: Report, beside: str) -> None:
    compare_trades(record_file(levels), record_file(trades), report, beside)


_PAIRINGS: Final = (
    _Pairing(frozenset({"mbo"}), frozenset({"mbp-10", "mbp-1", "tbbo"}), _levels_of_orders),
    _Pairing(frozenset({"mbp-10", "mbp-1", "tbbo"}), frozenset({"trades"}), _trades_of_levels),
    _Pairing(frozenset({BY_ORDER}), frozenset({BY_PRICE}), compare_snapshots),
)


def play_checked(path: Path, source: Source, report: Report) -> Playback:
    """Play a recording with the checks that its kind has.

    Args:
        path: its first file.
        source: the recording.
        report: what is found is put there.

    Raises:
        FeedError: where it can't be read any further; what came before has been checked.
    """
    if isinstance(source, VenueSource):
        return check_venue(source, report)
    if isinstance(source, LobsterSource):
        return play_rows(day_of(path), source, report)
    if isinstance(source, RecordSource) and any(one.has_orders for one in source.instruments):
        return play_orders(source, report)
    return play(source, report)


def can_be_compared(kind: str, beside: str) -> bool:
    """Return whether a file of a kind can be held against one of another kind."""
    return _pairing(kind, beside) is not None


def compare_pair(one: File, other: File, report: Report, beside: str) -> None:
    """Compare two files that can be.

    Args:
        one: the file that is held against the other.
        other: the file beside it.
        report: what is found is put there.
        beside: what the check names as compared with.

    Raises:
        FeedError: where one can't be read any further.
    """
    pairing = _pairing(one.kind, other.kind)
    assert pairing is not None
    pairing.compare(one.path, other.path, report, beside)


def _pairing(kind: str, beside: str) -> _Pairing | None:
    for pairing in _PAIRINGS:
        if kind in pairing.kinds and beside in pairing.beside:
            return pairing
    return None
