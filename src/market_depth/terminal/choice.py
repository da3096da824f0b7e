"""What a user wants to be followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_INTERVAL_MS", "Choice"]

DEFAULT_INTERVAL_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be followed, and how."""

    url: str
    token: str | None = None
    levels: int = 50
    """Price levels a side."""
    interval_ms: int | None = None
    """Least time between two updates; `None` is DEFAULT_INTERVAL_MS."""
    symbols: tuple[str, ...] = ()
    """What the user has named; a server that can't list its symbols is believed to have them."""
