"""IEX DEEP 1.0 in packet captures: price levels, trades and halts of all stocks.

A price level update is a LEVEL event; the change is whole when its flag says that the event has
been processed. Trades tell no aggressor; a broken trade does nothing but is told (its order id is
the trade's). A halt, a pause or an auction's order acceptance period halts a book.

Books are empty at the start of messages (system event O). The feed has no snapshots: a gap in the
sequence numbers that no retransmission fills makes every book stale (GAP) until the next start of
messages, since a removed level would not be told again; so does a stream that is numbered anew. A
capture that begins within the day is stale likewise (JOINED). Segments that come twice, as by
lines A and B, count once.

Prices are in 1/10000 dollar. Stocks are those that the first million messages name (each is named
before the session opens); what is told of others later is left out.

Source: https://www.iexexchange.io/resources/trading/documents (IEX DEEP Specification 1.08)
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.changes import whole_changes
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.iex_messages import Segment, is_deep, segments_of
from market_depth.feeds.iex_player import PRICE_DECIMALS, SegmentPlayer
from market_depth.feeds.pcap import PacketCapture, is_capture
from market_depth.instruments import Instrument, refined

__all__ = ["FORMATS", "IexSource"]

_TICK: Final = 100
_SCANNED_MESSAGES: Final = 1_000_000


class IexSource:
    """Captures of IEX DEEP, such as both lines or parts of a day, as one source.

    Args:
        paths: the files, in any order.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if a file can't be read or has no segments of DEEP 1.0, or a symbol is not there.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        self._paths = paths
        found = self._symbols()
        wanted = found if options.symbols is None else list(dict.fromkeys(options.symbols))
        for symbol in wanted:
            if symbol not in found:
                raise no_such_symbol(paths[0], symbol, found)
        self._instruments = [
            _instrument(number, symbol, options.known) for number, symbol in enumerate(wanted, 1)
        ]

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The stocks."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events.

        Raises:
            FeedError: where a file is damaged or cut off; all before has been yielded.
        """
        return whole_changes(self._events())

    def _events(self) -> Iterator[Events]:
        player = SegmentPlayer(self._instruments)
        try:
            for segment in self._segments():
                yield from player.push(segment)
        except FeedError:
            yield from player.finish()
            raise
        yield from player.finish()

    def _segments(self) -> Iterator[Segment]:
        files = [segments_of(path) for path in self._paths]
        return heapq.merge(*files, key=lambda segment: segment.time_ns)

    def _symbols(self) -> list[str]:
        """Return the symbols that the beginning names."""
        found: dict[bytes, None] = {}
        scanned = -1
        try:
            for segment in self._segments():
                scanned = max(scanned, 0) + len(segment.messages)
                for message in segment.messages:
                    if (symbol := message.symbol) is not None:
                        found[symbol] = None
                if scanned >= _SCANNED_MESSAGES:
                    break
        except FeedError:
            if scanned < 0:
                raise
        if scanned < 0:
            raise FeedError(f"{self._paths[0]} has no segments of IEX DEEP 1.0")
        return [text for symbol in found if (text := _text(symbol))]


def _text(symbol: bytes) -> str:
    """Return a symbol without its padding, "" if it can't be one."""
    text = symbol.rstrip(b" ").decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() and " " not in text else ""


def _instrument(number: int, symbol: str, known: Mapping[str, Instrument]) -> Instrument:
    told = Instrument(number, symbol, PRICE_DECIMALS, 0, _TICK, has_orders=False)
    return refined(told, known.get(symbol))


def _recognises(path: Path, head: bytes) -> bool:
    if not is_capture(head):
        return False
    try:
        return any(is_deep(one.payload) for one in PacketCapture([head], str(path)).datagrams())
    except FeedError:
        return False


def _open(paths: Sequence[Path], options: OpenOptions) -> Source:
    return IexSource(paths, options)


FORMATS: Final[tuple[Format, ...]] = (
    Format("iex-deep", "IEX DEEP 1.0 in a capture", _recognises, _open),
)
