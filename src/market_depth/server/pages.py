"""What plain HTTP requests on the WebSocket port get."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, unquote

from msgspec import Raw
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from websockets.http11 import Request, Response

from market_depth.errors import ErrorCode, RequestError, quoted
from market_depth.events import BookStatus
from market_depth.logs import get_logger, new_reference
from market_depth.protocol.encoders import encode_json
from market_depth.protocol.messages import DataType
from market_depth.protocol.requests import DEFAULT_MAX_LEVELS
from market_depth.protocol.times import format_timestamp
from market_depth.server.answers import (
    JSON,
    Answer,
    failure_answer,
    file_answer,
    response_of,
    text_answer,
)
from market_depth.server.credentials import Client
from market_depth.server.metrics import Metrics
from market_depth.server.replay import REPLAY_PATH, Playback, command, require_local
from market_depth.streams import StreamManager
from market_depth.viewer import web_files

__all__ = ["Pages", "split_path"]

log = get_logger()

_YAML = "application/yaml"
_DEPTH = "/api/depth/"
_METHODS = ("GET", "HEAD")
_COMMAND_METHODS = ("POST",)
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")

_INDEX = """Market depth server

WebSocket    this address, with any path
/            the viewer, in a browser
/healthz     the process lives
/readyz      the feeds are live
/metrics     Prometheus metrics
/api/symbols what there is to subscribe to
/api/depth/SYMBOL?data_type=MBP&max_levels=20   one snapshot
/api/replay  how far the market that is played has come
/asyncapi.yaml   the messages, as AsyncAPI 3
"""


def split_path(target: str) -> tuple[str, str]:
    """Return (path, query) of a request's target, which may be anything."""
    path, _, query = target.partition("?")
    scheme, separator, rest = path.partition("://")
    if scheme and separator and "/" not in scheme:  # the absolute form, RFC 9112, section 3.2.2
        path = f"/{rest.partition('/')[2]}"
    return path, query


