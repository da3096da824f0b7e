"""TOML files of the user: read as a type, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from market_depth.errors import ConfigError
from market_depth.toml import read_toml
from support.errors import one_line_error


class Content(Struct, forbid_unknown_fields=True):
    name: str
    count: int = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.toml"


def test_a_file_is_read_as_the_type_asked_for(path: Path) -> None:
    path.write_text('name = "é"\n', encoding="utf-8")
    assert read_toml(path, Content) == Content("é", 5)
    assert read_toml(path, dict[str, Any]) == {"name": "é"}


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "name"),
        (b"name = 5", "name"),
        (b'name = "x"\ncount = "many"', "count"),
        (b'name = "x"\ncolour = 1', "colour"),
        (b"name = ", "some.toml"),
        (b'name = "x"\nname = "y"', "some.toml"),
        (b'name = "\xff"', "UTF-8"),
        (b"\x00", "some.toml"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(path: Path, data: bytes, named: str) -> None:
    path.write_bytes(data)
    with one_line_error(ConfigError, str(path), named):
        read_toml(path, Content)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "directory")])
def test_what_can_not_be_read_is_told_with_the_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    with one_line_error(ConfigError, f"can't read {tmp_path / name}", reason):
        read_toml(tmp_path / name, Content)
