"""The README's clients, pasted and run against a real server; its other commands exist."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from pathlib import Path

from support.documents import ROOT, code_blocks, text_of
from support.node import NODE
from support.process import ServerProcess, serving

_LINES = 3
_TIMEOUT_S = 60.0


async def _first_lines(server: ServerProcess, code: str, script: Path, *command: str) -> list[str]:
    """Run a client against *server*, and return the first lines that it prints."""
    assert "ws://127.0.0.1:8080" in code
    script.write_text(code.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
    process = await asyncio.create_subprocess_exec(
        *command, str(script), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return [(await process.stdout.readline()).decode().strip() for _ in range(_LINES)]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_javascript_client_prints_the_touch(tmp_path: Path) -> None:
    (code,) = code_blocks("README.md", "javascript")
    async with serving("--interval-ms=50") as server:
        lines = await _first_lines(server, code, tmp_path / "client.mjs", str(NODE))
    for line in lines:
        assert re.fullmatch(r"\d+ +[\d.]+ @ [\d.]+ \| [\d.]+ @ [\d.]+", line), lines
    sequences = [int(line.split()[0]) for line in lines]
    assert sequences == sorted(set(sequences))


async def test_python_client_prints_orders(tmp_path: Path) -> None:
    code, _ = code_blocks("README.md", "python")
    async with serving("--interval-ms=50") as server:
        lines = await _first_lines(server, code, tmp_path / "client.py", sys.executable, "-u")
    for line in lines:
        sequence, order_id, price, quantity, age_ms = line.split()
        assert int(sequence) > 0
        assert int(order_id) > 0
        assert float(price) > 0
        assert int(quantity) > 0
        assert int(age_ms) >= 0


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"make (\w+)", text_of("README.md")))
    assert {"serve", "test"} <= named <= targets


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in ("README.md", "docs/options.md", "docs/protocol.md", "docs/simulator.md"):
        folder = (ROOT / document).parent
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text_of(document)):
            assert (folder / target).exists(), f"{document} links to {target}"


async def test_the_client_that_comes_with_the_server_prints_the_touch(tmp_path: Path) -> None:
    _, code = code_blocks("README.md", "python")
    async with serving("--interval-ms=50") as server:
        lines = await _first_lines(server, code, tmp_path / "client.py", sys.executable, "-u")
    for line in lines:
        sequence, bid, ask, spread = map(float, line.split())
        assert sequence > 0
        assert round(ask - bid, 2) == spread
