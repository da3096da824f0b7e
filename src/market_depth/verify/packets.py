"""Binary feeds of exchanges: their messages counted by type, their packets and gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from market_depth.errors import FeedError
from market_depth.feeds.files import head_of, read_blocks
from market_depth.feeds.iex_messages import MessageType, segment_of
from market_depth.feeds.itch import message_counts
from market_depth.feeds.itch.frames import count_messages
from market_depth.feeds.itch.layouts import tells_lengths
from market_depth.feeds.pcap import PacketCapture
from market_depth.verify.findings import Report

__all__ = ["check_iex", "check_itch"]

_COUNTS: Final = 257
_IS_DAMAGED: Final = 256
_HEAD_BYTES: Final = 40
"""Of an IEX-TP segment."""
_LENGTH_BYTES: Final = 2
_LEVELS: Final = (MessageType.BUY_LEVEL, MessageType.SELL_LEVEL)
_LEVEL_LETTERS: Final = [bytes([kind]) for kind in _LEVELS]


def check_itch(paths: Sequence[Path], report: Report) -> None:
    """Count the messages of ITCH files; each must have the length of its type.

    Raises:
        FeedError: where one is damaged or cut off; what came before has been counted.
    """
    for path in paths:
        report.count("files")
        try:
            counts = message_counts(path)
        except FeedError:
            _add(_whole_messages(path), report)
            raise
        _add(counts, report)


def _whole_messages(path: Path) -> dict[str, int]:
    """Return how many whole messages of each type there are before a file's damage."""
    has_lengths = tells_lengths(head_of(path))
    counts = np.zeros(_COUNTS, np.int64)
    rest = b""
    with suppress(FeedError):
        for block in read_blocks(path):
            data = rest + block
            rest = data[count_messages(np.frombuffer(data, np.uint8), has_lengths, counts) :]
            if counts[_IS_DAMAGED]:
                break
    return {chr(kind): int(counts[kind]) for kind in np.flatnonzero(counts[:_IS_DAMAGED]).tolist()}


def _add(counts: Mapping[str, int], report: Report) -> None:
    report.check("messages decoded").passes(sum(counts.values()))
    for kind, count in counts.items():
        report.count(f"messages {kind}", count)


def check_iex(paths: Sequence[Path], report: Report) -> None:
    """Count the packets and the price level updates of IEX captures.

    The update in which a packet that was captured in part ends counts too, and
    is told in a figure of its own.

    Raises:
        FeedError: where one is damaged or cut off; what came before has been counted.
    """
    packets = report.check("packets")
    updates = report.check("level updates")
    for path in paths:
        for datagram in PacketCapture(read_blocks(path), str(path)).datagrams():
            segment = segment_of(datagram, path)
            if segment is None:
                continue
            packets.passes()
            updates.passes(sum(message.kind in _LEVELS for message in segment.messages))
            if not datagram.is_whole:
                behind = sum(_LENGTH_BYTES + len(message.body) for message in segment.messages)
                kind = datagram.payload[_HEAD_BYTES + behind + _LENGTH_BYTES :][:1]
                if kind in _LEVEL_LETTERS:
                    updates.passes()
                    report.count("level updates cut off")
