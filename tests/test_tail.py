"""`market-depth tail`: lines for pipes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from support.commands import read_no_further, run_command
from support.imports import HEAVY, imported_by
from support.logs import serving_quietly
from support.process import ServerProcess

TIMEOUT_S = 60.0
module_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=200") as running:
        yield running


async def tail(*arguments: str, exit_code: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the lines that are printed, and those on standard error."""
    finished = await run_command("tail", *arguments)
    assert finished.code == exit_code, finished.err
    return [json.loads(line) for line in finished.out], finished.err


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO", "BBO"])
async def test_the_top_of_a_book_is_a_line(server: ServerProcess, data_type: str) -> None:
    options = ("-t", data_type, "-n5", "--interval-ms=0", "--checksum")
    lines, errors = await tail("BTCUSD", "--url", server.url, *options)
    assert len(lines) == 5
    for line in lines:
        assert line["symbol"] == "BTCUSD"
        assert line["bid"] < line["mid"] < line["ask"]
        assert line["ask"] - line["bid"] == pytest.approx(line["spread"])
    assert [line["sequence"] for line in lines] == sorted({line["sequence"] for line in lines})
    assert errors == []


@module_loop
async def test_a_trade_is_a_line(server: ServerProcess) -> None:
    lines, _ = await tail("BTCUSD", "--url", server.url, "-t", "TRADES", "-n", "5")
    numbers = [line["trade_number"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert all(line["price"] > 0 and line["side"] in ("Bid", "Ask") for line in lines)


@module_loop
async def test_raw_lines_are_the_messages(server: ServerProcess) -> None:
    options = ("--raw", "-n3", "--interval-ms=0", "--levels=2")
    lines, _ = await tail("ETHUSD", "--url", server.url, *options)
    assert [line["type"] for line in lines] == ["MarketData", "MarketDelta", "MarketDelta"]
    assert lines[1]["prev_sequence"] == lines[0]["sequence"]


@module_loop
async def test_a_reader_who_has_had_enough_ends_it_quietly(server: ServerProcess) -> None:
    options = ("BTCUSD", "--url", server.url, "--interval-ms=0")
    assert await read_no_further("tail", *options) == (0, b"")


@module_loop
async def test_what_can_not_be_had_is_one_line(server: ServerProcess) -> None:
    _, errors = await tail("DOGE", "--url", server.url, exit_code=1)
    assert errors[0].startswith("market-depth: error: 404: unknown symbol 'DOGE'")
    _, errors = await tail("BTCUSD", "--url", "ws://127.0.0.1:1", exit_code=1)
    assert errors[0].startswith("market-depth: error: can't connect to ws://127.0.0.1:1")
    assert len(errors) == 1


@module_loop
async def test_it_starts_without_what_takes_long_to_import(server: ServerProcess) -> None:
    assert not HEAVY & await imported_by("tail", "BTCUSD", "--url", server.url, "-n1")
