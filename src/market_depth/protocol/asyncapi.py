"""The wire contract as an AsyncAPI 3 document, made from the message structs.

Source of the format: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import ast
import inspect
import re
from enum import Enum
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any, Final, TypeAlias, get_args

import msgspec
import yaml

from market_depth import __version__
from market_depth.errors import ErrorCode
from market_depth.protocol import messages, requests
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.examples import EXAMPLES

__all__ = ["CLOSE_CODES", "asyncapi_document"]

Kind: TypeAlias = type[msgspec.Struct]

CLOSE_CODES: Final = {
    1000: "the client's own, answered",
    1001: "the server stops, as Shutdown has told; connect again",
    1002: "the client broke the rules of WebSocket, or of its compression",
    1007: "a text that is not UTF-8",
    1008: "too many requests, and no end of them when they were refused",
    1009: "a request over the size limit",
    4408: "too slow: messages were left unread, or a ping without an answer; connect again",
    4429: "too many connections; connect again later",
    4501: "no or wrong credentials; do not connect again with the same",
}
"""What a server closes with: after 4400 to 4499 a client may connect again, after 4500 to 4599 it
must not."""

_ERROR_CODES: Final = {
    ErrorCode.BAD_REQUEST: "no request that can be read, or fields that are wrong",
    ErrorCode.UNAUTHORIZED: "no or wrong credentials; close 4501 follows",
    ErrorCode.FORBIDDEN: "a symbol that the client is not entitled to",
    ErrorCode.NOT_FOUND: "an unknown symbol or stream",
    ErrorCode.CONFLICT: "the `stream_id` is in use on this connection",
    ErrorCode.TOO_LARGE: "a request over the size limit; close 1009 follows",
    ErrorCode.TOO_MANY: "too many requests, streams or connections",
    ErrorCode.INTERNAL: "the server's own fault; its log has the reference in `message`",
    ErrorCode.UNAVAILABLE: "the symbol's feed is down, or its book can't be trusted",
}

_ABOUT: Final = """\
Order books by price and by order, best bids and offers, and trades. One connection carries many
streams, each named by the client's own `stream_id`.

A message is a JSON object in a text frame, or the same as MessagePack in a binary frame: what the
connection speaks is settled by its WebSocket subprotocol, `market-depth.json` (the default) or
`market-depth.msgpack`. In MessagePack, prices and quantities are the doubles nearest to their
decimals.

