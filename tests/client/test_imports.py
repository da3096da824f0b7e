"""What the client does without."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "numpy", "pandas", "polars", "uvloop")
SERVER = ("book", "feeds", "jit", "server", "simulator", "streams")


@pytest.mark.parametrize("module", ["market_depth.client", "market_depth.client.sync"])
def test_the_client_needs_no_server_and_no_numba(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = found.stdout.split()
    assert module in loaded
    assert not set(HEAVY) & set(loaded)
    assert not {f"market_depth.{room}" for room in SERVER} & set(loaded)
