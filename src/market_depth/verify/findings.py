"""What verifying a recording finds: checks made and passed, and the first difference of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

__all__ = ["Check", "Difference", "Report", "merged"]


class Difference(msgspec.Struct, frozen=True):
    """Something that is not as it should be."""

    text: str
    """In one line: where, what is there, and what should be."""
    book: list[str] = []
    """The book around it, a line a level; empty where there is none to show."""


class Check(msgspec.Struct):
    """One kind of check over a whole recording."""

    name: str
    made: int = 0
    passed: int = 0
    is_soft: bool = False
    """Whether some may fail, as what is compared can't agree everywhere."""
    beside: str = ""
    """The file that is compared with, if there is one."""
    difference: Difference | None = None
    """The first."""

    @property
    def is_good(self) -> bool:
        """Whether nothing has failed that may not."""
        return self.is_soft or self.made == self.passed

    def passes(self, count: int = 1) -> None:
        """Count checks that hold."""
        self.made += count
        self.passed += count

    def fails(self, text: str, book: Callable[[], Sequence[str]] | None = None) -> None:
        """Count a check that does not hold.

        Args:
            text: where, what is there, and what should be.
            book: returns the book around it; called for the first difference only.
        """
        self.made += 1
        if self.difference is None:
            self.difference = Difference(text, list(book()) if book is not None else [])


class Report(msgspec.Struct):
    """All that has been found of one recording."""

    name: str
    files: list[str]
    format: str = ""
    events: int = 0
    checks: list[Check] = []
    figures: dict[str, float] = {}
    """What else can be held against figures that are known: counts, and shares of 1."""
    known: dict[str, str] = {}
    """Figures that are known of the recording, as they were found."""
    notes: list[str] = []
    """What a reader should know, and what could not be checked."""
    missed: list[str] = []
    """Figures that are known of the recording and have not been reached, a line each."""
    error: str | None = None
    """Why it could not be read (any further)."""

    @property
    def is_good(self) -> bool:
        """Whether it was read to its end, with all checks passed and all known figures reached."""
        return self.error is None and not self.missed and all(one.is_good for one in self.checks)

    def check(self, name: str, *, beside: str = "", is_soft: bool = False) -> Check:
        """Return the check of a name (and of a file beside), begun if need be."""
        for one in self.checks:
            if one.name == name and one.beside == beside:
                return one
        self.checks.append(Check(name, is_soft=is_soft, beside=beside))
        return self.checks[-1]

    def count(self, figure: str, by: int = 1) -> None:
        """Add to a figure."""
        self.figures[figure] = int(self.figures.get(figure, 0)) + by


def merged(name: str, reports: Sequence[Report]) -> Report:
    """Return what has been found of several recordings as of one."""
    whole = Report(name, [file for one in reports for file in one.files], reports[0].format)
    for one in reports:
        whole.events += one.events
        for figure, value in one.figures.items():
            whole.figures[figure] = whole.figures.get(figure, 0) + value
        for check in one.checks:
            sum_of = whole.check(check.name, is_soft=check.is_soft)
            sum_of.made += check.made
            sum_of.passed += check.passed
            sum_of.difference = sum_of.difference or check.difference
        whole.missed += one.missed
        whole.error = whole.error or one.error
    return whole
