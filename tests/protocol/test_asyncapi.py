"""The AsyncAPI document: valid by the official parser, and all there is to the contract."""

from __future__ import annotations

import subprocess
from typing import Any, get_args

import msgspec
import pytest
import yaml

from market_depth.errors import ErrorCode
from market_depth.protocol.asyncapi import CLOSE_CODES, asyncapi_document
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.examples import EXAMPLES
from market_depth.protocol.messages import Response
from market_depth.protocol.requests import Request
from market_depth.server.handler import (
    BAD_CREDENTIALS,
    ENCODINGS,
    GOING_AWAY,
    INVALID_DATA,
    TOO_MANY,
)
from market_depth.server.session import POLICY_VIOLATION, SLOW_CONSUMER
from support.documents import ROOT
from support.logs import serving_quietly
from support.node import NODE
from support.pages import fetch

VALIDATOR = ROOT / "tests" / "npm" / "asyncapi.mjs"
KINDS = [*get_args(Request), *get_args(Response)]


def validated(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NODE, VALIDATOR], input=text, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_document_is_valid() -> None:
    found = validated(asyncapi_document())
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("action: receive", "action: perceive"),
        ("#/components/schemas/Subscribed", "#/components/schemas/Prescribed"),
        ("trade_number: 41", "trade_number: many"),
        ("timestamp: '2025-09-16T04", "timestamp: '2025-09-16 at 4"),
    ],
)
def test_a_wrong_document_or_example_is_not(part: str, changed: str) -> None:
    assert part in asyncapi_document()
    found = validated(asyncapi_document().replace(part, changed))
    assert found.returncode == 1, found.stdout + found.stderr
    assert not found.stderr


def document() -> dict[str, Any]:
    loaded = yaml.safe_load(asyncapi_document())
    assert isinstance(loaded, dict)
    return loaded


def test_every_message_is_in_it_with_an_example() -> None:
    messages = document()["components"]["messages"]
    assert list(messages) == [kind.__name__ for kind in KINDS]
    for name, message in messages.items():
        assert message["examples"], name
        assert message["summary"], name


def test_every_message_is_received_or_sent() -> None:
    operations = document()["operations"].values()
    told = [one["messages"] for one in operations]
    told += [one["reply"]["messages"] for one in operations if "reply" in one]
    names = {message["$ref"].rpartition("/")[2] for messages in told for message in messages}
    assert names == {kind.__name__ for kind in KINDS}


def test_every_field_of_every_message_is_in_it() -> None:
    schemas = document()["components"]["schemas"]
    for kind in KINDS:
        properties = schemas[kind.__name__]["properties"]
        assert list(properties) == ["type", *kind.__struct_fields__]
        assert properties["type"] == {"type": "string", "const": kind.__name__}


def test_fields_are_described_as_in_the_source() -> None:
    schemas = document()["components"]["schemas"]
    described = schemas["Trade"]["properties"]["trade_number"]["description"]
    assert described == "Counts the symbol's trades without gaps."
    assert "- `MBO` Market by order: a row per order.\n" in schemas["DataType"]["description"]


def test_numbers_of_the_wire_are_numbers() -> None:
    schemas = document()["components"]["schemas"]
    for kind, field in [
        ("MbpLevel", "price"),
        ("MboChange", "quantity"),
        ("Subscribed", "tick_size"),
    ]:
        assert schemas[kind]["properties"][field] == {"type": "number"}


def test_every_code_is_described() -> None:
    code = document()["components"]["schemas"]["Error"]["properties"]["code"]
    assert code["enum"] == [one.value for one in ErrorCode]
    channel = document()["channels"]["depth"]
    used = {SLOW_CONSUMER, POLICY_VIOLATION, GOING_AWAY, INVALID_DATA, TOO_MANY, BAD_CREDENTIALS}
    assert used < set(CLOSE_CODES)
    for part, numbers in ((code, code["enum"]), (channel, CLOSE_CODES)):
        assert all(f"- `{number}` " in part["description"] for number in numbers)


def test_both_encodings_can_be_asked_for() -> None:
    headers = document()["channels"]["depth"]["bindings"]["ws"]["headers"]["properties"]
    assert headers["Sec-WebSocket-Protocol"]["enum"] == list(ENCODINGS)


async def test_a_server_shows_it() -> None:
    async with serving_quietly() as server:
        page = await fetch(server.port, "/asyncapi.yaml")
    assert (page.status, page.headers["content-type"]) == (200, "application/yaml")
    assert page.body == asyncapi_document()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: type(one).__name__)
def test_an_example_is_what_its_struct_says(example: Any) -> None:
    either = Request if isinstance(example, get_args(Request)) else Response
    assert msgspec.json.decode(encode_json(example), type=either) == example
