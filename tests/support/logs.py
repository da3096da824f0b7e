"""What a server's log must not have in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from support.process import ServerProcess, serving

_COMPILING = "compiling kernels"


def complaints(logs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the errors, and whatever was printed past the log, such as a traceback."""
    return [line for line in logs if _is_complaint(line)]


def _is_complaint(line: dict[str, Any]) -> bool:
    if "level" not in line:
        return not line["event"].startswith(_COMPILING)
    return line["level"] in ("error", "critical")


@asynccontextmanager
async def serving_quietly(
    *options: str, environment: dict[str, str] | None = None
) -> AsyncIterator[ServerProcess]:
    """Run a server as `serving` does; fails also if it has logged an error."""
    async with serving(*options, environment=environment) as server:
        yield server
    assert not complaints(server.logs)
