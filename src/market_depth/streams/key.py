"""What makes streams share a chain."""

from __future__ import annotations

from typing import NamedTuple

from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import Mode
from market_depth.protocol.wire import Wire

__all__ = ["ChainKey"]


class ChainKey(NamedTuple):
    """What streams have in common that share a chain."""

    symbol: str
    data_type: DataType
    levels: int
    step: int
    """Counts of the last decimal that price levels are merged into steps of; 0 merges none."""
    mode: Mode
    interval_ms: int
    """0: every change."""
    has_checksum: bool
    wire: Wire
