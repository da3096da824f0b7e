"""What the viewer does without."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "numpy", "pandas", "polars")
SERVER = ("book", "config", "feeds", "jit", "server", "simulator", "streams")


@pytest.mark.parametrize(
    ("module", "needs_textual"),
    [("market_depth.terminal.app", True), ("market_depth.commands.watch", False)],
)
def test_the_viewer_needs_no_server_and_no_numba(module: str, needs_textual: bool) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(found.stdout.split())
    assert module in loaded
    assert not set(HEAVY) & loaded
    assert not {f"market_depth.{room}" for room in SERVER} & loaded
    assert ("textual" in loaded) == needs_textual
