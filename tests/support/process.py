"""The real server in a process of its own, as a user runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

START_TIMEOUT_S = 120.0
"""Kernels may have to be compiled first."""
STOP_TIMEOUT_S = 20.0


class ServerProcess:
    """A running `market-depth serve`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port
        self.logs: list[dict[str, Any]] = []
        """Every log line, parsed."""
        self._reader = asyncio.create_task(self._read_logs())

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        return self._process.pid

    async def _read_logs(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.logs.append(parse_log(line))

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Return (status, body) of an HTTP page."""
        return await asyncio.to_thread(self._get, path, headers or {})

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    async def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        _, text = await self.get("/metrics")
        for line in text.splitlines():
            if line.startswith(f"market_depth_{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no metric market_depth_{name} in:\n{text}")

    async def until_metric(self, name: str, value: float, timeout_s: float = 30.0) -> None:
        """Wait until a metric has a value."""
        await self._until_metric(name, lambda found: found == value, timeout_s)

    async def until_metric_reaches(self, name: str, value: float, timeout_s: float = 30.0) -> None:
        """Wait until a metric has a value, or more."""
        await self._until_metric(name, lambda found: found >= value, timeout_s)

    async def _until_metric(
        self, name: str, is_reached: Callable[[float], bool], timeout_s: float
    ) -> None:
        """Wait for a metric; the server tells it only when asked."""
        async with asyncio.timeout(timeout_s):
            while not is_reached(await self.metric(name)):
                await asyncio.sleep(0.02)

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Return the exit code once the server has ended and its logs have been read."""
        async with asyncio.timeout(STOP_TIMEOUT_S):
            code = await self._process.wait()
            await self._reader
        return code

    async def stop(self) -> int:
        if self._process.returncode is None:
            self._process.terminate()
        return await self.wait()


def parse_log(line: bytes) -> dict[str, Any]:
    """Return a JSON log line, or whatever else was printed as its `event`."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {"event": line.decode().rstrip()}
    assert isinstance(fields, dict)
    return fields


@asynccontextmanager
async def serving(
    *options: str,
    environment: dict[str, str] | None = None,
    launcher: Sequence[str] = ("-m", "market_depth"),
    exit_code: int = 0,
) -> AsyncIterator[ServerProcess]:
    """Run a server on a free port; fails if it does not start, or does not stop as it should."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *launcher,
        "serve",
        "--addr=127.0.0.1:0",
        "--log-format=json",
        *options,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    early: list[dict[str, Any]] = []
    port = await listening_port(process, early)
    server = ServerProcess(process, port)
    server.logs.extend(early)
    try:
        yield server
    finally:
        code = await server.stop()
    assert code == exit_code, f"exit code {code}; last logs: {server.logs[-5:]}"


async def listening_port(process: asyncio.subprocess.Process, early: list[dict[str, Any]]) -> int:
    """Read logs until the server listens, and return its port."""
    assert process.stderr is not None
    async with asyncio.timeout(START_TIMEOUT_S):
        async for line in process.stderr:
            fields = parse_log(line)
            early.append(fields)
            if fields["event"] == "listening":
                return int(fields["addr"].rpartition(":")[2])
    raise AssertionError(f"the server did not start: {early}")
