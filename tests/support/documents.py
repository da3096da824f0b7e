"""Fenced code blocks out of the project's documents."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(document: str) -> str:
    """Return a document's text, by its path from the project's root."""
    return (ROOT / document).read_text()


def code_blocks(document: str, language: str) -> list[str]:
    """Return a document's blocks in one language; there must be some."""
    blocks = [code for name, code in _FENCE.findall(text_of(document)) if name == language]
    assert blocks, f"{document} has no block of {language}"
    return blocks
