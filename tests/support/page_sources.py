"""The viewer's files as text: its modules and what they import, the rules of its style sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, NamedTuple

import market_depth.viewer

__all__ = [
    "MODULES",
    "STYLES",
    "WEB",
    "Rule",
    "Tag",
    "code_of",
    "imports_of",
    "page_tags",
    "reached_from",
    "rules_of",
    "text_of",
    "type_imports_of",
]

WEB: Final = Path(market_depth.viewer.__file__).with_name("web")
MODULES: Final = tuple(sorted(WEB.rglob("*.js")))
STYLES: Final = tuple(sorted(WEB.rglob("*.css")))

_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$|(?<=[\s;])// .*?$", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(
    r"^(?:import|export)\b[^;]*?\bfrom '([^']+)';|^import '([^']+)';", re.MULTILINE
)
_TYPE_IMPORT = re.compile(r"\bimport\('([^']+)'\)")
_WHITE = re.compile(r"\s+")


@cache
def text_of(path: Path) -> str:
    """Return a file's text."""
    return path.read_text("utf-8")


@cache
def code_of(path: Path) -> str:
    """Return what a module or a style sheet says outside of its comments."""
    return _COMMENT.sub("", text_of(path))


def imports_of(module: Path) -> list[Path]:
    """Return the files that a module loads."""
    found = _IMPORT.findall(code_of(module))
    return [(module.parent / (named or bare)).resolve() for named, bare in found]


def type_imports_of(module: Path) -> list[Path]:
    """Return the files whose types a module's comments name."""
    found = _TYPE_IMPORT.findall(text_of(module))
    return [(module.parent / name).resolve() for name in found]


def reached_from(module: Path) -> set[Path]:
    """Return a module and all that it loads, directly or not."""
    found: set[Path] = set()
    ahead = [module]
    while ahead:
        if (one := ahead.pop()) not in found:
            found.add(one)
            ahead += imports_of(one)
    return found


class Tag(NamedTuple):
    """An element of the page."""

    name: str
    attributes: dict[str, str]
    text: str
    """What it has before its first child."""


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tag] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(Tag(tag, {name: value or "" for name, value in attrs}, ""))

    def handle_data(self, data: str) -> None:
        if self.found and not self.found[-1].text:
            self.found[-1] = self.found[-1]._replace(text=data.strip())


def page_tags() -> list[Tag]:
    """Return the elements of index.html, in order."""
    parser = _Tags()
    parser.feed(text_of(WEB / "index.html"))
    return parser.found


class Rule(NamedTuple):
    """A rule of a style sheet."""

    within: tuple[str, ...]
    """The at-rules around it, such as "@media (pointer: coarse)"."""
    selector: str
    declarations: dict[str, str]


@cache
def rules_of(sheet: Path) -> tuple[Rule, ...]:
    """Return the rules of a style sheet, in order."""
    return tuple(_rules(code_of(sheet), ()))


def _rules(text: str, within: tuple[str, ...]) -> Iterator[Rule]:
    at = 0
    while (begin := text.find("{", at)) >= 0:
        head = _WHITE.sub(" ", text[at:begin]).strip()
        end = _end_of(text, begin)
        body = text[begin + 1 : end]
        if head.startswith("@"):
            yield from _rules(body, (*within, head))
        else:
            yield Rule(within, head, dict(_declarations(body)))
        at = end + 1
    assert not text[at:].strip(), f"not a rule: {text[at:]!r}"


def _end_of(text: str, begin: int) -> int:
    depth = 0
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ValueError(f"a block that does not end: {text[begin : begin + 60]!r}")


def _declarations(body: str) -> Iterator[tuple[str, str]]:
    for declaration in filter(str.strip, body.split(";")):
        name, value = declaration.split(":", 1)
        yield name.strip(), _WHITE.sub(" ", value).strip()
