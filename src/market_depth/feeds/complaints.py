"""What errors about files tell of their content: in one short line, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from market_depth.errors import FeedError, quoted

__all__ = ["no_such_symbol", "reason_of"]

_REASON_CHARACTERS: Final = 200
_SHOWN_SYMBOLS: Final = 5
_PLAIN_CHARACTERS: Final = 40


def reason_of(error: BaseException) -> str:
    """Return what a library says of a failure."""
    return " ".join(str(error).split())[:_REASON_CHARACTERS] or type(error).__name__


def no_such_symbol(path: Path | str, symbol: str, there: Iterable[str]) -> FeedError:
    """Return the error for a symbol that a file has not, with a few that it has."""
    shown = ", ".join(map(_plain, islice(there, _SHOWN_SYMBOLS))) or "none"
    return FeedError(f"{path} has no symbol {quoted(symbol)}; it has {shown}")


def _plain(symbol: str) -> str:
    is_plain = symbol.isprintable() and len(symbol) <= _PLAIN_CHARACTERS
    return symbol if is_plain else quoted(symbol)
