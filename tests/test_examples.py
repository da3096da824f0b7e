"""The examples run."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from support.documents import ROOT
from support.exact import exact_client
from support.process import listening_port

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


async def test_a_feed_of_ones_own_is_served(tmp_path: Path) -> None:
    path = tmp_path / "levels.txt"
    path.write_text(
        "1700000000.0 bid 100.25 5\n1700000000.0 bid 100.00 8\n1700000000.0 ask 100.50 7\n"
    )
    script = ROOT / "examples" / "own_feed.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(path), "127.0.0.1:0", stderr=asyncio.subprocess.PIPE
    )
    try:
        port = await listening_port(process, [])
        async with exact_client(f"ws://127.0.0.1:{port}") as client:
            message = await client.first_data("own", "OWN", "MBP")
            assert message["sequence"] == 3
            rows = [message["data"][side] for side in ("bids", "asks")]
            shown = [[(str(row["price"]), row["quantity"]) for row in side] for side in rows]
            assert shown == [[("100.25", 5), ("100.00", 8)], [("100.50", 7)]]
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text()
    for script in (ROOT / "examples").glob("*.py"):
        assert script.name in text
