"""`market-depth verify`: recordings checked, as a table or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import msgspec

from market_depth.errors import ConfigError, FeedError
from market_depth.verify import Check, Report, Suite
from market_depth.verify.expected import KNOWN_FIGURES
from market_depth.verify.playback import COMMON_CHECKS

__all__ = ["DATA_VARIABLE", "data_folder", "details_of", "rows_of", "run"]

DATA_VARIABLE: Final = "MARKET_DEPTH_DATA"
_DEFAULT_FOLDER: Final = Path("../shared/data")
_HEADS: Final = ("recording", "events", "check", "made", "passed", "")
_SHOWN_NAMES: Final = 8
_SHOWN_FIGURES: Final = 3
_NUMBERS: Final = (1, 3, 4)
_BETWEEN: Final = " + "


class Row(NamedTuple):
    """A line of the table; empty where it is the same as in the line above."""

    recording: str
    events: str
    check: str
    made: str
    passed: str
    result: str


def data_folder() -> Path | None:
    """Return the folder of recordings of which figures are known, `None` if it is not there.

    Raises:
        ConfigError: if the environment names a folder that is not there.
    """
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return _DEFAULT_FOLDER if _DEFAULT_FOLDER.is_dir() else None
    if not Path(named).is_dir():
        raise ConfigError(f"{DATA_VARIABLE} names {named!r}, which is no folder")
    return Path(named)


def run(files: Sequence[Path], *, as_json: bool, format_name: str | None = None) -> bool:
    """Verify files, or without any the folder of recordings; print what is found.

    Returns:
        Whether all could be read to their ends, all checks that must pass did, and all figures
        that are known were reached.

    Raises:
        ConfigError: if the environment names a folder that is not there.
        FeedError: if a file is not there, or there is no format of that name.
    """
    folder = data_folder()
    for path in files:
        if not path.exists():
            raise FeedError(f"can't verify {path}: it is not there")
    if not files and folder is None:
        print(
            f"nothing verified: {_DEFAULT_FOLDER} is not there, and {DATA_VARIABLE} names no other "
            "folder of recordings"
        )
        return True
    progress = _Progress()
    suite = Suite(folder, format_name=format_name, tell=progress.tell)
    reports = []
    is_whole = not files or (folder is not None and all(map(folder.samefile, files)))
    for report in suite.of_folder() if is_whole else suite.of_files(files):
        reports.append(report)
        if as_json:
            print(msgspec.json.encode(report).decode(), flush=True)
    progress.clear()
    if not as_json:
        _show(reports)
        for line in _summary(reports, suite):
            print(line)
    return all(report.is_good for report in reports)


class _Progress:
    """Tells on stderr what is being verified: the file on a terminal, else each new folder."""

    def __init__(self) -> None:
        self._folder = ""

    def tell(self, name: str) -> None:
        """Tell the name of a recording."""
        if sys.stderr.isatty():
            print(f"\r\x1b[Kverifying {name}", end="", file=sys.stderr, flush=True)
            return
        folder = str(PurePosixPath(name.split(_BETWEEN)[0]).parent)
        if folder != self._folder:
            self._folder = folder
            print(f"verifying {folder}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take away what stands on a terminal."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def rows_of(report: Report) -> Iterator[Row]:
    """Yield the table's lines about a recording: one for each check, and one for those together
    that are made of whatever is played."""
    label, events = _label(report), f"{report.events:,}"
    checks = [check for check in report.checks if not _is_common(check)]
    common = [check for check in report.checks if _is_common(check)]
    if common:
        made = sum(check.made for check in common)
        checks.append(Check("books", made, made))
    for check in checks:
        name = _name(check, report)
        yield Row(label, events, name, f"{check.made:,}", f"{check.passed:,}", _result(check))
        label = events = ""
    if report.error is not None:
        yield Row(label, events, "read to its end", "1", "0", "FAILED")
    elif not checks:
        yield Row(label, events, "nothing to check", "", "", "")


def _is_common(check: Check) -> bool:
    return check.name in COMMON_CHECKS and check.is_good


def _label(report: Report) -> str:
    """Return what a recording is called in the table: files that are played together share their
    folder, and of a folder it is told how many files are in it."""
    first, *others = report.name.split(_BETWEEN)
    label = _BETWEEN.join((first, *(PurePosixPath(other).name for other in others)))
    count = len(report.files)
    is_folder = count > 1 and not any(file.endswith(first) for file in report.files)
    return f"{label} ({count} files)" if is_folder else label


def _name(check: Check, report: Report) -> str:
    """Return what a check is called in the table: with the file beside, or the figures."""
    if check.name == KNOWN_FIGURES:
        figures = [f"{name} {found}" for name, found in report.known.items()]
        return f"known: {_some_of(figures, _SHOWN_FIGURES)}"
    return f"{check.name}, {PurePosixPath(check.beside).name}" if check.beside else check.name


def _result(check: Check) -> str:
    if check.made == check.passed:
        return "ok"
    return f"{check.passed / check.made:.2%}" if check.is_soft else "FAILED"


def _show(reports: Sequence[Report]) -> None:
    """Print the table, and below it what is wrong."""
    rows = [row for report in reports for row in rows_of(report)]
    if sys.stdout.isatty():
        _show_styled(rows)
    else:
        widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
        for row in (_HEADS, *rows):
            cells = [
                f"{cell:>{width}}" if place in _NUMBERS else f"{cell:{width}}"
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            print("  ".join(cells).rstrip())
    for report in reports:
        for line in details_of(report):
            print(line)


def _show_styled(rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, head in enumerate(_HEADS):
        is_number = place in _NUMBERS
        table.add_column(head, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        style = "bold red" if row.result == "FAILED" else ""
        table.add_row(*(Text(cell, style=style) for cell in row))
    Console().print(table)


def details_of(report: Report) -> Iterator[str]:
    """Yield lines about what is wrong with a recording: why it can't be read, the first difference
    of each check with the book around it, figures that were not reached; and what is noted."""
    found = [f"error: {report.error}"] if report.error is not None else []
    found += [f"figure not reached: {line}" for line in report.missed]
    for check in report.checks:
        if check.difference is not None and not check.is_good:
            found.append(f"first difference, {check.name}: {check.difference.text}")
            found += [f"  {line}" for line in check.difference.book]
    found += [f"note: {note}" for note in report.notes]
    if found:
        yield ""
        yield report.name
        yield from (f"  {line}" for line in found)


def _summary(reports: Sequence[Report], suite: Suite) -> Iterator[str]:
    bad = sum(not report.is_good for report in reports)
    checks = [check for report in reports for check in report.checks]
    made = sum(check.made for check in checks)
    events = sum(report.events for report in reports)
    yield ""
    yield (
        f"{len(reports)} recordings, {events:,} events, {made:,} checks: "
        f"{f'{bad} FAILED' if bad else 'all as they should be'}"
    )
    if suite.missing:
        yield f"not there, and left out: {_some_of(suite.missing)}"
    if suite.left_out:
        yield f"no recordings: {_some_of(suite.left_out)}"


def _some_of(names: Sequence[str], most: int = _SHOWN_NAMES) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
