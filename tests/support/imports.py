"""What a command imports, as the interpreter tells it on standard error."""

from __future__ import annotations

from typing import Final

from support.commands import run_command

__all__ = ["HEAVY", "imported_by"]

HEAVY: Final = {"numba", "numpy", "pandas", "polars", "prometheus_client", "textual", "uvloop"}
"""What takes long to import, and a command does without that does not need it."""
_MARK: Final = "import time:"


async def imported_by(*arguments: str) -> set[str]:
    """Run `market-depth`, which must succeed, and return the modules that it has imported."""
    finished = await run_command(*arguments, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert finished.code == 0, finished.err
    assert finished.out
    names = {line.rpartition("|")[2].strip() for line in finished.err if line.startswith(_MARK)}
    assert "market_depth.cli" in names
    return names
