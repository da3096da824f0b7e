"""What the screen is made of: lines, and the help above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Key
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from market_depth.terminal.lines import BLANK, Line, text_of
from market_depth.terminal.palette import BACKGROUND, STYLES

__all__ = ["HelpScreen", "Lines"]

_PLAIN = Style(bgcolor=BACKGROUND)
_DIMMED = Style(bgcolor=BACKGROUND, dim=True)
_HELP: Final = """\
[b]Keys[/b]
 1-9            a symbol           m    by price or by order
 n p  → ←       next, previous     + -  larger, smaller price step
 ↑ ↓  PgUp PgDn scroll             c    back to the centre
 space          pause, go on       t    tape on and off
 r              a line for each price, or for each level only
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


class Lines(Widget):
    """Lines of text, of which only those are drawn anew that have changed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shown: list[Line] = []
        self._strips: dict[int, Strip] = {}
        """By line; what is not there is yet to be made."""
        self._is_dimmed = False
        self.drawn = 0
        """Lines that have had to be drawn anew."""

    @property
    def text(self) -> list[str]:
        """The lines, without their styles."""
        return [text_of(line) for line in self._shown]

    @property
    def shown(self) -> list[Line]:
        """The lines."""
        return list(self._shown)

    @property
    def is_dimmed(self) -> bool:
        """Whether all of it is dimmed."""
        return self._is_dimmed

    def show(self, lines: Sequence[Line], *, dimmed: bool = False) -> None:
        """Show lines in place of those that there are."""
        before, self._shown = self._shown, list(lines)
        is_other, self._is_dimmed = dimmed != self._is_dimmed, dimmed
        changed = [
            number
            for number in range(max(len(before), len(lines)))
            if is_other or _at(before, number) != _at(self._shown, number)
        ]
        for number in changed:
            self._strips.pop(number, None)
        if changed:
            self.drawn += len(changed)
            width = self.size.width
            self.refresh(*(Region(0, number, width, 1) for number in changed))

    def render_line(self, y: int) -> Strip:
        """Return a line of the widget as it looks."""
        width = self.size.width
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != width:
            base = _DIMMED if self._is_dimmed else _PLAIN
            segments = [
                Segment(piece.text, base + STYLES[piece.style])
                for piece in _at(self._shown, y)
                if piece.text
            ]
            strip = Strip(segments).adjust_cell_length(width, base)
            self._strips[y] = strip
        return strip


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
            yield Static(_HELP)

    def on_key(self, event: Key) -> None:
        """Close, unless it is a key that scrolls."""
        if event.key not in ("up", "down", "pageup", "pagedown"):
            event.stop()
            self.dismiss()


def _at(lines: Sequence[Line], number: int) -> Line:
    return lines[number] if number < len(lines) else BLANK
