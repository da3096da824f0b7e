"""The price ladder as lines: asks above, bids below, the price in the middle.

depth   total    size  ord     price     ord    size   total   depth
                             67266.00      3  0.4711  0.9000   ███▌
                             67265.50      1  0.4289  0.4289   ███
              spread 0.50    67265.25    0.07 bp
 ▐██   0.2100  0.2100    2   67265.00
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final, NamedTuple

from market_depth.terminal.bars import bar, mirrored_bar, round_up
from market_depth.terminal.depth import Depth
from market_depth.terminal.figures import decimal, exact_or_short
from market_depth.terminal.lines import BLANK, Line, Piece
from market_depth.terminal.places import Place
from market_depth.terminal.rows import Queued, Row, largest

__all__ = ["Columns", "Needs", "ladder_lines", "queue_cells", "title_line"]

_MIN_BAR: Final = 5
_ORDERS: Final = 3
_MAX_NUMBER: Final = 12
_BASIS_POINTS: Final = 10_000


class Needs(NamedTuple):
    """How wide numbers are. They only grow, so that columns stand still."""

    price: int = 8
    size: int = 6
    total: int = 6

    @property
    def ladder(self) -> int:
        """The least width of a ladder that leaves nothing out but totals and bars."""
        return self.price + 2 + 2 * (self.size + 1 + _ORDERS)

    def with_those_of(self, depth: Depth) -> Needs:
        """Return what is needed to show a book as well."""
        digits = depth.quantity_decimals
        ends = [row for rows in (depth.bids, depth.asks) for row in (*rows[:1], *rows[-1:])]
        if not ends:
            return self
        price = max(len(decimal(row.price, depth.price_decimals)) for row in ends)
        size = len(decimal(largest(depth.bids, depth.asks), digits))
        total = max(len(decimal(row.total, digits)) for row in ends)
        return Needs(
            max(self.price, price),
            min(max(self.size, size), _MAX_NUMBER),
            min(max(self.total, total), _MAX_NUMBER),
        )


class Columns(NamedTuple):
    """Widths in cells; 0 for what there is no room for."""

    price: int
    orders: int
    size: int
    total: int
    bar: int
    side: int
    """All of one side, with the blanks before its columns."""

    @classmethod
    def of(cls, width: int, needs: Needs) -> Columns:
        """Return how a width is shared out: what is left is for the bars; for want of room the
        totals go first, then the numbers of orders."""
        side = max((width - needs.price - 2) // 2, 0)
        size = min(needs.size, side)
        left = side - size
        orders = _ORDERS if left > _ORDERS else 0
        left -= orders + 1 if orders else 0
        total = needs.total if left > needs.total + 1 + _MIN_BAR else 0
        left -= total + 1 if total else 0
        return cls(needs.price, orders, size, total, max(left - 1, 0), side)


def ladder_lines(
    depth: Depth,
    columns: Columns,
    places: Sequence[Place],
    *,
    flashing: Container[tuple[str, int]] = (),
) -> list[Line]:
    """Return the lines of a ladder, without its title.

    Args:
        depth: the book.
        columns: how the width is shared out.
        places: what the lines show.
        flashing: (side, price) of the levels that have just changed.
    """
    scale = round_up(largest([place.row for place in places if place.row is not None]))
    lines: list[Line] = []
    for place in places:
        if place.side == "mid":
            lines.append(_mid_line(depth, columns))
        elif place.row is not None:
            flashes = (place.side, place.price) in flashing
            lines.append(_row_line(place.row, place, columns, scale, depth, flashes=flashes))
        elif place.side == "price":
            price = _price_text(place.price, columns, depth)
            lines.append((Piece(" " * columns.side), Piece(price, "muted")))
        else:
            lines.append(BLANK)
    return lines


def title_line(columns: Columns) -> Line:
    """Return the names of the columns; the bars have those of the sides."""
    names = [("ord", columns.orders), ("size", columns.size), ("total", columns.total)]
    titles = [f"{name:>{width}}"[:width] for name, width in names if width]
    width = columns.bar
    bids = [f"{'BIDS'[:width]:<{width}}", *titles[::-1]] if width else titles[::-1]
    asks = [*titles, f"{'ASKS'[:width]:>{width}}"] if width else titles
    return (
        Piece(f"{' '.join(bids):>{columns.side}}", "bid.title"),
        Piece(f" {'price':>{columns.price}} ", "title"),
        Piece(f"{' '.join(asks):<{columns.side}}", "ask.title"),
    )


def queue_cells(
    queue: tuple[Queued, ...], scale: float, width: int
) -> tuple[list[tuple[int, int]], int]:
    """Return how wide each order of a queue is drawn, with its class of age; and how many there is
    no room for.

    Args:
        queue: orders in priority.
        scale: the quantity that fills the width.
        width: in cells; an order has one at least, so that there may not be room for all.
    """
    ends: list[int] = []
    held = 0
    for order in queue:
        held += order.quantity
        ends.append(max((ends[-1] if ends else 0) + 1, round(held / scale * width)))
    shown = len(queue)
    while shown and ends[shown - 1] + _note_length(len(queue) - shown) > width:
        shown -= 1
    begins = [0, *ends]
    cells = [(ends[n] - begins[n], queue[n].age) for n in range(shown)]
    return cells, len(queue) - shown


def _note_length(hidden: int) -> int:
    return len(f"+{hidden}") if hidden else 0


def _row_line(
    row: Row, place: Place, columns: Columns, scale: float, depth: Depth, *, flashes: bool
) -> Line:
    side, digits = place.side, depth.quantity_decimals
    size = exact_or_short(row.quantity, digits, columns.size)
    orders = str(row.orders) if columns.orders and row.orders is not None else ""
    total = exact_or_short(row.total, digits, columns.total) if columns.total else ""
    cells = [
        Piece(f"{orders:>{columns.orders}}", "muted"),
        Piece(f"{size:>{columns.size}}", f"{side}.flash" if flashes else f"{side}.size"),
        Piece(f"{total:>{columns.total}}", "muted"),
    ]
    numbers = [part for cell in cells if cell.text for part in (cell, Piece(" "))]
    if not columns.bar and numbers:
        numbers.pop()
    price = _price_text(row.price, columns, depth)
    price_piece = Piece(price, f"{side}.best" if place.is_best else f"{side}.price")
    drawn = _drawn(row, side, columns.bar, scale)
    if side == "ask":
        return (Piece(" " * columns.side), price_piece, *numbers, *drawn)
    left = [*drawn, *reversed(numbers)]
    used = sum(len(piece.text) for piece in left)
    return (Piece(" " * (columns.side - used)), *left, price_piece)


def _price_text(price: int, columns: Columns, depth: Depth) -> str:
    return f" {decimal(price, depth.price_decimals):>{columns.price}} "


def _mid_line(depth: Depth, columns: Columns) -> Line:
    doubled, spread = depth.mid_doubled, depth.spread
    if doubled is None or spread is None:
        text = "no bids" if depth.best_bid is None else "no asks"
        return (Piece(f"{text:^{2 * columns.side + columns.price + 2}}", "mid"),)
    mid = f" {decimal(doubled // 2, depth.price_decimals):>{columns.price}} "
    if doubled % 2:  # it lies between two counts: it has a decimal more
        mid = f"{decimal(doubled * 5, depth.price_decimals + 1):>{columns.price + 2}}"
    points = f"{spread * 2 * _BASIS_POINTS / doubled:.2f} bp" if doubled else ""
    left = f"spread {decimal(spread, depth.price_decimals)}"[: columns.side]
    return (
        Piece(f"{left:>{columns.side}}", "mid"),
        Piece(mid, "mid.price"),
        Piece(f"{' ' + points:<{columns.side}}"[: columns.side], "mid"),
    )


def _drawn(row: Row, side: str, width: int, scale: float) -> list[Piece]:
    """Return the bar of a row, or its queue; as wide as it is, to be set against the numbers."""
    if not width:
        return []
    if row.queue:
        return _drawn_queue(row.queue, side, width, scale)
    if side == "ask":
        return [Piece(bar(row.quantity / scale, width), "ask.bar")]
    blank, edge, full = mirrored_bar(row.quantity / scale, width)
    return [Piece(blank), Piece(edge, "bid.edge"), Piece(full, "bid.bar")]


def _drawn_queue(queue: tuple[Queued, ...], side: str, width: int, scale: float) -> list[Piece]:
    cells, hidden = queue_cells(queue, scale, width)
    note = [Piece(f"+{hidden}", "muted")] if hidden else []
    if side == "ask":
        orders = [Piece("█" * (count - 1) + "▉", f"ask.age{age}") for count, age in cells]
        return orders + note
    drawn = note[:]
    for count, age in reversed(cells):
        drawn.append(Piece("▏", f"bid.age{age}.edge"))
        drawn.append(Piece("█" * (count - 1), f"bid.age{age}"))
    return drawn
