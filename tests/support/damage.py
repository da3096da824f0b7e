"""Files cut, flipped and spliced: they give events that books take, or one clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from market_depth.book import BookPolicy, Books
from market_depth.errors import FeedError
from market_depth.feeds.base import Source

MAX_CHARACTERS = 600


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Return *data* with bytes overwritten, cut out and spliced in."""
    broken = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(broken) - 1, 0)))
        length = draw(st.integers(0, 12))
        end = place if draw(st.booleans()) else place + length
        broken[place:end] = draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from([b",", b"\n", b"-", b"9" * 20, b"1e9", b"\xff" * 8, b"\0" * 8]),
                st.just(data[place : place + 60]),
            )
        )
    return bytes(broken[: draw(st.integers(0, len(broken)))] if draw(st.booleans()) else broken)


def play_damaged(path: Path, open_source: Callable[[], Source]) -> int:
    """Play a source until it ends or fails, which must be in one line that names *path*; return
    how many events came before."""
    complaint = f"{path}: none"
    count = 0
    latest = 0
    try:
        source = open_source()
        books = Books([one.instrument_id for one in source.instruments], BookPolicy())
        for chunk in source.chunks():
            times = chunk["ts_recv"]
            assert (np.diff(times) >= 0).all()
            assert int(times[0]) >= latest
            latest = int(times[-1])
            books.apply(chunk)
            count += len(chunk)
    except FeedError as error:
        complaint = str(error)
    assert len(complaint.splitlines()) == 1, complaint
    assert len(complaint) <= MAX_CHARACTERS, complaint
    assert path.stem in complaint
    return count
