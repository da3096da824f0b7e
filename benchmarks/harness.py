"""What the benchmarks share: repeated timing, tables, and results as JSON."""

from __future__ import annotations

import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["RESULTS", "Report", "Row", "median_seconds", "write_results"]

RESULTS = Path(__file__).parent / "results"
_SMALL_RATIO = 0.1


@dataclass
class Row:
    """One measured thing beside its baseline."""

    name: str
    value: float
    unit: str
    baseline: str = ""
    """What it is compared with, measured in the same run."""
    ratio: float | None = None
    """The value divided by the baseline's."""
    goal: str = ""
    note: str = ""


@dataclass
class Report:
    """The outcome of one benchmark."""

    name: str
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> Row:
        """Append a row and print it."""
        self.rows.append(row)
        ratio = ""
        if row.ratio is not None:
            decimals = 2 if row.ratio >= _SMALL_RATIO else 4
            ratio = f"{row.ratio:6.{decimals}f} × {row.baseline}"
        goal = f"(goal {row.goal})" if row.goal else ""
        cells = f"{row.name:<60} {row.value:12,.2f} {row.unit:<14} {ratio:<38} {goal} {row.note}"
        print(cells.rstrip(), flush=True)
        return row


def median_seconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median time of *repeats* runs, after one that is not counted."""
    run()
    times = []
    gc.disable()
    try:
        for _ in range(repeats):
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
    finally:
        gc.enable()
    return statistics.median(times)


def write_results(reports: Sequence[Report], folder: Path) -> Path:
    """Write every report as JSON, with what it ran on; return the file's path."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    content = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "reports": [asdict(report) for report in reports],
    }
    path.write_text(json.dumps(content, indent=1))
    return path
