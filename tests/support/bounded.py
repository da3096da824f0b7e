"""Files played in a process of its own that may take only so much memory, which it measures.

Run as a module it reads tasks from its standard input, a line of JSON each, and answers each with
one. Linux only: others tell no peak that can be set back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from market_depth.feeds.base import OpenOptions
from market_depth.feeds.formats import format_named
from support.damage import check

__all__ = ["Outcome", "Task", "can_measure", "play_bounded"]

STATUS: Final = Path("/proc/self/status")
SET_BACK: Final = Path("/proc/self/clear_refs")
TIMEOUT_S: Final = 200.0


class Task(NamedTuple):
    """A file to be played."""

    format: str
    path: Path


class Outcome(NamedTuple):
    """What has come of it."""

    events: int
    complaint: str | None
    peak_bytes: int
    """Most memory that was resident, above what was when the first such file was begun."""


def can_measure() -> bool:
    """Whether this machine tells peaks of memory."""
    return sys.platform == "linux" and SET_BACK.exists()


def play_bounded(
    tasks: Sequence[Task], allowed_bytes: int, warm: Sequence[Task] = ()
) -> list[Outcome]:
    """Play files in a process that may take no more than so much address space above what it has
    when the *warm* ones have been played; it fails if it wants more."""
    lines = [json.dumps([one.format, str(one.path)]) for one in warm]
    lines.append(json.dumps(allowed_bytes))
    lines += [json.dumps([one.format, str(one.path)]) for one in tasks]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "support.bounded"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = [Outcome(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(outcomes) == len(tasks)
    return outcomes


def _status_bytes(name: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def _played(format_name: str, path: str) -> Outcome:
    SET_BACK.write_text("5")
    form = format_named(format_name)
    checks = check(lambda: form.open([Path(path)], OpenOptions()), str(Path(path).parent))
    return Outcome(*checks, _status_bytes("VmHWM:"))


def main(lines: Iterable[str]) -> None:
    """Do what the lines say."""
    import resource  # not there on Windows

    before: int | None = None
    for line in lines:
        task = json.loads(line)
        if isinstance(task, int):
            limit = _status_bytes("VmSize:") + task
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            before = _status_bytes("VmRSS:")
            continue
        outcome = _played(*task)
        if before is not None:
            peak_bytes = outcome.peak_bytes - before
            print(json.dumps(outcome._replace(peak_bytes=peak_bytes)), flush=True)


if __name__ == "__main__":
    main(sys.stdin)
