"""ITCH in packet captures: MoldUDP64, whose packets number their messages.

A packet has the session (10 bytes), the sequence number of its first message (8), how many there
are (2), and each message with its length in front. A count of 0 is a heartbeat, 65,535 the end of
the session. Packets that come twice, as by the two lines of a feed, count once; late ones are
waited for. Where messages are lost all books are stale until the next start of a day: the feed has
no snapshots. A packet numbered 0 is taken as it comes. Of two sessions the second one begins where
its first packet comes; what comes late of the first one and is new shows that there are two feeds.

Packets that are no MoldUDP64 are left out, unless others to the same address were.

Source: https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/moldudp64.pdf
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from market_depth.errors import FeedError
from market_depth.events import Events, StatusReason
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.files import read_blocks
from market_depth.feeds.itch.days import midnight_of_time
from market_depth.feeds.itch.decoder import ItchDecoder
from market_depth.feeds.itch.directory import Batch, Directory, Stocks
from market_depth.feeds.itch.files import damage_at
from market_depth.feeds.itch.frames import count_messages, walk_messages
from market_depth.feeds.itch.layouts import FRAME_BYTES, MAX_MESSAGE_BYTES
from market_depth.feeds.itch.records import SEGMENT_DTYPE
from market_depth.feeds.pcap import Datagram, PacketCapture
from market_depth.feeds.sequencing import Sequencer

__all__ = ["MoldCaptures", "message_counts_of_capture", "mold_packet"]

_HEAD: Final = struct.Struct(">10sQH")
_END_OF_SESSION: Final = 0xFFFF
_BATCH_BYTES: Final = 256 * 1024
_MAX_SEQUENCE: Final = 2**62


class MoldPacket(NamedTuple):
    """A packet with messages, or a heartbeat."""

    session: bytes
    first: int
    """Sequence number of the first message, of the next one if there is none; 0 of a packet that
    is not numbered."""
    message_count: int
    """Of whole messages."""
    messages: bytes
    """Whole ones, with their lengths in front."""
    time_ns: int
    path: Path
    offset: int
    """Of the first message in the unpacked file."""

    @property
    def next(self) -> int:
        """Sequence number of the message behind the last one."""
        return self.first + self.message_count


def mold_packet(datagram: Datagram, path: Path) -> MoldPacket | None:
    """Return a packet of ITCH messages, `None` if it is none."""
    payload = datagram.payload
    if len(payload) < _HEAD.size:
        return None
    session, first, count = _HEAD.unpack_from(payload)
    if count == _END_OF_SESSION:
        count = 0
    is_text = session.isascii() and (session.decode("ascii").isprintable() or not any(session))
    if not is_text or first >= _MAX_SEQUENCE:
        return None
    body = payload[_HEAD.size :]
    end = np.zeros(2, np.int64)
    found = walk_messages(np.frombuffer(body, np.uint8), count, end)
    rest = len(body) - int(end[0])
    if datagram.is_whole:
        is_right = found == count and not rest
    else:
        is_right = not end[1] and rest < FRAME_BYTES + MAX_MESSAGE_BYTES
    if not is_right:
        return None
    offset = datagram.offset + _HEAD.size
    return MoldPacket(session, first, found, body[: end[0]], datagram.time_ns, path, offset)


class MoldCaptures:
    """Captures of one feed, such as its two lines or parts of its day.

    Args:
        paths: the files.
        options: whose decimals are known, and what to play.

    Raises:
        FeedError: if one can't be read, none of them has such a packet, or a symbol is not there.
    """

    def __init__(self, paths: Sequence[Path], options: OpenOptions) -> None:
        self._paths = paths
        self._stocks = Stocks(self._batches(), options.symbols)
        self.directory = Directory([self._stocks], str(paths[0]), options.known, options.symbols)

    def events(self) -> Iterator[Events]:
        """Yield the events.

        Raises:
            FeedError: where a file is damaged or cut off; all before has been yielded.
        """
        targets = self.directory.targets(self._stocks)
        player = _Player(ItchDecoder(targets, self.directory.target_of))
        try:
            for packet in self._packets():
                yield from player.push(packet)
        except FeedError:
            yield from player.finish()
            raise
        yield from player.finish()

    def _packets(self) -> Iterator[MoldPacket]:
        """Yield the packets of all files in the order of their times."""
        files = [_packets_of(path) for path in self._paths]
        return heapq.merge(*files, key=lambda packet: packet.time_ns)

    def _batches(self) -> Iterator[Batch]:
        """Yield the messages of all files; before a failure, all there were."""
        has_packets = False
        data = bytearray()
        try:
            for packet in self._packets():
                has_packets = True
                data += packet.messages
                if len(data) >= _BATCH_BYTES:
                    yield bytes(data), True
                    data.clear()
        except FeedError:
            if data:
                yield bytes(data), True
            raise
        if data:
            yield bytes(data), True
        if not has_packets:
            raise FeedError(f"{self._paths[0]} has no MoldUDP64 packets with ITCH 5.0")


def _packets_of(path: Path) -> Iterator[MoldPacket]:
    believed: set[tuple[bytes, int]] = set()
    for datagram in PacketCapture(read_blocks(path), str(path)).datagrams():
        packet = mold_packet(datagram, path)
        place = datagram.address, datagram.port
        if packet is not None:
            if packet.messages:
                believed.add(place)
            yield packet
        elif place in believed and len(datagram.payload) > _HEAD.size:
            raise FeedError(f"{path} is damaged at byte {datagram.offset}: no MoldUDP64 packet")


class _Player:
    """Packets as events."""

    def __init__(self, decoder: ItchDecoder) -> None:
        self._decoder = decoder
        self._sequencer: Sequencer[MoldPacket] = Sequencer()
        self._session: bytes | None = None
        self._left: dict[bytes, int] = {}
        """The number of the message that would have been next, of sessions that are over."""
        self._data = bytearray()
        self._segments: list[tuple[int, int]] = []
        self._places: list[MoldPacket] = []
        """Where each segment comes from."""
        self._sequence: int | None = None
        """Of the first message of the data at hand."""

    def push(self, packet: MoldPacket) -> Iterator[Events]:
        """Yield what can be played now.

        Raises:
            FeedError: if the packet is of another feed.
        """
        if packet.session in self._left:
            self._check_late(packet)
            return
        if packet.session != self._session:
            yield from self._begin(packet)
        if not packet.first:
            yield from self._add(packet, 0)
            return
        for one in self._sequencer.push(packet, packet.first, packet.message_count, packet.time_ns):
            yield from self._take(one.packet, one.repeated, one.lost)

    def finish(self) -> Iterator[Events]:
        """Yield what is left."""
        for one in self._sequencer.finish():
            yield from self._take(one.packet, one.repeated, one.lost)
        yield from self._flush()

    def _check_late(self, packet: MoldPacket) -> None:
        """Raise FeedError if a packet of a session that is over has something new."""
        if packet.message_count and (not packet.first or packet.next > self._left[packet.session]):
            raise FeedError(
                f"{packet.path} has two feeds at once at byte {packet.offset}, with sessions "
                f"{(self._session or b'').decode()!r} and {packet.session.decode()!r}"
            )

    def _begin(self, packet: MoldPacket) -> Iterator[Events]:
        """Begin a session."""
        yield from self.finish()
        if self._session is not None:
            self._left[self._session] = self._sequencer.expected or 0
        self._sequencer = Sequencer()
        self._session = packet.session
        self._decoder.begin_session(midnight_of_time(packet.time_ns, packet.path))

    def _take(self, packet: MoldPacket, repeated: int, lost: int) -> Iterator[Events]:
        if lost:
            yield from self._flush()
            yield from self._decoder.lose(StatusReason.GAP, packet.time_ns)
        yield from self._add(packet, repeated)

    def _add(self, packet: MoldPacket, repeated: int) -> Iterator[Events]:
        if repeated >= packet.message_count:
            return
        start = np.zeros(2, np.int64)
        walk_messages(np.frombuffer(packet.messages, np.uint8), repeated, start)
        self._data += packet.messages[start[0] :]
        if not self._segments:
            self._sequence = packet.first + repeated if packet.first else None
        self._segments.append((len(self._data), packet.time_ns or -1))
        self._places.append(packet)
        if len(self._data) >= _BATCH_BYTES:
            yield from self._flush()

    def _flush(self) -> Iterator[Events]:
        if not self._segments:
            return
        data, places = bytes(self._data), self._places
        segments = np.array(self._segments, SEGMENT_DTYPE)
        self._data, self._segments, self._places = bytearray(), [], []
        yield from self._decoder.events(data, segments, sequence=self._sequence)
        if self._decoder.is_damaged:
            # Lengths and types have been looked at already, so this is about what a message says.
            done = self._decoder.done
            which = int(np.searchsorted(segments["end"], done, "right"))
            packet = places[which]
            behind = int(segments["end"][which]) - done
            offset = packet.offset + len(packet.messages) - behind
            raise damage_at(packet.path, data[done:], offset)


def message_counts_of_capture(path: Path) -> dict[str, int]:
    """Return how many messages a capture has of each type, packets that come twice counted twice.

    Raises:
        FeedError: if it can't be read, is damaged or cut off.
    """
    counts = np.zeros(257, np.int64)
    for packet in _packets_of(path):
        count_messages(np.frombuffer(packet.messages, np.uint8), True, counts)
    return {chr(kind): int(counts[kind]) for kind in np.flatnonzero(counts).tolist()}
