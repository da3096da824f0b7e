"""The browser's client against the real server: exact books, whatever happens on the way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.depth_client import LIBRARY, node_client
from support.documents import code_blocks
from support.faults import FAULTS
from support.logs import serving_quietly
from support.node import NODE
from support.process import ServerProcess, serving
from support.proxy import Way, proxied

module_loop = pytest.mark.asyncio(loop_scope="module")
KEEPS = {"keeps": True}
IMPATIENT = {"minDelayMs": 10, "maxDelayMs": 50}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=5", "--rate=500") as running:
        yield running


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
async def test_books_of_every_change_are_those_of_the_server(
    server: ServerProcess, data_type: str
) -> None:
    async with node_client(server.url) as client:
        stream = await client.do(
            "subscribe", symbol="BTCUSD", dataType=data_type, intervalMs=0, keeps=True
        )
        await client.do("until", stream=stream, updates=1000)
        assert await client.do("exact", stream=stream, times=10) == 10
        found = await client.do("look", stream=stream)
        assert found["isGood"]
        assert found["decimals"] == [2, 4, 50]
        assert found["counters"]["snapshots"] == 1
        assert found["counters"]["deltas"] >= 1000
        assert found["counters"]["checksumFailures"] == found["counters"]["gaps"] == 0


@module_loop
@pytest.mark.parametrize(
    "options",
    [
        {"dataType": "BBO"},
        {"dataType": "MBP", "group": "0.50", "levels": 30},
        {"dataType": "MBP", "group": 5, "levels": 3},
        {"dataType": "MBP", "levels": 1},
        {"dataType": "MBO", "levels": 5},
        {"dataType": "MBP", "levels": 200},
        {"dataType": "MBO", "levels": 1000},
    ],
    ids=str,
)
async def test_deltas_and_snapshots_lead_to_the_same_books(
    server: ServerProcess, options: dict[str, Any]
) -> None:
    async with node_client(server.url) as client:
        common = {"symbol": "BTCUSD", "intervalMs": 0, "keeps": True, **options}
        deltas = await client.do("subscribe", **common)
        wholes = await client.do("subscribe", mode="snapshot", **common)
        assert await client.do("alike", one=deltas, other=wholes, times=200)
        found = await client.do("look", stream=deltas)
        if not found["counters"]["lagged"]:  # whole views of a thousand levels are much to read
            assert found["counters"]["snapshots"] == 1
        assert found["mode"] == "delta"
        other = await client.do("look", stream=wholes)
        assert other["counters"]["deltas"] == 0
        assert other["mode"] == "snapshot"
        for counters in (found["counters"], other["counters"]):
            assert counters["checksumFailures"] == counters["gaps"] == 0


@module_loop
async def test_trades_come_one_and_all(server: ServerProcess) -> None:
    async with node_client(server.url) as client:
        stream = await client.do("subscribe", symbol="BTCUSD", dataType="TRADES")
        while len(trades := await client.do("trades", stream=stream)) < 30:
            await client.do("until", stream=stream)
        numbers = [trade["number"] for trade in trades]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        for trade in trades:
            assert trade["side"] in ("Bid", "Ask")
            assert trade["priceUnits"] > 0
            assert trade["priceUnits"] % 50 == 0
            assert trade["quantityUnits"] > 0
            assert trade["timeMs"] > 1.7e12
        found = await client.do("look", stream=stream)
        assert (found["isGood"], found["counters"]["missedTrades"]) == (True, 0)


@module_loop
async def test_symbols_are_told(server: ServerProcess) -> None:
    async with node_client() as client:
        failed = await client.begin("symbols")
        assert "error" in failed  # there is no client yet
        await client.do("connect", url=server.url)
        symbols = {one["symbol"]: one for one in await client.do("symbols")}
        assert symbols["BTCUSD"]["price_decimals"] == 2
        assert symbols["BTCUSD"]["data_types"] == ["MBP", "MBO", "BBO", "TRADES"]


@module_loop
async def test_what_can_not_be_had_is_refused(server: ServerProcess) -> None:
    async with node_client(server.url) as client:
        for code, words, options in (
            (404, "NOPE", {"symbol": "NOPE"}),
            (400, "multiple of the tick", {"symbol": "BTCUSD", "group": "0.33"}),
            (400, "max_levels", {"symbol": "BTCUSD", "levels": 1001}),
        ):
            await client.do("subscribe", dataType="MBP", **options)
            status = await client.heard("status", lambda line: line["state"] == "refused")
            assert status["error"]["code"] == code
            assert words in status["error"]["message"]
            assert not status["isGood"]


@module_loop
async def test_a_closed_stream_is_closed(server: ServerProcess) -> None:
    async with node_client(server.url) as client:
        await server.until_metric("subscriptions", 0)
        stream = await client.do("subscribe", symbol="BTCUSD", dataType="MBP", intervalMs=0)
        await client.do("until", stream=stream)
        await server.until_metric("subscriptions", 1)
        await client.do("closeStream", stream=stream)
        await server.until_metric("subscriptions", 0)
        assert (await client.do("look", stream=stream))["state"] == "closed"
        await client.do("close")
        assert (await client.do("stats"))["state"] == "closed"


@module_loop
async def test_what_comes_is_counted(server: ServerProcess) -> None:
    async with node_client(server.url, pulseMs=20) as client:
        stream = await client.do("subscribe", symbol="BTCUSD", dataType="MBP", intervalMs=0)
        while (stats := await client.do("stats"))["roundTripMs"] is None:
            await client.do("until", stream=stream)
        assert 0 < stats["roundTripMs"] < 60_000
        assert stats["messages"] > 2
        assert stats["bytes"] > 100 * stats["messages"]
        assert stats["reconnects"] == 0


@module_loop
@pytest.mark.parametrize("data_type", ["MBP", "MBO"])
@pytest.mark.parametrize(
    "fault", ["cut", "reset_in_a_frame", "cut_while_coming_back", "refuse_for_a_while"]
)
async def test_a_lost_connection_leads_back_to_an_exact_book(
    server: ServerProcess, fault: str, data_type: str
) -> None:
    async with (
        proxied(server.port) as proxy,
        node_client(proxy.url, **IMPATIENT) as client,
    ):
        stream = await client.do(
            "subscribe", symbol="BTCUSD", dataType=data_type, intervalMs=0, keeps=True
        )
        await client.do("until", stream=stream, updates=20)
        for _ in range(2):
            breaking = asyncio.create_task(FAULTS[fault](proxy))
            waiting = await client.state("waiting")
            assert waiting["reason"]
            assert 0 <= waiting["inMs"] <= 50
            await client.heard("status", lambda line: line["isGood"])
            await breaking
            await client.do("until", stream=stream, updates=20)
        assert await client.do("exact", stream=stream, times=3) == 3
        counters = (await client.do("look", stream=stream))["counters"]
        assert counters["gaps"] == counters["checksumFailures"] == 0
        assert counters["resumed"] > 0
        assert counters["snapshots"] == 1
        assert (await client.do("stats"))["reconnects"] >= 2


@module_loop
async def test_a_slow_line_leads_to_the_newest_book(server: ServerProcess) -> None:
    async with (
        proxied(server.port, buffer_bytes=4096) as proxy,
        node_client(proxy.url, **IMPATIENT) as client,
    ):
        stream = await client.do(
            "subscribe", symbol="BTCUSD", dataType="MBO", intervalMs=0, levels=1000, keeps=True
        )
        await client.do("until", stream=stream)
        proxy.throttle(20_000, Way.TO_CLIENT)
        lagged = await client.heard("status", lambda line: line["counters"]["lagged"] > 0)
        assert not lagged["isGood"]
        proxy.go_on()
        await client.heard("status", lambda line: line["isGood"])
        assert await client.do("exact", stream=stream, times=2) == 2
        found = await client.do("look", stream=stream)
        assert found["counters"]["gaps"] == found["counters"]["checksumFailures"] == 0


async def test_a_busy_tab_is_exact_afterwards() -> None:
    async with (
        serving_quietly("--seed=7", "--rate=max", "--symbols=BTCUSD") as server,
        node_client(server.url) as client,
    ):
        by_price, by_order = [
            await client.do("subscribe", symbol="BTCUSD", dataType=kind, intervalMs=0, keeps=True)
            for kind in ("MBP", "MBO")
        ]
        await client.do("until", stream=by_price, updates=1000)
        for _ in range(2):
            await client.do("block", ms=3000)
            await client.do("until", stream=by_order, updates=1000)
        lagged = 0
        for stream in (by_price, by_order):
            counters = (await client.do("look", stream=stream))["counters"]
            assert counters["gaps"] == counters["checksumFailures"] == 0
            assert counters["updates"] > 2000
            lagged += counters["lagged"]
        assert lagged
        assert (await client.do("stats"))["reconnects"] == 0
        assert await client.do("exact", stream=by_price, times=2) == 2
        assert await client.do("exact", stream=by_order, times=2) == 2


async def test_a_server_that_has_been_killed_and_started_anew_is_another_epoch() -> None:
    async with node_client() as client:
        async with serving("--seed=1", "--rate=200", exit_code=-signal.SIGKILL) as first:
            await client.do("connect", url=first.url, options=IMPATIENT)
            streams = [
                await client.do("subscribe", symbol="BTCUSD", dataType=kind, intervalMs=0, **keeps)
                for kind, keeps in (("MBP", KEEPS), ("MBO", KEEPS), ("TRADES", {}))
            ]
            for stream in streams:
                await client.do("until", stream=stream, updates=3)
            before = await client.do("look", stream=streams[0])
            first.send_signal(signal.SIGKILL)
            await client.state("waiting")
            assert not (await client.do("look", stream=streams[0]))["isGood"]
        async with serving_quietly(f"--addr=127.0.0.1:{first.port}", "--seed=2", "--rate=200"):
            for stream in streams:
                await client.do("until", stream=stream, updates=3)
            for stream in streams[:2]:
                assert await client.do("exact", stream=stream, times=2) == 2
                found = await client.do("look", stream=stream)
                assert found["counters"]["resumed"] == 0
                assert found["counters"]["snapshots"] == 2
                assert found["epoch"] != before["epoch"]
            assert (await client.do("look", stream=streams[2]))["counters"]["missedTrades"] == 0


async def test_a_server_that_stops_says_when_to_come_back() -> None:
    async with node_client() as client:
        async with serving_quietly() as server:
            await client.do("connect", url=server.url, options=IMPATIENT)
            await client.state("connected")
        waiting = await client.state("waiting")
        assert 1000 <= waiting["inMs"] <= 1050
        assert waiting["reason"] == "server shutting down (1001)"


async def test_the_examples_of_the_document_run(tmp_path: Path) -> None:
    in_browsers, in_node = code_blocks("docs/browser-client.md", "javascript")
    for path in LIBRARY.parent.glob("depth-*.js"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    async with serving_quietly() as server:
        lines = await output_of(in_node, tmp_path, server, 11)
        assert "BTCUSD" in lines[0].split()
        for line in lines[1:]:
            order_id, price, quantity, age_ms = map(float, line.split())
            assert min(order_id, price, quantity) > 0
            assert age_ms >= 0
        url = "http://127.0.0.1:8080/depth-client.js"
        assert url in in_browsers  # Node.js imports from no server
        code = in_browsers.replace(url, "./depth-client.js")
        for line in await output_of(code, tmp_path, server, 3):
            _, bid, ask, spread, is_good = line.split()
            assert round(float(ask) - float(bid), 2) == float(spread)
            assert is_good == "true"


async def output_of(code: str, folder: Path, server: ServerProcess, lines: int) -> list[str]:
    """Run a program against a server, and return the first lines that it prints."""
    assert "ws://127.0.0.1:8080" in code
    script = folder / "example.mjs"
    script.write_text(code.replace("ws://127.0.0.1:8080", server.url))
    process = await asyncio.create_subprocess_exec(NODE, script, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            return [(await process.stdout.readline()).decode() for _ in range(lines)]
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
