"""What is checked of each kind of file, and of files beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from struct import pack

import pytest

from market_depth.errors import FeedError
from market_depth.feeds.base import OpenOptions
from market_depth.feeds.dbn import DbnSource
from market_depth.feeds.lobster import LobsterSource
from market_depth.feeds.lobster_files import day_of
from market_depth.verify.databento import (
    check_decoding,
    compare_trades,
    play_orders,
    record_file,
)
from market_depth.verify.findings import Check, Report
from market_depth.verify.lobster import check_days, play_rows
from market_depth.verify.packets import check_iex, check_itch
from market_depth.verify.snapshots import compare_snapshots
from support.checked_files import snapshots
from support.dbn_files import LevelRecord, Record, busy, dbn, levels_dbn
from support.iex_files import START, Stream, level
from support.pcap_files import pcap
from support.recordings import recording
from support.seeds import LOBSTER_BOOK, LOBSTER_MESSAGES, LOBSTER_NAME


def report() -> Report:
    return Report("", [])


def check_of(found: Report, name: str) -> Check:
    (check,) = [one for one in found.checks if one.name == name]
    return check


def counts(found: Report) -> dict[str, tuple[int, int]]:
    return {one.name: (one.made, one.passed) for one in found.checks}


def test_every_record_of_dbn_is_decoded(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        path.write_bytes(dbn(*busy(5)))
    found = report()
    check_decoding(paths, found)
    assert counts(found) == {"records decoded": (12, 12)}
    assert found.figures == {"files": 2, "mbo records": 12}
    paths[1].write_bytes(paths[0].read_bytes()[:-1])
    found = report()
    with pytest.raises(FeedError, match="cut off"):
        check_decoding(paths, found)
    assert counts(found) == {"records decoded": (6, 6)}


def test_fills_of_orders_that_are_not_there_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a"
    fill = Record(action="F", order_id=1)
    cancel = Record(action="C", order_id=1)
    path.write_bytes(dbn(fill, Record(order_id=1), fill, cancel, fill))
    found = report()
    play_orders(DbnSource(path), found)
    assert (found.figures["fill"], found.figures["fills of unknown orders"]) == (3, 2)
    assert check_of(found, "orders known").passed == 1
    assert found.events == 6


def trade(n: int, size: int = 3, levels: int = 0) -> LevelRecord:
    return LevelRecord(levels=levels, action="T", size=size, ts_event=n, ts_recv=n, sequence=n)


def trades_compared(
    folder: Path, levels: Sequence[LevelRecord], trades: Sequence[LevelRecord]
) -> Report:
    (folder / "levels").write_bytes(levels_dbn(*levels))
    (folder / "trades").write_bytes(levels_dbn(*trades, schema="trades"))
    found = report()
    compare_trades(record_file(folder / "levels"), record_file(folder / "trades"), found, "trades")
    return found


LEVELS = [
    *(trade(n, levels=1) for n in range(1, 4)),
    LevelRecord(ts_event=9, ts_recv=9, levels=1),
]


def test_trades_are_those_of_the_levels_beside(tmp_path: Path) -> None:
    found = trades_compared(tmp_path, LEVELS, [trade(n) for n in range(1, 4)])
    assert counts(found) == {"trades": (3, 3)}


def test_trades_outside_of_the_others_time_are_not_compared(tmp_path: Path) -> None:
    found = trades_compared(tmp_path, LEVELS, [trade(n) for n in (2, 3, 10)])
    assert counts(found) == {"trades": (2, 2)}


@pytest.mark.parametrize(
    ("trades", "made", "words"),
    [
        ([trade(1), trade(3)], 3, "levels has the trade of instrument_id 7, ts_event 2"),
        ([trade(1), trade(2), trade(2), trade(3)], 4, "trades has the trade of"),
        ([trade(1), trade(2, size=4), trade(3)], 4, "size 3"),
    ],
)
def test_a_trade_that_only_one_file_has_is_found(
    tmp_path: Path, trades: list[LevelRecord], made: int, words: str
) -> None:
    check = check_of(trades_compared(tmp_path, LEVELS, trades), "trades")
    assert check.made == made
    assert not check.is_good
    assert check.difference is not None
    assert words in check.difference.text


def test_recorded_trades_are_those_of_the_levels_beside() -> None:
    paths = {
        name: next(recording("databento/esu4").glob(f"*{name}*")) for name in ("mbp-1", "trades")
    }
    found = report()
    compare_trades(record_file(paths["mbp-1"]), record_file(paths["trades"]), found, "trades")
    assert counts(found) == {"trades": (120, 120)}


ROWS = LOBSTER_BOOK.replace(b"-9999999999,0", b"999900,9")


def lobster(folder: Path, book: bytes = ROWS) -> Path:
    (folder / LOBSTER_NAME.format("orderbook")).write_bytes(book)
    path = folder / LOBSTER_NAME.format("message")
    path.write_bytes(LOBSTER_MESSAGES)
    return path


def lobster_checked(path: Path) -> Report:
    found = report()
    check_days([path, day_of(path).book], found)
    play_rows(day_of(path), LobsterSource([path], OpenOptions()), found)
    return found


def test_a_day_of_lobster_agrees_with_itself_and_with_its_books(tmp_path: Path) -> None:
    found = lobster_checked(lobster(tmp_path))
    assert counts(found)["row by row"] == (3, 3)
    assert counts(found)["order book file"] == (4, 4)


def test_a_row_that_the_message_does_not_make_is_found(tmp_path: Path) -> None:
    book = LOBSTER_BOOK.replace(
        b"1000000,10,1000300,20,999900,9", b"1000000,11,1000300,20,999900,9"
    )
    check = check_of(lobster_checked(lobster(tmp_path, book)), "row by row")
    assert not check.is_good
    assert check.difference is not None
    assert "row 3" in check.difference.text


def itch(*bodies: bytes) -> bytes:
    return b"".join(pack(">H", len(body)) + body for body in bodies)


def itch_message(kind: str, rest: bytes) -> bytes:
    return kind.encode() + pack(">HH", 1, 0) + (10**9).to_bytes(6, "big") + rest


START_OF_DAY = itch_message("S", b"O")
ADD = itch_message("A", pack(">QcI8sI", 7, b"B", 100, b"ACME    ", 1_000_000))


def test_messages_of_itch_are_counted_by_type(tmp_path: Path) -> None:
    path = tmp_path / "a.itch"
    path.write_bytes(itch(START_OF_DAY, ADD, ADD))
    found = report()
    check_itch([path], found)
    assert counts(found) == {"messages decoded": (3, 3)}
    assert found.figures == {"files": 1, "messages S": 1, "messages A": 2}


def test_messages_before_a_cut_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.itch"
    path.write_bytes(itch(START_OF_DAY, ADD, ADD)[:-1])
    found = report()
    with pytest.raises(FeedError, match="cut off"):
        check_itch([path], found)
    assert counts(found) == {"messages decoded": (2, 2)}


def test_packets_and_updates_of_iex_are_counted(tmp_path: Path) -> None:
    stream = Stream()
    packets = stream.packets(
        [START, level("ACME", "B", 990_500, 100)],
        [level("ACME", "S", 990_700, 100), level("ACME", "B", 990_400, 5)],
    )
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(*packets, in_ns=True))
    found = report()
    check_iex([path], found)
    assert counts(found) == {"packets": (2, 2), "level updates": (3, 3)}
    path.write_bytes(path.read_bytes()[:-6])
    found = report()
    with pytest.raises(FeedError, match="cut off"):
        check_iex([path], found)
    assert counts(found) == {"packets": (2, 2), "level updates": (3, 3)}
    assert found.figures == {"level updates cut off": 1}


def test_orders_make_up_the_levels_of_a_snapshot_by_price(tmp_path: Path) -> None:
    found = report()
    compare_snapshots(*snapshots(tmp_path), found, "levels.json")
    assert counts(found) == {"bids by price": (1, 1), "asks by price": (1, 1)}


def test_a_level_that_is_another_is_counted_but_may_be(tmp_path: Path) -> None:
    found = report()
    compare_snapshots(*snapshots(tmp_path, size="1.6"), found, "levels.json")
    check = check_of(found, "bids by price")
    assert (check.made, check.passed, check.is_soft) == (1, 0, True)
    assert found.is_good
    assert check.difference is not None
    assert "100.1 × 1.5 in 2  100.1 × 1.6 in 2  ≠" in check.difference.book[1]
