"""Captures with a message a line: with the time of receipt, and perhaps a name, or bare.

    1723161253937085768 {"stream":"btcusdt@depth@100ms",…   hftbacktest's: ns, message
    1430438404518 order_created {"price": "236.47",…        ms, name of the event, its data
    {"topic":"orderbook.500.XRPUSDT",…                      nothing but the message

Source: https://hftbacktest.readthedocs.io/en/latest/tutorials/Data%20Preparation.html,
https://bybit-exchange.github.io/docs/tax/explain (historical order books)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError
from market_depth.feeds.captures.messages import MAX_NS, CapturedMessage, CaptureKind
from market_depth.feeds.files import Line

__all__ = ["BARE", "EVENTS_MS", "MESSAGES_NS", "read_bare", "read_timed_ms", "read_timed_ns"]

MESSAGES_NS: Final = re.compile(rb"\d{16,19} [\[{]")
EVENTS_MS: Final = re.compile(rb"\d{12,14} [A-Za-z_]\w* [\[{]")
BARE: Final = re.compile(rb"[\[{]")
"""How a file begins, of each of these forms."""

_MAX_DIGITS: Final = 19
_NS_PER_MS: Final = 1_000_000


def read_timed_ns(path: Path, lines: Iterable[Line]) -> Iterator[CapturedMessage]:
    """Yield the messages of lines that begin with ns since 1970 UTC.

    Raises:
        FeedError: at a line that does not.
    """
    return _timed(path, lines, 1)


def read_timed_ms(path: Path, lines: Iterable[Line]) -> Iterator[CapturedMessage]:
    """Yield the messages of lines that begin with ms since 1970 UTC; the name is left in front.

    Raises:
        FeedError: at a line that does not.
    """
    return _timed(path, lines, _NS_PER_MS)


def read_bare(path: Path, lines: Iterable[Line]) -> Iterator[CapturedMessage]:
    """Yield the messages of lines that are nothing else."""
    for text, offset in lines:
        yield CapturedMessage(0, CaptureKind.RECEIVED, "", text, offset, path)


def _timed(path: Path, lines: Iterable[Line], unit_ns: int) -> Iterator[CapturedMessage]:
    received = CaptureKind.RECEIVED
    for line_text, offset in lines:
        time, _, text = line_text.partition(b" ")
        time_ns = int(time) * unit_ns if time.isdigit() and len(time) <= _MAX_DIGITS else -1
        if not text or not 0 <= time_ns <= MAX_NS:
            raise FeedError(f"{path}: no line of a time and a message at byte {offset}")
        yield CapturedMessage(time_ns, received, "", text, offset, path)
