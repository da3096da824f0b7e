"""Packet captures: UDP payloads come out, whatever they are wrapped in; damage is told once."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.feeds.files import read_blocks
from market_depth.feeds.pcap import Datagram, PacketCapture, is_capture
from support.damage import damaged
from support.errors import one_line_error
from support.hypothesis_settings import relaxed
from support.pcap_files import (
    ARP,
    COOKED,
    COOKED_2,
    ETHERNET,
    GROUP,
    GROUP_6,
    IPV6,
    OLD,
    PORT,
    Q_IN_Q,
    RAW_IP,
    SIMPLE,
    TCP,
    TIME_NS,
    VLAN,
    Packet,
    block,
    cooked,
    cooked_2,
    datagram,
    ethernet,
    interface,
    ipv4,
    ipv6,
    option,
    packet_block,
    pcap,
    pcapng,
    section,
    udp,
)

NAME = "some.pcap"
PAYLOAD = b"hello, world"
USUAL = datagram(PAYLOAD)
PACKETS = [USUAL, datagram(b"more"), datagram(b"and more")]
PCAP_HEAD, RECORD_HEAD = 24, 16


def capture(data: bytes, block_bytes: int = 64) -> PacketCapture:
    blocks = (data[at : at + block_bytes] for at in range(0, len(data), block_bytes))
    return PacketCapture(blocks, NAME)


def datagrams(data: bytes) -> list[Datagram]:
    return list(capture(data).datagrams())


def payloads(data: bytes) -> list[bytes]:
    return [one.payload for one in datagrams(data)]


def played(data: bytes) -> tuple[list[Datagram], str]:
    """Return what comes of a capture, and the error behind it, if there is one."""
    found: list[Datagram] = []
    complaint = ""
    try:
        found.extend(capture(data).datagrams())
    except FeedError as error:
        complaint = str(error)
    return found, complaint


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("in_ns", [False, True])
def test_pcap_in_either_byte_order_with_micro_or_nanoseconds(order: str, in_ns: bool) -> None:
    data = pcap(USUAL, datagram(b"more", TIME_NS + 1001), order=order, in_ns=in_ns)
    first, second = datagrams(data)
    assert first == Datagram(
        TIME_NS, GROUP.packed, PORT, PAYLOAD, True, PCAP_HEAD + RECORD_HEAD + 14 + 20 + 8
    )
    assert second.payload == b"more"
    assert second.time_ns == TIME_NS + (1001 if in_ns else 1000)
    assert data[second.offset :] == b"more"


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_in_either_byte_order(order: str) -> None:
    data = pcapng(USUAL, datagram(b"more", TIME_NS + 1000), order=order)
    first, second = datagrams(data)
    assert (first.time_ns, second.time_ns) == (TIME_NS, TIME_NS + 1000)
    for one, payload in ((first, PAYLOAD), (second, b"more")):
        assert (one.address, one.port, one.payload) == (GROUP.packed, PORT, payload)
        assert one.is_whole
        assert data[one.offset : one.offset + len(payload)] == payload


@pytest.mark.parametrize(
    ("resolution", "units_per_s"),
    [(b"\x09", 10**9), (b"\x06", 10**6), (b"\x03", 1000), (b"\x94", 2**20), (b"\x9e", 2**30)],
)
@pytest.mark.parametrize("offset_s", [0, 1_000_000_000, -5])
def test_times_of_pcapng_are_in_the_interfaces_units_from_its_offset(
    resolution: bytes, units_per_s: int, offset_s: int
) -> None:
    options = [option(9, resolution), option(14, offset_s.to_bytes(8, "little", signed=True))]
    blocks = packet_block(USUAL, units_per_s=units_per_s, offset_s=offset_s)
    (found,) = datagrams(section() + interface("<", option(2, b"eth0"), *options) + blocks)
    assert 0 <= TIME_NS - found.time_ns <= 10**9 // units_per_s + 1


def test_each_section_of_pcapng_has_a_byte_order_and_interfaces_of_its_own() -> None:
    raw = Packet(ipv4(udp(b"raw")))
    data = (
        pcapng(USUAL)
        + section(">")
        + interface(">", link_type=RAW_IP)
        + interface(">")
        + block(5, b"statistics", ">")
        + packet_block(raw, ">")
        + packet_block(datagram(b"third"), ">", number=1)
    )
    assert payloads(data) == [PAYLOAD, b"raw", b"third"]


def test_older_and_simple_packet_blocks() -> None:
    data = (
        section() + interface() + packet_block(USUAL, kind=OLD) + packet_block(USUAL, kind=SIMPLE)
    )
    old, simple = datagrams(data)
    assert old.payload == simple.payload == PAYLOAD
    assert (old.time_ns, simple.time_ns) == (TIME_NS, 0)


def test_what_a_simple_packet_block_keeps_is_told_by_its_interface() -> None:
    unlimited = section() + interface(snaplen=0) + packet_block(USUAL, kind=SIMPLE)
    assert payloads(unlimited) == [PAYLOAD]
    kept = len(USUAL.data) - 3
    data = section() + interface(snaplen=kept) + packet_block(USUAL, snaplen=kept, kind=SIMPLE)
    (found,) = datagrams(data)
    assert (found.payload, found.is_whole) == (PAYLOAD[:-3], False)


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD)))),
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD)), vlans=[VLAN])),
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD)), vlans=[Q_IN_Q, VLAN])),
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD))) + bytes(30)),
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD), options=bytes(8)))),
        (ETHERNET, ethernet(ipv4(udp(PAYLOAD), total=0))),
        (RAW_IP, ipv4(udp(PAYLOAD))),
        (COOKED, cooked(ipv4(udp(PAYLOAD)))),
        (COOKED_2, cooked_2(ipv4(udp(PAYLOAD)))),
        (1 << 28 | ETHERNET, ethernet(ipv4(udp(PAYLOAD))) + b"FCS!"),
    ],
)
def test_udp_over_ipv4(link_type: int, data: bytes) -> None:
    (found,) = datagrams(pcap(Packet(data), link_type=link_type))
    assert (found.address, found.port, found.payload) == (GROUP.packed, PORT, PAYLOAD)
    assert found.is_whole


HOP_BY_HOP, ROUTING, DESTINATION, FRAGMENT = 0, 43, 60, 44


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (ETHERNET, ethernet(ipv6(udp(PAYLOAD)), IPV6)),
        (ETHERNET, ethernet(ipv6(udp(PAYLOAD)), IPV6, [VLAN])),
        (RAW_IP, ipv6(udp(PAYLOAD))),
        (COOKED, cooked(ipv6(udp(PAYLOAD)), IPV6)),
        (
            RAW_IP,
            ipv6(
                udp(PAYLOAD),
                extensions=[(HOP_BY_HOP, bytes(7)), (DESTINATION, b"\x01" + bytes(14))],
            ),
        ),
        (RAW_IP, ipv6(udp(PAYLOAD), extensions=[(ROUTING, bytes(7))])),
    ],
)
def test_udp_over_ipv6(link_type: int, data: bytes) -> None:
    (found,) = datagrams(pcap(Packet(data), link_type=link_type))
    assert (found.address, found.port, found.payload) == (GROUP_6.packed, PORT, PAYLOAD)
    assert found.is_whole


MORE_FRAGMENTS = 0x2000


def test_what_is_no_udp_is_left_out_and_counted() -> None:
    others = [
        ethernet(b"who has 10.1.2.3?", ARP),
        ethernet(ipv4(udp(PAYLOAD), protocol=TCP)),
        ethernet(ipv6(udp(PAYLOAD), protocol=TCP), IPV6),
        ethernet(b"\x42" * 40, 0x0026),
        ethernet(b"", VLAN),
    ]
    fragments = [
        ethernet(ipv4(udp(PAYLOAD), fragment=MORE_FRAGMENTS)),
        ethernet(ipv4(PAYLOAD, fragment=185)),
        ethernet(ipv6(udp(PAYLOAD), extensions=[(FRAGMENT, bytes(7))]), IPV6),
    ]
    malformed = [
        ethernet(b""),
        ethernet(ipv4(udp(PAYLOAD), total=30)),
        ethernet(ipv4(udp(PAYLOAD), total=2000)),
        ethernet(
            ipv4(struct.pack(">HHHH", 20, PORT, 20, 0) + PAYLOAD).replace(b"\x45", b"\x44", 1)
        ),
        ethernet(ipv4(udp(PAYLOAD)).replace(b"\x45", b"\x55", 1)),
        ethernet(ipv4(b"\0\1\0\1\0\7\0\0")),
        ethernet(ipv6(udp(PAYLOAD)[:6]), IPV6),
        ethernet(ipv6(b"", extensions=[(HOP_BY_HOP, b"\x09" + bytes(6))]), IPV6),
    ]
    packets = [Packet(data) for data in (*others, *fragments, *malformed)]
    found = capture(pcap(*packets, USUAL))
    assert [one.payload for one in found.datagrams()] == [PAYLOAD]
    assert found.packets == 17
    assert (found.other_packets, found.fragments, found.malformed_packets) == (5, 3, 8)


def test_raw_packets_of_neither_version_are_left_out() -> None:
    other = Packet(ipv6(udp(PAYLOAD)).replace(b"\x60", b"\x50", 1))
    found = capture(pcap(other, Packet(ipv6(udp(PAYLOAD))), link_type=RAW_IP))
    assert [one.payload for one in found.datagrams()] == [PAYLOAD]
    assert found.other_packets == 1


def test_a_packet_is_as_long_as_what_was_captured_where_it_tells_less() -> None:
    data = bytearray(pcap(USUAL))
    struct.pack_into("<I", data, PCAP_HEAD + 12, 0)
    assert payloads(bytes(data)) == [PAYLOAD]


@pytest.mark.parametrize("kept", [42, 47, 53])
@pytest.mark.parametrize("is_next_generation", [False, True])
def test_a_packet_that_was_captured_in_part_gives_what_there_is(
    kept: int, is_next_generation: bool
) -> None:
    data = pcap(USUAL, USUAL, snaplen=kept)
    if is_next_generation:
        data = section() + interface() + 2 * packet_block(USUAL, snaplen=kept)
    for found in datagrams(data):
        assert (found.payload, found.is_whole) == (PAYLOAD[: kept - 42], False)


def test_a_packet_captured_up_to_within_its_heads_is_left_out() -> None:
    found = capture(pcap(USUAL, snaplen=41))
    assert list(found.datagrams()) == []
    assert (found.packets, found.malformed_packets) == (1, 1)


CUT_WORDS = {
    3: "begins with 'd4c3b2'",
    20: "head of a packet capture",
    PCAP_HEAD + 5: "head",
    PCAP_HEAD + RECORD_HEAD + 30: "a packet",
}


@pytest.mark.parametrize("length", CUT_WORDS)
def test_a_pcap_file_cut_before_its_first_payload(length: int) -> None:
    with one_line_error(FeedError, NAME, CUT_WORDS[length]):
        datagrams(pcap(USUAL)[:length])


@pytest.mark.parametrize(
    ("whole", "ends"),
    [
        (pcap(*PACKETS), [len(pcap(*PACKETS[:count])) for count in range(4)]),
        (
            pcapng(*PACKETS),
            [len(section()), *(len(pcapng(*PACKETS[:count])) for count in range(4))],
        ),
    ],
)
def test_a_file_cut_anywhere_gives_all_before_the_cut_and_one_error(
    whole: bytes, ends: list[int]
) -> None:
    found = datagrams(whole)
    for length in range(4, len(whole) + 1):
        here = [one for one in found if one.offset + len(one.payload) <= length]
        given_here, complaint = played(whole[:length])
        assert given_here[: len(here)] == here
        for one in given_here[len(here) :]:
            assert not one.is_whole
            assert whole[one.offset : length] == one.payload
        assert bool(complaint) is (length not in ends)
        assert f"cut off at byte {length}," in complaint or not complaint


@pytest.mark.parametrize("share", [0.3, 0.5, 0.55, 0.6, 0.95])
def test_a_packed_file_that_is_cut_off_gives_all_before(tmp_path: Path, share: float) -> None:
    path = tmp_path / NAME
    sent = [bytes([number % 251]) * (number % 9) for number in range(1000)]
    packed = gzip.compress(pcap(*map(datagram, sent)))
    length = int(share * len(packed))
    path.write_bytes(packed[:length])
    found: list[Datagram] = []
    with one_line_error(FeedError, str(path), f"cut off at byte {length}, within a gzip frame"):
        found.extend(PacketCapture(read_blocks(path), str(path)).datagrams())
    whole = [one.payload for one in found if one.is_whole]
    assert len(whole) > (share - 0.2) * len(sent)
    assert whole == sent[: len(whole)]
    assert len(found) - len(whole) <= 1


BODY = packet_block(USUAL)[8:-4]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["no packet capture", "''"]),
        (b"hello, this is no capture", ["no packet capture", "'68656c6c'"]),
        (
            pcap(USUAL) + bytes(8) + b"\x01\0\x04\0" + bytes(4),
            [f"damaged at byte {len(pcap(USUAL))}", "262145 bytes"],
        ),
        (pcap(USUAL, link_type=147), ["link type 147", "Ethernet"]),
        (section() + interface(link_type=0) + packet_block(USUAL), ["link type 0", "Ethernet"]),
        (section().replace(b"\x4d\x3c\x2b\x1a", b"MARK"), ["damaged at byte 8", "byte order"]),
        (section() + block(1, b"1234"), ["damaged at byte 28", "interface 0"]),
        (section() + packet_block(USUAL), ["damaged at byte 36", "no interface 0"]),
        (section() + interface() + packet_block(USUAL, number=1), ["no interface 1"]),
        (section() + b"\6\0\0\0\x11\0\0\0", ["damaged at byte 28", "17 bytes"]),
        (section() + b"\6\0\0\0\x08\0\0\0", ["damaged at byte 28", "8 bytes"]),
        (section() + b"\6\0\0\0\0\0\0\x02" + bytes(99), ["damaged at byte 28", "33554432 bytes"]),
        (section() + block(9, b"1234")[:-4] + bytes(4), ["damaged at byte 40", "at its end"]),
        (
            section() + interface() + block(6, BODY[:12] + b"\xff\0" + BODY[14:]),
            ["damaged at byte 56", "255 bytes in"],
        ),
        (
            section() + interface() + block(6, BODY[:4] + b"\xff" * 8 + BODY[12:]),
            ["damaged at byte 56", "time"],
        ),
        (
            section() + interface("<", option(14, b"\xff" * 8)) + packet_block(Packet(b"", 0)),
            ["damaged at byte", "time is 0"],
        ),
    ],
)
def test_what_is_damaged_is_one_clear_error(data: bytes, words: list[str]) -> None:
    with one_line_error(FeedError, NAME, *words):
        datagrams(data)


def test_links_that_cant_be_read_do_no_harm_beside_others() -> None:
    usb = packet_block(Packet(b"something else"), number=1)
    found = capture(pcapng(USUAL) + interface(link_type=220) + usb + packet_block(USUAL))
    assert [one.payload for one in found.datagrams()] == [PAYLOAD, PAYLOAD]
    assert found.other_packets == 1


def test_captures_are_told_by_their_first_bytes() -> None:
    for data in (pcap(), pcap(order=">"), pcap(in_ns=True), pcap(order=">", in_ns=True), pcapng()):
        assert is_capture(data)
        assert not is_capture(data[:3])
    assert not is_capture(b"PAR1")


def test_no_more_is_read_ahead_than_is_needed() -> None:
    data = pcap(*(datagram(bytes(1000)) for _ in range(100)))
    read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        for at in range(0, len(data), 4096):
            read = at + 4096
            yield data[at:read]

    for found in PacketCapture(blocks(), NAME).datagrams():
        assert read < found.offset + 2 * 4096


WHOLE = [
    pcap(*(datagram(bytes([n]) * n) for n in range(8)), order=">"),
    pcapng(*(datagram(bytes([n]) * n) for n in range(8))),
    section(">")
    + interface(">", option(9, b"\x09", ">"), link_type=RAW_IP)
    + packet_block(Packet(ipv6(udp(PAYLOAD), extensions=[(HOP_BY_HOP, bytes(7))])), ">")
    + packet_block(Packet(ipv4(udp(PAYLOAD))), ">", kind=SIMPLE),
]


@relaxed
@given(data=st.sampled_from(WHOLE).flatmap(damaged))
def test_any_damage_gives_payloads_or_one_error(data: bytes) -> None:
    found, complaint = played(data)
    for one in found:
        assert 0 <= one.time_ns < 2**63
        assert data[one.offset : one.offset + len(one.payload)] == one.payload
    assert sum(len(one.payload) for one in found) <= len(data)
    assert complaint.startswith(NAME) or not complaint
    assert len(complaint.splitlines()) <= 1
