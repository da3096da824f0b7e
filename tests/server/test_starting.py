"""What can only be found out while a server starts, and what its options do to it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support.client import connected
from support.commands import run_command
from support.dbn_files import dbn, metadata
from support.exact import Row, exact_client
from support.logs import serving_quietly
from support.pages import fetch
from support.process import parse_log


def has_ipv6() -> bool:
    """Whether this machine has the IPv6 address ::1."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


async def test_a_port_in_use_is_exit_code_1_and_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_command("serve", "-a", address, "-l", "error")
    assert ended.code == 1
    assert ended.out == []
    (line,) = ended.err
    assert line.startswith("market-depth: error: ")
    assert address in line
    assert "in use" in line


async def test_an_address_that_is_not_of_this_machine_is_exit_code_1_and_one_line() -> None:
    ended = await run_command("serve", "-a", "192.0.2.1:8080", "-l", "error")
    assert ended.code == 1
    (line,) = ended.err
    assert "192.0.2.1:8080" in line


WRONG_FILES: dict[str, dict[str, bytes]] = {
    "--config": {
        "no TOML": b"interval_ms 5",
        "not UTF-8": b"\xff\xfei\x00n\x00",
        "unknown option": b"intervall_ms = 5",
        "boolean": b"interval_ms = true",
    },
    "--instruments": {
        "no TOML": b"[instruments",
        "not UTF-8": b"# \xff\n",
        "unknown field": b'[instruments.X]\nprice = "100"\ntick = "1"\ncolour = "red"',
        "price off the tick": b'[instruments.X]\nprice = "100.3"\ntick = "0.5"',
        "an empty list": b"builtin = false\n[instruments]",
    },
    "--credentials": {
        "no TOML": b"clients",
        "not UTF-8": b"# \xff\n",
        "short token": b'[clients.a]\ntoken = "short"',
        "unknown field": b'[clients.a]\ntoken = "long enough"\nsymbol = "X"',
        "no clients": b"",
        "an empty list": b"[clients]",
        "one token": b'[clients]\na.token = "long enough"\nb.token = "long enough"',
    },
    "--feed": {
        "no DBN": b"price,size\n1,2\n",
        "cut off": metadata()[:-20],
        "other schema": dbn(head=metadata(schema="ohlcv-1s")),
        "zstd that is none": b"\x28\xb5\x2f\xfd" + b"\xff" * 100,
    },
}


@pytest.mark.parametrize("option", WRONG_FILES)
async def test_a_file_that_is_missing_or_wrong_is_exit_code_2_and_one_line_that_names_it(
    option: str, tmp_path: Path
) -> None:
    paths = {"missing": tmp_path / "missing", "a folder": tmp_path}
    for kind, content in WRONG_FILES[option].items():
        paths[kind] = tmp_path / kind
        paths[kind].write_bytes(content)
    one_a_core = asyncio.Semaphore(os.cpu_count() or 1)

    async def fault(path: Path) -> str | None:
        """Return what is wrong with the answer, `None` if it is right."""
        async with one_a_core:
            try:
                ended = await run_command(
                    "serve", f"{option}={path}", "--addr=127.0.0.1:0", timeout_s=60
                )
            except TimeoutError:
                return "a server was started"
        if ended.code != 2 or len(ended.err) != 1 or ended.out:
            return f"exit code {ended.code}, {len(ended.err)} lines, last {ended.err[-1:]}"
        if str(path) not in ended.err[0] or not ended.err[0].startswith("market-depth: error: "):
            return ended.err[0]
        return None

    faults = await asyncio.gather(*(fault(path) for path in paths.values()))
    assert {kind: found for kind, found in zip(paths, faults, strict=True) if found} == {}


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 address")
async def test_an_ipv6_address_in_brackets_is_listened_on() -> None:
    async with serving_quietly("--addr=[::1]:0") as server:
        assert any(line.get("addr") == f"[::1]:{server.port}" for line in server.logs)
        async with connected(f"ws://[::1]:{server.port}/") as client:
            await client.subscribe("s")
            await client.receive_type("MarketData")
            with pytest.raises(ConnectionError):
                socket.create_connection(("127.0.0.1", server.port), timeout=5)
            await client.connection.close()


async def test_only_the_symbols_that_are_named_are_served_in_that_order() -> None:
    async with serving_quietly("--symbols= ADAUSD,BTCUSD ") as server:
        symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
        assert [entry["symbol"] for entry in symbols] == ["ADAUSD", "BTCUSD"]
        async with connected(server.url) as client:
            await client.subscribe("s", "ETHUSD")
            assert (await client.receive())["code"] == 404


async def test_a_symbol_that_nobody_simulates_is_exit_code_2_and_one_line() -> None:
    ended = await run_command("serve", "--symbols=BTCUSD,NOPE", "--addr=127.0.0.1:0")
    assert ended.code == 2
    (line,) = ended.err
    assert "'NOPE'" in line
    assert "ETHUSD" in line


