"""The examples run."""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from support.documents import ROOT, code_blocks
from support.exact import exact_client
from support.logs import serving_quietly
from support.process import ServerProcess, listening_port

module_loop = pytest.mark.asyncio(loop_scope="module")

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


async def output_of(script: str, *arguments: str) -> str:
    """Run an example to its end, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        str(ROOT / "examples" / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[ServerProcess]:
    async with serving_quietly("--seed=1", "--rate=100") as running:
        yield running


@module_loop
async def test_the_spread_is_printed(server: ServerProcess) -> None:
    text = await output_of("print_spread.py", "BTCUSD", f"--url={server.url}", "--updates=5")
    for line in text.splitlines():
        bid, ask, spread = re.fullmatch(r"\S+Z  (\S+) \| (\S+)  spread (\S+)", line).groups()  # type: ignore[union-attr]
        assert float(ask) - float(bid) == pytest.approx(float(spread))
    assert len(text.splitlines()) == 5


@module_loop
async def test_depth_is_written_as_csv(server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "depth.csv"
    await output_of("write_csv.py", str(path), "ADAUSD", f"--url={server.url}", "--updates=7")
    head, *rows = csv.reader(path.read_text().splitlines())
    assert head[:4] == ["timestamp", "sequence", "bid_price_1", "bid_quantity_1"]
    assert len(rows) == 7
    for row in rows:
        prices = [float(price) for price in row[2::2]]
        assert prices[:5] == sorted(prices[:5], reverse=True)
        assert prices[5:] == sorted(prices[5:])
        assert prices[0] < prices[5]


@module_loop
async def test_order_flow_imbalance_is_printed(server: ServerProcess) -> None:
    text = await output_of(
        "order_flow_imbalance.py", f"--url={server.url}", "--seconds=0.2", "--windows=3"
    )
    for line in text.splitlines():
        assert re.fullmatch(r"\S+Z  imbalance [+-][\d.]+  mid [+-][\d.]+", line), line
    assert len(text.splitlines()) == 3


@module_loop
async def test_depth_is_drawn(server: ServerProcess, tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    await output_of("plot_depth.py", "BTCUSD", f"--url={server.url}", f"--out={path}")
    assert path.read_bytes().startswith(_PNG)


@module_loop
@pytest.mark.parametrize("number", [0, 1])
async def test_the_programs_of_the_clients_page_run(
    server: ServerProcess, tmp_path: Path, number: int
) -> None:
    code = code_blocks("docs/client.md", "python")[number]
    script = tmp_path / "program.py"
    script.write_text(code.replace("ws://127.0.0.1:8080", server.url))
    assert await output_of(str(script))


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text()
    for script in (ROOT / "examples").glob("*.py"):
        assert script.name in text
