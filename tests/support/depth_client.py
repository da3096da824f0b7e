"""The browser's `depth-client.js` in a Node.js process of its own, driven by a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from support.documents import ROOT
from support.node import NODE

__all__ = ["LIBRARY", "Line", "NodeClient", "node_client"]

Line = dict[str, Any]

LIBRARY: Final = ROOT / "src" / "market_depth" / "viewer" / "web" / "depth-client.js"
TIMEOUT_S: Final = 90.0
_DRIVER: Final = ROOT / "tests" / "viewer" / "depth-driver.mjs"
_MAX_LINE_BYTES: Final = 16 * 1024 * 1024
_STOP_S: Final = 20.0


class NodeClient:
    """A DepthClient, and what it has told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[Line] = []
        """All that have happened, in order."""
        self._taken = 0
        self._answers: dict[int, asyncio.Future[Line]] = {}
        self._come = asyncio.Event()
        self._number = 0
        self._reader = asyncio.create_task(self._read())

    async def do(self, command: str, **fields: Any) -> Any:
        """Have it do something, and return what comes of it."""
        answer = await self.begin(command, **fields)
        assert "error" not in answer, answer["error"]
        return answer["answer"]

    async def begin(self, command: str, **fields: Any) -> Line:
        """Have it do something, and return the answer, which may be an error."""
        assert self._process.stdin is not None
        self._number += 1
        number = self._number
        self._answers[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "command": command, **fields})
        self._process.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(TIMEOUT_S):
            return await self._answers[number]

    async def heard(self, event: str, wanted: Callable[[Line], bool] = lambda line: True) -> Line:
        """Return the next event of a kind that is wanted, passing over others."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                while self._taken < len(self.events):
                    line = self.events[self._taken]
                    self._taken += 1
                    if line["event"] == event and wanted(line):
                        return line
                assert not self._reader.done(), "the program has ended"
                self._come.clear()
                await self._come.wait()

    async def state(self, state: str) -> Line:
        """Return the next event of the connection that has this state."""
        return await self.heard("state", lambda line: line["state"] == state)

    async def stop(self) -> None:
        """End the program, which must not have failed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(_STOP_S):
            await self._reader
            assert self._process.stderr is not None
            complaints = (await self._process.stderr.read()).decode()
            code = await self._process.wait()
        assert (code, complaints) == (0, "")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            line = json.loads(text)
            if "event" in line:
                self.events.append(line)
            elif not (answer := self._answers.pop(line["id"])).done():
                answer.set_result(line)
            self._come.set()
        for answer in self._answers.values():
            answer.cancel()
        self._come.set()


@asynccontextmanager
async def node_client(url: str | None = None, **options: Any) -> AsyncIterator[NodeClient]:
    """Run a client; it connects if there is a URL. Fails if the program does."""
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        str(_DRIVER),
        LIBRARY.as_uri(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_MAX_LINE_BYTES,
    )
    client = NodeClient(process)
    try:
        if url is not None:
            await client.do("connect", url=url, options=options)
        yield client
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        assert process.stderr is not None
        print((await process.stderr.read()).decode())
        await process.wait()
        raise
    await client.stop()
