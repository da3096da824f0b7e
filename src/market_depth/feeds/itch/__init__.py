"""Nasdaq TotalView-ITCH 5.0: every order of a day, of all stocks, from files or packet captures.

What messages become:

    S O        CLEAR and STATUS live: books are empty at the start of messages
    A F        ADD
    E C        TRADE (unless it is not printed: its volume comes with a cross), FILL, CANCEL
    X D        CANCEL, of some shares or of all that are left
    U          CANCEL and ADD, as one change: the new order has the old one's side and queues anew
    P Q        TRADE; nothing that was displayed has changed
    B          NONE; as with trades, the order id is the match number
    H h        STATUS halted or live
    S S        STATUS halted, of stocks that no H has named since the start, if others were named:
               they are not traded

All else does not touch a book and gives no events. Executions, cancels and deletes tell no price
and side; they get those of the order that rests, which the decoder remembers, and `UNDEFINED_PRICE`
and no side where it was never seen (C tells its own price). Books are live from a start of messages
on; a recording, or a session of it, that begins later has books that are stale until there is one.

`ts_event` is the day's midnight in New York plus what the message tells; the day is taken from the
file's name, or from the time of a capture, and is 1970-01-01 UTC where neither tells it.
`sequence` is the message's number in the session. Instrument ids are stock locates. The stocks are
those that are named before the first orders of a day; others that are wanted by their symbols are
looked for further on, within bounds. A locate stands for the stock that a message has named with it
last, so one that is listed later, or numbered anew, gets into no other's book: it is left out.

Source: https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/NQTVITCHspecification.pdf
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError
from market_depth.events import Events
from market_depth.feeds.base import Format, OpenOptions, Source
from market_depth.feeds.files import head_of
from market_depth.feeds.itch.files import (
    FramedFiles,
    is_framed,
    message_counts_of_file,
    venue_of,
)
from market_depth.feeds.itch.mold import MoldCaptures, message_counts_of_capture, mold_packet
from market_depth.feeds.itch.records import UNDEFINED_PRICE
from market_depth.feeds.pcap import PacketCapture, is_capture
from market_depth.instruments import Instrument

__all__ = ["FORMATS", "UNDEFINED_PRICE", "ItchSource", "message_counts"]


class ItchSource:
    """Files of messages, or captures of one feed, as one source.

    Args:
        recording: where the messages come from.
    """

    def __init__(self, recording: FramedFiles | MoldCaptures) -> None:
        self._recording = recording

    @property
    def instruments(self) -> Sequence[Instrument]:
        """The stocks."""
        return self._recording.directory.instruments

    def chunks(self) -> Iterator[Events]:
        """Yield the events, each message one change.

        Raises:
            FeedError: where a file is damaged or cut off; all before has been yielded.
        """
        return self._recording.events()


def message_counts(path: Path) -> dict[str, int]:
    """Return how many messages a file or a capture has of each type: {"A": 5000, …}.

    Raises:
        FeedError: if it can't be read, is damaged or cut off.
    """
    if is_capture(head_of(path)):
        return message_counts_of_capture(path)
    return message_counts_of_file(path)


def _is_file(path: Path, head: bytes) -> bool:
    return is_framed(head)


def _is_capture(path: Path, head: bytes) -> bool:
    if not is_capture(head):
        return False
    try:
        return any(
            packet is not None and packet.messages
            for datagram in PacketCapture([head], str(path)).datagrams()
            if (packet := mold_packet(datagram, path)) is not None
        )
    except FeedError:
        return False


def _open_files(paths: Sequence[Path], options: OpenOptions) -> Source:
    return ItchSource(FramedFiles(paths, options))


def _open_captures(paths: Sequence[Path], options: OpenOptions) -> Source:
    return ItchSource(MoldCaptures(paths, options))


FORMATS: Final[tuple[Format, ...]] = (
    Format("itch", "Nasdaq TotalView-ITCH 5.0", _is_file, _open_files, venue_of),
    Format("itch-pcap", "Nasdaq TotalView-ITCH 5.0 in a capture", _is_capture, _open_captures),
)
