"""The page is whole, nothing of it is left over, and it speaks to nobody but its server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from support.page_sources import (
    MODULES,
    STYLES,
    WEB,
    code_of,
    imports_of,
    page_tags,
    reached_from,
    rules_of,
    text_of,
    type_imports_of,
)

PAGE = WEB / "index.html"
MAIN = WEB / "viewer" / "main.js"
PUBLIC = {path for path in MODULES if path.parent == WEB}
"""What others may import from the server."""
FILES = sorted(path for path in WEB.rglob("*") if path.is_file())
SVG = "http://www.w3.org/2000/svg"


def served(path: Path) -> str:
    """Return the path under which a file is served."""
    return f"/{path.relative_to(WEB).as_posix()}"


def each(paths: Iterable[Path]) -> list[Any]:
    return [pytest.param(path, id=served(path)[1:]) for path in paths]


# Modules


@pytest.mark.parametrize("module", each(MODULES))
def test_what_a_module_names_is_there(module: Path) -> None:
    for named in imports_of(module) + type_imports_of(module):
        assert named in MODULES, f"{served(module)} names {named}"


def test_every_module_is_loaded_by_the_page_or_is_for_others() -> None:
    left_over = set(MODULES) - reached_from(MAIN) - PUBLIC
    assert not left_over, f"nobody loads {sorted(map(served, left_over))}"
    assert all(path.name.startswith("depth-") for path in PUBLIC)


def test_what_is_for_others_does_without_the_viewer() -> None:
    for module in PUBLIC:
        assert reached_from(module) <= PUBLIC, served(module)


def test_the_page_loads_all_modules_at_once() -> None:
    """Otherwise each step of a chain of imports is a round trip of its own."""
    wanted = [served(path) for path in sorted(reached_from(MAIN) - {MAIN})]
    found = [
        tag.attributes["href"]
        for tag in page_tags()
        if tag.name == "link" and tag.attributes["rel"] == "modulepreload"
    ]
    lines = "\n".join(f'    <link rel="modulepreload" href="{path}" />' for path in wanted)
    assert found == wanted, f"index.html should have, before the script:\n{lines}"


def test_the_page_has_the_elements_that_its_modules_look_for() -> None:
    there = {tag.attributes["id"] for tag in page_tags() if "id" in tag.attributes}
    for module in MODULES:
        looked_for = re.findall(r"\b(?:byId|getElementById)\('([^']+)'\)", code_of(module))
        assert set(looked_for) <= there, served(module)


# Nobody else


@pytest.mark.parametrize("path", each(FILES))
def test_no_file_names_another_host(path: Path) -> None:
    text = text_of(path).replace(f'xmlns="{SVG}"', "")
    assert not re.findall(r"https?:(?:\\?/){2}[^'\"`\s]*", text, re.IGNORECASE)
    assert not re.findall(r"""["'`(=]\s*//[\w.-]+""", text), "a URL without a scheme"


@pytest.mark.parametrize("sheet", each(STYLES))
def test_style_sheets_load_nothing(sheet: Path) -> None:
    assert not re.findall(r"url\(|image-set\(|@import|@font-face", code_of(sheet))


FORBIDDEN = {
    "text becomes code": r"\beval\(|\bFunction\(|\bset(?:Timeout|Interval)\(\s*['\"`]|javascript:",
    "text becomes markup": r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|createContextualFragment|"
    r"setHTMLUnsafe|parseFromString|srcdoc|document\.write",
    "style or handler as an attribute": r"etAttribute\(\s*['\"`](?:style|on\w+)['\"`]|"
    r"\bstyle: ['\"`]|['\"`]on[a-z]+['\"`]:|cssText",
    "a request": r"\bfetch\(|XMLHttpRequest|EventSource|sendBeacon|\bWorker\(|importScripts|"
    r"WebTransport|RTCPeerConnection|\bimport\(",
}


@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("module", each(MODULES))
def test_modules_do_without(module: Path, what: str) -> None:
    assert not re.findall(FORBIDDEN[what], code_of(module)), what


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("text becomes code", "eval(x)"),
        ("text becomes code", "setTimeout('x()', 1)"),
        ("text becomes markup", "host.innerHTML = text"),
        ("text becomes markup", "document.write(text)"),
        ("style or handler as an attribute", "made.setAttribute('style', text)"),
        ("style or handler as an attribute", "element('p', { style: 'color: red' })"),
        ("style or handler as an attribute", "element('p', { 'onclick': 'run()' })"),
        ("a request", "await fetch('/api/symbols')"),
        ("a request", "await import(name)"),
    ],
)
def test_what_is_forbidden_is_found(what: str, code: str) -> None:
    assert re.findall(FORBIDDEN[what], code)


