"""Recordings in which there is something to check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.dbn_files import TIME_NS

__all__ = ["capture", "diff", "messages", "snapshots"]

Rows = list[list[str]]
SNAPSHOT = {
    "lastUpdateId": 3,
    "bids": [["100.5", "2"], ["100", "1"]],
    "asks": [["101.0", "3"], ["102", "1.25"]],
}


def diff(last: int, bids: Rows, asks: Rows) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": 5, "s": "B", "U": last, "u": last, "b": bids, "a": asks}


def ticker(update: int, bid: tuple[str, str], ask: tuple[str, str]) -> dict[str, Any]:
    return {"u": update, "s": "B", "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}


def messages(size: str = "2.5") -> list[dict[str, Any]]:
    """Return messages of Binance: a snapshot, and two diffs with the best prices after each.

    Args:
        size: of the best bid after the first diff; 2.5 is right.
    """
    return [
        diff(3, [], []),
        SNAPSHOT,
        diff(4, [["100.5", size]], []),
        ticker(4, ("100.5", "2.50"), ("101", "3")),
        diff(5, [["100.5", "0"]], [["100.75", "1"]]),
        ticker(5, ("100", "1"), ("100.75", "1")),
    ]


def capture(path: Path, entries: Sequence[dict[str, Any]]) -> Path:
    """Write messages with their times of receipt, as hftbacktest does."""
    lines = [f"{TIME_NS + n} {json.dumps(entry)}\n" for n, entry in enumerate(entries)]
    path.write_text("".join(lines))
    return path


GUIDS = [f"{n:08}-f80b-4848-adbc-2b17375a9216" for n in range(4)]


def snapshots(folder: Path, size: str = "1.5") -> tuple[Path, Path]:
    """Write two snapshots of Coinbase, by order and by price.

    Args:
        folder: where to.
        size: of the best bid by price; 1.5 is that of its orders.
    """
    by_order: dict[str, Any] = {
        "product": "BTC-USD",
        "bids": [["100.1", "1", GUIDS[0]], ["100.1", "0.5", GUIDS[1]], ["99", "1", GUIDS[2]]],
        "asks": [["101", "2", GUIDS[3]]],
    }
    by_price: dict[str, Any] = {
        "product": "BTC-USD",
        "bids": [["100.1", size, 2], ["98", "1", 1]],
        "asks": [["101", "2", 1]],
    }
    paths = folder / "orders.json", folder / "levels.json"
    for path, content in zip(paths, (by_order, by_price), strict=True):
        path.write_text(json.dumps({**content, "captured_at": "2026-08-07T20:04:10Z"}))
    return paths
