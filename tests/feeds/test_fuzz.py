"""Files of every format, damaged: they give events or one clear error, and take bounded memory.

`MARKET_DEPTH_FUZZ_EXAMPLES=20000 python -m pytest tests/feeds/test_fuzz.py` looks longer: so many
examples of each format.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_depth.events import Action, Events, Flag
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.formats import FORMATS, format_named, format_of
from market_depth.instruments import Instrument
from support.damage import HOSTILE, NUMBER, check, damaged, play
from support.hypothesis_settings import relaxed
from support.seeds import PACKINGS, SEEDS, Seed, seed_called

EXAMPLES: Final = int(os.environ.get("MARKET_DEPTH_FUZZ_EXAMPLES", "100"))
long_lasting = settings(relaxed, max_examples=EXAMPLES)

SEEDS_OF: Final[dict[str, list[Seed]]] = defaultdict(list)
for _seed in SEEDS:
    SEEDS_OF[_seed.format].append(_seed)

TABLES: Final = ("cran-orderbook", "dbn-csv", "lobster", "tardis")
"""Formats in which a row that has lost its last digits can be a row all the same."""

every_format = pytest.mark.parametrize("name", [one.name for one in FORMATS])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def laid_out(folder: Path, seed: Seed, data: bytes) -> Path:
    """Put a file where it is to be played, with what has to lie beside it; it is alone there."""
    for old in folder.iterdir():
        old.unlink()
    for name, beside in seed.beside:
        (folder / name).write_bytes(beside)
    path = folder / seed.name
    path.write_bytes(data)
    return path


ALL: Final = OpenOptions()


def opened(path: Path, name: str | None, options: OpenOptions = ALL) -> Source:
    form = format_of(path) if name is None else format_named(name)
    return form.open([path], options)


@every_format
def test_each_format_has_a_seed_that_is_whole(folder: Path, name: str) -> None:
    assert SEEDS_OF[name], "made-up files of the format are missing from support.seeds"
    for seed in SEEDS_OF[name]:
        path = laid_out(folder, seed, seed.data)
        played = play(partial(opened, path, name))
        assert played.complaint is None
        assert len(played.events)
        assert format_of(path).name == name


@every_format
@long_lasting
@given(data=st.data())
def test_any_damage_gives_events_or_one_clear_error(
    folder: Path, name: str, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(SEEDS_OF[name]))
    others = [one.data for one in (*SEEDS_OF[name], data.draw(st.sampled_from(SEEDS)))]
    content = data.draw(damaged(seed.data, others))
    packing = data.draw(st.sampled_from(["plain", "plain", *PACKINGS]))
    packed = PACKINGS[packing](content)
    if packing != "plain" and data.draw(st.booleans()):
        packed = data.draw(damaged(packed, [PACKINGS[packing](seed.data)]))
    path = laid_out(folder, seed, packed)
    told = data.draw(st.sampled_from([name, name, None]))
    symbols = data.draw(st.sampled_from([None, None, None, ["no such\nsymbol"]]))
    check(partial(opened, path, told, OpenOptions(symbols=symbols)), str(folder))


@cache
def whole(folder: Path, seed: Seed) -> tuple[Events, dict[str, Instrument]]:
    """Return what a file gives that is not damaged."""
    path = laid_out(folder, seed, seed.data)
    known = {one.symbol: one for one in opened(path, seed.format).instruments}
    return play(partial(opened, path, seed.format)).events, known


def lasting(events: Events) -> Events:
    """Return events without what is said of their changes' ends, which a cut may lie before."""
    lasting = events.copy()
    lasting["flags"] &= np.uint8(~Flag.LAST & 0xFF)
    return lasting


