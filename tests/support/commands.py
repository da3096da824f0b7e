"""The command line in a process of its own, for runs that end by themselves."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import NamedTuple

TIMEOUT_S = 60.0


class Finished(NamedTuple):
    """What a command left: its exit code and the lines that it printed."""

    code: int
    out: list[str]
    err: list[str]


async def run_command(
    *arguments: str, environment: dict[str, str] | None = None, timeout_s: float = TIMEOUT_S
) -> Finished:
    """Run `market-depth`; a command that does not end is killed, and fails the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "market_depth",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode().splitlines(), err.decode().splitlines())


async def read_no_further(*arguments: str) -> tuple[int, bytes]:
    """Run `market-depth` for a reader who goes when there is something; return its exit code and
    what it has written to standard error."""
    ours, theirs = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "market_depth", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
        )
    finally:
        os.close(theirs)
    try:
        assert await asyncio.to_thread(os.read, ours, 1)
    finally:
        os.close(ours)
    async with asyncio.timeout(TIMEOUT_S):
        _, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, err
