"""The benchmarks run, small, so that they never rot; what they measure is not looked at."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import NAMES

from support.documents import ROOT

_TIMEOUT_S = 240


@pytest.mark.parametrize("name", NAMES)
async def test_a_benchmark_runs_and_writes_its_results(name: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks",
        name,
        "--quick",
        f"--results={tmp_path}",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_TIMEOUT_S):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    (path,) = tmp_path.glob("*.json")
    (report,) = json.loads(path.read_text())["reports"]
    assert report["rows"]
    assert all(row["value"] > 0 or "memory" in row["name"] for row in report["rows"])
