"""`market-depth info`: what is in files, for a person or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from market_depth.describe import Description, Symbol, describe
from market_depth.errors import FeedError
from market_depth.recording.parquet import close_left_behind

__all__ = ["lines_of", "run"]

_SHOWN_SYMBOLS: Final = 20
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def run(files: Sequence[Path], *, as_json: bool, format_name: str | None = None) -> bool:
    """Print what is in each file; return whether all could be read to their ends."""
    is_good = True
    for place, path in enumerate(files):
        _finish(path)
        description = describe(path, format_name)
        if as_json:
            print(msgspec.json.encode(description).decode())
        else:
            if place:
                print()
            _show(description)
        sys.stdout.flush()
        if description.error is not None:
            is_good = False
            print(f"market-depth: error: {' '.join(description.error.split())}", file=sys.stderr)
    return is_good


def _finish(path: Path) -> None:
    """Finish a Parquet file that a killed recorder has left behind; one that is being recorded is
    left alone."""
    with suppress(FeedError):
        if close_left_behind([path]):
            print(f"{path} had been left unfinished, and is finished now", file=sys.stderr)


def _show(description: Description) -> None:
    rows = list(lines_of(description))
    if not sys.stdout.isatty():
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            print(f"{name:{width}}  {text}".rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    for name, text in rows:
        table.add_row(Text(name, style="bold"), Text(text))
    Console().print(table)


def lines_of(description: Description) -> Iterator[tuple[str, str]]:
    """Yield (what, text) of all that there is to say of a file."""
    yield "file", description.path
    if description.format:
        yield "format", f"{description.format} ({description.title})"
    yield "size", f"{description.size_bytes:,} bytes"
    if not description.format:
        return
    count = len(description.symbols)
    yield (
        "symbols",
        f"{count}, the first {_SHOWN_SYMBOLS}:" if count > _SHOWN_SYMBOLS else f"{count}",
    )
    for symbol in description.symbols[:_SHOWN_SYMBOLS]:
        yield "", _symbol_line(symbol)
    if description.first_event is not None:
        yield "first event", description.first_event
        yield "last event", f"{description.last_event} ({description.span_s:,.3f} s)"
    yield "events", f"{description.events:,}"
    for name, number in description.actions.items():
        yield f"  {name}", f"{number:,}"
    rate = f" ({description.changes_per_s:,.1f} a second)" if description.changes_per_s else ""
    yield "changes", f"{description.changes:,}{rate}"
    yield "gaps", f"{description.gaps:,}"
    for name, number in description.statuses.items():
        yield "status", f"{name} × {number:,}"
    if description.activity:
        yield "activity", spark_line(description.activity)


def _symbol_line(symbol: Symbol) -> str:
    kind = "orders" if symbol.has_orders else "price levels"
    return (
        f"{symbol.symbol}  tick {symbol.tick}, {symbol.price_decimals} decimals, "
        f"{symbol.quantity_decimals} of sizes, {kind}"
    )


def spark_line(counts: Sequence[int]) -> str:
    """Return a block for each count, as high as it is beside the largest; none is a space."""
    largest = max(counts, default=0)
    return "".join(
        _BLOCKS[(count * len(_BLOCKS) - 1) // largest] if count else " " for count in counts
    )
