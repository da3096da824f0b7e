"""What the names of styles look like: bids blue, asks orange, which the colour-blind tell apart."""

from __future__ import annotations

from typing import Final

from rich.style import Style

__all__ = ["BACKGROUND", "STYLES"]

BACKGROUND: Final = "#0b0f14"
_SIDES: Final = {
    "bid": {
        "bright": "#79c0ff",
        "text": "#58a6ff",
        "bar": "#2f6fb5",
        "flash": "#173f6d",
        "ages": ("#b6dcff", "#6cb6ff", "#3d8fd9", "#2a66a6", "#1f4a78"),
    },
    "ask": {
        "bright": "#ffb061",
        "text": "#f0933e",
        "bar": "#b5651d",
        "flash": "#653a12",
        "ages": ("#ffdcb0", "#ffab52", "#d9822b", "#a55f1c", "#774415"),
    },
}
STYLES: Final[dict[str, Style]] = {
    "text": Style(color="#c9d1d9"),
    "strong": Style(color="#f0f6fc", bold=True),
    "muted": Style(color="#8b949e"),
    "title": Style(color="#8b949e"),
    "key": Style(color="#f0f6fc", bold=True),
    "good": Style(color="#56d4dd"),
    "warning": Style(color="#f2cc60", bold=True),
    "alarm": Style(color="#0b0f14", bgcolor="#f2cc60", bold=True),
    "mid": Style(color="#c9d1d9", bgcolor="#1b222c"),
    "mid.price": Style(color="#f0f6fc", bgcolor="#1b222c", bold=True),
    "tab": Style(color="#8b949e", bgcolor="#161b22"),
    "tab.key": Style(color="#c9d1d9", bgcolor="#161b22", bold=True),
    "tab.on": Style(color="#f0f6fc", bgcolor="#30435c", bold=True),
    "tab.key.on": Style(color="#f2cc60", bgcolor="#30435c", bold=True),
    "spark": Style(color="#8bb8e8"),
    "imbalance": Style(color="#58a6ff", bgcolor="#b5651d"),
}


def _side_styles(side: str) -> dict[str, Style]:
    colours = _SIDES[side]
    styles = {
        side: Style(color=str(colours["text"])),
        f"{side}.title": Style(color=str(colours["text"])),
        f"{side}.price": Style(color=str(colours["text"])),
        f"{side}.best": Style(color=str(colours["bright"]), bold=True),
        f"{side}.size": Style(color="#dde5ee"),
        f"{side}.flash": Style(color="#ffffff", bgcolor=str(colours["flash"]), bold=True),
        f"{side}.bar": Style(color=str(colours["bar"])),
        f"{side}.edge": Style(color=str(colours["bar"]), reverse=True),
    }
    for age, colour in enumerate(colours["ages"]):
        styles[f"{side}.age{age}"] = Style(color=colour)
        styles[f"{side}.age{age}.edge"] = Style(color=colour, reverse=True)
    return styles


STYLES.update(_side_styles("bid"))
STYLES.update(_side_styles("ask"))
