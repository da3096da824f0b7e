"""What the client's tests share: a scripted server, and no tasks left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from support.scripted_server import ScriptedServer, scripted


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """A scripted server; no task may be left when the test is done."""
    async with scripted() as running:
        yield running
        # Of the server's own tasks, those of connections end by themselves.
        left = {
            task
            for task in asyncio.all_tasks() - {asyncio.current_task()}
            if "protocol_handler" not in repr(task.get_coro())
        }
        if left:
            _, left = await asyncio.wait(left, timeout=5)
        assert not left
