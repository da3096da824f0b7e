"""Answers to plain HTTP requests, and what they are on the wire."""

from __future__ import annotations

import email.utils
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from websockets.datastructures import Headers
from websockets.http11 import Response

from market_depth.errors import RequestError
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.messages import Error
from market_depth.viewer import WebFile

__all__ = ["JSON", "Answer", "failure_answer", "file_answer", "response_of", "text_answer"]

JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """What a page comes to."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Cache-Control", "no-store"),)
    """Those that are this answer's own."""


def text_answer(status: HTTPStatus, text: str) -> Answer:
    """Answer with plain text."""
    return Answer(status, _TEXT, text.encode())


def failure_answer(error: RequestError) -> Answer:
    """Answer with the Error that a WebSocket client would get."""
    body = encode_json(Error(int(error.code), error.message, None))
    return Answer(HTTPStatus(int(error.code)), JSON, body)


def file_answer(file: WebFile, known: Iterable[str]) -> Answer:
    """Answer with a file of the viewer, or with 304 to who has it already.

    Args:
        file: what is asked for.
        known: values of If-None-Match (RFC 9110, section 13.1.2).
    """
    # An ETag has no comma and no quote within its quotes, so it is found in a list as it stands.
    is_known = any(file.etag in value or value.strip() == "*" for value in known)
    status = HTTPStatus.NOT_MODIFIED if is_known else HTTPStatus.OK
    headers = (("ETag", file.etag), ("Cache-Control", "no-cache"), *file.headers)
    return Answer(status, file.content_type, file.body, headers)


def response_of(answer: Answer, *, with_body: bool = True) -> Response:
    """Return an answer as a response, behind which the connection is closed."""
    headers = Headers(
        [
            ("Date", email.utils.formatdate(usegmt=True)),
            ("Connection", "close"),
            ("Access-Control-Allow-Origin", "*"),
            ("X-Content-Type-Options", "nosniff"),
            *answer.headers,
        ]
    )
    has_content = answer.status is not HTTPStatus.NOT_MODIFIED
    if has_content:
        headers["Content-Length"] = str(len(answer.body))
        headers["Content-Type"] = answer.content_type
    body = answer.body if has_content and with_body else b""
    return Response(answer.status.value, answer.status.phrase, headers, body)
