"""Recordings of a venue's messages as a source of events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError
from market_depth.events import Events, last_complete_event
from market_depth.feeds.base import Format, OpenOptions
from market_depth.feeds.captures import CapturedMessage, CaptureKind, read_captures
from market_depth.feeds.complaints import no_such_symbol
from market_depth.feeds.venues.base import Venue, VenueParser
from market_depth.feeds.venues.events import EventWriter
from market_depth.feeds.venues.registry import VENUES, venue_of
from market_depth.feeds.venues.scanning import DecimalScan
from market_depth.instruments import Instrument

__all__ = ["FORMATS", "VenueSource", "hand_over", "with_rest"]

_SCANNED_MESSAGES: Final = 200_000
"""Messages looked at for the instruments' decimals before playing starts."""
_CHUNK_EVENTS: Final = 4096
_WEBSOCKET_PART: Final = re.compile(r"(.+)\.ws\.\d+\.\d+")


class VenueSource:
    """Recordings of one venue as one source: one parser takes all messages, by their times.

    Args:
        paths: the files, in any order; a capture of WebSocket messages by cryptofeed has its REST
            responses in files beside it, which are read too.
        venue: whose messages they are.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if a file can't be read or has none of the venue's messages, or if a symbol
            asked for is not there.
    """

    def __init__(self, paths: Sequence[Path], venue: Venue, options: OpenOptions) -> None:
        self.paths = with_rest(paths)
        self.venue = venue
        self._is_partial = options.symbols is not None
        self._instruments = self._scan(options)

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the messages are about, in the order in which it comes up."""
        return self._instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events, `ts_recv` in order, whole changes only.

        Raises:
            FeedError: at a message that is damaged; all before has been yielded.
        """
        instruments = {one.symbol: one for one in self._instruments}
        writer = EventWriter(instruments, passes_over_others=self._is_partial)
        parser = self.venue.parser(writer)
        failure: FeedError | None = None
        try:
            for message in read_captures(self.paths):
                writer.origin = message
                writer.ts_recv = message.ts_recv
                hand_over(parser, message)
                if writer.length >= _CHUNK_EVENTS and writer.is_whole:
                    yield writer.take()
                    if writer.fault is not None:
                        break
        except FeedError as error:
            failure = error
        if writer.length:
            events = writer.take()
            yield events[: last_complete_event(events)]
        if writer.fault is not None:
            raise _located(writer.fault.origin, writer.fault) from None
        if failure is not None:
            raise failure

    def _scan(self, options: OpenOptions) -> list[Instrument]:
        """Find the instruments that are to be played."""
        scan = DecimalScan()
        parser = self.venue.parser(scan)
        failure: FeedError | None = None
        try:
            for message in islice(read_captures(self.paths), _SCANNED_MESSAGES):
                hand_over(parser, message)
        except FeedError as error:
            failure = error.with_traceback(None)  # which would keep what was being read
        found = {one.symbol: one for one in scan.instruments(options.known)}
        if not found:
            raise failure or FeedError(
                f"{self.paths[0]} has no messages about {self.venue.title}'s books"
            )
        if options.symbols is None:
            return list(found.values())
        for symbol in options.symbols:
            if symbol not in found:
                raise no_such_symbol(self.paths[0], symbol, found)
        return [found[symbol] for symbol in options.symbols]


def hand_over(parser: VenueParser, message: CapturedMessage) -> None:
    """Hand a message to a parser.

    Raises:
        FeedError: as the parser does, with the file and the place.
    """
    kind = message.kind
    try:
        if kind is CaptureKind.RECEIVED:
            parser.received(message.address, message.text)
        elif kind is CaptureKind.FETCHED:
            parser.fetched(message.address, message.text)
        elif kind is CaptureKind.OPENED:
            parser.opened(message.address)
        else:
            parser.sent(message.address, message.text)
    except FeedError as error:
        raise _located(message, error) from None


def with_rest(paths: Sequence[Path]) -> list[Path]:
    """Return the files, and of captures by cryptofeed the REST responses that lie beside them."""
    every = list(paths)
    for path in paths:
        part = _WEBSOCKET_PART.fullmatch(path.name)
        if part is not None:
            beside = re.compile(re.escape(part[1]) + r"\.http\.\d+\.\d+")
            found = sorted(one for one in path.parent.iterdir() if beside.fullmatch(one.name))
            every.extend(one for one in found if one not in every)
    return every


def _located(message: object, error: FeedError) -> FeedError:
    """Return an error with the place of the message that it is about."""
    assert isinstance(message, CapturedMessage)
    return FeedError(f"{message.path}: {error}, in the message at byte {message.offset}")


def _is_of(venue: Venue, path: Path, head: bytes) -> bool:
    return venue_of(head) is venue


def _open(venue: Venue, paths: Sequence[Path], options: OpenOptions) -> VenueSource:
    return VenueSource(paths, venue, options)


FORMATS: Final[tuple[Format, ...]] = tuple(
    Format(venue.name, venue.title, partial(_is_of, venue), partial(_open, venue))
    for venue in VENUES
)
