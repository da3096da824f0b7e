"""Lengths and courses as block characters, to an eighth of a cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["Bar", "bar", "mirrored_bar", "round_up", "sparkline"]

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
_STEPS: Final = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0, 10.0)
"""Where scales end: ten a decade, about evenly far apart."""


class Bar(NamedTuple):
    """A bar that grows to the left; all its parts together are as wide as it may get."""

    blank: str
    edge: str
    """To be shown reversed, ink as paper: there are no blocks that are filled from the right."""
    full: str


def bar(share: float, width: int) -> str:
    """Return a bar that grows to the right, padded to *width* cells.

    Args:
        share: how much of the width it fills, 0 to 1; what there is fills an eighth of a cell.
        width: in cells.
    """
    full, part = divmod(_eighths(share, width), 8)
    text = "█" * full + (_EIGHTHS[part] if part else "")
    return text.ljust(width)


def mirrored_bar(share: float, width: int) -> Bar:
    """Return the same bar growing to the left."""
    full, part = divmod(_eighths(share, width), 8)
    edge = _EIGHTHS[8 - part] if part else ""
    return Bar(" " * (width - full - len(edge)), edge, "█" * full)


def round_up(value: float) -> float:
    """Return the next end of a scale: scales that follow the largest value would never rest."""
    if value <= 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next((step * decade for step in _STEPS if step * decade >= value), 10 * decade)


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last *width* values as columns between the least and the greatest of them; all
    the same, they are a line half-way up."""
    shown = values[-width:] if width > 0 else ()
    if not shown:
        return ""
    least, span = min(shown), max(shown) - min(shown)
    if not span:
        return _HEIGHTS[3] * len(shown)
    top = len(_HEIGHTS) - 1
    return "".join(_HEIGHTS[round((value - least) / span * top)] for value in shown)


def _eighths(share: float, width: int) -> int:
    if share <= 0 or width <= 0:
        return 0
    return max(1, min(8 * width, round(8 * width * share)))