def test_one_module_opens_connections() -> None:
    opening = [served(path) for path in MODULES if "new WebSocket(" in code_of(path)]
    assert opening == ["/depth-connection.js"]


def test_the_page_has_no_code_and_no_style_of_its_own() -> None:
    for name, attributes, text in page_tags():
        assert name not in ("style", "base", "iframe", "object", "embed")
        assert not [one for one in attributes if one == "style" or one.startswith("on")]
        if name == "script":
            assert (attributes, text) == ({"type": "module", "src": served(MAIN)}, "")


def test_what_the_page_links_to_is_there() -> None:
    there = {served(path) for path in FILES}
    for tag in page_tags():
        for name in ("href", "src", "action", "data", "poster"):
            assert tag.attributes.get(name, served(MAIN)) in there


def test_every_style_sheet_is_linked() -> None:
    links = [tag.attributes for tag in page_tags() if tag.name == "link"]
    linked = {link["href"] for link in links if link["rel"] == "stylesheet"}
    assert linked == {served(path) for path in STYLES}


# Classes

CLASS = re.compile(
    r"\bclass: ('[^']*'|`[^`]*`|[\w.]+)"
    r"|\bclassName = ('[^']*'|`[^`]*`|[\w.]+)"
    r"|\bclassList\.\w+\((('[^']*'|`[^`]*`|[\w.]+)(?:, '[^']*')*)"
    r"|\bquerySelector(?:All)?\(('[^']*')"
)
CELLS = "bid-total bid-orders bid-size bid-bar price ask-bar ask-size ask-orders ask-total"
VIEWS = "view view-ladder view-heatmap view-depth view-timeline view-tape"
COMPUTED = {
    ("viewer/ladder/cells.js", "name"): CELLS,
    ("viewer/panel/panel.js", "`view view-${name}`"): VIEWS,
    (
        "viewer/tape/tape.js",
        "`tape-${text.toLowerCase()}`",
    ): "tape-time tape-side tape-price tape-size",
    ("viewer/depth/readout.js", "`${name} depth-action`"): "depth-value depth-mirror depth-action",
    ("viewer/depth/readout.js", "kind"): "depth-value depth-mirror",
}
"""Class names that a module puts together: the names, by where and how it does so."""
UNSTYLED = {
    "bid-bar": "a cell that takes the width that is left; what it shows is painted",
    "ask-bar": "as bid-bar",
    "depth-head": "tells the head of the readout from its rows",
}
"""Classes that no style sheet knows, and why they are there."""


def place_of(module: Path) -> str:
    """Return where a module lies, from the folder of all."""
    return module.relative_to(WEB).as_posix()


def classes_of(module: Path) -> set[str]:
    """Return the classes that a module gives to elements or looks for."""
    found: set[str] = set()
    for groups in CLASS.findall(code_of(module)):
        told = next(filter(None, groups))
        if told.startswith(("'", "`")) and "${" not in told:
            found.update(re.findall(r"[\w-]+", told))
        else:
            key = (place_of(module), told)
            assert key in COMPUTED, f"what classes are {told} in {key[0]}? Add it to COMPUTED"
            found.update(COMPUTED[key].split())
    return found


def styled_classes() -> set[str]:
    selectors = [rule.selector for sheet in STYLES for rule in rules_of(sheet)]
    return {name for selector in selectors for name in re.findall(r"\.([A-Za-z][\w-]*)", selector)}


def given_classes() -> set[str]:
    in_page = {name for tag in page_tags() for name in tag.attributes.get("class", "").split()}
    return in_page.union(*map(classes_of, MODULES))


def test_every_class_that_is_styled_is_given_to_something() -> None:
    assert not styled_classes() - given_classes()


def test_every_class_that_is_given_is_styled() -> None:
    assert given_classes() - styled_classes() == set(UNSTYLED)


def test_computed_classes_are_still_computed() -> None:
    for name, told in COMPUTED:
        (module,) = [path for path in MODULES if place_of(path) == name]
        assert re.search(rf"class: {re.escape(told)}", code_of(module)), (name, told)
