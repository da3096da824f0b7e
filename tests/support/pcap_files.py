"""Packet captures, made up: UDP over IP over links, in pcap and pcapng."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

ETHERNET, RAW_IP, COOKED, COOKED_2 = 1, 101, 113, 276
IPV4, IPV6, VLAN, Q_IN_Q, ARP = 0x0800, 0x86DD, 0x8100, 0x88A8, 0x0806
UDP, TCP = 17, 6
PORT = 10378
GROUP = IPv4Address("233.215.21.4")
GROUP_6 = IPv6Address("ff05::114")
TIME_NS = 1_493_132_598_742_111_000
SNAPLEN = 65_535
ENHANCED, SIMPLE, OLD = 6, 3, 2


class Packet(NamedTuple):
    """A packet on the wire."""

    data: bytes
    time_ns: int = TIME_NS


def udp(payload: bytes, port: int = PORT) -> bytes:
    return struct.pack(">HHHH", 40_000, port, 8 + len(payload), 0) + payload


def ipv4(
    data: bytes, *, protocol: int = UDP, fragment: int = 0, options: bytes = b"", total: int = -1
) -> bytes:
    """Return an IPv4 packet.

    Args:
        data: what it carries.
        protocol: of *data*.
        fragment: flags and offset.
        options: a multiple of four bytes.
        total: its length as it tells it; -1 tells the true one.
    """
    head_words = 5 + len(options) // 4
    length = 4 * head_words + len(data) if total < 0 else total
    head = struct.pack(">BBHHHBBH", 0x40 | head_words, 0, length, 1, fragment, 64, protocol, 0)
    return head + IPv4Address("10.1.2.3").packed + GROUP.packed + options + data


def ipv6(
    data: bytes, *, protocol: int = UDP, extensions: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    """Return an IPv6 packet.

    Args:
        data: what it carries.
        protocol: of *data*.
        extensions: types of heads between, and what they are without their first byte.
    """
    kinds = [kind for kind, _ in extensions] + [protocol]
    for following, (_, rest) in zip(reversed(kinds[1:]), reversed(extensions), strict=True):
        data = bytes([following]) + rest + data
    head = struct.pack(">IHBB", 6 << 28, len(data), kinds[0], 1)
    return head + IPv6Address("fe80::1").packed + GROUP_6.packed + data


def ethernet(packet: bytes, kind: int = IPV4, vlans: Sequence[int] = ()) -> bytes:
    tags = b"".join(struct.pack(">HH", tag, 100) for tag in vlans)
    return b"\x01\x00\x5e\x57\x15\x04" + b"\x02" * 6 + tags + struct.pack(">H", kind) + packet


def cooked(packet: bytes, kind: int = IPV4) -> bytes:
    return struct.pack(">HHH8xH", 2, 1, 6, kind) + packet


def cooked_2(packet: bytes, kind: int = IPV4) -> bytes:
    return struct.pack(">HHIHBB8x", kind, 0, 3, 1, 2, 6) + packet


def datagram(payload: bytes, time_ns: int = TIME_NS) -> Packet:
    """Return the most usual packet: UDP, IPv4, Ethernet."""
    return Packet(ethernet(ipv4(udp(payload))), time_ns)


def pcap(
    *packets: Packet,
    order: str = "<",
    in_ns: bool = False,
    link_type: int = ETHERNET,
    snaplen: int = SNAPLEN,
) -> bytes:
    """Return a pcap file.

    Args:
        packets: in the file's order.
        order: of its bytes, "<" or ">".
        in_ns: whether its times are in nanoseconds instead of microseconds.
        link_type: of all packets.
        snaplen: no more bytes are kept of a packet.
    """
    magic = 0xA1B23C4D if in_ns else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)
    for packet in packets:
        seconds, ns = divmod(packet.time_ns, 1_000_000_000)
        kept = packet.data[:snaplen]
        fraction = ns if in_ns else ns // 1000
        data += struct.pack(order + "IIII", seconds, fraction, len(kept), len(packet.data)) + kept
    return data


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Return a block of pcapng."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    order: str = "<", *options: bytes, link_type: int = ETHERNET, snaplen: int = SNAPLEN
) -> bytes:
    head = struct.pack(order + "HHI", link_type, 0, snaplen)
    end = option(0, b"", order) if options else b""
    return block(1, head + b"".join(options) + end, order)


def packet_block(
    packet: Packet,
    order: str = "<",
    *,
    number: int = 0,
    units_per_s: int = 1_000_000,
    offset_s: int = 0,
    snaplen: int = SNAPLEN,
    kind: int = ENHANCED,
) -> bytes:
    """Return the block of a packet.

    Args:
        packet: what it holds.
        order: of its bytes, "<" or ">".
        number: of its interface.
        units_per_s: of its time.
        offset_s: what its time is counted from, s since 1970 UTC.
        snaplen: no more bytes are kept.
        kind: `ENHANCED`, `SIMPLE` or `OLD`.
    """
    kept = packet.data[:snaplen]
    if kind == SIMPLE:
        return block(kind, struct.pack(order + "I", len(packet.data)) + kept, order)
    ticks = (packet.time_ns - offset_s * 1_000_000_000) * units_per_s // 1_000_000_000
    numbers = (ticks >> 32, ticks & 0xFFFFFFFF, len(kept), len(packet.data))
    layout = order + ("HxxIIII" if kind == OLD else "IIIII")
    return block(kind, struct.pack(layout, number, *numbers) + kept, order)


def pcapng(*packets: Packet, order: str = "<") -> bytes:
    """Return a pcapng file: a section, an interface, a block a packet."""
    blocks = [packet_block(packet, order) for packet in packets]
    return section(order) + interface(order) + b"".join(blocks)
