"""How much memory a process holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

MIB = 1024 * 1024


def resident_bytes(pid: int) -> int:
    """Return the resident set size of a process."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout) * 1024