async def test_instruments_of_a_file_are_added_or_stand_alone(tmp_path: Path) -> None:
    entry = '[instruments."XAU/USD"]\nprice = "2400.5"\ntick = "0.5"\nlot = "0.01"\n'
    for text, expected in (
        (entry, ["BTCUSD", "ETHUSD", "ADAUSD", "XAU/USD"]),
        ("builtin = false\n" + entry, ["XAU/USD"]),
    ):
        path = tmp_path / "instruments.toml"
        path.write_text(text)
        async with (
            serving_quietly(f"--instruments={path}") as server,
            exact_client(server.url) as client,
        ):
            symbols = (await fetch(server.port, "/api/symbols")).json()["symbols"]
            assert [entry["symbol"] for entry in symbols] == expected
            data = (await client.first_data("s", "XAU/USD", "MBP"))["data"]
            best = data["bids"][0]
            assert best["price"] % Decimal("0.5") == 0
            assert best["quantity"].as_tuple().exponent == -2


async def test_options_come_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('symbols = ["ETHUSD", "ADAUSD"]\nmax_streams = 1\nmax-levels = 5\n')
    environment = {"MARKET_DEPTH_MAX_STREAMS": "2", "MARKET_DEPTH_CONFIG": str(path)}
    async with (
        serving_quietly("--max-levels=7", environment=environment) as server,
        connected(server.url) as client,
    ):
        await client.subscribe("1", "ETHUSD", max_levels=7)
        await client.receive_type("MarketData", "1")
        await client.subscribe("2", "ADAUSD", max_levels=8)
        assert (await client.receive_type("Error"))["code"] == 400
        await client.subscribe("2", "ADAUSD", max_levels=7)
        await client.receive_type("MarketData", "2")
        await client.subscribe("3", "ETHUSD", max_levels=7)
        assert (await client.receive_type("Error"))["code"] == 429


# The seed


async def books(*options: str, count: int) -> dict[int, dict[str, list[Row]]]:
    """Return the first books of a new server by their sequence, times and ages left out."""
    steady = ("--rate=100", "--interval-ms=1")
    seen: dict[int, dict[str, list[Row]]] = {}
    async with (
        serving_quietly(*steady, *options) as server,
        exact_client(server.url) as client,
    ):
        await client.subscribe("s", data_type="MBO", max_levels=50)
        while len(seen) < count:
            message = await client.receive_type("MarketData")
            seen[message["sequence"]] = {
                side: [without_times(row) for row in message["data"][side]]
                for side in ("bids", "asks")
            }
    return seen


def without_times(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("timestamp", "age_ms")}


async def test_the_same_seed_gives_the_same_flow_and_another_another() -> None:
    first, second, other = await asyncio.gather(
        books("--seed=7", count=60), books("--seed=7", count=60), books("--seed=8", count=1)
    )
    in_common = first.keys() & second.keys()
    assert len(in_common) >= 5
    for sequence in in_common:
        assert first[sequence] == second[sequence]
    assert next(iter(other.values())) not in first.values()


async def test_the_seed_that_was_drawn_is_logged_and_draws_the_same_again() -> None:
    async with serving_quietly("--speed=0.001") as server:
        drawn = next(line["seed"] for line in server.logs if line["event"] == "simulator")
        drawn_book = (await fetch(server.port, "/api/depth/ADAUSD")).json()
    async with serving_quietly("--speed=0.001", f"--seed={drawn}") as server:
        again = (await fetch(server.port, "/api/depth/ADAUSD")).json()
    assert again["sequence"] == drawn_book["sequence"]
    for side in ("bids", "asks"):
        for row, same in zip(drawn_book["data"][side], again["data"][side], strict=True):
            assert (row["price"], row["quantity"]) == (same["price"], same["quantity"])


# The first seconds


async def test_a_signal_while_kernels_are_compiled_ends_the_server_in_good_order(
    tmp_path: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_depth",
        "serve",
        "--addr=127.0.0.1:0",
        "--log-format=json",
        env={**os.environ, "MARKET_DEPTH_CACHE": str(tmp_path)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        first = parse_log(await process.stderr.readline())
        assert "compiling kernels" in first["event"]
        process.terminate()
        assert await process.stderr.read() == b""
        assert await process.wait() == 0


async def test_a_simulated_market_is_as_old_as_the_servers_clock_says() -> None:
    """However long it took to start: ages are the time between an order's time and the server's."""
    async with serving_quietly("--interval-ms=20") as server, connected(server.url) as client:
        await client.subscribe("s", "BTCUSD", "MBO")
        message = await client.receive_type("MarketData")
        now = datetime.fromisoformat(message["timestamp"])
        orders = [*message["data"]["bids"], *message["data"]["asks"]]
        for order in orders:
            age = now - datetime.fromisoformat(order["timestamp"])
            assert abs(age / timedelta(milliseconds=1) - order["age_ms"]) < 5
