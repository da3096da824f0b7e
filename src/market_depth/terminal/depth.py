"""What is shown at one moment, taken out of live books: it does not change any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from market_depth.client import Book, OrderBook
from market_depth.terminal.rows import Row, level_rows, order_rows
from market_depth.terminal.tape import Print

__all__ = ["IMBALANCE_LEVELS", "Depth", "Frame", "Health", "Link", "View", "depth_of"]

IMBALANCE_LEVELS: Final = 5
MAX_LEVELS: Final = 1000

ByPriceOrOrder = Literal["MBP", "MBO"]


@dataclass(frozen=True, slots=True)
class View:
    """What is wanted to be seen."""

    symbol: str
    data_type: ByPriceOrOrder = "MBP"
    step_ticks: int = 1
    """What price levels are merged into, in ticks."""

    @property
    def is_merged_by_server(self) -> bool:
        """Whether the server merges its levels; those of a book by order are merged here."""
        return self.data_type == "MBP" and self.step_ticks > 1


@dataclass(frozen=True, slots=True)
class Depth:
    """A book at one sequence. Prices and quantities are counts of the last decimal."""

    view: View
    price_decimals: int
    quantity_decimals: int
    step: int
    """What rows are apart at least; 1 where the tick is not known."""
    sequence: int
    timestamp: str
    bids: tuple[Row, ...]
    """Best first."""
    asks: tuple[Row, ...]
    best_bid: int | None
    """Not merged into a step, where that is known."""
    best_ask: int | None
    imbalance: float | None
    """Of the best IMBALANCE_LEVELS rows: (bids - asks) / (bids + asks)."""

    @property
    def spread(self) -> int | None:
        """Best ask less best bid."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else ask - bid

    @property
    def mid_doubled(self) -> int | None:
        """Twice the mid, which may lie between two counts."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else bid + ask


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection is."""

    is_up: bool = True
    retry_at_s: float | None = None
    """When it is tried next, in the time of `time.monotonic`; `None` if it is being tried."""


@dataclass(frozen=True, slots=True)
class Health:
    """How well the server's messages get here, counted since the start."""

    lagged: int = 0
    """Updates that the server has skipped."""
    gaps: int = 0
    checksum_failures: int = 0
    trades_missed: int = 0
    reconnects: int = 0
    updates_per_s: float = 0.0
    round_trip_s: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """All that there is to see."""

    view: View
    link: Link = field(default_factory=Link)
    status: str = "Live"
    """Of the symbol: Live, Stale or Halted."""
    reason: str = ""
    """Why it is not Live."""
    problem: str = ""
    """Why there is no book, one line."""
    mode: str = "delta"
    depth: Depth | None = None
    """`None` before the first book of the view has come."""
    health: Health = field(default_factory=Health)
    tape: tuple[Print, ...] = ()
    tape_version: int = 0
    mids: tuple[float, ...] = ()
    """One a second, oldest first."""

    @property
    def is_current(self) -> bool:
        """Whether what is shown is how things are."""
        return self.link.is_up and self.status != "Stale" and self.depth is not None


def depth_of(
    book: Book,
    view: View,
    *,
    step: int,
    is_cut_at: int,
    now: str,
    best: tuple[int | None, int | None] | None = None,
) -> Depth:
    """Return a book as it is shown.

    Args:
        book: by price, merged by the server; or by order, which is merged here.
        view: what it shows.
        step: what it is merged into, in counts of the last decimal.
        is_cut_at: levels at which a side of the book goes on beyond what is there.
        now: the market's own time, RFC 3339.
        best: best bid and ask where the book does not have them, for it has been merged.
    """
    if isinstance(book, OrderBook):
        bids, asks = (
            order_rows(
                orders,
                step=step,
                is_bid=is_bid,
                now=now,
                is_cut=len({order.price_units for order in orders}) >= is_cut_at,
            )
            for is_bid, orders in ((True, book.bid_orders()), (False, book.ask_orders()))
        )
    else:
        bids, asks = level_rows(book.bids()), level_rows(book.asks())
    if best is None:
        bid, ask = book.best_bid, book.best_ask
        best = (bid and bid.price_units, ask and ask.price_units)
    return Depth(
        view=view,
        price_decimals=book.scale.price_decimals,
        quantity_decimals=book.scale.quantity_decimals,
        step=step,
        sequence=book.sequence,
        timestamp=book.timestamp,
        bids=tuple(bids),
        asks=tuple(asks),
        best_bid=best[0],
        best_ask=best[1],
        imbalance=_imbalance(bids, asks),
    )


def _imbalance(bids: list[Row], asks: list[Row]) -> float | None:
    held, offered = (sum(row.quantity for row in side[:IMBALANCE_LEVELS]) for side in (bids, asks))
    return (held - offered) / (held + offered) if held + offered else None