class Pages:
    """The HTTP side of a server.

    Args:
        manager: the streams, and the books behind them.
        metrics: what /metrics shows.
        playback: what is played.
        may_control: whether /api/replay takes commands.
    """

    def __init__(
        self, manager: StreamManager, metrics: Metrics, playback: Playback, *, may_control: bool
    ) -> None:
        self._manager = manager
        self._metrics = metrics
        self._playback = playback
        self._may_control = may_control
        self._files = web_files()
        self._open: dict[str, Callable[[], Answer]] = {
            "/healthz": _healthz,
            "/readyz": self._readyz,
            "/metrics": self._prometheus,
            "/asyncapi.yaml": _asyncapi,
        }

    def respond(self, request: Request, client: Client | None, address: str) -> Response:
        """Return the response to a plain HTTP request.

        Args:
            request: what is asked for.
            client: who asks, `None` if he is unknown.
            address: from where.
        """
        path, query = split_path(request.path)
        is_command = path.startswith(f"{REPLAY_PATH}/")
        methods = _COMMAND_METHODS if is_command else _METHODS
        if request.method not in methods:
            text = f"only {methods[0]} is answered\n"
            response = response_of(text_answer(HTTPStatus.METHOD_NOT_ALLOWED, text))
            response.headers["Allow"] = ", ".join(methods)
            return response
        try:
            if is_command:
                answer = self._control(request, client, address)
            else:
                answer = self._answer(path, query, request, client)
        except Exception:
            reference = new_reference()
            log.exception("page failed", path=path, reference=reference)
            error = RequestError(ErrorCode.INTERNAL, f"internal error, reference {reference}")
            answer = failure_answer(error)
        return response_of(answer, with_body=request.method != "HEAD")

    def bad_request(self, problem: str) -> Response:
        """Return the response to what is no request that this server can read."""
        return response_of(text_answer(HTTPStatus.BAD_REQUEST, f"bad request: {problem}\n"))

    def _answer(self, path: str, query: str, request: Request, client: Client | None) -> Answer:
        file = self._files.get(path)
        if file is not None:
            return file_answer(file, request.headers.get_all("If-None-Match"))
        page = self._open.get(path)
        if page is not None:
            return page()
        if path.startswith("/api/"):
            return self._api(path, query, client)
        return text_answer(HTTPStatus.NOT_FOUND, f"no page {path}\n\n{_INDEX}")

    def _api(self, path: str, query: str, client: Client | None) -> Answer:
        try:
            if client is None:
                raise RequestError(ErrorCode.UNAUTHORIZED, "no or wrong credentials")
            if path == "/api/symbols":
                return self._symbols(client)
            if path.startswith(_DEPTH):
                return self._depth(unquote(path[len(_DEPTH) :]), query, client)
            if path == REPLAY_PATH:
                return self._replay()
            raise RequestError(ErrorCode.NOT_FOUND, f"no page {path}")
        except RequestError as error:
            return failure_answer(error)

    def _symbols(self, client: Client) -> Answer:
        symbols = [info for info in self._manager.symbols() if client.may_see(info.symbol)]
        return Answer(HTTPStatus.OK, JSON, encode_json({"symbols": symbols}))

    def _depth(self, symbol: str, query: str, client: Client) -> Answer:
        if not client.may_see(symbol):
            raise RequestError(ErrorCode.FORBIDDEN, f"no entitlement for symbol {quoted(symbol)}")
        fields = {name: values[-1] for name, values in parse_qs(query).items()}
        data_type = _data_type(fields.get("data_type", DataType.MBP.value))
        levels = _levels(fields.get("max_levels", str(DEFAULT_MAX_LEVELS)))
        wall_ns = time.time_ns()
        sequence, data = self._manager.snapshot(symbol, data_type, levels, wall_ns)
        body = {
            "symbol": symbol,
            "sequence": sequence,
            "timestamp": format_timestamp(wall_ns),
            "data": Raw(data),
        }
        return Answer(HTTPStatus.OK, JSON, encode_json(body))

    def _replay(self) -> Answer:
        return Answer(HTTPStatus.OK, JSON, encode_json(self._playback.state()))

    def _control(self, request: Request, client: Client | None, address: str) -> Answer:
        """Answer a POST that wants something of the replay."""
        path, query = split_path(request.path)
        try:
            if client is None:
                raise RequestError(ErrorCode.UNAUTHORIZED, "no or wrong credentials")
            if not self._may_control:
                raise RequestError(
                    ErrorCode.FORBIDDEN, "this server was started without --replay-control"
                )
            require_local(address, request.headers)
            arguments = parse_qs(query.replace("+", "%2B")).get("to")
            argument = arguments[-1] if arguments else None
            command(self._playback, path.removeprefix(f"{REPLAY_PATH}/"), argument)
        except RequestError as error:
            return failure_answer(error)
        return self._replay()

    def _readyz(self) -> Answer:
        statuses = [entry.status.status for entry in self._manager.market]
        has_begun = any(status is not BookStatus.WAITING for status in statuses)
        is_ready = has_begun and BookStatus.STALE not in statuses
        counts = {status.label: statuses.count(status) for status in BookStatus}
        body = encode_json({"ready": is_ready, "symbols": counts})
        return Answer(HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE, JSON, body)

    def _prometheus(self) -> Answer:
        return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._metrics.registry))


def _healthz() -> Answer:
    return text_answer(HTTPStatus.OK, "ok\n")


def _asyncapi() -> Answer:
    from market_depth.protocol.asyncapi import asyncapi_document  # and YAML: rarely wanted

    return Answer(HTTPStatus.OK, _YAML, asyncapi_document().encode())


def _data_type(text: str) -> DataType:
    try:
        return DataType(text)
    except ValueError:
        raise RequestError(
            ErrorCode.BAD_REQUEST, f"unknown data_type {text!r}: expected MBP or MBO"
        ) from None


def _levels(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise RequestError(
            ErrorCode.BAD_REQUEST, f"max_levels: expected a whole number, got {text[:40]!r}"
        )
    return int(text)
