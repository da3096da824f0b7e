"""HTTP pages of a server, over a bare socket: whatever method, headers and path."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from support.raw import raw_client


class Page(NamedTuple):
    """A response; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


async def fetch(
    port: int,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Page:
    """Return a page; the server must close the connection behind it."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    async with raw_client(port) as client:
        await client.send("\r\n".join([*lines, "", ""]).encode() + body)
        head = await client.head()
        return Page(head.status, head.headers, (await client.until_end()).decode())
