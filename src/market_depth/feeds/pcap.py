"""UDP payloads out of packet captures: over Ethernet, Linux cooked and raw IP.

Packets that are no UDP over IP, fragments of IP packets, and packets whose own lengths do not fit
are left out and counted. Of a packet that was captured in part, or that a file ends in, what there
is of its payload is given, marked as not whole. Checksums are not looked at: a sender's capture is
made before its network card puts them in.

Sources: https://www.tcpdump.org/linktypes.html, RFC 791, RFC 8200, RFC 768
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from market_depth.errors import FeedError
from market_depth.feeds.pcap_packets import CapturedPacket, is_capture, packets_in

__all__ = ["Datagram", "PacketCapture", "is_capture"]

_ETHERNET: Final = 1
_LINUX_COOKED: Final = 113
_LINUX_COOKED_2: Final = 276
_RAW_IP: Final = (12, 14, 101, 228, 229)
_ADDRESSES_BYTES: Final = {_ETHERNET: 12, _LINUX_COOKED: 14, _LINUX_COOKED_2: 0}
"""Where the EtherType is."""
_HEAD_BYTES: Final = {_ETHERNET: 14, _LINUX_COOKED: 16, _LINUX_COOKED_2: 20}

_VLAN_TAGS: Final = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_IPV4: Final = b"\x08\x00"
_IPV6: Final = b"\x86\xdd"
_UDP: Final = 17
_IPV6_EXTENSIONS: Final = (0, 43, 60)
_IPV6_FRAGMENT: Final = 44
_IPV6_HEAD_BYTES: Final = 40
_UDP_HEAD_BYTES: Final = 8
_FRAGMENT_BITS: Final = 0x3FFF
"""More fragments, or an offset."""

_UDP_HEAD: Final = struct.Struct(">HHHH")
_SHORT: Final = struct.Struct(">H")


class Datagram(NamedTuple):
    """The payload of a UDP packet."""

    time_ns: int
    """Of the capture, ns since 1970 UTC; 0 where it is not told."""
    address: bytes
    """Where it was sent to, 4 or 16 bytes."""
    port: int
    payload: bytes
    is_whole: bool
    """Whether all of it is here."""
    offset: int
    """Of the payload's first byte in the unpacked file."""


class PacketCapture:
    """The packets of a capture.

    Args:
        blocks: the unpacked file, see `market_depth.feeds.files.read_blocks`.
        name: of the file, for errors.
    """

    def __init__(self, blocks: Iterable[bytes], name: str) -> None:
        self._packets = packets_in(blocks, name)
        self._name = name
        self._unread_links: set[int] = set()
        self.packets = 0
        self.other_packets = 0
        """Packets left out because they are no UDP over IP."""
        self.fragments = 0
        """Fragments of IP packets, left out."""
        self.malformed_packets = 0
        """Packets left out because their lengths do not fit."""

    def datagrams(self) -> Iterator[Datagram]:
        """Yield the UDP payloads.

        Raises:
            FeedError: if it is no capture, or is damaged or cut off; all before has been yielded.
                At its end, if it has only packets of kinds of links that can't be read.
        """
        for packet in self._packets:
            self.packets += 1
            try:
                datagram = self._datagram(packet)
            except (struct.error, IndexError):
                self.malformed_packets += 1
                continue
            if datagram is not None:
                yield datagram
        if self._unread_links and self.other_packets == self.packets:
            raise FeedError(
                f"{self._name} has packets of link type {min(self._unread_links)}; "
                "Ethernet, Linux cooked and raw IP can be read"
            )

    def _datagram(self, packet: CapturedPacket) -> Datagram | None:
        """Return the payload of a packet, `None` if there is none.

        Raises:
            IndexError, struct.error: if it is too short.
        """
        data = packet.data
        at = 0
        is_ip = False
        if packet.link_type in _RAW_IP:
            is_ip = data[0] >> 4 in (4, 6)
            protocol = _IPV4 if data[0] >> 4 == 4 else _IPV6
        elif packet.link_type in _HEAD_BYTES:
            at = _HEAD_BYTES[packet.link_type]
            place = _ADDRESSES_BYTES[packet.link_type]
            protocol = data[place : place + 2]
            while protocol in _VLAN_TAGS:
                protocol = data[at + 2 : at + 4]
                at += 4
            is_ip = protocol in (_IPV4, _IPV6)
        else:
            self._unread_links.add(packet.link_type)
        if not is_ip:
            self.other_packets += 1
            return None
        return self._in_ipv4(packet, at) if protocol == _IPV4 else self._in_ipv6(packet, at)

    def _in_ipv4(self, packet: CapturedPacket, at: int) -> Datagram | None:
        data = packet.data
        head_bytes = (data[at] & 0x0F) * 4
        (total,) = _SHORT.unpack_from(data, at + 2)
        (fragment,) = _SHORT.unpack_from(data, at + 6)
        if data[at + 9] != _UDP:
            self.other_packets += 1
            return None
        if fragment & _FRAGMENT_BITS:
            self.fragments += 1
            return None
        if data[at] >> 4 != 4 or head_bytes < 20:
            raise IndexError
        address = data[at + 16 : at + 20]
        end = at + (total or packet.length - at)  # 0 where the network card cut packets
        return self._in_udp(packet, at + head_bytes, end, address)

    def _in_ipv6(self, packet: CapturedPacket, at: int) -> Datagram | None:
        data = packet.data
        (length,) = _SHORT.unpack_from(data, at + 4)
        following = data[at + 6]
        address = data[at + 24 : at + 40]
        end = at + _IPV6_HEAD_BYTES + length
        place = at + _IPV6_HEAD_BYTES
        while following in _IPV6_EXTENSIONS:
            following, place = data[place], place + 8 * (data[place + 1] + 1)
        if following == _IPV6_FRAGMENT:
            self.fragments += 1
            return None
        if following != _UDP:
            self.other_packets += 1
            return None
        return self._in_udp(packet, place, end, address)

    def _in_udp(self, packet: CapturedPacket, at: int, end: int, address: bytes) -> Datagram:
        _, port, length, _ = _UDP_HEAD.unpack_from(packet.data, at)
        udp_end = at + length
        if length < _UDP_HEAD_BYTES or udp_end > end or end > packet.length:
            raise IndexError
        start = at + _UDP_HEAD_BYTES
        return Datagram(
            packet.time_ns,
            address,
            port,
            packet.data[start:udp_end],
            udp_end <= len(packet.data),
            packet.offset + start,
        )
