"""`market-depth record` as a user runs it: files, running servers, signals, SIGKILL."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

from market_depth.book import OrderBook
from market_depth.cli import main
from market_depth.errors import FeedError
from market_depth.events import Action, BookStatus, Events, StatusReason
from market_depth.feeds.parquet import journal_of
from market_depth.protocol.messages import DataType
from market_depth.recording import Recorder
from market_depth.recording.server_feed import ServerFeed
from support.commands import Finished, run_command
from support.errors import one_line_error
from support.exact import Row, exact_client, parse_time
from support.process import serving
from support.recorded import changes, events_before_a_cut, events_in
from support.sources import instrument
from support.venue import take, venue_of

TIMEOUT_S = 60.0
S_NS = 1_000_000_000


class Recording:
    """A running `market-depth record`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def until(self, path: Path, size_bytes: int) -> None:
        """Wait until a file has grown to a size."""
        async with asyncio.timeout(TIMEOUT_S):
            while not path.exists() or path.stat().st_size < size_bytes:
                await asyncio.sleep(0.02)

    async def until_logged(self, event: str) -> dict[str, Any]:
        assert self.process.stderr is not None
        async with asyncio.timeout(TIMEOUT_S):
            async for line in self.process.stderr:
                if line.startswith(b"{") and (fields := json.loads(line))["event"] == event:
                    assert isinstance(fields, dict)
                    return fields
        raise AssertionError(f"{event!r} was never logged")

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(TIMEOUT_S):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def recording(*options: str) -> AsyncIterator[Recording]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_depth",
        "record",
        "--log-format=json",
        *options,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Recording(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def record(*options: str) -> Finished:
    return await run_command("record", "--log-format=json", *options)


def recorded_to(path: Path, events: Events) -> Path:
    recorder = Recorder([instrument(1, "BTCUSD", quantity_decimals=4)], path)
    recorder.take(events)
    recorder.close()
    return path


async def test_a_file_in_another_format_has_the_same_books(tmp_path: Path) -> None:
    events = take(venue_of().chunks(), 5_000)
    events["instrument_id"] = 1
    first = recorded_to(tmp_path / "a.dbn.zst", events)
    out = tmp_path / "b.parquet"
    finished = await record(f"--feed={first}", "--speed=max", f"--out={out}")
    assert finished.code == 0, finished.err
    assert json.loads(finished.err[-1])["files"] == [str(out)]
    again = events_in(out)
    assert len(again) == len(events)
    for name in ("ts_event", "ts_recv", "order_id", "size", "action", "side", "flags"):
        assert (again[name] == events[name]).all(), name
    one, other = OrderBook(), OrderBook()
    for change, change_again in zip(changes(events), changes(again), strict=True):
        one.apply(change)
        other.apply(change_again)
        assert one.sequence == other.sequence
    assert one.mbo(10**6, 0).bids.tolist() == other.mbo(10**6, 0).bids.tolist()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_and_the_file_is_finished(
    tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "a.parquet"
    async with recording("--rate=500", f"--out={out}") as running:
        await running.until(journal_of(out), 30_000)
        assert await running.end(number) == 0
    assert list(tmp_path.iterdir()) == [out]
    assert polars.read_parquet(out).height == len(events_in(out)) > 100


@pytest.mark.parametrize("name", ["a.parquet", "a.dbn.zst"])
async def test_a_killed_recorder_leaves_a_readable_file(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    growing = journal_of(out) if name.endswith("parquet") else out
    async with recording("--rate=500", "--symbols=BTCUSD", "--seed=1", f"--out={out}") as running:
        await running.until(growing, 20_000)
        await running.until(growing, growing.stat().st_size + 1)
        killed_ns = time.time_ns()
        assert await running.end(signal.SIGKILL) == -signal.SIGKILL
    events = events_before_a_cut(out)
    assert len(events) > 500
    assert killed_ns - int(events["ts_recv"][-1]) < 3 * S_NS
    book = OrderBook()
    book.apply(events)
    book.check()
    assert not any(book.anomalies)
    if name.endswith("parquet"):
        assert polars.read_ipc_stream(growing).height == len(events)
        finished = await run_command("info", "--json", str(out))
        assert finished.code == 0
        assert json.loads(finished.out[0])["events"] == len(events)
        assert polars.read_parquet(out).height == len(events)


async def test_files_are_cut_by_time_and_the_next_recorder_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    options = ("--rate=max", "--speed=max", "--cut-bytes=100000", f"--out={out}")
    async with recording(*options) as running:
        await running.until(tmp_path / "a-00003.parquet", 1)
        assert await running.end(signal.SIGKILL) == -signal.SIGKILL
    finished = await record("--rate=500", "--cut-s=100", "--duration-s=1", f"--out={out}")
    assert finished.code == 0
    assert any("left behind" in line for line in finished.err)
    assert not list(tmp_path.glob("*.arrows"))
    parts = sorted(tmp_path.glob("a-*.parquet"))
    assert len(parts) >= 4
    assert json.loads(finished.err[-1])["files"] == [str(parts[-1])]
    # The part that was left behind may have been cut off before its books were all in it.
    *whole, left_behind, _ = parts
    assert len(events_in(*whole, left_behind)) >= len(events_in(*whole))
    one = OrderBook()
    one.apply(of_one(events_in(*whole)))
    other = OrderBook()
    other.apply(of_one(events_in(whole[-1])))
    assert one.order_count > 0
    assert one.mbo(10**6, 0).asks.tolist() == other.mbo(10**6, 0).asks.tolist()


def of_one(events: Events) -> Events:
    chosen: Events = events[events["instrument_id"] == 1]
    return chosen


def order_rows(book: OrderBook, side: str) -> list[tuple[Any, ...]]:
    rows = getattr(book.mbo(10**6, 0), side)
    return [
        (str(row["order_id"]), int(row["price"]), int(row["size"]), int(row["ts_event"]) // 1000)
        for row in rows
    ]


def wire_order_rows(rows: list[Row], decimals: tuple[int, int]) -> list[tuple[Any, ...]]:
    return [
        (
            row["order_id"],
            int(Decimal(row["price"]).scaleb(decimals[0])),
            int(Decimal(row["quantity"]).scaleb(decimals[1])),
            round(parse_time(row["timestamp"]).timestamp() * 1_000_000),
        )
        for row in rows
    ]


def level_rows(book: OrderBook, side: str) -> list[tuple[Any, ...]]:
    return [
        (int(row["price"]), int(row["size"]), int(row["total_size"]), int(row["order_count"]))
        for row in getattr(book.mbp(10**6, 0), side)
    ]


def wire_level_rows(rows: list[Row], decimals: tuple[int, int]) -> list[tuple[Any, ...]]:
    return [
        (
            int(Decimal(row["price"]).scaleb(decimals[0])),
            int(Decimal(row["quantity"]).scaleb(decimals[1])),
            int(Decimal(row["total_quantity"]).scaleb(decimals[1])),
            row["order_count"],
        )
        for row in rows
    ]


@pytest.mark.parametrize("data_type", ["MBO", "MBP"])
async def test_a_recorded_stream_replays_to_what_its_clients_saw(
    tmp_path: Path, data_type: str
) -> None:
    out = tmp_path / "a.parquet"
    shown, on_the_wire = {
        "MBO": (order_rows, wire_order_rows),
        "MBP": (level_rows, wire_level_rows),
    }[data_type]
    async with serving("--interval-ms=20", "--rate=300", "--seed=4") as server:
        options = (f"--from={server.url}", "--symbols=ETHUSD", f"--data-type={data_type}")
        async with recording(*options, "--levels=7", f"--out={out}") as running:
            await running.until_logged("recording")
            async with exact_client(server.url) as client:
                seen = {}
                first = await client.first_data("s", "ETHUSD", data_type, max_levels=7)
                seen[first["sequence"]] = first["data"]
                while len(seen) < 100:
                    message = await client.receive_type("MarketData")
                    seen[message["sequence"]] = message["data"]
            assert await running.end(signal.SIGTERM) == 0
    book = OrderBook()
    compared = 0
    for change in changes(events_in(out)):
        book.apply(change)
        wanted = seen.get(int(change["sequence"][-1]))
        if wanted is not None:
            for side in ("bids", "asks"):
                assert shown(book, side) == on_the_wire(wanted[side], (2, 3))
            compared += 1
    assert compared >= 50
    assert not any(book.anomalies)
    book.check()


async def test_a_server_that_goes_away_makes_the_book_stale_until_it_is_back(
    tmp_path: Path,
) -> None:
    out = tmp_path / "a.parquet"
    async with serving("--interval-ms=20") as server:
        port = server.port
        async with recording(
            f"--from=ws://127.0.0.1:{port}", "--symbols=BTCUSD", f"--out={out}"
        ) as running:
            await running.until_logged("recording")
            await running.until(journal_of(out), 8_000)
            assert await server.stop() == 0
            await running.until_logged("connection lost")
            async with serving(f"--addr=127.0.0.1:{port}", "--interval-ms=20"):
                size = journal_of(out).stat().st_size
                await running.until(journal_of(out), size + 20_000)
                assert await running.end(signal.SIGTERM) == 0
    events = events_in(out)
    told = events[events["action"] == Action.STATUS]
    assert [(event["size"], event["price"]) for event in told] == [
        (BookStatus.STALE, StatusReason.DISCONNECTED),
        (BookStatus.RECOVERED, StatusReason.NONE),
    ]
    book = OrderBook()
    book.apply(events)
    book.check()
    assert book.status is BookStatus.RECOVERED


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rate=5"], ["--out"]),
        (["--out=a.parquet", "--at-end=loop"], ["--at-end loop"]),
        (["--out=a.parquet", "--data-type=BBO"], ["'BBO'"]),
        (["--out=a.parquet", "--cut-s=-1"], ["cut-s", "-1"]),
        (["--out=a.parquet", "--cut-bytes=1.5"], ["cut-bytes", "1.5"]),
        (["--out=a.parquet", "--levels=0"], ["levels", "0"]),
    ],
)
def test_an_option_that_is_wrong_is_one_line(
    options: list[str],
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["market-depth", "record", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ws://127.0.0.1:1?token=secret", ["can't reach", "127.0.0.1:1"]),
        ("http://127.0.0.1:1", ["ws://HOST:PORT"]),
        ("127.0.0.1:1", ["ws://HOST:PORT"]),
    ],
)
async def test_a_server_that_is_not_there_is_one_line(url: str, words: list[str]) -> None:
    with one_line_error(FeedError, *words):
        await ServerFeed.opened(url, None, DataType.MBO, 10)


async def test_what_a_server_does_not_have_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    async with serving() as server:
        finished = await record(
            "--log-level=error", f"--from={server.url}?token=secret", "--symbols=NO", f"--out={out}"
        )
        assert finished.code == 2
        (line,) = finished.err
        assert "'NO'" in line
        assert "BTCUSD" in line
        assert "secret" not in line
        finished = await record(
            "--log-level=error", f"--from={server.url}", "--levels=1000000", f"--out={out}"
        )
        assert finished.code == 2
        (line,) = finished.err
        assert "max_levels" in line
