"""The widget that all of the screen is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from market_depth.terminal.lines import BLANK, Line, text_of
from market_depth.terminal.palette import BACKGROUND, STYLES

__all__ = ["Lines"]

_PLAIN = Style(bgcolor=BACKGROUND)
_DIMMED = Style(bgcolor=BACKGROUND, dim=True)


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


def _at(lines: Sequence[Line], number: int) -> Line:
    return lines[number] if number < len(lines) else BLANK
