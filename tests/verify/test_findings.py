"""Checks counted, and reports taken together."""

from __future__ import annotations

from market_depth.verify.findings import Check, Difference, Report, merged


def test_the_first_difference_is_kept_and_its_book_asked_for_once() -> None:
    asked = []

    def book() -> list[str]:
        asked.append(1)
        return ["line"]

    check = Check("a")
    check.passes(3)
    check.fails("first", book)
    check.fails("second", book)
    assert (check.made, check.passed, check.is_good) == (5, 3, False)
    assert check.difference == Difference("first", ["line"])
    assert asked == [1]


def test_a_check_is_of_a_name_and_a_file_beside() -> None:
    report = Report("a", ["a"])
    assert report.check("x") is report.check("x")
    assert report.check("x", beside="b") is not report.check("x")
    assert [(one.name, one.beside) for one in report.checks] == [("x", ""), ("x", "b")]


def test_reports_taken_together_are_sums() -> None:
    reports = [
        Report(
            "d/a", ["d/a"], "dbn", 5, [Check("x", 3, 3), Check("y", 1, 1, beside="e")], {"n": 2}
        ),
        Report("d/b", ["d/b"], "dbn", 6, [Check("x", 4, 2, difference=Difference("b"))], {"n": 3}),
        Report("d/c", ["d/c"], "dbn", 7, [Check("x", 1, 0, difference=Difference("c"))], error="e"),
    ]
    whole = merged("d", reports)
    assert (whole.name, whole.files, whole.format) == ("d", ["d/a", "d/b", "d/c"], "dbn")
    assert (whole.events, whole.figures, whole.error) == (18, {"n": 5}, "e")
    x, y = whole.checks
    assert (x.made, x.passed, x.difference) == (8, 5, Difference("b"))
    assert (y.made, y.passed, y.beside) == (1, 1, "")
    assert not whole.is_good
