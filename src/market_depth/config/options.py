"""How an option is described: one field, from which its flag, variable and check follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from market_depth.errors import ConfigError

__all__ = ["checked_by", "name_of", "option"]

_PREFIX: Final = "MARKET_DEPTH_"


def checked_by(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Return a Typer callback that lets through what *parse* can read."""

    def check(text: str) -> str:
        try:
            parse(text)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None
        return text

    return check


def option(name: str, text: str, *short: str, is_switch: bool = False, **settings: Any) -> Any:
    """Describe one option; its flag and its environment variable follow from its name.

    Args:
        name: as the field's, or as the flag is to be.
        text: for --help.
        short: more flags.
        is_switch: whether it takes no value, but has a flag that turns it off again.
        settings: see `typer.Option`.
    """
    words = name.replace("_", "-")
    flag = f"--{words}/--no-{words}" if is_switch else f"--{words}"
    return typer.Option(
        flag, *short, help=text, envvar=_PREFIX + name.upper(), show_envvar=False, **settings
    )


def name_of(hint: Any) -> str:
    """Return the name of the option that a field's annotation describes, as `option` takes it."""
    (described,) = hint.__metadata__
    return str(described.envvar).removeprefix(_PREFIX).lower()
