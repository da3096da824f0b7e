"""The TOML file of `--config`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_origin, get_type_hints

from market_depth.config.feed import FeedConfig
from market_depth.config.options import name_of
from market_depth.config.serve import ServeConfig
from market_depth.errors import ConfigError
from market_depth.toml import read_toml

__all__ = ["read_config_file"]


def read_config_file(
    path: Path, kind: type[FeedConfig] = ServeConfig
) -> dict[str, str | list[str]]:
    """Return the options in a TOML file, by their fields, as the command line would have them.

    Args:
        path: the file.
        kind: whose options there may be.

    Raises:
        ConfigError: if the file can't be read, is no TOML or has an option that there is not.
    """
    content = read_toml(path, dict[str, Any])
    kinds = get_type_hints(kind)
    fields = {
        name_of(hint): field for field, hint in get_type_hints(kind, include_extras=True).items()
    }
    options: dict[str, str | list[str]] = {}
    for key, value in content.items():
        field = fields.get(key.replace("-", "_"))
        if field is None:
            raise ConfigError(f"{path}: unknown option {key!r}")
        values = value if isinstance(value, list) else [value]
        is_switch = kinds[field] is bool
        if not values or any(
            isinstance(one, dict | list) or isinstance(one, bool) is not is_switch for one in values
        ):
            wanted = "true or false" if is_switch else "a plain value"
            raise ConfigError(f"{path}: {key} takes {wanted}, not {value!r}")
        texts = [str(one) for one in values]
        options[field] = texts if get_origin(kinds[field]) is list else ",".join(texts)
    return options
