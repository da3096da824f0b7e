"""The viewer's modules that need no page: what Node.js's own test runner finds in `modules/`."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.documents import ROOT
from support.node import NODE

FOLDER = ROOT / "tests" / "viewer" / "modules"
FILES = sorted(FOLDER.glob("*.test.mjs"))
NAMED = re.compile(r"^test\(\s*'(.+)',", re.MULTILINE)


def names(path: Path) -> list[str]:
    """Return the names of a file's tests, in order."""
    return NAMED.findall(path.read_text("utf-8"))


@cache
def outcomes(path: Path) -> dict[str, str]:
    """Run a file; return what went wrong by the name of each test, "" if nothing did."""
    command: list[str | Path] = [NODE, "--test-reporter=junit", path]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, check=False)
    assert not run.stderr, run.stderr
    cases = ElementTree.fromstring(run.stdout).iter("testcase")
    return {case.attrib["name"]: told(case) for case in cases}


def told(case: ElementTree.Element) -> str:
    failure = case.find("failure")
    return "" if failure is None else f"{failure.attrib['message']}\n{failure.text}"


def test_every_file_has_tests_and_all_of_them_are_run() -> None:
    assert len(FILES) >= 6
    for path in FILES:
        assert names(path)
        assert list(outcomes(path)) == names(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(path, name, id=f"{path.name.removesuffix('.test.mjs')}: {name}")
        for path in FILES
        for name in names(path)
    ],
)
def test_in_node(path: Path, name: str) -> None:
    problem = outcomes(path)[name]
    assert not problem, problem