@every_format
@long_lasting
@given(data=st.data())
def test_a_file_that_is_cut_gives_the_beginning_of_what_is_in_it(
    folder: Path, name: str, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(SEEDS_OF[name]))
    expected, known = whole(folder, seed)
    packing = data.draw(st.sampled_from(["plain", *PACKINGS]))
    packed = PACKINGS[packing](seed.data)
    cut = packed[: data.draw(st.integers(0, len(packed)))]
    if name in TABLES and packing == "plain":
        cut = cut[: cut.rfind(b"\n") + 1]
    path = laid_out(folder, seed, cut)
    events, complaint = play(partial(opened, path, name, OpenOptions(known=known)), str(folder))
    if packing != "plain" and len(cut) < len(packed):
        assert complaint is not None
    # What a book's status is may be told at the end, and not where more follows.
    end = len(events)
    while end and events["action"][end - 1] == Action.STATUS:
        end -= 1
    assert (lasting(events[:end]) == lasting(expected[:end])).all()


@pytest.mark.parametrize(
    "label",
    [
        *(f"{one.format}-bare" for one in SEEDS if one.label == "bare"),
        *(str(one) for one in SEEDS if one.format in (*TABLES, "coinbase-rest")),
    ],
)
def test_any_number_may_be_another_that_is_too_large_too_fine_or_none(
    folder: Path, label: str
) -> None:
    seed = seed_called(label)
    for match in re.finditer(NUMBER, seed.data):
        for hostile in HOSTILE:
            content = seed.data[: match.start()] + hostile + seed.data[match.end() :]
            check(partial(opened, laid_out(folder, seed, content), seed.format), str(folder))


# Found by looking longer


@pytest.mark.parametrize(
    ("label", "old", "new", "words"),
    [
        ("bitstamp-text", b"https://", b"https://[", None),
        ("independent-reserve-text", b"https://", b"https://[", None),
        ("binance-text", b"https://", b"https://[", None),
        ("bitfinex-bare", b"[8,2.5,-1]", b'[8,"x",-1]', "is not a decimal number"),
        ("bitfinex-bare", b"[8,2.5,-1]", b'[8,"NaN",-1]', "is not a decimal number"),
        ("bitstamp-bare", b'"id":7', b'"id":' + b"7" * 4_000, "order id"),
        ("kraken-futures-bare", b'"sell"', b'"' + b"," * 4_000 + b'"', "Invalid enum value"),
        ("coinbase-rest-orders", b"64934.31", b"9" * 4_000, "is too large"),
        ("coinbase-rest-orders", b"64934.31", b"x" * 4_000, "is not a decimal number"),
        ("coinbase-rest-orders", b"60de12d8", b"-" * 4_000 + b"60de12d8", None),
    ],
)
def test_what_was_no_clear_error_is_one(
    folder: Path, label: str, old: bytes, new: bytes, words: str | None
) -> None:
    seed = seed_called(label)
    assert old in seed.data
    path = laid_out(folder, seed, seed.data.replace(old, new))
    complaint = check(partial(opened, path, seed.format), str(folder)).complaint
    assert complaint is None if words is None else words in str(complaint)


def test_an_archive_that_is_not_as_its_directory_says_is_damaged(folder: Path) -> None:
    seed = seed_called("tardis-book")
    packed = PACKINGS["zip"](seed.data)
    utf_8 = packed.replace(b"\0\0\x08\0", b"\0\x08\x08\0")
    for content in (
        packed.replace(b"content", b"another", 1),
        utf_8.replace(b"content", b"\xff" * 7),
        packed.replace(b"\0\0\x08\0", b"\0\0\x0e\0"),
        packed[:40] + b"\xff" * 600 + packed[40:],
    ):
        assert content != packed
        path = laid_out(folder, seed, content)
        assert check(partial(opened, path, seed.format), str(folder)).complaint is not None


def test_the_older_encoding_cut_within_a_frame_is_cut_off(folder: Path) -> None:
    seed = seed_called("dbn-dbz")
    path = laid_out(folder, seed, seed.data[:-3])
    complaint = check(partial(opened, path, seed.format), str(folder)).complaint
    assert f"cut off at byte {len(seed.data) - 3}" in str(complaint)
