"""What the documents say is so: options and their defaults, messages, files."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import msgspec
import pytest

from market_depth.config import ServeConfig, read_config_file
from market_depth.protocol.codec import decode_request
from market_depth.protocol.messages import Request, Response
from market_depth.server.credentials import Credentials
from market_depth.simulator import load_profiles
from support.documents import ROOT, code_blocks, text_of

_UNSET_DEFAULTS = {"symbols": "all", "instruments": "built in", "seed": "random"}


def test_every_option_is_documented_with_its_default() -> None:
    rows = dict(
        re.findall(r"^\| `(--[\w-]+)`[^|]*\| `?([^|`]+?)`? \|", text_of("docs/options.md"), re.M)
    )
    text = text_of("docs/options.md")
    for field in dataclasses.fields(ServeConfig):
        flag = f"--{field.name.replace('_', '-')}"
        if field.name == "credentials":
            assert flag in text
            continue
        default = getattr(field.default, "value", field.default)
        expected = _UNSET_DEFAULTS.get(field.name, str(default))
        assert rows.get(flag) == expected, flag


@pytest.mark.parametrize("block", code_blocks("docs/protocol.md", "json"))
def test_messages_of_the_contract_are_those_of_the_structs(block: str) -> None:
    message = json.loads(block)
    kind = message["type"]
    if kind in {"Subscribe", "Unsubscribe", "Ping"}:
        request: Request = decode_request(block.encode())
        assert type(request).__name__ == kind
    else:
        response = msgspec.json.decode(block, type=Response)
        assert type(response).__name__ == kind
        assert json.loads(msgspec.json.encode(response)) == message


def test_every_metric_in_the_code_is_documented() -> None:
    code = (ROOT / "src/market_depth/server/metrics.py").read_text()
    names = re.findall(r'_(?:gauge|counter)\(\s*"(\w+)"|"market_depth_(\w+)"', code)
    text = text_of("docs/options.md")
    assert len(names) > 10
    for plain, full in names:
        assert (plain or full) in text


def test_configuration_files_of_the_documents_can_be_read(tmp_path: Path) -> None:
    options, credentials = code_blocks("docs/options.md", "toml")
    path = tmp_path / "file.toml"
    path.write_text(options)
    assert read_config_file(path)["symbols"] == "BTCUSD,ETHUSD"
    path.write_text(credentials)
    client = Credentials(path).client("a long random text")
    assert client is not None
    assert client.may_see("BTCEUR")
    (instruments,) = code_blocks("docs/simulator.md", "toml")
    path.write_text(instruments)
    assert list(load_profiles(path)) == ["XAUUSD"]


def test_architecture_names_every_room() -> None:
    text = text_of("ARCHITECTURE.md")
    for room in (ROOT / "src/market_depth").iterdir():
        if room.is_dir() and room.name != "__pycache__":
            assert f"`{room.name}/`" in text
