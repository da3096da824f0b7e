"""Databento's CSV: the same events as of the same records in DBN."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from market_depth.errors import FeedError
from market_depth.events import Flag
from market_depth.feeds.base import OpenOptions, Source
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.formats import format_named, format_of
from support.damage import damaged, play_damaged
from support.dbn_files import (
    TIME_NS,
    UNDEFINED_PRICE,
    LevelRecord,
    Record,
    busy,
    dbn,
    from_the_start,
    levels_dbn,
)
from support.errors import one_line_error
from support.hypothesis_settings import relaxed

MBO = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,"
MBO += "order_id,flags,ts_in_delta,sequence,symbol\n"
MBP = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,"
MBP += "ts_in_delta,sequence"
BIG_ID = 2**64 - 1


def price(fixed: int, pretty: bool) -> str:
    if not pretty:
        return str(fixed)
    if fixed == UNDEFINED_PRICE:
        return ""
    return f"{'-' * (fixed < 0)}{abs(fixed) // 10**9}.{abs(fixed) % 10**9:09}"


def time(time_ns: int, pretty: bool) -> str:
    if not pretty:
        return str(time_ns)
    second = np.datetime64(time_ns, "ns")
    return f"{second}Z"


def mbo_csv(records: Sequence[Record], pretty: bool = False) -> str:
    return MBO + "".join(
        f"{time(one.ts_recv, pretty)},{time(one.ts_event, pretty)},160,1,{one.instrument_id},"
        f"{one.action},{one.side},{price(one.price, pretty)},{one.size},0,{one.order_id},"
        f"{one.flags},0,{one.sequence},ESH4\n"
        for one in from_the_start(records)
    )


def mbp_csv(records: Sequence[LevelRecord], levels: int) -> str:
    names = [
        f"{s}_{w}_{n:02}" for n in range(levels) for w in ("px", "sz", "ct") for s in ("bid", "ask")
    ]
    lines = [",".join([MBP, *names, "symbol"])]
    for one in records:
        numbers: list[int] = []
        for n in range(levels):
            bid = one.bids[n] if n < len(one.bids) else (UNDEFINED_PRICE, 0, 0)
            ask = one.asks[n] if n < len(one.asks) else (UNDEFINED_PRICE, 0, 0)
            numbers += [number for pair in zip(bid, ask, strict=True) for number in pair]
        lines.append(
            f"{one.ts_recv},{one.ts_event},10,1,{one.instrument_id},{one.action},{one.side},0,"
            f"{one.price},{one.size},{int(one.flags)},0,{one.sequence},"
            + ",".join([*map(str, numbers), "ESH4"])
        )
    return "\n".join(lines)


def source_of(path: Path) -> Source:
    return format_named("dbn-csv").open([path], OpenOptions())


def written(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def assert_alike(one: Source, other: Source) -> None:
    assert one.instruments == other.instruments
    assert np.array_equal(np.concatenate(list(one.chunks())), np.concatenate(list(other.chunks())))


@pytest.mark.parametrize("pretty", [False, True])
def test_orders_are_those_of_dbn(tmp_path: Path, pretty: bool) -> None:
    records = [*busy(5_000), Record(price=-37_630_000_000, order_id=BIG_ID, ts_recv=TIME_NS * 1)]
    records[-1] = records[-1]._replace(ts_recv=records[-2].ts_recv + 1)
    path = written(tmp_path / "orders.csv", mbo_csv(records, pretty))
    assert format_of(path).name == "dbn-csv"
    assert_alike(source_of(path), DbnSource(written(tmp_path / "orders.dbn", dbn(*records))))


@pytest.mark.parametrize(("levels", "schema"), [(0, "trades"), (1, "mbp-1"), (10, "mbp-10")])
def test_levels_are_those_of_dbn(tmp_path: Path, levels: int, schema: str) -> None:
    cent = 10_000_000
    records = [
        LevelRecord(
            [((9_000 + (n + place) % 7) * cent, 1 + n % 3, 1) for place in range(3)][:levels],
            [(9_100 * cent, 1 + n % 2, 2)][:levels],
            levels,
            action="T" if n % 5 == 0 or not levels else "A",
            ts_recv=TIME_NS + n,
        )
        for n in range(200)
    ]
    path = written(tmp_path / "levels.csv", mbp_csv(records, levels))
    assert_alike(
        source_of(path),
        DbnSource(written(tmp_path / "levels.dbn", levels_dbn(*records, schema=schema))),
    )


def test_times_as_pandas_writes_them_are_read(tmp_path: Path) -> None:
    text = mbo_csv(busy(3), pretty=True)
    other = text.replace("Z,", "+00:00,").replace("-25T", "-25 ")
    assert other != text
    assert_alike(
        source_of(written(tmp_path / "a.csv", text)), source_of(written(tmp_path / "b.csv", other))
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",3,ESH4", ",4294967296,ESH4", ["'4294967296'", "more than 4294967295"]),
        (",3,ESH4", ",x,ESH4", ["'x'", "not an integer", "byte"]),
        (",3,ESH4", "", ["''"]),
    ],
)
def test_a_damaged_row_is_told_with_its_place_behind_all_before(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    path = written(tmp_path / "orders.csv", mbo_csv(busy(5)).replace(old, new))
    seen = 0
    with one_line_error(FeedError, str(path), *words):
        for chunk in source_of(path).chunks():
            seen += int(((chunk["flags"] & np.uint8(Flag.LAST)) != 0).sum())
    assert seen == 3, "the clear and two orders"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    text = mbo_csv(busy(1)).replace("action", "what")
    path = written(tmp_path / "orders.csv", text)
    with one_line_error(FeedError, str(path), "column action"):
        source_of(path)


@relaxed
@given(data=damaged(mbo_csv(busy(4)).encode()))
def test_any_damage_gives_events_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp() / "damaged.csv", data)
    play_damaged(path, lambda: source_of(path))
