"""What the keys do, and how to read what is shown."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["HelpScreen"]

_TEXT: Final = """\
[b]Keys[/b]
 1-9            a symbol           m    by price or by order
 n p  → ←       next, previous     + -  larger, smaller price step
 ↑ ↓  PgUp PgDn scroll             c    back to the centre
 space          pause, go on       t    tape on and off
 ? any key      this help, close   q    quit

[b]Ladder[/b] Asks above at the right, bids below at the left, the best next
 to the line of spread and mid. ord: orders at the price; total: what
 it holds with all better prices. Sizes that just changed flash.
[b]By order[/b] A block is an order, the first in the queue next to the
 numbers; as wide as its size, the brighter the younger it is (1 s,
 10 s, 1 min, 10 min). +7: seven more than there is room for.
[b]Tape[/b] buy, sell (B, S): what the aggressor did. Times are UTC.
[b]Status[/b] Connected, or when it is tried again. Live, Stale (the book
 lacks something) or Halted. Sequence of the book, updates a second,
 round trip; updates skipped, gaps, wrong checksums since the start.
 A dimmed ladder is not how things are now."""


class HelpScreen(ModalScreen[None]):
    """The help; any key closes it."""

    CSS: ClassVar[str] = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        padding: 0 2; background: #161b22; color: #c9d1d9;
    }
    """

    def compose(self) -> ComposeResult:
        """Make the text."""
        with VerticalScroll():
            yield Static(_TEXT)

    def on_key(self, event: Key) -> None:
        """Close, unless it is a key that scrolls."""
        if event.key not in ("up", "down", "pageup", "pagedown"):
            event.stop()
            self.dismiss()
