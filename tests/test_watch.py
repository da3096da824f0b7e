"""`market-depth watch`: as a command, on a terminal and off it."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from support.commands import read_no_further, run_command
from support.imports import HEAVY, imported_by
from support.logs import serving_quietly
from support.process import ServerProcess
from support.terminal import on_terminal

TIMEOUT_S = 60.0
LINE = re.compile(
    r"\d\d:\d\d:\d\d\.\d{3} (?P<symbol>[A-Z]+) (?P<sequence>\d+) "
    r"(?P<bid_size>[\d.]+) @ (?P<bid>[\d.]+) \| (?P<ask>[\d.]+) @ (?P<ask_size>[\d.]+) "
    r"(?P<spread>[\d.]+)"
)
module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=200") as running:
        yield running


@asynccontextmanager
async def lines_of(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "market_depth", "watch", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_off_a_terminal_an_update_is_a_line(server: ServerProcess, data_type: str) -> None:
    options = ("-n5", "--interval-ms=0", "--symbol=BTCUSD", "-t", data_type)
    finished = await run_command("watch", server.url, *options)
    assert (finished.code, finished.err, len(finished.out)) == (0, [], 5)
    found = [LINE.fullmatch(line) for line in finished.out]
    sequences = [int(each["sequence"]) for each in found if each]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 5
    for each in found:
        assert each is not None
        assert float(each["ask"]) - float(each["bid"]) == pytest.approx(float(each["spread"]))


@module_loop
@pytest.mark.parametrize(
    ("options", "symbols"),
    [
        ((), {"BTCUSD", "ETHUSD", "ADAUSD"}),
        (("--symbol=BTCUSD,ADAUSD",), {"BTCUSD", "ADAUSD"}),
        (("-s", "BTCUSD", "-s", "ADAUSD"), {"BTCUSD", "ADAUSD"}),
    ],
)
async def test_several_symbols(
    server: ServerProcess, options: tuple[str, ...], symbols: set[str]
) -> None:
    finished = await run_command("watch", server.url, "--plain", "-n30", *options)
    assert {line.split()[1] for line in finished.out} == symbols


@module_loop
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_quietly(server: ServerProcess, number: signal.Signals) -> None:
    async with lines_of(server.url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        await process.stdout.readline()
        process.send_signal(number)
        assert await process.stderr.read() == b""
        assert await process.wait() == 0


@module_loop
async def test_a_reader_who_has_had_enough_ends_it_quietly(server: ServerProcess) -> None:
    assert await read_no_further("watch", server.url, "--interval-ms=0") == (0, b"")


@module_loop
async def test_what_can_not_be_had_is_one_line(server: ServerProcess) -> None:
    for arguments, begins in (
        (("ws://127.0.0.1:1",), "can't connect to ws://127.0.0.1:1"),
        ((server.url, "-s", "DOGE"), "404: unknown symbol 'DOGE'; known: BTCUSD"),
        ((server.url, "-s", "BTCUSD", "--group", "0.3"), "400: group: expected a multiple"),
    ):
        finished = await run_command("watch", "--plain", *arguments)
        assert (finished.code, finished.out, len(finished.err)) == (1, [], 1)
        assert finished.err[0].startswith(f"market-depth: error: {begins}")


@module_loop
async def test_lines_come_without_what_takes_long_to_import(server: ServerProcess) -> None:
    assert not HEAVY & await imported_by("watch", server.url, "--plain", "-n1")


ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
"""The other screen of a terminal, and back."""


@module_loop
@pytest.mark.parametrize("way", ["q", "ctrl+c", "SIGTERM"])
async def test_on_a_terminal_it_draws_and_leaves_the_terminal_as_it_was(
    server: ServerProcess, way: str
) -> None:
    async with on_terminal("watch", server.url, "--symbol", "ETHUSD") as terminal:
        await terminal.until_written("connected")
        await terminal.until_written("spread")
        assert ENTERED.encode() in terminal.written
        if way == "SIGTERM":
            terminal.process.send_signal(signal.SIGTERM)
        else:
            terminal.type(b"q" if way == "q" else b"\x03")
        assert await terminal.ended() == 0
        assert LEFT.encode() in terminal.written
        assert b"\x1b[?25h" in terminal.written.rpartition(ENTERED.encode())[2]
        assert b"Traceback" not in terminal.written


@module_loop
async def test_on_a_terminal_what_can_not_be_had_is_one_line_and_no_screen(
    server: ServerProcess,
) -> None:
    for arguments, problem in (
        (("ws://127.0.0.1:1",), b"can't connect to ws://127.0.0.1:1"),
        ((server.url, "-s", "DOGE"), b"404: unknown symbol 'DOGE'; known: BTCUSD"),
    ):
        async with on_terminal("watch", *arguments) as terminal:
            assert await terminal.ended() == 1
            assert terminal.written.startswith(b"market-depth: error: " + problem)
            assert terminal.written.count(b"\n") == 1
            assert ENTERED.encode() not in terminal.written


@module_loop
async def test_without_textual_it_says_what_to_install(
    server: ServerProcess, tmp_path: Path
) -> None:
    hidden = tmp_path / "textual"
    hidden.mkdir()
    missing = "raise ModuleNotFoundError('no textual', name='textual')"
    (hidden / "__init__.py").write_text(missing)
    async with on_terminal("watch", server.url, path=str(tmp_path)) as terminal:
        assert await terminal.ended() == 2
        assert b"pip install 'market-depth[terminal]'" in terminal.written
        assert terminal.written.count(b"\n") == 1
    plain = await run_command("watch", server.url, "-n1", environment={"PYTHONPATH": str(tmp_path)})
    assert plain.code == 0
