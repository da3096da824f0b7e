"""MBO beside MBP: the levels that a plain book makes of a simulated venue's orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from market_depth.events import Flag
from market_depth.verify.databento import record_file
from market_depth.verify.findings import Check, Report
from market_depth.verify.levels_beside import compare_levels
from support.dbn_files import LevelRecord, Record, dbn, levels_dbn, metadata, zstd_frames
from support.mbp_files import (
    levels_csv,
    levels_of,
    one_key_a_change,
    orders_csv,
    simulated,
)

RECORDS = simulated(1_200)
LEVELS = levels_of(RECORDS)
SNAPSHOT = sum(bool(one.flags & Flag.SNAPSHOT) for one in RECORDS)


def schema_of(records: Sequence[LevelRecord]) -> str:
    return f"mbp-{records[0].levels}"


def compared(
    folder: Path, orders: Sequence[Record] | bytes, levels: Sequence[LevelRecord] | bytes
) -> Report:
    mbo, mbp = folder / "one", folder / "other"
    mbo.write_bytes(orders if isinstance(orders, bytes) else dbn(*orders, joins=True))
    mbp.write_bytes(
        levels if isinstance(levels, bytes) else levels_dbn(*levels, schema=schema_of(levels))
    )
    report = Report("one", [])
    compare_levels(record_file(mbo), record_file(mbp), report, "other")
    return report


def keys(records: Sequence[LevelRecord]) -> int:
    return len({(one.ts_event, one.sequence) for one in records})


def only(report: Report) -> Check:
    (check,) = report.checks
    return check


def altered(
    records: Sequence[LevelRecord], place: int, change: Callable[[LevelRecord], LevelRecord]
) -> list[LevelRecord]:
    return [*records[:place], change(records[place]), *records[place + 1 :]]


@pytest.mark.parametrize("levels", [1, 10])
@pytest.mark.parametrize(
    ("per_change", "merges_trades"), [(False, False), (True, False), (True, True)]
)
def test_every_key_is_compared_and_agrees(
    tmp_path: Path, levels: int, per_change: bool, merges_trades: bool
) -> None:
    """A sequence for each record, or each change; trades as Databento tells them, or merged."""
    records = one_key_a_change(RECORDS) if per_change else RECORDS
    told = levels_of(records, levels, merges_trades=merges_trades)
    check = only(compared(tmp_path, records, told))
    assert (check.made, check.passed, check.difference) == (keys(told), keys(told), None)
    assert check.made > (50 if levels == 1 else 250)
    assert sum(one.action == "T" for one in told) > 10
    assert (check.name, check.beside) == (f"mbp-{levels} levels", "other")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_and_packing_of_dbn_is_compared(tmp_path: Path, version: int) -> None:
    mbo = dbn(*RECORDS, head=metadata(version=version), joins=True)
    mbp = levels_dbn(*LEVELS, schema="mbp-10", version=version)
    check = only(compared(tmp_path, zstd_frames(mbo), mbp))
    assert (check.made, check.passed) == (keys(LEVELS), keys(LEVELS))


def test_csv_is_compared_with_csv_and_with_dbn(tmp_path: Path) -> None:
    text = levels_csv(LEVELS).encode()
    for orders in (orders_csv(RECORDS).encode(), RECORDS):
        check = only(compared(tmp_path, orders, text))
        assert (check.made, check.passed) == (keys(LEVELS), keys(LEVELS))


@pytest.mark.parametrize("field", [0, 1, 2], ids=["price", "size", "orders"])
@pytest.mark.parametrize("level", [0, 6, 9])
def test_one_altered_level_is_found_and_shown(tmp_path: Path, field: int, level: int) -> None:
    place = next(n for n in range(300, 400) if LEVELS[n].action != "T")

    def alter(record: LevelRecord) -> LevelRecord:
        asks = [list(row) for row in record.asks]
        asks[level][field] += 10_000_000 if field == 0 else 1
        return record._replace(asks=[(row[0], row[1], row[2]) for row in asks])

    check = only(compared(tmp_path, RECORDS, altered(LEVELS, place, alter)))
    assert (check.made, check.passed) == (keys(LEVELS), keys(LEVELS) - 1)
    assert check.difference is not None
    for words in (
        f"ask level {level + 1} ",
        f"record {place + 1} ",
        f"ts_event {LEVELS[place].ts_event}, sequence {LEVELS[place].sequence}",
    ):
        assert words in check.difference.text
    (marked,) = [line for line in check.difference.book if "≠" in line]
    assert marked.split()[0] == str(level + 1)
    assert len(check.difference.book) == 6


def test_a_level_too_few_is_found(tmp_path: Path) -> None:
    place = next(n for n in range(300, 400) if LEVELS[n].action != "T")
    told = altered(LEVELS, place, lambda one: one._replace(bids=one.bids[:-1]))
    check = only(compared(tmp_path, RECORDS, told))
    assert check.made - check.passed == 1
    assert check.difference is not None
    assert "bid level 10 " in check.difference.text


def test_a_price_off_the_grid_of_the_orders_is_found(tmp_path: Path) -> None:
    place = next(n for n in range(300, 400) if LEVELS[n].action != "T")

    def alter(record: LevelRecord) -> LevelRecord:
        (price, size, count), *rest = record.bids
        return record._replace(bids=[(price + 1, size, count), *rest])

    check = only(compared(tmp_path, RECORDS, altered(LEVELS, place, alter)))
    assert check.made - check.passed == 1


@pytest.mark.parametrize("per_change", [False, True])
def test_trades_alone_show_the_levels_before_each(tmp_path: Path, per_change: bool) -> None:
    records = one_key_a_change(RECORDS) if per_change else RECORDS
    told = [one for one in levels_of(records, 1) if one.action == "T"]
    check = only(compared(tmp_path, records, levels_dbn(*told, schema="tbbo")))
    assert (check.name, check.made, check.passed) == ("tbbo levels", keys(told), keys(told))
    ends = [n for n in range(5, 20) if told[n].sequence != told[n + 1].sequence]
    (price, size, count), *_ = told[ends[0]].bids
    told[ends[0]] = told[ends[0]]._replace(bids=[(price, size + 1, count)])
    check = only(compared(tmp_path, records, levels_dbn(*told, schema="tbbo")))
    assert check.made - check.passed == 1


def test_a_trade_shows_the_levels_before_or_after_it_and_no_others(tmp_path: Path) -> None:
    records = one_key_a_change(RECORDS)
    told = levels_of(records, merges_trades=True)
    place = next(n for n in range(100, len(told)) if told[n].action == "T")
    other = next(
        one for one in told[place + 1 :] if one.bids != told[place].bids and one.action != "T"
    )
    check = only(
        compared(
            tmp_path,
            records,
            altered(told, place, lambda one: one._replace(bids=other.bids, asks=other.asks)),
        )
    )
    assert check.made - check.passed == 1


def test_a_record_that_lacks_is_found_where_the_levels_change(tmp_path: Path) -> None:
    place = next(
        n for n in range(300, 400) if LEVELS[n].action in "AC" and LEVELS[n].flags & Flag.LAST
    )
    gone = LEVELS[place]
    check = only(compared(tmp_path, RECORDS, [*LEVELS[:place], *LEVELS[place + 1 :]]))
    assert check.made - check.passed == 1
    assert check.passed == keys(LEVELS) - 1
    assert check.difference is not None
    assert "no record tells" in check.difference.text
    assert f"sequence {gone.sequence}:" in check.difference.text


def test_a_record_whose_key_no_order_has_is_found(tmp_path: Path) -> None:
    place = next(n for n in range(300, 400) if LEVELS[n].action in "AC")
    more = LEVELS[place]._replace(sequence=LEVELS[place].sequence + 10**6)
    check = only(compared(tmp_path, RECORDS, [*LEVELS[: place + 1], more, *LEVELS[place + 1 :]]))
    assert check.made - check.passed == 1
    assert check.difference is not None
    assert "lacks the key" in check.difference.text


def test_what_lies_outside_of_the_orders_time_is_not_compared(tmp_path: Path) -> None:
    begin, end = SNAPSHOT + 100, SNAPSHOT + 700
    ends = [n for n in range(begin, end) if RECORDS[n].flags & Flag.LAST]
    early = LEVELS[0]._replace(ts_event=RECORDS[0].ts_recv - 5)
    check = only(compared(tmp_path, RECORDS[: ends[-1] + 1], [early, *LEVELS]))
    last_ns = RECORDS[ends[-1]].ts_event
    within = keys([one for one in LEVELS if one.ts_event <= last_ns])
    assert (check.made, check.passed) == (within, within)


def test_levels_of_a_part_of_the_time_are_compared(tmp_path: Path) -> None:
    part = LEVELS[200:500]
    check = only(compared(tmp_path, RECORDS, part))
    assert (check.made, check.passed) == (keys(part), keys(part))


def test_orders_that_were_joined_in_mid_session_are_not_compared(tmp_path: Path) -> None:
    report = compared(tmp_path, RECORDS[SNAPSHOT:], LEVELS)
    assert report.checks == []
    (note,) = report.notes
    assert "ESH4" in note


def test_orders_from_an_empty_book_need_no_clear(tmp_path: Path) -> None:
    records = [one._replace(flags=one.flags & ~Flag.SNAPSHOT) for one in RECORDS[1:SNAPSHOT]]
    records = [
        one._replace(ts_event=n, ts_recv=n, sequence=n, flags=Flag.LAST)
        for n, one in enumerate(records, 1)
    ]
    told = levels_of(records)
    check = only(compared(tmp_path, records, told))
    assert (check.made, check.passed) == (keys(told), keys(told))


def test_instruments_are_compared_each_with_its_own(tmp_path: Path) -> None:
    others = simulated(300, seed=2)
    both = sorted(
        [*RECORDS, *(one._replace(instrument_id=9) for one in others)],
        key=lambda one: one.ts_recv,
    )
    told = sorted(
        [*LEVELS, *(one._replace(instrument_id=9) for one in levels_of(others))],
        key=lambda one: one.ts_recv,
    )
    names = {7: "ESH4", 9: "NQH4"}
    mbo = dbn(*both, head=metadata(names), joins=True)
    mbp = levels_dbn(*told, schema="mbp-10", symbols=names)
    check = only(compared(tmp_path, mbo, mbp))
    made = keys(LEVELS) + keys(levels_of(others))
    assert (check.made, check.passed) == (made, made)


def test_other_symbols_are_not_compared(tmp_path: Path) -> None:
    told = [one._replace(instrument_id=9) for one in LEVELS]
    mbp = levels_dbn(*told, schema="mbp-10", symbols={9: "NQH4"})
    assert compared(tmp_path, RECORDS, mbp).checks == []


def test_one_instrument_may_have_two_names(tmp_path: Path) -> None:
    mbp = levels_dbn(*LEVELS, schema="mbp-10", symbols={7: "ES.c.0"})
    check = only(compared(tmp_path, RECORDS, mbp))
    assert check.passed == keys(LEVELS)
