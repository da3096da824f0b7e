"""The colours of the viewer's style sheets: readable, apart to every eye, the same however chosen.

Contrast is that of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio). Colour blindness
is simulated as by G. M. Machado, M. M. Oliveira, L. A. F. Fernandes: A Physiologically-based Model
for Simulation of Color Vision Deficiency, IEEE TVCG 15(6), 2009: with their matrices of severity
1.0, applied to linear RGB. Distances are those of CIELAB (CIE 15:2004, D65, ΔE*ab); one of 2.3 can
just be noticed.
"""

from __future__ import annotations

import re
from itertools import product
from math import dist

import pytest

from support.page_sources import MODULES, STYLES, WEB, code_of, rules_of

VIEWER = WEB / "viewer" / "viewer.css"
DARK = ((), ":root")
LIGHT = (("@media (prefers-color-scheme: light)",), ':root:not([data-theme="dark"])')
CHOSEN_LIGHT = ((), ':root[data-theme="light"]')
FONTS = {"--mono", "--sans"}
LEAST_CONTRAST = 4.5
"""AA, for text of any size."""
LEAST_DISTANCE = 20.0

Colour = tuple[float, float, float]
"""Red, green and blue of sRGB, 0 to 1."""


def block(place: tuple[tuple[str, ...], str]) -> dict[str, str]:
    """Return the declarations of a theme."""
    (found,) = [rule for rule in rules_of(VIEWER) if (rule.within, rule.selector) == place]
    return {name: value for name, value in found.declarations.items() if name not in FONTS}


def declared(theme: dict[str, str]) -> dict[str, Colour]:
    """Return the colours of a theme by their names, without the dashes."""
    return {name[2:]: colour(value) for name, value in theme.items() if name.startswith("--")}


