"""The lines around the ladder: symbols, what is shown, the tape, how things are, the keys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from market_depth.terminal.bars import bar, sparkline
from market_depth.terminal.depth import IMBALANCE_LEVELS, Depth, Frame, Link, View
from market_depth.terminal.figures import clock, decimal, exact_or_short, round_trip
from market_depth.terminal.ladder import Needs
from market_depth.terminal.lines import Line, Part, Piece, fitted, joined
from market_depth.terminal.tape import Print

__all__ = [
    "KEYS_LINE",
    "PAGE",
    "header_line",
    "market_line",
    "status_line",
    "tape_lines",
    "tape_width",
]

PAGE: Final = 9
"""Symbols that keys 1 to 9 choose from at a time."""
_IMBALANCE_CELLS: Final = 10
_MIN_SPARKS: Final = 8
_MAX_SPARKS: Final = 120
_WITH_WORDS: Final = 100
_WITH_MS: Final = 120
"""Widths of the window from which the tape says more."""

KEYS_LINE: Final[Line] = tuple(
    piece
    for key, what in (
        ("1-9", "symbol"),
        ("m", "MBO"),
        ("+-", "step"),
        ("space", "pause"),
        ("c", "centre"),
        ("↑↓", "scroll"),
        ("t", "tape"),
        ("?", "help"),
        ("q", "quit"),
    )
    for piece in (Piece(f" {key}", "key"), Piece(f" {what}", "muted"))
)


def header_line(
    symbols: Sequence[str],
    view: View,
    step: str,
    width: int,
    *,
    is_paused: bool,
    scrolled: int | None,
) -> Line:
    """Return the symbols that keys choose from, and what is shown of the present one."""
    place = symbols.index(view.symbol) if view.symbol in symbols else 0
    first = place - place % PAGE
    tabs: list[Piece] = []
    for number, symbol in enumerate(symbols[first : first + PAGE], start=1):
        is_shown = symbol == view.symbol
        tabs.append(Piece(f" {number} ", "tab.key.on" if is_shown else "tab.key"))
        tabs.append(Piece(f"{symbol} ", "tab.on" if is_shown else "tab"))
    right = [Part((Piece(view.data_type, "strong"), Piece(f" step {step} ", "muted")), 1)]
    if len(symbols) > PAGE:
        page = f"{first // PAGE + 1}/{math.ceil(len(symbols) / PAGE)}"
        right.insert(0, Part((Piece(page, "muted"),), 2))
    if scrolled is not None:
        right.insert(0, Part((Piece(f"scrolled {scrolled:+d}", "warning"),), 2))
    if is_paused:
        right.insert(0, Part((Piece(" PAUSED ", "alarm"),), 0))
    taken = sum(len(piece.text) for part in right for piece in part.line) + 2 * len(right)
    return joined([Part(fitted(tuple(tabs), max(width - taken, 0)), 3)], right, width)


def market_line(frame: Frame, depth: Depth | None, width: int) -> Line:
    """Return best prices, imbalance, and the course of the mid."""
    if depth is None:
        return (Piece(f" {frame.problem or 'waiting for a book'}", "warning"),)
    parts = [Part((Piece(" best "), *_best(depth)), 0)]
    if depth.imbalance is not None:
        percent = f" {100 * depth.imbalance:+.0f} %"
        share = (depth.imbalance + 1) / 2
        drawn = Piece(bar(share, _IMBALANCE_CELLS), "imbalance")
        name = Piece(f"imbalance ({IMBALANCE_LEVELS}) ", "muted")
        parts.append(Part((name, drawn, Piece(f"{percent:<7}")), 1))
    left = width - sum(len(piece.text) for part in parts for piece in part.line) - 2 * len(parts)
    sparks = min(left - len("mid ") - 1, _MAX_SPARKS)
    if sparks >= _MIN_SPARKS and frame.mids:
        drawn_mid = sparkline(frame.mids, sparks)
        parts.append(Part((Piece("mid ", "muted"), Piece(drawn_mid, "spark")), 2))
    return joined(parts, (), width)


def status_line(frame: Frame, width: int, *, now_s: float, is_paused: bool) -> Line:
    """Return how the connection, the symbol and the stream are.

    Args:
        frame: what came last.
        width: in cells.
        now_s: in the time of `time.monotonic`.
        is_paused: whether what is shown stands still.
    """
    health = frame.health
    parts = [Part(_link(frame.link, now_s), 0)]
    if frame.link.is_up:
        reason = f": {frame.reason}" if frame.reason else ""
        style = "good" if frame.status == "Live" else "alarm"
        parts.append(Part((Piece(f"{frame.status}{reason}"[: width // 2], style),), 1))
    if is_paused:
        parts.append(Part((Piece("paused", "warning"),), 1))
    sequence = frame.depth.sequence if frame.depth else "–"
    parts += [
        Part((Piece("seq ", "muted"), Piece(f"{sequence}")), 2),
        Part((Piece(f"{health.updates_per_s:.0f}"), Piece(" upd/s", "muted")), 4),
        Part((Piece(round_trip(health.round_trip_s)),), 3),
        _count("lagged", health.lagged, 5),
        _count("gaps", health.gaps, 6),
        _count("checksum", health.checksum_failures, 7),
    ]
    if health.trades_missed:
        parts.append(_count("trades missed", health.trades_missed, 8))
    if health.reconnects:
        parts.append(_count("reconnected", health.reconnects, 9))
    if frame.mode != "delta":
        parts.append(Part((Piece("snapshots", "warning"),), 8))
    return joined(parts, (), width)


def tape_width(needs: Needs, window: int) -> int:
    """Return how wide the tape is, with its blank at the left, in a window so wide."""
    time, side = _tape_columns(window)
    return 1 + time + 1 + side + 1 + needs.price + 1 + needs.size


def tape_lines(
    prints: Sequence[Print], depth: Depth | None, needs: Needs, window: int, height: int
) -> list[Line]:
    """Return the tape with its title, newest trades first."""
    time, side = _tape_columns(window)
    title = f"{'time':<{time}} {'side' if side > 1 else '':<{side}} "
    title += f"{'price':>{needs.price}} {'traded':>{needs.size}}"
    lines: list[Line] = [(Piece(" "), Piece(title, "title"))]
    if depth is None:
        return lines
    for shown in prints[: height - 1]:
        if shown.missed:
            lines.append((Piece(f" {shown.missed} trades missed", "warning"),))
            continue
        words = {True: "buy", False: "sell", None: "?"}[shown.is_buy]
        word = words if side > 1 else {"buy": "B", "sell": "S"}.get(words, words)
        style = {True: "bid", False: "ask", None: "muted"}[shown.is_buy]
        price = decimal(shown.price, depth.price_decimals)
        size = exact_or_short(shown.quantity, depth.quantity_decimals, needs.size)
        lines.append(
            (
                Piece(f" {clock(shown.time, with_ms=time > len('hh:mm:ss'))} ", "muted"),
                Piece(f"{word:<{side}} {price:>{needs.price}} {size:>{needs.size}}", style),
            )
        )
    return lines


def _tape_columns(window: int) -> tuple[int, int]:
    return (12 if window >= _WITH_MS else 8), (4 if window >= _WITH_WORDS else 1)


def _best(depth: Depth) -> Line:
    bid, ask = (
        "–" if units is None else decimal(units, depth.price_decimals)
        for units in (depth.best_bid, depth.best_ask)
    )
    return (Piece(bid, "bid.best"), Piece(" | ", "muted"), Piece(ask, "ask.best"))


def _link(link: Link, now_s: float) -> Line:
    if link.is_up:
        return (Piece(" ● connected", "good"),)
    if link.retry_at_s is None or link.retry_at_s <= now_s:
        return (Piece(" ○ DISCONNECTED ", "alarm"), Piece(" reconnecting", "warning"))
    left_s = math.ceil(link.retry_at_s - now_s)
    return (Piece(" ○ DISCONNECTED ", "alarm"), Piece(f" reconnecting in {left_s} s", "warning"))


def _count(name: str, count: int, rank: int) -> Part:
    style = "warning" if count else "text"
    return Part((Piece(f"{name} ", "muted"), Piece(f"{count}", style)), rank)
