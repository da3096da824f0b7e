"""Errors that are raised on purpose: one line for a person to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from market_depth.errors import MarketDepthError

MAX_CHARACTERS = 500


@contextmanager
def one_line_error(kind: type[MarketDepthError], *words: str) -> Iterator[None]:
    """Expect an error of a kind, in one line that has all *words* in it."""
    with pytest.raises(kind) as caught:
        yield
    text = str(caught.value)
    assert len(text.splitlines()) == 1, f"not one line: {text!r}"
    assert len(text) <= MAX_CHARACTERS, f"too long: {text!r}"
    for word in words:
        assert word in text, f"no {word!r} in {text!r}"
