"""The examples run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from support.documents import ROOT

_PNG = b"\x89PNG\r\n\x1a\n"


async def test_the_simulated_market_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "market.png"
    script = ROOT / "examples" / "plot_simulated_market.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), "ADAUSD", "--hours=0.2", f"--out={path}"
    )
    async with asyncio.timeout(120):
        assert await process.wait() == 0
    assert path.read_bytes().startswith(_PNG)


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text()
    for script in (ROOT / "examples").glob("*.py"):
        assert script.name in text
