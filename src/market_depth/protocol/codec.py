"""Requests in, answers out, as JSON; and what to tell a client whose request does not parse."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET

from market_depth.errors import ErrorCode, RequestError
from market_depth.protocol.messages import (
    MAX_STREAM_ID_LENGTH,
    UNSUPPORTED_FIELDS,
    Request,
    Response,
    Subscribe,
)

__all__ = ["decode_request", "encode_json", "encode_response"]

_SHOWN_CHARACTERS = 60
_PATH = re.compile(r" - at `\$\.?(.*)`$")

_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decoder = msgspec.json.Decoder(Request)
_encoder = msgspec.json.Encoder()


def encode_response(message: Response) -> bytes:
    """Return *message* as JSON, fields in the order of the wire contract."""
    return _encoder.encode(message)


def encode_json(value: object) -> bytes:
    """Return anything that msgspec knows as JSON."""
    return _encoder.encode(value)


def decode_request(text: bytes | bytearray) -> Request:
    """Return the request that a client sent.

    Raises:
        RequestError: 400, saying which field is wrong and with what value.
    """
    try:
        request: Request = _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _explain(text, str(error)) from None
    except _NOT_JSON as error:
        raise RequestError(ErrorCode.BAD_REQUEST, f"not JSON: {error}") from None
    if isinstance(request, Subscribe):
        for field in UNSUPPORTED_FIELDS:
            if getattr(request, field) is not UNSET:
                raise RequestError(
                    ErrorCode.BAD_REQUEST,
                    f"{field} is not supported by this server",
                    request.stream_id,
                )
    return request


def _explain(text: bytes | bytearray, problem: str) -> RequestError:
    """Turn msgspec's complaint into one that names the value, and find the stream it is about."""
    try:
        request = msgspec.json.decode(text)
    except _NOT_JSON as error:
        return RequestError(ErrorCode.BAD_REQUEST, f"not JSON: {error}")
    if not isinstance(request, dict):
        return RequestError(
            ErrorCode.BAD_REQUEST, f"a request is a JSON object, got {_shown(request)}"
        )
    stream_id = request.get("stream_id")
    if not (isinstance(stream_id, str) and 1 <= len(stream_id) <= MAX_STREAM_ID_LENGTH):
        stream_id = None
    return RequestError(ErrorCode.BAD_REQUEST, _described(request, problem), stream_id)


def _described(request: dict[str, Any], problem: str) -> str:
    if "type" not in request:
        return "type is missing: expected Subscribe, Unsubscribe or Ping"
    for field in ("symbols", *UNSUPPORTED_FIELDS):
        if field in request and request["type"] == "Subscribe":
            return f"{field} is not supported by this server"
    found = _PATH.search(problem)
    field = found.group(1) if found else ""
    complaint = (problem[: found.start()] if found else problem).split(", got ")[0]
    complaint = complaint[0].lower() + complaint[1:].replace("`", "")
    if not field:
        return f"{_shown(request['type'])}: {complaint}"
    if field == "type":
        return f"unknown type {_shown(request['type'])}: expected Subscribe, Unsubscribe or Ping"
    if field == "data_type":
        return f"unknown data_type {_shown(request[field])}: expected MBP or MBO"
    return f"{field}: {complaint}, got {_shown(request.get(field))}"


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
