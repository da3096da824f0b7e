"""The folder of real recordings, which is no part of the project.

It is named by MARKET_DEPTH_DATA, or lies beside the repository as `shared/data`. Tests that need
it are skipped where it is missing, and say so: the one reason for which this project's tests skip.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]

DATA = Path(os.environ.get("MARKET_DEPTH_DATA") or _REPOSITORY.parent / "shared" / "data")


def recording(name: str) -> Path:
    """Return the path of a file or folder of recordings; skips the test if it is not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no recordings: {path} is not there (MARKET_DEPTH_DATA names their folder)")
    return path
