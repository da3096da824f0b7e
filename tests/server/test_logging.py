"""What a server logs at each level: lifecycle, not messages, unless every request is asked for."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from support import raw
from support.client import connected
from support.commands import run_command
from support.pages import fetch
from support.process import parse_log, serving

Logs = list[dict[str, Any]]

LIFECYCLE = {
    "simulator",
    "listening",
    "client connected",
    "client gone",
    "shutting down",
    "stopped",
}


async def logs_of(level: str, updates: int = 5) -> Logs:
    """Return all that a server logs while one client is there and makes one mistake."""
    options = (f"--log-level={level}", "--interval-ms=10", "--rate=200", "--max-connections=50")
    async with serving(*options) as server:
        async with connected(server.url) as client:
            await client.subscribe("s", "BTCUSD", "MBP", max_levels=3)
            for _ in range(updates):
                await client.receive_type("MarketData")
            await client.send(type="Unsubscribe", stream_id="never")
            await client.receive_type("Error")
            await client.send(type="Unsubscribe", stream_id="s")
            await client.receive_type("Unsubscribed")
        await server.until_metric("sessions", 0)
    return [line for line in server.logs if "level" in line]


def logged_port(log: Iterable[str]) -> int:
    """Read a log until the server listens, and return its port."""
    for line in log:
        fields = parse_log(line.encode())
        if fields["event"] == "listening":
            return int(fields["addr"].rpartition(":")[2])
    raise AssertionError("the server did not start")


def events(logs: Logs) -> set[str]:
    return {line["event"] for line in logs}


async def test_trace_logs_every_request_with_its_text() -> None:
    logs = await logs_of("trace")
    requests = [line for line in logs if line["event"] == "request"]
    assert {line["level"] for line in requests} == {"trace"}
    texts = [line["text"] for line in requests]
    assert len(texts) == 3
    assert '"Subscribe"' in texts[0]
    assert '"never"' in texts[1]


async def test_debug_logs_subscriptions_and_errors_but_no_messages() -> None:
    few, many = await asyncio.gather(logs_of("debug", updates=2), logs_of("debug", updates=60))
    assert events(few) == LIFECYCLE | {"subscribed", "error", "unsubscribed"}
    assert len(few) == len(many)
    (subscribed,) = (line for line in few if line["event"] == "subscribed")
    assert subscribed["stream_id"] == "s"
    assert subscribed["symbol"] == "BTCUSD"
    assert subscribed["data_type"] == "MBP"
    assert subscribed["max_levels"] == 3


async def test_info_logs_the_lifecycle_alone() -> None:
    few, many = await asyncio.gather(logs_of("info", updates=2), logs_of("info", updates=60))
    assert events(few) == LIFECYCLE
    assert len(few) == len(many) == len(LIFECYCLE)
    for line in few:
        assert line["level"] == "info"
        assert line["timestamp"].endswith("Z")
    numbers = {line["client"] for line in few if "client" in line}
    assert len(numbers) == 1, "the lines of one client have its number"


@pytest.mark.parametrize("level", ["warn", "error"])
async def test_nothing_is_logged_while_nothing_is_wrong(level: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_command(
            "serve", f"--addr={address}", f"--log-level={level}", "--max-connections=50"
        )
    assert len(ended.err) == 1, "the error that ends it, and no log"


async def test_the_reason_why_a_client_is_gone_is_logged() -> None:
    async with serving("--interval-ms=10") as server:
        polite = await raw.connect(server.port)
        await polite.open()
        await polite.send(raw.close(1001, b"bye"))
        await polite.closed()
        polite.close()
        wrong = await raw.connect(server.port)
        await wrong.open()
        await wrong.send(raw.frame(3))
        await wrong.closed()
        wrong.close()
        await server.until_metric("connections", 1)
    reasons = [line["reason"] for line in server.logs if line["event"] == "client gone"]
    assert len(reasons) == 2
    assert "1001" in reasons[0]
    assert "1002" in reasons[1]


async def test_who_is_turned_away_is_logged_and_why(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text('[clients.desk]\ntoken = "a long random text"\n')
    async with serving(f"--credentials={path}") as server:
        async with connect(server.url) as connection:
            await connection.wait_closed()
        async with raw.raw_client(server.port) as client:
            await client.send(raw.upgrade(Sec_WebSocket_Key="too short"))
            assert (await client.head()).status == 400
    (refused,) = [line for line in server.logs if line["event"] == "client refused"]
    assert (refused["code"], refused["address"]) == (401, "127.0.0.1")
    (handshake,) = [line for line in server.logs if line["event"] == "handshake refused"]
    assert "Sec-WebSocket-Key" in handshake["reason"]


async def test_a_server_goes_on_when_nobody_takes_its_log_any_more() -> None:
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_depth",
        "serve",
        "--addr=127.0.0.1:0",
        "--stats-s=0.05",
        stderr=writer,
    )
    os.close(writer)
    with os.fdopen(reader) as log:
        port = await asyncio.to_thread(logged_port, log)
    for _ in range(3):
        async with connected(f"ws://127.0.0.1:{port}") as client:
            await client.subscribe("s", "BTCUSD")
            await client.receive_type("MarketData")
    async with asyncio.timeout(30):
        while True:
            page = await fetch(port, "/metrics")
            if "market_depth_sessions 0.0" in page.body:
                break
    process.terminate()
    async with asyncio.timeout(30):
        assert await process.wait() == 0


async def test_what_a_client_sends_cannot_forge_a_log_line() -> None:
    forged = 'x"}\n{"event": "forged", "level": "error"}'
    async with serving("--log-level=trace") as server, connected(server.url) as client:
        await client.subscribe(forged, forged)
        await client.receive_type("Error")
        await client.send(type="Unsubscribe", stream_id=forged)
        await client.receive_type("Error")
    assert "forged" not in events(server.logs)


async def test_performance_is_logged_at_intervals() -> None:
    async with (
        serving("--stats-s=0.2", "--interval-ms=10", "--rate=200") as server,
        connected(server.url) as client,
    ):
        await client.subscribe("s")
        async with asyncio.timeout(30):
            while sum(line["event"] == "performance" for line in server.logs) < 3:
                await client.receive_type("MarketData")
    last = [line for line in server.logs if line["event"] == "performance"][-1]
    assert last["clients"] == last["streams"] == 1
    assert last["messages_per_s"] > 0
    assert last["bytes_per_s"] > last["messages_per_s"]
    assert last["events_per_s"] > 0
    assert last["skipped_per_s"] == 0
    assert last["cpu_share"] > 0


@pytest.mark.parametrize(("log_format", "is_json"), [("json", True), ("console", False)])
async def test_log_lines_are_for_machines_or_for_people(log_format: str, is_json: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = await run_command("serve", f"--addr={address}", f"--log-format={log_format}")
    line = parse_log(ended.err[0].encode())
    assert ("seed" in line) == is_json
    assert "simulator" in line["event"]
    assert "\x1b" not in ended.err[0], "no colours where there is no terminal"
