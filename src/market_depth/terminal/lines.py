"""A line of a screen as pieces of text with the names of their styles; what fits a width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["BLANK", "Line", "Part", "Piece", "fitted", "joined", "text_of"]


class Piece(NamedTuple):
    """Text that looks one way."""

    text: str
    style: str = "text"
    """A name of `palette.STYLES`."""


Line: TypeAlias = tuple[Piece, ...]

BLANK: Line = ()


class Part(NamedTuple):
    """Something that a line says."""

    line: Line
    rank: int
    """Of several the highest goes first where there is no room for all."""


def text_of(line: Line) -> str:
    """Return a line's text."""
    return "".join(piece.text for piece in line)


def joined(left: Sequence[Part], right: Sequence[Part], width: int) -> Line:
    """Return the parts that there is room for, two blanks apart, some at the left and some at the
    right end of the line."""
    kept = [*left, *right]
    while kept and _length(kept) > width:
        kept.remove(max(kept, key=lambda part: part.rank))
    lefts = _spaced(part for part in kept if part in left)
    rights = _spaced(part for part in kept if part not in left)
    gap = width - len(text_of(lefts)) - len(text_of(rights))
    return (*lefts, Piece(" " * gap), *rights) if rights else lefts


def fitted(line: Line, width: int) -> Line:
    """Return a line cut to a width."""
    pieces: list[Piece] = []
    left = width
    for piece in line:
        if left <= 0:
            break
        pieces.append(piece if len(piece.text) <= left else Piece(piece.text[:left], piece.style))
        left -= len(piece.text)
    return tuple(pieces)


def _length(parts: Sequence[Part]) -> int:
    return sum(len(text_of(part.line)) for part in parts) + 2 * (len(parts) - 1)


def _spaced(parts: Iterable[Part]) -> Line:
    pieces: list[Piece] = []
    for part in parts:
        if pieces:
            pieces.append(Piece("  "))
        pieces.extend(part.line)
    return tuple(pieces)
