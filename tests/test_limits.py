"""Values at the edge of what an option takes: refused in one line, or served as well as any."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from support import raw
from support.logs import complaints
from support.process import parse_log, serving

HUGE = str(10**20)
START_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _compiled() -> None:
    """Let a server that is sure to start compile the kernels, if they have to be."""
    async with serving():
        pass


@asynccontextmanager
async def started(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a server that may not start, and see to it that it is gone in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_depth",
        "serve",
        "--addr=127.0.0.1:0",
        "--log-format=json",
        *options,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.usefixtures("_compiled")
@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--rate=1e-9"], id="nothing ever happens"),
        pytest.param(["--rate=1e300"], id="everything happens"),
        pytest.param(["--speed=1e-300"], id="time stands still"),
        pytest.param(["--speed=1e300"], id="time flies"),
        pytest.param(["--max-write-buffer-bytes", HUGE], id="a huge buffer"),
        pytest.param(["--max-connections", HUGE, "--max-streams", HUGE], id="huge counts"),
        pytest.param(["--max-message-bytes", HUGE], id="huge messages"),
        pytest.param(["--message-rate=1e300", "--message-burst", HUGE], id="a huge rate"),
        pytest.param(["--seed", HUGE], id="a huge seed"),
        pytest.param(
            ["--stall-s=inf", "--handshake-timeout-s=inf", "--ping-interval-s=inf"],
            id="timeouts without end",
        ),
        pytest.param(["--stats-s=1e300"], id="statistics never"),
        pytest.param(
            ["--max-levels=1", "--max-streams=1", "--message-burst=1", "--interval-ms=1"],
            id="least values",
        ),
        pytest.param(
            ["--max-message-bytes=256", "--max-write-buffer-bytes=1024", "--max-connections=1"],
            id="least sizes",
        ),
    ],
)
async def test_an_edge_value_is_refused_in_one_line_or_served(options: list[str]) -> None:
    async with started(*options) as process:
        lines = await until_listening(process)
        if lines[-1]["event"] != "listening":
            assert await process.wait() == 2
            assert len(lines) == 1
            return
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await assert_serves(int(lines[-1]["addr"].rpartition(":")[2]))
            process.send_signal(signal.SIGTERM)
            _, rest = await process.communicate()
        assert process.returncode == 0
        assert not complaints([*lines, *map(parse_log, rest.splitlines())])


async def until_listening(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    """Return what is logged until the server listens, or ends."""
    assert process.stderr is not None
    lines = []
    async with asyncio.timeout(START_TIMEOUT_S):
        async for line in process.stderr:
            lines.append(parse_log(line))
            if lines[-1]["event"] == "listening":
                break
    return lines


async def assert_serves(port: int) -> None:
    async with raw.open_client(port) as client:
        await client.send(raw.subscribe("s", max_levels=1))
        assert (await client.frame()).message()["type"] == "Subscribed"
        assert (await client.frame()).message()["type"] == "MarketData"
        await client.send(raw.text(type="Ping", timestamp="2025-09-16T04:18:26Z"))
        await client.message_of("HeartBeat")