def colour(text: str) -> Colour:
    assert re.fullmatch(r"#[0-9a-f]{6}", text), text
    red, green, blue = (int(text[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


THEMES = {"dark": declared(block(DARK)), "light": declared(block(CHOSEN_LIGHT))}


# Themes


def test_light_is_the_same_by_choice_and_by_the_system() -> None:
    assert block(LIGHT) == block(CHOSEN_LIGHT)


def test_both_themes_have_the_same_colours() -> None:
    assert list(block(DARK)) == list(block(CHOSEN_LIGHT))
    assert block(DARK)["color-scheme"] == "dark"
    assert block(CHOSEN_LIGHT)["color-scheme"] == "light"


def used_properties() -> set[str]:
    return {name for sheet in STYLES for name in re.findall(r"var\((--[\w-]+)", code_of(sheet))}


def painted_colours() -> set[str]:
    """Return the colours that canvases are painted with."""
    (names,) = re.findall(
        r"const NAMES = .*?\(\[(.*?)\]\)", code_of(WEB / "viewer/shared/theme.js"), re.S
    )
    return set(re.findall(r"'([\w-]+)'", names))


def test_every_custom_property_is_of_both_themes_or_set_where_it_is_used() -> None:
    rules = [rule for sheet in STYLES for rule in rules_of(sheet)]
    in_rules = {
        name
        for rule in rules
        if not rule.selector.startswith(":root")
        for name in rule.declarations
        if name.startswith("--")
    }
    by_script = {
        name for path in MODULES for name in re.findall(r"setProperty\('(--[\w-]+)'", code_of(path))
    }
    themed = {f"--{name}" for name in THEMES["dark"]}
    assert not used_properties() - themed - FONTS - in_rules - by_script
    assert not (in_rules | by_script) - used_properties(), "set, and used by nothing"


def test_canvases_are_painted_with_the_themes_colours() -> None:
    assert painted_colours() <= THEMES["dark"].keys()


def test_every_colour_is_used() -> None:
    used = {name[2:] for name in used_properties()} | painted_colours()
    assert not THEMES["dark"].keys() - used


def test_colours_are_told_by_the_themes_alone() -> None:
    for sheet in STYLES:
        for rule in rules_of(sheet):
            if rule.selector.startswith(":root") or rule.selector.endswith("::backdrop"):
                continue
            for name, value in rule.declarations.items():
                assert not re.search(r"#[0-9a-f]{3}|\b(?:rgb|hsl|oklch|lab)a?\(", value), (
                    f"{sheet.name}: {rule.selector}: {name}: {value}"
                )


# Contrast


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def luminance(one: Colour) -> float:
    red, green, blue = map(linear, one)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: Colour, part: float, other: Colour) -> Colour:
    """Return what `color-mix(in srgb, ...)` makes of two colours; or one painted over another."""
    red, green, blue = (part * a + (1 - part) * b for a, b in zip(one, other, strict=True))
    return red, green, blue


TEXTS = ("text", "text-dim", "bid", "ask", "mid", "warning", "accent")
GROUNDS = ("background", "panel", "raised")
OTHERS = {
    "depth-tools button:hover": ("text", "line"),
    "tape-note": ("background", "warning"),
    "the heatmap's pointer": ("text", "line"),
    "the heatmap's mid": ("background", "mid"),
    "a price in its box, bid": ("panel", "bid"),
    "a price in its box, ask": ("panel", "ask"),
}
"""Text and what it stands on, where that is none of GROUNDS."""
MIXED = {
    "var(--accent) 18%, var(--raised)": ("raised", ("text",)),
    "var(--warning) 20%, var(--raised)": ("raised", ("text", "mid")),
    "var(--text) 7%, transparent": ("panel", ("text", "text-dim", "bid", "ask")),
    "var(--raised) 70%, transparent": ("panel", ("text", "bid", "ask")),
    # What the depth chart has below its readout is at most half a side's colour.
    "var(--panel) 88%, transparent": ("half a side", ("text", "text-dim", "bid", "ask")),
    "var(--side, var(--text-dim)) 30%, transparent": ("panel", ("text",)),
    "var(--side, var(--text)) 9%, transparent": ("panel", ("text", "text-dim", "side")),
}
"""By what a color-mix() is of: what lies below it, and the texts that stand on it."""


def test_the_least_contrast_is_reckoned_as_wcag_does() -> None:
    black, white = colour("#000000"), colour("#ffffff")
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(colour("#767676"), white) == pytest.approx(4.54, abs=0.005)
    assert contrast(white, colour("#777777")) == pytest.approx(4.48, abs=0.005)


def test_texts_have_colours_whose_contrast_is_checked() -> None:
    checked = {*TEXTS, *(text for text, _ in OTHERS.values())}
    for sheet in STYLES:
        for rule in rules_of(sheet):
            if (value := rule.declarations.get("color")) is None:
                continue
            names = re.findall(r"var\(--([\w-]+)", value)
            assert names, f"{sheet.name}: {rule.selector}"
            assert set(names) <= {*checked, "side"}, f"{sheet.name}: {rule.selector}"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground"), [*product(TEXTS, GROUNDS), *OTHERS.values()])
def test_text_is_readable(theme: str, text: str, ground: str) -> None:
    colours = THEMES[theme]
    assert contrast(colours[text], colours[ground]) >= LEAST_CONTRAST


def test_every_mixed_colour_is_checked() -> None:
    found = {
        mix
        for sheet in STYLES
        for mix in re.findall(r"color-mix\(in srgb, (.*?%, (?:var\([^)]*\)|\w+))\)", code_of(sheet))
    }
    assert found == MIXED.keys()
    mixes = "".join(map(code_of, STYLES)).count("color-mix(")
    assert mixes == "".join(map(code_of, STYLES)).count("color-mix(in srgb, ")


def mix_cases() -> list[tuple[str, str, str, str]]:
    """Return (the mix, its side or "", what is below, the text) of all that can be seen."""
    cases = []
    for mix, (below, texts) in MIXED.items():
        sides = ("bid", "ask", "") if "--side" in mix else ("",)
        belows = ("half bid", "half ask") if below == "half a side" else (below,)
        for side, under, text in product(sides, belows, texts):
            if text != "side" or side:
                cases.append((mix, side, under, side if text == "side" else text))
    return cases


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("mix", "side", "below", "text"), mix_cases())
def test_text_is_readable_on_what_is_mixed(
    theme: str, mix: str, side: str, below: str, text: str
) -> None:
    colours = THEMES[theme]
    names = re.findall(r"--([\w-]+)", mix)
    painted = (side or names[1]) if names[0] == "side" else names[0]
    part = int(re.findall(r"(\d+)%", mix)[0]) / 100
    if below.startswith("half "):
        ground = mixed(colours[below.removeprefix("half ")], 0.5, colours["panel"])
    else:
        ground = colours[below]
    assert contrast(colours[text], mixed(colours[painted], part, ground)) >= LEAST_CONTRAST


# Colour blindness

Matrix = tuple[Colour, Colour, Colour]
PROTANOPIA: Matrix = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
DEUTERANOPIA: Matrix = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
TRITANOPIA: Matrix = (
    (1.255528, -0.076749, -0.178779),
    (-0.078411, 0.930809, 0.147602),
    (0.004733, 0.691367, 0.303900),
)
EVERYBODY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
EYES = {
    "everybody": EVERYBODY,
    "protanopia": PROTANOPIA,
    "deuteranopia": DEUTERANOPIA,
    "tritanopia": TRITANOPIA,
}
TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE: Colour = (0.95047, 1.0, 1.08883)


def times(matrix: Matrix, vector: Colour) -> Colour:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def lab(rgb: Colour) -> Colour:
    """Return the CIELAB of a linear RGB."""
    x, y, z = (
        part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in (a / b for a, b in zip(times(TO_XYZ, rgb), WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(one: Colour, eyes: Matrix) -> Colour:
    red, green, blue = (min(max(part, 0.0), 1.0) for part in times(eyes, linear_of(one)))
    return lab((red, green, blue))


def linear_of(one: Colour) -> Colour:
    red, green, blue = map(linear, one)
    return red, green, blue


def test_red_and_green_would_not_do() -> None:
    red, green = colour("#c23b22"), colour("#5f7a1c")
    assert dist(seen(red, EVERYBODY), seen(green, EVERYBODY)) > 60
    assert dist(seen(red, DEUTERANOPIA), seen(green, DEUTERANOPIA)) < LEAST_DISTANCE


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("shade", ["", "-dim", "-soft"])
@pytest.mark.parametrize("theme", THEMES)
def test_bids_and_asks_are_apart_to_every_eye(theme: str, shade: str, eyes: str) -> None:
    bid, ask = (seen(THEMES[theme][f"{name}{shade}"], EYES[eyes]) for name in ("bid", "ask"))
    assert dist(bid, ask) >= LEAST_DISTANCE


def test_white_is_white_to_every_eye() -> None:
    for eyes in EYES.values():
        assert dist(seen((1.0, 1.0, 1.0), eyes), (100, 0, 0)) < 1
