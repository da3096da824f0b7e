"""What the documents say is so: options and their defaults, messages, files."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import shlex
import sys
from decimal import Decimal
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from market_depth.config import ServeConfig, read_config_file
from market_depth.feeds.formats import FORMATS
from market_depth.protocol.codec import decode_request
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.messages import Response
from market_depth.protocol.requests import Request
from market_depth.server.credentials import Credentials
from market_depth.server.replay import PlaybackState
from market_depth.simulator import load_profiles
from support.documents import ROOT, code_blocks, text_of
from support.follower import Follower
from support.logs import serving_quietly
from support.pages import fetch
from support.process import ServerProcess

_UNSET_DEFAULTS = {
    "feed": "simulator",
    "format": "told by each file",
    "symbols": "all",
    "instruments": "built in",
    "seed": "random",
    "start": "the first event",
    "end": "the last event",
}


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
        if isinstance(default, bool):
            default = "on" if default else "off"
        expected = _UNSET_DEFAULTS.get(field.name, str(default))
        assert rows.get(flag) == expected, flag


@pytest.mark.parametrize("block", code_blocks("docs/protocol.md", "json"))
def test_messages_of_the_contract_are_those_of_the_structs(block: str) -> None:
    message = json.loads(block)
    kind = message["type"]
    if kind in {one.__name__ for one in get_args(Request)}:
        request: Request = decode_request(block.encode())
        assert type(request).__name__ == kind
    else:
        response = msgspec.json.decode(block, type=Response)
        assert type(response).__name__ == kind
        assert json.loads(encode_json(response)) == message


def test_the_worked_examples_of_the_contract_lead_where_it_says() -> None:
    books = {"p": Follower(2, 0, "MBP"), "o": Follower(2, 0, "MBO")}
    for block in code_blocks("docs/protocol.md", "json"):
        message = json.loads(block, parse_float=Decimal)
        if message["type"] in ("MarketData", "MarketDelta") and message["stream_id"] in books:
            books[message["stream_id"]].take(message)
    assert [(book.snapshots, book.deltas, book.checksums) for book in books.values()] == [
        (1, 1, 2),
        (1, 1, 2),
    ]
    (texts,) = code_blocks("docs/protocol.md", "text")
    assert texts.splitlines() == [book.checksum_text() for book in books.values()]


async def test_the_books_of_the_contract_are_kept_and_verified(tmp_path: Path) -> None:
    by_price, by_order = code_blocks("docs/protocol.md", "python")
    async with serving_quietly("--rate=100") as server:
        levels = await _output(by_price, server, tmp_path)
        orders = await _output(by_order, server, tmp_path)
    assert orders.count("resumed None") == orders.count("resumed True") == 1
    for output, pattern in ((levels, r"^(\d+) "), (orders, r"^sequence (\d+)$")):
        sequences = [int(number) for number in re.findall(pattern, output, re.M)]
        assert len(sequences) >= 10
        assert sequences == sorted(set(sequences))


async def _output(code: str, server: ServerProcess, folder: Path) -> str:
    """Run a script of a document against a server, and return what it prints."""
    assert "ws://127.0.0.1:8080" in code
    script = folder / "script.py"
    script.write_text(code.replace("ws://127.0.0.1:8080", server.url))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", str(script), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


def test_every_metric_in_the_code_is_documented() -> None:
    code = (ROOT / "src/market_depth/server/metrics.py").read_text()
    names = re.findall(r'_(?:gauge|counter)\(\s*"(\w+)"|"market_depth_(\w+)"', code)
    text = text_of("docs/options.md")
    assert len(names) > 10
    for plain, full in names:
        assert (plain or full) in text


def test_the_state_of_a_replay_is_documented() -> None:
    (block,) = code_blocks("docs/options.md", "json")
    state = msgspec.json.decode(block, type=PlaybackState)
    assert msgspec.json.encode(state).decode() == block.strip()
    text = text_of("docs/options.md")
    rows = re.findall(r"^\| `(\w+)` \|", text[text.index("## Replay control") :], re.M)
    fields = list(PlaybackState.__struct_fields__)
    assert rows[: len(fields)] == fields


async def test_the_commands_to_a_replay_are_taken() -> None:
    _, commands = code_blocks("docs/options.md", "bash")
    posts = [shlex.split(line, comments=True) for line in commands.splitlines()]
    async with serving_quietly("--replay-control") as server:
        for curl, *flags, url in posts:
            assert [curl, *flags] == ["curl", "-X", "POST"]
            path = url.removeprefix("http://127.0.0.1:8080")
            assert (await fetch(server.port, path, "POST")).status == 200
    assert len(posts) == 4


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda p: p.name
)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", there.read_text(), re.M)
            assert anchor in [title.lower().replace(" ", "-") for title in titles], target


def test_configuration_files_of_the_documents_can_be_read(tmp_path: Path) -> None:
    options, credentials = code_blocks("docs/options.md", "toml")
    path = tmp_path / "file.toml"
    path.write_text(options)
    found = read_config_file(path)
    assert found["symbols"] == "BTCUSD,ETHUSD"
    assert found["feed"] == ["BTC.jsonl.gz", "ES.mbo.dbn.zst"]
    assert found["strict"] == "True"
    path.write_text(credentials)
    client = Credentials(path).client("a long random text")
    assert client is not None
    assert client.may_see("BTCEUR")
    (instruments,) = code_blocks("docs/simulator.md", "toml")
    path.write_text(instruments)
    assert list(load_profiles(path)) == ["XAUUSD"]


def test_the_feed_of_ones_own_is_the_example() -> None:
    (block,) = code_blocks("docs/feeds.md", "python")
    assert block.strip() == (ROOT / "examples/own_feed.py").read_text().strip()
    assert len(block.splitlines()) < 50


def test_every_format_is_documented() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", text_of("docs/feeds.md"), re.M)
    documented = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert {one.name for one in FORMATS} <= documented


def test_architecture_names_every_room() -> None:
    text = text_of("ARCHITECTURE.md")
    for room in (ROOT / "src/market_depth").iterdir():
        if room.is_dir() and room.name != "__pycache__":
            assert f"`{room.name}/`" in text
