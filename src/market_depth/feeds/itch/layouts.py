"""Nasdaq TotalView-ITCH 5.0: what its messages are, and where their fields stand.

All numbers are big-endian. Each message begins with its type, the stock locate (2 bytes), a
tracking number (2) and ns since midnight in New York (6). Prices are in 1/10000 dollar.

Source: https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/NQTVITCHspecification.pdf
"""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = [
    "FRAME_BYTES",
    "HEAD_BYTES",
    "LENGTHS",
    "MAX_MESSAGE_BYTES",
    "MESSAGE_BYTES",
    "PRICE_DECIMALS",
    "STOCK_BYTES",
    "STOCK_PLACES",
    "tells_lengths",
    "whole_messages",
]

PRICE_DECIMALS: Final = 4
FRAME_BYTES: Final = 2
"""The length in front of a message, in files and in packets."""
HEAD_BYTES: Final = 11
STOCK_BYTES: Final = 8

_MESSAGES: Final = (
    ("S", 12, 0),  # system event
    ("R", 39, 11),  # stock directory
    ("H", 25, 11),  # stock trading action
    ("Y", 20, 11),  # Reg SHO restriction
    ("L", 26, 15),  # market participant position
    ("V", 35, 0),  # market-wide circuit breaker levels
    ("W", 12, 0),  # market-wide circuit breaker status
    ("K", 28, 11),  # IPO quoting period update
    ("J", 35, 11),  # limit up/limit down auction collar
    ("h", 21, 11),  # operational halt
    ("A", 36, 24),  # add order
    ("F", 40, 24),  # add order, with the market participant
    ("E", 31, 0),  # order executed
    ("C", 36, 0),  # order executed at a price of its own
    ("X", 23, 0),  # order cancel: fewer shares
    ("D", 19, 0),  # order delete
    ("U", 35, 0),  # order replace
    ("P", 44, 24),  # trade of an order that was not displayed
    ("Q", 40, 19),  # cross trade
    ("B", 19, 0),  # broken trade
    ("I", 50, 28),  # net order imbalance
    ("N", 20, 11),  # retail price improvement
    ("O", 48, 11),  # direct listing with capital raise: price discovery
)

MESSAGE_BYTES: Final = {kind: length for kind, length, _ in _MESSAGES}
MAX_MESSAGE_BYTES: Final = max(MESSAGE_BYTES.values())

LENGTHS: Final = np.zeros(256, np.int64)
"""Of messages by their types; 0 of what is no type."""
STOCK_PLACES: Final = np.zeros(256, np.int64)
"""Where messages have the stock's symbol, 0 where they don't."""
for _kind, _length, _place in _MESSAGES:
    LENGTHS[ord(_kind)] = _length
    STOCK_PLACES[ord(_kind)] = _place


def tells_lengths(head: bytes) -> bool:
    """Whether there are lengths in front of messages, not zeros."""
    return not (
        len(head) > FRAME_BYTES and not any(head[:FRAME_BYTES]) and LENGTHS[head[FRAME_BYTES]] > 0
    )


def whole_messages(data: bytes, most: int) -> tuple[int, bool]:
    """Return how many whole messages *data* begins with, and whether what comes next is none.

    Args:
        data: messages, each with its length or zeros in front.
        most: no more than so many are looked at.
    """
    has_lengths = tells_lengths(data)
    at = 0
    for count in range(most):
        if at + FRAME_BYTES >= len(data):
            return count, False
        length = int.from_bytes(data[at : at + FRAME_BYTES], "big")
        expected = int(LENGTHS[data[at + FRAME_BYTES]])
        if not expected or length != (expected if has_lengths else 0):
            return count, True
        at += FRAME_BYTES + expected
        if at > len(data):
            return count, False
    return most, False
