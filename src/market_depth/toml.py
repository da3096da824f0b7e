"""TOML files of the user: read, checked against a type, and explained in one line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from market_depth.errors import ConfigError

__all__ = ["read_toml"]

Content = TypeVar("Content")


def read_toml(path: Path, content: type[Content]) -> Content:
    """Return what a file holds, as *content*.

    Raises:
        ConfigError: if the file can't be read, is no TOML or is not of that type.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=content)
    except OSError as error:
        raise ConfigError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