A field of Subscribe that is left out opts into nothing: the stream then has none of the fields that
belong to it. Fields that may be left out may also be null. Unknown ones are ignored.
"""

_SUBPROTOCOLS: Final = ("market-depth.json", "market-depth.msgpack")
_HANDSHAKE: Final = {
    "method": "GET",
    "query": {
        "type": "object",
        "properties": {
            "token": {
                "type": "string",
                "description": "The credentials, for clients that can set no header.",
            }
        },
    },
    "headers": {
        "type": "object",
        "properties": {
            "Authorization": {
                "type": "string",
                "description": "`Bearer TOKEN`, where the server wants credentials.",
            },
            "Sec-WebSocket-Protocol": {
                "type": "string",
                "enum": list(_SUBPROTOCOLS),
                "default": _SUBPROTOCOLS[0],
                "description": "How messages are encoded: JSON in text frames, or MessagePack in "
                "binary ones.",
            },
        },
    },
    "bindingVersion": "0.1.0",
}

_REQUESTS: Final[tuple[Kind, ...]] = get_args(requests.Request)
_RESPONSES: Final[tuple[Kind, ...]] = get_args(messages.Response)
_ANSWERS: Final[dict[Kind, Kind]] = {
    requests.Subscribe: messages.Subscribed,
    requests.Unsubscribe: messages.Unsubscribed,
    requests.Ping: messages.HeartBeat,
    requests.ListSymbols: messages.Symbols,
    requests.ListSubscriptions: messages.Subscriptions,
}
"""What a request is answered by, if not by an Error."""
_ONLY_ANSWERS: Final = set(_ANSWERS.values()) - {messages.HeartBeat}

_CHANNEL: Final = {"$ref": "#/channels/depth"}
_NUMBER: Final = {"type": "number"}
_INTEGER: Final = {"type": "integer"}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and nothing as a reference to an equal part."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represented)


@cache
def asyncapi_document() -> str:
    """Return the document as YAML."""
    kinds = (*_REQUESTS, *_RESPONSES)
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Market depth",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "ISC", "url": "https://spdx.org/licenses/ISC.html"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "127.0.0.1:8080",
                "protocol": "ws",
                "description": "Where a server listens that is not told otherwise.",
            }
        },
        "channels": {
            "depth": {
                "address": "/",
                "title": "All messages",
                "description": f"Close codes:\n\n{_listed(CLOSE_CODES)}",
                "messages": {kind.__name__: _ref("messages", kind) for kind in kinds},
                "bindings": {"ws": _HANDSHAKE},
            }
        },
        "operations": _operations(),
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in kinds},
            "schemas": _schemas(kinds),
            "correlationIds": {
                "request": {
                    "description": "The `id` of a request, which its answer repeats.",
                    "location": "$message.payload#/id",
                }
            },
        },
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _ref(section: str, kind: Kind) -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{kind.__name__}"}


def _listed(meanings: dict[Any, str]) -> str:
    return "".join(f"- `{code}` {meaning}\n" for code, meaning in meanings.items())


def _operations() -> dict[str, Any]:
    """Return what a server does: it receives requests, answers them, and sends what happens."""
    operations: dict[str, Any] = {}
    for request, answer in _ANSWERS.items():
        operations[f"receive{request.__name__}"] = {
            **_operation("receive", request),
            "reply": {
                "channel": _CHANNEL,
                "messages": [_on_channel(answer), _on_channel(messages.Error)],
            },
        }
    for kind in _RESPONSES:
        if kind not in _ONLY_ANSWERS:
            operations[f"send{kind.__name__}"] = _operation("send", kind)
    return operations


def _operation(action: str, kind: Kind) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _CHANNEL,
        "summary": _summary(kind),
        "messages": [_on_channel(kind)],
    }


def _on_channel(kind: Kind) -> dict[str, str]:
    return {"$ref": f"{_CHANNEL['$ref']}/messages/{kind.__name__}"}


def _summary(kind: Kind) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _message(kind: Kind) -> dict[str, Any]:
    name = kind.__name__
    message: dict[str, Any] = {
        "name": name,
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name),
        "summary": _summary(kind),
        "contentType": "application/json",
        "payload": _ref("schemas", kind),
        "examples": [{"payload": _payload(one)} for one in EXAMPLES if type(one) is kind],
    }
    if "id" in kind.__struct_fields__:
        message["correlationId"] = {"$ref": "#/components/correlationIds/request"}
    return message


def _payload(example: msgspec.Struct) -> dict[str, Any]:
    """Return an example as it is on the wire; of a request, without what is left out."""
    payload: dict[str, Any] = msgspec.json.decode(encode_json(example))
    if isinstance(example, _REQUESTS):
        return {name: value for name, value in payload.items() if value is not None}
    return payload


def _schemas(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    schemas = {name: _on_the_wire(schema) for name, schema in components.items()}
    for module in (requests, messages):
        for name, docs in _docs_of(module).items():
            if name in schemas:
                _describe(schemas[name], docs, getattr(module, name))
    schemas["Error"]["properties"]["code"] = {
        "type": "integer",
        "enum": [code.value for code in _ERROR_CODES],
        "description": _listed({code.value: text for code, text in _ERROR_CODES.items()}),
    }
    return schemas


def _on_the_wire(schema: Any) -> Any:
    """Return a schema as messages have it, in AsyncAPI's terms: decimals are numbers, an enum of
    one is a constant, and what tells unions apart is those constants."""
    if isinstance(schema, list):
        return [_on_the_wire(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: _on_the_wire(part) for name, part in schema.items() if name != "discriminator"}
    if parts.get("format") == "decimal":
        return _NUMBER
    if "anyOf" in parts and all(part in (_NUMBER, _INTEGER) for part in parts["anyOf"]):
        return _NUMBER
    choices = parts.get("enum")
    if isinstance(choices, list):
        parts["type"] = "string"
        if len(choices) == 1:
            parts["const"] = parts.pop("enum")[0]
    if isinstance(parts.get("description"), str):
        parts["description"] = inspect.cleandoc(parts["description"])
    return parts


def _docs_of(module: ModuleType) -> dict[str, dict[str, str]]:
    """Return what is written below fields and members, by class and name."""
    return {
        node.name: {
            ast.unparse(field.targets[0] if isinstance(field, ast.Assign) else field.target): (
                " ".join(text.value.value.split())
            )
            for field, text in pairwise(node.body)
            if isinstance(field, ast.Assign | ast.AnnAssign)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef)
    }


def _describe(schema: dict[str, Any], docs: dict[str, str], kind: type[Any]) -> None:
    """Add what is written of fields, or of an enum's members, to a schema."""
    if issubclass(kind, Enum):
        listed = _listed({kind[name].value: doc for name, doc in docs.items()})
        schema["description"] = f"{schema['description']}\n\n{listed}"
        return
    for name, field in schema["properties"].items():
        if name in docs:
            field["description"] = docs[name]
        if name.endswith("timestamp"):
            for part in field.get("anyOf", [field]):
                if part["type"] == "string":
                    part["format"] = "date-time"
