"""Files cut, flipped and spliced: they give events that books take, or one clear error."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from hypothesis import strategies as st

from market_depth.errors import FeedError
from market_depth.events import EVENT_DTYPE, Events, Flag
from market_depth.feeds.base import Source
from market_depth.streams.market import Market

__all__ = ["HOSTILE", "NUMBER", "Checks", "Played", "check", "damaged", "play", "play_damaged"]

MAX_CHARACTERS: Final = 600
SHOWN_LEVELS: Final = 10
MIN_TIME_NS: Final = -(2**63)

HOSTILE: Final = (
    b"0",
    b"-1",
    b"9" * 20,
    b"9" * 5_000,
    b"1e999999999",
    b"0e99999999999999999999",
    b"1e-400",
    b"0.1e19",
    b".5",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"NaN",
    b"-Infinity",
    b"null",
    b"[]",
    b'""',
    b'"\\ud800"',
    "٣".encode(),
)
"""What may stand where a number should be."""
DEBRIS: Final = (
    b"\0" * 64,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\xff" * 7 + b"\x7f",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    b"[" * 3_000,
    b'{"a":' * 3_000,
    b"," * 3_000,
    b"\n" * 5,
    b"\r",
    b'"',
    b"x" * 70_000,
)
"""What may stand anywhere."""
NUMBER: Final = rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
WORD: Final = re.compile(NUMBER + rb'|"[^"]*"|true|false|null')

Damage = Callable[[st.DrawFn, bytes, Sequence[bytes]], bytes]


def _place(draw: st.DrawFn, data: bytes) -> int:
    return draw(st.integers(0, len(data)))


def _cut(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    return data[: _place(draw, data)]


def _cut_out(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    start = _place(draw, data)
    return data[:start] + data[start + draw(st.integers(1, 60)) :]


def _flip(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    flipped = bytearray(data)
    for place in draw(st.lists(st.integers(0, max(8 * len(data) - 1, 0)), min_size=1, max_size=4)):
        if flipped:
            flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)


def _overwrite(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    start = _place(draw, data)
    run = draw(st.one_of(st.sampled_from([b"\0", b"\xff", b"\x7f", b"\x80", b"9"]), st.binary()))
    run *= draw(st.sampled_from([1, 2, 4, 8, 16]))
    return data[:start] + run + data[start + len(run) :]


def _splice(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put a piece of it or of another, once or more often, in the place of something or between."""
    other = draw(st.sampled_from([data, *others]))
    start = _place(draw, other)
    piece = other[start : start + draw(st.integers(1, 200))] * draw(st.sampled_from([1, 1, 2, 9]))
    at = _place(draw, data)
    return data[:at] + piece + data[at + draw(st.sampled_from([0, len(piece)])) :]


def _insert(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    at = _place(draw, data)
    return data[:at] + draw(st.sampled_from([*HOSTILE, *DEBRIS])) + data[at:]


def _replace_word(draw: st.DrawFn, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put another number or text, of it or a hostile one, in the place of one."""
    words = [match.span() for match in WORD.finditer(data[:20_000])]
    if not words:
        return data
    start, end = draw(st.sampled_from(words))
    other_start, other_end = draw(st.sampled_from(words))
    word = draw(st.sampled_from([data[other_start:other_end], *HOSTILE]))
    if data[start:end].startswith(b'"') and draw(st.booleans()):
        word = b'"' + word.strip(b'"') + b'"'
    return data[:start] + word + data[end:]


DAMAGES: Final[tuple[Damage, ...]] = (
    _cut,
    _cut_out,
    _flip,
    _overwrite,
    _splice,
    _insert,
    _replace_word,
    _replace_word,
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return *data* cut, flipped, overwritten, and spliced with pieces of it and of *others*."""
    for damage in draw(st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3)):
        data = damage(draw, data, others)
    return data


class Played(NamedTuple):
    """What a source has given."""

    events: Events
    complaint: str | None
    """Why it has ended early."""


class Checks(NamedTuple):
    """How a source has been played."""

    events: int
    """How many it has given."""
    complaint: str | None


def play(open_source: Callable[[], Source], *names: str) -> Played:
    """Play a source as `check` does, and keep its events."""
    chunks: list[Events] = [np.zeros(0, EVENT_DTYPE)]
    checks = check(open_source, *names, take=lambda chunk: chunks.append(chunk.copy()))
    return Played(np.concatenate(chunks), checks.complaint)


def check(
    open_source: Callable[[], Source],
    *names: str,
    take: Callable[[Events], None] = lambda chunk: None,
) -> Checks:
    """Play a source into books until it ends or fails, and check all that is asked of a source.

    A failure must be told in one line that has one of *names* in it. Changes must be whole, but
    for the last one, if that is the end.
    """
    count = 0
    complaint: str | None = None
    market = Market([])
    latest = MIN_TIME_NS
    is_whole = True
    try:
        source = open_source()
        market = Market(source.instruments)
        ids = [one.instrument_id for one in source.instruments]
        for chunk in source.chunks():
            assert is_whole, "a change is split"
            assert chunk.dtype == EVENT_DTYPE
            times = chunk["ts_recv"]
            assert (times[1:] >= times[:-1]).all()
            if len(chunk):
                assert int(times[0]) >= latest
                latest = int(times[-1])
                is_whole = bool(chunk["flags"][-1] & np.uint8(Flag.LAST))
            assert np.isin(chunk["instrument_id"], ids).all()
            market.apply(chunk)
            count += len(chunk)
            take(chunk)
    except FeedError as error:
        complaint = str(error)
        assert is_whole, "a part of a change is given"
        assert len(complaint.splitlines()) == 1, complaint
        assert len(complaint) <= MAX_CHARACTERS, complaint
        assert any(name in complaint for name in names), complaint
    _look_at(market, latest)
    return Checks(count, complaint)


def _look_at(market: Market, now_ns: int) -> None:
    for entry in market:
        entry.book.check()
        assert str(entry.status)
        assert len(entry.book.mbp(SHOWN_LEVELS, now_ns).bids) <= SHOWN_LEVELS
        assert len(entry.book.mbo(SHOWN_LEVELS, now_ns).bids) <= entry.book.order_count


def play_damaged(path: Path, open_source: Callable[[], Source]) -> int:
    """Play a source until it ends or fails, which must be in one line that names *path*; return
    how many events came before."""
    return check(open_source, path.stem).events
