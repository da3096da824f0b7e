"""The wire contract as an AsyncAPI 3 document, made from the message structs.

Source of the format: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Final, get_args

import msgspec
import yaml

from market_depth import __version__
from market_depth.errors import ErrorCode
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.examples import EXAMPLES
from market_depth.protocol.messages import Response
from market_depth.protocol.requests import Request

__all__ = ["asyncapi_document"]

_REQUESTS: Final = get_args(Request)
_RESPONSES: Final = get_args(Response)
_ANSWERS: Final = {
    "Subscribe": ("Subscribed", "Error"),
    "Unsubscribe": ("Unsubscribed", "Error"),
    "Ping": ("HeartBeat",),
    "ListSymbols": ("Symbols",),
    "ListSubscriptions": ("Subscriptions",),
}
_DESCRIPTION: Final = """\
Order books by price and by order, streamed. One connection carries many streams, each named by the
client's own `stream_id`.

Messages are JSON objects in text frames (subprotocol `market-depth.json`, or none) or the same as
MessagePack in binary frames (`market-depth.msgpack`).

Error codes: {errors}.

Close codes: 1000 to 1009 as RFC 6455 means them; 4408 too slow and 4429 too many, after which a
client may connect again; 4501 bad credentials, after which it should not.
"""


@cache
def asyncapi_document() -> str:
    """Return the document as YAML."""
    errors = ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in ErrorCode)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Market depth",
            "version": __version__,
            "description": _DESCRIPTION.format(errors=errors),
            "license": {"name": "ISC"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8080", "protocol": "ws"}},
        "channels": {
            "depth": {
                "address": "/",
                "messages": {kind.__name__: _message_ref(kind) for kind in _kinds()},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in _kinds()},
            "schemas": _schemas(),
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _kinds() -> tuple[type[msgspec.Struct], ...]:
    return (*_REQUESTS, *_RESPONSES)


def _message_ref(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{kind.__name__}"}


def _on_channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/depth/messages/{name}"}


def _operations() -> dict[str, Any]:
    """Return what a server does: it receives requests, answers them, and sends what happens."""
    channel = {"$ref": "#/channels/depth"}
    operations: dict[str, Any] = {}
    for kind in _REQUESTS:
        name = kind.__name__
        operations[f"receive{name}"] = {
            "action": "receive",
            "channel": channel,
            "summary": _summary(kind),
            "messages": [_on_channel(name)],
            "reply": {
                "channel": channel,
                "messages": [_on_channel(answer) for answer in _ANSWERS[name]],
            },
        }
    told = [
        kind for kind in _RESPONSES if all(kind.__name__ not in one for one in _ANSWERS.values())
    ]
    for kind in told:
        name = kind.__name__
        operations[f"send{name}"] = {
            "action": "send",
            "channel": channel,
            "summary": _summary(kind),
            "messages": [_on_channel(name)],
        }
    return operations


def _message(kind: type[msgspec.Struct]) -> dict[str, Any]:
    name = kind.__name__
    return {
        "name": name,
        "title": name,
        "summary": _summary(kind),
        "description": inspect.getdoc(kind),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [
            {"name": f"{name}{number}", "payload": msgspec.json.decode(encode_json(one))}
            for number, one in enumerate(EXAMPLES, start=1)
            if type(one) is kind
        ],
    }


def _summary(kind: type[msgspec.Struct]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(
        _kinds(), ref_template="#/components/schemas/{name}"
    )
    return {name: _on_the_wire(schema) for name, schema in schemas.items()}


def _on_the_wire(schema: Any) -> Any:
    """Return a schema as messages have it: decimals are numbers, and what tells unions apart is a
    keyword of another kind in AsyncAPI."""
    if isinstance(schema, list):
        return [_on_the_wire(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {name: _on_the_wire(part) for name, part in schema.items() if name != "discriminator"}
