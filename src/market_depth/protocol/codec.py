"""Requests in; and what to tell a client whose request does not parse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

import msgspec

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import (
    MAX_ID_LENGTH,
    MAX_STREAM_ID_LENGTH,
    Mode,
    Request,
    RequestId,
    Subscribe,
)

__all__ = ["decode_request"]

_SHOWN_CHARACTERS = 60
_PATH = re.compile(r" - at `\$\.?(.*)`$")
_TYPES: Final = [kind.__name__ for kind in get_args(Request)]
_CHOICES: Final = {
    "data_type": [one.value for one in DataType],
    "mode": [one.value for one in Mode],
    "type": _TYPES,
}


class _Codec(NamedTuple):
    """One encoding, to be decoded."""

    name: str
    request: Callable[[bytes | bytearray], Any]
    anything: Callable[[bytes | bytearray], Any]


_JSON: Final = _Codec("JSON", msgspec.json.Decoder(Request).decode, msgspec.json.Decoder().decode)
_MSGPACK: Final = _Codec(
    "MessagePack", msgspec.msgpack.Decoder(Request).decode, msgspec.msgpack.Decoder().decode
)
_NOT_DECODED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def decode_request(text: bytes | bytearray, *, is_binary: bool = False) -> Request:
    """Return the request that a client sent, as JSON, or as MessagePack if it is binary.

    Raises:
        RequestError: 400, saying which field is wrong and with what value.
    """
    codec = _MSGPACK if is_binary else _JSON
    try:
        request: Request = codec.request(text)
    except msgspec.ValidationError as error:
        raise _explain(codec, text, str(error)) from None
    except _NOT_DECODED as error:
        raise RequestError(ErrorCode.BAD_REQUEST, f"not {codec.name}: {error}") from None
    if isinstance(request, Subscribe) and (request.symbol is None) is (request.symbols is None):
        is_missing = request.symbol is None
        found = "symbol is missing" if is_missing else "symbol and symbols are both there"
        problem = f"{found}: expected either symbol or symbols"
        raise RequestError(ErrorCode.BAD_REQUEST, problem, request.stream_id, request.id)
    return request


def _explain(codec: _Codec, text: bytes | bytearray, problem: str) -> RequestError:
    """Turn msgspec's complaint into one that names the value, and find the stream it is about."""
    try:
        request = codec.anything(text)
    except _NOT_DECODED as error:
        return RequestError(ErrorCode.BAD_REQUEST, f"not {codec.name}: {error}")
    if not isinstance(request, dict):
        return RequestError(
            ErrorCode.BAD_REQUEST, f"a request is a {codec.name} object, got {_shown(request)}"
        )
    return RequestError(
        ErrorCode.BAD_REQUEST,
        _described(request, problem),
        _text(request.get("stream_id"), 1, MAX_STREAM_ID_LENGTH),
        _request_id(request.get("id")),
    )


def _text(value: object, least: int, most: int) -> str | None:
    return value if isinstance(value, str) and least <= len(value) <= most else None


def _request_id(value: object) -> RequestId | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -(2**63) <= value < 2**63 else None
    return _text(value, 0, MAX_ID_LENGTH)


def _described(request: dict[Any, Any], problem: str) -> str:
    expected = ", ".join(_TYPES[:-1]) + f" or {_TYPES[-1]}"
    if "type" not in request:
        return f"type is missing: expected {expected}"
    found = _PATH.search(problem)
    field = found.group(1) if found else ""
    complaint = (problem[: found.start()] if found else problem).split(", got ")[0]
    complaint = complaint[0].lower() + complaint[1:].replace("`", "")
    if not field:
        return f"{_shown(request['type'])}: {complaint}"
    if field in _CHOICES and field in request:
        *first, last = _CHOICES[field]
        choice = f"{', '.join(first)} or {last}"
        return f"unknown {field} {_shown(request[field])}: expected {choice}"
    return f"{field}: {complaint}, got {_shown(_at(request, field))}"


def _at(request: object, path: str) -> object:
    """Return the value at a path such as `resume.sequence`, as far as it leads."""
    for name in re.split(r"[.\[]", path):
        if not isinstance(request, dict) or name not in request:
            return request if isinstance(request, list) else None
        request = request[name]
    return request


def _shown(value: object) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError):  # MessagePack has values that JSON has not
        text = f"a value of kind {type(value).__name__}"
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
